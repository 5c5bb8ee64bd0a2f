"""What takes the place of a language model's activations: an SAE's reconstruction, and what it is compared with.

Every splice gets the rows of kept places, in the host's units, and gives as many back. Controls have the SAE's own k:
so many principal components, neurons or random directions are left of a row, whichever fit it best.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from analysis.run.hosts._host import LanguageHost
from sae.control_codes import Untrained, untrained
from sae.evaluations.downstream_loss import TokenLosses, token_losses
from sae.layer import Layer
from sae.records import Codes

Splice = Callable[[Float[Tensor, "rows width"]], Float[Tensor, "rows width"]]
# Contexts that the host reads at once: logits of 49,152 tokens at 8 x 128 places are 200 MB.
AT_ONCE = 8
# By their names in the tables.
CONTROLS = {
    "pca": "pca", "neurons": "neurons", "random_dictionary": "random", "matched_dictionary": "matched",
}  # fmt: skip


@dataclass(frozen=True)
class Contexts:
    """Contexts of one split, with the places whose rows count."""

    tokens: Int[Tensor, "contexts places"]
    numbers: Int[Tensor, " contexts"]
    """Which contexts of the data set they are."""
    kept: Bool[Tensor, "contexts places"]

    def batches(self, size: int = AT_ONCE) -> Iterator[Contexts]:
        """A few at a time."""
        for start in range(0, len(self.tokens), size):
            part = slice(start, start + size)
            yield Contexts(self.tokens[part], self.numbers[part], self.kept[part])


def contexts(
    tokens: Int[Tensor, "all places"], numbers: Int[Tensor, " all"], rows: Int[Tensor, " rows"], most: int
) -> Contexts:
    """At most `most` contexts, evenly spaced, of those that have rows at all.

    `rows` are the ids of the rows that were kept of all contexts: number * places + place.
    """
    places = tokens.shape[1]
    kept = (
        torch.zeros(int(numbers.max()) + 1, places, dtype=torch.bool) if len(numbers) else torch.zeros(0, places).bool()
    )
    kept.view(-1)[rows] = True
    there = kept[numbers].any(1).nonzero().flatten()
    chosen = there[torch.linspace(0, len(there) - 1, min(most, len(there))).round().long()] if len(there) else there
    return Contexts(tokens[chosen], numbers[chosen], kept[numbers[chosen]])


def of_layer(layer: Layer) -> Splice:
    """The SAE's own reconstruction."""
    return lambda rows: layer.decode(layer.encode(rows))


def controls(train: Float[Tensor, "rows width"], n_latents: int, seed: int) -> dict[str, Untrained]:
    """Dictionaries that nobody trained, with as many directions as the SAE has latents, named as in the tables."""
    return {name: untrained(kind, train, max(1, n_latents // 2), seed) for name, kind in CONTROLS.items()}


def of_control(control: Untrained, k: int) -> Splice:
    """What k of a dictionary's directions give back."""
    return lambda rows: control.decode(control.encode(rows, k))


def strongest(control: Untrained, k: int) -> Callable[[Float[Tensor, "rows width"]], Codes]:
    """Codes of the k of a dictionary's directions that lie most along a row: those of a TopK SAE that nobody trained.
    Of an orthonormal basis they are the same as by matching pursuit, which for others takes k times as long."""

    def encode(rows: Tensor) -> Codes:
        along = (rows - control.centre) @ control.basis.T
        chosen = along.abs().topk(min(k, along.shape[1]), dim=1).indices
        weights = along.gather(1, chosen)
        return Codes(weights.abs(), 2 * chosen + (weights < 0), control.n_latents)

    return encode


def spliced(
    rows: Float[Tensor, "contexts places width"], kept: Bool[Tensor, "contexts places"], splice: Splice
) -> Float[Tensor, "contexts places width"]:
    """The activations with what `splice` gives at kept places, and the host's own elsewhere."""
    changed = rows.clone()
    changed[kept] = splice(rows[kept]).to(rows.dtype)
    return changed


@torch.no_grad()
def losses(
    host: LanguageHost,
    hook: str,
    given: Contexts,
    splices: Mapping[str, Splice],
    mean: Float[Tensor, " width"],
    observe: Callable[[str, Tensor, Tensor], None] = lambda name, rows, back: None,
) -> Iterator[dict[str, TokenLosses]]:
    """For a few contexts at a time, the losses with each splice, beside those of zero- and of mean-ablation.

    `observe` hears of every splice's rows and what it made of them.
    """
    for part in given.batches():
        rows = host.read(part.tokens, hook)
        clean, zero, middle = (
            host.go_on(part.tokens, changed, hook)
            for changed in (
                rows,
                spliced(rows, part.kept, torch.zeros_like),
                spliced(rows, part.kept, lambda given: mean.expand_as(given)),
            )
        )
        found = {}
        for name, splice in splices.items():
            changed = spliced(rows, part.kept, splice)
            observe(name, rows[part.kept], changed[part.kept])
            logits = host.go_on(part.tokens, changed, hook)
            found[name] = token_losses(part.tokens, part.kept, clean, logits, zero, middle)
        yield found

"""N2G: what makes a latent fire, as patterns of tokens that anyone can check, and how well they foretell it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from sae.errors import InputError
from sae.evaluations._given import numbers, whole
from sae.evaluations._patterns import Pattern, matches, trie
from sae.values import real, says_itself
from sae.values import whole as whole_number

Activation = Callable[[Int[Tensor, "contexts places"]], Float[Tensor, "contexts places"]]
"""What one latent is at each place of contexts; of a host that reads from left to right."""
# Lengths of suffixes that are tried at once: most are short, and all at once would be waste.
LENGTHS = 4


@dataclass(frozen=True)
class Prediction:
    """Foretold places against those at which the latent fires, counted over held-out text."""

    both: int
    foretold: int
    fires: int
    places: int

    @property
    def precision(self) -> float | None:
        """Share of the foretold places at which it fires; None where none is foretold."""
        return self.both / self.foretold if self.foretold else None

    @property
    def recall(self) -> float | None:
        """Share of the places where it fires that are foretold; None where it never fires."""
        return self.both / self.fires if self.fires else None


@dataclass(frozen=True)
class Graph:
    """What `neuron_to_graph` found of one latent."""

    patterns: tuple[Pattern, ...]
    """Different ones, in the order of the examples; None is any token."""
    left_out: int
    """Examples of which no suffix within `longest` keeps half of the activation: no pattern is made of them."""
    score: Prediction
    """Of the patterns, on held-out contexts."""
    tokens: tuple[int, ...]
    """The baseline's patterns, as many: the tokens at which it fires most often in the examples' contexts."""
    by_tokens: Prediction
    """Of these tokens by themselves: what a pattern has to beat."""
    shuffled_precision: float | None
    """The expected precision of the patterns where firing is dealt out anew over the held-out places: its density."""
    shuffled_recall: float | None
    """The expected recall there: the share of places that are foretold. None where nothing fires."""


@says_itself
def neuron_to_graph(
    activation: Activation,
    contexts: Int[Tensor, "examples places"],
    places: Int[Tensor, " examples"],
    held_out: Int[Tensor, "contexts places"],
    *,
    replacements: tuple[int, ...],
    prefix: tuple[int, ...] = (),
    longest: int = 16,
    keeps: float = 0.5,
    saliency: float = 0.5,
    fires_above: float = 0.0,
    scored: Bool[Tensor, "contexts places"] | None = None,
) -> Graph:
    """Patterns of a latent from examples at whose `places` it fires (Foote et al. 2023, arXiv 2305.19911, in the
    variant of Gao et al. 2024, arXiv 2406.04093, section 4.3, but that no pattern hangs on an absolute position).

    Of each example: the shortest suffix, ending at the place, that keeps the share `keeps` of the activation. Then each
    of its tokens is replaced by each of `replacements` (such as a padding token, or some drawn at random), one at a
    time; its saliency is 1 - mean activation / that of the suffix, and where it is below `saliency` any token will do.
    Leading wildcards stay: something has to stand there. Where each token by itself can be spared, since another does
    in its place, the last one is kept: a pattern of wildcards alone would foretell every place.

    `prefix` is put before every suffix: a host whose first place is an attention sink needs a token there that counts
    for nothing. `scored` marks the held-out places that count (None: all). A latent fires above `fires_above`.

    Passes of the host: per example at most `longest` suffixes and length * len(replacements) contexts, none longer than
    prefix + longest. Raises InputError for shapes that do not fit, no example, no replacement, an example at whose
    place the latent does not fire; NumericError for NaN and infinity.
    """
    contexts, held_out = (whole(name, given, "contexts", "places") for name, given in
                          (("contexts", contexts), ("held-out contexts", held_out)))  # fmt: skip
    places = whole("places", places, len(contexts), most=contexts.shape[1] - 1)
    longest = whole_number("longest", longest, 1)
    keeps, saliency = real("keeps", keeps, above=0, most=1), real("saliency", saliency, least=0, most=1)
    fires_above = real("fires_above", fires_above, least=0)
    if not len(contexts) or not replacements:
        raise InputError(f"{len(contexts)} examples and {len(replacements)} replacements, expected one or more of each")
    ask = _Asked(activation, tuple(prefix))
    own = ask.whole(contexts)
    peaks = own.gather(1, places[:, None])[:, 0]
    if not bool((peaks > fires_above).all()):
        example = int((peaks <= fires_above).nonzero()[0])
        raise InputError(
            f"example {example}: the latent is {float(peaks[example]):g} there, expected above {fires_above}"
        )
    texts = [row[: place + 1] for row, place in zip(contexts.tolist(), places.tolist(), strict=True)]
    suffixes = _suffixes(ask, texts, peaks.tolist(), longest, keeps)
    found = [(suffix, strength) for suffix, strength in suffixes if suffix]
    patterns = tuple(dict.fromkeys(_wild(ask, found, replacements, saliency)))
    counts = Counter(contexts[own > fires_above].tolist())
    tokens = tuple(token for token, _ in counts.most_common(len(patterns)))
    counted = torch.ones(held_out.shape, dtype=torch.bool, device=held_out.device) if scored is None else scored
    fires = (ask.whole(held_out) > fires_above) & counted
    score = _compare(matches(trie(patterns), held_out) & counted, fires, counted)
    return Graph(
        patterns=patterns,
        left_out=len(suffixes) - len(found),
        score=score,
        tokens=tokens,
        by_tokens=_compare(matches(trie((token,) for token in tokens), held_out) & counted, fires, counted),
        shuffled_precision=score.fires / score.places if score.foretold else None,
        shuffled_recall=score.foretold / score.places if score.fires else None,
    )


@dataclass(frozen=True)
class _Asked:
    """The activation, of whole contexts and of texts by themselves."""

    activation: Activation
    prefix: tuple[int, ...]

    def whole(self, contexts: Tensor) -> Tensor:
        """At every place."""
        with torch.no_grad():
            found: Tensor = self.activation(contexts)
        return numbers("what activation gives", found, *contexts.shape)

    def at_ends(self, texts: list[tuple[int, ...]]) -> list[float]:
        """At the last token of each text. What stands behind it, to make them equally long, is not read by then."""
        if not texts:
            return []
        longest = max(map(len, texts))
        padded = [[*self.prefix, *text, *[text[-1]] * (longest - len(text))] for text in texts]
        ends = torch.tensor([len(self.prefix) + len(text) - 1 for text in texts], dtype=torch.int64, device="cpu")
        values = self.whole(torch.tensor(padded, dtype=torch.int64, device="cpu"))
        at_ends: list[float] = values.gather(1, ends.to(values.device)[:, None])[:, 0].tolist()
        return at_ends


def _suffixes(
    ask: _Asked, texts: list[list[int]], peaks: list[float], longest: int, keeps: float
) -> list[tuple[tuple[int, ...], float]]:
    """The shortest suffix of each text that keeps enough, with its activation; an empty one where none does."""
    found: list[tuple[tuple[int, ...], float]] = [((), 0.0)] * len(texts)
    for shortest in range(1, longest + 1, LENGTHS):
        lengths = range(shortest, min(shortest + LENGTHS, longest + 1))
        tried = [
            (example, tuple(text[-length:]))
            for example, text in enumerate(texts)
            if not found[example][0]
            for length in lengths
            if length <= len(text)
        ]
        for (example, suffix), strength in zip(tried, ask.at_ends([suffix for _, suffix in tried]), strict=True):
            if not found[example][0] and strength >= keeps * peaks[example]:
                found[example] = (suffix, strength)
    return found


def _wild(
    ask: _Asked, found: list[tuple[tuple[int, ...], float]], replacements: tuple[int, ...], saliency: float
) -> list[Pattern]:
    """Suffixes with a wildcard where a token's saliency is small."""
    variants = [
        (*suffix[:at], token, *suffix[at + 1 :])
        for suffix, _ in found
        for at in range(len(suffix))
        for token in replacements
    ]
    values = iter(ask.at_ends(variants))
    patterns: list[Pattern] = []
    for suffix, strength in found:
        kept = [sum(next(values) for _ in replacements) / len(replacements) for _ in suffix]
        # saliency = 1 - kept / strength, without the division
        needed = [strength - left >= saliency * strength for left in kept]
        needed[-1] |= not any(needed)
        patterns.append(tuple(token if need else None for token, need in zip(suffix, needed, strict=True)))
    return patterns


def _compare(foretold: Tensor, fires: Tensor, counted: Tensor) -> Prediction:
    return Prediction(int((foretold & fires).sum()), int(foretold.sum()), int(fires.sum()), int(counted.sum()))

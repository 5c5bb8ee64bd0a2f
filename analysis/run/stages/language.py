"""Stage `language`: what the SAE of depth 1 is worth to the language model that it was trained on.

Evaluations of Gao et al. (arXiv 2406.04093, section 4), each beside what it means nothing without: principal
components, neurons and a random dictionary at the same k. How each is computed stands in `sae.evaluations`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch

from analysis.plan.edges import ACTIVATIONS, HOST, Role
from analysis.plan.stage_configs import ActivationsStage, LanguageStage
from analysis.run.activations import SPLITS, ActivationStore
from analysis.run.datasets._dataset import Dataset
from analysis.run.hosts._followed import Followed
from analysis.run.hosts._host import LanguageHost
from analysis.run.language.concepts import FEWEST, Coder, absorbed, perturbed, samples
from analysis.run.language.latents import ablations, drawn, patterns, read, read_stored
from analysis.run.language.probing import questions
from analysis.run.language.scores import Reader, ablated, foretold, probed
from analysis.run.language.splices import Contexts, Splice, contexts, controls, losses, of_control, of_layer, strongest
from analysis.run.stages._load import STOPPED, examples_of, load_host, load_store
from analysis.run.stages._tables import Tables
from analysis.run.text.kinds import LETTERS, WORD_KINDS, first_letter, word_kind
from sae.checkpoint import load_layer
from sae.control_codes import Untrained
from sae.errors import ConfigError
from sae.evaluations._estimate import Estimate
from sae.evaluations.compute_equivalent_loss import Curve, compute_equivalent_loss
from sae.evaluations.downstream_loss import SplicedLoss, TokenLosses, downstream_loss
from sae.evaluations.normalised_mse import Reconstruction, normalised_mse
from sae.layer import Layer
from sae.seeding import derived, stream

# Rows that controls are fitted on.
FITTED = 8000
# Dictionaries whose directions stand in for latents where a few are taken away.
TAKEN_OF = ("neurons", "matched_dictionary")
# Contexts of the training split that patterns are made of, and the places after an ablation whose logits are looked at
# (half of a shorter context).
MADE_OF, AFTER = 256, 16
OWN = "own"
"""The SAE itself, beside its controls."""


@dataclass(frozen=True)
class Evaluated:
    """What the evaluations of one SAE share."""

    tables: Tables
    kind: str
    config: LanguageStage
    host: LanguageHost
    hook: str
    dataset: Dataset
    store: ActivationStore
    layer: Layer
    train: torch.Tensor
    """Training rows that controls are fitted on."""

    @cached_property
    def k(self) -> int:
        """Active latents a row, as controls have them."""
        return max(1, round(self.layer.encode(self.train).l0()))

    @cached_property
    def untrained(self) -> dict[str, Untrained]:
        """The controls of the trained host; none beside a random one."""
        if self.config.control != "none":
            return {}
        return controls(self.train, self.layer.sae.n_latents, derived(self.config.seed, "controls"))

    @cached_property
    def rows(self) -> dict[str, torch.Tensor]:
        """All rows of either split, read once."""
        return {split: self.store.rows(split) for split in SPLITS}

    @cached_property
    def ids(self) -> dict[str, torch.Tensor]:
        """Their ids."""
        return {split: self.store.ids(split) for split in SPLITS}

    @cached_property
    def mean(self) -> torch.Tensor:
        """Of the training rows."""
        return self.train.mean(0)

    def value(self, measure: str, value: float, n: int, control: str = "") -> None:
        """A number of the SAE, or of a control in its place. Beside a random host there are none: a control stands in
        the tables once, and those of the trained host are meant."""
        if control and control != self.tables.control and self.tables.control != "none":
            return
        self.tables.value(self.kind, 1, "held_out", control or self.tables.control, measure, value, n)

    def draw(self, what: str) -> torch.Generator:
        """A stream of its own."""
        return stream(self.config.seed, "language", what)

    def contexts(self, split: str, most: int) -> Contexts:
        """Contexts of a split, with the places that were kept."""
        tokens, _, numbers = examples_of(self.dataset, split)
        return contexts(tokens.long(), numbers, self.ids[split], most)


def language(work: Path, config: LanguageStage, inputs: Mapping[Role, Path]) -> dict[str, Any]:
    """Writes measures.parquet; notes how much was evaluated. Raises ConfigError for a host that reads no contexts."""
    host, dataset = load_host(inputs[HOST])
    if not isinstance(host, LanguageHost) or dataset.text is None:
        raise ConfigError(
            f"[language] evaluates SAEs on language models; {type(host).__name__} on {dataset.name} is none"
        )
    hook = ActivationsStage.read(inputs[ACTIVATIONS]).hook
    role = next(role for role in inputs if role.part == "tower")
    tables = Tables(config.run, config.control)
    notes: dict[str, Any] = {"contexts": 0}
    if not (inputs[role] / STOPPED).exists():
        layer = load_layer(inputs[role] / "layer.safetensors")
        store = load_store(inputs[ACTIVATIONS])
        train = load_store(inputs[ACTIVATIONS], FITTED).rows("train").float()
        given = Evaluated(tables, str(role.kind), config, host, hook, dataset, store, layer, train)
        notes = spliced(given) | probes(given) | concepts(given)
        if config.patterns or config.ablated:
            notes |= single(given)
    tables.frames()["measures"].to_parquet(work / "measures.parquet", index=False)
    return notes


def spliced(given: Evaluated) -> dict[str, Any]:
    """Normalised error and downstream loss, of the SAE and of its controls."""
    chosen = given.contexts("held_out", given.config.contexts)
    splices = {OWN: of_layer(given.layer)}
    splices |= {name: of_control(control, given.k) for name, control in given.untrained.items()}
    for name, (loss, error) in of_splices(given, chosen, splices).items():
        control = given.config.control if name == OWN else name
        record(given, control, loss)
        given.value("normalised_mse", error.value, loss.tokens, control)
        if name == OWN:
            record_host(given.tables, given.config.control, loss)
        if isinstance(given.host, Followed) and given.config.control == "none":
            compute(given, given.host, control, loss.delta)
    return {"contexts": len(chosen.tokens), "tokens": int(chosen.kept.sum()), "k": given.k}


def of_splices(
    given: Evaluated, chosen: Contexts, splices: Mapping[str, Splice]
) -> dict[str, tuple[SplicedLoss, Estimate]]:
    """Downstream loss and normalised error of each splice, on the same tokens."""
    found: dict[str, list[TokenLosses]] = {name: [] for name in splices}
    pieces: dict[str, list[Reconstruction]] = {name: [] for name in splices}

    def observe(name: str, rows: torch.Tensor, back: torch.Tensor) -> None:
        pieces[name].append(Reconstruction(rows, back))

    for batch in losses(given.host, given.hook, chosen, splices, given.mean, observe):
        for name, part in batch.items():
            found[name].append(part)
    return {name: (downstream_loss(found[name]), normalised_mse(pieces[name]).value) for name in splices}


def record(given: Evaluated, control: str, loss: SplicedLoss) -> None:
    """What a splice costs, and the standard error of it over contexts."""
    numbers = {
        "delta_loss": loss.delta, "delta_kl": loss.kl,
        "recovered_zero": loss.recovered_zero, "recovered_mean": loss.recovered_mean,
    }  # fmt: skip
    for measure, estimate in numbers.items():
        if estimate is not None:
            given.value(measure, estimate.value, loss.tokens, control)
    if loss.delta.error is not None:
        given.value("delta_loss_error", loss.delta.error, loss.contexts, control)


def compute(given: Evaluated, host: Followed, control: str, delta: Estimate) -> None:
    """The share of the host's training compute that a splice leaves, where its training was followed: from its own
    checkpoints, and along the line through those of all sizes. What lies outside of both is left out."""
    curves = [Curve(torch.tensor(one.compute), torch.tensor(one.loss)) for one in host.checkpoints()]
    if not curves:
        return
    found = compute_equivalent_loss(curves[0], delta.value, delta.error, curves[1:])
    for measure, share in (("compute_share", found.curve), ("compute_share_line", found.by_line)):
        if share is not None and share.share is not None:
            given.value(measure, share.share, len(curves[0].loss), control)


def record_host(tables: Tables, control: str, loss: SplicedLoss) -> None:
    """The host's own loss on the same tokens, and without anything at the hook."""
    for name, estimate in ((control, loss.clean), ("zero_ablation", loss.zero), ("mean_ablation", loss.mean)):
        if estimate is not None and (name == control or control == "none"):
            tables.value("host", 0, "held_out", name, "cross_entropy", estimate.value, loss.tokens)


def probes(given: Evaluated) -> dict[str, Any]:
    """Whether what people know of a token is one latent; beside dictionaries that nobody trained, and the whole row."""
    assert given.dataset.text is not None
    ids = {split: own.numpy() for split, own in given.ids.items()}
    draw = torch.randint(2**31, (1,), generator=given.draw("questions"))
    asked, short = questions(
        given.dataset.text, given.dataset.held_out, ids, given.config.probe_rows, np.random.default_rng(int(draw))
    )
    readers: dict[str, Reader] = {given.config.control: given.layer.encode}
    readers |= {name: strongest(control, given.k) for name, control in given.untrained.items()}
    whole = given.config.control == "none"
    for control, measure, value, n in probed(
        asked, given.rows, readers, derived(given.config.seed, "probes"), whole=whole
    ):
        given.value(measure, value, n, control)
    return {"questions": sorted(asked), "too_few_rows": short}


def concepts(given: Evaluated) -> dict[str, Any]:
    """Absorption of first letters, and what taking a few latents of a kind of word away does."""
    text, held_out, layer = given.dataset.text, given.dataset.held_out, given.layer
    assert text is not None
    ids = {split: own.numpy() for split, own in given.ids.items()}
    draw = np.random.default_rng(int(torch.randint(2**31, (1,), generator=given.draw("sorts"))))
    letters, kinds = (
        samples(text, held_out, ids, sort, max(2 * FEWEST, given.config.probe_rows // count), draw)
        for sort, count in ((first_letter, len(LETTERS)), (word_kind, len(WORD_KINDS)))
    )
    own = Coder(layer.encode, layer.sae.directions().detach() * layer.normaliser.scale)
    beside = {
        name: Coder(strongest(given.untrained[name], given.k), given.untrained[name].directions())
        for name in TAKEN_OF
        if name in given.untrained
    }
    seed = derived(given.config.seed, "sorts")
    lines = [*absorbed(letters, given.rows, own, seed), *perturbed(kinds, given.rows, {"": own, **beside}, seed)]
    for control, measure, value, n in lines:
        given.value(measure, value, n, control)
    return {
        "letters": [LETTERS[letter] for letter in sorted(set(letters["train"].sorts.tolist()))],
        "kinds": [WORD_KINDS[kind] for kind in sorted(set(kinds["train"].sorts.tolist()))],
    }


def single(given: Evaluated) -> dict[str, Any]:
    """Patterns of tokens for latents drawn at random, and what taking a latent away does to the logits after it."""
    held = read(given.host, given.hook, given.layer, given.contexts("held_out", given.config.contexts))
    notes: dict[str, Any] = {}
    if given.config.patterns:
        made_of = read_stored(given.layer, given.contexts("train", MADE_OF), given.rows["train"], given.ids["train"])
        latents = drawn(made_of, given.config.patterns, given.draw("pattern latents"))
        prefix = tuple(made_of.contexts.tokens[0, :1].tolist())
        draw = given.draw("replacements")
        found = {
            int(latent): patterns(given.host, given.hook, given.layer, made_of, held, int(latent), prefix, draw)
            for latent in latents
        }
        for measure, value, n, control in foretold(list(found.values())):
            given.value(measure, value, n, control)
        notes["pattern_latents"] = sorted(found)
    if given.config.ablated:
        after = min(AFTER, held.contexts.tokens.shape[1] // 2)
        found_effects = ablations(
            lambda tokens, activations: given.host.go_on(tokens, activations, given.hook),
            held, given.layer, given.mean, given.config.ablated, after, derived(given.config.seed, "ablations"),
        )  # fmt: skip
        if found_effects is not None:
            for measure, value, n, control in ablated(found_effects):
                given.value(measure, value, n, control)
    return notes

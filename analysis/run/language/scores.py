"""What evaluations found, as numbers with a name: one line for each measure and control."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from jaxtyping import Float
from torch import Tensor

from analysis.run.language.probing import Question
from sae.evaluations.ablation_sparsity import Sparsities, Sparsity
from sae.evaluations.neuron_to_graph import Graph, Prediction
from sae.evaluations.probe_loss import probe_loss, raw_probe
from sae.records import Codes

Reader = Callable[[Float[Tensor, "rows width"]], Codes | Tensor]
Line = tuple[str, str, float, int]


def probed(
    asked: Mapping[str, Question],
    rows: Mapping[str, Tensor],
    readers: Mapping[str, Reader],
    seed: int,
    *,
    whole: bool = True,
) -> Iterator[Line]:
    """(control, measure, value, n): the loss of the best single latent for each question, of the best five together,
    and the means over questions; of `activations` (unless `whole` is off), a probe on the whole row; of
    `permuted_labels`, what choosing the best of so many latents gives where there is nothing to find."""
    sums: dict[tuple[str, str], list[float]] = {}
    for name, question in asked.items():
        train, held = question.train, question.held_out
        own = {"train": rows["train"][train.at].float(), "held_out": rows["held_out"][held.at].float()}
        found: dict[tuple[str, str], float] = {}
        if whole:
            raw = raw_probe(
                own["train"], train.labels, own["held_out"], held.labels, groups=held.documents, seed=seed
            ).score
            found["activations", "probe_loss"] = raw.loss.value
            found["activations", "probe_accuracy"] = raw.accuracy.value
        for place, (control, reader) in enumerate(readers.items()):
            got = probe_loss(
                reader(own["train"]), train.labels, reader(own["held_out"]), held.labels,
                groups=held.documents, seed=seed,
            )  # fmt: skip
            found[control, "probe_loss"] = got.best.loss.value
            found[control, "probe_accuracy"] = got.best.accuracy.value
            found[control, "probe_loss_5"] = got.top[5].loss.value
            if not place:
                found["permuted_labels", "probe_loss"] = got.shuffled.loss.value
        for (control, measure), value in found.items():
            sums.setdefault((control, measure), []).append(value)
            if measure == "probe_loss":
                yield control, f"probe_loss_{name}", value, len(held.at)
    for (control, measure), values in sums.items():
        yield control, measure, sum(values) / len(values), len(values)


def foretold(found: Sequence[Graph]) -> Iterator[tuple[str, float, int, str]]:
    """(measure, value, n, control): precision, recall and F1 of patterns, means over latents (none foretold: 0); the
    controls are as many of each latent's own tokens, without context, and firing dealt out by chance."""
    for control, scores in (
        ("", [one.score for one in found]),
        ("single_tokens", [one.by_tokens for one in found]),
    ):
        for measure, of in (("pattern_precision", _precision), ("pattern_recall", _recall), ("pattern_f1", _f1)):
            yield measure, sum(map(of, scores)) / max(1, len(scores)), len(scores), control
    chance = [one.shuffled_precision or 0.0 for one in found]
    yield "pattern_precision", sum(chance) / max(1, len(chance)), len(chance), "shuffled_firing"


def _precision(score: Prediction) -> float:
    return score.precision or 0.0


def _recall(score: Prediction) -> float:
    return score.recall or 0.0


def _f1(score: Prediction) -> float:
    return 2 * score.both / max(1, score.foretold + score.fires)


def ablated(found: Sparsities) -> Iterator[tuple[str, float, int, str]]:
    """(measure, value, n, control): the share of logits that move, of latents, random directions and neurons."""
    kinds: dict[str, Sparsity] = {"": found.own, "random_direction": found.random, **found.others}
    for control, sparsity in kinds.items():
        if sparsity.value is not None:
            yield "ablation_sparsity", sparsity.value.value, len(sparsity.shares), control
            yield "ablation_size", sparsity.size, len(sparsity.shares) + sparsity.no_effect, control

"""The SAEs on a language model by what single latents are worth: whether one tells what people know of a token, whether
its firing can be foretold, how many predictions hang on it, and whether it stands for its concept alone.
"""

from __future__ import annotations

from analysis.figures.drawing import Drawing
from analysis.figures.language_lines import CONTROLS, Column, Line, lines
from analysis.figures.words import needed
from analysis.results.tables import Results

NEEDS = "probe_loss"
"""A measure that only experiments with `[language]` have; without it there is nothing to draw."""
COLUMNS = (
    Column("probe_loss", "probe loss", ".3f"),
    Column("pattern_f1", "pattern F1", ".2f"),
    Column("ablation_sparsity", "effects", ".3f"),
    Column("absorption", "absorbed", ".3f"),
    Column("absorption_silent", "silent", ".2f"),
    Column("targeted_perturbation", "TPP", ".3f"),
)
MEANS = {
    "probe_loss": "*Probe loss*: of the best single latent at telling a property of the token, mean over questions, "
    "nats; less is better, a coin has 0.69.",
    "pattern_f1": "*Pattern F1*: how well patterns of tokens (N2G) foretell when a latent fires; more is better.",
    "ablation_sparsity": "*Effects*: the share of the next logits that taking a latent away changes; less is sparser.",
    "absorption": "*Absorbed*: of tokens whose first letter a probe tells, the share on which another latent has taken "
    "the part of the letter's own.",
    "absorption_silent": "*Silent*: the share on which the letter's own do not fire, whatever the reason.",
    "targeted_perturbation": "*TPP*: how much more the probe of a kind of word loses than those of other kinds where "
    "five of its latents are taken away, in accuracy; more is better.",
}
# Measure, its rival, whether more is better, and how the title says that the SAE wins or does not.
CONTESTS = (
    ("probe_loss", "neurons", False, "one latent tells more than one neuron"),
    ("pattern_f1", "single_tokens", True, "patterns foretell more than tokens without context"),
    ("ablation_sparsity", "random_direction", False, "effects are sparser than a random direction's"),
    ("targeted_perturbation", "neurons", True, "a few latents carry a kind of word better than as many neurons"),
)


def language_latents(results: Results) -> Drawing:
    """A row an SAE, behind them what needs no SAE and the random network's; cells are means over seeds."""
    found = lines(results, COLUMNS)
    needed(found.data().query("measure == @NEEDS"), "the loss of probes on single latents", results)
    first = found.own[0]
    beside = {line.name: line for line in found.controls}
    outcomes = [
        (said, won)
        for measure, control, more, said in CONTESTS
        if (won := _wins(first, beside.get(CONTROLS[control]), measure, more=more)) is not None
    ]
    better, worse = ([said for said, does in outcomes if does is side] for side in (True, False))
    title = "; ".join(filter(None, [_listed(better), f"not so: {_listed(worse)}" if worse else ""]))
    title = title[:1].upper() + title[1:] if title else "What single latents are worth"
    return Drawing(
        kind="tbl",
        title=title,
        caption=" ".join(
            [
                "Held-out tokens; means over seeds with their range.",
                *(MEANS[column.measure] for column in found.columns),
                f"The title compares {first.name} with its rivals: it wins or loses where all seeds do.",
            ]
        ),
        alt=f"Table of SAEs on a language model with {len(found.columns)} evaluations of single latents, and controls. "
        f"{title}.",
        data=found.data(),
        html=found.html(f"Single latents of SAEs, {results.experiment}"),
    )


def _wins(own: Line, rival: Line | None, measure: str, *, more: bool) -> bool | None:
    """Whether all seeds of the SAE are beyond all of the rival; None where they overlap or one has no numbers."""
    if rival is None or not own.values[measure] or not rival.values[measure]:
        return None
    sign = 1 if more else -1
    ours, theirs = ([sign * value for value in line.values[measure]] for line in (own, rival))
    return True if min(ours) > max(theirs) else False if max(ours) < min(theirs) else None


def _listed(parts: list[str]) -> str:
    return ", and ".join(filter(None, [", ".join(parts[:-1]), *parts[-1:]]))

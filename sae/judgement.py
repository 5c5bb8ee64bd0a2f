"""What `sae.judge` finds, as values: no tensors, so that it can be written, read and drawn without torch.

Numbers that are undefined are NaN here and null in JSON. Row numbers are those of the rows as they were given.
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Any

from sae.errors import InputError
from sae.rule import THRESHOLDS, Verdict

FORMAT = "strata-judgement-1"


@dataclass(frozen=True, kw_only=True)
class Number:
    """One number of an SAE, or of a floor or control beside it."""

    name: str
    """`none` is the SAE itself; floors are named as in `sae.rule`; `permuted_labels`, `random_host`, `on_random_rows`
    and `pca` are printed and never decide."""
    measure: str
    split: str
    """`train`: the rows that floors were fitted on; `held_out`: the others."""
    value: float
    n: int
    """What the value was averaged over: rows, latents, shuffles of the labels."""
    low: float = math.nan
    high: float = math.nan
    """Of what shuffled labels give: between these lie 95% of the shuffles. NaN of any other number."""


@dataclass(frozen=True)
class Near:
    """A latent whose direction is another thing's: an axis of the rows, or one of the rows."""

    latent: int
    other: int
    """Number of the axis or of the row."""
    cosine: float


@dataclass(frozen=True)
class Strong:
    """A row that drives a latent."""

    row: int
    activation: float
    """In units of the rows."""
    label: int | None


@dataclass(frozen=True, kw_only=True)
class Latents:
    """One entry for each latent, over all rows used."""

    firing_rate: tuple[float, ...]
    strongest: tuple[tuple[Strong, ...], ...]
    """The rows that drive it most, strongest first; none for a dead latent."""
    dead: tuple[int, ...]
    """Latents that fire on none of the rows used."""
    copies: tuple[Near, ...]
    """Latents that repeat one coordinate of the rows."""
    stored: tuple[Near, ...]
    """Latents that hold one of the rows."""
    selectivity: tuple[float, ...] = ()
    """On held-out rows; NaN for a latent that fires on fewer than ten of them. Empty without labels."""
    classes: tuple[int | None, ...] = ()
    """The class of each latent, chosen on the other rows, as the labels name it. Empty without labels."""


@dataclass(frozen=True, kw_only=True)
class JudgedSae:
    """One SAE."""

    name: str
    format: str
    """Whose file it was; `layer` if it was given as one."""
    architecture: str
    n_latents: int
    d_in: int
    steps: int | None
    """How many steps it was trained for, where its files say so."""
    numbers: tuple[Number, ...]
    latents: Latents

    def number(self, measure: str, name: str = "none", split: str = "held_out") -> float:
        """One of the numbers; NaN where there is none."""
        found = [n.value for n in self.numbers if (n.measure, n.name, n.split) == (measure, name, split)]
        return found[0] if found else math.nan


@dataclass(frozen=True, kw_only=True)
class Budget:
    """How the trained nulls were trained."""

    nulls: str
    """`none`, `quick` or `full`."""
    steps: int
    batch: int
    architecture: str
    k: int
    stated: int | None = None
    """For how many steps the SAE was trained, where its files say so."""
    asked: bool = False
    """Whether somebody said for how many steps, who is then believed."""
    doubled: int = 0
    """How often they were trained anew for twice as many steps, since the word would have been structure."""
    before: int = 0
    """For how many before the last time."""
    unseen: bool = False
    """Whether the SAE is known to have seen none of the rows."""

    @property
    def said(self) -> str:
        """The same in a sentence, and what it means for the floors."""
        if self.nulls == "none":
            return "No nulls were trained, so that nothing can be called structure."
        own = f"its own {self.stated}" if self.stated else "what it was trained for, which its files do not say"
        said = f"Nulls are {self.architecture} SAEs of the same width at k = {self.k}, trained for {self.steps} steps "
        said += f"beside {own}."
        if not self.unseen:
            said += " Each counts by its training rows where it does better there, as the SAE may have seen these rows."
        if self.asked and (self.stated is None or self.steps < self.stated):
            said += " A null that was trained for less than the SAE is a weaker floor than it could be."
        return said

    def twice(self) -> Budget:
        """Twice as long."""
        return dataclasses.replace(self, steps=2 * self.steps, before=self.steps, doubled=self.doubled + 1)


@dataclass(frozen=True)
class Margin:
    """Observed minus one floor, like with like: mean over the SAEs of a group, and its 95% interval."""

    floor: str
    mean: float
    low: float
    high: float


@dataclass(frozen=True, kw_only=True)
class Group:
    """One SAE, or several of one shape that count as seeds of one training."""

    saes: tuple[JudgedSae, ...]
    verdict: Verdict
    margins: tuple[Margin, ...]
    interval: str
    """What the intervals are, and what they are not."""
    budget: Budget
    standardised: bool
    """Each row was standardised over its own coordinates first, as these SAEs were trained."""
    seeds_why: str = ""
    """Why these SAEs count as seeds of one training; empty of one alone."""


@dataclass(frozen=True, kw_only=True)
class RowsUsed:
    """Which rows were looked at."""

    given: int
    used: int
    width: int
    fit: int
    held_out: int
    outliers: int
    """Left out: more than ten times as long as the median row."""
    classes: tuple[int, ...]
    """Every label there is, sorted."""
    said: str
    """How they were chosen and split, and what is unknown about it."""


@dataclass(frozen=True)
class Untested:
    """Something that this judgement does not say."""

    what: str
    why: str


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """All of it. `verdict` is the word where the SAEs were judged together; else each group has its own."""

    rows: RowsUsed
    groups: tuple[Group, ...]
    notes: tuple[str, ...]
    """What a reader has to know before believing the words."""
    untested: tuple[Untested, ...]
    seed: int

    @property
    def verdict(self) -> Verdict:
        """Of the only group. Raises InputError where there are several."""
        if len(self.groups) != 1:
            shapes = {(sae.architecture, sae.n_latents) for group in self.groups for sae in group.saes}
            what = f"SAEs of {len(self.groups)} shapes" if len(shapes) > 1 else f"{len(self.groups)} SAEs judged apart"
            raise InputError(f"{what} have a verdict each: judgement.groups[0].verdict")
        return self.groups[0].verdict

    def as_dict(self) -> dict[str, Any]:
        """All of it as JSON can hold it, with the thresholds of the rule."""
        found: dict[str, Any] = _plain(dataclasses.asdict(self))
        for group, written in zip(self.groups, found["groups"], strict=True):
            written["budget"]["said"] = group.budget.said
        return {"format": FORMAT, "thresholds": dataclasses.asdict(THRESHOLDS), **found}


def _plain(part: Any) -> Any:
    if isinstance(part, dict):
        return {key: _plain(value) for key, value in part.items()}
    if isinstance(part, list | tuple):
        return [_plain(value) for value in part]
    return None if isinstance(part, float) and not math.isfinite(part) else part

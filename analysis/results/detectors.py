"""Single latents as detectors of one class: a row a latent, for tables and the map of classes. Free of torch."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from analysis.results import latents
from analysis.results.tables import Results
from sae.errors import DataError

IMAGES = 5
PARENTS = 2
# column of the tables, measure of a latent
MEASURES = {
    "detection": "detection", "detection_null": "detection_null",
    "f1": "f1", "f1_null": "f1_null", "q": "class_q",
    "selectivity": "selectivity", "share": "top_class_share", "share_null": "share_null",
    "rate": "firing_rate", "l0_share": "l0_share", "exclusive": "exclusive_share", "disagrees": "disagrees",
}  # fmt: skip
# those that are known for every class: a latent's own class is shown
OF_CLASS = ("ablation", "ablation_half", "steering", "steering_half")


@dataclass(frozen=True)
class Level:
    """One depth of the first run. `rows` is empty where the tower does not have it; nobody may change them."""

    depth: int
    rows: pd.DataFrame
    """Every latent of the depth, dead ones too: the columns of MEASURES and OF_CLASS, and those of `of_depth`."""

    labelled: bool = True
    """False: the data set has no classes, so that no latent is a detector of one."""

    @cached_property
    def live(self) -> pd.DataFrame:
        """Latents that fire on a held-out image, which is what the explorer counts, too; best F1 first. The few that
        fired on no training image were given no class: they have no F1, and stand last. Without classes the one whose
        name predicts its firing best is first."""
        fires = (self.rows["rate"] > 0) | self.rows["f1"].notna()
        by = "f1" if self.labelled else "detection"
        return self.rows[fires].sort_values(by, ascending=False, kind="stable")

    @cached_property
    def passed(self) -> pd.DataFrame:
        """Those that detect their class better than shuffled labels do, best F1 first."""
        return self.live[self.live["passes"]]

    @property
    def judged(self) -> bool:
        """Whether any latent was compared with shuffled labels: where none was, `passed` is empty and says nothing."""
        return bool(self.rows["q"].notna().any())

    @property
    def name(self) -> str:
        """What the depth is called."""
        return "neurons" if self.depth == 0 else f"depth {self.depth}"


def levels(results: Results) -> list[Level]:
    """Every depth that the first run has, the host's neurons first. Another seed's tower may go further.

    Raises DataError where it has none.
    """
    found = [of_depth(results, depth) for _, depth in latents.places(results)]
    there = [level for level in found if len(level.rows)]
    if not there:
        raise DataError(f"{results.experiment} has neither neurons nor latents of its first seed that were looked at")
    return there


@latents.kept
def of_depth(results: Results, depth: int) -> Level:
    """The latents of one depth with their numbers, held out."""
    kind = "host" if depth == 0 else latents.KIND
    called = latents.names(results, kind, depth)
    wide = latents.wide(results, kind, depth).reindex(called.index)
    classes = [str(name) for name in results.sprite["class_names"]]
    chosen = _column(wide, "detector_class")
    given = {
        "depth": depth, "latent": called.index.to_numpy(), "name": called["name"].astype(str),
        "named": called["named"].astype(bool), "class": _spoken(chosen, classes),
        **{name: _column(wide, measure) for name, measure in MEASURES.items()},
        "precision": _column(wide, "detector_precision"), "recall": _column(wide, "detector_recall"),
        **{name: _of_class(wide, name, chosen, len(classes)) for name in OF_CLASS},
    }  # fmt: skip
    rows = pd.DataFrame(given, index=called.index)
    shares = wide.reindex(columns=[f"class_share_{number}" for number in range(len(classes))])
    rows["entropy"] = entropy(shares.to_numpy(dtype=float))
    # the class that takes most of it, which need not be the one that was chosen on training images
    rows["top_class"] = _spoken(pd.Series(_argmax(shares.to_numpy(dtype=float)), wide.index), classes)
    effect = _column(wide, "effect_class")
    rows["lowers"] = _spoken(effect, classes)
    rows["fits"] = [
        fits(number, [int(one) for one in of.split()] if named else [], against == 1)
        for number, of, named, against in zip(effect, called["classes"], rows["named"], rows["disagrees"], strict=True)
    ]
    rows["passes"] = rows["q"] <= latents.SIGNIFICANT
    parts = latents.parts(results, depth) if depth else {}
    rows["parents"] = [
        " ".join(f"d{depth - 1}/{below}" for below in parts[latent]["below"].head(PARENTS)) if latent in parts else ""
        for latent in rows["latent"]
    ]
    return Level(depth, rows.reset_index(drop=True), bool(classes))


def strongest(results: Results, depth: int, most: int = IMAGES) -> dict[int, list[int]]:
    """The held-out images that drive each latent most, strongest first, by latent."""
    bands = latents.of(results, "bands", "host" if depth == 0 else latents.KIND, depth)
    first = bands[(bands["band"] == 0) & (bands["rank"] < most)].sort_values(["latent", "rank"])
    return {int(str(latent)): part.tolist() for latent, part in first.groupby("latent")["example"]}


def fits(effect: float, named: list[int], against: bool) -> str:
    """Whether the class that falls most is in the name: `yes`, `no` where it surely falls more than any in the name,
    else `unclear`; empty where no class surely falls, or there is no name."""
    if pd.isna(effect) or not named:
        return ""
    if against:
        return "no"
    return "yes" if int(effect) in named else "unclear"


def entropy(shares: np.ndarray) -> np.ndarray:
    """Entropy in bits of each row of shares; NaN where nothing is known, as of no shares at all."""
    if not shares.shape[1]:
        return np.full(len(shares), np.nan)
    logs = np.log2(shares, out=np.zeros_like(shares), where=shares > 0)
    found: np.ndarray = np.abs((shares * logs).sum(1))
    return found


def _column(wide: pd.DataFrame, measure: str) -> pd.Series:
    """A measure of every latent; NaN everywhere where no latent has it."""
    return wide[measure] if measure in wide else pd.Series(np.nan, wide.index)


def _of_class(wide: pd.DataFrame, measure: str, chosen: pd.Series, classes: int) -> np.ndarray:
    """What a measure that is known for every class is for the latent's own one; NaN without classes."""
    if not classes:
        return np.full(len(wide), np.nan)
    values = wide.reindex(columns=[f"{measure}_{number}" for number in range(classes)]).to_numpy(dtype=float)
    own = chosen.fillna(0).to_numpy(dtype=int)
    return np.where(chosen.isna(), np.nan, values[np.arange(len(values)), own])


def _argmax(shares: np.ndarray) -> np.ndarray:
    if not shares.shape[1]:
        return np.full(len(shares), np.nan)
    known = ~np.isnan(shares).any(1)
    return np.where(known, np.where(known[:, None], shares, 0).argmax(1), np.nan)


def _spoken(numbers: pd.Series, classes: list[str]) -> list[str]:
    """Names of class numbers; empty for none."""
    return ["" if pd.isna(number) else classes[int(number)] for number in numbers]

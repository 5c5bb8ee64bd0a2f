"""Train a sample of the chains again, in an empty folder, and compare their measures with the stored ones."""

from __future__ import annotations

import math
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from analysis.plan.chains import chain as chain_of
from analysis.plan.config import RunConfig
from analysis.plan.paths import Paths
from analysis.plan.stage_folders import read_manifest
from analysis.results.tables import Results, open_results
from analysis.run.pipeline import run_chain
from analysis.run.verify_files import verify_files
from sae.errors import StageError

# Measures that are shares or fractions: there a difference means the same everywhere.
COMPARED = (
    "variance_explained", "host_variance_explained", "host_accuracy", "live_share", "selectivity", "exclusive_share",
)  # fmt: skip


@dataclass(frozen=True)
class Report:
    """What was compared, and the largest difference."""

    experiment: str
    chains: int
    numbers: int
    largest: float
    where: str
    tolerance: float
    damaged: tuple[str, ...] = ()
    """Folders that are not as they were written; then nothing was trained."""
    steps: str = ""
    """Where other steps trained then than now: which. They add up in another order, and give other last digits."""

    @property
    def agrees(self) -> bool:
        """Whether no measure differs by more than the tolerance, and every file is as it was written."""
        return self.largest <= self.tolerance and not self.damaged

    def text(self) -> str:
        """One line for a terminal, after one for each folder that is damaged."""
        if self.damaged:
            lines = [f"damaged: {line}" for line in self.damaged]
            return "\n".join([*lines, f"{self.experiment}: DOES NOT AGREE with what was written; nothing was trained"])
        return (
            f"{self.experiment}: {self.chains} chain(s) trained again, {self.numbers} numbers compared; largest "
            f"difference {self.largest:.2g} ({self.where}), tolerance {self.tolerance}: "
            + ("agrees" if self.agrees else "DOES NOT AGREE")
            + (f"; {self.steps}" if self.steps else "")
        )


def verify(experiment: str, paths: Paths, runs: int, tolerance: float) -> Report:
    """Do `runs` chains of `experiment` again, evenly spaced over variants, seeds and controls, and compare.

    Before that every file of the experiment is read: where one is damaged, its numbers prove nothing. Raises StageError
    when a chain cannot be done.
    """
    damaged = verify_files(paths, experiment).damaged
    if damaged:
        return Report(experiment, 0, 0, math.inf, "nothing", tolerance, tuple(damaged))
    results = open_results(experiment, paths)
    whole = results.runs.sort_values(["variant", "seed", "control"])
    chosen = whole.iloc[np.unique(np.linspace(0, len(whole) - 1, runs).astype(int))]
    steps: set[str] = set()
    parts = [_again(results, row, paths, steps) for _, row in chosen.iterrows()]
    both = pd.concat(parts)
    both = both[both["measure"].isin(COMPARED)]
    gap = (both["value_stored"] - both["value_again"]).abs()
    missing = both[["value_stored", "value_again"]].isna().sum(axis=1) == 1
    gap = gap.where(~missing, float("inf")).fillna(0.0)
    worst = both.iloc[int(gap.to_numpy().argmax())] if len(gap) else None
    where = "nothing" if worst is None else f"{worst['measure']}, {worst['kind']} depth {worst['depth']}"
    said = "; ".join(sorted(steps))
    return Report(experiment, len(chosen), len(both), float(gap.max()), where, tolerance, steps=said)


def other_steps(then: set[str], now: set[str]) -> str:
    """A sentence where SAEs were trained by other steps than now; empty where by the same."""
    if then == now:
        return ""
    return f"trained by {' and '.join(sorted(then))} then, by {' and '.join(sorted(now))} now"


def _again(results: Results, row: pd.Series, paths: Paths, steps: set[str]) -> pd.DataFrame:
    """Stored and fresh measures of one chain side by side; adds to `steps` what trained otherwise."""
    config = RunConfig.from_canonical(row["config"])
    chain = chain_of(config, row["control"])
    with tempfile.TemporaryDirectory() as folder:
        failure = run_chain(chain, paths, Path(folder))
        if failure:
            raise StageError(failure)
        fresh = pd.read_parquet(chain.measures.folder(Path(folder)) / "measures.parquet")
        saes = [stage.folder(Path(folder)) for stage in chain.stages if stage.name == "sae"]
        now = {str(notes["path"]) for notes in (read_manifest(sae)["notes"] for sae in saes) if "path" in notes}
    own = results.training[(results.training["run"] == row["run"]) & (results.training["control"] == row["control"])]
    steps |= {said} if (said := other_steps(set(own["path"].astype(str)), now)) else set()
    keys = ["run", "kind", "depth", "split", "control", "measure"]
    stored = results.measures[
        (results.measures["run"] == row["run"]) & results.measures["control"].isin(set(fresh["control"]))
    ]
    stored = stored.astype({key: str for key in keys if key != "depth"})
    joined: pd.DataFrame = stored.merge(fresh, on=keys, how="outer", suffixes=("_stored", "_again")).reset_index(
        drop=True
    )
    return joined

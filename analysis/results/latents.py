"""Queries on single latents of the first run, which pages show one by one. Free of torch.

Many cells of many artefacts ask the same, so answers are kept, by the digest of the tables; nobody may change one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache, wraps
from itertools import pairwise
from typing import Concatenate, ParamSpec, TypeVar

import numpy as np
import pandas as pd

from analysis.results.tables import Results

KIND = "latents"
# A latent passes when among those that pass as surely at most this share are false finds (Benjamini and Hochberg).
SIGNIFICANT = 0.05
P = ParamSpec("P")
T = TypeVar("T")


def kept(query: Callable[Concatenate[Results, P], T]) -> Callable[Concatenate[Results, P], T]:
    """`query`, asked once for equal tables and arguments."""

    @lru_cache(maxsize=64)
    def answer(digest: str, results: Results, *arguments: P.args, **named: P.kwargs) -> T:
        return query(results, *arguments, **named)

    @wraps(query)
    def ask(results: Results, /, *arguments: P.args, **named: P.kwargs) -> T:
        return answer(results.digest, results, *arguments, **named)  # type: ignore[arg-type]  # all arguments are plain

    return ask


def places(results: Results) -> list[tuple[str, int]]:
    """Kind and depth of every depth of the first run that is looked at, the host's neurons (depth 0) first.

    Its tower may have stopped before those of other seeds.
    """
    rows = results.names
    own = rows[(rows["run"] == results.first_run) & (rows["control"] == "none") & (rows["kind"] == KIND)]
    return [("host", 0), *((KIND, int(depth)) for depth in sorted(own["depth"].unique()))]


@kept
def of(results: Results, table: str, kind: str, depth: int, control: str = "none") -> pd.DataFrame:
    """Rows of a table: one depth of the first run."""
    rows: pd.DataFrame = getattr(results, table)
    here = (rows["run"] == results.first_run) & (rows["kind"] == kind) & (rows["depth"] == depth)
    return rows[here & (rows["control"] == control)]


@kept
def wide(results: Results, kind: str, depth: int, control: str = "none") -> pd.DataFrame:
    """Held-out numbers of the latents of a depth: a row a latent, a column a measure."""
    rows = of(results, "latents", kind, depth, control)
    rows = rows[rows["split"] == "held_out"]
    found: pd.DataFrame = rows.astype({"measure": str}).pivot(index="latent", columns="measure", values="value")
    found.columns.name = None
    return found


@kept
def names(results: Results, kind: str, depth: int, control: str = "none") -> pd.DataFrame:
    """By latent: name, named, classes, conditions."""
    return of(results, "names", kind, depth, control).set_index("latent")


Pairs = list[tuple[int, float]]


def pairs(rows: pd.DataFrame, by: list[str], values: tuple[str, str]) -> dict[tuple[object, ...], Pairs]:
    """Lists of (int, float) under their keys, in the order of the rows: a frame for each latent would take seconds."""
    found: dict[tuple[object, ...], Pairs] = {}
    keys = zip(*(rows[name].tolist() for name in by), strict=True)
    for key, first, second in zip(keys, rows[values[0]].tolist(), rows[values[1]].tolist(), strict=True):
        found.setdefault(key, []).append((int(first), float(second)))
    return found


class Slices(Mapping[int, pd.DataFrame]):
    """Parts of a table by number, each cut out when it is asked for: most never are, and all take seconds."""

    def __init__(self, rows: pd.DataFrame) -> None:
        self.rows, self.places = rows, dict[int, slice]()

    def __getitem__(self, number: int) -> pd.DataFrame:
        return self.rows.iloc[self.places[number]]

    def __iter__(self) -> Iterator[int]:
        return iter(self.places)

    def __len__(self) -> int:
        return len(self.places)


@kept
def images(results: Results, kind: str, depth: int, control: str = "none") -> dict[int, Mapping[int, pd.DataFrame]]:
    """By latent and band: example and activation, strongest first. A latent that never fires is not there."""
    rows = of(results, "bands", kind, depth, control).sort_values(["latent", "band", "rank"])
    latents, bands = rows["latent"].to_numpy(np.int64), rows["band"].to_numpy(np.int64)
    # slices of the sorted rows: to group each latent's rows by band would take seconds
    starts = np.flatnonzero(np.diff(latents, prepend=-1) | np.diff(bands, prepend=-1))
    found: dict[int, Slices] = {}
    for start, end in pairwise([*starts.tolist(), len(rows)]):
        found.setdefault(int(latents[start]), Slices(rows)).places[int(bands[start])] = slice(start, end)
    return dict(found)


@kept
def parts(results: Results, depth: int, by: str = "latent") -> dict[int, pd.DataFrame]:
    """What latents of a depth are made of (by `latent`), or what those below go into (by `below`), largest first."""
    rows = of(results, "links", KIND, depth).sort_values("weight", ascending=False, kind="stable")
    return {int(str(latent)): part for latent, part in rows.groupby(by, sort=True)}


@kept
def relations(results: Results, kind: str, depth: int) -> dict[int, pd.DataFrame]:
    """By latent: relation, rank, other, value."""
    rows = of(results, "relations", kind, depth).astype({"relation": str})
    return {int(str(n)): part for n, part in rows.sort_values(["relation", "rank"]).groupby("latent", sort=True)}


@kept
def evenly(results: Results, kind: str, depth: int, control: str, count: int) -> pd.DataFrame:
    """`count` latents at even steps of top-class share, from the least up, among those that fire often enough to have
    one: latent, share. None where there are none."""
    rows = of(results, "latents", kind, depth, control)
    rows = rows[(rows["split"] == "held_out") & (rows["measure"] == "top_class_share")]
    ranked = rows.sort_values(["value", "latent"]).reset_index(drop=True)
    steps = np.unique(np.linspace(0, max(len(ranked) - 1, 0), count if len(ranked) else 0).round().astype(int))
    picked = ranked.iloc[steps].reset_index(drop=True)
    return pd.DataFrame({"latent": picked["latent"].astype(int), "share": picked["value"]})


@kept
def strongest(results: Results, kind: str, depth: int, control: str, latent: int, count: int) -> pd.DataFrame:
    """The rows of `examples` of the `count` held-out examples that drive a latent most, strongest first."""
    rows = of(results, "examples", kind, depth, control)
    return rows[rows["latent"] == latent].sort_values("rank").head(count)

"""Numbers in prose: `{{< num MEASURE/KIND/DEPTH... >}}` is looked up in the tables, never typed by hand.

A name is a path: measure, kind, depth, and then in any order a control (`random_host`, ...), a split (`train`), a
form (`pct`, `points`, `range`, `int`, `one`, `three`, `tenth`, `x`). What is left out is the trained host, held out,
and two decimals:

    variance_explained/latents/1                     0.93
    variance_explained/directions/2/train/pct        64%
    selectivity/latents/4/random_host/range          0.79 to 0.81   (least and largest over seeds)

Before a colon stands another experiment, and after a slash a variant of it, as a slug:

    towers:selectivity/latents/6                     from data/results/towers
    collapse/as-published-penalty-0.1:loss/latents/2/train

`margin` as a measure is the verdict's: observed minus best floor. Numbers that are made of several stand below as
functions, `DERIVED`, with the same forms behind a slash.
Only names that pages use are resolved; a name that nothing answers to fails the build, with file and line.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from analysis import comparison
from analysis.paths import Paths
from analysis.results import Results, source
from analysis.verdict import seeds_of
from sae.errors import NotFoundError, RenderError

USE = re.compile(r"(?<!\{)\{\{<\s*num\s+([^\s>]+)\s*>\}\}")
CONTROLS = (
    "none",
    "random_host",
    "permuted_labels",
    "random_direction",
    "random_dictionary",
    "matched_dictionary",
    "stored_dictionary",
    "pca",
    "memorising",
    "gaussian_null",
    "permuted_null",
    "gaussian_tower",
    "frozen_decoder",
)
SPLITS = ("train", "held_out")
FORMS = ("pct", "points", "range", "int", "x", "one", "three", "tenth")


@dataclass(frozen=True)
class Number:
    """A number as it stands in a page, with where it comes from."""

    text: str
    title: str
    experiment: str
    """Whose row on the reproduce page says config, commit and seconds."""


def lead(results: Results, measure: str, depth: int) -> pd.Series:
    """Trained minus random network, by run, latents tower."""
    trained = results.values(measure, "latents").query("depth == @depth").set_index("run")["value"]
    random = results.values(measure, "latents", control="random_host").query("depth == @depth")
    return trained - random.set_index("run")["value"]


def over_single(results: Results, measure: str, depth: int, control: str = "none") -> pd.Series:
    """Latents tower minus the single SAE that is as wide and as sparse, by run."""
    tower = results.values(measure, "latents", control=control).query("depth == @depth").set_index("run")["value"]
    single = results.values(measure, "direct", control=control).query("depth == @depth").set_index("run")["value"]
    return tower - single


def sparsity_share(results: Results, measure: str, depth: int) -> pd.Series:
    """How much of the rise from depth 1 to `depth` a single SAE has that is as sparse, by run."""
    tower = results.values(measure, "latents").pivot(index="run", columns="depth", values="value")
    single = results.values(measure, "direct").query("depth == @depth").set_index("run")["value"]
    return (single - tower[1]) / (tower[depth] - tower[1])


def ratio(results: Results, measure: str, control: str = "none") -> pd.Series:
    """Last depth over depth 1, by run, latents tower."""
    rows = results.values(measure, "latents", control=control)
    by_depth = rows.pivot(index="run", columns="depth", values="value")
    return by_depth[by_depth.columns.max()] / by_depth[1]


def missed_by_stored_rows(results: Results) -> pd.Series:
    """Share of variance of depth 1's rows that as many stored training rows miss, by run."""
    rows = results.values("variance_explained", "latents", control="stored_dictionary").query("depth == 1")
    return 1 - rows.set_index("run")["value"]


def compared(results: Results, measure: str) -> pd.DataFrame:
    """Variance explained by the compared architectures: a row a run, a column an architecture."""
    rows = comparison.numbers(results, measure)
    return rows[~rows["floor"]].pivot(index="run", columns="what", values="value")


def firing_of(results: Results, kind: str, start: float, stop: float) -> pd.Series:
    """Mean share of held-out examples on which latents of depth 1 are on, by run; `start` and `stop` are shares of the
    width."""
    rows = results.latents.query(
        "kind == @kind and depth == 1 and split == 'held_out' and control == 'none' and measure == 'firing_rate'"
    )
    width = rows["latent"].max() + 1
    rows = rows[(rows["latent"] >= start * width) & (rows["latent"] < stop * width)]
    by_run: pd.Series = rows.groupby("run", observed=True)["value"].mean()
    return by_run


# Several numbers made one: each gives a value per run. Named in pages as they are here.
DERIVED: dict[str, Callable[[Results], pd.Series]] = {
    "seeds": lambda r: pd.Series([r.runs["seed"].nunique()]),
    "chains": lambda r: pd.Series([len(r.runs)]),
    "seconds": lambda r: pd.Series([r.runs["seconds"].sum()]),
    "selectivity_lead_1": lambda r: lead(r, "selectivity", 1),
    "selectivity_lead_4": lambda r: lead(r, "selectivity", 4),
    "exclusive_lead_1": lambda r: lead(r, "exclusive_share", 1),
    "exclusive_lead_2": lambda r: lead(r, "exclusive_share", 2),
    "sparsity_share_2": lambda r: sparsity_share(r, "selectivity", 2),
    "sparsity_share_3": lambda r: sparsity_share(r, "selectivity", 3),
    "sparsity_share_4": lambda r: sparsity_share(r, "selectivity", 4),
    "depth_alone_2": lambda r: over_single(r, "selectivity", 2),
    "depth_alone_3": lambda r: over_single(r, "selectivity", 3),
    "depth_alone_4": lambda r: over_single(r, "selectivity", 4),
    "depth_alone_5": lambda r: over_single(r, "selectivity", 5),
    "depth_alone_6": lambda r: over_single(r, "selectivity", 6),
    "depth_alone_2_random": lambda r: over_single(r, "selectivity", 2, "random_host"),
    "depth_alone_3_random": lambda r: over_single(r, "selectivity", 3, "random_host"),
    "depth_alone_4_random": lambda r: over_single(r, "selectivity", 4, "random_host"),
    "variance_missed_by_stored_rows": missed_by_stored_rows,
    "architectures_apart": lambda r: (t := compared(r, comparison.OWN)).max(axis=1) - t.min(axis=1),
    "dictionaries_apart": lambda r: (t := compared(r, comparison.REFIT)).max(axis=1) - t.min(axis=1),
    "matryoshka_first_32": lambda r: firing_of(r, "matryoshka", 0, 1 / 16),
    "matryoshka_last_half": lambda r: firing_of(r, "matryoshka", 1 / 2, 1),
    "mass_ratio": lambda r: ratio(r, "activation_mass"),
    "mass_ratio_random_host": lambda r: ratio(r, "activation_mass", "random_host"),
    "strength_ratio": lambda r: ratio(r, "mean_activation"),
    "strength_ratio_random_host": lambda r: ratio(r, "mean_activation", "random_host"),
}


def used(pages: Iterable[Path]) -> list[tuple[str, Path, int]]:
    """Every name that the pages use, with file and line."""
    found = []
    for page in pages:
        for line, text in enumerate(page.read_text(encoding="utf-8").splitlines(), 1):
            found += [(match, page, line) for match in USE.findall(text)]
    return found


def resolve_all(pages: Iterable[Path], results: Results, paths: Paths) -> dict[str, Number]:
    """Every number that the pages use. Raises RenderError with file and line for a name without an answer."""
    numbers: dict[str, Number] = {}
    for name, page, line in used(pages):
        if name not in numbers:
            try:
                numbers[name] = resolve(name, results, paths)
            except NotFoundError as error:
                raise RenderError(str(error), page.relative_to(paths.root).as_posix(), line) from error
    return numbers


def resolve(whole: str, main: Results, paths: Paths) -> Number:
    """The number that `whole` asks for. Raises NotFoundError when nothing answers to it."""
    place, _, name = whole.rpartition(":")
    experiment, _, wanted = place.partition("/")
    results = source(main, experiment, paths)
    if wanted:
        slugs = {slug(variant): variant for variant in results.variants}
        if wanted not in slugs:
            raise NotFoundError(f"variant of {results.experiment}", wanted, list(slugs))
        results = results.of(slugs[wanted])
    first, *rest = name.split("/")
    if first in DERIVED:
        values, forms, where = DERIVED[first](results), rest, first.replace("_", " ")
    else:
        values, forms, where = _from_tables(name, first, rest, results)
    unknown = [form for form in forms if form not in FORMS]
    if unknown:
        raise NotFoundError(f"part of the number {name!r}", unknown[0], [*FORMS, *CONTROLS, *SPLITS])
    if values.empty:
        raise NotFoundError("number", name, [*DERIVED, "MEASURE/KIND/DEPTH"])
    by_run = not pd.api.types.is_numeric_dtype(values.index)  # a number of the whole experiment has no run
    runs = ", ".join(sorted({str(run) for run in values.index})) if by_run else "all runs"
    over = f"mean of {len(values)} runs ({values.min():.3g} to {values.max():.3g}): {runs}" if len(values) > 1 else runs
    title = f"{place}{': ' * bool(place)}{where}; {over}"
    return Number(_spoken(values, forms), title, results.experiment)


def slug(variant: str) -> str:
    """A variant's name as it stands in a number: lower case, hyphens for all that is not a letter, digit or dot."""
    return re.sub(r"[^a-z0-9.]+", "-", variant.lower()).strip("-")


def margin_rows(results: Results, kind: str) -> pd.DataFrame:
    """Observed minus best floor, one row a run and depth: what the verdict is made of."""
    found = [
        {"run": run, "depth": depth, "value": seed.margin()}
        for (run, at, depth), seed in seeds_of(results.measures).items()
        if at == kind
    ]
    return pd.DataFrame(found, columns=["run", "depth", "value"])


def _from_tables(name: str, measure: str, rest: list[str], results: Results) -> tuple[pd.Series, list[str], str]:
    if len(rest) < 2 or not rest[1].isdigit():
        raise NotFoundError("number", name, [*DERIVED, "MEASURE/KIND/DEPTH"])
    kind, depth, parts = rest[0], int(rest[1]), rest[2:]
    control = next((part for part in parts if part in CONTROLS), "none")
    split = next((part for part in parts if part in SPLITS), "held_out")
    rows = margin_rows(results, kind) if measure == "margin" else results.values(measure, kind, split, control)
    rows = rows[rows["depth"] == depth]
    if rows.empty:
        raise NotFoundError("number", name, [str(m) for m in results.measures["measure"].unique()])
    forms = [part for part in parts if part not in (*CONTROLS, *SPLITS)]
    values = rows.set_index(rows["run"].astype(str))["value"]
    where = f"{measure.replace('_', ' ')}, {kind}, depth {depth}, {split.replace('_', ' ')}"
    return values, forms, where + ("" if control == "none" else f", {control.replace('_', ' ')}")


def _spoken(values: pd.Series, forms: list[str]) -> str:
    def say(value: float) -> str:
        if math.isnan(value):
            return "undefined"
        if "pct" in forms:
            return f"{value:.0%}"
        if "points" in forms:
            return f"{100 * value:.0f}"
        if "int" in forms:
            return f"{value:,.0f}"
        if "tenth" in forms:
            return f"{value:.1%}"
        if "three" in forms:
            return f"{value:.3f}"
        if "one" in forms:
            return f"{value:.1f}"
        return f"{value:.2f}".replace("-", "−")

    if "range" in forms:
        return f"{say(values.min())} to {say(values.max())}"
    return say(float(values.mean())) + ("×" if "x" in forms else "")

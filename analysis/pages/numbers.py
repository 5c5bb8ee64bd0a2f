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

`margin` as a measure is the verdict's: observed minus best floor. Numbers that are made of several are a project's own:
its `report/derived_numbers.py` holds `NUMBERS`, a table from a name to a function that gives a value per run, with the
same forms behind a slash; `WORDS` there may say in words what one of them is.
Only names that pages use are resolved; a name that nothing answers to fails the build, with file and line.
"""

from __future__ import annotations

import math
import re
import runpy
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType

import pandas as pd

from analysis.figures.words import needs_labels
from analysis.plan.paths import Paths
from analysis.results.number_words import number_words
from analysis.results.tables import OF_CLASSES, Results, source
from analysis.results.verdict import nearest_leads
from sae.errors import DataError, NotFoundError, RenderError
from sae.rule import CODE_NULLS

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
    "permuted_tower",
    "frozen_decoder",
    *CODE_NULLS,
)
SPLITS = ("train", "held_out")
FORMS = ("pct", "points", "range", "int", "x", "one", "three", "tenth")


@dataclass(frozen=True)
class Number:
    """A number as it stands in a page, with where it comes from."""

    text: str
    title: str
    """What it is in words, and of which experiment; behind a semicolon, over which runs."""
    words: str
    """The former alone, without the experiment."""
    experiment: str
    """Whose row on the reproduce page says config, commit and seconds."""


# Of an experiment as a whole.
DERIVED: dict[str, Callable[[Results], pd.Series]] = {
    "seeds": lambda r: pd.Series([r.runs["seed"].nunique()]),
    "chains": lambda r: pd.Series([len(r.runs)]),
    "seconds": lambda r: pd.Series([r.runs["seconds"].sum()]),
}
DERIVED_WORDS = {
    "seeds": "how many seeds there are", "chains": "how many chains of stages were run",
    "seconds": "seconds that all runs took",
}  # fmt: skip


def used(pages: Iterable[Path]) -> list[tuple[str, Path, int]]:
    """Every name that the pages use, with file and line."""
    found = []
    for page in pages:
        for line, text in enumerate(page.read_text(encoding="utf-8").splitlines(), 1):
            found += [(match, page, line) for match in USE.findall(text)]
    return found


def resolve_all(
    pages: Iterable[Path], results: Results | None, paths: Paths, found: Mapping[str, Number] = MappingProxyType({})
) -> dict[str, Number]:
    """Every number that the pages use, beside those that were `found` before. Raises RenderError with file and line for
    a name without an answer."""
    numbers = dict(found)
    for name, page, line in used(pages):
        if name not in numbers:
            try:
                numbers[name] = resolve(name, results, paths)
            except (NotFoundError, DataError) as error:
                said = f"the number {name}: {error}" if isinstance(error, DataError) else str(error)
                raise RenderError(said, page.relative_to(paths.root).as_posix(), line) from error
    return numbers


def resolve(whole: str, main: Results | None, paths: Paths) -> Number:
    """The number that `whole` asks for. Raises NotFoundError when nothing answers to it, DataError for one of classes
    where the data set has none."""
    place, _, name = whole.rpartition(":")
    experiment, _, wanted = place.partition("/")
    results = source(main, experiment, paths)
    of = f" (experiment {results.experiment})" if place else ""
    if wanted:
        slugs = {slug(variant): variant for variant in results.variants}
        if wanted not in slugs:
            raise NotFoundError(f"variant of {results.experiment}", wanted, list(slugs))
        results = results.of(slugs[wanted])
        of = f" (experiment {results.experiment}, variant {slugs[wanted]})"
    first, *rest = name.split("/")
    derived = derived_numbers(paths)
    if first in derived:
        values, forms, where = derived[first](results), rest, derived_words(paths).get(first, first.replace("_", " "))
    else:
        values, forms, where = _from_tables(name, first, rest, results, list(derived))
    unknown = [form for form in forms if form not in FORMS]
    if unknown:
        raise NotFoundError(f"part of the number {name!r}", unknown[0], [*FORMS, *CONTROLS, *SPLITS])
    if values.empty:
        raise NotFoundError("number", name, [*derived, "MEASURE/KIND/DEPTH"])
    by_run = not pd.api.types.is_numeric_dtype(values.index)  # a number of the whole experiment has no run
    runs = ", ".join(sorted({str(run) for run in values.index})) if by_run else "all runs"
    over = f"mean of {len(values)} runs ({values.min():.3g} to {values.max():.3g}): {runs}" if len(values) > 1 else runs
    where, of = where.replace(";", ","), of.replace(";", ",")  # the first semicolon parts what it is from which runs
    return Number(_spoken(values, forms), f"{where}{of}; {over}", where, results.experiment)


def derived_numbers(paths: Paths) -> dict[str, Callable[[Results], pd.Series]]:
    """Numbers that are made of several, by name: the tool's, and the project's own. Raises RenderError for a file of
    the project that cannot be read."""
    return DERIVED | _own(paths)[0]


def derived_words(paths: Paths) -> dict[str, str]:
    """What they are in words, where that is said. Raises RenderError as `derived_numbers` does."""
    return DERIVED_WORDS | _own(paths)[1]


def _own(paths: Paths) -> tuple[dict[str, Callable[[Results], pd.Series]], dict[str, str]]:
    file = paths.report / "derived_numbers.py"
    if not file.is_file():
        return {}, {}
    stat = file.stat()
    return _read_own(file, stat.st_mtime_ns, stat.st_size)


@cache
def _read_own(file: Path, time: int, size: int) -> tuple[dict[str, Callable[[Results], pd.Series]], dict[str, str]]:
    try:
        said = runpy.run_path(str(file))
        found, words = dict(said["NUMBERS"]), {str(name): str(text) for name, text in said.get("WORDS", {}).items()}
    except KeyError:
        raise RenderError("has no NUMBERS, a table from a name to a function of the results", file.name) from None
    except Exception as error:
        raise RenderError(f"cannot be read: {type(error).__name__}: {error}", file.name) from error
    if strays := sorted(words.keys() - found.keys()):
        raise RenderError(f"WORDS has {strays[0]!r}, which NUMBERS has not; take it out, or correct it", file.name)
    return found, words


def slug(variant: str) -> str:
    """A variant's name as it stands in a number: lower case, hyphens for all that is not a letter, digit or dot."""
    return re.sub(r"[^a-z0-9.]+", "-", variant.lower()).strip("-")


def margin_rows(results: Results, kind: str) -> pd.DataFrame:
    """Observed minus nearest floor, one row a run and depth: what the verdict is made of."""
    found = [
        {"run": run, "depth": depth, "value": value}
        for (run, at, depth), value in nearest_leads(results).items()
        if at == kind
    ]
    return pd.DataFrame(found, columns=["run", "depth", "value"])


def _from_tables(
    name: str, measure: str, rest: list[str], results: Results, derived: list[str]
) -> tuple[pd.Series, list[str], str]:
    if len(rest) < 2 or not rest[1].isdigit():
        raise _not_there(name, measure, rest, results, derived)
    kind, depth, parts = rest[0], int(rest[1]), rest[2:]
    control = next((part for part in parts if part in CONTROLS), "none")
    split = next((part for part in parts if part in SPLITS), "held_out")
    rows = margin_rows(results, kind) if measure == "margin" else results.values(measure, kind, split, control)
    rows = rows[rows["depth"] == depth]
    if rows.empty and measure in OF_CLASSES:
        needs_labels(results)
    if rows.empty:
        raise _not_there(name, measure, [kind, str(depth), control, split], results, derived)
    forms = [part for part in parts if part not in (*CONTROLS, *SPLITS)]
    values = rows.set_index(rows["run"].astype(str))["value"]
    return values, forms, number_words(measure, kind, depth, control, split)


def _not_there(name: str, measure: str, rest: list[str], results: Results, derived: list[str]) -> NotFoundError:
    """What there is in the place of the first part of a number that nothing answers to."""
    there = _places(measure, results)
    if there.empty:
        return NotFoundError("number", name, [*derived, "margin", *results.measured])
    for part, wanted in zip(there, [*rest, "", ""], strict=False):
        found = there[part].unique().tolist()
        if wanted not in found:
            return NotFoundError("number", name, [f"{part} {one}" for one in found])
        there = there[there[part] == wanted]
    return NotFoundError("number", name, [*derived, "MEASURE/KIND/DEPTH"])


def _places(measure: str, results: Results) -> pd.DataFrame:
    """Where a measure was taken, as text: kind, depth, control and split."""
    if measure == "margin":
        found = {(kind, str(depth)) for _, kind, depth in nearest_leads(results)}
        return pd.DataFrame(
            [(*place, "none", "held_out") for place in sorted(found)], columns=["kind", "depth", "control", "split"]
        )
    own = results.measures[results.measures["measure"] == measure]
    return own[["kind", "depth", "control", "split"]].astype(str).drop_duplicates()


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

"""The panel: for each tower and depth every measure beside its floors and controls, and the rule's word."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from analysis.plan.config import KINDS, RunConfig
from analysis.results.tables import Results
from sae.bounds import holm, interval
from sae.rule import (
    CODE_NULLS,
    CODES,
    DEALT,
    DECIDING,
    DICTIONARIES,
    MEMORISING,
    NAMES,
    READING_CODES,
    REENCODED,
    RELEARNED,
    SHUFFLED,
    STRUCTURE,
    THRESHOLDS,
    TRAINED,
    Seed,
    Verdict,
    code_floors,
    judge,
    leads_of,
)

ASKED = (
    "variance_explained", "variance_explained_refit", "live_share", "live_copies", "copy_score", "explained_error",
    "lead_error", "leaked_share",
)  # fmt: skip
"""The measures that the rule asks for."""

# What is printed of a measure beside its floors and controls; in the tables and in JSON they have shorter names.
CONTROLS = {
    **NAMES,
    "none": "itself",
    "random_host": "random network",
    "permuted_labels": "shuffled labels",
    "random_direction": "along random directions",
    "pca": "PCA",
    "reencoded": "codes encoded again",
    "reencoded_shuffled": "the same, dealt out once more",
    "relearned": "codes learned again",
    "relearned_shuffled": "the same, dealt out once more",
}
Place = tuple[str, str, str, int]
"""Experiment, variant, tower and depth."""
HOST = ("host", 0, "held_out", "none")
_WIDEST = max(map(len, NAMES.values()))


def panel(results: Results) -> list[dict[str, Any]]:
    """One object per variant, tower and depth.

    experiment, variant, kind, depth; for towers word, why, margin (mean, low, high: the interval over seeds; examples:
    the one over held-out examples), best_floor, least (low, floor: the lowest lower bound
    at any floor, which decides), floors[floor] (distance to each: mean, low, high), p (one: by itself,
    one-sided; holm: adjusted for being one of `of` depths), detects (the true lead that would be found in four of five
    experiments) and stopped (in how many seeds);
    measures[measure][split][control] with mean, least, greatest (over seeds), low, high (95% interval of the mean)
    and seeds. NaN, a measure that is undefined there, becomes null.
    """
    rows, many, tests = [], adjusted(results), number_of_tests(results)
    for variant in results.variants:
        seen = results.of(variant)
        table = seen.measures
        numbers = {}
        for key, place in table.groupby(["kind", "depth"], observed=True, sort=True):
            kind, depth = (str(part) for part in key)
            numbers[kind, int(depth)] = _numbers(place)
        words, asked = verdicts(seen), seeds(seen)
        for at in sorted({*numbers, *words}):
            row: dict[str, Any] = {
                "experiment": results.experiment, "variant": variant, "kind": at[0], "depth": at[1],
            }  # fmt: skip
            if at in words:
                row |= _said(words[at], [seed for (_, *place), seed in asked.items() if tuple(place) == at])
                row["p"] |= {"holm": _plain(many[results.experiment, variant, *at]), "of": tests}
                row["stopped"] = len(stopped(seen, *at))
            rows.append({**row, "measures": numbers.get(at, {})})
    return rows


def verdicts(results: Results) -> dict[tuple[str, int], Verdict]:
    """The word for every depth that was planned, by kind and depth; `results` of one variant."""
    if "verdicts" not in results.kept:
        results.kept["verdicts"] = _verdicts(results)
    return dict(results.kept["verdicts"])


def seeds(results: Results) -> dict[tuple[str, str, int], Seed]:
    """What the rule asks about each run, tower and depth."""
    if "seeds" not in results.kept:
        results.kept["seeds"] = seeds_of(results.measures)
    return dict(results.kept["seeds"])


def _verdicts(results: Results) -> dict[tuple[str, int], Verdict]:
    trained = results.runs[results.runs["control"] == "none"]
    if trained.empty:
        return {}
    config = RunConfig.from_canonical(str(trained["config"].iloc[0]))
    table = seeds(results)
    found: dict[tuple[str, int], Verdict] = {}
    for tower in config.towers:
        for depth in range(1, tower.depth + 1):
            here = [seed for (_, kind, at), seed in table.items() if kind == tower.kind and at == depth]
            wanted = READING_CODES if tower.kind == "latents" and depth > 1 else DECIDING
            found[tower.kind, depth] = judge(here, stopped(results, tower.kind, depth), wanted=wanted)
    return found


def nearest_leads(results: Results) -> dict[tuple[str, str, int], float]:
    """Of each run, tower and depth the distance to the floor that is nearest over seeds; `results` of one variant."""
    words = verdicts(results)
    return {
        (run, kind, depth): seed.margins().get(words[kind, depth].best_floor, math.nan)
        for (run, kind, depth), seed in seeds(results).items()
        if (kind, depth) in words
    }


def distinct(*given: Results) -> dict[Place, Place]:
    """Every depth that was judged in some experiments, each with the first place at which the same SAEs stand: towers
    that start from the same ones share their depth 1."""
    found: dict[Place, Place] = {}
    starts: dict[tuple[str, ...], Place] = {}
    for results in given:
        for variant in results.variants:
            seen = results.of(variant)
            start = first_layers(seen)
            for kind, depth in verdicts(seen):
                place = (results.experiment, variant, kind, depth)
                found[place] = starts.setdefault(start, place) if depth == 1 else place
    return found


def adjusted(*given: Results) -> dict[Place, float]:
    """p of every depth that was judged in some experiments, whatever its word, adjusted for being many (Holm); SAEs
    that stand at several places count once."""
    places = distinct(*given)
    own = {
        (results.experiment, variant, kind, depth): verdict.p
        for results in given
        for variant in results.variants
        for (kind, depth), verdict in verdicts(results.of(variant)).items()
    }
    many = holm({place: own[place] for place in places.values()})
    return {place: many[first] for place, first in places.items()}


def number_of_tests(*given: Results) -> int:
    """How many p values `adjusted` takes together."""
    many = adjusted(*given)
    return sum(not math.isnan(many[place]) for place in set(distinct(*given).values()))


def first_layers(seen: Results) -> tuple[str, ...]:
    """What the SAEs of depth 1 hang on, a text a seed: where it is equal, towers share them. `seen` of one variant."""
    trained = seen.runs[seen.runs["control"] == "none"]
    configs = [RunConfig.from_canonical(str(text)) for text in trained["config"].unique()]
    return tuple(sorted(f"{config.source} {config.host} {config.sae} {config.seed}" for config in configs))


def stopped(results: Results, kind: str, depth: int) -> list[str]:
    """The sentences of the seeds in which the tower stopped before it trained `depth`."""
    rows = results.stops
    rows = rows[(rows["kind"] == kind) & (rows["control"] == "none") & (rows["depth"] <= depth)]
    return [str(text) for text in rows["sentence"]]


def seeds_of(rows: pd.DataFrame) -> dict[tuple[str, str, int], Seed]:
    """What the rule asks about each run, tower and depth, from rows of `measures`."""
    rows = rows[rows["kind"].isin((*KINDS, "host"))]
    trained = (rows["control"] == "none") & rows["kind"].isin(KINDS)
    there = rows.loc[trained, ["run", "kind", "depth"]].drop_duplicates()
    places = {(str(run), str(kind), int(depth)) for run, kind, depth in there.itertuples(index=False)}
    # a small part of all measures: tables are large, and every page asks
    rows = rows[rows["measure"].isin(ASKED)]
    cells = {
        (str(run), str(kind), int(depth), str(split), str(control), str(measure)): float(value)
        for run, kind, depth, split, control, measure, value in rows[
            ["run", "kind", "depth", "split", "control", "measure", "value"]
        ].itertuples(index=False)
    }
    return {place: _seed(place, cells) for place in sorted(places)}


def _seed(place: tuple[str, str, int], cells: dict[Any, float]) -> Seed:
    def get(split: str, measure: str, control: str = "none") -> float:
        return cells.get((*place, split, control, measure), math.nan)

    explained, refit, live, copies, copies_of_all, error, lead, leaked = ASKED
    floors = {name: get("held_out", explained, name) for name in (*TRAINED, *DICTIONARIES)}
    floors[MEMORISING] = get("train", explained, MEMORISING)
    floors |= code_floors({name: get("held_out", explained, name) for name in CODE_NULLS})
    return Seed(
        live_share=get("train", live), in_sample=get("train", explained), own=get("held_out", explained),
        refit=get("held_out", refit),
        # tables from before live latents were counted have copies among all
        copy_score=cells.get((*place, "train", "none", copies), get("train", copies_of_all)),
        floors={name: value for name, value in floors.items() if not math.isnan(value)},
        errors=_errors(lambda name: get("held_out", error, name), lambda name: get("held_out", lead, name)),
        # of directions the share is their own, of all else that of the examples; tables from before have none
        leaked=cells.get((*place, "held_out", "none", leaked), cells.get((place[0], *HOST, leaked), 0.0)),
    )  # fmt: skip


def _errors(of: Callable[[str], float], lead: Callable[[str], float]) -> dict[str, float]:
    """The standard error of the distance to each floor, over held-out examples: of what was scored on the very rows
    measured so, else from both sides. Codes that were dealt out once more stand for rows of their own, which makes
    that of their lead rather too large."""
    worth = {name: of(name) for name in ("none", *TRAINED, *CODE_NULLS)}
    found = {name: math.hypot(worth["none"], worth[name]) for name in TRAINED}
    found["frozen_decoder"] = lead("frozen_decoder")
    found[CODES[0]] = math.hypot(worth["none"], worth[DEALT])
    for name, null in ((REENCODED, CODES[1]), (RELEARNED, CODES[2])):
        found[null] = math.hypot(worth["none"], worth[DEALT], worth[name], worth[f"{name}{SHUFFLED}"])
    found |= {name: lead(name) for name in DICTIONARIES}
    return {name: value for name, value in found.items() if not math.isnan(value)}


def _numbers(place: pd.DataFrame) -> dict[str, Any]:
    measures: dict[str, Any] = {}
    for key, cell in place.groupby(["measure", "split", "control"], observed=True, sort=True):
        measure, split, control = (str(part) for part in key)
        values = cell["value"].dropna()
        low, high = interval(values.tolist())
        measures.setdefault(measure, {}).setdefault(split, {})[control] = {
            "mean": _plain(values.mean()), "least": _plain(values.min()), "greatest": _plain(values.max()),
            "low": _plain(low), "high": _plain(high), "seeds": len(values),
        }  # fmt: skip
    return measures


def _said(verdict: Verdict, seeds: list[Seed]) -> dict[str, Any]:
    floors = leads_of(seeds)
    margin = {name: _plain(getattr(verdict, name)) for name in ("low", "high")}
    examples = {name: _plain(getattr(verdict, f"examples_{name}")) for name in ("low", "high")}
    return {
        "word": verdict.word,
        "why": verdict.why,
        "margin": {"mean": _plain(verdict.margin), **margin, "examples": examples},
        "p": {"one": _plain(verdict.p)},
        "detects": _plain(verdict.detects),
        "best_floor": verdict.best_floor or None,
        "least": {"low": _plain(verdict.least), "floor": verdict.least_floor or None},
        "floors": {
            name: {
                "mean": _plain(float(np.mean(values))),
                **dict(zip(("low", "high"), map(_plain, interval(values)), strict=True)),
            }
            for name, values in floors.items()
        },
    }


def text(rows: list[dict[str, Any]], whole: bool = False) -> str:
    """The words with their reasons, and the distance to each floor; with `whole` the held-out means of everything."""
    lines = ["Thresholds: " + json.dumps(dataclasses.asdict(THRESHOLDS))]
    for row in rows:
        if "why" in row:
            lines += [f"\n{_title(row)}: {row['word'] or 'undecided'}", f"  {row['why']}"]
            lines += [
                f"  above {NAMES.get(name, name):<{_WIDEST}} {cell['mean']:+.3f}"
                + ("" if cell["low"] is None else f"  ({cell['low']:+.3f} to {cell['high']:+.3f})")
                for name, cell in row["floors"].items()
                if cell["mean"] is not None
            ]
            lines += [_many(row)] if row["p"]["holm"] is not None else []
        if not whole:
            continue
        lines += [] if "why" in row else [f"\n{_title(row)}"]
        for measure, splits in row["measures"].items():
            controls = splits.get("held_out") or splits.get("train") or {}
            where = "" if "held_out" in splits else " (train)"
            shown = "   ".join(
                f"{CONTROLS.get(control, control)} {cell['mean']:.3f}"
                for control, cell in controls.items()
                if cell["mean"] is not None
            )
            lines.append(f"  {measure + where:<28} {shown}")
    return "\n".join(lines)


def _many(row: dict[str, Any]) -> str:
    """Whether a word outlasts that it is one of many."""
    p, limit = row["p"], (1 - THRESHOLDS.confidence) / 2
    stands = "" if row["word"] != STRUCTURE else "; it stands" if p["holm"] <= limit else "; it does not stand"
    return f"  p {p['one']:.2g}, {p['holm']:.2g} as one of {p['of']} depths (Holm){stands}"


def _title(row: dict[str, Any]) -> str:
    name = ", ".join(part for part in (row["experiment"], row["variant"], row["kind"]) if part)
    return f"{name}, depth {row['depth']}"


def summary(results: Results) -> str:
    """The words of all towers in short: `latents: structure x3, copy; directions: floor`."""
    parts = []
    for variant in results.variants:
        words: dict[str, list[str]] = {}
        for (kind, _), verdict in sorted(verdicts(results.of(variant)).items()):
            words.setdefault(kind, []).append(verdict.word or "undecided")
        said = "; ".join(f"{kind}: {_counted(given)}" for kind, given in words.items())
        parts.append(f"{variant}: {said}" if variant else said)
    return " | ".join(parts)


def _counted(words: list[str]) -> str:
    runs: list[list[Any]] = []
    for word in words:
        if runs and runs[-1][0] == word:
            runs[-1][1] += 1
        else:
            runs.append([word, 1])
    return ", ".join(f"{word} x{count}" if count > 1 else str(word) for word, count in runs)


def _plain(value: float) -> float | None:
    return None if math.isnan(value) else round(float(value), 6)

"""A set of the explorer for an experiment at whose latents nobody looked one by one: what its tables have all the same.

Its tracked tables hold the strongest examples of every latent, the classes that it falls on and what it is made of, and
no images: they are the site's own, where both are of one data set. `_quarto.yml` names such experiments
(`strata.explorer`), since most have variants, or nothing to see. In place of names there is the verdict of each depth.
Free of torch.
"""

from __future__ import annotations

from typing import Any

import pandas as pd

from analysis.results import latents
from analysis.results.tables import Results
from analysis.results.verdict import verdicts
from sae.errors import ConfigError

KIND = latents.KIND
SHOWN = 9
NOT_LOOKED = 4
"""Why a latent has no name, beside those of `explorer.gate`: nobody looked for one."""


def check_plain(results: Results, main: Results) -> None:
    """Raises ConfigError where an experiment cannot be shown with the site's own images."""
    why = ""
    if len(results.variants) > 1:
        why = "it has several variants, and the explorer shows one tower"
    elif results.examples.empty or not main.pinned.has("sprite.json"):
        why = "its tables, or those of the site's own experiment, hold no examples"
    elif not set(_first(results, results.examples)["example"]) <= set(main.sprite["ids"]):
        why = f"its strongest examples are not among the images of {main.experiment}: the two are of other data"
    if why:
        raise ConfigError(f"_quarto.yml: strata.explorer names {results.experiment!r}: {why}; take it out of the list")


def plain_levels(results: Results) -> list[dict[str, Any]]:
    """What the index says of every depth: `word` is its verdict."""
    words = verdicts(results)
    found = []
    for depth in results.depths(KIND):
        rows = _first(results, results.latents)
        there = rows[(rows["depth"] == depth) & (rows["measure"] == "firing_rate")]
        found.append(
            {
                "depth": depth, "kind": KIND, "file": f"{KIND}-{depth}.json", "live": int((there["value"] > 0).sum()),
                "all": int(there["latent"].max()) + 1, "named": 0, "views": [], "plain": True,
                "word": words[KIND, depth].word if (KIND, depth) in words else "",
            }
        )  # fmt: skip
    return found


def plain_level(results: Results, main: Results, depth: int, thousandths: Any) -> list[dict[str, Any]]:
    """One object per latent of a depth that fires, in the explorer's format; null for what nobody measured."""
    cell = {example: number for number, example in enumerate(main.sprite["ids"])}
    classes = range(len(main.sprite["class_names"]))
    rows = _first(results, results.latents)
    rows = rows[(rows["depth"] == depth) & (rows["split"] == "held_out")]
    wide = rows.astype({"measure": str}).pivot(index="latent", columns="measure", values="value")
    numbers: dict[Any, dict[str, float]] = wide.to_dict("index")  # type: ignore[assignment]  # columns are measures
    strongest = _first(results, results.examples)
    strongest = strongest[strongest["depth"] == depth].sort_values(["latent", "rank"])
    driven = latents.pairs(strongest, ["latent"], ("example", "activation"))
    made, uses = _links(results, depth, "latent"), _links(results, depth + 1, "below")
    unknown = [None] * len(classes)
    found = []
    for (number,), shown in driven.items():
        row = numbers.get(number, {})
        above, largest = uses.get(int(str(number)), []), shown[0][1]
        found.append(
            {
                "i": number, "n": "unnamed", "m": 0, "d": [None] * 4, "r": [None] * 4,
                "c": _whole(row.get("chosen_class")), "f": [None] * 5,
                "s": [*(thousandths(row.get(name)) for name in ("selectivity", "top_class_share")), None,
                      thousandths(row.get("firing_rate")), None],
                "a": float(f"{largest:.3g}"), "h": [],
                "b": [[cell[example] for example, _ in shown[:SHOWN]], [], [], [], []],
                "v": [[round(100 * drive / largest) for _, drive in shown[:SHOWN]], [], [], [], []],
                "k": [thousandths(row.get(f"class_share_{c}")) for c in classes],
                "ab": unknown, "ah": unknown, "st": unknown, "sh": unknown, "at": unknown,
                "e": None, "x": None, "q": NOT_LOOKED, "o": [None] * 5, "t": [None] * 2,
                "p": _told(made.get(int(str(number)), []), thousandths), "u": _told(above[:6], thousandths),
                "w": len(above), "y": [], "g": [], "z": [], "rn": None,
            }
        )  # fmt: skip
    return found


def _links(results: Results, depth: int, by: str) -> dict[int, latents.Pairs]:
    """What latents of a depth are made of (by `latent`), or what those below go into (by `below`), largest first."""
    rows = _first(results, results.links)
    rows = rows[rows["depth"] == depth].sort_values("weight", ascending=False, kind="stable")
    other = "below" if by == "latent" else "latent"
    return {int(str(key)): made for (key,), made in latents.pairs(rows, [by], (other, "weight")).items()}


def _told(made: latents.Pairs, thousandths: Any) -> list[list[int | None]]:
    return [[other, thousandths(weight, True)] for other, weight in made]


def _whole(value: Any) -> int | None:
    return None if value is None or pd.isna(value) else int(value)


def _first(results: Results, rows: pd.DataFrame) -> pd.DataFrame:
    """Rows of the first run's latents tower on the trained network."""
    return rows[(rows["run"] == results.first_run) & (rows["kind"] == KIND) & (rows["control"] == "none")]

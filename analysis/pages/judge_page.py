"""A judgement as one page that needs nothing else: no network, no script, light and dark, narrow screens; and as text.

Both are made from the judgement's dictionary (`Judgement.as_dict`), so that a page can be made again from the JSON.
"""

from __future__ import annotations

import math
from typing import Any

import altair as alt
import pandas as pd

from analysis.figures import vega
from analysis.figures.specs import spec_of
from analysis.figures.style import ROLES
from analysis.figures.svg import clean_svg
from analysis.site.jinja import environment
from sae import rule

LATENTS_SHOWN, NEAR_SHOWN = 60, 40
# Latents that stand on the page; the others can be unfolded.
FIRST = 8
# Its words keep their size where the page is 390 pixels wide: they stand above the bars, and not beside them.
WIDTH, ROW, ABOVE = 320, 42, -13
CONTROLS = {
    "none": "the SAE itself",
    **rule.NAMES,
    "pca": "PCA of the same L0 (never decides)",
    "permuted_labels": "labels shuffled",
    "random_host": "an SAE trained on the random host's rows",
    "random_host_permuted": "the same, labels shuffled",
    "on_random_rows": "this SAE on the random host's rows",
    "on_random_rows_permuted": "the same, labels shuffled",
}
MEASURES = {
    "variance_explained": "variance explained",
    "variance_explained_refit": "variance explained, its directions under the dictionaries' coder",
    "l0": "active latents a row (L0)",
    "live_share": "share of latents that fire",
    "copies": "share of latents that repeat a coordinate",
    "stored_rows": "share of latents that hold one row",
    "selectivity": "selectivity: best class over the runner-up",
    "class_precision": "precision of a latent for its class",
    "class_recall": "recall of a latent for its class",
    "top_class_share": "share of a latent's mass in its best class",
    "exclusive_share": "share of latents with 90% of their mass in one class",
    "eligible_share": "share of latents that fire often enough to be scored",
    "csp": "class selectivity, silent latents as 0 (CSP)",
}
WORDS = {
    "structure": "It explains more of the rows than everything without structure that it was compared with.",
    "floor": "Something that has learned no structure explains as much, to within a hundredth of the variance.",
    "undecided": "It may be above what has learned no structure, or not: the numbers do not settle it.",
    "copy": "Most of its live latents only repeat a coordinate of the rows, or single rows.",
    "collapse": "No latent fires, or hardly any of the variance is explained.",
    None: "No word is justified by what was tested.",
}


def said(verdict: dict[str, Any]) -> str:
    """The word of a verdict; what was not tested leaves none, which is another thing than undecided."""
    return verdict["word"] or "no word"


def page(judgement: dict[str, Any]) -> str:
    """The page as HTML."""
    groups = [
        {**group, "chart": _chart(group, f"margins-{i}"), "explained": _explained(group),
         "others": _by_measure(_others(group)), "shown": [_latents(sae) for sae in group["saes"]],
         "shuffles": max((n for _, _, n in _over_shuffles(group).values()), default=0),
         "said": said(group["verdict"]), "meaning": WORDS[group["verdict"]["word"]]}
        for i, group in enumerate(judgement["groups"], 1)
    ]  # fmt: skip
    return environment().get_template("judgement.html").render(
        judgement=judgement, groups=groups, number=number, first=FIRST, roles=ROLES,
        rule=(rule.__doc__ or "").strip().split("\n\n"),
    )  # fmt: skip


def text(judgement: dict[str, Any]) -> str:
    """The words with their reasons and the panel, for a terminal."""
    lines = []
    for group in judgement["groups"]:
        verdict = group["verdict"]
        lines += [f"{', '.join(sae['name'] for sae in group['saes'])}: {said(verdict)}"]
        lines += [f"  seeds of one training: {group['seeds_why']}"] if group.get("seeds_why") else []
        lines += [f"  {verdict['why']}", f"  {group['interval']}", ""]
        lines += [
            f"  {row['name']:<44} {number(row['value']):>8}   above it {number(row['margin'], sign=True)}"
            + (f" ({number(row['low'], sign=True)} to {number(row['high'], sign=True)})" if row["low"] != "" else "")
            if row["margin"] != ""
            else f"  {row['name']:<44} {number(row['value']):>8}"
            for row in _explained(group)
        ]
        lines += [
            f"  {row['measure']}, {row['name']}: {number(row['value'])}{between(row['shuffles'])}"
            for row in _others(group)
            if row["key"] in ("l0", "live_share", "copies", "stored_rows", "selectivity", "class_precision")
        ]
        lines.append("")
    lines += [f"note: {note}" for note in judgement["notes"]]
    lines += [f"not tested: {entry['what']} ({entry['why']})" for entry in judgement["untested"]]
    return "\n".join(lines)


def between(shuffles: tuple[float, float, int] | None) -> str:
    """Where 95% of the shuffles lie, in words; empty for what has none."""
    return f" (95% of {shuffles[2]} shuffles: {number(shuffles[0])} to {number(shuffles[1])})" if shuffles else ""


def number(value: Any, sign: bool = False) -> str:
    """Three digits, or a dash for what is not defined."""
    if value is None or value == "" or (isinstance(value, float) and math.isnan(value)):
        return "–"
    if isinstance(value, int):
        return str(value)
    return f"{value:+.3f}" if sign else f"{value:.3f}"


def _over_shuffles(group: dict[str, Any]) -> dict[tuple[str, str, str], tuple[float, float, int]]:
    """Where shuffled labels were tried: the ends of the middle 95%, averaged over the SAEs of a group, and how many
    shuffles there were."""
    found: dict[tuple[str, str, str], list[tuple[float, float, int]]] = {}
    for sae in group["saes"]:
        for entry in sae["numbers"]:
            if entry.get("low") is not None and entry.get("high") is not None:
                place = found.setdefault((entry["measure"], entry["split"], entry["name"]), [])
                place.append((entry["low"], entry["high"], entry["n"]))
    return {
        key: (sum(low for low, _, _ in all_) / len(all_), sum(high for _, high, _ in all_) / len(all_), all_[0][2])
        for key, all_ in found.items()
    }


def _means(group: dict[str, Any]) -> dict[tuple[str, str, str], float | None]:
    """Each number, averaged over the SAEs of a group, in the order in which it was found."""
    values: dict[tuple[str, str, str], list[float]] = {}
    for sae in group["saes"]:
        for entry in sae["numbers"]:
            place = values.setdefault((entry["measure"], entry["split"], entry["name"]), [])
            place += [] if entry["value"] is None else [entry["value"]]
    return {key: sum(given) / len(given) if given else None for key, given in values.items()}


def _explained(group: dict[str, Any]) -> list[dict[str, Any]]:
    """Variance explained of the SAE and of everything beside it, with margins where they decide."""
    means = {key: value for key, value in _means(group).items() if key[0].startswith("variance_explained")}
    margins = {margin["floor"]: margin for margin in group["margins"]}
    found = []
    for (measure, split, name), value in means.items():
        decides = name in margins and split == _deciding(name, margins[name]["mean"], means)
        margin = margins[name] if decides else {}
        said = CONTROLS.get(name, name) if measure == "variance_explained" else "its directions under the same coder"
        found.append(
            {
                "key": name, "name": said + (" (train)" if split == "train" and name != rule.MEMORISING else ""),
                "value": value, "margin": margin.get("mean", ""), "low": margin.get("low", ""),
                "high": margin.get("high", ""),
            }
        )  # fmt: skip
    return sorted(found, key=lambda row: row["key"] != "none")


def _deciding(name: str, margin: float | None, means: dict[tuple[str, str, str], float | None]) -> str:
    """The split by which a floor counts: that whose distance is the margin."""
    own = means.get(("variance_explained", "held_out", "none"))
    values = {split: means.get(("variance_explained", split, name)) for split in ("held_out", "train")}
    known = {split: value for split, value in values.items() if value is not None}
    if len(known) < 2 or own is None or margin is None or name in rule.DICTIONARIES:
        return next(iter(known), "held_out")
    return min(known, key=lambda split: abs(own - known[split] - margin))


def _others(group: dict[str, Any]) -> list[dict[str, Any]]:
    """All other numbers, each beside its controls."""
    order, shuffles = [*MEASURES], _over_shuffles(group)
    found = [
        {
            "key": measure, "measure": MEASURES.get(measure, measure) + (" (train)" if split == "train" else ""),
            "name": "random mixtures of rows" if (measure, name) == ("stored_rows", "random_dictionary")
            else CONTROLS.get(name, name),
            "value": value, "shuffles": shuffles.get((measure, split, name)),
        }
        for (measure, split, name), value in _means(group).items()
        if not measure.startswith("variance_explained")
    ]  # fmt: skip
    return sorted(found, key=lambda row: order.index(row["key"]) if row["key"] in order else len(order))


def _by_measure(rows: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        found.setdefault(row["measure"], []).append(row)
    return found


def _latents(sae: dict[str, Any]) -> dict[str, Any]:
    """What is shown of single latents: those that are driven most."""
    latents = sae["latents"]
    strongest = latents["strongest"]
    order = sorted(
        (i for i, rows in enumerate(strongest) if rows), key=lambda i: strongest[i][0]["activation"], reverse=True
    )
    rows = [
        {
            "latent": i, "rate": latents["firing_rate"][i], "rows": strongest[i],
            "class": latents["classes"][i] if latents["classes"] else None,
            "selectivity": latents["selectivity"][i] if latents["selectivity"] else None,
        }
        for i in order[:LATENTS_SHOWN]
    ]  # fmt: skip
    return {
        "sae": sae, "rows": rows, "live": len(order), "dead": latents["dead"][:NEAR_SHOWN],
        "copies": latents["copies"][:NEAR_SHOWN], "stored": latents["stored"][:NEAR_SHOWN],
    }  # fmt: skip


def _chart(group: dict[str, Any], name: str) -> str:
    """How far the SAE is above each floor, with intervals, as inline SVG."""
    table = pd.DataFrame(
        [{**margin, "name": rule.NAMES.get(margin["floor"], margin["floor"])} for margin in group["margins"]]
    )
    if table.empty:
        return ""
    alt_text = "Variance explained above each floor: " + "; ".join(
        f"{row['name']} {number(row['mean'], sign=True)}" for row in table.to_dict("records")
    )
    order = alt.EncodingSortField("mean")
    base = alt.Chart(table).encode(y=alt.Y("name:N", title=None, sort=order, axis=None))
    zero = alt.Chart(pd.DataFrame({"x": [0]})).mark_rule(color=ROLES["ink"]).encode(x="x:Q")
    axis = alt.Axis(tickCount=4, labelFlush=True, labelOverlap="greedy", labelFontSize=12, titleFontSize=13)
    bars = base.mark_rule(color=ROLES["c1"], strokeWidth=3).encode(
        x=alt.X("low:Q", title="above the floor by", axis=axis), x2="high:Q"
    )
    points = base.mark_point(color=ROLES["c1"], filled=True, size=70, opacity=1).encode(x="mean:Q")
    # on a ground of the page, so that no line runs through them
    words = base.mark_text(align="left", dy=ABOVE, fontSize=13, color=ROLES["ink"]).encode(
        x=alt.value(4), text="name:N"
    )
    ground = words.copy().mark_text(
        align="left", dy=ABOVE, fontSize=13, color=ROLES["paper"], stroke=ROLES["paper"], strokeWidth=5
    )
    chart = (zero + bars + points + ground + words).properties(width=WIDTH, height=ROW * len(table))
    return clean_svg(vega.svg(spec_of(chart, name, alt_text), name), name, alt_text)

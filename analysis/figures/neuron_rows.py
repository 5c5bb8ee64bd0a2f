"""The tables of latents as HTML: head, filters, one row a latent. Complete without scripts; neurons.js sorts it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from html import escape
from itertools import groupby
from typing import Any

import pandas as pd

from analysis.figures.explorer_links import LEADS, OWN, latent_address
from analysis.figures.image_sheets import cells, spoken_counts

NONE = "–"
MORE = ' class="more"'
SOME = "some "
"""How the name of a latent begins that is silent on some of what it speaks of: it is sorted by the rest."""
OF_CLASS = ("detects its class", "how mixed", "effect on its class")
WHAT = "Latents and the classes that they detect"


@dataclass(frozen=True)
class Column:
    """A column: its key in the URL (none: it cannot be sorted), its head, what it says, the head above several."""

    key: str
    head: str
    says: str
    group: str = ""
    more: bool = False
    """Whether the table shows it only to who asks for all columns."""
    up: bool = False
    """Whether the first press on its head puts the smallest first: the strongest effect of one taken out is a fall."""

    @property
    def of_class(self) -> bool:
        """Whether it says something about classes; without labels the table has no such column."""
        return self.key == "class" or self.group in OF_CLASS


COLUMNS = (
    Column("latent", "latent", f"its number, with the depth in front{LEADS}", up=True),
    Column("name", "name", "what predicts its firing, with how well that does (balanced accuracy) and what chance "
           "reaches; unnamed where that is too little, or where it fires on too few of the images that it speaks of",
           up=True),
    Column("class", "class", "the class with the largest mean activation on training images", up=True),
    Column("", "strongest images", "the held-out images that drive it most"),
    Column("f1", "F1", "harmonic mean of precision and recall", "detects its class"),
    Column("null", "chance", "95% point of its F1 over shuffles of the labels, the class chosen anew in each; marked "
           "where the latent does not pass, at 5% false finds over the depth", "detects its class", more=True),
    Column("precision", "prec.", "precision: of the images on which it fires, the share that has its class",
           "detects its class"),
    Column("recall", "recall", "of the images of its class, the share on which it fires", "detects its class"),
    Column("selectivity", "sel.", "selectivity index: largest minus second class mean, over the largest",
           "how mixed", more=True),
    Column("share", "top", "share of its activation that falls on its strongest class", "how mixed", more=True),
    Column("entropy", "bits", "entropy of its activation over the classes, in bits; 0: one class only", "how mixed",
           more=True, up=True),
    Column("rate", "fires on", "share of the held-out images on which it fires", "how often", more=True),
    Column("l0", "of L0", "its share of all firing of the depth", "how often", more=True),
    Column("ablation", "removed", "change of the probability of its class where it fires, when it is taken out; "
           "percentage points, with half the 95% interval", "effect on its class", up=True),
    Column("steering", "forced", "change of the probability of its class over a sample of all images, when it is set "
           "to the 95% point of its activations; percentage points, with half the 95% interval", "effect on its class",
           more=True),
    Column("fits", "fits name", "whether its name has the class whose probability falls most when it is taken out; "
           "no, with that class, where it has not; unclear where it has not either, but that class does not surely "
           "fall more than those of the name; a dash without a name, or where no class surely falls by a point",
           "effect on its class"),
    Column("parents", "made of", "the two latents one depth below with the largest weights in it", more=True),
)  # fmt: skip


def latent_link(name: str, set_name: str = "") -> str:
    """A link to a latent in the explorer; `name` as in `d3/412`, `set_name` of an experiment that is not the site's."""
    depth, latent = name.removeprefix("d").split("/")
    return f'<a href="{latent_address(depth, latent, set_name)}">{name}</a>'


def columns_of(rows: pd.DataFrame, classes: Sequence[str]) -> list[Column]:
    """The columns of a table of these latents: classes where the examples have labels, parents where there are some."""
    left_out = set() if (rows["parents"] != "").any() else {"parents"}
    return [one for one in COLUMNS if one.key not in left_out and (classes or not one.of_class)]


def table_rows(
    rows: pd.DataFrame,
    images: dict[tuple[int, int], list[int]],
    sprite: dict[str, Any],
    columns: Sequence[Column],
    set_name: str = "",
) -> list[str]:
    """A row of the table for every latent, in order."""
    records: list[dict[str, Any]] = [{str(key): value for key, value in row.items()} for row in rows.to_dict("records")]
    return [_row(row, images.get((row["depth"], row["latent"]), []), sprite, columns, set_name) for row in records]


def table(
    rows: pd.DataFrame,
    images: dict[tuple[int, int], list[int]],
    sprite: dict[str, Any],
    every: pd.DataFrame | None = None,
    set_name: str = "",
) -> str:
    """Filters, what the columns mean, and the table. Depth chips stand where there are several depths, parents where
    there are some, classes where the examples have labels; `set_name` says whose images they are.

    `every` holds all latents that fire of the depths shown: what is not among `rows` is fetched by neurons.js when a
    reader asks for a depth (see `latent_rows.py`).
    """
    classes = sprite["class_names"]
    columns = columns_of(rows if every is None else every, classes)
    body = "".join(table_rows(rows, images, sprite, columns, set_name))
    depths = sorted(rows["depth"].unique())
    chosen = [_chips("class", [(name, name) for name in classes])] if classes else []
    if len(depths) > 1:
        chosen.insert(0, _chips("depth", [(depth, depth or "neurons") for depth in depths]))
    if any(_hidden(column, classes) for column in columns):
        chosen.append('<button type="button" class="all-columns" aria-pressed="false">all columns</button>')
    meanings = "".join(f"<dt>{column.head}</dt><dd>{escape(column.says)}</dd>" for column in columns)
    counts = {} if every is None else every.groupby("depth").size().to_dict()
    more = f' data-rows="{set_name or OWN}" data-counts="{" ".join(f"{d}:{n}" for d, n in counts.items())}"'
    own = f' data-set="&amp;set={set_name}"' if set_name else ""
    return (
        f'<div class="neurons"{more if counts else ""}{own}>'
        f'<details class="neuron-meanings"><summary>What the columns mean</summary><dl>{meanings}</dl></details>'
        f'<div class="neuron-filters">{"".join(chosen)}<p class="neuron-count" aria-live="polite"></p></div>'
        f'<div class="table-scroll" tabindex="0" role="region" aria-label="{WHAT if classes else "Latents"}">'
        '<table data-quarto-disable-processing="true" class="neuron-table">'
        f"<thead>{_heads(columns, classes)}</thead><tbody>{body}</tbody></table></div></div>"
    )


def _hidden(column: Column, classes: Sequence[str]) -> bool:
    """Whether a table shows the column only when asked: the few that there are without classes are all shown."""
    return column.more and bool(classes)


def _chips(name: str, values: Iterable[tuple[object, object]]) -> str:
    buttons = "".join(
        f'<button type="button" name="{name}" value="{escape(str(value))}" aria-pressed="false">'
        f"{escape(str(shown))}</button>"
        for value, shown in values
    )
    return f'<div role="group" aria-label="Filter by {name}"><span>{name}</span>{buttons}</div>'


def _heads(columns: Sequence[Column], classes: Sequence[str]) -> str:
    """Two rows: what several columns have in common, and the columns' own heads, buttons where they sort."""
    above = ""
    for group, own in groupby(columns, lambda column: column.group):
        count = len(list(own))
        above += f'<th scope="colgroup" colspan="{count}">{group}</th>' if group else f'<td colspan="{count}"></td>'
    heads = "".join(
        f'<th scope="col"{MORE if _hidden(column, classes) else ""} data-key="{column.key}"'
        f'{" data-up" if column.up else ""} title="{escape(column.says)}">'
        f'<button type="button">{column.head}</button></th>' if column.key else f'<th scope="col">{column.head}</th>'
        for column in columns
    )  # fmt: skip
    return f'<tr class="groups">{above}</tr><tr>{heads}</tr>'


def _row(
    row: dict[str, Any], examples: list[int], sprite: dict[str, Any], columns: Sequence[Column], set_name: str
) -> str:
    name = f"d{row['depth']}/{row['latent']}"
    pictures = NONE
    if examples:
        pictures = (
            f'<div class="digits line{set_name and f" {set_name}"}" role="img" '
            f'aria-label="{spoken_counts(sprite, examples)}">{cells(sprite, examples)}</div>'
        )
    parents = " ".join(latent_link(parent, set_name) for parent in row["parents"].split()) or NONE
    # by the keys of COLUMNS; the images, by which no table is sorted, have none
    found = {
        "latent": f'<th scope="row">{latent_link(name, set_name)}</th>', "name": _name(row),
        "class": f"<td>{escape(row['class'])}</td>", "": f"<td>{pictures}</td>",
        "f1": _cell(_number(row["f1"])), "null": _cell(_chance(row)), "precision": _cell(_number(row["precision"])),
        "recall": _cell(_number(row["recall"])), "selectivity": _cell(_number(row["selectivity"])),
        "share": _cell(_number(row["share"])), "entropy": _cell(_number(row["entropy"])),
        "rate": _cell(_number(row["rate"], "{:.1%}".format)), "l0": _cell(_number(row["l0_share"], "{:.2%}".format)),
        "ablation": _points(row["ablation"], row["ablation_half"]),
        "steering": _points(row["steering"], row["steering_half"]),
        "fits": _cell(_fits(row)), "parents": _cell(parents),
    }  # fmt: skip
    own = f' data-class="{escape(row["class"])}"' if sprite["class_names"] else ""
    passes = " data-passes" if row["passes"] else ""
    more = [_hidden(column, sprite["class_names"]) for column in columns]
    body = "".join(
        found[column.key].replace("<td", f"<td{MORE}", 1) if hidden else found[column.key]
        for column, hidden in zip(columns, more, strict=True)
    )
    return f'<tr id="{name.replace("/", "-")}" data-depth="{row["depth"]}"{own}{passes}>{body}</tr>'


def _cell(content: str) -> str:
    return f"<td>{content}</td>"


def _number(value: float, form: Callable[[float], str] = "{:.2f}".format) -> str:
    return NONE if math.isnan(value) else form(value).replace("-0.00", "0.00")


def _chance(row: dict[str, Any]) -> str:
    judged = not math.isnan(row["f1"])
    return _number(row["f1_null"]) + ("" if row["passes"] or not judged else "<small>not passed</small>")


def _points(value: float, half: float = math.nan) -> str:
    """A cell with a change in percentage points, and half its interval."""
    if math.isnan(value):
        return f"<td>{NONE}</td>"
    shown = f"{100 * value:+.1f}".replace("-", "−")
    interval = "" if math.isnan(half) else f"<small>±{100 * half:.1f}</small>"
    return f'<td data-value="{100 * value:.2f}">{shown}{interval}</td>'


def _name(row: dict[str, Any]) -> str:
    known = not math.isnan(row["detection"])
    score = f"<small>{row['detection']:.2f} (chance {row['detection_null']:.2f})</small>" if known else ""
    if row["named"]:
        by = f' data-value="{escape(row["name"].removeprefix(SOME))}"' if row["name"].startswith(SOME) else ""
        return f"<td{by}>{escape(row['name'])}{score}</td>"
    # sorted as a dash: what has no name stands last
    return f'<td data-value="{NONE}"><span class="muted">{escape(row["name"])}</span>{score}</td>'


def _fits(row: dict[str, Any]) -> str:
    return f'<b class="flag">no: {escape(row["lowers"])}</b>' if row["fits"] == "no" else row["fits"] or NONE

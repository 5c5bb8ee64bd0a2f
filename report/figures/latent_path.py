"""One latent followed through the depths: its pictures, what it is made of below, what it goes into above."""

from __future__ import annotations

from collections.abc import Callable
from html import escape

import pandas as pd

from analysis.figures.drawing import Drawing
from analysis.figures.image_sheets import cells, spoken_counts
from analysis.figures.words import needed, tower_depths
from analysis.results.latent_names import class_shares, named
from analysis.results.tables import Results
from sae.errors import DataError

EXPERIMENTS = ("towers", "")
IMAGES, SHOWN = 9, 3
MIN_FIRINGS = 10
KIND = "latents"


def path_of(results: Results, held_out: int) -> list[int]:
    """The latents from depth 1 up: of the last depth's that fire on ten of the `held_out` examples or more the one with
    the median rate, and below it always the part with the largest weight."""
    depths = tower_depths(results, KIND)
    rates = _first(results, results.latents)
    rates = rates[(rates["measure"] == "firing_rate") & (rates["split"] == "held_out") & (rates["depth"] == depths[-1])]
    rates = needed(rates, f"firing rates of single latents at depth {depths[-1]}", results)
    often = rates[rates["value"] >= MIN_FIRINGS / held_out].sort_values(["value", "latent"])
    path = [int((often if len(often) else rates).iloc[(len(often) - 1) // 2]["latent"])]
    for depth in reversed(depths[1:]):
        links = _links(results, depth)
        below = links.loc[links["latent"] == path[-1], "below"]
        if below.empty:
            raise DataError(f"{results.experiment} does not say what latent {path[-1]} of depth {depth} is made of")
        path.append(int(below.iloc[0]))
    return path[::-1]


def latent_path(results: Results, site: Results) -> Drawing:
    """A row a depth; not picked by eye, see `path_of`. Images are those of the site's own tables: tracked ones have
    none, and both are of the same data set."""
    sprite = site.sprite
    path = path_of(results, len(sprite["ids"]))
    used = _first(results, results.examples)["example"]
    if not set(used).issubset(sprite["ids"]):
        raise DataError(
            f"{site.experiment} holds other images than {results.experiment} was measured on: the two are not of the "
            "same data set"
        )
    classes = results.labelled
    shares = {depth: class_shares(results, KIND, depth) for depth in results.depths(KIND)}
    names = sprite["class_names"]

    def name(depth: int, latent: int) -> str:
        if not classes:
            return _ruled(results, depth, latent)
        here = shares[depth]
        return named(here.loc[[latent]].iloc[0], names) if latent in here.index else "silent on held-out images"

    body, data, told = [], [], []
    for depth, latent in enumerate(path, 1):
        top = _first(results, results.examples)
        top = top[(top["depth"] == depth) & (top["latent"] == latent)].sort_values("rank").head(IMAGES)
        says = f"Depth {depth}, latent {latent}: {spoken_counts(sprite, top['example'].tolist())}"
        lines = []
        if depth > 1:
            parts = _links(results, depth).query("latent == @latent").head(SHOWN)
            lines.append("made of " + _listed(depth - 1, parts, "below", name))
        if depth < len(path):
            uses = _links(results, depth + 1).query("below == @latent").sort_values("weight", ascending=False)
            most = _listed(depth + 1, uses.head(SHOWN), "latent", name)
            lines.append(f"goes into {len(uses)} above" + (f", most into {most}" if most else ""))
        body.append(
            f'<div class="grid-row"><div class="grid-head"><b>Depth {depth}</b><br><span>latent {latent}</span></div>'
            f'<div class="latent-step"><div class="digits" role="img" aria-label="{escape(says)}">'
            f"{cells(sprite, top['example'].tolist())}</div>"
            f'<div class="latent-words"><b>{escape(name(depth, latent))}</b>'
            f"{''.join(f'<p>{line}</p>' for line in lines)}</div></div></div>"
        )
        data.append(top.assign(name=name(depth, latent)))
        told.append(name(depth, latent))
    return Drawing(
        title=f"One latent through {len(path)} {'depth' if len(path) == 1 else 'depths'}: {', then '.join(told)}",
        caption=(
            f"Each row shows the {IMAGES} held-out images that drive one latent most, and its name by "
            f"{'the classes its activation falls on' if classes else 'what predicts when it fires'}. Not picked by "
            "eye: of the last depth's latents that fire on ten images or more the one with the median rate, and going "
            "down always the part with the largest weight in its direction. *Made of*: the largest parts below, with "
            "their weights (a direction has length 1). *Goes into*: latents above of which it is one of the five "
            "largest parts. First seed."
        ),
        alt="; ".join(f"depth {depth}: {word}" for depth, word in enumerate(told, 1)) + ".",
        data=pd.concat(data).reset_index(drop=True),
        html=f'<div class="depth-grid">{"".join(body)}</div>',
    )


def _ruled(results: Results, depth: int, latent: int) -> str:
    """What a latent is called where there are no classes: by a rule, where single latents were looked at."""
    if not results.looked:
        return "unnamed"
    rows = _first(results, results.names)
    return str(rows[(rows["depth"] == depth) & (rows["latent"] == latent)]["name"].iloc[0])


def _first(results: Results, rows: pd.DataFrame) -> pd.DataFrame:
    """Rows of the first run's latents tower on the trained host."""
    return rows[(rows["run"] == results.first_run) & (rows["kind"] == KIND) & (rows["control"] == "none")]


def _links(results: Results, depth: int) -> pd.DataFrame:
    """Parts of the latents of a depth, by latent, the largest first."""
    rows = _first(results, results.links)
    return rows[rows["depth"] == depth].sort_values(["latent", "weight"], ascending=[True, False])


def _listed(depth: int, rows: pd.DataFrame, column: str, name: Callable[[int, int], str]) -> str:
    """`17 (3s) × .81, ...`"""
    return "; ".join(
        f"latent {int(row[column])} (<i>{escape(name(depth, int(row[column])))}</i>) × {row['weight']:.2f}"
        for _, row in rows.iterrows()
    )

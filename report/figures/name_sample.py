"""Names beside images over the whole range: latents drawn by lot, so that a reader can judge names and not choices."""

from __future__ import annotations

import math
from html import escape

import numpy as np
import pandas as pd

from analysis.figures.drawing import Drawing
from analysis.figures.image_sheets import cells, spoken_counts
from analysis.results import latents
from analysis.results.tables import Results

PER_DEPTH = 3
SHOWN = 5
WORDS = ("strongest", "upper quarter", "second", "third", "weakest")
# The lot: change it and other latents are shown.
LOT = 0


def drawn(results: Results, kind: str, depth: int) -> list[int]:
    """`PER_DEPTH` named latents of a depth, by lot, in order of their numbers."""
    given = latents.names(results, kind, depth)
    named = given.index[given["named"]].tolist()
    lot = np.random.default_rng([LOT, depth]).permutation(len(named))
    return sorted(int(named[place]) for place in lot[:PER_DEPTH])


def name_sample(results: Results) -> Drawing:
    """A row a latent: its name, how well it predicts, and images of every part of its range."""
    body, data = [], []
    for kind, depth in latents.places(results):
        chosen = drawn(results, kind, depth)
        where = "Neurons" if depth == 0 else f"Depth {depth}"
        if not chosen:
            word = "neuron" if depth == 0 else "latent"
            body.append(f'<div class="sample-head">{where}: no {word} has a name that predicts when it fires</div>')
            continue
        body.append(f'<div class="sample-head">{where}</div>')
        for latent in chosen:
            row = _row(results, kind, depth, latent)
            body.append(row[0])
            data.append(row[1])
    count = f"{len(data)} {'name' if len(data) == 1 else 'names'}"
    if not data:
        count = "No names: there is no latent whose name predicts when it fires"
    return Drawing(
        title=count if not data else f"{count} drawn by lot, with images from the strongest activation to the weakest",
        caption=(
            f"Up to {PER_DEPTH} latents of each depth that have a name, drawn by lot and not chosen. Left to right: "
            f"the {SHOWN} held-out images that drive it most, then {SHOWN} from each quarter of those on which it "
            "fires, evenly spaced. *Detection*: balanced accuracy of the name as a prediction of firing on held-out "
            "images; in brackets what 95% of shuffles stay below. *True of*: of the images on which the latent fires, "
            "the share that the name describes. A name is right when it fits the images to the right, too. "
            "First seed."
        ),
        alt="; ".join(f"{row['where']} {row['latent']}: {row['name']}" for row in data) + "." if data else f"{count}.",
        data=pd.DataFrame(data) if data else pd.DataFrame({"name": ["none"]}),
        html=f'<div class="name-sample">{"".join(body)}</div>',
    )


def _row(results: Results, kind: str, depth: int, latent: int) -> tuple[str, dict[str, object]]:
    name = str(latents.names(results, kind, depth).at[latent, "name"])
    numbers = latents.wide(results, kind, depth).loc[[latent]].iloc[0]
    bands = latents.images(results, kind, depth).get(latent, {})
    word = "neuron" if kind == "host" else "latent"
    figures = []
    for band, rows in bands.items():
        top = rows.head(SHOWN)
        drives = (top["activation"] / bands[0]["activation"].max()).tolist()
        says = f"{WORDS[band]}: {spoken_counts(results.sprite, top['example'].tolist())}"
        figures.append(
            f'<div class="band"><div class="digits driven line" role="img" aria-label="{escape(says)}">'
            f"{cells(results.sprite, top['example'].tolist(), drives)}</div><span>{WORDS[band]}</span></div>"
        )
    detection, null, true_of = (numbers.get(key, math.nan) for key in ("detection", "detection_null", "rule_precision"))
    said = (f", detection {detection:.2f}" if detection == detection else "") + (
        f" ({null:.2f})" if null == null else ""
    )
    said += f", true of {true_of:.0%} of what it fires on" if true_of == true_of else ""
    html = (
        f'<div class="sample-row"><p><a href="/report/explorer.qmd#depth={depth}&amp;latent={latent}">{word} {latent}'
        f"</a>: <b>{escape(name)}</b>{said}</p>"
        f'<div class="bands">{"".join(figures)}</div></div>'
    )
    row: dict[str, object] = {
        "where": "neuron" if kind == "host" else f"depth {depth}", "latent": latent, "name": name,
        "detection": round(float(detection), 4), "null": round(float(null), 4),
    }  # fmt: skip
    return html, row

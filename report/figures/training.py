"""How long each SAE trained, depth by depth, and by which step."""

from __future__ import annotations

from html import escape

import pandas as pd

from analysis.figures.drawing import Drawing
from analysis.figures.words import has_random, no_random
from analysis.results.architectures import name_of
from analysis.results.findings import trend
from analysis.results.tables import Results
from sae.errors import DataError

PLACES = {
    "latents": "latents tower", "directions": "directions tower", "direct": "single SAE as sparse",
    "small": "single SAE as wide",
}  # fmt: skip
# The smallest difference between two times that matters, in seconds.
LONGER = 0.5
HEADS = ("SAE", "depth", "steps", "trained network", "random network", "step")


def training(results: Results) -> Drawing:
    """A row for each kind and depth: mean seconds over seeds on either network."""
    table = results.training
    if table.empty:
        raise DataError(f"{results.experiment} has no trained SAE in its tables")
    keys = ["kind", "depth", "architecture", "steps", "path"]
    means = table.groupby([*keys, "control"], observed=True)["seconds"].mean().unstack("control").reset_index()
    order = [*PLACES, *(str(kind) for kind in means["kind"].unique() if kind not in PLACES)]
    means = means.sort_values(["kind", "depth"], key=lambda c: c.map(order.index) if c.name == "kind" else c)
    for control in ("none", "random_host"):
        if control not in means:
            means[control] = float("nan")
    body = "".join(
        f'<tr><th scope="row">{escape(PLACES.get(row["kind"], name_of(row["architecture"])))}</th>'
        f"<td>{row['depth']}</td><td>{row['steps']}</td><td>{_seconds(row['none'])}</td>"
        f"<td>{_seconds(row['random_host'])}</td><td>{escape(row['path'].split(' (')[0].split(' on ')[0])}</td></tr>"
        for _, row in means.iterrows()
    )
    # depth 1 stands in both towers
    once = table[~((table["kind"] == "directions") & (table["depth"] == 1))]
    return Drawing(
        kind="tbl",
        title=(
            f"{len(once)} {'SAE stands' if len(once) == 1 else 'SAEs stand'} behind this site, "
            f"{once['seconds'].sum():.0f} seconds of training"
        ),
        caption=(
            "Mean seconds of training over seeds, on one core each and beside other work, so that only large "
            "differences mean something; depth 1 is shared by both towers. *compiled* is the step of `sae/compiled`, "
            f"*torch* the reference. {_over_depth(table)}Dead latents are trained, too, where there is AuxK. Folds of "
            f"the directions tower not counted.{no_random(results)}"
        ),
        alt="Table of seconds of training by kind and depth, on the trained network"
        + (" and on the random one." if has_random(results) else "."),
        data=means,
        html=(
            '<div class="table-scroll" tabindex="0" role="region" aria-label="Seconds of training">'
            '<table data-quarto-disable-processing="true" class="runs-table"><thead><tr>'
            + "".join(f'<th scope="col">{name}</th>' for name in HEADS)
            + f"</tr></thead><tbody>{body}</tbody></table></div>"
        ),
    )


def _over_depth(table: pd.DataFrame) -> str:
    """Whether deeper SAEs of the latents tower take longer, in a sentence."""
    rows = table[(table["kind"] == "latents") & (table["control"] == "none")]
    by_depth = {
        int(str(depth)): dict(zip(own["run"].astype(str), own["seconds"].astype(float), strict=True))
        for depth, own in rows.groupby("depth")
    }
    change = trend(by_depth, LONGER)
    if not change:
        return ""
    start, end = (sum(values.values()) / len(values) for values in (by_depth[change.first], by_depth[change.last]))
    return (
        f"In the latents tower training {change.verb} from {start:.1f} s at depth {change.first} to {end:.1f} s at "
        f"depth {change.last}. "
    )


def _seconds(value: float) -> str:
    return "–" if value != value else f"{value:.1f}"

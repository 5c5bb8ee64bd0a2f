"""How long each SAE trained, depth by depth, and by which step."""

from __future__ import annotations

from html import escape

from analysis.figures.drawing import Drawing
from analysis.results.architectures import NAMES
from analysis.results.tables import Results

PLACES = {"latents": "latents tower", "directions": "directions tower", "direct": "single SAE as sparse"}
HEADS = ("SAE", "depth", "steps", "trained network", "random network", "step")


def training(results: Results) -> Drawing:
    """A row for each kind and depth: mean seconds over seeds on either network."""
    table = results.training
    keys = ["kind", "depth", "steps", "path"]
    means = table.groupby([*keys, "control"], observed=True)["seconds"].mean().unstack("control").reset_index()
    order = [*PLACES, *(str(kind) for kind in means["kind"].unique() if kind not in PLACES)]
    means = means.sort_values(["kind", "depth"], key=lambda c: c.map(order.index) if c.name == "kind" else c)
    for control in ("none", "random_host"):
        if control not in means:
            means[control] = float("nan")
    body = "".join(
        f'<tr><th scope="row">{escape(PLACES.get(row["kind"], NAMES.get(row["kind"], row["kind"])))}</th>'
        f"<td>{row['depth']}</td><td>{row['steps']}</td><td>{_seconds(row['none'])}</td>"
        f"<td>{_seconds(row['random_host'])}</td><td>{escape(row['path'].split(' (')[0].split(' on ')[0])}</td></tr>"
        for _, row in means.iterrows()
    )
    # depth 1 stands in both towers
    once = table[~((table["kind"] == "directions") & (table["depth"] == 1))]
    return Drawing(
        kind="tbl",
        title=f"{len(once)} SAEs stand behind this site, {once['seconds'].sum():.0f} seconds of training",
        caption=(
            "Mean seconds of training over seeds, on one core each and beside other work, so that only large "
            "differences mean something; depth 1 is shared by both towers. *compiled* is the step of `sae/compiled`, "
            "*torch* the reference. SAEs with fewer active latents take longer because more of their latents are "
            "dead, and the dead are trained too (AuxK). Folds of the directions tower not counted."
        ),
        alt="Table of seconds of training by kind and depth, on the trained and the random network.",
        data=means,
        html=(
            '<div class="table-scroll" tabindex="0" role="region" aria-label="Seconds of training">'
            '<table data-quarto-disable-processing="true" class="runs-table"><thead><tr>'
            + "".join(f'<th scope="col">{name}</th>' for name in HEADS)
            + f"</tr></thead><tbody>{body}</tbody></table></div>"
        ),
    )


def _seconds(value: float) -> str:
    return "–" if value != value else f"{value:.1f}"

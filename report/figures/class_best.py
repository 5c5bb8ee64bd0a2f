"""For every class the best detector at each depth, and how many latents are exclusive to it."""

from __future__ import annotations

from html import escape

import pandas as pd

from analysis.figures.drawing import Drawing, spoken
from analysis.figures.html_table import depth_heads, framed
from analysis.figures.image_sheets import cells, spoken_counts
from analysis.figures.neuron_rows import latent_link
from analysis.figures.words import needs_labels
from analysis.results.detectors import Level, levels, strongest
from analysis.results.tables import Results

IMAGES = 3
NONE_PASSES, NO_LATENT = "none passes", "no latent"


def class_best(results: Results) -> Drawing:
    """A row a class, a column a depth, first seed, latents tower."""
    needs_labels(results)
    found = levels(results)
    images = {level.depth: strongest(results, level.depth, IMAGES) for level in found}
    data: list[dict[str, object]] = []
    body = []
    for name in map(str, results.sprite["class_names"]):
        rows = {level.depth: _best(level, name) for level in found}
        data += rows.values()
        cell = "".join(f"<td>{_cell(row, images[depth], results)}</td>" for depth, row in rows.items())
        body.append(f'<tr><th scope="row">{escape(name)}</th>{cell}</tr>')
    heads = ["class", *("neurons" if level.depth == 0 else depth_heads(level.depth)[-1] for level in found)]
    table = pd.DataFrame(data)
    return Drawing(
        kind="tbl",
        title=_finding(table, any(level.judged for level in found)),
        caption=(
            "The best detector of each class at each depth by F1 on held-out images, among the latents that pass; its "
            "class was chosen on training images. It is the best of many on the very images that it is scored on, so "
            "its F1 is somewhat flattering. *Exclusive*: latents of the depth that fire on ten held-out images or more "
            "and have at least nine tenths of their activation on this class. First seed, latents tower."
        ),
        alt="Table of classes by depth: the best detector, its F1 and images, and how many latents are exclusive.",
        data=table,
        html=framed("Best detector of each class by depth", heads, body, "class-best"),
    )


def _best(level: Level, name: str) -> dict[str, object]:
    """The best latent of a class at a depth, and how many are exclusive to it."""
    of_class, passed = (rows[rows["class"] == name] for rows in (level.live, level.passed))
    exclusive = level.rows[(level.rows["exclusive"] == 1) & (level.rows["top_class"] == name)]
    best = passed.iloc[0] if len(passed) else None
    return {
        "class": name, "depth": level.depth, "latents": len(of_class), "passing": len(passed),
        "best": None if best is None else f"d{level.depth}/{best['latent']}",
        "f1": None if best is None else float(best["f1"]), "exclusive": len(exclusive),
    }  # fmt: skip


def _cell(row: dict[str, object], images: dict[int, list[int]], results: Results) -> str:
    exclusive = f"<small>{row['exclusive']} exclusive</small>"
    if row["best"] is None:
        return f'<span class="muted">{NONE_PASSES if row["latents"] else NO_LATENT}</span>{exclusive}'
    name, sprite = str(row["best"]), results.sprite
    examples = images.get(int(name.split("/")[1]), [])
    return (
        f'{latent_link(name)} {row["f1"]:.2f}<div class="digits line" role="img" '
        f'aria-label="{spoken_counts(sprite, examples)}">{cells(sprite, examples)}</div>{exclusive}'
    )


def _finding(table: pd.DataFrame, judged: bool) -> str:
    known = table[table["f1"].notna()]
    if not judged:
        return "Whether a class has a detector better than shuffled labels is undecided: labels were not shuffled"
    if known.empty:
        return "No class has a detector that is better than shuffled labels"
    of_class = known.astype({"f1": float}).sort_values("f1", ascending=False).groupby("class", sort=False).first()
    best, worst = of_class.iloc[0], of_class.iloc[-1]
    lost = table["class"].nunique() - len(of_class)
    if len(of_class) == 1:
        return (
            f"The best detector of class {of_class.index[0]} has F1 {spoken(best['f1'])} ({best['best']})"
            + (f"; {lost} {'class has' if lost == 1 else 'classes have'} none" if lost else "")
        )  # fmt: skip
    return (
        f"The best detector of class {of_class.index[0]} has F1 {spoken(best['f1'])} ({best['best']}), that of class "
        f"{of_class.index[-1]} {spoken(worst['f1'])} ({worst['best']})"
        + (f"; {lost} {'class has' if lost == 1 else 'classes have'} none" if lost else "")
    )

"""Two rows of images, one from a network that learned and one from a network that did not: the reader says which."""

from __future__ import annotations

import hashlib
from html import escape
from typing import Any

import pandas as pd

from analysis.figures.drawing import Drawing, mean_or_nan, spoken
from analysis.figures.image_sheets import cells, spoken_counts
from analysis.figures.words import RANDOM, has_random, judged, needs_labels, tower_depths
from analysis.results.findings import Comparison, beside
from analysis.results.latents import evenly, strongest
from analysis.results.tables import Results
from sae.errors import DataError

COLUMNS, IMAGES = 6, 9
MEASURE, KIND = "top_class_share", "latents"
TRAINED = "none"
LETTERS = ("A", "B")
NAMES = {TRAINED: "trained network", RANDOM: "random network"}


def quiz(results: Results, *, learned: str = "", more: str = "", set_name: str = "") -> Drawing:
    """The last depth at which both networks have latents to show, first seed. `learned` is what the network learned to
    do (words joined by hyphens), `more` the section of the page that goes on from here."""
    needs_labels(results)
    if not has_random(results):
        raise DataError(f"{results.experiment} has no random network, and a quiz needs its row, too")
    sprite, depth = results.sprite, last_of_both(results)
    rows = order(results.first_run)
    body, data = [], []
    for one, control in zip(LETTERS, rows, strict=True):
        html, shown = _row(results, sprite, depth, control, one, set_name)
        body.append(html)
        data.append(shown.assign(row=one))
    who = f"a network that learned to {learned.replace('-', ' ')}" if learned else "a network that was trained"
    compared = beside(results, MEASURE, KIND, depth)
    letter = LETTERS[rows.index(TRAINED)]
    onwards = f' <a href="#{escape(more)}">What that means, depth by depth</a>' if more else ""
    buttons = "".join(
        f'<button type="button" data-row="{one}" data-right="{str(control == TRAINED).lower()}">Row {one}</button>'
        for one, control in zip(LETTERS, rows, strict=True)
    )
    return Drawing(
        title=f"Which of these two rows comes from {who}?",
        caption=(
            f"A block holds the {IMAGES} held-out images that drive one latent of depth {depth} most; the other row is "
            f"from the same tower on a random network. Not picked by eye: of the latents that fire on ten images or "
            f"more {COLUMNS} are taken at even steps, from the least to the most class-selective, in the first seed. "
            "The trained network's row is above where the SHA-256 of the run's name is even. The answer's percentages "
            f"are means over seeds.{judged(compared)}"
        ),
        alt=(
            f"Two rows of {COLUMNS} blocks of images, A and B: what latents of depth {depth} respond to, of a trained "
            "and of a random network. The answer stands below them."
        ),
        data=pd.concat(data).reset_index(drop=True),
        html=(
            f'<div class="quiz"><div class="depth-grid">{"".join(body)}</div>'
            f'<div class="quiz-buttons" hidden>{buttons}</div><div class="quiz-said" role="status"></div>'
            f'<details class="quiz-answer"><summary>The answer</summary>'
            f"<p>{answer(results, depth, compared, letter)}{onwards}</p></details></div>"
        ),
    )


def order(run: str) -> tuple[str, str]:
    """The controls of the two rows, from above, by a rule that nobody can turn."""
    even = int(hashlib.sha256(run.encode()).hexdigest(), 16) % 2 == 0
    return (TRAINED, RANDOM) if even else (RANDOM, TRAINED)


def last_of_both(results: Results) -> int:
    """The last depth at which latents of both networks fire often enough to be shown. Raises DataError where none
    does."""
    for depth in reversed(tower_depths(results, KIND)):
        if all(len(evenly(results, KIND, depth, control, COLUMNS)) for control in (TRAINED, RANDOM)):
            return depth
    raise DataError(f"{results.experiment} has no depth at which latents of both networks can be shown")


def answer(results: Results, depth: int, compared: Comparison, letter: str) -> str:
    """Purity of both, which row is which, and one sentence of what that means."""
    shares = [mean_or_nan(results, MEASURE, KIND, depth, control) for control in (TRAINED, RANDOM)]
    own, other = (spoken(share, percent=True) for share in shares)
    if not compared:
        return f"Row {letter} is the trained network's. How pure the latents of both are was not measured."
    gap = f"{abs(round(100 * shares[0]) - round(100 * shares[1]))} points"
    rest = (
        f"; a network that learned nothing reaches the other {round(100 * shares[1])}"
        if 2 * shares[1] >= shares[0]
        else ""
    )
    means = compared.choose(
        higher=f"Training adds {gap}{rest}.",
        lower=f"Training takes {gap} away.",
        equal="Training makes no difference that matters.",
        undecided="Whether training makes latents purer is undecided.",
    )
    return (
        f"<b>{own} and {other} pure.</b> Row {letter} is the trained network's. {means} <i>Pure</i>: the share of the "
        "average latent's activation that falls on one class."
    )


def _row(
    results: Results, sprite: dict[str, Any], depth: int, control: str, letter: str, set_name: str
) -> tuple[str, pd.DataFrame]:
    """A row without a name: what it is stands in an attribute, for the style sheet once the answer is open."""
    figures, data = [], []
    for number, row in evenly(results, KIND, depth, control, COLUMNS).iterrows():
        top = strongest(results, KIND, depth, control, int(row["latent"]), IMAGES)
        examples = top["example"].tolist()
        says = f"Row {letter}, block {int(str(number)) + 1}: {spoken_counts(sprite, examples)}"
        figures.append(
            f'<figure class="grid-cell" data-share="{row["share"]:.0%}"><div class="digits'
            f'{f" {set_name}" if set_name else ""}" role="img" aria-label="{says}">'
            f"{cells(sprite, examples)}</div></figure>"
        )
        data.append(top.assign(top_class_share=row["share"]))
    return (
        f'<div class="grid-row" data-row="{letter}"><div class="grid-head" data-is="{NAMES[control]}">'
        f'<b>Row {letter}</b></div><div class="grid-cells">{"".join(figures)}</div></div>'
    ), pd.concat(data)

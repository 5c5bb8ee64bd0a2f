"""Nine digits pushed along one latent, and along the strongest of some random directions: a slider over the strength.

Drawn from what the notebook that steers a digit kept. Without scripts it is one picture of one digit at three
strengths; report/assets/steer.js puts all nine digits and all strengths in its place.
"""

from __future__ import annotations

import base64
import io
import json
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

from analysis.figures.drawing import Drawing
from analysis.figures.style import ROLES, css_colours
from analysis.results.kept_file import KeptFile
from sae.errors import DataError

FROM_NOTEBOOK = "steer_a_digit/steering"
ALONG = {"latent": "along the latent", "random": "along a random direction"}
COLOURS = {"latent": "c1", "random": "c4"}
SHOWN = (0.0, 0.5, 1.0)
"""Strengths of the picture that needs no script."""
WIDTH, PANEL, GAP, HEAD, BARS, FOOT = 360, 168, 24, 62, 64, 42
KEYS = ("target", "classes", "latent", "own", "randoms", "strengths", "labels", "pixels", "along")


@dataclass(frozen=True)
class Steering:
    """What the notebook kept: `chances` are probabilities, (digits, strengths, classes), by direction."""

    target: int
    classes: list[str]
    latent: int
    own: float
    randoms: int
    strengths: list[float]
    labels: list[int]
    pixels: np.ndarray
    chances: dict[str, np.ndarray]

    @classmethod
    def of(cls, found: Any) -> Steering:
        """Checked. Raises DataError for something that the notebook does not keep."""
        if not isinstance(found, dict) or set(found) != set(KEYS):
            held = sorted(found) if isinstance(found, dict) else type(found).__name__
            raise DataError(f"{FROM_NOTEBOOK} holds {held}, must hold {sorted(KEYS)}: let the notebook keep these")
        chances = {name: np.asarray(found["along"].get(name, []), dtype=float) / 1000 for name in ALONG}
        pixels = np.asarray(found["pixels"], dtype=np.uint8)
        shape = (len(found["labels"]), len(found["strengths"]), len(found["classes"]))
        wrong = [f"{name} {values.shape}" for name, values in chances.items() if values.shape != shape]
        if wrong or pixels.ndim != 3 or len(pixels) != shape[0] or not set(SHOWN) <= set(found["strengths"]):
            raise DataError(
                f"{FROM_NOTEBOOK}: {', '.join(wrong) or f'pixels {pixels.shape}'}, must be {shape} and a picture a "
                f"digit, with strengths {SHOWN} among {found['strengths']}"
            )
        rest = {key: found[key] for key in KEYS if key not in ("pixels", "along")}
        return cls(**rest, pixels=pixels, chances=chances)

    def at(self, strength: float) -> int:
        """The place of a strength."""
        return self.strengths.index(strength)

    def taken(self, name: str, strength: float) -> int:
        """How many of the digits are read as the target."""
        return int((self.chances[name][:, self.at(strength)].argmax(1) == self.target).sum())

    @property
    def pictured(self) -> int:
        """The digit whose chance of the target, at half of the way along the latent, is nearest to even."""
        return int(np.abs(self.chances["latent"][:, self.at(0.5), self.target] - 0.5).argmin())


def steering_slider(kept: KeptFile) -> Drawing:
    """The picture, and the data of the slider beside it."""
    steering = Steering.of(kept.json())
    target, count = steering.classes[steering.target], len(steering.labels)
    most, rival = (steering.taken(name, 1.0) for name in ALONG)
    return Drawing(
        title=(
            f"Pushed along one latent, {most} of {count} digits are read as {target}; along the strongest of "
            f"{steering.randoms} random directions of the same length, {rival}"
        ),
        caption=(
            f"The inside of the network is pushed along the direction of a latent that is on for {target}s, and the "
            "rest of the network runs on. Beside it stands a push of the same length along a random direction: of "
            f"{steering.randoms} that were drawn, the one that makes most {target}s on other digits. A push of 1 is as "
            f"long as a state is on average; by itself the latent goes as far as {steering.own:.2f}. The digits are "
            "not picked by eye: of every other class the first held-out one that is read correctly. Computed by the "
            "notebook [Steer a digit](/report/notebook-steer-a-digit.qmd)."
        ),
        alt=_alt(steering),
        data=_table(steering),
        html=f'<div class="steer">{_picture(steering)}{_script(steering)}</div>',
    )


def _alt(steering: Steering) -> str:
    """The picture in words."""
    digit = steering.pictured
    said = []
    for strength in SHOWN:
        answers = " and ".join(f"{_answer(steering, name, digit, strength)} {where}" for name, where in ALONG.items())
        said.append(f"at strength {strength:g} as {answers}")
    return f"A {steering.classes[steering.labels[digit]]} that is pushed is read {'; '.join(said)}."


def _answer(steering: Steering, name: str, digit: int, strength: float) -> str:
    chances = steering.chances[name][digit, steering.at(strength)]
    return f"{steering.classes[chances.argmax()]} ({chances.max():.0%})"


def _table(steering: Steering) -> pd.DataFrame:
    rows = [
        {"digit": steering.classes[label], "direction": name, "strength": strength}
        | {f"as {of}": chance for of, chance in zip(steering.classes, steering.chances[name][at, step], strict=True)}
        for at, label in enumerate(steering.labels)
        for name in ALONG
        for step, strength in enumerate(steering.strengths)
    ]
    return pd.DataFrame(rows)


def _png(pixels: np.ndarray) -> str:
    """An image as an address that holds it."""
    data = io.BytesIO()
    Image.fromarray(pixels).save(data, "png", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(data.getvalue()).decode()}"


def _script(steering: Steering) -> str:
    """The data of the slider, as thousandths."""
    data = {
        "target": steering.target, "classes": steering.classes, "own": steering.own, "strengths": steering.strengths,
        "labels": steering.labels, "images": [_png(image) for image in steering.pixels],
        "along": [
            {"name": name, "says": ALONG[name], "chances": (1000 * steering.chances[name]).round().astype(int).tolist()}
            for name in ALONG
        ],
    }  # fmt: skip
    text = json.dumps(data, separators=(",", ":")).replace("<", "\\u003c")
    return f'<script type="application/json" class="steer-data">{text}</script>'


def _picture(steering: Steering) -> str:
    """One digit at the three strengths, a row each: ten bars along the latent, ten along the random direction."""
    digit, size = steering.pictured, 44
    true = escape(steering.classes[steering.labels[digit]])
    head = (
        f'<image href="{_png(steering.pixels[digit])}" x="0" y="4" width="{size}" height="{size}"/>'
        f'<text x="{size + 10}" y="22" fill="{ROLES["ink"]}" font-size="13">A {true} is pushed. What is it</text>'
        f'<text x="{size + 10}" y="40" fill="{ROLES["ink"]}" font-size="13">read as, and how surely?</text>'
    )
    rows = [_row(steering, digit, strength, HEAD + at * (BARS + FOOT)) for at, strength in enumerate(SHOWN)]
    height = HEAD + len(SHOWN) * (BARS + FOOT)
    drawn = (
        f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{escape(_alt(steering))}" '
        f'font-family="system-ui, sans-serif">{head}{"".join(rows)}</svg>'
    )
    return css_colours(drawn)


def _row(steering: Steering, digit: int, strength: float, top: int) -> str:
    """A strength: a line of words, bars, and the classes below them."""
    parts = []
    for side, (name, where) in enumerate(ALONG.items()):
        left, base = side * (PANEL + GAP), top + 18 + BARS
        chances = steering.chances[name][digit, steering.at(strength)]
        wide = PANEL / len(chances)
        parts.append(
            f'<text x="{left}" y="{top + 12}" font-size="11" fill="{ROLES["muted"]}">{strength:g} {where}</text>'
            f'<line x1="{left}" y1="{base}" x2="{left + PANEL}" y2="{base}" stroke="{ROLES["line"]}"/>'
        )
        for at, chance in enumerate(chances):
            x, high = left + at * wide, round(float(chance) * (BARS - 4), 1)
            place = f'x="{x + 1.5:.1f}" y="{base - high:.1f}" width="{wide - 3:.1f}" height="{high}"'
            colour = ROLES[COLOURS[name] if at == steering.target else "c5"]
            bold = ' font-weight="700"' if at == int(chances.argmax()) else ""
            parts.append(
                f'<rect {place} fill="{colour}"/>'
                f'<text x="{x + wide / 2:.1f}" y="{base + 13}" font-size="11" text-anchor="middle"{bold} '
                f'fill="{ROLES["ink"]}">{escape(steering.classes[at])}</text>'
            )
    return "".join(parts)

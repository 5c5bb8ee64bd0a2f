"""The picture of a prediction's causes: tokens at the bottom, latents above where they are on, the logit on top.

Everything that is said stands inside. Where the tokens are wider than the picture they stand upright; where that is not
enough, only those stand there that something comes from, with dots for the others.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape

from analysis.figures.svg_words import picture, width_of, words
from analysis.figures.web_picture import fitted
from analysis.results.attributions import Part, Traced

FOR, AGAINST = "c1", "c2"
TARGET, BETWEEN, CARD_GAP, DOTS = 34, 46, 10, "…"


@dataclass(frozen=True)
class Look:
    """Of a picture for a page, or for a phone."""

    width: float
    card: float
    """Width of a latent's box."""
    size: float
    phone: bool


PAGE, PHONE = Look(700, 158, 12, False), Look(350, 112, 10.5, True)


@dataclass(frozen=True)
class Slot:
    """A token or dots: its place in the prompt (None: dots), its middle, and its text."""

    place: int | None
    x: float
    text: str


def signed(value: float) -> str:
    """`+0.80`, with a true minus."""
    return f"{value:+.2f}".replace("-", "−")


def quoted(token: str) -> str:
    """A token as it is seen: blanks around it left out, breaks shown."""
    return f"“{token.strip() or token.replace(chr(10), '⏎').replace(' ', '␣')}”"


def slots(traced: Traced, count: int, look: Look) -> tuple[list[Slot], bool]:
    """The tokens from left to right, and whether they stand upright."""
    shown = [token.strip() or quoted(token)[1:-1] for token in traced.tokens]
    places: list[int | None] = list(range(len(shown)))
    step = look.size * 1.3
    if len(places) * step > look.width:
        wanted = {node.place for node in traced.nodes[:count]} | {len(shown) - 1}
        wanted |= {edge.token for edge in traced.edges if edge.node < count}
        places = []
        for one in sorted(wanted):
            places += [one] if not one or one - 1 in wanted else [None, one]
    texts = [DOTS if place is None else shown[place] for place in places]
    widths = [width_of(text, look.size) + 7 for text in texts]
    if sum(widths) <= look.width:
        room, found, x = (look.width - sum(widths)) / len(texts), [], 0.0
        for place, text, wide in zip(places, texts, widths, strict=True):
            found.append(Slot(place, x + (wide + room) / 2, text))
            x += wide + room
        return found, False
    step = look.width / len(texts)
    return [
        Slot(place, (at + 0.5) * step, text) for at, (place, text) in enumerate(zip(places, texts, strict=True))
    ], True


def cards(traced: Traced, count: int, at: Mapping[int, float], look: Look) -> tuple[dict[int, tuple[float, int]], int]:
    """For each latent the left edge of its box and its row from the bottom, near the place it is on at; the rows."""
    found: dict[int, tuple[float, int]] = {}
    rows: list[list[float]] = []
    for node in sorted(range(count), key=lambda number: (at[traced.nodes[number].place], number)):
        left = min(max(at[traced.nodes[node].place] - look.card / 2, 1), look.width - look.card - 1)
        row = next(
            (number for number, own in enumerate(rows) if all(abs(left - x) >= look.card + CARD_GAP for x in own)),
            len(rows),
        )
        if row == len(rows):
            rows.append([])
        rows[row].append(left)
        found[node] = (left, row)
    return found, len(rows)


def graph_picture(traced: Traced, count: int, look: Look, label: str) -> str:
    """The first `count` causes."""
    tokens, upright = slots(traced, count, look)
    at = {slot.place: slot.x for slot in tokens if slot.place is not None}
    placed, rows = cards(traced, count, at, look)
    high = look.size * 1.35 * 3 + 8
    top = TARGET + BETWEEN
    foot = top + rows * (high + 18) - 18
    base = foot + BETWEEN
    most = max(abs(node.attribution) for node in traced.nodes[:count]) or 1.0
    parts_most = max((abs(edge.attribution) for edge in traced.edges if edge.node < count), default=1.0) or 1.0
    middle = look.width / 2
    # the first row stands at the bottom, next to the tokens
    tops = {node: foot - high - row * (high + 18) for node, (_, row) in placed.items()}
    drawn = []
    for node, (left, _) in placed.items():
        x = left + look.card / 2
        drawn.append(_line(x, tops[node], middle, TARGET, traced.nodes[node].attribution, most, _told(traced, node)))
        for edge in traced.parts(node):
            said = f"{quoted(traced.tokens[edge.token])} to {traced.nodes[node].called}: {_both(edge)}"
            drawn.append(_line(at[edge.token], base, x, tops[node] + high, edge.attribution, parts_most, said))
    drawn += [_card(traced, node, left, tops[node], high, look) for node, (left, _) in placed.items()]
    drawn.append(_target(traced, look))
    drawn += [_token(slot, base, look, upright) for slot in tokens]
    deep = max(width_of(slot.text, look.size) for slot in tokens) + 12 if upright else look.size * 1.8
    return picture(drawn, look.width, base + deep, label, look.phone)


def _told(traced: Traced, node: int) -> str:
    one = traced.nodes[node]
    return (
        f"{one.called} (latent {one.latent}, at {quoted(traced.tokens[one.place])}): attribution "
        f"{signed(one.attribution)}, ablated {signed(one.effect)}, a random direction {signed(one.random)}"
    )


def _both(edge: Part) -> str:
    return f"attribution {signed(edge.attribution)}, ablated {signed(edge.effect)}"


def _line(x: float, y: float, to_x: float, to_y: float, value: float, most: float, said: str) -> str:
    """A curve upwards, as wide as its part; dashed where it pulls the other way."""
    half = (y + to_y) / 2
    look = f'stroke="var(--{FOR})"' if value >= 0 else f'stroke="var(--{AGAINST})" stroke-dasharray="5 3"'
    return (
        f'<path class="graph-line" d="M{x:.1f} {y:.1f}C{x:.1f} {half:.1f} {to_x:.1f} {half:.1f} {to_x:.1f} {to_y:.1f}" '
        f'fill="none" stroke-width="{0.7 + 4.5 * abs(value) / most:.1f}" stroke-opacity=".5" {look}>'
        f"<title>{escape(said)}</title></path>"
    )


def _card(traced: Traced, node: int, left: float, top: float, high: float, look: Look) -> str:
    """A latent's box: its name, its numbers, and the token that it comes from most."""
    one, small = traced.nodes[node], look.size - 1
    colour = FOR if one.attribution >= 0 else AGAINST
    parts = traced.parts(node)
    x, line, room = left + 7, look.size * 1.35, look.card - 12
    source = f"from {quoted(traced.tokens[parts[0].token])}" if parts else ""
    if parts and width_of(longer := f"{source} {signed(parts[0].attribution)}", small) <= room:
        source = longer
    numbers = f"{signed(one.attribution)} ({signed(one.effect)})"
    lines = [
        words(fitted(one.called, room, look.size, True), x, top + line, look.size, bold=True),
        words(fitted(numbers, room, small), x, top + 2 * line, small, fill="muted"),
        words(fitted(source, room, small), x, top + 3 * line, small, fill="muted"),
    ]
    return (
        f'<g class="graph-card" data-node="{node}"><title>{escape(_told(traced, node))}</title>'
        f'<rect x="{left:.1f}" y="{top:.1f}" width="{look.card:g}" height="{high:.1f}" rx="5" fill="var(--paper)" '
        f'stroke="var(--{colour})" stroke-width="1.4"{"" if one.attribution >= 0 else DASHED}></rect>'
        f"{''.join(lines)}</g>"
    )


DASHED = ' stroke-dasharray="5 3"'


def _target(traced: Traced, look: Look) -> str:
    """The box on top: what is predicted, over what, by how much."""
    over = f" over {quoted(traced.foil)}" if traced.foil else " over the mean"
    text = fitted(f"{quoted(traced.target)}{over}: {signed(traced.difference)}", look.width - 20, look.size + 2, True)
    wide = width_of(text, look.size + 2, True) + 20
    left = (look.width - wide) / 2
    return (
        f'<rect x="{left:.1f}" y="2" width="{wide:.1f}" height="{TARGET - 4}" rx="6" fill="var(--paper)" '
        'stroke="var(--ink)" stroke-width="1.5"></rect>'
        + words(text, look.width / 2, TARGET / 2 + 5, look.size + 2, bold=True, anchor="middle")
    )


def _token(slot: Slot, base: float, look: Look, upright: bool) -> str:
    if not upright:
        return words(slot.text, round(slot.x, 1), round(base + look.size * 1.3, 1), look.size, anchor="middle")
    return (
        f'<g transform="translate({slot.x + look.size * 0.35:.1f} {base + 6:.1f}) rotate(-90)">'
        f"{words(slot.text, 0, 0, look.size, anchor='end')}</g>"
    )

"""The picture of a web of features: a column for each SAE, a row for each latent that does not split, lines between.

A child stands beside its parent, so that most lines are short. Lines that are weaker than the threshold are there and
hidden: report/assets/web.js shows them when the reader moves the slider.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from analysis.figures.svg_words import picture, width_of, words
from analysis.results.webs import Edge, Node, Web, short

CHILDREN = 6
"""Children of a latent that are drawn, those with the largest cosine; of the others the number is said."""
HEAD, APART = 34, 14


@dataclass(frozen=True)
class Look:
    """Of a picture for a page, or for a phone."""

    width: float
    gap: float
    """Between columns, for lines."""
    row: float
    size: float

    @property
    def phone(self) -> bool:
        """Whether it stands in for the other one on a phone."""
        return self.width < 500


PAGE, PHONE = Look(700, 62, 17, 12), Look(350, 20, 16, 10.5)


@dataclass(frozen=True)
class Place:
    """Where a latent stands: its column, the height of its line, how many of its children are not drawn."""

    column: int
    y: float
    hidden: int = 0


def shown(web: Web, roots: Sequence[int], rows: int) -> list[int]:
    """The first of the roots, as many as fit into that many rows; one at least."""
    found: list[int] = []
    for root in roots:
        if found and sum(_rows(web, at) for at in [*found, root]) > rows:
            break
        found.append(root)
    return found


def _drawn(web: Web, at: int) -> list[int]:
    return web.children(at)[:CHILDREN]


def _rows(web: Web, at: int) -> int:
    """How many rows a latent and its descendants take."""
    children = web.children(at)
    return max(1, sum(_rows(web, child) for child in children[:CHILDREN]) + (len(children) > CHILDREN))


def places(web: Web, roots: Sequence[int], look: Look) -> tuple[dict[int, Place], float]:
    """Where every latent stands, and how high the picture is."""
    found: dict[int, Place] = {}
    y = HEAD + look.row

    def put(at: int) -> float:
        nonlocal y
        children = _drawn(web, at)
        hidden = len(web.children(at)) - len(children)
        lines = [put(child) for child in children]
        if hidden:
            y += look.row
        if not lines:
            lines = [y]
            y += look.row
        found[at] = Place(web.sizes.index(web.nodes[at].size), (lines[0] + lines[-1]) / 2, hidden)
        return found[at].y

    for root in roots:
        put(root)
        y += APART
    return found, y - look.row / 2


def web_picture(web: Web, roots: Sequence[int], by: str, least: float, look: Look, label: str) -> str:
    """The families of some latents of the smallest SAE; lines below `least` are hidden."""
    found, height = places(web, roots, look)
    wide = (look.width - look.gap * (len(web.sizes) - 1)) / len(web.sizes)
    lefts = [column * (wide + look.gap) for column in range(len(web.sizes))]
    parts = [
        words(f"{short(size)} latents", left, look.size + 2, look.size + 1, bold=True)
        for size, left in zip(web.sizes, lefts, strict=True)
    ]
    parts.append(f'<line x1="0" x2="{look.width:g}" y1="{HEAD - 12}" y2="{HEAD - 12}" stroke="var(--line)"></line>')
    texts = {at: fitted(web.nodes[at].called, wide - 14, look.size, place.column == 0) for at, place in found.items()}
    for edge in web.edges:
        ends = found.get(edge.start), found.get(edge.end)
        if ends[0] and ends[1] and ends[1].column - ends[0].column == 1:
            start = lefts[ends[0].column] + 18 + width_of(texts[edge.start], look.size, ends[0].column == 0)
            to = lefts[ends[1].column] - 2
            parts.append(_line(edge, min(start, to - 6), ends[0].y, to, ends[1].y, by, least, web))
    most = max(web.nodes[at].density for at in found) or 1.0
    joined = {at for edge in web.edges if edge.strength(by) > least for at in (edge.start, edge.end)}
    parts += [
        _node(web.nodes[at], at, place, lefts[place.column], texts[at], look, most, at in joined)
        for at, place in found.items()
    ]
    for at, place in found.items():
        if place.hidden:
            last = found[_drawn(web, at)[-1]]
            below = max(one.y for number, one in found.items() if number in set(web.family(_drawn(web, at)[-1])))
            parts.append(
                words(
                    f"and {place.hidden} more", lefts[last.column] + 11, below + look.row + 4, look.size, fill="muted"
                )
            )
    return picture(parts, look.width, height, label, look.phone)


def fitted(text: str, width: float, size: float, bold: bool = False) -> str:
    """As much of a text as there is room for."""
    if width_of(text, size, bold) <= width:
        return text
    while text and width_of(text + "…", size, bold) > width:
        text = text[:-1]
    return text.rstrip() + "…"


def said(node: Node) -> str:
    """A latent in a sentence."""
    most = ", ".join(word.strip() for word in node.words[:8])
    return f"{node.said}, on for {node.density:.2%} of tokens" + (f"; most on: {most}" if most else "")


def _node(
    node: Node, at: int, place: Place, left: float, text: str, look: Look, most: float, joined: bool
) -> str:  # fmt: skip
    """A circle and a name; paler where no line is drawn to it."""
    pale = "" if joined else ' opacity=".5"'
    radius = 2 + 2.6 * (node.density / most) ** 0.5
    bold = place.column == 0
    return (
        f'<g class="web-node" data-node="{at}"{pale}><title>{escape(said(node))}</title>'
        f'<rect x="{left - 2:.1f}" y="{place.y - look.row / 2:.1f}" height="{look.row:g}" '
        f'width="{16 + width_of(text, look.size, bold):.1f}" fill="transparent"></rect>'
        f'<circle cx="{left + 4:.1f}" cy="{place.y:.1f}" r="{radius:.1f}" fill="var(--c1)"></circle>'
        f"{words(text, round(left + 11, 1), round(place.y + look.size * 0.35, 1), look.size, bold=bold)}</g>"
    )


def _line(
    edge: Edge, x: float, y: float, to_x: float, to_y: float, by: str, least: float, web: Web
) -> str:  # fmt: skip
    """A curve; its width is its strength. One that comes from another than the parent is dashed."""
    middle, own = (x + to_x) / 2, web.parents.get(edge.end) == edge
    strength = edge.strength(by)
    look = 'stroke="var(--c1)"' if own else 'stroke="var(--c2)" stroke-dasharray="4 3"'
    hidden = "" if strength > least else ' visibility="hidden"'
    return (
        f'<path class="web-edge" data-from="{edge.start}" data-to="{edge.end}" data-cosine="{edge.cosine:.3f}" '
        f'data-coactivation="{edge.coactivation:.3f}" d="M{x:.1f} {y:.1f}C{middle:.1f} {y:.1f} {middle:.1f} {to_y:.1f} '
        f'{to_x:.1f} {to_y:.1f}" fill="none" stroke-width="{0.6 + 2.6 * max(strength, 0):.1f}" stroke-opacity=".65" '
        f"{look}{hidden}></path>"
    )

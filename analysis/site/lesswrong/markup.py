"""HTML as a small tree: what our own fragments and exports need, and no more."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from html import escape
from html.parser import HTMLParser


def names(text: str) -> frozenset[str]:
    """Names in one string, as a set."""
    return frozenset(text.split())


VOID = names("area base br col embed hr img input link meta source track wbr")
# A start tag that ends an open one of these, where HTML lets authors leave out the end.
_IMPLIED = {
    "p": {"p"}, "li": {"li"}, "tr": {"tr", "td", "th"}, "td": {"td", "th"}, "th": {"td", "th"}, "dt": {"dt", "dd"},
    "dd": {"dt", "dd"}, "option": {"option"},
}  # fmt: skip


@dataclass(eq=False)
class Element:
    """An element with what is in it."""

    name: str
    attributes: dict[str, str] = field(default_factory=dict)
    children: list[Element | str] = field(default_factory=list)
    parent: Element | None = field(default=None, repr=False)

    @property
    def classes(self) -> list[str]:
        """Its classes."""
        return self.attributes.get("class", "").split()

    def has(self, name: str) -> bool:
        """Whether it is of this class."""
        return name in self.classes

    def walk(self) -> Iterator[Element]:
        """All elements below it, in the order of the text."""
        for child in self.children:
            if isinstance(child, Element):
                yield child
                yield from child.walk()

    def all(self, *names: str) -> list[Element]:
        """All elements below it with one of these names."""
        return [element for element in self.walk() if element.name in names]

    def of_class(self, name: str) -> list[Element]:
        """All elements below it of this class."""
        return [element for element in self.walk() if element.has(name)]

    @property
    def elements(self) -> list[Element]:
        """Its children that are elements."""
        return [child for child in self.children if isinstance(child, Element)]

    def text(self) -> str:
        """Its words as they stand, those of scripts and styles left out."""
        if self.name in ("script", "style", "template"):
            return ""
        return "".join(child if isinstance(child, str) else child.text() for child in self.children)

    def within(self, *names: str) -> bool:
        """Whether one of these elements is around it."""
        around = self.parent
        while around is not None:
            if around.name in names:
                return True
            around = around.parent
        return False


class _Builder(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = Element("")
        self.open = [self.root]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if self.open[-1].name in _IMPLIED.get(tag, ()):
            self.open.pop()
        element = Element(tag, {name: value or "" for name, value in attrs}, parent=self.open[-1])
        self.open[-1].children.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open[-1].children.append(Element(tag, {k: v or "" for k, v in attrs}, parent=self.open[-1]))

    def handle_endtag(self, tag: str) -> None:
        for place in range(len(self.open) - 1, 0, -1):
            if self.open[place].name == tag:
                del self.open[place:]
                return

    def handle_data(self, data: str) -> None:
        self.open[-1].children.append(data)


def parse(html: str) -> Element:
    """The tree of a piece of HTML, under a root without a name."""
    builder = _Builder()
    builder.feed(html)
    builder.close()
    return builder.root


def balance(html: str) -> int:
    """How many elements a piece of HTML opens and leaves open; below zero it closes others'."""
    counter = _Counter()
    counter.feed(html)
    counter.close()
    return counter.depth


class _Counter(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.depth = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.depth += tag not in VOID

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        pass

    def handle_endtag(self, tag: str) -> None:
        self.depth -= tag not in VOID


def flat(text: str) -> str:
    """A text with single spaces."""
    return " ".join(text.split())


# Names that HTML's parser writes small and SVG must not.
_SVG_NAMES = {
    "viewbox": "viewBox", "preserveaspectratio": "preserveAspectRatio", "clippath": "clipPath",
    "lineargradient": "linearGradient", "radialgradient": "radialGradient", "gradientunits": "gradientUnits",
    "gradienttransform": "gradientTransform", "patternunits": "patternUnits", "textpath": "textPath",
    "textlength": "textLength", "markerwidth": "markerWidth", "markerheight": "markerHeight",
    "clippathunits": "clipPathUnits", "spreadmethod": "spreadMethod", "stddeviation": "stdDeviation",
}  # fmt: skip


def written(element: Element) -> str:
    """An element as XML."""
    name = _SVG_NAMES.get(element.name, element.name)
    attributes = "".join(f' {_SVG_NAMES.get(key, key)}="{escape(value)}"' for key, value in element.attributes.items())
    inside = "".join(escape(child) if isinstance(child, str) else written(child) for child in element.children)
    return f"<{name}{attributes}>{inside}</{name}>"

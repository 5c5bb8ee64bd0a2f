"""A strict reader: what of a post is left after LessWrong's editor has taken the paste, by the table of its forms.

It knows nothing of the nodes or of the writers. What is not in a form that the editor is known to keep counts as lost.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from analysis.site.lesswrong.events import Event
from analysis.site.lesswrong.markup import Element, flat, names, parse

_BLOCKS = names("p h2 h3 h4 li td th summary blockquote")
_FLOWING = names("ul ol table thead tbody tr")
_KEPT_INLINE = names("a em strong sup sub s u code br span")


@dataclass
class Survivors:
    """What is left of a post."""

    texts: list[str] = field(default_factory=list)
    """Words of paragraphs, headings, items, cells and captions, block by block."""
    captions: list[str] = field(default_factory=list)
    formulas: list[str] = field(default_factory=list)
    alts: list[str] = field(default_factory=list)
    codes: list[str] = field(default_factory=list)
    notes: dict[str, list[str]] = field(default_factory=dict)
    """Id of a footnote -> the words of its blocks."""
    marks: list[str] = field(default_factory=list)
    collapsibles: list[str] = field(default_factory=list)
    drafted: list[str] = field(default_factory=list)
    """Names of the models whose text stands in a block of its own."""
    links: list[str] = field(default_factory=list)
    images: list[str] = field(default_factory=list)
    widgets: int = 0
    headings: list[str] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    """All of it once more, in order and with its places."""
    _path: tuple[str, ...] = ()
    _row: list[str] = field(default_factory=list)

    @contextmanager
    def within(self, *steps: str) -> Iterator[None]:
        """What is read in here stands in these, too."""
        self.flush()
        before, self._path = self._path, (*self._path, *steps)
        yield
        self.flush()
        self._path = before

    def say(self, text: str) -> str:
        """Words of the row that is being read."""
        self._row.append(text)
        return text

    def flush(self) -> None:
        """The row of words ends."""
        if flat("".join(self._row)):
            self.events.append(Event("words", self._path, "".join(self._row)))
        self._row.clear()

    def take(self, kind: str, text: str) -> None:
        """Something that is no words ends a row, too."""
        self.flush()
        self.events.append(Event(kind, self._path, text))

    @property
    def words(self) -> int:
        """How many words a reader reads, footnotes included."""
        whole = [*self.texts, *(text for note in self.notes.values() for text in note)]
        return sum(len(text.split()) for text in whole)


def read(html: str) -> Survivors:
    """Read a paste."""
    left = Survivors()
    _children(parse(html), left, left.texts)
    return left


def _children(element: Element, left: Survivors, texts: list[str]) -> None:
    row: list[str] = []
    for child in element.children:
        if isinstance(child, str):
            row.append(left.say(child))
        elif child.name in _KEPT_INLINE:
            row.append(_inline(child, left))
        else:
            if flat("".join(row)):
                texts.append(flat("".join(row)))
            row = []
            left.flush()
            _block(child, left, texts)
    if flat("".join(row)):
        texts.append(flat("".join(row)))
    left.flush()


def _block(element: Element, left: Survivors, texts: list[str]) -> None:
    name = element.name
    if name in ("h2", "h3", "h4"):
        left.headings.append(flat(element.text()))
    if element.has("footnote-section") and "data-footnote-section" in element.attributes:
        for item in element.elements:
            _note(item, left)
    elif name in _BLOCKS or name in _FLOWING:
        with left.within(*_step(element)):
            _children(element, left, texts)
    elif name == "div" and element.has("math-tex"):
        _formula(element, left, r"\[", r"\]")
    elif name == "pre":
        # with an element in it the editor makes blocks within blocks of it
        if not element.elements:
            left.codes.append(element.text())
            left.take("code", element.text())
    elif name == "figure":
        _figure(element, left, texts)
    elif name == "details":
        _details(element, left, texts)
    elif element.has("llm-content-block") and element.attributes.get("data-model-name"):
        inside = [child for child in element.elements if child.has("llm-content-block-content")]
        for child in inside:
            left.drafted.append(element.attributes["data-model-name"])
            _children(child, left, texts)
    elif name == "iframe" and element.attributes.get("data-lexical-iframe-widget") == "true":
        document = parse(element.attributes.get("srcdoc", ""))
        left.widgets += 1
        for label in [one.attributes["aria-label"] for one in document.walk() if "aria-label" in one.attributes]:
            left.alts.append(label)
            left.take("alt", label)
    # anything else (svg, MathML, a caption, another host's frame, ...) is dropped with all that is in it


def _step(element: Element) -> tuple[str, ...]:
    """What an element adds to the place of what is in it."""
    name, parent = element.name, element.parent
    if name == "blockquote":
        return ("quote",)
    if name in ("h2", "h3", "h4"):
        return (name,)
    if name == "li" and parent is not None:
        place = [one for one in parent.elements if one.name == "li"].index(element)
        start = parent.attributes.get("start", "1")
        return (f"{int(start) + place}." if parent.name == "ol" and start.isdigit() else f"-{place + 1}",)
    if name in ("td", "th") and parent is not None:
        rows = parent.parent.elements if parent.parent is not None else [parent]
        row = 0 if element.within("thead") else rows.index(parent) + 1
        return (f"cell {row},{parent.elements.index(element) + 1}",)
    return ()


def _figure(element: Element, left: Survivors, texts: list[str]) -> None:
    images = element.all("img")
    if len(images) != 1 or not element.has("image"):
        return
    left.images.append(images[0].attributes.get("src", ""))
    left.alts.append(images[0].attributes.get("alt", ""))
    left.take("alt", left.alts[-1])
    for caption in element.elements:
        # a link around the picture costs the caption
        if caption.name == "figcaption" and not images[0].within("a"):
            before = len(texts)
            _children(caption, left, texts)
            left.captions += texts[before:]


def _details(element: Element, left: Survivors, texts: list[str]) -> None:
    if not element.has("detailsBlock"):
        _children(element, left, texts)  # flattened: the words stay, nothing opens
        return
    for child in element.elements:
        title = child.has("detailsBlockTitle")
        if title:
            left.collapsibles.append(flat(child.text()))
        with left.within("details", *(("title",) if title else ())):
            _children(child, left, texts)


def _note(item: Element, left: Survivors) -> None:
    name = item.attributes.get("data-footnote-id", "")
    if item.has("footnote-item") and name and "data-footnote-item" in item.attributes:
        note = left.notes.setdefault(name, [])
        # a note is known by the place of its mark in the text
        called = str(left.marks.index(name) + 1) if name in left.marks else "without a mark"
        for content in item.of_class("footnote-content"):
            with left.within(f"note {called}"):
                _children(content, left, note)


def _inline(element: Element, left: Survivors) -> str:
    if element.name == "span":
        if element.has("math-tex"):
            _formula(element, left, r"\(", r"\)")
        elif element.has("footnote-reference") and "data-footnote-reference" in element.attributes:
            left.marks.append(element.attributes.get("data-footnote-id", ""))
            left.take("mark", str(len(left.marks)))
        return ""
    if element.name == "br":
        return left.say(" ")
    if element.name == "a" and element.attributes.get("href"):
        left.links.append(element.attributes["href"])
    parts = []
    for child in element.children:
        if isinstance(child, str):
            parts.append(left.say(child))
        elif child.name in _KEPT_INLINE:
            parts.append(_inline(child, left))
    return "".join(parts)


def _formula(element: Element, left: Survivors, before: str, after: str) -> None:
    text = element.text()
    if text.startswith(before) and text.endswith(after):
        left.formulas.append(text[2:-2].strip())
        left.take("formula", " ".join(left.formulas[-1].split()))

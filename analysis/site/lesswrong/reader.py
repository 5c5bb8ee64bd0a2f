"""A strict reader: what of a post is left after LessWrong's editor has taken the paste, by the table of its forms.

It knows nothing of the nodes or of the writers. What is not in a form that the editor is known to keep counts as lost.
"""

from __future__ import annotations

from dataclasses import dataclass, field

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
            row.append(child)
        elif child.name in _KEPT_INLINE:
            row.append(_inline(child, left))
        else:
            if flat("".join(row)):
                texts.append(flat("".join(row)))
            row = []
            _block(child, left, texts)
    if flat("".join(row)):
        texts.append(flat("".join(row)))


def _block(element: Element, left: Survivors, texts: list[str]) -> None:
    name = element.name
    if name in ("h2", "h3", "h4"):
        left.headings.append(flat(element.text()))
    if element.has("footnote-section") and "data-footnote-section" in element.attributes:
        for item in element.elements:
            _note(item, left)
    elif name in _BLOCKS or name in _FLOWING:
        _children(element, left, texts)
    elif name == "div" and element.has("math-tex"):
        _formula(element, left, r"\[", r"\]")
    elif name == "pre":
        # with an element in it the editor makes blocks within blocks of it
        left.codes += [element.text()] if not element.elements else []
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
        left.alts += [child.attributes["aria-label"] for child in document.walk() if "aria-label" in child.attributes]
    # anything else (svg, MathML, a caption, another host's frame, ...) is dropped with all that is in it


def _figure(element: Element, left: Survivors, texts: list[str]) -> None:
    images = element.all("img")
    if len(images) != 1 or not element.has("image"):
        return
    left.images.append(images[0].attributes.get("src", ""))
    left.alts.append(images[0].attributes.get("alt", ""))
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
        if child.has("detailsBlockTitle"):
            left.collapsibles.append(flat(child.text()))
        _children(child, left, texts)


def _note(item: Element, left: Survivors) -> None:
    name = item.attributes.get("data-footnote-id", "")
    if item.has("footnote-item") and name and "data-footnote-item" in item.attributes:
        note = left.notes.setdefault(name, [])
        for content in item.of_class("footnote-content"):
            _children(content, left, note)


def _inline(element: Element, left: Survivors) -> str:
    if element.name == "span":
        if element.has("math-tex"):
            _formula(element, left, r"\(", r"\)")
        elif element.has("footnote-reference") and "data-footnote-reference" in element.attributes:
            left.marks.append(element.attributes.get("data-footnote-id", ""))
        return ""
    if element.name == "br":
        return " "
    if element.name == "a" and element.attributes.get("href"):
        left.links.append(element.attributes["href"])
    parts = []
    for child in element.children:
        if isinstance(child, str):
            parts.append(child)
        elif child.name in _KEPT_INLINE:
            parts.append(_inline(child, left))
    return "".join(parts)


def _formula(element: Element, left: Survivors, before: str, after: str) -> None:
    text = element.text()
    if text.startswith(before) and text.endswith(after):
        left.formulas.append(text[2:-2].strip())

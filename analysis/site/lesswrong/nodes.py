"""What a post is made of: only what survives a paste. Each kind of node is written by `rich.py` and by `dialect.py`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Text:
    """Words."""

    text: str


@dataclass(frozen=True)
class Styled:
    """Words in a manner: `tag` is em, strong, sup, sub, s or u."""

    tag: str
    content: tuple[Inline, ...]


@dataclass(frozen=True)
class Code:
    """Inline code."""

    text: str


@dataclass(frozen=True)
class Math:
    """A formula in TeX; a displayed one may have a number."""

    tex: str
    display: bool = False
    number: str = ""


@dataclass(frozen=True)
class Link:
    """`href` is absolute."""

    content: tuple[Inline, ...]
    href: str


@dataclass(frozen=True)
class Break:
    """A new line within a paragraph."""


@dataclass(frozen=True)
class Mark:
    """Where footnote `index` (from 1) is called."""

    index: int


@dataclass(frozen=True)
class Inset:
    """A picture that stands in the text; its paragraph is parted around it."""

    figure: Figure


Inline = Text | Styled | Code | Math | Link | Break | Mark | Inset
Inlines = tuple[Inline, ...]


@dataclass(frozen=True)
class Paragraph:
    """A paragraph."""

    content: Inlines


@dataclass(frozen=True)
class Display:
    """A formula on a line of its own."""

    math: Math


@dataclass(frozen=True)
class Heading:
    """A heading; `level` 2 is the highest, since the title has its own field."""

    level: int
    content: Inlines


@dataclass(frozen=True)
class Items:
    """A list; `start` is None for bullets."""

    items: tuple[Blocks, ...]
    start: int | None = None


@dataclass(frozen=True)
class Quote:
    """A quotation, or a callout: then it begins with bold words."""

    blocks: Blocks


@dataclass(frozen=True)
class CodeBlock:
    """Lines of code; `language` may be empty."""

    text: str
    language: str = ""


@dataclass(frozen=True)
class Figure:
    """One picture. `widget` is the document of a live frame that stands in its place."""

    src: str
    alt: str
    caption: Inlines
    percent: int
    """Width as a share of the text's."""
    widget: str = ""
    name: str = ""


@dataclass(frozen=True)
class Table:
    """Cells as text; at most 20 rows are here, `total` is how many there are."""

    head: tuple[Inlines, ...]
    rows: tuple[tuple[Inlines, ...], ...]
    total: int
    right: frozenset[int] = frozenset()
    """Columns of numbers, set to the right where a form can say so."""


@dataclass(frozen=True)
class Collapsible:
    """A title that opens and closes what is below it."""

    title: Inlines
    blocks: Blocks


@dataclass(frozen=True)
class Rule:
    """A line across."""


@dataclass(frozen=True)
class Drafted:
    """Text that a language model drafted, with the model's name."""

    model: str
    blocks: Blocks


Block = Paragraph | Display | Heading | Items | Quote | CodeBlock | Figure | Table | Collapsible | Rule | Drafted
Blocks = tuple[Block, ...]


@dataclass(frozen=True)
class Note:
    """A footnote; `id` is unlike that of any other post."""

    index: int
    id: str
    blocks: Blocks


@dataclass(frozen=True)
class Post:
    """A section ready to be written."""

    slug: str
    title: str
    page: str
    """The page's source, such as `report/answers.qmd`."""
    url: str
    """Where the section stands on the site."""
    blocks: Blocks
    notes: tuple[Note, ...] = ()
    remarks: tuple[str, ...] = field(default=())
    """What the checklist tells about how the section was changed."""

    @property
    def figures(self) -> list[Figure]:
        """Every picture of the post."""
        return [block for block in walk((*self.blocks, *(b for note in self.notes for b in note.blocks)))
                if isinstance(block, Figure)]  # fmt: skip


def walk(blocks: Sequence[Block]) -> Iterator[Block]:
    """Every block, those within others too."""
    for block in blocks:
        yield block
        if isinstance(block, Quote | Collapsible | Drafted):
            yield from walk(block.blocks)
        elif isinstance(block, Items):
            for item in block.items:
                yield from walk(item)


def plain(content: Inlines) -> str:
    """The words of inline content."""
    parts = []
    for one in content:
        if isinstance(one, Text | Code):
            parts.append(one.text)
        elif isinstance(one, Styled | Link):
            parts.append(plain(one.content))
        elif isinstance(one, Math):
            parts.append(one.tex)
        elif isinstance(one, Break):
            parts.append(" ")
    return "".join(parts)

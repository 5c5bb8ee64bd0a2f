"""A post as the HTML that LessWrong's editor keeps when it is pasted. The forms stand in one place each, below."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from analysis.site.lesswrong.nodes import (
    Block,
    Break,
    Code,
    CodeBlock,
    Collapsible,
    Display,
    Drafted,
    Figure,
    Heading,
    Inline,
    Inlines,
    Items,
    Link,
    Mark,
    Math,
    Note,
    Paragraph,
    Post,
    Quote,
    Rule,
    Styled,
    Table,
    Text,
)  # fmt: skip


class Rich:
    """Writes one post: footnotes are called by ids that no other post has."""

    def __init__(self, notes: Sequence[Note], live: bool = True) -> None:
        self.ids = {note.index: note.id for note in notes}
        self.live = live

    def blocks(self, blocks: Sequence[Block]) -> str:
        """Blocks one after the other, a line each."""
        return "\n".join(self.block(block) for block in blocks)

    def block(self, block: Block) -> str:
        """One block."""
        if isinstance(block, Paragraph):
            return f"<p>{self.inlines(block.content)}</p>"
        if isinstance(block, Heading):
            return f"<h{block.level}>{self.inlines(block.content)}</h{block.level}>"
        if isinstance(block, Display):
            return f'<div class="math-tex">\\[{escape(tagged(block.math), quote=False)}\\]</div>'
        if isinstance(block, Items):
            return self.items(block)
        if isinstance(block, Quote):
            return f"<blockquote>{self.blocks(block.blocks)}</blockquote>"
        if isinstance(block, CodeBlock):
            language = f' data-language="{escape(block.language)}"' if block.language else ""
            return f"<pre{language}>{escape(block.text, quote=False)}</pre>"
        if isinstance(block, Figure):
            return self.figure(block)
        if isinstance(block, Table):
            return self.table(block)
        if isinstance(block, Collapsible):
            return (
                f'<details class="detailsBlock"><summary class="detailsBlockTitle">{self.inlines(block.title)}'
                f'</summary><div class="detailsBlockContent">{self.blocks(block.blocks)}</div></details>'
            )
        if isinstance(block, Drafted):
            return (
                f'<div class="llm-content-block" data-model-name="{escape(block.model)}">'
                f'<div class="llm-content-block-content">{self.blocks(block.blocks)}</div></div>'
            )
        assert isinstance(block, Rule)
        return "<hr>"

    def items(self, items: Items) -> str:
        """A list; an item of one paragraph needs no paragraph."""
        written = []
        for item in items.items:
            first = item[0] if item else None
            if isinstance(first, Paragraph) and not any(isinstance(block, Paragraph) for block in item[1:]):
                written.append(f"<li>{self.inlines(first.content)}{self.blocks(item[1:])}</li>")
            else:
                written.append(f"<li>{self.blocks(item)}</li>")
        start = f' start="{items.start}"' if items.start not in (None, 1) else ""
        name = "ul" if items.start is None else "ol"
        return f"<{name}{start}>{''.join(written)}</{name}>"

    def figure(self, figure: Figure) -> str:
        """A picture with its caption; or a live frame, whose caption is a paragraph."""
        if figure.widget and self.live:
            frame = (
                f'<iframe data-lexical-iframe-widget="true" data-widget-id="{escape(figure.name)}" '
                f'sandbox="allow-scripts" srcdoc="{escape(figure.widget)}"></iframe>'
            )
            return f"{frame}\n<p>{self.inlines(figure.caption)}</p>" if figure.caption else frame
        caption = f"<figcaption>{self.inlines(figure.caption)}</figcaption>" if figure.caption else ""
        return (
            f'<figure class="image" style="width:{figure.percent}%"><img src="{escape(figure.src)}" '
            f'alt="{escape(figure.alt)}">{caption}</figure>'
        )

    def table(self, table: Table) -> str:
        """A table without caption and alignment, which a paste would lose."""
        head = "".join(f"<th>{self.inlines(cell)}</th>" for cell in table.head)
        rows = ("".join(f"<td>{self.inlines(cell)}</td>" for cell in row) for row in table.rows)
        body = "".join(f"<tr>{row}</tr>" for row in rows)
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"

    def inlines(self, content: Inlines) -> str:
        """Inline content."""
        return "".join(self.inline(one) for one in content)

    def inline(self, one: Inline) -> str:
        """One inline node."""
        if isinstance(one, Text):
            return escape(one.text, quote=False)
        if isinstance(one, Styled):
            return f"<{one.tag}>{self.inlines(one.content)}</{one.tag}>"
        if isinstance(one, Code):
            return f"<code>{escape(one.text, quote=False)}</code>"
        if isinstance(one, Math):
            return f'<span class="math-tex">\\({escape(one.tex, quote=False)}\\)</span>'
        if isinstance(one, Link):
            return f'<a href="{escape(one.href)}">{self.inlines(one.content)}</a>'
        if isinstance(one, Break):
            return "<br>"
        if isinstance(one, Mark):
            return self.mark(one.index)
        return self.figure(one.figure)

    def mark(self, index: int) -> str:
        """Where a footnote is called."""
        name = self.ids[index]
        return (
            f'<span class="footnote-reference" data-footnote-reference="" data-footnote-id="{name}" '
            f'data-footnote-index="{index}" role="doc-noteref" id="fnref{name}"><sup><a href="#fn{name}">[{index}]</a>'
            "</sup></span>"
        )

    def notes(self, notes: Sequence[Note]) -> str:
        """The footnotes of a post."""
        items = "".join(
            f'<li class="footnote-item" data-footnote-item="" data-footnote-id="{note.id}" '
            f'data-footnote-index="{note.index}" role="doc-endnote" id="fn{note.id}">'
            f'<span class="footnote-back-link" data-footnote-back-link="" data-footnote-id="{note.id}"><sup><strong>'
            f'<a href="#fnref{note.id}">^</a></strong></sup></span>'
            f'<div class="footnote-content" data-footnote-content="">{self.blocks(note.blocks)}</div></li>'
            for note in notes
        )
        return (
            f'<ol class="footnote-section footnotes" data-footnote-section="" role="doc-endnotes">{items}</ol>'
            if notes else ""
        )  # fmt: skip


def tagged(math: Math) -> str:
    """A displayed formula with its number."""
    return math.tex + (f" \\tag{{{math.number}}}" if math.number else "")


def rich(post: Post, live: bool = True) -> str:
    """The whole post as HTML, its title left out: that has a field of its own. Without `live` charts are pictures."""
    writer = Rich(post.notes, live)
    parts = [writer.blocks(post.blocks), writer.notes(post.notes)]
    return "\n".join(part for part in parts if part) + "\n"

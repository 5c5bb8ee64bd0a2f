"""The frame that the panels of numbers share: a table that scrolls on its own where a page is narrow."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape


def framed(label: str, heads: Iterable[str], body: Iterable[str], *classes: str) -> str:
    """HTML of a table: `heads` are the column heads (HTML; the first stands over the row heads), `body` its rows."""
    head = "".join(f'<th scope="col">{text}</th>' for text in heads)
    return (
        f'<div class="table-scroll" tabindex="0" role="region" aria-label="{escape(label)}">'
        f'<table data-quarto-disable-processing="true" class="{" ".join(("measures-table", *classes))}">'
        f"<thead><tr>{head}</tr></thead><tbody>{''.join(body)}</tbody></table></div>"
    )


def group(title: str, columns: int) -> str:
    """A row that names the rows below it."""
    return f'<tr class="group"><th scope="rowgroup" colspan="{columns}">{escape(title)}</th></tr>'


def depth_heads(last: int) -> list[str]:
    """Heads of the columns of depths 1 to `last`; the word gives way where there is no room."""
    return [f'<span class="word">depth </span>{depth}' for depth in range(1, last + 1)]

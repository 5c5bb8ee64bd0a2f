"""All that several logs say as one document: by kind and by time, and what runs through them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from html import escape as escape_html

from analysis.logs.fates import Order
from analysis.logs.items import Compilation, Item, State
from analysis.logs.output import iso, line, place, to_markdown
from analysis.logs.threads import age, forgotten, returning, themes
from analysis.logs.write import escape

_WAITING: tuple[State, ...] = ("open", "carried_on", "likely_done")


def document(compilation: Compilation, items: Sequence[Item]) -> str:
    """Markdown: the items by kind and day; if they are all there are, also ages, what returns, themes and silence."""
    if len(items) < len(compilation.items):
        return to_markdown(items)
    return to_markdown(items) + "\n".join(_threads(compilation))


def _threads(compilation: Compilation) -> Iterator[str]:
    items, logs = compilation.items, compilation.logs
    order = Order.of(logs)
    waiting = [item for item in items if item.kind == "question" and item.parent is None and item.state in _WAITING]
    if waiting:
        yield "\n## Open questions by age\n"
        for item in sorted(waiting, key=lambda item: (order.first(item), item.line)):
            yield f"- {item.markdown} [{age(item, logs, order)}]{{.source}}"
    found = returning(items)
    if found:
        yield "\n## What keeps coming back\n"
        for thread in found:
            places = "; ".join(
                f"{iso(seen.date)}, {escape(seen.file, links=False)}:{seen.line}" for seen in thread.seen
            )
            yield f"- {escape(thread.label)} [{len(thread.seen)} logs: {places}]{{.source}}"
    silent = forgotten(items, order)
    if silent:
        yield "\n## Promised, and not heard of again\n"
        yield from (f"- {line(item, shown=place)}" for item in silent)
    heaps = themes([item for item in items if item.parent is None])
    if heaps:
        yield "\n## Themes\n"
        for theme in heaps:
            yield f"- **{escape(', '.join(theme.words))}**"
            yield from (f"    - {line(item, shown=place)}" for item in theme.items)
    yield ""


def to_qmd(compilation: Compilation, items: Sequence[Item]) -> str:
    """The document as a Quarto page of its own."""
    days = sorted(log.date for log in compilation.logs if log.date)
    period = f", {days[0]} to {days[-1]}" if days else ""
    front = f'---\ntitle: "What the logs say"\ndescription: "{len(compilation.logs)} logs{period}"\n---\n\n'
    return front + document(compilation, items)


_STYLE = (
    "body{max-width:44em;margin:2em auto;padding:0 1em;font:1rem/1.5 Georgia,serif}"
    "h2{margin-top:2em}h3{font-size:1rem}.source{color:#595959;font-size:.8em}"
    "@media(prefers-color-scheme:dark){body{background:#181818;color:#ddd}.source{color:#aaa}a{color:#8bf}}"
)


def to_html(compilation: Compilation, items: Sequence[Item]) -> str:
    """The document as one page that asks no other host for anything and runs nothing."""
    import pypandoc

    body = pypandoc.convert_text(document(compilation, items), "html", format="markdown-raw_html-tex_math_dollars")
    title = escape_html(f"What {len(compilation.logs)} logs say")
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        '<meta name="viewport" content="width=device-width">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        f"<style>{_STYLE}</style></head><body>\n<h1>{title}</h1>\n{re.sub(r'<img [^>]*>', '', body)}</body></html>\n"
    )

"""All that several logs say as one document: by kind and by time, and what runs through them."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from html import escape as escape_html

from analysis.logs.fates import WAITING, Order
from analysis.logs.items import Compilation, Item
from analysis.logs.linked import sources
from analysis.logs.output import as_json, iso, line, record, to_markdown
from analysis.logs.unseen import without_unseen
from analysis.logs.write import escape, path, unguarded
from analysis.system import pandoc_program
from sae.errors import RenderError

_NUM = re.compile(r"\{\{<\s*num\s+(\S+)\s*>\}\}")
_SOURCE = re.compile(r"\[((?:\\.|[^\[\]\\])*)\]\{\.source\}")


@dataclass(frozen=True)
class Document:
    """A compilation with what an author answered, ready to be written in one of four forms."""

    compilation: Compilation
    items: Sequence[Item]
    """Those that are wanted."""
    answers: Mapping[str, str]
    """Sentence of the answer, by the question's id."""

    def markdown(self) -> str:
        """Clean Markdown: by kind and day; if all items are wanted, also ages, what returns, themes and silence."""
        return _SOURCE.sub(r"(\1)", self._body([_unguarded(item) for item in self.items]))

    def qmd(self) -> str:
        """The document as a Quarto page of its own."""
        logs = self.compilation.logs
        days = sorted(log.date for log in logs if log.date)
        period = f", {days[0]} to {days[-1]}" if days and days[0] != days[-1] else f", {days[0]}" if days else ""
        front = f'---\ntitle: "What the logs say"\ndescription: "{_count(len(logs), "log")}{period}"\n---\n\n'
        return front + self.quarto_body()

    def json(self) -> str:
        """The items as a JSON list, answered questions with their answer."""
        answers = ({"answer": self.answers[item.id]} if item.id in self.answers else {} for item in self.items)
        return as_json(record(item) | answer for item, answer in zip(self.items, answers, strict=True))

    def html(self) -> str:
        """The document as one page that asks no other host for anything and runs nothing.

        Raises PandocLimitError where pandoc takes too long over it, RenderError where it fails.
        """
        options = ["--from=markdown-raw_html-tex_math_dollars-yaml_metadata_block-pandoc_title_block", "--to=html"]
        done = pandoc_program.run(options, self.quarto_body())
        if done.code:
            raise RenderError(f"pandoc: {' '.join(done.log.split())}", "the document of the logs")
        title = escape_html(f"What {_count(len(self.compilation.logs), 'log')} say")
        policy = "default-src 'none'; style-src 'unsafe-inline'"
        return (
            f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
            '<meta name="viewport" content="width=device-width">'
            f'<meta http-equiv="Content-Security-Policy" content="{policy}"><style>{_STYLE}</style></head>'
            f"<body>\n<h1>{title}</h1>\n{re.sub(r'<img [^>]*>', '', done.text)}</body></html>\n"
        )

    def quarto_body(self) -> str:
        """The Markdown with places as spans of the class `source`."""
        return self._body(self.items)

    def _body(self, items: Sequence[Item]) -> str:
        items = [_from_folder(item) for item in items]
        shown = to_markdown([_answered(item, self.answers.get(item.id, "")) for item in items])
        return shown if len(items) < len(self.compilation.items) else shown + "\n".join(self._threads(items))

    def _threads(self, items: Sequence[Item]) -> Iterator[str]:
        from analysis.logs.threads import age, forgotten, returning, themes  # loads scikit-learn, which takes a second

        logs = self.compilation.logs
        order = Order.of(logs)
        top = [item for item in items if item.parent is None]
        waiting = [item for item in top if item.kind == "question" and item.state in WAITING]
        if waiting:
            yield "\n## Open questions by age\n"
            for item in sorted(waiting, key=lambda item: (order.first(item), item.line)):
                yield f"- {item.markdown} [{age(item, logs, order)}]{{.source}}"
        yield from self._timeline()
        found = returning(items)
        if found:
            yield "\n## What keeps coming back\n"
            for thread in found:
                places = "; ".join(f"{iso(s.date)}, {path(s.file)}:{s.line}" for s in thread.seen)
                yield f"- {escape(thread.label)} [{len(thread.seen)} logs: {places}]{{.source}}"
        silent = forgotten(items, order)
        if silent:
            yield "\n## Promised, and not heard of again\n"
            yield from (f"- {line(item)}" for item in silent)
        groups = themes(top)
        if groups:
            yield "\n## Themes\n"
            for theme in groups:
                yield f"- **{escape(', '.join(theme.words))}**"
                yield from (f"    - {line(item)}" for item in theme.items)
        addresses = sources(items)
        if addresses:
            yield "\n## All that the logs link to\n"
        for source in addresses:
            places = "; ".join(f"{iso(seen.date)}, {path(seen.file)}:{seen.line}" for seen in source.places)
            yield f"- {source.markdown} [{places}]{{.source}}"
        yield ""

    def _timeline(self) -> Iterator[str]:
        from analysis.logs.history import history  # loads pandas

        table = history(self.compilation).table
        if table.empty:
            return
        yield "\n## Open and closed over time\n"
        yield "| log | date | questions | closed | next steps | closed |"
        yield "|:---------------|:------|---:|---:|---:|---:|"
        steps = table[table["kind"] == "next steps"].set_index("log")
        rows = steps.to_dict("index")
        for row in table[table["kind"] == "questions"].to_dict("records"):
            step = rows[row["log"]]
            counts = f"{row['asked']} | {row['closed']} | {step['asked']} | {step['closed']}"
            yield f"| {escape(row['title'])} | {row['date'] or 'no date'} | {counts} |"


def _from_folder(item: Item) -> Item:
    """The item with its relative links seen from the folder that was compiled, not from the log's own."""
    folder = posixpath.dirname(item.file)
    text = item.markdown
    for target in dict.fromkeys((*item.links, *item.images)):
        if folder and not re.match(r"[a-z]+:|/|#", target, re.IGNORECASE):
            text = text.replace(f"]({target})", f"]({posixpath.normpath(posixpath.join(folder, target))})")
    return replace(item, markdown=text)


def _unguarded(item: Item) -> Item:
    return replace(item, markdown=unguarded(item.markdown))


def _answered(item: Item, sentence: str) -> Item:
    return replace(item, markdown=f"{item.markdown} **{sentence}**") if sentence else item


def spoken(sentence: str, numbers: Mapping[str, Mapping[str, str]]) -> str:
    """An answer with its numbers put in, as the last build looked them up; a name where it never did."""
    return without_unseen(with_numbers(sentence, numbers)).replace("<", r"\<")


def with_numbers(words: str, numbers: Mapping[str, Mapping[str, str]]) -> str:
    """Words with their numbers put in; a name where the last build did not look it up."""
    return _NUM.sub(lambda match: numbers.get(match[1], {}).get("text", f"`{match[1]}`"), words)


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


_STYLE = (
    "body{max-width:44em;margin:2em auto;padding:0 1em;font:1rem/1.5 Georgia,serif;overflow-wrap:anywhere}"
    "h2{margin-top:2em}h3{font-size:1rem}.source{color:#595959;font-size:.8em}pre{overflow-x:auto}"
    "@media(prefers-color-scheme:dark){body{background:#181818;color:#ddd}.source{color:#aaa}a{color:#8bf}}"
)

"""`strata write --outline`: a draft page from logs and results, with gaps where its author has to speak.

It holds what stands in the logs and in the results and nothing else: answered questions as headings, the author's
sentence, the linked figures and numbers with the verdicts of their depths; learnings, open questions and steps by
theme, with their days, all that is nested in them and what may help; last, all that the logs link to. What its author
ticked, dropped or answered is left out of the lists. Where a reflection is due there is a gap. A draft that a person
has changed is never written over.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

from analysis.logs.answers import Answer
from analysis.logs.items import Item
from analysis.logs.linked import sources as linked
from analysis.logs.output import iso, nested, tree
from analysis.logs.threads import themes
from analysis.logs.write import escape, unguarded
from analysis.pages.answer_links import Shown, sentence
from analysis.pages.log_pages import LogPages
from analysis.pages.numbers import CONTROLS
from analysis.pages.suggest import about, proposed
from analysis.pages.typed_numbers import NUMBER
from analysis.plan.paths import Paths
from analysis.results.tables import Results, source
from analysis.results.verdict import verdicts
from sae.errors import ConfigError, DataError, NotFoundError

_STAMP = re.compile(r"\A---\n# draft of `strata write`, sha256 of what follows: ([0-9a-f]{64})\n")
LEARNINGS = 30
"""At most so many learnings, the newest, are taken over: a draft is read, not archived."""


def gap(words: str) -> str:
    """A place that only the author can fill; easy to find by its brackets."""
    return f"**[{words}]**"


def outline(pages: LogPages, results: Results | None, paths: Paths) -> str:
    """The draft as a page, with a stamp by which a later change is seen."""
    body = "\n".join(_lines(pages, results, paths)).rstrip("\n") + "\n"
    return f"---\n# draft of `strata write`, sha256 of what follows: {_hash(body)}\n{body}"


def _hash(body: str) -> str:
    return hashlib.sha256(body.encode()).hexdigest()


def _lines(pages: LogPages, results: Results | None, paths: Paths) -> Iterator[str]:
    items = pages.compilation.items
    by_id = {item.id: item for item in items}
    logs = pages.compilation.logs
    days = sorted(log.date for log in logs if log.date)
    span = f" of {iso(days[0])} to {iso(days[-1])}" if days and days[0] != days[-1] else ""
    yield "title: A draft"
    yield f"description: What {len(logs)} log{'s' * (len(logs) != 1)}{span} asked, and what the results say."
    yield "---\n"
    yield f"{gap('say in two sentences what you did, and for whom you write')}\n"
    yield '::: {.callout-note title="In short"}'
    for answer in pages.answers.values():
        yield f"- *{escape(by_id[answer.id].text)}* {sentence(answer)}"
    yield f"- {gap('which of these would you tell a friend first, and how sure are you?')}"
    yield ":::\n"
    seen: set[str] = set()
    for answer in pages.answers.values():
        yield from _question(answer, by_id[answer.id], pages.shown[answer.id], seen, results, paths)
    every = [item for item in items if item.kind == "learning" and item.parent is None]
    learned = sorted(every[:LEARNINGS], key=lambda item: (str(iso(item.date)), item.file, item.line))
    lists = _Lists(pages, learned)
    yield "## What I learned on the way\n"
    yield from lists.grouped(learned)
    if len(every) > len(learned):
        yield f"- and {len(every) - len(learned)} older ones, on the [page of the logs](/report/logs.qmd)"
    yield f"\n{gap('which of these did you not believe at first?')}\n"
    if helped := about([*lists.questions, *lists.steps], pages.near):
        yield helped
    yield "## Questions that are still open\n"
    yield from lists.grouped(lists.questions, "No question is open.")
    yield f"\n{gap('which one would you give a student, and why?')}\n"
    yield "## Next steps\n"
    yield from lists.grouped(lists.steps, "No step is open.")
    yield f"\n## What would change my mind\n\n{gap('name a result that would, and what it would cost to get it')}\n"
    yield from lists.resources()


class _Lists:
    """The lists of a draft: what is open of the logs, with all that is nested in it."""

    def __init__(self, pages: LogPages, learned: Sequence[Item]) -> None:
        self._pages = pages
        closed = ("done", "dropped", "answered")
        self._items = [
            replace(item, markdown=unguarded(item.markdown, ")\xa0"))  # in front of a blank pandoc sees a list
            for item in map(pages.safe, pages.compilation.items)
            if item.state not in closed
        ]
        self._below = nested(self._items)
        questions, steps = pages.waiting_questions(), pages.waiting_steps()
        lost = self._lost({item.id for item in (*learned, *questions, *steps)})
        self.questions = [*questions, *(item for item in lost if item.kind == "question")]
        self.steps = [*steps, *(item for item in lost if item.kind == "next_step")]
        self._themes = themes([*self.questions, *self.steps, *learned])

    def _lost(self, shown: set[str]) -> list[Item]:
        """Open questions and steps that are nested in what the draft leaves out."""
        seen, found = shown | self._pages.asides, []
        for item in sorted(self._items, key=lambda item: item.depth):
            if item.parent in seen:
                seen.add(item.id)
            elif item.parent and item.kind in ("question", "next_step"):
                seen.add(item.id)
                found.append(item)
        return found

    def grouped(self, roots: Sequence[Item], none: str = "") -> Iterator[str]:
        """A list below each theme that several of the items share, and one of the others; in their order."""
        if not roots:
            yield none
            return
        left = {item.id: item for item in roots}
        groups: list[tuple[str, list[Item]]] = []
        for theme in self._themes:
            members = {item.id for item in theme.items}
            own = [item for item in roots if item.id in members and item.id in left]
            if len(own) > 1:
                groups.append((", ".join(theme.words), own))
                left = {name: item for name, item in left.items() if name not in members}
        if left:
            groups.append(("on their own" if groups else "", [*left.values()]))
        for number, (title, own) in enumerate(groups):
            if title:
                yield f"{chr(10) * (number > 0)}**{escape(title[0].upper() + title[1:])}**\n"
            yield from self._tree(own)

    def _tree(self, roots: Sequence[Item]) -> Iterator[str]:
        by_id = {item.id: item for item in self._items}
        rows = tree([by_id[item.id] for item in roots], self._below, _day, self._helpful)
        fence = ""
        for row in rows:
            mark = re.match(r"\s*(`{3,})", row)
            if mark:
                fence = "" if fence else mark.group(1)
            yield row if fence or mark else _sourced_line(row)

    def _helpful(self, item: Item) -> Iterator[str]:
        return proposed(self._pages.near.of(item), self._pages.numbers_of_logs)

    def resources(self) -> Iterator[str]:
        """All that the logs link to, and what they name as a resource without an address."""
        bare = [item for item in self._items if item.kind == "resource" and not item.links]
        found = linked(self._items)
        if not found and not bare:
            return
        yield "\n## Resources\n"
        for address in found:
            days = sorted({str(iso(seen.date)) for seen in address.places})
            yield _sourced_line(f"- {address.markdown} [{', '.join(days)}]{{.source}}")
        yield from (_sourced_line(f"- {item.markdown} {_day(item.date, '', 0)}") for item in bare)


def _day(day: date | None, file: str, number: int) -> str:
    return f"[{iso(day)}]{{.source}}"


# Not behind "](": addresses are no prose.
_TYPED = re.compile(rf"\]\([^)]*\)|`[^`]*`|({NUMBER.pattern})")


def _sourced(markdown: str, item: Item) -> str:
    """An author's own numbers, with the log as their source: prose may not hold others that are typed."""
    place = f"{item.file}, line {item.line}".replace("\\", "/").replace('"', "'")
    return _sourced_line(markdown, place)


def _sourced_line(markdown: str, place: str = "the logs") -> str:
    return _TYPED.sub(lambda m: f'[{m[1]}]{{.sourced source="{place}"}}' if m[1] else m[0], markdown)


def _question(
    answer: Answer, item: Item, shown: Sequence[Shown], seen: set[str], results: Results | None, paths: Paths
) -> Iterator[str]:
    yield f"## {_sourced(escape(item.text), item)}\n"
    yield f"{sentence(answer)}\n"
    for link in shown:
        if link.kind == "figure" and link.name not in seen:
            seen.add(link.name)  # an id may stand on a page once
            yield f"\n{{{{< figure {link.name} >}}}}\n"
        elif link.kind == "number":
            word = verdict_of(link.name, results, paths)
            yield f"- {link.markdown}{f'; verdict on that depth: *{word}*' if word else ''}"
        else:
            yield f"- see {link.markdown}"
    yield f"\n{gap('say in your words what surprised you here, and what this does not show')}\n"


def verdict_of(number: str, results: Results | None, paths: Paths) -> str:
    """The rule's word on the depth that a number speaks of; empty where there is none."""
    place, _, name = number.rpartition(":")
    experiment, _, variant = place.partition("/")
    parts = name.split("/")
    controls = set(parts[3:]) & set(CONTROLS) - {"none"}  # the word is on the tower, not on what it is held against
    if variant or controls or len(parts) < 3 or not parts[2].isdigit():
        return ""
    try:
        found = verdicts(source(results, experiment, paths)).get((parts[1], int(parts[2])))
    except (NotFoundError, DataError):
        return ""
    return (found.word or "") if found else ""


def write_draft(path: Path, text: str) -> None:
    """Write the draft. Raises ConfigError when the file there is not a draft as it was written."""
    if path.exists():
        old = path.read_bytes().decode("utf-8", "replace")
        stamp = _STAMP.match(old)
        if not stamp or _hash(old[stamp.end() :]) != stamp.group(1):
            raise ConfigError(f"{path.name} was changed by hand and is left alone; choose another name with --out")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")

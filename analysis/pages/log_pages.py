"""What pages show of the logs: the parts of the logs page, and the two lists of the write-up."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property
from pathlib import Path, PurePosixPath
from urllib.parse import unquote

from analysis.logs.answers import Answer
from analysis.logs.fates import WAITING, Order
from analysis.logs.items import Compilation, Item, Kind, State, normalise
from analysis.logs.linked import sources
from analysis.logs.nearest import Nearest
from analysis.logs.output import iso, maybe, nested, tree
from analysis.logs.settings import load_settings
from analysis.logs.threads import age, forgotten, returning, themes
from analysis.logs.write import escape, path
from analysis.pages.answer_links import Links, Shown, sentence
from analysis.pages.numbers import Number
from analysis.pages.suggest import about, nearest, proposed
from analysis.plan.paths import Paths
from analysis.site.inside import hidden
from analysis.system.stamps import copy_if_other
from analysis.system.terminal import shown

FEW = 5
"""So many open questions, and so many steps, stand in a write-up."""
PICTURES = (".png", ".jpg", ".jpeg", ".gif", ".webp")
"""Pictures of logs that pages show. An SVG could run scripts where it is opened."""


@dataclass(frozen=True)
class LogPages:
    """A compilation with its answers, ready to be written into pages."""

    compilation: Compilation
    answers: Mapping[str, Answer]
    """By the id of the question."""
    shown: Mapping[str, list[Shown]]
    """What each answer links to."""
    links: Links
    paths: Paths
    numbers: Mapping[str, Number] = field(default_factory=dict)
    """Those that pages use, by name."""

    def write(self, write: Callable[[Path, str], None]) -> list[Path]:
        """Write every part into `report/_generated`; gives the files."""
        for item in self.compilation.items:
            self._copy_pictures(item)
        parts = {
            "logs-summary": self.summary(),
            "logs-answered": "\n".join(self.answered()),
            "logs-open": "\n".join(self.open_questions()),
            "logs-steps": "\n".join(self.next_steps()),
            "logs-themes": "\n".join(self.themes()),
            "logs-returns": "\n".join(self.returns()),
            "logs-learnings": "\n".join(self.by_log("learning")),
            "logs-rest": "\n".join(self.rest()),
            "open-questions": "\n".join(self.short_questions()),
            "next-steps": "\n".join(self.short_steps()),
        }
        files = []
        for name, text in parts.items():
            files.append(self.paths.generated / f"{name}.md")
            write(files[-1], text.rstrip("\n") + "\n")
        return files

    @cached_property
    def numbers_of_logs(self) -> dict[str, int]:
        """The number of each log, by its file."""
        return {log.file: number for number, log in enumerate(self.compilation.logs, 1)}

    @cached_property
    def near(self) -> Nearest:
        """What may help with open questions and steps."""
        return nearest(self._everything, self.links, self.numbers)

    @cached_property
    def _everything(self) -> list[Item]:
        return [self.safe(item) for item in self.compilation.items]

    @cached_property
    def _below(self) -> Mapping[str, Sequence[Item]]:
        return nested(self._everything)

    @cached_property
    def _order(self) -> Order:
        return Order.of(self.compilation.logs)

    def _top(self, kind: Kind, *states: State) -> list[Item]:
        return [
            item
            for item in self._everything
            if item.kind == kind and item.parent is None and (not states or item.state in states)
        ]

    # --- parts ---

    def summary(self) -> str:
        """How much there is, in a sentence or two."""
        logs, days = self.compilation.logs, sorted(log.date for log in self.compilation.logs if log.date)
        if not logs:
            return "There are no logs yet.\n"
        span = f", written from {iso(days[0])} to {iso(days[-1])}" if days and days[0] != days[-1] else ""
        kinds: tuple[Kind, ...] = ("question", "next_step", "learning", "done")
        counts = {kind: len(self._top(kind)) for kind in kinds}
        answered = len(self._top("question", "answered"))
        fates: tuple[tuple[State, str], ...] = (
            ("done", "done by their author's word"), ("likely_done", "likely done"), ("dropped", "dropped"),
        )  # fmt: skip
        closed = [(len(self._top("next_step", state)), words) for state, words in fates]
        became = ", ".join(f"{number} {words}" for number, words in closed if number) or "none is closed"
        return (
            f"{_count(len(logs), 'log')}{span}. {_count(counts['question'], 'question')}, {answered} of them with an "
            f"answer. {_count(counts['next_step'], 'next step')}: {became}. {_count(counts['learning'], 'learning')}, "
            f"and {_count(counts['done'], 'report')} of work.\n"
        )

    def answered(self) -> Iterator[str]:
        """Every answered question with its dates, its answer, and the figures and numbers that it rests on."""
        items = {item.id: item for item in self.compilation.items}
        seen: set[str] = set()
        for answer in self.answers.values():
            item = items[answer.id]
            yield f"::: {{#q-{item.id} .answer}}"
            yield f"**{self.safe(item).markdown}**\n"
            yield f"[{self._dated(item)}]{{.source}}\n"
            below = self._below.get(item.id, ())
            if below:
                yield from tree(below, self._below, self._place)
                yield ""
            yield f"{sentence(answer)}\n"
            shown = self.shown[answer.id]
            rest = [link.markdown for link in shown if link.kind != "figure"]
            if rest:
                yield f"[Rests on]{{.source}} {'; '.join(rest)}.\n"
            for link in shown:
                if link.kind == "figure" and link.name not in seen:
                    seen.add(link.name)
                    yield f"```{{=html}}\n{self.links.picture(link.name)}\n```\n"
                    yield f"[{link.markdown}]{{.source}}\n"
                elif link.kind == "figure":
                    yield f"[Shown above: {link.markdown}]{{.source}}\n"
            yield ":::\n"
        groups = (
            ("Ticked by their author", [i for i in self._top("question", "answered") if i.id not in self.answers]),
            ("Dropped", self._top("question", "dropped")),
        )
        for title, chosen in groups:
            if chosen:
                yield f"**{title}**\n"
                yield from tree(chosen, self._below, self._place)
                yield ""

    def open_questions(self) -> Iterator[str]:
        """Open questions with their age, the oldest first."""
        waiting = self._by_age("question", *WAITING)
        if not waiting:
            yield "No question is open."
        elif words := about(waiting, self.near):
            yield words
        for item in waiting:
            first, *rest = tree([item], self._below, self._place, self._helpful)
            yield f"{first} [· {self._age(item)}]{{.source}}"
            yield from rest

    def _helpful(self, item: Item) -> Iterator[str]:
        return proposed(self.near.of(item), self.numbers_of_logs)

    def _by_age(self, kind: Kind, *states: State) -> list[Item]:
        return sorted(self._top(kind, *states), key=lambda item: (self._order.first(item), item.line))

    def themes(self) -> Iterator[str]:
        """A table of themes: how many questions, steps and learnings share their words. Three columns fit a phone."""
        found = themes([item for item in self.compilation.items if item.parent is None])
        if not found:
            yield "There is too little to sort yet."
            return
        yield "| words in common | how often | for instance |"
        yield "|:--------------|:-----------|:-------------------------------|"  # dashes are widths
        for theme in found:
            counts = [
                sum(item.kind == "question" and item.state in WAITING for item in theme.items),
                sum(item.kind == "next_step" and item.state in WAITING for item in theme.items),
                sum(item.kind == "learning" for item in theme.items),
            ]
            # an open question says most about a theme; of several the newest
            shown = max(theme.items, key=lambda item: (item.state in WAITING, item.kind == "question", _at(item)))
            things = ("open question", "open step", "learning")
            said = [_count(number, thing) for number, thing in zip(counts, things, strict=True) if number]
            cells = [", ".join(theme.words), ", ".join(said) or "–"]
            yield f"| {' | '.join(map(escape, cells))} | {self.safe(shown).markdown} |"

    def next_steps(self) -> Iterator[str]:
        """Next steps by what became of them, with the evidence."""
        silent = {item.id for item in forgotten(self.compilation.items, self._order)}
        groups = (
            ("Likely done", [*self._top("next_step", "likely_done")],
             "A later log reports work that reads like it. The score is the share of telling words found there."),
            ("Carried on", self._top("next_step", "carried_on"), "They returned in a later log."),
            ("Promised, and not heard of again", [i for i in self._top("next_step", "open") if i.id in silent],
             "No later log says anything that reads like them, and at least two were written."),
            ("Open", [i for i in self._top("next_step", "open") if i.id not in silent], ""),
            ("Done", self._top("next_step", "done"), "Ticked or corrected by their author."),
            ("Dropped", self._top("next_step", "dropped"), "Given up by their author, with the reason."),
        )  # fmt: skip
        if helped := about([item for _, items, _ in groups for item in items], self.near):
            yield helped
        for title, items, words in groups:
            if items:
                yield f"### {title}\n"
                if words:
                    yield f"{words}\n"
                yield from tree(items, self._below, self._place, self._helpful)
                yield ""

    def returns(self) -> Iterator[str]:
        """What came up in several logs, with all its dates."""
        found = returning(self.compilation.items)
        if found:
            yield "## What keeps coming back\n"
        for thread in found:
            dates = ", ".join(f"log {self.numbers_of_logs[seen.file]} ({iso(seen.date)})" for seen in thread.seen)
            others = {normalise(seen.text): seen.text for seen in thread.seen}
            others.pop(normalise(thread.label), None)
            words = " / ".join(escape(text) for text in others.values())
            also = f" Also as: {words}" if words and not thread.link else ""
            yield f"- {escape(thread.label)}{also} [{len(thread.seen)} logs: {dates}]{{.source}}"

    def by_log(self, kind: Kind) -> Iterator[str]:
        """Items of a kind below the log in which they stand, newest log first."""
        items: dict[str, list[Item]] = {}
        for item in sorted(self._top(kind), key=lambda item: item.line):
            items.setdefault(item.file, []).append(item)
        for log in reversed(self.compilation.logs):
            if own := items.get(log.file):
                number = self.numbers_of_logs[log.file]
                yield f"**{escape(log.title)}** [{iso(log.date)}, log {number}]{{.source}}\n"
                yield from tree(own, self._below, self._place)
                yield ""

    def rest(self) -> Iterator[str]:
        """Work done, resources, background and what fits no section: nothing of a log is lost."""
        titles: tuple[tuple[str, Kind], ...] = (
            ("Work done", "done"), ("Resources", "resource"), ("Background", "background"), ("Unsorted", "unsorted"),
        )  # fmt: skip
        yield '::: {.callout-note collapse="true" title="The logs"}'
        for number, log in enumerate(self.compilation.logs, 1):
            place = f"[{iso(log.date)}, {path(log.file)}]{{.source}}"
            yield f"{number}. {escape(log.title)} {place}{self._copies(log.file)}"
        yield ":::\n"
        for title, kind in titles:
            lines = list(self.by_log(kind))
            if lines:
                yield f'::: {{.callout-note collapse="true" title="{title}"}}'
                yield from lines
                yield ":::\n"
        if found := sources(self._everything):
            yield '::: {.callout-note collapse="true" title="All that the logs link to"}'
            for source in found:
                places = ", ".join(self._place(*seen[:3]) for seen in source.places)
                yield f"- {source.markdown} {places}"
            yield ":::\n"

    def _copies(self, file: str) -> str:
        """The files that are copies of a log, in brackets."""
        copies = [path(copy) for copy, original in self.compilation.copies if original == file]
        return f" (copied in {', '.join(copies)}, which counts once)" if copies else ""

    @cached_property
    def asides(self) -> frozenset[str]:
        """Ids of items that are no matter of the write-up."""
        return load_settings([self.paths.logs]).asides

    def waiting_questions(self) -> list[Item]:
        """The open questions that are matter of the write-up, oldest first."""
        return [item for item in self._by_age("question", *WAITING) if item.id not in self.asides]

    def waiting_steps(self) -> list[Item]:
        """The open next steps that are matter of the write-up, newest first; those that may be done come last."""
        waiting = [item for item in self._top("next_step", *WAITING) if item.id not in self.asides]
        return sorted(waiting, key=lambda item: (item.state == "likely_done", -self._order.last(item), item.line))

    def short_questions(self) -> Iterator[str]:
        """The open questions for the write-up: those that are open longest, words only, and how many more there are."""
        waiting = self.waiting_questions()
        yield from (f"- {maybe(item)}{item.markdown} [· {self._age(item)}]{{.source}}" for item in waiting[:FEW])
        yield from _more(waiting, "question")

    def short_steps(self) -> Iterator[str]:
        """The open next steps for the write-up: the newest, words only, and how many more there are."""
        waiting = [item for item in self.waiting_steps() if item.state != "likely_done"]
        yield from (f"- {maybe(item)}{item.markdown}" for item in waiting[:FEW])
        yield from _more(waiting, "step")

    # --- words ---

    def _place(self, day: date | None, file: str, number: int) -> str:
        title = shown(file).replace("\\", "/").replace('"', "'")
        return f'[log {self.numbers_of_logs[file]}, line {number}]{{.source title="{title}"}}'

    def _title(self, file: str) -> str:
        return self._titles.get(file) or path(file)

    @cached_property
    def _titles(self) -> dict[str, str]:
        return {log.file: escape(log.title) for log in self.compilation.logs}

    def _when(self, item: Item) -> str:
        return f"{iso(item.closed_on)} ({self._title(item.closed)})"

    def _asked(self, item: Item) -> str:
        places = dict.fromkeys(f"{iso(seen.date)} ({self._title(seen.file)})" for seen in item.seen)
        return ", ".join(places)

    def _dated(self, item: Item) -> str:
        """When an item was asked and answered; a day that both share is said once."""
        days = {seen.date for seen in item.seen}
        if days == {item.closed_on}:
            asked = ", ".join(dict.fromkeys(self._title(seen.file) for seen in item.seen))
            return f"Asked in {asked}; answered in {self._title(item.closed)}; both on {iso(item.closed_on)}."
        return f"Asked {self._asked(item)}; answered {self._when(item)}."

    def _age(self, item: Item) -> str:
        return age(item, self.compilation.logs, self._order)

    # --- pictures and links of logs ---

    def safe(self, item: Item) -> Item:
        """The item with its pictures shown from the site, and without links that lead nowhere from there."""
        text = item.markdown
        for target in item.images:
            place = self._picture(item, target)
            if place is not None:
                text = re.sub(rf"\[image: ({_LABEL})\]\({re.escape(target)}\)", rf"![\1](/{place})", text)
        for target in (*item.links, *item.images):
            if "://" not in target and not target.startswith("mailto:"):
                text = re.sub(rf"(?<!!)\[({_LABEL})\]\({re.escape(target)}\)", r"\1", text)
        return replace(item, markdown=text)

    def _picture(self, item: Item, target: str) -> str | None:
        """Where the site has a log's picture, relative to the project; None for one that it does not show."""
        source = picture_file(self.paths.logs, item.file, target)
        if source is None:
            return None
        digest = hashlib.sha256(source.read_bytes()).hexdigest()[:10]
        return self.paths.relative(self.paths.built_assets / "logs" / f"{digest}{source.suffix.casefold()}")

    def _copy_pictures(self, item: Item) -> None:
        for target in item.images:
            place, source = self._picture(item, target), picture_file(self.paths.logs, item.file, target)
            if place and source:
                copy_if_other(source, self.paths.root / place)


_LABEL = r"(?:\\.|[^\[\]\\])*"


def picture_file(folder: Path, file: str, target: str) -> Path | None:
    """The picture that a log means, when it lies in the logs' folder and is of a kind that pages show."""
    if "://" in target or "\0" in unquote(target):
        return None
    path = Path(os.path.realpath((folder / file).parent / unquote(target)))
    home = os.path.realpath(folder)
    inside = path.is_relative_to(home) and not hidden(PurePosixPath(path.relative_to(home).as_posix()))
    # os.path answers, where a Path would raise, for names that no file can have
    wanted = inside and path.suffix.casefold() in PICTURES and os.path.isfile(path)  # noqa: PTH113  see above
    return path if wanted else None


def _at(item: Item) -> tuple[date, str, int]:
    return item.date or date.min, item.file, item.line


def _more(waiting: Sequence[Item], thing: str) -> Iterator[str]:
    """What stands below the few: how many more there are, or that there is none at all."""
    if more := len(waiting[FEW:]):
        yield f"\n{_count(more, f'more {thing}')} {'is' if more == 1 else 'are'} open."
    if not waiting:
        yield f"No {thing} is open."


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"

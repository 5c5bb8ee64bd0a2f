"""What a reader of one log keeps, and how a text becomes an item: the part that knows neither lists nor headings."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date

from analysis.logs.blocks import MAX_LINE
from analysis.logs.calibration import calibrated
from analysis.logs.items import Item, Kind, Problem, Sighting, State, item_id
from analysis.logs.remarks import Remarks
from analysis.logs.write import Piece, addresses, escape, markdown_of, plain, safe_url

LABEL = 99
"""The level of a section that a line such as `TODO:` opens: below every heading."""

_REFERENCE = re.compile(r"^\s*\[([^\]]+)\]:\s*<?([^\s>]+)>?")
# What the parser left standing as text: an address without end, or one with a blank in it.
_BROKEN_LINK = re.compile(r"\]\(\s*<?https?:[^)]{0,60}|\]\([^()<>\"]*\S\s+\S[^()<>\"]*\)")


@dataclass
class Heading:
    """A heading or label that is in force."""

    level: int
    kinds: tuple[Kind, ...]
    parent: Item | None
    listed: bool = False
    """Whether a list has stood below it."""
    answered: bool = False
    """Whether what stands below it is answered: "Answered:", "Solved"."""


@dataclass
class Collector:
    """The state of one pass over a file."""

    file: str
    lines: list[str]
    items: list[Item] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    structure: set[int] = field(default_factory=set)
    meta: dict[str, str] = field(default_factory=dict)
    headings: list[Heading] = field(default_factory=list)
    list_kinds: tuple[Kind, ...] = ()
    """The kind of list items that no section claims: a file titled "Questions" lists questions."""
    remarks: Remarks = field(default_factory=Remarks.none)
    title: str = ""
    file_date: date | None = None
    day: date | None = None
    when: str = ""
    """Month and day of the entry where no year is known."""
    day_first: bool | None = None
    stamps: dict[int, date | None] = field(default_factory=dict)
    """Lines that begin with a time, and the day that it says."""

    def kinds(self) -> tuple[Kind, ...]:
        """The kinds of the section in force."""
        return next((heading.kinds for heading in reversed(self.headings) if heading.kinds), ())

    @property
    def answered(self) -> bool:
        """Whether the section in force holds what is answered."""
        return bool(self.headings) and self.headings[-1].answered

    def opens(self, day: date | str | None) -> None:
        """An entry begins: its day, or month and day where the year is not known."""
        if day is not None:
            self.day, self.when = (day, "") if isinstance(day, date) else (None, day)

    def label(self, kinds: tuple[Kind, ...], span: range, answered: bool = False) -> None:
        """A line such as `TODO:` that opens a section without being a heading."""
        self.structure.update(span)
        self.end_label()
        self.headings.append(Heading(LABEL, kinds, None, answered=answered))

    def end_label(self) -> None:
        """The section of the last label is over."""
        if self.headings and self.headings[-1].level == LABEL:
            self.headings.pop()

    def leftovers(self) -> None:
        """Lines that the parser passed over: link definitions, what is too long or too deeply nested."""
        covered = set(self.structure)
        for item in self.items:
            covered.update(range(item.line, item.end_line + 1))
        for number, line in enumerate(self.lines, 1):
            if not line.strip() or number in covered:
                continue
            reference = _REFERENCE.match(line)
            target = safe_url(reference.group(2)) if reference else None
            span = range(number, number + 1)
            self.day, self.when = self.file_date, ""
            if reference and target:
                name = reference.group(1)
                piece = Piece(f"{name}: {reference.group(2)}", f"[{escape(name, links=False)}]({target})")
                self.add("resource", 0.7, [piece], span, None)
            else:
                self.add("unsorted", 1.0, [Piece(line, None)], span, None)
            if len(line) > MAX_LINE:
                self.problem(number, f"a line of {len(line)} characters is kept as it is, not read as Markdown")

    def broken_links(self, text: str, span: range) -> None:
        """A problem for each address in the text that has no end, or a blank in it."""
        for found in _BROKEN_LINK.finditer(text):
            start = found.group()[:24]
            line = next((n for n in span if n <= len(self.lines) and start in self.lines[n - 1]), span.start)
            self.problem(line, f"a link is broken near {found.group()[:48]!r}")

    def problem(self, line: int, message: str) -> None:
        """Note what could not be read as it was meant."""
        self.problems.append(Problem(file=self.file, line=line, message=message))

    def add(
        self,
        kind: Kind,
        confidence: float,
        parts: list[Piece],
        span: range,
        parent: Item | None,
        state: State | None = None,
        block: str = "",
    ) -> Item:
        """One item more, as the author corrects it where a remark stands behind it."""
        text = plain(parts)
        above = parent.id if parent else None
        remark = self.remarks.take(parts)
        confidence = calibrated(kind, confidence)
        if remark:
            kind, confidence, state = remark.kind or kind, 1.0, remark.state or state
        links = [link for part in parts for link in part.links]
        links += [found for part in parts if not part.linked for found in addresses(part.text)]
        markdown = markdown_of(parts)
        item = Item(
            id=item_id(kind, text, above),
            kind=kind,
            text=text,
            markdown=text if markdown == text else markdown,  # one string for both
            file=self.file,
            line=span.start,
            end_line=max(span.start, span.stop - 1),
            date=self.day,
            confidence=confidence,
            state=(state or "open") if kind in ("next_step", "question") else None,
            depth=parent.depth + 1 if parent else 0,
            parent=above,
            seen=(Sighting(self.day, self.file, span.start, text),),
            links=tuple(dict.fromkeys(links)),
            images=tuple(dict.fromkeys(image for part in parts for image in part.images)),
            note=remark.reason if remark else "",
            when="" if self.day else self.when,
            block=block.rstrip("\n"),
        )
        self.items.append(item)
        return item

"""The text of one log, read: headings, lists and prose become items, each with its lines.

Nothing is lost: a line that no rule understands becomes an unsorted item. Nothing is fatal either.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from analysis.logs import orgmode, restructured
from analysis.logs.blocks import MAX_LINE, Node, blocks
from analysis.logs.collector import LABEL, Heading
from analysis.logs.dates import date_order, entry_day, find_date, heading_date, month_day, parse_date
from analysis.logs.entries import Lists
from analysis.logs.front_matter import front_matter
from analysis.logs.items import Item, Kind, Log, split_lines
from analysis.logs.journal import Verdict, asks, judge, judge_in_section, leads_to
from analysis.logs.layout import lay_out
from analysis.logs.remarks import Remarks
from analysis.logs.sections import section
from analysis.logs.sentences import sentences
from analysis.logs.unseen import one_row, unseen_in, without_unseen
from analysis.logs.write import (
    Piece,
    addresses,
    after_colon,
    code,
    cut,
    only_links,
    only_pictures,
    pieces,
    plain,
    stands_out,
    unmarked,
    without,
)

_BREAK = re.compile(r"^\s*(?:-{2,}|={2,}|[\u2014\u2013_*]{2,}|(?:[-*_]\s+){2,}[-*_])\s*$")
_SETEXT = re.compile(r"^\s*(?:=+|-+)\s*$")
# Zero bytes are no text; the pair around a correction's number is ours alone.
_PRIVATE = str.maketrans(dict.fromkeys("\0\ue010\ue011", "\ufffd"))
# the level of a section that "I should now:" opens: for the one list below it
_INTRODUCED = LABEL + 1
_LABEL_LENGTH = 60
_LABEL_WORDS = 6
# so many sentences below a heading are prose, each a thing of its own; a paragraph of background stays whole
_PROSE = 3
_WHOLE: tuple[Kind, ...] = ("background", "resource", "unsorted")
_PLAIN = 0.6
# boxes as notes and pages have them: `> [!question] Title`
_BOX = re.compile(r"^\[!(\w+)\][+-]?[ \t]*")
_BOXES: dict[str, Kind] = {
    "question": "question", "help": "question", "faq": "question", "todo": "next_step", "abstract": "background",
    "summary": "learning", "tldr": "learning", "success": "done", "done": "done", "check": "done", "bug": "learning",
    "failure": "learning", "fail": "learning", "important": "learning", "tip": "learning", "warning": "learning",
}  # fmt: skip
_BLOCKS_OF_TEXT = ("fence", "code_block", "html_block")


def parse_log(text: str, file: str) -> Log:
    """Read a log. Never fails: what cannot be understood is a problem or an unsorted item."""
    given = split_lines(text.removeprefix("\ufeff"))
    reader = _Reader(file=file.encode("utf-8", "replace").decode(), lines=[without_unseen(line) for line in given])
    if unseen := unseen_in(given):
        reader.problem(*unseen)
    reader.structure |= {
        number
        for number, (line, kept) in enumerate(zip(given, reader.lines, strict=True), 1)
        if line.strip() and not kept.strip()
    }
    return reader.read()


@dataclass
class _Reader(Lists):
    """One pass over a file; only `parse_log` uses it."""

    def read(self) -> Log:
        if not "".join(self.lines).strip():
            self.problem(1, "the file is empty")
        body = self.front_matter()
        laid = lay_out(body, self.day_first)
        self.structure |= laid.form
        self.stamps = laid.days
        root = blocks(laid.lines, laid.numbers)
        self.title = self.meta.get("title") or self.first_heading(root)
        self.dates(root)
        self.day = self.file_date
        # a first heading "Questions" opens a section; the rest of the file is not about questions
        named = self.meta.get("title") or not section(self.title)
        if named and re.search(r"\bquestions\b", self.title, re.IGNORECASE):
            self.list_kinds = ("question",)
        self.blocks(root.children, None)
        self.leftovers()
        self.problems += self.remarks.problems()
        self.items.sort(key=lambda item: item.line)
        return Log(
            file=self.file,
            title=self.title or Path(self.file).stem,
            date=self.file_date,
            category=self.meta.get("category", ""),
            items=tuple(self.items),
            structure=frozenset(self.structure),
            problems=tuple(self.problems),
        )

    # --- before the body ---

    def front_matter(self) -> list[str]:
        """Fill `meta`; the lines of the body, blank where they were read here: line numbers stay."""
        body = [line if len(line) <= MAX_LINE else "" for line in self.lines]
        body = [line.translate(_PRIVATE) for line in body]
        self.remarks = Remarks(self.file, body)
        self.structure |= self.remarks.alone
        if translate := _form(self.file, body):
            body, form = translate(body)
            self.structure |= form
            self.lines = [line if len(line) > MAX_LINE else body[n] for n, line in enumerate(self.lines)]
        self.day_first = date_order(body)
        header = front_matter(body, self.day_first)
        self.meta = {key: one_row(unmarked(value)).strip() for key, value in header.meta.items()}
        for line_number, message in header.problems:
            self.problem(line_number, message)
        for number in header.taken:
            self.structure.add(number + 1)
            body[number] = ""
        for number, line in enumerate(body):
            # Under a paragraph, both would make the paragraph a heading, and its words would be gone.
            below_text = number > 0 and bool(body[number - 1].strip())
            if self.underlines(body, number):
                continue
            if _BREAK.match(line):
                self.structure.add(number + 1)
                body[number] = line[: len(line) - len(line.lstrip())] + "***"
            elif below_text and _SETEXT.match(line):
                self.structure.add(number + 1)
                body[number] = ""
        return body

    def underlines(self, body: list[str], number: int) -> bool:
        """Whether line `number` makes a heading of the line above: one short line, no sentence."""
        above = body[number - 1].strip() if number else ""
        alone = number < 2 or not body[number - 2].strip()
        marked = _SETEXT.match(body[number]) and len(body[number].strip()) > 2
        return bool(marked and above and alone and len(above) <= 60 and above[-1] not in ".!,;)")

    def first_heading(self, root: Node) -> str:
        for node in root.children:
            if node.token.type == "heading":
                return plain(pieces(node.inline))
        return ""

    def dates(self, root: Node) -> None:
        found = [
            parse_date(self.meta[key], day_first=self.day_first) for key in ("date", "created") if self.meta.get(key)
        ]
        found += [find_date(self.meta.get("title", ""), day_first=self.day_first)]
        headings = (node for node in root.children if node.token.type == "heading" and not any(found))
        days = (heading_date(plain(pieces(node.inline)), None, day_first=self.day_first) for node in headings)
        found.append(next(filter(None, days), None))
        found.append(find_date(Path(self.file).name, name=True, day_first=self.day_first))
        self.file_date = next((day for day in found if day), None)

    # --- the body ---

    def blocks(self, nodes: list[Node], parent: Item | None, quoted: bool = False) -> None:
        for number, node in enumerate(nodes):
            above = parent or (self.headings[-1].parent if self.headings else None)
            following = nodes[number + 1].token.type if number + 1 < len(nodes) else ""
            if node.token.type == "heading" and parent is None and not quoted:
                self.heading(node)
            elif node.token.type in ("paragraph", "heading"):
                self.paragraph(node, above, quoted, before_list=following.endswith("_list"))
            elif node.token.type in ("bullet_list", "ordered_list"):
                self.entries(node, above, self.kinds() or self.list_kinds)
                self.listed(parent, quoted)
            elif node.token.type == "table":
                self.table(node, above)
                self.listed(parent, quoted)
            elif node.token.type == "blockquote":
                self.quotation(node, parent)
            elif node.token.type in _BLOCKS_OF_TEXT:
                self.block_of_text(node, above)
            elif node.token.type == "hr":
                self.structure.update(node.span)
                if parent is None:
                    self.end_label()

    def quotation(self, node: Node, parent: Item | None) -> None:
        """A quotation is nobody's question or step, unless it is a box with a name: `> [!todo] ...`."""
        first = node.children[0] if node.children else None
        box = _BOX.match(plain(pieces(first.inline))) if first and first.token.type == "paragraph" else None
        kind = _BOXES.get(box.group(1).casefold()) if box else None
        if not box or not kind or parent is not None or first is None:
            self.blocks(node.children, parent, quoted=True)
            return
        parts, span = pieces(first.inline), first.span
        words = "".join(part.text for part in parts)
        title, _, rest = words.partition("\n")
        if rest.strip():  # the title has a line of its own
            self.add(
                "unsorted", 1.0, [Piece(_BOX.sub("", title) or title, None)], range(span.start, span.start + 1), None
            )
            parts, span = [*cut(parts, [len(title) + 1])][-1], range(span.start + 1, span.stop)
        else:
            parts = without(parts, _BOX)
        if plain(parts):
            verdict = judge_in_section(plain(parts), (kind,))
            self.add(verdict.kind, verdict.confidence, parts, span, None)
        else:
            self.structure.update(span)
        self.headings.append(Heading(LABEL, (kind,), None))
        self.blocks(node.children[1:], parent)
        self.end_label()

    def listed(self, parent: Item | None, quoted: bool) -> None:
        """A list has stood below the heading or label in force; what an introduction named is over with it."""
        if parent is None and not quoted and self.headings:
            self.headings[-1].listed = True
            if self.headings[-1].level == _INTRODUCED:
                self.headings.pop()

    def heading(self, node: Node) -> None:
        self.structure.update(node.span)
        parts = pieces(node.inline)
        text, level = plain(parts), int(node.token.tag[1])
        self.opens(heading_date(text, self.file_date, day_first=self.day_first) or month_day(text) or None)
        while self.headings and self.headings[-1].level >= level:
            self.headings.pop()
        named = section(text)
        kinds = named.kinds if named else ()
        item = None
        if named and named.rest:
            item = self.add(kinds[0], 1.0, after_colon(parts), node.span, None)
        elif text.endswith("?") and not named:
            item = self.add("question", 0.9, parts, node.span, None)
        self.headings.append(Heading(level, kinds, item, answered=bool(named and named.answered)))

    def paragraph(self, node: Node, parent: Item | None, quoted: bool, before_list: bool = False) -> None:
        span, parts = node.span, pieces(node.inline)
        text, linked = plain(parts), any(part.linked for part in parts)
        self.broken_links(text, span)
        named = section(text, strict=True)
        label = stands_out(text, parts) and not linked and parent is None
        if not text or (span.start in self.stamps and span.start in self.structure):
            self.structure.update(span)
            self.opens(self.stamps.get(span.start))
            return
        day = entry_day(text, self.file_date, day_first=self.day_first) if len(text) <= _LABEL_LENGTH else None
        if day is not None:
            self.structure.update(span)
            self.end_label()
            self.opens(day)
            return
        if named and not named.rest and not linked and (stands_out(text, parts) or before_list):
            self.label(named.kinds, span, named.answered)
            return
        if label and len(text.split()) <= _LABEL_WORDS and text[-1] not in ".!?":
            loose = section(text)
            if loose and not loose.rest:
                self.label(loose.kinds, span, loose.answered)
                self.add("unsorted", 1.0, parts, span, parent)
                return
            self.end_label()
            if before_list or (parts[0].markdown or "").startswith("**"):
                # it names no kind and opens a part of its own all the same
                self.add("unsorted", 1.0, parts, span, parent)
                self.introduce(leads_to(text) if before_list else ())
                return
        if before_list and not self.kinds() and (led := leads_to(text)):
            self.sentences(parts, span, parent, leading=True)
            self.introduce(led)
            return
        self.prose(parts, span, parent, quoted, named.kinds if named and named.rest else ())

    def introduce(self, kinds: tuple[Kind, ...]) -> None:
        """The list that follows is of these kinds."""
        if kinds:
            self.headings.append(Heading(_INTRODUCED, kinds, None))

    def prose(
        self, parts: list[Piece], span: range, parent: Item | None, quoted: bool, labelled: tuple[Kind, ...]
    ) -> None:
        """A paragraph that is no label: what it says below its section, else sentence by sentence."""
        text = plain(parts)
        if parent is None and not quoted and self.headings and self.headings[-1].listed:
            self.after_list(text)
        kinds = self.kinds()
        if labelled:
            if self.lines[span.start - 1].rstrip(" *_").endswith(":") and len(span) > 1:
                self.structure.add(span.start)  # the label has a line of its own
                span = range(span.start + 1, span.stop)
            self.add(labelled[0], 0.9, after_colon(parts), span, parent)
        elif only_links(parts) and not only_pictures(parts):
            self.add("resource", 0.9 if kinds else 0.7, parts, span, parent)
        elif only_pictures(parts):
            self.add("unsorted", 1.0, parts, span, parent)
        elif kinds and (kinds[0] in _WHOLE or len(sentences(parts, span)) < _PROSE or parent is not None):
            verdict = judge_in_section(text, kinds, nested=parent is not None)
            item = self.add(
                verdict.kind, verdict.confidence, parts, span, parent, "answered" if self.answered else None
            )
            if verdict.kind != "question" and kinds[0] != "unsorted":
                self.questions_within(parts, span, item)
        elif (quoted and not kinds) or all(
            line.lstrip().startswith("|") for line in self.lines[span.start - 1 : span.stop - 1]
        ):
            self.add("unsorted", 1.0, parts, span, parent)
        else:
            self.sentences(parts, span, parent, kinds)

    def after_list(self, text: str) -> None:
        """Prose below a list ends its label, and a heading's section if it neither asks nor says what is to be done."""
        last = self.headings[-1]
        if last.level == LABEL:
            self.end_label()
        elif (
            last.kinds
            and last.kinds[0] in ("question", "next_step")
            and not asks(text)
            and judge(text).kind != last.kinds[0]
        ):
            self.headings[-1] = Heading(last.level, (), last.parent)

    def sentences(
        self, parts: list[Piece], span: range, parent: Item | None, kinds: tuple[Kind, ...] = (), leading: bool = False
    ) -> None:
        """Prose, sentence by sentence; `leading`: the last one only leads to a list."""
        runs = sentences(parts, span)
        for number, (run, lines) in enumerate(runs):
            text = plain(run)
            verdict = Verdict("resource", 0.7) if only_links(run) else judge(text)
            if only_pictures(run) or (leading and number == len(runs) - 1):
                verdict = Verdict("unsorted", 1.0)
            elif verdict.kind == "unsorted" and any(piece.links or addresses(piece.text) for piece in run):
                verdict = Verdict("resource", 0.55)
            elif kinds and verdict.confidence < _PLAIN:
                verdict = judge_in_section(text, kinds)
            elif kinds and verdict.kind == "unsorted":
                verdict = Verdict(kinds[0], 0.55)
            self.add(verdict.kind, verdict.confidence, run, lines, parent)

    def questions_within(self, parts: list[Piece], span: range, item: Item) -> None:
        """The paragraph stays whole under its section; what it asks stands among the questions as well."""
        for run, lines in sentences(parts, span):
            text = plain(run)
            verdict = judge(text)
            if text.rstrip("\"')*_ ").endswith("?") and verdict.confidence >= 0.6 and text != item.text:
                self.add("question", verdict.confidence, run, lines, item)

    def block_of_text(self, node: Node, parent: Item | None) -> None:
        content = unmarked(node.token.content)
        lines = [line for line in content.split("\n") if line.strip()]
        words = " ".join([node.token.info, *content.split()]).strip()
        if not words:
            self.structure.update(node.span)
            return
        more = f" (and {len(lines) - 1} more line{'s' * (len(lines) > 2)})" if len(lines) > 1 else ""
        shown = code(lines[0] if lines else words)
        self.add("unsorted", 1.0, [Piece(words, shown + more)], node.span, parent, block=content if lines[1:] else "")


def _form(file: str, lines: list[str]) -> Callable[[list[str]], tuple[list[str], set[int]]] | None:
    """What makes Markdown of the file's lines; nothing where they are Markdown, or plain text."""
    suffix = Path(file).suffix.casefold()
    if suffix == ".org" or (suffix in ("", ".txt") and orgmode.MARKS.search("\n".join(lines[:200]))):
        return orgmode.to_markdown
    return restructured.to_markdown if suffix in (".rst", ".rest") else None

"""The text of one log, read: headings, lists and prose become items, each with its lines.

Nothing is lost: a line that no rule understands becomes an unsorted item. Nothing is fatal either.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from analysis.logs.blocks import MAX_LINE, Node, blocks
from analysis.logs.dates import find_date, heading_date, parse_date
from analysis.logs.front_matter import front_matter
from analysis.logs.items import (
    Item,
    Kind,
    Log,
    Problem,
    Sighting,
    State,
    item_id,
    split_lines,
)
from analysis.logs.journal import (
    Verdict,
    judge,
    judge_entry,
    judge_in_section,
)
from analysis.logs.remarks import Remarks
from analysis.logs.sections import section
from analysis.logs.sentences import sentences
from analysis.logs.unseen import one_row, unseen_in, without_unseen
from analysis.logs.write import (
    Piece,
    addresses,
    after_colon,
    code,
    escape,
    markdown_of,
    only_links,
    pieces,
    plain,
    safe_url,
    stands_out,
    unboxed,
    unmarked,
    without,
)

_BREAK = re.compile(r"^\s*(?:-{2,}|={2,}|[\u2014\u2013_*]{2,}|(?:[-*_]\s+){2,}[-*_])\s*$")
_SETEXT = re.compile(r"^\s*(?:=+|-+)\s*$")
_TICKED = re.compile(r"^\s*[✅☑✔✓]|[✅☑✔✓]\s*$|\(done\)\W*$|^\s*DONE\b", re.IGNORECASE)
_DROPPED = re.compile(r"^\W*(?:\[-\]|dropped\b\s*:?)\s*|\s*[(\[]dropped[)\]]\W*$", re.IGNORECASE)
_REFERENCE = re.compile(r"^\s*\[([^\]]+)\]:\s*<?([^\s>]+)>?")
# What the parser left standing as text: an address without end, or one with a blank in it.
_BROKEN_LINK = re.compile(r"\]\(\s*<?https?:[^)]{0,60}|\]\([^()<>\"]*\S\s+\S[^()<>\"]*\)")
# Zero bytes are no text; the pair around a correction's number is ours alone.
_PRIVATE = str.maketrans(dict.fromkeys("\0\ue010\ue011", "\ufffd"))
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
class _Heading:
    level: int
    kinds: tuple[Kind, ...]
    parent: Item | None


@dataclass
class _Reader:
    """The state of one pass over a file; only `parse_log` uses it."""

    file: str
    lines: list[str]
    items: list[Item] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    structure: set[int] = field(default_factory=set)
    meta: dict[str, str] = field(default_factory=dict)
    headings: list[_Heading] = field(default_factory=list)
    list_kinds: tuple[Kind, ...] = ()
    """The kind of list items that no section claims: a file titled "Questions" lists questions."""
    remarks: Remarks = field(default_factory=Remarks.none)
    title: str = ""
    file_date: date | None = None
    day: date | None = None

    def read(self) -> Log:
        if not "".join(self.lines).strip():
            self.problem(1, "the file is empty")
        body = self.front_matter()
        root = blocks("\n".join(body))
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
        header = front_matter(body)
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
        found = [parse_date(self.meta[key]) for key in ("date", "created") if self.meta.get(key)]
        found += [find_date(self.meta.get("title", ""))]
        headings = (node for node in root.children if node.token.type == "heading" and not any(found))
        found.append(next(filter(None, (heading_date(plain(pieces(node.inline)), None) for node in headings)), None))
        found.append(find_date(Path(self.file).name, name=True))
        self.file_date = next((day for day in found if day), None)

    # --- the body ---

    def blocks(self, nodes: list[Node], parent: Item | None, quoted: bool = False) -> None:
        for node in nodes:
            above = parent or (self.headings[-1].parent if self.headings else None)
            if node.token.type == "heading" and parent is None and not quoted:
                self.heading(node)
            elif node.token.type in ("paragraph", "heading"):
                self.paragraph(node, above, quoted)
            elif node.token.type in ("bullet_list", "ordered_list"):
                for entry in node.children:
                    self.entry(entry, above, self.kinds() or self.list_kinds)
            elif node.token.type == "blockquote":
                self.blocks(node.children, parent, quoted=True)
            elif node.token.type in _BLOCKS_OF_TEXT:
                self.block_of_text(node, above)
            elif node.token.type == "hr":
                self.structure.update(node.span)
                if parent is None:
                    self.end_label()

    def kinds(self) -> tuple[Kind, ...]:
        return next((heading.kinds for heading in reversed(self.headings) if heading.kinds), ())

    def heading(self, node: Node) -> None:
        self.structure.update(node.span)
        parts = pieces(node.inline)
        text, level = plain(parts), int(node.token.tag[1])
        self.day = heading_date(text, self.file_date) or self.day
        while self.headings and self.headings[-1].level >= level:
            self.headings.pop()
        named = section(text)
        kinds = named.kinds if named else ()
        item = None
        if named and named.rest:
            item = self.add(kinds[0], 1.0, after_colon(parts), node.span, None)
        elif text.endswith("?") and not named:
            item = self.add("question", 0.9, parts, node.span, None)
        self.headings.append(_Heading(level, kinds, item))

    def label(self, kinds: tuple[Kind, ...], span: range) -> None:
        """A line such as `TODO:` that opens a section without being a heading."""
        self.structure.update(span)
        self.end_label()
        self.headings.append(_Heading(99, kinds, None))

    def end_label(self) -> None:
        if self.headings and self.headings[-1].level == 99:
            self.headings.pop()

    def paragraph(self, node: Node, parent: Item | None, quoted: bool) -> None:
        span, parts = node.span, pieces(node.inline)
        text, kinds, linked = plain(parts), self.kinds(), any(part.linked for part in parts)
        self.broken_links(text, span)
        if not text:
            self.structure.update(span)
        elif (named := section(text, strict=True)) and not named.rest and stands_out(text, parts) and not linked:
            self.label(named.kinds, span)
        elif named and named.rest:
            if self.lines[span.start - 1].rstrip(" *_").endswith(":") and len(span) > 1:
                self.structure.add(span.start)  # the label has a line of its own
                span = range(span.start + 1, span.stop)
            self.add(named.kinds[0], 0.9, after_colon(parts), span, parent)
        elif only_links(parts) and not all(part.images or not part.text.strip() for part in parts):
            self.add("resource", 0.9 if kinds else 0.7, parts, span, parent)
        elif kinds:
            verdict = judge_in_section(text, kinds, nested=parent is not None)
            item = self.add(verdict.kind, verdict.confidence, parts, span, parent)
            if verdict.kind != "question":
                self.questions_within(parts, span, item)
        elif quoted or all(line.lstrip().startswith("|") for line in self.lines[span.start - 1 : span.stop - 1]):
            self.add("unsorted", 1.0, parts, span, parent)
        else:
            self.sentences(parts, span, parent)

    def sentences(self, parts: list[Piece], span: range, parent: Item | None) -> None:
        for run, lines in sentences(parts, span):
            verdict = Verdict("resource", 0.7) if only_links(run) else judge(plain(run))
            if all(piece.images or not piece.text.strip() for piece in run):
                verdict = Verdict("unsorted", 1.0)
            elif verdict.kind == "unsorted" and any(piece.links or addresses(piece.text) for piece in run):
                verdict = Verdict("resource", 0.55)
            self.add(verdict.kind, verdict.confidence, run, lines, parent)

    def questions_within(self, parts: list[Piece], span: range, item: Item) -> None:
        """The paragraph stays whole under its section; what it asks stands among the questions as well."""
        for run, lines in sentences(parts, span):
            text = plain(run)
            verdict = judge(text)
            if text.rstrip("\"')*_ ").endswith("?") and verdict.confidence >= 0.6 and text != item.text:
                self.add("question", verdict.confidence, run, lines, item)

    def entry(self, node: Node, parent: Item | None, kinds: tuple[Kind, ...], state: State | None = None) -> None:
        """A list item: its first paragraph is the item, all that follows is nested in it."""
        children = node.children
        span = node.span
        if not children:  # an empty bullet, or one so deep that the parser stopped: then its words are left over
            self.structure.update(n for n in span if not re.search(r"\w", self.lines[n - 1]))
            return
        if children[0].token.type not in ("paragraph", "heading"):
            self.structure.add(span.start)
            self.entry_children(children, parent, kinds, state)
            return
        own, parts = children[0].span, pieces(children[0].inline)
        own = range(span.start, own.stop)
        box, parts = unboxed(parts)
        text = plain(parts)
        self.broken_links(text, own)
        named = section(text, strict=True)
        if not text or (named and not named.rest and len(children) > 1 and not any(p.linked for p in parts)):
            self.structure.update(own)
            self.entry_children(children[1:], parent, named.kinds if named and text else kinds, state)
            return
        verdict = judge_entry(parts, kinds, box, nested=parent is not None)
        if named and named.rest:
            verdict, parts, kinds = Verdict(named.kinds[0], 0.9), after_colon(parts), named.kinds
        struck = len(parts) == 1 and (parts[0].markdown or "").startswith("~~")
        if box is None and (struck or _DROPPED.search(text)):
            state, parts = "dropped", without(parts, _DROPPED)
        elif box is not None or _TICKED.search(text):
            state = "done" if box or box is None else "open"
        item = self.add(verdict.kind, verdict.confidence, parts, own, parent, state)
        self.entry_children(children[1:], item, kinds, state)

    def entry_children(
        self, nodes: list[Node], parent: Item | None, kinds: tuple[Kind, ...], state: State | None
    ) -> None:
        for node in nodes:
            if node.token.type in ("bullet_list", "ordered_list"):
                for entry in node.children:
                    self.entry(entry, parent, kinds, state)
            elif node.token.type in ("paragraph", "heading") and kinds and parent is not None:
                parts = pieces(node.inline)
                self.broken_links(plain(parts), node.span)
                verdict = judge_entry(parts, kinds, None, nested=True)
                self.add(verdict.kind, verdict.confidence, parts, node.span, parent, state)
            else:
                self.blocks([node], parent)

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
            self.day = self.file_date
            if reference and target:
                name = reference.group(1)
                piece = Piece(f"{name}: {reference.group(2)}", f"[{escape(name, links=False)}]({target})")
                self.add("resource", 0.7, [piece], span, None)
            else:
                self.add("unsorted", 1.0, [Piece(line, None)], span, None)
            if len(line) > MAX_LINE:
                self.problem(number, f"a line of {len(line)} characters is kept as it is, not read as Markdown")

    def broken_links(self, text: str, span: range) -> None:
        for found in _BROKEN_LINK.finditer(text):
            start = found.group()[:24]
            line = next((n for n in span if n <= len(self.lines) and start in self.lines[n - 1]), span.start)
            self.problem(line, f"a link is broken near {found.group()[:48]!r}")

    def problem(self, line: int, message: str) -> None:
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
        text = plain(parts)
        above = parent.id if parent else None
        remark = self.remarks.take(parts)
        if remark:
            kind, confidence, state = remark.kind or kind, 1.0, remark.state or state
        links = [link for part in parts for link in part.links]
        links += [found for part in parts if not part.linked for found in addresses(part.text)]
        item = Item(
            id=item_id(kind, text, above),
            kind=kind,
            text=text,
            markdown=markdown_of(parts),
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
            block=block.rstrip("\n"),
        )
        self.items.append(item)
        return item

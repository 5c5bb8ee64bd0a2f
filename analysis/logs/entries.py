"""Lists and tables of a log: each entry an item or, where its sentences are several things, several."""

from __future__ import annotations

import re
from abc import abstractmethod
from dataclasses import dataclass

from analysis.logs.blocks import Node
from analysis.logs.collector import Collector
from analysis.logs.items import Item, Kind, State
from analysis.logs.journal import Verdict, asks_outright, judge, judge_entry, leads_to, takes_over
from analysis.logs.marks import answered_in_place, marked
from analysis.logs.sections import section
from analysis.logs.sentences import sentences
from analysis.logs.tables import item_rows
from analysis.logs.verbs import orders
from analysis.logs.write import Piece, after_colon, only_links, only_pictures, pieces, plain, unboxed

# From which sureness a sentence of an entry is a thing of its own; below a heading it has to be surer.
_SPLIT = 0.5
_SPLIT_IN_SECTION = 0.62
_LISTS = ("bullet_list", "ordered_list")


@dataclass
class Lists(Collector):
    """A reader's part for lists and tables."""

    @abstractmethod
    def blocks(self, nodes: list[Node], parent: Item | None, quoted: bool = False) -> None:
        """Read blocks of any sort."""

    def entries(self, node: Node, parent: Item | None, kinds: tuple[Kind, ...], state: State | None = None) -> None:
        """A list; where nothing names its kind, entries that give no orders may take theirs from those that do."""
        steps = not kinds and _are_steps(node)
        for entry in node.children:
            self.entry(entry, parent, kinds, state, steps)

    def entry(
        self, node: Node, parent: Item | None, kinds: tuple[Kind, ...], state: State | None, steps: bool = False
    ) -> None:
        """A list item: its first paragraph is the item, all that follows is nested in it."""
        children = node.children
        span = node.span
        if span.start in self.stamps:
            self.opens(self.stamps[span.start])
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
        said, parts = marked(parts, box)
        state = said or state
        below = children[1:]
        if only_pictures(parts):
            verdicts = [(Verdict("unsorted", 1.0), parts, own)]
        elif named and named.rest:
            parts, kinds = after_colon(parts), named.kinds
            verdicts = [(Verdict(named.kinds[0], 0.9), parts, own)]
        else:
            ticked = box if box is not None else True if said == "done" else None
            verdicts = self.verdicts(parts, own, kinds, ticked, nested=parent is not None, steps=steps)
        first: Item | None = None
        for verdict, run, lines in verdicts:
            is_state = state
            if verdict.kind == "question" and (self.answered or self.has_answer(plain(run), parts, below)):
                is_state = "answered"
            item = self.add(verdict.kind, verdict.confidence, run, lines, parent, is_state)
            first = first or item
        kinds = kinds or leads_to(plain(parts)) if _before_list(below) else kinds
        self.entry_children(below, first, kinds, state)

    def verdicts(
        self, parts: list[Piece], own: range, kinds: tuple[Kind, ...], ticked: bool | None, nested: bool, steps: bool
    ) -> list[tuple[Verdict, list[Piece], range]]:
        """What an entry is; where its sentences are plainly several things, each with its words and lines."""
        whole = judge_entry(parts, kinds, ticked, nested)
        if steps:
            whole = takes_over(whole, plain(parts))
        if whole.kind == "unsorted" and not kinds and any(part.links for part in parts):
            whole = Verdict("resource", 0.55)
        if (
            ticked is not None
            or only_links(parts)
            or self.answered
            or (kinds and kinds[0] in ("background", "resource"))
        ):
            return [(whole, parts, own)]
        runs = sentences(parts, own, bullets=True)
        if len(runs) < 2:
            return [(whole, parts, own)]
        judged: list[tuple[Verdict, list[Piece], range]] = []
        for run, lines in runs:
            words = judge(plain(run))
            least = _SPLIT_IN_SECTION if kinds else _SPLIT
            plainly = words.kind != "unsorted" and words.confidence >= least
            if kinds and words.kind == "question":
                plainly = asks_outright(plain(run)) and words.confidence >= least
            if words.kind == "background" and kinds and kinds[0] in ("question", "next_step"):
                plainly = False  # a reason or a doubt belongs to what it stands behind
            if kinds and not plainly and not judged:
                words = judge_entry(run, kinds, None, nested)
                plainly = words.kind != "unsorted"
            if judged and (
                not plainly or words.kind == judged[-1][0].kind or answered_in_place(plain([*judged[-1][1], *run]))
            ):
                last, before, place = judged[-1]
                judged[-1] = (last, [*before, *run], range(place.start, max(place.stop, lines.stop)))
            elif judged and len(judged) == 1 and judged[0][0].kind == "unsorted":
                judged[0] = (words, [*judged[0][1], *run], range(own.start, lines.stop))
            else:
                judged.append((words if plainly else Verdict("unsorted", 1.0), run, lines))
        if len({verdict.kind for verdict, _, _ in judged}) > 1:
            return judged
        only = judged[0][0]
        surer = (
            not kinds and only.kind != "unsorted" and (whole.kind == "unsorted" or only.confidence > whole.confidence)
        )
        return [(only if surer else whole, parts, own)]

    def has_answer(self, text: str, parts: list[Piece], below: list[Node]) -> bool:
        """Whether a question is answered where it stands."""
        first = ""
        for node in below:
            inner = node.children[0].children[0] if node.token.type in _LISTS and node.children[0].children else node
            first = plain(pieces(inner.inline))
            break
        return answered_in_place(text, first) or answered_in_place(plain(parts), first)

    def entry_children(
        self, nodes: list[Node], parent: Item | None, kinds: tuple[Kind, ...], state: State | None
    ) -> None:
        """What is nested in an entry."""
        for node in nodes:
            if node.token.type in _LISTS:
                self.entries(node, parent, kinds, state)
            elif node.token.type in ("paragraph", "heading") and kinds and parent is not None:
                parts = pieces(node.inline)
                self.broken_links(plain(parts), node.span)
                verdict = judge_entry(parts, kinds, None, nested=True)
                # what is said below a step or a question is more often about it
                sure = min(verdict.confidence, 0.6) if verdict.kind in ("question", "next_step") else verdict.confidence
                self.add(verdict.kind, sure, parts, node.span, parent, state)
            else:
                self.blocks([node], parent)

    def table(self, node: Node, parent: Item | None) -> None:
        """A table: an item a row, or one unsorted item where its rows are figures."""
        rows = item_rows(node, self.kinds())
        if not rows:
            shown = [self.lines[n - 1].strip() for n in node.span if n <= len(self.lines)]
            words = " ".join(" ".join(shown).split())
            self.add("unsorted", 1.0, [Piece(words, None)], node.span, parent, block="\n".join(shown))
            return
        taken = {number for row in rows for number in row.span}
        self.structure.update(n for n in node.span if n not in taken)
        for row in rows:
            self.add(row.kind, 0.9, row.parts, row.span, parent, row.state)


def _before_list(nodes: list[Node]) -> bool:
    return bool(nodes) and nodes[0].token.type in _LISTS


def _are_steps(node: Node) -> bool:
    """Whether most entries of a list, two at least, say what is to be done."""
    texts = [plain(pieces(e.children[0].inline)) for e in node.children if e.children]
    steps = sum(judge(text).kind == "next_step" or orders(text) for text in texts)
    return steps >= 2 and steps > len(texts) / 2

"""Tables in which each row is a question, a step or a finding; a column may say what became of it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from analysis.logs.blocks import Node
from analysis.logs.items import Kind, State
from analysis.logs.sections import section
from analysis.logs.write import Piece, pieces, plain

_STATUS = re.compile(
    r"^\W*(?:status|state|done|progress|stand|statut|estado|stato|erledigt|fertig|\u72b6\u6001|\u72b6\u614b)\W*$"
    r"|^\W*[\u2705\u2713\u2714]\W*$",
    re.I,
)
_ANSWER = re.compile(
    r"^\W*(?:answer|answers|answered|reply|resolution|antwort|r\u00e9ponse|respuesta|risposta)\W*$", re.I
)
_ASIDE = re.compile(
    r"^\W*(?:owner|who|whom|assignee|responsible|date|when|due|deadline|asked|by|prio|priority|id|no|nr|#|n"
    r"|estimate|effort"
    r"|wer|wann|datum|qui|quand|link|links|ref|notes?|comments?)?\W*$",
    re.IGNORECASE,
)
_NAMED: dict[str, Kind] = {
    "task": "next_step", "action": "next_step", "action item": "next_step", "experiment to run": "next_step",
    "open question": "question", "problem": "question", "aufgabe": "next_step", "observation": "learning",
    "insight": "learning", "what we learned": "learning",
}  # fmt: skip
_DONE = re.compile(
    r"^\W*(?:done|finished|completed?|closed|merged|shipped|fixed|answered|resolved|solved|yes|y|x|ok|erledigt"
    r"|fertig|ja|fait|oui"
    r"|hecho|fatto|feito|\u5b8c\u6210|\u5df2\u5b8c\u6210|\u6e08)\b|[\u2705\u2611\u2714\u2713]|^\W*\[x\]",
    re.IGNORECASE,
)
_DROPPED = re.compile(
    r"^\W*(?:dropped|cancell?ed|abandoned|won'?t (?:do|fix)|wontfix|obsolete|scrapped|verworfen)\b|\u274c", re.I
)
_NOTHING = re.compile(r"^\W*(?:tbd|open|unknown|none|n/?a|todo)?\W*$", re.IGNORECASE)
_FIGURES = re.compile(r"^[~<>=\u00b1+\-\u2212]?\s*[\d.,]+\s*(?:%|\w{1,3})?(?:\s*[\u00b1(]\s*[\d.,]+\)?)?$")


@dataclass(frozen=True)
class Row:
    """One row that is an item."""

    span: range
    parts: list[Piece]
    kind: Kind
    state: State | None


@dataclass(frozen=True)
class _Head:
    names: list[str]
    main: int
    kind: Kind
    status: int
    answer: int


def item_rows(table: Node, kinds: tuple[Kind, ...]) -> list[Row]:
    """The rows of a table in a section of `kinds`; none where it holds figures, or its rows are no items."""
    rows = [row for part in table.children for row in part.children]
    if not rows:
        return []
    head = _head([plain(pieces(cell.inline)) for cell in rows[0].children], kinds)
    body = [row for row in rows[1:] if len(row.children) > (head.main if head else 0)]
    if head is None or not body or _figures(body, head):
        return []
    found = []
    for row in body:
        cells = [pieces(cell.inline) for cell in row.children]
        texts = [plain(cell) for cell in cells]
        if not texts[head.main]:
            continue
        aside = [
            f"{name}: {text}" if name else text
            for number, (name, text) in enumerate(zip(head.names, texts, strict=False))
            if text and number not in (head.main, head.status)
        ]
        parts = [*cells[head.main], *([Piece(f" ({'; '.join(aside)})", None)] if aside else [])]
        found.append(Row(row.span, parts, head.kind, _state(head, texts)))
    return found


def _head(names: list[str], kinds: tuple[Kind, ...]) -> _Head | None:
    status = next((n for n, name in enumerate(names) if _STATUS.match(name)), -1)
    answer = next((n for n, name in enumerate(names) if _ANSWER.match(name) and n != status), -1)
    main, named = -1, None
    for number, name in enumerate(names):
        if number in (status, answer) or _ASIDE.match(name):
            continue
        known = section(name, strict=True)
        kind = _NAMED.get(" ".join(name.casefold().split())) or (known.kinds[0] if known else None)
        if main < 0 or (kind and not named):
            main, named = number, kind
    kind = named if named and named != "unsorted" else kinds[0] if kinds else "next_step" if status >= 0 else None
    if main < 0 or kind is None or kind == "unsorted":
        return None
    return _Head(names, main, kind, status, answer)


def _figures(rows: list[Node], head: _Head) -> bool:
    """Whether most cells beside the main one are figures, or the main ones are."""
    cells = [[plain(pieces(cell.inline)) for cell in row.children] for row in rows]
    beside = [
        text for row in cells for n, text in enumerate(row) if n not in (head.main, head.status, head.answer) and text
    ]
    figures = sum(bool(_FIGURES.match(text)) for text in beside)
    mains = sum(bool(_FIGURES.match(row[head.main])) for row in cells)
    return figures > len(beside) / 2 or mains > len(cells) / 2


def _state(head: _Head, texts: list[str]) -> State | None:
    if head.kind not in ("question", "next_step"):
        return None
    said = texts[head.status] if 0 <= head.status < len(texts) else ""
    reply = texts[head.answer] if 0 <= head.answer < len(texts) else ""
    if _DROPPED.search(said):
        return "dropped"
    if _DONE.search(said):
        return "answered" if head.kind == "question" else "done"
    return "answered" if head.kind == "question" and not _NOTHING.match(reply) else "open"

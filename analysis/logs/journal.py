"""What a sentence or bullet is.

A journal names no sections, so the kind is read off the words and comes with a confidence. A question is a
sentence that asks what the author wants to know (a rhetorical one is a "maybe"), a next step says an
intention, a learning a finding, work done a report. The rest is `unsorted`: a wrong kind costs a reader more than an
honest heap.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from analysis.logs.items import ENUMERATOR, Kind
from analysis.logs.phrases import (
    AIM,
    ASKS,
    ASKS_UNMARKED,
    DEEDS,
    FINDINGS,
    INDIRECT,
    INSIDE,
    NO_DEED,
    NO_STEP,
    NUMBER,
    OF_ME,
    REPORT,
    RHETORICAL,
    SPEECH,
    STANDS,
    STEPS,
    WH,
)
from analysis.logs.write import Piece, only_links, plain

_STRAIGHT = str.maketrans({"\u2018": "'", "\u2019": "'", "\u201c": '"', "\u201d": '"'})
# A longer "sentence" is pasted output; searching all of it costs time and finds only chance words.
_JUDGED = 1200


@dataclass(frozen=True)
class Verdict:
    """What a sentence is, and how sure that is (0 to 1)."""

    kind: Kind
    confidence: float


def asks_outright(text: str) -> bool:
    """Whether the text starts as a question that a question mark ends: "How do I ...?", not "Use CIFAR?"."""
    first, mark, _ = text[:_JUDGED].partition("?")
    match = ASKS.match(first) if mark else None
    return match is not None and not re.search(r"[.!]\s", first[match.end() :])


def asks(text: str) -> bool:
    """Whether the text asks, with a question mark or without one ("Why does it fall over time.")."""
    return "?" in text or bool(ASKS_UNMARKED.match(text[:_JUDGED]))


def judge(text: str) -> Verdict:
    """The kind of one sentence or bullet without a section."""
    body = ENUMERATOR.sub("", text.translate(_STRAIGHT)).strip().rstrip("\"')]*_ \t")
    body = body if len(body) <= _JUDGED else body[: _JUDGED // 2] + body[-_JUDGED // 2 :]
    if body.endswith(("?", "?!")) or asks_outright(body):
        return Verdict("question", _question_confidence(text.translate(_STRAIGHT)[:_JUDGED], body))
    found = [_best("learning", FINDINGS, body), deed(body)]
    if not NO_STEP.search(body):
        found.append(_best("next_step", STEPS, body))
    if NUMBER.search(body) and STANDS.search(body) and not OF_ME.search(body):
        found.append(Verdict("learning", 0.52))
    if INDIRECT.search(body):
        found.append(Verdict("question", 0.65))
    elif ASKS_UNMARKED.match(body):
        found.append(Verdict("question", 0.6))
    if AIM.search(body):
        found.append(Verdict("background", 0.75))
    best = max(found, key=lambda verdict: verdict.confidence)  # of two equal ones the first
    return best if best.confidence > 0 else Verdict("unsorted", 1.0)


def deed(text: str) -> Verdict:
    """How surely the text reports work that was done."""
    for confidence, pattern in DEEDS:
        match = pattern.search(text)
        if match and not NO_DEED.match(match.group(1)):
            return Verdict("done", confidence)
    return Verdict("done", 0)


def judge_in_section(text: str, kinds: tuple[Kind, ...], nested: bool = False) -> Verdict:
    """The kind of a bullet or paragraph below a heading that names `kinds` (at least one).

    The section decides, unless the words plainly say another kind; `nested` ones (below another) need to say less.
    """
    text = text[:_JUDGED]
    own, words = kinds[0], judge(text)
    if len(kinds) > 1:
        if asks(text) and "question" in kinds:
            return Verdict("question", 0.9)
        rest = [kind for kind in kinds if kind != "question"]
        return Verdict(words.kind if words.kind in rest else rest[0], 0.9)
    if own in ("done", "next_step", "learning", "background") and asks_outright(ENUMERATOR.sub("", text)):
        return Verdict("question", 0.8)
    if own == "done":
        # "Found that ..." among the work done is what a reader of learnings looks for, and so is how things now are.
        if REPORT.search(text) or (words.kind == "learning" and words.confidence > 0.5 and not deed(text).confidence):
            return Verdict("learning", 0.8)
    elif own == "question" and not asks(text) and not INDIRECT.search(text):
        said = words.kind in ("next_step", "learning", "done")
        if said and (nested or words.confidence >= 0.65 or (words.kind == "learning" and REPORT.search(text))):
            return Verdict(words.kind, 0.7)
        if (nested and len(text.split()) > 2) or re.match(r"\W*a(?:nswer)?\s*:", text, re.IGNORECASE):
            return Verdict("background", 0.6)
    elif words.kind == "done" and words.confidence >= {"learning": 0.6, "background": 0.6}.get(own, 2):
        return Verdict("done", 0.7)
    elif own == "resource" and words.kind in ("next_step", "learning") and "://" not in text and nested:
        return Verdict(words.kind, 0.6)
    return Verdict(own, 1.0)


def judge_entry(parts: list[Piece], kinds: tuple[Kind, ...], box: bool | None, nested: bool = False) -> Verdict:
    """The kind of a list item; `box` is its task box: ticked, empty, or None. `nested`: it stands below another."""
    own = kinds[0] if kinds else None
    text = plain(parts)
    if box is None and only_links(parts):
        return Verdict("resource", 0.8 if own else 0.7)
    if box is not None and len(kinds) > 1 and not asks(text):
        return Verdict("next_step", 0.9)
    if box is not None and own not in ("question", "next_step") and not (box and own == "done"):
        return Verdict("next_step", 0.9)
    if kinds:
        return judge_in_section(text, kinds, nested)
    return judge(text)


def _question_confidence(text: str, body: str) -> float:
    if SPEECH.search(text) or RHETORICAL.search(body):
        return 0.3
    if ASKS.match(body):
        return 0.8
    if INSIDE.search(body) or INDIRECT.search(body) or re.search(rf"\b{WH}\b", body, re.IGNORECASE):
        return 0.65
    return 0.4  # "Probably good enough?": thinking aloud more often than a question


def _best(kind: Kind, patterns: tuple[tuple[float, re.Pattern[str]], ...], text: str) -> Verdict:
    return Verdict(kind, max((confidence for confidence, pattern in patterns if pattern.search(text)), default=0))

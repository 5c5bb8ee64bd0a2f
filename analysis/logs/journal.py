"""What a sentence or bullet is.

A journal names no sections, so the kind is read off the words and comes with a confidence. A question is a
sentence that asks what the author wants to know (a rhetorical one is a "maybe"), a next step says an
intention, a learning a finding, work done a report. The rest is `unsorted`: a wrong kind costs a reader more than an
honest heap.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from analysis.logs.items import ENUMERATOR, Kind
from analysis.logs.names import NAMES
from analysis.logs.outcomes import (
    BEGUN,
    COMPARED,
    DID,
    FINISHED,
    GUESS,
    GUESS_WITHIN,
    MACHINE,
    MEASURED,
    METRIC,
    NOT_DONE,
    NUMBER,
    OUTCOMES,
    PASSIVE,
    PERFECT,
    PRIVATE,
    SETTING,
    TELEGRAPHIC,
)
from analysis.logs.phrases import (
    AIM,
    ASKS,
    ASKS_UNMARKED,
    DEEDS,
    FINDINGS,
    FOREIGN_ASKS,
    INDIRECT,
    INSIDE,
    NO_DEED,
    NO_STEP,
    OF_ME,
    REPORT,
    RHETORICAL,
    RHETORICAL_SURE,
    SPEECH,
    STEPS,
    WH,
)
from analysis.logs.verbs import PAST, orders
from analysis.logs.write import Piece, only_links, plain

_STRAIGHT = str.maketrans(
    {"\u2018": "'", "\u2019": "'", "\u201c": '"', "\u201d": '"'}
    # the question marks of other scripts: wide, Arabic, Greek, Armenian, Ethiopic, Vai, small, doubled
    | dict.fromkeys("\uff1f\u061f\u037e\u055e\u1367\ua60f\ufe56\u2047\u2048\u2049\u2e2e", "?")
)
_PICTOGRAMS = re.compile(r"\s*[\u2600-\u27bf\U0001f000-\U0001faff\ufe0f]+\s*$")
_POINTER = re.compile(
    r"^[\W\d]*(?:(note|nb|n\.b\.|update|edit|fyi|remark|reminder|(?:note|reminder) to self|info|also|ps"
    r"|p\.s\.)\s*[:,]\s*"
    r"|([a-z][a-z'.-]{1,15}):\s+(?=[a-z\d+'\"(]))",
    re.IGNORECASE,
)
# Begins as a statement, not as a report: "The amount of ..."
_STATES = re.compile(r"\W*(?:the|an?|there|all|most|it|this|both|each|no|every)\b", re.IGNORECASE)
_MAY_ASK = re.compile(
    r"^\W*(?:\(?\w\)?[.)]\s*)?(?:wh\w+|how|if|is|are|was|were|do|does|did|can|could|should|would|will|has|have)\b",
    re.IGNORECASE,
)
_WHILE = re.compile(r"^\W*(?:while|after|once|when|since|as|because|before)\b", re.IGNORECASE)
# not within a clause that says which: "Judged sets whose truth is known"
_IS = re.compile(r"^(?:(?!\b(?:whose|which|that|where|who|when|what)\b)[^,;:])*\b(?:is|are)\b")
# "at every sparsity (we tried)": what was done is said by the way
_ASIDE = re.compile(
    r"\b(?!(?:and|then|so|but|or|today|yesterday|also|finally|morning|afternoon|evening|week|night|now|first|here"
    r"|lunch|meanwhile"
    r"|because|while|that|as|day|later|before|after|since|instead|therefore|again|which)\b)[a-z]{3,}\s+$",
    re.IGNORECASE,
)
# Of a number; "f1", "l0" and "r2" are names.
_DIGIT = re.compile(r"(?<![^\W\d_])\d(?![^\W\d_])")
# A longer "sentence" is pasted output; searching all of it costs time and finds only chance words.
_JUDGED = 1200


@dataclass(frozen=True)
class Verdict:
    """What a sentence is, and how sure that is (0 to 1)."""

    kind: Kind
    confidence: float


def asks_outright(text: str) -> bool:
    """Whether the text starts as a question that a question mark ends: "How do I ...?", not "Use CIFAR?"."""
    first, mark, _ = text[:_JUDGED].translate(_STRAIGHT).partition("?")
    match = ASKS.match(first) if mark else None
    return match is not None and not re.search(r"[.!]\s", first[match.end() :])


def asks(text: str) -> bool:
    """Whether the text asks, with a question mark or without one ("Why does it fall over time.")."""
    straight = text[:_JUDGED].translate(_STRAIGHT)
    return "?" in straight or bool(ASKS_UNMARKED.match(bare(straight))) or foreign_question(straight)


def bare(text: str) -> str:
    """The words without an enumerator, a speaker ("anna:") and a word that only points ("note:", "btw,")."""
    words = ENUMERATOR.sub("", text).strip()
    while (match := _POINTER.match(words)) and (match.group(2) or "").casefold() not in NAMES:
        words = words[match.end() :]
    return words


def judge(text: str) -> Verdict:
    """The kind of one sentence or bullet without a section."""
    return _judge(_DIGIT.sub("0", text))


# no rule looks at which digit stands in a number: what differs in numbers alone is judged once
@lru_cache(maxsize=1_000)
def _judge(text: str) -> Verdict:
    straight = text.translate(_STRAIGHT)
    body = bare(straight).rstrip("\"')]*_ \t\u300d\u300f\u00bb")
    body = _PICTOGRAMS.sub("", body).rstrip()
    body = body if len(body) <= _JUDGED else body[: _JUDGED // 2] + body[-_JUDGED // 2 :]
    if body.endswith(("?", "?!")) or asks_outright(body):
        return Verdict("question", _question_confidence(straight[:_JUDGED], body))
    if SETTING.match(body) or MACHINE.match(body):
        return Verdict("unsorted", 1.0)
    found = [outcome(body), deed(body), step(body)]
    if INDIRECT.search(body):
        found.append(Verdict("question", 0.65))
    elif (ASKS_UNMARKED.match(body) and not DID.match(body)) or foreign_question(body):
        found.append(Verdict("question", 0.3 if RHETORICAL.search(body) else 0.6))
    if AIM.search(body):
        found.append(Verdict("background", 0.75))
    elif GUESS.search(body):
        found.append(Verdict("background", 0.63))
    elif GUESS_WITHIN.search(body):
        found.append(Verdict("background", 0.53))
    best = max(found, key=lambda verdict: verdict.confidence)  # of two equal ones the first
    if best.confidence > 0 and PRIVATE.search(body):
        return Verdict(best.kind, min(best.confidence, 0.35))
    return best if best.confidence > 0 else Verdict("unsorted", 1.0)


def outcome(text: str) -> Verdict:
    """How surely the text says what came out."""
    told = [_best("learning", FINDINGS, text), _best("learning", OUTCOMES, text)]
    number = NUMBER.search(text)
    if number and MEASURED.search(text) and not OF_ME.search(text):
        held = bool(COMPARED.search(text)), bool(METRIC.search(text))
        told.append(Verdict("learning", 0.66 if all(held) else 0.56 if any(held) else 0.3))
    elif number and COMPARED.search(text) and METRIC.search(text):
        told.append(Verdict("learning", 0.56))
    return max(told, key=lambda verdict: verdict.confidence)


def step(text: str) -> Verdict:
    """How surely the text says what is to be done."""
    if NO_STEP.search(text):
        return Verdict("next_step", 0)
    said = _best("next_step", STEPS, text)
    return Verdict("next_step", max(said.confidence, orders(text)))


def deed(text: str) -> Verdict:
    """How surely the text reports work that was done."""
    for confidence, pattern in DEEDS:
        match = pattern.search(text)
        attribute = confidence < 0.6 and _IS.search(text)  # "Stored rows are the hardest floor"
        if (
            match
            and not NO_DEED.match(match.group(1))
            and not attribute
            and not _said_by_the_way(text[: match.start()])
        ):
            # one of the known verbs, and at the very start: "filtered shard 14 (dropped 3%)"
            known = confidence < 0.6 and match.group(1).casefold() in PAST
            return Verdict("done", 0.61 if known else confidence)
    if BEGUN.match(text):
        return Verdict("done", 0.55)
    if PERFECT.search(text):
        return Verdict("done", 0.65)
    if DID.match(text):
        return Verdict("done", 0.6)
    if FINISHED.search(text):
        return Verdict("done", 0.6)
    if not NOT_DONE.search(text):
        if TELEGRAPHIC.match(text):
            return Verdict("done", 0.58)
        if PASSIVE.search(text):
            return Verdict("done", 0.56)
    return Verdict("done", 0)


def _said_by_the_way(before: str) -> bool:
    return bool(_ASIDE.search(before)) and not _WHILE.match(before)


def foreign_question(text: str) -> bool:
    """Whether the text begins as questions of other languages do, or holds their words where nothing is spaced."""
    return bool(FOREIGN_ASKS.match(text[:200]))


_LEADING: tuple[tuple[Kind, str], ...] = (
    ("next_step", r"should|must|will|'ll|needs? to|have to|plan(?:s|ned)? to|want to|going to|to do|todos?|next"),
    (
        "question",
        r"wonder\w*|questions?|unclear|unsure|not sure|don't (?:know|understand|get)|to ask|puzzl\w+",
    ),
    (
        "learning",
        r"found|learne?d|learnt|noticed|saw|see|shows?|observed|turns out|results?|observations?|findings",
    ),
    ("done", r"did|done|finished|changed|fixed|added|managed to|got through"),
)
_LEADS = [(kind, re.compile(rf"\b(?:{words})\b", re.IGNORECASE)) for kind, words in _LEADING]


def leads_to(text: str) -> tuple[Kind, ...]:
    """The kind that a sentence before a list gives to its entries ("I should now:"); none where it gives none."""
    said = text.translate(_STRAIGHT).rstrip(" *_")
    if not said.endswith((":", "\uff1a")):
        return ()
    last = re.split(r"[.!?]\s", said)[-1]
    return next(((kind,) for kind, pattern in _LEADS if pattern.search(last)), ())


def takes_over(verdict: Verdict, text: str) -> Verdict:
    """The verdict of an entry among orders: an order is a step, and so is what says nothing else."""
    if verdict.kind not in ("unsorted", "next_step") or PRIVATE.search(text) or SETTING.match(text):
        return verdict
    return Verdict(
        "next_step", max(0.7 if orders(text) else 0.52, 0 if verdict.kind == "unsorted" else verdict.confidence)
    )


def judge_in_section(text: str, kinds: tuple[Kind, ...], nested: bool = False) -> Verdict:
    """The kind of a bullet or paragraph below a heading that names `kinds` (at least one).

    The section decides, unless the words plainly say another kind; `nested` ones (below another) need to say less.
    """
    text, own = text[:_JUDGED], kinds[0]
    if own == "unsorted" or (own in ("done", "learning") and SETTING.match(text)):
        return Verdict("unsorted", 1.0)
    if RHETORICAL_SURE.search(text.translate(_STRAIGHT)):
        words = judge(text)
        if words.kind == "question" and words.confidence < 0.4:
            return Verdict("question", 0.4)
    if len(kinds) == 1 and (own == "next_step" or (own == "question" and (asks(text) or INDIRECT.search(text)))):
        # here the words change nothing, and to judge them takes most of the time
        return Verdict("question", 0.8) if own == "next_step" and _asks_itself(text) else Verdict(own, 1.0)
    words = judge(text)
    if len(kinds) > 1:
        if asks(text) and "question" in kinds:
            return Verdict("question", 0.9)
        rest = [kind for kind in kinds if kind != "question"]
        return Verdict(words.kind if words.kind in rest else rest[0], 0.9)
    if own in ("done", "learning", "background") and _asks_itself(text):
        return Verdict("question", 0.8)
    if own == "done":
        # "Found that ..." among the work done is what a reader of learnings looks for, and so is how things now are.
        told = words.confidence > (0.2 if _STATES.match(text) else 0.5)
        if REPORT.search(text) or (words.kind == "learning" and told and not deed(text).confidence):
            return Verdict("learning", 0.8)
    elif own == "question":
        said = words.kind in ("next_step", "learning", "done")
        if said and (
            nested
            or words.confidence >= 0.65
            or (words.kind == "learning" and words.confidence >= 0.55 and not _MAY_ASK.match(text))
        ):
            return Verdict(words.kind, 0.7)
        if (nested and len(text.split()) > 2) or re.match(r"\W*a(?:nswer)?\s*:", text, re.IGNORECASE):
            return Verdict("background", 0.6)
    elif own == "learning" and words.kind == "background" and GUESS.search(text):
        return Verdict("background", 0.7)
    elif words.kind == "done" and own == "learning" and outcome(text).confidence > 0.5:
        return Verdict("learning", 0.8)  # "Shuffled labels give 0.29"
    elif words.kind == "done" and words.confidence >= {"learning": 0.55, "background": 0.6}.get(own, 2):
        return Verdict("done", 0.7)
    elif own == "resource" and words.kind in ("next_step", "learning") and "://" not in text and nested:
        return Verdict(words.kind, 0.6)
    return Verdict(own, 1.0)


def _asks_itself(text: str) -> bool:
    return asks_outright(ENUMERATOR.sub("", text))


def judge_entry(parts: list[Piece], kinds: tuple[Kind, ...], box: bool | None, nested: bool = False) -> Verdict:
    """The kind of a list item; `box` is its task box: ticked, empty, or None. `nested`: it stands below another."""
    own = kinds[0] if kinds else None
    text = plain(parts)
    if box is None and only_links(parts):
        return Verdict("resource", 0.8 if own else 0.7)
    if box is not None and len(kinds) > 1 and not asks(text):
        return Verdict("next_step", 0.9)
    if box and own in ("learning", "done"):
        return Verdict("done", 0.9)
    if box and own not in ("question", "next_step") and deed(text).confidence and not orders(text):
        return Verdict("done", 0.8)  # "plotted the norms [x]"
    if box is not None and own not in ("question", "next_step"):
        return Verdict("next_step", 0.9)
    if kinds:
        return judge_in_section(text, kinds, nested)
    return judge(text)


def _question_confidence(text: str, body: str) -> float:
    if SPEECH.search(text) or RHETORICAL.search(body) or PRIVATE.search(body):
        return 0.3
    if ASKS.match(body) or FOREIGN_ASKS.match(body):
        return 0.8
    if not body.isascii() and sum(char > "\u0370" for char in body) > len(body) / 4:
        return 0.7  # another script: the mark is all that is understood
    if INSIDE.search(body) or INDIRECT.search(body) or re.search(rf"\b{WH}\b", body, re.IGNORECASE):
        return 0.65
    return 0.4  # "Probably good enough?": thinking aloud more often than a question


def _best(kind: Kind, patterns: tuple[tuple[float, re.Pattern[str]], ...], text: str) -> Verdict:
    """The verdict of the surest pattern that finds something; the patterns stand in that order, the surest first."""
    return Verdict(kind, next((confidence for confidence, pattern in patterns if pattern.search(text)), 0))

"""Running prose: cut into sentences, and what each sentence is.

A journal names no sections, so the kind is read off the words and comes with a confidence. A question is a
sentence that asks what the author wants to know (a rhetorical one is a "maybe"), a next step says an
intention, a learning a finding. The rest is `unsorted`: a wrong kind costs a reader more than an honest heap.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise

from analysis.logs.items import Kind
from analysis.logs.write import Piece, cut, only_links, plain

_CLOSING = "\"'\u201d\u2019)]*_"
# Possessive, and only from the start of a run of marks: a line of 10,000 "!" stays cheap.
_END = re.compile(rf"(?<![.!?\u2026])[.!?\u2026]++[{re.escape(_CLOSING)}]*+(?=\s)")
_VISIBLE = re.compile(r"\s*\S")
_ABBREVIATION = re.compile(
    r"(?:^|[\s(\"'])(?:e\.g|i\.e|ie|eg|etc|vs|cf|al|fig|figs|eq|sec|dr|mr|ms|prof|approx|ca|resp|no|vol|st"
    r"|w\.r\.t|[A-Za-z])\.$",
    re.IGNORECASE,
)
_STRAIGHT = str.maketrans({"\u2018": "'", "\u2019": "'", "\u201c": '"', "\u201d": '"'})
# A line of less than this many characters that leaves room for the next word was ended on purpose.
_WRAP_WIDTH = 60
# A longer "sentence" is pasted output; searching all of it costs time and finds only chance words.
_JUDGED = 1200


@dataclass(frozen=True)
class Verdict:
    """What a sentence is, and how sure that is (0 to 1)."""

    kind: Kind
    confidence: float


def sentences(parts: list[Piece], span: range) -> list[tuple[list[Piece], range]]:
    """Sentences with their lines; together they cover the span without a gap."""
    text = "".join(piece.text for piece in parts)
    runs = [run for run in cut(parts, sentence_ends(text)) if plain(run)]
    starts: list[int] = []
    line = span.start
    for run in runs:
        words = "".join(piece.text for piece in run)
        starts.append(line + words[: len(words) - len(words.lstrip())].count("\n"))
        line += words.count("\n")
    last = span.stop - 1
    starts = [min(start, last) for start in (span.start, *starts[1:])] if starts else []
    stops = [max(start, after - 1) for start, after in pairwise(starts)] + [last]
    return [(run, range(first, stop + 1)) for run, first, stop in zip(runs, starts, stops, strict=False)]


def sentence_ends(text: str) -> list[int]:
    """Positions in `text` after which a new sentence starts; the end of the text is not among them."""
    ends: set[int] = set()
    for match in _END.finditer(text):
        end = match.end()
        following = text[found.end() - 1] if (found := _VISIBLE.match(text, end)) else ""
        mark = match.group().rstrip(_CLOSING)
        if following and not _runs_on(text[max(0, end - 12) : end], mark, following):
            ends.add(end)
    lines = text.split("\n")
    width = max([_WRAP_WIDTH, *(len(line) for line in lines)])
    position = -1
    for line, after in pairwise(lines):
        position += len(line) + 1
        first = (after.split(maxsplit=1) or [""])[0]
        if len(line) < _WRAP_WIDTH and len(line.rstrip()) + 1 + len(first) <= width:
            ends.add(position)
    return sorted(ends)


def _runs_on(before: str, mark: str, following: str) -> bool:
    if mark == ".":
        return bool(_ABBREVIATION.search(before.rstrip(_CLOSING)))
    return mark in ("...", "\u2026") and following.islower()


def _any(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{pattern})" for pattern in patterns), re.IGNORECASE)


_LEAD = r"^[\W_]*(?:(?:but|so|and|or|also|ok|okay|hmm+|well|then|now|wait|still|thus|btw)\b[\s,.:-]*)*"
_SUBJECT = (
    r"(?:i|we|you|they|it|he|she|one|there|this|that|these|those|the|a|an|any|my|our|its|their|each|all|some|more"
    r"|every|both|other|most|(?-i:[A-Z]\w*)|\w+ing)"
)
_AUX = r"(?:is|are|was|were|am|do|does|did|can|could|should|would|will|has|have|had|might|may)(?:n't)?"
_WH = r"(?:what(?:'s)?|why|how|which|where|when|whose|who)"
_ASKS = _any(
    rf"{_LEAD}{_WH}\b",
    rf"{_LEAD}(?:in what way|to what (?:extent|degree)|for wh\w+)\b",
    rf"{_LEAD}{_AUX}\s+{_SUBJECT}\b",
)
# Without a question mark only an inverted clause asks: "why does it", not "what I did".
_ASKS_UNMARKED = _any(
    rf"{_LEAD}(?:why|how|what|which|where|when|who)\s+(?:{_AUX}|to)\b",
    rf"{_LEAD}(?:what if|how (?:much|many|often|come|well)|why not)\b",
    rf"{_LEAD}(?:is|are|does|do|did|should|would)\s+(?:it|this|that|there|we|i|they|the)\b",
)
_INSIDE = _any(
    rf"[,:;]\s*(?:but |so |and |then )?(?:{_WH}\s+{_AUX}|{_AUX}\s+(?:it|we|i|this|that|there|they))\b",
)
_INDIRECT = re.compile(
    r"\b(?:wonder(?:ing)?|curious|unclear|not (?:\w+ )?(?:sure|clear|certain|obvious)|unsure|no idea|no clue"
    r"|(?:don't|do not|dont|can't|cannot) (?:\w+ )?(?:know|understand|see|get|tell|figure out)"
    r"|confused (?:about|by|as to)|puzzled|want to (?:know|understand)"
    r"|(?:open|big|main|next|real) question)\b"
    r"(?=.*\b(?:why|how|what|whether|if|which|where|when|who|that|about|by|is)\b)",
    re.IGNORECASE,
)
_RHETORICAL = _any(
    r"\bto what end\b",
    r"\bwho (?:knows|cares|am i kidding|would have thought)\b",
    r"\bwhat could (?:possibly )?go wrong\b",
    r"\bhow hard can\b",
    r"\bwhat kind of \w+ would\b",
    r"\bwhy (?:not|bother|even)\b",
    r"\bwhat(?:'s| is) (?:the point|not to)\b",
    r"\b(?:can|could) you (?:imagine|believe)\b",
    r"\b(?:isn't (?:it|that|this)|don't (?:you|we)|am i right)\b",
    r",\s*(?:right|no|huh|eh|yes|ok|okay|doesn't it|don't they|won't it)\W*$",
    r"\?\?\?|\?!|!\?",
)
_SPEECH = _any(r"^\s*[\"'].*[\"']\W*$", r"\b(?:asked|said|says|like),?\s*[\"]")
_NO_STEP = _any(
    r"\bwon't\b|\bwill not\b|\bnot going to\b",
    r"\b(?:don't|do not|doesn't|didn't|no) (?:\w+ )?(?:need|want|have to)",
    r"\b(?:was|were) going to\b",
)
_MINE = r"(?:\b(?:i|we|and|then|so|but)\s+|^\W*|[,;:.]\s*)"
_STEPS: tuple[tuple[float, re.Pattern[str]], ...] = (
    (0.9, _any(r"(?-i:\bTODO\b|\bFIXME\b|\bTo-?do\b:)")),
    (
        0.85,
        _any(
            r"\b(?:the |my |our )?next (?:steps?|thing|task|experiment|up)\b",
            r"^\W*next\s*[:,]",
            r"\bplan (?:is|for|now)\b",
            r"\bplanning (?:to|on)\b",
        ),
    ),
    (0.8, _any(r"\b(?:i|we)(?:'ll| will| plan to|(?:'m| am|'re| are) going to)\b")),
    (
        0.7,
        _any(
            r"\b(?:i|we)(?:'d like| (?:\w+ )?(?:need|want|intend|hope|have|ought|would like)) to\b",
            rf"{_MINE}(?:will|going to|gonna|need to|want to|have to|plan to)\s+\w",
            r"\bmakes? (?:\w+ )?sense to\b",
            r"\bworth (?:\w+ing|a try|a shot)\b",
        ),
    ),
    (
        0.65,
        _any(r"\b(?:i|we) (?:\w+ )?should\b", r"^\W*(?:maybe |perhaps |also )?should (?:also |probably )?\w+"),
    ),
    (
        0.6,
        _any(
            r"\blet(?:'s| us)\b",
            r"\btomorrow\b.*\b(?:will|try|run|train|start|continue)\b",
            r"\bstill (?:have|need) to\b|\bremains to\b",
        ),
    ),
    (
        0.55,
        _any(
            r"\b(?:needs?|has|have) to be \w+(?:ed|n|t)\b",
            r"\bneeds? (?:fixing|checking|testing|cleaning|more)\b",
            r"\bbe (?:good|nice|interesting|great|useful) to\b",
        ),
    ),
    (
        0.5,  # an order to oneself
        _any(
            r"^\W*(?:then |also |maybe |first |finally |and |please )?(?:try|train|check|fix|plot|implement"
            r"|compare|add|make|build|test|learn (?:to|how|about)"
            r"|figure out|find out|look (?:at|into|for|over)"
            r"|investigate|measure|rerun|re-run|retrain|replicate|reproduce|visuali[sz]e|write (?:up|a|the)"
            r"|clean|refactor|sweep|ask|remember to|think about)\b",
        ),
    ),
)
_SELF = r"(?:i|we|just|have|also|and|then)"
_SAW = r"(?:found|learne?d|learnt|discovered|noticed|observed|confirmed|reali[sz]ed)"
_FINDINGS: tuple[tuple[float, re.Pattern[str]], ...] = (
    (
        0.8,
        _any(
            r"\bturn(?:s|ed) out\b",
            rf"\b{_SELF} (?:\w+ )?{_SAW}\b",
            r"\b(?:takeaways?|lessons?|conclusions?|findings?)\b",
        ),
    ),
    (0.75, _any(rf"^\W*(?:{_SAW}|figured out|interesting(?:ly)?)\b")),
    (0.7, _any(r"\bas (?:\w+ )?(?:important|good|bad|useful|strong|large|fast|hard|much|well) as\b")),
    (
        0.65,
        _any(
            r"\b(?:reason|cause|culprit|problem|bug|issue|trick) (?:is|was)\b",
            r"\bit was because\b|\bfigured out\b",
        ),
    ),
    (
        0.6,
        _any(
            r"\b(?:shows?|showed|suggest(?:s|ed)?|implie[sd]|indicates?|means|proves|demonstrates?) \w+",
            r"\b(?:better|worse|faster|slower|higher|lower|sparser|denser|larger|smaller) "
            r"(?:than|when|if|with|for|at)\b",
        ),
    ),
    (
        0.55,
        _any(
            r"\b(?:increase[sd]?|decrease[sd]?|improve[sd]?|dropp?(?:ed|s)|converge[sd]?|collapse[sd]?|diverge[sd]?)\b",
            r"\b(?:went|goes) (?:up|down)\b",
        ),
    ),
    (
        0.5,
        _any(
            r"\b(?:does|did|do)(?:n't| not) (?:seem|work|help|matter|change|make)\b",
            r"\bseems? (?:to|that|like)\b",
            r"\b(?:is|are|was) (?:very |really |quite |so )?(?:helpful|useful)\b",
        ),
    ),
)
_REPORT = _any(
    r"\b(?:found|reali[sz]ed|learne?d|learnt|noticed|observed|discovered|confirmed|findings?|showed) that\b",
    r"\bturn(?:s|ed) out\b",
    r"^\W*(?:learne?d|learnt|reali[sz]ed)\b",
)
_AIM = _any(r"\b(?:goal|aim|objective|hypothesis|motivation) (?:\w+ )?(?:is|was)\b")


def asks_outright(text: str) -> bool:
    """Whether the text starts as a question that a question mark ends: "How do I ...?", not "Use CIFAR?"."""
    first, mark, _ = text[:_JUDGED].partition("?")
    match = _ASKS.match(first) if mark else None
    return match is not None and not re.search(r"[.!]\s", first[match.end() :])


def asks(text: str) -> bool:
    """Whether the text asks, with a question mark or without one ("Why does it fall over time.")."""
    return "?" in text or bool(_ASKS_UNMARKED.match(text[:_JUDGED]))


def judge(text: str) -> Verdict:
    """The kind of one sentence or bullet without a section."""
    body = text.translate(_STRAIGHT).strip().rstrip("\"')]*_ \t")
    body = body if len(body) <= _JUDGED else body[: _JUDGED // 2] + body[-_JUDGED // 2 :]
    if body.endswith(("?", "?!")) or asks_outright(body):
        return Verdict("question", _question_confidence(text.translate(_STRAIGHT)[:_JUDGED], body))
    found = [_best("next_step", _STEPS, body), _best("learning", _FINDINGS, body)]
    if _NO_STEP.search(body):
        del found[0]
    if _INDIRECT.search(body):
        found.append(Verdict("question", 0.65))
    elif _ASKS_UNMARKED.match(body):
        found.append(Verdict("question", 0.6))
    if _AIM.search(body):
        found.append(Verdict("background", 0.55))
    best = max(found, key=lambda verdict: verdict.confidence)
    return best if best.confidence > 0 else Verdict("unsorted", 1.0)


def judge_in_section(text: str, kinds: tuple[Kind, ...]) -> Verdict:
    """The kind of a bullet or paragraph below a heading that names `kinds` (at least one)."""
    if len(kinds) > 1:
        guess: Kind = "question" if asks(text) else judge(text).kind
        return Verdict(guess if guess in kinds else kinds[0], 0.9)
    if kinds[0] in ("done", "next_step", "learning", "background") and asks_outright(text):
        return Verdict("question", 0.8)
    # "Found that ..." among the work done is what a reader of learnings looks for.
    if kinds[0] == "done" and _REPORT.search(text[:_JUDGED]):
        return Verdict("learning", 0.8)
    return Verdict(kinds[0], 1.0)


def judge_entry(parts: list[Piece], kinds: tuple[Kind, ...], box: bool | None) -> Verdict:
    """The kind of a list item; `box` is its task box: ticked, empty, or None."""
    own = kinds[0] if kinds else None
    if box is not None and own not in ("question", "next_step") and not (box and own == "done"):
        return Verdict("next_step", 0.9)
    if kinds:
        return judge_in_section(plain(parts), kinds)
    return Verdict("resource", 0.7) if only_links(parts) else judge(plain(parts))


def _question_confidence(text: str, body: str) -> float:
    if _SPEECH.search(text) or _RHETORICAL.search(body):
        return 0.3
    if _ASKS.match(body):
        return 0.8
    if _INSIDE.search(body) or _INDIRECT.search(body) or re.search(rf"\b{_WH}\b", body, re.IGNORECASE):
        return 0.65
    return 0.4  # "Probably good enough?": thinking aloud more often than a question


def _best(kind: Kind, patterns: tuple[tuple[float, re.Pattern[str]], ...], text: str) -> Verdict:
    return Verdict(kind, max((confidence for confidence, pattern in patterns if pattern.search(text)), default=0))

"""The kinds that headings and labels name.

Names are matched loosely: case, colon, numbering, small words ("my", "open", "today's"), a slip in spelling
and two names in one heading ("Results & Next Steps") are all understood.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from functools import lru_cache

from analysis.logs.dates import find_date
from analysis.logs.items import Kind

_NAMES: dict[Kind, str] = {
    "question": """
        question, questions, q, confusion, confusions, confused about, unknowns, uncertainties,
        unclear, puzzles, mysteries, blockers, stuck on, what i dont understand, things i dont
        understand, what i want to know, what confuses me, research questions, doubts
    """,
    "next_step": """
        next step, next steps, next, todo, todos, to do, to dos, to do list, todo list, plan, plans,
        action items, actions, future work, further work, future directions, future plans, what
        next, what is next, whats next, up next, to try, things to try, ideas, idea, ideas to try,
        tasks, to be done, not done, still to do, not done yet, remaining work, fixme, tomorrow,
        next week, next time
    """,
    "learning": """
        learning, learnings, learned, learnt, observation, observations, finding, findings, result,
        results, what i learn, what i learned, what i learnt, what we learned, what i found, things
        i learned, things learned, takeaway, takeaways, take aways, insight, insights, lesson,
        lessons, lessons learned, saw, seen, noticed, what i saw, what i see, what we saw, what i noticed, what
        happened, outcome, outcomes, surprises, conclusion, conclusions, tldr, tl dr, found, discoveries
    """,
    "done": """
        done, work done, what i did, what we did, what was done, things done, work completed,
        completed, finished, progress, accomplished, accomplishments, stuff i did, things i did,
        work, did, changes, what i tried, what we tried, what i built, what i changed
    """,
    "resource": """
        cool stuff, resource, resources, relevant literature, literature, references, reference,
        links, reading, reading list, to read, papers, related work, bibliography, further reading,
        cool links, cool papers, useful links, tools, datasets, code
    """,
    "background": """
        background, goal, goals, hypothesis, hypotheses, motivation, context, introduction, intro,
        overview, aim, aims, objective, objectives, setup, abstract, why, why im doing this,
        why we do this, why this, assumptions
    """,
}
NAMES: dict[str, Kind] = {" ".join(name.split()): kind for kind, names in _NAMES.items() for name in names.split(",")}

_LONG_NAMES = [(known, frozenset(known)) for known in NAMES if len(known) > 4]

# At the start or the end of a short heading these decide it: "Questions for the next call", "Early results".
_STRONG = re.compile(
    r"^(questions?|confusions?|next steps?|todos?|to do|plans?|learnings?|observations?|findings?|takeaways?"
    r"|results?|resources|references|background|goals?|hypothes[ie]s|what i (?:did|learn(?:ed|t)?|found))\b"
    r"|\b(questions|confusions|next steps|todos?|to do|plan|learnings|observations|findings|takeaways|results"
    r"|resources|references|background|goals?|hypothes[ie]s)$"
)
# What a heading that is no known name is about, by a word in it: "Stuff I got through", "Nice finds", "Why bother".
_HINT_WORDS: tuple[tuple[Kind, str], ...] = (
    ("question", r"huh|hmm+|puzzl\w+|confus\w+|myster\w+|unclear|unsure|not sure|to ask|wonder\w*|questions?"),
    ("next_step", r"up next|tomorrow|next|later|to try|to do|todo|plans?|planned|ideas"),
    ("learning", r"noticed|came out|saw|seen|learn(?:ed|t|ings?)?|turned out|surpris\w+|observ\w+|found|findings"),
    ("done", r"did|got (?:through|done)|worked on|finished|accomplished|completed|at the bench|in the lab"),
    ("resource", r"finds|papers|links|reads|reading|literature|resources"),
    ("background", r"why (?:bother|this|we|i|im|it)|motivation|background|context|goals?"),
)
_HINTS = [(kind, re.compile(rf"\b(?:{words})\b")) for kind, words in _HINT_WORDS]
_HINTED_WORDS = 6
_SMALL = frozenset(
    re.findall(
        r"\w+",
        """
    the a an my our some today todays this week weeks weekly daily main key big open other more few
    new current possible potential further quick for of on yesterday immediate now so far and also
    important random basic rough initial
""",
    )
)
_MAX_WORDS = 7
_SPELLING = 0.86


@dataclass(frozen=True)
class Section:
    """What a heading or label means."""

    kinds: tuple[Kind, ...]
    """More than one when the heading names more ("Questions / TODO")."""
    rest: str
    """What follows the colon: itself an item; empty when nothing follows."""


def section(text: str, *, strict: bool = False) -> Section | None:
    """The section that `text` names, or None.

    `strict` is for labels within prose ("TODO: ..."): only a whole known name counts.
    """
    name, _, rest = text.partition(":")
    kinds = _kinds(name, strict)
    if kinds:
        rest = rest.strip(" \t*_")
        return Section(kinds, "" if find_date(rest) and len(rest.split()) < 4 else rest)
    if strict:
        return None
    for part in re.split(r":|\s[-\u2013\u2014|]\s", text):
        if kinds := _kinds(part, strict):
            return Section(kinds, "")
    return None


def _kinds(name: str, strict: bool) -> tuple[Kind, ...]:
    if len(name.split()) > _MAX_WORDS or len(name) > 80:
        return ()
    whole = _lookup(name, strict)
    if whole:
        return (whole,)
    parts = re.split(r"[/&+,]|\band\b", name, flags=re.IGNORECASE)
    found = [_lookup(part, strict) for part in parts]
    return tuple(dict.fromkeys(kind for kind in found if kind)) if len(parts) > 1 else ()


@lru_cache(maxsize=10_000)
def _lookup(name: str, strict: bool) -> Kind | None:
    plain = re.sub(r"['\u2019`]", "", name.casefold())
    words = re.findall(r"[^\W\d_]+", plain)
    if not words:
        return None
    lean = [word for word in words if word not in _SMALL]
    for candidate in (" ".join(words), " ".join(lean)):
        if candidate in NAMES:
            return NAMES[candidate]
    if strict or re.search(r"[/&+,]|\band\b", plain):
        return None
    lean_name = " ".join(lean)
    if len(lean) <= 5 and (strong := _STRONG.search(lean_name)):
        return NAMES[strong.group(1) or strong.group(2)]
    close = difflib.get_close_matches(lean_name, _alike(lean_name), n=1, cutoff=_SPELLING) if len(lean_name) > 4 else []
    if close:
        return NAMES[close[0]]
    hinted = (kind for kind, pattern in _HINTS if pattern.search(" ".join(words)))
    return next(hinted, None) if len(words) <= _HINTED_WORDS else None


def _alike(name: str) -> list[str]:
    """Known names that share letters enough to be close: no other can be, and to measure each takes a millisecond."""
    letters = frozenset(name)
    return [
        known
        for known, others in _LONG_NAMES
        if 2 * min(len(name) - len(letters - others), len(known) - len(others - letters))
        >= _SPELLING * (len(name) + len(known))
    ]

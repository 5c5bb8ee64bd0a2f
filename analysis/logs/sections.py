"""The parts of a log: front matter, blocks, the kinds that headings name, the days that they stand for.

Front matter is Pelican's (`Title: ...` lines), YAML between `---`, or missing.
Names are matched loosely: case, colon, numbering, small words ("my", "open", "today's"), a slip in spelling
and two names in one heading ("Results & Next Steps") are all understood.
Days: ISO order and month names are clear. 11/04/2024 is read in US order (4 November) unless that is no date
(23/06/2024), and 23.06.2024 with dots is day first, as nobody writes it otherwise. A day without a year is
never completed from today; only a heading such as `0623` takes the year from the date of its file.
"""

from __future__ import annotations

import contextlib
import difflib
import re
from dataclasses import dataclass, field
from datetime import date, datetime

import yaml
from dateutil import parser as dateparser
from markdown_it import MarkdownIt
from markdown_it.token import Token

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
        lessons, lessons learned, conclusion, conclusions, tldr, tl dr, found, discoveries
    """,
    "done": """
        done, work done, what i did, what we did, what was done, things done, work completed,
        completed, finished, progress, accomplished, accomplishments, stuff i did, things i did,
        work
    """,
    "resource": """
        cool stuff, resource, resources, relevant literature, literature, references, reference,
        links, reading, reading list, to read, papers, related work, bibliography, further reading,
        cool links, cool papers, useful links, tools, datasets, code
    """,
    "background": """
        background, goal, goals, hypothesis, hypotheses, motivation, context, introduction, intro,
        overview, aim, aims, objective, objectives, setup, abstract
    """,
}
NAMES: dict[str, Kind] = {" ".join(name.split()): kind for kind, names in _NAMES.items() for name in names.split(",")}

# At the start or the end of a short heading these decide it: "Questions for the next call", "Early results".
_STRONG = re.compile(
    r"^(questions?|confusions?|next steps?|todos?|to do|plans?|learnings?|observations?|findings?|takeaways?"
    r"|results?|resources|references|background|goals?|hypothes[ie]s|what i (?:did|learn(?:ed|t)?|found))\b"
    r"|\b(questions|confusions|next steps|todos?|to do|plan|learnings|observations|findings|takeaways|results"
    r"|resources|references|background|goals?|hypothes[ie]s)$"
)
_SMALL = frozenset(
    re.findall(
        r"\w+",
        """
    the a an my our some today todays this week weeks weekly daily main key big open other more few
    new current possible potential further quick for of on yesterday immediate now so far and also
    important random
""",
    )
)
_MAX_WORDS = 7
_SPELLING = 0.86

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?"
_ISO = re.compile(r"(?<!\d)(\d{4})([-/._])(\d{1,2})\2(\d{1,2})(?!\d)")
_COMPACT = re.compile(r"(?<!\d)((?:19|20)\d{2})(\d{2})(\d{2})(?!\d)")
_NUMERIC = re.compile(r"(?<![\d/.-])(\d{1,2})([-/.])(\d{1,2})\2(\d{4}|\d{2})(?![\d/.-]*\d)")
_WORDED = re.compile(
    rf"\b(?:{_MONTH}\s+\d{{1,2}}(?:st|nd|rd|th)?|\d{{1,2}}(?:st|nd|rd|th)?(?:\s+of)?[\s-]+{_MONTH})[\s,-]+\d{{4}}\b",
    re.IGNORECASE,
)
_DAY_ONLY = re.compile(
    rf"^(?:(\d{{2}})(\d{{2}})|(\d{{1,2}})/(\d{{1,2}})|({_MONTH})\s+(\d{{1,2}})(?:st|nd|rd|th)?)$",
    re.IGNORECASE,
)


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
    long_names = [known for known in NAMES if len(known) > 4]
    close = difflib.get_close_matches(lean_name, long_names, n=1, cutoff=_SPELLING) if len(lean_name) > 4 else []
    return NAMES[close[0]] if close else None


def find_date(text: str, *, name: bool = False) -> date | None:
    """The first whole date in `text`, or None. `name`: a file name, where 10-11-12 is no date."""
    for pattern in (_ISO, _COMPACT, _NUMERIC, _WORDED):
        for match in pattern.finditer(text.replace("_", "-") if name else text):
            if pattern is _NUMERIC and name and len(match.group(4)) == 2:
                continue
            found = _from_match(match)
            if found:
                return found
    return None


def parse_date(text: str) -> date | None:
    """The date of a front matter value, in any usual form; None when day, month or year is missing."""
    found = find_date(text)
    if found or len(text) > 60:
        return found
    try:
        # Two different defaults: a part that the text lacks shows as a difference; nothing is made up.
        first = dateparser.parse(text, default=datetime(2000, 1, 1), ignoretz=True)
        second = dateparser.parse(text, default=datetime(2003, 2, 2), ignoretz=True)
    except (ValueError, OverflowError, TypeError):
        return None
    return first.date() if first.date() == second.date() else None


def heading_date(text: str, near: date | None) -> date | None:
    """The day a heading stands for: `2024-06-23`, `June 23, 2024: probes`; not a date in passing.

    `0623`, `6/23` and `June 23` have no year: they get the one nearest to `near`, and are None without it.
    """
    text = text.strip(" \t:.#*_")
    found = find_date(text)
    if found:
        starts = bool(re.match(rf"(?:\w+day,?\s+)?(?:\d|{_MONTH})", text, re.IGNORECASE))
        return found if starts or len(text.split()) <= 6 else None
    match = _DAY_ONLY.match(text)
    if not match or not near:
        return None
    if match.group(5):
        month, day = _MONTHS.index(match.group(5)[:3].casefold()) + 1, int(match.group(6))
    else:
        month, day = (int(group) for group in match.groups()[:4] if group)
    candidates: list[date] = []
    for year in (near.year - 1, near.year, near.year + 1):
        with contextlib.suppress(ValueError):  # 30 February; 29 February in two of the three years
            candidates.append(date(year, month, day))
    return min(candidates, key=lambda found: abs((found - near).days), default=None)


def _from_match(match: re.Match[str]) -> date | None:
    try:
        if match.re is _WORDED:
            return dateparser.parse(re.sub(r"\bof\b", "", match.group()), ignoretz=True).date()
        if match.re is _ISO:
            return date(int(match.group(1)), int(match.group(3)), int(match.group(4)))
        if match.re is _COMPACT:
            return date(*(int(group) for group in match.groups()))
        one, other = int(match.group(1)), int(match.group(3))
        year = int(match.group(4)) + (2000 if len(match.group(4)) == 2 else 0)
        day_first = match.group(2) == "." or one > 12
        return date(year, other, one) if day_first else date(year, one, other)
    except (ValueError, OverflowError):
        return None


MAX_LINE = 20_000
"""Longer lines and paragraphs (characters) are taken as plain words, not as Markdown."""

_MAX_HEADER = 80
_KNOWN_KEYS = frozenset(
    re.findall(
        r"\w+",
        """
    title date category categories tags tag author authors slug summary description status modified
    layout draft created updated subtitle lang template keywords project
""",
    )
)
_KEY_LINE = re.compile(r"^[*_]{0,3}([A-Za-z][\w -]{0,30}?)[*_]{0,3}\s*:[*_]{0,3}(?:\s+(.*))?$")


@dataclass
class Header:
    """The front matter of a log."""

    meta: dict[str, str] = field(default_factory=dict)
    """Keys in lower case. Of a key that comes twice the first counts."""
    taken: range = range(0)
    """Its lines, counted from 0."""
    problems: list[tuple[int, str]] = field(default_factory=list)
    """Line (1-based) and message."""

    def take(self, key: str, value: str, line: int) -> None:
        """Note one key; a date that cannot be understood is a problem."""
        key, value = key.strip().casefold(), value.strip().strip("\"'*_ ")
        self.meta.setdefault(key, value)
        if key == "date" and value and not parse_date(value):
            self.problems.append((line, f"no date understood in {value[:60]!r}"))


def front_matter(lines: list[str]) -> Header:
    """Read YAML between `---` lines or Pelican's `Title: ...` lines, also below a first `# Heading`."""
    header = Header()
    start = next((n for n, line in enumerate(lines) if line.strip()), len(lines))
    if start < len(lines) and lines[start].strip() == "---":
        header.taken = _yaml(lines, start, header)
        return header
    if start < len(lines) and lines[start].startswith("# ") and not section(lines[start][2:]):
        start = next((n for n in range(start + 1, len(lines)) if lines[n].strip()), len(lines))
    header.taken = _key_lines(lines, start, header)
    return header


def _yaml(lines: list[str], start: int, header: Header) -> range:
    near = range(start + 1, min(len(lines), start + _MAX_HEADER))
    end = next((n for n in near if lines[n].strip() in ("---", "...")), None)
    if end is None:
        taken = _key_lines(lines, start + 1, header)
        if not taken:
            return range(0)  # the --- was a break
        header.problems.append((start + 1, "front matter is never closed with ---; its `key: value` lines were read"))
        return range(start, taken.stop)
    try:
        # BaseLoader builds nothing but strings, lists and mappings: no tag of a log is ever obeyed.
        loaded = yaml.load("\n".join(lines[start + 1 : end]), Loader=yaml.BaseLoader)
    except (yaml.YAMLError, RecursionError, ValueError):
        loaded = None
    if isinstance(loaded, dict):
        for key, value in loaded.items():
            words = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
            line = next((n for n in range(start + 1, end) if lines[n].lstrip().startswith(str(key))), start)
            header.take(str(key), words, line + 1)
        return range(start, end + 1)
    taken = _key_lines(lines, start + 1, header)
    if not taken:
        return range(0)
    header.problems.append((start + 1, "front matter is not valid YAML; its `key: value` lines were read"))
    return range(start, end + 1) if taken.stop >= end else range(start, taken.stop)


def _key_lines(lines: list[str], start: int, header: Header) -> range:
    stop = start
    while stop < min(len(lines), start + _MAX_HEADER) and (match := _KEY_LINE.match(lines[stop].strip())):
        key = match.group(1).strip().casefold()
        # Only a known key opens front matter, and a section name ends it: "TODO: ..." is an item.
        if (stop == start and key not in _KNOWN_KEYS) or section(key, strict=True):
            break
        header.take(key, match.group(2) or "", stop + 1)
        stop += 1
    return range(start, stop)


def _parser() -> MarkdownIt:
    """CommonMark without HTML and without indented code: in a log, four spaces are a nested thought.

    Blocks only; `_inline` reads the words within them.
    """
    # Depth is bounded because the parser recurses; deeper lines are taken up as they are.
    parser = MarkdownIt("commonmark", {"html": False, "maxNesting": 60})
    return parser.enable("strikethrough").disable(["code", "inline", "text_join"])


_PARSER = _parser()


@dataclass
class Node:
    """A block with the blocks in it; its words stay a flat list of tokens (`inline`)."""

    token: Token
    children: list[Node] = field(default_factory=list)
    inline: list[Token] = field(default_factory=list)

    @property
    def span(self) -> range:
        """Its lines, 1-based."""
        start, stop = self.token.map or (0, 1)
        return range(start + 1, max(stop, start + 1) + 1)


def blocks(text: str) -> Node:
    """The blocks of a text below one root; their lines are those of the text."""
    links: dict[str, object] = {}
    tokens = _PARSER.parse(text, links)
    root = Node(Token("root", "", 0))
    stack = [root]
    for token in tokens:
        if token.type == "inline":
            stack[-1].inline = _inline(token.content, links)
        elif token.nesting == -1:
            stack.pop()
        else:
            node = Node(token)
            stack[-1].children.append(node)
            if token.nesting == 1:
                token.type = token.type.removesuffix("_open")
                stack.append(node)
    return root


def _inline(text: str, links: dict[str, object]) -> list[Token]:
    tokens: list[Token] = []
    if len(text) <= MAX_LINE:
        _PARSER.inline.parse(text, _PARSER, links, tokens)
        return tokens
    # Brackets without end cost the parser time that grows with the square of the length.
    for number, line in enumerate(text.split("\n")):
        tokens += [Token("softbreak", "br", 0)] if number else []
        tokens.append(Token("text", "", 0, content=line))
    return tokens

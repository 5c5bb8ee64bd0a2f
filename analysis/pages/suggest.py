"""What of a project's results may help to answer a question of its logs: figures, numbers and sections that share its
words, with the finding as it is written. `analysis/logs/nearest.py` weighs them beside what the logs say."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from analysis.figures.draw import Artefact
from analysis.logs.items import Item
from analysis.logs.linked import sources as linked
from analysis.logs.nearest import Candidate, Nearest, from_logs, waiting
from analysis.logs.output import iso
from analysis.logs.sentences import sentence_ends
from analysis.logs.write import escape
from analysis.pages.answer_links import Links, headings
from analysis.pages.numbers import USE, Number
from analysis.plan.paths import Paths
from analysis.system.stamps import noted_in

_LINES = re.compile(r"^(?::::|#|\||\{\{<\s*(?!num\b)|!\[|\[\^|\s*$).*$", re.M)
_LISTED = re.compile(r"^\s*(?:[-*+:]|\d+[.)])\s+", re.M)
_DROPPED = re.compile(
    r"<!--.*?-->|\[-?@[^\]]*\]|\[\^[^\]]*\]|\{\{<(?!\s*num\b)[^<>]*>\}\}|\$[^$\n]*\$|(?<!\{)<[^<>]*>|\s*\(@[\w-]+\)",
    re.S,
)
_LINK = re.compile(r"!?\[((?:[^\[\]]|\[[^\[\]]*\])*)\](?:\([^()]*\)(?:\{[^{}]*\})?|\{[^{}]*\})")
_MARKS = re.compile(r"\*+|`|~~|(?<!\w)_|_(?!\w)|@(?:fig|tbl|sec|eq)-[\w-]+")
_MOST_WORDS = 60
_LEAST_WORDS = 7
"""Shorter sentences hang on what stands before them."""


def nearest(
    items: Sequence[Item], links: Links, numbers: Mapping[str, Number], asked: Sequence[Item] | None = None
) -> Nearest:
    """What may help with each open question and step, or with the items asked about: of the logs and of the results."""
    candidates = from_logs(items, linked(items))
    candidates += [*_figures(links), *_sections(links), *_numbers(numbers)]
    return Nearest(candidates, waiting(items) if asked is None else asked)


def _figures(links: Links) -> Iterator[Candidate]:
    for artefact in links.drawn:
        if page := links.page_of(artefact.name):
            words = f"{artefact.title} {artefact.name.replace('_', ' ')}"
            shown = f"[{escape(artefact.title)}](/{page}#{artefact.figure})"
            yield Candidate("figure", words, shown, artefact.title, artefact.figure)


def _numbers(numbers: Mapping[str, Number]) -> Iterator[Candidate]:
    for name, number in numbers.items():
        words = number.words
        yield Candidate("number", words, f"{escape(words)}: {{{{< num {name} >}}}}", f"{words}: {number.text}", name)


def _sections(links: Links) -> Iterator[Candidate]:
    """A candidate for each sentence of the pages: a section is as near as the nearest of them."""
    for _, whole, text in links.written():
        parts = re.split(r"^(?=#{1,6}\s)", _without_fences(text), flags=re.M)
        slugs = iter(headings(text))
        for part in parts:
            slug, title = next(slugs) if part.startswith("#") else ("", "")
            address = f"{whole}#{slug}" if slug else whole
            link = f"[{escape(title or links.title_of(whole))}](/{address})"
            for words in sentences_of(part.partition("\n")[2] if slug else part):
                shown, plain = f"{link}: {_live(words)}", f"{title or links.title_of(whole)}: {words}"
                yield Candidate("section", f"{title}. {words}", shown, plain, address)


def _without_fences(text: str) -> str:
    text = re.sub(r"\A---\n.*?\n---\n", "", text, flags=re.S)
    return re.sub(r"^(`{3,}|~{3,}).*?^\1[`~]*\s*$", "", text, flags=re.S | re.M)


def sentences_of(text: str) -> Iterator[str]:
    """The prose of a section in plain sentences, with its numbers as they are looked up."""
    for block in re.split(r"\n\s*\n", _LISTED.sub("\n\n", _LINES.sub("\n", text))):
        words = _DROPPED.sub("", block)
        for _ in range(2):  # a span in a link
            words = _LINK.sub(r"\1", words)
        words = re.sub(r" ([.,;:!?])(?=\s|$)", r"\1", " ".join(_MARKS.sub("", words).split()))
        start = 0
        for end in [*sentence_ends(words), len(words)]:
            one = words[start:end].strip()
            start = end
            if _LEAST_WORDS <= len(one.split()) <= _MOST_WORDS:
                yield one


def _live(words: str) -> str:
    """Words as Markdown that shows exactly them, with numbers that are looked up."""
    parts: list[str] = []
    at = 0
    for use in USE.finditer(words):
        parts += [escape(words[at : use.start()]), f"{{{{< num {use.group(1)} >}}}}"]
        at = use.end()
    return "".join(parts) + escape(words[at:])


def proposed(candidates: Iterable[Candidate], number_of: Mapping[str, int]) -> Iterator[str]:
    """Each candidate as the Markdown of a list's entry; `number_of` numbers the logs."""
    for candidate in candidates:
        if candidate.file:
            place = f"[{iso(candidate.day)}, log {number_of[candidate.file]}, line {candidate.line}]{{.source}}"
        else:
            place = f"[{escape(candidate.link, links=False)}]{{.source}}"
        yield f"[*may help:*]{{.may-help}} {candidate.markdown} {place}"


def last_drawn(paths: Paths) -> list[Artefact]:
    """The figures and tables as the last build noted them; what cannot be read is left out: the next build makes it
    again, and says so."""
    found = []
    for record in sorted((paths.build / "artefacts").glob("*.json")):
        with contextlib.suppress(TypeError):  # of another version
            found.append(Artefact(**noted_in(record)))
    return found


def told(candidate: Candidate) -> str:
    """A candidate for a terminal: its words, and where it stands or how an answer links to it."""
    place = f"{iso(candidate.day)}, {candidate.file}:{candidate.line}" if candidate.file else f"--link {candidate.link}"
    return f"may help: {candidate.plain} ({place})"


def about(items: Sequence[Item], near: Nearest) -> str:
    """The sentence that says what the proposals are; nothing where there are none."""
    if not any(near.of(item) for item in items):
        return ""
    return (
        "*May help* stands before what shares its rare words, in the logs and in the results. A machine proposes it; "
        "nobody has judged it.\n"
    )

"""How much the one post of a project may hold: what is longer is not read to its end."""

from __future__ import annotations

import re
from dataclasses import dataclass

from analysis.site.lesswrong.reader import read
from analysis.site.lesswrong.sections import Section

MOST = {"words": 1650, "pictures": 5, "numbers": 40}
"""Unless the post's front matter says otherwise, under `most`: words of everything that a reader reads, pictures, and
numbers in the prose, which is all but tables and what stands under pictures."""
_SET_APART = re.compile(r"<(figure|table)\b.*?</\1>", re.S)
_NUMBER = re.compile(r"(?<![\w.])[-−]?(?:\d[\d,.]*\d|\.?\d)(?!\w)%?")


@dataclass(frozen=True)
class Counted:
    """How much a post holds."""

    words: int
    pictures: int
    numbers: int
    """In the prose."""

    @classmethod
    def of(cls, html: str) -> Counted:
        """What a reader gets of an exported post."""
        left = read(html)
        said = read(_SET_APART.sub(" ", html))
        prose = [*said.texts, *(text for note in said.notes.values() for text in note)]
        numbers = sum(len(_NUMBER.findall(text)) for text in prose)
        return cls(left.words, len(left.images) + left.widgets, numbers)


def excess(section: Section, counted: Counted) -> list[str]:
    """What a post holds too much of, each with the way out."""
    most = MOST | (section.page.source.meta.get("most") or {})
    names = {"words": "words", "pictures": "pictures", "numbers": "numbers in its prose"}
    return [
        f"{getattr(counted, key):,} {names[key]}, at most {most[key]:,}: cut, or set `most: {{{key}: "
        f"{getattr(counted, key)}}}` in its front matter"
        for key in names
        if getattr(counted, key) > most[key]
    ]

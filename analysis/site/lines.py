"""A line of a page, and where its author wrote it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Line:
    """One line as pandoc gets it, where it came from, and whether it is inside a code block."""

    text: str
    file: str
    number: int
    code: bool

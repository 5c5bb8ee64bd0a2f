"""Where fenced blocks of code begin and end in a page, as pandoc has it: also in quotations and lists."""

from __future__ import annotations

import re

_FENCE = re.compile(r"^(?P<lead>[ \t>]*(?:(?:[-*+]|\(?\w{1,3}[.)])[ \t]+)*)(?P<mark>`{3,}|~{3,})(?P<info>.*)$")


def opens(line: str) -> re.Match[str] | None:
    """The fence that a line outside code opens, with `lead`, `mark` and `info`; None for any other line."""
    match = _FENCE.match(line)
    # backticks behind backticks are code within the line
    return None if match and match["mark"][0] == "`" and "`" in match["info"] else match


def closes(fence: re.Match[str], line: str) -> bool:
    """Whether a line closes the block that `fence` opened."""
    match = _FENCE.match(line)
    return bool(match and not match["info"].strip() and match["mark"].startswith(fence["mark"]))

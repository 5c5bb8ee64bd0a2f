"""An Org file as Markdown, line for line: headings, tasks, boxes, links, blocks and tables."""

from __future__ import annotations

import re

_HEADING = re.compile(r"^(\*+)\s+(.*?)(?:\s+:[\w@#%:]+:)?\s*$")
_TASK = re.compile(
    r"^(TODO|NEXT|WAITING|WAIT|HOLD|STARTED|DOING|IN-PROGRESS|INPROGRESS|SOMEDAY|DONE|CANCELLED|CANCELED|KILL"
    r"|ABANDONED|DROPPED)"
    r"\b:?\s*(?:\[#[A-Z]\]\s*)?(.*)$"
)
_BOXES = {"DONE": "x", "CANCELLED": "-", "CANCELED": "-", "KILL": "-", "ABANDONED": "-", "DROPPED": "-"}
_PRIORITY = re.compile(r"^\[#[A-Z]\]\s*")
_KEY = re.compile(r"^\s*#\+(\w+):?\s*(.*)$")
_META = ("title", "date", "author", "category")
_DRAWER = re.compile(r"^\s*:[\w-]+:\s*$")
_PLANNED = re.compile(r"^\s*(?:CLOSED|SCHEDULED|DEADLINE):\s*[<\[].*$")
_LINK = re.compile(r"\[\[([^\]]+)\](?:\[([^\]]+)\])?\]")
_RULE = re.compile(r"^\s*\|[-+]+\|\s*$")
MARKS = re.compile(r"^(?:#\+(?:TITLE|STARTUP|OPTIONS|AUTHOR)\b|\*+ (?:TODO|DONE) )", re.MULTILINE | re.IGNORECASE)
"""What no other form of text has."""


def to_markdown(lines: list[str]) -> tuple[list[str], set[int]]:
    """The lines as Markdown, and the numbers (1-based) of those that hold nothing but form: drawers, options, plans."""
    out: list[str] = []
    form: set[int] = set()
    drawer = block = ""
    below_task = False
    for number, line in enumerate(lines, 1):
        key = _KEY.match(line)
        word = key.group(1).casefold() if key else ""
        heading = _HEADING.match(line) if not block else None
        if drawer:
            drawer = "" if line.strip().upper() == ":END:" else drawer
            form.add(number)
            out.append("")
        elif block == "quote" and word != "end_quote":
            out.append(f"> {line.strip()}")
        elif block and not word.startswith("end_"):
            out.append(line)
        elif word.startswith(("begin_", "end_")):
            quote = word.endswith("_quote")
            block = ("quote" if quote else "code") if word.startswith("begin_") else ""
            indent = "  " if below_task else ""
            language = (key.group(2).split() or [""])[0] if key and block else ""
            out.append("" if quote else f"{indent}```{language}")
            form.add(number)
        elif key:
            kept = word in _META and key.group(2)
            form |= set() if kept else {number}
            out.append(f"{word}: {key.group(2)}" if kept else "")
        elif _DRAWER.match(line):
            drawer = line.strip()
            form.add(number)
            out.append("")
        elif _PLANNED.match(line):
            form.add(number)
            out.append("")
        elif heading:
            title = _PRIORITY.sub("", heading.group(2))
            task = _TASK.match(title)
            below_task = bool(task and task.group(2))
            if task and below_task:
                out.append(f"- [{_BOXES.get(task.group(1), ' ')}] {_linked(task.group(2))}")
            else:
                out.append(f"{'#' * min(len(heading.group(1)), 6)} {_linked(title)}")
        else:
            out.append(_plain(line, below_task))
    return out, form


def _plain(line: str, below_task: bool) -> str:
    if _RULE.match(line):
        return line.replace("+", "|")
    line = re.sub(r"^(\s*)#\s+", r"\1", line)  # a comment, which Markdown would take for a heading
    line = _linked(line)
    return f"  {line}" if below_task and line.strip() and not line.startswith("  ") else line


def _linked(text: str) -> str:
    return _LINK.sub(lambda m: f"[{m.group(2)}]({m.group(1)})" if m.group(2) else f"<{m.group(1)}>", text)

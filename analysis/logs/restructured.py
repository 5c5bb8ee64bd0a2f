"""A reStructuredText file as Markdown, line for line: titles, fields, directives, references and tables."""

from __future__ import annotations

import re

_ADORNED = re.compile(r"^([=\-~^\"'`#*+.:_])\1{2,}\s*$")
_FIELD = re.compile(r"^:([A-Za-z][\w -]{0,30}):\s+(.*)$")
_DIRECTIVE = re.compile(r"^(\s*)\.\.\s+([\w-]+)::\s*(.*)$")
_TARGET = re.compile(r"^\s*\.\.\s+_([^:]+):\s+(\S+)\s*$")
_COMMENT = re.compile(r"^(\s*)\.\.(?:\s+|$)")
_LINK = re.compile(r"`([^`<]+?)\s*<([^>]+)>`__?")
_REFERENCE = re.compile(r"(?<!\w)`([^`]+)`_\b")
_ENUMERATED = re.compile(r"^(\s*)#\.(\s)")
_BORDER = re.compile(r"^\s*={2,}(?:\s+={2,})+\s*$")
_GRID = re.compile(r"^\s*\+[-=+]+\+\s*$")
_CODE = ("code", "code-block", "sourcecode", "literalinclude", "math", "parsed-literal", "highlight")
_OPTION = re.compile(r"^\s+:[\w-]+:")


def to_markdown(lines: list[str]) -> tuple[list[str], set[int]]:
    """The lines as Markdown, and the numbers (1-based) of those that hold nothing but form."""
    out = list(lines)
    form: set[int] = set()
    levels: list[str] = []
    _titles(lines, out, form, levels)
    _tables(out, form)
    code_indent = -1
    dedent = 0
    for index, line in enumerate(out):
        indent = len(line) - len(line.lstrip())
        if code_indent >= 0:
            if not line.strip() or indent > code_indent:
                continue
            code_indent = _close(out, index)
        if dedent and line.strip():
            if indent < dedent:
                dedent = 0
            else:
                line = out[index] = line[dedent:]
                if _OPTION.match(f" {line}"):
                    form.add(index + 1)
                    out[index] = ""
                    continue
        directive, target = _DIRECTIVE.match(line), _TARGET.match(line)
        if target:
            out[index] = f"[{target.group(1).strip('`')}]: {target.group(2)}"
        elif directive:
            name, rest = directive.group(2), directive.group(3)
            if name in _CODE:
                code_indent = len(directive.group(1))
                out[index] = f"{directive.group(1)}```{rest if name.startswith(('code', 'source')) else ''}"
                form.add(index + 1)
            elif name in ("image", "figure"):
                out[index] = f"{directive.group(1)}![]({rest})"
                dedent = len(directive.group(1)) + 3
            else:
                out[index] = f"{directive.group(1)}{rest}"
                dedent = len(directive.group(1)) + 3
                form |= set() if rest else {index + 1}
        else:
            line = _COMMENT.sub(r"\1", line)
            form |= {index + 1} if out[index].strip() and not line.strip() else set()
            field = _FIELD.match(line)
            line = f"{field.group(1)}: {field.group(2)}" if field else line
            line = _LINK.sub(r"[\1](\2)", _ENUMERATED.sub(r"\g<1>1.\2", line))
            out[index] = _REFERENCE.sub(r"[\1]", line)
            if re.search(r"::\s*$", line) and index + 1 < len(out) and not out[index + 1].strip():
                code_indent = _opened_below(out, index)
    return out, form


def _titles(lines: list[str], out: list[str], form: set[int], levels: list[str]) -> None:
    """Titles, whose level is told by the order in which their adornments come."""
    for index, line in enumerate(lines):
        below = lines[index + 1] if index + 1 < len(lines) else ""
        under = _ADORNED.match(below)
        if not (line.strip() and under and len(below.strip()) >= min(len(line.strip()), 4)) or _ADORNED.match(line):
            continue
        if line.startswith((" ", "\t")) and not (index and _ADORNED.match(lines[index - 1])):
            continue
        above = bool(index and lines[index - 1].strip() == below.strip())
        style = under.group(1) + ("2" if above else "")
        if style not in levels:
            levels.append(style)
        out[index] = f"{'#' * min(levels.index(style) + 1, 6)} {line.strip()}"
        for number in (index + 1, *([index - 1] if above else [])):
            out[number] = ""
            form.add(number + 1)


def _tables(out: list[str], form: set[int]) -> None:
    """Simple and grid tables as pipe tables; a border in the middle, or the first one below a row, is the head's."""
    index = 0
    while index < len(out):
        border = _BORDER.match(out[index]) or _GRID.match(out[index])
        stop = next((n for n in range(index + 1, len(out)) if not out[n].strip()), len(out)) if border else index + 1
        if not border:
            index += 1
            continue
        spans = [match.span() for match in re.finditer(r"=+", out[index])]
        headed = False
        for number in range(index, stop):
            line = out[number]
            if _BORDER.match(line) or _GRID.match(line):
                last = number == stop - 1
                rule = "|---" * max(len(spans), line.count("+") - 1) + "|"
                out[number] = rule if number > index and not last and not headed else ""
                headed = headed or number > index
                form.add(number + 1)
            elif spans:
                ends = [*(start for start, _ in spans[1:]), len(line) + 1]
                out[number] = "| " + " | ".join(line[a:b].strip() for (a, _), b in zip(spans, ends, strict=True)) + " |"
        index = stop


def _opened_below(out: list[str], index: int) -> int:
    """Open a fence in the blank line below `::`; the indent of what belongs to it must be larger than what is given."""
    indent = len(out[index]) - len(out[index].lstrip())
    following = next((line for line in out[index + 1 :] if line.strip()), "")
    if len(following) - len(following.lstrip()) <= indent:
        return -1
    out[index + 1] = f"{' ' * indent}```"
    return indent


def _close(out: list[str], index: int) -> int:
    """Close a fence in the last blank line before `index`."""
    blank = next((n for n in range(index - 1, -1, -1) if not out[n].strip()), None)
    if blank is not None:
        out[blank] = "```"
    return -1

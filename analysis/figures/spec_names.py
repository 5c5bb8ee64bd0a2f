"""The names that Altair makes up in a chart's spec, counted from 1: they differ from process to process or version.

`param_7`, `view_7` and, in newer versions, `param_1e9efca18e7a2868` are renamed where they are defined and where
something refers to them: as a parameter, as a view, or in an expression. Data, titles and all other text may hold the
same words and stay as they are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

_AUTOMATIC = re.compile(r"(view|param)_(?:\d+|[0-9a-f]{16}(?:_\d+)?)")
_VIEWS = {"mark", "layer", "concat", "hconcat", "vconcat", "spec"}
"""A part of a spec with one of these keys is a view, which may have a name."""
_EXPRESSIONS = {"expr", "calculate", "test", "labelExpr", "signal", "filter", "and", "or", "not"}
"""Keys whose texts, or lists of texts, are expressions."""
_EVENTS = {"on", "clear", "translate", "zoom"}
"""Keys of a selection whose texts are event streams; expressions stand in their brackets."""
_BY_NAME = {
    "data", "indata", "modify", "setdata", "vlSelectionTest", "vlSelectionIdTest", "vlSelectionResolve",
    "vlSelectionTuples", "scale", "invert", "domain", "range", "bandwidth", "bandspace", "copy", "gradient",
    "pathShape", "containerSize",
}  # fmt: skip
"""Functions of expressions whose first argument is the name of something."""
_TOKEN = re.compile(r""""(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|[A-Za-z_$][\w$]*|\.?\d[\w.]*|\s+|.""", re.S)
_PATTERN = re.compile(r"/(?:\\.|\[(?:\\.|[^\]\\])*\]|[^/\\\[\n])+/[a-z]*")
_OPERAND_BEFORE = re.compile(r"[\w$)\]\"'.]$")


def renumbered(spec: dict[str, Any]) -> dict[str, Any]:
    """A copy of a parsed spec whose automatic names are `param_n1`, `view_n2`, in the order of their definitions."""
    defined = dict.fromkeys(_defined(spec))
    names: dict[str, str] = {}
    number = 0
    for old in defined:
        if found := _AUTOMATIC.fullmatch(old):
            number += 1
            while (new := f"{found[1]}_n{number}") in defined:  # somebody's own name
                number += 1
            names[old] = new
    renamed: dict[str, Any] = _Renaming(names, set(defined)).part(spec)
    return renamed


def _is_data(key: str, within: str) -> bool:
    """Whether what stands under a key is data, in which any word may occur."""
    return key in ("datasets", "usermeta") or (within == "data" and key == "values")


def _defined(part: Any, within: str = "") -> Iterator[str]:
    """The names of parameters and views, in the order of sorted keys."""
    if isinstance(part, list):
        for item in part:
            yield from _defined(item, within)
    elif isinstance(part, dict):
        if isinstance(part.get("name"), str) and (within == "params" or _VIEWS & part.keys()):
            yield part["name"]
        for key in sorted(part):
            if not _is_data(key, within) and not (within == "params" and key == "value"):
                yield from _defined(part[key], key)


class _Renaming:
    def __init__(self, names: dict[str, str], defined: set[str]) -> None:
        self.names, self.defined = names, defined
        self.longest_first = sorted(names, key=len, reverse=True)

    def part(self, part: Any, within: str = "") -> Any:
        if isinstance(part, list):
            return [self._value(within, item, "") for item in part]
        if isinstance(part, dict):
            return {key: self._entry(part, key, within) for key in part}
        return part

    def _entry(self, part: dict[str, Any], key: str, within: str) -> Any:
        value = part[key]
        if _is_data(key, within) or (within == "params" and key == "value"):
            return value
        if key == "name" and isinstance(value, str) and (within == "params" or _VIEWS & part.keys()):
            return self.names.get(value, value)
        if key == "views" and within == "params" and isinstance(value, list):
            return [self._view(view) if isinstance(view, str) else view for view in value]
        return self._value(key, value, within)

    def _value(self, key: str, value: Any, within: str) -> Any:
        if not isinstance(value, str):
            return self.part(value, key)
        if key == "param":
            return self.names.get(value, value)
        if key in _EXPRESSIONS or (key in _EVENTS and within == "select"):
            return self.expression(value)
        return value

    def _view(self, view: str) -> str:
        """The name of a view. One that is repeated has the name of its copy before or behind it."""
        for old in self.longest_first:
            if view == old:
                return self.names[old]
            if view.endswith(f"_{old}"):
                return view.removesuffix(old) + self.names[old]
            if view.startswith(f"{old}_child__"):
                return self.names[old] + view.removeprefix(old)
        return view

    def _word(self, word: str) -> str:
        """A variable of an expression: a name, or one that Vega-Lite derives from it, as `param_1_store`."""
        if word in self.defined:
            return self.names.get(word, word)
        old = next((old for old in self.longest_first if word.startswith(f"{old}_")), None)
        return word if old is None else self.names[old] + word.removeprefix(old)

    def expression(self, text: str) -> str:
        """An expression with its variables renamed; members of objects, keys, texts and patterns are none."""
        out: list[str] = []
        before: list[str] = ["", ""]  # the last two tokens that are no space
        brackets: list[str] = []
        at = 0
        while at < len(text):
            pattern = _PATTERN.match(text, at) if not _OPERAND_BEFORE.search(before[-1]) else None
            token = (pattern or _TOKEN.match(text, at))[0]  # type: ignore[index]  # one of them matches any text
            at += len(token)
            new = token
            if pattern or token.isspace():
                pass
            elif token[0] in "\"'" and before[-1] == "(" and before[-2] in _BY_NAME:
                new = token[0] + self._word(token[1:-1]) + token[-1]
            elif token in "([{":
                brackets.append(token)
            elif token in ")]}":
                brackets[-1:] = []
            elif re.match(r"[A-Za-z_$]", token) and before[-1] != "." and not _is_key(text, at, before, brackets):
                new = self._word(token)
            out.append(new)
            if not token.isspace():
                before = [before[-1], token]
        return "".join(out)


def texts_in_expression(text: str) -> Iterator[str]:
    """What stands in the quotes of an expression, escapes as they are; patterns are no texts."""
    at, before = 0, ""
    while at < len(text):
        pattern = _PATTERN.match(text, at) if not _OPERAND_BEFORE.search(before) else None
        token = (pattern or _TOKEN.match(text, at))[0]  # type: ignore[index]  # one of them matches any text
        at += len(token)
        if not pattern and token[0] in "\"'":
            yield token[1:-1]
        before = before if token.isspace() else token


def _is_key(text: str, end: int, before: list[str], brackets: list[str]) -> bool:
    """Whether the word that ends at `end` is a key of an object: `{key: ...}`."""
    opens = brackets[-1:] == ["{"] and before[-1] in ("{", ",")
    return opens and text[end:].lstrip()[:1] == ":"

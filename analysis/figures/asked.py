"""Which figures the pages ask for: `{{< figure NAME key=value >}}`, with file and line. Only those are drawn.

What a call makes has a name of its own, which its files and its id share: that of the figure with the values behind it,
in the order of their keys (`{{< figure neurons depth=3 >}}` is `neurons_3`), or the one that `as=NAME` gives it.
`experiment=NAME` says whose tables it is drawn from. Everything else is an argument of the figure's function.
"""

from __future__ import annotations

import inspect
import posixpath
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from analysis.figures.fences import closes, opens
from sae.errors import RenderError

CALL = re.compile(r"^\{\{<\s*(?P<kind>figure|part)\s+(?P<name>[\w-]+)(?P<rest>(?:\s+[^\s>]+)*)\s*>\}\}\s*$", re.M)
"""A line that puts what the build wrote in its place: a figure, or a part of a page."""
_INCLUDED = re.compile(r"^\{\{<\s*include\s+[\"']?([^\s\"']+)", re.M)
_ARGUMENT = re.compile(r"([a-z_]\w*)=(?:\"([^\"]*)\"|'([^']*)'|(.*))")
_VALUE = re.compile(r"[\w.-]+")
RESERVED = ("as", "experiment")


@dataclass(frozen=True)
class Asked:
    """A figure that a page asks for."""

    figure: str
    """The module whose function draws it."""
    arguments: tuple[tuple[str, str], ...]
    """Keys and values, as written, sorted; without `as`."""
    name: str
    """Of its files, and, with hyphens, of its id."""
    file: str = ""
    line: int = 0

    @property
    def experiment(self) -> str | None:
        """Whose tables are asked for."""
        return dict(self.arguments).get("experiment")

    def options(self, function: Callable[..., Any]) -> dict[str, Any]:
        """The arguments as the function's annotations have them. Raises RenderError for one that it does not take."""
        known = {
            name: parameter
            for name, parameter in inspect.signature(function).parameters.items()
            if parameter.kind is parameter.KEYWORD_ONLY
        }
        found: dict[str, Any] = {}
        for key, text in self.arguments:
            if key == "experiment":
                continue
            if key not in known:
                says = ", ".join((*known, *RESERVED))
                raise RenderError(f"the figure {self.figure} takes no {key}=; it takes: {says}", self.file, self.line)
            found[key] = _typed(text, known[key].annotation, f"{self.figure} {key}={text}", self)
        for key, parameter in known.items():
            if parameter.default is parameter.empty and key not in found:
                raise RenderError(f"the figure {self.figure} needs {key}=...", self.file, self.line)
        return found


def parse(name: str, rest: str, file: str, line: int) -> Asked:
    """A call from its name and the arguments behind it. Raises RenderError for what is no `key=value`."""
    given: dict[str, str] = {}
    for word in rest.split():
        match = _ARGUMENT.fullmatch(word)
        value = next((part for part in match.groups()[1:] if part is not None), "") if match else ""
        if not match or not _VALUE.fullmatch(value):
            raise RenderError(
                f"{word!r} is no argument of a figure: write key=value, the value of letters, digits, dots, - and _",
                file, line,
            )  # fmt: skip
        if match[1] in given:
            raise RenderError(f"the figure {name} gets {match[1]}= twice", file, line)
        given[match[1]] = value
    own = given.pop("as", None)
    arguments = tuple(sorted(given.items()))
    made = own or "_".join([name, *(re.sub(r"[.-]", "_", value) for _, value in arguments)])
    if not re.fullmatch(r"[\w-]+", made):
        raise RenderError(f"as={made}: a name has letters, digits, - and _", file, line)
    return Asked(name, arguments, made, file, line)


def asked(pages: Iterable[Path], root: Path) -> list[Asked]:
    """Every figure that the pages ask for, once, in their order.

    Raises RenderError where two calls would take the same name.
    """
    found: dict[str, Asked] = {}
    for page in pages:
        file = page.relative_to(root).as_posix()
        for line, text in outside_code(page.read_text(encoding="utf-8")):
            match = CALL.match(text)
            if match and match["kind"] == "figure":
                call = parse(match["name"], match["rest"], file, line)
                first = found.setdefault(call.name, call)
                if (first.figure, first.arguments) != (call.figure, call.arguments):
                    raise RenderError(
                        f"{call.name} is asked for in {first.file}:{first.line} with other arguments; "
                        "give one of the two a name of its own: as=NAME", file, line,
                    )  # fmt: skip
    return list(found.values())


def page_with_part(part: str, pages: Iterable[Path], root: Path) -> str:
    """The first page that asks for a part of this name, itself or in a file that it includes; empty where none does."""
    texts = {page.relative_to(root).as_posix(): page.read_text(encoding="utf-8") for page in pages}
    asking = {
        name for name, text in texts.items()
        if any((m := CALL.match(line)) and (m["kind"], m["name"]) == ("part", part) for _, line in outside_code(text))
    }  # fmt: skip
    parts = {name for name in asking if posixpath.basename(name).startswith("_")}
    while parts:
        names = {posixpath.basename(name) for name in parts}
        above = {
            name for name, text in texts.items()
            if name not in asking and any(posixpath.basename(path) in names for path in _INCLUDED.findall(text))
        }  # fmt: skip
        asking |= above
        parts = {name for name in above if posixpath.basename(name).startswith("_")}
    return next((name for name in sorted(asking) if not posixpath.basename(name).startswith("_")), "")


def outside_code(text: str) -> Iterable[tuple[int, str]]:
    """Lines with their numbers, without those in fenced blocks of code."""
    fence: re.Match[str] | None = None
    for number, line in enumerate(text.splitlines(), 1):
        if fence is not None:
            fence = None if closes(fence, line) else fence
        elif (fence := opens(line)) is None:
            yield number, line


def _typed(text: str, annotation: Any, what: str, call: Asked) -> Any:
    """A value as the annotation (a type, or its text) says: whole number, number, truth value, or text."""
    said = annotation.__name__ if isinstance(annotation, type) else str(annotation)
    kinds = {part.strip() for part in said.split("|")}
    if "bool" in kinds:
        if text in ("true", "false"):
            return text == "true"
        raise RenderError(f"{what}: must be true or false", call.file, call.line)
    for kind, read in (("int", int), ("float", float)):
        if kind in kinds:
            try:
                return read(text)
            except ValueError:
                raise RenderError(f"{what}: must be a number", call.file, call.line) from None
    return text

"""Addresses in `_quarto.yml` that Quarto takes as relative to each page, so that only the pages beside it have them.

Those are links in the footer, pictures of link previews, `resources` (which without a `/` match in every folder), and
whatever an include writes into pages. With `/` before them they lead to one place in both renderers.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from analysis.site.keys import key_line, read_yaml, text_file
from analysis.site.links import ELSEWHERE, relative_addresses
from sae.errors import RenderError

SIDES = ("left", "center", "right")
INCLUDES = ("include-in-header", "include-before-body", "include-after-body")
_BRACKET = re.compile(r"\[|\](?:\(\s*<?([^)\s>]+))?")
_DEFINITION = re.compile(r"^\s*\[[^\]\n]+\]:\s*<?([^\s>]+)", re.MULTILINE)
# In code, and behind a backslash, no link begins.
_NOT_READ = re.compile(r"\\.|(?<!`)(`+)(?!`).*?(?<!`)\1(?!`)", re.DOTALL)


def check_rooted(root: Path, config: dict[str, Any], text: str, file: str) -> None:
    """Raise RenderError for the first address of the settings that leads elsewhere from every folder."""
    for place, line, message in unrooted(root, config, text, file):
        raise RenderError(message, place, line)


def unrooted_settings(root: Path, file: str) -> list[tuple[str, int, str]]:
    """What `unrooted` finds in the settings of a project that may have none."""
    path = root / file
    if not path.is_file():
        return []
    text = text_file(path)
    return list(unrooted(root, read_yaml(text, file), text, file))


def unrooted(root: Path, config: dict[str, Any], text: str, file: str) -> Iterator[tuple[str, int, str]]:
    """File, line and message of every such address; `text` is what `config` was read from."""
    project, site, formats = (_mapping(config.get(key)) for key in ("project", "website", "format"))
    for pattern in _some(project.get("resources")):
        if isinstance(pattern, str) and not pattern.lstrip("!").startswith("/"):
            why = f"resources: {pattern!r} matches in every folder, _site and build too"
            yield file, _line(text, "resources", pattern), f"{why}; write '{_rooted(pattern)}'"
    for key, holder in (
        ("image", site),
        *((name, _mapping(site.get(name))) for name in ("open-graph", "twitter-card")),
    ):
        name = holder.get("image")
        if isinstance(name, str) and _is_relative(name):
            yield file, _line(text, "image", name), f"{key}: {_says(name)}"
    footer = site.get("page-footer")
    for side, words in (footer if isinstance(footer, dict) else {"": footer}).items():
        if isinstance(words, str) and (not side or side in SIDES):
            key = f"page-footer.{side}".rstrip(".")
            for address in _in_markdown(words):
                yield file, _line(text, "page-footer", address), f"{key}: {_says(address)}"
    for holder in (config, _mapping(formats.get("html"))):
        for key in INCLUDES:
            for item in _some(holder.get(key)):
                yield from _included(root, item, key, text, file)


def _included(root: Path, item: object, key: str, text: str, file: str) -> Iterator[tuple[str, int, str]]:
    words = item.get("text") if isinstance(item, dict) else None
    if isinstance(words, str):
        yield from ((file, _line(text, key, found), f"{key}: {_says(found)}") for found in relative_addresses(words))
        return
    name = item.get("file") if isinstance(item, dict) else item
    path = root / str(name).lstrip("/")
    if isinstance(name, str) and path.is_file() and path.resolve().is_relative_to(root.resolve()):
        words = text_file(path, name)
        yield from ((name, _line(words, "", found), f"{key}: {_says(found)}") for found in relative_addresses(words))


def _in_markdown(words: str) -> list[str]:
    words = _NOT_READ.sub(" ", words)
    found = [*_linked(words), *_DEFINITION.findall(words), *relative_addresses(words)]
    return [address for address in found if _is_relative(address)]


def _linked(words: str) -> Iterator[str]:
    """The addresses behind brackets that were opened: without one `c](d)` is text."""
    open_brackets = 0
    for match in _BRACKET.finditer(words):
        if match[0] == "[":
            open_brackets += 1
        elif open_brackets:
            open_brackets -= 1
            if match[1]:
                yield match[1]


def _is_relative(address: str) -> bool:
    return not (ELSEWHERE.match(address) or address.startswith(("/", "#", "?")))


def _says(address: str) -> str:
    return f"{address} leads to another place from every folder in Quarto; write '{_rooted(address)}'"


def _rooted(address: str) -> str:
    sign = "!" if address.startswith("!") else ""
    path, mark, rest = re.fullmatch(r"([^?#]*)([?#]?)(.*)", address.removeprefix(sign), re.DOTALL).groups()  # type: ignore[union-attr]  # matches any text
    return f"{sign}/{posixpath.normpath(path)}{mark}{rest}"


def _line(text: str, key: str, needle: str) -> int:
    """The line that names the address, from that of its key on; that of the key where it is written otherwise."""
    first = key_line(text, key) if key else 1
    after = list(enumerate(text.splitlines(), start=1))[first - 1 :]
    return next((number for number, line in after if needle in line), first)


def _mapping(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _some(value: object) -> list[object]:
    return value if isinstance(value, list) else [value] if value else []

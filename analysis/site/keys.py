"""The settings of `_quarto.yml` and of a page's front matter that the embedded renderer knows.

A leaf is USED (it changes what we make), a Kind (the same, and of what type it has to be), IGNORED (Quarto uses it
for something these pages do well without) or ONLY (the one value that we can honour). A key that stands in none of
the trees is refused: a setting that is silently without effect in one of the two renderers is worse than an error.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from analysis.system.bounded_yaml import YamlError, load
from sae.errors import RenderError

# A project lists those that its pages use.
SHORTCODES = [
    ["_extensions/strata/num.lua", "_extensions/strata/fragment.lua"],
    ["_extensions/strata/num.lua"],
    ["_extensions/strata/fragment.lua"],
]
USED = "used"
IGNORED = "ignored"


class Only:
    """A setting with a single value that this renderer can honour."""

    def __init__(self, *values: object) -> None:
        self.values = values


class Kind:
    """A setting that is used, with the type that it must have; null is as good as left out."""

    def __init__(self, words: str, fits: Callable[[object], bool]) -> None:
        self.words, self.fits = words, fits


def _texty(value: object) -> bool:
    return isinstance(value, str | int | float) and not isinstance(value, bool)


TEXT = Kind("text", _texty)
TEXTS = Kind(
    "a text or a list of texts", lambda value: all(map(_texty, value)) if isinstance(value, list) else _texty(value)
)
FLAG = Kind("true or false", lambda value: isinstance(value, bool))
_DEPTH = Kind("a whole number from 1 to 6", lambda value: type(value) is int and 1 <= value <= 6)
_TITLE = Kind("text, or false for none", lambda value: value is False or _texty(value))
_ADDRESS = Kind("true, false or an address", lambda value: isinstance(value, bool | str))
_FOLD = Kind("true, false or show", lambda value: isinstance(value, bool) or value == "show")

_CODE: dict[str, Any] = {"code-fold": _FOLD, "code-summary": TEXT, "code-line-numbers": FLAG}

_FORMAT: dict[str, Any] = {
    "theme": IGNORED, "respect-user-color-scheme": USED, "css": TEXTS, "include-in-header": USED,
    "include-after-body": USED, "toc": FLAG, "toc-depth": _DEPTH, "toc-title": TEXT,
    "toc-location": Only("right"), "html-math-method": Only("mathml"), "link-external-newwindow": Only(False),
    "link-external-icon": Only(False), "number-sections": Only(False), "embed-resources": Only(False),
    "self-contained": Only(False), "fig-cap-location": Only("bottom"), "tbl-cap-location": Only("top"),
    "lightbox": Only(False), "comments": Only(False), "minimal": Only(False), "section-divs": Only(True),
    "code-tools": Only(False), "code-copy": IGNORED, "code-overflow": Only("scroll"),
    "code-annotations": Only(False, "none"), "highlight-style": IGNORED, "syntax-highlighting": IGNORED,
    "anchor-sections": Only(True), "smooth-scroll": IGNORED, "fig-align": Only("center", "default"),
    "fig-responsive": IGNORED, "grid": IGNORED, "email-obfuscation": IGNORED, "citations-hover": IGNORED,
    "crossrefs-hover": IGNORED, "footnotes-hover": IGNORED, "page-layout": TEXT, "appendix-style": Only("default"),
    "title-block-style": Only("default"), "toc-expand": IGNORED, "canonical-url": _ADDRESS, "df-print": IGNORED,
    "wrap": IGNORED,
} | _CODE  # fmt: skip

_SHARED: dict[str, Any] = {
    "lang": TEXT, "engine": Only("markdown"), "bibliography": TEXTS, "csl": TEXT, "author": USED,
    "affiliations": USED, "date": TEXT, "execute": IGNORED, "editor": IGNORED, "link-citations": Only(True),
    "keep-md": IGNORED, "nocite": TEXT, "date-format": Only("long"),
}  # fmt: skip

PROJECT_KEYS: dict[str, Any] = _SHARED | {
    "strata": {"experiment": TEXT, "explorer": TEXTS},
    "project": {
        "type": Only("website"), "output-dir": IGNORED, "render": TEXTS, "resources": TEXTS,
        "pre-render": IGNORED, "post-render": IGNORED, "preview": IGNORED, "execute-dir": IGNORED,
    },
    "shortcodes": Only(*SHORTCODES),
    "website": {
        "title": TEXT, "description": TEXT, "site-url": TEXT, "open-graph": FLAG, "twitter-card": FLAG,
        "image": TEXT, "image-alt": TEXT, "favicon": TEXT, "repo-url": IGNORED, "repo-branch": IGNORED,
        "repo-actions": Only(False), "issue-url": IGNORED, "search": IGNORED, "back-to-top-navigation": Only(False),
        "bread-crumbs": IGNORED, "reader-mode": Only(False), "cookie-consent": Only(False), "llms-txt": IGNORED,
        "navbar": {
            "title": _TITLE, "left": USED, "right": USED, "background": IGNORED, "foreground": IGNORED,
            "search": IGNORED, "pinned": IGNORED, "collapse": IGNORED, "collapse-below": IGNORED,
            "toggle-position": IGNORED,
        },
        "page-footer": {"left": USED, "center": USED, "right": USED, "border": IGNORED, "background": IGNORED,
                        "foreground": IGNORED},
        "page-navigation": FLAG,
    },
    "format": {"html": _FORMAT},
}  # fmt: skip

PAGE_KEYS: dict[str, Any] = _SHARED | _CODE | {
    "title": TEXT, "subtitle": TEXT, "description": TEXT, "categories": TEXTS, "image": TEXT,
    "image-alt": TEXT, "pagetitle": TEXT, "toc": FLAG, "toc-depth": _DEPTH, "toc-title": TEXT,
    "page-layout": TEXT, "resources": TEXTS, "include-in-header": USED, "order": IGNORED,
    "drafted-by": TEXT, "canonical-url": _ADDRESS, "search": IGNORED, "date-modified": TEXT,
    "number-sections": Only(False), "draft": Only(False), "jupyter": Only(False), "jupytext": IGNORED,
    "code-annotations": Only(False, "none"),
}  # fmt: skip

_COUNT = Kind("a whole number from 1", lambda value: type(value) is int and value >= 1)
POST_KEYS: dict[str, Any] = PAGE_KEYS | {"most": {"words": _COUNT, "pictures": _COUNT, "numbers": _COUNT}}
"""Of a post that is no page; `most` says what it may hold."""

NAV_KEYS: dict[str, Any] = {
    "href": TEXT, "text": TEXT, "aria-label": TEXT, "rel": TEXT, "target": TEXT, "icon": IGNORED, "menu": USED,
}  # fmt: skip


def check_keys(given: object, known: Mapping[str, Any], text: str, file: str, first: int = 1, path: str = "") -> None:
    """Refuse every setting of `given` that is not in the tree `known`, with its line in `text`."""
    if not isinstance(given, dict):
        raise RenderError(f"{path or 'the settings'}: a mapping is expected, not {given!r}", file, first)
    for key, value in given.items():
        name = f"{path}.{key}" if path else str(key)
        line = key_line(text, str(key), first)
        leaf = known.get(str(key))
        if leaf is None:
            raise RenderError(f"unknown key {name!r}; known here: {', '.join(sorted(known))}", file, line)
        # Quarto lets any part of the site be switched off by false.
        if isinstance(leaf, dict) and value is not None and not (value is False and path == "website"):
            check_keys(value, leaf, text, file, first, name)
        elif value is None:
            continue  # a key without a value is as good as left out: see `without_empty`
        elif isinstance(leaf, Kind) and not leaf.fits(value):
            raise RenderError(f"{name}: {leaf.words} is expected, not {value!r}", file, line)
        elif isinstance(leaf, Only) and value not in leaf.values:
            allowed = ", ".join(str(v) for v in leaf.values)
            raise RenderError(
                f"{name}: {value!r} is not supported by the embedded renderer, only {allowed}", file, line
            )


def without_empty(given: Any) -> Any:
    """Settings without their keys that have no value (`toc-title:`), at all levels."""
    if isinstance(given, dict):
        return {key: without_empty(value) for key, value in given.items() if value is not None}
    return [without_empty(one) for one in given if one is not None] if isinstance(given, list) else given


def as_written(
    meta: Mapping[str, Any], known: Mapping[str, Any], text: str, file: str, first: int = 1
) -> dict[str, Any]:
    """The settings, those that are texts as texts: `title: 2026` is `2026`.

    Raises RenderError for a number that YAML reads as another one than stands there, such as 1.10.
    """

    def spelled(key: str, value: object) -> object:
        if isinstance(value, list):
            return [spelled(key, one) for one in value]
        if not isinstance(value, int | float):
            return value
        line = key_line(text, key, first)
        if not re.search(rf"(?<![\w.+-]){re.escape(str(value))}(?![\w.])", text):
            raise RenderError(f"{key}: YAML reads this as the number {value}; put it in quotes", file, line)
        return str(value)

    return {key: spelled(key, value) if known.get(key) in (TEXT, TEXTS) else value for key, value in meta.items()}


def key_line(text: str, key: str, first: int = 1) -> int:
    """The line on which a YAML key stands (the first one of that name), counted from `first`."""
    lines = list(enumerate(text.splitlines(), start=first))
    for pattern in (rf"^[ \-{{]*{re.escape(key)}:", rf"(?<![\w-]){re.escape(key)}:"):
        for number, line in lines:
            if re.search(pattern, line):
                return number
    return first


def read_yaml(text: str, file: str, first: int = 1) -> dict[str, Any]:
    """A YAML mapping; a syntax error names its line, counted from `first`."""
    try:
        value = load(text)
    except YamlError as error:
        raise RenderError(f"YAML: {error}", file, first + error.line - 1) from None
    if not isinstance(value, dict | None):
        raise RenderError("YAML: a mapping is expected", file, first)
    return value or {}


def text_file(path: Path, name: str = "") -> str:
    """A UTF-8 file with any line ends; a byte order mark would hide the front matter from Quarto too.

    `name` is what messages call it. Raises RenderError where it cannot be read, or is no text.
    """
    name = name or path.name
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise RenderError(f"cannot be read: {error.strerror or error}", name) from None
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise RenderError(f"not UTF-8 (byte {raw[error.start]:#04x}): save it as UTF-8", name, line) from None
    if "\0" in text:
        raise RenderError("holds a NUL byte: it is no text", name, text.count("\n", 0, text.index("\0")) + 1)
    return text.replace("\r\n", "\n").replace("\r", "\n")

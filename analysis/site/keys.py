"""The settings of `_quarto.yml` and of a page's front matter that the embedded renderer knows.

A leaf is USED (it changes what we make), IGNORED (Quarto uses it for something these pages do well without)
or ONLY (the one value that we can honour). A key that stands in none of the trees is refused: a setting that
is silently without effect in one of the two renderers is worse than an error.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from analysis.bounded_yaml import YamlError, load
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


_FORMAT: dict[str, Any] = {
    "theme": IGNORED, "respect-user-color-scheme": USED, "css": USED, "include-in-header": USED,
    "include-after-body": USED, "toc": USED, "toc-depth": USED, "toc-title": USED,
    "toc-location": Only("right"), "html-math-method": Only("mathml"), "link-external-newwindow": Only(False),
    "link-external-icon": Only(False), "number-sections": Only(False), "embed-resources": Only(False),
    "self-contained": Only(False), "fig-cap-location": Only("bottom"), "tbl-cap-location": Only("top"),
    "lightbox": Only(False), "comments": Only(False), "minimal": Only(False), "section-divs": Only(True),
    "code-tools": Only(False), "code-fold": IGNORED, "code-copy": IGNORED, "code-overflow": IGNORED,
    "highlight-style": IGNORED, "syntax-highlighting": IGNORED, "anchor-sections": IGNORED,
    "smooth-scroll": IGNORED, "fig-align": IGNORED, "fig-responsive": IGNORED, "grid": IGNORED,
    "fontsize": IGNORED, "mainfont": IGNORED, "monofont": IGNORED, "linestretch": IGNORED,
    "max-width": IGNORED, "email-obfuscation": IGNORED, "citations-hover": IGNORED,
    "crossrefs-hover": IGNORED, "footnotes-hover": IGNORED, "page-layout": USED, "appendix-style": IGNORED,
    "title-block-style": IGNORED, "toc-expand": IGNORED, "canonical-url": USED, "df-print": IGNORED,
    "wrap": IGNORED,
}  # fmt: skip

_SHARED: dict[str, Any] = {
    "lang": USED, "engine": Only("markdown"), "bibliography": USED, "csl": USED, "author": USED, "date": USED,
    "execute": IGNORED, "editor": IGNORED, "link-citations": Only(True), "keep-md": IGNORED, "nocite": USED,
    "date-format": IGNORED,
}  # fmt: skip

PROJECT_KEYS: dict[str, Any] = _SHARED | {
    "project": {
        "type": Only("website"), "output-dir": IGNORED, "render": USED, "resources": USED,
        "pre-render": IGNORED, "post-render": IGNORED, "preview": IGNORED, "execute-dir": IGNORED,
    },
    "shortcodes": Only(*SHORTCODES),
    "website": {
        "title": USED, "description": USED, "site-url": USED, "open-graph": USED, "twitter-card": USED,
        "image": USED, "image-alt": USED, "favicon": USED, "repo-url": IGNORED, "repo-branch": IGNORED,
        "repo-actions": IGNORED, "issue-url": IGNORED, "search": IGNORED, "back-to-top-navigation": IGNORED,
        "bread-crumbs": IGNORED, "reader-mode": IGNORED, "cookie-consent": Only(False), "llms-txt": IGNORED,
        "navbar": {
            "title": USED, "left": USED, "right": USED, "background": IGNORED, "foreground": IGNORED,
            "search": IGNORED, "pinned": IGNORED, "collapse": IGNORED, "collapse-below": IGNORED,
            "toggle-position": IGNORED,
        },
        "page-footer": {"left": USED, "center": USED, "right": USED, "border": IGNORED, "background": IGNORED,
                        "foreground": IGNORED},
        "page-navigation": USED,
    },
    "format": {"html": _FORMAT},
}  # fmt: skip

PAGE_KEYS: dict[str, Any] = _SHARED | {
    "title": USED, "subtitle": USED, "description": USED, "categories": USED, "image": USED,
    "image-alt": USED, "pagetitle": USED, "toc": USED, "toc-depth": USED, "toc-title": USED,
    "page-layout": USED, "resources": USED, "include-in-header": USED, "keywords": IGNORED, "order": IGNORED,
    "drafted-by": USED, "canonical-url": USED,
    "search": IGNORED, "date-modified": IGNORED, "number-sections": Only(False), "draft": Only(False),
    "jupyter": Only(False), "jupytext": IGNORED,
}  # fmt: skip

NAV_KEYS: dict[str, Any] = {
    "href": USED, "text": USED, "aria-label": USED, "rel": USED, "target": USED, "icon": IGNORED, "menu": USED,
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
        if isinstance(leaf, dict) and not (value is False and path == "website"):
            check_keys(value, leaf, text, file, first, name)
        elif isinstance(leaf, Only) and value not in leaf.values:
            allowed = ", ".join(str(v) for v in leaf.values)
            raise RenderError(
                f"{name}: {value!r} is not supported by the embedded renderer, only {allowed}", file, line
            )


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

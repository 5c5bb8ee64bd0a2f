"""No number typed by hand: a decimal or a percentage in prose needs a `num` shortcode or a source.

    held-out variance explained is {{< num variance_explained/latents/1 >}}      looked up
    the paper reports [.5547]{.sourced source="Leask et al. 2025, section 4"}     sourced

Code, formulas, links' targets, attributes, front matter and HTML comments are passed over.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from sae.errors import RenderError

NUMBER = re.compile(r"(?<![\w./:-])(?:\d+)?\.\d+(?![\w.]*\d)|(?<![\w.])\d+(?:\.\d+)?\s?%")
SOURCED = re.compile(r"\[[^\[\]]*\]\{\.sourced[^{}]*source=[^{}]*\}")
# In this order: what opens first hides what stands inside it. None reads past the next of its own beginnings, so that
# what is opened again and again and never closed is looked at once.
PASSED_OVER = (
    re.compile(r"\A---\n.*?\n---\n", re.S),
    re.compile(r"<!--(?:(?!<!--).)*?-->", re.S),
    re.compile(r"^(`{3,}+|~{3,}+).*?^\1", re.S | re.M),
    re.compile(r"\$\$.*?\$\$", re.S),
    re.compile(r"`[^`\n]+`"),
    re.compile(r"(?<![\\\w])\$(?=\S)[^$\n]+?(?<=\S)\$"),
    re.compile(r"\{\{<(?:(?!\{\{<).)*?>\}\}"),
    SOURCED,
    re.compile(r"\]\((?:(?!\]\()[^)])*\)"),
    re.compile(r"\{[^{}\n]*\}"),
    re.compile(r"<https?:[^<>]*>"),
)


def check_prose(pages: Iterable[Path], root: Path) -> None:
    """Raise RenderError with file and line for the first number that comes from nowhere."""
    for page in pages:
        for line, number in unsourced(page.read_text(encoding="utf-8")):
            raise RenderError(
                f"the number {number!r} is typed by hand: use {{{{< num ... >}}}} or "
                f'[{number}]{{.sourced source="..."}}',
                page.relative_to(root).as_posix(),
                line,
            )


def unsourced(text: str) -> list[tuple[int, str]]:
    """Line and text of every decimal or percentage that is neither looked up nor sourced."""
    for pattern in PASSED_OVER:
        # line breaks stay, so that line numbers stay true
        text = pattern.sub(lambda match: re.sub(r"[^\n]", " ", match.group()), text)
    return [(text.count("\n", 0, match.start()) + 1, match.group()) for match in NUMBER.finditer(text)]

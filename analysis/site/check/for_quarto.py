"""What real Quarto would stumble over in a project's own files, told without Quarto (docs/quarto.md has the reasons).

What can be told of a single page is refused while it is read, in `site/source.py` and `site/embedded.py`; what concerns
the project as a whole stands here.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from analysis.site.check.findings import Finding
from analysis.site.keys import read_yaml, text_file
from analysis.site.project import CONFIG, as_list, resource_files
from analysis.site.rooted import unrooted_settings

KIND = "real Quarto"
IGNORED = ("/.quarto/", "**/*.quarto_ipynb")
"""Lines that Quarto adds to .gitignore while it renders; then every page says that it was made from changed files."""
OFFSET = "quarto:offset"
"""A tag that Quarto writes only where its own search is on: a script that needs it is dead elsewhere."""

_SCRIPT = re.compile(r"<script\b[^>]*>(.*?)</script", re.S | re.I)


def findings(root: Path) -> Iterator[Finding]:
    """What is wrong in the project in `root`; the settings are only read as far as these rules need them."""
    if not (root / CONFIG).is_file():
        return
    settings = read_yaml(text_file(root / CONFIG), CONFIG)
    for file, line, wrong in unrooted_settings(root, CONFIG):
        yield Finding(f"{file}:{line}", "unrooted address", wrong)
    project, site = settings.get("project") or {}, settings.get("website") or {}
    yield from _git_ignores(root)
    yield from _scripts(root, as_list(project.get("resources")))
    if not project.get("post-render"):
        if site.get("page-navigation") and not site.get("sidebar"):
            yield Finding(CONFIG, KIND, "page-navigation: Quarto writes none without a sidebar; post-render adds it")
        if site.get("search") is False:
            yield Finding(CONFIG, KIND, "search: false: Quarto writes search.json all the same; post-render removes it")


def _git_ignores(root: Path) -> Iterator[Finding]:
    if not (root / ".git").exists():
        return
    ignored = root / ".gitignore"
    lines = text_file(ignored).splitlines() if ignored.is_file() else []
    for line in IGNORED:
        if line not in lines:
            yield Finding(".gitignore", KIND, f"lacks the line {line}, which Quarto adds while it renders")


def _scripts(root: Path, patterns: list[str]) -> Iterator[Finding]:
    for name in resource_files(root, tuple(patterns)):
        if not name.endswith((".js", ".mjs")):
            continue
        text = (root / name).read_text(encoding="utf-8", errors="replace")
        for number in _lines(text):
            yield _offset(name, number)
    for file in _pages(root):
        text = file.read_text(encoding="utf-8", errors="replace")
        for script in _SCRIPT.finditer(text):
            for number in _lines(script[1]):
                yield _offset(file.relative_to(root).as_posix(), text.count("\n", 0, script.start(1)) + number)


def _pages(root: Path) -> Iterator[Path]:
    """Every file of the project that can bring a script into a page: pages, what they include, templates."""
    for folder, folders, files in os.walk(root):
        # folders that a build makes, and those of programs, hold no sources
        folders[:] = sorted(one for one in folders if one[0] != "." and one not in ("_site", "build", "node_modules"))
        for name in sorted(files):
            if (file := Path(folder, name)).suffix in (".qmd", ".md", ".html", ".yml") and file.is_file():
                yield file


def _lines(script: str) -> Iterator[int]:
    """The lines of a script that name the tag, however it is then looked for."""
    return (number for number, line in enumerate(script.splitlines(), start=1) if OFFSET in line)


def _offset(file: str, line: int) -> Finding:
    found = f"line {line} looks for <meta name={OFFSET!r}>, which is there only with Quarto's own search"
    return Finding(file, KIND, f"{found}: begin at the script's own address (document.currentScript.src)")

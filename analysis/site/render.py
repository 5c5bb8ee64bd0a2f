"""Render the site with Quarto where there is one, with the embedded renderer elsewhere. Same sources, same output."""

from __future__ import annotations

import os
import posixpath
import shutil
import sys
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from analysis.plan.paths import Paths
from analysis.site import search
from analysis.site.embedded import render as render_embedded
from analysis.site.inside import refusal
from analysis.site.keys import key_line, read_yaml, text_file
from analysis.site.project import CONFIG, as_list, resource_files
from analysis.site.rooted import unrooted_settings
from analysis.system import children
from sae.errors import RenderError

# `_extensions/strata/_extension.yml` asks Quarto itself for it
OLDEST_QUARTO = "1.7"
# Quarto only warns, and exits with 0, where a reference or a link leads nowhere
COMPLAINTS = ("WARN", "Unable to resolve", "ERROR")


@dataclass(frozen=True)
class Rendered:
    """Which renderer made the site, and why that one."""

    renderer: str
    reason: str


def choose(renderer: str | None) -> Rendered:
    """Quarto if it is on PATH, unless told otherwise. Raises RenderError for a Quarto that is asked for and missing."""
    found = shutil.which("quarto")
    if renderer == "quarto" and not found:
        raise RenderError(f"no `quarto` on PATH: install Quarto {OLDEST_QUARTO} or later, or use --renderer embedded")
    if renderer in (None, "quarto") and found:
        return Rendered("quarto", "found on PATH")
    return Rendered("embedded", "asked for" if renderer == "embedded" else "no `quarto` on PATH")


def render(paths: Paths, renderer: str | None = None) -> Rendered:
    """Write `_site`. The build must have run. Raises RenderError; a failed embedded build leaves the last good site."""
    chosen = choose(renderer)
    if chosen.renderer == "embedded":
        render_embedded(paths.root, paths.site, finish=search.index)
        return chosen
    render_by_quarto(paths)
    return chosen


def passed_over(paths: Paths) -> list[str]:
    """The pages beside those that are rendered that `project.render` does not list, so that nobody will see them; none
    where it lists nothing, which to Quarto means all. Files whose name begins with `_` are parts of pages."""
    text = text_file(paths.root / CONFIG, CONFIG)
    listed = as_list((read_yaml(text, CONFIG).get("project") or {}).get("render"))
    if not listed:
        return []
    folders = {posixpath.dirname(page) for page in listed if not page.startswith("!")} | {""}
    beside = [page for folder in folders for page in (paths.root / folder).glob("*.qmd")]
    names = {page.relative_to(paths.root).as_posix() for page in [*beside, *paths.report.rglob("*.qmd")]}
    return sorted(name for name in names if not _is_part(name) and not _renders(listed, name))


def _is_part(name: str) -> bool:
    return any(part.startswith(("_", ".")) for part in name.split("/"))


def _renders(listed: list[str], name: str) -> bool:
    """Whether the list, as Quarto reads it, names a page: a later `!` takes out what one before it put in."""
    found = False
    for entry in listed:
        glob = entry.removeprefix("!").strip("/")
        deep = glob.replace("**/", "*") if "**" in glob else glob
        if fnmatchcase(name, deep) or fnmatchcase(name, f"{glob}/*"):
            found = not entry.startswith("!")
    return found


def render_by_quarto(paths: Paths, out: Path | None = None) -> None:
    """Call Quarto: into `_site`, or into `out`, a folder of the project, which leaves `_site` as it is.

    The build must have run. Raises RenderError, also where Quarto only warns, or would lead each page elsewhere.
    """
    _check_settings(paths)
    # the build has run, so the pre-render step need not do so again
    environment = os.environ | {"STRATA_BUILT": "1", "QUARTO_PYTHON": sys.executable}
    # Quarto takes the folder relative to the project
    elsewhere = ["--output-dir", paths.relative(out)] if out else []
    # without a limit of time: it runs whatever the project has it run, and ends when we do
    done = children.run(["quarto", "render", *elsewhere], cwd=paths.root, env=environment)
    log = (done.stdout + done.stderr).decode(errors="replace")
    if done.returncode:
        raise RenderError(f"quarto render failed:\n{log}")
    bad = [line for line in log.splitlines() if any(word in line for word in COMPLAINTS)]
    if bad:
        raise RenderError("quarto render complained:\n" + "\n".join(bad))


def _check_settings(paths: Paths) -> None:
    """Raise RenderError for settings with which Quarto would lead pages elsewhere, or publish what is private."""
    for file, line, wrong in unrooted_settings(paths.root, CONFIG):
        raise RenderError(wrong, file, line)
    if (paths.root / CONFIG).is_file():
        text = text_file(paths.root / CONFIG, CONFIG)
        project = read_yaml(text, CONFIG).get("project") or {}
        for page in as_list(project.get("render")):
            if page.endswith(".qmd") and (why := refusal(paths.root, page)):
                raise RenderError(f"project.render: {page} {why}", CONFIG, key_line(text, "render"))
        patterns = tuple(pattern for pattern in as_list(project.get("resources")) if not pattern.startswith("!"))
        resource_files(paths.root, patterns, line=key_line(text, "resources"))

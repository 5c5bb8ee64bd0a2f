"""Where the links of a section lead once the site is published: every address absolute, none to nowhere."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, unquote

from analysis.site.inside import refusal
from analysis.site.links import ELSEWHERE, ids_of, tags_of
from analysis.site.project import Project


@dataclass
class Addresses:
    """Resolves addresses of one site, and remembers what it checked. `base` is the site's URL without a slash."""

    project: Project
    base: str
    site: Path
    """The rendered site: its ids are looked up there, where it has been rendered."""
    checked: dict[str, str] = field(default_factory=dict)
    """Absolute address -> what is wrong with it; empty where nothing is."""
    _ids: dict[str, set[str]] = field(default_factory=dict)

    def page(self, page: str, anchor: str = "") -> str:
        """A page as it is published."""
        return f"{self.base}/{self.project.html_of(page)}" + (f"#{quote(anchor, safe='=&;,')}" if anchor else "")

    def file(self, path: str) -> str:
        """A file of the project as it is published."""
        return f"{self.base}/{quote(path)}"

    def resolve(self, target: str, page: str) -> str:
        """An address that stands on `page`, made absolute."""
        if ELSEWHERE.match(target):
            return "https:" + target if target.startswith("//") else target
        path, _, anchor = target.partition("#")
        path, question, query = path.partition("?")
        folder = posixpath.dirname(page)
        wanted = unquote(path)
        found = posixpath.normpath(wanted.lstrip("/") if wanted.startswith("/") else posixpath.join(folder, wanted))
        found = page if not path else found
        if found.endswith(".html") and found.removesuffix(".html") + ".qmd" in self.project.pages:
            found = found.removesuffix(".html") + ".qmd"
        if found in self.project.pages:
            made = self.page(found) + question + query + (f"#{anchor}" if anchor else "")
            self.checked[made] = self._anchor(found, unquote(anchor))
        else:
            made = self.file(found) + question + query + (f"#{anchor}" if anchor else "")
            there = not refusal(self.project.root, found) and (self.project.root / found).is_file()
            self.checked[made] = "" if there else f"there is no {target} on the site"
        return made

    def local(self, src: str, page: str) -> Path | None:
        """The file behind the address of a picture; None where it is no file of the project."""
        if ELSEWHERE.match(src):
            return None
        path = unquote(src.partition("?")[0].partition("#")[0])
        name = path if path.startswith("/") else posixpath.join(posixpath.dirname(page), path)
        found = self.project.root / posixpath.normpath(name.lstrip("/"))
        return found if not refusal(self.project.root, name) and found.is_file() else None

    def _anchor(self, page: str, anchor: str) -> str:
        # with `=` in it an anchor is state for a page's script, such as which latent to show
        if not anchor or "=" in anchor:
            return ""
        if page not in self._ids:
            rendered = self.site / self.project.html_of(page)
            known = set(ids_of(tags_of(rendered.read_text(encoding="utf-8")))) if rendered.is_file() else {"?"}
            self._ids[page] = known
        known = self._ids[page]
        return "" if anchor in known or known == {"?"} else f"{page} has no id {anchor} (render the site again?)"

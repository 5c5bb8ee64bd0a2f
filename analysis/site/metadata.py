"""What pandoc is told about a page besides its text: title, language, bibliography, style of citations.

The site and the posts read the same page, so both ask here.
"""

from __future__ import annotations

from typing import Any

from analysis.site.project import CONFIG, Project, as_list
from analysis.site.source import Source
from sae.errors import RenderError


def metadata(project: Project, source: Source) -> dict[str, Any]:
    """Of a page with a title. Raises RenderError for a bibliography or style that is not there."""
    meta: dict[str, Any] = {"title": source.meta["title"], "lang": project.lang}
    for key in ("bibliography", "csl"):
        # a path in the front matter is relative to the page, one in _quarto.yml to the project
        own = key in source.meta
        base = (project.root / source.page).parent if own else project.root
        names = as_list(source.meta[key] if own else project.shared.get(key))
        paths = [project.root / name.lstrip("/") if name.startswith("/") else base / name for name in names]
        for path in paths:
            if not path.is_file():
                raise RenderError(f"{key}: there is no file {path.name}", source.page if own else CONFIG)
        if paths:
            meta[key] = [str(path) for path in paths]
    return meta

"""What pandoc is told about a page besides its text: title, language, bibliography, style of citations.

The site and the posts read the same page, so both ask here.
"""

from __future__ import annotations

import posixpath
from typing import Any

from analysis.site import language
from analysis.site.inside import project_file
from analysis.site.project import CONFIG, Project, as_list
from analysis.site.source import Source

CODE = ("code-fold", "code-summary", "code-line-numbers", "code-annotations")
"""Settings of code; all but the last a block of code may set otherwise."""


def page_language(project: Project, source: Source) -> str:
    """The language of a page. Raises RenderError, with its place, for one whose words are not known."""
    own = source.meta.get("lang")
    lang = str(own or project.lang)
    language.base(lang, *(source.place_of("lang") if own else (CONFIG, project.line_of("lang"))))
    return lang


def metadata(project: Project, source: Source) -> dict[str, Any]:
    """Of a page with a title. Raises RenderError for a bibliography or style that is not a file of the project."""
    meta: dict[str, Any] = {"title": source.meta["title"], "lang": page_language(project, source)}
    asked = project.html | source.meta
    # as the attributes of a block say it
    told = {True: "true", False: "false"}
    meta["strata-code"] = {key: told.get(asked[key], str(asked[key])) for key in CODE if key in asked}
    for key in ("bibliography", "csl"):
        # a path in the front matter is relative to the page, one in _quarto.yml to the project
        own = key in source.meta
        names = as_list(source.meta[key] if own else project.shared.get(key))
        place = source.locate(f"{key}:") if own else (CONFIG, project.line_of(key))
        folder = posixpath.dirname(source.page) if own else ""
        wanted = [name if name.startswith("/") else posixpath.join(folder, name) for name in names]
        paths = [project_file(project.root, name, key, *place) for name in wanted]
        if paths:
            meta[key] = [str(path) for path in paths]
    return meta

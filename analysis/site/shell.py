"""What stands around a page's text: head, navbar, table of contents, title block, footer
(templates/page.html).

All addresses in here are root-relative; `links.Linker` makes them relative to the page afterwards, as for the
text.
"""

from __future__ import annotations

import datetime
import posixpath
import re
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from markupsafe import Markup

from analysis.site import language
from analysis.site.inside import project_file
from analysis.site.jinja import environment
from analysis.site.keys import text_file
from analysis.site.metadata import page_language
from analysis.site.pandoc import Parts
from analysis.site.people import Author, authors
from analysis.site.project import CONFIG, NOT_FOUND, NavItem, Project, as_list
from analysis.site.source import Source
from sae.errors import RenderError

LIBS = "site_libs/strata"
ASSETS = Path(__file__).parent / "assets"


@dataclass(frozen=True)
class Page:
    """A page between its two passes."""

    source: Source
    parts: Parts
    title: str  # as text

    @property
    def path(self) -> str:
        """The page's source, relative to the project."""
        return self.source.page


def setting(project: Project, source: Source, key: str, default: Any = None) -> Any:
    """A page's own setting, else the project's."""
    for place in (source.meta, project.html, project.shared):
        if key in place:
            return place[key]
    return default


def page_html(project: Project, page: Page, pages: list[Page], footer: dict[str, str]) -> str:
    """The whole HTML of one page, addresses still root-relative."""
    source, site = page.source, project.site
    turned = [other for other in pages if other.path != NOT_FOUND]
    number = turned.index(page) if page in turned else None
    titles = {"/" + other.path: other.title for other in pages}
    turn = site.get("page-navigation", False)
    site_title = str(site.get("title", ""))
    lang = page_language(project, source)
    base = language.base(lang, source.page)
    words = language.words(base)
    body, notes = _split_notes(page.parts.body, words["footnotes"])
    toc = setting(project, source, "toc", False)
    return (
        environment()
        .get_template("page.html")
        .render(
            lang=lang,
            words=words,
            offset=project.base if page.path == NOT_FOUND else "../" * page.path.count("/") or "./",
            canonical=_canonical(project, page),
            site_title=site_title,
            navbar_title=_navbar_title(project),
            head_title=head_title(page.title, site_title),
            title=Markup(page.parts.title),
            subtitle=Markup(page.parts.subtitle),
            description=description(project, source),
            cards=_cards(project, page),
            authors=_authors(project, source),
            date=long_date(project, source, "date", base),
            modified=long_date(project, source, "date-modified", base),
            categories=as_list(source.meta.get("categories")),
            css=["/" + name.lstrip("/") for name in project.css],
            home="/index.qmd" if "/index.qmd" in titles else "/" + pages[0].path,
            libs="/" + LIBS,
            favicon=site.get("favicon"),
            head=Markup(_included(project, source, "include-in-header")),
            after=Markup(_included(project, source, "include-after-body")),
            follow_system=bool(project.html.get("respect-user-color-scheme", False)),
            left=_named(project.left, titles),
            right=_named(project.right, titles),
            here="/" + page.path,
            toc=_toc(page.parts.toc) if toc and page.parts.toc else None,
            toc_fold=_toc(re.sub(r' id="toc-[^"]*"', "", page.parts.toc)),
            toc_title=str(setting(project, source, "toc-title", words["toc"])),
            layout=_layout(source),
            body=Markup(body),
            refs=Markup(page.parts.refs),
            notes=Markup(notes),
            before=_turn(turned[number - 1]) if turn and number else None,
            next=_turn(turned[number + 1]) if turn and number is not None and number + 1 < len(turned) else None,
            footer={key: Markup(value) for key, value in footer.items()},
        )
    )


def _turn(page: Page) -> dict[str, str]:
    return {"path": "/" + page.path, "title": page.title}


def head_title(title: str, site_title: str) -> str:
    """`Depths – Strata`, as Quarto writes it; the site's own page carries its name once."""
    return title if not site_title or title == site_title else f"{title} – {site_title}"


def description(project: Project, source: Source) -> str:
    """What a search engine and a link preview show."""
    text = str(source.meta.get("description") or project.site.get("description") or "")
    if not text:
        raise RenderError("the page needs a description: in its front matter", source.page, 1)
    return " ".join(text.split())


def _navbar_title(project: Project) -> str:
    navbar = project.site.get("navbar") or {}
    title = navbar.get("title", project.site.get("title", ""))
    return "" if title is False else str(title)


def _layout(source: Source) -> str:
    layout = str(source.meta.get("page-layout", "article"))
    if layout not in ("article", "full"):
        raise RenderError(
            f"page-layout: {layout!r} is not supported, only article and full", *source.place_of("page-layout")
        )
    return layout


def _toc(toc: str) -> Markup:
    return Markup(toc.replace("<a ", '<a class="nav-link" '))


def _named(items: tuple[NavItem, ...], titles: dict[str, str]) -> list[dict[str, Any]]:
    named = []
    for item in items:
        text = item.text or titles.get(item.href, "")
        if not text:
            raise RenderError(f"the navbar's entry {item.href} needs a text", CONFIG)
        named.append(
            {"href": item.href, "text": text, "label": item.label, "rel": item.rel, "target": item.target,
             "menu": _named(item.menu, titles)}
        )  # fmt: skip
    return named


def _split_notes(body: str, title: str) -> tuple[str, str]:
    """Pandoc ends the body with the footnotes; Quarto puts them behind the references under a heading."""
    start = body.rfind('<section id="footnotes"')
    if start < 0:
        return body, ""
    heading = f'<h2 class="anchored quarto-appendix-heading">{title}</h2>'
    return body[:start], re.sub(r"<hr />", heading, body[start:], count=1)


def _authors(project: Project, source: Source) -> tuple[Author, ...]:
    """Those of the page, else those of the project."""
    own = "author" in source.meta
    given, shared = (source.meta if own else project.shared), project.shared | source.meta
    place = source.place_of("author") if own else (CONFIG, project.line_of("author"))
    return authors(given.get("author"), shared.get("affiliations"), *place)


def long_date(project: Project, source: Source, key: str, lang: str) -> str:
    """`2026-08-21` is shown as August 21, 2026. `today` is refused: a page must not change by itself."""
    value = setting(project, source, key)
    if not value:
        return ""
    try:
        day = datetime.date.fromisoformat(str(value)) if re.fullmatch(r"\d{4}-\d\d-\d\d", str(value)) else None
    except ValueError:
        day = None
    if day is None:
        own = key in source.meta
        place = source.place_of(key) if own else (CONFIG, project.line_of(key))
        raise RenderError(f"{key}: {value!r} is not a day of the form 2026-08-21", *place)
    return language.long_date(day, lang)


def _included(project: Project, source: Source, key: str) -> str:
    """HTML from `include-in-header: [{text: ...}, {file: ...}, path]`, the project's before the page's.

    A page's own paths are relative to the page, as in Quarto.
    """
    made = []
    folder = posixpath.dirname(source.page)
    places = (
        (project.html.get(key), "", (CONFIG, project.line_of(key))),
        (source.meta.get(key), folder, source.locate(f"{key}:")),
    )
    for given, folder, place in places:
        for item in given if isinstance(given, list) else [given] if given else []:
            if isinstance(item, dict) and set(item) == {"text"}:
                made.append(str(item["text"]).strip())
                continue
            name = str(item["file"] if isinstance(item, dict) and "file" in item else item)
            name = name if name.startswith("/") else posixpath.normpath(posixpath.join(folder, name))
            made.append(text_file(project_file(project.root, name, key, *place), name).strip())
    return "\n".join(made)


def image_of(project: Project, source: Source) -> str:
    """The picture of the link preview, relative to the project; a page names its own relative to itself."""
    own, shared = source.meta.get("image"), project.site.get("image")
    name = str(own or shared or "")
    if own and not name.startswith("/"):
        name = posixpath.normpath(posixpath.join(posixpath.dirname(source.page), name))
    name = name.lstrip("/")
    if name:
        place = source.place_of("image") if own else (CONFIG, project.line_of("image"))
        project_file(project.root, name, "image", *place)
    return name


def _canonical(project: Project, page: Page) -> str:
    """The one address of a page that is reached under several (`canonical-url`); a folder's page has the folder's."""
    wanted = setting(project, page.source, "canonical-url", False)
    if isinstance(wanted, str):
        return wanted
    if not wanted or not project.url or page.path == NOT_FOUND:
        return ""
    return project.address_of(page.path)


def _cards(project: Project, page: Page) -> list[tuple[str, str, str]]:
    """(attribute, name, content) of the Open Graph and Twitter tags."""
    site, source = project.site, page.source
    title = head_title(page.title, str(site.get("title", "")))
    base = project.url
    name = image_of(project, source)
    text = description(project, source)
    tags: list[tuple[str, str, str]] = []
    picture: list[tuple[str, str]] = []
    if name:
        path = project.root / name
        head = path.read_bytes()[:24]
        picture = [("image", f"{base}/{name}" if base else f"/{name}")]
        if head.startswith(b"\x89PNG"):
            if len(head) < 24:
                place = source.locate("image:") if source.meta.get("image") else (CONFIG, project.line_of("image"))
                raise RenderError(f"image: {name} is cut off: it is no whole PNG file", *place)
            width, height = struct.unpack(">II", head[16:24])
            picture += [("image:height", str(height)), ("image:width", str(width))]
        alt = source.meta.get("image-alt") or site.get("image-alt")
        picture += [("image:alt", str(alt))] if alt else []
    if site.get("open-graph"):
        tags += [("property", "og:title", title), ("property", "og:description", text)]
        tags += [("property", f"og:{key}", value) for key, value in picture]
        tags += [("property", "og:site_name", str(site.get("title", "")))]
        if base and page.path != NOT_FOUND:
            tags += [("property", "og:url", _canonical(project, page) or f"{base}/{project.html_of(page.path)}")]
    if site.get("twitter-card"):
        tags += [("name", "twitter:title", title), ("name", "twitter:description", text)]
        # as Quarto writes them: of these names only that of the words has a second colon
        names = {"image:height": "image-height", "image:width": "image-width"}
        tags += [("name", f"twitter:{names.get(key, key)}", value) for key, value in picture]
        tags += [("name", "twitter:card", "summary_large_image" if name else "summary")]
    return tags

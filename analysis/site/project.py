"""`_quarto.yml` as a value: which pages there are, which settings hold, and where each file stands.

Read once per build and never changed. All paths inside are POSIX strings relative to the project's root,
since this is how pages, links and Quarto's own settings name files.
"""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from analysis.site.inside import hidden, project_file, refusal
from analysis.site.keys import NAV_KEYS, PROJECT_KEYS, check_keys, key_line, read_yaml, text_file, without_empty
from analysis.site.rooted import check_rooted
from sae.errors import RenderError

CONFIG = "_quarto.yml"
NOT_FOUND = "404.qmd"
"""Shown by the host wherever nothing is: its addresses begin at the host, and no page leads to it (as in Quarto)."""
NOT_FOUND_PAGE = "404.html"
"""What it is rendered to, which is the name that hosts look for."""


@dataclass(frozen=True)
class NavItem:
    """One entry of the navbar; `href` is root-relative or absolute, an empty text means the page's title.

    An entry with a `menu` leads nowhere itself.
    """

    href: str
    text: str
    label: str
    rel: str
    target: str
    menu: tuple[NavItem, ...] = ()


@dataclass(frozen=True)
class Project:
    """The settings of the site."""

    root: Path
    pages: tuple[str, ...]
    resources: tuple[str, ...]
    lang: str
    site: dict[str, Any]
    html: dict[str, Any]
    shared: dict[str, Any]
    left: tuple[NavItem, ...]
    right: tuple[NavItem, ...]
    text: str

    @property
    def css(self) -> tuple[str, ...]:
        """The style sheets of the project."""
        return tuple(as_list(self.html.get("css")))

    @property
    def url(self) -> str:
        """Where the site is published, without a slash at its end; empty where `site-url` is not set."""
        return _url(self.site)

    @property
    def base(self) -> str:
        """The path of the site on its host: `/` or `/strata/`."""
        return base_of(self.url)

    @property
    def listed(self) -> tuple[str, ...]:
        """The pages that a reader is led to: all but the one for what is not there."""
        return tuple(page for page in self.pages if page != NOT_FOUND)

    def html_of(self, page: str) -> str:
        """`report/depths.qmd` is written to `report/depths.html`."""
        return posixpath.splitext(page)[0] + ".html"

    def address_of(self, page: str) -> str:
        """Where a page is published, whole; the page of a folder has the folder's address. Needs `url`."""
        return address(self.url, self.html_of(page))

    def line_of(self, key: str) -> int:
        """The line of a key in `_quarto.yml`, for messages."""
        return key_line(self.text, key)


def _url(site: dict[str, Any]) -> str:
    return str(site.get("site-url") or "").rstrip("/")


def site_url(root: Path) -> str:
    """`Project.url` of settings that are otherwise not looked at: Quarto may know more of them than we do."""
    path = root / CONFIG
    return _url(read_yaml(text_file(path, CONFIG), CONFIG).get("website") or {}) if path.is_file() else ""


def base_of(url: str) -> str:
    """The path of a site on its host, with slashes at both ends."""
    return urlsplit(url).path.rstrip("/") + "/"


def address(url: str, html: str) -> str:
    """The published address of a file of the site; `index.html` is left to the server."""
    return f"{url}/{html.removesuffix('index.html') if posixpath.basename(html) == 'index.html' else html}"


def load_project(root: Path) -> Project:
    """Read and check `_quarto.yml`."""
    path = root / CONFIG
    if not path.is_file():
        raise RenderError(f"no {CONFIG} in {root}", CONFIG)
    text = text_file(path)
    config = read_yaml(text, CONFIG)
    check_keys(config, PROJECT_KEYS, text, CONFIG)
    config = without_empty(config)
    check_rooted(root, config, text, CONFIG)
    project, site = config.get("project") or {}, config.get("website") or {}
    pages = tuple(as_list(project.get("render")))
    if not pages:
        raise RenderError("project.render must list the pages", CONFIG, key_line(text, "project"))
    for page in pages:
        plain = page == posixpath.normpath(page) and not page.startswith(("/", "../"))
        if not plain or any(sign in page for sign in "*?!") or not page.endswith(".qmd"):
            raise RenderError(
                f"project.render: {page!r} is not the plain path of a .qmd page of the project",
                CONFIG,
                key_line(text, "render"),
            )
        project_file(root, page, "project.render", CONFIG, key_line(text, "render"))
    if len(set(pages)) < len(pages):
        raise RenderError("project.render lists a page twice", CONFIG, key_line(text, "render"))
    navbar = site.get("navbar") or {}
    shared: dict[str, Any] = {
        key: config[key] for key in ("affiliations", "author", "bibliography", "csl", "date", "nocite") if key in config
    }
    return Project(
        root=root,
        pages=pages,
        resources=tuple(as_list(project.get("resources"))),
        lang=str(config.get("lang", "en")),
        site=site,
        html=(config.get("format") or {}).get("html") or {},
        shared=shared,
        left=_nav(navbar.get("left"), text),
        right=_nav(navbar.get("right"), text),
        text=text,
    )


def _nav(items: object, text: str, inside: bool = False) -> tuple[NavItem, ...]:
    """The entries of one side, or those inside a menu: Quarto's menus hold no menus."""
    made = []
    if not isinstance(items, list | None):
        what = "a menu" if inside else "a side"
        raise RenderError(f"{what} of the navbar is a list, not {items!r}", CONFIG, key_line(text, "navbar"))
    for item in items or []:
        entry = {"href": item} if isinstance(item, str) else item
        check_keys(entry, NAV_KEYS, text, CONFIG, path="navbar")
        href, line = str(entry.get("href", "")), key_line(text, "navbar")
        if "menu" in entry and (inside or href or not entry.get("text")):
            raise RenderError(f"a menu of the navbar has a text, no href, and is in no menu: {item!r}", CONFIG, line)
        if "menu" not in entry and not href:
            raise RenderError(f"an entry of the navbar has no href: {item!r}", CONFIG, line)
        if href and "://" not in href and not href.startswith(("/", "mailto:")):
            href = "/" + posixpath.normpath(href)
        made.append(
            NavItem(
                href,
                str(entry.get("text", "")),
                str(entry.get("aria-label", "")),
                str(entry.get("rel", "")),
                str(entry.get("target", "")),
                _nav(entry["menu"], text, inside=True) if "menu" in entry else (),
            )
        )
    return tuple(made)


def as_list(value: object) -> list[str]:
    """Quarto takes one string wherever it takes a list of them."""
    if value is None:
        return []
    return [str(v) for v in value] if isinstance(value, list) else [str(value)]


def resource_files(root: Path, patterns: tuple[str, ...], file: str = CONFIG, line: int = 0) -> list[str]:
    """The files that the globs name; a glob without a file is an error, since something was meant by it."""
    found: set[str] = set()
    for pattern in patterns:
        glob = pattern.lstrip("/") + ("/*" if pattern.endswith("**") else "")
        if not glob:
            raise RenderError(
                f"resources: {pattern!r} is the whole project, with all that is private in it", file, line
            )
        if ".." in glob.split("/"):
            raise RenderError(f"resources: {pattern!r} leads out of the project", file, line)
        try:
            glob += "/**/*" if (root / glob).is_dir() else ""
            hits = {
                path.relative_to(root).as_posix() for path in root.glob(glob) if path.is_file() or path.is_symlink()
            }
        except (ValueError, OSError) as error:  # `a**b`, an empty pattern, a name that is too long
            raise RenderError(f"resources: {pattern!r} is no pattern: {error}", file, line) from None
        # A dot folder or file (editor state, .gitkeep) that a pattern happens to match is nothing to publish; one that
        # is named was meant, and is refused.
        named = hidden(PurePosixPath(glob))
        hits = {hit for hit in hits if named or not hidden(PurePosixPath(hit))}
        for hit in sorted(hits):
            if why := refusal(root, hit):
                raise RenderError(f"resources: {hit} {why}", file, line)
        hits = {hit for hit in hits if (root / hit).is_file()}
        if not hits:
            raise RenderError(f"resources: {pattern!r} matches no file", file, line)
        found |= hits
    return sorted(found)

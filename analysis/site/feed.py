"""The feed: an RSS file with every page, written by the build, so that both renderers publish the same one.

A page has the date and the authors that its front matter states; one that states none is as new as the newest results
or log, and no date is made up. Authors of all pages stand in the settings, those of the whole site there or on its
first page.
The settings are read without the embedded renderer's checks: Quarto may know more of them.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from email.utils import format_datetime
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from analysis.site.keys import key_line, read_yaml, text_file
from analysis.site.people import names
from analysis.site.project import CONFIG, NOT_FOUND, address, as_list, site_url
from analysis.site.source import front_matter, words_of
from sae.errors import RenderError

FILE = "feed.xml"
# Markdown in a title: signs that are none of its words, and those that an author escaped, which are.
_MARKS = re.compile(r"\\([!-/:-@\[-`{-~])|[*`]")


@dataclass(frozen=True)
class Stated:
    """What a page says of itself beside its words."""

    authors: tuple[str, ...] = ()
    """Its own, or else those of the settings."""
    day: date | None = None
    """`date-modified`, or else `date`."""


@dataclass(frozen=True)
class Site:
    """What feed and citation say of the site."""

    title: str
    headline: str
    """The title of the first page."""
    authors: tuple[str, ...]
    """Who the settings name, or else the first page; may be empty."""
    description: str
    url: str
    """Without a slash at its end; empty where it is not set."""
    lang: str
    pages: tuple[tuple[str, str, str], ...]
    """File, title and description of each page that a reader is led to."""
    stated: Mapping[str, Stated]
    """What else each of them says, by its file."""

    @classmethod
    def of(cls, root: Path, numbers: Mapping[str, dict[str, str]]) -> Site:
        """Read from the settings and from the front matter of the pages."""
        config = read_yaml(text_file(root / CONFIG), CONFIG)
        site: dict[str, Any] = config.get("website") or {}
        pages, stated, shared = [], dict[str, Stated](), names(config.get("author"))
        for page in as_list((config.get("project") or {}).get("render")):
            if page == NOT_FOUND or not page.endswith(".qmd") or not (root / page).is_file():
                continue
            words = words_of(root, page, dict(numbers))
            title = _MARKS.sub(lambda sign: sign[1] or "", words.get("title", ""))
            pages.append((page, title, words.get("description") or str(site.get("description") or "")))
            stated[page] = _stated(root, page, shared)
        title = str(site.get("title") or "")
        first = stated[pages[0][0]].authors if pages else ()
        return cls(
            title=title,
            headline=next((words for _, words, _ in pages if words), title),
            authors=shared or first,
            description=str(site.get("description") or ""),
            url=site_url(root),
            lang=str(config.get("lang") or "en"),
            pages=tuple(pages),
            stated=stated,
        )


def _stated(root: Path, page: str, shared: tuple[str, ...]) -> Stated:
    meta = read_yaml(front_matter(root, page)[0], page, first=2) or {}
    days = [_day(meta.get(key)) for key in ("date-modified", "date")]
    return Stated(names(meta.get("author")) or shared, days[0] or days[1])


def _day(value: object) -> date | None:
    """A day of the form 2026-08-21. Quarto knows others, such as `today`, by which a feed would change by itself."""
    try:
        return date.fromisoformat(str(value)) if re.fullmatch(r"\d{4}-\d\d-\d\d", str(value)) else None
    except ValueError:
        return None


def is_linked(root: Path, place: str) -> bool:
    """Whether the settings link to the feed. Raises RenderError where they do and the site has no address."""
    text = text_file(root / CONFIG)
    if f"/{place}" not in text:
        return False
    if not site_url(root):
        line = key_line(text, "include-in-header")
        raise RenderError(f"{FILE} needs whole addresses: set website.site-url, or take out the link", CONFIG, line)
    return True


def rss(site: Site, place: str, day: date) -> str:
    """The feed at `place` (from the site's root), as new as `day`, and so is every page that states no date."""
    when = _when(day)
    home = address(site.url, "index.html")
    items = "".join(
        f"<item>\n<title>{escape(title)}</title>\n<link>{escape(link)}</link>\n"
        f'<guid isPermaLink="true">{escape(link)}</guid>\n<description>{escape(description)}</description>\n'
        + "".join(f"<dc:creator>{escape(name)}</dc:creator>\n" for name in site.stated[page].authors)
        + f"<pubDate>{_when(site.stated[page].day or day)}</pubDate>\n</item>\n"
        for page, title, description in site.pages
        for link in [address(site.url, posixpath.splitext(page)[0] + ".html")]
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<rss version="2.0" xmlns:atom="http://www.w3.org/2005/Atom" '
        'xmlns:dc="http://purl.org/dc/elements/1.1/">\n<channel>\n'
        f"<title>{escape(site.title)}</title>\n<link>{escape(home)}</link>\n"
        f'<atom:link href={quoteattr(f"{site.url}/{place}")} rel="self" type="application/rss+xml"/>\n'
        f"<description>{escape(site.description)}</description>\n<language>{escape(site.lang)}</language>\n"
        f"<lastBuildDate>{when}</lastBuildDate>\n{items}</channel>\n</rss>\n"
    )


def _when(day: date) -> str:
    return format_datetime(datetime.combine(day, time(), UTC), usegmt=True)

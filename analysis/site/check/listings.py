"""What crawlers and feed readers read: it parses, every page that it names is there, and the sitemap names them all."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterator

from analysis.site.check.findings import Finding
from analysis.site.check.folder import Folder, Page
from analysis.site.links import refresh_of
from analysis.site.project import NOT_FOUND_PAGE

SITEMAP = "sitemap.xml"
_LOCATION = "{http://www.sitemaps.org/schemas/sitemap/0.9}loc"


def findings(folder: Folder) -> Iterator[Finding]:
    """What is wrong with the sitemap and with every feed that a page points to."""
    if folder.url or SITEMAP in folder.files:
        yield from _listing(folder, SITEMAP, _LOCATION)
    for feed in sorted(_feeds(folder)):
        yield from _listing(folder, feed, "link")


def _feeds(folder: Folder) -> set[str]:
    """The files of the feeds; one that is missing is found by the check of links."""
    kinds = ("application/rss+xml", "application/atom+xml")
    asked = {
        folder.file_of(page.name, tag.attributes.get("href", ""))
        for page in folder.pages.values()
        for tag in page.tags
        if tag.name == "link" and tag.attributes.get("type") in kinds
    }
    return {name for name in asked if name in folder.files}


def _listing(folder: Folder, name: str, element: str) -> Iterator[Finding]:
    kind = "sitemap" if name == SITEMAP else "feed"
    if name not in folder.files:
        yield Finding(name, kind, "there is none, although site-url is set")
        return
    try:
        tree = ET.parse(folder.path / name)
    except ET.ParseError as error:
        yield Finding(name, kind, f"is no XML: {error}")
        return
    places = [str(place.text or "").strip() for place in tree.iter(element)]
    if not places:
        yield Finding(name, kind, "names no page")
    named = set()
    for place in dict.fromkeys(places):
        own = folder.own(place)
        target = None if own is None else folder.file_of("index.html", own)
        named.add(target)
        if own is None:
            yield Finding(name, kind, f"{place} is not below {folder.url or 'site-url, which is not set'}")
        elif target not in folder.pages:
            yield Finding(name, kind, f"{place}: there is no such page")
    if name == SITEMAP and folder.url:
        for page in folder.checked():
            if page.name not in named and _is_led_to(page):
                yield Finding(name, kind, f"does not name {page.name}")


def _is_led_to(page: Page) -> bool:
    """Whether crawlers are to find a page: not the one for what is not there, nor one that sends readers on."""
    return page.name != NOT_FOUND_PAGE and not any(map(refresh_of, page.tags))

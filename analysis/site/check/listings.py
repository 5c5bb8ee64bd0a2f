"""What crawlers and feed readers read: it parses, and every page that it names is there."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterator

from analysis.site.check.findings import Finding
from analysis.site.check.folder import Folder

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
    for place in dict.fromkeys(places):
        own = folder.own(place)
        if own == place:
            yield Finding(name, kind, f"{place} is not below {folder.url or 'site-url, which is not set'}")
        elif folder.file_of("index.html", own.lstrip("/") or "./") not in folder.pages:
            yield Finding(name, kind, f"{place}: there is no such page")

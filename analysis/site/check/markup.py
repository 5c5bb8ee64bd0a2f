"""What every page must have, and what its pictures must say, read from the tags alone."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator

from analysis.site.check.findings import Finding
from analysis.site.check.folder import Folder, Page
from analysis.site.links import text_of

_CARD = re.compile(r"(?:og|twitter):")


def findings(folder: Folder) -> Iterator[Finding]:
    """What is wrong with the tags of the wanted pages."""
    for page in folder.checked():
        yield from _of_page(page)
        yield from _of_cards(page)
        yield from _of_ids(folder, page)
        yield from _of_pictures(folder, page)


def _of_page(page: Page) -> Iterator[Finding]:
    # the head's title: a drawing in the body may have one of its own
    head = itertools.takewhile(lambda tag: tag.name not in ("body", "svg"), page.tags)
    title = next((tag for tag in head if tag.name == "title"), None)
    if title is None or not text_of(page.content(title)):
        yield Finding(page.name, "no title", "<title> is missing or empty")
    root = next((tag for tag in page.tags if tag.name == "html"), None)
    if root is None or not root.attributes.get("lang", "").strip():
        yield Finding(page.name, "no language", "<html> says no lang")
    headings = page.count("h1")
    if headings != 1:
        yield Finding(page.name, "not one h1", f"{headings} headings <h1>")


def _of_cards(page: Page) -> Iterator[Finding]:
    """Names by which no service looks: what a link to the page is shown with would be without these words."""
    for tag in page.tags:
        name = tag.attributes.get("property") or tag.attributes.get("name") or ""
        if tag.name == "meta" and _CARD.match(name) and name.endswith("image-alt"):
            yield Finding(page.name, "unread card", f"<meta> {name}: nobody reads it; image:alt is its name")


def _of_ids(folder: Folder, page: Page) -> Iterator[Finding]:
    """Ids on more than one tag; a note only where all of these tags are Quarto's own."""
    places: dict[str, list[int]] = {}
    for tag in page.tags:
        if "id" in tag.attributes:
            places.setdefault(tag.attributes["id"], []).append(tag.start)
    for name, starts in places.items():
        if len(starts) > 1:
            theirs = all(folder.is_quartos_own(page.name, start) for start in starts)
            yield Finding(page.name, "id used twice", f"id {name!r} stands on more than one tag", note=theirs)


def _of_pictures(folder: Folder, page: Page) -> Iterator[Finding]:
    for at, tag in enumerate(page.tags):
        says, theirs = tag.attributes, folder.is_quartos_own(page.name, tag.start)
        if tag.name == "img" and "alt" not in says:
            words = f"<img src={says.get('src', '')!r}> has no alt"
            yield Finding(page.name, "picture without alt", words, note=theirs)
        if tag.name == "svg" and says.get("role") == "img":
            labelled = says.get("aria-label", "").strip() or says.get("aria-labelledby", "").strip()
            # its own title is its first child, so that it is the next tag
            titled = at + 1 < len(page.tags) and page.tags[at + 1].name == "title"
            if not labelled and not titled:
                words = f"{tag.text[:80]} has neither aria-label nor title"
                yield Finding(page.name, "drawing without label", words, note=theirs)

"""What every page must have, and what its pictures must say, read from the tags alone."""

from __future__ import annotations

import re
from collections.abc import Iterator

from analysis.site.check.findings import Finding
from analysis.site.check.folder import Folder, Page
from analysis.site.links import duplicates, text_of

_TITLE = re.compile(r"<title[^>]*>(.*?)</title>", re.DOTALL | re.IGNORECASE)


def findings(folder: Folder) -> Iterator[Finding]:
    """What is wrong with the tags of the wanted pages."""
    for page in folder.checked():
        yield from _of_page(page)
        yield from _of_pictures(page)


def _of_page(page: Page) -> Iterator[Finding]:
    # the head's title: a drawing in the body may have one of its own
    head = re.split(r"<body\b|<svg\b", page.html, maxsplit=1, flags=re.IGNORECASE)[0]
    title = _TITLE.search(head)
    if not title or not text_of(title[1]):
        yield Finding(page.name, "no title", "<title> is missing or empty")
    root = next((tag for tag in page.tags if tag.name == "html"), None)
    if root is None or not root.attributes.get("lang", "").strip():
        yield Finding(page.name, "no language", "<html> says no lang")
    headings = page.count("h1")
    if headings != 1:
        yield Finding(page.name, "not one h1", f"{headings} headings <h1>")
    for name in dict.fromkeys(duplicates(list(page.tags))):
        yield Finding(page.name, "id used twice", f"id {name!r} stands on more than one tag")


def _of_pictures(page: Page) -> Iterator[Finding]:
    for at, tag in enumerate(page.tags):
        says = tag.attributes
        if tag.name == "img" and "alt" not in says:
            yield Finding(page.name, "picture without alt", f"<img src={says.get('src', '')!r}> has no alt")
        if tag.name == "svg" and says.get("role") == "img":
            labelled = says.get("aria-label", "").strip() or says.get("aria-labelledby", "").strip()
            # its own title is its first child, so that it is the next tag
            titled = at + 1 < len(page.tags) and page.tags[at + 1].name == "title"
            if not labelled and not titled:
                yield Finding(page.name, "drawing without label", f"{tag.text[:80]} has neither aria-label nor title")

"""What pages must agree on with the site: that there is a security policy, their own address, a search that works."""

from __future__ import annotations

from collections.abc import Iterator

from analysis.site.check.findings import Finding
from analysis.site.check.folder import Folder, Page
from analysis.site.links import refresh_of
from analysis.site.publishing import not_utf8, private

SEARCH = "search.js"
"""The script that asks the index, wherever it lies."""
INDEX = ("pagefind/pagefind.js", "pagefind/pagefind-entry.json")
"""What it asks for first."""


def findings(folder: Folder) -> Iterator[Finding]:
    """What is wrong with the wanted pages as parts of the site, and files that are no text as the site is written."""
    bound = any(_has_policy(page) for page in folder.pages.values())
    for page in folder.checked():
        if bound and not _has_policy(page) and not any(map(refresh_of, page.tags)):
            yield Finding(page.name, "no policy", "other pages have a Content-Security-Policy, this one has none")
        yield from _of_address(folder, page)
        for name in INDEX:
            if SEARCH in page.loaded and name not in folder.files:
                yield Finding(page.name, "dead search", f"it loads {SEARCH}, but there is no {name}")
    for name, why in private(folder.path):
        yield Finding(name, "not to be published", f"{name} {why}")
    for name, why in not_utf8(folder.path):
        yield Finding(name, "not UTF-8", why, note=folder.is_quartos_own(name) and name not in folder.pages)


def _has_policy(page: Page) -> bool:
    return any(
        tag.name == "meta" and tag.attributes.get("http-equiv", "").lower() == "content-security-policy"
        for tag in page.tags
    )


def _of_address(folder: Folder, page: Page) -> Iterator[Finding]:
    """Whether the address that a page gives itself is its own; one that is not there is found with the links."""
    for tag in page.tags:
        if tag.name == "link" and "canonical" in tag.attributes.get("rel", "").lower().split():
            what, given = "canonical", tag.attributes.get("href", "")
        elif tag.name == "meta" and tag.attributes.get("property") == "og:url":
            what, given = "og:url", tag.attributes.get("content", "")
        else:
            continue
        own = folder.own(given)
        target = None if own is None else folder.file_of("index.html", own)
        if own is None and folder.url:
            # told only: a text may have been published elsewhere first, and say so
            yield Finding(page.name, "another page's address", f"{what} is {given}, outside the site", note=True)
        elif target in folder.files and target != page.name:
            yield Finding(page.name, "another page's address", f"{what} is {given}, which is {target}")

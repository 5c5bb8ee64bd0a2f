"""Where addresses lead: to a file and an id that are there, never from the host's root, and never to another host for
anything that a page loads."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from urllib.parse import unquote

from analysis.site.check import css
from analysis.site.check.findings import Finding
from analysis.site.check.folder import Folder, Page
from analysis.site.links import ELSEWHERE, Tag, of_set, refresh_of, works_anywhere
from analysis.site.project import NOT_FOUND_PAGE
from analysis.site.publishing import NOT_OURS, READ, SETS, from_the_root

LOADS = {
    "script": ("src",),
    "img": ("src", "srcset"),
    "source": ("src", "srcset"),
    "video": ("src", "poster"),
    "audio": ("src",),
    "track": ("src",),
    "iframe": ("src",),
    "embed": ("src",),
    "object": ("data",),
    "input": ("src",),
    "image": ("href", "xlink:href"),
    "use": ("href", "xlink:href"),
}
"""By tag: the attributes whose address is fetched without a reader's doing."""
LEADS = {
    "a": ("href", "xlink:href"),
    "area": ("href",),
    "form": ("action",),
    "button": ("formaction",),
    "input": ("formaction",),
}
"""By tag: the attributes whose address a reader may go to."""
CARDS = ("og:image", "og:url", "twitter:image")
"""Names of `<meta>` whose content is an address: of the picture that a link to the page is shown with."""
LOADING_LINKS = {
    "stylesheet", "icon", "apple-touch-icon", "mask-icon", "manifest", "preload", "modulepreload", "prefetch",
    "preconnect", "dns-prefetch",
}  # fmt: skip
"""What a `<link>` loads by its `rel`; others (canonical, alternate, license) only say something."""
OTHER_HOST = re.compile(r"(?:https?:)?//", re.IGNORECASE)
_WRITTEN_IN = ("data:", "blob:", "about:")
"""Schemes of what is loaded without asking anybody."""


@dataclass(frozen=True)
class Address:
    """An address on a page or in a style sheet."""

    text: str
    loads: bool
    """Whether the browser fetches it without a reader's doing."""
    where: str
    """The tag or file that it stands in, for messages."""
    offset: int = 0
    """Where that begins in the text of the page."""


def findings(folder: Folder) -> Iterator[Finding]:
    """Every address of the wanted pages and of all style sheets that is wrong."""
    for page in folder.checked():
        for tag in page.tags:
            if tag.name == "base" and "href" in tag.attributes:
                why = f"{tag.text} changes where every address of the page leads"
                yield Finding(page.name, "base address", why, note=folder.is_quartos_own(page.name, tag.start))
        for address in addresses_of(page):
            yield from _wrong(folder, page.name, address)
    classes = {one for page in folder.pages.values() for one in page.classes}
    for name in folder.files:
        if name.endswith(".css"):
            drawn = {*in_style(folder.text(name), classes)}
            for found in in_style(folder.text(name)):
                for wrong in _wrong(folder, name, Address(found, True, "url()")):
                    # nobody asks for the picture of something that stands on no page
                    if wrong.kind != "missing file" or found in drawn:
                        yield wrong
        yield from _from_the_root(folder, name)


def _from_the_root(folder: Folder, name: str) -> Iterator[Finding]:
    """The addresses in a file that begin at the host, where the site is not; 404 has a rule of its own."""
    kind = PurePosixPath(name).suffix
    left_out = name == NOT_FOUND_PAGE or (name in folder.pages and name not in folder.wanted)
    if kind not in READ or left_out or name.startswith(NOT_OURS):
        return
    theirs: dict[str, bool] = {}
    for offset, address in from_the_root(folder.text(name), kind):
        theirs[address] = theirs.get(address, True) and folder.is_quartos_own(name, offset, address)
    for address, note in theirs.items():
        yield Finding(name, "absolute path", f"{address} begins at the host", note=note)


def addresses_of(page: Page) -> Iterator[Address]:
    """Every address on a page, those in style sheets of its own too."""
    for tag in page.tags:
        yield from _of_tag(tag)
        for found in in_style(tag.attributes.get("style", "")):
            yield Address(found, True, f"style of <{tag.name}>", tag.start)
        if tag.name == "style":
            for found in in_style(page.content(tag)):
                yield Address(found, True, "<style>", tag.start)


def _of_tag(tag: Tag) -> Iterator[Address]:
    loading, leading = LOADS.get(tag.name, ()), LEADS.get(tag.name, ())
    if tag.name == "link":
        if LOADING_LINKS & set(tag.attributes.get("rel", "").lower().split()):
            loading = ("href", "imagesrcset")
        else:
            leading = ("href",)
    elif tag.name == "meta":
        told = tag.attributes.get("property") or tag.attributes.get("name")
        leading = ("content",) if told in CARDS else ()
        if refresh := refresh_of(tag):
            yield Address(refresh, False, "<meta refresh>", tag.start)
    for name in (*loading, *leading):
        value = tag.attributes.get(name, "").strip()
        for part in of_set(value) if name in SETS else [value]:
            if part:
                yield Address(part, name in loading, f"<{tag.name} {name}>", tag.start)


def in_style(text: str, classes: Collection[str] | None = None) -> Iterator[str]:
    """Every address that a style sheet loads, on pages that have these classes; pictures written into it (`data:`) and
    parts of SVG (`#id`) are none."""
    for address in css.addresses(text, classes):
        if address and not address.lower().startswith(("data:", "#")):
            yield address


def _wrong(folder: Folder, page: str, address: Address) -> Iterator[Finding]:
    """What is wrong with one address, if anything; only a note where it is Quarto's own."""
    wrong = _fault(folder, page, address)
    if wrong:
        yield Finding(page, *wrong, note=folder.is_quartos_own(page, address.offset, address.text))


def _fault(folder: Folder, page: str, address: Address) -> tuple[str, str] | None:
    """The kind of what is wrong, and its words."""
    text, says = address.text, f"{address.where} {address.text}"
    if address.loads and OTHER_HOST.match(text):
        return "other host", f"{address.where} loads {text}"
    own = None if address.loads else folder.own(text)
    if own is None and ELSEWHERE.match(text):
        scheme = text.partition(":")[0].lower()
        if scheme == "file" or (address.loads and not text.lower().startswith(_WRITTEN_IN)):
            return "other scheme", f"{says}: a reader's browser finds nothing by {scheme}:"
        return None
    if page == NOT_FOUND_PAGE and own is None and not works_anywhere(text, folder.base):
        return "absolute path", f"{text} does not begin with {folder.base}: this page is shown anywhere"
    # with the site's own host before it, it leads to the same place from whatever page
    target = folder.file_of(page, text) if own is None else folder.file_of("index.html", own)
    if not target or target not in folder.files:
        missing = f"there is no {target}" if target else "it leads out of the site"
        return "missing file" if address.loads else "link that leads nowhere", f"{says}: {missing}"
    anchor = unquote(text.partition("#")[2])
    # with `=` in it an anchor is state for a page's script, such as which latent to show
    if not anchor or anchor == "top" or "=" in anchor or target not in folder.pages:
        return None
    if anchor not in folder.pages[target].ids:
        return "anchor without id", f"{says}: {target} has no id {anchor!r}"
    return None

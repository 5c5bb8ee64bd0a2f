"""Where addresses lead: to a file and an id that are there, never from the host's root, and never to another host for
anything that a page loads."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import unquote

from analysis.site.check.findings import Finding
from analysis.site.check.folder import ELSEWHERE, NOT_FOUND_PAGE, Folder, Page
from analysis.site.links import Tag
from analysis.site.publishing import absolute

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
LEADS = {"a": ("href", "xlink:href"), "area": ("href",), "form": ("action",)}
"""By tag: the attributes whose address a reader may go to."""
CARDS = ("og:image", "og:url", "twitter:image")
"""Names of `<meta>` whose content is an address: of the picture that a link to the page is shown with."""
LOADING_LINKS = {
    "stylesheet", "icon", "apple-touch-icon", "mask-icon", "manifest", "preload", "modulepreload", "prefetch",
    "preconnect", "dns-prefetch",
}  # fmt: skip
"""What a `<link>` loads by its `rel`; others (canonical, alternate, license) only say something."""
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_IN_STYLE = re.compile(r"""url\(\s*(?:"([^"]*)"|'([^']*)'|([^"')\s]+))\s*\)|@import\s+(?:"([^"]+)"|'([^']+)')""")
_STYLE_ELEMENT = re.compile(r"<style[^>]*>(.*?)</style>", re.DOTALL | re.IGNORECASE)


@dataclass(frozen=True)
class Address:
    """An address on a page."""

    text: str
    loads: bool
    """Whether the browser fetches it without a reader's doing."""
    where: str
    """The tag or file that it stands in, for messages."""


def findings(folder: Folder) -> Iterator[Finding]:
    """Every address of the wanted pages and of all style sheets that is wrong."""
    for page in folder.checked():
        for address in addresses_of(page):
            yield from _wrong(folder, page.name, address)
    for name in folder.files:
        if name.endswith(".css"):
            text = (folder.path / name).read_text(encoding="utf-8")
            for found in in_style(text):
                yield from _wrong(folder, name, Address(found, True, "url()"))
    for line in absolute(folder.path, folder.base):
        name, _, why = line.partition(": ")
        # the page for what is not there has a rule of its own, below
        if name != NOT_FOUND_PAGE and (name in folder.wanted or name not in folder.pages):
            yield Finding(name, "absolute path", why)


def addresses_of(page: Page) -> Iterator[Address]:
    """Every address on a page, those in style sheets of its own too."""
    for tag in page.tags:
        yield from _of_tag(tag)
        for found in in_style(tag.attributes.get("style", "")):
            yield Address(found, True, f"style of <{tag.name}>")
    for style in _STYLE_ELEMENT.finditer(page.html):
        for found in in_style(style[1]):
            yield Address(found, True, "<style>")


def _of_tag(tag: Tag) -> Iterator[Address]:
    if tag.name == "link":
        loads = bool(LOADING_LINKS & set(tag.attributes.get("rel", "").lower().split()))
        names: tuple[str, ...] = ("href",)
    elif tag.name == "meta":
        told = tag.attributes.get("property") or tag.attributes.get("name")
        loads, names = False, ("content",) if told in CARDS else ()
    else:
        loads = tag.name in LOADS
        names = LOADS.get(tag.name) or LEADS.get(tag.name) or ()
    for name in names:
        value = tag.attributes.get(name, "").strip()
        if name == "srcset":
            # the parts stand behind commas, each with a width or a density behind a space
            parts = [part.split()[0] for part in value.split(",") if part.strip()]
        else:
            parts = [value] if value else []
        for part in parts:
            yield Address(part, loads, f"<{tag.name} {name}>")


def in_style(text: str) -> Iterator[str]:
    """Every address that a style sheet loads; pictures written into it (`data:`) and parts of SVG (`#id`) are none."""
    for match in _IN_STYLE.finditer(_COMMENT.sub("", text)):
        address = next((group for group in match.groups() if group), "")
        if address and not address.startswith(("data:", "#")):
            yield address


def _wrong(folder: Folder, page: str, address: Address) -> Iterator[Finding]:
    text = address.text
    if address.loads and re.match(r"(?:https?:)?//", text):
        yield Finding(page, "other host", f"{address.where} loads {text}")
        return
    own = text if address.loads else folder.own(text)
    if ELSEWHERE.match(own):
        return
    if page == NOT_FOUND_PAGE and not own.startswith(("#", folder.base)) and own == text:
        yield Finding(page, "absolute path", f"{text} does not begin with {folder.base}: this page is shown anywhere")
    if own != text:  # the site's own host stands before it: from its root, on whatever page
        own = own.lstrip("/") or "./"
        target = folder.file_of("index.html", own)
    else:
        target = folder.file_of(page, own)
    if not target or target not in folder.files:
        kind = "missing file" if address.loads else "link that leads nowhere"
        missing = f"there is no {target}" if target else "it leads out of the site"
        yield Finding(page, kind, f"{address.where} {text}: {missing}")
        return
    anchor = unquote(own.partition("#")[2])
    # with `=` in it an anchor is state for a page's script, such as which latent to show
    if not anchor or anchor == "top" or "=" in anchor or target not in folder.pages:
        return
    if anchor not in folder.pages[target].ids:
        yield Finding(page, "anchor without id", f"{address.where} {text}: {target} has no id {anchor!r}")

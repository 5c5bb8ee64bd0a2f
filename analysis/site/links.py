"""The tags of finished HTML: which ids a page has, and where each link and picture leads.

Works on the text of the page, tag by tag, so that all the rest stays byte for byte what pandoc and the
templates wrote. Links are checked against all pages, so this runs after every page has been converted.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from urllib.parse import quote, unquote

from analysis.site.inside import refusal
from analysis.site.tags import Attributes, Parser, words_of

# Where Quarto rewrites root-relative addresses too; `data-*` attributes are left to the scripts that read
# them.
_ADDRESSES = {
    "a": "href",
    "area": "href",
    "link": "href",
    "img": "src",
    "image": "href",
    "script": "src",
    "embed": "src",
    "iframe": "src",
    "source": "src",
    "video": "src",
    "audio": "src",
}
ELSEWHERE = re.compile(r"^(?:[a-zA-Z][a-zA-Z0-9+.-]*:|//)")
"""How an address begins that names a scheme or a host, so that it is no file of the site by itself."""
# A comma ends a picture's address only at its end: `data:image/png;base64,AA== 2x` is one.
_OF_SET = re.compile(r"([^\s,]\S*[^\s,]|[^\s,])(?:,|\s[^,]*|$)")
_REFRESH = re.compile(r"""[;,]\s*(?:url\s*=\s*)?["']?([^"'\s]+)""", re.IGNORECASE)
Fail = Callable[[str, str], None]


@dataclass(frozen=True)
class Tag:
    """A start tag as it stands in the text."""

    start: int
    text: str
    name: str
    attributes: dict[str, str]
    values: Mapping[str, tuple[int, int]]
    """Where in `text` their values stand, quotes and all."""


class _Tags(Parser):
    def __init__(self) -> None:
        self.tags: list[Tag] = []

    def handle_starttag(self, tag: str, attrs: Attributes) -> None:
        has: dict[str, str] = {}
        for name, value in attrs:
            has.setdefault(name, value or "")  # of two of a name browsers take the first
        self.tags.append(Tag(self.tag_start, self.tag_text, tag, has, self.tag_values))


def tags_of(html: str) -> list[Tag]:
    """Every start tag, in order."""
    parser = _Tags()
    parser.feed(html)
    return parser.tags


def ids_of(tags: list[Tag]) -> Iterator[str]:
    """Every id, and every name that an old-fashioned anchor gives."""
    for tag in tags:
        if "id" in tag.attributes:
            yield tag.attributes["id"]
        elif tag.name == "a" and "name" in tag.attributes:
            yield tag.attributes["name"]


def of_set(value: str) -> list[str]:
    """The addresses of a `srcset` or `imagesrcset`, without their widths and densities."""
    return [match[1] for match in _OF_SET.finditer(value)]


def refresh_of(tag: Tag) -> str:
    """Where a `<meta http-equiv="refresh">` leads; empty where it leads nowhere else, and for all other tags."""
    if tag.name != "meta" or tag.attributes.get("http-equiv", "").lower() != "refresh":
        return ""
    found = _REFRESH.search(tag.attributes.get("content", ""))
    return found[1] if found else ""


def works_anywhere(address: str, base: str) -> bool:
    """Whether an address leads to the same place on a page that is shown under any address of the host, as 404 is."""
    return not address or address.startswith(("#", base)) or ELSEWHERE.match(address) is not None


@dataclass
class Linker:
    """Turns the addresses of the sources into those of the output; one that leads nowhere is refused."""

    root: Path
    pages: dict[str, str]  # page.qmd -> page.html
    ids: dict[str, set[str]]  # page.qmd -> its ids
    made: set[str]  # files that the renderer itself writes into the output
    files: set[str] = field(default_factory=set)  # files of the project that some page asks for
    asked: dict[str, tuple[str, str]] = field(default_factory=dict)  # by which page and address first, for messages
    base: str = "/"  # the path of the site on its host
    anywhere: frozenset[str] = frozenset()  # pages that are shown under any address, so that they need `base`

    def rewrite(self, page: str, html: str, fail: Fail, tags: list[Tag] | None = None) -> str:
        """The page with every address relative to it; `fail(message, needle)` raises. `tags` are those of `html`."""
        out, last = [], 0
        for tag in tags_of(html) if tags is None else tags:
            if tag.name == "img" and "alt" not in tag.attributes:
                fail(f"an <img> without alt: {tag.text}", tag.attributes.get("src", ""))
            name = _ADDRESSES.get(tag.name)
            if name is None or name not in tag.attributes:
                continue
            address = tag.attributes[name]
            new = self.resolve(page, address, fail)
            if new != address:
                out += [html[last : tag.start], _replaced(tag, name, new)]
                last = tag.start + len(tag.text)
        return "".join([*out, html[last:]])

    def resolve(self, page: str, address: str, fail: Fail) -> str:
        """The address as the browser needs it on `page`."""
        if not address or ELSEWHERE.match(address):
            return address
        path, _, anchor = address.partition("#")
        path, question, query = path.partition("?")
        if not path:
            self._check_anchor(page, anchor, address, fail)
            return address
        path = unquote(path)
        folder = posixpath.dirname(page)
        target = posixpath.normpath(path.lstrip("/") if path.startswith("/") else posixpath.join(folder, path))
        if target.startswith("../") or target == "..":
            fail(f"the link {address} leads out of the site", address)
        target, to_page = self._find(target)
        if to_page:
            self._check_anchor(to_page, anchor, address, fail)
        elif target.endswith(".qmd"):
            fail(
                f"the link {address} leads to {target}, which is no page of the site; pages: " + ", ".join(self.pages),
                address,
            )
        elif target not in self.made and target not in self.files:
            if why := refusal(self.root, target):
                fail(f"the link {address}: {target} {why}", address)
            if not (self.root / target).is_file():
                fail(f"the link {address} leads nowhere: there is no file {target}", address)
            self.files.add(target)
            self.asked.setdefault(target, (page, address))
        if page in self.anywhere:
            relative = self.base + target
        else:
            relative = posixpath.relpath(target, folder or ".")
            relative = relative if relative.startswith("../") else "./" + relative
        return quote(relative, safe="/:@!$&'()*+,;=~") + question + query + (f"#{anchor}" if anchor else "")

    def _find(self, target: str) -> tuple[str, str]:
        """The file to link to and, if it is a page, its source."""
        candidates = [target, posixpath.normpath(posixpath.join(target, "index.qmd"))]
        if target.endswith(".html"):
            candidates.append(target.removesuffix(".html") + ".qmd")
        for candidate in candidates:
            if candidate in self.pages:
                return self.pages[candidate], candidate
        return target, ""

    def _check_anchor(self, page: str, anchor: str, address: str, fail: Fail) -> None:
        # with `=` in it an anchor is state for a page's script, such as which latent to show
        if anchor and anchor != "top" and "=" not in anchor and unquote(anchor) not in self.ids[page]:
            fail(f"the link {address} leads nowhere: {page} has no id {anchor!r}", address)


def relative_addresses(html: str) -> list[str]:
    """The addresses in a piece of HTML that lead to another place from every folder."""
    found = (tag.attributes.get(_ADDRESSES.get(tag.name, ""), "") for tag in tags_of(html))
    return [address for address in found if address and not ELSEWHERE.match(address) and address[0] not in "/#?"]


def _replaced(tag: Tag, name: str, value: str) -> str:
    begin, end = tag.values[name]
    return f'{tag.text[:begin]}"{escape(value)}"{tag.text[end:]}'


def duplicates(tags: list[Tag]) -> list[str]:
    """The ids that stand on more than one tag."""
    seen: set[str] = set()
    again = []
    for tag in tags:
        name = tag.attributes.get("id")
        if name is not None and name in seen:
            again.append(name)
        seen.add(name or "")
    return again


def text_of(html: str) -> str:
    """HTML without its tags."""
    return words_of(html)

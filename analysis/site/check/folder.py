"""A site as it lies on the disk: its files, its pages with their tags and ids, and where an address leads."""

from __future__ import annotations

import bisect
import gzip
import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatch
from functools import cached_property
from pathlib import Path
from urllib.parse import unquote

from analysis.site.links import ELSEWHERE, Tag, ids_of, tags_of
from analysis.site.project import NOT_FOUND_PAGE, base_of
from analysis.site.publishing import decoded
from sae.errors import RenderError

LIBRARIES = "site_libs/"
"""Where both renderers put what belongs to them."""
TEXT = (".html", ".css", ".js", ".mjs", ".json", ".map", ".svg", ".xml", ".txt", ".csv", ".ipynb", ".py", ".md")
"""What hosts send compressed; pictures and fonts are compressed in themselves."""
GZIP_LEVEL = 6
"""What web servers use unless they are told otherwise."""
CHART, TABLE, EXPLORER = "chart", "neurons", "xp"
"""Classes of what the tool's own pages hold: a chart, a table of latents, the explorer."""
START = "index.html"
"""The page that a site begins with."""
_WHOLE = re.compile(r"(?:https?:)?//(?P<host>[^/?#]*)(?P<path>[^?#]*)(?P<rest>.*)", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True)
class Page:
    """A page as text and tags."""

    name: str
    """Its file, relative to the site: `report/depths.html`."""
    html: str
    tags: tuple[Tag, ...]
    ids: frozenset[str]

    def count(self, tag: str) -> int:
        """How many tags of this name it has."""
        return sum(one.name == tag for one in self.tags)

    @cached_property
    def classes(self) -> frozenset[str]:
        """Every class of its tags."""
        return frozenset(name for tag in self.tags for name in tag.attributes.get("class", "").split())

    @property
    def has_charts(self) -> bool:
        """Whether charts stand on it (`class="chart"`)."""
        return self.has_class(CHART)

    def has_class(self, name: str) -> bool:
        """Whether an element of it has this class: what a page is for is known by what it holds, not by its file."""
        return name in self.classes

    @cached_property
    def main(self) -> range:
        """Where the text stands, `<main>`; empty where there is none."""
        return self._between("main")

    @cached_property
    def footer(self) -> range:
        """Where the words of the settings stand below the text, `<footer>`; empty where there is none."""
        return self._between("footer")

    def _between(self, name: str) -> range:
        """From the first tag of this name to the end of the last; empty where one of them is missing."""
        first = next((tag.start for tag in self.tags if tag.name == name), None)
        last = self._lower.rfind(f"</{name}>")
        return range(0) if first is None or last < first else range(first, last + len(f"</{name}>"))

    def content(self, tag: Tag) -> str:
        """The text of an element that holds no others: from its tag to its end tag, or to that of the page."""
        begin = tag.start + len(tag.text)
        end = self._lower.find(f"</{tag.name}", begin)
        return self.html[begin : end if end >= 0 else len(self.html)]

    @cached_property
    def _lower(self) -> str:
        return self.html.lower()

    @cached_property
    def _starts(self) -> list[int]:
        return [tag.start for tag in self.tags]

    def tag_at(self, offset: int) -> Tag | None:
        """The start tag that begins there, or that the place lies in."""
        before = bisect.bisect_right(self._starts, offset) - 1
        if before < 0 or offset >= self.tags[before].start + len(self.tags[before].text):
            return None
        return self.tags[before]

    @property
    def loaded(self) -> frozenset[str]:
        """The names of the scripts that its tags load, without their folders."""
        sources = (re.split(r"[?#]", tag.attributes.get("src", ""))[0] for tag in self.tags if tag.name == "script")
        return frozenset(posixpath.basename(source) for source in sources)


@dataclass(frozen=True)
class Folder:
    """A rendered site. Made by `read`."""

    path: Path
    url: str
    """Where it is to be published, without a slash at its end; empty where the settings do not say."""
    files: dict[str, int]
    """Every file, relative to the folder, with its bytes."""
    pages: dict[str, Page]
    """By file."""
    wanted: tuple[str, ...]
    """The pages that are to be checked."""
    _weights: dict[str, int] = field(default_factory=dict)

    @property
    def base(self) -> str:
        """The path of the site on its host."""
        return base_of(self.url)

    @property
    def by_quarto(self) -> bool:
        """Whether the real Quarto rendered it: its own markup is not ours to mend."""
        return any(name.startswith(f"{LIBRARIES}quarto-html/") for name in self.files)

    def is_quartos_own(self, name: str, offset: int = 0, address: str | None = None) -> bool:
        """Whether what stands there in a file is Quarto's own, not ours to mend: what is wrong with it is a note.

        That is its libraries, and on the pages that it rendered the markup outside of `<main>` and the footer, and
        links to its libraries anywhere: with a light and a dark theme it repeats their ids by design. An `address` is
        its own only where it leads to its libraries or stands in a script: all others come from the settings.
        """
        if not self.by_quarto:
            return False
        if name not in self.pages:
            return name.startswith(LIBRARIES)
        page = self.pages[name]
        at = page.tag_at(offset)
        if at is not None and at.name == "link" and LIBRARIES in at.attributes.get("href", ""):
            return True
        if offset in page.main or offset in page.footer:
            return False
        return address is None or LIBRARIES in address or at is None

    def text(self, name: str) -> str:
        """A file of text; one that is not UTF-8 is a finding of its own, and is read all the same."""
        return decoded(self.path / name)

    def checked(self) -> Iterator[Page]:
        """The pages that are to be checked."""
        return (self.pages[name] for name in self.wanted)

    def holding(self, name: str) -> list[str]:
        """The pages to be checked that hold an element of this class, the one with most tags first."""
        found = [page for page in self.checked() if page.has_class(name)]
        return [page.name for page in sorted(found, key=lambda page: (-len(page.tags), page.name))]

    def own(self, address: str) -> str | None:
        """An address of this site, whole, as seen from its first page: `https://host/site/a.html` is `a.html`.

        None for all other addresses. Case does not count in the name of a host, nor whether it is asked securely.
        """
        whole, ours = _WHOLE.match(address), _WHOLE.match(self.url)
        if not whole or not ours or whole["host"].lower() != ours["host"].lower():
            return None
        if not f"{whole['path']}/".startswith(self.base):
            return None
        return whole["path"][len(self.base) :] + whole["rest"]

    def file_of(self, page: str, address: str) -> str | None:
        """The file that an address on `page` leads to, whether it is there or not.

        None for an address of another host or kind (`mailto:`); an empty text for one that leads out of the folder.
        """
        if ELSEWHERE.match(address):
            return None
        path = re.split(r"[?#]", address, maxsplit=1)[0]
        if not path:
            return page
        if path.startswith("/"):
            path = "/" + path.removeprefix(self.base) if page == NOT_FOUND_PAGE else path
            target = posixpath.normpath(unquote(path).lstrip("/") or ".")
        else:
            target = posixpath.normpath(posixpath.join(posixpath.dirname(page), unquote(path)))
        if target == ".." or target.startswith("../"):
            return ""
        if path.endswith("/") or (self.path / target).is_dir():
            target = posixpath.normpath(posixpath.join(target, "index.html"))
        return target

    def transfer(self, name: str) -> int:
        """Bytes of a file on its way to a reader: text compressed by gzip, all else as it is."""
        if name not in self._weights:
            body = (self.path / name).read_bytes()
            text = name.endswith(TEXT)
            self._weights[name] = len(gzip.compress(body, GZIP_LEVEL, mtime=0)) if text else len(body)
        return self._weights[name]


def read(path: Path, url: str, pattern: str = "*") -> Folder:
    """Read a rendered site; only pages that match `pattern` are to be checked. Raises RenderError without pages."""
    if not (path / "index.html").is_file():
        raise RenderError(f"there is no {path.name}/index.html: run `strata render`, or name a folder that has one")
    files = {
        file.relative_to(path).as_posix(): file.stat().st_size for file in sorted(path.rglob("*")) if file.is_file()
    }
    pages = {name: read_page(path, name) for name in files if name.endswith(".html")}
    wanted = tuple(name for name in pages if fnmatch(name, pattern))
    if not wanted:
        raise RenderError(f"no page of {path.name} matches {pattern!r}; pages: {', '.join(pages)}")
    return Folder(path, url, files, pages, wanted)


def read_page(path: Path, name: str) -> Page:
    """One page of the site in `path`."""
    html = decoded(path / name)
    tags = tags_of(html)
    return Page(name, html, tuple(tags), frozenset(ids_of(tags)))

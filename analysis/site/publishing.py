"""What would be published: the files of `_site`, and whether they work wherever they are put.

A site on GitHub Pages lies under a path (`/strata/`), so no page, style or script may name a file from the host's
root. The one exception is `404.html`, which is shown under any address: all its addresses begin with that path.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from urllib.parse import unquote

from analysis.plan.paths import Paths
from analysis.site.inside import refusal
from analysis.site.links import ELSEWHERE, of_set, refresh_of, tags_of, works_anywhere
from analysis.site.project import CONFIG, NOT_FOUND_PAGE, base_of, site_url
from analysis.site.rooted import unrooted_settings
from analysis.system.git import changed, commit_of
from sae.errors import RenderError

EXPECTED = ("index.html", "sitemap.xml", "robots.txt")
READ = (".html", ".css", ".js", ".mjs", ".svg")
"""What may hold addresses, by ending."""
FOR_HOSTS = (".nojekyll", ".well-known")
"""Names with a dot that tell a host something."""
NOT_OURS = ("site_libs/bootstrap", "site_libs/clipboard", "site_libs/quarto-")
"""Files that come with Quarto."""
SETS = ("srcset", "imagesrcset")
ADDRESSES = ("href", "src", "action", "formaction", "poster", "data", "xlink:href")
_STYLE = re.compile(r"""(?:url\(|@import)\s*["']?(/(?!/)[^"')\s]*)""", re.IGNORECASE)
_SCRIPT = re.compile(
    r"""(?:\b(?:fetch|import|importScripts|Worker|URL|open)\(|\bfrom|\.(?:src|href|action)\s*=)\s*["'`](/(?!/)[^"'`\s]*)"""
)
_LOCATION = re.compile(r"<loc>([^<]*)</loc>")


@dataclass(frozen=True)
class Survey:
    """What lies in `_site` and around it."""

    kinds: dict[str, tuple[int, int]]
    """By ending, the largest first: how many files, how many bytes."""
    url: str
    """Where the site is to be published, without a slash at its end; empty where the settings do not say."""
    faults: tuple[str, ...]
    """What would not work once it is published."""
    notes: tuple[str, ...]
    """What its author may want to know before."""
    commit: str
    """Of the checkout; empty outside git."""

    @property
    def files(self) -> int:
        """How many files there are."""
        return sum(count for count, _ in self.kinds.values())

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(size for _, size in self.kinds.values())


def survey(paths: Paths) -> Survey:
    """Look at the rendered site. Raises RenderError where there is none."""
    site = paths.site
    if not (site / "index.html").is_file():
        raise RenderError(f"there is no {paths.relative(site)}/index.html yet: run `strata render`")
    files = sorted(path for path in site.rglob("*") if path.is_file())
    url = site_url(paths.root)
    faults = [] if url else [f"website.site-url is not set in {CONFIG}: {NOT_FOUND_PAGE} and the cards need it"]
    faults += [f"{file}:{line}: {why}" for file, line, why in unrooted_settings(paths.root, CONFIG)]
    faults += [f"there is no {name}" for name in EXPECTED if not (site / name).is_file()]
    faults += [f"{name}: {why}" for name, why in not_utf8(site)]
    faults += absolute(site, base_of(url))
    faults += [f"{name} {why}" for name, why in private(site)]
    faults += _elsewhere(site, url)
    differing = changed(paths.root)
    notes = [f"tracked files that differ from the last commit: {_some(differing)}"] if differing else []
    late = _newer(paths)
    notes += [f"rendered before the last change of {_some(late)}"] if late else []
    return Survey(_kinds(files), url, tuple(faults), tuple(notes), commit_of(paths.root))


def absolute(site: Path, base: str) -> list[str]:
    """Every address below `site` that breaks under the path `base`, with its file."""
    made = []
    for path in sorted(site.rglob("*")):
        name = path.relative_to(site).as_posix()
        if path.suffix in READ and path.is_file() and not name.startswith(NOT_OURS):
            text = decoded(path)
            if name == NOT_FOUND_PAGE:
                made += [f"{name}: {why}" for why in _not_anywhere(site, text, base)]
            else:
                found = dict.fromkeys(address for _, address in from_the_root(text, path.suffix))
                made += [f"{name}: {address} begins at the host" for address in found]
    return made


def decoded(path: Path) -> str:
    """A file's text. What is not UTF-8 in it is replaced, so that all else can be looked at: see `not_utf8`."""
    return path.read_bytes().decode(errors="replace")


def not_utf8(site: Path) -> Iterator[tuple[str, str]]:
    """Every file of text that is not UTF-8, as its page says and browsers take it; with the first wrong place."""
    for path in sorted(site.rglob("*")):
        if path.suffix in READ and path.is_file():
            try:
                path.read_bytes().decode()
            except UnicodeDecodeError as error:
                yield path.relative_to(site).as_posix(), f"byte {error.start} is not UTF-8"


def private(site: Path) -> Iterator[tuple[str, str]]:
    """Every file or folder that is not the site's to publish: a link out of it, a dot file; with the reason."""
    for path in sorted(site.rglob("*")):
        name = path.relative_to(site).as_posix()
        if name not in FOR_HOSTS and (path.is_symlink() or path.name.startswith(".")) and (why := refusal(site, name)):
            yield name, why


def from_the_root(text: str, kind: str) -> Iterator[tuple[int, str]]:
    """Every address in a file of this ending that begins at the host's root, and where it stands in the text."""
    if kind in (".html", ".svg"):
        yield from ((at, address) for at, address in _addresses(text) if address[:1] == "/" and address[1:2] != "/")
    yield from ((match.start(), match[1]) for match in _STYLE.finditer(text))
    if kind in (".html", ".js", ".mjs"):
        yield from ((match.start(), match[1]) for match in _SCRIPT.finditer(text))


def _addresses(html: str) -> Iterator[tuple[int, str]]:
    for tag in tags_of(html):
        values = [tag.attributes[name].strip() for name in ADDRESSES if name in tag.attributes]
        values += [address for name in SETS for address in of_set(tag.attributes.get(name, ""))]
        yield from ((tag.start, value) for value in (*values, refresh_of(tag)))


def _not_anywhere(site: Path, html: str, base: str) -> Iterator[str]:
    """What is wrong on the page that is shown under any address."""
    for address in dict.fromkeys(address for _, address in _addresses(html)):
        if not works_anywhere(address, base):
            yield f"{address} does not begin with {base}"
        elif ELSEWHERE.match(address) or not address.startswith(base):
            continue
        elif not _is_there(site, unquote(re.split(r"[?#]", address.removeprefix(base))[0]).lstrip("/")):
            yield f"{address} leads nowhere"


def _is_there(site: Path, name: str) -> bool:
    return (site / name / "index.html").is_file() if not name or name.endswith("/") else (site / name).is_file()


def _elsewhere(site: Path, url: str) -> list[str]:
    """Whether the site was rendered for another address."""
    sitemap = site / "sitemap.xml"
    places = _LOCATION.findall(sitemap.read_text(encoding="utf-8")) if sitemap.is_file() else []
    wrong = [place for place in places if url and not place.startswith(f"{url}/")]
    return [f"sitemap.xml: {wrong[0]} is not below {url}: render again"] if wrong else []


def _newer(paths: Paths) -> list[str]:
    """Sources and parts that are newer than the site."""
    made = (paths.site / "index.html").stat().st_mtime
    sources = [paths.root / CONFIG, *paths.root.glob("*.qmd"), *paths.report.glob("*.qmd"), *paths.generated.glob("*")]
    sources += [path for path in paths.assets.rglob("*") if path.is_file()]
    return sorted(paths.relative(path) for path in sources if path.stat().st_mtime > made)


def _kinds(files: list[Path]) -> dict[str, tuple[int, int]]:
    found: dict[str, tuple[int, int]] = {}
    for path in files:
        kind = PurePosixPath(path.name).suffix.lstrip(".") or "without ending"
        count, size = found.get(kind, (0, 0))
        found[kind] = (count + 1, size + path.stat().st_size)
    return dict(sorted(found.items(), key=lambda item: (-item[1][1], item[0])))


def _some(names: list[str], shown: int = 3) -> str:
    rest = len(names) - shown
    return ", ".join(names[:shown]) + (f" and {rest} more" if rest > 0 else "")

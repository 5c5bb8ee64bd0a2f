"""How much a reader's connection is asked for, held against fixed limits.

Text is counted as gzip sends it, all else as it lies on the disk. The parts are taken from the tags and, where a
browser went through the pages, from what they really asked for, so that a script loaded by a script counts too. The
*first view* is every file that a cold load at 1280 px, with nothing cached, asks for until the network has been silent
for half a second, before anything is scrolled; each file once. 1 KB is 1,000 bytes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from analysis.site.check.addresses import OTHER_HOST, addresses_of, in_style
from analysis.site.check.findings import Finding
from analysis.site.check.folder import LIBRARIES, Folder, Page
from analysis.site.check.visits import Visit

CHARTS = "report/assets/generated/vega.js"
"""The runtime of charts; `charts.js` loads it when a chart comes near."""


@dataclass(frozen=True)
class Budget:
    """A limit."""

    name: str
    limit: int
    unit: str
    """bytes, files or requests."""
    binding: bool = True
    """False for what is only told."""


HTML = Budget("HTML of a page, gzipped", 150_000, "bytes")
CODE = Budget("CSS and JS of a page without charts, gzipped", 60_000, "bytes")
CODE_WITH_QUARTO = Budget("CSS and JS with Quarto's own (told only)", 60_000, "bytes", binding=False)
MORE = Budget("what charts add to a page, gzipped", 400_000, "bytes")
FIRST = Budget("first view, cold, 1280 px", 1_500_000, "bytes")
SIZE = Budget("the site", 50_000_000, "bytes")
FILES = Budget("files of the site", 2_000, "files")
ELSEWHERE = Budget("requests to other hosts from a page", 0, "requests")


@dataclass(frozen=True)
class Spent:
    """What was used of a budget, where most of it was used."""

    budget: Budget
    value: int
    page: str
    """The worst page; empty for what the site has as a whole, and where nothing was used."""

    @property
    def headroom(self) -> float | None:
        """The share of the limit that is left, below 0 where it is passed; None where the limit is nothing at all."""
        return 1 - self.value / self.budget.limit if self.budget.limit else None

    @property
    def kept(self) -> bool:
        """Whether the limit holds."""
        return self.value <= self.budget.limit or not self.budget.binding


def spent(folder: Folder, visits: Mapping[str, Visit]) -> list[Spent]:
    """Every budget with its worst page. The first view is known only of pages that a browser visited."""
    code = {page.name: code_of(folder, page, visits.get(page.name)) for page in folder.checked()}
    pages: list[tuple[Budget, dict[str, int]]] = [
        (HTML, {page.name: folder.transfer(page.name) for page in folder.checked()}),
        (CODE, {name: _sum(folder, files, ours=folder.by_quarto) for name, files in code.items()}),
        (MORE, {page.name: _charts(folder, page, visits.get(page.name)) for page in folder.checked()}),
    ]
    if folder.by_quarto:
        pages.insert(2, (CODE_WITH_QUARTO, {name: _sum(folder, files) for name, files in code.items()}))
    looked = {name: _sum(folder, one.first) for name, one in visits.items() if one.first}
    if looked:
        pages.append((FIRST, looked))
    pages.append((ELSEWHERE, {page.name: _elsewhere(page, visits.get(page.name)) for page in folder.checked()}))
    found = [_worst(budget, by_page) for budget, by_page in pages]
    return [*found, Spent(SIZE, sum(folder.files.values()), ""), Spent(FILES, len(folder.files), "")]


def findings(used: list[Spent]) -> Iterator[Finding]:
    """The budgets that are passed; requests elsewhere have findings of their own, each with its address."""
    for one in used:
        if not one.kept and one.budget is not ELSEWHERE:
            over = f"{show(one.value, one.budget.unit)}, {show(one.budget.limit, one.budget.unit)} is the limit"
            yield Finding(one.page or "the site", "over budget", f"{one.budget.name}: {over}")


def code_of(folder: Folder, page: Page, visit: Visit | None = None) -> frozenset[str]:
    """Scripts and style sheets that a page loads, without the runtime of charts."""
    found: set[str] = set()
    waiting = [
        (page.name, address.text)
        for address in addresses_of(page)
        if address.loads and address.where in ("<script src>", "<link href>")
    ]
    while waiting:
        name = folder.file_of(*waiting.pop())
        if name and name not in found and name in folder.files and name.endswith((".css", ".js", ".mjs")):
            found.add(name)
            if name.endswith(".css"):  # what it imports is loaded with it
                waiting += [(name, address) for address in in_style(folder.text(name))]
    seen = {name for name in visit.code if name in folder.files} if visit else set()
    return frozenset((found | seen) - {CHARTS})


def _charts(folder: Folder, page: Page, visit: Visit | None) -> int:
    loaded = page.has_charts or (visit is not None and CHARTS in visit.code)
    return folder.transfer(CHARTS) if loaded and CHARTS in folder.files else 0


def _elsewhere(page: Page, visit: Visit | None) -> int:
    tags = sum(address.loads and OTHER_HOST.match(address.text) is not None for address in addresses_of(page))
    return max(tags, visit.elsewhere if visit else 0)


def _sum(folder: Folder, files: frozenset[str], ours: bool = False) -> int:
    """Bytes of the files that are there; with `ours` without those that came with Quarto."""
    return sum(
        folder.transfer(name) for name in files if name in folder.files and not (ours and name.startswith(LIBRARIES))
    )


def _worst(budget: Budget, by_page: Mapping[str, int]) -> Spent:
    page = max(by_page, key=lambda name: (by_page[name], name))
    return Spent(budget, by_page[page], page if by_page[page] else "")


def show(value: int, unit: str) -> str:
    """A number with its unit: `12.3 KB`, `18.0 MB`, `154 files`."""
    if unit != "bytes":
        return f"{value:,} {unit}"
    return f"{value / 1e6:.2f} MB" if value >= 1_000_000 else f"{value / 1e3:.1f} KB"

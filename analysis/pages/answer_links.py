"""From an author's links to results: the very figure, number or section, live, or an error that names the line.

An answer in `data/logs/answers.toml` stands on results. Each time the site is built its links are followed again, so
that a number in it is the number of the run, and a link to a result that is gone fails the build.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from analysis.figures.asked import asked
from analysis.figures.draw import Artefact
from analysis.logs.answers import FILE, Answer, Answers
from analysis.logs.unseen import without_unseen
from analysis.logs.write import escape
from analysis.pages.numbers import USE, derived_numbers, resolve
from analysis.pages.typed_numbers import unsourced
from analysis.plan.paths import Paths
from analysis.results.tables import Results
from analysis.site.source import INCLUDE
from sae.errors import ConfigError, NotFoundError, RenderError

DRAFT = "---\n# draft of `strata write`"
"""How a draft begins."""
_HEADING = re.compile(r"^#{1,6}\s+(.*?)\s*(?:\{([^}]*)\})?\s*$", re.M)
_FENCED = re.compile(r"^(`{3,}|~{3,}).*?^\1[`~]*\s*$", re.S | re.M)
_RAW = re.compile(r"```\{=html\}\n(.*?)\n```", re.S)


@dataclass(frozen=True)
class Shown:
    """What a link leads to."""

    kind: str
    """`figure`, `number` or `section`."""
    name: str
    """The figure's module, the number's name, the section's address."""
    markdown: str
    """A link or number for running text."""


class Links:
    """The results that an answer can link to."""

    def __init__(self, results: Results | None, paths: Paths, pages: Sequence[Path], drawn: Sequence[Artefact]) -> None:
        self._results, self._paths = results, paths
        self._texts = {paths.relative(page): page.read_text(encoding="utf-8") for page in pages}
        self._drawn = {artefact.figure: artefact for artefact in drawn}
        self._shows = {page: {call.name for call in asked([page], paths.root)} for page in pages}

    def follow(self, answer: Answer, line: int) -> list[Shown]:
        """What the answer links to. Raises RenderError, with the line in the file, when that is gone."""
        place = self._paths.relative(self._paths.logs / FILE)
        try:
            return self.look_up(answer)
        except NotFoundError as error:
            raise RenderError(f"an answer links to a result that is not there: {error}", place, line) from error
        except ConfigError as error:
            raise RenderError(str(error), place, line) from error

    def look_up(self, answer: Answer) -> list[Shown]:
        """What the answer links to. Raises NotFoundError, naming what there is, for a link that leads nowhere, and
        ConfigError for a number typed by hand."""
        shown = [self._follow(link) for link in answer.links]
        for name in USE.findall(answer.sentence):
            resolve(name, self._results, self._paths)
        for _, number in unsourced(answer.sentence):
            raise ConfigError(f"the number {number!r} is typed by hand: use {{{{< num ... >}}}}")
        return shown

    def names(self) -> list[str]:
        """All that an answer can link to by name: figures that a page shows, numbers that pages use, pages and their
        sections."""
        figures = [artefact.figure for artefact in self._drawn.values() if self.page_of(artefact.name)]
        numbers = dict.fromkeys(name for text in self._texts.values() for name in USE.findall(text))
        sections = {
            address: None
            for _, whole, text in self.written()
            for address in (whole, *(f"{whole}#{slug}" for slug, _ in headings(text)))
        }
        return [*figures, *numbers, *sections]

    def _follow(self, said: str) -> Shown:
        words, _, link = said.rpartition(" -> ")
        if link.startswith(("fig-", "tbl-")):
            return self._figure(link, words)
        if ".qmd" in link:
            return self._section(link, words)
        if not re.search(r"[/:]", link) and link not in derived_numbers(self._paths):
            raise NotFoundError("figure, number or section", link, self.names())
        number = resolve(link, self._results, self._paths)
        words = words or number.words
        return Shown("number", link, f"{escape(words)}: {{{{< num {link} >}}}}")

    @property
    def drawn(self) -> list[Artefact]:
        """Figures and tables, as they were drawn."""
        return list(self._drawn.values())

    def written(self) -> Iterator[tuple[str, str, str]]:
        """Each page and part that a page shows: its name, the page's name and its text. Drafts are left out: what was
        made of the questions says nothing of them."""
        for name, text in self._texts.items():
            if (whole := self._whole(name)) and not text.startswith(DRAFT):
                yield name, whole, text

    def title_of(self, page: str) -> str:
        """The title of a page; its name for one that says none."""
        return _title(self._texts[page], page)

    def _figure(self, link: str, words: str) -> Shown:
        if link not in self._drawn:
            raise NotFoundError("figure or table", link, list(self._drawn))
        artefact = self._drawn[link]
        page = self.page_of(artefact.name)
        if not page:
            raise NotFoundError(f"page that shows {link}, among the pages", link, list(self._texts))
        return Shown("figure", artefact.name, f"[{escape(words or 'the figure on its own page')}](/{page}#{link})")

    def page_of(self, name: str) -> str:
        """The page that shows the figure of that name, itself or in a part; empty for none, or where only a part shows
        it that no page includes, as the one post is."""
        pages = sorted(self._paths.relative(page) for page, names in self._shows.items() if name in names)
        return next((whole for page in pages if (whole := self._whole(page))), "")

    def _whole(self, part: str, below: tuple[str, ...] = ()) -> str:
        """The page that a file is, or that includes it; empty for a part that no page includes."""
        name = posixpath.basename(part)
        if not name.startswith("_"):
            return part
        above = [page for page, text in sorted(self._texts.items()) if name in _included(text) and page not in below]
        return next((whole for page in above if (whole := self._whole(page, (*below, part)))), "")

    def _section(self, link: str, words: str) -> Shown:
        page, _, anchor = link.lstrip("/").partition("#")
        if page not in self._texts:
            raise NotFoundError("page", page, list(self._texts))
        parts = [self._texts[page]]
        for name in _included(parts[0]):
            parts += [text for part, text in self._texts.items() if posixpath.basename(part) == name]
        anchors = {slug: title for part in parts for slug, title in headings(part)}
        if anchor and anchor not in anchors:
            raise NotFoundError(f"section of {page}", anchor, list(anchors))
        title = words or (anchors[anchor] if anchor else _title(parts[0], page))
        return Shown("section", link, f"[{escape(title)}](/{link.lstrip('/')})")

    def picture(self, name: str) -> str:
        """The raw HTML of an artefact's fragment: the very chart, picture or table, without its id and caption."""
        fragment = (self._paths.generated / f"{name}.md").read_text(encoding="utf-8")
        found = _RAW.search(fragment)
        return found.group(1) if found else ""


def _included(text: str) -> list[str]:
    """The names of the files that a page includes."""
    return [posixpath.basename(include["path"]) for include in INCLUDE.finditer(text)]


def _title(text: str, page: str) -> str:
    found = re.search(r"^title:\s*[\"']?(.+?)[\"']?\s*$", text, re.M)
    return found.group(1) if found else page


def headings(text: str) -> list[tuple[str, str]]:
    """Id and words of each heading of a page: the id that it gives itself, else the one that pandoc makes."""
    found: list[tuple[str, str]] = []
    for title, attributes in _HEADING.findall(_FENCED.sub("", text)):
        own = re.search(r"#([\w.:-]+)", attributes)
        plain = re.sub(r"\{\{<.*?>\}\}|[*`$]|\]\([^)]*\)|\[", "", title)
        slug = re.sub(r"[^\w\s.-]", "", plain.casefold()).strip()
        slug = re.sub(r"^[\W\d_]+", "", re.sub(r"\s+", "-", slug)) or "section"
        times = sum(
            before == slug or re.fullmatch(rf"{re.escape(slug)}-\d+", before) is not None for before, _ in found
        )
        made = f"{slug}-{times}" if times else slug
        found.append((own.group(1) if own else made, plain.strip()))
    return found


def sentence(answer: Answer) -> str:
    """The answer's words as Markdown: as written, but for what could be HTML."""
    return re.sub(r"(\{\{<[^{}<>]*>\}\})|\\*<", lambda match: match.group(1) or r"\<", without_unseen(answer.sentence))


def follow_all(answers: Answers, links: Links) -> dict[str, list[Shown]]:
    """What each answer links to, by the question's id. Raises RenderError."""
    return {answer.id: links.follow(answer, answers.lines[answer.id]) for answer in answers.answers}

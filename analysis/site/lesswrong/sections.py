"""The tree of a page, cut into sections at its headings of level 2; and the project's one post, which is no page."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from analysis.site import pandoc
from analysis.site.keys import PAGE_KEYS, POST_KEYS
from analysis.site.lesswrong.captions import shortened
from analysis.site.lesswrong.names import slug_of
from analysis.site.metadata import metadata
from analysis.site.project import Project
from analysis.site.source import Source, load_numbers, load_source
from sae.errors import NotFoundError, RenderError

Ast = dict[str, Any]
INTRO = "intro"
FRONT = "index.qmd"
POST = "report/_post.qmd"
"""The project's one post, written for readers who have not seen the site. No page: its name begins with `_`."""
POST_SLUG = "post"
SHORT = "captions end after their first sentence; the whole ones stand on the site"
ANSWERS = "answers.qmd"
_NOTEBOOK = re.compile(r"^\{\{<\s*part\s+notebook-[\w-]+\s*>\}\}\s*$", re.M)
_FLOAT = re.compile(r"\{#((?:fig|tbl)-[\w-]+)")
# The attribute of a heading, a div or a page's front matter that says that a language model drafted the text.
DRAFTED = "drafted-by"


@dataclass(frozen=True)
class Page:
    """A page's tree after filter and citations."""

    path: str
    source: Source
    title: list[Ast]
    blocks: list[Ast]
    references: dict[str, list[Ast]]
    """Key of a reference -> its entry in the list."""


@dataclass(frozen=True)
class Section:
    """A part of a page that becomes a post."""

    page: Page
    slug: str
    anchor: str
    """Its id on the page; empty for the page's beginning and for a whole page."""
    title: list[Ast]
    blocks: list[Ast]
    shift: int
    """By how many levels its headings rise, so that the highest is 2."""
    drafted: str
    """Name of the language model that drafted it, if one did."""
    part: str = ""
    """What it is, where it is no section with a heading of its own."""
    alone: bool = True
    """Whether it is torn from its page, so that it has to say where it belongs."""
    shown_on: Mapping[str, str] | None = None
    """Of a post that is no page: id of a figure -> the page of the site that shows it."""

    def stands_on(self, anchor: str = "") -> str:
        """The page of the site that shows an id; of a post, the front page where none does."""
        return self.page.path if self.shown_on is None else self.shown_on.get(anchor, FRONT)


def load(project: Project, path: str) -> Page:
    """Read a page and have pandoc make its tree. Raises RenderError, NotFoundError for a page that the site has not."""
    if path not in project.pages:
        raise NotFoundError("page", path, list(project.pages))
    return _read(project, path, PAGE_KEYS)


def _read(project: Project, path: str, keys: Mapping[str, Any]) -> Page:
    source = load_source(project.root, path, load_numbers(project.root), keys)
    if not source.meta.get("title"):
        raise RenderError("the page needs a title: in its front matter", path, 1)
    tree = pandoc.tree(source, metadata(project, source), project.root)
    return Page(path, source, tree["meta"]["title"]["c"], tree["blocks"], _references(tree))


def _references(tree: Ast) -> dict[str, list[Ast]]:
    lists = [tree["meta"]["strata-refs"]["c"]] if "strata-refs" in tree["meta"] else []
    lists.append([block for block in tree["blocks"] if block["t"] == "Div" and block["c"][0][0] == "refs"])
    entries = {}
    for blocks in lists:
        for entry in divs(blocks):
            if entry["c"][0][0].startswith("ref-"):
                entries[entry["c"][0][0].removeprefix("ref-")] = entry["c"][1]
    return entries


def divs(tree: Any) -> Iterator[Ast]:
    """Every div of a tree."""
    if isinstance(tree, dict):
        if tree.get("t") == "Div":
            yield tree
        for value in tree.values():
            yield from divs(value)
    elif isinstance(tree, list):
        for value in tree:
            yield from divs(value)


def cut(page: Page) -> list[Section]:
    """The sections of a page in order; what stands before the first of them is `intro`."""
    drafted = str(page.source.meta.get(DRAFTED, ""))
    made: list[Section] = []
    head, inside = None, list[Ast]()
    for block in [*page.blocks, None]:
        if block is not None and not (block["t"] == "Header" and block["c"][0] == 2):
            if not (block["t"] == "Div" and block["c"][0][0] == "refs"):
                inside.append(block)
            continue
        if head is not None:
            (anchor, _, attributes), title = head["c"][1], head["c"][2]
            by = dict(attributes).get(DRAFTED) or dict(attributes).get(f"data-{DRAFTED}") or drafted
            made.append(Section(page, slug_of(anchor), anchor, title, inside, 1, str(by)))
        elif inside:
            made.append(Section(page, INTRO, "", page.title, inside, 0, drafted, "the beginning of the page"))
        head, inside = block, []
    return _apart(made)


def whole(page: Page) -> Section:
    """The page as one post; sections that a model drafted are marked within it, not around it."""
    by = str(page.source.meta.get(DRAFTED, ""))
    blocks = [block for block in page.blocks if not (block["t"] == "Div" and block["c"][0][0] == "refs")]
    name = "write-up" if page.path == FRONT else Path(page.path).stem
    inside = blocks if by else list(_fenced(blocks))
    return Section(page, slug_of(name), "", page.title, inside, 0, by, "the whole page as one post", False)


def one_post(project: Project) -> Section:
    """The project's one post. Raises RenderError where it has none."""
    if not (project.root / POST).is_file():
        raise RenderError(
            f"there is no {POST}, which --post makes a post of: write it as a page, title and all, "
            "with the pictures as {{< figure NAME >}}", POST,
        )  # fmt: skip
    page = _read(project, POST, POST_KEYS)
    numbers, shown_on = load_numbers(project.root), dict[str, str]()
    for path in project.listed:
        for name in _FLOAT.findall(load_source(project.root, path, numbers).text):
            shown_on.setdefault(name, path)
    made = whole(page)
    return replace(made, slug=POST_SLUG, part=SHORT, shown_on=shown_on, blocks=shortened(made.blocks))


def _fenced(blocks: list[Ast]) -> Iterator[Ast]:
    """The blocks, each section with the attribute put into a div that carries it."""
    model, inside = "", list[Ast]()
    for block in [*blocks, None]:
        if block is None or (block["t"] == "Header" and block["c"][0] <= 2):
            if model and inside:
                yield {"t": "Div", "c": [["", [], [[DRAFTED, model]]], inside]}
            attributes = dict(block["c"][1][2]) if block else {}
            model, inside = str(attributes.get(DRAFTED) or attributes.get(f"data-{DRAFTED}") or ""), []
            if block:
                yield block
        elif model:
            inside.append(block)
        else:
            yield block


def _apart(sections: list[Section]) -> list[Section]:
    """The sections, each with a name that none before it has: ids may differ in signs that no file's name keeps."""
    taken: set[str] = set()
    made = []
    for section in sections:
        tries = (section.slug, *(f"{section.slug}-{number}" for number in range(2, len(sections) + 2)))
        slug = next(name for name in tries if name not in taken)
        taken.add(slug)
        made.append(replace(section, slug=slug))
    return made


def choose(project: Project, asked: list[str]) -> list[Section]:
    """The sections that were asked for: `slug` of the write-up, `page.qmd`, `page.qmd#section`; else those of the
    write-up and of the answers to the logs' questions, and the notebooks.

    A page that is asked for as a whole gives its sections and, last, itself as one post; a notebook among those that
    nobody asked for is one post, since each of its cells needs those before it.
    """
    pages: dict[str, Page] = {}
    chosen: dict[str, Section] = {}
    for name in asked or usual(project):
        path, _, slug = name.partition("#") if ".qmd" in name else (FRONT, "", name)
        path = path if path in project.pages else _near(project, path)
        if path not in pages:
            pages[path] = load(project, path)
        found = cut(pages[path])
        if slug:
            wanted = [section for section in found if slug in (section.slug, section.anchor)]
            if not wanted:
                raise NotFoundError(f"section of {path}", slug, [section.slug for section in found])
            found = wanted
        elif asked or not is_notebook(project, path):
            found = _apart([*found, whole(pages[path])])
        else:
            found = [whole(pages[path])]
        for section in found:
            chosen[f"{path}#{section.slug}"] = section
    return _named(list(chosen.values()))


def usual(project: Project) -> list[str]:
    """The pages that are exported when none is asked for."""
    others = [path for path in project.listed if Path(path).name == ANSWERS or is_notebook(project, path)]
    return [FRONT, *(path for path in others if path != FRONT)]


def is_notebook(project: Project, path: str) -> bool:
    """Whether a page shows a worked notebook."""
    file = project.root / path
    return file.is_file() and bool(_NOTEBOOK.search(file.read_text(encoding="utf-8")))


def _near(project: Project, path: str) -> str:
    """`answers.qmd` for `report/answers.qmd`, where only one page is called so."""
    hits = [page for page in project.pages if page.endswith("/" + path)]
    return hits[0] if len(hits) == 1 else path


def _named(sections: list[Section]) -> list[Section]:
    """Each with a name of its own: where two are called alike, the page's name goes in front, but for the write-up."""
    slugs = [section.slug for section in sections]
    made = []
    for section in sections:
        alike = slugs.count(section.slug) > 1 and section.page.path != FRONT
        name = f"{Path(section.page.path).stem}-{section.slug}" if alike else section.slug
        # `index.html` is the checklist
        made.append(replace(section, slug=slug_of(name) if name != "index" else "index-section"))
    return _apart(made)

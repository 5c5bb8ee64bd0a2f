"""The glossary and the words that link to it: no dead term, none that nobody uses, none linked twice at a stretch."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from tests_root import CHECKOUT

GLOSSARY = CHECKOUT / "report" / "glossary.qmd"
PAGES = sorted(page for page in (CHECKOUT / "report").glob("*.qmd") if page != GLOSSARY)
LINK = re.compile(r"\[([^\[\]]+)\]\(/report/glossary\.qmd#(term-[a-z0-9-]+)\)(\{\.term\})?")
TERM = re.compile(r"^### (.+?) \{#(term-[a-z0-9-]+)\}\n\n(.+?)\n(?=\n|\Z)", re.M | re.S)
CROSS_REFERENCE = re.compile(r"@(?:fig|tbl|eq|sec|lst)-")
CITATIONS = re.compile(r"\[@[^\]]*\]")
KEPT_FREE = (  # a link in one of these is an accident: front matter, fences, code, attributes, headings, table captions
    re.compile(r"\A---\n.*?\n---\n", re.S),
    re.compile(r"^(`{3,}|~{3,}).*?^\1", re.S | re.M),
    re.compile(r"`[^`\n]+`"),
    re.compile(r'="[^"\n]*"'),
    re.compile(r"^#+ .*$", re.M),
    re.compile(r"^: .*\{#tbl-.*$", re.M),
)
WORDS = 60
PARTS = range(3, 6)


def terms(text: str) -> dict[str, str]:
    """Id of each term -> its first paragraph."""
    return {id: paragraph for _, id, paragraph in TERM.findall(text)}


def linked(text: str) -> list[str]:
    """Ids of the terms that a page links, in its order."""
    return [id for _, id, _ in LINK.findall(text)]


def sections(text: str) -> Iterator[str]:
    """What stands before the first heading of level 2, and under each of them."""
    starts = [0, *(match.start() for match in re.finditer(r"^## ", text, re.M)), len(text)]
    yield from (text[start:end] for start, end in pairwise(starts))


def twice(text: str) -> list[str]:
    """Terms that one section links more than once."""
    return [id for part in sections(text) for id, n in Counter(linked(part)).items() if n > 1]


def faults(paragraph: str) -> list[str]:
    """Why a first paragraph cannot stand alone on a card."""
    found = ["a shortcode"] * ("{{<" in paragraph)
    found += ["a cross-reference"] * bool(CROSS_REFERENCE.search(paragraph))
    found += ["a link"] * ("](" in paragraph)
    length = len(CITATIONS.sub("", paragraph).split())
    return found + [f"{length} words"] * (length > WORDS)


def misplaced(text: str) -> list[str]:
    """Terms linked where nothing should be."""
    return [id for pattern in KEPT_FREE for match in pattern.finditer(text) for id in linked(match.group())]


def read(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def test_every_heading_of_a_term_has_an_id_of_its_own_and_a_definition():
    text = read(GLOSSARY)
    headings = re.findall(r"^### .*$", text, re.M)
    assert len(headings) == len(TERM.findall(text)) == len(terms(text)) > 0


def test_terms_stand_in_a_few_groups_none_of_them_empty():
    before, *groups = sections(read(GLOSSARY))
    assert not TERM.search(before)
    assert len(groups) in PARTS and all(TERM.search(group) for group in groups)


@pytest.mark.parametrize("id", terms(read(GLOSSARY)))
def test_a_definition_can_stand_alone(id):
    assert faults(terms(read(GLOSSARY))[id]) == []


def test_links_within_the_glossary_lead_to_its_terms():
    text = read(GLOSSARY)
    inner = set(re.findall(r"\]\(#(term-[^)]+)\)", text)) | set(linked(text))
    assert inner and inner <= set(terms(text))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_links_terms_that_exist_where_links_belong_and_none_twice_in_a_section(page):
    text = read(page)
    assert set(linked(text)) <= set(terms(read(GLOSSARY)))
    assert text.count("glossary.qmd#") == len(linked(text)), "a link to the glossary in another form"
    assert all(style for _, _, style in LINK.findall(text)), "a link without the class .term"
    assert twice(text) == []
    assert misplaced(text) == []


def test_every_term_is_linked_from_another_page():
    used = {id for page in PAGES for id in linked(read(page))}
    assert sorted(set(terms(read(GLOSSARY))) - used) == []


def test_the_short_version_of_the_write_up_links_few_terms():
    text = read(GLOSSARY.with_name("_write-up.qmd"))
    callout = re.search(r'^::: \{\.callout-note title="In short"\}\n(.*?)^:::$', text, re.M | re.S)
    assert callout
    assert len(linked(callout[1])) <= 4


# what the rules above are made of can say no


def to(id: str) -> str:
    return f"[word](/report/glossary.qmd#{id}){{.term}}"


def test_a_term_linked_twice_in_a_section_is_found_and_in_two_sections_is_not():
    assert twice(f"{to('term-a')} and {to('term-a')}") == ["term-a"]
    assert twice(f"{to('term-a')}\n\n## Next\n\n{to('term-a')} {to('term-b')}") == []


@pytest.mark.parametrize(
    "text",
    [
        f"## On {to('term-a')}\n",
        f"`{to('term-a')}`",
        f"```\n{to('term-a')}\n```\n",
        f": Of {to('term-a')}. {{#tbl-x}}\n",
    ],
)
def test_a_link_in_a_heading_code_or_caption_is_found(text):
    assert misplaced(text) == ["term-a"]


@pytest.mark.parametrize(
    "paragraph",
    ["It is {{< num l0/latents/1 >}}.", "See @fig-class-map.", "See [there](#term-b).", "word " * (WORDS + 1)],
)
def test_a_paragraph_that_cannot_stand_alone_is_found(paragraph):
    assert len(faults(paragraph)) == 1


def test_a_citation_is_no_fault_and_no_words():
    assert faults("word " * WORDS + "[@one2020; @two2021]") == []

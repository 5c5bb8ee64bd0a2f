"""What stands above a page: types of settings, authors, dates and the words of its language."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from analysis.site import embedded, language, pandoc, shell
from analysis.site.embedded import render
from analysis.site.keys import PAGE_KEYS, PROJECT_KEYS
from analysis.site.people import Affiliation, Author, authors
from analysis.site.project import load_project
from analysis.site.source import load_source
from sae.errors import RenderError


def source_of(root: Path, front: str, body: str = "x\n"):
    (root / "p.qmd").write_text(f"---\n{front}\n---\n\n{body}")
    return load_source(root, "p.qmd", {"n": {"text": "7"}})


def rendered(root: Path, front: str, body: str = "x\n", config: str = "") -> str:
    (root / "_quarto.yml").write_text(f"project: {{type: website, render: [p.qmd]}}\nwebsite: {{title: S}}\n{config}")
    (root / "p.qmd").write_text(f"---\ndescription: D\n{front}\n---\n\n{body}")
    render(root, root / "_site")
    return (root / "_site/p.html").read_text()


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("title: [a, b]", "title: text is expected, not ['a', 'b']"),
        ("subtitle: {a: b}", "subtitle: text is expected"),
        ("title: true", "title: text is expected, not True"),
        ("toc-depth: two", "toc-depth: a whole number from 1 to 6 is expected, not 'two'"),
        ("toc-depth: 9", "from 1 to 6"),
        ("toc: 'yes'", "toc: true or false is expected"),
        ("categories: {a: b}", "categories: a text or a list of texts is expected"),
        ("categories: [[a]]", "categories: a text or a list of texts is expected"),
        ("image: [a.png]", "image: text is expected"),
        ("lang: [de]", "lang: text is expected"),
        ("title: 1.50", "title: YAML reads this as the number 1.5; put it in quotes"),
        ("categories: [a, 0x1F]", "categories: YAML reads this as the number 31"),
        ("code-fold: maybe", "code-fold: true, false or show is expected"),
        ("code-annotations: hover", "only False, none"),
        ("title: '\ue002 num n >}}'", "U+E002"),
        ('title: "\\uE001"', "U+E001"),
        ("categories: ['{{< num m >}}']", "no number named 'm'"),
    ],
)
def test_settings_of_another_type_are_one_line_with_its_place(tmp_path, line, words):
    with pytest.raises(RenderError) as caught:
        source_of(tmp_path, f"description: d\n{line}")
    assert words in str(caught.value) and "\n" not in str(caught.value)
    assert (caught.value.file, caught.value.line) == ("p.qmd", 3)


def test_numbers_and_single_texts_are_taken_as_written(tmp_path):
    meta = source_of(tmp_path, "title: 2024\nsubtitle: 1.5\ncategories: [12, x, 'about {{< num n >}}']").meta
    assert meta == {"title": "2024", "subtitle": "1.5", "categories": ["12", "x", "about 7"]}
    page = rendered(tmp_path, "title: 2024\ncategories: alone")
    assert '<h1 class="title">2024</h1>' in page and '<div class="quarto-category">alone</div>' in page


ANN = Author("Ann Able")


@pytest.mark.parametrize(
    ("given", "made"),
    [
        ("Ann Able", (ANN,)),
        (["Ann Able", {"name": "Bo"}], (ANN, Author("Bo"))),
        ({"name": {"given": "Ann", "family": "Able"}}, (ANN,)),
        ({"name": {"literal": "A. Able", "given": "Ann"}}, (Author("A. Able"),)),
        (
            {"name": "Bo", "orcid": "https://orcid.org/0000-0002-1825-009X"},
            (Author("Bo", orcid="0000-0002-1825-009X"),),
        ),
        ({"name": "Bo", "affiliation": "Lab"}, (Author("Bo", affiliations=(Affiliation("Lab"),)),)),
        (
            {"name": "Bo", "affiliations": [{"ref": "u"}, {"name": "Lab", "url": "https://l.example"}]},
            (Author("Bo", affiliations=(Affiliation("Uni"), Affiliation("Lab", "https://l.example"))),),
        ),
        (None, ()),
    ],
)
def test_authors_in_every_form(given, made):
    assert authors(given, [{"id": "u", "name": "Uni"}], "p.qmd", 3) == made


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (True, "a name is text, not True"),
        ([["Ann"]], "a name is text"),
        ({"nmae": "Ann"}, "an author has no 'nmae' here, only name"),
        ({"name": "Ann", "orcid": "12"}, "orcid is of the form"),
        ({"name": "Ann", "equal-contributor": True}, "no 'equal-contributor'"),
        ({"name": "Ann", "affiliations": [{"ref": "x"}]}, "no affiliation with the id 'x'; known: none"),
        ({"name": "Ann", "affiliations": [{"name": "U", "city": "C"}]}, "an affiliation has no 'city'"),
        ({"orcid": "0000-0002-1825-0097"}, "the name of an author is missing"),
        ({"name": ["Ann"]}, "is text, not ['Ann']"),
    ],
)
def test_authors_that_would_be_shown_in_another_way_are_refused(given, words):
    with pytest.raises(RenderError) as caught:
        authors(given, None, "p.qmd", 3)
    assert words in str(caught.value) and (caught.value.file, caught.value.line) == ("p.qmd", 3)


def test_affiliations_and_orcid_are_shown_beside_the_names(tmp_path):
    front = (
        "title: T\nauthor:\n  - name: Ann\n    orcid: 0000-0002-1825-0097\n    url: https://ann.example\n"
        "    affiliation: {name: Uni, url: https://uni.example}\n  - Bo\ndate-modified: 2026-02-03"
    )
    page = rendered(tmp_path, front)
    assert '<meta name="author" content="Ann">\n<meta name="author" content="Bo">' in page
    assert (
        '<a href="https://ann.example">Ann</a> <a href="https://orcid.org/0000-0002-1825-0097" class="quarto-tit'
        in page
    )
    assert '<p class="affiliation"><a href="https://uni.example">Uni</a></p>' in page
    assert ">Authors</div>" in page and ">Affiliation</div>" in page
    assert 'Modified</div><div class="quarto-title-meta-contents"><p class="date-modified">February 3, 2026</p>' in page


@pytest.mark.parametrize("date", ["2026-02-30", "2026-13-01", "21.8.2026", "2026-08-21T10:00", "20260821"])
def test_days_that_are_none_are_refused(tmp_path, date):
    with pytest.raises(RenderError, match="is not a day of the form 2026-08-21") as caught:
        rendered(tmp_path, f"title: T\ndate: {date}")
    assert (caught.value.file, caught.value.line) == ("p.qmd", 4)


def test_labels_are_in_the_language_of_the_page(tmp_path):
    body = (
        "![c](a.svg){#fig-a fig-alt='x'}\n\nIn @fig-a.[^1]\n\n[^1]: Note.\n\n::: {.callout-warning}\nx\n:::\n\n"
        "::: {.proof}\nx\n:::\n\n## A {#a}\n"
    )
    (tmp_path / "a.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    toc = "format: {html: {toc: true}}\n"
    page = rendered(tmp_path, "title: T\nlang: de\ndate: 2026-03-01\nauthor: Bo", body, toc)
    shown = ["Abbildung\xa01</a>", "Abbildung\xa01: c", ">Warnung<", "<em>Beweis</em>", ">Fußnoten</h2>"]
    for words in [*shown, "1. März 2026", ">Autor:in<", "Auf dieser Seite", 'xhtml" lang="de"']:
        assert words in page
    assert "Équation" in rendered(tmp_path, "title: T", "$$x$$ {#eq-a}\n\n@eq-a\n", "lang: fr\n")


def test_a_language_without_words_is_refused_where_it_is_set(tmp_path):
    with pytest.raises(RenderError, match="'tlh' is not supported by the embedded renderer, only en, de") as caught:
        rendered(tmp_path, "title: T\nlang: tlh", "In YAML one writes lang: de.\n")
    assert (caught.value.file, caught.value.line) == ("p.qmd", 4)
    with pytest.raises(RenderError, match="'pt-BR'") as caught:  # Quarto has other words for it than for pt
        rendered(tmp_path, "title: T", config="lang: pt-BR\n")
    assert (caught.value.file, caught.value.line) == ("_quarto.yml", 3)


@pytest.mark.parametrize("name", language._WORDS)
def test_every_language_has_every_word(name):
    assert language.words(name).keys() == language.words("en").keys() and all(language.words(name).values())
    assert language.long_date(datetime.date(2026, 12, 9), name).endswith("2026")


def test_footnotes_hold_what_a_page_holds(tmp_path):
    note = "a[^n]\n\n[^n]: See @lst-n.\n\n    ```{#lst-n .python lst-cap='In a note' filename='n.py'}\n    x\n    ```\n"
    page = rendered(tmp_path, "title: T", note + "\n    ::: {.callout-tip}\n    Boxed.\n    :::\n")
    notes = page[page.index('id="footnotes"') :]
    for shown in (">Listing\xa01</a>", "Listing\xa01: In a note", "<strong>n.py</strong>", ">Tip</span>"):
        assert shown in notes
    with pytest.raises(RenderError, match=r"unknown class \.wild on a ::: div"):
        rendered(tmp_path, "title: T", "a[^n]\n\n[^n]: x\n\n    ::: {.wild}\n    y\n    :::\n")


def test_a_heading_may_be_long_and_in_any_script(tmp_path):
    heads = "".join(f"## {head}\n\nx\n\n" for head in ("word " * 90, "word " * 90, "Ж" * 400, "🙂"))
    page = rendered(tmp_path, "title: T", heads, "format: {html: {toc: true}}\n")
    assert page.count("<h2") == 5 and page.count('class="nav-link"') == 8  # the contents stand at the side and folded


def _empty(known: Mapping[str, Any], depth: int = 0, path: tuple[str, ...] = ()) -> Iterator[str]:
    """Settings in each of which one key, at any level, has no value."""
    for key, leaf in known.items():
        above = "".join(f"{' ' * at}{name}:\n" for at, name in enumerate(path))
        yield f"{above}{' ' * depth}{key}:\n"
        if isinstance(leaf, dict):
            yield from _empty(leaf, depth + 1, (*path, key))


PLAIN = {
    "project": "project:\n render: [index.qmd]\n type: website\n",
    "website": "website:\n title: S\n page-navigation: true\n",
    "lang": "lang: en\n",
}
NEEDED = {"title": "title: T\n", "description": "description: D\n"}


def test_keys_without_a_value_are_as_good_as_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    parts = pandoc.Parts("", "T", "", "T", "", "")
    monkeypatch.setattr(pandoc, "convert", lambda source, meta, root, depth: seen.append(f"{meta} {depth}") or parts)
    monkeypatch.setattr(embedded, "ThreadPoolExecutor", OneByOne)

    def html(config: str, front: str) -> str:
        (tmp_path / "_quarto.yml").write_text(config)
        (tmp_path / "index.qmd").write_text(f"---\n{front}---\n\nx\n")
        project = load_project(tmp_path)
        (page,) = embedded._pages(project, embedded.Kept())
        return shell.page_html(project, page, [page], {})

    plain, needed = "".join(PLAIN.values()), "".join(NEEDED.values())
    for empty in _empty(PROJECT_KEYS):
        if empty in ("project:\n", "project:\n render:\n"):  # which pages there are has to be said
            continue
        rest = "".join(text for key, text in PLAIN.items() if key != empty.partition(":")[0])
        whole = empty.replace("project:\n", "project:\n render: [index.qmd]\n")
        assert "None" not in html(rest + whole, needed), empty
    for empty in _empty(PAGE_KEYS):
        if empty.strip(":\n") not in NEEDED:
            assert "None" not in html(plain, needed + empty), empty
    assert not any("None" in meta or not meta.endswith(" 3") for meta in seen)


class OneByOne:
    """Threads that are none."""

    def __init__(self, number: int) -> None:
        self.map = map

    def __enter__(self) -> OneByOne:
        return self

    def __exit__(self, *error: object) -> None: ...

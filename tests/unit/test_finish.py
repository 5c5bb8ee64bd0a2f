"""What is completed in the pages that Quarto wrote."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from analysis.site.finish import finish, main
from analysis.site.render import COMPLAINTS

CONFIG = """project: {{type: website, render: [index.qmd, report/one.qmd, report/two.qmd, 404.qmd]}}
website: {{title: Site, page-navigation: {turn}, search: {search}}}
unknown-to-us: [Quarto may know more]
"""
# As Quarto 1.11 writes it: no skip link, a canonical link on every page, page navigation only beside a sidebar.
PAGE = """<!DOCTYPE html>
<html><head><link rel="canonical" href="https://example.org/{name}"></head>
<body class="nav-fixed quarto-light">
<header id="quarto-header"></header>
<main class="content" id="quarto-document-content">
<h1 class="title">{title}</h1>
<p>Text of {name}.</p>
</main>
</body></html>
"""
TITLES = {"index.html": "First", "report/one.html": "A &lt; <em>b</em>", "report/two.html": "Last", "404.html": "Lost"}


def quarto_site(root: Path, turn: str = "true", search: str = "false") -> Path:
    (root / "_quarto.yml").write_text(CONFIG.format(turn=turn, search=search))
    for name, title in TITLES.items():
        (root / "_site" / name).parent.mkdir(parents=True, exist_ok=True)
        (root / "_site" / name).write_text(PAGE.format(name=name, title=title))
    (root / "_site/search.json").write_text("[]")
    return root / "_site"


def turns(page: str) -> list[tuple[str, str, str]]:
    found = re.findall(r'<a href="([^"]*)" class="pagination-link" rel="(\w+)">.*?nav-page-text">([^<]*)<', page)
    return [(address, way, title) for address, way, title in found]


def test_pages_lead_past_the_navigation_and_to_each_other(tmp_path: Path) -> None:
    site = quarto_site(tmp_path)
    finish(site, tmp_path)
    pages = {name: (site / name).read_text() for name in TITLES}
    assert all(
        re.search(r"<body[^>]*>\n<a class=\"skip-link\" href=\"#quarto-document-content\"", page)
        for page in pages.values()
    )
    assert turns(pages["index.html"]) == [("report/one.html", "next", "A &lt; b")]
    assert turns(pages["report/one.html"]) == [("../index.html", "prev", "First"), ("two.html", "next", "Last")]
    assert turns(pages["report/two.html"]) == [("one.html", "prev", "A &lt; b")]
    assert turns(pages["404.html"]) == []
    assert all(
        page.index("page-navigation") < page.index("</main>") for name, page in pages.items() if name != "404.html"
    )


def test_finishing_twice_changes_nothing(tmp_path: Path) -> None:
    site = quarto_site(tmp_path)
    finish(site, tmp_path)
    once = {name: (site / name).read_text() for name in TITLES}
    finish(site, tmp_path)
    assert {name: (site / name).read_text() for name in TITLES} == once


def test_what_quarto_leaves_behind(tmp_path: Path) -> None:
    site = quarto_site(tmp_path)
    finish(site, tmp_path)
    assert not (site / "search.json").exists()
    assert "canonical" not in (site / "404.html").read_text() and "canonical" in (site / "index.html").read_text()


@pytest.mark.parametrize("search", ["true", "{location: navbar}"])
def test_quartos_own_search_keeps_its_index(tmp_path: Path, search: str) -> None:
    site = quarto_site(tmp_path, turn="false", search=search)
    finish(site, tmp_path)
    assert (site / "search.json").exists()
    assert turns((site / "report/one.html").read_text()) == []


def test_a_preview_of_some_pages_is_finished_as_far_as_it_goes(tmp_path: Path) -> None:
    site = quarto_site(tmp_path)
    (site / "report/one.html").unlink()
    finish(site, tmp_path)
    assert turns((site / "index.html").read_text()) == [("report/two.html", "next", "Last")]


def test_a_page_without_a_title_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    site = quarto_site(tmp_path)
    (site / "report/two.html").write_text(PAGE.replace("h1", "h2").format(name="two", title="x"))
    assert main(site, tmp_path) == 1
    assert capsys.readouterr().err == "strata: report/two.html: this page has no title that others could name\n"


def test_words_are_those_of_each_page_and_english_where_there_are_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    site = quarto_site(tmp_path)
    with (tmp_path / "_quarto.yml").open("a") as config:
        config.write("lang:\n")
    first, one, two = (site / name for name in ("index.html", "report/one.html", "report/two.html"))
    first.write_text(first.read_text().replace("<html>", "<html lang='ja'>"))
    one.write_text(one.read_text().replace("<html>", '<html lang="de-AT">'))
    two.write_text(two.read_text().replace("<p>Text", "<p>A skip-link in text"))
    finish(site, tmp_path)
    said = capsys.readouterr().out
    assert "index.html: links past" in said and "'ja'" in said and said.count("\n") == 1
    assert not any(word in said for word in COMPLAINTS)
    for page, words in ((first, "Skip to the text"), (one, "Zum Text"), (two, "Skip to the text")):
        assert f'content">{words}</a>' in page.read_text()

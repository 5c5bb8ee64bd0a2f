"""Which pages of a site are walked by keyboard and scored: those that hold something, wherever they lie."""

from __future__ import annotations

import pytest

from analysis.site.check import keyboard, lighthouse
from analysis.site.check.folder import read

PAGE = "<html><body><main><h1>A</h1>{}</main>{}</body></html>"
TABLE, EXPLORER, CHART = '<div class="neurons"></div>', '<div class="wide xp" hidden></div>', '<p class="chart"></p>'
SEARCH = '<script src="/their/search.js"></script>'


@pytest.fixture
def site(tmp_path):
    def made(pages, wanted="*"):
        for name, (held, rest) in pages.items():
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).write_text(PAGE.format(held, rest))
        return read(tmp_path, "", wanted)

    return made


THEIRS = {
    "index.html": ("", ""), "log.html": ("", SEARCH), "atlas/units.html": (TABLE, ""),
    "atlas/few.html": (f"{TABLE}<p></p><p></p>", ""), "look.html": (EXPLORER, ""), "plots.html": (CHART, ""),
}  # fmt: skip


def test_what_is_walked_is_known_by_what_pages_hold(site):
    folder = site(THEIRS)
    walked = [(name, walk.__name__) for name, walk in keyboard.walks(folder)]
    assert walked == [
        ("index.html", "skip_link"), ("log.html", "search"), ("atlas/few.html", "table"), ("atlas/units.html", "table"),
        ("look.html", "explorer"),
    ]  # fmt: skip
    assert keyboard.left_out(folder) == {}


def test_what_no_page_holds_is_said(site):
    folder = site({"index.html": ("", ""), "log.html": ("", "")}, "log*")
    assert keyboard.names(folder) == ["log.html"]
    assert keyboard.left_out(folder) == {
        "keyboard in the search": "no page that is not the explorer loads search.js",
        "keyboard in a table of latents": "no page has one",
        "keyboard in the explorer": "no page has it",
    }  # fmt: skip


def test_the_search_is_not_opened_where_its_key_is_the_explorers_own(site):
    pages = {"index.html": (EXPLORER, SEARCH), "log.html": ("", SEARCH)}
    assert [name for name, walk in keyboard.walks(site(pages)) if walk is keyboard.search] == ["log.html"]
    alone = site(pages, "index*")
    assert "keyboard in the search" in keyboard.left_out(alone) and keyboard.names(alone) == ["index.html"]


def test_lighthouse_scores_one_page_of_each_kind(site):
    assert lighthouse.chosen(site(THEIRS)) == ["index.html", "plots.html", "atlas/few.html", "look.html"]
    both = {"index.html": (CHART + TABLE, ""), "plots.html": (CHART, "")}
    assert lighthouse.chosen(site(both, "[ilp]*.html")) == ["index.html", "look.html"]

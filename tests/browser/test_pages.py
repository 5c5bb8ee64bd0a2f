"""The built site in chromium: self-contained, accessible, readable without scripts, alive with them.

Part of `make test-all`, which builds `_site` first. Each page is looked at by the functions of `strata check`.
"""

from __future__ import annotations

import pytest
from browser_page import NEEDS, SITE, open_page

from analysis.site.check import keyboard
from analysis.site.check.browser import dead_charts, holds
from analysis.site.check.folder import read
from analysis.site.check.visits import visit
from analysis.site.project import site_url

pytestmark = NEEDS
PAGES = sorted(page.relative_to(SITE).as_posix() for page in SITE.rglob("*.html")) if SITE.exists() else ["index.html"]


@pytest.fixture(scope="module")
def folder():
    return read(SITE, site_url(SITE.parent))


@pytest.mark.parametrize("name", PAGES)
def test_page_is_clean_accessible_and_fits_in_every_mode_and_its_pictures_stand_without_scripts(
    browser, base, folder, name
):
    assert visit(browser, base, folder, name).findings == []


def test_the_site_can_be_walked_by_keyboard(browser, base, folder):
    walked = keyboard.names(folder)
    assert walked[:2] == ["index.html", "search"] and walked[-1] == "report/explorer.html"
    assert {"report/neurons.html", "report/fashion.html"} < set(walked) and keyboard.left_out(folder) == {}
    assert keyboard.findings(browser, base, folder) == []


def test_charts_are_drawn_again_in_the_other_theme(browser, base):
    page = open_page(browser, base, "index.html")
    assert dead_charts(page) == []
    ink = "() => getComputedStyle(document.querySelector('.chart[data-live] .role-axis-label text')).fill"
    before = page.evaluate(ink)
    page.click(".quarto-color-scheme-toggle")
    assert holds(page, f"before => ({ink})() !== before", before)
    page.context.close()


def test_the_first_tab_stop_skips_to_the_text(browser, base):
    page = open_page(browser, base, "index.html")
    page.keyboard.press("Tab")
    assert "Skip" in page.evaluate("document.activeElement.textContent")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "quarto-document-content"
    page.context.close()

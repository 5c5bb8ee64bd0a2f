"""The built site in Debian's chromium: self-contained, accessible, readable without scripts, alive with them.

Part of `make test-all`, which builds `_site` first.
"""

from __future__ import annotations

import pytest
from browser_page import NEEDS, SITE, open_page

pytestmark = NEEDS
PAGES = sorted(page.relative_to(SITE).as_posix() for page in SITE.rglob("*.html")) if SITE.exists() else ["index.html"]


def see_all_charts(page):
    """Bring every chart into view, one after another, until each is live."""
    for chart in page.locator(".chart").all():
        chart.scroll_into_view_if_needed()
        name = chart.get_attribute("data-chart")
        page.wait_for_selector(f".chart[data-chart={name}][data-live]", timeout=15_000)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("name", PAGES)
def test_page_is_clean_accessible_and_fits(browser, base, name, width, scheme):
    from axe_playwright_python.sync_playwright import Axe

    page = open_page(browser, base, name, width, scheme)
    see_all_charts(page)
    assert page.complaints == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    found = Axe().run(page).response["violations"]
    assert [(v["id"], [n["target"] for n in v["nodes"]][:3]) for v in found] == []
    page.context.close()


@pytest.mark.parametrize("name", PAGES)
def test_pictures_stand_without_scripts(browser, base, name):
    page = open_page(browser, base, name, scripts=False)
    for svg in page.locator(".chart svg").all():
        box = svg.bounding_box()
        assert box and box["width"] > 200 and box["height"] > 100
    page.context.close()


def test_charts_are_drawn_again_in_the_other_theme(browser, base):
    page = open_page(browser, base, "index.html")
    see_all_charts(page)
    ink = "getComputedStyle(document.querySelector('.chart[data-live] .role-axis-label text')).fill"
    before = page.evaluate(ink)
    page.click(".quarto-color-scheme-toggle")
    page.wait_for_function(f"{ink} !== {before!r}")
    page.context.close()


def test_the_first_tab_stop_skips_to_the_text(browser, base):
    page = open_page(browser, base, "index.html")
    page.keyboard.press("Tab")
    assert "Skip" in page.evaluate("document.activeElement.textContent")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "quarto-document-content"
    page.context.close()

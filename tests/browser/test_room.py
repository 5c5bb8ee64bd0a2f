"""What a wide window has room for is not cut, and what lies on a page wears its theme."""

from __future__ import annotations

import pytest
from browser_page import NEEDS, SITE, open_page

from analysis.site.check.browser import holds

pytestmark = NEEDS
# Tables and code that scroll although the column beside the contents has room for them.
CUT = """() => {
  const main = document.querySelector("main").getBoundingClientRect();
  return [...document.querySelectorAll(".table-scroll, .table-responsive, pre.python")].filter((e) => {
    const box = e.getBoundingClientRect();
    return e.checkVisibility() && e.scrollWidth > e.clientWidth + 1 && box.width < main.width - 40;
  }).map((e) => `${e.closest("[id]").id}: ${e.clientWidth} of ${e.scrollWidth}`);
}"""
PAGES = sorted(page.relative_to(SITE).as_posix() for page in SITE.rglob("*.html")) if SITE.exists() else []


@pytest.mark.parametrize("name", PAGES)
def test_no_table_or_program_is_cut_beside_a_free_page(browser, base, name):
    page = open_page(browser, base, name, width=1280)
    assert page.evaluate(CUT) == []
    page.context.close()


def test_a_table_of_few_words_a_column_fits_a_phone(browser, base):
    page = open_page(browser, base, "report/logs.html", width=390)
    table = page.locator("#themes table")
    assert table.evaluate("e => e.scrollWidth <= e.parentNode.clientWidth + 1")
    page.context.close()


def test_cells_that_draw_are_folded_and_their_pictures_are_not_white_in_the_dark(browser, base):
    page = open_page(browser, base, "report/notebook-find-a-seven.html", scheme="dark")
    folds = page.locator("details.code-fold")
    assert folds.count() == page.locator("img.raster").count() > 0
    assert not folds.first.locator("pre").is_visible()
    folds.first.locator("summary").click()
    assert folds.first.locator("pre").is_visible()
    style = page.locator("img.raster").first.evaluate(
        "e => [getComputedStyle(e).filter, getComputedStyle(e).mixBlendMode]"
    )
    assert style[0].startswith("invert(1)") and style[1] == "screen"
    page.context.close()


def test_a_tooltip_is_opaque_and_its_cells_have_no_lines(browser, base):
    page = open_page(browser, base, "report/depths.html")
    chart = page.locator(".chart").first
    chart.scroll_into_view_if_needed()
    page.locator(".chart[data-live]").first.wait_for()
    box = chart.locator(".mark-symbol path").nth(2).bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.locator("#vg-tooltip-element.visible").wait_for()
    assert holds(
        page, "() => getComputedStyle(document.querySelector('#vg-tooltip-element')).backgroundColor.startsWith('rgb(')"
    )
    assert page.locator("#vg-tooltip-element td").first.evaluate("e => getComputedStyle(e).borderTopWidth") == "0px"
    page.context.close()


def test_an_artefact_is_found_in_its_fold_by_its_address(browser, base):
    page = open_page(browser, base, "report/reproduce.html")
    assert page.evaluate("document.documentElement.scrollHeight") < 7000
    found = page.locator("#made-variance-by-depth")
    assert not found.is_visible()
    page.evaluate("location.hash = 'made-variance-by-depth'")
    found.wait_for(state="visible")
    page.context.close()

"""A depth chosen with the keyboard or by a press is marked in every chart of the page, and kept until it is cleared."""

from __future__ import annotations

import pytest
from browser_page import NEEDS, open_page

from analysis.site.check.browser import dead_charts, holds, violations

pytestmark = NEEDS
# The depths whose points are larger than the others, and the axis label that is bold: for each chart.
MARKED = """() => [...document.querySelectorAll(".chart[data-live]")].map((chart) => {
  const rules = [...chart.querySelectorAll(".mark-rule.role-mark line")].filter((e) => +e.getAttribute("y2"));
  const bold = [...chart.querySelectorAll(".role-axis-label text[font-weight=bold]")].map((e) => e.textContent);
  const sizes = new Set([...chart.querySelectorAll(".mark-symbol.role-mark path")].map((e) => e.getAttribute("d")));
  return [rules.length, bold.join(), sizes.size];
})"""
CHOSEN = f"depth => ({MARKED})().every(([rules, bold, sizes]) => rules === 1 && bold === depth && sizes === 2)"
CLEAR = f"() => ({MARKED})().every(([rules, bold, sizes]) => !rules && !bold && sizes === 1)"
PRESSED = ".depth-choice [aria-pressed=true]"


@pytest.fixture
def arrive(browser, base, request):
    def opened(name="report/depths.html", **options):
        page = open_page(browser, base, name, **options)
        request.addfinalizer(page.context.close)
        assert dead_charts(page) == []
        return page

    return opened


def press(page, depth, key="Enter"):
    page.get_by_role("button", name=f"Depth {depth}", exact=True).press(key)


def tap(page, mark, across, down):
    """Press a place of a mark, as a reader does, whatever lies on top of it."""
    mark.scroll_into_view_if_needed()
    box = mark.bounding_box()
    page.mouse.click(box["x"] + across * box["width"], box["y"] + down * box["height"])


def readings(page):
    return page.locator(".depth-reading:visible").all_inner_texts()


@pytest.mark.parametrize("width", [1280, 390])
def test_a_key_marks_the_depth_in_all_charts_and_escape_clears_it(arrive, width):
    page = arrive(width=width)
    charts = page.locator(".chart").count()
    assert charts > 3 and holds(page, CLEAR) and page.locator(PRESSED).inner_text() == "all"
    before = page.locator(".chart").first.bounding_box()["height"]
    # the row is one Tab after another, as buttons are
    page.locator(".depth-choice button").first.focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    assert holds(page, CHOSEN, "2") and page.locator(PRESSED).inner_text() == "2"
    assert len(readings(page)) == charts and all(text.startswith("Depth 2: ") for text in readings(page))
    assert page.url.endswith("?depth=2")
    assert page.evaluate("document.documentElement.scrollWidth") <= width and violations(page) == []
    page.keyboard.press("Escape")
    assert holds(page, CLEAR) and readings(page) == [] and "?" not in page.url
    assert page.locator(".chart").first.bounding_box()["height"] == before
    assert page.complaints == []


def test_the_choice_outlives_a_change_of_theme_and_of_page(arrive, base):
    page = arrive("report/depths.html")
    press(page, 3)
    assert holds(page, CHOSEN, "3")
    views = page.locator(".chart .vega-embed").element_handles()
    page.click(".quarto-color-scheme-toggle")
    assert all(holds(page, "view => !view.isConnected", view) for view in views), "every chart is drawn again"
    assert holds(page, CHOSEN, "3")
    page.goto(base + "index.html#verdict")
    assert dead_charts(page) == [] and holds(page, CHOSEN, "3")
    assert page.url.endswith("index.html?depth=3#verdict"), "a link that is passed on shows the same"
    press(page, 4)
    assert page.url.endswith("?depth=4#verdict")
    press(page, 4)
    assert holds(page, CLEAR)
    page.goto(base + "report/depths.html")
    assert dead_charts(page) == [] and holds(page, CLEAR)
    assert page.complaints == []


def test_an_address_may_carry_a_depth_and_one_that_no_chart_has_is_none(arrive):
    page = arrive("report/verdict.html?depth=2&other=1")
    assert holds(page, CHOSEN, "2")
    for word in ("toString", "constructor", "99"):
        page = arrive(f"report/verdict.html?depth={word}")
        assert holds(page, CLEAR) and page.complaints == []
        assert readings(page) == [] and page.locator(PRESSED).inner_text() == "all"
        assert page.evaluate("sessionStorage.length") == 0


def test_a_press_on_a_plot_chooses_the_nearest_depth_and_a_second_one_clears_it(arrive):
    page = arrive()
    columns = page.locator(".chart[data-chart=variance_by_depth] .mark-rect.role-mark path")
    for state, depth in ((CHOSEN, "4"), (CLEAR, None)):
        tap(page, columns.nth(3), 0.3, 0.95)
        assert holds(page, state, depth)
    # a point lies on its column
    points = page.locator(".chart[data-chart=variance_by_depth] .mark-symbol.role-mark path")
    tap(page, points.nth(1), 0.5, 0.5)
    assert holds(page, CHOSEN, "2")
    assert page.complaints == []


def test_a_chart_without_that_depth_says_so(arrive):
    page = arrive("report/depths.html")
    press(page, 0)
    texts = readings(page)
    assert "Depth 0: not in this chart." in texts and len(set(texts)) > 1


def test_a_cell_chooses_its_depth_too_and_leaves_the_state_of_the_table_alone(arrive):
    page = arrive("report/neurons.html")
    cells = page.locator(".chart[data-chart=class_heat] .mark-rect path")
    across = page.locator(".chart[data-chart=class_heat] .role-axis-label").first.locator("text").count()
    frames = (
        """() => document.querySelectorAll(".chart[data-chart=class_heat] .mark-rect.role-mark")[1].children.length"""
    )
    for column in (1, 2):
        tap(page, cells.nth(across + column), 0.2, 0.2)
        assert holds(page, "() => location.hash.includes('class=') && location.search === '?depth=1'")
    assert page.locator(PRESSED).inner_text() == "1" and page.evaluate(frames) == 1
    chosen = page.evaluate("location.hash")
    page.keyboard.press("Escape")
    assert page.evaluate("location.hash") == chosen and "depth=" not in page.evaluate("location.search")
    assert page.locator(PRESSED).inner_text() == "all"
    assert page.complaints == []


def test_one_chart_alone_has_no_row_and_data_stay_what_they_are(arrive):
    page = arrive("report/fashion.html")
    assert page.locator(".depth-choice").count() == 0
    page = arrive("report/depths.html")
    links = "() => [...document.querySelectorAll('main a[href$=\".csv\"]')].map((e) => e.href)"
    before = page.evaluate(links)
    press(page, 2)
    assert page.evaluate(links) == before and len(before) >= page.locator(".chart").count()


def test_without_scripts_there_is_no_row(browser, base):
    page = open_page(browser, base, "report/depths.html", scripts=False)
    assert page.locator(".depth-choice, .depth-reading").count() == 0 and page.locator(".chart svg").count() > 3
    page.context.close()

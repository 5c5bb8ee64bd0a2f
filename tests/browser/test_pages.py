"""The built site in Debian's chromium: self-contained, accessible, readable without scripts, alive with them.

Part of `make test-all`, which builds `_site` first.
"""

from __future__ import annotations

import shutil
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest
from tests_root import CHECKOUT

SITE = CHECKOUT / "_site"
CHROMIUM = shutil.which("chromium")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium on PATH (Debian's package `chromium`)"),
    pytest.mark.skipif(not (SITE / "index.html").exists(), reason="no _site: run `make site`"),
]
PAGES = sorted(page.relative_to(SITE).as_posix() for page in SITE.rglob("*.html")) if SITE.exists() else ["index.html"]


def see_all_charts(page):
    """Bring every chart into view, one after another, until each is live."""
    for chart in page.locator(".chart").all():
        chart.scroll_into_view_if_needed()
        name = chart.get_attribute("data-chart")
        page.wait_for_selector(f".chart[data-chart={name}][data-live]", timeout=15_000)


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *args):
        """Say nothing."""


@pytest.fixture(scope="module")
def base():
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(SITE)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        started = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield started
        started.close()


def open_page(browser, base, name, width=1280, scheme="light", scripts=True):
    context = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme=scheme, java_script_enabled=scripts
    )
    page = context.new_page()
    page.complaints = []

    def route(request):
        if request.request.url.startswith(base):
            return request.continue_()
        page.complaints.append(f"asked another host: {request.request.url}")
        return request.abort()

    page.route("**/*", route)
    page.on("console", lambda m: page.complaints.append(m.text) if m.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    page.goto(base + name)
    return page


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


def test_the_neuron_table_sorts_filters_and_keeps_its_state_in_the_url(browser, base):
    page = open_page(browser, base, "report/neurons.html")
    page.get_by_role("button", name="precision").press("Enter")
    cells = [float(t) for t in page.locator("tbody tr td:nth-child(5)").all_inner_texts()]
    assert cells == sorted(cells, reverse=True) and len(cells) > 20
    page.get_by_role("group", name="Filter by class").get_by_role("button", name="7").click()
    page.get_by_role("group", name="Filter by depth").get_by_role("button", name="2").click()
    shown = page.locator("tbody tr:visible")
    assert shown.count() > 0
    assert set(page.locator("tbody tr:visible td:nth-child(2)").all_inner_texts()) == {"7"}
    assert all(row.get_attribute("data-depth") == "2" for row in shown.all())
    url, count = page.url, shown.count()
    page.goto("about:blank")
    page.goto(url)
    assert page.locator("tbody tr:visible").count() == count
    assert page.locator("th[aria-sort=descending]").inner_text().startswith("precision")
    page.context.close()


def test_the_first_tab_stop_skips_to_the_text(browser, base):
    page = open_page(browser, base, "index.html")
    page.keyboard.press("Tab")
    assert "Skip" in page.evaluate("document.activeElement.textContent")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "quarto-document-content"
    page.context.close()

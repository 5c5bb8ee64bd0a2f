"""The quiz on a page of its own: by press and by keyboard, without scripts, on a phone, in two themes."""

from __future__ import annotations

import importlib
import shutil

import pytest
from browser_page import NEEDS_CHROMIUM, open_page
from planted_tables import Planted, write
from playwright.sync_api import expect
from tests_root import CHECKOUT

from analysis.plan import plugins
from analysis.plan.paths import Paths
from analysis.site.check.browser import violations
from analysis.site.check.server import served

pytestmark = NEEDS_CHROMIUM
PAGE = """<!doctype html><html lang="en"><head><title>Quiz</title><meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'self';
style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; connect-src 'self'">
<link rel="icon" href="data:,"><link rel="stylesheet" href="theme.css"><link rel="stylesheet" href="quiz.css">
<script defer src="quiz.js"></script></head><body><main class="content"><h1>Quiz</h1>%s
<h2 id="section">Section</h2></main></body></html>"""


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    plugins.load(Paths(CHECKOUT))
    tables = tmp_path_factory.mktemp("tables") / "tables"
    planted = Planted(own=0.8, other=0.6, depths=2, kinds=("latents",), floors=False, single=False)
    html = importlib.import_module("analysis.figures.kinds.quiz").quiz(write(tables, planted), more="section").html
    folder = tmp_path_factory.mktemp("site")
    for name in ("theme.css", "quiz.css", "quiz.js"):
        shutil.copy(CHECKOUT / "report/assets" / name, folder)
    (folder / "generated/explorer/site").mkdir(parents=True)
    shutil.copy(tables / "sprite.webp", folder / "generated/explorer/site")
    shutil.copytree(CHECKOUT / "report/assets/fonts", folder / "fonts")
    (folder / "index.html").write_text(PAGE % html)
    with served(folder, "/") as address:
        yield address


def labels(page):
    """What stands at the rows, as far as it is seen."""
    return page.evaluate(
        "() => [...document.querySelectorAll('.quiz .grid-head')].map((head) => getComputedStyle(head, '::after'))"
        ".map((after) => after.visibility === 'visible' ? after.content : '')"
    )


@pytest.mark.parametrize(("right", "says"), [("true", "Right."), ("false", "No: it is the other one.")])
def test_a_press_opens_the_answer_and_says_whether_it_was_right(browser, base, right, says):
    page = open_page(browser, base, "index.html")
    assert labels(page) == ["", ""] and "pure" not in page.inner_text("main")
    page.click(f".quiz-buttons [data-right={right}]")
    said = page.locator(".quiz-said[role=status]")
    expect(said).to_contain_text(says)
    expect(said).to_contain_text("% pure.")
    assert all("network" in label for label in labels(page))
    page.click(".quiz-buttons button >> nth=0", force=True)  # a second answer changes nothing
    expect(said).to_contain_text(says)
    assert page.locator("[aria-pressed=true]").count() == 1
    said.locator("a").click()
    assert page.url.endswith("#section") and page.complaints == []
    page.context.close()


def test_it_is_answered_by_keyboard_and_the_focus_stays(browser, base):
    page = open_page(browser, base, "index.html", scheme="dark")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Row B"
    page.keyboard.press("Enter")
    expect(page.locator(".quiz-verdict")).to_have_count(1)
    assert page.evaluate("document.activeElement.textContent").startswith("Row B")
    assert violations(page) == []
    page.context.close()


def test_the_images_of_a_row_can_be_pressed_as_well(browser, base):
    page = open_page(browser, base, "index.html")
    page.click(".grid-row[data-row=A] .digits >> nth=0")
    assert page.get_attribute("[aria-pressed=true]", "data-row") == "A"
    page.context.close()


def test_without_scripts_the_answer_opens_and_labels_both_rows(browser, base):
    page = open_page(browser, base, "index.html", scripts=False)
    assert not page.is_visible(".quiz-buttons")
    page.click(".quiz-answer summary")
    assert "% pure." in page.inner_text(".quiz-answer")
    page.context.close()


def test_on_a_phone_it_is_as_wide_as_the_page_and_its_buttons_are_large(browser, base):
    page = open_page(browser, base, "index.html", 390)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    for button in page.locator(".quiz-buttons button").all():
        box = button.bounding_box()
        assert box["height"] >= 44 and box["width"] >= 120
    assert violations(page) == []
    page.context.close()

"""The search, used as a reader would: by keys and by its button, in folders, under a path, on a phone."""

from __future__ import annotations

import re

import pytest
from browser_page import NEEDS, SITE, open_page

pytestmark = NEEDS
STATUS = ".search-dialog [role=status]"
LINKS = ".search-dialog li a"


def ask(page, words):
    """Open the dialog by its key, type, and wait for the answer."""
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "search-words"
    page.keyboard.type(words)
    answered(page, ".+")


def answered(page, pattern):
    """Wait for a sentence. Playwright's own waiting for a condition would need the `eval` that pages forbid."""
    from playwright.sync_api import expect

    expect(page.locator(STATUS)).to_have_text(re.compile(pattern))


@pytest.mark.parametrize("name", ["index.html", "report/verdict.html"])
def test_a_word_is_found_and_its_section_opened_by_keys_alone(browser, base, name):
    page = open_page(browser, base, name)
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.keyboard.press("Tab")
    assert not any("pagefind" in url for url in asked)
    ask(page, "memorising")
    page.wait_for_selector(LINKS)
    assert page.inner_text(STATUS).split()[1].startswith("place")
    assert page.locator(".search-dialog mark").first.inner_text().lower().startswith("memori")
    assert asked and all(url.startswith(base) for url in asked)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowUp")
    first = page.locator(LINKS).first
    assert page.evaluate("document.activeElement.href") == first.evaluate("link => link.href")
    # what is typed on a result goes on in the box
    page.keyboard.type("x")
    assert page.input_value("#search-words") == "memorisingx"
    page.keyboard.press("Backspace")
    page.fill("#search-words", "auxk median")
    page.keyboard.press("Enter")  # before there is an answer: it waits for that of these words
    page.wait_for_url(f"{base}report/methods.html#*")
    section = page.locator("#" + page.url.split("#")[1])
    assert "AuxK" in section.inner_text() and 0 <= section.bounding_box()["y"] < 900
    assert page.complaints == []
    page.context.close()


def test_the_button_opens_it_and_closing_gives_the_focus_back(browser, base):
    page = open_page(browser, base, "report/explorer.html")
    page.click(".search-opener")
    assert page.evaluate("document.activeElement.id") == "search-words"
    page.keyboard.type("zzzqqq")
    answered(page, "Nothing")
    page.keyboard.press("Escape")
    assert not page.locator(".search-dialog").is_visible()
    assert page.evaluate("document.activeElement.className") == "search-opener"
    page.keyboard.press("Control+k")
    assert page.input_value("#search-words") == "zzzqqq"
    page.mouse.click(3, 450)  # the backdrop
    assert not page.locator(".search-dialog").is_visible()
    # the explorer has a list of its own, which / belongs to
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("/")
    assert not page.locator(".search-dialog").is_visible()
    assert page.complaints == []
    page.context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_the_dialog_is_accessible_and_fits(browser, base, width, scheme):
    from axe_playwright_python.sync_playwright import Axe

    page = open_page(browser, base, "report/methods.html", width, scheme)
    for words in ("floor", "zzzqqq"):
        page.click(".search-opener")
        page.fill("#search-words", words)
        answered(page, "Nothing" if words == "zzzqqq" else "places? on")
        found = Axe().run(page).response["violations"]
        assert [(v["id"], [n["target"] for n in v["nodes"]][:3]) for v in found] == []
        box = page.locator(".search-dialog").bounding_box()
        assert box["x"] >= 0 and box["x"] + box["width"] <= width and box["y"] + box["height"] <= 900
        page.keyboard.press("Escape")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.complaints == []
    page.context.close()


def test_the_page_for_what_is_not_there_can_be_searched(browser, base):
    page = open_page(browser, base, "there/is/nothing.html")
    ask(page, "floor")
    target = page.locator(LINKS).first.evaluate("link => link.href")
    assert target.startswith(base)
    page.locator(LINKS).first.click()
    page.wait_for_url(target)
    assert "floor" in page.inner_text("main").lower()
    page.context.close()


def test_what_is_missing_is_said_in_a_sentence(browser, base):
    page = open_page(browser, base, "index.html")
    page.route("**/pagefind/**", lambda route: route.fulfill(status=404, body=""))
    ask(page, "floor")
    assert "could not be loaded" in page.inner_text(STATUS)
    page.context.close()
    page = open_page(browser, SITE.as_uri(), "/report/verdict.html")
    ask(page, "floor")
    assert "strata serve" in page.inner_text(STATUS) and page.complaints == []
    page.context.close()


def test_without_scripts_there_is_no_search(browser, base):
    page = open_page(browser, base, "index.html", scripts=False)
    assert page.locator(".search-opener, .search-dialog").count() == 0
    page.context.close()

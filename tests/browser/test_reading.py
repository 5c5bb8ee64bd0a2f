"""What helps to read: cards beside numbers, citations and words; menus; the time it takes; how far one is; paper."""

from __future__ import annotations

import pytest
from browser_page import NEEDS, open_page
from playwright.sync_api import expect

pytestmark = NEEDS
CARD = "#card-beside"


@pytest.fixture
def page(browser, base):
    page = open_page(browser, base, "index.html")
    yield page
    assert page.complaints == []
    page.context.close()


def test_a_number_says_how_it_was_made(page):
    number = page.locator(".num[data-experiment]").nth(1)
    said = number.get_attribute("data-title")
    assert number.get_attribute("title") is None  # the native hint would stand over the card
    number.hover()
    page.wait_for_selector(CARD)
    assert said.split("; ")[0].lower() in page.inner_text(CARD).lower()
    page.hover(f"{CARD} a")  # one may go into the card
    page.wait_for_timeout(400)
    page.click(f"{CARD} a")
    page.wait_for_url("**/report/reproduce.html#experiment-*")
    row = page.locator(f"[id='{page.url.split('#')[1]}']")
    assert ".toml" in row.inner_text() and row.is_visible()


def test_numbers_become_stops_of_the_keyboard_when_asked(page):
    number = page.locator(".num[data-experiment]").first
    assert number.get_attribute("tabindex") is None
    page.focus(".numbers-as-stops")
    assert page.locator(".numbers-as-stops").bounding_box()["width"] > 100  # seen while it has the focus
    page.keyboard.press("Enter")
    assert page.locator("main .num[data-title]:not([tabindex='0'])").count() == 0
    page.keyboard.press("Tab")
    while not page.evaluate("document.activeElement.matches('.num[data-experiment]')"):
        page.keyboard.press("Tab")
    page.wait_for_selector(CARD)
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.closest('#card-beside') !== null")
    page.keyboard.press("Escape")
    page.wait_for_selector(CARD, state="detached")
    assert page.evaluate("document.activeElement.matches('.num[data-experiment]')")
    page.focus(".numbers-as-stops")
    page.keyboard.press("Enter")
    assert number.get_attribute("tabindex") is None and number.get_attribute("role") is None


def test_escape_closes_one_thing_at_a_time(browser, base):
    page = open_page(browser, base, "index.html?depth=3")
    expect(page.locator(".depth-choice [aria-pressed=true]")).to_have_text("3")
    page.click(".num[data-experiment] >> nth=0")
    page.wait_for_selector(CARD)
    page.keyboard.press("Escape")
    page.wait_for_selector(CARD, state="detached")
    menu = page.locator("#quarto-header details").first
    menu.locator("summary").click()
    page.keyboard.press("Escape")
    assert menu.get_attribute("open") is None and "depth=3" in page.url
    page.keyboard.press("Escape")
    expect(page.locator(".depth-choice [aria-pressed=true]")).to_have_text("all")
    page.context.close()


def test_a_press_opens_a_number_and_another_closes_it(page):
    page.click(".num[data-experiment] >> nth=0")
    page.wait_for_selector(CARD)
    page.click("h1")
    page.wait_for_selector(CARD, state="detached")


def test_a_citation_is_shown_to_the_keyboard_and_goes_by_escape(page):
    link = page.locator(".citation a").first
    key = link.get_attribute("href").removeprefix("#")
    page.focus("h2 a.anchorjs-link >> nth=0")
    while page.evaluate("document.activeElement.getAttribute('href')") != f"#{key}":
        page.keyboard.press("Tab")
    page.wait_for_selector(CARD)
    assert link.get_attribute("aria-describedby") == "card-beside"
    assert page.locator(CARD).inner_text().split() == page.locator(f"[id='{key}']").inner_text().split()
    assert page.locator(f"{CARD} [id]").count() == 0
    page.keyboard.press("Escape")
    page.wait_for_selector(CARD, state="detached")
    assert link.get_attribute("aria-describedby") is None


@pytest.mark.parametrize("width", [1280, 390])
def test_a_card_stays_inside_the_window(browser, base, width):
    page = open_page(browser, base, "index.html", width)
    numbers = page.locator("main .num[data-experiment]")
    for at in range(0, min(60, numbers.count()), 6):
        numbers.nth(at).click()
        page.wait_for_selector(CARD)
        box = page.locator(CARD).bounding_box()
        assert box["x"] >= 0 and box["x"] + box["width"] <= width
        page.keyboard.press("Escape")
    page.context.close()


def test_a_word_of_the_glossary_is_explained(page):
    word = page.locator("a.term").first
    word.scroll_into_view_if_needed()
    word.hover()
    page.wait_for_selector(CARD)
    shown = page.inner_text(CARD)
    page.goto(word.evaluate("link => link.href"))
    section = page.locator(f"section[id='{page.url.split('#')[1]}']")
    assert shown.split("\n")[0] == section.locator("h2, h3").first.inner_text().removesuffix("#").strip()
    assert section.locator("p").first.inner_text() in shown


def test_menus_open_and_close_by_keyboard(page):
    menu = page.locator("#quarto-header details").first
    menu.locator("summary").focus()
    page.keyboard.press("Enter")
    assert menu.get_attribute("open") is not None and menu.locator("a").first.is_visible()
    page.keyboard.press("Escape")
    assert menu.get_attribute("open") is None
    assert page.evaluate("document.activeElement.tagName") == "SUMMARY"
    page.keyboard.press("Enter")
    page.click("h1")
    assert menu.get_attribute("open") is None


def test_a_long_caption_opens_at_a_press_and_is_whole_on_paper(page):
    figure = page.locator("[id^=fig-]:has(> figure .caption-rest), figure:has(.caption-rest)").first
    more, rest = figure.locator("button.more"), figure.locator(".caption-rest")
    expect(rest).to_be_hidden()
    more.focus()
    page.keyboard.press("Enter")
    expect(rest).to_be_visible()
    expect(more).to_have_text("less")
    assert more.get_attribute("aria-expanded") == "true" and more.get_attribute("aria-controls") == rest.get_attribute(
        "id"
    )
    assert more.get_attribute("aria-label") == "less on this figure"
    more.click()
    expect(rest).to_be_hidden()
    page.emulate_media(media="print")
    expect(rest).to_be_visible()
    expect(more).to_be_hidden()


def test_what_a_machine_proposes_stands_behind_its_question(browser, base):
    page = open_page(browser, base, "report/logs.html")
    question = page.locator("#questions-that-are-still-open li:has(> ul > li > .may-help)").first
    entries = question.locator("xpath=./ul/li[span[@class='may-help']]")
    assert entries.count() and not any(entry.is_visible() for entry in entries.all())
    opener = question.locator("xpath=./button")
    expect(opener).to_have_text(f"{entries.count()} may help")
    opener.click()
    assert all(entry.is_visible() for entry in entries.all())
    ids = page.locator("[id]").evaluate_all("all => all.map(one => one.id)")
    controlled = page.locator("button.more").evaluate_all(
        "all => all.flatMap(one => one.getAttribute('aria-controls').split(' '))"
    )
    assert len(ids) == len(set(ids)) and set(controlled) <= set(ids) and len(controlled) == len(set(controlled))
    assert page.complaints == []
    page.context.close()


def test_a_caption_is_whole_without_scripts(browser, base):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{base}/index.html")
    assert page.locator(".caption-rest").count() > 3
    expect(page.locator(".caption-rest").first).to_be_visible()
    assert page.locator("button.more").count() == 0
    context.close()


def test_time_and_place(page):
    assert "minutes to read" in page.inner_text("#title-block-header .reading-time")
    assert page.locator("#TOC a[data-read]").count() == 0
    page.evaluate("scrollTo(0, document.documentElement.scrollHeight)")
    expect(page.locator("#TOC a[data-read]").nth(3)).to_be_attached()
    assert float(page.evaluate("document.querySelector('.read-line').style.getPropertyValue('--read')")) == 1


def test_on_paper(browser, base):
    page = open_page(browser, base, "report/methods.html", scheme="dark")
    page.emulate_media(media="print")
    hidden = "#quarto-header, #quarto-margin-sidebar, .page-navigation, .read-line"
    assert not any(part.is_visible() for part in page.locator(hidden).all())
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.evaluate("getComputedStyle(document.querySelector('main section > p')).color") == "rgb(0, 0, 0)"
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    folded = "document.querySelectorAll('main details:not([open]):not(.toc-fold)').length"
    assert page.evaluate(folded) == 0
    assert page.pdf().startswith(b"%PDF")
    page.context.close()


def test_charts_on_paper_are_those_of_the_light_theme(browser, base):
    page = open_page(browser, base, "index.html", scheme="dark")
    chart = page.locator(".chart").first
    chart.scroll_into_view_if_needed()
    live, picture = chart.locator(".chart-view > div svg").first, chart.locator(".chart-view > svg")
    expect(live).to_be_visible()
    expect(picture).to_be_hidden()
    page.emulate_media(media="print")
    expect(live).to_be_hidden()
    expect(picture).to_be_visible()
    ink = picture.locator(".role-axis-title text").first.evaluate("text => getComputedStyle(text).fill")
    assert ink == "rgb(0, 0, 0)"
    page.context.close()


def test_the_page_for_what_is_not_there(browser, base):
    page = open_page(browser, base, "no/such/page.html")
    assert page.inner_text("h1") == "There is no such page"
    assert page.evaluate("getComputedStyle(document.body).fontFamily").startswith('"Source Serif 4"')
    page.click("main p a >> nth=0")
    page.wait_for_selector("#title-block-header .subtitle")
    # the one complaint is the 404 itself
    assert [text for text in page.complaints if "404" not in text] == []
    page.context.close()

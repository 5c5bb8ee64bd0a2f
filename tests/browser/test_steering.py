"""The slider: bars, answers and words follow it, by keyboard and by mouse, and are what the build computed."""

from __future__ import annotations

import json

import pytest
from browser_page import NEEDS, open_page

from analysis.site.check.browser import holds, violations

pytestmark = NEEDS
PAGE = "report/names.html"
HEIGHTS = """() => [...document.querySelectorAll(".steer-bars")].map(
  (bars) => [...bars.querySelectorAll("i")].map((bar) => Math.round(parseFloat(bar.style.height) * 10)))"""
ANSWERS = """() => [...document.querySelectorAll(".steer tbody tr")].map(
  (row) => [...row.querySelectorAll("td")].map((cell) => cell.textContent))"""


@pytest.fixture
def arrive(browser, base, request):
    def opened(**options):
        page = open_page(browser, base, PAGE, **options)
        request.addfinalizer(page.context.close)
        return page

    return opened


def expected(data, digit, step):
    return [along["chances"][digit][step] for along in data["along"]]


def answers(data, step):
    return [[data["classes"][row[step].index(max(row[step]))] for row in along["chances"]] for along in data["along"]]


@pytest.mark.parametrize("width, scheme", [(1280, "light"), (390, "dark")])
def test_bars_answers_and_words_follow_the_slider(arrive, width, scheme):
    page = arrive(width=width, scheme=scheme)
    data = json.loads(page.locator(".steer-data").text_content())
    slider = page.get_by_role("slider", name="Strength")
    assert not page.locator(".steer > svg").is_visible()
    assert page.evaluate(HEIGHTS) == expected(data, 0, 0) and page.evaluate(ANSWERS) == answers(data, 0)
    slider.focus()
    for step in range(1, 13):
        page.keyboard.press("ArrowRight")
        assert page.evaluate(HEIGHTS) == expected(data, 0, step) and page.evaluate(ANSWERS) == answers(data, step)
    assert page.locator(".steer output").inner_text() == "0.60"
    assert slider.get_attribute("aria-valuetext").startswith("0.60")
    counts = [row.count(data["classes"][data["target"]]) for row in answers(data, 12)]
    assert page.locator(".steer-says").inner_text().startswith(f"Read as 3: {counts[0]} of 9 digits along the latent")
    # another digit, and a press on the far end of the slider
    page.locator(".steer thead button").nth(6).press("Enter")
    box = slider.bounding_box()
    page.mouse.click(box["x"] + box["width"] - 2, box["y"] + box["height"] / 2)
    assert page.evaluate(HEIGHTS) == expected(data, 6, 20) and page.evaluate(ANSWERS) == answers(data, 20)
    assert page.locator(".steer thead button[aria-pressed=true]").count() == 1
    for control in (slider, page.locator(".steer thead button").first):
        assert min(control.bounding_box()[side] for side in ("width", "height")) >= 24
    assert page.evaluate("document.documentElement.scrollWidth") <= width and violations(page) == []
    assert page.complaints == []


def test_the_bars_are_drawn_as_high_as_they_say(arrive):
    page = arrive()
    page.get_by_role("slider", name="Strength").press("End")
    assert holds(page, """() => [...document.querySelectorAll(".steer-bars i")].every((bar) =>
      Math.abs(bar.getBoundingClientRect().height - bar.dataset.chance / 1000 * 6 * 16) < 2)""")  # fmt: skip


def test_without_scripts_there_is_a_picture_of_three_strengths(arrive):
    page = arrive(scripts=False, width=390)
    picture = page.locator(".steer > svg")
    assert picture.is_visible() and picture.locator("rect").count() == 60
    assert "at strength 1 as 3" in picture.get_attribute("aria-label")
    assert not page.locator(".steer input").count()

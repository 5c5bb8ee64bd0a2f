"""The slider of a web of features: lines and words follow it, and a keyboard walks from latent to latent."""

from __future__ import annotations

import pytest
from browser_page import NEEDS_CHROMIUM
from planted_web import file, planted
from tests_root import CHECKOUT

from analysis.figures.kinds.feature_web import feature_web

pytestmark = NEEDS_CHROMIUM
ASSETS = CHECKOUT / "report/assets"
SEEN = """(of) => [...document.querySelectorAll(`svg.${of} .web-edge`)]
  .filter((line) => line.getAttribute("visibility") !== "hidden").length"""
PALE = """[...document.querySelectorAll("svg.for-pages .web-node")]
  .filter((node) => node.getAttribute("opacity") === "0.35").length"""


@pytest.fixture
def arrive(browser, tmp_path):
    def opened(content, width=1280, scripts=True):
        styles = "".join((ASSETS / f"{name}.css").read_text() for name in ("theme", "web"))
        script = f"<script>{(ASSETS / 'web.js').read_text()}</script>" if scripts else ""
        body = f"<main>{feature_web(file(content)).html}</main>{script}"
        (tmp_path / "web.html").write_text(f"<!doctype html><meta charset=utf-8><style>{styles}</style>{body}")
        page = browser.new_page(viewport={"width": width, "height": 900})
        page.complaints = []
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        page.goto((tmp_path / "web.html").as_uri())
        return page

    return opened


@pytest.mark.parametrize(("width", "of"), [(1280, "for-pages"), (390, "for-phones")])
def test_lines_and_words_follow_the_slider_and_the_kind_of_strength(arrive, width, of):
    content = planted(families=2, into=2, wrong=3)
    page = arrive(content, width)
    slider = page.get_by_role("slider", name="at least")
    assert slider.input_value() == "30" and page.evaluate(SEEN, of) == 12
    assert "stronger than 99% of random lines" in slider.get_attribute("aria-valuetext")
    assert (
        "12 lines of 15; a line leads to 4 of 4 latents of 4k, 8 of 8 latents of 16k."
        in page.locator(".web-says").inner_text()
    )
    slider.press("Home")
    assert page.evaluate(SEEN, of) == 15 and "weaker than 99%" in slider.get_attribute("aria-valuetext")
    slider.press("End")
    assert page.evaluate(SEEN, of) == 0
    page.get_by_role("button", name="correlation of firing").click()
    assert slider.input_value() == "15" and page.evaluate(SEEN, of) == 12
    assert page.evaluate("document.documentElement.scrollWidth") <= width and page.complaints == []
    page.close()


def test_a_keyboard_goes_along_lines_and_hears_what_a_latent_is(arrive):
    content = planted(families=2, into=2, wrong=0)
    page = arrive(content)
    page.get_by_role("slider").focus()
    page.keyboard.press("Tab")
    told = page.locator(".web-told")
    assert (
        f"1k latent {content['nodes'][0]['latent']} “years”, on for 5.00% of tokens; most on: years0"
        in told.inner_text()
    )
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert "16k latent" in told.inner_text() and "From 4k latent" in told.inner_text()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowDown")
    assert "“money”" in told.inner_text() and "Goes on as 4k latent" in told.inner_text()
    assert page.evaluate(PALE) == 7, "the other family"
    page.close()


def test_without_scripts_the_picture_stands_there_with_its_names(arrive):
    page = arrive(planted(), scripts=False)
    assert page.locator("svg.for-pages").is_visible() and page.locator("tspan", has_text="years a b").first.is_visible()
    assert page.evaluate(SEEN, "for-pages") == 18 and not page.locator(".web input").count()
    page.close()

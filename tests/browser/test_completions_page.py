"""The slider over continuations: three texts side by side are those of the file, words are marked as in the table."""

from __future__ import annotations

import pytest
from browser_page import NEEDS_CHROMIUM
from planted_texts import file, planted
from tests_root import CHECKOUT

from analysis.figures.kinds.completions import completions

pytestmark = NEEDS_CHROMIUM
ASSETS = CHECKOUT / "report/assets"


@pytest.fixture
def arrive(browser, tmp_path):
    def opened(content, width=1280, scripts=True):
        styles = "".join((ASSETS / f"{name}.css").read_text() for name in ("theme", "completions"))
        script = f"<script>{(ASSETS / 'completions.js').read_text()}</script>" if scripts else ""
        body = f"<main>{completions(file(content)).html}</main>{script}"
        (tmp_path / "texts.html").write_text(f"<!doctype html><meta charset=utf-8><style>{styles}</style>{body}")
        page = browser.new_page(viewport={"width": width, "height": 900})
        page.complaints = []
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        page.goto((tmp_path / "texts.html").as_uri())
        return page

    return opened


@pytest.mark.parametrize("width", [1280, 390])
def test_texts_follow_latent_beginning_and_strength(arrive, width):
    content = planted()
    content["latents"][1]["raised"] = [[" word1", 2.0], [" c++", 1.0], [" a-b#c", 0.5]]
    content["latents"][1]["prompts"][2]["latent"][2] = " C++17 and Word1s, A-B#Cs"
    page = arrive(content, width)
    texts = page.locator(".texts-text")
    slider = page.get_by_role("slider", name="Held at")
    assert slider.get_attribute("aria-valuetext") == "2 times its own strength"
    assert texts.all_inner_texts() == ["we go on for 0 days", "the Word0s of 0 days", "we go on otherwise"]
    page.get_by_role("button", name="word1").click()
    page.get_by_role("button", name="Beginning 2 of 1").press("Enter")
    slider.press("End")
    assert texts.all_inner_texts() == ["we go on for 2 days", "C++17 and Word1s, A-B#Cs", "we go on otherwise"]
    assert page.locator(".texts-latent mark").all_inner_texts() == ["C++17", "Word1s", "A-B#Cs"]
    assert "moves by 2.00 nats, along a random direction as far by 0.04" in page.locator(".texts-says").inner_text()
    slider.press("Home")
    assert (
        set(texts.all_inner_texts()) == {"we go on for 2 days"} and slider.get_attribute("aria-valuetext") == "as it is"
    )
    assert page.evaluate("document.documentElement.scrollWidth") <= width and page.complaints == []
    assert not page.locator(".completions table").is_visible()
    page.close()


def test_without_scripts_there_is_a_table(arrive):
    page = arrive(planted(), scripts=False)
    assert page.locator(".completions table").is_visible() and not page.locator(".completions input").count()
    page.close()

"""The explorer of another project: three sets, in colour, without labels, without images, each with its own latents."""

from __future__ import annotations

import pytest
from browser_page import NEEDS_CHROMIUM, open_page
from explorer_project import explored, page, project
from planted_tables import Planted, write

from analysis.pages.build import build
from analysis.plan.new_project import write_project
from analysis.plan.paths import Paths
from analysis.results.tables import open_results
from analysis.site.check import keyboard
from analysis.site.check.folder import read
from analysis.site.check.server import served
from analysis.site.render import render

pytestmark = NEEDS_CHROMIUM


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    paths = project(tmp_path_factory.mktemp("explorer") / "mine")
    page(paths, explored(paths)["explorer.md"])
    with served(paths.root, "/") as address:
        yield address


def arrive(browser, site, state="", **options):
    shown = open_page(browser, site, f"report/explorer.html{state}", **options)
    shown.locator(".xp h2", has_not_text="Loading").wait_for()
    return shown


def whole(shown):
    """No number that is none, nothing complained of."""
    html = shown.locator(".xp").inner_html()
    assert not [word for word in ("NaN", "undefined", "null", "Infinity") if word in html] and not shown.complaints


def test_three_sets_are_shown_each_with_its_own(browser, site):
    shown = arrive(browser, site)
    assert shown.locator(".xp-sets button").all_inner_texts() == ["Sea shells", "Clouds", "Letters"]
    assert shown.locator(".xp h2").inner_text().lower() == "cats"
    assert shown.locator(".xp-classes tbody th").all_inner_texts() == ["cat", "dog", "boat"]
    ratio = shown.locator(".xp-band .xp-img").first.evaluate("e => e.offsetHeight / e.offsetWidth")
    assert ratio == pytest.approx(4 / 6, abs=0.02)
    whole(shown)
    shown.get_by_role("button", name="Clouds").click()
    shown.locator(".xp h2", has_text="wide 0").wait_for()
    assert not shown.get_by_text("Class by class").is_visible() and not shown.get_by_text("sign of class").is_visible()
    assert "Of the images on which it fires, 90% fit its name." in shown.locator(".xp-main").inner_text()
    assert shown.locator(".xp-tower button").count() == 4 and shown.locator(".xp-img.xp-fine:visible").count()
    whole(shown)
    shown.get_by_role("button", name="Letters").click()
    shown.get_by_text("no image 4").first.wait_for()
    assert shown.locator(".xp-img:visible").count() == 0 and "set=letters" in shown.url
    assert "strongest examples" in shown.locator(".xp-bands").inner_text()
    whole(shown)
    shown.context.close()


def test_a_set_that_is_not_there_is_said_and_shows_no_others_latents(browser, site):
    shown = arrive(browser, site, "#set=fashion&depth=1&latent=1", width=390)
    assert shown.get_by_text("no experiment called “fashion”").is_visible()
    assert not shown.locator(".xp-bands").is_visible() and shown.locator(".xp-side li").count() == 0
    shown.get_by_role("button", name="Go to Sea shells").last.click()
    shown.locator(".xp h2", has_text="cats").wait_for()
    assert shown.evaluate("document.documentElement.scrollWidth") <= 390
    whole(shown)
    shown.context.close()


def test_the_map_selects_by_hand_and_by_keyboard_and_says_where_it_is(browser, site):
    shown = arrive(browser, site, "#depth=2&latent=0")
    learned = shown.locator("[data-map] svg")
    learned.scroll_into_view_if_needed()
    shown.locator(".xp-at", has_text="Here: 0: cats").wait_for()
    assert learned.locator("text, circle:not([class])").count() == 3
    assert shown.locator("[data-floor] svg[role=img]").count() == 2
    box = learned.bounding_box()
    shown.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2 + 6)
    shown.locator(".xp-at", has_text="To 1: dogs").wait_for()
    shown.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2 + 6)
    shown.locator(".xp h2", has_text="dogs").wait_for()
    assert "latent=1" in shown.url and "depth=2" in shown.url
    learned.focus()
    shown.keyboard.press("ArrowRight")
    shown.locator(".xp-at", has_text="To 2: boats").wait_for()
    shown.keyboard.press("Enter")
    shown.locator(".xp h2", has_text="boats").wait_for()
    shown.locator(".xp-at", has_text="Here: 2: boats").wait_for()
    assert shown.evaluate("document.activeElement.tagName") == "svg", "the map keeps the focus"
    shown.keyboard.press("ArrowRight")  # there is nothing further to the right
    assert "latent=2" in shown.url
    shown.locator(".xp-key button", has_text="cat").click()
    shown.locator("[data-map] .xp-faint").nth(1).wait_for()
    whole(shown)
    shown.context.close()


def test_the_map_selects_on_a_phone_and_a_set_without_classes_has_one(browser, site):
    shown = arrive(browser, site, "#set=clouds&depth=3&latent=2", width=390)
    learned = shown.locator("[data-map] svg")
    learned.scroll_into_view_if_needed()
    shown.locator(".xp-at", has_text="Here: 2").wait_for()
    box = learned.bounding_box()
    shown.mouse.click(box["x"] + 9, box["y"] + box["height"] / 2)
    shown.locator(".xp h2", has_text="wide 0").wait_for()
    assert not shown.locator(".xp-key").is_visible() and "of its class" not in shown.locator(".xp-map").inner_text()
    assert shown.evaluate("document.documentElement.scrollWidth") <= 390
    whole(shown)
    shown.context.close()


def test_without_a_map_the_explorer_says_why(browser, site):
    shown = arrive(browser, site, "#depth=0&latent=0")
    assert "neurons are the axes" in shown.locator(".xp-map").inner_text()
    assert not shown.locator(".xp-maps").is_visible()
    shown.context.close()


LOOK = """---
title: Look
description: Every latent.
include-in-header:
  - text: |
      <script defer src="/report/assets/explorer.js"></script>
---

::: {#explorer}
It needs scripts.

{{< part explorer >}}
:::

{{< figure neurons >}}
"""


def test_a_new_project_with_the_explorer_on_a_page_of_its_own_is_walked_by_keyboard(browser, tmp_path):
    write_project(tmp_path / "new", "towers")
    paths = Paths((tmp_path / "new").resolve())
    write(paths.collected / "towers", Planted(depths=2, shape=(5, 4, 3)), "towers")
    (paths.report / "look.qmd").write_text(LOOK)
    settings = paths.root / "_quarto.yml"
    settings.write_text(
        settings.read_text().replace("    - index.qmd\n", "    - index.qmd\n    - report/look.qmd\n", 1)
    )
    build(open_results("towers", paths), paths)
    render(paths, "embedded")
    folder = read(paths.site, "")
    assert './look.html#depth=2&amp;latent=0"' in folder.pages["report/look.html"].html
    assert [name for name, _ in keyboard.walks(folder)][2:] == ["report/look.html"] * 2
    with served(paths.site, "/") as address:
        assert keyboard.findings(browser, address, folder) == []

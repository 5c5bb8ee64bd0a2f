"""The explorer: one latent at a time, reached by address, keys, links and search; honest where there is nothing."""

from __future__ import annotations

import json
from collections import Counter
from functools import cache

import pytest
from browser_page import NEEDS, SITE, open_page

from analysis.site.check.browser import holds

pytestmark = NEEDS
DATA = "report/assets/generated/explorer/"
DEPTH = 3
# What is wrong with the pictures in sight: one that does not load, or a cut that lies beyond the edge of its sheet.
BROKEN = """async () => {
  const seen = [...document.querySelectorAll("img, .xp-img")].filter((e) => e.checkVisibility());
  return (await Promise.all(seen.map(async (e) => {
    const style = getComputedStyle(e), [c, r, x, y] = ["c", "r", "x", "y"].map((k) => style.getPropertyValue("--" + k));
    const sheet = Object.assign(new Image(), { src: e.src || style.backgroundImage.slice(5, -2) });
    await new Promise((done) => Object.assign(sheet, { onload: done, onerror: done }));
    const inside = x <= 0 && x > -c && y <= 0 && (r - y) * sheet.naturalWidth / c <= sheet.naturalHeight + .5;
    return sheet.naturalWidth && (e.src || inside) && e.offsetWidth && e.offsetHeight ? "" : e.outerHTML;
  }))).filter(Boolean);
}"""
# Pictures, and names of latents above and below, are fetched when they come near: bring each near, and go back.
NEAR = """async () => {
  const before = scrollY, frame = () => new Promise(requestAnimationFrame);
  for (const e of document.querySelectorAll("[data-file], [data-of]")) {
    if (!e.checkVisibility()) continue;
    e.scrollIntoView({ block: "center", behavior: "instant" });
    await frame(); await frame();
  }
  scrollTo({ top: before, behavior: "instant" });
}"""
DRAWN = """() => [...document.querySelectorAll(".xp-img")].filter((e) => e.checkVisibility())
  .every((e) => e.style.backgroundImage)"""
IN_SIGHT = """() => [...document.querySelectorAll(".xp [data-step]")].map((e) => e.getBoundingClientRect())
  .every((b) => b.height >= 24 && b.left >= 0 && b.right <= innerWidth && b.top >= 0 && b.bottom <= innerHeight)"""


@cache
def read(file):
    return json.loads((SITE / DATA / file).read_text())


def index(name="site"):
    return read(f"{name}/index.json")


def latents(depth=DEPTH, name="site"):
    """By number, those that fire."""
    file = next(level["file"] for level in index(name)["levels"] if level["depth"] == depth)
    return {one["i"]: one for one in read(f"{name}/{file}")["latents"]}


def lineage():
    """A named latent that has everything, and its strongest parent, which names it among its children."""
    pairs = ((one, latents(DEPTH - 1).get(one["p"][0][0])) for one in latents().values() if one["m"] and all(one["b"]))
    return next((one, parent) for one, parent in pairs if parent and one["i"] in dict(parent["u"]))


def at(latent, depth=DEPTH):
    return f"depth={depth}&latent={latent}"


@pytest.fixture
def explore(browser, base, request):
    def arrive(state="", **options):
        page = open_page(browser, base, "report/explorer.html" + (state and "#" + state), **options)
        request.addfinalizer(page.context.close)
        page.locator(".xp h2", has_not_text="Loading").wait_for()
        return page

    return arrive


def reach(page, latent, depth=DEPTH):
    """Wait until a latent is shown, and its address too."""
    page.locator(".xp-where", has_text=f"Depth {depth}, latent {latent} of ").wait_for()
    assert holds(page, "start => (location.hash + '&').startsWith(start)", f"#{at(latent, depth)}&")


def look_at_all(page):
    """Scroll past everything that is shown, as a reader might."""
    page.evaluate(NEAR)
    assert holds(page, DRAWN)


def assert_sound(page):
    look_at_all(page)
    assert page.evaluate(BROKEN) == []
    assert not [word for word in ("NaN", "undefined", "null", "Infinity") if word in page.locator(".xp").inner_html()]
    assert page.complaints == []


@pytest.mark.parametrize("name", ["site", "fashion"])
def test_who_arrives_sees_a_named_latent_that_fires(explore, name):
    page = explore()
    if name == "fashion":
        page.get_by_role("button", name="Fashion").click()
        page.locator(".xp-classes", has_text="trouser").wait_for()
        assert "set=fashion" in page.url
    assert page.locator(f"[data-set={name}][aria-pressed=true]").is_visible()
    title = page.locator(".xp h2").text_content()
    assert title in {one["n"] for one in latents(1, name).values() if one["m"]} and title in page.title()
    assert page.locator(".xp-side ol a[aria-current=true]").is_visible()
    assert page.locator(".xp-classes tbody th").all_inner_texts() == index(name)["classes"]
    assert_sound(page)


@pytest.mark.parametrize("width", [1280, 390])
def test_a_deep_link_shows_all_that_is_known_of_a_latent(explore, width):
    one, _ = lineage()
    page = explore(at(one["i"]), width=width)
    reach(page, one["i"])
    assert holds(page, IN_SIGHT)  # the buttons that walk, once the page has scrolled to the latent
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.locator(".xp h2").text_content() == one["n"]
    assert page.get_by_role("spinbutton", name="Number").input_value() == str(one["i"])
    bands = page.locator(".xp-bands figure")
    captions = [caption.split()[0] for caption in bands.locator("figcaption").all_inner_texts()]
    assert captions == ["strongest", "upper", "second", "third", "weakest"]
    labels, ids, classes = index()["sprite"]["labels"], index()["sprite"]["ids"], index()["classes"]
    for band, cells, shares in zip(bands.all(), one["b"], one["v"], strict=True):
        assert [image.get_attribute("title") for image in band.get_by_role("img").all()] == [
            f"{classes[labels[cell]]}, example {ids[cell]}, activation {share}% of the largest"
            for cell, share in zip(cells, shares, strict=True)
        ]
    assert page.get_by_role("img", name="optimised image").is_visible()
    assert f"It reaches {one['o'][1]}% of the largest" in page.locator(".xp-views").inner_text()
    heights = [bar.bounding_box()["height"] for bar in page.locator(".xp-hist i").all()]
    assert heights == pytest.approx([max(heights) * n / max(one["h"]) for n in one["h"]], abs=1) and max(heights) > 20
    assert page.locator(".xp-classes .xp-scale:visible").count() == len(classes)
    assert_sound(page)


def test_arrows_walk_along_a_depth_and_the_address_follows(explore):
    here, after = list(latents())[5:7]
    page = explore(at(here))
    for key, latent in (("ArrowRight", after), ("ArrowLeft", here), ("ArrowRight", after)):
        page.keyboard.press(key)
        reach(page, latent)
    page.get_by_role("button", name="Previous in the list").click()
    reach(page, here)
    assert_sound(page)


def test_links_and_arrows_climb_the_tower_and_back_returns(explore):
    one, parent = lineage()
    page = explore(at(one["i"]))
    link = page.locator("[data-kin^=p] a").first
    link.scroll_into_view_if_needed()
    link.get_by_text(parent["n"]).wait_for()  # names come late
    link.click()
    reach(page, parent["i"], DEPTH - 1)
    page.go_back()
    reach(page, one["i"])
    page.keyboard.press("ArrowDown")
    reach(page, parent["i"], DEPTH - 1)
    page.keyboard.press("ArrowUp")
    reach(page, parent["u"][0][0])
    page.go_back()
    reach(page, parent["i"], DEPTH - 1)
    page.locator(f"[data-kin^=u] a[href='#{at(one['i'])}']").click()
    reach(page, one["i"])
    assert_sound(page)


def test_search_is_a_key_away_filters_the_list_and_opens_the_first_hit(explore):
    page = explore(f"depth={DEPTH}")
    page.keyboard.press("/")
    search = page.get_by_role("searchbox")
    assert search.input_value() == "" and search.evaluate("e => e === document.activeElement")
    search.press_sequentially("named")
    named = [one["i"] for one in latents().values() if one["m"]]
    page.locator(".xp-side summary", has_text=f"{len(named)} of the {len(latents())} that fire").wait_for()
    assert page.locator(".xp-side ol a > span:first-of-type").all_inner_texts() == [str(number) for number in named]
    search.press("Enter")
    reach(page, named[0])
    assert "find=named" in page.url
    search.press("Escape")
    assert page.locator(".xp h2").evaluate("e => e === document.activeElement")
    assert_sound(page)


@pytest.mark.parametrize("case", ["silent", "beyond the width", "beyond the tower"])
def test_where_there_is_nothing_the_page_says_so(explore, case):
    levels = {level["depth"]: level for level in index()["levels"]}
    width = levels[DEPTH]["all"]
    silent = next(number for number in range(width) if number not in latents())
    state, says = {
        "silent": (at(silent), "fires on none of the held-out images"),
        "beyond the width": (at(width), f"they run from 0 to {width - 1}."),
        "beyond the tower": ("depth=9", f"This tower ends at depth {max(levels)}."),
    }[case]
    page = explore(state)
    page.get_by_text(says).wait_for()
    assert page.locator(".xp-bands").is_hidden() and page.locator(".xp-img:visible").count() == 0
    assert_sound(page)
    page.locator("[data-level='1'], .xp-ways a:visible").last.click()
    page.locator(".xp-bands").wait_for()
    assert page.get_by_text(says).is_hidden()


@pytest.mark.parametrize("file, button", [("site/latents-3.json", "Depth 3"), ("fashion/index.json", "Fashion")])
def test_a_file_that_fails_is_named_and_asked_for_again(explore, file, button):
    page = explore()
    page.route(f"**/{file}", lambda route: route.abort())
    page.get_by_role("button", name=button).click()
    page.get_by_text(f"The file {DATA}{file} could not be loaded.").wait_for()
    assert page.locator(".xp-bands").is_hidden()
    assert {text.split(":")[0] for text in page.complaints} == {"Failed to load resource"}
    page.complaints.clear()
    page.unroute(f"**/{file}")
    page.get_by_role("button", name="Try again").click()
    page.locator(".xp-bands").wait_for()
    assert page.get_by_role("button", name="Try again").is_hidden()
    assert_sound(page)


def test_the_file_of_a_depth_is_fetched_once(explore):
    page = explore()
    for here in index()["levels"] * 2:
        page.get_by_role("button", name=f"Depth {here['depth']}" if here["depth"] else "Neurons").click()
        page.locator(f"[data-level='{here['depth']}'][aria-pressed=true]").wait_for()
        look_at_all(page)
        assert holds(page, "() => [...document.querySelectorAll('[data-of]')].every((e) => e.textContent)")
    asked = page.evaluate("performance.getEntriesByType('resource').map((e) => e.name.split('/').pop())")
    files = Counter(name for name in asked if name.endswith(".json"))
    assert files == dict.fromkeys(["index.json", *(each["file"] for each in index()["levels"])], 1)


def test_without_scripts_the_page_points_to_the_tables(browser, base):
    page = open_page(browser, base, "report/explorer.html", scripts=False)
    sentence = page.locator("#explorer > p")
    assert sentence.is_visible() and "needs scripts" in sentence.inner_text() and page.locator(".xp").is_hidden()
    sentence.get_by_role("link").click()
    assert page.url.endswith("report/neurons.html") and page.locator(".neuron-table").is_visible()
    page.context.close()


def test_escape_leaves_the_search_and_keeps_what_it_found(browser, base):
    page = open_page(browser, base, "report/explorer.html#depth=3")
    page.wait_for_selector(".xp ol a")
    page.keyboard.press("/")
    page.keyboard.type("named")
    assert holds(page, "() => location.hash.includes('find=named')")
    some = page.locator(".xp ol a").count()
    page.keyboard.press("Escape")
    search = page.locator(".xp input[type=search]")
    assert search.input_value() == "named" and page.locator(".xp ol a").count() == some
    assert not search.evaluate("box => box === document.activeElement")
    page.context.close()


def test_who_asks_for_nothing_sees_a_latent_chosen_by_the_printed_rule(explore):
    page = explore()
    whole = [
        one
        for one in latents(1).values()
        if one["m"] and one["o"][0] and one["o"][2] == one["c"] is not None and one["x"] == 0 and one["r"][2] >= 800
    ]
    best = max(whole, key=lambda one: one["d"][0])
    assert page.locator(".xp-where").text_content().startswith(f"Depth 1, latent {best['i']} of ")
    assert page.locator(".xp-showcase").is_visible()
    page.keyboard.press("ArrowRight")
    page.locator(".xp-showcase").wait_for(state="hidden")


def test_a_class_is_a_press_away_and_random_stays_within_it(explore):
    page = explore(f"depth={DEPTH}")
    group = page.get_by_role("group", name="Class that it fires on most")
    group.get_by_role("button", name="4", exact=True).click()
    own = {str(one["i"]) for one in latents().values() if one["c"] == 4}
    page.locator(".xp-side summary", has_text=f"{len(own)} of the {len(latents())} that fire").wait_for()
    assert set(page.locator(".xp-side ol a > span:first-of-type").all_inner_texts()) == own and "class=4" in page.url
    assert page.locator(".xp-thumb").count() == len(own)
    numbers = set()
    for _ in range(4):
        before = page.url
        page.get_by_role("button", name="Random").click()
        assert holds(page, "before => location.href !== before", before)
        numbers.add(page.get_by_role("spinbutton", name="Number").input_value())
    assert numbers <= own
    assert_sound(page)


@pytest.mark.parametrize("width", [1280, 390])
def test_what_is_searched_is_in_sight_and_an_empty_list_says_what_to_do(explore, width):
    page = explore(width=width)
    search = page.get_by_role("searchbox")
    search.fill("named")
    first = page.locator(".xp-side ol a").first
    first.wait_for(state="visible")
    first.scroll_into_view_if_needed()
    search.fill("gnu")
    page.locator(".xp-empty", has_text="“gnu”").wait_for(state="visible")
    page.get_by_role("button", name="Show all of this depth").click()
    page.locator(".xp-empty").wait_for(state="hidden")
    assert page.locator(".xp-side ol a").count() == len(latents(1)) and search.input_value() == ""
    assert_sound(page)


def test_the_list_stands_above_the_fold_with_what_reads_it_folded_below(explore):
    page = explore()
    box = page.locator(".xp-side ol").bounding_box()
    assert box["y"] < 480 and box["y"] + box["height"] <= page.viewport_size["height"]
    fold = page.get_by_text("The latent that is shown first", exact=True)
    assert not fold.is_visible()
    page.get_by_text("How to read the explorer").click()
    fold.wait_for(state="visible")


def test_each_latent_stands_beside_its_like_on_the_network_that_was_never_trained(explore):
    one = next(one for one in latents().values() if one["rn"])
    page = explore(at(one["i"]))
    pair = page.locator(".xp-pair")
    pair.scroll_into_view_if_needed()
    assert pair.locator("[data-twin=own] .xp-img").count() == len(one["b"][0])
    assert pair.locator("[data-twin=other] .xp-img").count() == len(one["rn"][3])
    assert f"random network: {one['rn'][0]}, {one['rn'][1]}" in pair.inner_text()
    assert_sound(page)


def test_a_link_and_a_frame_show_the_same_latent_elsewhere(explore, browser, base):
    page = explore(f"depth={DEPTH}&find=named")
    page.evaluate("navigator.clipboard.writeText = (text) => { window.copied = text; return Promise.resolve(); }")
    where = page.locator(".xp-where").text_content()
    page.get_by_role("button", name="Copy link").click()
    page.get_by_text("Copied.").wait_for()
    link = page.evaluate("window.copied")
    page.get_by_role("button", name="Copy as frame").click()
    frame = page.evaluate("window.copied")
    assert frame.startswith("<iframe") and "embed=1" in frame
    page.goto("about:blank")
    page.goto(link)
    page.locator(".xp-where", has_text=where).wait_for()
    page.goto("about:blank")
    page.goto(frame.split('src="')[1].split('"')[0].replace("&#38;", "&"))
    page.locator(".xp-where", has_text=where).wait_for()
    assert not page.locator("#quarto-header").is_visible() and not page.locator(".xp-side").is_visible()
    out = page.get_by_role("link", name="Open in the explorer")
    assert "embed" not in out.get_attribute("href") and out.get_attribute("target") == "_top"


def test_paper_has_the_pictures_and_not_what_chooses_them(explore):
    page = explore(at(next(iter(latents()))))
    assert holds(page, "() => [...document.querySelectorAll('.xp-img')].every((e) => e.style.backgroundImage)")
    page.emulate_media(media="print")
    assert not page.locator(".xp-side").is_visible() and not page.locator(".xp-bar").is_visible()
    kept = page.locator(".xp-img").evaluate_all("all => all.map((e) => getComputedStyle(e).printColorAdjust)")
    assert set(kept) == {"exact"}


def test_the_verdicts_own_tower_is_there_with_all_depths_and_a_word_for_each(explore):
    levels = index("towers")["levels"]
    page = explore("set=towers")
    for level in levels:
        page.get_by_role("button", name=f"Depth {level['depth']}").click()
        page.locator(".xp-where", has_text=f"Depth {level['depth']}, ").wait_for()
        assert page.locator(".xp-count").inner_text().endswith(f"the verdict on this depth: {level['word']}")
        assert (
            page.locator(".xp-bands figure:visible").count() == 1
            and not page.get_by_text("more than luck").is_visible()
        )
    look_at_all(page)
    assert page.evaluate(BROKEN) == []
    assert not [word for word in ("NaN", "undefined", "null") if word in page.locator(".xp").inner_html()]

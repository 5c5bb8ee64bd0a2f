"""The page of language in chromium, on a tiny model: write, colour, hold a latent up, address, damage, keyboard."""

from __future__ import annotations

import json
import re
from functools import partial

import pytest
from browser_page import NEEDS_CHROMIUM, open_page

from analysis.site.check.browser import holds
from analysis.site.check.server import served

pytest.importorskip("tokenizers")
from language_model import given, tokeniser, weights
from language_site import language_site

pytestmark = NEEDS_CHROMIUM
PAGE = "report/language-live.html"
BEGIN = "Tonight I ask the Congress"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The page, with a model of two blocks whose SAE stands between them."""
    found = tmp_path_factory.mktemp("language")
    two = weights(layers=2, vocabulary=tokeniser().get_vocab_size(), places=256)
    return language_site(given(found, union=two, hook="blocks.0.hook_resid_post"), found)


@pytest.fixture(scope="module")
def live(folder, browser):
    with served(folder, "/") as base:
        yield partial(open_page, browser, base)


@pytest.fixture
def page(live, request):
    def arrive(state="", **options):
        found = live(PAGE + (state and "#" + state), **options)
        request.addfinalizer(found.context.close)
        return found

    return arrive


def told(folder, name="latents.json"):
    return json.loads((folder / "report/assets/generated/language" / name).read_text())


def write(page, begin=BEGIN):
    page.get_by_role("textbox").fill(begin)
    page.get_by_role("button", name="Write on").click()
    done(page)


def done(page, what="written"):
    page.locator(f".lm[data-done={what}]").wait_for()


def text(page):
    return page.locator(".lm-text").inner_text()


def assert_sound(page):
    shown = page.locator(".lm").inner_text()
    assert not [word for word in ("NaN", "undefined", "null", "Infinity", "[object") if word in shown]
    assert page.complaints == []


def test_nothing_is_fetched_before_the_first_touch(page):
    found, asked = page(), []
    found.on("request", lambda request: asked.append(request.url))
    found.wait_for_load_state("networkidle")
    assert not [url for url in asked if "generated" in url] and found.locator(".lm-read").is_hidden()
    found.get_by_role("textbox").focus()
    found.locator(".lm[data-state=ready]").wait_for()
    names = {url.rsplit("/", 1)[1] for url in asked if "generated/language" in url}
    assert names == {"union.json", "union.bin", "tokens.json", "latents.json"}
    told_of_test = found.locator(".lm-test").text_content()
    assert re.search(r"Self-test passed.*The largest error was \d+e[+-]\d+", told_of_test)
    assert_sound(found)


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_a_text_is_written_on_and_coloured_by_a_latent(page, width, scheme):
    found = page(width=width, scheme=scheme)
    write(found)
    tokens = found.locator(".lm-token")
    assert text(found).startswith(BEGIN)
    assert found.locator(".lm-given").count() == len(tokeniser().encode(BEGIN).ids)
    assert tokens.count() == len(tokeniser().encode(BEGIN).ids) + 60
    held = found.locator(".lm-token[aria-pressed=true]")
    assert held.count() == 1 and found.locator(".lm-fires .lm-chip").count() == 6  # k
    chip = found.locator(".lm-fires .lm-chip").first
    latent = chip.get_attribute("data-latent")
    chip.click()
    assert chip.get_attribute("aria-pressed") == "true" and "lm-on" in held.get_attribute("class")
    for place in range(2):  # below the text, and where the latent is told of
        assert f"Coloured by latent {latent}" in found.locator(".lm-legend").nth(place).inner_text()
    assert 0 < found.locator(".lm-on").count() < tokens.count()
    # another token, by pointing: what was held comes back
    before = found.locator(".lm-fires").inner_text()
    tokens.nth(2).hover()
    assert found.locator(".lm-fires").inner_text() != before
    found.mouse.move(5, 5)
    assert found.locator(".lm-fires").inner_text() == before
    assert found.evaluate("document.documentElement.scrollWidth") <= width
    assert_sound(found)


def test_a_latent_held_up_changes_the_text_from_the_same_dice(page, folder):
    found = page()
    write(found)
    plain = re.sub("[↵·]", "", found.locator(".lm-text").text_content())
    offered = told(folder)["offered"]
    found.locator(".lm-offer").first.click()
    assert f"Latent {offered[0]}:" in found.locator(".lm-about").inner_text()
    slider = found.get_by_role("slider", name="Hold it at")
    slider.fill("3")
    assert "3× the most it ever fires" in found.locator(".lm-slide output").inner_text()
    steered_at(found, 3)  # releasing the slider writes
    columns = found.locator(".lm-both > div")
    as_it_was, steered = (columns.nth(n).locator("p").text_content() for n in range(2))
    assert columns.count() == 2 and as_it_was == plain
    assert steered.startswith(BEGIN) and steered != as_it_was
    assert re.search(r"the text had \d+ as it was and has \d+ now", found.locator(".lm-verdict").inner_text())
    found.get_by_role("checkbox", name="beside a random direction").check()
    done(found, "steered")
    assert columns.count() == 3 and columns.nth(1).locator("p").text_content() == steered
    chance = columns.nth(2).locator("p").text_content()
    found.get_by_role("button", name="Another direction").click()
    done(found, "steered")
    assert columns.nth(2).locator("p").text_content() != chance != steered
    assert_sound(found)


def steered_at(found, by):
    """A text was written with the latent held at so much."""
    found.locator(".lm-both h3", has_text=f"held at {by}×").wait_for()
    done(found, "steered")


def test_all_steps_show_one_text_and_the_link_is_of_what_is_shown(page, folder):
    found = page()
    write(found)
    found.locator(".lm-offer").first.click()
    done(found, "steered")  # choosing writes, too
    found.get_by_role("slider", name="Hold it at").fill("4")
    steered_at(found, 4)
    assert "times=4" in found.evaluate("location.hash")
    # another beginning: steps 2 and 3 follow it together
    found.get_by_role("textbox").fill("The war")
    found.get_by_role("button", name="Write again").click()
    found.wait_for_function("document.querySelector('.lm-text').textContent.startsWith('The war')")
    done(found, "steered")
    plain = re.sub("[↵·]", "", found.locator(".lm-text").text_content())
    assert found.locator(".lm-both p").first.text_content() == plain
    # other dice keep the latent held
    found.get_by_role("button", name="Roll other dice").click()
    done(found, "steered")
    other = re.sub("[↵·]", "", found.locator(".lm-text").text_content())
    assert other != plain and found.locator(".lm-both p").first.text_content() == other
    link = found.locator(".lm-turn").get_by_role("button", name="Copy link")
    link.click()
    assert found.locator(".lm-turn .lm-copied").inner_text()
    shown = found.locator(".lm-both").text_content()
    again = page(found.url.split("#")[1])
    done(again, "steered")
    assert again.locator(".lm-both").text_content() == shown
    assert again.evaluate("document.querySelector('.lm-turn').getBoundingClientRect().top < innerHeight / 2")
    assert_sound(found)


def test_on_a_phone_what_was_written_comes_into_sight(page):
    found = page(width=390)
    found.set_viewport_size({"width": 390, "height": 500})
    write(found)
    assert found.evaluate("document.querySelector('.lm-text').getBoundingClientRect().top < innerHeight")
    assert_sound(found)


def test_what_the_page_writes_is_what_pytorch_wrote(page, folder):
    sample = told(folder, "union.json")["sample"]
    found = page(f"begin={sample['beginning']}&latent={sample['latent']}&times=2&again=1")
    done(found, "steered")
    columns = found.locator(".lm-both > div")
    assert [columns.nth(n).locator("p").text_content() for n in range(2)] == [sample["plain"], sample["steered"]]
    plain = page(scripts=False)
    worked = plain.locator(".lm-worked").text_content()
    assert sample["plain"] in worked and sample["steered"] in worked and "scripts" in worked
    assert plain.locator(".lm-app").is_hidden() and plain.locator(".lm-worked").is_visible()


def test_an_address_holds_all_that_is_chosen_and_nonsense_is_left_out(page, folder):
    found = page("begin=the+war&seed=8&t=1.2&n=30&at=4&latent=7&times=4&random=3&again=1")
    done(found, "steered")
    assert found.get_by_role("textbox").input_value() == "the war" and found.locator(".lm-both > div").count() == 3
    assert [found.locator(f"[data-set={name}]").input_value() for name in ("seed", "temperature", "count")] == [
        "8",
        "1.2",
        "30",
    ]
    assert found.locator(".lm-token[aria-pressed=true]").get_attribute("data-n") == "4"
    texts = found.locator(".lm-both").text_content()
    parts = ["begin=the+war", "seed=8", "t=1.2", "n=30", "at=4", "latent=7", "times=4", "random=3", "again=1"]
    assert holds(found, f"() => {json.dumps(parts)}.every((part) => location.hash.includes(part))")
    again = page(found.url.split("#")[1])
    done(again, "steered")
    assert again.locator(".lm-both").text_content() == texts
    for nonsense in (
        "begin=a&latent=99999&times=x",
        "seed=-1&n=7&t=99&at=1e9&begin=b",
        "latent=1.5&again=1&begin=%F0%9F%98%80",
    ):
        other = page(nonsense)
        done(other)
        assert other.locator(".lm-chosen").is_hidden()
        assert_sound(other)


def test_other_dice_and_another_beginning_write_another_text(page):
    found = page()
    write(found)
    first = text(found)
    found.get_by_role("button", name="Roll other dice").click()
    done(found)
    assert text(found) != first and text(found).startswith(BEGIN)
    found.locator("[data-begin]").nth(1).click()
    done(found)
    assert text(found).startswith("Our relations") and found.get_by_role("textbox").input_value().startswith("Our")
    found.get_by_text("How it writes").click()
    found.locator("[data-set=temperature]").fill("0")
    found.locator("[data-set=count]").select_option("30")
    done(found)
    likeliest = text(found)
    found.locator("[data-set=seed]").fill("12345")
    found.locator("[data-set=seed]").press("Enter")
    done(found)
    assert text(found) == likeliest  # no dice are thrown
    found.get_by_role("textbox").fill("  ")
    found.get_by_role("button", name="Write on").click()
    assert "Type a beginning first" in found.locator(".lm-said").inner_text()
    assert_sound(found)


def test_writing_can_be_stopped_and_a_long_beginning_loses_its_front(page):
    found = page()
    found.get_by_text("How it writes").click()
    found.locator("[data-set=count]").select_option("120")
    found.get_by_role("textbox").fill(BEGIN)
    found.get_by_role("button", name="Write on").click()
    found.get_by_role("button", name="Stop").click()
    done(found)
    assert "Stopped." in found.locator(".lm-said").inner_text() and found.locator(".lm-token").count() < 127
    assert found.get_by_role("button", name="Stop").count() == 0
    write(found, "the people and the war " * 40)
    assert "reads 256 tokens at most" in found.locator(".lm-said").inner_text()
    assert found.locator(".lm-token").count() == 255
    assert_sound(found)


def test_a_keyboard_reaches_tokens_latents_and_the_slider(page):
    found = page()
    found.get_by_role("textbox").focus()
    found.keyboard.press("Control+a")
    found.keyboard.type("our war")
    found.keyboard.press("Enter")
    done(found)
    assert "It wrote 60 tokens: " in found.locator(".lm-spoken").inner_text()
    assert found.locator(".lm-text [aria-live], .lm-text[aria-live]").count() == 0
    held = found.locator(".lm-token[aria-pressed=true]")
    held.focus()
    place = int(held.get_attribute("data-n"))
    found.keyboard.press("ArrowRight" if place < 60 else "ArrowLeft")
    assert abs(int(found.evaluate("document.activeElement.dataset.n")) - place) == 1
    found.keyboard.press("Home")
    assert found.evaluate("document.activeElement.dataset.n") == "1"
    assert found.locator(".lm-token[tabindex='0']").count() == 1
    found.keyboard.press("Tab")
    assert found.evaluate("document.activeElement.classList.contains('lm-chip')")
    found.keyboard.press("Enter")
    slider = found.get_by_role("slider", name="Hold it at")
    slider.focus()
    found.keyboard.press("ArrowRight")
    assert slider.get_attribute("aria-valuetext").startswith("2.5×")
    steered_at(found, 2.5)
    found.get_by_role("button", name="Write again").press("Enter")
    done(found, "steered")
    assert_sound(found)


DAMAGED = {
    "cut off": ("union.bin", lambda b: b[: len(b) // 2], "union.bin holds .* bytes where .* are expected"),
    "altered": ("union.bin", lambda b: b[:5000] + bytes([b[5000] ^ 4]) + b[5001:], "union.bin was altered"),
    "of another version": ("union.json", lambda b: b.replace(b'"version":1', b'"version":2'), "in version 2 of"),
    "of something else": ("union.json", lambda b: b"{}", "describes no language model"),
    "no JSON": ("latents.json", lambda b: b[:99], "latents.json is not what it should be"),
    "of other latents": ("latents.json", lambda b: b'{"latents": []}', "does not tell of the 48 latents"),
    "of another tokeniser": ("tokens.json", lambda b: re.sub(rb'("merges":.)[^]]*],', rb"\1", b), "into other tokens"),
    "no tokeniser": ("tokens.json", lambda b: b"[]", "tokens.json is not what it should be"),
    "computed otherwise": ("union.json", lambda b: b.replace(b'{"seed":7', b'{"seed":8'), "self-test failed"),
    "missing": ("tokens.json", None, "tokens.json could not be loaded"),
}  # fmt: skip


@pytest.mark.parametrize("how", DAMAGED)
def test_a_damaged_file_is_a_sentence_and_nothing_is_shown(page, folder, how):
    file, change, sentence = DAMAGED[how]
    found = page()
    body = (folder / "report/assets/generated/language" / file).read_bytes()
    if change:
        assert change(body) != body
    found.route(f"**/{file}", lambda route: route.fulfill(body=change(body)) if change else route.abort())
    found.get_by_role("button", name="Write on").click()
    flag = found.get_by_role("alert")
    flag.wait_for()
    assert re.search(sentence, flag.inner_text())
    assert found.locator(".lm-read").is_hidden() and found.locator(".lm-token").count() == 0
    found.unroute(f"**/{file}")
    found.get_by_role("button", name="Try again").click()
    done(found)
    assert flag.is_hidden() and found.locator(".lm-token").count() > 60


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_passes_the_rules_of_accessibility(page, scheme):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    found = page("begin=the+war&latent=7&times=3&random=1&again=1", scheme=scheme, width=1280)
    done(found, "steered")
    found.evaluate("() => 0")
    result = axe.run(found)
    assert not result.response["violations"], result.generate_report()

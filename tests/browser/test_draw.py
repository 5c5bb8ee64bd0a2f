"""The page on which a reader draws: it computes what PyTorch computes, reads drawings, and refuses what is damaged."""

from __future__ import annotations

import base64
import json
import re
from functools import cache
from pathlib import Path

import pytest
from browser_page import NEEDS, SITE, open_page
from tests_root import CHECKOUT

from analysis.site.check.browser import holds

FOLDER = SITE / "report/assets/generated/draw"
pytestmark = [*NEEDS, pytest.mark.skipif(not (FOLDER / "digits.json").exists(), reason="a site without networks")]
NETWORKS = ("trained", "random")
DRAWN = json.loads(Path(__file__).with_name("drawn_digits.json").read_text())
MORE = 200
# What a module of the page gives for images, each as base64.
FORWARD = """async ([name, images]) => {
  const at = (path) => new URL("assets/" + path, location.href).href;
  const { load } = await import(at("draw/network.js"));
  const net = await load(at("generated/draw/"), name);
  return images.map((text) => {
    const state = net.state(Uint8Array.from(atob(text), (c) => c.charCodeAt(0)));
    return [Array.from(net.logits(state)), net.codes(state).map(({ values, top }) => top.map((i) => [i, values[i]]))];
  });
}"""
READ = """async (samples) => {
  const at = (path) => new URL("assets/" + path, location.href).href;
  const { load, best } = await import(at("draw/network.js")), { toImage } = await import(at("draw/digit.js"));
  const net = await load(at("generated/draw/"), "trained");
  return samples.map(({ strokes }) => {
    const image = toImage(strokes, net.manifest.preprocessing), sum = image.reduce((a, v) => a + v, 0);
    const place = [(i) => i % 28, (i) => Math.floor(i / 28)], inked = Array.from(image.keys()).filter((i) => image[i]);
    const mass = place.map((at) => image.reduce((a, v, i) => a + v * (at(i) + .5), 0) / sum);
    const box = place.map((at) => Math.max(...inked.map(at)) - Math.min(...inked.map(at)) + 1);
    return { answer: best(net.answer(net.state(image))), mass, box };
  });
}"""
REDRAWN = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"


@cache
def kept(file):
    return json.loads((FOLDER / file).read_text())


@pytest.fixture
def draw(browser, base, request):
    def arrive(state="", **options):
        page = open_page(browser, base, "report/draw.html" + (state and "#" + state), **options)
        request.addfinalizer(page.context.close)
        return page

    return arrive


def ready(page):
    page.locator(".dr[data-state=ready]").wait_for()
    page.evaluate(REDRAWN)


def stroke(page, points):
    box = page.locator(".dr-pad canvas").bounding_box()
    at = [(box["x"] + x * box["width"] / 280, box["y"] + y * box["width"] / 280) for x, y in points]
    page.mouse.move(*at[0])
    page.mouse.down()
    for x, y in at[1:]:
        page.mouse.move(x, y)
    page.mouse.up()


def said(page, network="trained"):
    return page.locator(f"[data-network={network}] .dr-answer b").inner_text()


def assert_sound(page):
    text = page.locator(".dr").inner_text()
    assert not [word for word in ("NaN", "undefined", "null", "Infinity") if word in text]
    assert page.complaints == []


@pytest.mark.parametrize("name", NETWORKS)
def test_the_browser_computes_what_pytorch_computes(draw, name):
    import torch

    from analysis.plan.paths import Paths
    from analysis.results.tables import open_results
    from analysis.run.stages._load import examples_of
    from analysis.run.web_format import read
    from analysis.run.web_network import Network, given, tested

    manifest = kept(f"{name}.json")
    network = Network(manifest, read(manifest, (FOLDER / manifest["file"]).read_bytes()))
    paths = Paths(CHECKOUT)
    one = given(open_results(manifest["experiment"], paths), paths, manifest["seed"], "latents", name)
    rows = examples_of(one.dataset, "held_out")[0]
    chosen = list(dict.fromkeys([*tested(one.dataset), *range(MORE + 5)]))[: MORE + 5]
    found = draw().evaluate(FORWARD, [name, [base64.b64encode(rows[at].numpy().tobytes()).decode() for at in chosen]])
    state = network.state(rows[chosen])
    logits, exact = (
        torch.tensor([one[0] for one in found]),
        one.host.logits_from(one.states["held_out"][chosen], one.hook),
    )
    assert logits.argmax(1).tolist() == exact.argmax(1).tolist()
    assert torch.allclose(logits, network.logits(state), atol=1e-3)
    for depth, (codes, kept_latents) in enumerate(zip(network.codes(state), one.live, strict=True)):
        given_codes = torch.zeros_like(codes)
        for row, (_, levels) in enumerate(found):
            for place, value in levels[depth]:
                given_codes[row, place] = value
        assert torch.allclose(given_codes, codes, atol=1e-3)
        true = one.codes["held_out"][depth][chosen][:, kept_latents]
        same = ((true > 0) == (given_codes > 0)).all(1)
        assert same.float().mean() >= 0.95
        assert (true - given_codes).abs().amax(1).median() <= 2 * manifest["rounding"]["median_error"][depth]


def test_at_least_nine_of_ten_drawings_are_read_right_and_lie_as_mnist_does(draw):
    found = draw().evaluate(READ, DRAWN["samples"])
    right = sum(one["answer"] == sample["label"] for one, sample in zip(found, DRAWN["samples"], strict=True))
    assert len(found) == 50 and right >= 45
    for one in found:
        assert all(abs(at - 14) <= 0.55 for at in one["mass"])  # moved by whole pixels
        assert 19 <= max(one["box"]) <= 21


def test_nothing_is_fetched_before_the_first_touch(draw):
    page = draw()
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.wait_for_load_state("networkidle")
    assert (
        page.evaluate(
            "performance.getEntriesByType('resource').filter((e) => e.name.includes('generated/draw')).length"
        )
        == 0
    )
    stroke(page, [(140, 40), (140, 240)])
    ready(page)
    assert {url.rsplit("/", 1)[1] for url in asked if "generated/draw" in url} == {
        "digits.json", "pictures.json", "trained.json", "trained.bin", "random.json", "random.bin",
    }  # fmt: skip
    assert re.search(r"Self-test passed, largest error \d+e[+-]\d+", page.locator(".dr-test").inner_text())
    assert_sound(page)


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_a_drawing_by_mouse_is_read_and_can_be_undone(draw, width, scheme):
    page = draw(width=width, scheme=scheme)
    for line in DRAWN["samples"][16]["strokes"]:
        stroke(page, line)
    ready(page)
    assert said(page) == "3" and page.locator(".dr-depth").count() == len(kept("trained.json")["depths"])
    for level in kept("trained.json")["depths"]:
        shown = page.locator(f".dr-depth[data-depth='{level['depth']}'] .dr-of-trained li")
        assert shown.count() == min(level["k"], 4) and shown.first.locator("a").get_attribute("href")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert holds(page, "() => location.hash.startsWith('#strokes=')")
    state = page.url.split("#")[1]
    page.get_by_role("button", name="Undo").click()
    page.get_by_role("button", name="Clear").click()
    page.evaluate(REDRAWN)
    assert "The pad is empty" in page.locator(".dr-said").inner_text() and said(page) == "?"
    stroke(page, [(100, 100), (103, 102)])
    page.evaluate(REDRAWN)
    assert "only a dot" in page.locator(".dr-said").inner_text() and said(page) == "?"
    assert_sound(page)
    again = draw(state, width=width)
    ready(again)
    assert said(again) == "3"


@pytest.mark.parametrize("kind", ["touch", "pen"])
def test_a_finger_and_a_pen_draw_too(draw, kind):
    page = draw()
    page.locator(".dr-pad canvas").scroll_into_view_if_needed()
    box, devtools = page.locator(".dr-pad canvas").bounding_box(), page.context.new_cdp_session(page)
    points = [(box["x"] + 140 - y / 9, box["y"] + y) for y in range(40, 240, 10)]
    for number, (x, y) in enumerate(points):
        if kind == "touch":
            what = "touchStart" if not number else "touchMove"
            devtools.send("Input.dispatchTouchEvent", {"type": what, "touchPoints": [{"x": x, "y": y}]})
        else:
            what = "mousePressed" if not number else "mouseMoved"
            held = {"button": "left", "buttons": 1, "clickCount": 1, "pointerType": "pen"}
            devtools.send("Input.dispatchMouseEvent", {"type": what, "x": x, "y": y, **held})
    released = {"type": "mouseReleased", "x": x, "y": y, "button": "left", "pointerType": "pen"}
    ends = {
        "touch": ("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []}),
        "pen": ("Input.dispatchMouseEvent", released),
    }
    devtools.send(*ends[kind])
    ready(page)
    assert said(page) == "1"
    assert_sound(page)


def test_a_keyboard_reaches_digits_latents_and_the_slider(draw):
    page = draw()
    page.get_by_role("button", name="Undo").focus()
    for _ in range(4):
        page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.dataset.digit") == "0"
    page.keyboard.press("Enter")
    ready(page)
    assert said(page) == "0" and "trained network says 0" in page.locator(".dr-spoken").inner_text()
    page.locator(".dr-tower .dr-chip").first.focus()
    page.keyboard.press("Enter")
    slider = page.get_by_role("slider")
    assert slider.evaluate("(e) => e === document.activeElement")
    for _ in range(3):
        page.keyboard.press("ArrowLeft")
    assert slider.input_value() == "-3" and "Turned down by 3%" in page.locator(".dr-push").inner_text()
    page.keyboard.press("Home")
    assert "random directions, pushed as far" in page.locator(".dr-verdict").inner_text()
    page.get_by_role("button", name="Back to zero").press("Enter")
    assert slider.input_value() == "0"
    page.get_by_role("button", name="Close").press("Enter")
    assert not page.locator(".dr-steer").count()
    assert_sound(page)


@pytest.mark.parametrize("number", range(3))
def test_every_challenge_is_solved_by_a_latent_that_it_offers_and_by_no_other(draw, number):
    challenges = kept("digits.json")["challenges"]
    if number >= len(challenges):
        pytest.skip("the search found fewer")
    one = challenges[number]
    page = draw()
    page.locator("[data-digit]").last.click()
    ready(page)
    page.locator("[data-act=challenge]").nth(number).click()
    page.locator(".dr-shelf button").first.wait_for()
    assert said(page) == str(one["from"]) and page.locator(".dr-shelf button").count() == len(one["latents"])
    slider, verdict, target = page.get_by_role("slider"), page.locator(".dr-verdict"), f"it is a {one['to']} now"
    assert any(one["solutions"])
    for place, solutions in zip(one["latents"], one["solutions"], strict=True):
        page.locator(f".dr-shelf [data-latent='{place}']").click()
        within = {push for low, high in solutions for push in range(low, high + 1)}
        # a hundredth at an edge may fall to either side of it, in another order of adding
        edges = {push for low, high in solutions for push in (low - 1, low, high, high + 1)}
        for push in {
            *range(-100, 101, 20),
            *(value for pair in solutions for value in (sum(pair) // 2, pair[0] + 2, pair[0] - 2)),
        } - edges:
            if -100 <= push <= 100:
                slider.fill(str(push))
                assert (target in verdict.inner_text()) == (push in within), (place, push)
                assert ("Not this one" in verdict.inner_text()) == (push == 100 and not within), (place, push)
    assert page.locator("[data-act=challenge].dr-solved").count() == 1
    assert_sound(page)


def test_an_address_holds_all_that_is_chosen(draw):
    level = kept("trained.json")["depths"][0]
    digit, latent = kept("digits.json")["digits"][7], level["latents"][11]
    page = draw(f"digit={digit['example']}&depth=1&latent={latent}&push=-35&random=4")
    ready(page)
    assert page.get_by_role("slider").input_value() == "-35"
    about = page.locator(".dr-about")
    assert f"latent {latent} of depth 1" in about.inner_text()
    assert about.get_by_role("link").get_attribute("href").endswith(f"report/explorer.html#depth=1&latent={latent}")
    page.get_by_role("button", name="Another random direction").click()
    assert holds(page, "() => location.hash.includes('push=-35') && location.hash.includes('random=5')")
    for nonsense in (
        "depth=99&latent=1",
        f"digit={digit['example']}&depth=1&latent=99999&push=x",
        "strokes=????",
        "digit=1e9&push=3",
    ):
        page.goto(page.url.split("#")[0] + "#" + nonsense)
        page.evaluate(REDRAWN)
        assert_sound(page)


DAMAGED = {
    "cut off": ("trained.bin", lambda b: b[: len(b) // 2], "trained.bin holds .* bytes where .* are expected"),
    "altered": ("random.bin", lambda b: b[:5000] + bytes([b[5000] ^ 4]) + b[5001:], "random.bin was altered"),
    "of another version": ("trained.json", lambda b: b.replace(b'"version":1', b'"version":2'), "in version 2 of"),
    "of something else": ("trained.json", lambda b: b"{}", "describes no network"),
    "no JSON": ("random.json", lambda b: b[:99], "random.json is not what it should be"),
    "computed otherwise": ("trained.json", lambda b: b.replace(b'"logits":[[', b'"logits":[[9'), "self-test failed"),
    "missing": ("digits.json", None, "digits.json could not be loaded"),
}  # fmt: skip


@pytest.mark.parametrize("how", DAMAGED)
def test_a_damaged_file_is_a_sentence_and_nothing_is_shown(draw, how):
    file, change, sentence = DAMAGED[how]
    page = draw()
    body = (FOLDER / file).read_bytes()
    page.route(f"**/{file}", lambda route: route.fulfill(body=change(body)) if change else route.abort())
    page.locator("[data-digit]").first.click()
    flag = page.get_by_role("alert")
    flag.wait_for()
    assert re.search(sentence, flag.inner_text()) and said(page) == "?"
    assert not page.locator(".dr-depth").count() and "NaN" not in page.locator(".dr").inner_text()
    page.unroute(f"**/{file}")
    page.get_by_role("button", name="Try again").click()
    ready(page)
    assert flag.is_hidden() and said(page) == "0"


def test_a_picture_is_copied_or_saved(draw):
    page = draw()
    page.get_by_role("button", name="Copy picture").click()
    assert "nothing to copy yet" in page.locator(".dr-said").inner_text()
    page.locator("[data-digit]").nth(4).click()
    ready(page)
    page.get_by_role("button", name="Copy picture").click()
    page.locator(".dr-said", has_text=re.compile(r"picture is (copied|saved)")).wait_for()
    assert_sound(page)


def test_without_scripts_three_worked_pictures_stand_there(draw):
    page = draw(scripts=False)
    assert page.locator(".dr-one").count() == 3 and page.locator(".dr-one img").first.is_visible()
    assert page.locator(".dr-one").first.inner_text().startswith("A 0. The trained network says")
    assert page.locator(".dr-app").is_hidden()

"""The browser's part of `strata check` on a tiny site: nothing is found there, and then each planted defect is."""

from __future__ import annotations

import pytest
from browser_page import NEEDS_CHROMIUM

from analysis.site.check import browser as chromium
from analysis.site.check import keyboard
from analysis.site.check.folder import read
from analysis.site.check.server import served
from analysis.site.check.visits import visit, visit_all

pytestmark = NEEDS_CHROMIUM

PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Tiny</title><meta name="viewport" content="width=device-width">
<link rel="icon" href="data:,"><style>body { background: #fff; color: #111 } .skip:not(:focus) { opacity: .99 }
@media (prefers-color-scheme: dark) { body { background: #111; color: #eee } a { color: #9cf } }</style></head>
<body><a class="skip" href="#text">Skip to the text</a><main id="text" tabindex="-1"><h1>Tiny</h1>
<div class="chart" data-chart="one"><svg role="img" aria-label="a chart" width="300" height="150"></svg></div>
DEFECT</main><script>
document.querySelectorAll(".chart").forEach((chart) => new IntersectionObserver((seen) => {
  if (seen[0].isIntersecting) chart.dataset.live = "true";
}).observe(chart));</script></body></html>"""
SITE = "/some/site/"
SEARCH = """document.body.insertAdjacentHTML("beforeend", `<dialog class="search-dialog"><input id="search-words"
  aria-label="words"><p role="status">Nothing</p><ul></ul></dialog>`);
addEventListener("keydown", (event) => {
  if (event.key === "/") { event.preventDefault(); document.querySelector("dialog").showModal(); }
});
document.querySelector("input").addEventListener("input", ({ target }) => {
  if (target.value === "Tiny") document.querySelector("ul").innerHTML = "<li><a href='#'>a place</a></li>";
});"""
TABLE = """<table class="neurons"><thead><tr>
<th data-key="precision" aria-sort="none"><button>precision</button></th></tr></thead><tbody>
<tr data-class="7"><th><a href="#row=1">1</a></th></tr></tbody></table>"""


@pytest.fixture
def look(tmp_path, browser, monkeypatch):
    """Visit a page with something planted in it; the findings."""
    monkeypatch.setattr(chromium, "WAIT_MS", 1_500)

    def visited(planted="", name="index.html", old="DEFECT"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(PAGE.replace(old, planted).replace("DEFECT", ""))
        (tmp_path / "index.html").touch()
        with served(tmp_path, SITE) as base:
            return visit(browser, base, read(tmp_path, ""), name)

    return visited


def test_a_sound_page_is_clean(look):
    seen = look()
    assert seen.findings == [] and seen.elsewhere == 0
    assert seen.first == {"index.html"}


PLANTED = {
    "an error in the console": ('<script>console.error("broken")</script>', "console", "error: broken"),
    "a warning in the console": ('<script>console.warn("odd")</script>', "console", "warning: odd"),
    "an error that nobody caught": ('<script>throw new Error("thrown")</script>', "page error", "thrown"),
    "a foreign fetch": (
        '<script>fetch("https://a.example/x").catch(() => 0)</script>',
        "asked another host",
        "a.example",
    ),
    "a foreign picture": ('<img src="https://b.example/x.png" alt="">', "asked another host", "b.example/x.png"),
    "a foreign socket": ('<script>new WebSocket("wss://c.example/")</script>', "asked another host", "c.example"),
    "a file that is not there": ('<script src="gone.js"></script>', "failed request", "gone.js (404)"),
    "a fetch from the root of the host": (
        '<script>const at = "/data.json"; fetch(at)</script>',
        "asked outside the site",
        "/data.json",
    ),
    "a picture from the root of the host": (
        '<script>const where = "/index.html"; new Image().src = where</script>',
        "asked outside the site",
        "/index.html",
    ),
    "faint words": (
        '<p id="faint" style="color: #777; background: #888">faint words</p>',
        "axe: color-contrast",
        "#faint",
    ),
    "a button without a name": ('<button id="mute"></button>', "axe: button-name", "#mute"),
    "a box that is too wide": ('<div id="wide" style="width: 2000px">wide</div>', "scrolls sideways", "div#wide"),
    "a dead chart": ('<div class="chart" data-chart="off" style="display: none"></div>', "dead chart", "chart off"),
}


@pytest.fixture(scope="module")
def full_of_defects(tmp_path_factory, browser):
    """One page with all of them: a visit of each on its own would take a minute and a half."""
    folder = tmp_path_factory.mktemp("defects")
    (folder / "index.html").write_text(PAGE.replace("DEFECT", "".join(planted for planted, _, _ in PLANTED.values())))
    with pytest.MonkeyPatch.context() as patch, served(folder, SITE) as base:
        patch.setattr(chromium, "WAIT_MS", 1_500)
        return visit(browser, base, read(folder, ""), "index.html")


@pytest.mark.parametrize("name", PLANTED)
def test_each_planted_defect_is_found(full_of_defects, name):
    _, kind, words = PLANTED[name]
    hits = [one.message for one in full_of_defects.findings if one.kind == kind and words in one.message]
    # in all four modes, so that no mode is named
    assert hits and not any("light" in message for message in hits)


def test_nothing_is_found_that_was_not_planted(full_of_defects):
    kinds = {kind for _, kind, _ in PLANTED.values()} | {"no picture without scripts"}
    assert {one.kind for one in full_of_defects.findings} == kinds
    assert full_of_defects.elsewhere == 3


def test_what_is_wrong_in_one_mode_only_says_in_which(look):
    faint = "<style>@media (prefers-color-scheme: dark) { p { color: #222 } }</style><p>faint</p>"
    (one,) = look(faint).findings
    assert one.kind == "axe: color-contrast" and one.message.endswith("(1280 px, dark; 390 px, dark)")
    (wide,) = look('<div style="width: 500px">wide</div>').findings
    assert "(390 px, light; 390 px, dark)" in wide.message


def test_a_chart_that_stands_only_with_scripts_is_found(look):
    (one,) = look('"one" hidden', old='"one"').findings[-1:]
    assert one.kind == "no picture without scripts"


def test_a_chart_in_a_folded_box_is_brought_into_sight(look):
    chart = PAGE[PAGE.index('<div class="chart"') : PAGE.index("DEFECT")].replace('"one"', '"two"')
    kinds = {one.kind for one in look(f"<details><summary>more</summary>{chart}</details>").findings}
    # it becomes live; without scripts nobody opens the box for the check, which is what a reader finds too
    assert kinds == {"no picture without scripts"}


def test_a_visit_that_breaks_down_is_a_finding_of_its_page_and_the_others_go_on(tmp_path, monkeypatch):
    for name in ("index.html", "broken.html", "other.html"):
        (tmp_path / name).write_text(PAGE.replace("DEFECT", ""))
    sound = chromium.open_page

    def breaks(browser, base, name, *rest, **options):
        if name == "broken.html":
            raise ValueError("planted")
        return sound(browser, base, name, *rest, **options)

    monkeypatch.setattr(chromium, "open_page", breaks)
    said = []
    with served(tmp_path, "/") as base:
        done = visit_all(read(tmp_path, ""), base, chromium.executable(), said.append)
    assert {name for name, one in done.items() if not one.findings} == {"index.html", "other.html"}
    # with scripts, in all modes, and without
    for one in done["broken.html"].findings:
        assert one.kind == "the check broke down" and "ValueError" in one.message and "planted" in one.message
    assert len(said) == 3 and len(done["broken.html"].findings) == 2


def test_what_a_visit_heard_before_it_broke_down_is_told_and_the_other_modes_go_on(look, monkeypatch):
    sound = chromium.dead_charts

    def breaks(page):
        if page.viewport_size["width"] == 1280:
            raise ValueError("planted")
        return sound(page)

    monkeypatch.setattr(chromium, "dead_charts", breaks)
    seen = look('<script>console.error("the cause")</script><div style="width: 500px">wide</div>')
    cause, broken, wide = seen.findings
    assert cause.message == "error: the cause"
    assert broken.kind == "the check broke down" and broken.message.endswith("(1280 px, light; 1280 px, dark)")
    assert wide.kind == "scrolls sideways" and seen.first == frozenset()


def test_a_page_that_cannot_be_opened_leaves_nothing_open(browser, base_of_nothing):
    with pytest.raises(Exception, match="ERR_CONNECTION_REFUSED"):
        chromium.open_page(browser, base_of_nothing, "index.html", print)
    assert browser.contexts == []


@pytest.fixture
def base_of_nothing(tmp_path):
    """An address where nobody answers any more."""
    with served(tmp_path, SITE) as base:
        pass
    return base


def test_what_axe_finds_in_quartos_own_shell_is_a_note(look, tmp_path):
    (tmp_path / "site_libs/quarto-html").mkdir(parents=True)
    (tmp_path / "site_libs/quarto-html/quarto.js").write_text("")
    button = '<button id="{}"></button>'
    seen = look(button.format("mute") + "</main><nav>" + button.format("shell") + "</nav><main hidden>").findings
    assert {(one.note, "#shell" in one.message, "#mute" in one.message) for one in seen if "button" in one.kind} == {
        (True, True, False),
        (False, False, True),
    }


def walk(tmp_path, browser, name, html):
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / "index.html").write_text(PAGE.replace("DEFECT", ""))
    (tmp_path / name).write_text(html)
    with served(tmp_path, "/") as base:
        return [one.message for one in keyboard.findings(browser, base, read(tmp_path, "", name))]


def test_a_page_without_a_skip_link_is_found(tmp_path, browser):
    assert walk(tmp_path, browser, "index.html", PAGE.replace("DEFECT", "")) == []
    (said,) = walk(tmp_path, browser, "index.html", PAGE.replace('href="#text"', 'href="./#text"'))
    assert "first stop of Tab" in said
    (said,) = walk(tmp_path, browser, "index.html", PAGE.replace('tabindex="-1"', ""))
    assert "does not move the focus" in said


def test_a_search_that_finds_nothing_is_found(tmp_path, browser, monkeypatch):
    monkeypatch.setattr(keyboard, "STEP_MS", 500)
    monkeypatch.setattr(chromium, "WAIT_MS", 1_500)
    html = PAGE.replace("DEFECT", '<script src="search.js"></script>')
    (tmp_path / "search.js").write_text(SEARCH)
    assert walk(tmp_path, browser, "index.html", html) == []
    (tmp_path / "search.js").write_text(SEARCH.replace("<li>", ""))
    (said,) = walk(tmp_path, browser, "index.html", html)
    assert "the search for 'Tiny' finds nothing; it says 'Nothing'" in said
    (tmp_path / "search.js").write_text("")
    (said,) = walk(tmp_path, browser, "index.html", html)
    assert said.startswith("the key / does not open the search")


def test_a_table_that_the_keyboard_cannot_sort_is_found(tmp_path, browser, monkeypatch):
    monkeypatch.setattr(keyboard, "STEP_MS", 500)
    (said,) = walk(tmp_path, browser, "some/latents.html", PAGE.replace("DEFECT", TABLE))
    assert said.startswith("Enter does not sort the column")
    (said,) = walk(tmp_path, browser, "some/latents.html", PAGE.replace("DEFECT", TABLE.replace("button", "span")))
    assert "the column `precision`" in said

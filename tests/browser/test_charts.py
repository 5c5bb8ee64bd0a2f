"""Live charts, on a page of three of them that is made here: one that is broken harms only itself."""

from __future__ import annotations

import json
import shutil

import altair as alt
import pandas as pd
import pytest
from browser_page import NEEDS_CHROMIUM
from playwright.sync_api import expect
from tests_root import CHECKOUT

from analysis.figures.draw import chart_html
from analysis.figures.drawing import Drawing, over_depth
from analysis.figures.style import ROLES
from analysis.pages.build import write_runtime
from analysis.plan.paths import Paths
from analysis.site.check.server import served

pytestmark = NEEDS_CHROMIUM
RAMP = pd.DataFrame([{"series": "PCA", "run": "a", "depth": depth, "value": depth / 4} for depth in (1, 2, 3)])
PAGE = """<!DOCTYPE html><html><head><meta name="quarto:offset" content="../"><title>t</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="assets/theme.css"></head><body class="quarto-light">{}
<script src="assets/charts.js"></script><script src="assets/linked.js"></script></body></html>"""


def markup(name, chart):
    return chart_html(name, f"fig-{name}", Drawing(title="t", caption="c.", alt=name, data=RAMP, chart=chart))


def respecified(chart, change):
    """The markup of a chart with another text in place of its spec."""
    start, _, rest = chart.partition('class="chart-spec">')
    spec, _, end = rest.partition("</script>")
    return f'{start}class="chart-spec">{change(spec)}</script>{end}'


def undeclared(spec):
    found = json.loads(spec)
    found["params"] = [one for one in found["params"] if one["name"] != "depth_choice"]
    return json.dumps(found)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """`show(*charts)` writes the page and gives its name; the address under which its folder is served."""
    root = tmp_path_factory.mktemp("site")
    shutil.copytree(
        CHECKOUT / "report" / "assets", root / "report" / "assets", ignore=shutil.ignore_patterns("generated")
    )
    (root / "report" / "assets" / "generated").mkdir()
    write_runtime(Paths(root))

    def show(*charts):
        (root / "report" / "page.html").write_text(PAGE.format("".join(charts)))
        return "report/page.html"

    with served(root, "/under/") as address:
        yield show, address


def opened(browser, site, *charts):
    show, address = site
    page = browser.new_page()
    page.said = []
    page.on("console", lambda message: page.said.append(message.text))
    page.on("pageerror", lambda error: page.said.append(f"uncaught: {error}"))
    page.goto(f"{address}{show(*charts)}")
    return page


@pytest.mark.parametrize(
    "change, complaint",
    [
        (lambda spec: spec.replace('"value":null', '"value":NaN', 1), "is not valid JSON"),
        (lambda spec: spec[:100], "JSON"),
        (lambda spec: spec.replace('"depths":{', '"depths":{"deep":"x",'), "are no depths"),
        (undeclared, "depth_choice"),
    ],
    ids=["nan", "cut", "depths", "signal"],
)
def test_a_broken_chart_harms_only_itself(browser, site, change, complaint):
    good = [markup(name, over_depth(RAMP, "y", domain=(0, 1))) for name in ("first", "second", "third")]
    page = opened(browser, site, respecified(good[0], change), *good[1:])
    page.get_by_role("button", name="Depth 2").click()
    for name in ("second", "third"):
        chart = page.locator(f'[data-chart="{name}"]')
        expect(chart.locator(".depth-reading")).to_have_text("Depth 2: PCA 0.50.")
        expect(chart.locator(".chart-view > div svg")).to_have_count(1)
        expect(chart.locator(".chart-view > div text[font-weight=bold]")).to_have_text("2")
    expect(page.locator('[data-chart="first"] svg').first).to_be_visible()
    assert any(complaint in said and said.startswith("chart first: ") for said in page.said), page.said
    assert not [said for said in page.said if not said.startswith("chart first: ")]
    page.close()


def test_words_stay_and_addresses_are_those_of_the_site(browser, site):
    words = [ROLES["c1"], "param_1"]
    rows = pd.DataFrame({"word": words, "to": ["/report/methods.qmd#a", "javascript:document.title = 'run'"]})
    chart = alt.Chart(rows).mark_text(color=ROLES["c2"]).encode(y="word:N", text="word:N", href="to:N")
    made = markup("words", chart.encode(href=alt.value("/")))  # the script is in a spec of somebody else's
    page = opened(browser, site, respecified(made, lambda spec: json.dumps(chart.to_dict())))
    live = page.locator(".chart-view > div .mark-text.role-mark text")
    expect(live).to_have_count(2)
    page.evaluate("document.body.style.setProperty('--c1', 'rgb(1, 2, 3)')")
    page.evaluate("document.body.classList.add('another-theme')")
    expect(live).to_have_text(words)
    live.last.click()
    page.wait_for_timeout(200)
    assert page.title() == "t" and page.url.endswith("/report/page.html")
    live.first.click()
    page.wait_for_url("**/under/report/methods.html#a")
    page.close()

"""The Content-Security-Policy in a browser: it refuses what it should, and nothing that a page needs."""

from __future__ import annotations

import pytest
from browser_page import NEEDS, SITE, open_page

from analysis.site.check.browser import dead_charts, holds, settle

pytestmark = NEEDS
# Later, as a script of the page does it: what runs while a test evaluates is not bound by the page's policy.
EVAL = "setTimeout(() => { try { window.got = eval('1') } catch (error) { window.got = error.name } })"
HEAR = "addEventListener('securitypolicyviolation', (e) => (window.refused = window.refused || []).push(e.blockedURI))"


@pytest.mark.parametrize("name", ["index.html", "report/neurons.html", "report/explorer.html", "report/images.html"])
def test_pages_live_under_the_policy(browser, base, name):
    page = open_page(browser, base, "404.html")
    page.add_init_script(HEAR)
    page.goto(base + name)
    assert dead_charts(page) == []
    settle(page)
    assert page.evaluate("window.refused || []") == [] and page.complaints == []
    page.context.close()


def test_eval_other_hosts_and_forms_are_refused(browser, base):
    page = open_page(browser, base, "index.html")
    page.evaluate(HEAR)
    page.add_script_tag(content=EVAL)
    assert holds(page, "() => window.got") and page.evaluate("window.got") == "EvalError"
    page.evaluate("""() => {
      document.body.append(Object.assign(new Image(), { src: "https://example.org/a.png" }));
      fetch("https://example.org/b").catch(() => {});
      document.body.append(Object.assign(document.createElement("iframe"), { src: "https://example.org/c" }));
      document.body.append(Object.assign(document.createElement("base"), { href: "https://example.org/d" }));
    }""")
    assert holds(page, "() => window.refused.length === 5")
    assert {uri.split("/")[-1] for uri in page.evaluate("window.refused")} >= {"eval", "a.png", "b"}
    page.context.close()


def test_a_page_opened_from_the_disk_has_its_charts(browser):
    page = browser.new_page()
    page.add_init_script(HEAR)
    page.goto((SITE / "report/verdict.html").as_uri())
    assert page.locator(".chart").count() > 1 and dead_charts(page) == []
    page.get_by_role("button", name="Depth 2", exact=True).press("Enter")
    assert page.url.endswith("?depth=2") and page.evaluate("window.refused || []") == []
    page.add_script_tag(content=EVAL)
    assert holds(page, "() => window.got") and page.evaluate("window.got") == "EvalError"
    page.close()

"""The Content-Security-Policy: on every page, before the scripts of the project, as narrow as it is said to be.

What the page itself loads (its style sheets and `embedded.js`) stands before it: all that comes after is bound by it.
"""

from __future__ import annotations

import re

import pytest
import yaml
from published_project import change
from tests_root import CHECKOUT

from analysis.site.embedded import render
from analysis.site.lesswrong.widgets import document

MADE = CHECKOUT / "report/assets/generated"
OURS = sorted(
    script
    for folder in ("report/assets", "analysis/site/assets")
    for script in (CHECKOUT / folder).rglob("*.js")
    if MADE not in script.parents
)
META = re.compile(r'<meta http-equiv="Content-Security-Policy" content="([^"]*)">')


def head():
    config = yaml.safe_load((CHECKOUT / "_quarto.yml").read_text())
    return config["format"]["html"]["include-in-header"][0]["text"]


def policy():
    (found,) = META.findall(head())
    return {name: sources for name, *sources in (part.split() for part in found.split(";"))}


def test_nothing_is_allowed_that_is_not_named_and_no_other_host_and_no_eval():
    given = policy()
    assert given["default-src"] == given["base-uri"] == given["form-action"] == ["'none'"]
    for name, sources in given.items():
        assert set(sources) <= {"'none'", "'self'", "data:", "'unsafe-inline'", "'wasm-unsafe-eval'"}, name
    assert "data:" not in given["script-src"] and "'unsafe-eval'" not in str(given)


def test_every_source_is_explained():
    text = (CHECKOUT / "docs/site.md").read_text()
    for name, sources in policy().items():
        for source in {name, *sources}:
            assert f"`{source}`" in text, source


def test_every_page_has_it_once_before_the_scripts_of_the_head(paths):
    scripts = '<script defer src="/report/assets/own.js">'
    change(paths, scripts, META.search(head())[0] + "\n          " + scripts)
    render(paths.root, paths.site)
    pages = list(paths.site.rglob("*.html"))
    assert len(pages) == 3
    for page in pages:
        text = page.read_text()
        assert len(META.findall(text)) == 1 and text.index("http-equiv=") < text.index("own.js"), page


def test_it_stands_before_what_it_binds():
    assert head().startswith("<meta http-equiv=")


@pytest.mark.parametrize("script", OURS, ids=lambda path: path.name)
def test_no_script_of_ours_compiles_text(script):
    assert not re.search(r"\beval\(|\bFunction\(|setTimeout\(\s*[\"'`]", script.read_text())


def test_charts_interpret_their_expressions_on_pages_and_in_posts():
    assert "ast: true" in (CHECKOUT / "report/assets/charts.js").read_text()
    assert "ast:true" in document("https://example.org", "spec.js", "alt")

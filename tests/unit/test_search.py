"""The index of the search: what is in it, where its places lead, and what happens without the indexer."""

from __future__ import annotations

import gzip
import importlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests_root import CHECKOUT

from analysis.plan.paths import Paths
from analysis.site import render as renderer
from analysis.site import search
from analysis.site.embedded import render
from sae.errors import RenderError

ONE = """---
title: One & only
subtitle: Subtitleword
author: Authorword
---

Introword.[^1]

## First {#first}

Firstword and *more*.

### Inner {#inner}

Innerword $\\widehat{x}$.

| head | other |
|------|-------|
| cellword | nextcell |

```{=html}
<svg><title>Svgword</title><text>Svgtextword</text></svg><script class="chart-spec">"Specword"</script>
<table class="neuron-table" data-quarto-disable-processing="true"><tr><td>Latentword</td></tr></table>
<table class="measures-table" data-quarto-disable-processing="true">
<tr><th scope="row">Floorword</th><td>Verdictword</td></tr></table>
<p data-pagefind-ignore>Ignoredword</p>
```

## Last {#last}

Lastword <b

[^1]: Noteword.
"""
# As Quarto 1.11 writes a page: ids on sections, the table of contents beside the text, page navigation behind it.
QUARTO = """<!DOCTYPE html>
<html xmlns="http://www.w3.org/1999/xhtml" lang="en" xml:lang="en"><head><title>One – Site</title></head>
<body class="nav-fixed quarto-light">
<header id="quarto-header"><nav class="navbar"><span class="navbar-title">Site</span></nav></header>
<div id="quarto-content"><div id="quarto-margin-sidebar"><nav id="TOC" role="doc-toc"><h2 id="toc-title">Contents</h2>
<ul><li><a href="#a" id="toc-a" class="nav-link" data-scroll-target="#a">A</a></li></ul></nav></div>
<main class="content" id="quarto-document-content">
<header id="title-block-header" class="quarto-title-block"><div class="quarto-title"><h1 class="title">One</h1></div>
<div class="quarto-title-meta"><p>Ann</p></div></header>
<p>Intro<a href="#fn1" class="footnote-ref"><sup>1</sup></a>.</p>
<section id="a" class="level2"><h2 class="anchored" data-anchor-id="a">A &lt; b</h2><img src="x.png" alt="Alt">
<p>x<br>y</p></section>
</main>
<nav class="page-navigation"><span class="nav-page-text">Next</span></nav></div></body></html>
"""


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A project with a page in a folder, a page without sections, and one for what is not there."""
    root = tmp_path / "project"
    (root / "report").mkdir(parents=True)
    (root / "_quarto.yml").write_text(
        "project: {type: website, render: [index.qmd, report/one.qmd, 404.qmd]}\n"
        "website: {title: Site, description: Of it., page-navigation: true,\n"
        "          page-footer: {left: Footerword}, navbar: {left: [index.qmd]}}\n"
        "lang: en\nformat: {html: {toc: true, toc-title: Contentsword}}\n"
    )
    (root / "index.qmd").write_text("---\ntitle: Home\n---\n\nHomeword.\n")
    (root / "report/one.qmd").write_text(ONE)
    (root / "404.qmd").write_text("---\ntitle: Nothing\n---\n\nLostword.\n")
    return root


def indexed(folder: Path) -> dict[str, dict]:
    """What the index holds of each page, by address: gzipped JSON behind a signature of twelve bytes."""
    made = (json.loads(gzip.decompress(f.read_bytes())[12:]) for f in (folder / "pagefind/fragment").iterdir())
    return {page["url"]: page for page in made}


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {f.relative_to(folder).as_posix(): f.read_bytes() for f in folder.rglob("*") if f.is_file()}


def test_pages_are_indexed_by_section_and_without_their_furniture(site: Path) -> None:
    out = site / "_site"
    render(site, out, finish=search.index)
    pages = indexed(out)
    assert set(pages) == {"/", "/report/one.html"}
    one = pages["/report/one.html"]
    assert one["meta"] == {"title": "One & only"}
    places = [(a["element"], a["id"], a["text"]) for a in one["anchors"]]
    assert [place[:2] for place in places] == [("h2", "first"), ("h3", "inner"), ("h2", "last"), ("h2", "footnotes")]
    assert places[0][2] == "First"
    words = one["content"].split()
    starts = [a["location"] for a in one["anchors"]]
    assert starts[0] < words.index("Firstword") < starts[1] < words.index("Innerword") < starts[2]
    for word in (
        "Introword",
        "Subtitleword",
        "Lastword <b",
        "Noteword",
        "Floorword",
        "head; other. cellword; nextcell.",
    ):
        assert word in one["content"]
    for word in (
        "Svgword", "Svgtextword", "Specword", "Latentword", "Verdictword", "Ignoredword", "widehat", "Authorword",
        "Contentsword", "Footerword", "Previous", "Home",
    ):  # fmt: skip
        assert word not in one["content"]


def test_the_same_pages_give_the_same_bytes_and_only_what_search_js_needs(site: Path) -> None:
    out = site / "_site"
    render(site, out, finish=search.index)
    first = bytes_of(out / "pagefind")
    assert search.index(out) == 2
    assert bytes_of(out / "pagefind") == first
    kinds = {Path(name).name if "/" not in name else name.split("/")[0] for name in first}
    assert {kind for kind in kinds if not kind.endswith("pf_meta")} == {
        "pagefind.js", "pagefind-entry.json", "wasm.en.pagefind", "index", "fragment",
    }  # fmt: skip


def test_a_page_of_quarto_is_the_same_text() -> None:
    copy = search.searchable(QUARTO)
    assert copy and " ".join(copy.split()) == (
        '<!DOCTYPE html> <html lang="en"><body> <header><div><h1>One</h1></div> </header> <p>Intro.</p> '
        '<section><h2 id="a">A &lt; b</h2> <p>x y</p></section> </body></html>'
    )


def test_a_page_without_a_heading_of_its_own_is_called_what_its_window_is() -> None:
    copy = search.searchable(QUARTO.replace('<h1 class="title">One</h1>', ""))
    assert copy and "<body><h1>One</h1>" in copy
    assert search.searchable("<html><body><p>A redirection.</p></body></html>") is None


def test_without_pages_or_with_a_failing_indexer_there_is_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(RenderError, match="nothing to search"):
        search.index(tmp_path)
    (tmp_path / "index.html").write_text(QUARTO)
    monkeypatch.setattr(search, "find_program", lambda: Path("false"))
    with pytest.raises(RenderError, match="could not index"):
        search.index(tmp_path)
    assert search.main(tmp_path) == 1 and "could not index" in capsys.readouterr().err
    monkeypatch.setattr(search, "find_program", lambda: tmp_path / "nothing")
    with pytest.raises(RenderError, match="does not start"):
        search.index(tmp_path)


def test_without_the_indexer_the_last_good_site_stays(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    render(site, site / "_site")
    before = bytes_of(site / "_site")
    monkeypatch.setitem(sys.modules, "pagefind.service", None)
    with pytest.raises(RenderError, match=r"pip install 'pagefind\[bin\]'"):
        render(site, site / "_site", finish=search.index)
    assert bytes_of(site / "_site") == before


def test_the_embedded_renderer_indexes(site: Path) -> None:
    renderer.render(Paths(site), "embedded")
    assert (site / "_site/pagefind/pagefind.js").is_file()


# --- Quarto's post-render step ---


def test_after_quarto_its_output_is_indexed(tmp_path: Path) -> None:
    (tmp_path / "report").mkdir()
    (tmp_path / "report/one.html").write_text(QUARTO)
    done = subprocess.run(
        [sys.executable, CHECKOUT / "report/post_render.py"],
        env=os.environ | {"QUARTO_PROJECT_OUTPUT_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    (page,) = indexed(tmp_path).values()
    assert (page["url"], page["anchors"][0]["id"]) == ("/report/one.html", "a")


def test_after_quarto_a_missing_package_is_a_note(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "pagefind").mkdir()
    monkeypatch.setitem(sys.modules, "pagefind.service", None)
    assert search.main(tmp_path) == 0
    assert not (tmp_path / "pagefind").exists()  # the index of older pages
    monkeypatch.syspath_prepend(CHECKOUT / "report")
    post_render = importlib.import_module("post_render")
    monkeypatch.setattr(post_render, "interpreter", lambda: None)
    assert post_render.main() == 0
    notes = capsys.readouterr().out.splitlines()
    assert len(notes) == 2 and all("no search" in note for note in notes)
    assert not any(word in note for note in notes for word in renderer.COMPLAINTS)


def test_quartos_post_render_step_does_not_load_what_charts_need():
    loads = "import sys, analysis.site.finish; sys.exit('pandas' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", loads], cwd=CHECKOUT, check=False).returncode == 0


def test_who_wrote_a_page_is_not_searched() -> None:
    people = '<div class="quarto-title-meta-author"><p class="author">Ada</p><p class="affiliation">Lab</p></div>'
    copy = search.searchable(f"<html><body><main><h1>T</h1>{people}<p>Words</p></main></body></html>")
    assert copy is not None and "Words" in copy and "Ada" not in copy and "Lab" not in copy


def test_what_stands_apart_does_not_run_together_in_an_excerpt() -> None:
    rows = "<tr><th>kettle</th><td></td>\n<td><b>two</b> cups</td>\n</tr><tr><td>spoons</td></tr>"
    terms = "<dl><dt>Tea</dt><dd>A leaf.</dd></dl>"
    page = f"<html><head><title>T</title></head><main><table>{rows}</table>{terms}</main></html>"
    copy = " ".join((search.searchable(page) or "").split())
    assert "<span>kettle</span>; <span><b>two</b> cups</span>. " in copy and "<span>spoons</span>. " in copy
    assert "<dt>Tea:</dt><dd>A leaf." in copy and "; ;" not in copy

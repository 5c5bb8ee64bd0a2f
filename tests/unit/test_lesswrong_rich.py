"""The forms of the editor, one by one, and what an export writes."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from lesswrong_project import BASE, PAGE, Made, compose_all, make_site
from typer.testing import CliRunner

from analysis.cli.lesswrong import app
from analysis.plan.paths import Paths
from analysis.site.lesswrong import kit, sections
from analysis.site.lesswrong.rich import rich
from analysis.site.project import load_project
from sae.errors import ConfigError, NotFoundError, RenderError


@pytest.fixture(scope="module")
def paths(tmp_path_factory: pytest.TempPathFactory) -> Paths:
    return make_site(tmp_path_factory.mktemp("site"))


@pytest.fixture(scope="module")
def made(paths: Paths) -> dict[str, Made]:
    return compose_all(paths)


@pytest.fixture(scope="module")
def words(made: dict[str, Made]) -> str:
    return rich(made["words"].post)


@pytest.fixture(scope="module")
def pictures(made: dict[str, Made]) -> str:
    return rich(made["pictures"].post)


def test_sections_are_cut_at_headings_of_level_two(made):
    assert list(made) == ["intro", "words", "pictures", "drafted", "write-up"]
    assert made["intro"].post.title == "All of it" and made["words"].post.title == "Words and formulas"
    assert made["words"].post.url == f"{BASE}/index.html#words"


def test_formulas(words):
    assert r'<span class="math-tex">\(x_1 &lt; y\)</span>' in words
    assert r'<div class="math-tex">\[\hat x = W z + b \tag{1}\]</div>' in words
    # a displayed formula stands between paragraphs, not in one
    assert "<p>The formula</p>" in words and "<p>is <a " in words


def test_footnotes_have_the_editors_form_and_ids_of_their_own(words, made):
    note = made["words"].post.notes[0].id
    mark = (
        f'<span class="footnote-reference" data-footnote-reference="" data-footnote-id="{note}" '
        f'data-footnote-index="1" role="doc-noteref" id="fnref{note}"><sup><a href="#fn{note}">[1]</a></sup></span>'
    )
    item = (
        '<ol class="footnote-section footnotes" data-footnote-section="" role="doc-endnotes">'
        f'<li class="footnote-item" data-footnote-item="" data-footnote-id="{note}" data-footnote-index="1" '
        f'role="doc-endnote" id="fn{note}"><span class="footnote-back-link" data-footnote-back-link="" '
        f'data-footnote-id="{note}"><sup><strong><a href="#fnref{note}">^</a></strong></sup></span>'
        '<div class="footnote-content" data-footnote-content=""><p>A note with <code>code</code>, '
    )
    assert mark in words and item in words and "<p>Its second paragraph.</p></div></li></ol>" in words
    assert made["write-up"].post.notes[0].id != note  # two posts side by side must not share one


def test_callouts_tabs_and_what_opens(words, made):
    assert "<blockquote><p><strong>In short.</strong></p>\n<ul><li>One thing, " in rich(made["intro"].post)
    for title, text in (("Open me", "Hidden words"), ("One", "In the first tab."), ("Two", "In the second tab.")):
        assert (
            f'<details class="detailsBlock"><summary class="detailsBlockTitle">{title}</summary>'
            f'<div class="detailsBlockContent"><p>{text}'
        ) in words


def test_code_definitions_lists_and_headings(words):
    code = '<pre data-language="python">def f(x):\n    return "&lt;a&gt;" + x  # costs $5</pre>'
    assert code in words
    assert "<p><strong>Term</strong></p>\n<p>Its meaning, 7 of 9.</p>" in words
    assert "<ol><li><p>first</p>\n<p>more of it</p></li><li>second<ul><li>inner −0.25</li></ul></li></ol>" in words
    assert "<h2>Below</h2>" in words and "<h1" not in words and "<h3" not in words
    assert "“Quoted” – so." in words


def test_references_lead_to_the_site_and_citations_to_the_works(words):
    assert f'<a href="{BASE}/index.html#eq-sum">Equation\xa01</a>' in words
    assert f'<a href="{BASE}/index.html#fig-points">Figure\xa01</a>' in words
    assert f'<a href="{BASE}/index.html#words">a place on the page</a>' in words
    assert '<a href="https://doi.org/10.1/x">2001</a>' in words  # a work with an address
    assert f'<a href="{BASE}/index.html#ref-bare">' in words  # one without: its entry on the site
    assert "<p><strong>References</strong></p>\n<p>Able, Ann. 2001." in words


def test_tables_have_their_caption_above_and_their_rest_on_the_site(words, pictures):
    head = "<thead><tr><th>name</th><th>value</th></tr></thead>"
    assert f"<p><strong>Table\xa01: Values of a pipe table</strong></p>\n<table>{head}" in words
    assert "<p><strong>Table\xa02: Rows go on to 23.</strong></p>\n<p>What the rows are.</p>\n<table>" in pictures
    assert "<tr><td>row 0</td><td>0.000 (0.1 to 0.2)</td></tr>" in pictures
    assert pictures.count("<tr>") == 21 and "row 19" not in pictures
    assert f'<p><a href="{BASE}/index.html#tbl-long">All 25 rows are on the site.</a></p>' in pictures


def test_figures_are_one_picture_with_number_and_link(pictures):
    figures = re.findall(r"<figure.*?</figure>", pictures)
    assert len(figures) == 4 and all(figure.count("<img ") == 1 for figure in figures)
    form = rf'<figure class="image" style="width:\d+%"><img src="{BASE}/lesswrong/img/[a-z-]+-[0-9a-f]{{8}}\.png" alt="'
    assert all(re.match(form, figure) for figure in figures)
    assert "<figcaption><strong>Figure\xa01: Points rise by 0.25.</strong> How to read it. " in figures[0]
    assert figures[0].endswith(
        f', <a href="{BASE}/index.html#fig-points">interactive version</a>.</figcaption></figure>'
    )
    assert f'<a href="{BASE}/data.csv">Data</a>' in figures[0]
    assert 'alt="(a) A red square; (b) A blue circle"' in figures[2] and "(b) Right one." in figures[2]
    assert figures[3].endswith('alt="A red square again"><figcaption>A loose caption</figcaption></figure>')


def test_text_of_a_language_model_stands_in_its_block(made):
    block = (
        '<div class="llm-content-block" data-model-name="Some Model 1"><div class="llm-content-block-content">'
        "<p>Words that nobody thought of, 99 of them.</p></div></div>"
    )
    assert block in rich(made["drafted"].post)
    whole = rich(made["write-up"].post)
    assert block in whole and whole.count("llm-content-block-content") == 1  # around that section only


def test_a_div_can_be_drafted_by_a_model_too(tmp_path):
    page = '---\ntitle: T\n---\n\n## S\n\nMine.\n\n::: {data-drafted-by="model"}\nNot mine.\n:::\n'
    text = rich(compose_all(make_site(tmp_path / "p", page), "s")["s"].post)
    assert '<p>Mine.</p>\n<div class="llm-content-block" data-model-name="language model">' in text


def test_live_charts_on_request(paths):
    made = compose_all(paths, "pictures", live=True)["pictures"]
    text = rich(made.post)
    assert (
        '<iframe data-lexical-iframe-widget="true" data-widget-id="fig-points" sandbox="allow-scripts" srcdoc="' in text
    )
    assert "</iframe>\n<p><strong>Figure\xa01: Points rise by 0.25.</strong>" in text
    script = next(name for name in made.pictures.files if name.startswith("widgets/"))
    assert f"{BASE}/lesswrong/{script}" in text and f"{BASE}/report/assets/generated/vega.js" in text
    assert b'window.strataSpec={"' in made.pictures.files[script]
    assert "<iframe" not in rich(made.post, live=False)


# -- files ------------------------------------------------------------------------------------------------------


def files_of(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


@pytest.fixture
def site(tmp_path: Path) -> Paths:
    return make_site(tmp_path / "project")


def test_an_export_writes_pages_markdown_pictures_and_a_checklist_twice_the_same(site):
    site.site.mkdir()
    done = kit.export(site)
    first = files_of(done.folder)
    names = {
        f"{slug}.{end}" for slug in ("intro", "words", "pictures", "drafted", "write-up") for end in ("html", "md")
    }
    assert names | {"index.html"} == {name for name in first if "/" not in name}
    shown = {name: data for name, data in first.items() if name.startswith("img/")}
    assert len(shown) == 4 and files_of(site.site / "lesswrong") == shown
    kit.export(site)
    assert files_of(done.folder) == first


def test_the_copy_page_holds_what_is_copied_and_asks_nothing_of_the_network(site):
    done = kit.export(site, ["pictures"])
    page = (done.folder / "pictures.html").read_text()
    post = json.loads(re.search(r'<script type="application/json" id="post">(.*?)</script>', page)[1])
    belongs, _, rest = post["html"].partition("\n")
    assert belongs == f'<p><em>A section of <a href="{BASE}/index.html">All of it</a>.</em></p>'
    assert rest == rich(compose_all(site, "pictures")["pictures"].post)
    assert post["markdown"] == (done.folder / "pictures.md").read_text() and post["title"] == "Pictures"
    shown = re.sub(r"<script.*?</script>", "", page, flags=re.S)
    assert not re.search(r'(?:src|srcset|data)="(?:https?:)?//', shown) and 'src="img/fig-grid-' in shown
    assert "Copy for LessWrong" in page and "ClipboardItem" in page


def test_the_checklist_says_what_to_do(site):
    done = kit.export(site)
    text = (done.folder / "index.html").read_text()
    for said in (
        "Publish the site first, then paste.", f"{BASE}/lesswrong/img", "to be copied to the host of the post",
        "1 minute to read", "links into the site checked", "a table of 25 rows is cut to 20", "Drafted (Some Model 1)",
        "https://doi.org/10.1/x",
    ):  # fmt: skip
        assert said in text, said


@pytest.mark.thorough
def test_other_targets(site):
    done = kit.export(site, ["words"], "https://other.example/x/", "markdown")
    assert set(files_of(done.folder)) == {"index.html", "words.md"}
    moved = kit.export(site, ["intro"], "https://other.example/x").folder / "intro.md"
    assert "https://other.example/x/report/more.html" in moved.read_text()
    assert (
        "Copy for the Alignment Forum"
        in (kit.export(site, ["words"], target="alignmentforum").folder / "words.html").read_text()
    )
    with pytest.raises(NotFoundError, match="substack"):
        kit.export(site, target="substack")
    with pytest.raises(ConfigError, match="no address"):
        kit.export(site, site_url="example.org")
    with pytest.raises(ConfigError, match="widgets"):
        kit.export(site, target="markdown", live=True)


def test_a_failed_export_leaves_what_was_there_and_names_every_fault(site):
    done = kit.export(site)
    before = files_of(done.folder)
    page = PAGE + "\n## Bad {#bad}\n\nIt costs \\$5.\n\n[nowhere](/report/gone.qmd)\n"
    (site.root / "index.qmd").write_text(page)
    with pytest.raises(RenderError) as error:
        kit.export(site)
    assert "index.qmd, section bad: a bare $ in the text (It costs $5." in str(error.value)
    assert "section bad: the link https://example.org/site/report/gone.qmd: there is no /report/gone.qmd" in str(
        error.value
    )
    assert "section words" not in str(error.value)
    assert files_of(done.folder) == before and not list(site.root.glob(".lesswrong*"))


def test_a_folder_of_the_users_own_is_not_replaced(site):
    (site.root / "lesswrong").mkdir()
    (site.root / "lesswrong/mine.txt").write_text("x")
    with pytest.raises(ConfigError, match="no export wrote"):
        kit.export(site, ["words"])
    assert (site.root / "lesswrong/mine.txt").exists()


def test_an_anchor_is_looked_up_in_the_rendered_site(site):
    rendered = site.site / "report/more.html"
    rendered.parent.mkdir(parents=True)
    rendered.write_text('<h2 id="elsewhere">x</h2>')
    with pytest.raises(RenderError, match=r"report/more\.qmd has no id there"):
        kit.export(site, ["intro"])


def test_sections_can_be_named_in_three_ways(site):
    project = load_project(site.root)
    name = [section.slug for section in sections.choose(project, ["words", "report/more.qmd#there", "more.qmd"])]
    assert name == ["words", "there", "more"]
    with pytest.raises(NotFoundError, match="words"):
        sections.choose(project, ["wrods"])
    with pytest.raises(NotFoundError, match=r"page named 'other\.qmd'"):
        sections.choose(project, ["other.qmd"])


def test_the_command(site, monkeypatch):
    monkeypatch.setenv("STRATA_ROOT", str(site.root))
    done = CliRunner().invoke(app, ["words", "--site-url", "https://other.example"])
    assert done.exit_code == 0 and "begin with lesswrong/index.html" in done.output
    assert "https://other.example/index.html#eq-sum" in (site.root / "lesswrong/words.md").read_text()

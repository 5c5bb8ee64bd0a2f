"""What the embedded renderer refuses, and that it names the file and line that the author wrote."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from analysis.site import pandoc
from analysis.site.embedded import render
from analysis.site.source import load_source
from sae.errors import RenderError

CONFIG = """project:
  type: website
  render: [index.qmd, report/other.qmd]
website:
  title: Site
format:
  html: {html-math-method: mathml}
"""
FRONT = "---\ntitle: T\ndescription: D\n---\n"  # the body starts on line 5


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "_quarto.yml").write_text(CONFIG)
    (tmp_path / "report/_generated").mkdir(parents=True)
    (tmp_path / "report/_generated/numbers.json").write_text(json.dumps({"top": {"text": "97.8%"}}))
    (tmp_path / "report/_generated/made.md").write_text("Made.\n")
    (tmp_path / "report/other.qmd").write_text(f"{FRONT}![c](/a.svg){{#fig-there fig-alt='x'}}\n")
    (tmp_path / "a.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    return tmp_path


def refused(root: Path, body: str) -> RenderError:
    (root / "index.qmd").write_text(FRONT + body)
    with pytest.raises(RenderError) as caught:
        render(root, root / "_site")
    return caught.value


# (body, line of the fault counted within it, words of the message)
TEXT = {
    "python cell": ("\n```{python}\n1\n```\n", 2, "executable cell"),
    "ojs cell": ("```{ojs}\n```\n", 1, "executable cell"),
    "mermaid": ("```{mermaid}\n```\n", 1, "executable cell"),
    "cell with options": ("```{python, echo=false}\n```\n", 1, "executable cell"),
    "cell in a list": ("- a\n\n  ```{r}\n  ```\n", 3, "executable cell"),
    "raw latex": ("```{=latex}\nx\n```\n", 1, "only {=html}"),
    "unknown shortcode": ("a\n\n{{< video x >}}\n", 3, "known: include PATH, figure NAME, part NAME, num NAME"),
    "unknown number": ("{{< num nope >}}\n", 1, "found: top"),
    "number without id": ("## A {{< num top >}}\n", 1, "explicit id"),
    "shortcode in code": ("```python\n{{< num top >}}\n```\n", 2, "{{{< ... >}}}"),
    "missing include": ("\n{{< include _no.qmd >}}\n", 2, "there is no file _no.qmd"),
    "include outside": ("{{< include ../x.qmd >}}\n", 1, "../x.qmd leads out of the project"),
    "include in a line": ("a {{< include _no.qmd >}}\n", 1, "stands alone"),
    "include of what the build writes": ("a\n\n{{< include report/_generated/x.md >}}\n", 3, "write {{< figure x >}}"),
    "figure in a line": ("a {{< figure made >}}\n", 1, "{{< figure NAME >}} stands alone"),
    "figure below a line": ("a\n{{< figure made >}}\n", 2, "leave a blank line"),
    "figure above a line": ("{{< part made >}}\na\n", 1, "leave a blank line"),
    "figure with a path": ("{{< figure ../made >}}\n", 1, "stands alone on its line"),
    "missing figure": ("a\n\n{{< figure mad >}}\n", 3, "no figure named 'mad'; found: made"),
    "raw heading that Quarto would link": ("\n```{=html}\n<div>\n<h3 class='x'>T</h3></div>\n```\n", 4, "no-anchor"),
    "heading in a line of HTML": ("<h4>T</h4>\n", 1, "no-anchor"),
    "raw table that Quarto would take apart": ("```{=html}\n<TABLE id='t'></TABLE>\n```\n", 2, "disable-processing"),
    "unclosed div": ("a\n\n::: {.aside}\nx\n", 3, "not closed"),
    "unclosed inner div": ("::: {.aside}\n\n::: {.lead}\nx\n\n:::\n", 1, "not closed"),
    "closing nothing": ("a\n\n:::\n", 3, "closes nothing"),
    "unclosed code": ("a\n\n```python\nx\n", 3, "not closed"),
    "grid table": ("+---+---+\n| a | b |\n+---+---+\n", 1, "pipe table"),
}
TREE = {
    "unknown class": ("::: {.wow}\nx\n:::\n", 1, "unknown class .wow"),
    "unknown bare class": ("a\n\n::: wow\nx\n:::\n", 3, "unknown class .wow"),
    "unknown class on a span": ("a\n\n[x]{.wow}\n", 3, "unknown class .wow on a span"),
    "unknown callout": (
        "::: {.callout-danger}\nx\n:::\n",
        1,
        "known: note, tip, warning, important, caution",
    ),
    "unknown attribute": ("::: {.aside layout='[1]'}\nx\n:::\n", 1, "unknown attribute layout"),
    "div without blank line": ("para\n::: {.aside}\nx\n:::\n", 2, "blank line before"),
    "tabset without heading": ("::: {.panel-tabset}\nx\n:::\n", 1, "starts with a heading"),
    "section reference": ("a\n\nSee @sec-x.\n", 3, "use a link: [text](#sec-x)"),
    "unresolved figure": ("a\n\nSee @fig-nope.\n", 3, "no such id on this page"),
    "figure elsewhere": ("See @fig-there.\n", 1, "link with [text](/report/other.qmd#fig-there)"),
    "unresolved in code is fine": ("`@fig-code` and @fig-nope\n", 1, "@fig-nope"),
    "unknown key": ("By @nobody2020.\n", 1, "unknown citation key @nobody2020"),
    "figure without alt": ("![c](a.svg){#fig-a}\n", 1, "alt text"),
    "figure div without alt": ("::: {#fig-a}\n`x`\n\nCap.\n:::\n", 1, "fig-a needs an alt text"),
    "figure without caption": ("::: {#fig-a fig-alt='x'}\n```{=html}\n<b>x</b>\n```\n:::\n", 1, "caption"),
    "image without alt": ("a ![](a.svg)\n", 1, "alt text"),
    "raw image without alt": ("\n```{=html}\n<img src='a.svg'>\n```\n", 3, "without alt"),
    "figure id of a table": ("![c](a.svg){#tbl-a fig-alt='x'}\n", 1, "starts with fig-"),
    "duplicate heading": ("## A {#x}\n\n## B {#x}\n", 3, "used twice"),
    "duplicate figure": (
        "![c](a.svg){#fig-a fig-alt='x'}\n\n![c](a.svg){#fig-a fig-alt='x'}\n",
        3,
        "used twice",
    ),
    "duplicate raw id": ("## A {#x}\n\n```{=html}\n<b id='x'></b>\n```\n", 4, "used twice"),
    "equation id alone": ("a {#eq-x}\n", 1, "belongs to nothing"),
    "unknown footnote": ("a[^zz]\n", 1, "belongs to nothing"),
    "bad formula": ("a\n\n$\\nocommand{x}$\n", 3, "nocommand"),
    "number in a formula": ("a\n\n$x = {{< num top >}}$\n", 3, "cannot stand in a formula"),
    "number in code": ("`{{< num top >}}`\n", 1, "cannot stand in code"),
    "shortcode over lines": ("{{< num\ntop >}}\n", 1, "on one line"),
    "inline cell": ("`{python} 1`\n", 1, "run no code"),
    "no such page": ("a\n\n[x](nope.qmd)\n", 3, "no page of the site"),
    "no such anchor": ("[x](report/other.qmd#nope)\n", 1, "report/other.qmd has no id 'nope'"),
    "no such anchor here": ("[x](#nope)\n", 1, "index.qmd has no id 'nope'"),
    "no such file": ("[x](/none.png)\n", 1, "no file none.png"),
    "no such file in raw HTML": ("```{=html}\n<a href='/none.html'>x</a>\n```\n", 2, "no file none.html"),
    "link outside": ("[x](../../etc/passwd)\n", 1, "out of the site"),
}


# What Quarto gives a meaning that these pages do not have, or that stands where it has none.
MEANINGS = {
    "annotated code": (
        "a\n\n```python\nx = 1\ny = 2  # <1>\n```\n\n1. Two.\n",
        5,
        "code annotations are not supported",
    ),
    "annotated SQL": ("```sql\nselect 1 -- <12>\n```\n", 2, "code annotations"),
    "class of code": ("```{.python .fancy}\nx\n```\n", 1, "unknown class .fancy on a code block"),
    "code class alone": ("a\n\n```{.column-margin}\nx\n```\n", 3, "unknown class .column-margin on a code block"),
    "attribute of code": ("```{.python results='hide'}\nx\n```\n", 1, "unknown attribute results on a code block"),
    "caption without id": ("```{.python lst-cap='C'}\nx\n```\n", 1, "needs an id: {#lst-...}"),
    "listing without caption": ("```{#lst-a .python}\nx\n```\n", 1, "lst-a needs a caption"),
    "code as a figure": ("```{#fig-a .python}\nx\n```\n", 1, "starts with lst-, not fig-a"),
    "listing without code": ("::: {#lst-a}\nx\n\nCap.\n:::\n", 1, "holds no block of code"),
    "folded without a cell": ("```{.python code-fold='true'}\nx\n```\n", 1, "code of cells only"),
    "numbers of some lines": ("```{.python code-line-numbers='2-3'}\nx\n```\n", 1, "is true or false here, not 2-3"),
    "inline code": ("`x`{.python .wide}\n", 1, "inline code has one class"),
    "attribute of inline code": ("`x`{.python echo='no'}\n", 1, "unknown attribute echo on inline code"),
    "lightbox": ("![c](a.svg){.lightbox fig-alt='x'}\n", 1, "unknown class .lightbox on an image"),
    "inline image class": ("a ![c](a.svg){.rounded}\n", 1, "unknown class .rounded on an image"),
    "image alignment": ("![c](a.svg){fig-align='left' fig-alt='x'}\n", 1, "unknown attribute fig-align on an image"),
    "heading attribute": ("## A {number-depth=2}\n", 1, "unknown attribute number-depth on a heading"),
    "span attribute": ("[a]{.small layout-ncol=2}\n", 1, "unknown attribute layout-ncol on a span"),
    "link attribute": ("[a](#top){lightbox=1}\n", 1, "unknown attribute lightbox on a link"),
    "title of a plain div": ("::: {.small title='T'}\nx\n:::\n", 1, "unknown attribute title on a ::: div"),
    "layout": ("::: {layout='[[1,1]]'}\nx\n:::\n", 1, "unknown attribute layout"),
    "rows": ("::: {#fig-a layout-nrow=2}\nx\n:::\n", 1, "unknown attribute layout-nrow on the div of a figure"),
    "alt of a table": (
        "::: {#tbl-a fig-alt='x'}\nx\n\nCap.\n:::\n",
        1,
        "unknown attribute fig-alt on the div of a table",
    ),
    "group of a callout": ("::: {.callout-tip group='g'}\nx\n:::\n", 1, "unknown attribute group on a callout"),
    "icon": ("::: {.callout-tip icon='no'}\nx\n:::\n", 1, "icon is true or false, not no"),
    "callout of another kind": ("::: {#wrn-a .callout-tip}\nx\n:::\n", 1, "whose ids begin with tip-"),
    "numbered like a callout": ("::: {#imp-a}\nx\n:::\n", 1, "that of a callout, which this div is not"),
    "theorem twice": ("::: {#thm-a}\nx\n:::\n\n::: {#thm-a}\ny\n:::\n", 5, "used twice"),
    "theorem that says nothing": ("::: {#thm-a}\n:::\n", 1, "thm-a says nothing"),
    "algorithm": ("See @alg-a.\n", 1, "alg- references are not supported"),
    "numbered remark": ("::: {#rem-a .remark}\nx\n:::\n", 1, "would be numbered by Quarto"),
    "numbered algorithm": ("a\n\n::: {#alg-a}\nx\n:::\n", 3, "would be numbered by Quarto"),
    "figure in a paragraph": ("In ![c](a.svg){#fig-a fig-alt='x'} text.\n", 1, "give it a paragraph of its own"),
    "two figures in one": (
        "![c](a.svg){#fig-a fig-alt='x'}\n![d](a.svg){#fig-b fig-alt='y'}\n",
        1,
        "a paragraph of its own",
    ),
    "unknown format": ("::: {.content-visible when-format='hmtl'}\nx\n:::\n", 1, "unknown format hmtl"),
    "profile": ("::: {.content-hidden when-profile='p'}\nx\n:::\n", 1, "when-profile is not supported"),
    "equation id on its own line": ("$$\nx\n$$\n{#eq-a}\n", 4, "{#eq-a} belongs to nothing"),
    "equation id below": ("$$x$$\n\n{#eq-a}\n", 3, "{#eq-a} belongs to nothing"),
    "video": ("{{< video a.mp4 >}}\n", 1, "unknown shortcode"),
    "page break": ("a\n\n{{< pagebreak >}}\n", 3, "unknown shortcode"),
    "metadata": ("a {{< meta title >}}\n", 1, "unknown shortcode"),
    "mark": ("a\n\nb\ue002 num top >}}\n", 3, "U+E002, a character of private use"),
    "mark in code": ("```\n\ue0000\ue001\n```\n", 2, "U+E000"),
    "mark as an entity": ("a &#xE003; b\n", 1, "U+E003"),
    "mark as a number": ("a\nb &#57344;0&#57345;\n", 2, "U+E000"),
}


@pytest.mark.parametrize(("body", "line", "words"), (TEXT | TREE).values(), ids=list(TEXT | TREE))
def test_refused_with_its_place(root: Path, body: str, line: int, words: str) -> None:
    error = refused(root, body)
    assert words in str(error)
    assert (error.file, error.line) == ("index.qmd", line + 4)


@pytest.mark.parametrize(("body", "line", "words"), MEANINGS.values(), ids=list(MEANINGS))
def test_what_has_a_meaning_for_quarto_alone_is_refused(root: Path, body: str, line: int, words: str) -> None:
    (root / "index.qmd").write_text(FRONT + body)
    with pytest.raises(RenderError) as caught:  # one page, so that it costs one call of pandoc
        pandoc.convert(load_source(root, "index.qmd", {"top": {"text": "1"}}), {"title": "T"}, root, 3)
    assert words in str(caught.value)
    assert (caught.value.file, caught.value.line) == ("index.qmd", line + 4)


def test_place_is_the_included_file(root: Path) -> None:
    (root / "report/_outer.qmd").write_text("Outer.\n\n{{< include _inner.qmd >}}\n")
    (root / "report/_inner.qmd").write_text("Inner.\n\nSee @fig-lost.\n")
    error = refused(root, "{{< include /report/_outer.qmd >}}\n")
    assert (error.file, error.line) == ("report/_inner.qmd", 3)


def test_raw_html_that_quarto_leaves_alone(root: Path) -> None:
    (root / "index.qmd").write_text(
        FRONT + "`<h2>` and\n\n```html\n<h2>x</h2><table></table>\n```\n\n```{=html}\n<h3 class='a no-anchor'>T</h3>"
        "<table data-quarto-disable-processing='true'><thead></thead></table>\n```\n"
    )
    pandoc.convert(load_source(root, "index.qmd", {}), {"title": "T"}, root, 3)


def converted(root: Path, body: str) -> str:
    (root / "index.qmd").write_text(FRONT + body)
    return pandoc.convert(load_source(root, "index.qmd", {}), {"title": "T"}, root, 3).body


def test_what_only_looks_like_raw_html_is_left_alone(root: Path) -> None:
    html = converted(
        root,
        "A \\<table> and `<table>\n<h2>` and $a<h2$.\n\n<!-- <h3> -->\n\n    <table>\n\n"
        "<table\n  data-quarto-disable-processing='true'><tr><td>1</td></tr></table>\n\n"
        "```{=html}\n<!-- <h3>\n<table> --><script>document.write('<table>')</script>\n"
        '<p title="<h2>">x</p>\n<h4\n  class="x no-anchor">T</h4>\n```\n',
    )
    assert "A &lt;table&gt; and" in html and 'no-anchor">T' in html


def test_what_an_author_escaped_is_text(root: Path) -> None:
    html = converted(
        root,
        "\\{#eq-x} and \\{.a}, \\[^1], \\{{<\n\\::: x, Why ::: there? `\\{.a \\[^1]` $\\{=\\}$ "
        "`&#xE000;` \\&#xE001;\n\n"
        '## A \\{.b}\n\n[x]{title="\\{.c}"}\n\n```\n\\{.d\n```\n',
    )
    for shown in ("{#eq-x} and {.a}, [^1], {{&lt;", "::: x, Why ::: there?", "<code>\\{.a \\[^1]</code>", "A {.b}</h2>",
                  'title="{.c}"', "\\{.d", "&amp;#xE000;", "&amp;#xE001;"):  # fmt: skip
        assert shown in html, shown
    assert not re.search("[\ue000-\ue00f]", html)


def test_what_an_author_escaped_in_a_title_is_text(root: Path) -> None:
    (root / "index.qmd").write_text("---\ntitle: A \\{.b} \\[^1] \\*c\\*\ndescription: D\n---\n\nx\n")
    source = load_source(root, "index.qmd", {})
    parts = pandoc.convert(source, {"title": source.meta["title"]}, root, 3)
    assert parts.pagetitle == parts.title == "A {.b} [^1] *c*"


@pytest.mark.parametrize(
    ("body", "line"),
    [("a\n\n<table\n  id='t'><tr><td>1</td></tr></table>\n", 3), ("a `<h2>`{=html} b\n", 1),
     ("```{=html}\n<!-- -->\n<h5 title='>' class='y'>\n```\n", 3)],
)  # fmt: skip
def test_raw_html_that_quarto_changes_is_found_however_it_is_written(root: Path, body: str, line: int) -> None:
    with pytest.raises(RenderError, match=r"no-anchor|disable-processing") as caught:
        converted(root, body)
    assert (caught.value.file, caught.value.line) == ("index.qmd", line + 4)


COLUMNS = ["::: {.column-page}\nx\n:::", "::: {.small .column-margin}\nx\n:::", "[x]{.aside}",
           "::: column-margin\nx\n:::", "![c](a.svg){.column-page fig-alt='x'}"]  # fmt: skip


def test_a_full_page_may_speak_of_columns(root: Path) -> None:
    (root / "index.qmd").write_text(FRONT.replace("---\ntitle", "---\npage-layout: full\ntitle") + "`{.aside}`\n")
    pandoc.convert(load_source(root, "index.qmd", {}), {"title": "T"}, root, 3)


@pytest.mark.parametrize("part", COLUMNS)
def test_a_full_page_holds_no_columns(root: Path, part: str) -> None:
    (root / "index.qmd").write_text(FRONT.replace("---\ntitle", "---\npage-layout: full\ntitle") + f"a\n\n{part}\n")
    with pytest.raises(RenderError, match="in a column") as caught:
        pandoc.convert(load_source(root, "index.qmd", {}), {"title": "T"}, root, 3)
    assert (caught.value.file, caught.value.line) == ("index.qmd", 8)


def test_generated_text_may_refer_to_nothing(root: Path) -> None:
    # real Quarto resolves it and warns of a citation that is not found, which fails the render
    (root / "report/_generated/made.md").write_text("![c](/a.svg){#fig-made fig-alt='x'}\n\nAs in @fig-made.\n")
    error = refused(root, "{{< figure made >}}\n")
    assert "@fig-made in generated text" in str(error)
    assert (error.file, error.line) == ("report/_generated/made.md", 3)


@pytest.mark.parametrize("reference", ["@Fig-made", "@thm-x", "@wrn-x", "@alg-x", "[@LEM-x]"])
def test_generated_text_may_refer_to_no_kind(root: Path, reference: str) -> None:
    (root / "report/_generated/made.md").write_text(f"As in {reference}.\n")
    (root / "index.qmd").write_text(FRONT + "{{< figure made >}}\n")
    with pytest.raises(RenderError, match="in generated text"):
        load_source(root, "index.qmd", {})


def test_generated_text_may_speak_of_references(root: Path) -> None:
    (root / "report/_generated/made.md").write_text("Cite `@fig-margin` or \\@fig-x twice, ann@fig-a.org?\n")
    (root / "index.qmd").write_text(FRONT + "{{< figure made >}}\n")
    assert "@fig-margin" in load_source(root, "index.qmd", {}).text


def test_generated_text_that_shows_itself_is_a_loop(root: Path) -> None:
    (root / "report/_generated/made.md").write_text("x\n\n{{< part made >}}\n")
    assert "include loop" in str(refused(root, "{{< part made >}}\n"))


def test_include_loop_names_the_chain(root: Path) -> None:
    (root / "report/_a.qmd").write_text("{{< include _b.qmd >}}\n")
    (root / "report/_b.qmd").write_text("x\n\n{{< include _a.qmd >}}\n")
    error = refused(root, "{{< include report/_a.qmd >}}\n")
    assert "index.qmd -> report/_a.qmd -> report/_b.qmd -> report/_a.qmd" in str(error)
    assert (error.file, error.line) == ("report/_b.qmd", 3)


def test_citation_key_missing_from_the_bibliography(root: Path) -> None:
    (root / "_quarto.yml").write_text(CONFIG + "bibliography: report/my_refs_.bib\n")
    (root / "report/my_refs_.bib").write_text("@misc{able2020, title={T}, author={Able, A}, year={2020}}")
    error = refused(root, "Known @able2020,\nunknown @able2021.\n")
    assert "@able2021" in str(error)
    assert error.line == 6


@pytest.mark.parametrize(
    ("old", "new", "words", "line"),
    [
        ("  title: Site", "  title: Site\n  sidebar: {}", "unknown key 'website.sidebar'", 6),
        ("format:", "colour: red\nformat:", "unknown key 'colour'", 6),
        ("mathml", "mathjax", "only mathml", 7),
        ("  type: website", "  type: book", "only website", 2),
        ("[index.qmd, report/other.qmd]", "[index.qmd, '*.qmd']", "plain path", 3),
        ("[index.qmd, report/other.qmd]", "[index.qmd, gone.qmd]", "no file gone.qmd", 3),
        ("  render:", "  resources: [/nothing/**]\n  render:", "matches no file", 3),
        ("format:", "format: [", "YAML", 8),
        ("  title: Site", "  title: Site\n  navbar: {left: index.qmd}", "a side of the navbar is a list", 6),
        ("  title: Site", "  title: Site\n  navbar: {left: [{text: [M]}]}", "navbar.text: text is expected", 6),
        ("  title: Site", "  title: {a: b}", "website.title: text is expected", 5),
        ("  title: Site", "  title: Site\n  open-graph: {locale: es}", "open-graph: true or false is expected", 6),
        ("  title: Site", "  title: Site\n  title: Other", "the key 'title' stands twice", 6),
        ("[index.qmd, report/other.qmd]", "{index: qmd}", "project.render: a text or a list of texts", 3),
        ("mathml", "mathml, fig-align: left", "fig-align: 'left' is not supported", 7),
    ],
)
def test_settings_are_refused(root: Path, old: str, new: str, words: str, line: int) -> None:
    assert old in CONFIG
    (root / "_quarto.yml").write_text(CONFIG.replace(old, new))
    error = refused(root, "x\n")
    assert words in str(error)
    assert (error.file, error.line) == ("_quarto.yml", line)


@pytest.mark.parametrize(
    ("front", "words", "line"),
    [
        ("title: T\ndescription: D\njupyter: python3", "only False", 4),
        ("title: T\ndescription: D\nlisting: x", "unknown key 'listing'", 4),
        ("title: T", "needs a description", 1),
        ("description: D", "needs a title", 1),
        ("title: T\ndescription: D\ndate: today", "2026-08-21", 4),
        ("title: T\ndescription: '{{< num nope >}}'", "no number named 'nope'", 3),
        ("title: [", "YAML", 2),
        ("title: T\ndescription: D\ntitle: U", "the key 'title' stands twice", 4),
        ("title: T\ndescription: D\nkeywords: [a]", "unknown key 'keywords'", 4),
    ],
)
def test_front_matter_is_refused(root: Path, front: str, words: str, line: int) -> None:
    (root / "index.qmd").write_text(f"---\n{front}\n---\n\nx\n")
    with pytest.raises(RenderError) as caught:
        render(root, root / "_site")
    assert words in str(caught.value)
    assert (caught.value.file, caught.value.line) == ("index.qmd", line)

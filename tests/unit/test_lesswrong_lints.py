"""Each hazard of the table: a tiny post that has it is refused, with its reason; one that has not passes."""

from __future__ import annotations

import re

import pytest
from lesswrong_project import BASE, make_site

from analysis.site.lesswrong import kit, lints
from analysis.site.lesswrong.lints import rich_faults
from sae.errors import RenderError

IMG = f'<img src="{BASE}/lesswrong/img/a.png" alt="a">'
FIGURE = f'<figure class="image" style="width:60%">{IMG}<figcaption>c</figcaption></figure>'
ROWS = "<tr><td>1</td></tr>" * 21
TABLE = f"<table data-quarto-disable-processing='true'><thead><tr><th>a</th></tr></thead><tbody>{ROWS}</tbody></table>"
DRAFTED = '<div class="llm-content-block" data-model-name="M"><div class="llm-content-block-content">{}</div></div>'
DETAILS = (
    '<details class="detailsBlock"><summary class="detailsBlockTitle">a</summary>'
    '<div class="detailsBlockContent"><p>b</p></div></details>'
)
NOTE = (
    '<li class="footnote-item" data-footnote-id="a"><span class="footnote-back-link"></span>'
    '<div class="footnote-content"><p>x</p></div></li>'
)


def widget(document: str, **attributes: str) -> str:
    every = {"data-lexical-iframe-widget": "true", "data-widget-id": "a", "sandbox": "allow-scripts"} | attributes
    written = " ".join(f'{name.replace("_", "-")}="{value}"' for name, value in every.items())
    return f"<iframe {written} srcdoc='{document}'></iframe>"


SIZE = "<style>body{min-width:340px;max-width:700px}</style>"


@pytest.mark.parametrize(
    ("lint", "html", "reason"),
    [
        ("relative_address", '<p><a href="/x">x</a></p>', "relative address '/x'"),
        ("relative_address", '<p><a href="#fn1">x</a></p>', "relative address '#fn1'"),
        ("missing_alt", FIGURE.replace('alt="a"', 'alt=" "'), "no alternative text"),
        ("lost_formula", "<p><math><mi>x</mi></math></p>", "MathML"),
        ("lost_formula", "<p>it costs $5 or so</p>", r"a bare \$ in the text \(it costs \$5"),
        ("lost_formula", '<p><span class="math-tex">x</span></p>', "a formula without"),
        ("table_caption", "<table><caption>c</caption></table>", "a <caption>"),
        ("table_caption", '<table><tr><td style="text-align:right">1</td></tr></table>', "alignment"),
        ("long_table", TABLE, "a table of 21 rows without a link"),
        ("unrounded_number", "<table><tr><td>0.1234567</td></tr></table>", "0.1234567 in a table is not rounded"),
        ("crowded_figure", FIGURE.replace(IMG, IMG * 2), "a figure with 2 images"),
        ("crowded_figure", f"<p>{IMG}</p>", "stands in no figure"),
        ("crowded_figure", FIGURE.replace(IMG, f'<a href="https://x.example">{IMG}</a>'), "a link around a picture"),
        ("crowded_figure", FIGURE.replace('alt="a"', 'alt="a" width="9"'), "width or height"),
        ("crowded_figure", FIGURE.replace(' style="width:60%"', ""), "its width is lost"),
        ("foreign_image", FIGURE.replace(BASE, "https://other.example"), "lies outside https://example.org/site"),
        ("vector_picture", "<p><svg></svg></p>", "<svg>"),
        ("plain_details", "<details><summary>a</summary><div>b</div></details>", "a <details> without"),
        ("plain_details", "<summary>a</summary>", "outside a <details>"),
        ("nested_code", "<pre><code>x</code></pre>", "<pre><code"),
        ("unresolved_reference", "<p>see @fig-x</p>", "unresolved reference @fig-x"),
        ("unresolved_reference", "<p>see ?@tbl-x</p>", r"\?@tbl-x"),
        ("live_widget", '<iframe src="https://x.example"></iframe>', "a foreign <iframe>"),
        ("live_widget", widget(SIZE + "x" * 8192), "a widget of 82"),
        ("live_widget", widget(SIZE + "<script>localStorage.a</script>"), "stores something"),
        ("live_widget", widget("<p>x</p>"), "not 340 to 700 pixels wide"),
        ("live_widget", widget("<style>body{min-width:340px;max-width:900px}</style>"), "not 340 to 700 pixels wide"),
        ("live_widget", widget(SIZE + '<script src="/v.js"></script>'), "relative address '/v.js'"),
        ("live_widget", widget(SIZE, sandbox="allow-same-origin"), "sandbox"),
        ("broken_footnote", '<p><span class="footnote-reference" data-footnote-id="a"></span></p>', "is not there"),
        ("broken_footnote", f'<ol class="footnotes" data-footnote-section="">{NOTE}</ol>', "never called"),
        ("broken_footnote", '<ol class="footnotes"></ol>', "pandoc's form"),
        ("drafted_text", '<div class="llm-content-block" data-model-name="M"></div>', "without its content"),
        (
            "drafted_text",
            '<div class="llm-content-block"><div class="llm-content-block-content"></div></div>',
            "without the model's name",
        ),
        (
            "drafted_text",
            DRAFTED.format('<span class="footnote-reference"></span>'),
            "a footnote in a language model's text",
        ),
        ("low_heading", "<h1>x</h1>", "level 1"),
        ("unknown_element", "<div><p>x</p></div>", "<div> of no known class"),
        ("unknown_element", "<video></video>", "<video>: a paste drops it"),
        ("unknown_element", '<p><span class="num">1</span></p>', "<span> of no known class 'num'"),
    ],
)
def test_each_hazard_is_refused(lint, html, reason):
    faults = list(getattr(lints, lint)(lints.Export(html, BASE)))
    assert faults and re.search(reason, faults[0]), faults
    assert faults[0] in rich_faults(html, BASE)


def test_every_lint_is_run():
    named = {
        name for name, one in vars(lints).items() if callable(one) and (one.__annotations__.get("post") == "Export")
    }
    assert {lint.__name__ for lint in lints.HAZARDS} == named


@pytest.mark.parametrize(
    "html",
    [
        FIGURE,
        f'{TABLE}<p><a href="{BASE}/index.html#tbl-x">All 30 rows</a></p>',
        r'<p><span class="math-tex">\(x\)</span> and <code>$HOME</code></p><div class="math-tex">\[y\]</div>',
        "<pre>echo $HOME @fig-x</pre>",
        DETAILS,
        DRAFTED.format("<p>x</p>"),
        widget(SIZE + f'<script src="{BASE}/v.js"></script>'),
    ],
)
def test_the_editors_own_forms_pass(html):
    assert rich_faults(html, BASE) == []


# Hazards that a page's author can write: refused by the export, with section and reason.
SOURCES = {
    "price": ("It costs \\$5.", r"section price: a bare \$ in the text"),
    "reference": ("See \\@fig-gone.", "section reference: the unresolved reference @fig-gone"),
    "frame": (
        '```{=html}\n<iframe src="https://x.example"></iframe>\n```',
        "section frame: <iframe>: a paste drops it",
    ),
    "script": ("```{=html}\n<script>go()</script>\n```", "section script: a script: a paste drops it"),
    "film": ("```{=html}\n<video></video>\n```", "section film: <video>: a paste drops it"),
    "mute": ("```{=html}\n<img src='/a.png' alt=''>\n```", "section mute: the picture .* has no alternative text"),
    "far": (
        '![x](https://x.example/i.png){fig-alt="x"}',
        "section far: the picture https://x.example/i.png: it lies outside",
    ),
    "lost": ("[x](gone.html)", "section lost: the link https://example.org/site/gone.html: there is no gone.html"),
    "digits": ("| a |\n|---|\n| 0.12345678 |", "section digits: the number 0.1234567"),
    "cell": (
        "```{=html}\n<table data-quarto-disable-processing='true'><tr><td><video></video></td></tr></table>\n```",
        "section cell: <video> in the text",
    ),
}


def test_a_page_with_hazards_is_refused_with_section_and_reason(tmp_path):
    parts = "\n\n".join(f"## {name} {{#{name}}}\n\n{text}" for name, (text, _) in SOURCES.items())
    site = make_site(tmp_path / "p", f"---\ntitle: T\n---\n\n{parts}\n")
    with pytest.raises(RenderError) as error:
        kit.export(site)
    for name, (_, reason) in SOURCES.items():
        assert re.search(reason, str(error.value)), f"{name}: {error.value}"
    assert not (site.root / "lesswrong").exists()

"""Markdown: LessWrong's dialect and GitHub's, written from the same nodes, and read again by a Markdown parser."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lesswrong_project import BASE, Made, compose_all, make_site
from markdown_it import MarkdownIt

from analysis.site.lesswrong import dialect, lints
from analysis.site.lesswrong.dialect import at_start, code, escaped
from analysis.site.lesswrong.nodes import Collapsible, Math, Paragraph, Styled, Table, Text

READER = MarkdownIt("commonmark").enable("table").enable("strikethrough")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Made]:
    return compose_all(make_site(tmp_path_factory.mktemp("site")))


def test_the_dialect_holds_every_construct(made):
    text = dialect.markdown(made["words"].post)
    for part in (
        "*leaning*, **bold**, `code` and 10⁻⁶ with $x_1 < y$ inline[^1]",
        "$$\n\\hat x = W z + b \\tag{1}\n$$",
        f"[Equation\xa01]({BASE}/index.html#eq-sum)",
        "+++ Open me\n\nHidden words, 3 of them.\n\n+++",
        "## Below",
        "| a | 1.50 |",
        "```python\ndef f(x):",
        "1. first\n\n   more of it\n\n2. second\n\n   - inner −0.25",
        "[^1]: A note with `code`, $n^2$ and the number 42.\n\n    Its second paragraph.",
    ):
        assert part in text, part
    assert not text.startswith("#")  # the title has a field of its own


def test_github_gets_its_title_details_and_alignment(made):
    text = dialect.markdown(made["words"].post, github=True)
    assert text.startswith("# Words and formulas\n\n")
    assert "<details>\n<summary>Open me</summary>\n\nHidden words, 3 of them.\n\n</details>" in text
    assert "10<sup>-6</sup>" in text and "|---|--:|" in text and "+++" not in text


def test_a_figure_is_a_picture_with_its_caption_below(made):
    text = dialect.markdown(made["pictures"].post)
    assert re.search(rf"!\[One point at 1\]\({BASE}/lesswrong/img/fig-points-\w+\.png\)\n\n\*\*Figure\xa01: ", text)


def test_the_dialect_shows_no_html_and_both_are_free_of_faults(made):
    for one in made.values():
        for github in (False, True):
            text = dialect.markdown(one.post, github)
            assert lints.markdown_faults(text, BASE, github) == []
        html = READER.render(dialect.markdown(one.post))
        assert "&lt;" not in re.sub(r"<pre>.*?</pre>|\$.*?\$", "", html, flags=re.S)


def test_text_of_a_language_model_says_so(made):
    assert dialect.markdown(made["drafted"].post).startswith("> **Drafted by a language model (Some Model 1).**")


@given(st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "S", "Zs"]), min_size=1, max_size=30))
def test_words_are_read_back_as_they_were(text):
    text = " ".join(text.split())
    if text:
        html = MarkdownIt("commonmark", {"html": False}).enable("strikethrough").render(at_start(escaped(text)))
        said = html.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", '"').replace("&amp;", "&")
        assert said == f"<p>{text}</p>\n"


@given(st.text("a` ", min_size=1, max_size=12).filter(lambda text: text.strip(" ")))
def test_code_is_read_back_as_it_was(text):
    # CommonMark takes one space from both ends where there is one at both
    if not (text.startswith(" ") and text.endswith(" ")):
        assert READER.render("x" + code(text)) == f"<p>x<code>{text}</code></p>\n"


def test_a_bar_within_a_cell_does_not_end_it():
    writer = dialect.Dialect(False)
    table = Table(((Text("a|b"),),), (((Math("|x|"),),),), 1)
    assert writer.table(table) == "| a\\|b |\n|---|\n| $\\vert{}x\\vert{}$ |"


def test_spaces_at_the_ends_of_bold_words_go_outside():
    assert dialect.Dialect(False).styled(Styled("strong", (Text("a "),))) == "**a** "


def test_what_opens_within_what_opens_is_opened():
    inner = Collapsible((Text("in"),), (Paragraph((Text("x"),)),))
    text = dialect.Dialect(False).block(Collapsible((Text("out"),), (inner,)), False)
    assert text == "+++ out\n\n**in**\n\nx\n\n+++"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a <b>c</b>", "raw HTML <b>"),
        ("it costs $5", r"a bare \$"),
        ("[x](/y)", "relative address '/y'"),
        ("![a](https://other.example/i.png)", "lies outside"),
        (f"![]({BASE}/i.png)", "without alternative text"),
        ("see @fig-x", "unresolved reference @fig-x"),
        ("note[^1]", "called or defined only"),
    ],
)
def test_faults_of_markdown(text, reason):
    (fault,) = lints.markdown_faults(text + "\n", BASE, False)
    assert re.search(reason, fault)

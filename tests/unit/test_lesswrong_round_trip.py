"""What a strict reader finds in an export: all that the source holds. And whatever is taken away is missed."""

from __future__ import annotations

import re

import pytest
from lesswrong_project import BASE, Made, compose_all, make_site
from tests_root import CHECKOUT

from analysis.figures.asked import asked
from analysis.plan.paths import Paths
from analysis.site.lesswrong import lints
from analysis.site.lesswrong.dialect import markdown
from analysis.site.lesswrong.events import compressed
from analysis.site.lesswrong.reader import read
from analysis.site.lesswrong.rich import rich
from analysis.site.lesswrong.round_trip import lost
from analysis.site.lesswrong.wanted import wanted

PAGES = ("index.qmd", "report/answers.qmd", "report/methods.qmd", "report/names.qmd")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Made]:
    return compose_all(make_site(tmp_path_factory.mktemp("site")))


def test_a_page_of_all_constructs_survives(made):
    for one in made.values():
        assert lost(one.section, rich(one.post)) == []
    source, left = wanted(made["words"].section), read(rich(made["words"].post))
    assert sorted(source.everywhere("formula")) == sorted(left.formulas)
    assert len(source.notes) == len(left.notes) == len(left.marks) == 1
    assert left.collapsibles == ["Open me", "One", "Two"] and left.headings == ["Below"]
    assert len(source.everywhere("code")) == len(left.codes) == 1
    assert set(read(rich(made["drafted"].post)).drafted) == {"Some Model 1"}


def test_live_charts_keep_caption_and_alternative_text(made, tmp_path):
    one = compose_all(make_site(tmp_path / "p"), "pictures", live=True)["pictures"]
    assert lost(one.section, rich(one.post)) == []
    assert read(rich(one.post)).widgets == 1


@pytest.mark.parametrize("name", ["intro", "words", "pictures", "drafted"])
def test_whatever_line_is_taken_away_is_missed(made, name):
    one = made[name]
    lines = rich(one.post).strip().split("\n")
    kept = [line for line in lines if line not in ("<hr>", "<p><strong>References</strong></p>")
            and "All 25 rows" not in line]  # fmt: skip
    for line in kept:
        rest = "\n".join(other for other in lines if other is not line)
        assert lost(one.section, rest), f"nobody misses {line[:80]}"


@pytest.mark.parametrize(
    ("name", "old", "new", "told"),
    [
        ("words", "−0.25", "0.25", "with the numbers −0.25"),
        ("words", "12.5", "12.5", ""),
        ("words", r"\(x_1 &lt; y\)", r"\(x_1 &gt; y\)", "a formula gets lost: x_1 < y"),
        ("words", '<span class="math-tex">', "<span>", "a formula gets lost"),
        (
            "words",
            'class="footnote-section footnotes" data-footnote-section=""',
            'class="footnotes"',
            "a footnote gets",
        ),
        (
            "words",
            'class="footnote-reference" data-footnote-reference=""',
            'class="footnote-ref"',
            "1 footnotes, of which 0",
        ),
        ("words", "number 42", "number", "a footnote gets lost"),
        ("words", '<pre data-language="python">', "<pre><code>", "code gets lost"),
        ("words", "7 of 9", "7 of 8", "with the numbers 7, 9"),
        ("pictures", 'alt="One point at 1"', 'alt="One point"', "an alternative text gets lost: One point at 1"),
        ("pictures", "<figcaption>", "<p>", "a caption gets lost"),
        ("pictures", "0.018 (0.1", "0.019 (0.1", "words get lost"),
    ],
)
def test_what_a_paste_would_lose_is_told(made, name, old, new, told):
    one = made[name]
    html = rich(one.post)
    if not told:
        assert lost(one.section, html.replace(old, new)) == []
        return
    assert old in html
    assert any(re.search(told, fault) for fault in lost(one.section, html.replace(old, new)))


def test_the_strict_reader_drops_what_the_editor_drops():
    left = read(
        "<p>kept <svg><text>a</text></svg> <math><mi>b</mi></math></p>"
        '<table><caption>c</caption><tr><td>d</td></tr></table><iframe srcdoc="h"></iframe>'
        '<figure class="image"><img alt="e"><img alt="f"><figcaption>g</figcaption></figure>'
        '<figure class="image"><a href="https://x.example"><img alt="i"></a><figcaption>j</figcaption></figure>'
        "<details><summary>k</summary><div>l</div></details><pre><code>m</code></pre><div><p>n</p></div>"
    )
    assert left.texts == ["kept", "d", "k"] and left.alts == ["i"]
    assert not (left.captions or left.collapsibles or left.codes or left.formulas)


def test_punctuation_may_differ_and_numbers_may_not():
    assert compressed("a, b (1.50)!") == compressed("a b 1.50") != compressed("a b 1.5")
    assert compressed("−1") != compressed("1") != compressed("-1") and compressed("5%") != compressed("5")


def built(page):
    """Whether everything that the page includes was built here, by whatever version."""
    file = CHECKOUT / (page if page != "index.qmd" else "report/_write-up.qmd")
    return all((CHECKOUT / f"report/_generated/{call.name}.md").exists() for call in asked([file], CHECKOUT))


BUILT = (CHECKOUT / "report/_generated/numbers.json").exists() and (
    CHECKOUT / "report/assets/generated/explorer/site/sprite.webp"
).exists()


@pytest.mark.thorough
@pytest.mark.skipif(not BUILT, reason="report/_generated is not built here; strata build makes it")
@pytest.mark.parametrize("page", PAGES)
def test_every_section_of_the_real_pages_survives_and_is_free_of_faults(page):
    if not built(page):
        pytest.skip("what was built here is older than the page; strata build makes it")
    for one in compose_all(Paths(CHECKOUT), page).values():
        html = rich(one.post)
        assert not re.search(r"[Uu]nderlined number|[Pp]oint at an? |Press a (cell|column)", html), "only a page can"
        assert one.context.problems == []
        assert lost(one.section, html) == []
        assert lints.rich_faults(html, BASE) == []
        assert lints.markdown_faults(markdown(one.post), BASE, False) == []
        assert lints.markdown_faults(markdown(one.post, True), BASE, True) == []
        assert lints.picture_faults(one.pictures.files) == []

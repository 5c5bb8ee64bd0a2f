"""Continuations with a latent held: what the title counts, what is marked, and what is refused."""

from __future__ import annotations

import math
import re

import pytest
from planted_texts import file, planted

from analysis.figures.kinds.completions import completions, marked
from analysis.figures.kinds.completions_sampled import completions_sampled
from analysis.results.steerings import Steerings
from analysis.site.lesswrong.markup import parse
from sae.errors import DataError


def test_the_title_counts_continuations_that_have_a_word_of_the_latent():
    drawing = completions(file(planted(latents=2, prompts=3)))
    assert drawing.title == (
        "With a latent held at 4 times its own strength, 6 of 6 continuations have one of its words; as it is 0, "
        "along a random direction 0"
    )
    content = planted(latents=1)
    content["latents"][0]["prompts"][0]["latent"][-1] = " passwords0 and swords"  # inside a word it is none
    assert completions(file(content)).title.startswith("With “word0” held at 4 times its own strength, 2 of 3")


def test_drawn_texts_are_shown_as_the_likeliest_are_and_say_how_they_came():
    content = planted(latents=1) | {"how": "drawn by chance"}
    drawing = completions_sampled(file(content))
    assert drawing.title == completions(file(content)).title and "(drawn by chance)" in drawing.caption


def test_text_that_goes_round_in_circles_is_said():
    drawing = completions(file(planted()))
    assert (
        "25% are new in it at the largest strength (100% along the random direction), 100% as it is" in drawing.caption
    )
    assert "at all places" in drawing.caption and "(greedy)" in drawing.caption
    empty = planted(latents=1, prompts=1)
    empty["latents"][0]["prompts"][0]["as_it_is"] = ""
    assert math.isnan(Steerings.of(file(empty)).different("latent", -1))


def test_the_table_has_the_smallest_the_middle_and_the_largest_strength():
    drawing = completions(file(planted(strengths=(0, 1, 2, 3, 4, 5, 6))), latents=1, prompts=2)
    tree = parse(drawing.html.split("<script")[0])
    heads = [head.text() for head in tree.all("th") if head.attributes.get("scope") == "row"]
    assert heads == ["as it is", "0 times its own", "3 times its own", "6 times its own"] * 2
    assert len(drawing.data) == 2 * 3 * (1 + 2 * 7)
    assert "along a random direction “we go on otherwise”" in drawing.alt


def test_words_are_marked_whole_whatever_their_case_and_text_stays_text():
    content = planted(latents=1)
    content["latents"][0]["raised"] = [[" c++", 2.0], [" War", 1.0], [" warm", 0.5], ["!", 0.1]]
    (one,) = Steerings.of(file(content)).latents
    assert one.words == ("warm", "c++", "war")
    assert marked(one, "<Wars> of WARMTH, C++17 & toward") == (
        "&lt;<mark>Wars</mark>&gt; of <mark>WARMTH</mark>, <mark>C++17</mark> &amp; toward"
    )
    content["latents"][0]["raised"] = [["!", 1.0]]
    (one,) = Steerings.of(file(content)).latents
    assert not one.holds("anything !") and marked(one, "any !") == "any !"


def damaged(**change: object) -> dict[str, object]:
    content = planted()
    content["latents"][1] |= change
    return content


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (planted() | {"strengths": [2, 1]}, "strengths are .*smallest first"),
        (planted() | {"strengths": [-1, 1]}, "from 0 on"),
        (planted() | {"strengths": "1"}, "strengths: '1', must be numbers"),
        (planted() | {"where": "first"}, "where is 'first', must be one of all, last"),
        (planted() | {"latents": []}, "no latent stands there"),
        (planted() | {"latents": [3]}, "latent 0: a name is not there"),
        (damaged(own=math.nan), "latent 1: own: .*must be numbers"),
        (damaged(prompts=[]), "latent 1: 0 prompts"),
        (damaged(effects={"latent": [1.0, 2.0], "random": [1.0, 2.0, 3.0]}), r"latent 1: .*\[2, 3\] strengths"),
        (damaged(effects={"latent": [1.0, 2.0, 3.0]}), "latent 1: KeyError: 'random'"),
        (damaged(raised=[["one"]]), "latent 1: ValueError"),
    ],
)
def test_what_is_no_such_file_is_refused_with_its_place(content, told):
    with pytest.raises(DataError, match=f"data/language/steering.json: .*{told}|{told}"):
        Steerings.of(file(content))


def test_what_stands_in_the_page_for_the_slider_ends_no_script():
    content = planted()
    content["latents"][0]["prompts"][0]["as_it_is"] = "</script><b>"
    html = completions(file(content)).html
    assert len(re.findall("</script>", html)) == 1 and "\\u003c/script>" in html

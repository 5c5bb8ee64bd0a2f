"""The web of features: planted families are found, lines beyond chance are drawn, and nothing else is a web."""

from __future__ import annotations

import json
import math
import re
from itertools import pairwise

import pytest
from planted_web import file, planted

from analysis.figures.kinds.feature_splits import feature_splits
from analysis.figures.kinds.feature_web import feature_web
from analysis.figures.svg_words import width_of
from analysis.figures.web_picture import CHILDREN, PAGE, PHONE, fitted, places, shown, web_picture
from analysis.results.webs import MOST, Web, in_quotes, short
from analysis.site.lesswrong.markup import parse
from sae.errors import DataError


def test_every_family_splits_as_it_was_planted_and_wrong_lines_are_none():
    content = planted(families=4, into=3, wrong=5)
    web = Web.of(file(content))
    families = [node["family"] for node in content["nodes"]]
    assert len(web.roots) == 4
    for root in web.roots:
        found = web.splits(root)
        assert {size: len(own) for size, own in found.items()} == {4096: 3, 16384: 9}
        assert {families[at] for own in found.values() for at in own} == {families[root]}
        assert set(web.family(root)) == {at for at, family in enumerate(families) if family == families[root]}


def test_a_child_has_to_exceed_both_nulls():
    content = planted(families=1, into=1, wrong=0)
    content["edges"][0] |= {"cosine": 0.9, "coactivation": 0.1}
    web = Web.of(file(content))
    assert web.splits(0) == {4096: [], 16384: []}
    drawing = feature_web(file(content))
    assert drawing.title == "None of 1 latent of the 1k SAE goes on in a larger one, beyond random edges"
    with pytest.raises(DataError, match="no latent of the smallest SAE has an edge beyond random ones"):
        feature_splits(file(content))


def test_title_and_alternative_say_what_the_picture_shows():
    content = planted(families=3, into=2)
    drawing = feature_web(file(content))
    assert drawing.title == "3 latents of the 1k SAE, of which 3 split, go on as 6 of the 4k SAE and 12 of the 16k SAE"
    latent = content["nodes"][0]["latent"]
    assert re.search(rf"1k latent {latent} “years” goes on as 2 of the 4k SAE \(years [ab], years [ab]\)", drawing.alt)
    assert "99% of random edges (0.30)" in drawing.caption and "middle of a planted model" in drawing.caption
    assert len(drawing.data) == len(content["edges"])


@pytest.mark.parametrize("look", [PAGE, PHONE])
def test_lines_beyond_the_null_are_drawn_and_others_wait_for_the_slider(look):
    web = Web.of(file(planted(families=3, into=2, wrong=4)))
    tree = parse(web_picture(web, web.roots, "cosine", 0.3, look, "a web"))
    lines = tree.of_class("web-edge")
    assert len(lines) == 3 * 6 + 4
    for line in lines:
        hidden = float(line.attributes["data-cosine"]) <= 0.3
        assert (line.attributes.get("visibility") == "hidden") == hidden
        assert ("stroke-dasharray" in line.attributes) == hidden  # the wrong ones were planted into other families
    assert len(tree.of_class("web-node")) == len(web.nodes)
    assert ("for-phones" in tree.elements[0].classes) == look.phone


@pytest.mark.parametrize("look", [PAGE, PHONE])
def test_rows_stand_apart_inside_the_picture_and_names_fit_their_columns(look):
    content = planted(families=5, into=3)
    for node in content["nodes"]:
        node["name"] += " and a long tail of words that nobody has room for"
    web = Web.of(file(content))
    found, height = places(web, web.roots, look)
    for column in range(3):
        ys = sorted(place.y for place in found.values() if place.column == column)
        assert all(b - a >= look.row - 1e-9 for a, b in pairwise(ys)) and ys[0] > 30 and ys[-1] < height
    tree = parse(web_picture(web, web.roots, "cosine", 0.3, look, "a web"))
    wide = (look.width - 2 * look.gap) / 3
    texts = [node.all("tspan")[0] for node in tree.of_class("web-node")]
    assert all(text.text().endswith("…") and width_of(text.text(), look.size) <= wide for text in texts)
    assert fitted("short", 200, 12) == "short"


def test_a_latent_with_many_children_shows_some_and_says_how_many_more():
    web = Web.of(file(_many()))
    html = web_picture(web, web.roots, "cosine", 0.3, PAGE, "a web")
    assert html.count('class="web-node"') == 1 + CHILDREN and "and 3 more" in html


def _many():
    content = planted((1024, 4096), families=1, into=1, wrong=0)
    root, child = content["nodes"]
    content["nodes"] = [root] + [child | {"latent": 5000 + number} for number in range(CHILDREN + 3)]
    content["edges"] = [
        {"from": 0, "to": 1 + at, "cosine": 0.9 - at / 100, "coactivation": 0.5} for at in range(CHILDREN + 3)
    ]
    return content


def test_as_many_families_are_drawn_as_have_room_and_the_rest_is_said():
    content = planted(families=6, into=3)
    web = Web.of(file(content))
    assert len(shown(web, web.roots, 20)) == 2 and len(shown(web, web.roots, 1)) == 1
    assert "3 more families stand in the data" in feature_web(file(content), rows=30).caption


def test_the_table_has_a_row_for_a_latent_with_its_place_in_the_text_marked():
    content = planted(families=4, into=2)
    content["nodes"][1]["name"] = "<b>"
    drawing = feature_splits(file(content), families=2, most=3)
    tree = parse(drawing.html)
    groups = [row.text() for row in tree.of_class("group")]
    assert len(groups) == 2 and "goes on as 2 of the 4k SAE and 4 of the 16k SAE" in groups[0]
    assert drawing.html.count("<mark>") == 2 * (1 + 2 + 3) and drawing.html.count("1 more of 16k") == 2
    assert "before the <mark>years0</mark> and behind" in drawing.html and "<b>" not in drawing.html
    assert re.match(r"1k latent \d+ “years” becomes “.+” and “.+” in the 4k SAE$", drawing.title)
    assert len(drawing.data) == 2 * (1 + 2 + 4)


def test_sizes_are_said_short():
    assert [short(size) for size in (768, 1024, 16384, 49152, 20000)] == ["768", "1k", "16k", "48k", "20k"]


def damaged(part: str, at: int | None, **change: object) -> dict[str, object]:
    content = json.loads(json.dumps(planted()))
    if at is None:
        content |= change
    else:
        content[part][at] |= change
    return content


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (damaged("", None, sizes=[4096, 1024]), "sizes are .*smallest first"),
        (damaged("", None, sizes=[1024]), "two to four"),
        (damaged("", None, nodes=[]), f"0 nodes, must be 1 to {MOST}"),
        (damaged("nodes", 2, size=99), "node 2: size 99"),
        (damaged("nodes", 2, density=3), "node 2: .*density 3"),
        (damaged("nodes", 1, words=None), "node 1: TypeError"),
        (damaged("nodes", 0, examples=[["one"]]), "node 0: ValueError"),
        (damaged("edges", 0, to=900), "edge 0: IndexError"),
        (damaged("edges", 1, **{"from": 5, "to": 0}), "edge 1: from 5 to 0"),
        (damaged("edges", 1, cosine=1.5), "edge 1: .*cosine 1.5"),
        (damaged("edges", 1, cosine=math.nan), "edge 1: .*cosine nan"),
        (damaged("", None, nulls={"cosine": []}), "nulls of cosine are {}"),
        (damaged("", None, nulls={}), "nulls of cosine: KeyError"),
        ({"sizes": [1, 2]}, "nodes is not there"),
    ],
)
def test_what_is_no_web_is_refused_with_file_and_item(content, told):
    with pytest.raises(DataError, match=f"data/language/web.json: .*{told}"):
        Web.of(file(content))


def test_a_latent_that_stands_there_twice_is_refused():
    content = planted()
    content["nodes"].append(content["nodes"][0])
    with pytest.raises(DataError, match="twice"):
        Web.of(file(content))


@pytest.mark.parametrize(
    ("name", "said"),
    [("“war”", "“war”"), ("capitalised", "“capitalised”"), ("latent 17", "latent 17"), ("Latent 17", "Latent 17")],
)
def test_a_name_stands_between_quotation_marks_once(name, said):
    assert in_quotes(name) == said

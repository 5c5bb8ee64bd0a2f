"""The graph of a prediction's causes: what it says is in the file, and it says it inside."""

from __future__ import annotations

import itertools
import re

import pytest
from planted_causes import file, planted

from analysis.figures.graph_picture import DOTS, PAGE, PHONE, graph_picture, slots
from analysis.figures.kinds.attribution_graph import attribution_graph
from analysis.results.attributions import Traced
from analysis.site.lesswrong.markup import parse
from sae.errors import DataError


def test_the_title_and_the_words_come_from_the_numbers():
    drawing = attribution_graph(file(planted()))
    assert drawing.title == (
        "“war and peace” does most for “peace” over “work”: +2.00 of +4.00; without it the difference falls by 1.80"
    )
    assert "rank latents nearly as ablation does (rank correlation 0.90)" in drawing.caption
    assert "minus that of “work”" in drawing.caption and "at most 0.06" in drawing.caption
    shown = 2 + 1 - 2 / 3 + 1 / 2 + 2 / 5 - 2 / 6
    assert f"Not drawn: −{shown - 2.5:.2f} of other latents, +1.00 of what the SAE leaves over" in drawing.caption
    assert "“war and peace” at “people” +2.00 (ablated +1.80), mostly from “" in drawing.alt
    assert len(drawing.data) == 6 + len(planted()["edges"])


@pytest.mark.parametrize(
    ("rank", "told"), [(None, "too few latents"), (0.6, "roughly"), (0.1, "no guide here"), (-0.8, "no guide here")]
)
def test_how_far_attributions_are_to_be_trusted_is_said(rank, told):
    assert told in attribution_graph(file(planted(rank=rank))).caption


def test_a_cause_against_the_prediction_and_no_foil():
    content = planted(foil="")
    content["nodes"][0] |= {"attribution": -3.0, "effect": -2.5}
    drawing = attribution_graph(file(content))
    assert (
        drawing.title
        == "“war and peace” does most against “peace”: −3.00 of +4.00; without it the difference rises by 2.50"
    )
    assert "minus the mean of all logits" in drawing.caption and "over the mean" in drawing.html


def test_causes_are_in_order_and_edges_follow_them():
    content = planted()
    content["nodes"].reverse()
    last = len(content["nodes"]) - 1
    for edge in content["edges"]:
        edge["node"] = last - edge["node"]
    traced = Traced.of(file(content))
    assert [node.latent for node in traced.nodes] == [100 + number for number in range(6)]
    assert [edge.attribution for edge in traced.parts(3)] == [0.125, 0.125]


@pytest.mark.parametrize("look", [PAGE, PHONE])
@pytest.mark.parametrize("tokens", [4, 10, 30, 90])
def test_everything_stands_inside_and_no_box_on_another(look, tokens):
    traced = Traced.of(file(planted(tokens, 8)))
    tree = parse(graph_picture(traced, 8, look, "a graph"))
    boxes = [
        tuple(float(box.attributes[key]) for key in ("x", "y", "width", "height"))
        for card in tree.of_class("graph-card") for box in card.all("rect")
    ]  # fmt: skip
    width, height = map(float, tree.elements[0].attributes["viewbox"].split()[2:])
    assert len(boxes) == 8
    for x, y, wide, high in boxes:
        assert x >= 1 and y >= 34 and x + wide <= width - 1 and y + high < height
    for (x, y, wide, high), (x2, y2, _, _) in itertools.combinations(boxes, 2):
        assert abs(x - x2) >= wide or abs(y - y2) >= high
    assert len(tree.of_class("graph-line")) == 8 + len(traced.edges)
    against = [line for line in tree.of_class("graph-line") if "stroke-dasharray" in line.attributes]
    assert len(against) == sum(node.attribution < 0 for node in traced.nodes)


@pytest.mark.parametrize(("look", "tokens", "upright"), [(PAGE, 6, False), (PHONE, 20, True), (PAGE, 40, True)])
def test_tokens_stand_upright_where_they_are_wider_than_the_picture(look, tokens, upright):
    found, stands = slots(Traced.of(file(planted(tokens))), 6, look)
    assert stands == upright and [slot.place for slot in found] == list(range(tokens))
    assert 0 < found[0].x < found[-1].x < look.width


def test_of_a_long_prompt_only_what_matters_stands_there_with_dots_between():
    traced = Traced.of(file(planted(90)))
    found, _ = slots(traced, 6, PHONE)
    places = [slot.place for slot in found if slot.place is not None]
    assert {node.place for node in traced.nodes} | {edge.token for edge in traced.edges} <= set(places)
    assert places[-1] == 89 and len(places) < 30
    for before, after in itertools.pairwise(found):
        if before.place is not None and after.place is not None:
            assert after.place == before.place + 1
    assert {slot.text for slot in found if slot.place is None} == {DOTS}


def test_names_and_tokens_of_any_text_are_shown_as_text():
    content = planted()
    content["tokens"][1] = "<i>\n"
    content["nodes"][0]["name"] = 'a "<b>" & c'
    html = attribution_graph(file(content)).html
    assert "<b>" not in html and "<i>" not in html and re.search(r"a (&quot;|&#34;)&lt;b&gt;", html)


@pytest.mark.parametrize(
    ("part", "change", "told"),
    [
        ("nodes", {"place": 10}, "node 0: place is 10, must be a whole number below 10"),
        ("nodes", {"latent": -1}, "node 0: latent is -1"),
        ("nodes", {"effect": None}, "node 0: effect is None, must be a number"),
        ("nodes", {"attribution": float("nan")}, "node 0: attribution is nan"),
        ("edges", {"node": 6}, "edge 0: node is 6"),
        ("edges", {"token": True}, "edge 0: token is True"),
    ],
)
def test_what_is_no_such_graph_is_refused_with_file_and_item(part, change, told):
    content = planted()
    content[part][0] |= change
    with pytest.raises(DataError, match=f"data/language/attribution.json: {told}"):
        Traced.of(file(content))


def test_missing_parts_are_named():
    content = planted()
    del content["nodes"][2]["random"]
    with pytest.raises(DataError, match="node 2: random is not there"):
        Traced.of(file(content))
    with pytest.raises(DataError, match="must be one of each at least"):
        Traced.of(file(planted() | {"nodes": [], "edges": []}))

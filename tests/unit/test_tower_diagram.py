"""The diagram of towers: its counts are those of the tables, and it holds what there is and no more."""

from __future__ import annotations

import math
import re

import pytest
from planted_tables import Planted, write

from analysis.figures.kinds.tower_diagram import tower_diagram
from analysis.figures.tower_picture import Layer, towers
from analysis.site.lesswrong.markup import Element, parse


def lines(tree: Element) -> list[str]:
    return [span.text() for span in tree.all("tspan")]


@pytest.mark.parametrize(
    ("layer", "says"),
    [
        (Layer(0, 256, 104.48), "256 neurons, about 104 on"),
        (Layer(3, 1024, 3.94), "1,024 latents, about 3.9 on"),
        (Layer(2, 1, 1.0), "1 latent, 1 on"),
        (Layer(2, 8, math.nan), "8 latents"),
        (Layer(0, 0, math.nan), "the network"),
    ],
)
def test_counts_are_said_as_exactly_as_they_are_known(layer, says):
    assert layer.said() == says


@pytest.mark.parametrize("phone", [False, True])
def test_both_towers_stand_on_one_sae_and_say_what_they_read(phone):
    stacks = {
        "tower on latents": [Layer(2, 40, 8), Layer(3, 40, 4)],
        "tower on directions": [Layer(2, 20, 4)],
    }
    tree = parse(towers(Layer(0, 80, 30), Layer(1, 40, 16), stacks, 350 if phone else 640, phone=phone))
    said = " ".join(lines(tree))
    for text in ("depth 1 of both: 40 latents, 16 on", "depth 3: 40 latents, 4 on", "depth 2: 20 latents, 4 on",
                 "the network: 80 neurons, 30 on", "reads the directions"):  # fmt: skip
        assert text in said, said
    assert said.count("reads the activations") == 2
    bars = tree.all("rect")[::2]
    wide = {float(bar.attributes["width"]) for bar in bars}
    assert len(bars) == 5 and max(wide) == pytest.approx(4 * min(wide), abs=0.3)
    box = [float(number) for number in tree.elements[0].attributes["viewbox"].split()]
    ends = [float(bar.attributes["y"]) + float(bar.attributes["height"]) for bar in tree.all("rect")]
    assert max(ends) < box[3] and min(float(bar.attributes["x"]) for bar in tree.all("rect")) >= 0


def test_widths_and_what_is_on_come_from_the_tables(tmp_path):
    results = write(tmp_path / "tables", Planted(depths=3, looked=False, own=0.5))
    drawing = tower_diagram(results)
    assert (
        drawing.title == "One SAE on the network, and on it a tower on latents and a tower on directions, 3 depths each"
    )
    trained = results.trained("directions").drop_duplicates("depth").set_index("depth")["width"]
    rows = drawing.data[drawing.data["what"] == "tower on directions"].set_index("depth")
    assert rows["width"].to_dict() == {2: trained[2], 3: trained[3]}
    assert rows["on"].tolist() == pytest.approx([0.501, 0.501])
    assert "never trained" in drawing.caption


@pytest.mark.parametrize(("kind", "other"), [("latents", "directions"), ("directions", "latents")])
def test_a_tower_that_is_not_there_is_not_drawn(kind, other, tmp_path):
    drawing = tower_diagram(write(tmp_path / "tables", Planted(kinds=(kind,), looked=False, random=False)))
    said = drawing.title + drawing.caption + drawing.alt + drawing.html
    assert f"tower on {kind}" in said and f"tower on {other}" not in said and "random" not in said
    assert "of both" not in said and f"On {other}" not in said


def test_one_depth_is_one_sae_and_no_tower(tmp_path):
    drawing = tower_diagram(write(tmp_path / "tables", Planted(depths=1, looked=False)))
    assert drawing.title == "One SAE on the network, and nothing on it yet"
    assert not re.search("tower on", drawing.html)

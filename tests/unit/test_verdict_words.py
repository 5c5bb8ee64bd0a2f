"""The table of all verdicts: which depths it counts, and how often."""

from __future__ import annotations

import importlib

import pytest
from planted_tables import Planted, write

from analysis.results.verdict import adjusted, distinct, number_of_tests, panel


def drawn(results):
    return importlib.import_module("analysis.figures.kinds.verdict_words").verdict_words(results)


@pytest.mark.parametrize(("variants", "distinct"), [(("a", "b"), 5), (("penalty", "none"), 6), (("one",), 3)])
def test_a_depth_that_towers_share_is_counted_once(variants, distinct, tmp_path):
    # two towers of two depths in each variant; a penalty makes other SAEs of depth 1
    drawing = drawn(write(tmp_path / "t", Planted(variants=variants, looked=False, depths=2)))
    assert drawing.title.startswith(f"Of {distinct} depths judged, {distinct} are floor")
    assert len(drawing.data) == 4 * len(variants) and drawing.data["counted"].sum() == distinct
    assert "share their depth 1, which counts once" in drawing.caption


def test_depths_that_no_two_towers_share_are_all_counted(tmp_path):
    planted = Planted(kinds=("latents",), variants=("penalty", "none"), looked=False, depths=2)
    drawing = drawn(write(tmp_path / "t", planted))
    assert drawing.title.startswith("Of 4 depths judged") and "counts once" not in drawing.caption


def test_p_is_adjusted_alike_on_the_page_and_by_the_command(tmp_path):
    results = write(tmp_path / "t", Planted(variants=("a", "penalty"), looked=False, depths=2, wobble=0.02))
    table, many = drawn(results).data, adjusted(results)
    assert set(distinct(results)) == set(many) and number_of_tests(results) == table["counted"].sum() == 6
    for row in table.itertuples():
        assert many["planted", row.variant, row.kind, row.depth] == row.p_of_many
    said = {(row["variant"], row["kind"], row["depth"]): row["p"] for row in panel(results) if "p" in row}
    assert all(p["of"] == 6 and p["holm"] == pytest.approx(many["planted", *place], abs=1e-6)
               for place, p in said.items())  # fmt: skip

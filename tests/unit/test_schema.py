"""Tables and sprites that lack what their rows and cells are found by are refused in one line, whatever figure asks."""

from __future__ import annotations

import json
import re

import pandas as pd
import pytest
from planted_tables import Planted, write

from analysis.figures.asked import Asked
from analysis.figures.draw import draw_all
from analysis.logs.counts import History
from analysis.plan.paths import Paths
from analysis.results import schema
from analysis.results.tables import LOOKED, TABLES, Results
from sae.errors import DataError, RenderError


@pytest.fixture
def results(tmp_path):
    return write(tmp_path / "data/runs/results/planted", Planted(depths=2, seeds=1))


def drawn(results, tmp_path, figure):
    """The refusal of a figure that a page asks for."""
    with pytest.raises(RenderError) as caught:
        draw_all([Asked(figure, (), figure, "index.qmd", 3)], Results(results.folder), History(None), Paths(tmp_path))
    return str(caught.value)


def change(results, **said):
    """Another sprite.json: keys with None are left out."""
    content = json.loads((results.folder / schema.SPRITE).read_text()) | said
    content = {key: value for key, value in content.items() if value is not None}
    (results.folder / schema.SPRITE).write_text(json.dumps(content))


def test_the_planted_tables_have_what_all_tables_must_have(results):
    for name in (*TABLES, *LOOKED):
        assert set(schema.IDS[name]) <= set(getattr(results, name))
    assert set(schema.IDS) == {*TABLES, *LOOKED, "maps"}


@pytest.mark.parametrize("figure", ["neurons", "lineages"])
def test_an_example_without_a_cell_is_said_with_file_found_and_remedy(results, tmp_path, figure):
    ids = [one + 1000 for one in results.sprite["ids"]]
    change(results, ids=ids)
    says = drawn(results, tmp_path, figure)
    assert re.fullmatch(
        rf"index\.qmd:3: the figure {figure}: \S+/planted/sprite\.json: ids lacks \d+, which the tables beside it "
        rf"name; found: {len(ids)} ids, 1000 to {max(ids)}; `strata run planted` makes it again", says,
    ), says  # fmt: skip


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"ids": None}, r"has no 'ids' \(the example of each cell\); found: \w+, "),
        ({"class_names": None}, "has no 'class_names'"),
        ({"columns": None}, "has no 'columns'"),
        ({"columns": 0}, "columns is 0, must be 1 or more"),
        ({"width": "28"}, "width is a str, must be a int"),
        ({"ids": {"0": 1}}, "ids is a dict, must be a list: the example of each cell"),
        ({"ids": ["1"], "labels": [0]}, "ids holds '1', must hold whole numbers"),
        ({"ids": [1, 1], "labels": [0, 0]}, "ids names 1 examples twice"),
        ({"labels": [0]}, r"1 labels stand beside \d+ ids, must be as many"),
        ({"ids": [1], "labels": [99]}, "labels holds 99, must hold null or 0 to"),
    ],
)
def test_a_sprite_that_lacks_something_is_named_with_what_and_the_remedy(results, tmp_path, said, words):
    change(results, **said)
    assert re.search(rf"planted/sprite\.json: {words}.*; `strata run planted` makes it again$",
                     drawn(results, tmp_path, "neurons"))  # fmt: skip


@pytest.mark.parametrize("text", ["[1]", "{", ""])
def test_a_sprite_that_is_no_object_is_said(results, text):
    (results.folder / schema.SPRITE).write_text(text)
    with pytest.raises(DataError, match=r"sprite\.json: (no JSON|holds a list, must be an object).*makes it again$"):
        _ = results.sprite


@pytest.mark.parametrize(
    ("table", "figure"), [("names", "neurons"), ("bands", "neurons"), ("latents", "neurons"), ("measures", "verdict")]
)
def test_a_table_without_a_column_that_its_rows_are_found_by_is_said(results, tmp_path, table, figure):
    file = results.folder / f"{table}.parquet"
    last = schema.IDS[table][-1]
    whole = pd.read_parquet(file)
    whole.drop(columns=last).to_parquet(file, index=False)
    found = ", ".join(column for column in whole.columns if column != last)
    says = drawn(results, tmp_path, figure)
    assert f"{file} has no column {last}; found: {found}; `strata run planted` makes it again" in says
    assert "\n" not in says

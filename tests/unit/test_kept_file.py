"""Figures that are drawn from a file of the project."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
from planted_tables import Planted, write

from analysis.figures.draw import drawn_from
from analysis.logs.counts import History
from analysis.plan.paths import Paths
from analysis.results.kept_file import kept_file
from analysis.results.tables import Results
from sae.errors import DataError

NOTHING: History = None  # type: ignore[assignment]  # a figure of a file asks for no logs


def test_a_figure_is_given_the_file_that_its_module_names_and_another_content_is_another_drawing(tmp_path: Path):
    paths, module = Paths(tmp_path), SimpleNamespace(FROM_FILE="own/counts.json")
    file = tmp_path / "own" / "counts.json"
    file.parent.mkdir()
    file.write_text('{"rows": [3, 4]}')
    (given,) = drawn_from(module, None, NOTHING, paths)  # type: ignore[arg-type]
    assert given.json("rows") == {"rows": [3, 4]} and given.manifest["runs"] == []
    before = given.digest
    file.write_text('{"rows": [3, 5]}')
    assert drawn_from(module, None, NOTHING, paths)[0].digest != before  # type: ignore[arg-type]


def test_a_figure_of_a_file_and_of_tables_gets_the_file_first(tmp_path: Path):
    write(tmp_path / "data/results/own", Planted(looked=False))
    (tmp_path / "counts.json").write_text("{}")
    module = SimpleNamespace(FROM_FILE="counts.json", EXPERIMENTS=("own",))
    file, tables = drawn_from(module, None, NOTHING, Paths(tmp_path))  # type: ignore[arg-type]
    assert file.name == "counts.json" and isinstance(tables, Results)


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("own/none.json", None, "there is no own/none.json"),
        ("../other.json", "{}", "lies outside the project"),
        ("bad.json", "{", "bad.json is no JSON"),
        ("list.json", "[1]", "expected an object with rows"),
        ("less.json", json.dumps({"judged": []}), "rows is not there"),
    ],
)
def test_a_file_that_is_not_there_or_holds_something_else_is_refused(tmp_path: Path, name, content, says):
    root = tmp_path / "project"
    root.mkdir()
    if content is not None:
        (root / name).write_text(content)
    with pytest.raises(DataError, match=says):
        kept_file(name, Paths(root)).json("rows")

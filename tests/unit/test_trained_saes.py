"""What the tables say of each trained SAE: architecture, width and k, of its own config; and who reads them."""

from __future__ import annotations

import pandas as pd
import pytest
from conftest import CHECKOUT
from planted_tables import Planted, write

from analysis.plan.config import RunConfig
from analysis.plan.edges import SINGLES
from analysis.plan.paths import Paths
from analysis.plan.stage_folders import MANIFEST, read_manifest, seal
from analysis.results.architectures import compared, floors, numbers, seconds
from analysis.results.tables import Results
from sae.errors import DataError

PATHS = Paths(CHECKOUT)


@pytest.mark.parametrize("folder", sorted(PATHS.tracked.glob(f"*/{MANIFEST}")), ids=lambda path: path.parent.name)
def test_tracked_tables_have_what_each_sae_was_asked(folder):
    results = Results(folder.parent)
    configs = {
        str(run): RunConfig.from_canonical(text)
        for run, text in zip(results.runs["run"], results.runs["config"], strict=True)
    }
    for row in results.training.itertuples():
        config, depth = configs[str(row.run)], int(str(row.depth))
        towers = {tower.kind: tower.at for tower in config.towers}
        towers |= {SINGLES[tower.kind]: tower.single for tower in config.towers}
        asked = towers[str(row.kind)](depth, config.sae)
        assert (row.architecture, row.width, row.k) == (asked.architecture, asked.width, asked.k), row


def changed(results: Results, **columns: object) -> Results:
    """The same tables with other columns in `training`; None takes one out."""
    path, manifest = results.folder / "training.parquet", read_manifest(results.folder)
    table = pd.read_parquet(path)
    table = table.drop(columns=[name for name, value in columns.items() if value is None])
    table.assign(**{name: value(table) for name, value in columns.items() if value is not None}).to_parquet(path)
    seal(results.folder, manifest)
    return Results(results.folder)


@pytest.fixture
def tables(tmp_path):
    return write(tmp_path / "tables", Planted(depths=2, looked=False))


def test_saes_of_a_kind_come_by_depth_with_their_sizes(tables):
    found = tables.trained("latents")
    assert found[["depth", "width", "k"]].drop_duplicates().to_numpy().tolist() == [[1, 8, 4], [2, 8, 2]]
    assert set(found["control"]) == {"none"} and len(found) == 6


@pytest.mark.parametrize("column", ["width", "k"])
def test_tables_of_before_sizes_were_kept_say_so_when_they_are_asked_for(tables, column):
    older = changed(tables, **{column: None})
    assert not older.training.empty, "what does not need them goes on"
    with pytest.raises(DataError, match="made by an older version; `strata run planted` renews it"):
        older.trained("latents")


def test_what_is_compared_is_called_by_its_architecture_whatever_the_tower_is_made_of(tables):
    assert compared(tables) == {"latents": "TopK", "gated": "Gated"}
    other = changed(tables, architecture=lambda table: table["kind"].map({"gated": "mine"}).fillna("jumprelu"))
    assert compared(other) == {"latents": "JumpReLU", "gated": "mine"}
    assert {label: control for label, control in floors(other).items() if "JumpReLU" in label} == {
        "JumpReLU, labels permuted": "permuted_labels", "JumpReLU, random network": "random_host",
    }  # fmt: skip
    for rows in (numbers(other, "variance_explained"), seconds(other)):
        assert set(rows.loc[~rows["floor"], "what"]) == {"JumpReLU", "mine"}


def test_an_architecture_that_is_compared_with_its_like_is_not_mixed_with_it(tables):
    like = changed(tables, architecture=lambda table: "topk")
    assert compared(like) == {"latents": "TopK", "gated": "TopK, compared"}
    assert len(seconds(like)) == 6

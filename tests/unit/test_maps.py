"""The map of directions: where points lie, which classes they have, who gets one, and what the explorer reads of it."""

from __future__ import annotations

import json

import pytest
import torch
from explorer_project import explored, project
from planted_tables import Planted, write
from test_looks import DIRECTIONS, LATENTS, experiment

from analysis.pages.explorer_map import map_of
from analysis.plan.chains import plan
from analysis.plan.config import TowerConfig
from analysis.plan.interpret_config import InterpretConfig
from analysis.plan.language_config import LanguageConfig
from analysis.plan.looks import of_chains
from analysis.plan.map_config import NO_CLASS
from analysis.results.tables import is_current, stage_keys
from analysis.run.interpret.embedding import FEW, embedded, main_classes, strongest_codes

JUDGED = TowerConfig(kind="latents", depth=2)
NOBODY = InterpretConfig()


def maps_of(e):
    return [stage for look in of_chains(e, plan(e)) for stage in look.stages if stage.name == "maps"]


def bundles(n, groups, width=20):
    """`n` directions, each close to one of `groups` axes and of any length."""
    axes = torch.eye(width)[torch.arange(n) % groups]
    noise = torch.randn(n, width, generator=torch.Generator().manual_seed(3))
    return (axes + 0.05 * noise) * torch.linspace(0.1, 9, n)[:, None]


def test_directions_that_are_alike_are_neighbours_whatever_their_lengths():
    places = embedded(bundles(45, 3))
    assert places.shape == (45, 2) and places.abs().max() == 1
    apart = torch.cdist(places, places).fill_diagonal_(9)
    assert (apart.argmin(1) % 3 == torch.arange(45) % 3).all()


def test_equal_directions_get_equal_places_however_often_they_are_placed():
    given = bundles(30, 5)
    assert torch.equal(embedded(given), embedded(given.clone()))


@pytest.mark.parametrize("n", [0, 1, 2, FEW - 1, FEW])
def test_few_directions_have_places_too(n):
    places = embedded(bundles(n, 2))
    assert places.shape == (n, 2) and places.isfinite().all()


def test_a_dead_direction_and_a_space_of_one_dimension_have_places():
    with_none = bundles(12, 3)
    with_none[4] = 0
    assert embedded(with_none).isfinite().all()
    assert embedded(torch.tensor([[1.0], [-2.0], [3.0]])).tolist() == [[1, 0], [-1, 0], [1, 0]]


def test_the_class_of_a_latent_is_the_one_that_has_most_of_its_activation():
    codes = torch.tensor([[1.0, 0, 0], [1.0, 0, 5], [0, 0, 1.0], [3.0, 0, 1]])
    labels = torch.tensor([0, 0, 1, 2])
    assert main_classes(codes, labels, 3).tolist() == [2, NO_CLASS, 0]
    assert main_classes(codes, None, 0).tolist() == [NO_CLASS] * 3


def test_directions_that_nobody_learned_fire_at_the_depths_own_l0():
    rows = torch.randn(50, 8, generator=torch.Generator().manual_seed(1)) + 4
    codes = strongest_codes(rows, torch.cat([torch.eye(8), -torch.eye(8)]), 3)
    assert (codes >= 0).all() and ((codes > 0).sum(1) == 3).all()
    assert strongest_codes(rows, torch.eye(8), 30).shape == (50, 8), "no more than there are"


def test_the_first_seeds_trained_tower_is_mapped_where_it_is_looked_at_or_judged():
    for e in (experiment(), experiment(towers=(JUDGED, DIRECTIONS), interpret=NOBODY)):
        (stage,) = maps_of(e)
        assert (stage.config.seed, stage.config.control, stage.config.kind) == (1, "none", "latents")
        assert {name.split("_")[0] for name in stage.inputs} == {"activations", "latents"}, "a host is not needed"
    assert maps_of(experiment())[0].config.held_out_rows == 2000
    assert maps_of(experiment(towers=(JUDGED,), interpret=NOBODY))[0].config.held_out_rows == 0, "all of them"


@pytest.mark.parametrize(
    "changes",
    [
        {"interpret": NOBODY}, {"interpret": NOBODY, "towers": (DIRECTIONS,)},
        {"interpret": NOBODY, "towers": (JUDGED,), "grid": {"sae.k": [4, 8]}},
        {"interpret": NOBODY, "towers": (JUDGED,), "language": LanguageConfig(contexts=2)},
    ],
)  # fmt: skip
def test_what_no_page_shows_is_not_mapped(changes):
    assert maps_of(experiment(**changes)) == []


def test_a_map_changes_no_other_stage():
    judged, bare = (experiment(towers=(tower,), interpret=NOBODY) for tower in (JUDGED, LATENTS))
    assert maps_of(judged) and not maps_of(bare)
    assert {stage.name for chain in plan(judged) for stage in chain.stages}.isdisjoint({"maps"})


def test_tables_of_chains_alone_hold_no_map(tmp_path):
    """Where a chain fails the others' tables are collected, and no map is waited for."""
    e = experiment(towers=(JUDGED,), interpret=NOBODY)
    chains = plan(e)
    assert [name for name in stage_keys(e, chains) if name.endswith("/maps")] == [f"map of run {chains[2].run}/maps"]
    assert set(stage_keys(e, chains, looked=False)) == {f"{chain.run}/{chain.control}" for chain in chains}
    assert not is_current(e, chains, project(tmp_path, {"letters": Planted(depths=1, seeds=1)}), looked=False)


def test_the_explorer_reads_places_classes_and_how_alike_neighbours_are(tmp_path):
    results = write(tmp_path / "shells", Planted(depths=2, seeds=1, classes=("a", "b")))
    found = map_of(results, "latents", 2)
    assert [point[0] for point in found["points"]] == list(range(len(found["points"])))
    assert found["points"][0] == [0, -1000, 0, 0] and found["points"][-1][1:3] == [1000, 0]
    assert set(found["floors"]) == {"random", "mixtures"} and found["floors"]["random"][0] == [250, -1000, 0]
    assert map_of(results, "latents", 3) is None and map_of(results, "host", 0) is None


def test_neighbours_of_the_same_class_are_counted_where_there_are_classes_and_enough_points(tmp_path):
    import pandas as pd

    from analysis.pages.explorer_map import _alike

    side = pd.DataFrame({"x": [0.0] * 6 + [1.0] * 6, "y": [0.1 * n for n in range(6)] * 2, "class": [0] * 6 + [1] * 6})
    assert _alike(side) == 1
    assert _alike(side.assign(**{"class": [0, 1] * 6})) < 0.5
    assert _alike(side.assign(**{"class": -1})) is None and _alike(side.iloc[:5]) is None


def test_every_depth_says_whether_it_has_a_map_and_old_tables_have_none(tmp_path):
    texts = explored(
        project(
            tmp_path,
            {"sea_shells": Planted(depths=2, seeds=1), "older": Planted(depths=1, seeds=1, mapped=False)},
        )
    )
    own, older = (json.loads(texts[f"{name}/index.json"])["levels"] for name in ("site", "older"))
    assert [level["map"] for level in own] == ["", "latents-1-map.json", "latents-2-map.json"]
    assert {level["map"] for level in older} == {""} and not [
        name for name in texts if name.startswith("older/lat") and "map" in name
    ]
    assert json.loads(texts["site/latents-1-map.json"])["points"]

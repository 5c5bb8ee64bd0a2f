"""Variants and grids: which runs an experiment is expanded into, what they are named, and which paths are refused."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from analysis.plan.chains import run_id
from analysis.plan.config import Experiment, RunConfig, load_experiment
from analysis.plan.settings import flat, override, said
from sae.config import StopConfig
from sae.errors import ConfigError

START = """
title = "x"
seeds = [0, 1]

[sae]
width = 64
k = 16
options = { k_aux = 2, encoder_norm = 0.5 }
"""
LATENTS = '[[towers]]\nkind = "latents"\nstop = { loss = 0.5 }\n'
DIRECTIONS = '[[towers]]\nkind = "directions"\n'
BOTH = START + LATENTS + DIRECTIONS


@pytest.fixture
def load(tmp_path: Path):
    """The experiment of a TOML text."""

    def loader(text: str) -> Experiment:
        (tmp_path / "trial.toml").write_text(text)
        return load_experiment(tmp_path, "trial")

    return loader


def at(config: Any, path: str) -> Any:
    """The value at a dotted path; a number counts towers."""
    for part in path.split("."):
        config = config[int(part)] if part.isdigit() else getattr(config, part)
    return config


# settings by path


def test_nested_tables_become_dotted_paths_and_a_quoted_path_keeps_its_table():
    nested = {"sae": {"k": 1, "train": {"lr": 0.1}}, "panel": "short"}
    assert flat(nested) == {"sae.k": 1, "sae.train.lr": 0.1, "panel": "short"}
    assert flat({"sae.options": {"penalty": 0.1}}) == {"sae.options": {"penalty": 0.1}}
    assert flat({"towers": {"latents.stop": {}}}) == {"towers.latents.stop": {}}
    assert flat(flat(nested)) == flat(nested)


def test_a_value_that_is_set_is_not_shared_with_where_it_came_from():
    value: dict[str, Any] = {"penalty": [1, 2]}
    one, two = {"options": {}}, {"options": {}}
    for table in (one, two):
        override(table, ["options"], value)
    one["options"]["penalty"].append(3)
    assert two["options"] == value == {"penalty": [1, 2]}


@pytest.mark.parametrize(
    ("value", "text"), [(4, "4"), (0.1, "0.1"), (True, "True"), ("halving", "halving"), ([8, 4, 2], "8-4-2")]
)
def test_a_value_as_it_stands_in_a_name(value, text):
    assert said(value) == text


# which runs


def test_without_variants_and_grid_there_is_one_unnamed_point(load):
    experiment = load(BOTH)
    assert experiment.points() == [("", {}, (0, 1))]
    assert [(run.variant, run.seed) for run in experiment.runs()] == [("", 0), ("", 1)]


def test_a_grid_is_all_combinations_the_first_axis_slowest(load):
    experiment = load(BOTH + '[grid]\n"sae.k" = [8, 4]\n"every.train.steps" = [10, 20, 30]\n')
    names = [name for name, _, _ in experiment.points()]
    assert names == [f"k {k}, steps {steps}" for k in (8, 4) for steps in (10, 20, 30)]
    runs = experiment.runs()
    assert [(run.variant, run.seed) for run in runs] == [(name, seed) for name in names for seed in (0, 1)]
    assert [(run.sae.k, run.sae.train.steps) for run in runs[::2]] == [(k, s) for k in (8, 4) for s in (10, 20, 30)]
    assert len({run_id(run) for run in runs}) == 12
    assert all(RunConfig.from_canonical(run.canonical()) == run for run in runs)


@pytest.mark.parametrize(
    "text",
    [
        '[grid]\n"towers.k" = [[4, 2, 1], "constant"]\n"sae.train.lr" = [0.1]\n',
        '[grid]\ntowers.k = [[4, 2, 1], "constant"]\nsae.train.lr = [0.1]\n',
        '[grid.towers]\nk = [[4, 2, 1], "constant"]\n[grid.sae.train]\nlr = [0.1]\n',
        '[grid]\ntowers = { k = [[4, 2, 1], "constant"] }\nsae = { train = { lr = [0.1] } }\n',
    ],
    ids=["quoted", "dotted", "tables", "inline"],
)
def test_every_spelling_of_a_path_is_the_same(text, load):
    experiment = load(BOTH + text)
    assert experiment.grid == {"towers.k": [[4, 2, 1], "constant"], "sae.train.lr": [0.1]}
    assert [name for name, _, _ in experiment.points()] == ["k 4-2-1, lr 0.1", "k constant, lr 0.1"]


VARIANTS = """
[grid]
"sae.k" = [8, 4]
"towers.depth" = [2]

[[variants]]
name = "plain"

[[variants]]
name = "wide"
set = { "sae.width" = 128, towers.folds = 3 }
grid = { "sae.k" = [2] }
seeds = [5]
"""


def test_variants_are_run_with_the_grid_in_which_their_own_axes_stand_in_place_of_the_same(load):
    experiment = load(BOTH + VARIANTS)
    assert experiment.points() == [
        ("plain, k 8, depth 2", {"sae.k": 8, "towers.depth": 2}, (0, 1)),
        ("plain, k 4, depth 2", {"sae.k": 4, "towers.depth": 2}, (0, 1)),
        ("wide, k 2, depth 2", {"sae.width": 128, "towers.folds": 3, "sae.k": 2, "towers.depth": 2}, (5,)),
    ]
    runs = experiment.runs()
    assert [(run.seed, run.sae.width, run.sae.k) for run in runs] == [
        (0, 64, 8), (1, 64, 8), (0, 64, 4), (1, 64, 4), (5, 128, 2),
    ]  # fmt: skip
    assert [[tower.folds for tower in run.towers] for run in (runs[0], runs[-1])] == [[5, 5], [3, 3]]


def test_a_variant_alone_is_named_as_it_says(load):
    experiment = load(BOTH + '[[variants]]\nname = "a"\nset = { sae.k = 4 }\n')
    assert [run.variant for run in experiment.runs()] == ["a", "a"]


ONE_PLACE = {
    "a variant sets what it sweeps": (
        "set = { towers.depth = 3 }\ngrid = { towers.depth = [2] }\n",
        17,
        "towers.depth",
    ),
    "of a kind and of all": ('set = { "towers.folds" = 3, "towers.latents.folds" = 4 }\n', 16, "towers.latents.folds"),
    "of every SAE and of the first": ("set = { every.train.lr = 0.1, sae.train.lr = 0.2 }\n", 16, "every.train.lr"),
    "a table and what is in it": ('set = { "sae.options" = {}, "sae.options.k_aux" = 3 }\n', 16, "sae.options.k_aux"),
    "of the experiment's grid": ('set = { panel = "short" }\n[grid]\npanel = ["full"]\n', 16, "panel"),
}


@pytest.mark.parametrize("case", ONE_PLACE)
def test_one_setting_given_by_two_paths_is_refused_with_its_line(case, load):
    text, line, path = ONE_PLACE[case]
    with pytest.raises(ConfigError, match=rf"trial\.toml:{line}: .*, a: .*\b{path}\b.* set the same thing"):
        load(BOTH + '[[variants]]\nname = "a"\n' + text)


def test_paths_that_only_begin_alike_are_two_settings(load):
    paths = 'set = { "every.options.k_aux" = 3, "towers.k" = "constant" }\ngrid = { "towers.kind" = ["latents"] }\n'
    assert len(load(BOTH + '[[variants]]\nname = "a"\n' + paths).runs()) == 2


# what a path reaches

REACHED = {
    "panel": ("short", {"panel": "short"}),
    "controls": (False, {"controls": False}),
    "host.options.epochs": (3, {"host.options": {"epochs": 3}}),
    "sae.train.lr": (1, {"sae.train.lr": 1.0, "towers.0.train.lr": 2e-3}),
    "every.train.lr": (0.1, {"sae.train.lr": 0.1, "towers.0.train.lr": 0.1, "towers.1.train.lr": 0.1}),
    "every.architecture": ("gated", {"sae.architecture": "gated", "towers.1.architecture": "gated"}),
    "every.options.k_aux": (9, {"sae.options": {"k_aux": 9, "encoder_norm": 0.5}, "towers.0.options": {"k_aux": 9}}),
    "towers.k": ("constant", {"sae.k": 16, "towers.0.k": "constant", "towers.1.k": "constant"}),
    "towers.latents.k": ([3, 2, 1], {"towers.0.k": [3, 2, 1], "towers.1.k": "halving"}),
    "towers.directions.train.steps": (7, {"towers.0.train.steps": 1500, "towers.1.train.steps": 7}),
    "towers.stop.loss": (0.25, {"towers.0.stop.loss": 0.25, "towers.1.stop.loss": 0.25}),
    "towers.stop": ({}, {"towers.0.stop": StopConfig(), "towers.1.stop": StopConfig()}),
    "sae.options": ({"k_aux": 3}, {"sae.options": {"k_aux": 3}}),
}


@pytest.mark.parametrize("path", REACHED)
def test_a_path_changes_what_it_names_and_nothing_else(path, load):
    value, wanted = REACHED[path]
    plain = load(BOTH)
    found = dataclasses.replace(plain, grid={path: [value]}).runs()[0]
    assert {place: at(found, place) for place in wanted} == wanted
    touched = ("sae", "towers") if path.startswith("every") else (path.split(".")[0],)
    back = dataclasses.replace(found, variant="", **{part: getattr(plain.runs()[0], part) for part in touched})
    assert back == plain.runs()[0]


def test_a_quoted_path_with_a_table_replaces_and_a_nested_one_adds(load):
    replaced = load(BOTH + '[[variants]]\nname = "a"\nset = { "sae.options" = { aux_weight = 0.1 } }\n').runs()[0]
    assert replaced.sae.options == {"aux_weight": 0.1}
    added = load(BOTH + '[[variants]]\nname = "a"\nset = { sae.options = { aux_weight = 0.1 } }\n').runs()[0]
    assert added.sae.options == {"aux_weight": 0.1, "k_aux": 2, "encoder_norm": 0.5}


def test_the_kind_picks_the_towers_that_are_built(load):
    runs = load(BOTH + '[grid]\n"towers.kind" = ["directions", "latents"]\n').runs()
    assert [(run.variant, [tower.kind for tower in run.towers]) for run in runs[::2]] == [
        ("kind directions", ["directions"]), ("kind latents", ["latents"]),
    ]  # fmt: skip
    assert runs[2].towers[0].stop == StopConfig(loss=0.5), "as it stands in the file"


# mistakes

NOWHERE = {
    "an unknown part of a path": ("sae.trian.lr", 0.1, "no setting 'sae.trian.lr'.*known here: .*train"),
    "an unknown last part": ("sae.widht", 4, "unknown key 'widht'"),
    "below a number": ("sae.k.x", 4, "no setting 'sae.k.x'"),
    "below text": ("dataset.x", 4, "no setting 'dataset.x'"),
    "an unknown first part": ("seas.k", 4, "no setting 'seas.k'.*known here: .*sae"),
    "every thing": ("every", 4, "unknown key 'every'"),
    "a kind that is not there": ("towers.directions.k", 4, "no setting 'towers.directions.k'"),
    "a kind without a setting": ("towers.latents", 4, "no setting 'towers.latents'.*no tower to set it in"),
    "towers of no kind": ("towers.kind", "codes", "no setting 'towers.kind'.*no tower of kind 'codes'"),
    "what belongs to the whole experiment": ("title", "y", "unknown key 'title'"),
    "a wrong type": ("sae.k", "many", r"sae\.k = 'many': must be of type int"),
    "no active latents": ("sae.k", 0, r"k = 0: k must be in 1\.\.width"),
    "a wrong value": ("towers.depth", 11, r"towers\.depth = 11: must be in 1\.\.10"),
    "a list that does not fit": ("towers.k", [4, 2], r"towers\.k = \[4, 2\]: needs 3 entries"),
}


@pytest.mark.parametrize("case", NOWHERE)
def test_a_path_that_leads_nowhere_or_a_value_that_cannot_be_is_refused(case, load):
    path, value, words = NOWHERE[case]
    experiment = dataclasses.replace(load(START + LATENTS), grid={path: [value]})
    with pytest.raises(ConfigError, match=words):
        experiment.runs()


@pytest.mark.parametrize("value", ["4", "[]", '"all"'])
@pytest.mark.parametrize("where", ["[grid]\n", '[[variants]]\nname = "a"\n[variants.grid]\n'])
def test_an_axis_is_a_list_of_values(where, value, load):
    with pytest.raises(ConfigError, match=r"trial\.toml:\d+: (experiment trial|variant a): grid\.sae\.k = .*: must be"):
        load(BOTH + where + f"sae.k = {value}\n")


def test_two_runs_of_one_name_are_refused(load):
    twice = '[[variants]]\nname = "a"\n'
    with pytest.raises(ConfigError, match="experiment trial: two runs are named 'a'"):
        load(BOTH + twice + twice).runs()
    with pytest.raises(ConfigError, match="two runs are named 'k 4'"):
        load(BOTH + '[grid]\n"sae.k" = [4, 4]\n').runs()


def test_an_error_says_in_which_point_it_is(load):
    with pytest.raises(ConfigError, match=r"experiment trial, b\.sae\.k = 1\.5"):
        load(BOTH + '[[variants]]\nname = "b"\nset = { sae.k = 1.5 }\n').runs()


def test_variants_are_different_runs_even_where_their_settings_are_the_same(load):
    one, two = load(
        START.replace("[0, 1]", "[0]") + LATENTS + '[[variants]]\nname = "a"\n[[variants]]\nname = "b"\n'
    ).runs()
    assert run_id(one) != run_id(two) and dataclasses.replace(one, variant="b") == two

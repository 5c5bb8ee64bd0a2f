"""Which stages a run is made of: what is shared, what stands beside a tower, and what a change of a setting costs."""

from __future__ import annotations

import dataclasses
import importlib.util
from collections import Counter
from typing import Any

import pytest
import torch

from analysis.plan.chains import Chain, plan
from analysis.plan.config import Experiment, SaeConfig, TowerConfig
from analysis.plan.stage_folders import Stage
from analysis.run.stages.sae import train_layer
from analysis.run.verify import Report, other_steps
from sae.config import StopConfig, TrainConfig
from sae.errors import StageError

LATENTS = TowerConfig(kind="latents", depth=3)
DIRECTIONS = TowerConfig(kind="directions", depth=2, k=[4])


def experiment(*towers: TowerConfig, **changes: Any) -> Experiment:
    """One seed on the digits."""
    settings = {"sae": SaeConfig(width=64, k=8), "seeds": (0,), **changes}
    return Experiment(name="x", title="x", towers=towers or (LATENTS, DIRECTIONS), **settings)


def trained(*towers: TowerConfig, **changes: Any) -> Chain:
    """Its chain on the trained host."""
    return next(chain for chain in plan(experiment(*towers, **changes)) if chain.control == "none")


def named(chain: Chain, name: str) -> list[Stage]:
    return [stage for stage in chain.stages if stage.name == name]


def by_place(chain: Chain) -> dict[str, str]:
    """The key of each stage, by what the measures call it; of the last one, too."""
    return {name: stage.key for name, stage in chain.measures.inputs.items()} | {"measures": chain.measures.key}


def changed(one: Chain, two: Chain) -> set[str]:
    """What of `one` has another key in `two`."""
    old, new = by_place(one), by_place(two)
    assert old.keys() == new.keys()
    return {name for name in old if old[name] != new[name]}


def test_with_controls_there_is_a_chain_on_each_host_and_without_them_one_a_run():
    both, one = plan(experiment(seeds=(0, 1))), plan(experiment(seeds=(0, 1), controls=False))
    assert [(chain.config.seed, chain.control) for chain in both] == [
        (0, "none"), (0, "random_host"), (1, "none"), (1, "random_host"),
    ]  # fmt: skip
    assert [(chain.config.seed, chain.control) for chain in one] == [(0, "none"), (1, "none")]
    assert {chain.run for chain in one}.isdisjoint({chain.run for chain in both}), "what is controlled is part of a run"
    same = [{stage.key for stage in chain.stages if stage.name != "measures"} for chain in (both[0], one[0])]
    assert same[0] == same[1], "but its SAEs are the same"


@pytest.mark.parametrize("control", ["none", "random_host"])
def test_every_stage_stands_once_and_after_what_it_reads(control):
    towers = [dataclasses.replace(tower, direct=True) for tower in (LATENTS, DIRECTIONS)]
    compare = (SaeConfig(architecture="gated", width=64, k=8),)
    chain = next(c for c in plan(experiment(*towers, compare=compare)) if c.control == control)
    keys = [stage.key for stage in chain.stages]
    assert len(set(keys)) == len(keys)
    for number, stage in enumerate(chain.stages):
        assert {given.key for given in stage.inputs.values()} <= set(keys[:number]), stage.name
    assert chain.stages[-1] is chain.measures and chain.measures.name == "measures"


def test_nulls_are_trained_on_the_trained_host_only_and_once_for_the_depth_that_both_kinds_share():
    none, random = plan(experiment())
    assert Counter(stage.name for stage in none.stages) == {
        "host": 1, "activations": 1, "sae": 4, "nulls": 4, "null_tower": 1, "measures": 1,
    }  # fmt: skip
    assert not named(random, "nulls") and not any(name.startswith("nulls") for name in random.measures.inputs)
    inputs = none.measures.inputs
    for place in ("", "nulls-"):
        assert inputs[f"{place}latents_1"].key == inputs[f"{place}directions_1"].key
    assert sorted((stage.config.depth, stage.config.kind or "") for stage in named(none, "nulls")) == [
        (1, ""), (2, "directions"), (2, "latents"), (3, "latents"),
    ]  # fmt: skip
    for stage in named(none, "nulls"):
        depth, kind = stage.config.depth, stage.config.kind or "latents"
        assert stage.inputs["activations"] is inputs["activations"]
        assert [stage.inputs[f"layer_{d}"] for d in range(1, depth + 1)] == [
            inputs[f"{kind}_{d}"] for d in range(1, depth + 1)
        ]


def test_nulls_are_trained_as_their_depth_was():
    chain = trained()
    for name, stage in chain.measures.inputs.items():
        if name.startswith("nulls-"):
            depth = chain.measures.inputs[name.removeprefix("nulls-")].config
            for key in ("architecture", "width", "k", "options", "train", "depth", "folds", "seed"):
                assert getattr(stage.config, key) == getattr(depth, key), (name, key)


def test_a_tower_may_do_without_nulls():
    bare = [dataclasses.replace(tower, nulls=False) for tower in (LATENTS, DIRECTIONS)]
    assert not named(trained(*bare), "nulls")
    half = trained(LATENTS, bare[1])
    assert {name for name in half.measures.inputs if name.startswith("nulls")} == {
        f"nulls-latents_{depth}" for depth in (1, 2, 3)
    }


def test_beside_a_tower_stand_single_saes_on_the_host():
    towers = [dataclasses.replace(tower, direct=True, nulls=False) for tower in (LATENTS, DIRECTIONS)]
    chain = trained(*towers, seeds=(3,))
    inputs = chain.measures.inputs
    assert [role.name for role in chain.measures.config.singles] == ["direct_2", "direct_3", "small_2"]
    singles = {name: inputs[name].config for name in (role.name for role in chain.measures.config.singles)}
    assert {name: (single.width, single.k) for name, single in singles.items()} == {
        "direct_2": (64, 4), "direct_3": (64, 2), "small_2": (32, 8),
    }  # fmt: skip
    for name, single in singles.items():
        assert (single.depth, single.kind, single.stop, single.folds) == (1, None, None, 0), name
        assert list(inputs[name].inputs) == ["activations"], "it reads the host and nothing else"


def test_a_small_sae_as_wide_as_a_direct_one_and_as_sparse_is_the_same_stage():
    towers = (
        dataclasses.replace(LATENTS, depth=2, width=[32], k="constant", direct=True),
        dataclasses.replace(DIRECTIONS, direct=True),
    )
    inputs = trained(*towers).measures.inputs
    assert inputs["direct_2"].key == inputs["small_2"].key


def test_architectures_are_compared_on_the_trained_host_only():
    compare = (SaeConfig(architecture="gated", width=64, k=8),)
    none, random = plan(experiment(compare=compare))
    assert none.measures.config.compare == ("gated",) and random.measures.config.compare == ()
    assert none.measures.inputs["compare_gated"].config.architecture == "gated"


def test_limits_of_stopping_are_part_of_the_depths_above_the_first_only():
    towers = [dataclasses.replace(tower, stop=StopConfig(loss=0.5)) for tower in (LATENTS, DIRECTIONS)]
    assert changed(trained(), trained(*towers)) == {
        "latents_2", "latents_3", "nulls-latents_2", "nulls-latents_3",
        "directions_2", "nulls-directions_2", "null-tower", "measures",
    }  # fmt: skip


def test_a_panel_is_a_matter_of_measuring_alone():
    assert changed(trained(), trained(panel="short")) == {"measures"}


def test_a_depth_that_is_trained_otherwise_leaves_those_below_as_they_were():
    other = dataclasses.replace(LATENTS, k=[4, 1])
    assert changed(trained(), trained(other, DIRECTIONS)) == {"latents_3", "nulls-latents_3", "null-tower", "measures"}


def test_points_of_a_grid_share_what_is_the_same():
    runs = plan(experiment(LATENTS, controls=False, grid={"towers.k": [[4, 2], [4, 1]]}))
    shared = set.intersection(*({stage.key for stage in chain.stages} for chain in runs))
    different = {stage.name for chain in runs for stage in chain.stages if stage.key not in shared}
    assert [chain.config.variant for chain in runs] == ["k 4-2", "k 4-1"]
    assert len(shared) == 6, "host, activations, depths 1 and 2 with their nulls"
    assert different == {"sae", "nulls", "null_tower", "measures"}


def without_numba(monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "numba" else find(name))


def test_what_other_steps_have_trained_is_another_stage_of_the_same_run(monkeypatch):
    """Without numba the same formulas add up in another order: results of the two must not be mixed in one tower."""
    here, plain = trained(), trained(sae=SaeConfig(width=64, k=8, train=TrainConfig(compiled=False)))
    without_numba(monkeypatch)
    there = trained()
    assert there.run == here.run, "tables of either machine stay readable on the other"
    kept = {name for name, key in by_place(here).items() if by_place(there)[name] == key}
    assert kept == {"host", "activations"}
    assert {stage.config.step for stage in named(here, "sae")} == {"compiled where there is one"}
    assert {stage.config.step for stage in (*named(there, "sae"), *named(there, "nulls"))} == {"torch on cpu"}
    assert named(plain, "sae")[0].config.step == "torch on cpu", "told to, plain torch trains everywhere"
    monkeypatch.setenv("STRATA_DEVICE", "cuda:1")
    assert {stage.config.step for stage in named(trained(), "sae")} == {"torch on cuda"}


def test_a_worker_that_would_take_other_steps_than_planned_refuses(monkeypatch):
    config = named(trained(), "sae")[0].config
    without_numba(monkeypatch)
    with pytest.raises(StageError, match=r"planned for training by compiled .* here it is torch on cpu: install numba"):
        train_layer(config, torch.zeros(2, 3))


def test_a_verification_says_when_other_steps_train_now_than_then():
    report = Report("x", 1, 10, 0.002, "l0", 0.01, steps=other_steps({"compiled (numba 9)", "torch"}, {"torch"}))
    assert report.text().endswith("agrees; trained by compiled (numba 9) and torch then, by torch now")
    assert other_steps({"torch"}, {"torch"}) == ""

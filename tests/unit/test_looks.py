"""Which stages look at single latents, and what their keys hang on."""

from __future__ import annotations

import dataclasses

import pytest

from analysis.plan.chains import plan
from analysis.plan.config import Experiment, HostConfig, SaeConfig, TowerConfig
from analysis.plan.interpret_config import InterpretConfig
from analysis.plan.looks import of_chains, of_data
from sae.errors import ConfigError

LATENTS = TowerConfig(kind="latents", depth=3, nulls=False)
DIRECTIONS = TowerConfig(kind="directions", depth=2, nulls=False)
LOOK = InterpretConfig(kind="latents")


def experiment(**changes: object) -> Experiment:
    given = {"name": "e", "title": "E", "towers": (LATENTS,), "seeds": (3, 1), "interpret": LOOK, **changes}
    return Experiment(host=HostConfig(), sae=SaeConfig(), **given)


def looks(e: Experiment):
    return [look for look in of_chains(e, plan(e)) if look.stages[0].name == "interpret"]


def test_without_interpret_nothing_is_looked_at():
    e = experiment(interpret=InterpretConfig())
    assert of_data(e) == [] and looks(e) == []


def test_every_chain_is_interpreted_and_the_first_seed_has_pictures():
    found = looks(experiment())
    assert len(found) == 4, "two seeds, two hosts"
    with_pictures = [look for look in found if [s.name for s in look.stages] == ["interpret", "pictures"]]
    assert {look.stages[0].config.seed for look in with_pictures} == {1}, "the smallest seed, wherever it stands"
    assert {look.stages[0].config.control for look in with_pictures} == {"none", "random_host"}


def test_pictures_of_the_trained_host_see_the_other_seeds_and_their_own_random_twin():
    pictures = {look.stages[0].config.control: look.stages[-1] for look in looks(experiment())[2:]}
    others = {name.split("/")[0] for name in pictures["none"].inputs if "/" in name}
    assert others == {"seed 3", "random_host"}
    assert not [name for name in pictures["random_host"].inputs if "/" in name]
    assert {name for name in pictures["none"].inputs if name.startswith("seed 3/")} == {
        "seed 3/activations", "seed 3/latents_1", "seed 3/latents_2", "seed 3/latents_3",
    }  # fmt: skip


def test_looking_changes_no_run():
    with_looks, without = experiment(), experiment(interpret=InterpretConfig())
    assert [chain.measures.key for chain in plan(with_looks)] == [chain.measures.key for chain in plan(without)]


@pytest.mark.parametrize("change", [{"train_rows": 100}, {"held_out_rows": 100}, {"permutations": 39}])
def test_a_setting_of_looking_changes_what_is_looked_at_only(change):
    other = experiment(interpret=dataclasses.replace(LOOK, **change))
    assert looks(other)[0].stages[0].key != looks(experiment())[0].stages[0].key


def test_the_reader_is_trained_once_and_shares_no_seed_with_a_run():
    (data,) = of_data(experiment())
    images, reader = data.stages
    assert (images.name, reader.name) == ("images", "reader") and reader.inputs == {}
    assert reader.config.seed not in experiment().seeds
    assert {look.stages[-1].inputs["reader"].key for look in looks(experiment())[2:]} == {reader.key}


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"towers": (DIRECTIONS,)}, "interpret.kind = 'latents'"),
        ({"grid": {"sae.k": [4, 8]}}, "one point"),
        ({"panel": "short"}, "full panel"),
    ],
)
def test_what_cannot_be_looked_at_is_refused(changes, says):
    with pytest.raises(ConfigError, match=says):
        experiment(**changes)


@pytest.mark.parametrize(
    "wrong", [{"kind": "directions"}, {"permutations": 5}, {"train_rows": 0}, {"held_out_rows": 0}, {"steps": 0}]
)
def test_wrong_settings_are_refused(wrong):
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        InterpretConfig(**{"kind": "latents", **wrong})


def test_single_saes_beside_the_tower_are_looked_at_for_their_effects():
    with_singles = dataclasses.replace(LATENTS, direct=True)
    stage = looks(experiment(towers=(with_singles,)))[0].stages[0]
    assert {name for name in stage.inputs if name.startswith("direct_")} == {"direct_2", "direct_3"}
    assert stage.config.depth == 3, "they are no depths of the tower"

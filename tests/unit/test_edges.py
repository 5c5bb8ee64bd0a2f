"""What a stage is to the one that reads it: written and read in one place, and refused where it cannot be."""

from __future__ import annotations

import dataclasses

import pytest

from analysis.plan import edges
from analysis.plan.chains import plan
from analysis.plan.config import Experiment, SaeConfig, TowerConfig
from analysis.plan.edges import ACTIVATIONS, HOST, IMAGES, INTERPRET, NULL_TOWER, READER, Edge, Role
from analysis.plan.interpret_config import InterpretConfig
from analysis.plan.looks import stages_of
from analysis.plan.stage_folders import Stage, StageConfig
from sae.errors import StageError

NAMES = {
    "host": HOST, "activations": ACTIVATIONS, "images": IMAGES, "interpret": INTERPRET, "reader": READER,
    "null-tower": NULL_TOWER, "layer_7": edges.layer(7), "latents_10": edges.tower("latents", 10),
    "directions_1": edges.tower("directions", 1), "nulls-directions_3": edges.nulls("directions", 3),
    "direct_2": edges.single("latents", 2), "small_4": edges.single("directions", 4),
    "compare_joint_topk": edges.compared("joint_topk"), "compare_direct_2": edges.compared("direct_2"),
    "seed 12/latents_2": edges.tower("latents", 2).of("seed 12"),
    "compare_my-own": edges.compared("my-own"), "random_host/activations": ACTIVATIONS.of("random_host"),
}  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_a_role_is_written_and_read_back(name):
    role = NAMES[name]
    assert role.name == name and Role.parse(name) == role and hash(Role.parse(name)) == hash(role)


@pytest.mark.parametrize(
    "name",
    ["", "hosts", "latents", "latents_0", "latents_-1", "latents_1.5", "codes_2", "nulls-direct_2", "nulls_latents_2",
     "layer_", "compare_", "null_tower", "/host", "a/b/host", "layer_2 ", "layer_02"],
)  # fmt: skip
def test_a_name_that_no_stage_is_read_under_is_refused_with_those_that_are(name):
    with pytest.raises(StageError, match=r"no stage is read as that; expected one of host, .*compare_\{architecture\}"):
        Role.parse(name)


@pytest.mark.parametrize(
    "fields",
    [("tower",), ("tower", "direct", 2), ("tower", "latents"), ("layer", None, 0), ("layer", "latents", 2),
     ("host", None, 1), ("single", "direct", 2), ("compared", None, 0, ""), ("nulls", "latents", 1, "topk"),
     ("nothing",), ("layer", None, 2, "", "a/b")],
)  # fmt: skip
def test_a_role_whose_fields_do_not_belong_together_is_refused(fields):
    with pytest.raises(StageError, match="no stage is read as that"):
        Role(*fields)


def test_numbers_of_a_role_stand_in_the_tables_under_a_kind_and_a_depth():
    places = [NAMES[name].place for name in ("latents_10", "direct_2", "compare_joint_topk", "compare_direct_2")]
    assert places == [("latents", 10), ("direct", 2), ("joint_topk", 1), ("direct_2", 1)]


def test_every_arrow_of_a_plan_has_a_role_and_leads_from_the_stage_that_it_names():
    towers = (
        TowerConfig(kind="latents", depth=2, direct=True),
        TowerConfig(kind="directions", depth=2, k=[4], direct=True),
    )
    experiment = Experiment(
        name="x", title="x", towers=towers, seeds=(0, 1), interpret=InterpretConfig(kind="latents"),
        compare=(SaeConfig(architecture="jumprelu"),),
    )  # fmt: skip
    stages = stages_of(experiment, plan(experiment)).values()
    found = [edge for stage in stages for edge in edges.edges(stage)]
    assert len(found) == sum(len(stage.inputs) for stage in stages)
    for edge in found:
        assert edge.child.inputs[edge.role.name] is edge.parent and edge.parent.name == edge.role.stage
    parts = {edge.role.part for edge in found}
    assert parts == {role.part for role in NAMES.values()}, "one of each stands in this plan"


def test_another_stage_than_the_role_says_is_refused():
    host, nulls = Stage(name="host", config=StageConfig(), code=""), Stage(name="nulls", config=StageConfig(), code="")
    with pytest.raises(StageError, match="stage nulls reads host as layer_1, where it expects the stage sae"):
        Edge(host, nulls, edges.layer(1))
    with pytest.raises(StageError, match="where it expects the stage nulls"):
        edges.parents(dataclasses.replace(nulls, inputs={"nulls-latents_1": host}))

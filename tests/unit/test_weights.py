"""Weights that a host reads from files are part of a run's key; what is no path is named by its option alone."""

from __future__ import annotations

from dataclasses import replace

from analysis.plan.chains import plan
from analysis.plan.config import HostConfig, load_experiment
from analysis.plan.weights import weights


def test_other_weights_are_another_run_and_a_name_of_a_hub_is_none(project):
    folder = project.root / "models/mine"
    folder.mkdir(parents=True)
    (folder / "a.safetensors").write_bytes(b"one")
    file, whole = ({"weights": name} for name in ("models/mine/a.safetensors", "models/mine"))
    before = weights(file), weights(whole)
    assert len(set(before)) == 2 and "" not in before
    (folder / "a.safetensors").write_bytes(b"two and more")
    assert not set(before) & {weights(file), weights(whole)}
    assert [weights(options) for options in ({}, {"weights": ""}, {"weights": "gpt2"}, {"weights": 3})] == [""] * 4


def test_a_folder_with_a_manifest_is_what_that_lists(project):
    folder = project.root / "models/mine"
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_text("{}")
    before = weights({"weights": "models/mine"})
    (folder / "notes.txt").write_text("beside")
    assert weights({"weights": "models/mine"}) == before
    (folder / "manifest.json").write_text('{"a": 1}')
    assert weights({"weights": "models/mine"}) != before


def test_the_key_of_a_host_says_its_weights_only_where_it_has_some(project):
    experiment = load_experiment(project.experiments, "tiny")
    (project.root / "w.bin").write_bytes(b"1")
    own = replace(experiment, host=HostConfig(hook=experiment.host.hook, options={"weights": "w.bin"}))
    plain, read = (plan(found)[0].stages[0].config.json() for found in (experiment, own))
    assert "weights" not in plain and len(read["weights"]) == 64


def test_hosts_with_weights_of_their_own_are_one_at_all_seeds_and_their_twins_another(project):
    experiment = load_experiment(project.experiments, "tiny")
    (project.root / "w.bin").write_bytes(b"1")
    own = replace(experiment, seeds=(0, 1), host=HostConfig(hook=experiment.host.hook, options={"weights": "w.bin"}))
    keys = {(chain.config.seed, chain.control): chain.stages[0].key for chain in plan(own)}
    assert keys[0, "none"] == keys[1, "none"] != keys[0, "random_host"] == keys[1, "random_host"]

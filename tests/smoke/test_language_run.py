"""An experiment on a language model, from text to tables: a tiny host on a folder of tiny documents."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from text_project import shelve, text_project

from analysis.plan import paths
from analysis.plan.chains import plan
from analysis.plan.config import load_experiment
from analysis.plan.looks import of_chains
from analysis.plan.stage_folders import read_manifest
from analysis.results.tables import Results
from analysis.run.pipeline import run_chain
from analysis.run.stages.activations import spaced

TOML = """
title = "Tiny text"
dataset = "text_folder"
dataset_options = { path = "shelf", tokeniser = "union", context = 16, held_out = 0.3 }
seeds = [0]
measured_rows = 1000

[host]
name = "union"
hook = "blocks.0.hook_resid_post"
options = { layers = 1, width = 32, context = 16, epochs = 1 }
rows = 9000

[sae]
width = 48
k = 4
train = { steps = 60, batch = 64 }

[[towers]]
kind = "latents"
depth = 1
train = { steps = 60, batch = 64 }

[language]
contexts = 12
probe_rows = 400
patterns = 2
ablated = 6
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    root = tmp_path_factory.mktemp("text")
    with pytest.MonkeyPatch.context() as patch:
        text_project(root, patch)
        shelve(root, 20, commas=0.1)
        (root / "data/experiments/tiny.toml").write_text(TOML)
        found = paths.find()
        experiment = load_experiment(found.experiments, "tiny")
        chains = plan(experiment)
        for work in (*chains, *of_chains(experiment, chains)):
            assert run_chain(work, found, found.runs) is None
        yield found, experiment, chains


def collected(project) -> Results:
    from analysis.run.collect import collect

    found, experiment, chains = project
    return Results(collect(experiment, chains, found))


def test_every_evaluation_stands_beside_its_controls(project):
    results = collected(project)

    def controls(measure: str) -> set[str]:
        rows = results.measures[results.measures["measure"] == measure]
        assert np.isfinite(rows["value"]).all(), measure
        return set(rows["control"].astype(str))

    untrained = {"pca", "neurons", "random_dictionary", "matched_dictionary"}
    assert controls("delta_loss") == {"none", "random_host", *untrained}
    assert controls("normalised_mse") == controls("delta_kl") == controls("delta_loss")
    assert controls("probe_loss") == {"none", "random_host", *untrained, "activations", "permuted_labels"}
    assert {"none", "single_tokens", "shuffled_firing"} <= controls("pattern_precision")
    assert {"none", "random_direction", "neurons"} <= controls("ablation_sparsity")
    assert controls("absorption") == {"none", "random_host", "random_direction"}
    assert controls("targeted_perturbation") == {
        "none", "random_host", "random_latents", "neurons", "matched_dictionary",
    }  # fmt: skip
    assert controls("cross_entropy") == {"none", "random_host", "zero_ablation", "mean_ablation"}


def test_numbers_agree_with_what_they_must(project):
    results = collected(project)
    loss = {control: results.mean("cross_entropy", "host", 0, control=control) for control in ("none", "mean_ablation")}
    assert 0 < loss["none"] < loss["mean_ablation"]
    own = results.mean("recovered_mean", "latents", 1)
    delta = results.mean("delta_loss", "latents", 1)
    assert own == pytest.approx(1 - delta / (loss["mean_ablation"] - loss["none"]), rel=1e-6)
    explained = results.mean("variance_explained", "latents", 1)
    assert 1 - results.mean("normalised_mse", "latents", 1) == pytest.approx(explained, abs=0.1)


def test_a_row_is_a_token_that_counts_and_pages_can_show_it(project):
    found, _, chains = project
    results = collected(project)
    folder = next(stage for stage in chains[0].stages if stage.name == "activations").folder(found.runs)
    told = read_manifest(folder)["notes"]["captured"]["train"]
    assert told["left_out"]["place_0"]["rows"] == told["contexts"] and told["places"] == 16
    assert told["rows"] <= 9000 and not list((found.runs / "unfinished").glob("capture-*"))
    sprite = json.loads((results.folder / "sprite.json").read_text())
    named = set(results.examples["example"])
    assert named and named <= set(sprite["ids"]) and all(example % 16 for example in named)
    assert all("<mark>" in shown for shown in sprite["html"])


def test_how_much_is_evaluated_changes_no_run_and_what_is_read_does(project):
    _, experiment, chains = project
    other = replace(experiment, language=replace(experiment.language, contexts=5))
    assert [chain.run for chain in plan(other)] == [chain.run for chain in chains]
    fewer = replace(experiment, host=replace(experiment.host, rows=2000))
    assert {chain.run for chain in plan(fewer)}.isdisjoint(chain.run for chain in chains)


def test_contexts_are_spaced_over_all():
    assert spaced(10, 4).tolist() == [0, 3, 6, 9]
    assert spaced(10, 0).tolist() == spaced(10, 99).tolist() == list(range(10))

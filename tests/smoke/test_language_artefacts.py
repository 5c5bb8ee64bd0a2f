"""`strata language` on a tiny experiment: what it writes is what figures read, and what it says where it cannot."""

from __future__ import annotations

import json

import pytest
import torch
from text_project import shelve, text_project

from analysis.plan import paths
from analysis.plan.chains import plan
from analysis.plan.config import load_experiment
from analysis.plan.language_artefacts import AttributionLooks, Looks, SteeringLooks, WebLooks
from analysis.results.attributions import Traced
from analysis.results.kept_file import kept_file
from analysis.results.steerings import Steerings
from analysis.results.tables import Results
from analysis.results.webs import Web
from analysis.run.collect import collect
from analysis.run.language_files import write_artefacts
from analysis.run.pipeline import run_chain
from sae.errors import ConfigError, NotFoundError, StageError

TOML = """
title = "Tiny text"
dataset = "text_folder"
dataset_options = { path = "shelf", tokeniser = "union", context = 16, held_out = 0.4 }
seeds = [0]
measured_rows = 1000
panel = "short"

[host]
name = "union"
hook = "blocks.0.hook_resid_post"
options = { layers = 1, width = 32, context = 32, epochs = 1 }
rows = 4000

[sae]
width = 24
k = 3
train = { steps = 60, batch = 64 }

[[towers]]
kind = "latents"
depth = 1
nulls = false

[[variants]]
name = "small"

[[variants]]
name = "large"
set = { "sae.width" = 72, controls = false }
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    root = tmp_path_factory.mktemp("text")
    with pytest.MonkeyPatch.context() as patch:
        text_project(root, patch)
        shelve(root, 10)
        (root / "data/experiments/tiny.toml").write_text(TOML)
        found = paths.find()
        experiment = load_experiment(found.experiments, "tiny")
        chains = plan(experiment)
        for chain in chains:
            assert run_chain(chain, found, found.runs) is None
        yield found, Results(collect(experiment, chains, found))


LOOKS = Looks(steering=SteeringLooks(choose=2, new=3, strengths=(0.0, 1.0, 4.0)), contexts=40)


@pytest.fixture(scope="module")
def written(project):
    found, results = project
    return write_artefacts(results, found, LOOKS, found.data / "language")


def content(project, name):
    return kept_file(f"data/language/{name}.json", project[0])


def test_what_is_written_is_read_by_the_figures_and_says_where_it_is_from(project, written):
    assert [file.name for file in written] == ["web.json", "attribution.json", "steering.json", "steering_sampled.json"]
    for file in written:
        told = json.loads(file.read_text())
        assert set(told["manifest"]) == {"experiment", "runs", "date", "commit", "versions"}
        assert set(told["manifest"]["runs"].values()) <= set(project[1].runs["run"]) and told["host"] == "Union"
    Web.of(content(project, "web"))
    Traced.of(content(project, "attribution"))
    assert "sampled" in Steerings.of(content(project, "steering_sampled")).how


def test_a_web_holds_families_of_two_sizes_beside_both_nulls(project, written):
    web = Web.of(content(project, "web"))
    assert web.sizes == (24, 72) and web.roots and web.edges
    assert set(web.nulls["cosine"]) == set(web.nulls["coactivation"]) == {0.5, 0.9, 0.95, 0.99, 0.999}
    told = content(project, "web").json()
    assert told["null_of_cosine"] == ["isotropic directions", "an SAE on a random host"]
    assert all(node.words and len(node.examples) <= 3 for node in web.nodes)


def test_a_trace_goes_from_the_tokens_embeddings_to_the_likeliest_token(project, written):
    traced = Traced.of(content(project, "attribution"))
    assert traced.difference > 0 and traced.edges and all(node.place > 0 for node in traced.nodes)
    assert all(edge.token <= traced.nodes[edge.node].place for edge in traced.edges)
    # a latent's value hangs on few tokens here, and gradients of one block are near what replacing does
    assert traced.rank_correlation is not None and traced.rank_correlation > 0.5


def test_a_latent_held_moves_the_text_more_the_further_it_is_held(project, written):
    greedy = Steerings.of(content(project, "steering"))
    assert greedy.how == "greedy" and greedy.strengths == (0, 1, 4) and len(greedy.latents) == 2
    for one in greedy.latents:
        assert one.own > 0 and one.effects["latent"][1] < one.effects["latent"][2]
        assert all(text for texts in one.prompts for text in (texts.as_it_is, *texts.latent, *texts.random))


def test_what_cannot_be_made_is_refused_and_leaves_what_was_there(project, written):
    found, results = project
    before = {file: file.read_bytes() for file in written}
    for looks, only, told in (
        (LOOKS, "graph", "--only graph: must be one of web, attribution, steering"),
        (Looks(web=WebLooks(variants=("large",))), "web", "two to four"),
        (Looks(attribution=AttributionLooks(target="harbour walked")), "attribution", "must be one"),
        (Looks(steering=SteeringLooks(latents=(999,))), "steering", "latent 999"),
        (Looks(steering=SteeringLooks(latents=(0,), new=60)), "steering", "longer than|fires nowhere"),
    ):
        with pytest.raises(ConfigError, match=told):
            write_artefacts(results, found, looks, found.data / "language", only)
    with pytest.raises(NotFoundError, match="middle"):
        write_artefacts(results, found, Looks(attribution=AttributionLooks(variant="middle")), found.data, "web")
    assert {file: file.read_bytes() for file in written} == before


def test_one_size_has_no_web_and_that_is_said(project, tmp_path):
    found, results = project
    said = []
    files = write_artefacts(results.of("small"), found, LOOKS, tmp_path, say=said.append)
    assert "web.json" not in [file.name for file in files] and said == ["note: no web: tiny has SAEs of one size"]


def test_runs_that_are_not_here_are_named_with_what_makes_them(project, tmp_path):
    _, results = project
    with pytest.raises(StageError, match="`strata run tiny` makes it"):
        write_artefacts(results, paths.Paths(tmp_path), LOOKS, tmp_path)


def test_the_same_runs_give_the_same_file(project, written, tmp_path):
    found, results = project
    (again,) = write_artefacts(results, found, LOOKS, tmp_path, "attribution")
    assert again.read_bytes() == next(file for file in written if file.name == again.name).read_bytes()
    assert torch.is_grad_enabled()

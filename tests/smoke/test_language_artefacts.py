"""`strata language` on a tiny experiment: what it writes is what figures read, and what it says where it cannot."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest
import torch
from text_project import shelve, text_project

from analysis.figures.kinds.labelled_sets import labelled_sets
from analysis.figures.kinds.meta_directions import meta_directions
from analysis.figures.kinds.token_latents import token_latents
from analysis.plan import paths
from analysis.plan.chains import plan
from analysis.plan.config import load_experiment
from analysis.plan.language_artefacts import (
    AttributionLooks,
    DirectionsLooks,
    LabelledLooks,
    Looks,
    SteeringLooks,
    WebLooks,
)
from analysis.results.attributions import Traced
from analysis.results.kept_file import kept_file
from analysis.results.labelled_sets import LabelledSets
from analysis.results.meta_directions import MetaDirections
from analysis.results.steerings import Steerings
from analysis.results.tables import Results
from analysis.results.token_latents import TokenLatents
from analysis.results.webs import Web
from analysis.run.collect import collect
from analysis.run.language_files import missing, write_artefacts
from analysis.run.pipeline import run_chain
from sae.errors import ConfigError, DataError, NotFoundError, StageError

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
    assert [file.name for file in written] == [
        "web.json", "attribution.json", "steering.json", "steering_sampled.json", "latents.json",
    ]  # fmt: skip
    for file in written:
        told = json.loads(file.read_text())
        assert set(told["manifest"]) == {"experiment", "runs", "date", "commit", "versions"}
        assert set(told["manifest"]["runs"].values()) <= set(project[1].runs["run"]) and told["host"] == "Union"
    Web.of(content(project, "web"))
    Traced.of(content(project, "attribution"))
    TokenLatents.of(content(project, "latents"))
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


def test_latents_are_shown_from_their_strongest_firing_to_their_weakest(project, written):
    told = TokenLatents.of(content(project, "latents"))
    assert {one.drawn for one in told.latents} <= {False, True} and 0 <= told.named_share <= 1
    for one in told.latents:
        first, last = (one.contexts[band][0] for band in ("strongest", "weak"))
        strongest, weakest = (next(token.share for token in text if token.meant) for text in (first, last))
        assert strongest == 1 >= weakest > 0 and (one.drawn or one.name)
        assert one.patterns or math.isnan(one.precision)
    assert any(one.patterns for one in told.latents)
    drawing = token_latents(content(project, "latents"), contexts=1)
    assert drawing.html.count("<mark") <= 3 * len(told.latents) and "as they come" in drawing.title


def test_what_cannot_be_made_is_refused_and_leaves_what_was_there(project, written):
    found, results = project
    before = {file: file.read_bytes() for file in written}
    for looks, only, told in (
        (LOOKS, "graph", "--only graph: must be one of web, attribution, steering, latents, labelled, directions"),
        (Looks(web=WebLooks(variants=("large",))), "web", "two to four"),
        (Looks(attribution=AttributionLooks(target="harbour walked")), "attribution", "must be one"),
        (Looks(steering=SteeringLooks(latents=(999,))), "steering", "latent 999"),
        (Looks(steering=SteeringLooks(latents=(0,), new=60)), "steering", "longer than|fires nowhere"),
        (LOOKS, "directions", "live latents and no SAE a quarter as wide"),
        (Looks(directions=DirectionsLooks(widths=(30,), k=2)), "directions", "needs four times as many"),
    ):
        with pytest.raises(ConfigError, match=told):
            write_artefacts(results, found, looks, found.data / "language", only)
    with pytest.raises(NotFoundError, match="middle"):
        write_artefacts(results, found, Looks(attribution=AttributionLooks(variant="middle")), found.data, "web")
    assert {file: file.read_bytes() for file in written} == before


@pytest.mark.thorough
def test_one_size_has_no_web_and_that_is_said(project, tmp_path):
    found, results = project
    said = []
    files = write_artefacts(results.of("small"), found, LOOKS, tmp_path, say=said.append)
    assert "web.json" not in [file.name for file in files] and said[0] == "note: no web: tiny has SAEs of one size"
    assert said[-1].startswith("note: no meta-SAEs on directions: tiny has no SAE a quarter as wide")


def test_runs_that_are_not_here_are_named_with_what_makes_them(project, tmp_path):
    _, results = project
    with pytest.raises(StageError, match="`strata run tiny` makes it"):
        write_artefacts(results, paths.Paths(tmp_path), LOOKS, tmp_path)


def test_the_same_runs_give_the_same_file(project, written, tmp_path):
    found, results = project
    (again,) = write_artefacts(results, found, LOOKS, tmp_path, "attribution")
    assert again.read_bytes() == next(file for file in written if file.name == again.name).read_bytes()
    assert torch.is_grad_enabled()


def packed(table: pd.DataFrame) -> bytes:
    return pa.compress(table.to_csv(index=False).encode(), codec="zstd", asbytes=True)


def package(folder: Path) -> Path:
    """A folder as the package sae-probes has it, with two sets: texts that end in one of two words, and short ones."""
    data = folder / "sae_probes/data"
    (data / "cleaned_data").mkdir(parents=True)
    names = ["2_last_word", "10_few"]
    master = pd.DataFrame(
        {"Data type": "Binary Classification", "Dataset save name": [f"x/{one}.csv" for one in names]}
    )
    (data / "probing_datasets_MASTER.csv.zst").write_bytes(packed(master))
    for name, count in zip(names, (45, 3), strict=True):
        rows = [(f"{'river ' * (at % 7)}stone {at} {word}", word) for at in range(count) for word in ("peace", "war")]
        (data / f"cleaned_data/{name}.csv.zst").write_bytes(packed(pd.DataFrame(rows, columns=["prompt", "target"])))
    return folder


def test_labelled_sets_are_probed_at_the_last_token(project, tmp_path):
    found, results = project
    place = str(package(tmp_path / "sets"))
    asked = LabelledLooks(variant="large", place=place, texts=80, tokens=6)
    said = []
    write_artefacts(results, found, replace(LOOKS, labelled=asked), tmp_path, "labelled", said.append)
    assert said == ["reading 1 sets of 80 texts"], "one has too few"
    sets = LabelledSets.of(kept_file("labelled.json", paths.Paths(tmp_path)))
    (one,) = sets.sets
    assert one.called == "last word" and one.classes == ("peace", "war") and (sets.texts, sets.tokens) == (80, 6)
    assert one.losses["row"] < 0.1, "the row at its own token tells the token"
    assert one.losses["shuffled"] > 0.5 and one.losses["latent"] >= one.losses["row"]
    drawn = labelled_sets(kept_file("labelled.json", paths.Paths(tmp_path)))
    assert "on 1 of 1 sets" in drawn.title or "on 0 of 1 sets" in drawn.title
    assert "last word" in drawn.html and len(drawn.data) == 6


def test_labelled_sets_that_cannot_be_had_are_said_or_refused(project, tmp_path):
    found, results = project
    place = str(package(tmp_path / "sets"))
    for asked, error, told in (
        (LabelledLooks(place=str(tmp_path / "gone.whl")), DataError, "no package sae-probes there"),
        (LabelledLooks(place=place, sets=("10_few",)), ConfigError, "has 3 and 3 different texts"),
        (LabelledLooks(place=place, sets=("11_none",)), NotFoundError, "2_last_word"),
        (LabelledLooks(place=place, texts=1000), ConfigError, "no set has so many"),
    ):
        with pytest.raises(error, match=told):
            write_artefacts(results, found, replace(LOOKS, labelled=asked), tmp_path, "labelled")
    with pytest.raises(ConfigError, match="texts = 10"):
        LabelledLooks(texts=10)
    assert not (tmp_path / "labelled.json").exists()
    assert "pip download" in missing(str(tmp_path / "gone.whl")) and not missing(place)


def test_a_table_of_sets_counts_only_those_that_the_row_tells(tmp_path):
    losses = {"row": 0.1, "latent": 0.3, "five": 0.2, "neurons": 0.4, "random_dictionary": 0.6, "shuffled": 0.7}
    sets = [
        {"set": "1_one", "classes": ["a", "b"], "losses": losses},
        {"set": "2_<two>", "classes": ["a", "b"], "losses": losses | {"latent": 0.5}},
        {"set": "3_three", "classes": ["a", "b"], "losses": losses | {"row": 0.65}},
    ]
    content = {"texts": 100, "tokens": 9, "k": 4, "sets": sets, "host": "Tiny"}
    (tmp_path / "labelled.json").write_text(json.dumps(content))
    drawn = labelled_sets(kept_file("labelled.json", paths.Paths(tmp_path)))
    assert drawn.title == "The best latent tells the class of a text better than the best neuron on 1 of 2 sets"
    assert "Left out: 1 sets" in drawn.caption and "&lt;two&gt;" in drawn.html and "three" not in drawn.html
    assert drawn.html.count("<b>0.30</b>") == 1 and "lead is largest on one" in drawn.alt
    for broken in ({**content, "sets": []}, {**content, "k": 0}, {**content, "sets": [{"set": "x", "classes": ["a"]}]}):
        (tmp_path / "labelled.json").write_text(json.dumps(broken))
        with pytest.raises(DataError):
            labelled_sets(kept_file("labelled.json", paths.Paths(tmp_path)))
    nothing = {**content, "sets": sets[2:]}
    (tmp_path / "labelled.json").write_text(json.dumps(nothing))
    assert (
        labelled_sets(kept_file("labelled.json", paths.Paths(tmp_path))).title
        == "No set of 1 is told even by the whole row"
    )


def test_directions_of_the_widest_sae_are_judged(project, tmp_path, monkeypatch):
    found, results = project
    monkeypatch.setattr("analysis.run.language.metas.STEPS", (20,))
    asked = replace(LOOKS, directions=DirectionsLooks(widths=(8,), k=2, nulls="quick"))
    write_artefacts(results, found, asked, tmp_path, "directions")
    file = kept_file("directions.json", paths.Paths(tmp_path))
    told = MetaDirections.of(file)
    assert told.sae == "large" and told.directions + told.held_out + told.dead == 72
    assert meta_directions(file).title.startswith("Meta-SAEs on")

"""What a run refuses before anything is trained, and what it does where one chain fails."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tiny_run import tiny, with_few_digits

from analysis.plan.chains import plan
from analysis.plan.config import load_experiment
from analysis.plan.paths import Paths
from analysis.plan.stage_folders import read_manifest
from analysis.results.tables import TABLES, is_current, open_results
from analysis.run.pipeline import run
from sae.errors import ConfigError, StageError

pytestmark = pytest.mark.usefixtures("shapes_as_elsewhere")


@pytest.fixture
def project(project: Paths) -> Paths:
    return with_few_digits(project)


def interrupt(progress):
    raise KeyboardInterrupt


def with_host(paths, **options):
    experiment = tiny(paths, seeds=(0,))
    return replace(experiment, host=replace(experiment.host, options={**experiment.host.options, **options}))


@pytest.mark.thorough
def test_a_chain_that_fails_is_reported_and_the_other_one_is_whole(project):
    experiment = with_host(project, lr=1e30)  # the trained host ends in NaN, its untrained twin does not
    with pytest.raises(StageError, match=r"1 of 2 chains failed; tables of the other 1 are collected:\n") as caught:
        run(experiment, project, workers=1)
    trained, twin = plan(experiment)
    assert f"run {trained.run} (none), stage sae/" in str(caught.value) and "input row 0 holds NaN" in str(caught.value)
    assert "random_host" not in str(caught.value)
    assert all(stage.complete(project.runs) for stage in twin.stages)
    assert [stage.name for stage in trained.stages if stage.complete(project.runs)] == ["host", "activations"]
    assert read_manifest(twin.measures.folder(project.runs))["config"]["control"] == "random_host"
    results = open_results("tiny", project)
    for table in TABLES:
        assert set(getattr(results, table)["run"]) == (set() if table == "stops" else {twin.run}), table
    assert list(results.runs["control"]) == ["random_host"] and set(results.measures["control"]) == {"random_host"}
    assert not is_current(experiment, plan(experiment), project), "so that the next call tries again"


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("epochs = 5", "epocs = 5", [":8:", "host: ", "'epocs'", "hidden2, epochs"]),
        ("epochs = 5", "epochs = 20_000", [":8:", "epochs = 20000", "10000"]),
        ('hook = "hidden2"', 'hook = "hidden3"', [":7:", "'hidden3'", "did you mean 'hidden2'?"]),
        ("[sae]", "[sae]\noptions = { k_aux = -2 }", [":11:", "sae: ", "k_aux"]),
        ("[sae]", "[sae]\noptions = { aux_weight = 'a' }", [":11:", "sae: ", "aux_weight"]),
        ("depth = 2", "depth = 2\noptions = { penalty = 1 }", [":18:", "towers.0: ", "'penalty'", "k_aux, aux_weight"]),
        ("train = {", "architecture = 'gated'\ntrain = { shortlist = 9,", ["sae: ", "shortlist = 9"]),
        ("seeds", "interpret = { kind = 'latents', reader = { step = 9 } }\nseeds", [":4:", "reader", "'step'"]),
        (
            "[host]", "[[variants]]\nname = 'a'\nset = { 'towers.options' = { k_aux = -3 } }\n[host]",
            [":8:", "towers.0: ", "k_aux = -3"],
        ),
    ],
)  # fmt: skip
def test_a_setting_that_a_late_stage_would_refuse_is_refused_before_the_first(project, old, new, words):
    path = project.experiments / "tiny.toml"
    path.write_text(path.read_text().replace(old, new, 1))
    with pytest.raises(ConfigError) as caught:
        run(tiny(project), project, workers=1)
    assert [word for word in ["tiny.toml", *words] if word not in str(caught.value)] == []
    assert "\n" not in str(caught.value) and not list(project.runs.glob("*/*"))


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("STRATA_DEVICE", "cuda:99", "device = 'cuda:99'.*here there is: cpu"),
        ("STRATA_DEVICE", "gpu", "device = 'gpu'"),
        ("STRATA_DEVICE", "meta", "device = 'meta'"),
        ("STRATA_BACKEND", "lokey", "backend = 'lokey'.*loky"),
    ],
)
def test_a_place_to_train_that_is_not_here_is_refused_before_anything_runs(project, monkeypatch, name, value, words):
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigError, match=words) as caught:
        run(tiny(project), project, workers=1)
    assert "\n" not in str(caught.value) and not list(project.runs.glob("*/*"))


def test_what_is_to_be_done_is_said_before_it_is(project, monkeypatch):
    """And trying all settings loads nothing of what only training needs."""
    monkeypatch.setattr("sae.steps.Adam", interrupt)
    other = replace(load_experiment(project.experiments, "tiny").sae, architecture="gated")
    said = []
    with pytest.raises(KeyboardInterrupt):
        run(tiny(project, compare=(other,)), project, 1, report=interrupt, warn=said.append)
    assert said == ["35 of 35 stages to do with 1 worker; training SAEs alone takes less than a minute"]

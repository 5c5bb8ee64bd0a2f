"""What is tried before a run: what the plan will build, and no more; a bug keeps its traceback."""

from __future__ import annotations

from dataclasses import replace

import pytest

from analysis.plan.config import SaeConfig, load_experiment
from analysis.run import preflight
from sae import discover
from sae.errors import ConfigError

OTHERS = (SaeConfig(architecture="topk", width=32, k=4), SaeConfig(architecture="relu_l1", width=32, k=4))


@pytest.mark.parametrize("nulls", [True, False])
def test_a_frozen_decoder_is_tried_only_where_one_is_trained(project, nulls):
    experiment = load_experiment(project.experiments, "tiny")
    towers = [replace(tower, nulls=nulls and tower.kind == "latents", direct=True) for tower in experiment.towers]
    run = next(iter(replace(experiment, towers=towers, compare=list(OTHERS)).runs()))
    found = [(path, frozen) for path, _, _, frozen in preflight.saes(run, 24)]
    assert [path for path, frozen in found if frozen] == ([("sae",), ("towers", 0)] if nulls else [])
    assert (("compare", 0), False) in found and len(found) == 7


@pytest.mark.parametrize("error", [ZeroDivisionError("a bug"), TypeError("also a bug"), RuntimeError("torch's")])
def test_a_bug_in_an_architecture_keeps_its_traceback(project, error):
    with pytest.raises(type(error)) as caught, blame(project):
        raise error
    assert caught.value is error


def test_what_the_file_says_wrongly_is_blamed_on_its_line(project, monkeypatch):
    with pytest.raises(ConfigError, match=r"tiny\.toml:\d+: host: must be even"), blame(project):
        raise ConfigError("must be even")
    monkeypatch.setattr(discover, "find", lambda package, name: int)
    monkeypatch.setattr(discover.inspect, "signature", lambda kind: Anything())
    with pytest.raises(ConfigError, match=r"tiny\.toml:\d+: host: TypeError: "), blame(project):
        discover.construct("analysis.run.hosts", "mlp", hidden1=3)


class Anything:
    def bind(self, *given, **options) -> None:
        pass


def blame(project):
    experiment = load_experiment(project.experiments, "tiny")
    return preflight.blamed(experiment, project.experiments / "tiny.toml", ("host", "options"))

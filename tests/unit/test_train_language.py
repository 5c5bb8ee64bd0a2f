"""The training of a small language model: resumed, watched, stopped, and what is counted."""

from __future__ import annotations

import dataclasses
import itertools
import json
import math

import pytest
import torch
from torch import nn

from analysis.run.hosts import _train_language as language
from analysis.run.hosts._train_language import Recipe, flops_per_token, least, loss_on, train
from analysis.run.hosts.union import Union
from sae.errors import CheckpointError, ConfigError, NumericError

RECIPE = Recipe(epochs=3, lr=1e-2, batch=4, dropout=0.2, warm_up=2)
CONTEXTS = (torch.arange(16)[:, None] % 5 + torch.arange(10)[None] ** 2 % 7).to(torch.int32)


def model(recipe=RECIPE, seed=0):
    return Union((10,), 0, seed, layers=1, width=32, context=10, dropout=recipe.dropout)


def turned(epoch):
    """Other windows in each epoch."""
    return CONTEXTS.roll(epoch, 1)


def run(folder=None, recipe=RECIPE, told=lambda line: None, windows=turned, **options):
    found = model(recipe)
    marks = 0 if folder is None else options.pop("marks", 4)
    points = train(found, windows, recipe, 5, held_out=CONTEXTS, marks=marks, folder=folder, told=told, **options)
    return found, points


def same(one, other):
    return all(torch.equal(a, b) for a, b in zip(one.state_dict().values(), other.state_dict().values(), strict=True))


def untimed(points):
    return [dataclasses.replace(point, cpu_seconds=0.0) for point in points]


class Killed(Exception):
    pass


@pytest.mark.parametrize("at", [2, 5, 10])
def test_a_killed_run_goes_on_and_ends_as_if_it_had_not_been(tmp_path, at):
    def kill(line):
        if line.startswith(f"step {at} of 12"):
            raise Killed

    whole, points = run(tmp_path / "whole", every=1)
    with pytest.raises(Killed):
        run(tmp_path / "killed", every=1, told=kill)
    resumed, again = run(tmp_path / "killed", every=1)
    assert same(whole, resumed) and untimed(points) == untimed(again)
    finished, told_again = run(tmp_path / "killed", every=1)
    assert same(whole, finished) and told_again == again


def test_watching_and_keeping_change_nothing(tmp_path):
    watched, points = run(tmp_path, windows=lambda epoch: CONTEXTS, every=5)
    assert least(points) == points[-1]  # or the weights are of another step
    assert same(watched, run(windows=lambda epoch: CONTEXTS)[0])


def test_points_are_log_spaced_end_with_the_run_and_say_what_they_count(tmp_path):
    trained, points = run(tmp_path)
    assert [point.step for point in points] == [1, 2, 12] and points[-1].tokens == 12 * 4 * 10
    parameters = sum(value.numel() for value in trained.parameters()) - trained.positions.numel()
    assert flops_per_token(trained) == 6 * parameters and points[1].flops == 2 * 4 * 10 * 6 * parameters
    kept = sorted(path.stem for path in (tmp_path / "points").iterdir())
    assert kept == ["000001", "000002", "000012"]
    assert points[0].cpu_seconds < points[-1].cpu_seconds
    assert points[-1].held_out_loss == loss_on(trained, CONTEXTS)


def test_the_held_out_loss_is_the_mean_over_tokens_whatever_the_batches(monkeypatch):
    found = model()
    logits = found(CONTEXTS).detach()[:, :-1].log_softmax(-1)
    picked = logits.gather(2, CONTEXTS[:, 1:, None].long())
    expected = -picked.mean().item()
    assert loss_on(found, CONTEXTS) == pytest.approx(expected, rel=1e-6)
    monkeypatch.setattr(language, "SCORED", 3)
    assert loss_on(found, CONTEXTS) == pytest.approx(expected, rel=1e-6)


def test_a_rising_held_out_loss_ends_the_run_with_the_weights_of_the_least(tmp_path):
    lines = []
    found = model()
    backwards = CONTEXTS.flip(1)
    recipe = dataclasses.replace(RECIPE, epochs=30, lr=3e-2, dropout=0.0)
    points = train(
        found, lambda epoch: backwards[:, :], recipe, 0, held_out=CONTEXTS, marks=9, folder=tmp_path, told=lines.append
    )
    assert points[-1].held_out_loss > least(points).held_out_loss + language.RISE and points[-1].step < 120
    assert loss_on(found, CONTEXTS) == least(points).held_out_loss
    assert f"the weights are those of step {least(points).step}" in lines[-1]


def test_the_learning_rate_rises_then_falls_to_a_tenth():
    shares = [language._share(step, 1000, 50) for step in range(1000)]
    assert shares[0] == 1 / 50 and shares[49] == shares[50] == 1 == max(shares)
    assert all(a >= b for a, b in itertools.pairwise(shares[50:]))
    assert shares[525] == pytest.approx(0.55, abs=0.002) and shares[-1] == pytest.approx(0.1, abs=1e-4)
    assert language._share(0, 1, 50) == 1


def test_layer_norms_and_biases_do_not_decay():
    optimiser = language._optimiser(model(), RECIPE)
    decay = {value.dim(): group["weight_decay"] for group in optimiser.param_groups for value in group["params"]}
    assert decay == {2: 0.1, 1: 0.0}


def test_a_folder_of_another_training_or_a_broken_one_is_refused(tmp_path):
    run(tmp_path)
    with pytest.raises(CheckpointError, match=r"state\.safetensors is of another training; delete it"):
        run(tmp_path, recipe=dataclasses.replace(RECIPE, lr=2e-2))
    with pytest.raises(CheckpointError, match="of another training"):
        run(tmp_path, windows=lambda epoch: CONTEXTS + 1)
    (tmp_path / "state.safetensors").write_bytes(b"cut off")
    with pytest.raises(CheckpointError, match="not a readable safetensors file"):
        run(tmp_path)


def test_a_loss_that_is_not_finite_names_the_step():
    class Broken(nn.Module):
        def __init__(self):
            super().__init__()
            self.embed = nn.Parameter(torch.ones(8, 8))

        def forward(self, ids):
            return self.embed[ids.long()] * math.inf

    with pytest.raises(NumericError, match=r"nan at step 1: lower the host's lr"):
        train(Broken(), lambda epoch: CONTEXTS % 8, RECIPE, 0)


def test_marks_without_what_they_are_measured_on_are_refused():
    with pytest.raises(ConfigError, match="marks = 3: needs held-out contexts"):
        train(model(), turned, RECIPE, 0, marks=3)


def test_products_in_bfloat16_give_nearly_the_same_loss_and_float32_weights(tmp_path):
    found, points = run(tmp_path, recipe=dataclasses.replace(RECIPE, precision="bfloat16"))
    assert points[-1].held_out_loss == pytest.approx(run(tmp_path / "32")[1][-1].held_out_loss, abs=0.2)
    assert {value.dtype for value in found.state_dict().values()} == {torch.float32}
    assert json.loads(json.dumps(dataclasses.asdict(points[-1])))["step"] == 12

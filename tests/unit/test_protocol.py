"""What an SAE declares of itself is what training goes by, not its names, its shapes or its base class."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from torch import nn
from training import FULL, SHORT

from sae.architectures.topk import TopK
from sae.config import TrainConfig
from sae.errors import ConfigError
from sae.rows import Batch
from sae.steps import TorchStep
from sae.train import train

WIDTH = 24  # as wide as the toy rows: a shape says nothing about what is a latent's


class Shifted(TopK):
    """TopK with an input bias, a weight of width d_in that no latent owns."""

    def __init__(self, d_in, n_latents, **options):
        super().__init__(d_in, n_latents, **options)
        self.b_in = nn.Parameter(torch.zeros(d_in))

    def pre_activations(self, x):
        return super().pre_activations(x + self.b_in)

    def _begin(self, generator):
        with torch.no_grad():
            self.b_in.zero_()


def test_a_weight_as_long_as_there_are_latents_belongs_to_none_of_them(toy_rows):
    sae, config = Shifted(WIDTH, WIDTH, k=3), TrainConfig()
    step = TorchStep(sae, config)
    step(Batch(toy_rows[:64]), None, 1e-3, False)
    before = step.state()
    before = {name: value.clone() for name, value in before.items()}
    step.forget(torch.tensor([3, 11]))
    for name, value in step.state().items():
        owned = name.startswith("exp_avg") and name.partition(".")[2] in ("W_enc", "b_enc", "W_dec")
        expected = before[name].clone()
        if owned:
            expected[[3, 11]] = 0
        assert torch.equal(value, expected), name
    assert bool((before["exp_avg.b_in"] != 0).all())


def test_the_moving_average_of_a_weight_that_no_latent_owns_is_kept_at_a_revival(toy_rows, monkeypatch):
    """All latents are revived, before the last step: the average of b_in still has the steps before that."""
    seen = []
    config = dataclasses.replace(FULL, dead_after=1e-9, revivals=1, steps=8)
    revive = Shifted._revive

    def watched(self, latents, rows):
        seen.append(self.b_in.detach().clone())
        revive(self, latents, rows)

    monkeypatch.setattr(Shifted, "_revive", watched)
    shares = (torch.arange(WIDTH) % 2 == 0).float()  # columns that are 0: latents that never fire
    monkeypatch.setattr(Shifted, "pre_activations", lambda self, x: TopK.pre_activations(self, x + self.b_in) * shares)
    found = train("shifted", Shifted(WIDTH, WIDTH, k=3), toy_rows, config, 0).sae
    monkeypatch.setattr(Shifted, "latent_axes", lambda self: TopK.latent_axes(self) | {"b_in": 0})
    claimed = train("shifted", Shifted(WIDTH, WIDTH, k=3), toy_rows, config, 0).sae
    assert seen and not torch.equal(found.b_in, claimed.b_in)


@pytest.mark.parametrize(
    ("axes", "message"),
    [
        ({"W_gate": 0}, "names 'W_gate', expected one of W_enc"),
        ({"W_enc": 1}, "axis 1 of W_enc, whose shape is .40, 24.; expected an axis of length n_latents = 40"),
        ({"b_enc": 1}, "axis 1 of b_enc"),
        ({"W_enc": -2}, "axis -2 of W_enc"),
        ({"b_in": 0}, "axis 0 of b_in, whose shape is .24,.;"),
    ],
)
def test_a_declaration_that_cannot_be_true_is_refused_before_training(axes, message, toy_rows, monkeypatch):
    monkeypatch.setattr(Shifted, "latent_axes", lambda self: axes)
    with pytest.raises(ConfigError, match=message):
        train("shifted", Shifted(24, 40, k=3), toy_rows, SHORT, 0)

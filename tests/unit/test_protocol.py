"""What an SAE declares of itself is what training goes by, not its names, its shapes or its base class."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from torch import nn
from training import FULL, SHORT, Killed, killer

from sae.architectures.topk import TopK
from sae.config import TrainConfig
from sae.errors import ConfigError
from sae.kernels import keep_top
from sae.losses import squared_error
from sae.protocol import SAE
from sae.records import Codes, Loss
from sae.resume import Checkpoints
from sae.rows import Batch
from sae.steps import TorchStep
from sae.train import Trainee, train, train_together

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


class Plain:
    """The least that can be trained: no module and no dictionary, its decoder held as columns."""

    k_is_met = "at most"
    selects = "row"  # what the compiled step asks of a dictionary; here it means nothing

    def __init__(self, d_in, n_latents, k):
        self.d_in, self.n_latents, self.k = d_in, n_latents, k
        self.moved, self.precisions = [], []
        self.weights = {
            "reads": nn.Parameter(torch.zeros(n_latents, d_in)),
            "columns": nn.Parameter(torch.zeros(d_in, n_latents)),
            "shift": nn.Parameter(torch.zeros(d_in)),
        }

    @property
    def bf16(self):
        return bool(self.precisions) and self.precisions[-1]

    @bf16.setter
    def bf16(self, on):
        self.precisions.append(on)

    def encode(self, x):
        return Codes(*keep_top((x - self.weights["shift"]) @ self.weights["reads"].T, self.k), self.n_latents)

    def decode(self, codes):
        return codes.dense() @ self.weights["columns"].T + self.weights["shift"]

    def directions(self):
        return self.weights["columns"].detach().T

    def encoder_directions(self):
        return self.weights["reads"].detach()

    def bias(self):
        return self.weights["shift"].detach()

    def loss(self, x, dead):
        codes = self.encode(x)
        return Loss.of({"reconstruction": squared_error(x, self.decode(codes))}, codes)

    def options(self):
        return {"k": self.k}

    def latent_axes(self):
        return {"reads": 0, "columns": 1}

    def decoder_weights(self):
        return ("columns",)

    def parameters(self):
        return iter(self.weights.values())

    def named_parameters(self):
        return iter(self.weights.items())

    def state_dict(self):
        return {name: weight.detach() for name, weight in self.weights.items()}

    def load_state_dict(self, state_dict):
        for name, weight in self.weights.items():
            weight.data.copy_(state_dict[name])

    def to(self, device):
        self.moved.append(device)
        return self

    def _start(self, sample, generator):
        drawn = torch.randn(self.n_latents, self.d_in, generator=generator)
        self.weights["reads"].data.copy_(drawn / drawn.norm(dim=1, keepdim=True))
        self.weights["columns"].data.copy_(self.weights["reads"].data.T)
        self.weights["shift"].data.copy_(sample.mean(0))

    def _before_step(self):
        pass

    def _constrain(self):
        columns = self.weights["columns"].data
        columns.div_(columns.norm(dim=0, keepdim=True))

    def _adapt(self, loss):
        pass

    def _revive(self, latents, rows):
        unit = rows / rows.norm(dim=1, keepdim=True)
        self.weights["reads"].data[latents] = unit
        self.weights["columns"].data[:, latents] = unit.T


def plain_bits(sae):
    return {name: value.numpy().tobytes() for name, value in sae.state_dict().items()}


def test_an_sae_that_is_no_dictionary_and_no_module_is_trained(toy_rows, tmp_path):
    """With everything: several at once, revivals, moving average, checkpoints, bfloat16 said and taken back."""
    config = TrainConfig(steps=100, batch=64, lr=1e-2, dead_after=0.05, revivals=2, ema=0.9, bf16=True)
    sae = Plain(24, 48, 3)
    assert isinstance(sae, SAE) and not isinstance(sae, nn.Module)
    layer, other = train_together([Trainee("plain", sae), Trainee("topk", TopK(24, 48, k=3))], toy_rows, config, 0)
    fresh = train("plain", Plain(24, 48, 3), toy_rows, dataclasses.replace(config, steps=1, revivals=0), 0)
    learned, begun = ((toy_rows - one.decode(one.encode(toy_rows))).pow(2).sum() for one in (layer, fresh))
    assert learned < begun / 2
    assert sae.precisions == [True, False] and sae.moved == ["cpu"]
    alone = train("topk", TopK(24, 48, k=3), toy_rows, config, 0)
    assert torch.equal(alone.sae.W_dec, other.sae.W_dec)

    checkpoints = Checkpoints(tmp_path, 20)
    with pytest.raises(Killed):
        train("plain", Plain(24, 48, 3), toy_rows, config, 0, killer(70), checkpoints)
    resumed = train("plain", Plain(24, 48, 3), toy_rows, config, 0, checkpoints=checkpoints)
    assert plain_bits(resumed.sae) == plain_bits(sae)


def test_a_decoder_of_any_form_is_frozen_where_the_sae_names_it(toy_rows):
    trainee = Trainee("plain", Plain(24, 48, 3), frozen_decoder=True)
    config = dataclasses.replace(FULL, ema=0.0, revivals=0)
    started = Plain(24, 48, 3)
    free = train("plain", Plain(24, 48, 3), toy_rows, config, 0).sae
    sae = train_together([trainee], toy_rows, config, 0)[0].sae
    train("plain", started, toy_rows, dataclasses.replace(config, steps=1, lr=1e-30), 0)
    torch.testing.assert_close(sae.weights["columns"], started.weights["columns"], atol=1e-6, rtol=0)
    assert not torch.equal(sae.weights["reads"], started.weights["reads"])
    assert not torch.allclose(free.weights["columns"], started.weights["columns"], atol=1e-3)


def test_a_named_decoder_that_is_not_there_is_refused(monkeypatch):
    monkeypatch.setattr(Plain, "decoder_weights", lambda self: ("columns", "rows"))
    with pytest.raises(ConfigError, match="plain SAE names 'rows', expected parameters: reads, columns, shift"):
        Trainee("plain", Plain(24, 48, 3), frozen_decoder=True)


@pytest.mark.parametrize("k", [1, 3])
def test_forgetting_goes_along_the_axis_that_the_sae_names(k, toy_rows):
    sae = Plain(24, 24, k)
    sae._start(toy_rows, torch.Generator().manual_seed(0))
    step = TorchStep(sae, SHORT)
    step(Batch(toy_rows[:64]), None, 1e-3, False)
    before = {name: value.clone() for name, value in step.state().items()}
    step.forget(torch.tensor([0, 7]))
    after = step.state()
    expected = before["exp_avg.columns"].clone()
    expected[:, [0, 7]] = 0
    assert torch.equal(after["exp_avg.columns"], expected) and bool(expected.any())
    assert torch.equal(after["exp_avg.shift"], before["exp_avg.shift"])


def test_an_sae_may_refuse_what_it_cannot_do(toy_rows, monkeypatch):
    def refuse(self, on):
        if on:
            raise ConfigError("train.bf16: plain has no products in bfloat16")

    monkeypatch.setattr(Plain, "bf16", property(lambda self: False, refuse))
    with pytest.raises(ConfigError, match="plain has no products"):
        train("plain", Plain(24, 48, 3), toy_rows, dataclasses.replace(SHORT, bf16=True), 0)
    train("plain", Plain(24, 48, 3), toy_rows, SHORT, 0)

"""The training loop: several SAEs in one pass, the moving average, revivals, precision, devices."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from training import ARCHITECTURES, FULL, SHORT, make, same_bits

from sae.architectures.batch_topk import BatchTopK
from sae.architectures.jumprelu import JumpReLU
from sae.architectures.relu_l1 import ReluL1
from sae.architectures.topk import TopK
from sae.config import TrainConfig
from sae.errors import ConfigError
from sae.records import Codes
from sae.rows import Rows
from sae.steps import TorchStep, step_for
from sae.train import Trainee, revival_steps, train, train_together

# several at once


def test_each_comes_out_as_it_would_alone(toy_rows):
    given = [("topk", 48, 3, None), ("topk", 30, 5, 1e-3), ("batch_topk", 40, 2, 3e-3), ("jumprelu", 48, 3, None)]
    records = []
    together = train_together(
        [Trainee(name, make(name, width, k), lr) for name, width, k, lr in given],
        toy_rows, FULL, 3, lambda index, record: records.append((index, record)),
    )  # fmt: skip
    assert [layer.architecture for layer in together] == [name for name, *_ in given]
    for index, (name, width, k, lr) in enumerate(given):
        config, alone = dataclasses.replace(FULL, lr=lr or FULL.lr), []
        layer = train(name, make(name, width, k), toy_rows, config, 3, alone.append)
        assert same_bits(layer.sae, together[index].sae), name
        assert alone == [record for i, record in records if i == index]


def test_each_batch_is_read_once(toy_rows, monkeypatch):
    read, batch = [], Rows.batch
    monkeypatch.setattr(Rows, "batch", lambda self, chosen, *rest: read.append(chosen) or batch(self, chosen, *rest))
    train_together([Trainee("topk", make()), Trainee("gated", make("gated"))], toy_rows, SHORT, 0)
    assert len([chosen for chosen in read if len(chosen) == SHORT.batch]) == SHORT.steps
    assert len(read) == SHORT.steps + 1, "and once more, for the start"


def test_an_sae_that_was_trained_before_starts_anew(toy_rows):
    """`_start` sets all that training changes: thresholds, penalty weights and scales too."""
    for name in ARCHITECTURES:
        sae = make(name)
        train(name, sae, toy_rows, SHORT, 1)
        again = train(name, sae, toy_rows, SHORT, 0).sae
        assert same_bits(again, train(name, make(name), toy_rows, SHORT, 0).sae), name


def test_training_does_not_change_its_config(toy_rows):
    before = dataclasses.asdict(FULL)
    train("topk", make(), toy_rows, FULL, 0)
    assert dataclasses.asdict(FULL) == before
    with pytest.raises(dataclasses.FrozenInstanceError):
        FULL.lr = 1.0


# the moving average


@pytest.mark.parametrize("compiled", [True, False])
def test_the_moving_average_by_hand_with_its_correction_for_the_start_at_0(compiled, toy_rows):
    config = dataclasses.replace(SHORT, steps=5, ema=0.8, compiled=compiled)
    sae, seen = make(), []
    adapt = sae._adapt
    sae._adapt = lambda loss: (adapt(loss), seen.append({n: p.detach().clone() for n, p in sae.named_parameters()}))
    train("topk", sae, toy_rows, config, 0)
    weights = [0.2 * 0.8 ** (4 - i) / (1 - 0.8**5) for i in range(5)]
    assert sum(weights) == pytest.approx(1)
    for name, parameter in sae.named_parameters():
        wanted = sum(w * one[name] for w, one in zip(weights, seen, strict=True))
        if name == "W_dec":
            wanted = wanted / wanted.norm(dim=1, keepdim=True)
        torch.testing.assert_close(parameter.detach(), wanted, atol=1e-5, rtol=1e-5)


def test_the_moving_average_does_not_change_the_run_that_it_follows(toy_rows):
    losses = []
    for ema in (0.0, 0.99):
        records = []
        train("topk", make(), toy_rows, dataclasses.replace(SHORT, ema=ema), 0, records.append)
        losses.append([record.loss for record in records])
    assert losses[0] == losses[1]


# revivals


def test_revivals_are_spread_over_the_first_half():
    assert revival_steps(TrainConfig(steps=1000, revivals=4)) == {125, 250, 375, 500}
    assert revival_steps(TrainConfig(steps=1000)) == set()
    assert max(revival_steps(TrainConfig(steps=7, revivals=50))) <= 4


@pytest.mark.parametrize("ema", [0.0, 0.999])
def test_revivals_bring_dead_latents_back(toy_rows, ema):
    """Also under a moving average, in which a latent's dead weights would outlive it."""
    config = TrainConfig(steps=200, batch=64, lr=1e-2, dead_after=0.1, ema=ema)
    live = []
    for revivals in (0, 3):
        sae = ReluL1(24, 48, k=3, penalty=0.01, penalty_rate=0.0, penalty_warmup=0)
        start = sae._start

        def deaden(*given, sae=sae, start=start):
            start(*given)
            sae.b_enc.data[:24] = -100.0

        sae._start = deaden
        layer = train("relu_l1", sae, toy_rows, dataclasses.replace(config, revivals=revivals), 0)
        live.append(int(layer.encode(toy_rows).fired()[:24].sum()))
    assert live[0] == 0 and live[1] >= 20


@pytest.mark.parametrize("kind", [TopK, JumpReLU, BatchTopK])
def test_a_revival_points_dead_latents_at_rows_quietly_and_leaves_the_others(kind, toy_rows):
    sae = kind(24, 48, k=3)
    before = {name: p.detach().clone() for name, p in sae.named_parameters()}
    latents, others = torch.tensor([4, 9]), torch.tensor([i for i in range(48) if i not in (4, 9)])
    sae._revive(latents, toy_rows[:2])
    offset = toy_rows[:2] - sae.bias()
    unit = offset / offset.norm(dim=1, keepdim=True)
    torch.testing.assert_close(sae.directions()[latents], unit)
    usual = before["W_enc"][others].norm(dim=1).mean()
    torch.testing.assert_close(sae.encoder_directions()[latents], 0.2 * usual * unit)
    for name, parameter in sae.named_parameters():
        if name != "b_dec":
            assert torch.equal(parameter[others], before[name][others]), name
    assert torch.equal(sae.b_dec, before["b_dec"])


@pytest.mark.parametrize("compiled", [True, False])
def test_a_revival_resets_adams_moments_of_the_dead_and_starts_their_counter_anew(compiled, toy_rows, monkeypatch):
    from sae.train import _Learner

    sae = make(width=200, k=1)
    learner = _Learner(Trainee("topk", sae), dataclasses.replace(SHORT, compiled=compiled), 2000, 0, "cpu")
    data = Rows.fit(toy_rows)
    for step in range(6):
        learner.learn(data.batch(torch.arange(64) + 64 * step), step, False)
    dead = learner.trained.silent >= learner.dead_rows
    assert 0 < int(dead.sum()) < 200
    before = learner.step.state()
    before = {name: value.clone() for name, value in before.items()}
    learner.revive(data.batch(torch.arange(500)).x, torch.Generator().manual_seed(0), 1)
    assert not bool((learner.trained.silent >= learner.dead_rows).any())
    after = learner.step.state()
    for name, value in after.items():
        if name.endswith(("W_enc", "W_dec", "b_enc")) and not name.startswith("step."):
            assert not bool(value[dead].any()) and torch.equal(value[~dead], before[name][~dead]), name


def test_a_revival_prefers_rows_that_are_reconstructed_badly():
    """One row in a hundred carries nearly all of the error."""
    from sae.train import _Learner

    sae = ReluL1(4, 8, k=2)
    sae.b_enc.data.fill_(-100.0)  # nothing fires: the error of a row is its size
    learner = _Learner(Trainee("relu_l1", sae), SHORT, 100, 0, "cpu")
    learner.trained.silent.fill_(1e9)
    rows = 0.1 * torch.randn(100, 4, generator=torch.Generator().manual_seed(0))
    rows[42] = torch.tensor([30.0, 0.0, 0.0, 0.0])
    learner.revive(rows, torch.Generator().manual_seed(0), 1)
    assert float(sae.directions()[:, 0].max()) == pytest.approx(1)
    assert float((sae.directions().norm(dim=1) - 1).abs().max()) < 1e-5


# rows as they are


def test_rows_are_trained_on_as_they_are_where_the_config_says_so(toy_rows, monkeypatch):
    rows, seen, batch = 50 * toy_rows + 3, [], Rows.batch

    def watched(self, chosen, *rest):
        found = batch(self, chosen, *rest)
        seen.append((chosen, found.x.clone()))
        return found

    monkeypatch.setattr(Rows, "batch", watched)
    layer = train("topk", make(), rows, dataclasses.replace(SHORT, normalise=False), 0)
    assert len(seen) == SHORT.steps + 1 and all(torch.equal(x, rows[chosen]) for chosen, x in seen)
    assert (layer.normaliser.scale, float(layer.normaliser.mean.abs().max())) == (1.0, 0.0)


ZEROS = {
    "dense": torch.zeros(300, 24),
    # as `Codes.from_active` gives them for a layer that never fires
    "sparse": Codes(torch.zeros(300, 1), torch.zeros(300, 1, dtype=torch.int64), 24),
    "constant": torch.full((300, 24), 1.7),
}


@pytest.mark.parametrize("form", ZEROS)
@pytest.mark.parametrize("compiled", [True, False])
@pytest.mark.parametrize("name", ARCHITECTURES)
def test_rows_without_any_variance_are_trained_on_without_a_nan(name, compiled, form, monkeypatch):
    """What the layer above a collapsed one gets. With dead latents, revivals and a moving average."""
    if not compiled and getattr(ARCHITECTURES[name], "selects", "") != "row":
        pytest.skip("this architecture has one kind of step only")
    monkeypatch.setattr("sae.train.OBSERVE_EVERY", 1)
    rows, records = ZEROS[form], []
    config = dataclasses.replace(FULL, steps=24, normalise=False, compiled=compiled)
    layer = train(name, make(name), rows, config, 0, records.append)
    assert all(bool(torch.isfinite(value).all()) for value in layer.sae.state_dict().values())
    assert {term.split("_")[0]: value for term, value in records[-1].terms.items()}["reconstruction"] == 0
    if name == "topk":
        assert records[-1].terms["auxk"] == 0, "AuxK was asked for, and there was nothing left to explain"
        assert records[0].path.startswith("compiled") == compiled
    dense = rows.dense() if isinstance(rows, Codes) else rows
    torch.testing.assert_close(layer.decode(layer.encode(dense)), dense)


# precision and devices


@pytest.mark.parametrize("compiled", [True, False])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float16, torch.bfloat16])
def test_rows_of_any_float_type_are_trained_on_in_float32(toy_rows, dtype, compiled):
    rows = (20 * toy_rows).abs().to(dtype)
    config = dataclasses.replace(SHORT, compiled=compiled)
    layer, wanted = (train("topk", TopK(24, 48, k=3), given, config, 0) for given in (rows, rows.float()))
    assert torch.equal(layer.sae.W_dec, wanted.sae.W_dec)
    assert torch.equal(layer.encode(rows).dense(), layer.encode(rows.float()).dense())


def test_an_architecture_derived_from_topk_is_trained_with_its_own_loss(toy_rows):
    class Halved(TopK):
        def loss(self, x, dead=None):
            whole = super().loss(x, dead)
            return dataclasses.replace(whole, total=whole.total / 2)

    assert isinstance(step_for(Halved(24, 48, k=3), SHORT), TorchStep)
    assert not isinstance(step_for(TopK(24, 48, k=3), SHORT), TorchStep)


@pytest.mark.parametrize("lr", [0.0, -1.0, float("nan")])
def test_a_learning_rate_of_a_trainee_that_cannot_be_is_refused(lr):
    with pytest.raises(ConfigError, match="lr = "):
        Trainee("topk", TopK(24, 48, k=3), lr)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_training_with_the_encoder_in_bfloat16_keeps_weights_in_float32(name, toy_rows):
    records = []
    layer = train(name, make(name), toy_rows, dataclasses.replace(SHORT, bf16=True), 0, records.append)
    assert all(torch.isfinite(torch.tensor(record.loss)) for record in records)
    assert "bfloat16" in records[0].path
    assert {p.dtype for p in layer.sae.parameters()} == {torch.float32}
    assert float((layer.sae.directions().norm(dim=1) - 1).abs().max()) < 1e-6


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_only_the_encoder_product_is_in_bfloat16(name):
    """Its product is exact here (small whole numbers); were the decoder's in bfloat16 too, the loss would show it."""
    draw = torch.Generator().manual_seed(0)
    sae, x = ARCHITECTURES[name](6, 8, k=4), torch.randint(-2, 3, (16, 6), generator=draw).float()
    with torch.no_grad():
        encoder = dict(sae.named_parameters()).get("W_enc", sae.W_dec)  # matching pursuit has none of its own
        encoder.copy_(torch.randint(-1, 2, (8, 6), generator=draw))
        sae.b_dec.zero_()
    plain = sae.loss(x, None)
    sae.bf16 = True
    rounded = sae.loss(x, None)
    assert torch.equal(plain.codes.dense(), rounded.codes.dense())
    for term, value in plain.terms.items():
        if term.startswith(("reconstruction", "gate")):
            torch.testing.assert_close(rounded.terms[term], value, atol=1e-6, rtol=1e-5)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU: torch.cuda.is_available() is False")
@pytest.mark.parametrize("name", ARCHITECTURES)
def test_training_on_a_gpu_gives_what_a_cpu_gives(name, toy_rows):
    on_gpu, on_cpu = (
        train(name, make(name), toy_rows, dataclasses.replace(FULL, lr=1e-3, compiled=False), 0, device=device).sae
        for device in ("cuda", "cpu")
    )
    assert all(p.device.type == "cpu" for p in on_gpu.parameters())
    torch.testing.assert_close(on_gpu.directions(), on_cpu.directions(), atol=1e-2, rtol=1e-2)

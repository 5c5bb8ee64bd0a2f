"""A decoder that stays as it was drawn: no step, revival or moving average moves it, and all else is trained."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from sae.architectures.abs_topk import AbsTopK
from sae.architectures.archetypal import Archetypal
from sae.architectures.relu_l1 import ReluL1
from sae.architectures.topk import TopK
from sae.config import TrainConfig
from sae.dictionary import Dictionary
from sae.errors import CheckpointError, ConfigError
from sae.layer import Layer
from sae.measures.variance_explained import explained
from sae.resume import Checkpoints
from sae.train import Trainee, train, train_together

CONFIG = TrainConfig(steps=24, batch=64, lr=1e-2, dead_after=0.1)
REVIVED = dataclasses.replace(CONFIG, revivals=3)


def topk() -> TopK:
    return TopK(24, 48, k=3, aux_weight=0.1)


def relu_l1(norm: str = "unit") -> ReluL1:
    """Half of its latents die at once."""
    sae = ReluL1(24, 48, k=3, norm=norm, penalty=0.01, penalty_rate=0.0, penalty_warmup=0)
    start = sae._start

    def deaden(*given) -> None:
        start(*given)
        sae.b_enc.data[:24] = -100.0

    sae._start = deaden
    return sae


CASES = {
    "topk, compiled": ("topk", topk, CONFIG),
    "topk, compiled, with a moving average": ("topk", topk, dataclasses.replace(REVIVED, ema=0.9)),
    "topk, compiled, with a shortlist": ("topk", topk, dataclasses.replace(CONFIG, shortlist=12)),
    "topk, torch": ("topk", topk, dataclasses.replace(CONFIG, compiled=False)),
    "relu_l1 with revivals": ("relu_l1", relu_l1, REVIVED),
    "relu_l1 with a moving average": ("relu_l1", relu_l1, dataclasses.replace(REVIVED, ema=0.9)),
    "abs_topk with a moving average": ("abs_topk", lambda: AbsTopK(24, 48, k=3), dataclasses.replace(CONFIG, ema=0.9)),
    "archetypal": ("archetypal", lambda: Archetypal(24, 48, k=3, points=60), CONFIG),
    "relu_l1 of free lengths": ("relu_l1", lambda: relu_l1("free"), dataclasses.replace(REVIVED, ema=0.9)),
}


def frozen(name, make, config, rows, checkpoints=None, observe=lambda *given: None) -> Layer:
    trainee = Trainee(name, make(), frozen_decoder=True)
    return train_together([trainee], rows, config, 3, observe, checkpoints)[0]


def started(sae: Dictionary) -> dict[str, dict[str, torch.Tensor]]:
    """Filled with the weights that `sae` starts from."""
    kept: dict[str, dict[str, torch.Tensor]] = {}
    start = sae._start

    def watched(*given) -> None:
        start(*given)
        kept["start"] = {name: value.detach().clone() for name, value in sae.named_parameters()}

    sae._start = watched
    return kept


@pytest.mark.parametrize("case", CASES)
def test_the_decoder_ends_bit_for_bit_as_it_started_and_the_rest_is_trained(case, toy_rows):
    name, make, config = CASES[case]
    sae, records = make(), []
    kept = started(sae)
    trainee = Trainee(name, sae, frozen_decoder=True)
    train_together([trainee], toy_rows, config, 3, lambda _, record: records.append(record))
    assert torch.equal(sae.W_dec, kept["start"]["W_dec"])
    for other in ("W_enc", "b_enc", "b_dec"):
        assert not torch.equal(getattr(sae, other), kept["start"][other]), other
    assert records[-1].terms["reconstruction"] < 0.9 * records[0].terms["reconstruction"]
    assert records[0].path.startswith("compiled") == case.startswith("topk, compiled")


def test_revivals_do_happen_to_an_sae_whose_decoder_is_frozen(toy_rows):
    """Otherwise the case above would show nothing."""
    revived, left = (frozen("relu_l1", relu_l1, config, toy_rows).sae for config in (REVIVED, CONFIG))
    assert bool((left.b_enc[:24] < -90).all()) and bool((revived.b_enc[:24] > -90).all())


@pytest.mark.parametrize("case", CASES)
def test_a_killed_run_with_a_frozen_decoder_ends_as_if_nothing_had_happened(case, toy_rows, tmp_path, monkeypatch):
    class Killed(Exception):
        pass

    def kill(_, record) -> None:
        if record.step >= 15:
            raise Killed

    monkeypatch.setattr("sae.train.OBSERVE_EVERY", 1)
    name, make, config = CASES[case]
    whole, kept = frozen(name, make, config, toy_rows), Checkpoints(tmp_path, 7)
    with pytest.raises(Killed):
        frozen(name, make, config, toy_rows, kept, kill)
    resumed = frozen(name, make, config, toy_rows, kept)
    for key, value in whole.sae.state_dict().items():
        assert torch.equal(resumed.sae.state_dict()[key], value), key


def test_the_checkpoint_of_a_free_decoder_is_another_runs(toy_rows, tmp_path):
    kept = Checkpoints(tmp_path, 20)
    train("topk", topk(), toy_rows, CONFIG, 3, checkpoints=kept)
    with pytest.raises(CheckpointError, match="another run"):
        frozen("topk", topk, CONFIG, toy_rows, kept)


def test_a_frozen_decoder_leaves_those_that_are_trained_beside_it_free(toy_rows):
    together = train_together(
        [Trainee("topk", topk(), frozen_decoder=True), Trainee("topk", topk())], toy_rows, CONFIG, 3
    )
    alone = frozen("topk", topk, CONFIG, toy_rows), train("topk", topk(), toy_rows, CONFIG, 3)
    for one, two in zip(together, alone, strict=True):
        assert torch.equal(one.sae.W_dec, two.sae.W_dec) and torch.equal(one.sae.W_enc, two.sae.W_enc)
    assert not torch.equal(alone[0].sae.W_dec, alone[1].sae.W_dec)


def test_both_kinds_of_step_train_the_rest_alike(toy_rows):
    """A compiled step that went on with a decoder of its own would not."""
    config = dataclasses.replace(CONFIG, lr=1e-3)
    ours, theirs = (
        frozen("topk", topk, dataclasses.replace(config, compiled=compiled), toy_rows).sae for compiled in (True, False)
    )
    assert torch.equal(ours.W_dec, theirs.W_dec)
    for name in ("W_enc", "b_enc", "b_dec"):
        torch.testing.assert_close(getattr(ours, name), getattr(theirs, name), atol=2e-4, rtol=1e-3)


def test_learning_directions_adds_something_on_rows_that_have_some(toy_rows):
    config = dataclasses.replace(CONFIG, steps=150)
    fixed, free = frozen("topk", topk, config, toy_rows), train("topk", topk(), toy_rows, config, 3)
    missed = [1 - explained(toy_rows, layer.decode(layer.encode(toy_rows))) for layer in (fixed, free)]
    assert missed[1] < 0.5 * missed[0]


def test_what_has_no_decoder_to_freeze_is_refused():
    class Other:
        """An SAE by its methods only."""

        k_is_met = "at most"
        d_in, n_latents, k = 2, 2, 1

        def __getattr__(self, name: str):
            if name.startswith("__"):
                raise AttributeError(name)
            return lambda *given: None

    with pytest.raises(ConfigError, match="frozen_decoder: other has no W_dec"):
        Trainee("other", Other(), frozen_decoder=True)

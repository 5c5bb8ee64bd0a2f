"""What of an SAE takes no gradients comes out of training bit for bit as it was given, and the rest is trained."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from training import ARCHITECTURES, FULL, SHORT, Killed, killer, make, same_bits

from sae.errors import CheckpointError, ConfigError
from sae.resume import Checkpoints
from sae.train import train

ROWS = torch.randn(200, 24, generator=torch.Generator().manual_seed(5))
CONFIGS = (FULL, dataclasses.replace(SHORT, compiled=False, revivals=1), dataclasses.replace(SHORT, bf16=True))


def given_weights(sae, seed=0):
    """An SAE with weights of its own in every place, as one that was read from a file: not those of a start."""
    draw = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for weight in sae.parameters():
            weight.add_(0.1 * torch.randn(weight.shape, generator=draw))
    sae._constrain()
    return sae


def watched(sae):
    """Filled with the weights that training starts from."""
    kept, start = {}, sae._start

    def starting(*words):
        start(*words)
        kept.update({name: value.detach().clone() for name, value in sae.named_parameters()})

    sae._start = starting
    return kept


@pytest.mark.parametrize("name", ARCHITECTURES)
@settings(max_examples=4)
@given(data=st.data())
def test_weights_without_gradients_stay_and_all_others_move(name, data):
    sae, records = given_weights(make(name)), []
    # one that refuses to have its decoder given says so: unit/test_archetypal.py
    refuses = set(sae.decoder_weights()) if name == "archetypal" else set()
    names = [weight for weight, _ in sae.named_parameters() if weight not in refuses]
    held = data.draw(st.sets(st.sampled_from(names), min_size=1, max_size=len(names) - 1))
    for weight, value in sae.named_parameters():
        value.requires_grad_(weight not in held)
    before = {weight: value.detach().clone() for weight, value in sae.named_parameters()}
    started = watched(sae)
    train(name, sae, ROWS, data.draw(st.sampled_from(CONFIGS)), 3, records.append)
    for weight, value in sae.named_parameters():
        if weight in held:
            assert torch.equal(value, before[weight]) and not value.requires_grad, weight
        else:
            assert not torch.equal(value, started[weight]), weight
    assert records[0].path.startswith("torch ") and set(records[0].path.rpartition(" for ")[2].split(", ")) == held


def test_a_decoder_that_is_given_has_its_encoder_along_it_at_the_start():
    sae = given_weights(make())
    sae.W_dec.requires_grad_(False)
    started = watched(sae)
    train("topk", sae, ROWS, SHORT, 3)
    torch.testing.assert_close(started["W_enc"], sae.W_dec.detach())


@pytest.mark.parametrize(
    ("change", "config", "words"),
    [
        (lambda sae: sae.requires_grad_(False), SHORT, r"W_enc of the topk SAE takes no gradients: .*nor does any"),
        (lambda sae: sae.W_dec.mul_(2).requires_grad_(False), SHORT, r"W_dec of the topk SAE .*length is 1 off 1"),
        (
            lambda sae: sae.b_enc.requires_grad_(False),
            dataclasses.replace(SHORT, shortlist=12),
            r"train\.shortlist = 12: .*all weights with gradients",
        ),
    ],
)
def test_what_cannot_be_trained_so_is_refused(change, config, words):
    sae = make()
    with torch.no_grad():
        change(sae)
    with pytest.raises(ConfigError, match=words):
        train("topk", sae, ROWS, config, 3)


def test_a_loss_in_which_no_trained_weight_stands_is_refused():
    """Nothing would tell torch which way to go."""
    sae = make()
    sae.loss = lambda x, dead, whole=sae.loss: dataclasses.replace(whole(x, dead), total=torch.ones(()))
    sae.b_dec.requires_grad_(False)
    with pytest.raises(ConfigError, match="no weight that takes gradients is part of the loss at step 0"):
        train("topk", sae, ROWS, SHORT, 3)


def test_a_checkpoint_belongs_to_the_weights_that_were_given(tmp_path):
    def held(seed):
        sae = given_weights(make(), seed)
        sae.b_dec.requires_grad_(False)
        return sae

    kept = Checkpoints(tmp_path, 4)
    with pytest.raises(Killed):
        train("topk", held(0), ROWS, SHORT, 3, killer(11), kept)
    with pytest.raises(CheckpointError, match="another run"):
        train("topk", held(1), ROWS, SHORT, 3, checkpoints=kept)
    resumed, whole = train("topk", held(0), ROWS, SHORT, 3, checkpoints=kept), train("topk", held(0), ROWS, SHORT, 3)
    assert same_bits(resumed.sae, whole.sae)

"""What a layer itself puts into its codes is found in the nulls that keep it, and what it reads is not."""

from __future__ import annotations

import pytest
import torch

import sae.nulls
from sae.architectures.topk import TopK
from sae.code_floors import Below, again, code_nulls, encoded, left_over
from sae.config import TrainConfig
from sae.layer import Layer
from sae.normaliser import Normaliser
from sae.records import Codes
from sae.rows import width_of
from sae.rule import DEALT, REENCODED, RELEARNED, SHUFFLED
from sae.train import Trainee, train_together

D_IN = 16


def rows_of(seed: int, n: int = 500) -> torch.Tensor:
    """Two of sixteen axes a row, which and how much by chance, and a little of everything."""
    draw = torch.Generator().manual_seed(seed)
    on = torch.rand(n, D_IN, generator=draw).argsort(1) < 2
    return on * (0.5 + torch.rand(n, D_IN, generator=draw)) + 0.02 * torch.rand(n, D_IN, generator=draw)


def twice() -> Layer:
    """A layer in which every axis stands twice, so that latents fire in pairs whatever it reads."""
    sae = TopK(D_IN, 2 * D_IN, k=4)
    with torch.no_grad():
        for weights in (sae.W_dec, sae.W_enc):
            weights.copy_(torch.eye(D_IN).repeat(2, 1))
        sae.W_dec[D_IN:, :] += 0.01 * torch.eye(D_IN).roll(1, 1)
        sae.W_dec /= sae.W_dec.norm(dim=1, keepdim=True)
    return Layer("topk", sae, Normaliser.identity(rows_of(0)))


class Recorded:
    """Trains a small SAE, and keeps what it was given."""

    def __init__(self, width: int, k: int) -> None:
        self.width, self.k, self.rows = width, k, []

    def __call__(self, rows, *, fold: int = 0, frozen_decoder: bool = False) -> Layer:
        self.rows.append(rows)
        trainee = Trainee("topk", TopK(width_of(rows), self.width, k=self.k))
        return train_together([trainee], rows, TrainConfig(steps=100, batch=100, lr=1e-2), 7)[0]


@pytest.fixture(scope="module")
def found():
    layer, fit, held = twice(), rows_of(1), rows_of(2, 250)
    train, below = Recorded(20, 2), Recorded(2 * D_IN, 4)
    codes, codes_held = layer.encode(fit), layer.encode(held)
    floors = code_nulls(
        train, Below(layer, below, fit, held), codes, codes_held, torch.Generator().manual_seed(3), keep=True
    )
    own = sae.floors.scored("none", "held_out", train(codes), codes_held)
    return {floor.name: floor for floor in [*floors, own]}, train, below, codes


def test_each_null_is_scored_on_held_out_codes_beside_one_that_is_dealt_out_again(found):
    floors, train, below, codes = found
    names = [DEALT, REENCODED, REENCODED + SHUFFLED, RELEARNED, RELEARNED + SHUFFLED]
    assert sorted(floors) == sorted([*names, "none"])
    assert all(floors[name].split == "held_out" and floors[name].n == 250 for name in floors)
    assert all(len(floors[name].rows.error) == 250 for name in names)
    assert len(below.rows) == 1 and below.rows[0].shape == (500, D_IN)
    assert all(isinstance(rows, Codes) and rows.n_latents == 2 * D_IN and len(rows) == 500 for rows in train.rows)
    # of all five as many latents fire in a row as in the codes that were read
    assert all(rows.l0() == pytest.approx(codes.l0(), abs=0.1) for rows in train.rows)


def test_latents_with_one_direction_fire_together_when_they_are_encoded_again(found):
    floors, *_ = found
    own, dealt = floors["none"].value, floors[DEALT].value
    assert own > dealt + 0.2, "a depth above finds the pairs, which say nothing of the rows"
    assert floors[REENCODED].value - floors[REENCODED + SHUFFLED].value == pytest.approx(own - dealt, abs=0.1)


def test_what_a_layer_leaves_is_added_to_other_rows():
    layer, rows = twice(), rows_of(4, 60)
    codes = layer.encode(rows)
    left = left_over(layer, rows, codes, torch.Generator().manual_seed(0))
    wanted = rows - layer.decode(codes)
    assert torch.equal(left.sort(0).values, wanted.sort(0).values) and not torch.equal(left, wanted)


def test_in_parts_it_is_the_same(monkeypatch):
    layer, rows = twice(), rows_of(5, 90)
    codes = layer.encode(rows)
    whole = again(layer, codes), encoded(layer, rows), left_over(layer, rows, codes, torch.Generator().manual_seed(0))
    monkeypatch.setattr(sae.nulls, "WHOLE", 100)
    monkeypatch.setattr(sae.nulls, "PART", 32 * 32)
    assert len(sae.nulls.parts(codes)) == 3
    parts = again(layer, codes), encoded(layer, rows), left_over(layer, rows, codes, torch.Generator().manual_seed(0))
    for one, other in zip(whole, parts, strict=True):
        dense = (one.dense(), other.dense()) if isinstance(one, Codes) else (one, other)
        torch.testing.assert_close(*dense)

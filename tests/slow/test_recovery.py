"""Every architecture, trained for long on the toy dictionary: directions, L0 and what the compiled step may change."""

from __future__ import annotations

import pytest
import torch

from sae.config import TrainConfig
from sae.discover import find_all
from sae.train import train

pytestmark = pytest.mark.slow
ARCHITECTURES = find_all("sae.architectures")


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("name", ARCHITECTURES)
def test_known_directions_are_recovered_at_the_wanted_l0(name, seed, toy_rows, toy_directions):
    config = TrainConfig(steps=2000, batch=128, lr=5e-3, revivals=4)
    layer = train(name, ARCHITECTURES[name](24, 48, k=3), toy_rows, config, seed)
    assert float((toy_directions @ layer.sae.directions().T).max(1).values.mean()) > 0.9
    assert layer.encode(toy_rows).l0() == pytest.approx(3, rel=0.15)


@pytest.mark.parametrize("shortlist", [0, 24])
def test_a_long_compiled_training_is_as_good_as_the_reference(shortlist, toy_rows, toy_directions):
    found = []
    for config in (
        TrainConfig(steps=1000, batch=128, lr=1e-2, shortlist=shortlist),
        TrainConfig(steps=1000, batch=128, lr=1e-2, compiled=False),
    ):
        layer = train("topk", ARCHITECTURES["topk"](24, 256, k=3), toy_rows, config, 0)
        error = (toy_rows - layer.decode(layer.encode(toy_rows))).square().sum()
        share = float(error / (toy_rows - toy_rows.mean(0)).square().sum())
        found.append((share, float((toy_directions @ layer.sae.directions().T).max(1).values.mean())))
    assert found[0][0] < 1.15 * found[1][0] + 1e-3
    assert found[0][1] > found[1][1] - 0.01
    assert torch.tensor(found).isfinite().all()

"""Adam and AdamW: torch's steps, without the import that only `torch.compile` needs."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import pytest
import torch
from torch import nn
from torch.nn.functional import mse_loss

from sae import optimisers
from sae.architectures.gated import Gated
from sae.config import TrainConfig
from sae.train import train

KINDS = ("Adam", "AdamW")


def weights_after(make, fused, steps=12):
    """Those of a small network that was trained on a one-cycle schedule."""
    draw = torch.Generator().manual_seed(4)
    rows, answers = torch.randn(40, 7, generator=draw), torch.randn(40, 3, generator=draw)
    model = nn.Linear(7, 3)
    with torch.no_grad():
        for weight in model.parameters():
            weight.copy_(torch.randn(weight.shape, generator=draw))
    optimiser = make(model.parameters(), lr=0.02, weight_decay=0.1, fused=fused)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 0.02, total_steps=steps)
    for _ in range(steps):
        optimiser.zero_grad()
        mse_loss(model(rows), answers).backward()
        optimiser.step()
        schedule.step()
    return torch.cat([weight.detach().flatten() for weight in model.parameters()])


@pytest.fixture
def nothing_to_compile(monkeypatch):
    """What torch's own optimisers ask of `torch.compile`, which is to be left out of it, without its import."""
    stub = SimpleNamespace(disable=lambda function, *_, **__: function, graph_break=lambda: None)
    monkeypatch.setitem(sys.modules, "torch._dynamo", stub)
    monkeypatch.setattr(torch, "_dynamo", stub, raising=False)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("fused", [None, True])
@pytest.mark.usefixtures("nothing_to_compile")
def test_steps_are_those_of_torch_bit_for_bit(kind, fused):
    found, wanted = (weights_after(getattr(room, kind), fused) for room in (optimisers, torch.optim))
    assert torch.equal(found, wanted)


@pytest.mark.parametrize("kind", KINDS)
def test_gradients_are_zeroed_or_forgotten(kind):
    weight = nn.Parameter(torch.ones(3))
    optimiser = getattr(optimisers, kind)([weight])
    weight.grad = torch.ones(3)
    optimiser.zero_grad(set_to_none=False)
    assert weight.grad is not None and not bool(weight.grad.any())
    optimiser.zero_grad()
    assert weight.grad is None


def test_training_does_not_import_what_only_compiling_needs(monkeypatch, toy_rows):
    monkeypatch.setitem(sys.modules, "torch._dynamo", None)  # an import of it fails
    for kind in KINDS:
        weights_after(getattr(optimisers, kind), None, 2)
    train("gated", Gated(24, 30, k=3), toy_rows, TrainConfig(steps=2, batch=64), 0)

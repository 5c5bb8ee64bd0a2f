"""Layers with random weights away from every trivial point: biases, thresholds, a mean, a scale that is not 1."""

from __future__ import annotations

import torch

from sae.discover import find
from sae.layer import Layer
from sae.normaliser import Normaliser

D_IN, WIDTH, K = 12, 32, 4
ARCHITECTURES = (
    "abs_topk", "archetypal", "batch_topk", "gated", "jumprelu", "matryoshka", "relu_l1", "topk",
)  # fmt: skip


def random_sae(name: str, **options):
    """An SAE of `name` with random weights, its directions of unit norm; the same for the same options."""
    draw = torch.Generator().manual_seed(7)
    sae = find("sae.architectures", name)(D_IN, WIDTH, k=K, **options)
    with torch.no_grad():
        for parameter in sae.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=draw) * 0.4)
        sae.W_dec /= sae.W_dec.norm(dim=1, keepdim=True)
        if name != "matching_pursuit":  # which has no encoder of its own
            sae.W_enc.copy_(sae.W_dec + 0.1 * torch.randn(WIDTH, D_IN, generator=draw))
        if not sae.unit_norm:
            sae.W_dec *= 0.5 + torch.rand(WIDTH, 1, generator=draw)
        if name == "jumprelu":
            sae.theta.abs_()
        if name in ("batch_topk", "matryoshka"):
            sae.threshold.fill_(0.6)
        sae._constrain()  # weights that follow from others do
    return sae


def random_layer(name: str, **options) -> Layer:
    """The same SAE behind a normaliser with a mean and a scale."""
    mean = torch.randn(D_IN, generator=torch.Generator().manual_seed(8))
    return Layer(name, random_sae(name, **options), Normaliser(mean, 2.5, 0.3))


def rows(count: int = 64) -> torch.Tensor:
    """Rows in the units of the host."""
    return 3 * torch.randn(count, D_IN, generator=torch.Generator().manual_seed(9)) + 1

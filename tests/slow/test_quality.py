"""How good a host and an SAE must at least be on the embedded digits. Minutes, not seconds."""

from __future__ import annotations

import pytest
import torch

from analysis.run.datasets.digits import digits
from analysis.run.hosts.mlp import Mlp
from analysis.run.stages._load import images_of
from sae.architectures.topk import TopK
from sae.config import TrainConfig
from sae.evaluate import Seen, evaluate
from sae.nulls import pca, random_dictionary
from sae.seeding import stream
from sae.train import train

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", params=[0, 1])
def trained(request):
    """A host, the activations of both splits at `hidden2`, and the held-out labels."""
    data = digits()
    host = Mlp((28, 28), 10, request.param)
    images, labels, _ = images_of(data, "train")
    host.fit(images, labels)
    held_out, targets, _ = images_of(data, "held_out")
    return host, host.activations(images, "hidden2"), host.activations(held_out, "hidden2"), targets


def unexplained(rows, back):
    return float((rows - back).pow(2).sum() / (rows - rows.mean(0)).pow(2).sum())


def test_the_host_reads_held_out_digits(trained):
    host, _, rows, labels = trained
    assert float((host.logits_from(rows, "hidden2").argmax(1) == labels).float().mean()) >= 0.95


def test_an_sae_of_512_latents_and_k_16_gives_the_128_wide_layer_back(trained):
    host, train_rows, rows, labels = trained
    layer = train("topk", TopK(128, 512, k=16, encoder_norm=0.577), train_rows, TrainConfig(batch=128), 0)
    codes = layer.encode(rows)
    back = layer.decode(codes)
    readings = evaluate([Seen(codes=codes, x=rows, x_hat=back)], "input", ("variance_explained", "l0"))
    missing = 1 - readings["variance_explained"].value
    assert missing == pytest.approx(unexplained(rows, back), rel=1e-4) and missing <= 0.025
    assert 8 < readings["l0"].value <= 16
    # far above what random directions reach, and good enough to classify by
    mean = train_rows.mean(0)
    floor = random_dictionary(rows - mean, 512, 16, stream(0, "floor")) + mean
    assert missing < unexplained(rows, floor)
    assert missing < 4 * unexplained(rows, pca(train_rows, rows, 16))
    accuracy = float((host.logits_from(back, "hidden2").argmax(1) == labels).float().mean())
    assert accuracy >= 0.94


def test_auxk_keeps_most_latents_alive(trained):
    _, train_rows, _, _ = trained
    live = {}
    for weight in (0.0, 1 / 32):
        sae = TopK(128, 512, k=16, encoder_norm=0.577, aux_weight=weight)
        layer = train("topk", sae, train_rows, TrainConfig(steps=800, batch=128), 0)
        live[weight] = float(layer.encode(train_rows).fired().float().mean())
    assert torch.tensor(list(live.values())).isfinite().all() and live[1 / 32] > live[0.0] + 0.1

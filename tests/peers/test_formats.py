"""Golden tests of the formats: the real library loads what we write, and we read what it writes."""

from __future__ import annotations

import pytest
import torch
from peers.layers import ARCHITECTURES, D_IN, WIDTH, K, random_layer, rows

from sae.interop import saelens
from sae.interop import sparsify as ours_of_sparsify

pytestmark = pytest.mark.peers
CLOSE = {"atol": 1e-5, "rtol": 1e-5}
EXPORTED = [(name, {}) for name in ARCHITECTURES] + [("relu_l1", {"norm": norm}) for norm in ("weighted", "free")]


@pytest.mark.parametrize(("name", "options"), EXPORTED)
def test_saelens_loads_what_we_write(name, options, sae_lens, tmp_path):
    layer, x = random_layer(name, **options), rows(500)
    saelens.write(layer, tmp_path / "out", {"hook_name": "blocks.3.hook_resid_pre"})
    theirs = sae_lens.SAE.load_from_disk(tmp_path / "out")
    with torch.no_grad():
        codes, x_hat = theirs.encode(x), theirs(x)
    assert theirs.cfg.metadata.hook_name == "blocks.3.hook_resid_pre"
    assert theirs.cfg.architecture() == saelens.WRITTEN_AS[name]
    torch.testing.assert_close(codes, layer.encode(x).dense(), **CLOSE)
    torch.testing.assert_close(x_hat, layer.decode(layer.encode(x)), **CLOSE)


def test_saelens_loads_matching_pursuit_and_has_its_codes_in_the_units_of_the_rows(sae_lens, tmp_path):
    layer, x = random_layer("matching_pursuit"), rows(500)
    saelens.write(layer, tmp_path / "out")
    theirs = sae_lens.SAE.load_from_disk(tmp_path / "out")
    with torch.no_grad():
        codes, x_hat = theirs.encode(x), theirs(x)
    assert theirs.cfg.architecture() == "matching_pursuit"
    torch.testing.assert_close(codes, layer.encode(x).dense() * layer.normaliser.scale, **CLOSE)
    torch.testing.assert_close(x_hat, layer.decode(layer.encode(x)), **CLOSE)


def scatter(sae):
    """Random parameters in place of the initial ones; thresholds above 0."""
    draw = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for name, parameter in sae.named_parameters():
            value = 0.5 * torch.randn(parameter.shape, generator=draw)
            parameter.copy_(value.abs() if name == "threshold" else value)
    return sae


@pytest.mark.parametrize("apply_b_dec_to_input", [True, False])
@pytest.mark.parametrize(("kind", "name"), [("Standard", "relu_l1"), ("JumpReLU", "jumprelu"), ("Gated", "gated")])
def test_we_read_what_saelens_writes(kind, name, apply_b_dec_to_input, sae_lens, tmp_path):
    cfg = getattr(sae_lens, f"{kind}SAEConfig")(D_IN, WIDTH, apply_b_dec_to_input=apply_b_dec_to_input)
    theirs, x = scatter(getattr(sae_lens, f"{kind}SAE")(cfg)), rows()
    theirs.save_model(tmp_path)
    layer = saelens.read(tmp_path, name)
    with torch.no_grad():
        # decoder lengths differ, so our code is theirs times the length
        torch.testing.assert_close(layer.encode(x).dense(), theirs.encode(x) * theirs.W_dec.norm(dim=1), **CLOSE)
        torch.testing.assert_close(layer.decode(layer.encode(x)), theirs(x), **CLOSE)


@pytest.mark.parametrize("rescale", [True, False])
def test_we_read_saelens_topk(rescale, sae_lens, tmp_path):
    theirs = scatter(sae_lens.TopKSAE(sae_lens.TopKSAEConfig(D_IN, WIDTH, k=K, rescale_acts_by_decoder_norm=rescale)))
    if not rescale:
        theirs.W_dec.data /= theirs.W_dec.data.norm(dim=1, keepdim=True) * 3
    theirs.save_model(tmp_path)
    layer, x = saelens.read(tmp_path, "topk"), rows()
    with torch.no_grad():
        torch.testing.assert_close(layer.encode(x).dense(), theirs.encode(x), **CLOSE)
        torch.testing.assert_close(layer.decode(layer.encode(x)), theirs(x), **CLOSE)


@pytest.mark.parametrize(("kind", "name"), [("BatchTopK", "batch_topk"), ("MatryoshkaBatchTopK", "matryoshka")])
def test_we_read_both_forms_of_saelens_batchwise_saes(kind, name, sae_lens, tmp_path):
    options = {"matryoshka_widths": [4, 8, WIDTH]} if name == "matryoshka" else {}
    cfg = getattr(sae_lens, f"{kind}TrainingSAEConfig")(D_IN, WIDTH, k=float(K), **options)
    training, x = scatter(getattr(sae_lens, f"{kind}TrainingSAE")(cfg)), rows()
    training.topk_threshold.fill_(0.7)
    training.save_model(tmp_path / "training")
    training.save_inference_model(tmp_path / "inference")
    theirs = sae_lens.SAE.load_from_disk(tmp_path / "inference")
    for folder, architecture in (("training", name), ("inference", "jumprelu")):
        layer = saelens.read(tmp_path / folder, architecture)
        assert layer.sae.k == K
        with torch.no_grad():
            torch.testing.assert_close(layer.encode(x).dense(), theirs.encode(x), **CLOSE)
            torch.testing.assert_close(layer.decode(layer.encode(x)), theirs(x), **CLOSE)


def test_we_read_what_sparsify_writes(sparsify, tmp_path):
    theirs = sparsify.SparseCoder(D_IN, sparsify.SparseCoderConfig(num_latents=WIDTH, k=K))
    scatter(theirs).set_decoder_norm_to_unit_norm()
    theirs.save_to_disk(tmp_path)
    layer, x = ours_of_sparsify.read(tmp_path, "topk"), rows()
    with torch.no_grad():
        top = theirs.encode(x)
        codes = torch.zeros(len(x), WIDTH).scatter_(1, top.top_indices, top.top_acts)
        torch.testing.assert_close(layer.encode(x).dense(), codes, **CLOSE)
        torch.testing.assert_close(layer.decode(layer.encode(x)), theirs(x).sae_out, **CLOSE)
    assert layer.normaliser.scale == 1.0

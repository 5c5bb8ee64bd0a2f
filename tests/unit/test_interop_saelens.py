"""SAELens's folders: written, read back, and computed by hand from their tensors; with SAELens: tests/peers."""

from __future__ import annotations

import dataclasses
import json

import pytest
import torch
from peers.layers import ARCHITECTURES, D_IN, WIDTH, K, random_layer, rows
from saelens_folders import CLOSE, by_hand, edit, edit_weights, folder_of, same, unit
from safetensors.torch import load_file

from sae.checkpoint import load_layer, save_layer
from sae.discover import names
from sae.errors import CheckpointError
from sae.interop import saelens

ALL = [(name, {}) for name in ARCHITECTURES] + [("relu_l1", {"norm": norm}) for norm in ("weighted", "free")]


@pytest.fixture
def topk(tmp_path):
    return folder_of(tmp_path / "topk", "topk", {"W_dec": unit()})


@pytest.mark.parametrize(("name", "options"), ALL)
def test_a_written_folder_says_by_hand_what_the_layer_says(name, options, tmp_path):
    layer, x = random_layer(name, **options), rows()
    saelens.write(layer, tmp_path / "out")
    codes, x_hat = by_hand(tmp_path / "out", x)
    assert int((codes > 0).sum()) > len(x)
    same(layer, codes, x_hat, x)
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["cfg.json", "sae_weights.safetensors"]


@pytest.mark.parametrize(("name", "options"), ALL)
def test_a_written_folder_is_read_back_with_the_same_codes(name, options, tmp_path):
    layer, x = random_layer(name, **options), rows()
    saelens.write(layer, tmp_path / "out")
    back = saelens.read(tmp_path / "out")
    assert back.architecture == saelens.READ_AS[saelens.WRITTEN_AS[name]]
    assert (back.sae.k, back.sae.d_in, back.sae.n_latents) == (K, D_IN, WIDTH)
    assert back.normaliser.scale == pytest.approx(2.5)
    torch.testing.assert_close(back.sae.directions().norm(dim=1), torch.ones(WIDTH))
    same(back, layer.encode(x).dense(), layer.decode(layer.encode(x)), x)


def test_what_was_read_is_saved_and_loaded_as_any_layer(topk, tmp_path):
    layer = saelens.read(topk, "topk")
    save_layer(layer, tmp_path / "layer.safetensors")
    back = load_layer(tmp_path / "layer.safetensors", "topk")
    assert torch.equal(back.encode(rows()).dense(), layer.encode(rows()).dense())


def test_shapes_and_settings_are_those_of_the_format(tmp_path):
    saelens.write(random_layer("topk"), tmp_path / "out", {"hook_name": "hidden2"})
    cfg, w = (
        json.loads((tmp_path / "out" / "cfg.json").read_text()),
        load_file(tmp_path / "out" / "sae_weights.safetensors"),
    )
    assert {name: tuple(t.shape) for name, t in w.items()} == {
        "W_enc": (D_IN, WIDTH), "W_dec": (WIDTH, D_IN), "b_enc": (WIDTH,), "b_dec": (D_IN,),
    }  # fmt: skip
    assert (cfg["architecture"], cfg["k"], cfg["rescale_acts_by_decoder_norm"]) == ("topk", K, False)
    assert cfg["metadata"]["hook_name"] == "hidden2" and cfg["metadata"]["sae_lens_version"].startswith("6")


@pytest.mark.parametrize("name", ["batch_topk", "matryoshka"])
def test_a_threshold_that_was_never_set_does_not_cut(name, tmp_path):
    layer = random_layer(name)
    layer.sae.threshold.fill_(-1.0)
    saelens.write(layer, tmp_path / "out")
    assert float(load_file(tmp_path / "out" / "sae_weights.safetensors")["threshold"].max()) == 0
    same(layer, *by_hand(tmp_path / "out", rows()), rows())


@pytest.mark.parametrize("apply_b_dec_to_input", [True, False])
@pytest.mark.parametrize("architecture", ["standard", "gated", "jumprelu"])
def test_decoder_lengths_move_into_the_encoder_where_latents_do_not_compete(
    architecture, apply_b_dec_to_input, tmp_path
):
    folder = folder_of(tmp_path / "in", architecture, apply_b_dec_to_input=apply_b_dec_to_input)
    layer, x = saelens.read(folder), rows()
    codes, x_hat = by_hand(folder, x)
    lengths = load_file(folder / "sae_weights.safetensors")["W_dec"].norm(dim=1)
    assert (layer.normaliser.scale, float(layer.normaliser.mean.abs().max())) == (1.0, 0.0)
    torch.testing.assert_close(layer.encode(x).dense(), codes * lengths, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(layer.decode(layer.encode(x)), x_hat, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("apply_b_dec_to_input", [True, False])
@pytest.mark.parametrize("length", [1.0, 0.1, 7.0])
@pytest.mark.parametrize("architecture", ["standard", "gated", "jumprelu", "topk"])
def test_one_decoder_length_becomes_the_scale_and_the_codes_stay(architecture, length, apply_b_dec_to_input, tmp_path):
    tensors = {"W_dec": unit(length=length)}
    folder = folder_of(tmp_path / "in", architecture, tensors, apply_b_dec_to_input=apply_b_dec_to_input)
    layer = saelens.read(folder)
    codes, x_hat = by_hand(folder, rows())
    assert layer.normaliser.scale == pytest.approx(length)
    torch.testing.assert_close(layer.encode(rows()).dense(), codes, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(layer.decode(layer.encode(rows())), x_hat, atol=1e-4, rtol=1e-4)


def test_topk_that_ranks_by_length_is_read_exactly(tmp_path):
    folder = folder_of(tmp_path / "in", "topk", rescale_acts_by_decoder_norm=True)
    layer = saelens.read(folder)
    codes, x_hat = by_hand(folder, rows())
    torch.testing.assert_close(layer.encode(rows()).dense(), codes, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(layer.decode(layer.encode(rows())), x_hat, atol=1e-4, rtol=1e-4)


def test_topk_whose_lengths_would_change_the_ranking_is_refused(tmp_path):
    folder = folder_of(tmp_path / "in", "topk")
    with pytest.raises(CheckpointError, match=r"sae_weights.safetensors: decoder rows have lengths .* expected one"):
        saelens.read(folder)


def test_lengths_within_the_rounding_that_was_asked_for_count_as_one(tmp_path):
    lengths = 1 + 1e-3 * torch.linspace(-1, 1, WIDTH)[:, None]
    folder = folder_of(tmp_path / "in", "topk", {"W_dec": unit() * lengths})
    with pytest.raises(CheckpointError, match="rounding"):
        saelens.read(folder)
    layer = saelens.read(folder, rounding=2e-3)
    codes, x_hat = by_hand(folder, rows())
    assert layer.normaliser.scale == 1.0
    torch.testing.assert_close(layer.encode(rows()).dense(), codes, **CLOSE)
    torch.testing.assert_close(layer.decode(layer.encode(rows())), x_hat, atol=0.05, rtol=1e-2)


@pytest.mark.parametrize("rescale", [True, False])
@pytest.mark.parametrize("architecture", ["batchtopk", "matryoshka_batchtopk"])
def test_a_training_checkpoint_of_the_batchwise_kinds_is_read_as_what_it_is(architecture, rescale, tmp_path):
    tensors = {"topk_threshold": torch.tensor(0.6, dtype=torch.float64)}
    tensors |= {} if rescale else {"W_dec": unit()}
    widths = {"matryoshka_widths": [4, 8, 32]} if architecture.startswith("m") else {}
    cfg = {"k": 4.0, "rescale_acts_by_decoder_norm": rescale} | widths
    layer = saelens.read(folder_of(tmp_path / "in", architecture, tensors, **cfg))
    assert (layer.architecture, layer.sae.k) == ({"batchtopk": "batch_topk"}.get(architecture, "matryoshka"), 4)
    if widths:
        assert layer.sae.widths() == [4, 8, 32]
    w = load_file(tmp_path / "in" / "sae_weights.safetensors")
    lengths = w["W_dec"].norm(dim=1)
    pre = ((rows() - w["b_dec"]) @ w["W_enc"] + w["b_enc"]) * lengths
    torch.testing.assert_close(layer.encode(rows()).dense(), pre.relu() * (pre > 0.6), atol=1e-4, rtol=1e-4)


def test_a_threshold_below_zero_is_their_relu(tmp_path):
    folder = folder_of(tmp_path / "in", "jumprelu", {"threshold": torch.full((WIDTH,), -0.4), "W_dec": unit()})
    layer = saelens.read(folder)
    assert float(layer.sae.theta.detach().min()) == 0
    torch.testing.assert_close(layer.encode(rows()).dense(), by_hand(folder, rows())[0], atol=1e-4, rtol=1e-4)


def test_half_precision_is_read_in_float32(tmp_path):
    folder = folder_of(tmp_path / "in", "standard")
    edit_weights(folder, lambda w: w.update({name: t.half() for name, t in w.items()}))
    assert all(p.dtype == torch.float32 for p in saelens.read(folder).sae.parameters())


def test_k_of_a_file_that_has_none_is_the_callers_or_the_width(tmp_path):
    folder = folder_of(tmp_path / "in", "standard")
    assert saelens.read(folder).sae.k == WIDTH and saelens.read(folder, k=5).sae.k == 5


# Every way in which a TopK file could pass for ReLU, or the reverse (SAELens#553).


@pytest.mark.parametrize(("architecture", "asked"), [("topk", "relu_l1"), ("standard", "topk"), ("gated", "jumprelu")])
def test_a_folder_of_another_architecture_is_refused(architecture, asked, tmp_path):
    folder = folder_of(tmp_path / "in", architecture, {"W_dec": unit()})
    with pytest.raises(CheckpointError, match=rf"cfg.json holds a '\w+' SAE, asked for as '{asked}'"):
        saelens.read(folder, asked)


@pytest.mark.parametrize("named", ["standard", "DROP"])
@pytest.mark.parametrize("key", ["activation_fn", "activation_fn_str"])
def test_a_topk_folder_of_version_5_is_read_as_topk(topk, named, key):
    edit(topk, **{"architecture": named, key: "topk", "activation_fn_kwargs": {"k": K}, "k": "DROP"})
    layer = saelens.read(topk)
    assert (layer.architecture, layer.sae.k) == ("topk", K)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"architecture": "DROP"}, "neither 'architecture' nor"),
        ({"architecture": "standard", "activation_fn": "tanh-relu"}, "tanh-relu"),
        ({"activation_fn": "relu"}, "'topk' with activation_fn = 'relu'"),
        ({"architecture": "gated", "activation_fn": "topk"}, "'gated' with activation_fn = 'topk'"),
        ({"architecture": "transcoder"}, "'transcoder', expected one of standard"),
        ({"k": "DROP"}, "k = None, expected a whole number"),
        ({"k": 2.5}, "k = 2.5"),
        ({"k": True}, "k = True"),
        ({"k": 0}, "k = 0"),
        ({"k": WIDTH + 1}, "k = 33"),
        ({"d_in": "DROP"}, "d_in = None"),
        ({"d_in": D_IN + 1}, r"'W_enc' has shape \(12, 32\), expected \(13, 32\)"),
        ({"d_sae": "32"}, "d_sae = '32'"),
        ({"normalize_activations": "layer_norm"}, "normalize_activations = 'layer_norm', expected 'none'"),
        ({"normalize_activations": "expected_average_only_in"}, "expected_average_only_in"),
        ({"finetuning_scaling_factor": True}, "finetuning_scaling_factor = True"),
    ],
)
def test_settings_that_cannot_be_followed_are_refused(topk, change, says):
    edit(topk, **change)
    with pytest.raises(CheckpointError, match=says) as raised:
        saelens.read(topk)
    assert str(topk) in str(raised.value)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda w: w.pop("b_enc"), "lacks 'b_enc'; found W_dec, W_enc, b_dec, expected W_dec, W_enc, b_dec, b_enc"),
        (lambda w: w.update(threshold=torch.ones(WIDTH)), r"unexpected tensor 'threshold' of shape \(32,\)"),
        (lambda w: w.update(scaling_factor=torch.full((WIDTH,), 2.0)), "unexpected tensor 'scaling_factor'"),
        (lambda w: w.update(W_enc=w["W_enc"].T.contiguous()), r"'W_enc' has shape \(32, 12\), expected \(12, 32\)"),
        (lambda w: w["b_enc"].__setitem__(3, torch.nan), "'b_enc' has 1 values that are NaN"),
        (lambda w: w["W_dec"].__setitem__(3, torch.inf), "'W_dec' has 12 values that are NaN or infinite"),
        (lambda w: w["W_dec"].__setitem__(3, 0.0), "decoder row 3 has length 0"),
        (lambda w: w.update(b_dec=torch.zeros(D_IN, dtype=torch.int64)), "'b_dec' is of torch.int64"),
    ],
)
def test_weights_that_are_not_what_cfg_says_are_refused(topk, change, says):
    edit_weights(topk, change)
    with pytest.raises(CheckpointError, match=says) as raised:
        saelens.read(topk)
    assert "sae_weights.safetensors" in str(raised.value)


def test_ones_as_scaling_factor_change_nothing(topk):
    edit_weights(topk, lambda w: w.update(scaling_factor=torch.ones(WIDTH)))
    assert saelens.read(topk).architecture == "topk"


@pytest.mark.parametrize("broken", ["", "{", "[]", "null"])
def test_a_cfg_that_is_no_object_is_refused(topk, broken):
    (topk / "cfg.json").write_text(broken)
    with pytest.raises(CheckpointError, match=r"cfg\.json"):
        saelens.read(topk)


@pytest.mark.parametrize("lost", ["cfg.json", "sae_weights.safetensors"])
def test_a_folder_that_is_not_whole_is_refused(topk, lost):
    (topk / lost).unlink()
    with pytest.raises(CheckpointError, match=lost):
        saelens.read(topk)


def test_a_pickle_is_refused_under_any_name(topk, monkeypatch):
    path, bytes_ = topk / "sae_weights.safetensors", []
    monkeypatch.setattr(torch, "load", lambda *given, **named: bytes_.append(given))
    for legacy in (True, False):
        torch.save({"W_enc": torch.zeros(2, 2)}, path, _use_new_zipfile_serialization=not legacy)
        with pytest.raises(CheckpointError, match="is a pickle, expected safetensors"):
            saelens.read(topk)
    path.rename(topk / "sae_weights.pt")
    for given in (topk, topk / "sae_weights.pt"):
        with pytest.raises(CheckpointError, match=r"sae_weights.pt is a pickle.*To convert: python -c"):
            saelens.read(given)
    assert not bytes_


def test_an_architecture_that_saelens_lacks_is_not_written(tmp_path):
    layer = dataclasses.replace(random_layer("topk"), architecture="crosscoder")
    with pytest.raises(CheckpointError, match="no 'crosscoder'; can be written: abs_topk, archetypal, batch_topk"):
        saelens.write(layer, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_weights_that_are_not_finite_are_not_written(tmp_path):
    layer = random_layer("topk")
    layer.sae.b_enc.data[2] = torch.nan
    with pytest.raises(CheckpointError, match="'b_enc' has 1 values"):
        saelens.write(layer, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_writing_twice_replaces_the_folder(tmp_path):
    for name in ("gated", "topk"):
        saelens.write(random_layer(name), tmp_path / "out")
    assert saelens.read(tmp_path / "out").architecture == "topk"


def test_every_architecture_can_be_written_or_is_refused_by_name(tmp_path):
    ours = set(names("sae.architectures"))
    assert ours >= set(saelens.WRITTEN_AS)
    for name in ours - set(saelens.WRITTEN_AS):
        with pytest.raises(CheckpointError, match=rf"^SAELens.*{name}[^\n]*; can be written: abs_topk, [^\n]*topk$"):
            saelens.write(dataclasses.replace(random_layer("topk"), architecture=name), tmp_path / "out")
    assert {name for name in ours if saelens.refusal(name)} == ours - set(saelens.WRITTEN_AS)
    assert not (tmp_path / "out").exists()

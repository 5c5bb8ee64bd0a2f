"""Gemma Scope's params.npz: small random ones of the same shapes, and their formula by hand."""

from __future__ import annotations

import io
import zipfile

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from sae.checkpoint import load_layer, save_layer
from sae.errors import CheckpointError, ConfigError
from sae.interop import gemma_scope, sparsify

D_IN, WIDTH = 10, 26


def arrays(dtype=np.float32, **changes):
    draw = np.random.default_rng(4)
    decoder = draw.normal(size=(WIDTH, D_IN))
    given = {
        "W_enc": draw.normal(size=(D_IN, WIDTH)),
        "W_dec": decoder / np.linalg.norm(decoder, axis=1, keepdims=True),
        "b_enc": 0.3 * draw.normal(size=WIDTH),
        "b_dec": draw.normal(size=D_IN),
        "threshold": draw.uniform(0.2, 1.5, WIDTH),
    }
    return {name: value.astype(dtype) for name, value in given.items()} | changes


def saved(path, compressed=True, **changes):
    (np.savez_compressed if compressed else np.savez)(path, **arrays(**changes))
    return path


@pytest.fixture
def path(tmp_path):
    return tmp_path / "params.npz"


def rows():
    return 2 * torch.randn(60, D_IN, generator=torch.Generator().manual_seed(5)) + 1


def by_hand(w, x):
    w = {name: torch.from_numpy(value.astype(np.float64)) for name, value in w.items()}
    pre = x.double() @ w["W_enc"] + w["b_enc"]
    codes = torch.relu(pre) * (pre > w["threshold"])
    return codes.float(), (codes @ w["W_dec"] + w["b_dec"]).float()


def agrees(layer, w, lengths=1.0, atol=1e-4):
    codes, x_hat = by_hand(w, rows())
    assert 0 < int((codes > 0).sum()) < codes.numel()
    torch.testing.assert_close(layer.encode(rows()).dense(), codes * lengths, atol=atol, rtol=1e-3)
    torch.testing.assert_close(layer.decode(layer.encode(rows())), x_hat, atol=atol, rtol=1e-3)


@pytest.mark.parametrize("compressed", [True, False])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, ">f4"])
def test_the_layer_says_what_the_formula_says(path, dtype, compressed):
    saved(path, compressed, dtype=dtype)
    layer = gemma_scope.read(path, "jumprelu")
    assert (layer.architecture, layer.normaliser.scale, layer.sae.k) == ("jumprelu", 1.0, WIDTH)
    assert layer.sae.W_dec.shape == (WIDTH, D_IN)
    agrees(layer, arrays())


def test_a_folder_or_text_does_as_well_and_k_is_the_callers(path, tmp_path):
    saved(path)
    for given in (tmp_path, str(tmp_path), str(path)):
        assert gemma_scope.read(given, k=7).sae.k == 7
    for wrong in (0, 2.5, True, "7"):
        with pytest.raises(ConfigError, match="k = "):
            gemma_scope.read(path, k=wrong)


def test_lengths_that_differ_move_into_the_codes(path):
    lengths = np.linspace(0.5, 2.0, WIDTH, dtype=np.float32)
    w = arrays()
    w["W_dec"] = w["W_dec"] * lengths[:, None]
    np.savez(path, **w)
    agrees(gemma_scope.read(path), w, torch.from_numpy(lengths))


def test_a_threshold_below_0_is_their_relu(path):
    w = arrays(threshold=np.full(WIDTH, -0.5, np.float32))
    np.savez(path, **w)
    agrees(gemma_scope.read(path), w)


def test_what_was_read_is_saved_and_loaded_as_any_layer(path, tmp_path):
    layer = gemma_scope.read(saved(path))
    save_layer(layer, tmp_path / "layer.safetensors")
    back = load_layer(tmp_path / "layer.safetensors", "jumprelu")
    assert torch.equal(back.encode(rows()).dense(), layer.encode(rows()).dense())


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"W_enc": np.zeros((WIDTH, D_IN), np.float32)}, r"'W_dec' has shape \(26, 10\), expected \(10, 26\)"),
        ({"W_enc": np.zeros(3, np.float32)}, "'W_enc' is missing or has no two axes"),
        ({"threshold": np.zeros(1, np.float32)}, r"'threshold' has shape \(1,\), expected \(26,\)"),
        ({"b_dec": np.full(D_IN, np.nan, np.float32)}, "'b_dec' has 10 values that are NaN"),
        ({"b_enc": np.zeros(WIDTH, np.int32)}, "'b_enc' is of int32, expected floating point"),
        ({"b_enc": np.zeros(WIDTH, np.complex64)}, "'b_enc' is of complex64"),
        ({"b_enc": np.array(["a"] * WIDTH)}, "'b_enc' is of <U1"),
        ({"b_enc": np.array([{}] * WIDTH, dtype=object)}, "not a readable numpy's npz file: Object arrays cannot"),
        ({"skip": np.zeros(2, np.float32)}, "unexpected array 'skip'; expected W_enc"),
        ({"b_dec": np.full(D_IN, 1e200)}, "the SAE would hold .* 'b_dec'|the SAE would hold"),
    ],
)
def test_arrays_that_are_not_the_formats_are_refused(path, changes, says):
    np.savez(path, **arrays(**changes))
    with pytest.raises(CheckpointError, match=says) as raised:
        gemma_scope.read(path)
    assert "params.npz" in str(raised.value) and "\n" not in str(raised.value)


def test_an_array_that_is_missing_and_another_architecture_are_refused(path):
    w = arrays()
    del w["threshold"]
    np.savez(path, **w)
    with pytest.raises(CheckpointError, match="lacks 'threshold'"):
        gemma_scope.read(path)
    with pytest.raises(CheckpointError, match="holds a 'jumprelu' SAE, asked for as 'topk'"):
        gemma_scope.read(path, "topk")


def cut(data):
    return data[: len(data) // 2]


def flipped(data):
    return data[:300] + bytes([data[300] ^ 255]) + data[301:]


def lying(data):
    """An array whose header claims more than it holds."""
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f4", "fortran_order": False, "shape": (10**7, 10**7)})
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("W_enc.npy", header.getvalue() + b"\0" * 16)
    return out.getvalue()


@pytest.mark.parametrize("damage", [cut, flipped, lying])
def test_a_damaged_file_is_one_line(path, damage):
    path.write_bytes(damage(saved(path).read_bytes()))
    with pytest.raises(CheckpointError, match=r"params\.npz is not a readable numpy's npz file") as raised:
        gemma_scope.read(path)
    assert "\n" not in str(raised.value)


def test_files_of_the_other_readers_are_told_apart(path, tmp_path):
    saved(path)
    (tmp_path / "cfg.json").write_text('{"d_in": 10, "k": 2, "num_latents": 26}')
    with pytest.raises(CheckpointError, match=r"numpy's npz, expected safetensors.*sae\.interop\.gemma_scope\.read"):
        sparsify.read(tmp_path)
    save_file({"W_enc": torch.zeros(2, 2)}, path)
    with pytest.raises(CheckpointError, match=r"is safetensors, expected numpy's npz; sae\.interop has saelens"):
        gemma_scope.read(path)
    with pytest.raises(CheckpointError, match="it is not there"):
        gemma_scope.read(tmp_path / "params2.npz")

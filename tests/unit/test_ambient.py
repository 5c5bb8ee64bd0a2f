"""torch's modes and defaults are the caller's: they make no difference to what the library computes."""

from __future__ import annotations

import ast
import contextlib
from pathlib import Path

import pytest
import torch
from training import ARCHITECTURES, FULL, SHORT, make, same_bits

from sae.errors import ConfigError
from sae.interop import saelens
from sae.train import Trainee, train, train_together

SAE = Path(__file__).resolve().parents[2] / "sae"
# torch's makers of tensors from nothing: each takes its number format and its device from defaults
MAKERS = {
    "zeros",
    "ones",
    "empty",
    "full",
    "tensor",
    "as_tensor",
    "arange",
    "linspace",
    "eye",
    "rand",
    "randn",
    "randperm",
}


@contextlib.contextmanager
def default_float64():
    torch.set_default_dtype(torch.float64)
    try:
        yield
    finally:
        torch.set_default_dtype(torch.float32)


@contextlib.contextmanager
def default_device():
    torch.set_default_device("meta")
    try:
        yield
    finally:
        torch.set_default_device(None)


AMBIENT = {
    "no gradients": lambda: torch.set_grad_enabled(False),
    "inference mode": torch.inference_mode,
    "autocast": lambda: torch.autocast("cpu", dtype=torch.bfloat16),
    "default float64": default_float64,
    "default device": default_device,
}


def rows(n=200):
    return torch.randn(n, 24, generator=torch.Generator().manual_seed(0), dtype=torch.float32, device="cpu")


def run(name, config, given):
    layer = train(name, make(name), given, config, 0)
    return layer, layer.decode(layer.encode(given))


@pytest.mark.parametrize("name", ARCHITECTURES)
@pytest.mark.parametrize("ambient", AMBIENT)
def test_training_and_decoding_give_the_same_bits(name, ambient):
    usual, x_hat = run(name, FULL, rows())
    with AMBIENT[ambient]():
        layer, found = run(name, FULL, rows())
    assert same_bits(layer.sae, usual.sae) and torch.equal(found, x_hat)


@pytest.mark.parametrize("ambient", AMBIENT)
def test_layers_are_written_and_read_the_same(ambient, tmp_path):
    layer, x_hat = run("topk", SHORT, rows())
    with AMBIENT[ambient]():
        saelens.write(layer, tmp_path / "out")
        back = saelens.read(tmp_path / "out")
        found = back.decode(back.encode(rows()))
    torch.testing.assert_close(found, x_hat, atol=1e-4, rtol=1e-4)


def test_rows_that_take_gradients_or_come_from_inference_mode_are_rows():
    usual, x_hat = run("topk", FULL, rows())
    with torch.inference_mode():
        made = rows()
    for given in (rows().requires_grad_(True), torch.nn.Parameter(rows()), made):
        layer, found = run("topk", FULL, given)
        assert same_bits(layer.sae, usual.sae) and torch.equal(found, x_hat)
        assert not layer.encode(given).values.requires_grad


def test_weights_of_another_format_or_without_gradients_are_refused():
    with pytest.raises(
        ConfigError, match=r"W_enc of the topk SAE is in torch\.float64, expected float32: sae\.float\(\)"
    ):
        train("topk", make().double(), rows(), SHORT, 0)
    with pytest.raises(ConfigError, match=r"W_enc of the gated SAE takes no gradients: sae\.requires_grad_\(True\)"):
        train_together([Trainee("gated", make("gated").requires_grad_(False))], rows(), SHORT, 0)


def test_every_tensor_that_is_made_from_nothing_says_its_format_and_device():
    found = []
    for path in sorted(SAE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            maker = node.func if isinstance(node, ast.Call) else None
            if isinstance(maker, ast.Attribute) and ast.unparse(maker.value) == "torch" and maker.attr in MAKERS:
                said = {keyword.arg for keyword in node.keywords}
                wanted = {"device"} if maker.attr in ("arange", "randperm") else {"dtype", "device"}
                if not wanted <= said:
                    found.append(f"{path.name}:{node.lineno}: torch.{maker.attr} without {', '.join(wanted - said)}")
    assert not found

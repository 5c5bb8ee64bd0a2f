"""torch's modes and defaults are the caller's: they make no difference to what the library computes."""

from __future__ import annotations

import ast
import contextlib
from pathlib import Path

import pytest
import torch
from training import ARCHITECTURES, FULL, SHORT, make, same_bits

from sae.discover import find_all
from sae.errors import ConfigError
from sae.evaluate import Seen, evaluate, shuffled_sums
from sae.floors import DICTIONARIES, found_again, row_errors, worth
from sae.interop import saelens
from sae.layer import Layer
from sae.leaks import found_among
from sae.normaliser import Normaliser
from sae.nulls import gaussian_rows, pca, pursue
from sae.per_latent import scan
from sae.records import Codes
from sae.tower import Tower
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


def everything(layers, twin):
    """What measures, floors and towers say of some rows."""
    x, host = rows(300), rows(300)[:, :9]
    towers = [Tower("latents", layers), Tower("directions", (layers[0], twin))]
    codes, directions = layers[0].encode(x), layers[0].sae.directions()
    seen = Seen(
        codes=codes, x=x, x_hat=layers[0].decode(codes), host=host, host_hat=0.7 * host, logits=host[:, :3],
        labels=torch.arange(300, device="cpu") % 3, chosen=torch.arange(48, device="cpu") % 3, directions=directions,
        references=x[:40], host_directions=directions[:, :9], host_offset=host[0], below=Codes.from_dense(x.relu()),
    )  # fmt: skip
    found = {f"{on} {name}": r.value for on in ("input", "examples") for name, r in evaluate([seen], on).items()}
    for name, kind in find_all("sae.measures").items():
        measure = kind()
        measure.update(seen)
        found[f"alone {name}"] = measure.reading().value
    draw = torch.Generator("cpu").manual_seed(3)
    found["shuffled"] = shuffled_sums(seen, 2, draw)[1].mass
    for tower in towers:
        found[f"{tower.kind} codes"], found[f"{tower.kind} rows"] = tower.activations(x, 2), tower.decode(x, 2)
    found["map"] = towers[0].host_map(2)[0]
    centred = x - x.mean(0)
    for name, make_directions in DICTIONARIES.items():
        found[name] = pursue(centred, make_directions(centred, 10, draw), 2)
    found["pca"], found["drawn"] = pca(x[:200], x[200:], 3), gaussian_rows(x, 50, draw)
    found["leaks"], found["worth"] = found_among(x[:50] * 1.001, x[30:]), worth(layers[0], x)
    found["errors"] = row_errors(layers[0], x).error
    found["again"] = [floor.value for floor in found_again(layers[0], twin, x, draw)]
    found["strongest"] = scan(layers[0], x).values
    return found


@pytest.fixture(scope="module")
def measured():
    layers = [
        Layer("topk", ARCHITECTURES["topk"](d_in, width, k=3), Normaliser(torch.full((d_in,), 0.1), 1.5, 0.0))
        for d_in, width in ((24, 48), (48, 20), (24, 30))
    ]
    given = tuple(layers[:2]), layers[2]
    return given, everything(*given)


@pytest.mark.parametrize("ambient", AMBIENT)
def test_what_is_measured_is_the_same_in_every_bit(ambient, measured):
    given, usual = measured
    with AMBIENT[ambient]():
        found = everything(*given)
    for name, value in usual.items():
        torch.testing.assert_close(found[name], value, rtol=0, atol=0, equal_nan=True, msg=name)
    assert not found["shuffled"].requires_grad


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

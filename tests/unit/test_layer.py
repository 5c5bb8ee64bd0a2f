"""A layer is an SAE with the normaliser of the rows that it reads; what would broadcast or give Python's error is
refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from sae.architectures.topk import TopK
from sae.errors import InputError, NumericError
from sae.layer import Layer
from sae.normaliser import Normaliser
from sae.records import Codes

D_IN, WIDTH = 10, 14


def drawn(*shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0))


def layer():
    return Layer("topk", TopK(D_IN, WIDTH, k=2), Normaliser(drawn(D_IN), 2.0, 0.1))


@pytest.mark.parametrize("width", [1, D_IN - 1, D_IN + 1])
def test_a_normaliser_of_another_width_makes_no_layer(width):
    with pytest.raises(InputError, match=f"rows of width {width}, the topk SAE reads d_in = {D_IN}"):
        replace(layer(), normaliser=Normaliser(torch.ones(width), 1.0, 0.0))


@pytest.mark.parametrize(
    ("part", "says"),
    [
        ({"architecture": None}, "architecture of a layer = None, expected a name"),
        ({"normaliser": torch.zeros(D_IN)}, r"of type Tensor, expected sae\.normaliser\.Normaliser"),
        ({"sae": torch.nn.Linear(D_IN, 3)}, r"of type Linear, expected an SAE .*it lacks d_in"),
        ({"sae": TopK}, "is the class TopK, expected an SAE"),
    ],
)
def test_what_is_no_part_of_a_layer_is_refused(part, says):
    with pytest.raises(InputError, match=says):
        replace(layer(), **part)


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16, torch.float64])
def test_codes_of_other_precision_are_decoded_as_the_numbers_that_they_are(kind):
    codes = layer().encode(drawn(5, D_IN))
    other = Codes(codes.values.to(kind), codes.indices, codes.n_latents)
    plain = Codes(other.values.float(), codes.indices, codes.n_latents)
    one = layer()
    assert torch.equal(one.decode(other), one.decode(plain)) and one.decode(other).dtype == torch.float32


@pytest.mark.parametrize(
    ("parts", "says"),
    [
        ({"indices": None}, "code indices are of type NoneType, expected a tensor of whole numbers"),
        ({"indices": torch.zeros(3, 2)}, "code indices are of torch.float32"),
        ({"values": np.ones((3, 2))}, r"code values are of type numpy\.ndarray"),
        ({"values": torch.ones(3, 2).to_sparse()}, "code values are sparse"),
        ({"n_latents": "14"}, "n_latents = '14', expected a whole number above 0"),
        ({"values": torch.ones(3, 2, device="meta")}, "codes are on meta"),
    ],
)
def test_codes_that_are_none_are_refused(parts, says):
    codes = Codes(torch.ones(3, 2), torch.zeros(3, 2, dtype=torch.int64), WIDTH)
    with pytest.raises(InputError, match=says):
        layer().decode(replace(codes, **parts))


@pytest.mark.parametrize(
    ("codes", "directions", "says"),
    [
        (drawn(4, 1), drawn(WIDTH, D_IN), r"codes have shape \(4, 1\), expected \(\.\.\., 14\)"),
        (drawn(4, WIDTH), drawn(WIDTH, 1), r"directions have shape \(14, 1\), expected \(14, 10\)"),
        (drawn(4, WIDTH), np.ones((WIDTH, D_IN)), r"directions are of type numpy\.ndarray"),
        (layer().encode(drawn(4, D_IN)), drawn(WIDTH, D_IN), r"codes are Codes.*codes\.dense\(\)"),
    ],
)
def test_other_directions_have_the_shape_of_its_own(codes, directions, says):
    with pytest.raises(InputError, match=says):
        layer().decode_with(codes, directions)


def test_other_directions_are_numbers_of_any_precision():
    one, codes = layer(), drawn(4, WIDTH)
    mixed = one.decode_with(codes.half().float(), one.sae.directions().double())
    torch.testing.assert_close(one.decode_with(codes.half(), one.sae.directions()), mixed.float())
    with pytest.raises(NumericError, match="directions: row 0 holds NaN"):
        one.decode_with(codes, torch.full((WIDTH, D_IN), float("nan")))


def test_a_normaliser_is_of_tensors_and_reads_rows_of_its_width():
    with pytest.raises(InputError, match=r"normaliser mean are of type numpy\.ndarray"):
        Normaliser(np.ones(3), 1.0, 0.0)
    with pytest.raises(InputError, match="gamma = 'x': must be a number"):
        Normaliser(torch.ones(3), 1.0, "x")
    for fit in (Normaliser.fit, Normaliser.identity):
        with pytest.raises(InputError, match=r"rows are of type numpy\.ndarray.*torch\.as_tensor"):
            fit(np.ones((30, 3)))
        with pytest.raises(InputError, match=r"rows have shape \(2, 5, 3\), expected \(rows, d_in\)"):
            fit(drawn(2, 5, 3))
    for method in (layer().normaliser.apply, layer().normaliser.undo):
        with pytest.raises(InputError, match=r"rows have shape \(4, 1\), expected \(\.\.\., 10\)"):
            method(drawn(4, 1))

"""What enters the library: leading dimensions are kept, anything that would give wrong numbers is refused."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from training import ARCHITECTURES, SHORT, make

from sae.architectures.topk import TopK
from sae.errors import ConfigError, InputError, NumericError
from sae.evaluate import Seen
from sae.layer import Layer
from sae.normaliser import Normaliser
from sae.records import Codes
from sae.tower import Tower, folds_of
from sae.train import Trainee, train, train_together

D_IN, WIDTH, K = 24, 48, 3


def drawn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def layer_of(name="topk", d_in=D_IN, width=WIDTH):
    return Layer(name, ARCHITECTURES[name](d_in, width, k=K), Normaliser(drawn(d_in, seed=1), 1.5, 0.0))


@pytest.mark.parametrize("name", ARCHITECTURES)
@pytest.mark.parametrize("leading", [(5, 3), (2, 3, 4), (1, 6), (0, 4), (4, 0), (0,)])
def test_leading_dimensions_are_kept_and_change_nothing(name, leading):
    layer, x = layer_of(name), drawn(*leading, D_IN)
    codes, flat = layer.encode(x), layer.encode(x.reshape(-1, D_IN))
    assert codes.values.shape[:-1] == leading and codes.dense().shape == (*leading, WIDTH)
    assert torch.equal(codes.dense().reshape(-1, WIDTH), flat.dense()) and codes.l0() == flat.l0()
    assert torch.equal(codes.fired(), flat.fired())
    assert layer.decode(codes).shape == x.shape
    assert torch.equal(layer.decode(codes).reshape(-1, D_IN), layer.decode(flat))


@pytest.mark.parametrize("kind", ["latents", "directions"])
def test_a_tower_keeps_leading_dimensions_too(kind):
    tower = Tower(kind, (layer_of(), layer_of(d_in=WIDTH if kind == "latents" else D_IN, width=20)))
    x = drawn(3, 5, D_IN)
    for depth, width in ((1, WIDTH), (2, 20)):
        assert tower.activations(x, depth).shape == (3, 5, width)
        assert tower.decode(x, depth).shape == x.shape
        torch.testing.assert_close(tower.decode(x, depth).flatten(0, 1), tower.decode(x.flatten(0, 1), depth))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_other_precisions_are_read_as_the_numbers_that_they_are(dtype):
    layer, x = layer_of(), drawn(6, D_IN).to(dtype)
    assert torch.equal(layer.encode(x).dense(), layer.encode(x.float()).dense())


WRONG = {
    "one row": (drawn(D_IN), r"rows have shape \(24,\), expected \(\.\.\., 24\): one row is rows\[None\]"),
    "no axes": (torch.tensor(3.0), r"rows have shape \(\), expected \(\.\.\., 24\)"),
    "too wide": (drawn(5, D_IN + 1), r"rows have shape \(5, 25\), expected \(\.\.\., 24\)"),
    "would broadcast": (drawn(5, 1), r"rows have shape \(5, 1\), expected \(\.\.\., 24\)"),
    "turned": (drawn(D_IN, 7), r"rows have shape \(24, 7\).*rows\.movedim\(0, -1\)"),
    "numpy": (np.zeros((3, D_IN), np.float32), r"of type numpy\.ndarray, expected a tensor.*torch\.as_tensor"),
    "a list": ([[0.0] * D_IN], r"of type list, expected a tensor"),
    "nothing": (None, r"of type NoneType"),
    "codes": (Codes(torch.ones(2, 1), torch.zeros(2, 1, dtype=torch.int64), D_IN), r"are Codes.*codes\.dense\(\)"),
    "whole numbers": (torch.ones(4, D_IN, dtype=torch.uint8), r"of torch\.uint8, expected floating point: rows\.float"),
    "switches": (torch.ones(4, D_IN, dtype=torch.bool), r"of torch\.bool, expected floating point"),
    "complex": (drawn(4, D_IN).to(torch.complex64), r"complex.*view_as_real"),
    "sparse": (torch.eye(D_IN).to_sparse(), r"sparse.*to_dense"),
}  # fmt: skip
ALSO = {"elsewhere": (torch.zeros(2, D_IN, device="meta"), r"rows are on meta, the SAE is on cpu: rows\.to\('cpu'\)")}


@pytest.mark.parametrize("case", [*WRONG, *ALSO])
def test_rows_that_an_sae_cannot_read_are_refused_with_the_remedy(case):
    rows, says = (WRONG | ALSO)[case]
    with pytest.raises(InputError, match=says):
        layer_of().encode(rows)
    with pytest.raises(InputError, match=says):
        Tower("latents", (layer_of(),)).decode(rows, 1)


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize(("leading", "place", "named"), [((9,), (7,), "7"), ((3, 4), (2, 1), r"\(2, 1\)")])
def test_rows_that_are_not_finite_are_refused_with_their_place(bad, leading, place, named):
    rows = drawn(*leading, D_IN)
    rows[(*place, 5)] = bad
    with pytest.raises(NumericError, match=rf"rows: row {named} holds NaN or infinity \(1 such rows\)"):
        layer_of().encode(rows)


def test_large_rows_whose_sum_overflows_are_finite_and_numbers_beyond_float32_are_not():
    rows = torch.full((40, D_IN), 3e37)
    assert bool(torch.isfinite(layer_of("relu_l1").encode(rows).values).all())
    with pytest.raises(NumericError, match="row 0 holds NaN or infinity"):
        layer_of().encode(torch.full((2, D_IN), 1e300, dtype=torch.float64))


def codes_of(values=1.0, index=0, n_latents=WIDTH, dtype=torch.int64):
    return Codes(torch.full((2, 3), values), torch.full((2, 3), index, dtype=dtype), n_latents)


@pytest.mark.parametrize(
    ("codes", "error", "says"),
    [
        (codes_of(n_latents=40), InputError, "codes are of 40 latents, the SAE has 48"),
        (codes_of(index=48), InputError, r"indices 48\.\.48, expected 0\.\.47"),
        (codes_of(index=-1), InputError, r"indices -1\.\.-1, expected 0\.\.47"),
        (codes_of(dtype=torch.int32), InputError, "torch.int32, expected both"),
        (codes_of(values=float("nan")), NumericError, "codes: row 0 holds NaN"),
        (torch.zeros(2, WIDTH), InputError, r"Codes\.from_dense\(codes\)"),
        (None, InputError, "of type NoneType, expected sae.records.Codes"),
    ],
)
def test_codes_that_are_not_the_saes_are_not_decoded(codes, error, says):
    with pytest.raises(error, match=says):
        layer_of().decode(codes)


def test_an_sae_itself_refuses_what_only_a_layer_can_read():
    for name in ARCHITECTURES:
        # with shapes checked at run time, that checker comes first
        with pytest.raises((InputError, TypeError)):
            ARCHITECTURES[name](6, 10, k=2).encode(drawn(2, 7, 6))
    with pytest.raises(InputError, match=r"x has shape \(2, 7\), expected \(batch, 6\); Layer\.encode"):
        TopK(6, 9, k=2).encode(drawn(2, 7))


# training


@pytest.mark.parametrize("case", [case for case in WRONG if case not in ("codes", "would broadcast", "turned")])
def test_rows_that_cannot_be_trained_on_are_refused_before_a_step(case):
    steps = []
    with pytest.raises(InputError, match=r"rows (have|are)"):
        train("topk", make(), WRONG[case][0], SHORT, 0, steps.append)
    assert not steps


@pytest.mark.parametrize(
    ("rows", "error", "says"),
    [
        (drawn(5, 8, D_IN), InputError, r"rows\.flatten\(0, -2\)"),
        (drawn(50, D_IN - 1), InputError, "rows have width 23, the topk SAE reads d_in = 24"),
        (drawn(50, 1), InputError, "rows have width 1, "),
        (Codes(torch.ones(9, 2), torch.full((9, 2), 24), 24), InputError, r"indices 24\.\.24, expected 0\.\.23"),
        (Codes(torch.ones(9, 4, 2), torch.zeros(9, 4, 2, dtype=torch.int64), 24), InputError, r"codes\.flat\(\)"),
        (drawn(0, D_IN), NumericError, "there are no input rows"),
        (drawn(9, D_IN).index_fill(0, torch.tensor([4]), float("nan")), NumericError, "row 4 holds NaN"),
    ],
)  # fmt: skip
def test_rows_of_another_form_are_not_trained_on(rows, error, says):
    with pytest.raises(error, match=says):
        train("topk", make(), rows, SHORT, 0)


def test_codes_with_leading_dimensions_can_be_flattened_and_trained_on():
    codes = layer_of().encode(drawn(6, 50, D_IN)).flat()
    assert codes.values.shape == (300, K)
    layer = train("topk", ARCHITECTURES["topk"](WIDTH, 20, k=2), codes, SHORT, 0)
    assert layer.sae.d_in == WIDTH


@pytest.mark.parametrize("size", [1e30, 1e-30, 1e17, 1e-17])
def test_rows_of_any_size_vary_if_they_vary(size):
    rows = drawn(300, D_IN)
    layer, usual = (train("topk", make(), rows * factor, SHORT, 0) for factor in (size, 1.0))
    assert layer.normaliser.scale == pytest.approx(size * usual.normaliser.scale, rel=1e-5)
    assert layer.normaliser.gamma == pytest.approx(usual.normaliser.gamma, rel=1e-4)
    assert layer.encode(rows * size).l0() == pytest.approx(usual.encode(rows).l0(), abs=0.2)
    for constant in (rows[:1].expand(50, -1), torch.zeros(50, D_IN)):
        with pytest.raises(NumericError, match="do not vary"):
            Normaliser.fit((constant * size).contiguous())


@pytest.mark.parametrize("size", [3e38, 1e-40])
def test_rows_that_float32_cannot_scale_are_refused_with_the_remedy(size):
    rows = torch.where(drawn(300, D_IN) > 0, size, -size)
    with pytest.raises(NumericError, match="multiply them by a constant"):
        Normaliser.fit(rows)


@pytest.mark.parametrize(
    ("mean", "scale"), [(torch.nan, 1.0), (0.0, 0.0), (0.0, -2.0), (0.0, torch.inf), (0.0, torch.nan)]
)
def test_a_normaliser_that_would_give_nan_cannot_be_made(mean, scale):
    with pytest.raises(NumericError, match=r"normaliser (mean|scale)"):
        Normaliser(torch.full((4,), mean), scale, 0.0)


def test_an_sae_is_trained_under_the_name_of_its_architecture():
    with pytest.raises(ConfigError, match="is a ReluL1, not of the architecture 'topk'"):
        Trainee("topk", make("relu_l1"))


@pytest.mark.parametrize("device", ["cuda:77", "abacus", "meta"])
def test_a_device_that_is_not_there_is_refused_at_once(device):
    if device.startswith("cuda") and torch.cuda.device_count() > 77:
        pytest.skip("there is such a device")
    with pytest.raises(ConfigError, match=f"device = '{device}': nothing can be computed there"):
        train_together([Trainee("topk", make())], drawn(50, D_IN), SHORT, 0, device=device)


# measures and towers


def test_measures_get_rows_with_one_leading_dimension_and_of_one_shape():
    codes = Codes.from_dense(torch.ones(6, 4))
    with pytest.raises(InputError, match="leading dimension"):
        Seen(codes=codes.shaped((2, 3)))
    with pytest.raises(InputError, match=r"x_hat has shape \(1, 4\), expected that of x, \(6, 4\)"):
        Seen(codes=codes, x=torch.ones(6, 4), x_hat=torch.ones(1, 4))
    with pytest.raises(InputError, match="host_hat has shape"):
        Seen(codes=codes, host=torch.ones(6, 4), host_hat=torch.ones(6, 1))


@pytest.mark.parametrize("depth", [0, -1, 3, 1.0, True])
def test_a_depth_that_is_not_there_is_refused(depth):
    tower = Tower("latents", (layer_of(), layer_of(d_in=WIDTH, width=20)))
    for method in (tower.codes, tower.decode, tower.inputs):
        with pytest.raises(ConfigError, match="depth"):
            method(drawn(4, D_IN), depth)


def test_layers_that_do_not_fit_make_no_tower():
    with pytest.raises(
        ConfigError, match="depth 2 of a latents tower reads rows of width 24, depth 1 gives rows of width 48"
    ):
        Tower("latents", (layer_of(), layer_of()))
    with pytest.raises(ConfigError, match="kind of a tower = 'sideways'"):
        dataclasses.replace(Tower("latents", ()), kind="sideways")
    with pytest.raises(ConfigError, match=r"folds = 1: must be in 2\.\.9"):
        folds_of(drawn(9, 2), 1, torch.Generator())

"""A batch for the measures: its fields are of the same rows, latents, widths and classes, or it is refused."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest
import torch

from sae.errors import ConfigError, InputError, NotFoundError, NumericError
from sae.evaluate import AXES, Seen, evaluate
from sae.records import Codes

ROWS, LATENTS, D_IN, D_HOST, CLASSES, BELOW = 30, 6, 4, 5, 3, 7


def drawn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def whole(rows=ROWS, latents=LATENTS, d_in=D_IN):
    """A batch with every field."""
    x, host = drawn(rows, d_in), drawn(rows, D_HOST, seed=1)
    return Seen(
        codes=Codes.from_dense(drawn(rows, latents, seed=2).relu()), x=x, x_hat=x * 0.9, host=host, host_hat=host * 0.8,
        logits=drawn(rows, CLASSES), labels=torch.arange(rows) % CLASSES, n_classes=CLASSES,
        chosen=torch.arange(latents) % CLASSES, directions=drawn(latents, d_in), references=torch.eye(d_in),
        host_directions=drawn(latents, D_HOST), host_offset=drawn(D_HOST),
        below=Codes.from_dense(drawn(rows, BELOW).relu()),
    )  # fmt: skip


def cut(value, axis):
    """A field that is shorter along an axis."""
    if isinstance(value, Codes):
        return value.part(slice(0, 1))
    return value.narrow(axis, 0, 1)


def test_the_axes_are_those_that_the_fields_say():
    said = {
        field.name: tuple(field.type.replace("'", '"').split('"')[1].split())
        for field in fields(Seen)
        if "[Tensor" in field.type
    }
    assert said == AXES


SHORTER = [(name, axis) for name, axes in AXES.items() for axis, called in enumerate(axes) if called != "n_refs"]


@pytest.mark.parametrize(("name", "axis"), [*SHORTER, ("below", 0)])
def test_a_field_that_is_shorter_than_the_others_is_refused_and_named(name, axis):
    seen = whole()
    with pytest.raises(InputError, match=rf"^{name} has|, as {name} has|expected that of {name}"):
        replace(seen, **{name: cut(getattr(seen, name), axis)})


@pytest.mark.parametrize("pair", [("x", "x_hat"), ("host", "host_hat")])
@pytest.mark.parametrize("rows", [1, 11, ROWS + 1])
def test_two_sides_that_agree_with_each_other_and_not_with_the_codes_are_refused(pair, rows):
    width = D_IN if pair[0] == "x" else D_HOST
    with pytest.raises(
        InputError, match=rf"^{pair[0]} has shape \({rows}, {width}\), expected .*batch = {ROWS}, as codes"
    ):
        replace(whole(), **{name: drawn(rows, width) for name in pair})


@pytest.mark.parametrize(
    ("labels", "says"),
    [
        (torch.full((ROWS,), CLASSES), r"labels: number 0 is 3, expected 0\.\.2"),
        (torch.arange(ROWS) - 1, r"labels: number 0 is -1, expected 0\.\.2"),
        (torch.zeros(ROWS), "labels are of torch.float32, expected a dense tensor of whole numbers"),
        (torch.ones(ROWS, dtype=torch.bool), "labels are of torch.bool"),
        ([0] * ROWS, "labels are of type list"),
    ],
)
def test_labels_that_are_no_classes_are_refused(labels, says):
    with pytest.raises(InputError, match=says):
        replace(whole(), labels=labels)


def test_a_chosen_class_is_minus_one_or_a_class():
    assert replace(whole(), chosen=torch.full((LATENTS,), -1)).chosen is not None
    for bad in (-2, CLASSES):
        with pytest.raises(InputError, match=rf"chosen: number 4 is {bad}, expected -1\.\.2"):
            replace(whole(), chosen=torch.zeros(LATENTS, dtype=torch.long).index_fill(0, torch.tensor([4]), bad))


def test_labels_need_to_know_how_many_classes_there_are():
    codes = Codes.from_dense(torch.ones(3, 2))
    with pytest.raises(InputError, match="labels are given without n_classes"):
        Seen(codes=codes, labels=torch.zeros(3, dtype=torch.long))
    seen = Seen(codes=codes, labels=torch.tensor([0, 1, 1]), logits=torch.ones(3, 4))
    assert seen.n_classes == 4 and seen.by_class.rows.tolist() == [1, 2, 0, 0], "there is a logit for each"


@pytest.mark.parametrize("kind", [torch.uint8, torch.int32])
def test_whole_numbers_of_any_size_are_labels(kind):
    seen = whole()
    narrow = replace(seen, labels=seen.labels.to(kind), chosen=seen.chosen.to(torch.int32))
    for name, reading in evaluate([seen], "examples").items():
        assert evaluate([narrow], "examples", (name,))[name].value == pytest.approx(reading.value, nan_ok=True)


@pytest.mark.parametrize("name", ["x", "logits", "directions", "host_offset"])
@pytest.mark.parametrize("make", [lambda t: t.numpy(), lambda t: t.int(), lambda t: t.to_sparse(), lambda t: t + 0j])
def test_fields_are_dense_tensors_of_real_numbers(name, make):
    seen = whole()
    with pytest.raises(InputError, match=rf"^{name} are "):
        replace(seen, **{name: make(getattr(seen, name))})


@pytest.mark.parametrize("name", ["codes", "below"])
def test_codes_of_a_batch_are_codes(name):
    full = torch.ones(ROWS, 4)
    with pytest.raises(InputError, match=rf"^{name} are of type Tensor.*from_dense"):
        replace(whole(), **{name: full})
    with pytest.raises(InputError, match=rf"^{name} have indices 0\.\.9, expected 0\.\.{LATENTS - 1}"):
        indices = torch.zeros(ROWS, 2, dtype=torch.long).index_fill(0, torch.tensor([3]), 9)
        replace(whole(), **{name: Codes(torch.ones(ROWS, 2), indices, LATENTS)})


@pytest.mark.parametrize("value", ["1", True, None, float("inf")])
def test_units_are_numbers(value):
    with pytest.raises(NumericError, match=r"scale is .*, not a number"):
        replace(whole(), scale=value)


def test_half_precision_is_read_as_the_numbers_that_it_holds():
    rows = 5000
    dense = torch.ones(rows, 2, dtype=torch.float16)
    labels = torch.zeros(rows, dtype=torch.long)
    assert Seen(codes=Codes.from_dense(dense), labels=labels, n_classes=2).by_class.mass[0, 0] == rows
    mixed = replace(whole(), directions=whole().directions.double(), references=torch.eye(D_IN, dtype=torch.bfloat16))
    plain = replace(whole(), directions=whole().directions.double(), references=torch.eye(D_IN).double())
    for name in ("copy_score", "live_copies", "near_duplicates"):
        assert evaluate([mixed], "input", (name,))[name].value == evaluate([plain], "input", (name,))[name].value


@pytest.mark.parametrize(
    ("other", "says"),
    [
        (whole(latents=LATENTS + 1), "n_latents = 7, expected 6, as the first batch has"),
        (whole(d_in=1), "d_in = 1, expected 4"),
        (replace(whole(), x_hat=None), "lacks x_hat, expected it in all of them"),
        ("another", "is of type str, expected sae.evaluate.Seen"),
    ],
)
def test_batches_of_one_evaluation_are_of_one_sae(other, says):
    with pytest.raises(InputError, match=f"a batch .*{says}"):
        evaluate([whole(), other], "input")
    assert evaluate([whole(), whole(rows=3)], "input")["l0"].n == ROWS + 3


def test_what_is_asked_of_an_evaluation_is_there():
    seen = whole()
    with pytest.raises(ConfigError, match=r"on = 'inputs': must be one of input, examples"):
        evaluate([seen], "inputs")
    with pytest.raises(NotFoundError, match="no measure named 'l1'; found: "):
        evaluate([seen], "input", ("l1",))
    with pytest.raises(ConfigError, match="only = 'l0': must be names of measures"):
        evaluate([seen], "input", "l0")
    with pytest.raises(InputError, match=r"one Seen, expected several: \[seen\]"):
        evaluate(seen, "input")

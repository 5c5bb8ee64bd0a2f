"""NaN and infinity never reach a measure: they are refused where a batch is made, with the field and the row."""

from __future__ import annotations

import math
from dataclasses import fields, replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from measure_cases import MEASURES, batches, each, quick

from sae.errors import NumericError
from sae.evaluate import NUMBERS, Seen, evaluate
from sae.records import Codes

BAD = st.sampled_from([math.nan, math.inf, -math.inf])


def with_bad(seen, field, row, value):
    """The batch with one bad number in a field; in a vector it stands at `row`."""
    old = getattr(seen, field)
    codes = isinstance(old, Codes)
    new = (old.values if codes else old).clone()
    new.view(len(new), -1)[row, -1] = value
    return replace(seen, **{field: replace(old, values=new) if codes else new})


@each
@quick
@given(batches(), st.integers(0, 4), BAD)
def test_a_bad_number_in_anything_a_measure_reads_raises_and_names_the_row(name, seen, row, value):
    for field in ("codes", *(field for field in MEASURES[name].needs if field in (*NUMBERS, "below"))):
        with pytest.raises(NumericError, match=rf"^{field}: row {row} holds NaN or infinity \(1 such rows\)"):
            MEASURES[name]().update(with_bad(seen, field, row, value))


def test_every_field_of_real_numbers_is_looked_at():
    real = {field.name for field in fields(Seen) if "Float[Tensor" in field.type}
    assert real == set(NUMBERS)
    assert {field.name for field in fields(Seen) if "Codes" in field.type} == {"codes", "below"}, "looked at apart"


@pytest.mark.parametrize("field", ["scale", "unit"])
def test_units_must_be_numbers(field):
    with pytest.raises(NumericError, match=f"{field} is nan"):
        Seen(codes=Codes.from_dense(torch.ones(1, 1)), **{field: math.nan})


def test_infinities_that_cancel_are_seen_and_large_sums_are_not_mistaken_for_them():
    codes = Codes.from_dense(torch.ones(2, 1))
    with pytest.raises(NumericError, match=r"x: row 0 .*\(2 such"):
        Seen(codes=codes, x=torch.tensor([[math.inf, 1.0], [-math.inf, 1.0]]))
    assert Seen(codes=codes, x=torch.full((2, 2), 3e38)).x is not None, "the sum is infinite, the numbers are not"


def test_the_one_pass_raises_before_any_measure_reads():
    def stream():
        yield Seen(codes=Codes.from_dense(torch.ones(2, 3)))
        yield Seen(codes=Codes.from_dense(torch.tensor([[1.0, 1, 1], [1, math.nan, 1]])))

    with pytest.raises(NumericError, match="codes: row 1"):
        evaluate(stream(), "input")

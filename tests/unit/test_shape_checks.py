"""The checks that the whole suite relies on are there, and are there again in the next test."""

from __future__ import annotations

import pytest
import shape_checks
import torch
from jaxtyping import TypeCheckError

from sae.median import distances


def test_the_first_calls_of_a_test_are_checked_and_those_of_the_next_again():
    rows, point = torch.eye(3), torch.zeros(3)
    with pytest.raises(TypeCheckError):
        distances(rows, point[None])
    for _ in range(shape_checks.CALLS):
        distances(rows, point)
    assert distances(rows, point[None]).shape == (3,), "no longer, and it happens to work"
    shape_checks.begin()
    with pytest.raises(TypeCheckError):
        distances(rows, point[None])
    assert not hasattr(distances, "__no_type_check__")

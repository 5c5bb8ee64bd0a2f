"""Held-out rows that stand among those that were trained on."""

from __future__ import annotations

import pytest
import torch

from sae.leaks import found_among


@pytest.fixture
def rows() -> torch.Tensor:
    return torch.randn(600, 12, generator=torch.Generator().manual_seed(0)) + 100


def test_rows_of_their_own_are_none_of_the_others(rows):
    assert found_among(rows[:100], rows[100:]) == 0


@pytest.mark.parametrize("part", [1, 7, 10_000])
def test_the_same_rows_and_nearly_the_same_are_counted(rows, part, monkeypatch):
    monkeypatch.setattr("sae.leaks.PART", part)
    held = rows[:100].clone()
    held[:20] = rows[300:320]
    held[20:30] = rows[300:310] + 1e-3
    held[30:40] = rows[300:310] + 0.5  # a seventh of how far they lie apart: others
    assert found_among(held, rows[100:]) == pytest.approx(0.3)
    assert found_among(held * 1e-4, rows[100:] * 1e-4) == pytest.approx(0.3), "whatever the scale"


def test_a_sample_speaks_for_many_and_rows_that_never_vary_for_none(rows, monkeypatch):
    monkeypatch.setattr("sae.leaks.SAMPLE", 10)
    assert found_among(torch.cat([rows[:50], rows[100:150]]), rows[100:]) == pytest.approx(0.5)
    assert found_among(torch.ones(5, 3), torch.ones(9, 3)) == 0

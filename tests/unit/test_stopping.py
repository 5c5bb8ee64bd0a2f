"""When a tower stops: each reason by rows made by hand, the order of the reasons, and the numbers behind them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from sae.config import StopConfig
from sae.errors import NumericError
from sae.normaliser import Normaliser, stands_still
from sae.records import Codes
from sae.stopping import SAMPLE, distinct_share, reason_to_stop, variance_of

FORMS = ("dense", "codes")


def rows_of(form: str, full: torch.Tensor) -> torch.Tensor | Codes:
    """The same rows, dense or as sparse codes."""
    return full if form == "dense" else Codes.from_active(full)


def varied(n: int = 200, width: int = 8) -> torch.Tensor:
    """Rows of zeros and ones, none twice."""
    bits = torch.arange(1, n + 1)[:, None] >> torch.arange(width) & 1
    return bits.float()


HEALTHY = {"live_share": 0.9, "loss": 0.3, "variance": 0.5}
CONSTANT = torch.ones(400, 8)  # as codes they have no padding
LIMITS = StopConfig(live_share=0.05, input_variance=1e-4, loss=1e-3, distinct_rows=0.01)
# reason -> the numbers (and rows) that are its own fault, and what the sentence must say besides depth and limit
REASONS = {
    "live_share": ({"live_share": 0.04}, ["4.0% of the latents of depth 2", "0.05"]),
    "input_variance": ({"variance": 9e-5}, ["depth 2 passes on hardly varies", "9.0e-05", "0.0001"]),
    "loss": ({"loss": 9e-4}, ["depth 2 already gives its input back", "9.0e-04", "0.001"]),
    "distinct_rows": ({"rows": CONSTANT}, ["depth 2 says the same", "0.2%", "0.01"]),
}


def stop(form="dense", limits=LIMITS, **faults):
    given_ = {**HEALTHY, "rows": varied(), **faults}
    return reason_to_stop(3, limits=limits, **{**given_, "rows": rows_of(form, given_["rows"])})


@pytest.mark.parametrize("form", FORMS)
def test_a_healthy_depth_goes_on(form):
    assert stop(form) is None


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("reason", REASONS)
def test_each_reason_stops_with_a_sentence_that_names_depth_and_limit(reason, form):
    faults, words = REASONS[reason]
    found = stop(form, **faults)
    limit = getattr(LIMITS, reason)
    value = 1 / 400 if reason == "distinct_rows" else next(iter(faults.values()))
    assert (found.depth, found.reason, found.limit) == (3, reason, limit)
    assert found.value == pytest.approx(value) and found.value < limit
    assert found.sentence.startswith("The tower stops before depth 3: ")
    assert found.sentence.endswith(f"(limit {limit:g}).")
    assert [word for word in words if word not in found.sentence] == []


def test_the_first_reason_in_order_is_given():
    faults: dict[str, object] = {}
    for reason in reversed(REASONS):
        faults |= REASONS[reason][0]
        assert stop(**faults).reason == reason, "the later ones hold as well"


@pytest.mark.parametrize("reason", REASONS)
def test_a_limit_itself_does_not_stop(reason):
    faults = {
        "live_share": {"live_share": LIMITS.live_share}, "input_variance": {"variance": LIMITS.input_variance},
        "loss": {"loss": LIMITS.loss}, "distinct_rows": {"rows": torch.ones(100, 8)},
    }[reason]  # fmt: skip
    assert stop(**faults) is None


@pytest.mark.parametrize("form", FORMS)
def test_limits_of_0_never_stop(form):
    never = StopConfig(live_share=0.0, input_variance=0.0, loss=0.0, distinct_rows=0.0)
    worst = {"live_share": 0.0, "variance": 0.0, "loss": 0.0, "rows": torch.zeros(300, 8)}
    assert stop(form, limits=never, **worst) is None
    assert stop(form, limits=StopConfig(), **worst).reason == "live_share"


def by_numpy(full: torch.Tensor) -> float:
    return len(np.unique(full.numpy(), axis=0)) / len(full)


@pytest.mark.parametrize("form", FORMS)
def test_the_share_of_distinct_rows_against_numpy(form):
    full = torch.randint(0, 3, (500, 4), generator=torch.Generator().manual_seed(0)).float()
    assert 0.1 < by_numpy(full) < 0.2
    assert distinct_share(rows_of(form, full)) == by_numpy(full)
    assert distinct_share(rows_of(form, varied())) == 1.0
    assert distinct_share(rows_of(form, full[:1])) == 1.0


def test_codes_that_differ_behind_a_value_of_0_only_are_the_same_row():
    values = torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 2.0]])
    indices = torch.tensor([[3, 0], [3, 4], [1, 3], [3, 4]])
    assert distinct_share(Codes(values, indices, 5)) == 0.5


@pytest.mark.parametrize("form", FORMS)
def test_of_many_rows_a_sample_is_compared_that_is_spread_over_all(form):
    full = varied(255).repeat(3 * SAMPLE // 255 + 1, 1)[: 3 * SAMPLE]
    assert distinct_share(rows_of(form, full)) == by_numpy(full[::3])


@pytest.mark.parametrize("form", FORMS)
def test_the_variance_against_numpy(form, monkeypatch):
    full = torch.relu(torch.randn(300, 6, generator=torch.Generator().manual_seed(0)) + 1)
    wanted = full.double().numpy().var(0).sum()
    assert variance_of(rows_of(form, full)) == pytest.approx(wanted, rel=1e-6)
    monkeypatch.setattr("sae.normaliser.CHUNK", 70)
    assert variance_of(rows_of(form, full)) == pytest.approx(wanted, rel=1e-6), "in parts"
    assert variance_of(rows_of(form, CONSTANT)) == 0.0


def test_the_variance_of_what_hardly_varies_around_a_large_mean():
    full = 1000 + 0.01 * torch.randn(5000, 3, generator=torch.Generator().manual_seed(0))
    assert variance_of(full) == pytest.approx(full.double().numpy().var(0).sum(), rel=1e-3)


@given(arrays.arrays(np.float32, st.tuples(st.integers(1, 12), st.integers(1, 4)), elements=st.integers(0, 2)))
def test_the_share_is_above_0_at_most_1_and_1_only_where_no_row_comes_twice(full: np.ndarray) -> None:
    rows = torch.from_numpy(full)
    share = distinct_share(rows)
    assert 0 < share <= 1
    assert (share == 1) == (len({tuple(row) for row in full.tolist()}) == len(full))
    assert share == distinct_share(Codes.from_active(rows)) == distinct_share(rows.flip(0))


@pytest.mark.parametrize("form", FORMS)
def test_rows_that_stand_still_are_told_from_those_that_hardly_move(form):
    """What a normaliser cannot scale, whatever the limits of the tower."""
    rows = torch.rand(50, 8, generator=torch.Generator().manual_seed(0))
    for full, still in ((rows, False), (torch.ones(50, 8) * 3.7, True), (torch.zeros(50, 8), True),
                        (100 + 1e-3 * rows, False)):  # fmt: skip
        made = rows_of(form, full)
        assert stands_still(made) == still
        if still:
            with pytest.raises(NumericError, match="do not vary"):
                Normaliser.fit(made)
        else:
            Normaliser.fit(made)

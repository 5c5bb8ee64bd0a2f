"""The rule on data sets that `make bench-verdict` has not seen: one of each kind, trained and judged anew."""

from __future__ import annotations

import pytest
import torch

from benchmarks.truths import NOISE, STRUCTURE
from benchmarks.verdict import of_one

pytestmark = pytest.mark.slow
UNSEEN = 1000


@pytest.fixture(autouse=True)
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def test_noise_is_no_structure_in_more_than_one_kind_of_ten():
    called = [truth.name for truth in NOISE if of_one(truth, UNSEEN)["least"] > 0]
    assert len(called) <= 1, called


def test_groups_are_structure_where_most_of_what_fires_is_grouped():
    sure = ("slots_some_fixed", "slots_fixed", "groups", "hierarchy")
    missed = [truth.name for truth in STRUCTURE if truth.name in sure and of_one(truth, UNSEEN)["word"] != "structure"]
    assert len(missed) <= 1, missed

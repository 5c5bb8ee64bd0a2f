"""The tracked results come out again: a sample of their runs, trained from their configs in an empty folder."""

from __future__ import annotations

import pytest
from tests_root import CHECKOUT

from analysis.plan.paths import Paths
from analysis.results.tables import Results
from analysis.run.datasets.fashion_mnist import fashion_mnist
from analysis.run.verify import verify
from sae.errors import DataError

TOLERANCE = 0.02
"""Of shares and fractions; another processor or library sums in another order."""


@pytest.mark.slow
@pytest.mark.parametrize("name", ["towers", "collapse", "decompose", "schedules", "fashion"])
def test_a_run_of_the_tracked_results_comes_out_again(name):
    if name == "fashion":
        try:
            fashion_mnist()
        except DataError as error:
            pytest.skip(str(error))
    paths = Paths(CHECKOUT)
    assert Results(paths.tracked / name).manifest["experiment"] == name
    report = verify(name, paths, runs=1, tolerance=TOLERANCE)
    assert report.agrees and report.numbers > 20, report.text()

"""Expectations beside what happened: the word is that of the numbers, and seeds say how far apart counts."""

from __future__ import annotations

import numpy as np
import pytest

from report.figures import language_expected as module
from report.figures.language_expected import (
    NO,
    UNDECIDED,
    YES,
    beside,
    best_of,
    falls,
    language_expected,
    level,
    together,
)
from sae.errors import DataError


class Tables:
    """Numbers by variant, measure and control, one a seed."""

    def __init__(self, found: dict[tuple[str, str, str], list[float]]) -> None:
        self.found, self.experiment = found, "planted"
        self.variants = list(dict.fromkeys(variant for variant, _, _ in found))
        self.measured = {measure for _, measure, _ in found}

    def of(self, variant: str) -> Tables:
        return Tables({key: values for key, values in self.found.items() if key[0] == variant})

    def numbers(self, measure: str, kind: str, depth: int, *, control: str = "none") -> np.ndarray:
        (variant,) = self.variants
        return np.array(self.found.get((variant, measure, control), []))


def costs(**by_variant: list[float] | float) -> Tables:
    several = {name: found if isinstance(found, list) else [found] for name, found in by_variant.items()}
    return Tables({(name, "delta_loss", "none"): found for name, found in several.items()})


NOTHING = Tables({})


@pytest.mark.parametrize(
    ("four", "sixteen", "word"), [(0.2, 0.1, YES), (0.4, 0.5, NO), (0.2, 0.21, UNDECIDED), (0.295, 0.1, UNDECIDED)]
)
def test_a_fall_is_one_where_each_step_is_larger_than_seeds_lie_apart(four, sixteen, word):
    tables = costs(**{"1k": [0.29, 0.3, 0.31], "4k": four, "16k": sixteen})
    outcome = falls("delta_loss", ("1k", "4k", "16k"))(tables, NOTHING)
    assert outcome.word == word and outcome.said.startswith(f"0.300, {four:.3f}, {sixteen:.3f}")
    assert falls("delta_loss", ("1k", "64k"))(tables, NOTHING) is None


@pytest.mark.parametrize(("other", "word"), [(0.4, YES), (0.31, UNDECIDED), (0.2, NO)])
def test_the_best_is_so_beyond_luck(other, word):
    tables = costs(**{"1k": [0.29, 0.31], "1k, gated": other})
    outcome = best_of("delta_loss", "1k", ("1k, gated", "1k, gone"))(tables, NOTHING)
    assert outcome.word == word and outcome.said == f"TopK 0.300; gated {other:.3f}"
    assert best_of("delta_loss", "1k", ("1k, gone",))(tables, NOTHING) is None
    tables = Tables(tables.found | {("1k", "l0", "none"): [32.0], ("1k, gated", "l0", "none"): [41.0]})
    assert best_of("delta_loss", "1k", ("1k, gated",))(tables, NOTHING) is None, "another L0 is another question"
    more = Tables(tables.found | {("1k, relu", "delta_loss", "none"): [0.5], ("1k, relu", "l0", "none"): [31.0]})
    outcome = best_of("delta_loss", "1k", ("1k, gated", "1k, relu"))(more, NOTHING)
    assert outcome.word == YES and "(left out: L0 41)" in outcome.said


@pytest.mark.parametrize(("rival", "word"), [([0.4], YES), ([0.3], UNDECIDED), ([0.2], NO)])
def test_a_control_is_beaten_where_all_seeds_lie_beyond_it(rival, word):
    tables = Tables({("1k", "probe_loss", "none"): [0.29, 0.31], ("1k", "probe_loss", "neurons"): rival})
    outcome = beside("probe_loss", "neurons", "for neurons", more=False, of="large")(tables, NOTHING)
    assert outcome.word == word
    turned = beside("probe_loss", "neurons", "for neurons", more=True, of="small")(NOTHING, tables)
    assert turned.word == {YES: NO, NO: YES}.get(word, word) and turned.said.endswith("(Union)")
    assert beside("probe_loss", "pca", "", more=True, of="large")(tables, NOTHING) is None


def test_error_and_cost_go_together_where_their_ranks_do():
    names = ["a", "b", "c", "d"]
    same = {(name, measure, "none"): [float(at)] for at, name in enumerate(names) for measure in
            ("delta_loss", "normalised_mse")}  # fmt: skip
    assert together(Tables(same), NOTHING).word == YES
    other = same | {(name, "delta_loss", "none"): [-float(at)] for at, name in enumerate(names)}
    assert together(Tables(other), NOTHING).word == NO
    assert together(Tables({key: value for key, value in same.items() if key[0] != "d"}), NOTHING) is None


def test_the_table_counts_its_words_and_a_claim_of_no_difference_is_met_by_none():
    tables = costs(**{"1k": [0.29, 0.31], "4k": 0.2, "16k": 0.1})
    drawn = language_expected(tables, NOTHING)
    assert drawn.title == "Of 3 expectations 1 held, 2 did not, 0 are undecided"
    assert drawn.data["word"].tolist() == [YES, NO, NO]
    flat = language_expected(costs(**{"1k": [0.29, 0.31], "4k": 0.11, "16k": 0.1}), NOTHING)
    assert flat.data["word"].tolist() == [UNDECIDED, YES, NO]
    assert drawn.data["here"][2] == "0.10 with 16k latents"
    assert level(costs(**{"16k": 0.6}), NOTHING).word == YES
    with pytest.raises(DataError, match="nothing of what was expected"):
        language_expected(NOTHING, NOTHING)
    assert len({one.said for one in module.EXPECTATIONS}) == len(module.EXPECTATIONS)

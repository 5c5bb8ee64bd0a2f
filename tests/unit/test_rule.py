"""The verdict's rule on numbers made by hand: order of the words, like with like, and when it does not decide."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sae.bounds import Lead, holm, interval
from sae.rule import (
    CODES,
    DECIDING,
    DICTIONARIES,
    MEMORISING,
    NAMES,
    READING_CODES,
    TRAINED,
    WORDS,
    Bound,
    Seed,
    Thresholds,
    code_floors,
    judge,
)

FLOORS = {
    "permuted_null": 0.5, "gaussian_null": 0.3, "gaussian_tower": 0.35, "frozen_decoder": 0.4, "stored_dictionary": 0.6,
    "matched_dictionary": 0.55, "random_dictionary": 0.2, "memorising": 0.1,
}  # fmt: skip


def seed(own: float = 0.8, **changes: object) -> Seed:
    """A healthy depth."""
    whole = Seed(live_share=0.9, in_sample=0.85, own=own, refit=0.82, copy_score=0.1, floors=FLOORS)
    return dataclasses.replace(whole, **changes)  # type: ignore[arg-type]  # fields by name


def seeds(count: int = 5, **changes: object) -> list[Seed]:
    """As many, a little apart."""
    return [seed(own=0.8 + 0.002 * i, **changes) for i in range(count)]


def test_structure_needs_the_lower_bound_above_the_best_floor() -> None:
    found = judge(seeds())
    assert found.word == "structure"
    assert found.best_floor == "stored_dictionary"
    assert found.margin == pytest.approx(0.82 - 0.6)
    assert "5 seeds" in found.why


def test_own_codes_meet_trained_nulls_and_fitted_codes_meet_dictionaries() -> None:
    margins = seed(own=0.8).margins()
    for name in set(TRAINED) & set(FLOORS):
        assert margins[name] == pytest.approx(0.8 - FLOORS[name])
    for name in DICTIONARIES:
        assert margins[name] == pytest.approx(0.82 - FLOORS[name])
    assert margins[MEMORISING] == pytest.approx(0.85 - 0.1)


def test_codes_that_are_easier_all_in_all_are_measured_by_their_lead() -> None:
    """Encoded again they explain more than the real ones, and so they do when they are dealt out once more."""
    found = {"curveball_null": 0.5, "reencoded": 0.95, "reencoded_shuffled": 0.9, "relearned": 0.6,
             "relearned_shuffled": 0.7}  # fmt: skip
    floors = code_floors(found)
    assert floors == pytest.approx({"curveball_null": 0.5, "reencoded_null": 0.55, "relearned_null": 0.4})
    assert sorted(floors) == sorted(CODES)
    assert code_floors({}) == {} and list(code_floors({"curveball_null": 0.5})) == ["curveball_null"]
    assert code_floors({**found, "relearned_shuffled": math.nan}) == pytest.approx(
        {"curveball_null": 0.5, "reencoded_null": 0.55}
    )


@pytest.mark.parametrize("name", CODES)
def test_floors_of_codes_count_where_they_were_trained_and_are_not_asked_for_elsewhere(name: str) -> None:
    assert judge(seeds()).word == "structure"
    found = judge(seeds(floors={**FLOORS, name: 0.9}))
    assert (found.word, found.best_floor) == ("floor", name) and found.margin == pytest.approx(0.804 - 0.9)


def test_one_floor_above_is_enough_for_floor() -> None:
    assert judge(seeds(floors={**FLOORS, "gaussian_null": 0.81})).word == "floor"
    assert judge(seeds(floors={**FLOORS, "gaussian_null": 0.81})).best_floor == "gaussian_null"


def test_a_mean_above_with_wide_seeds_is_undecided_and_says_what_would_have_been_found() -> None:
    apart = [seed(own=own, floors={**FLOORS, "permuted_null": 0.7}) for own in (0.60, 0.95, 0.70, 0.90, 0.72)]
    found = judge(apart)
    assert found.margin > 0 > found.low
    assert found.word == "undecided"
    assert found.detects > found.margin and f"{found.detects:.3f} would have been found in four of five" in found.why


def test_a_floor_is_below_or_close_and_what_may_be_either_is_undecided() -> None:
    assert judge(seeds(floors={**FLOORS, "gaussian_null": 0.9})).why.startswith("Variance explained is below a floor")
    apart = [seed(own=own, floors={**FLOORS, "gaussian_null": 0.8}) for own in (0.79, 0.80, 0.81)]
    assert judge(apart).word == "undecided" and "not reliably above its floors" in judge(apart).why
    close = [seed(own=own, floors={**FLOORS, "gaussian_null": 0.8}) for own in (0.799, 0.80, 0.801)]
    assert judge(close).word == "floor" and "is at a floor" in judge(close).why and judge(close).high > 0


def test_pca_never_decides() -> None:
    assert judge(seeds(floors={**FLOORS, "pca": 0.99})).word == "structure"


def test_the_order_is_collapse_copy_floor_structure() -> None:
    dead = {"in_sample": 0.01, "live_share": 0.01}
    copied = {"copy_score": 0.9}
    low = {"floors": {**FLOORS, "permuted_null": 0.9}}
    assert judge(seeds(**dead, **copied, **low)).word == "collapse"
    assert judge(seeds(**copied, **low)).word == "copy"
    assert judge(seeds(**low)).word == "floor"
    assert "1.0% ever fire" in judge(seeds(**dead)).why


def test_no_live_latent_is_collapse_whatever_is_explained() -> None:
    assert judge(seeds(live_share=0.0, in_sample=math.nan)).word == "collapse"


def test_few_live_latents_that_explain_the_rows_are_no_collapse() -> None:
    assert judge(seeds(live_share=0.01)).word == "structure"


def test_a_tower_that_stopped_in_half_of_the_seeds_has_collapsed() -> None:
    sentence = "The tower stops before depth 3: nothing is left."
    assert judge(seeds(2), [sentence] * 2).word == "collapse"
    assert sentence in judge([], [sentence] * 5).why
    assert judge(seeds(4), [sentence]).word == "structure"


def test_without_nulls_or_with_two_seeds_it_does_not_decide() -> None:
    some = {name: value for name, value in FLOORS.items() if name not in TRAINED}
    assert judge(seeds(floors=some)).word is None
    why = judge(seeds(floors=some)).why
    assert "nulls" in why and "gaussian_tower" in why and "stored_dictionary" not in why
    assert judge(seeds(2)).word is None
    assert judge([]).word is None


def test_no_word_from_an_undefined_number() -> None:
    # a comparison with NaN is false: it must not read as "not above the floor", nor as structure
    assert judge(seeds(refit=math.nan)).word is None
    assert judge(seeds(floors={**FLOORS, "frozen_decoder": math.nan})).word is None


def test_the_interval_is_students() -> None:
    low, high = interval([1.0, 2.0, 3.0, 4.0, 5.0])
    # t of 4 degrees of freedom at 97.5% is 2.776; the standard error is sqrt(2.5 / 5)
    assert low == pytest.approx(3 - 2.7764 * 0.70711, abs=1e-3)
    assert high == pytest.approx(3 + 2.7764 * 0.70711, abs=1e-3)
    assert all(math.isnan(bound) for bound in interval([1.0]))


@given(st.lists(st.floats(-1, 1), min_size=3, max_size=8), st.floats(0, 0.3))
def test_raising_every_floor_never_makes_structure(owns: list[float], lift: float) -> None:
    before = [seed(own=own) for own in owns]
    raised = {name: value + lift for name, value in FLOORS.items()}
    after = [seed(own=own, floors=raised) for own in owns]
    if judge(after).word == "structure":  # by the same amount everywhere; one floor alone: see the next test
        assert judge(before).word == "structure"


@given(st.lists(st.floats(-0.2, 1), min_size=3, max_size=6), st.data())
def test_one_more_floor_never_makes_structure(owns: list[float], data: st.DataObject) -> None:
    """Not even one that is near only where the SAE is best: a mean of smallest distances would fall less than their
    spread, but each floor is passed by itself."""
    before = [seed(own=own) for own in owns]
    new = data.draw(st.lists(st.floats(0, 1), min_size=len(owns), max_size=len(owns)))
    after = [dataclasses.replace(one, floors={**FLOORS, "relearned_null": value})
             for one, value in zip(before, new, strict=True)]  # fmt: skip
    assert judge(after).least <= judge(before).least and judge(after).margin <= judge(before).margin + 1e-12
    if judge(after).word == "structure":
        assert judge(before).word == "structure"


def test_a_floor_further_off_may_be_the_one_that_it_is_not_surely_above() -> None:
    """The nearest one is passed, another is further away on average and spreads more."""
    wide = [0.3, 0.9, 0.3, 0.5, 0.5]
    given_ = [dataclasses.replace(one, floors={**FLOORS, "relearned_null": value})
              for one, value in zip(seeds(), wide, strict=True)]  # fmt: skip
    found = judge(given_)
    assert (found.best_floor, found.least_floor, found.word) == ("stored_dictionary", "relearned_null", "undecided")
    assert found.low > 0 > found.least and found.p > 0.025 and found.detects > found.margin
    assert "least surely above dealt out, learned again (lower bound" in found.why


def test_structure_needs_other_examples_too_where_they_were_measured() -> None:
    errors = dict.fromkeys(FLOORS, 0.01)
    found = judge(seeds(errors=errors))
    assert found.word == "structure" and found.examples_low == pytest.approx(0.22 - 1.96 * 0.01, abs=1e-3)
    for name in ("stored_dictionary", "random_dictionary"):  # the nearest, and the one that is furthest away
        far = judge(seeds(errors={**errors, name: 0.5}))
        assert (far.word, far.least_floor) == ("undecided", name) and far.p > 0.025 and far.detects > 1


def test_a_nearer_floor_whose_examples_are_surer_makes_no_structure() -> None:
    """Nor one of which nothing is known over examples."""
    unsure = {"permuted_null": 0.2}
    given_ = seeds(errors=unsure)
    assert judge(given_).word == "undecided"
    for known in ({"relearned_null": 1e-4}, {}):
        floors = {**FLOORS, "relearned_null": 0.75}
        assert judge(seeds(errors={**unsure, **known}, floors=floors)).word == "undecided"


def test_a_lead_that_is_not_worth_a_word_is_floor_however_sure() -> None:
    small = judge([seed(own=0.802 + 1e-5 * i, floors={**FLOORS, "gaussian_null": 0.8}) for i in range(5)])
    assert small.word == "floor" and small.least > 0 and "It leads, by 0.002 at most" in small.why


def test_one_floor_that_is_not_passed_is_enough_whatever_is_missing() -> None:
    some = {name: value for name, value in FLOORS.items() if name not in TRAINED}
    assert judge(seeds(floors=some)).word is None
    assert judge(seeds(floors={**some, "stored_dictionary": 0.9})).word == "floor"
    codes = judge(seeds(), wanted=READING_CODES)
    assert codes.word is None and "curveball_null" in codes.why
    assert judge(seeds(floors={**FLOORS, "gaussian_null": 0.9}), wanted=READING_CODES).word == "floor"


def test_rows_that_are_held_out_from_nothing_decide_nothing() -> None:
    assert judge(seeds(leaked=0.04)).word == "structure"
    found = judge(seeds(leaked=0.5))
    assert found.word == "undecided" and "50% of the held-out rows stand among" in found.why
    assert judge(seeds(leaked=0.5, copy_score=0.9)).word == "copy"


def test_p_and_power_agree_with_the_interval() -> None:
    """Structure is p of .025 or less; a lead of what would be found is found in four of five draws."""
    draw = np.random.default_rng(0)
    for mean in (0.0, 0.01, 0.02, 0.05):
        values = (mean + 0.02 * draw.standard_normal(4)).tolist()
        assert (Lead.over_seeds(values).p() <= 0.025) == (interval(values)[0] >= 0)
    detects = Lead.over_seeds([-0.02, 0.0, 0.02]).detects(0.95, 0.8)  # a spread of .02 in three seeds
    runs = detects + 0.02 * draw.standard_normal((4000, 3))
    lows = runs.mean(1) - 4.3027 * runs.std(1, ddof=1) / 3**0.5
    assert (lows > 0).mean() == pytest.approx(0.8, abs=0.03)
    examples = Lead.over_examples([0.03, 0.05], [0.02, 0.02])
    assert examples.p() == pytest.approx(0.02275, abs=1e-4), "two standard errors, though there are two seeds"
    assert examples.detects(0.95, 0.8) == pytest.approx((1.96 + 0.8416) * 0.02, abs=1e-4)
    assert not Lead.over_seeds([0.1]).known and not Lead.over_seeds([0.1, math.nan]).known
    assert not Lead.over_examples([0.1, 0.2], [0.01, math.nan]).known, "measured in one seed of two"
    assert Lead.over_seeds([0.25, 0.25]).p() == 0.0 and Lead.over_seeds([0.0, 0.0]).p() == 1.0


def test_how_often_the_bound_at_the_nearest_floor_is_too_low() -> None:
    """Twelve floors that are all alike, five seeds and a lead of 0: as often as the rule says of itself."""
    draw, below, times = np.random.default_rng(1), 0, 600
    for _ in range(times):
        noise = 0.01 * draw.standard_normal((5, len(NAMES)))
        same = {"own": 0.5, "refit": 0.5, "in_sample": 0.5}
        runs = [seed(**same, floors=dict(zip(NAMES, (0.5 - row).tolist(), strict=True))) for row in noise]
        below += judge(runs).high < 0
    assert len(NAMES) == 12 and 0.1 < below / times < 0.22


@given(st.lists(st.floats(0, 1), max_size=12))
def test_holm_never_lowers_a_p_keeps_their_order_and_is_bonferroni_for_the_least(given_: list[float]) -> None:
    adjusted = holm(dict(enumerate(given_)))
    assert sorted(adjusted) == list(range(len(given_)))
    for one, p in enumerate(given_):
        assert p <= adjusted[one] <= 1
        assert all(adjusted[one] <= adjusted[other] for other, q in enumerate(given_) if p < q)
    if given_:
        assert min(adjusted.values()) == pytest.approx(min(1, len(given_) * min(given_)))


def test_holm_on_numbers_of_a_textbook_and_what_was_not_tested() -> None:
    found = holm({"a": 0.01, "b": 0.04, "c": 0.03, "d": math.nan})
    assert [found[name] for name in "abc"] == pytest.approx([0.03, 0.06, 0.06]) and math.isnan(found["d"])


@given(st.floats(0, 1), st.floats(0, 1), st.floats(-1, 1))
def test_there_is_always_a_word(live: float, copies: float, own: float) -> None:
    given_ = [seed(own=own, live_share=live, copy_score=copies)] * 3
    assert judge(given_, limits=Thresholds()).word in WORDS


def test_a_bound_of_another_kind_stands_in_for_seeds_and_is_named() -> None:
    bound = Bound(0.05, 0.31, "of rows drawn again", 0.05, "stored_dictionary")
    found = judge(seeds(1), bound=bound)
    assert (found.word, found.low, found.high) == ("structure", 0.05, 0.31)
    assert "over 1 seed it is" in found.why and "95% interval of rows drawn again +0.050 to +0.310" in found.why
    assert (
        judge(seeds(2), bound=Bound(-0.01, 0.3, "of rows drawn again", -0.01, "stored_dictionary")).word == "undecided"
    )
    assert judge(seeds(2), bound=Bound(-0.3, -0.1, "of rows drawn again", -0.3, "stored_dictionary")).word == "floor"
    assert (
        judge(seeds(5), bound=Bound(-9.0, -8.0, "of nothing", -9.0, "stored_dictionary")).why == judge(seeds(5)).why
    ), "seeds go first"


def test_the_caller_says_which_floors_there_must_be() -> None:
    alone = tuple(name for name in DECIDING if name != "gaussian_tower")
    given = seeds(floors={name: value for name, value in FLOORS.items() if name in alone})
    assert judge(given).word is None and "gaussian_tower" in judge(given).why
    assert judge(given, wanted=alone).word == "structure"
    lower = seeds(floors={**FLOORS, "gaussian_tower": 0.95})
    assert judge(lower, wanted=alone).word == "floor", "a floor that is there counts, wanted or not"

"""Words for numbers: symmetric, the same in every unit, and undecided where the interval over seeds says so."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.results import findings
from analysis.results.findings import (
    EQUAL,
    FALLS,
    HIGHER,
    LOWER,
    MATTERS,
    RISES,
    STAYS,
    UNDECIDED,
    UNKNOWN,
    VARIES,
    compare,
    counted,
    share,
    trend,
)  # fmt: skip
from sae.bounds import interval

OPPOSITE = {HIGHER: LOWER, LOWER: HIGHER, RISES: FALLS, FALLS: RISES}
NUMBERS = st.floats(-4, 4, allow_subnormal=False, width=32)
SEEDS = st.dictionaries(st.sampled_from("abcdefg"), NUMBERS, max_size=7)


def seeds(*values):
    return {f"seed{number}": value for number, value in enumerate(values)}


@given(SEEDS, SEEDS)
def test_the_other_way_round_it_is_the_opposite_word(first, second):
    there, back = compare(first, second), compare(second, first)
    assert back.word == OPPOSITE.get(there.word, there.word)
    assert there.seeds == back.seeds and (not there or back.difference == pytest.approx(-there.difference))


@given(SEEDS, SEEDS, st.integers(-6, 6))
def test_the_unit_does_not_matter_where_the_margin_has_it_too(first, second, power):
    scale = 2.0**power  # exact in binary: no difference moves over the margin by rounding
    scaled = [{key: value * scale for key, value in values.items()} for values in (first, second)]
    assert compare(*scaled, matters=MATTERS * scale).word == compare(first, second).word


@given(SEEDS, SEEDS)
def test_a_word_keeps_to_its_interval(first, second):
    found = compare(first, second)
    if found.word == HIGHER:
        assert found.low > 0 and found.high > MATTERS
    elif found.word == LOWER:
        assert found.high < 0 and found.low < -MATTERS
    elif found.word == EQUAL:
        assert found.low >= -MATTERS and found.high <= MATTERS
    elif found.word == UNDECIDED:
        assert found.seeds < findings.SEEDS or found.low <= 0 <= found.high
    else:
        assert found.word == UNKNOWN and not found and found.seeds == 0 and math.isnan(found.difference)


@given(SEEDS, SEEDS, st.sampled_from([math.nan, math.inf, -math.inf]))
def test_a_seed_without_a_number_counts_as_one_that_is_not_there(first, second, nothing):
    assert compare({**first, "lost": nothing}, {**second, "lost": 1.0}) == compare(first, second)
    assert compare(first, {**second, "lost": 1.0}) == compare(first, second)


@given(SEEDS, NUMBERS)
def test_what_both_have_in_common_does_not_matter(first, offset):
    """Differences are taken within seeds: seeds that lie far apart hide nothing."""
    far = {key: value + 100 * number for number, (key, value) in enumerate(first.items())}
    moved = {key: value + 0.5 for key, value in far.items()}
    expected = HIGHER if len(first) >= findings.SEEDS else UNDECIDED if first else UNKNOWN
    assert compare(moved, far).word == expected


@pytest.mark.parametrize(
    ("first", "second", "word"),
    [
        (seeds(0.81, 0.82, 0.80), seeds(0.68, 0.67, 0.69), HIGHER),
        (seeds(0.681, 0.679, 0.68), seeds(0.68, 0.68, 0.68), EQUAL),
        (seeds(0.5, 0.9, 0.1), seeds(0.4, 0.3, 0.6), UNDECIDED),
        (seeds(0.9, 0.9), seeds(0.1, 0.1), UNDECIDED),
        (seeds(0.9), seeds(0.1), UNDECIDED),
        (seeds(), seeds(0.1), UNKNOWN),
        (seeds(math.nan, math.nan, math.nan), seeds(1, 2, 3), UNKNOWN),
    ],
)
def test_words_of_planted_numbers(first, second, word):
    found = compare(first, second)
    assert found.word == word
    texts = {name: name for name in ("higher", "lower", "equal", "undecided", "unknown")}
    assert found.choose(**texts) == {EQUAL: "equal"}.get(word, word)


def test_the_interval_is_that_of_the_differences_within_seeds():
    found = compare(seeds(1.0, 2.0, 4.0), seeds(0.5, 1.0, 2.5))
    assert (found.low, found.high) == interval([0.5, 1.0, 1.5]) and found.difference == 1.0


def test_than_says_all_there_is_to_say():
    same = seeds(0.5, 0.5, 0.5)
    said = [
        compare(seeds(*values), same).than("chance")
        for values in ((1, 1, 1), (0, 0, 0), (0.5, 0.5, 0.5), (1, 0, 1), ())
    ]
    assert said == [
        "more than chance", "less than chance", "about as much as chance", "undecided whether more or less than chance",
        "",
    ]  # fmt: skip


@given(st.dictionaries(st.integers(1, 5), SEEDS, max_size=5))
def test_a_tower_upside_down_has_the_opposite_trend(depths):
    there = trend(depths)
    back = trend({depth: {key: -value for key, value in values.items()} for depth, values in depths.items()})
    assert back.word == OPPOSITE.get(there.word, there.word) and (back.first, back.last) == (there.first, there.last)


@pytest.mark.parametrize(
    ("values", "word"),
    [
        ((0.1, 0.2, 0.3), RISES), ((0.3, 0.9, 0.1), FALLS), ((0.5, 0.51, 0.505), STAYS), ((0.5, 0.8, 0.5), VARIES),
        ((0.5, 0.2, 0.5), VARIES), ((0.5,), UNKNOWN), ((), UNKNOWN), ((math.nan, 0.5), UNKNOWN),
    ],
)  # fmt: skip
def test_trends_of_planted_numbers(values, word):
    given_values = {depth: seeds(value, value, value) for depth, value in enumerate(values, 1)}
    assert trend(given_values).word == word
    one_seed = trend({depth: seeds(value) for depth, value in enumerate(values, 1)}).word
    assert one_seed == (UNKNOWN if word == UNKNOWN else UNDECIDED)


def test_a_trend_is_between_the_depths_that_have_numbers():
    found = trend({1: seeds(math.nan), 2: seeds(0.1, 0.1, 0.1), 4: seeds(0.4, 0.4, 0.4), 5: {}})
    assert (found.word, found.first, found.last) == (RISES, 2, 4)


@given(st.integers(0, 50), st.integers(0, 50))
def test_shares_in_words_grow_with_the_share(part, whole):
    order = ["none", "few", "some", "most", "nearly all", "all"]
    part = min(part, whole)
    word = share(part, whole)
    assert (word == "none") == (part == 0) and (word == "all") == (0 < part == whole)
    if part < whole:
        assert order.index(share(part + 1, whole)) >= order.index(word)
    assert counted(part, whole).endswith(str(whole))


def test_the_thresholds_stand_where_the_rule_is_told():
    assert f"MATTERS = {MATTERS:g}" in findings.__doc__ and f"SEEDS = {findings.SEEDS}" in findings.__doc__
    for below, word in findings.SHARES[:-1]:
        assert f"{word} below {below:.0%}" in " ".join(findings.__doc__.split())
    assert findings.how(0.05).endswith("up to 0.05 is *about* equal.")

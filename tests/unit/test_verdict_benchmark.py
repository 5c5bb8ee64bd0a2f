"""The data sets whose making is known, and what the tracked judgements of them say."""

from __future__ import annotations

import math

import pytest
import torch

from benchmarks.truths import NOISE, STRUCTURE, TRUTHS, UNFINISHED, chosen
from benchmarks.verdict import FILE, again, made_with, read, table, write, written_by_this_code

ROWS = read(FILE)[1]


@pytest.mark.parametrize("truth", TRUTHS, ids=lambda truth: truth.name)
def test_a_data_set_is_the_same_whenever_it_is_made(truth):
    one, again, other = (truth.make(200, torch.Generator().manual_seed(seed)) for seed in (4, 4, 5))
    assert torch.equal(one, again) and not torch.equal(one, other)
    assert one.isfinite().all() and (one.var(0) > 0).all()


def test_what_is_chosen_is_chosen_by_chance():
    on = chosen(4000, 10, 3, torch.Generator().manual_seed(0))
    assert (on.sum(1) == 3).all()
    assert on.mean(0).tolist() == pytest.approx([0.3] * 10, abs=5 * math.sqrt(0.21 / 4000))


FOOLED = "atoms_one_loud"
"""Noise that takes a first layer long to learn: until it has, its codes hold structure that the rows do not. Told in
LOG.md and on the page of the verdict."""
KINDS = {truth.name for truth in NOISE}, {truth.name for truth in STRUCTURE}, {truth.name for truth in UNFINISHED}


def judged_of(kinds: set[str]) -> list[dict]:
    return [row for row in ROWS if row["truth"] in kinds]


def test_every_kind_is_judged_and_known_for_what_it_is():
    noise, structure, unfinished = KINDS
    assert {row["truth"] for row in ROWS} == noise | structure | unfinished
    assert all(row["structure"] == (row["truth"] in structure) for row in ROWS)
    assert not unfinished & (noise | structure) and all(truth.steps < 1500 for truth in UNFINISHED)


def test_of_noise_at_most_one_in_twenty_is_structure_and_only_of_the_kind_that_is_told():
    noise = judged_of(KINDS[0])
    called = [row["truth"] for row in noise if row["word"] == "structure"]
    assert set(called) <= {FOOLED} and len(called) <= 0.05 * len(noise)
    assert not [row["truth"] for row in noise if row["least"] > 0 and row["truth"] != FOOLED]


def test_beside_the_floors_before_those_of_codes_the_rule_is_wrong_more_often():
    noise = [*judged_of(KINDS[0]), *judged_of(KINDS[2])]
    assert sum(row["before_least"] > 0 for row in noise) > sum(row["least"] > 0 for row in noise)


def test_an_unfinished_first_layer_fools_the_rule_where_one_feature_is_loud():
    """Nearly each time, and a finished one still often: the page says half."""
    short, whole = (judged_of({name}) for name in (f"{FOOLED}_unfinished", FOOLED))
    called = [sum(row["word"] == "structure" for row in rows) / len(rows) for rows in (short, whole)]
    assert called[0] > 0.9 and 0.4 <= called[1] <= 0.6


HIDDEN = "slots_loud_or_soft"
"""Structure that the rule does not see with three seeds, and may call floor. Told on the page of the verdict."""


def test_groups_are_found_and_none_that_is_there_is_floor_but_of_the_kind_that_is_told():
    structure = judged_of(KINDS[1])
    sure = ("slots_fixed", "groups", "hierarchy")
    assert all(row["word"] == "structure" for row in structure if row["truth"] in sure)
    assert {row["truth"] for row in structure if row["word"] == "floor"} <= {HIDDEN}
    assert not [row for row in structure if row["truth"] == HIDDEN and row["word"] == "structure"]
    # where it is undecided it is for want of power: three seeds of a thousand rows would not find what is there
    undecided = [row for row in structure if row["word"] == "undecided"]
    assert all(row["detects"] > row["margin"] for row in undecided)


def test_what_other_code_or_settings_made_is_not_gone_on_with(tmp_path):
    file = tmp_path / "verdict.json"
    now = made_with(5.0)
    write(file, ROWS[:1], now)
    assert written_by_this_code(file) == (5, ROWS[:1])
    for part, other in (("code", "0123"), ("rows", 7)):
        write(file, [], now | {part: other})
        with pytest.raises(ValueError, match=f"another {part}"):
            written_by_this_code(file)


def test_the_table_counts_words_intervals_and_margins():
    row = {"truth": "dust", "structure": False, "margin": 0.1, "before_margin": 0.3, "detects": 0.02}
    rows = [
        {**row, "word": "copy", "before": "structure", "least": 0.05, "before_least": 0.2},
        {**row, "word": "undecided", "before": "floor", "least": -0.05, "before_least": -0.2, "margin": -0.3},
    ]
    line = table(rows).splitlines()[1]
    assert line.split() == ["dust", "2", "0", "(1)", "1", "(1)", "1", "-0.100", "(+0.300)", "0.020"]


def test_what_is_written_is_read_again_whatever_numbers_a_seed_has(tmp_path):
    file, row = tmp_path / "some" / "verdict.json", {name: part for name, part in ROWS[0].items() if name != "seeds"}
    rows = [
        row
        | {"seeds": [{"own": 0.5, "leaked": None, "floors": {"a": 1.0}}, {"own": None, "floors": {"a": 2.0, "b": 3.0}}]}
    ]
    write(file, rows, {"seconds": 1})
    made, again_ = read(file)
    assert made == {"seconds": 1} and again_[0]["seeds"][0] == rows[0]["seeds"][0]
    assert again_[0]["seeds"][1] == {"own": None, "leaked": None, "floors": {"a": 2.0, "b": 3.0}}
    assert FILE.stat().st_size < 500_000


def test_what_is_written_is_judged_again_to_the_same_words():
    assert [again(row)["word"] for row in ROWS] == [row["word"] for row in ROWS]

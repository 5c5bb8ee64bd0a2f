"""The data sets whose making is known, and what the tracked judgements of them say."""

from __future__ import annotations

import json
import math

import pytest
import torch

from benchmarks.truths import NOISE, STRUCTURE, TRUTHS, UNFINISHED, chosen
from benchmarks.verdict import FILE, again, made_with, table, written_by_this_code

ROWS = json.loads(FILE.read_text())["judged"]


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


def test_an_unfinished_first_layer_fools_the_rule_each_time_where_one_feature_is_loud():
    fooled = judged_of({f"{FOOLED}_unfinished"})
    assert fooled and all(row["word"] == "structure" for row in fooled)


def test_groups_are_found_and_none_that_is_there_is_floor():
    structure = judged_of(KINDS[1])
    sure = ("slots_fixed", "groups", "hierarchy")
    assert all(row["word"] == "structure" for row in structure if row["truth"] in sure)
    assert not [row["truth"] for row in structure if row["word"] == "floor"]
    # where it is undecided it is for want of power: three seeds of a thousand rows would not find what is there
    undecided = [row for row in structure if row["word"] == "undecided"]
    assert all(row["detects"] > row["margin"] for row in undecided)


def test_what_other_code_or_settings_made_is_not_gone_on_with(tmp_path):
    file = tmp_path / "verdict.json"
    now = made_with(5.0)
    file.write_text(json.dumps({"made_with": now, "judged": ROWS[:1]}))
    assert written_by_this_code(file) == (5, ROWS[:1])
    for part, other in (("code", "0123"), ("rows", 7)):
        file.write_text(json.dumps({"made_with": now | {part: other}, "judged": []}))
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


def test_what_is_written_is_judged_again_to_the_same_words():
    assert [again(row)["word"] for row in ROWS] == [row["word"] for row in ROWS]

"""The data sets whose making is known, and what the tracked judgements of them say."""

from __future__ import annotations

import json
import math

import pytest
import torch

from benchmarks.truths import NOISE, STRUCTURE, chosen
from benchmarks.verdict import FILE, again, table

ROWS = json.loads(FILE.read_text())["judged"]


@pytest.mark.parametrize("truth", [*NOISE, *STRUCTURE], ids=lambda truth: truth.name)
def test_a_data_set_is_the_same_whenever_it_is_made(truth):
    one, again, other = (truth.make(200, torch.Generator().manual_seed(seed)) for seed in (4, 4, 5))
    assert torch.equal(one, again) and not torch.equal(one, other)
    assert one.isfinite().all() and (one.var(0) > 0).all()


def test_what_is_chosen_is_chosen_by_chance():
    on = chosen(4000, 10, 3, torch.Generator().manual_seed(0))
    assert (on.sum(1) == 3).all()
    assert on.mean(0).tolist() == pytest.approx([0.3] * 10, abs=5 * math.sqrt(0.21 / 4000))


def test_one_noise_in_twenty_at_most_is_above_its_floors_and_most_structure_is():
    noise, structure = ([row for row in ROWS if row["structure"] == wanted] for wanted in (False, True))
    assert {row["truth"] for row in noise} == {truth.name for truth in NOISE}
    assert {row["truth"] for row in structure} == {truth.name for truth in STRUCTURE}
    assert sum(row["least"] > 0 for row in noise) <= 0.05 * len(noise)
    assert sum(row["word"] == "structure" for row in structure) >= 0.8 * len(structure)
    # the floors of codes are what makes the difference: without them a rule of the same words is wrong more often
    assert sum(row["before_least"] > 0 for row in noise) > sum(row["least"] > 0 for row in noise)
    assert all(row["least"] <= row["margin"] <= row["high"] for row in ROWS)


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

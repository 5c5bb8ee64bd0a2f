"""What a tower on directions could have found, what dead latents do, what is alike: tracked numbers bear the pages."""

from __future__ import annotations

import json
import re

import pytest
import torch
from tests_root import CHECKOUT

from analysis.plan.config import load_experiment
from analysis.plan.paths import Paths
from analysis.results.tables import Results
from benchmarks.directions import FILE, INGREDIENTS, STEPS, again, left, mean, mixtures, table

FOUND = json.loads(FILE.read_text())


def test_mixtures_are_of_length_1_and_made_of_so_many_directions():
    rows = mixtures(60, 24, 7, torch.Generator().manual_seed(3))
    assert rows.norm(dim=1).tolist() == pytest.approx([1.0] * 60, abs=1e-5)
    assert torch.linalg.matrix_rank(rows.double(), rtol=1e-5) == 7


@pytest.mark.parametrize(
    ("ingredients", "steps", "ahead"),
    [(64, 100, True), (128, 100, True), (200, 100, False), (128, 400, True), (200, 400, True)],
)
def test_what_is_planted_is_found_while_there_are_few_ingredients_or_training_is_long(ingredients, steps, ahead):
    # as the write-up says: beside 256 latents half as many are few, and nearly as many are not
    rows = [row for row in FOUND["planted"] if (row["ingredients"], row["steps"]) == (ingredients, steps)]
    assert len({row["seed"] for row in rows}) == len(rows) >= 3
    assert {row["learned"] > row["stored"] for row in rows} == {ahead}


def test_numbers_of_the_methods_are_those_of_the_file():
    page = (CHECKOUT / "report" / "methods.qmd").read_text(encoding="utf-8")
    said = re.findall(r'\[(\.\d+)\]\{\.sourced source="data/benchmarks/directions.json', page)
    rows = [row for row in FOUND["planted"] if row["steps"] == 100 and row["ingredients"] in (128, 200)]
    means = [
        mean([row for row in rows if row["ingredients"] == of], name)
        for of in (128, 200)
        for name in ("learned", "stored")
    ]
    means += [mean(FOUND["again"], name) for name in ("mixtures", "stored")]
    assert said == [f"{value:.2f}".lstrip("0") for value in means]


def test_dead_latents_are_a_part_of_the_difference_and_not_all_of_it():
    rows = FOUND["alive"]
    tables = load_experiment(Paths(CHECKOUT).experiments, "decompose")
    assert [row["variant"] for row in rows] == [config.variant for config in tables.runs()]
    assert 0.7 < left(rows) < 0.9
    assert all(row["live"] < 1 for row in rows)


def test_two_dictionaries_that_nobody_trained_are_more_alike_than_two_trained_ones():
    tables = Results(Paths(CHECKOUT).tracked / "towers")
    trained = max(tables.by_run("matched_cosine", "latents", 1, "train").values())
    assert len(FOUND["again"]) >= 3
    assert min(row[name] for row in FOUND["again"] for name in ("mixtures", "stored")) > trained


def test_what_is_paired_is_one_dictionary_with_another_of_its_kind():
    draw = torch.Generator().manual_seed(1)
    rows = torch.randn(300, 6, generator=draw) * torch.tensor([9.0, 9.0, 0.1, 0.1, 0.1, 0.1])
    learned = torch.randn(40, 6, generator=draw)
    found = again(learned, rows, 0)
    assert found == again(learned, rows, 0) != again(learned, rows, 1)
    # rows of a plane: what is drawn from them lies in it, and what was learned here lies anywhere
    assert found["mixtures"] > found["learned_mixtures"] and found["stored"] > found["learned_stored"]
    assert all(-1 <= value <= 1 for value in found.values())


def test_the_table_has_a_line_a_place():
    planted = [{"ingredients": 3, "steps": 5, "seed": seed, "learned": 0.5, "stored": 0.25} for seed in (0, 1)]
    alive = [
        {"variant": name, "seed": 0, "live": 0.5, "all": value, "alive": value / 2}
        for name, value in (("alone", 0.8), ("joint", 0.4))
    ]
    pairs = [{"seed": 0, "mixtures": 0.5, "learned_mixtures": 0.25, "stored": 0.75, "learned_stored": 0.125}]
    lines = table({"planted": planted, "alive": alive, "again": pairs}).split("\n")
    assert lines[0] == "ingredients 3, steps 5: learned 0.500, stored 0.250"
    assert lines[1] == "variant alone: live 0.500, all 0.800, alive 0.400"
    assert lines[3] == "mixtures 0.500, learned_mixtures 0.250, stored 0.750, learned_stored 0.125"
    assert lines[-1].endswith("0.50 is left without dead latents")
    assert table({}) == "" and mean(planted, "stored") == 0.25
    assert len(FOUND["planted"]) == len(INGREDIENTS) * len(STEPS) * 5

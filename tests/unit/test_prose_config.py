"""The sizes that the pages state in words are those of the experiment that they show."""

from __future__ import annotations

import pytest
from tests_root import CHECKOUT

from analysis.config import load_experiment

DIGITS = load_experiment(CHECKOUT / "data/experiments", "digits")
TOWERS = {tower.kind: tower for tower in DIGITS.towers}


def page(name):
    return (CHECKOUT / "report" / name).read_text()


@pytest.mark.parametrize("field", ["width", "k"])
def test_the_methods_table_states_the_schedules(field):
    row = {"width": "latents at depths 1 to 4", "k": "active latents a row"}[field]
    cells = [
        ", ".join(str(getattr(TOWERS[kind].at(depth, DIGITS.sae), field)) for depth in (1, 2, 3, 4))
        for kind in ("latents", "directions")
    ]
    assert f"| {row} | {cells[0]} | {cells[1]} |" in page("methods.qmd")


def test_the_write_up_states_the_sizes():
    text = page("_write-up.qmd")
    first, second = DIGITS.sae, TOWERS["directions"].at(2, DIGITS.sae)
    assert f"{first.width} *latents*, of which only {first.k} may be on" in text
    assert f"from {second.k} arrows of a vocabulary of {second.width}" in text
    active = [TOWERS["latents"].at(depth, first).k for depth in (1, 2, 3, 4)]
    assert "at a time: " + ", ".join(map(str, active)) in text
    assert f"Its SAE of depth 2 has {second.width} latents for {first.width} arrows" in text


def test_the_methods_state_the_training_of_the_directions_tower():
    assert f"The experiment uses {TOWERS['directions'].train.steps} steps" in page("methods.qmd")

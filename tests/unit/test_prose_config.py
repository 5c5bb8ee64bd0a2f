"""The sizes that the pages state in words are those of the experiment that they show."""

from __future__ import annotations

import pytest
from tests_root import CHECKOUT

from analysis.plan.config import load_experiment
from sae.rule import THRESHOLDS

SHOWN = load_experiment(CHECKOUT / "data/experiments", "towers")
DIGITS = load_experiment(CHECKOUT / "data/experiments", "digits")
TOWERS = {tower.kind: tower for tower in SHOWN.towers}
DEPTHS = range(1, 7)


def page(name):
    return (CHECKOUT / "report" / name).read_text()


@pytest.mark.parametrize("field", ["width", "k"])
def test_the_methods_table_states_the_schedules(field):
    row = {"width": "latents at depths 1 to 6", "k": "active latents a row"}[field]
    cells = [
        ", ".join(str(getattr(TOWERS[kind].at(depth, SHOWN.sae), field)) for depth in DEPTHS)
        for kind in ("latents", "directions")
    ]
    assert f"| {row} | {cells[0]} | {cells[1]} |" in page("methods.qmd")


def test_the_write_up_states_the_sizes():
    text = page("_write-up.qmd")
    first, second = SHOWN.sae, TOWERS["directions"].at(2, SHOWN.sae)
    assert f"{first.width} *latents*, of which only {first.k} may be on" in text
    assert f"from {second.k} arrows of a vocabulary of {second.width}" in text
    assert f"The SAE of depth 2 has {second.width} latents for {first.width} arrows" in text


def test_the_methods_state_the_training_of_the_directions_tower():
    assert f"The experiment uses {TOWERS['directions'].train.steps} steps" in page("methods.qmd")


def test_the_experiment_of_the_site_is_the_beginning_of_the_towers():
    """Pages show images of `digits` beside numbers of `towers`: up to the depth of `digits` they are made alike, from
    other seeds, which the write-up says: the rule was to judge what had not been looked at."""
    assert (DIGITS.sae, DIGITS.host, DIGITS.dataset) == (SHOWN.sae, SHOWN.host, SHOWN.dataset)
    assert not set(DIGITS.seeds) & set(SHOWN.seeds)
    assert "of towers made like those of the verdict and from other seeds" in page("_write-up.qmd")
    for tower in DIGITS.towers:
        for depth in range(1, tower.depth + 1):
            assert tower.at(depth, DIGITS.sae) == TOWERS[tower.kind].at(depth, SHOWN.sae)


def test_the_collapse_is_the_recipe_that_the_page_tells():
    collapse = load_experiment(CHECKOUT / "data/experiments", "collapse")
    published = {name: settings for name, settings, _ in collapse.points()}
    assert published["as published, ten depths"]["every.options.penalty"] == 0.1
    assert published["as published, full width"]["sae.width"] == 2304
    assert (collapse.sae.options["l1"], collapse.sae.options["norm"]) == ("batch", "free")
    assert collapse.sae.train.steps * collapse.sae.train.batch == 8000 and collapse.sae.train.batch == 64
    assert "2,304 latents" in page("answers.qmd") and "a batch of 64" in page("answers.qmd")


def test_the_rule_on_the_page_has_the_thresholds_of_the_code():
    text = page("verdict.qmd")
    assert THRESHOLDS.in_sample == 0.05 and "does not explain even a twentieth" in text
    assert (THRESHOLDS.stopped, THRESHOLDS.copy_score) == (0.5, 0.5)
    assert "in half of the seeds or more" in text and "At least half of its live latents" in text
    assert (
        (THRESHOLDS.hidden, THRESHOLDS.leaked) == (0.01, 0.05) and "[a hundredth]" in text and "[one in twenty]" in text
    )
    assert THRESHOLDS.confidence == 0.95 and "[95%]{.sourced" in text and THRESHOLDS.margin == 0

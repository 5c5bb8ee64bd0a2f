"""Names of latents: planted ones are found, chance is not named, and no held-out row chooses anything."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from analysis.run.interpret.explain import Labelled, Names, benjamini_hochberg, detection, explain
from analysis.run.interpret.rules import Ends, Rule
from sae.errors import DataError
from sae.seeding import stream

DIGITS = tuple("0123456789")
WORDS = {"slant": ("leaning left", "leaning right"), "ink": ("light", "heavy")}
TRAIN, HELD_OUT = 3000, 1500
SEVENS, PAIR, CHANCE, SILENT, ALWAYS, FEW, THIRD, TRAIN_ONLY, HELD_ONLY, BROAD = range(10)


def images(rows: int, draw: np.random.Generator) -> Labelled:
    """Rows without latents."""
    attributes = pd.DataFrame({"slant": draw.normal(size=rows), "ink": draw.normal(size=rows)})
    return Labelled(np.zeros((rows, 0), bool), draw.integers(0, 10, rows), attributes)


def planted() -> tuple[Labelled, Labelled]:
    draw = np.random.default_rng(0)
    train, held_out = images(TRAIN, draw), images(HELD_OUT, draw)
    ends = Ends.of(train.attributes, train.labels, 10)

    def latents(part: Labelled) -> np.ndarray:
        rows = len(part.labels)
        true = ends.true_of(Rule((7,), (("slant", "high"),)), part.attributes, part.labels)
        fires = np.zeros((rows, 10), bool)
        fires[:, SEVENS] = true ^ (draw.random(rows) < 0.002)
        fires[:, PAIR] = np.isin(part.labels, [4, 9]) & (draw.random(rows) < 0.9)
        fires[:, CHANCE] = draw.random(rows) < 0.05
        fires[:, ALWAYS] = True
        fires[:, FEW] = (part.labels == 7) & (draw.random(rows) < 0.1)
        fires[:, THIRD] = (part.labels == 3) & (draw.random(rows) < 0.35)
        fires[:5, TRAIN_ONLY] = part is train
        fires[:5, HELD_ONLY] = part is held_out
        fires[:, BROAD] = draw.random(rows) < np.where(part.labels == 6, 0.6, 0.15)
        return fires

    return replace(train, fires=latents(train)), replace(held_out, fires=latents(held_out))


@pytest.fixture(scope="module")
def splits() -> tuple[Labelled, Labelled]:
    return planted()


def named(train: Labelled, held_out: Labelled, seed: int = 0, names: tuple[str, ...] = DIGITS) -> Names:
    return explain(train, held_out, names, WORDS, stream(seed, "explain"))


@pytest.fixture(scope="module")
def found(splits: tuple[Labelled, Labelled]) -> Names:
    return named(*splits)


def test_planted_latents_get_their_names(found: Names) -> None:
    assert found.rules[SEVENS] == Rule((7,), (("slant", "high"),))
    assert found.texts[SEVENS] == "7s, leaning right"
    assert found.detection[SEVENS] > 0.95 > 0.6 > found.null[SEVENS]
    assert found.rules[PAIR] == Rule((4, 9))
    assert found.texts[PAIR] == "4s and 9s"
    assert found.detection[PAIR] == found.class_detection[PAIR] > 0.97
    assert found.texts[THIRD] == "some 3s"
    assert found.named[[SEVENS, PAIR, THIRD]].all()


def test_what_cannot_be_named_is_not(found: Names) -> None:
    assert [found.texts[i] for i in (CHANCE, ALWAYS, FEW, BROAD)] == ["unnamed"] * 4
    assert not found.named[[CHANCE, SILENT, ALWAYS, FEW, TRAIN_ONLY, HELD_ONLY, BROAD]].any()
    # a tenth of the 7s: detection is high, but nine of ten 7s do not fire
    assert found.detection[FEW] > 0.9
    assert found.rule_recall[FEW] < 0.2
    # most 6s, but most of what fires is no 6: sure, and yet no name
    assert found.rules[BROAD] == Rule((6,))
    assert found.q[BROAD] < 1e-6 and found.rule_recall[BROAD] > 0.5 > found.rule_precision[BROAD]


def test_one_firing_row_of_thirty_proves_nothing(splits: tuple[Labelled, Labelled]) -> None:
    train, held_out = splits
    few = Labelled(np.zeros((30, 10), bool), np.arange(30) % 10, held_out.attributes[:30])
    few.fires[3, THIRD] = True
    found = named(train, few)
    assert found.detection[THIRD] > 0.9 and found.rule_recall[THIRD] > 0.3
    assert found.p[THIRD] == found.q[THIRD] == pytest.approx(0.1)  # 3 of the 30 rows are 3s
    assert found.texts[THIRD] == "unnamed"


def test_a_latent_without_firing_rows_is_silent_and_has_no_scores(found: Names) -> None:
    assert found.texts[SILENT] == "silent"
    assert found.rules[SILENT] is None and found.rules[HELD_ONLY] is None and found.rules[TRAIN_ONLY] is not None
    assert found.texts[TRAIN_ONLY] == found.texts[HELD_ONLY] == "unnamed"
    scores = ("precision", "recall", "rule_precision", "rule_recall", "detection", "class_detection", "null", "p", "q")
    for latent in (SILENT, TRAIN_ONLY, HELD_ONLY):
        assert all(np.isnan(getattr(found, name)[latent]) for name in scores)
    assert np.isnan([found.detection[ALWAYS], found.null[ALWAYS], found.p[ALWAYS]]).all()
    assert found.precision[ALWAYS] == 1


def test_scores_are_those_of_held_out_rows(splits: tuple[Labelled, Labelled], found: Names) -> None:
    train, held_out = splits
    fires, sevens = held_out.fires[:, SEVENS], held_out.labels == 7
    rule = found.rules[SEVENS]
    assert rule is not None
    true = Ends.of(train.attributes, train.labels, 10).true_of(rule, held_out.attributes, held_out.labels)
    assert found.precision[SEVENS] == sevens[fires].mean()
    assert found.recall[SEVENS] == fires[sevens].mean()
    assert found.rule_precision[SEVENS] == true[fires].mean()
    assert found.rule_recall[SEVENS] == fires[true].mean()
    assert found.detection[SEVENS] == pytest.approx((true[fires].mean() + (~true)[~fires].mean()) / 2)
    assert found.class_detection[SEVENS] == pytest.approx((sevens[fires].mean() + (~sevens)[~fires].mean()) / 2)


@pytest.mark.parametrize("latent", [PAIR, CHANCE])
def test_the_exact_null_agrees_with_permutations(latent: int, splits: tuple[Labelled, Labelled], found: Names) -> None:
    train, held_out = splits
    rule = found.rules[latent]
    assert rule is not None
    true = Ends.of(train.attributes, train.labels, 10).true_of(rule, held_out.attributes, held_out.labels)
    fires, draw = held_out.fires[:, latent], np.random.default_rng(5)
    hits = np.array([(draw.permutation(fires) & true).sum() for _ in range(8000)], float)
    permuted = detection(hits, np.full(8000, true.sum()), np.full(8000, fires.sum()), HELD_OUT)
    assert (permuted >= found.detection[latent] - 1e-9).mean() == pytest.approx(found.p[latent], abs=0.02)
    # one hit more or less is the least that sampling can be off by
    step = detection(np.array([1.0]), true.sum(), fires.sum(), HELD_OUT) - detection(
        np.array([0.0]), true.sum(), fires.sum(), HELD_OUT
    )
    assert np.quantile(permuted, 0.95) == pytest.approx(found.null[latent], abs=1.1 * float(step[0]))
    assert (permuted > found.null[latent]).mean() < 0.06


def test_rules_chosen_anew_on_permuted_rows_stay_within_the_null() -> None:
    """Real structure, then which rows fire is shuffled in both splits: what is chosen by chance predicts nothing."""
    draw = np.random.default_rng(6)
    train, held_out = images(TRAIN, draw), images(HELD_OUT, draw)
    rates = draw.uniform(0.003, 0.3, 300)
    train = replace(train, fires=draw.random((TRAIN, 300)) < rates)
    held_out = replace(held_out, fires=draw.random((HELD_OUT, 300)) < rates)
    chance = named(train, held_out)
    live = ~np.isnan(chance.detection)
    assert (chance.detection[live] > chance.null[live]).mean() < 0.08
    assert abs(chance.detection[live].mean() - 0.5) < 0.01
    assert not chance.named.any()


def test_q_values_by_hand() -> None:
    # sorted .01 .02 .03 .5 of 4 tests: times 4/rank = .04 .04 .04 .5, then the least from the right
    q = benjamini_hochberg(np.array([0.03, np.nan, 0.01, 0.5, 0.02]))
    np.testing.assert_allclose(q, [0.04, np.nan, 0.04, 0.5, 0.04])
    np.testing.assert_allclose(benjamini_hochberg(np.array([0.01, 0.04])), [0.02, 0.04])
    assert np.isnan(benjamini_hochberg(np.full(2, np.nan))).all()


def test_no_held_out_row_chooses_anything(splits: tuple[Labelled, Labelled], found: Names) -> None:
    train, held_out = splits
    back = Labelled(~held_out.fires[::-1], 9 - held_out.labels, -held_out.attributes)
    other = named(train, back)
    assert other.rules == found.rules
    assert not np.array_equal(other.detection, found.detection, equal_nan=True)
    # and training rows do
    assert named(replace(train, labels=(train.labels + 1) % 10), held_out).rules != found.rules


def test_other_numbers_for_the_classes_give_the_same_names(splits: tuple[Labelled, Labelled], found: Names) -> None:
    order = np.random.default_rng(7).permutation(10)  # class c becomes class order[c]
    moved = [replace(part, labels=order[part.labels]) for part in splits]
    names = tuple(DIGITS[c] for c in np.argsort(order))
    other = named(moved[0], moved[1], names=names)
    for latent in (SEVENS, PAIR, FEW, THIRD):
        rule = found.rules[latent]
        assert rule is not None
        assert other.rules[latent] == Rule(tuple(sorted(order[list(rule.classes)].tolist())), rule.conditions)
        assert other.detection[latent] == found.detection[latent]
    assert other.texts[SEVENS] == found.texts[SEVENS]


def test_the_same_generator_gives_the_same_names(splits: tuple[Labelled, Labelled], found: Names) -> None:
    assert named(*splits).rules == found.rules
    assert named(*splits, seed=1).rules[SEVENS] == found.rules[SEVENS]


def test_unmeasured_images_and_no_attributes(splits: tuple[Labelled, Labelled]) -> None:
    train, held_out = splits
    unmeasured = replace(train, attributes=train.attributes * np.nan)
    assert named(unmeasured, held_out).rules[SEVENS] == Rule((7,))
    bare = explain(train, held_out, DIGITS, {}, stream(0))
    assert bare.rules[SEVENS] == Rule((7,)) and bare.texts[PAIR] == "4s and 9s"


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (lambda part: replace(part, labels=part.labels[1:]), "1499 have a label"),
        (lambda part: replace(part, attributes=part.attributes[1:]), "1499 attributes"),
        (lambda part: replace(part, labels=part.labels + 1), "labels are 1..10 for 10"),
        (lambda part: replace(part, attributes=part.attributes[["ink"]]), "no column 'slant'"),
        (lambda part: replace(part, fires=part.fires[:, 1:]), "10 latents in training, 9"),
        (lambda part: replace(part, fires=part.fires[:, 0]), r"shape \(1500,\)"),
    ],
)
def test_parts_that_do_not_fit_are_refused(wrong, says: str, splits: tuple[Labelled, Labelled]) -> None:
    with pytest.raises(DataError, match=says):
        named(splits[0], wrong(splits[1]))

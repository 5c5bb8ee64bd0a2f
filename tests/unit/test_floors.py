"""Floors as typed values: the very numbers that the stages gave before they were moved here, and row by row."""

from __future__ import annotations

import dataclasses
import math

import pytest
import torch

from analysis.run.stages._floors import as_row, floor_of
from sae.architectures.topk import TopK
from sae.config import TrainConfig
from sae.floors import (
    Floor,
    FoldScores,
    RowErrors,
    by_folds,
    found_again,
    memorising,
    null,
    trained,
    trained_by_folds,
    unlearned,
    worth,
)
from sae.layer import Layer
from sae.matching import matched
from sae.measures.variance_explained import explained
from sae.nulls import (
    gaussian_rows,
    matched_directions,
    pca,
    permuted_coordinates,
    pursue,
    random_directions,
    stored_directions,
)
from sae.records import Codes
from sae.seeding import stream
from sae.tower import folds_of
from sae.train import Trainee, train_together

CONFIG = TrainConfig(steps=8, batch=64, lr=1e-2)


def trainer(rows, *, fold: int = 0, frozen_decoder: bool = False) -> Layer:
    width = rows.n_latents if isinstance(rows, Codes) else rows.shape[1]
    trainee = Trainee("topk", TopK(width, 40, k=3), frozen_decoder=frozen_decoder)
    return train_together([trainee], rows, CONFIG, 11 + fold)[0]


@pytest.fixture(scope="module")
def given(toy_rows):
    return toy_rows[:300].clone(), toy_rows[300:400].clone()


def test_unlearned_floors_draw_in_one_order_over_all_pairs(given):
    """From one stream isotropic directions, matched ones, and three times stored ones, whose mean counts."""
    rows = given[0][:298]  # folds of 100, 99 and 99
    pairs = folds_of(rows, 3, stream(5, "folds"))
    draw, worths = stream(5, "random dictionary", "directions", 2), {}
    x = torch.cat([held for _, held in pairs])
    for name, make in (
        ("random_dictionary", lambda fit: random_directions(20, rows.shape[1], draw)),
        ("matched_dictionary", lambda fit: matched_directions(fit - fit.mean(0), 20, draw)),
        *[("stored_dictionary", lambda fit: stored_directions(fit - fit.mean(0), 20, draw))] * 3,
    ):
        back = [pursue(held - fit.mean(0), make(fit), 3) + fit.mean(0) for fit, held in pairs]
        worths.setdefault(name, []).append(explained(x, torch.cat(back)))
    worths["pca"] = [explained(x, torch.cat([pca(fit, held, 3) for fit, held in pairs]))]
    wanted = [(name, pytest.approx(sum(values) / len(values)), len(x)) for name, values in worths.items()]
    found = unlearned(pairs, "held_out", 20, 3, stream(5, "random dictionary", "directions", 2))
    assert [(floor.name, floor.value, floor.n) for floor in found] == wanted
    kept = unlearned(pairs, "held_out", 20, 3, stream(5, "random dictionary", "directions", 2), keep=True)
    for floor, plain in zip(kept, found, strict=True):
        assert floor.rows is not None and math.isnan(plain.error) and floor.error > 0
        assert 1 - float(floor.rows.error.sum() / floor.rows.spread.sum()) == pytest.approx(plain.value, abs=1e-5)


def test_nulls_are_trained_and_drawn_in_one_order(given):
    """As the stage `nulls` did: the frozen decoder, then Gaussian rows for both splits at once, then shuffles."""
    fit, held = given
    draw = stream(5, "null rows", "host", 1)
    frozen = worth(trainer(fit, frozen_decoder=True), held)
    drawn = gaussian_rows(fit, len(fit) + len(held), draw)
    noise = trainer(drawn[: len(fit)])
    shuffled = permuted_coordinates(fit, draw)
    permuted = trainer(shuffled)
    scored = permuted_coordinates(held, draw)
    wanted = [
        ("frozen_decoder", "held_out", frozen, len(held)),
        ("gaussian_null", "train", worth(noise, drawn[: len(fit)]), len(fit)),
        ("gaussian_null", "held_out", worth(noise, drawn[len(fit) :]), len(held)),
        ("permuted_null", "train", worth(permuted, shuffled), len(fit)),
        ("permuted_null", "held_out", worth(permuted, scored), len(held)),
    ]
    found = trained(trainer, fit, held, stream(5, "null rows", "host", 1))
    assert [(floor.name, floor.split, floor.value, floor.n) for floor in found] == wanted
    kept = trained(trainer, fit, held, stream(5, "null rows", "host", 1), keep=True)
    more = [floor for floor in kept if (floor.name, floor.split) != ("frozen_decoder", "train")]
    assert [(floor.name, floor.value) for floor in more] == [(floor.name, floor.value) for floor in found]
    assert all(floor.error > 0 for floor in kept) and all(math.isnan(floor.error) for floor in found)


def test_where_rows_are_few_each_fold_is_scored_by_the_others(given):
    rows = given[1]
    draw = stream(2, "null rows", "directions", 2)
    made = {
        "frozen_decoder": rows,
        "gaussian_null": gaussian_rows(rows, len(rows), draw),
        "permuted_null": permuted_coordinates(rows, draw),
    }
    wanted = {}
    for name, read in made.items():
        held, back = [], []
        for fold, (kept, left) in enumerate(folds_of(read, 2, stream(2, "folds")), 1):
            layer = trainer(kept, fold=fold, frozen_decoder=name == "frozen_decoder")
            held.append(left)
            back.append(layer.decode(layer.encode(left)))
        wanted[name] = explained(torch.cat(held), torch.cat(back))
    found = trained_by_folds(
        trainer, rows, lambda given: folds_of(given, 2, stream(2, "folds")), stream(2, "null rows", "directions", 2)
    )
    assert {floor.name: floor.value for floor in found} == wanted


def test_a_twin_is_matched_beside_random_directions_and_two_dictionaries_that_nobody_learned(given):
    one, twin = trainer(given[0]), trainer(given[0], fold=1)
    found = found_again(one, twin, given[0], stream(0, "random twin"))
    directions, encoders = one.sae.directions(), one.sae.encoder_directions()
    real = matched(directions, twin.sae.directions(), encoders=(encoders, twin.sae.encoder_directions()))
    draw = stream(0, "random twin")
    chance = matched(directions, random_directions(40, 24, draw))
    centred = given[0] - given[0].mean(0)
    mixed = matched(*(matched_directions(centred, 40, draw) for _ in range(2)))
    stored = matched(*(stored_directions(centred, 40, draw) for _ in range(2)))
    assert [(floor.name, floor.measure, floor.value) for floor in found] == [
        ("none", "matched_share", real.share),
        ("none", "matched_cosine", real.mean),
        ("none", "matched_encoder", real.encoder_mean),
        ("random_dictionary", "matched_share", chance.share),
        ("random_dictionary", "matched_cosine", chance.mean),
        ("matched_dictionary", "matched_share", mixed.share),
        ("matched_dictionary", "matched_cosine", mixed.mean),
        ("stored_dictionary", "matched_share", stored.share),
        ("stored_dictionary", "matched_cosine", stored.mean),
    ]


def test_rows_add_up_to_the_value_of_their_floor(given, monkeypatch):
    fit, held = given
    monkeypatch.setattr("sae.nulls.WHOLE", 1000)  # several parts
    monkeypatch.setattr("sae.nulls.PART", 900)
    found = trained(trainer, fit, held, stream(1, "null rows"), keep=True)
    found += unlearned([(fit, held)], "held_out", 20, 3, stream(1, "dictionary"), keep=True)
    kept = [floor for floor in found if floor.rows is not None]
    assert len(kept) == 10
    for floor in kept:
        value = 1 - float(floor.rows.error.sum() / floor.rows.spread.sum())
        assert len(floor.rows.error) == floor.n == len(held if floor.split == "held_out" else fit)
        assert value == pytest.approx(floor.value, abs=1e-9), floor.name


def test_the_mean_row_explains_nothing_and_the_rows_themselves_all(given):
    rows = given[0]
    mean = RowErrors.of(rows, rows.mean(0).expand_as(rows))
    assert float(mean.error.sum()) == pytest.approx(float(mean.spread.sum()))
    assert float(RowErrors.of(rows, rows).error.sum()) == 0


def test_a_null_on_sparse_codes_and_the_bound_of_storing(given):
    codes = Codes.from_active(torch.relu(given[0]))
    own, held = null(trainer, "permuted_null", codes, lambda: torch.relu(given[1]))
    assert (own.split, own.n, held.split, held.n) == ("train", 300, "held_out", 100)
    assert memorising(75, 300) == Floor("memorising", "train", "variance_explained", 0.25, 300)


def test_scores_by_folds_are_of_rows_that_the_scoring_sae_did_not_see(given):
    rows = given[0][:120]
    pairs = folds_of(rows, 3, stream(4, "folds"))
    found = by_folds(trainer, pairs, 2)
    held = torch.cat([left for _, left in pairs])
    layers = [trainer(kept, fold=fold) for fold, (kept, _) in enumerate(pairs, 1)]
    own = [layer.decode(layer.encode(left)) for layer, (_, left) in zip(layers, pairs, strict=True)]
    refit = [
        pursue(left - kept.mean(0), layer.sae.directions(), 2) + kept.mean(0)
        for layer, (kept, left) in zip(layers, pairs, strict=True)
    ]
    assert found == FoldScores(3, explained(held, torch.cat(own)), explained(held, torch.cat(refit)))


def test_a_floor_is_kept_as_json_under_the_tables_names_and_read_back():
    floor = Floor("gaussian_null", "train", "variance_explained", 0.25, 17)
    assert as_row(floor) == {
        "control": "gaussian_null", "split": "train", "measure": "variance_explained", "value": 0.25, "n": 17,
        "error": None,
    }  # fmt: skip
    assert floor_of(as_row(floor)).value == 0.25 and math.isnan(floor_of(as_row(floor)).error)
    sure = dataclasses.replace(floor, error=0.01)
    assert floor_of(as_row(sure)) == sure


def test_the_standard_error_is_how_far_other_rows_move_the_value(given):
    """Against values over many samples of rows; and of a difference on the same rows, which is less than of either."""
    draw = torch.Generator().manual_seed(0)
    x = torch.randn(200_000, 4, generator=draw) * torch.tensor([3.0, 1.0, 1.0, 0.5])
    good, bad = x * torch.tensor([1.0, 1.0, 0.0, 0.0]), x * torch.tensor([1.0, 0.0, 0.0, 0.0])
    parts = range(0, len(x), 400)
    worths = torch.tensor([[explained(x[i : i + 400], hat[i : i + 400]) for hat in (good, bad)] for i in parts])
    errors = [RowErrors.of(x[:400], hat[:400]) for hat in (good, bad)]
    assert errors[0].standard_error() == pytest.approx(float(worths[:, 0].std()), rel=0.25)
    lead = errors[0].standard_error(errors[1])
    assert lead == pytest.approx(float((worths[:, 0] - worths[:, 1]).std()), rel=0.25)
    assert lead < errors[0].standard_error() + errors[1].standard_error()
    assert math.isnan(RowErrors.of(x[:1], good[:1]).standard_error())

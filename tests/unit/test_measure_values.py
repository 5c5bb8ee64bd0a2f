"""Each measure against values worked out by hand, and the properties that its meaning promises."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from read_measure import none, read

from sae.discover import find
from sae.evaluate import Seen
from sae.nulls import random_directions
from sae.records import Codes

quick = settings(max_examples=25, deadline=None)
seeds = st.integers(0, 10_000)
offsets = st.sampled_from([0.0, -7.5, 1e4])
scales = st.sampled_from([1e-3, 0.5, 30.0, 1e4])


def explained(x, x_hat):
    return read("variance_explained", codes=none(len(x)), x=x, x_hat=x_hat).value


def data(seed, offset=0.0, rows=40, width=5):
    """Rows with unequal columns, and a reconstruction with an error of its own."""
    draw = torch.Generator().manual_seed(seed)
    x = torch.randn(rows, width, generator=draw, dtype=torch.float64) * torch.arange(1, width + 1) + offset
    return x, x + 0.5 * torch.randn(rows, width, generator=draw, dtype=torch.float64)


def by_class(name, dense, labels, n_classes=2, chosen=None):
    labels = torch.tensor(labels)
    codes = Codes.from_dense(torch.tensor(dense).float())
    return read(name, codes=codes, labels=labels, n_classes=n_classes, chosen=chosen)


@quick
@given(seeds, offsets)
def test_predicting_the_mean_explains_exactly_nothing(seed, offset):
    x, _ = data(seed, offset)
    assert explained(x, x.mean(0).expand_as(x)) == pytest.approx(0, abs=1e-12)


@quick
@given(seeds, offsets)
def test_a_perfect_reconstruction_explains_all_and_nothing_explains_more(seed, offset):
    x, x_hat = data(seed, offset)
    assert explained(x, x) == 1.0
    assert explained(x, x_hat) < 1.0 and explained(x, -x_hat) <= 1.0


@quick
@given(seeds, scales, offsets)
def test_variance_explained_does_not_move_with_units_and_origin(seed, scale, offset):
    x, x_hat = data(seed)
    assert explained(scale * x + offset, scale * x_hat + offset) == pytest.approx(explained(x, x_hat), abs=1e-6)


@quick
@given(seeds)
def test_variance_explained_does_not_move_with_rotation(seed):
    x, x_hat = data(seed)
    turn, _ = torch.linalg.qr(torch.randn(5, 5, generator=torch.Generator().manual_seed(seed), dtype=torch.float64))
    assert explained(x @ turn, x_hat @ turn) == pytest.approx(explained(x, x_hat), abs=1e-10)


@quick
@given(seeds, st.lists(st.integers(1, 39), min_size=1, max_size=4, unique=True))
def test_variance_explained_in_batches_with_a_large_offset(seed, cuts):
    x, x_hat = data(seed, 1e4)
    measure = find("sae.measures", "variance_explained")()
    for a, b in zip(torch.tensor_split(x, sorted(cuts)), torch.tensor_split(x_hat, sorted(cuts)), strict=True):
        measure.update(Seen(codes=none(len(a)), x=a, x_hat=b))
    assert measure.reading().value == pytest.approx(explained(x, x_hat), abs=1e-8)


def test_variance_explained_by_hand():
    x = torch.tensor([[1.0, 0.0], [3.0, 4.0]])  # mean (2, 2), spread 1 + 4 + 1 + 4
    reading = read("variance_explained", codes=none(len(x)), x=x, x_hat=torch.tensor([[1.0, 1.0], [2.0, 4.0]]))
    assert (reading.value, reading.n) == (pytest.approx(0.8), 2)
    assert math.isnan(explained(torch.ones(3, 2), torch.zeros(3, 2)))


def test_variance_explained_of_the_host_reads_the_host_rows():
    x, x_hat = data(0)
    reading = read("host_variance_explained", codes=none(len(x)), x=x, x_hat=x, host=x, host_hat=x_hat)
    assert reading.value == explained(x, x_hat)


# 15 rows: 12 of class 0, then 3 of class 1. Latent 0 fires on 8 and 2 rows, latent 1 on 9 rows of class 0 only,
# latent 2 never, latent 3 on all rows with mass 24 and 3.
LABELS = [0] * 12 + [1] * 3
DENSE = [
    [float(i < 8 or i >= 13), float(i < 9), 0.0, 2.0 if i < 12 else 1.0] for i in range(15)
]  # fmt: skip
CHOSEN = torch.tensor([0, 0, -1, 1])


def test_class_sums_by_hand():
    codes = Codes.from_dense(torch.tensor(DENSE))
    sums = Seen(codes=codes, labels=torch.tensor(LABELS), n_classes=2).by_class
    assert sums.mass.tolist() == [[8, 2], [9, 0], [0, 0], [24, 3]]
    assert sums.fires.tolist() == [[8, 2], [9, 0], [0, 0], [12, 3]]
    assert sums.rows.tolist() == [12, 3]
    # by means 8/12 against 2/3: a tie goes to the first class; a latent that never fires has none
    assert sums.best_class().tolist() == [0, 0, -1, 0]


def test_eligible_is_ten_firings_and_not_nine():
    reading = by_class("eligible_share", DENSE, LABELS)
    assert reading.latents.tolist() == [1, 0, 0, 1]
    assert (reading.value, reading.n) == (0.5, 4)


def test_precision_and_recall_by_hand():
    precision = by_class("class_precision", DENSE, LABELS, chosen=CHOSEN)
    recall = by_class("class_recall", DENSE, LABELS, chosen=CHOSEN)
    # latent 0, class 0: 8 of its 10 firings, 8 of 12 rows; latent 3, class 1: 3 of 15 firings, 3 of 3 rows
    assert precision.n == recall.n == 2
    assert precision.value == pytest.approx((0.8 + 0.2) / 2) and recall.value == pytest.approx((8 / 12 + 1) / 2)
    assert [math.isnan(v) for v in precision.latents.tolist()] == [False, True, True, False]


@pytest.mark.parametrize(("name", "left"), [("class_precision", 0.2), ("class_recall", 1.0)])
def test_a_latent_without_a_chosen_class_is_left_out(name, left):
    reading = by_class(name, DENSE, LABELS, chosen=torch.tensor([-1, 0, -1, 1]))
    assert (reading.value, reading.n) == (pytest.approx(left), 1)


def test_selectivity_compares_class_means_not_sums():
    reading = by_class("selectivity", DENSE, LABELS)
    # latent 0: means 8/12 and 2/3, equal; latent 3: means 2 and 1
    assert reading.n == 2 and reading.value == pytest.approx((0 + 0.5) / 2)


def test_top_class_share_by_hand():
    reading = by_class("top_class_share", DENSE, LABELS)
    assert reading.n == 2 and reading.value == pytest.approx((0.8 + 24 / 27) / 2)


def test_csp_by_hand_counts_the_dead_as_0_and_the_rare_in_full():
    reading = by_class("csp", DENSE, LABELS)
    # class means: 8/12 and 2/3, equal; 9/12 and 0; never; 2 and 1
    assert reading.latents.tolist() == pytest.approx([0, 1, 0, 0.5], abs=1e-7)
    assert (reading.value, reading.n) == (pytest.approx(1.5 / 4), 4)
    once = [[*row, float(i == 0)] for i, row in enumerate(DENSE)]
    assert by_class("csp", once, LABELS).value == pytest.approx(2.5 / 5)
    dead = [[*row, 0.0] for row in DENSE]
    assert by_class("csp", dead, LABELS).value == pytest.approx(1.5 / 5), "it falls with deaths"
    assert by_class("selectivity", dead, LABELS).value == by_class("selectivity", DENSE, LABELS).value


def test_exclusive_share_keeps_all_latents_in_its_denominator():
    labels = [0] * 10 + [1] * 10
    # latent 0: 9 rows of class 0 and 1 of class 1, exactly 90%; latent 1: 8 and 2; latent 2: 9 rows of class 0,
    # too few; latent 3: never; latent 4: 10 rows of class 1
    dense = [
        [float(i < 9 or i == 19), float(i < 8 or i >= 18), float(i < 9), 0.0, float(i >= 10)] for i in range(20)
    ]  # fmt: skip
    reading = by_class("exclusive_share", dense, labels)
    assert reading.latents.tolist() == [1, 0, 0, 0, 1]
    assert (reading.value, reading.n) == (pytest.approx(2 / 5), 5)
    fewer = by_class("exclusive_share", [[row[0]] + [0.0] * 4 for row in dense], labels)
    assert fewer.value == pytest.approx(1 / 5), "latents that die cannot raise the share"


def test_an_identity_tower_copies_and_random_directions_in_many_dimensions_do_not():
    eye = torch.eye(200)
    assert read("copy_score", codes=none(latents=len(eye)), directions=eye, references=3 * eye).value == 1.0
    assert read("copy_score", codes=none(latents=len(eye)), directions=-eye, references=eye).value == 1.0
    random = random_directions(100, 200, torch.Generator().manual_seed(0))
    reading = read("copy_score", codes=none(latents=len(random)), directions=random, references=eye)
    assert (reading.value, reading.n) == (0.0, 100)
    assert (
        read(
            "copy_score", codes=none(latents=len(random)), directions=random, references=torch.cat([eye, random[:25]])
        ).value
        == 0.25
    )


@pytest.mark.parametrize(("cosine", "copies"), [(0.89, 0.0), (0.91, 1.0)])
def test_a_copy_is_a_cosine_above_nine_tenths(cosine, copies):
    tilted = torch.tensor([[cosine, math.sqrt(1 - cosine**2), 0.0]])
    reading = read(
        "copy_score",
        codes=none(latents=len(tilted)),
        directions=tilted,
        references=torch.tensor([[2.0, 0, 0], [0, 0, 0]]),
    )
    assert reading.value == copies and float(reading.latents[0]) == pytest.approx(cosine)


# four latents: one on an axis, one near an axis, one between two axes, one on an axis
SOME = {"directions": torch.tensor([[0.0, 3.0], [0.95, -0.3], [1.0, 1.0], [1.0, 0.0]]), "references": torch.eye(2)}


def firing(*rows):
    return Codes.from_dense(torch.tensor(rows, dtype=torch.float32))


def test_live_copies_by_hand():
    reading = read("live_copies", codes=firing([1, 2, 3, 0], [0, 0, 1, 0]), **SOME)
    # the last latent is a copy, and dead
    assert (reading.value, reading.n) == (pytest.approx(2 / 3), 3)
    near, between = 0.95 / math.hypot(0.95, 0.3), math.sqrt(0.5)
    assert reading.latents.tolist() == pytest.approx([1, near, between, math.nan], nan_ok=True)
    assert read("live_copies", codes=firing([0, 0, 1, 0]), **SOME).value == 0.0


def test_dead_latents_hide_copies_from_the_copy_score_and_not_from_live_copies():
    alive = {"codes": firing([1, 1, 1, 1]), **SOME}
    assert read("copy_score", **alive).value == read("live_copies", **alive).value == 0.75
    directions = torch.cat([SOME["directions"], torch.ones(6, 2)])
    more = {"codes": firing([1] * 4 + [0] * 6), **SOME, "directions": directions}
    assert read("copy_score", **more).value == pytest.approx(0.3)
    assert read("live_copies", **more).value == 0.75


def test_live_copies_of_an_sae_that_is_dead_are_undefined():
    reading = read("live_copies", codes=firing([0, 0, 0, 0]), **SOME)
    assert math.isnan(reading.value) and reading.n == 0 and reading.latents.isnan().all()


def test_live_copies_counts_a_latent_that_fires_in_any_batch():
    measure = find("sae.measures", "live_copies")()
    for rows in ([0, 0, 1, 0], [0, 0, 0, 1], [0, 0, 0, 0]):
        measure.update(Seen(codes=firing(rows), **SOME))
    reading = measure.reading()
    assert (reading.value, reading.n) == (0.5, 2)
    assert reading.latents.isnan().tolist() == [True, True, False, False]


def test_near_duplicates_by_hand():
    reading = read("near_duplicates", codes=firing([1, 1, 1, 0]), directions=SOME["directions"])
    assert (reading.value, reading.n) == (0.0, 3), "the last would be the second's twin, and is dead"
    reading = read("near_duplicates", codes=firing([1, 1, 1, 1]), directions=SOME["directions"])
    assert reading.value == 0.5 and reading.latents[1] == reading.latents[3] == pytest.approx(
        0.95 / math.hypot(0.95, 0.3)
    )
    alone = read("near_duplicates", codes=firing([1, 0, 0, 0]), directions=SOME["directions"])
    assert math.isnan(alone.value) and alone.n == 1


CODES = Codes.from_dense(torch.tensor([[2.0, 0.0, 1.0], [4.0, 0.0, 0.0]]))


def test_activations_are_read_in_host_units():
    mean = read("mean_activation", codes=CODES, unit=0.5)
    assert (mean.value, mean.n) == (pytest.approx(7 / 3 / 2), 3)
    assert mean.latents.tolist()[::2] == [1.5, 0.5] and math.isnan(mean.latents[1])
    assert read("activation_mass", codes=CODES, unit=0.5).value == pytest.approx(7 / 2 / 2)


def test_counts_of_active_latents_by_hand():
    assert read("l0", codes=CODES).value == 1.5
    assert read("live_share", codes=CODES).value == pytest.approx(2 / 3)
    assert read("firing_rate", codes=CODES).latents.tolist() == [1.0, 0.0, 0.5]


def test_relative_mass_by_hand():
    x = torch.tensor([[1.0, -3.0], [2.0, 4.0]])
    assert read("relative_mass", codes=CODES, scale=2.0, x=x).value == pytest.approx(2 * 7 / 10)
    assert math.isnan(read("relative_mass", codes=CODES, x=torch.zeros(2, 2)).value)


@quick
@given(seeds, scales)
def test_relative_mass_is_free_of_scale(seed, factor):
    x = torch.randn(2, 4, generator=torch.Generator().manual_seed(seed))
    plain = read("relative_mass", codes=CODES, scale=2.0, x=x).value
    assert read("relative_mass", codes=CODES, scale=2.0 * factor, x=x * factor).value == pytest.approx(plain, rel=1e-5)


def test_accuracy_of_the_host_by_hand():
    logits = torch.tensor([[2.0, 1.0], [0.0, 1.0], [3.0, 1.0]])
    reading = read("host_accuracy", codes=none(len(logits)), logits=logits, labels=torch.tensor([0, 1, 1]))
    assert (reading.value, reading.n) == (pytest.approx(2 / 3), 3)

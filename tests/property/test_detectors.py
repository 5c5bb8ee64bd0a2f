"""Detectors that are planted and ones that are not there, p and q by hand, and what must not change a score."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.run.interpret.detectors import Detectors, Shown, best_class, corrected, detectors
from sae.errors import DataError

quick = settings(max_examples=6, derandomize=True, deadline=None, database=None)
seeds = st.integers(0, 2**16)
CLASSES, ROWS = 4, 120
BALANCED = (0.25,) * CLASSES
UNEQUAL = (0.7, 0.1, 0.1, 0.1)
NAMES = [field.name for field in fields(Detectors)]


def drawn(seed):
    return torch.Generator().manual_seed(seed)


def noise(seed, latents=6, sizes=BALANCED, rows=ROWS):
    """Activations that know nothing of the labels."""
    draw = drawn(seed)
    strength, fires = torch.rand(2, rows, latents, generator=draw)
    labels = torch.arange(CLASSES).repeat_interleave((torch.tensor(sizes) * rows).round().long())
    return Shown(strength * (fires < 0.3), shuffled(labels, draw), CLASSES)


def planted(seed, latents=6):
    """Noise behind one latent a class that fires on that class and on nothing else."""
    shown = noise(seed, latents)
    own = torch.nn.functional.one_hot(shown.labels, CLASSES) * (0.1 + torch.rand(ROWS, 1, generator=drawn(seed)))
    return replace(shown, activations=torch.cat([own, shown.activations], 1))


def found(train, held_out, permutations=59, seed=0):
    return detectors(train, held_out, permutations, drawn(seed))


def part(shown, latents):
    return replace(shown, activations=shown.activations[:, latents])


def assert_same(first, second, names=NAMES):
    for name in names:
        np.testing.assert_allclose(getattr(first, name), getattr(second, name), rtol=1e-5, err_msg=name)


def classes_by_hand(train, labels):
    """The class with the largest mean, one latent at a time."""
    values, labels = train.activations.double().numpy(), labels.numpy()
    return [int(np.argmax([column[labels == c].mean() for c in range(CLASSES)])) for column in values.T]


def f1_by_hand(held_out, labels, classes):
    """Precision and recall in the words of the textbook."""
    scores = []
    labels = labels.numpy()
    for column, c in zip(held_out.activations.numpy().T > 0, classes, strict=True):
        hits = int((column & (labels == c)).sum())
        precision, recall = hits / max(1, int(column.sum())), hits / int((labels == c).sum())
        scores.append(2 * precision * recall / (precision + recall) if hits else 0.0)
    return scores


def shuffled(labels, draw):
    return labels[torch.randperm(len(labels), generator=draw)]


@pytest.mark.parametrize("permutations", [19, 50, 51, 120])
def test_a_perfect_detector_has_f1_1_its_class_and_the_smallest_p_there_is(permutations):
    result = found(planted(1), planted(2), permutations)
    assert result.chosen[:CLASSES].tolist() == [0, 1, 2, 3]
    assert (result.f1[:CLASSES] == 1).all() and (result.null[:CLASSES] < 0.6).all()
    assert result.p[:CLASSES].tolist() == pytest.approx([1 / (1 + permutations)] * CLASSES), "so many shuffles"
    if permutations > 50:
        assert (result.q[:CLASSES] < 0.05).all() and (result.q[CLASSES:] > 0.05).all()


@quick
@given(seeds, st.sampled_from([BALANCED, UNEQUAL]))
def test_class_and_f1_are_those_of_a_loop(seed, sizes):
    train, held_out = noise(seed, sizes=sizes), noise(seed + 1, sizes=BALANCED)
    result = found(train, held_out, 19)
    assert result.chosen.tolist() == classes_by_hand(train, train.labels)
    assert result.f1.tolist() == pytest.approx(f1_by_hand(held_out, held_out.labels, result.chosen.tolist()))


def test_noise_is_not_found_and_its_p_values_are_about_uniform():
    result = found(noise(1, 500, rows=600), noise(2, 500, rows=600), 199)
    assert float((result.q <= 0.05).double().mean()) < 0.005
    assert float(result.p.mean()) == pytest.approx(0.53, abs=0.04), "ties count for the shuffle: a bit above a half"
    for level in (0.05, 0.25, 0.5, 0.75):
        assert level - 0.08 < float((result.p <= level).double().mean()) < level + 0.03
    assert float(result.p.min()) < 0.03 and float(result.p.max()) > 0.97


def test_the_null_is_that_of_a_loop_over_shuffles_of_both_splits():
    train, held_out, draw = noise(3, 40, UNEQUAL), noise(4, 40, UNEQUAL), drawn(9)
    by_hand = []
    for _ in range(150):
        classes = classes_by_hand(train, shuffled(train.labels, draw))
        by_hand.append(f1_by_hand(held_out, shuffled(held_out.labels, draw), classes))
    result = found(train, held_out, 400)
    wanted = np.quantile(by_hand, 0.95, axis=0)
    assert float(result.null.mean()) == pytest.approx(wanted.mean(), abs=0.01)
    assert np.corrcoef(result.null, wanted)[0, 1] > 0.8, "each latent's own"
    p = (1 + (np.array(by_hand) >= result.f1.numpy() - 1e-9).sum(0)) / 151
    assert np.abs(p - result.p.numpy()).mean() < 0.04 and np.abs(p - result.p.numpy()).max() < 0.25
    assert p.mean() == pytest.approx(float(result.p.mean()), abs=0.015), "a shuffle that does as well counts"


def test_a_null_that_kept_the_class_would_be_lower_where_the_class_is_rare():
    """F1 by luck grows with the class. A latent that drew a rare one could as well have drawn the common one."""
    train, held_out, draw = noise(5, 60, UNEQUAL), noise(6, 60, UNEQUAL), drawn(7)
    result = found(train, held_out, 200)
    classes = result.chosen.tolist()
    kept = [f1_by_hand(held_out, shuffled(held_out.labels, draw), classes) for _ in range(100)]
    kept = np.quantile(kept, 0.95, axis=0)
    rare = result.chosen.numpy() > 0
    assert rare.sum() > 50
    assert (result.null.numpy() >= kept)[rare].mean() > 0.9 and (result.null.numpy() > kept)[rare].mean() > 0.5
    assert result.null.numpy().mean() > kept.mean() + 0.01, "over all latents too"


def test_latents_that_fire_on_every_row_or_on_one_have_known_nulls():
    train, held_out = noise(1), noise(2)
    activations = torch.zeros(ROWS, 2)
    activations[:, 0], activations[0, 1] = 2, 3
    result = found(replace(train, activations=torch.ones(ROWS, 2)), replace(held_out, activations=activations))
    everywhere = 2 * 0.25 / (1 + 0.25)
    assert (float(result.f1[0]), float(result.null[0])) == pytest.approx((everywhere, everywhere))
    assert result.share_null.tolist() == pytest.approx([0.25, 1.0]), "equal parts of all classes; all of one"
    assert float(result.p[0]) == 1


@pytest.mark.parametrize("silent", [("train",), ("held_out",), ("train", "held_out")])
def test_a_latent_that_never_fires_is_blank_and_does_not_disturb_the_others(silent):
    splits = {"train": planted(1), "held_out": planted(2)}
    others = [0, 1, *range(3, 10)]
    alone = found(*(part(shown, others) for shown in splits.values()))
    for name in silent:
        splits[name].activations[:, 2] = 0
    result = found(*splits.values())
    assert int(result.chosen[2]) == -1
    assert all(bool(torch.isnan(getattr(result, name)[2])) for name in NAMES if name != "chosen")
    assert_same(Detectors(*(getattr(result, name)[others] for name in NAMES)), alone)


def test_q_of_an_example_by_hand_leaves_nan_out():
    nan = torch.nan
    p = torch.tensor([0.01, nan, 0.04, 0.03, 0.005, nan, 0.5], dtype=torch.float64)
    before = p.clone()
    # ranks 2, 4, 3, 1, 5 of five: 0.01 * 5 / 2, 0.04 * 5 / 4, min(0.03 * 5 / 3, 0.05), 0.005 * 5, 0.5
    wanted = torch.tensor([0.025, nan, 0.05, 0.05, 0.025, nan, 0.5], dtype=torch.float64)
    np.testing.assert_allclose(corrected(p), wanted)
    np.testing.assert_array_equal(p, before)
    assert torch.isnan(corrected(torch.full((3,), nan))).all()
    # 0.02 alone would be 0.04, but the next one pulls it down
    assert corrected(torch.tensor([0.02, 0.021]).double()).tolist() == pytest.approx([0.021, 0.021])


@quick
@given(seeds)
def test_q_of_the_result_is_its_p_corrected(seed):
    result = found(planted(seed), planted(seed + 1), 19)
    p = result.p.tolist()
    ranked = sorted(p)
    wanted = [min(other * len(p) / (i + 1) for i, other in enumerate(ranked) if other >= each) for each in p]
    assert result.q.tolist() == pytest.approx(np.minimum(wanted, 1).tolist())


@quick
@given(seeds, st.sampled_from([1e-3, 0.7, 30.0, 1e4]))
def test_neither_the_order_of_latents_nor_the_scale_of_activations_counts(seed, factor):
    train, held_out = planted(seed), planted(seed + 1)
    plain, order = found(train, held_out), torch.randperm(10, generator=drawn(seed))
    turned = found(part(train, order), part(held_out, order))
    assert_same(turned, Detectors(*(getattr(plain, name)[order] for name in NAMES)))
    assert_same(found(*(replace(each, activations=each.activations * factor) for each in (train, held_out))), plain)


@quick
@given(seeds)
def test_rows_in_another_order_have_the_same_scores_and_much_the_same_null(seed):
    splits, draw = [planted(seed), planted(seed + 1)], drawn(seed)
    orders = [torch.randperm(ROWS, generator=draw) for _ in splits]
    moved = [Shown(each.activations[at], each.labels[at], CLASSES) for each, at in zip(splits, orders, strict=True)]
    plain, other = found(*splits, 199), found(*moved, 199)
    assert_same(other, plain, ["chosen", "f1"])
    assert not torch.equal(other.p, plain.p) and float((other.p - plain.p).abs().max()) < 0.2
    assert float((other.null - plain.null).abs().mean()) < 0.05


@quick
@given(seeds)
def test_renamed_classes_are_renamed_and_change_nothing_else(seed):
    splits, names = [planted(seed), planted(seed + 1)], torch.randperm(CLASSES, generator=drawn(seed))
    plain = found(*splits)
    renamed = found(*(replace(each, labels=names[each.labels]) for each in splits))
    assert_same(renamed, replace(plain, chosen=names[plain.chosen]))


@quick
@given(seeds)
def test_the_class_is_chosen_on_training_rows_and_scored_by_firing_on_others(seed):
    train, held_out, other = noise(seed), noise(seed + 1), noise(seed + 2)
    plain, changed = found(train, held_out), found(train, other)
    assert_same(changed, plain, ["chosen"])
    assert not torch.equal(changed.f1, plain.f1)
    firing = replace(held_out, activations=(held_out.activations > 0).float())
    assert_same(found(train, firing), plain, ["chosen", "f1", "null", "p", "q"])


def test_the_same_generator_gives_the_same_result_and_the_global_one_is_not_touched():
    train, held_out, state = noise(1), noise(2), torch.get_rng_state()
    plain, again, other = found(train, held_out), found(train, held_out), found(train, held_out, seed=1)
    for name in NAMES:
        assert torch.equal(getattr(plain, name), getattr(again, name))
    assert not torch.equal(plain.p, other.p)
    assert torch.equal(torch.get_rng_state(), state)


def test_too_few_permutations_and_lengths_that_do_not_match_are_refused():
    shown = noise(1)
    with pytest.raises(DataError, match="18 permutations: needs at least 19"):
        found(shown, shown, 18)
    with pytest.raises(DataError, match="120 rows of activations for 119 labels"):
        Shown(shown.activations, shown.labels[1:], CLASSES)


def test_the_best_class_is_that_of_the_detectors_and_none_for_a_silent_latent():
    draw = torch.Generator().manual_seed(3)
    activations = torch.relu(torch.randn(60, 7, generator=draw))
    activations[:, 2] = 0
    shown = Shown(activations, torch.arange(60) % 4, 4)
    assert best_class(shown)[2] == -1
    assert torch.equal(best_class(shown), detectors(shown, shown, 19, draw).chosen)

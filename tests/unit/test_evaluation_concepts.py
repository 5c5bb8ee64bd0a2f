"""Targeted perturbation and absorption: planted latents that carry one class, or take another's part."""

from __future__ import annotations

import pytest
import torch

from sae.errors import InputError
from sae.evaluations.absorption import absorption
from sae.evaluations.targeted_perturbation import targeted_perturbation
from sae.records import Codes


def classes(seed, rows=240):
    """Three classes, each with a latent and an axis of its own; latent 3 fires anywhere, on an axis of no class."""
    draw = torch.Generator().manual_seed(seed)
    of = torch.arange(rows) % 3
    codes = torch.zeros(rows, 5)
    codes[torch.arange(rows), of] = 2 + torch.rand(rows, generator=draw)
    codes[:, 3] = torch.rand(rows, generator=draw)
    rows_ = codes[:, :4] @ torch.eye(4, 6) + 0.1 * torch.randn(rows, 6, generator=draw)
    return rows_, Codes.from_active(codes), of


def perturbed(**options):
    return targeted_perturbation(*classes(0), *classes(1), options.pop("directions", torch.eye(5, 6)), **options)


def test_one_latent_a_class_carries_it_and_nothing_else():
    found = perturbed(ks=(1, 2))
    assert found.accuracies.tolist() == [1, 1, 1]
    one = found.by_k[1]
    assert one.latents == ((0,), (1,), (2,))
    # without its latent a class looks like none: its own probe is at chance, as it is right about the rest
    assert one.own == pytest.approx(0.5) and one.other == pytest.approx(0, abs=0.05)
    assert one.score == one.own - one.other and one.falls.diagonal().tolist() == pytest.approx([0.5] * 3)
    # no second latent raises a class's probe more than elsewhere but by chance
    assert all(len(some) <= 2 and some[0] == place for place, some in enumerate(found.by_k[2].latents))
    assert found.random[1].score <= one.score and all(len(some) == 1 for some in found.random[1].latents)


def test_a_direction_that_carries_nothing_scores_nothing():
    found = perturbed(ks=(1,), directions=1e-6 * torch.eye(5, 6))
    assert found.by_k[1].score == 0 and found.by_k[1].own == 0


def test_classes_that_cannot_be_told_apart_are_refused():
    rows, codes, of = classes(0)
    with pytest.raises(InputError, match=r"classes are \[0, 1, 2\] in training and \[0, 1\] held out"):
        targeted_perturbation(rows, codes, of, rows, codes, of % 2, torch.eye(5, 6))
    with pytest.raises(InputError, match=r"held-out codes are \(120, \d\) of 5 latents, expected \(240, k\) of 5"):
        targeted_perturbation(rows, codes, of, rows, codes.part(slice(120)), of, torch.eye(5, 6))
    with pytest.raises(InputError, match=r"directions have shape \(4, 6\), expected \(5, 6\)"):
        targeted_perturbation(rows, codes, of, rows, codes, of, torch.eye(4, 6))


A, B, RARE = 0, 1, 2


def letters(seed, absorbed=True):
    """Tokens of letter A light axis 0, of B axis 1. Latent 0 is A's, but of 4 of 100 tokens of A latent 2, on an axis
    that holds much of A's, has taken its place. A third letter stands on three rows only."""
    draw = torch.Generator().manual_seed(seed)
    of = torch.tensor([A, B] * 100 + [RARE] * 3)
    special = (torch.arange(203) % 50 == 0) & (of == A) & absorbed
    codes = torch.zeros(203, 4)
    codes[:, 0] = (of == A) & ~special
    codes[:, 1] = of == B
    codes[:, 2] = special
    codes *= 3.0
    codes[:, 3] = 0.1 * torch.rand(203, generator=draw)
    directions = torch.zeros(4, 8)
    directions[0, 0] = directions[1, 1] = directions[3, 3] = 1
    directions[2, :3] = torch.tensor([1.0, 0.0, 1.0])
    return codes @ directions + 0.05 * torch.randn(203, 8, generator=draw), Codes.from_active(codes), of, directions


def test_a_token_s_own_latent_that_takes_a_letter_s_part_is_counted():
    train, held_out = letters(0), letters(1)
    found = absorption(*train[:3], *held_out[:3], train[3])
    a, b = found.letters
    assert (a.letter, a.main, a.absorbing) == (A, (0,), (2,)) and found.left_out == (RARE,)
    assert a.told == 100 and a.silent == a.absorbed == 4 and a.f1 == pytest.approx(2 * 96 / (100 + 96))
    assert (b.main, b.silent, b.absorbed) == ((1,), 0, 0)
    assert found.rate == found.silent_rate == 4 / 200
    assert found.chance_rate < found.rate


def test_where_the_letter_s_latent_always_fires_nothing_is_absorbed():
    train, held_out = letters(0, absorbed=False), letters(1, absorbed=False)
    found = absorption(*train[:3], *held_out[:3], train[3])
    assert found.rate == found.silent_rate == found.chance_rate == 0
    assert [letter.f1 for letter in found.letters] == [1, 1]


def test_a_silence_that_nothing_makes_up_for_is_no_absorption():
    train, held_out = letters(0), letters(1)
    directions = train[3].clone()
    directions[2] = torch.eye(8)[2]  # the SAE leaves A's part of these rows over
    found = absorption(*train[:3], *held_out[:3], directions)
    assert found.silent_rate == 4 / 200 and found.rate == 0


def test_letters_that_are_too_few_are_refused():
    rows, codes, of, directions = letters(0)
    with pytest.raises(InputError, match="none of 3 letters has 150 rows"):
        absorption(rows, codes, of, rows, codes, of, directions, least=150)
    with pytest.raises(InputError, match="training letters are in -1"):
        absorption(rows, codes, of - 1, rows, codes, of, directions)

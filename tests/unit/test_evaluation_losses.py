"""Normalised error and downstream loss: by hand, and what the identity, zeros and the mean score."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_language import TinyLanguage

from sae.errors import InputError, NumericError
from sae.evaluations.downstream_loss import TokenLosses, downstream_loss, token_losses
from sae.evaluations.normalised_mse import Reconstruction, normalised_mse
from sae.measures.variance_explained import explained

quick = settings(max_examples=15, deadline=None)


def rows(seed=0, n=30, offset=0.0):
    draw = torch.Generator().manual_seed(seed)
    x = torch.randn(n, 4, generator=draw, dtype=torch.float64) * torch.arange(1.0, 5) + offset
    return x, x + 0.4 * torch.randn(n, 4, generator=draw, dtype=torch.float64), torch.arange(n) // 5


def test_normalised_error_by_hand():
    x = torch.tensor([[2.0, 0.0], [4.0, 6.0]])  # mean (3, 3); variance 1 + 9 + 1 + 9; energy 4 + 16 + 36
    found = normalised_mse([Reconstruction(x, torch.tensor([[2.0, 1.0], [1.0, 6.0]]), torch.tensor([7, 3]))])
    assert (found.error, found.variance, found.rows) == (10, 20, 2)
    assert found.value.value == pytest.approx(0.5) and found.about_zero.value == pytest.approx(10 / 56)
    assert found.zero == pytest.approx(56 / 20)
    # the two rows are 1 - .5 * 10 and 9 - .5 * 10 off: sqrt(2 * (16 + 16)) / 20
    assert found.value.error == pytest.approx(math.sqrt(2 * 32) / 20) and found.value.n == 2


@quick
@given(st.integers(0, 999), st.sampled_from([0.0, -3.0, 1e5]), st.lists(st.integers(1, 29), max_size=3, unique=True))
def test_perfect_mean_and_zero_score_what_they_must_in_batches_too(seed, offset, cuts):
    x, x_hat, _ = rows(seed, offset=offset)

    def score(other, **grouped):
        parts = zip(x.tensor_split(sorted(cuts)), other.tensor_split(sorted(cuts)), strict=True)
        return normalised_mse([Reconstruction(a, b, **grouped) for a, b in parts])

    assert score(x).value.value == 0
    assert score(x.mean(0).expand_as(x)).value.value == pytest.approx(1, abs=1e-9)
    zero = score(torch.zeros_like(x))
    assert zero.value.value == pytest.approx(zero.zero) and zero.zero >= 1 and zero.about_zero.value == pytest.approx(1)
    assert score(x_hat).value.value == pytest.approx(1 - explained(x, x_hat), abs=1e-6)


def test_rows_of_a_context_are_one_draw():
    x, x_hat, context = rows()
    bare, grouped = normalised_mse([Reconstruction(x, x_hat)]), normalised_mse([Reconstruction(x, x_hat, context)])
    assert grouped.value.value == pytest.approx(bare.value.value) and bare.value.error is None
    alone = normalised_mse([Reconstruction(x, x_hat, torch.arange(30))])
    assert (alone.value.n, grouped.value.n) == (30, 6) and alone.value.error != grouped.value.error
    halves = [Reconstruction(x[a], x_hat[a], context[a]) for a in (slice(0, 12), slice(12, 30))]
    assert normalised_mse(halves).value.error == pytest.approx(grouped.value.error)  # context 2 is cut in two
    assert normalised_mse([Reconstruction(x, x_hat, torch.zeros(30, dtype=torch.long))]).value.error is None


def test_rows_that_have_no_normalised_error_are_refused():
    x, x_hat, _ = rows()
    with pytest.raises(InputError, match="do not vary"):
        normalised_mse([Reconstruction(torch.ones(3, 2), torch.zeros(3, 2))])
    with pytest.raises(InputError, match="context is in some batches only"):
        normalised_mse([Reconstruction(x, x_hat), Reconstruction(x, x_hat, torch.arange(30))])
    with pytest.raises(InputError, match="no rows"):
        normalised_mse([])
    with pytest.raises(InputError, match=r"x_hat have shape \(30, 3\), expected \(30, 4\)"):
        normalised_mse([Reconstruction(x, x_hat[:, :3])])
    with pytest.raises(NumericError, match=r"x_hat: place \(2, 1\)"):
        x_hat[2, 1] = torch.nan
        normalised_mse([Reconstruction(x, x_hat)])


def losses(**changes):
    given = {
        "clean": [[1.0, 2.0, 9.0], [3.0, 9.0, 9.0]], "spliced": [[2.0, 2.0, 0.0], [3.5, 0.0, 0.0]],
        "kl": [[0.5, 0.1, 7.0], [0.3, 7.0, 7.0]], "zero": [[5.0, 4.0, 0.0], [4.0, 0.0, 0.0]],
        "mean": [[2.0, 3.0, 0.0], [5.0, 0.0, 0.0]],
    }  # fmt: skip
    kept = torch.tensor([[True, True, False], [True, False, False]])
    return TokenLosses(kept=kept, **{name: torch.tensor(value) for name, value in (given | changes).items()})


def test_downstream_loss_by_hand():
    found = downstream_loss([losses()])
    assert (found.tokens, found.contexts) == (3, 2)
    assert (found.clean.value, found.spliced.value) == (2, 2.5)
    assert found.delta.value == pytest.approx(0.5) and found.kl.value == pytest.approx(0.3)
    # the contexts are 1 - .5 * 2 and .5 - .5 * 1 off: nothing
    assert found.delta.error == pytest.approx(0)
    assert found.recovered_zero.value == pytest.approx(1 - 1.5 / 7)
    assert found.recovered_mean.value == pytest.approx(1 - 1.5 / 4)
    # what is not kept counts for nothing, even where it is no number
    odd = losses(spliced=[[2.0, 2.0, math.nan], [3.5, math.inf, 0.0]])
    assert downstream_loss([odd]) == found


def test_batches_are_summed_and_never_averaged():
    parts = [losses(), losses(spliced=[[9.0, 9.0, 0.0], [9.0, 0.0, 0.0]])]
    one, other, both = (downstream_loss(batches) for batches in (parts[:1], parts[1:], parts))
    assert both.delta.value == pytest.approx((one.delta.value + other.delta.value) / 2)
    lopsided = [losses(), losses(zero=[[2.0, 3.0, 0.0], [4.0, 0.0, 0.0]])]  # the second loses 3 to zeros, the first 7
    shares = [downstream_loss([batch]).recovered_zero.value for batch in lopsided]
    assert downstream_loss(lopsided).recovered_zero.value == pytest.approx(1 - 3 / 10) != sum(shares) / 2


def test_what_the_host_does_with_itself_zeros_and_the_mean_spliced_in():
    host = TinyLanguage()
    tokens = host.sample(8, 10)
    own = host.read(tokens)
    kept = torch.ones(tokens.shape, dtype=torch.bool)
    kept[:, 0] = False

    def logits(replaced):
        return host.go_on(tokens, torch.where(kept[..., None], replaced, own))

    passes = {"zero": logits(torch.zeros_like(own)), "mean": logits(own.mean((0, 1)).expand_as(own))}

    def score(spliced):
        return downstream_loss([token_losses(tokens, kept, logits(own), spliced, **passes)])

    perfect = score(logits(own))
    assert (perfect.delta.value, perfect.kl.value) == (0, 0)
    assert perfect.recovered_zero.value == perfect.recovered_mean.value == 1
    assert perfect.tokens == 8 * 8, "neither the sink nor the last place"
    expected = torch.nn.functional.cross_entropy(logits(own)[:, 1:-1].flatten(0, 1), tokens[:, 2:].flatten())
    assert perfect.clean.value == pytest.approx(float(expected), rel=1e-5)
    assert score(passes["zero"]).recovered_zero.value == pytest.approx(0)
    assert score(passes["mean"]).recovered_mean.value == pytest.approx(0)
    noisy = [score(logits(own + much * torch.randn(own.shape, dtype=own.dtype).sign())).kl.value for much in (0.1, 1.0)]
    assert 0 < noisy[0] < noisy[1]


def test_what_has_no_downstream_loss_is_refused_or_none():
    free = downstream_loss([losses(zero=[[1.0, 2.0, 0.0], [3.0, 0.0, 0.0]])])
    assert free.recovered_zero is None and free.recovered_mean is not None, "nothing to recover"
    noisy = downstream_loss([losses(zero=[[9.0, 9.0, 0.0], [1.0, 0.0, 0.0]])])
    assert noisy.zero.value > noisy.clean.value and noisy.recovered_zero is None, "14 in one context, -2 in the other"
    bare = losses()
    without = TokenLosses(bare.clean, bare.spliced, bare.kl, bare.kept)
    assert downstream_loss([without]).zero is None
    with pytest.raises(InputError, match="zero is in 1 of 2 batches"):
        downstream_loss([losses(), without])
    with pytest.raises(InputError, match="no place is kept"):
        downstream_loss([TokenLosses(bare.clean, bare.spliced, bare.kl, torch.zeros_like(bare.kept))])
    with pytest.raises(NumericError, match="kl"):
        downstream_loss([losses(kl=[[math.nan, 0.1, 7.0], [0.3, 7.0, 7.0]])])
    with pytest.raises(InputError, match=r"tokens are in 0..12, expected 0..11"):
        logits = torch.zeros(1, 2, 12)
        token_losses(torch.tensor([[0, 12]]), torch.ones(1, 2, dtype=torch.bool), logits, logits)

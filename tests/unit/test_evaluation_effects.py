"""Ablation sparsity, steering and downstream effects: by hand on hosts that are a matrix, then end to end."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_language import TinyLanguage

from sae.errors import ConfigError, InputError, NumericError
from sae.evaluations.ablation_sparsity import ablation_sparsity, drawn_latents, drawn_neurons
from sae.evaluations.downstream_effects import downstream_effects
from sae.evaluations.steering import steered_tokens, steering
from sae.records import Codes

quick = settings(max_examples=10, deadline=None)


def linear(out):
    """A host whose logits at a place are the sum of all activations up to it, times a matrix."""
    return lambda contexts, activations: activations.cumsum(1) @ out


def cases(n=3, places=6, width=4):
    draw = torch.Generator().manual_seed(0)
    return torch.zeros(n, places, dtype=torch.long), torch.randn(n, places, width, generator=draw, dtype=torch.float64)


def test_sparsity_by_hand():
    contexts, activations = cases()
    # axis 0 moves one logit of five, axis 1 all but the median's alike, axis 2 moves all by the same: nothing
    out = torch.tensor([[0, 0, 7.0, 0, 0], [2, 2, 0, -2, -2], [3, 3, 3, 3, 3], [1, 2, 3, 4, 5]], dtype=torch.float64)
    axes = torch.eye(4, dtype=torch.float64)
    at = torch.tensor([1, 0, 2])
    first, other, same = (axis.expand(3, 4) for axis in axes[:3])
    found = ablation_sparsity(linear(out), contexts, activations, at, first, {"other": other, "same": same}, after=3)
    # one of five at each of three places; the sum of all later logits moves with it
    assert found.own.value.value == pytest.approx(1 / 5) and (found.after, found.vocabulary) == (3, 5)
    assert found.own.size == pytest.approx(math.sqrt(49 / 5))
    assert found.others["other"].value.value == pytest.approx(8**2 / (16 * 5))
    alike = found.others["same"]
    assert (alike.value, alike.no_effect, len(alike.shares)) == (None, 3, 0)
    rounded = ablation_sparsity(linear(out.float()), contexts, activations.float(), at, same.float(), after=3)
    assert rounded.own.no_effect == 3, "what rounding leaves is no effect, and would look dense"
    # 1 2 3 4 5 less its median: -2 -1 0 1 2
    last = ablation_sparsity(linear(out), contexts, activations, at, 0.1 * axes[3].expand(3, 4), after=1)
    assert last.own.value.value == pytest.approx(6**2 / (10 * 5))


@quick
@given(st.integers(0, 999), st.sampled_from([-3.0, 0.01, 50.0]))
def test_sparsity_is_bounded_and_free_of_units(seed, factor):
    contexts, activations = cases()
    draw = torch.Generator().manual_seed(seed)
    out, change = (torch.randn(*shape, generator=draw, dtype=torch.float64) for shape in ((4, 9), (3, 4)))
    at, groups = torch.tensor([0, 3, 2]), torch.tensor([0, 0, 1])
    one, other = (
        ablation_sparsity(linear(out), contexts, activations, at, by * change, groups=groups, after=3)
        for by in (1, factor)
    )
    torch.testing.assert_close(one.own.shares, other.own.shares)
    assert all(1 / 27 <= share <= 1 for share in one.own.shares.tolist()) and one.own.value.n == 2
    assert one.random.size != one.own.size


def test_sparsity_on_a_host_has_its_controls_beside_it():
    host = TinyLanguage()
    contexts = host.sample(20, 14)
    activations, at = host.read(contexts), torch.arange(20) % 5
    here = activations[torch.arange(20), at]
    neuron = torch.zeros_like(here)
    neuron[:, 3] = -here[:, 3]
    found = ablation_sparsity(host.go_on, contexts, activations, at, -here, {"neuron": neuron}, after=8)
    for one in (found.own, found.random, found.others["neuron"]):
        assert 0 < one.value.value < 1 and one.no_effect == 0 and one.size > 0
    again = ablation_sparsity(host.go_on, contexts, activations, at, -here, after=8)
    assert torch.equal(again.random.shares, found.random.shares)


def test_one_active_latent_or_one_neuron_is_drawn_for_each_case():
    dense = torch.zeros(400, 6)
    dense[:, 1], dense[:, 4] = 2.0, 0.5
    dense[0, 1] = 0
    directions = torch.randn(6, 3, generator=torch.Generator().manual_seed(0))
    drawn = drawn_latents(Codes.from_active(dense), directions)
    assert set(drawn.which.tolist()) == {1, 4} and int(drawn.which[0]) == 4
    assert 150 < int((drawn.which == 1).sum()) < 250, "each as likely, whatever its value"
    torch.testing.assert_close(drawn.change, -dense[torch.arange(400), drawn.which][:, None] * directions[drawn.which])
    activations, mean = torch.randn(50, 4, generator=torch.Generator().manual_seed(0)), torch.arange(4.0)
    neuron = drawn_neurons(activations, mean)
    changed = activations + neuron.change
    torch.testing.assert_close(changed[torch.arange(50), neuron.which], mean[neuron.which])
    assert int((changed == activations).sum()) == 150 and len(set(neuron.which.tolist())) == 4
    dense[7] = 0
    with pytest.raises(InputError, match="case 7 has none"):
        drawn_latents(Codes.from_active(dense), directions)


def test_cases_that_do_not_fit_are_refused():
    contexts, activations = cases()
    out, change = torch.eye(4, dtype=torch.float64), torch.ones(3, 4, dtype=torch.float64)
    with pytest.raises(InputError, match="case 1: 2 places from place 4 on, expected 3"):
        ablation_sparsity(linear(out), contexts, activations, torch.tensor([0, 4, 1]), change, after=3)
    with pytest.raises(InputError, match=r"change have shape \(3, 3\)"):
        ablation_sparsity(linear(out), contexts, activations, torch.tensor([0, 1, 1]), change[:, 1:], after=3)
    with pytest.raises(NumericError, match="what go_on gives"):
        ablation_sparsity(linear(out / 0), contexts, activations, torch.tensor([0, 1, 1]), change, after=3)
    with pytest.raises(InputError, match="no case"):
        ablation_sparsity(linear(out), contexts[:0], activations[:0], torch.zeros(0, dtype=torch.long), change[:0])


def test_a_clamped_latent_has_its_value_and_all_else_stays():
    _, activations = cases(2, 3)
    direction = torch.tensor([0.0, 2.0, 0.0, 0.0], dtype=torch.float64)
    values = torch.tensor([[1.0, 0.0, 3.0], [0.0, 0.5, 0.0]], dtype=torch.float64)
    everywhere = steering(activations, values, direction, 4.0)
    assert everywhere.amounts.tolist() == [[3, 4, 1], [4, 3.5, 4]]
    added = everywhere.activations - activations
    torch.testing.assert_close(added[..., 1], 2 * everywhere.amounts)
    assert float(added[..., [0, 2, 3]].abs().max()) == 0
    kept = torch.tensor([[False, True, True], [True, True, False]])
    assert steering(activations, values, direction, 4.0, kept=kept).amounts.tolist() == [[0, 4, 1], [4, 3.5, 0]]
    assert steering(activations, values, direction, 4.0, where="last", kept=kept).amounts.tolist() == [
        [0, 0, 1],
        [0, 3.5, 0],
    ]
    same = steering(activations, torch.full_like(values, 0.5), direction, 0.5)
    assert torch.equal(same.activations, activations)
    ablated = steering(activations, values, direction, 0.0)
    torch.testing.assert_close(ablated.activations, activations - values[..., None] * direction)


def test_a_steered_host_writes_on_as_it_would_itself_or_towards_what_the_latent_says():
    host = TinyLanguage()
    prompt = host.sample(1, 5)[0]
    direction = host.out[7] / host.out[7].norm()

    def value(activations):
        return torch.relu(activations @ direction)

    def written(to, **options):
        return steered_tokens(host.read, host.go_on, value, direction, prompt, to, 6, **options).tolist()

    own = prompt[None]
    for _ in range(6):
        own = torch.cat([own, host.go_on(own, host.read(own))[:, -1].argmax(-1, keepdim=True)], 1)
    assert written(None) == own[0, 5:].tolist()
    assert written(30.0).count(7) > written(None).count(7)
    # from the last place alone; the prompt's first place is never touched
    assert written(30.0, where="last", sinks=1).count(7) > written(None).count(7)
    assert written(0.0, temperature=1.0, seed=1) == written(0.0, temperature=1.0, seed=1)
    assert written(0.0, temperature=1.0, seed=1) != written(0.0, temperature=1.0, seed=2)
    with pytest.raises(InputError, match="5 places, expected more than the 5 sinks"):
        written(1.0, sinks=5)


def test_what_cannot_be_steered_is_refused():
    _, activations = cases(2, 3)
    values, direction = torch.zeros(2, 3, dtype=torch.float64), torch.ones(4, dtype=torch.float64)
    with pytest.raises(ConfigError, match="where = 'first': must be one of all, last"):
        steering(activations, values, direction, 1.0, where="first")
    with pytest.raises(InputError, match="context 1 has no kept place"):
        steering(activations, values, direction, 1.0, kept=torch.tensor([[True] * 3, [False] * 3]))
    with pytest.raises(ConfigError, match="to = inf"):
        steering(activations, values, direction, math.inf)


def test_effects_on_log_probabilities_by_hand():
    contexts = torch.zeros(1, 2, dtype=torch.long)
    out = torch.eye(2, dtype=torch.float64)
    found = downstream_effects(
        linear(out), contexts, torch.zeros(1, 2, 2, dtype=torch.float64), torch.tensor([1.0, 0.0]).double(),
        torch.tensor([[0.25, 0.75]]).double() * math.log(3),
    )  # fmt: skip
    # from 1/2, 1/2 to 3/4, 1/4
    assert found.changes.tolist() == pytest.approx([math.log(1.5), math.log(0.5)])
    assert found.raised == ((0, pytest.approx(math.log(1.5))),) and found.lowered == (
        (1, pytest.approx(math.log(0.5))),
    )
    assert found.own.kl.value == pytest.approx(-0.5 * math.log(0.75))
    assert found.own.largest == pytest.approx(math.log(2)) and len(found.random) == 9


def test_a_direction_that_the_host_reads_beats_random_ones_and_one_that_it_does_not_read_does_not():
    host = TinyLanguage(width=16)
    contexts = host.sample(12, 6)
    activations = host.read(contexts)
    basis = torch.eye(16, dtype=torch.float64)
    moves = [
        downstream_effects(host.go_on, contexts, activations, axis, torch.ones(12, 6).double(), randoms=1).own.kl.value
        for axis in basis
    ]
    best, worst = basis[int(torch.tensor(moves).argmax())], torch.ones(16, dtype=torch.float64) * 1e-9
    strong = downstream_effects(host.go_on, contexts, activations, best, torch.ones(12, 6).double())
    weak = downstream_effects(host.go_on, contexts, activations, worst, torch.ones(12, 6).double())
    assert strong.p < 0.5 and strong.own.kl.value > max(moves) - 1e-9
    # random directions are as long as it, so nothing is gained by being short
    assert max(one.kl.value for one in weak.random) < 1e-9 and weak.own.kl.value < 1e-9
    assert strong.own.kl.n == 12 and strong.own.kl.error > 0
    with pytest.raises(InputError, match="0 at every place"):
        downstream_effects(host.go_on, contexts, activations, best, torch.zeros(12, 6).double())

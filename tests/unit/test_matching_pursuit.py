"""Matching pursuit: what is left never grows, an orthonormal dictionary gives exact codes, all steps have gradients."""

from __future__ import annotations

import pytest
import torch
from torch.nn.functional import normalize
from training import PLANTED, left_out, planted, recovered

from sae.architectures.matching_pursuit import MatchingPursuit, merged, pursue
from sae.architectures.topk import TopK
from sae.checkpoint import save_layer
from sae.files import read_safetensors
from sae.layer import Layer
from sae.normaliser import Normaliser
from sae.train import train


def drawn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def with_directions(directions, k, **options):
    """An SAE of these directions, its bias 0."""
    directions = torch.as_tensor(directions)
    sae = MatchingPursuit(directions.shape[1], len(directions), k=k, **options)
    with torch.no_grad():
        sae.W_dec.copy_(directions)
        sae.b_dec.zero_()
    return sae


def test_what_is_left_never_grows_and_the_first_steps_are_the_code_of_a_smaller_k():
    directions, rows = normalize(drawn(40, 8), dim=1), drawn(50, 8, seed=1)
    sae = with_directions(directions, 12)
    values, chosen, residual = pursue(rows, sae.W_dec.detach(), 12)
    lengths = [rows.norm(dim=1)]
    for k in range(1, 13):
        smaller = with_directions(directions, k)
        codes = smaller.encode(rows)
        left = (rows - smaller.decode(codes)).detach()
        assert torch.equal(codes.dense(), smaller.encode(rows).dense())
        torch.testing.assert_close(codes.values.sum(1), values[:, :k].sum(1), atol=1e-5, rtol=1e-5)
        torch.testing.assert_close(
            lengths[-1] ** 2 - left.norm(dim=1) ** 2, values[:, k - 1] ** 2, atol=1e-4, rtol=1e-4
        )
        assert bool((left.norm(dim=1) <= lengths[-1] + 1e-6).all())
        lengths.append(left.norm(dim=1))
    torch.testing.assert_close(left, residual, atol=1e-5, rtol=1e-5)
    assert float(lengths[-1].mean()) < 0.3 * float(lengths[0].mean()), "and it does fall"
    assert bool((chosen[:, 1:] != chosen[:, :-1]).all()), "what was just taken is not what is left"


@pytest.mark.parametrize("k", [1, 3, 8])
def test_an_orthonormal_dictionary_gives_the_exact_sparse_code(k):
    directions = torch.linalg.qr(drawn(8, 8)).Q
    draw = torch.Generator().manual_seed(2)
    active = torch.rand(40, 8, generator=draw).topk(k).indices
    wanted = torch.zeros(40, 8).scatter_(1, active, 0.5 + torch.rand(40, k, generator=draw))
    sae = with_directions(directions, k)
    torch.testing.assert_close(sae.encode(wanted @ directions).dense(), wanted, atol=1e-5, rtol=1e-5)
    assert float(sae.loss(wanted @ directions).total.detach()) < 1e-10


def test_a_child_is_found_that_a_neighbour_of_its_parent_outshines():
    """TopK takes the neighbour, whose product with the row is larger; a pursuit sees what the parent leaves."""
    parent, neighbour, child = [1.0, 0.0], [0.8, 0.6], [0.0, 1.0]
    row = torch.tensor([[4.0, 1.0]])
    sae = with_directions([parent, neighbour, child], 2)
    assert sae.pre_activations(row).tolist() == [[4.0, pytest.approx(3.8), 1.0]]
    torch.testing.assert_close(sae.encode(row).dense(), torch.tensor([[4.0, 0.0, 1.0]]))


def test_a_latent_that_is_chosen_again_counts_once_with_the_sum_of_its_values():
    sae = with_directions([[1.0, 0.0], [0.6, 0.8]], 2)
    row = torch.tensor([[1.0, 2.0]])  # products 1 and 2.2; left -.32 and .24, and nothing more that is positive
    assert sae.encode(row).l0() == 1
    values, chosen = merged(torch.tensor([[3.0, 2.0, 0.5, 0.0]]), torch.tensor([[4, 1, 4, 1]]))
    assert (values.tolist(), chosen.tolist()) == ([[3.5, 2.0, 0.0, 0.0]], [[4, 1, 4, 1]])
    obtuse = with_directions([[1.0, 0.0], [-0.8, 0.6], [0.0, -1.0]], 3)
    # 0 takes 2, 1 takes .6 and leaves the row on 0's side: .48 is 0's again
    torch.testing.assert_close(obtuse.encode(torch.tensor([[2.0, 1.0]])).dense(), torch.tensor([[2.48, 0.6, 0.0]]))


def naive(sae, rows):
    """The loss by the formulas, with products of all latents in every step."""
    residual = rows - sae.b_dec
    for _ in range(sae.k):
        products = residual @ sae.W_dec.T
        value, chosen = products.max(1)
        residual = residual - torch.relu(value)[:, None] * sae.W_dec[chosen]
    return residual.pow(2).sum(1).mean() / sae.d_in


def test_gradients_are_those_of_the_unrolled_steps():
    sae, rows = MatchingPursuit(8, 20, k=5), drawn(30, 8, seed=1)
    with torch.no_grad():
        sae.b_dec.copy_(drawn(8, seed=2))
    wanted = torch.autograd.grad(naive(sae, rows), (sae.W_dec, sae.b_dec))
    loss = sae.loss(rows)
    torch.testing.assert_close(loss.total, naive(sae, rows))
    found = torch.autograd.grad(loss.total, (sae.W_dec, sae.b_dec))
    for one, two in zip(found, wanted, strict=True):
        torch.testing.assert_close(one, two, atol=1e-6, rtol=1e-4)


def test_auxk_has_dead_latents_pursue_what_is_left():
    sae = with_directions(torch.eye(4), 1, aux_weight=0.5, k_aux=2)
    rows = torch.tensor([[4.0, 3.0, 2.0, 1.0], [9.0, 0.0, -1.0, 6.0]])
    dead = torch.tensor([False, True, True, False])
    # left: 0 3 2 1 and 0 0 -1 6; latents 1 and 2 take 3 and 2 off the first row, nothing off the second
    loss = sae.loss(rows, dead)
    left = torch.tensor([[0.0, 3.0, 2.0, 1.0], [0.0, 0.0, -1.0, 6.0]])
    scale = float((left - left.mean(0)).pow(2).sum(1).mean())
    assert float(loss.terms["auxk"].detach()) == pytest.approx(0.5 * (1 + 37) / 2 / scale)
    assert "auxk" not in sae.loss(rows, ~dead & dead).terms
    only_one = with_directions(torch.eye(4), 1, aux_weight=0.5, k_aux=1).loss(rows, dead)
    assert float(only_one.terms["auxk"].detach()) == pytest.approx(0.5 * (5 + 37) / 2 / scale)


def test_bfloat16_chooses_and_float32_measures():
    sae, rows = MatchingPursuit(8, 20, k=4), drawn(30, 8, seed=1)
    sae.bf16 = True
    loss = sae.loss(rows)
    left = rows - sae.decode(loss.codes)
    torch.testing.assert_close(loss.total, left.pow(2).sum(1).mean() / 8, atol=1e-6, rtol=1e-5)
    exact = ((rows - sae.b_dec) @ sae.W_dec.T).detach()
    assert float((exact.max(1).values - exact.gather(1, loss.codes.indices[:, :1])[:, 0]).max()) < 0.02


def test_planted_directions_are_found_and_more_is_explained_than_by_topk():
    directions, rows = planted()
    layer = train("matching_pursuit", MatchingPursuit(12, 24, k=2), rows, PLANTED, 0)
    other = train("topk", TopK(12, 24, k=2), rows, PLANTED, 0)
    assert recovered(layer, directions) > 0.93
    assert left_out(layer, rows) < 0.6 * left_out(other, rows)


def test_the_dictionary_is_all_that_is_stored(tmp_path):
    sae = MatchingPursuit(8, 20, k=4)
    assert torch.equal(sae.encoder_directions(), sae.directions())
    save_layer(Layer("matching_pursuit", sae, Normaliser(torch.zeros(8), 1.0, 0.0)), tmp_path / "layer.safetensors")
    assert set(read_safetensors(tmp_path / "layer.safetensors")[0]) == {"sae.W_dec", "sae.b_dec", "normaliser.mean"}


def test_a_revived_latent_whose_row_is_the_bias_keeps_its_direction():
    sae, rows = MatchingPursuit(8, 20, k=4), drawn(2, 8)
    rows[0] = sae.b_dec.detach()
    before = sae.W_dec.detach().clone()
    sae._revive(torch.tensor([3, 7]), rows)
    assert torch.equal(sae.W_dec[3], before[3])
    torch.testing.assert_close(sae.W_dec[7], normalize(rows[1] - sae.b_dec, dim=0))

"""TopK and AuxK against values worked out by hand, and one test for each bug that others have shipped."""

from __future__ import annotations

import pytest
import safetensors
import torch
from safetensors.torch import save_file

from sae.architectures.topk import TopK
from sae.checkpoint import load_layer, save_layer
from sae.config import TrainConfig
from sae.discover import names
from sae.errors import CheckpointError, ConfigError
from sae.kernels import decode_sparse, keep_top
from sae.losses import auxiliary_error
from sae.median import geometric_median
from sae.optimisers import Adam
from sae.records import Codes
from sae.train import batches, schedule, train

ROWS = torch.tensor([[3.0, 1.0], [0.0, -3.0]])
SECOND_DEAD = torch.tensor([False, True, False])


def by_hand(k, **options):
    """2 inputs, 3 latents. On ROWS the pre-activations are (2.5, 1.75, 3) and (-.5, -2.25, -4)."""
    sae = TopK(2, 3, k=k, **options)
    with torch.no_grad():
        sae.W_enc.copy_(torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]))
        sae.b_enc.copy_(torch.tensor([0.5, -0.25, -1.0]))
        sae.W_dec.copy_(torch.tensor([[0.6, 0.8], [0.0, 1.0], [-0.8, 0.6]]))
        sae.b_dec.copy_(torch.tensor([1.0, -1.0]))
    return sae


def crowded():
    """Four features, four latents, but latent 0 wins the rows of feature 3, so latent 3 never fires."""
    rows = 0.2 * torch.rand(512, 4, generator=torch.Generator().manual_seed(0))
    rows[torch.arange(512), torch.arange(512) % 4] += 2.0
    sae = TopK(4, 4, k=1, k_aux=1)
    with torch.no_grad():
        sae.W_dec.copy_(torch.eye(4))
        sae.W_enc.copy_(torch.eye(4))
        sae.W_enc[3] *= 0.1
        sae.b_enc[0] = 2.0
        sae.b_dec.zero_()
    return sae, rows


def number(tensor):
    return float(tensor.detach())


def test_forward_pass_by_hand():
    sae = by_hand(k=2)
    codes = sae.encode(ROWS)
    torch.testing.assert_close(codes.dense(), torch.tensor([[2.5, 0.0, 3.0], [0.0, 0.0, 0.0]]))
    torch.testing.assert_close(sae.decode(codes), torch.tensor([[0.1, 2.8], [1.0, -1.0]]))
    loss = sae.loss(ROWS)
    # row 1: 2.9^2 + 1.8^2 = 11.65; row 2: 1 + 4 = 5; mean 8.325 over 2 inputs
    assert number(loss.total) == pytest.approx(4.1625, rel=1e-6)
    assert list(loss.terms) == ["reconstruction"]


def test_auxk_by_hand_with_the_bias_once_and_the_weight_once():
    loss = by_hand(k=1, k_aux=1, aux_weight=0.5).loss(ROWS, SECOND_DEAD)
    # residuals (4.4, .2) and (-1, -2), their variance 8.5; latent 1 gives back (0, 1.75) and nothing:
    # errors 21.7625 and 5, mean 13.38125. With the bias added a second time it would be 8.43125.
    assert number(loss.terms["reconstruction"]) == pytest.approx(6.1, rel=1e-6)
    assert number(loss.terms["auxk"]) == pytest.approx(0.5 * 13.38125 / 8.5, rel=1e-6)
    assert number(loss.total) == pytest.approx(6.1 + 0.5 * 13.38125 / 8.5, rel=1e-6)


def test_auxk_scales_with_its_weight_and_leaves_the_codes_alone():
    one, four = (by_hand(k=1, k_aux=1, aux_weight=w).loss(ROWS, SECOND_DEAD) for w in (0.25, 1.0))
    assert number(four.terms["auxk"]) == pytest.approx(4 * number(one.terms["auxk"]), rel=1e-6)
    assert torch.equal(one.codes.dense(), by_hand(k=1).encode(ROWS).dense())


def test_the_residual_is_detached_so_that_auxk_moves_dead_latents_only():
    sae = by_hand(k=1, k_aux=1)
    term = sae.loss(ROWS, SECOND_DEAD).terms["auxk"]
    for gradient in torch.autograd.grad(term, [sae.W_dec, sae.W_enc, sae.b_enc]):
        assert torch.equal(gradient[~SECOND_DEAD], torch.zeros_like(gradient[~SECOND_DEAD]))


def test_auxk_gives_a_dead_latent_a_gradient_that_it_would_not_have():
    sae = by_hand(k=1, k_aux=1)
    with_auxk = torch.autograd.grad(sae.loss(ROWS, SECOND_DEAD).total, [sae.W_dec, sae.W_enc, sae.b_enc])
    without = torch.autograd.grad(sae.loss(ROWS).total, [sae.W_dec, sae.W_enc, sae.b_enc])
    assert all(float(gradient[1].abs().max()) > 1e-3 for gradient in with_auxk)
    assert all(float(gradient[1].abs().max()) == 0 for gradient in without)
    # a step against the gradient lowers the term: the sign is right
    with torch.no_grad():
        before = number(sae.loss(ROWS, SECOND_DEAD).terms["auxk"])
        sae.W_dec[1] -= 0.01 * with_auxk[0][1]
        assert number(sae.loss(ROWS, SECOND_DEAD).terms["auxk"]) < before


def test_only_dead_latents_reconstruct_the_residual():
    """With two dead latents and k_aux 1, the larger one of each row is used and the live one never."""
    dead = torch.tensor([True, True, False])
    loss = by_hand(k=1, k_aux=1, aux_weight=1.0).loss(ROWS, dead)
    # row 1: latent 0 at 2.5 gives (1.5, 2): errors 2.9^2 + 1.8^2 = 11.65 and 5, mean 8.325
    assert number(loss.terms["auxk"]) == pytest.approx(8.325 / 8.5, rel=1e-6)


def test_auxk_of_a_perfect_reconstruction_is_0_and_not_nan():
    sae = by_hand(k=1, k_aux=1)
    loss = sae.loss(sae.decode(sae.encode(ROWS[1:])).detach().repeat(3, 1), SECOND_DEAD)
    assert number(loss.terms["auxk"]) == 0.0


def test_no_dead_latent_is_as_good_as_no_mask():
    sae = by_hand(k=1)
    assert number(sae.loss(ROWS, torch.zeros(3, dtype=torch.bool)).total) == number(sae.loss(ROWS, None).total)


def test_the_loss_of_a_union_is_the_mean_of_the_losses_of_its_equal_parts(toy_rows):
    """No denominator of the batch's own: rows weigh the same whatever company they keep."""
    sae, rows = TopK(24, 48, k=3), toy_rows[:120].clone()
    rows[:30] *= 10  # parts of very different variance
    parts = [number(sae.loss(part).total) for part in rows.split(30)]
    assert number(sae.loss(rows).total) == pytest.approx(sum(parts) / 4, rel=1e-5)


def test_saved_directions_are_of_unit_norm_because_the_step_comes_first(toy_rows):
    sae = train("topk", TopK(24, 48, k=3), toy_rows, TrainConfig(steps=3, batch=64, lr=0.3), 0).sae
    assert float((sae.directions().norm(dim=1) - 1).abs().max()) < 1e-6


def test_the_gradient_loses_its_part_along_each_direction(toy_rows):
    sae = TopK(24, 48, k=3)
    sae.loss(toy_rows[:64]).total.backward()
    along = (sae.W_dec.grad * sae.W_dec).sum(1, keepdim=True).detach()
    across = sae.W_dec.grad - along * sae.W_dec.detach()
    assert float(along.abs().max()) > 1e-4
    sae._before_step()
    torch.testing.assert_close(sae.W_dec.grad, across)


def test_the_start_ties_the_encoder_and_puts_the_bias_at_the_median(toy_rows):
    sae = TopK(24, 48, k=3, encoder_norm=0.5)
    sae._start(toy_rows, torch.Generator().manual_seed(3))
    torch.testing.assert_close(sae.W_enc, 0.5 * sae.W_dec)
    torch.testing.assert_close(sae.bias(), geometric_median(toy_rows))
    assert number(sae.b_enc.abs().max()) == 0


@pytest.mark.parametrize(("with_auxk", "lives"), [(True, True), (False, False)])
def test_a_dead_latent_comes_back_to_life_only_by_auxk(with_auxk, lives):
    sae, rows = crowded()
    dead = torch.arange(4) == 3
    optimiser = Adam(sae.parameters(), lr=1e-2, eps=6.25e-10)
    assert not bool(sae.encode(rows).fired()[3])
    for _ in range(150):
        optimiser.zero_grad()
        sae.loss(rows, dead if with_auxk else None).total.backward()
        sae._before_step()
        optimiser.step()
        sae._constrain()
    assert bool(sae.encode(rows).fired()[3]) == lives


def test_the_loop_calls_a_latent_dead_after_its_share_of_the_rows_and_then_uses_auxk(toy_rows):
    records = []
    config = TrainConfig(steps=200, batch=128, lr=1e-2, dead_after=0.3)
    train("topk", TopK(24, 256, k=1), toy_rows, config, 0, records.append)
    assert [record.step for record in records] == [0, 50, 100, 150, 199]
    assert all((record.dead_share > 0) == (record.step >= 60) for record in records)
    assert all(("auxk" in record.terms) == (record.step > 60) for record in records)
    assert all(record.loss == pytest.approx(sum(record.terms.values())) for record in records)


@pytest.mark.parametrize("k", [0, -1, 4])
def test_a_k_out_of_range_is_refused_with_the_range(k):
    with pytest.raises(ConfigError, match=rf"k = {k} .*1\.\.3"):
        TopK(2, 3, k=k)


def test_a_negative_k_aux_is_refused():
    with pytest.raises(ConfigError, match="k_aux"):
        TopK(2, 3, k=1, k_aux=-1)


@pytest.mark.parametrize(("d_in", "k_aux"), [(1, 1), (2, 1), (24, 16), (256, 128), (768, 512)])
def test_k_aux_is_half_the_width_rounded_to_a_power_of_two(d_in, k_aux):
    assert TopK(d_in, 3, k=1).options()["k_aux"] == k_aux


@pytest.mark.parametrize("k", [2, 30])
def test_both_ways_of_decoding_agree_with_a_dense_product(k):
    draw = torch.Generator().manual_seed(0)
    values, indices = keep_top(torch.randn(5, 64, generator=draw), k)
    directions = torch.randn(64, 7, generator=draw, requires_grad=True)
    full = torch.zeros(5, 64).scatter(1, indices, values)
    torch.testing.assert_close(decode_sparse(values, indices, directions), full @ directions)
    sparse, dense = (torch.autograd.grad(out.square().sum(), directions)[0]
                     for out in (decode_sparse(values, indices, directions), full @ directions))  # fmt: skip
    torch.testing.assert_close(sparse, dense, atol=1e-4, rtol=1e-4)


def test_the_learning_rate_rises_stays_and_falls():
    config = TrainConfig(steps=100, warmup=0.1, decay=0.2)
    rates = [schedule(step, config) for step in range(100)]
    assert rates[0] == pytest.approx(0.1) and rates[9:81] == [1.0] * 72
    assert rates[90] == pytest.approx(0.5) and rates[99] == pytest.approx(0.05)
    assert [schedule(s, TrainConfig(steps=5, warmup=0.0, decay=0.0)) for s in range(5)] == [1.0] * 5


def test_an_epoch_visits_each_row_once_and_the_next_one_in_another_order():
    drawn = list(batches(10, TrainConfig(steps=5, batch=4), seed=0))
    assert len(drawn) == 5 and all(len(chosen) == 4 for chosen in drawn)
    epoch, following = torch.cat(drawn[:2]), torch.cat(drawn[2:4])
    assert len(epoch.unique()) == len(following.unique()) == 8 and not torch.equal(epoch, following)
    other = next(batches(10, TrainConfig(steps=5, batch=4), seed=1))
    assert not torch.equal(drawn[0], other)
    assert [len(chosen) for chosen in batches(3, TrainConfig(steps=2, batch=256), 0)] == [3, 3]


def test_padding_that_repeats_an_index_hides_no_code():
    codes = Codes(torch.tensor([[2.0, 0.0], [0.0, 3.0]]), torch.tensor([[1, 1], [2, 2]]), 4)
    assert codes.dense().tolist() == [[0, 2, 0, 0], [0, 0, 3, 0]]
    assert codes.fired().tolist() == [False, True, True, False]


def test_auxk_without_anything_left_over_is_zero_with_a_gradient_of_zero():
    hat = torch.ones(4, 3, requires_grad=True)
    loss = auxiliary_error(torch.full((4, 3), 2.0), hat)  # the same for every row: no variance
    loss.backward()
    assert float(loss.detach()) == 0 and torch.equal(hat.grad, torch.zeros(4, 3))


@pytest.mark.parametrize("other", sorted({*names("sae.architectures")} - {"topk"}))
def test_a_topk_file_is_never_read_as_another_architecture_even_if_it_says_so(other, tmp_path, toy_rows):
    path = tmp_path / "layer.safetensors"
    save_layer(train("topk", TopK(24, 48, k=3), toy_rows, TrainConfig(steps=2, batch=16), 0), path)
    with safetensors.safe_open(path, "pt") as file:
        metadata = dict(file.metadata())
        tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 (not a dict)
    assert metadata["architecture"] == '"topk"'
    save_file(tensors, path, {**metadata, "architecture": f'"{other}"'})
    with pytest.raises(CheckpointError, match=path.name):
        load_layer(path)


def test_encoding_and_measuring_a_trained_sae_does_not_touch_the_run_that_goes_on(toy_rows):
    """An observer that measures: dead counters, weights and what follows are as without it."""
    config, found = TrainConfig(steps=60, batch=64, lr=1e-2, dead_after=0.1, revivals=1), []
    for curious in (False, True):
        sae, records = TopK(24, 128, k=2), []

        def observe(record, sae=sae, records=records, curious=curious):
            records.append(record)
            if curious:
                sae.decode(sae.encode(toy_rows)), sae.loss(toy_rows, torch.ones(128, dtype=torch.bool))

        train("topk", sae, toy_rows, config, 0, observe)
        found.append((records, sae.state_dict()))
    assert found[0][0] == found[1][0]
    assert all(torch.equal(found[0][1][key], found[1][1][key]) for key in found[0][1])

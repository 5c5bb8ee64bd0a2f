"""Codes, losses and gradients of ours against the field's libraries, on the same weights and the same batch.

Conventions that differ, stated once:

- Ours divide a row's squared error, L1 and L0 by d_in; theirs sum over coordinates: theirs = D_IN * ours. sparsify
  divides by the batch's variance instead.
- AuxK: ours and dictionary_learning divide by the residual's variance (Gao et al., released code); SAELens does not,
  sparsify divides by the batch's. SAELens and sparsify shrink it where fewer than d_in / 2 latents are dead.

Where a test asserts a difference, its name and comment say which side deviates from the paper.
"""

from __future__ import annotations

import pytest
import torch
from peers.layers import D_IN, WIDTH, K, random_sae
from peers.theirs import of_linear, of_saelens, of_sparsify, saelens_step, take, trainer_of

pytestmark = pytest.mark.peers
CLOSE = {"atol": 1e-5, "rtol": 1e-5}
K_AUX = D_IN // 2
DEAD = torch.arange(WIDTH) % 4 == 0


@pytest.fixture
def x():
    return 1.5 * torch.randn(40, D_IN, generator=torch.Generator().manual_seed(3))


def close(found, expected):
    torch.testing.assert_close(torch.as_tensor(found, dtype=torch.float32), expected.float(), **CLOSE)


def same_gradients(theirs, ours, factor, but=()):
    """`theirs`: their parameters by our names, transposed as ours are."""
    for name, (parameter, turned) in theirs.items():
        if name not in but:
            found = parameter.grad.T if turned else parameter.grad
            torch.testing.assert_close(
                found, factor * getattr(ours, name).grad, **CLOSE, msg=lambda m, n=name: f"{n}: {m}"
            )


# ReLU + L1


@pytest.mark.parametrize("norm", ["unit", "weighted"])
def test_relu_l1_is_saelens_standard(norm, sae_lens, x):
    ours = random_sae("relu_l1", norm=norm, penalty=0.3, penalty_warmup=0)
    theirs, named = of_saelens(sae_lens, "Standard", ours)
    loss, step = ours.loss(x), saelens_step(theirs, x, l1=0.3)
    close(step.loss, D_IN * loss.total)
    close(step.losses["l1_loss"], D_IN * loss.terms["l1"])
    close(step.feature_acts * ours.lengths(), loss.codes.dense())
    loss.total.backward(), step.loss.backward()
    # of unit rows, SAELens lets the penalty pull on the length, which ours holds at 1
    same_gradients(named, ours, D_IN, but=("W_dec",) if norm == "unit" else ())


@pytest.mark.parametrize(("norm", "trainer"), [("unit", "StandardTrainer"), ("weighted", "StandardTrainerAprilUpdate")])
def test_relu_l1_is_that_of_dictionary_learning(norm, trainer, trainers, x):
    ours = random_sae("relu_l1", norm=norm, penalty=0.3, penalty_warmup=0)
    theirs = trainer_of(getattr(trainers.standard, trainer), l1_penalty=0.3, sparsity_warmup_steps=0)
    named = of_linear(theirs.ae, ours, theirs.ae.bias)
    loss, found = ours.loss(x).total, theirs.loss(x, step=1)
    close(found, D_IN * loss)
    loss.backward(), found.backward()
    same_gradients(named, ours, D_IN)


# TopK and AuxK


def topk(**options):
    return random_sae("topk", k_aux=K_AUX, aux_weight=1.0, **options)


@pytest.mark.parametrize("rescale", [True, False])
def test_topk_is_saelens_topk(rescale, sae_lens, x):
    ours = topk()
    theirs, named = of_saelens(sae_lens, "TopK", ours, k=K, rescale_acts_by_decoder_norm=rescale)
    loss, step = ours.loss(x), saelens_step(theirs, x)
    close(step.feature_acts, loss.codes.dense())
    close(step.loss, D_IN * loss.total)
    loss.total.backward(), step.loss.backward()
    same_gradients(named, ours, D_IN, but=("W_dec",) if rescale else ())


@pytest.mark.parametrize("dead_count", [3, 8])
def test_auxk_is_saelens_times_the_variance_where_all_dead_are_positive(dead_count, sae_lens, x):
    ours, dead = topk(), torch.arange(WIDTH) < dead_count
    ours.b_enc.data[dead] = 20.0
    theirs, named = of_saelens(sae_lens, "TopK", ours, k=K, rescale_acts_by_decoder_norm=False)
    loss, step = ours.loss(x, dead), saelens_step(theirs, x, dead)
    residual = x - step.sae_out.detach()
    variance = (residual - residual.mean(0)).pow(2).sum(1).mean()
    factor = min(dead_count / K_AUX, 1.0) * variance
    torch.testing.assert_close(
        step.losses["auxiliary_reconstruction_loss"], factor * loss.terms["auxk"], atol=1e-5, rtol=1e-4
    )
    (factor * loss.terms["auxk"]).backward(), step.losses["auxiliary_reconstruction_loss"].backward()
    for name, (parameter, turned) in named.items():
        if getattr(ours, name).grad is not None:
            found = parameter.grad.T if turned else parameter.grad
            torch.testing.assert_close(found, getattr(ours, name).grad, atol=1e-3, rtol=1e-4)


def test_saelens_lets_dead_latents_be_negative_in_auxk(sae_lens, x):
    # Gao et al.'s code cuts them (`train.py`: auxk_vals = relu(auxk_vals)), and so does sparsify, where SAELens's
    # code comes from: there the pre-activations are behind a ReLU already, in SAELens they are not.
    ours, dead = topk(), torch.arange(WIDTH) < 3
    ours.b_enc.data[dead] = -3.0
    theirs, _ = of_saelens(sae_lens, "TopK", ours, k=K, rescale_acts_by_decoder_norm=False)
    with torch.no_grad():
        step, codes = saelens_step(theirs, x, dead), ours.loss(x).codes
        residual, pre = x - ours.decode(codes), ours.pre_activations(x)
        uncut = (pre[:, dead] @ ours.W_dec[dead] - residual).pow(2).sum(1).mean()
        cut = (pre[:, dead].relu() @ ours.W_dec[dead] - residual).pow(2).sum(1).mean()
    found = step.losses["auxiliary_reconstruction_loss"] / (3 / K_AUX)
    close(found, uncut)
    assert float((found - cut).abs()) > 1


def test_topk_and_auxk_are_those_of_dictionary_learning(trainers, x):
    ours = topk()
    theirs = trainer_of(trainers.top_k.TopKTrainer, k=K, auxk_alpha=1.0)
    named = of_linear(theirs.ae, ours, theirs.ae.b_dec)
    # long silent, but a latent that is in the batch's top k counts as alive again
    theirs.num_tokens_since_fired[DEAD] = theirs.dead_feature_threshold
    found = theirs.loss(x, step=1)
    dead = theirs.num_tokens_since_fired >= theirs.dead_feature_threshold
    assert bool(dead.any())
    loss = ours.loss(x, dead)
    close(theirs.ae.encode(x), loss.codes.dense())
    close(found, D_IN * loss.terms["reconstruction"] + loss.terms["auxk"])
    (D_IN * loss.terms["reconstruction"] + loss.terms["auxk"]).backward(), found.backward()
    same_gradients(named, ours, 1.0)


def test_topk_and_auxk_are_those_of_sparsify_over_the_batchs_variance(sparsify, x):
    ours = topk()
    theirs, named = of_sparsify(sparsify, ours)
    out, loss = theirs(x, dead_mask=DEAD), ours.loss(x, DEAD)
    total = (x - x.mean(0)).pow(2).sum()
    close(torch.zeros(len(x), WIDTH).scatter_(1, out.latent_indices, out.latent_acts.detach()), loss.codes.dense())
    close(out.sae_out, ours.decode(loss.codes))
    fvu = loss.terms["reconstruction"] * D_IN * len(x) / total
    close(out.fvu, fvu)
    residual = (x - out.sae_out).detach()
    of_residual = (residual - residual.mean(0)).pow(2).sum()
    close(out.auxk_loss, loss.terms["auxk"] * of_residual / total)
    fvu.backward(), out.fvu.backward()
    same_gradients(named, ours, 1.0)


def test_sparsifys_auxk_has_no_gradient_in_the_encoder(sparsify, x):
    # Its fused encoder passes on the gradient of the top values only and drops that of the pre-activations, which
    # AuxK (and Multi-TopK) are made of: a dead latent's encoder never learns from the loss that is to revive it.
    ours = topk()
    theirs, _ = of_sparsify(sparsify, ours)
    theirs(x, dead_mask=DEAD).auxk_loss.backward(), ours.loss(x, DEAD).terms["auxk"].backward()
    assert float(theirs.encoder.weight.grad.abs().max()) == 0
    assert float(theirs.W_dec.grad.abs().max()) > 0
    assert float(ours.W_enc.grad[DEAD].abs().max()) > 1e-3


def test_sparsifys_encoder_learns_from_latents_that_are_cut_to_zero(sparsify, x):
    # The same function forgets the ReLU's mask: where fewer than k latents are positive, the top k hold zeros.
    ours = topk()
    ours.b_enc.data.fill_(-100.0)
    theirs, _ = of_sparsify(sparsify, ours)
    theirs(x).fvu.backward(), ours.loss(x).total.backward()
    assert float(ours.b_enc.grad.abs().max()) == 0
    assert float(theirs.encoder.bias.grad.abs().max()) > 0


# Gated


def test_gated_is_that_of_dictionary_learning(trainers, x):
    ours = random_sae("gated", penalty=0.2, penalty_warmup=0)
    theirs = trainer_of(trainers.gdm.GatedSAETrainer, l1_penalty=0.2, sparsity_warmup_steps=0)
    ae = theirs.ae
    named = of_linear(ae, ours, ae.decoder_bias)
    named |= take({"b_enc": (ae.gate_bias, False), "b_mag": (ae.mag_bias, False), "r_mag": (ae.r_mag, False)}, ours)
    loss, found = ours.loss(x), theirs.loss(x, step=1)
    close(ae.encode(x), loss.codes.dense())
    close(found, D_IN * loss.total)
    loss.total.backward(), found.backward()
    same_gradients(named, ours, D_IN)


def test_gated_is_saelens_but_for_the_decoder_that_it_does_not_detach(sae_lens, x):
    ours = random_sae("gated", penalty=0.2, penalty_warmup=0)
    theirs, named = of_saelens(sae_lens, "Gated", ours)
    loss, step = ours.loss(x), saelens_step(theirs, x, l1=0.2)
    close(step.feature_acts, loss.codes.dense())
    close(step.loss, D_IN * loss.total)
    for term, theirs_term in (("l1", "l1_loss"), ("gate", "auxiliary_reconstruction_loss")):
        close(step.losses[theirs_term], D_IN * loss.terms[term])
    loss.total.backward(), step.loss.backward(retain_graph=True)
    same_gradients(named, ours, D_IN, but=("W_dec", "b_dec"))
    # Rajamanoharan et al., section 3.2: the auxiliary term uses a frozen copy of the decoder. SAELens's trains it.
    (gate,) = torch.autograd.grad(ours.loss(x).terms["gate"], ours.W_dec, allow_unused=True)
    (theirs_gate,) = torch.autograd.grad(step.losses["auxiliary_reconstruction_loss"], theirs.W_dec)
    assert gate is None and float(theirs_gate.abs().max()) > 1e-2


# JumpReLU


def jumprelu(aim, penalty=0.7):
    ours = random_sae("jumprelu", aim=aim, penalty=penalty, penalty_warmup=0, bandwidth=0.5)
    # above half a bandwidth, so that what is 0 after the jump lies outside the rectangle
    ours.theta.data += 0.3
    return ours


def test_jumprelu_is_saelens_with_the_gradient_in_theta(sae_lens, x):
    ours = jumprelu("sparse")
    theirs, named = of_saelens(sae_lens, "JumpReLU", ours, jumprelu_bandwidth=0.5)
    loss, step = ours.loss(x), saelens_step(theirs, x, l0=0.7)
    close(step.feature_acts, loss.codes.dense())
    close(step.loss, D_IN * loss.total)
    close(step.losses["l0_loss"], D_IN * loss.terms["l0"])
    loss.total.backward(), step.loss.backward()
    assert int((ours.theta.grad != 0).sum()) > WIDTH / 2
    same_gradients(named, ours, D_IN)


def test_dictionary_learning_takes_the_step_after_the_jump(trainers, x):
    # dictionary_learning#55: L0's straight-through gradient uses the value after the jump, so that pre-activations
    # just below the threshold, which are 0 by then, do not count: half of the rectangle is lost. Values agree.
    ours = jumprelu("k")
    theirs = trainer_of(
        trainers.jumprelu.JumpReluTrainer, bandwidth=0.5, sparsity_penalty=0.7, sparsity_warmup_steps=0, target_l0=K
    )
    named = {"W_enc": (theirs.ae.W_enc, True), "W_dec": (theirs.ae.W_dec, False), "b_dec": (theirs.ae.b_dec, False)}
    take(named | {"theta": (theirs.ae.threshold, False)}, ours)
    # theirs never subtracts b_dec from the input
    theirs.ae.b_enc.data.copy_(ours.b_enc - ours.W_enc @ ours.b_dec)
    loss, found = ours.loss(x), theirs.loss(x, step=1)
    close(theirs.ae.encode(x), loss.codes.dense())
    close(found, D_IN * loss.terms["reconstruction"] + loss.terms["l0"])
    (by_reconstruction,) = torch.autograd.grad(D_IN * loss.terms["reconstruction"], ours.theta)
    (by_l0,) = torch.autograd.grad(ours.loss(x).terms["l0"], ours.theta)
    (total,) = torch.autograd.grad(found, theirs.ae.threshold)
    with torch.no_grad():
        pre, codes = ours.pre_activations(x), loss.codes.dense()
        slope = 0.7 * 2 * (loss.codes.l0() / K - 1) / K

        def by_hand(value):
            return -slope * ((value - ours.theta).abs() < 0.25).sum(0) / (0.5 * len(x))

    close(by_l0, by_hand(pre))
    close(total - by_reconstruction, by_hand(codes))
    assert float((by_hand(pre) - by_hand(codes)).abs().max()) > 1e-2


# BatchTopK


def batch_topk():
    return random_sae("batch_topk", k_aux=K_AUX, aux_weight=1.0)


def test_batch_topk_is_saelens_in_both_forms(sae_lens, x, tmp_path):
    ours = batch_topk()
    theirs, named = of_saelens(sae_lens, "BatchTopK", ours, k=float(K), rescale_acts_by_decoder_norm=False)
    loss, step = ours.loss(x), saelens_step(theirs, x)
    close(step.feature_acts, loss.codes.dense())
    close(step.loss, D_IN * loss.total)
    loss.total.backward(), step.loss.backward()
    same_gradients(named, ours, D_IN)
    theirs.topk_threshold.copy_(ours.threshold)
    theirs.save_inference_model(tmp_path)
    with torch.no_grad():
        close(sae_lens.SAE.load_from_disk(tmp_path).encode(x), ours.encode(x).dense())


def test_saelens_starts_the_threshold_at_0_and_lags(sae_lens, x):
    # Both follow the smallest kept activation at the rate of 1%. SAELens starts at 0 and does not correct for it: after
    # n batches it stands at 1 - .99^n of what it follows (a half after 69), so that more latents pass. Ours starts at
    # the first batch's value, as dictionary_learning does.
    ours = batch_topk()
    ours.threshold.fill_(-1.0)
    theirs, _ = of_saelens(sae_lens, "BatchTopK", ours, k=float(K), rescale_acts_by_decoder_norm=False)
    for _ in range(5):
        loss = ours.loss(x)
        ours._adapt(loss)
        saelens_step(theirs, x)
    smallest = loss.codes.values[loss.codes.values > 0].min().detach()
    close(ours.threshold, smallest)
    close(theirs.topk_threshold, (1 - 0.99**5) * smallest)


def test_batch_topk_is_that_of_dictionary_learning(trainers, x):
    ours = batch_topk()
    theirs = trainer_of(trainers.batch_top_k.BatchTopKTrainer, k=K, auxk_alpha=1.0, threshold_start_step=0)
    named = of_linear(theirs.ae, ours, theirs.ae.b_dec)
    ours.b_enc.data[DEAD] -= 3.0
    take(named, ours)
    theirs.num_tokens_since_fired[DEAD] = theirs.dead_feature_threshold
    found = theirs.loss(x, step=1)
    dead = theirs.num_tokens_since_fired >= theirs.dead_feature_threshold
    assert bool(dead.any())
    loss = ours.loss(x, dead)
    close(theirs.ae.encode(x, use_threshold=False), loss.codes.dense())
    close(found, D_IN * loss.terms["reconstruction"] + loss.terms["auxk"])
    (D_IN * loss.terms["reconstruction"] + loss.terms["auxk"]).backward(), found.backward()
    same_gradients(named, ours, 1.0)
    ours.threshold.fill_(-1.0)
    ours._adapt(loss)
    close(theirs.ae.threshold, ours.threshold)
    with torch.no_grad():
        close(theirs.ae.encode(x), ours.encode(x).dense())


# Matryoshka


def matryoshka():
    return random_sae("matryoshka", prefixes=[0.125, 0.25, 1.0], k_aux=K_AUX, aux_weight=1.0)


def test_matryoshka_is_saelens_over_the_number_of_prefixes(sae_lens, x):
    # theirs adds the prefixes up, ours takes their mean
    ours = matryoshka()
    options = {"matryoshka_widths": [4, 8, WIDTH], "rescale_acts_by_decoder_norm": False}
    theirs, named = of_saelens(sae_lens, "MatryoshkaBatchTopK", ours, k=float(K), **options)
    loss, step = ours.loss(x), saelens_step(theirs, x)
    close(step.feature_acts, loss.codes.dense())
    close(step.loss, 3 * D_IN * loss.total)
    for width, term in ((4, "inner_mse_loss_4"), (8, "inner_mse_loss_8"), (WIDTH, "mse_loss")):
        close(step.losses[term], 3 * D_IN * loss.terms[f"reconstruction_{width}"])
    loss.total.backward(), step.loss.backward()
    same_gradients(named, ours, 3 * D_IN)


def test_dictionary_learning_divides_matryoshka_by_the_number_of_prefixes_twice(trainers, x):
    # Its weights are 1/M each, and then the mean is taken, not the sum: AuxK weighs M times what its weight says.
    ours = matryoshka()
    theirs = trainer_of(
        trainers.matryoshka_batch_top_k.MatryoshkaBatchTopKTrainer,
        k=K, group_fractions=[0.125, 0.125, 0.75], auxk_alpha=1.0,
    )  # fmt: skip
    ae = theirs.ae
    ours.b_enc.data[DEAD] -= 3.0
    named = {
        "W_enc": (ae.W_enc, True),
        "W_dec": (ae.W_dec, False),
        "b_dec": (ae.b_dec, False),
        "b_enc": (ae.b_enc, False),
    }
    take(named, ours)
    theirs.num_tokens_since_fired[DEAD] = theirs.dead_feature_threshold
    found = theirs.loss(x, step=1)
    dead = theirs.num_tokens_since_fired >= theirs.dead_feature_threshold
    assert bool(dead.any())
    loss = ours.loss(x, dead)
    reconstruction = sum(value for term, value in loss.terms.items() if term != "auxk")
    close(ae.encode(x, use_threshold=False), loss.codes.dense())
    close(found, D_IN * reconstruction / 3 + loss.terms["auxk"])
    (D_IN * reconstruction / 3 + loss.terms["auxk"]).backward(), found.backward()
    same_gradients(named, ours, 1.0)

"""The peers' SAEs with our weights in them, and their parameters by our names: name -> (parameter, is it turned?)."""

from __future__ import annotations

import sys

import torch
from peers.layers import D_IN, WIDTH, K


def of_saelens(sae_lens, kind, ours, **cfg):
    """(their training SAE with our weights, its parameters by our names)"""
    config = getattr(sae_lens, f"{kind}TrainingSAEConfig")(D_IN, WIDTH, decoder_init_norm=None, **cfg)
    theirs = getattr(sae_lens, f"{kind}TrainingSAE")(config)
    named = {"W_enc": (theirs.W_enc, True), "W_dec": (theirs.W_dec, False), "b_dec": (theirs.b_dec, False)}
    vectors = {"Gated": {"b_enc": "b_gate", "b_mag": "b_mag", "r_mag": "r_mag"}}.get(kind, {"b_enc": "b_enc"})
    vectors = vectors | ({"theta": "threshold"} if kind == "JumpReLU" else {})
    named |= {our: (getattr(theirs, their), False) for our, their in vectors.items()}
    return theirs, take(named, ours)


def take(named, ours):
    with torch.no_grad():
        for name, (parameter, turned) in named.items():
            parameter.copy_(getattr(ours, name).T if turned else getattr(ours, name))
    return named


def saelens_step(theirs, x, dead=None, **coefficients):
    given = sys.modules["sae_lens.saes.sae"].TrainStepInput(x, coefficients, dead, 0, False)
    return theirs.training_forward_pass(given)


def of_linear(ae, ours, bias):
    """dictionary_learning's `AutoEncoder` and its like, with our weights."""
    named = {"W_enc": (ae.encoder.weight, False), "W_dec": (ae.decoder.weight, True), "b_dec": (bias, False)}
    return take(named | ({"b_enc": (ae.encoder.bias, False)} if ae.encoder.bias is not None else {}), ours)


def trainer_of(kind, **options):
    return kind(
        steps=10, activation_dim=D_IN, dict_size=WIDTH, layer=0, lm_name="", warmup_steps=0, device="cpu", **options
    )


def of_sparsify(sparsify, ours):
    theirs = sparsify.SparseCoder(D_IN, sparsify.SparseCoderConfig(num_latents=WIDTH, k=K))
    named = {"W_enc": theirs.encoder.weight, "b_enc": theirs.encoder.bias, "W_dec": theirs.W_dec, "b_dec": theirs.b_dec}
    return theirs, take({name: (parameter, False) for name, parameter in named.items()}, ours)

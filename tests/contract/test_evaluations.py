"""What every evaluation under `sae.evaluations` keeps to, and all of them on one SAE of a tiny language host."""

from __future__ import annotations

import dataclasses
import inspect
import re

import pytest
import torch
from tests_root import CHECKOUT
from tiny_language import TinyLanguage

import sae
from sae.discover import find, find_all
from sae.evaluations.compute_equivalent_loss import Curve
from sae.evaluations.downstream_loss import token_losses
from sae.evaluations.normalised_mse import Reconstruction
from sae.nulls import random_directions
from sae.records import Codes
from sae.seeding import stream

EVALUATIONS = find_all("sae.evaluations")
each = pytest.mark.parametrize("name", EVALUATIONS)


@each
def test_it_says_what_it_is_where_it_is_from_and_what_it_refuses(name):
    evaluation = EVALUATIONS[name]
    assert inspect.isfunction(evaluation) and evaluation.__name__ == name
    text = evaluation.__doc__
    assert "Raises" in text and "InputError" in text
    assert re.search(r"\b(19|20)\d\d\b", text), "a source with its year"
    assert f"`{name}`" in (CHECKOUT / "ARCHITECTURE.md").read_text(encoding="utf-8")


@each
def test_what_it_gives_is_a_record_that_says_what_each_field_is(name):
    evaluation = EVALUATIONS[name]
    module = inspect.getmodule(evaluation)
    record = getattr(module, evaluation.__annotations__["return"])  # a name: annotations are not evaluated
    assert dataclasses.is_dataclass(record) and record.__dataclass_params__.frozen and record.__doc__
    assert record.__module__ == module.__name__


@pytest.fixture(scope="module")
def tiny():
    """Host, contexts and an SAE on it, in float32 as hosts are."""
    host = TinyLanguage()
    contexts = host.sample(60, 12)
    rows = host.read(contexts)[:, 1:].float()
    layer = sae.train(
        "topk",
        sae.TopK(8, 24, k=3),
        rows.flatten(0, 1),
        sae.TrainConfig(steps=200, batch=64, lr=1e-2, compiled=False),
        seed=0,
    )
    return host, contexts, layer


def in_host_units(layer, rows):
    """Codes of rows, for which an activation of 1 adds a unit direction to the host's activation."""
    codes = layer.encode(rows)
    return Codes(codes.values * layer.normaliser.scale, codes.indices, codes.n_latents)


def test_one_sae_of_a_tiny_host_goes_through_the_reconstruction_and_the_splice(tiny):
    host, contexts, layer = tiny
    own = host.read(contexts)
    kept = torch.ones(contexts.shape, dtype=torch.bool)
    kept[:, 0] = False
    mean = own[:, 1:].mean((0, 1))

    def scored(replaced):
        spliced = torch.where(kept[..., None], replaced, own)
        logits = [
            host.go_on(contexts, x)
            for x in (own, spliced, own * ~kept[..., None], torch.where(kept[..., None], mean, own))
        ]
        context = torch.arange(60)[:, None].expand_as(kept)[kept]
        found = find("sae.evaluations", "normalised_mse")([Reconstruction(own[kept], spliced[kept], context)])
        return found, find("sae.evaluations", "downstream_loss")([token_losses(contexts, kept, *logits)])

    learned = layer.decode(layer.encode(own.float())).double()
    (error, loss), (_, at_mean) = scored(learned), scored(mean.expand_as(own))
    assert error.value.value < 0.3 and error.value.error > 0
    assert 0 < loss.delta.value < at_mean.delta.value and 0 < loss.recovered_mean.value < 1
    curve = Curve(torch.tensor([1.0, 10.0, 100.0]), loss.clean.value + torch.tensor([2.0, 1.0, 0.0]).double())
    share = find("sae.evaluations", "compute_equivalent_loss")(curve, loss.delta.value, loss.delta.error).curve
    assert share.low < share.share < share.high or share.high is None


def test_one_sae_of_a_tiny_host_goes_through_all_that_looks_at_latents(tiny):
    host, contexts, layer = tiny
    own, directions = host.read(contexts), layer.sae.directions().double()
    codes = in_host_units(layer, own.float())
    flat = codes.flat()
    tells = (contexts == 4).flatten()
    half = slice(0, 360), slice(360, 720)
    probe = find("sae.evaluations", "probe_loss")(
        flat.part(half[0]), tells[half[0]], flat.part(half[1]), tells[half[1]]
    )
    assert probe.best.loss.value < probe.chance.loss.value
    values = codes.dense().double()
    fires = (values[:, 1:] > 0).sum((0, 1))
    latent = int(fires.argmax())
    at = values[:, 1:4, latent].argmax(1) + 1
    strength = values[torch.arange(60), at, latent]
    change = -strength[:, None] * directions[latent]
    some = strength > 0
    sparse = find("sae.evaluations", "ablation_sparsity")(
        host.go_on, contexts[some], own[some], at[some], change[some], after=6
    )
    assert 0 < sparse.own.value.value < 1 and sparse.own.no_effect == 0

    def activation(texts):
        return in_host_units(layer, host.read(texts).float()).dense()[..., latent]

    peaks, places = activation(contexts[:30])[:, 1:].max(1)
    best = peaks.topk(5).indices
    graph = find("sae.evaluations", "neuron_to_graph")(
        activation, contexts[best], places[best] + 1, contexts[30:], replacements=(0, 1, 2), prefix=(0,), longest=4
    )
    assert graph.patterns and graph.score.places == 30 * 12
    steered = find("sae.evaluations", "steering")(own, values[..., latent], directions[latent], 3.0, where="last")
    effects = find("sae.evaluations", "downstream_effects")(
        host.go_on, contexts, own, directions[latent], steered.amounts, randoms=3
    )
    assert effects.own.kl.value > 0 and len(effects.random) == 3
    traced = find("sae.evaluations", "attribution")(
        host.go_on, contexts[0], own[0], Codes(codes.values[0].double(), codes.indices[0], 24), directions, 4, top=8
    )
    assert traced.rank_correlation > 0.5
    coarse = Codes.from_active(torch.relu(own.flatten(0, 1).float() @ random_directions(6, 8, stream(0)).T))
    split = find("sae.evaluations", "feature_splitting")(coarse, flat, random_directions(6, 8, stream(0)), directions)
    assert split.live_fine.any() and 0 <= split.split_share <= 1
    side = [(own.flatten(0, 1)[part], flat.part(part), contexts.flatten()[part] % 3) for part in half]
    moved = find("sae.evaluations", "targeted_perturbation")(*side[0], *side[1], directions, ks=(2,))
    assert moved.by_k[2].falls.shape == (3, 3)
    taken = find("sae.evaluations", "absorption")(*side[0], *side[1], directions)
    assert len(taken.letters) == 3 and taken.rate <= taken.silent_rate

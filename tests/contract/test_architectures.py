"""What every architecture under `sae.architectures` has to keep to; a new file there is tested here without a word."""

from __future__ import annotations

import dataclasses
import json
from typing import get_args

import pytest
import safetensors
import torch
from planted import shapes_unchecked
from safetensors.torch import save_file

from sae.checkpoint import load_layer, save_layer
from sae.config import TrainConfig
from sae.declared import latent_axes
from sae.discover import find_all
from sae.errors import CheckpointError, NumericError, StrataError
from sae.protocol import SAE, KMeaning
from sae.records import Codes
from sae.train import train

ARCHITECTURES = find_all("sae.architectures")
D_IN, WIDTH, K = 24, 48, 3
# Latents, where WIDTH are too few for the 32 directions that are to be found: two a direction.
WIDTHS = {"abs_topk": 2 * WIDTH}
SHORT = TrainConfig(steps=12, batch=64, lr=1e-2)
# What a fair training on the toy dictionary takes; those that steer how many latents fire need time for it.
RECIPE = TrainConfig(steps=200, batch=128, lr=2e-2)
STEERED = dataclasses.replace(RECIPE, steps=400, lr=1e-2)
RECIPES = {
    "gated": STEERED,
    "jumprelu": STEERED,
    "relu_l1": dataclasses.replace(STEERED, steps=600, revivals=4),
    "matching_pursuit": dataclasses.replace(RECIPE, steps=100, lr=3e-2),
}
# Share of the variance that a trained SAE may leave out; an L1 penalty that holds L0 at 3 shrinks what it keeps.
LEFT_OUT = {"relu_l1": 0.75}
# How far L0 at inference may be from k where k is met on average or as a target.
TOLERANCE = 0.2


def width_of(name):
    return WIDTHS.get(name, WIDTH)


def make(name):
    return ARCHITECTURES[name](D_IN, width_of(name), k=K)


@pytest.fixture(scope="module", params=ARCHITECTURES)
def name(request):
    return request.param


@pytest.fixture(scope="module")
def learned(name, toy_rows):
    """A trained layer and its training record, made once for each architecture; the short trainings below have the
    shape checks (see conftest), which take most of the time of so many steps."""
    records = []
    config = RECIPES.get(name, RECIPE)
    with shapes_unchecked():
        layer = train(name, make(name), toy_rows, config, 0, records.append)
    return layer, records


@pytest.fixture
def saved(learned, tmp_path):
    path = tmp_path / "layer.safetensors"
    save_layer(learned[0], path)
    return path


def rewrite(path, change):
    """Write the file again after `change(tensors, metadata)`."""
    with safetensors.safe_open(path, "pt") as file:
        metadata = dict(file.metadata())
        tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 (not a dict)
    change(tensors, metadata)
    save_file(tensors, path, metadata)


def test_something_is_found():
    assert "topk" in ARCHITECTURES


def test_it_satisfies_the_protocol(name, learned):
    sae = learned[0].sae
    assert isinstance(sae, SAE) and sae.k_is_met in get_args(KMeaning)
    assert (sae.d_in, sae.n_latents, sae.k) == (D_IN, width_of(name), K)


def test_shapes(name, learned, toy_rows):
    sae, rows, width = learned[0].sae, toy_rows[:7], width_of(name)
    codes = sae.encode(rows)
    assert (len(codes), codes.n_latents, codes.dense().shape) == (7, width, (7, width))
    assert sae.decode(codes).shape == (7, D_IN)
    assert sae.directions().shape == sae.encoder_directions().shape == (width, D_IN) and sae.bias().shape == (D_IN,)
    assert not any(t.requires_grad for t in (sae.directions(), sae.encoder_directions(), sae.bias()))
    loss = sae.loss(rows, None)
    assert loss.total.shape == () and (len(loss.codes), loss.codes.n_latents) == (7, width)
    torch.testing.assert_close(loss.total, torch.stack(list(loss.terms.values())).sum())


def test_the_codes_of_the_loss_are_those_of_encode_unless_a_batch_chooses(learned, toy_rows):
    sae = learned[0].sae
    if sae.k_is_met != "on average":
        codes, trained_on = sae.encode(toy_rows[:50]).dense(), sae.loss(toy_rows[:50], None).codes.dense()
        assert torch.equal(codes, trained_on)


def test_decode_is_codes_times_directions_plus_bias(learned, toy_rows):
    sae = learned[0].sae
    codes = sae.encode(toy_rows[:50])
    by_hand = codes.dense() @ sae.directions() + sae.bias()
    torch.testing.assert_close(sae.decode(codes), by_hand, atol=1e-5, rtol=1e-5)


def test_measuring_changes_no_state_and_draws_no_random_number(learned, toy_rows):
    sae = learned[0].sae
    dead = torch.arange(sae.n_latents) % 2 == 0
    before, random = {k: v.clone() for k, v in sae.state_dict().items()}, torch.random.get_rng_state()
    options = sae.options()
    codes = sae.encode(toy_rows)
    sae.decode(codes), sae.directions(), sae.encoder_directions(), sae.bias(), sae.options()
    sae.loss(toy_rows[:64], None), sae.loss(toy_rows[:64], dead)
    after = sae.state_dict()
    assert before.keys() == after.keys() and sae.options() == options
    assert all(torch.equal(before[key], after[key]) for key in before)
    assert torch.equal(random, torch.random.get_rng_state())
    assert torch.equal(codes.dense(), sae.encode(toy_rows).dense())


def test_codes_of_a_row_do_not_depend_on_its_neighbours(learned, toy_rows):
    layer = learned[0]
    alone = torch.cat([layer.encode(row[None]).dense() for row in toy_rows[:20]])
    torch.testing.assert_close(alone, layer.encode(toy_rows).dense()[:20], atol=1e-5, rtol=1e-5)


def test_codes_are_never_negative_and_say_something(learned, toy_rows):
    layer = learned[0]
    for codes in (layer.encode(toy_rows), layer.sae.loss(layer.normaliser.apply(toy_rows), None).codes):
        dense = codes.dense().detach()
        assert float(dense.min()) >= 0 and int((dense > 0).sum()) > len(dense)
        assert codes.l0() == pytest.approx(float((dense > 0).sum(1).float().mean())), "no latent is counted twice"


def test_k_is_met_as_the_architecture_says(learned, toy_rows):
    layer, records = learned
    rows, sae = layer.normaliser.apply(toy_rows), layer.sae
    active = (sae.encode(rows).dense() > 0).sum(1)
    assert records[-1].l0 == pytest.approx(K, rel=TOLERANCE)
    if sae.k_is_met == "at most":
        assert int(active.max()) <= K and records[-1].l0 <= K
    else:
        assert float(active.float().mean()) == pytest.approx(K, rel=TOLERANCE)
    if sae.k_is_met == "on average":
        for part in rows[:600].split(200):
            assert int((sae.loss(part, None).codes.dense() > 0).sum()) == K * len(part)


@pytest.mark.parametrize("ema", [0.0, 0.9])
def test_directions_have_unit_norm_after_the_start_and_after_every_step(name, ema, toy_rows):
    sae, worst = make(name), []

    def off():
        return float((sae.directions().norm(dim=1) - 1).abs().max())

    def watch(method):
        def watched(*given):
            method(*given)
            worst.append(off())

        return watched

    sae._start, sae._adapt = watch(sae._start), watch(sae._adapt)
    train(name, sae, toy_rows, dataclasses.replace(SHORT, ema=ema, revivals=2, dead_after=0.1), 0)
    assert len(worst) == 1 + SHORT.steps
    assert max(worst) < 1e-5 and off() < 1e-5


def test_training_brings_the_rows_back_and_recovers_known_directions(name, learned, toy_rows, toy_directions):
    layer, records = learned
    config = RECIPES.get(name, RECIPE)
    assert records[0].step == 0 and records[-1].step == config.steps - 1
    assert records[-1].rows_seen == config.steps * config.batch
    assert float((toy_directions @ layer.sae.directions().T).max(1).values.mean()) > 0.9
    error = (toy_rows - layer.decode(layer.encode(toy_rows))).square().sum()
    assert float(error / (toy_rows - toy_rows.mean(0)).square().sum()) < LEFT_OUT.get(name, 0.2)


def test_training_is_a_function_of_the_seed(name, toy_rows):
    first, again, other = (train(name, make(name), toy_rows, SHORT, seed).sae.state_dict() for seed in (3, 3, 4))
    assert all(torch.equal(first[key], again[key]) for key in first)
    assert not torch.equal(first["W_dec"], other["W_dec"])


def test_training_leaves_the_global_random_state_and_the_rows_alone(name, toy_rows):
    rows, random = toy_rows.clone(), torch.random.get_rng_state()
    train(name, make(name), rows, SHORT, 0)
    assert torch.equal(rows, toy_rows) and torch.equal(random, torch.random.get_rng_state())


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
def test_a_row_that_is_not_finite_is_named(name, toy_rows, bad):
    rows = toy_rows.clone()
    rows[1234, 5] = rows[1500, 0] = bad
    with pytest.raises(NumericError, match=r"row 1234 .*2 such rows"):
        train(name, make(name), rows, SHORT, 0)


def test_a_weight_that_is_not_finite_at_the_start_is_named(name, toy_rows):
    """Each weight in its turn: a NaN in an encoder need not reach the loss."""
    for weight, _ in make(name).named_parameters():
        sae = make(name)
        start = sae._start

        def poisoned(*given, sae=sae, start=start, weight=weight):
            start(*given)
            dict(sae.named_parameters())[weight].data.flatten()[0] = torch.nan

        sae._start = poisoned
        with pytest.raises(NumericError, match=f"step 0: the weight '{weight}' is not finite"):
            train(name, sae, toy_rows, SHORT, 0)


def test_a_loss_that_is_not_finite_names_the_step_and_the_term(name, toy_rows):
    """Weights that are finite, and so large that their square is not."""
    sae = make(name)
    start = sae._start

    def swollen(*given):
        start(*given)
        for parameter in sae.parameters():
            parameter.data.mul_(1e30)

    sae._start = swollen
    with pytest.raises(NumericError, match=r"step 0: the loss term '\w+' is (inf|nan)"):
        train(name, sae, toy_rows, SHORT, 0)


def test_a_revival_of_no_and_of_every_latent_keeps_directions_of_unit_norm(name, toy_rows):
    sae = make(name)
    for latents in (torch.arange(0), torch.arange(sae.n_latents)):
        sae._revive(latents, toy_rows[: len(latents)])
        assert float((sae.directions().norm(dim=1) - 1).abs().max()) < 1e-5
        assert all(bool(torch.isfinite(p).all()) for p in sae.parameters())


def test_what_single_latents_own_is_what_a_revival_of_one_changes(name, toy_rows):
    """Every declared axis has a part for each latent, and a revival writes nothing that is not declared. Where two
    latents have one direction, these are two."""
    sae = make(name)
    sae._start(toy_rows, torch.Generator().manual_seed(0))
    axes = latent_axes(name, sae)
    assert axes.keys() >= set(sae.decoder_weights()) > set()
    for parameter in sae.parameters():
        parameter.data.add_(1)  # so that what is set to its start is seen
    before = {key: value.clone() for key, value in sae.state_dict().items()}
    revived = torch.tensor([2, 2 + sae.n_latents // 2])
    sae._revive(revived, toy_rows[:2])
    kept = torch.tensor([latent for latent in range(sae.n_latents) if latent not in revived])
    for key, value in sae.state_dict().items():
        if torch.equal(value, before[key]):
            assert key not in axes, "declared, and kept through a revival"
            continue
        assert key in axes, "changed by a revival, and not declared"
        assert torch.equal(value.index_select(axes[key], kept), before[key].index_select(axes[key], kept))


def test_options_build_the_same_sae_again(name, learned):
    sae = learned[0].sae
    twin = ARCHITECTURES[name](sae.d_in, sae.n_latents, **json.loads(json.dumps(sae.options())))
    assert twin.options() == sae.options()
    assert {k: v.shape for k, v in twin.state_dict().items()} == {k: v.shape for k, v in sae.state_dict().items()}


def test_a_saved_layer_is_loaded_bit_for_bit(name, learned, saved, toy_rows):
    layer, back = learned[0], load_layer(saved, name)
    assert (back.architecture, back.normaliser.scale, back.normaliser.gamma) == (
        name, layer.normaliser.scale, layer.normaliser.gamma,
    )  # fmt: skip
    state, restored = layer.sae.state_dict(), back.sae.state_dict()
    assert state.keys() == restored.keys() and all(torch.equal(state[key], restored[key]) for key in state)
    codes, again = layer.encode(toy_rows), back.encode(toy_rows)
    assert isinstance(again, Codes) and torch.equal(codes.dense(), again.dense())
    assert torch.equal(layer.decode(codes), back.decode(again))
    assert [p.name for p in saved.parent.iterdir()] == [saved.name], "no temporary file is left"


def test_a_file_of_another_architecture_is_refused(saved, name):
    for other in {*ARCHITECTURES, "another"} - {name}:
        with pytest.raises(CheckpointError, match=name):
            load_layer(saved, other)


@pytest.mark.parametrize("keep", [0, 5, 0.5, 0.99])
def test_a_truncated_file_is_refused(saved, keep):
    raw = saved.read_bytes()
    saved.write_bytes(raw[: keep if isinstance(keep, int) else int(len(raw) * keep)])
    with pytest.raises(CheckpointError, match=saved.name):
        load_layer(saved)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(CheckpointError, match="nowhere"):
        load_layer(tmp_path / "nowhere.safetensors")


@pytest.mark.parametrize("missing", ["sae.", "normaliser.mean"])
def test_a_file_that_lacks_a_tensor_is_refused(saved, missing):
    def drop(tensors, metadata):
        del tensors[next(key for key in tensors if key.startswith(missing))]

    rewrite(saved, drop)
    with pytest.raises(CheckpointError, match=saved.name):
        load_layer(saved)


@pytest.mark.parametrize("metadata", [None, {"format": "pt"}, {"format": '"another-1"'}])
def test_a_foreign_safetensors_file_is_refused(tmp_path, metadata):
    path = tmp_path / "foreign.safetensors"
    save_file({"weight": torch.zeros(2, 2)}, path, metadata)
    with pytest.raises(CheckpointError, match="foreign"):
        load_layer(path)


@pytest.mark.parametrize("lost", ["architecture", "d_in", "n_latents", "options", "scale", "gamma"])
def test_a_file_that_lacks_a_field_of_its_metadata_is_refused(saved, lost):
    rewrite(saved, lambda tensors, metadata: metadata.pop(lost))
    with pytest.raises(CheckpointError, match=saved.name):
        load_layer(saved)


def test_a_file_with_an_option_that_the_architecture_does_not_have_is_refused(saved):
    def add(tensors, metadata):
        metadata["options"] = json.dumps({**json.loads(metadata["options"]), "no_such_option": 1})

    rewrite(saved, add)
    with pytest.raises(StrataError, match="no_such_option"):
        load_layer(saved)

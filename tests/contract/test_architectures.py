"""What every architecture under `sae.architectures` has to keep to; a new file there is tested here without a word."""

from __future__ import annotations

import json

import pytest
import safetensors
import torch
from safetensors.torch import save_file

from sae.checkpoint import load_layer, save_layer
from sae.config import TrainConfig
from sae.discover import find_all
from sae.errors import CheckpointError, NumericError, StrataError
from sae.records import Codes
from sae.train import train

ARCHITECTURES = find_all("sae.architectures")
D_IN, WIDTH, K = 24, 48, 3
SHORT = TrainConfig(steps=12, batch=64, lr=1e-2)


@pytest.fixture(scope="module", params=ARCHITECTURES)
def name(request):
    return request.param


@pytest.fixture(scope="module")
def learned(name, toy_rows):
    """A trained layer and its training record, made once for each architecture."""
    records = []
    sae = ARCHITECTURES[name](D_IN, WIDTH, k=K)
    layer = train(name, sae, toy_rows, TrainConfig(steps=400, batch=128, lr=1e-2), 0, records.append)
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


def test_shapes(learned, toy_rows):
    sae, rows = learned[0].sae, toy_rows[:7]
    codes = sae.encode(rows)
    assert (len(codes), codes.n_latents, codes.dense().shape) == (7, WIDTH, (7, WIDTH))
    assert sae.decode(codes).shape == (7, D_IN)
    assert sae.directions().shape == (WIDTH, D_IN) and sae.bias().shape == (D_IN,)
    loss = sae.loss(rows, None)
    assert loss.total.shape == () and torch.equal(loss.codes.dense(), codes.dense())
    torch.testing.assert_close(loss.total, torch.stack(list(loss.terms.values())).sum())


def test_decode_is_codes_times_directions_plus_bias(learned, toy_rows):
    sae = learned[0].sae
    codes = sae.encode(toy_rows[:50])
    by_hand = codes.dense() @ sae.directions() + sae.bias()
    torch.testing.assert_close(sae.decode(codes), by_hand, atol=1e-5, rtol=1e-5)


def test_measuring_changes_no_state_and_draws_no_random_number(learned, toy_rows):
    sae, dead = learned[0].sae, torch.arange(WIDTH) % 2 == 0
    before, random = {k: v.clone() for k, v in sae.state_dict().items()}, torch.random.get_rng_state()
    codes = sae.encode(toy_rows)
    sae.decode(codes), sae.directions(), sae.bias(), sae.options()
    sae.loss(toy_rows[:64], None), sae.loss(toy_rows[:64], dead)
    after = sae.state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(before[key], after[key]) for key in before)
    assert torch.equal(random, torch.random.get_rng_state())
    assert torch.equal(codes.dense(), sae.encode(toy_rows).dense())


def test_codes_of_a_row_do_not_depend_on_its_neighbours(learned, toy_rows):
    layer = learned[0]
    alone = torch.cat([layer.encode(row[None]).dense() for row in toy_rows[:20]])
    torch.testing.assert_close(alone, layer.encode(toy_rows).dense()[:20], atol=1e-5, rtol=1e-5)


def test_codes_are_never_negative_and_at_most_k_are_positive(learned, toy_rows):
    dense = learned[0].encode(toy_rows).dense()
    assert float(dense.min()) >= 0
    assert int((dense > 0).sum(1).max()) <= K
    assert int((dense > 0).sum()) > len(dense), "a trained SAE has something to say on most rows"


def test_directions_have_unit_norm_after_the_start_and_after_every_step(name, toy_rows):
    sae, worst = ARCHITECTURES[name](D_IN, WIDTH, k=K), []

    def watch(method):
        def watched(*given):
            method(*given)
            worst.append(float((sae.directions().norm(dim=1) - 1).abs().max()))

        return watched

    sae._start, sae._after_step = watch(sae._start), watch(sae._after_step)
    train(name, sae, toy_rows, SHORT, 0)
    assert len(worst) == 1 + SHORT.steps
    assert max(worst) < 1e-5


def test_training_lowers_the_loss_and_recovers_known_directions(learned, toy_directions):
    layer, records = learned
    assert records[0].step == 0 and records[-1].step == 399 and records[-1].rows_seen == 400 * 128
    assert records[-1].loss < 0.2 * records[0].loss
    assert float((toy_directions @ layer.sae.directions().T).max(1).values.mean()) > 0.9


def test_training_is_a_function_of_the_seed(name, toy_rows):
    first, again, other = (
        train(name, ARCHITECTURES[name](D_IN, WIDTH, k=K), toy_rows, SHORT, seed).sae.state_dict() for seed in (3, 3, 4)
    )
    assert all(torch.equal(first[key], again[key]) for key in first)
    assert not torch.equal(first["W_dec"], other["W_dec"])


def test_training_leaves_the_global_random_state_and_the_rows_alone(name, toy_rows):
    rows, random = toy_rows.clone(), torch.random.get_rng_state()
    train(name, ARCHITECTURES[name](D_IN, WIDTH, k=K), rows, SHORT, 0)
    assert torch.equal(rows, toy_rows) and torch.equal(random, torch.random.get_rng_state())


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
def test_a_row_that_is_not_finite_is_named(name, toy_rows, bad):
    rows = toy_rows.clone()
    rows[1234, 5] = rows[1500, 0] = bad
    with pytest.raises(NumericError, match=r"row 1234 .*2 such rows"):
        train(name, ARCHITECTURES[name](D_IN, WIDTH, k=K), rows, SHORT, 0)


def test_a_loss_that_is_not_finite_names_the_step_and_the_term(name, toy_rows):
    sae = ARCHITECTURES[name](D_IN, WIDTH, k=K)
    start = sae._start

    def poisoned(*given):
        start(*given)
        next(iter(sae.parameters())).data.fill_(torch.nan)

    sae._start = poisoned
    with pytest.raises(NumericError, match=r"step 0: the loss term '\w+'"):
        train(name, sae, toy_rows, SHORT, 0)


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
    codes, again = layer.encode(toy_rows), back.encode(toy_rows)
    assert isinstance(again, Codes) and torch.equal(codes.dense(), again.dense())
    assert torch.equal(layer.decode(codes), back.decode(again))
    assert [p.name for p in saved.parent.iterdir()] == [saved.name], "no temporary file is left"


def test_a_file_of_another_architecture_is_refused(saved, name):
    with pytest.raises(CheckpointError, match=name):
        load_layer(saved, "another")


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

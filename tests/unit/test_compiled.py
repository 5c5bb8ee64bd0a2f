"""The compiled step against the reference step (autograd and torch's Adam): the same weights, moments and codes."""

from __future__ import annotations

import importlib
import importlib.util

import numba
import numba.core.caching
import numpy as np
import pytest
import torch

from analysis.plan.chains import trained_by
from sae import installed
from sae.architectures.batch_topk import BatchTopK
from sae.architectures.topk import TopK
from sae.compiled import jit
from sae.compiled.step import CompiledStep
from sae.config import TrainConfig
from sae.errors import ConfigError
from sae.records import Codes
from sae.rows import Rows
from sae.steps import TorchStep, paths, step_for
from sae.train import train

CONFIG = TrainConfig(steps=20, batch=16, lr=1e-3)
# rows, d_in, n_latents, k: no block divides the width; n < 8 k; k = n; k = 1; one row; one to three inputs; a wide row
SIZES = [(16, 12, 30, 4), (16, 12, 77, 1), (16, 12, 20, 20), (16, 12, 20, 5), (1, 12, 30, 4), (16, 1, 8, 2),
         (16, 2, 9, 2), (16, 3, 65, 3), (16, 700, 40, 4), (33, 12, 129, 16)]  # fmt: skip


def rows_of(n, d, seed=0):
    """Normalised rows with a few strong directions, so that gradients are far from rounding noise."""
    draw = torch.Generator().manual_seed(seed)
    rows = torch.randn(n, d, generator=draw)
    return rows + 2 * torch.randn(n, 1, generator=draw) * torch.randn(1, d, generator=draw)


def pair(d, n, k, **options):
    """Two SAEs with the same weights."""
    twins = [TopK(d, n, k=k, **options) for _ in range(2)]
    draw = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for sae in twins:
            sae._start(rows_of(64, d), torch.Generator().manual_seed(2))
        bias = 0.1 * torch.randn(n, generator=draw)
        for sae in twins:
            sae.b_enc.copy_(bias)
    return twins


def moments(step):
    """Adam's moments by the parameter's name, whichever step it is."""
    state = step.state()
    names = {"mean": "exp_avg", "square": "exp_avg_sq"}
    kept = {key: value for key, value in state.items() if key.split(".")[0] in {*names, *names.values()}}
    return {".".join([names.get(part := key.split(".")[0], part), key.split(".", 1)[1]]): v for key, v in kept.items()}


def assert_same(compiled, reference, atol=1e-5):
    """Moments, which are sums of gradients, to 1e-5. Adam divides a gradient by its own size: where that is near 0,
    rounding moves a weight by some percent of a step, so that weights agree to a tenth of one (1e-3)."""
    for (name, a), b in zip(compiled.sae.named_parameters(), reference.sae.parameters(), strict=True):
        torch.testing.assert_close(a, b, atol=10 * atol, rtol=1e-4, msg=lambda m, name=name: f"{name}: {m}")
        assert float((a - b).detach().abs().mean()) < atol, name
    left, right = moments(compiled), moments(reference)
    assert left.keys() == right.keys() and len(left) == 8
    for name in left:
        torch.testing.assert_close(left[name], right[name], atol=atol, rtol=1e-3, msg=lambda m, n=name: f"{n}: {m}")


def walk(sizes, dead=None, given=None, steps=20, prepare=lambda sae: None, **options):
    """Take the same steps both ways and compare after 1, 3 and 20."""
    n_rows, d, n, k = sizes
    ours, theirs = pair(d, n, k, **options)
    prepare(ours), prepare(theirs)
    compiled, reference = CompiledStep(ours, CONFIG), TorchStep(theirs, CONFIG)
    data = Rows.fit(given if given is not None else rows_of(max(n_rows, 2) * 4, d))
    for step in range(1, steps + 1):
        batch = data.batch(torch.arange(n_rows) + (step % 4) * n_rows)
        losses = [one(batch, dead, 1e-3, False) for one in (compiled, reference)]
        assert losses[0].terms.keys() == losses[1].terms.keys()
        for name in losses[0].terms:
            torch.testing.assert_close(losses[0].terms[name], losses[1].terms[name].detach(), atol=1e-5, rtol=1e-4)
        if step in (1, 3, 20):
            assert_same(compiled, reference)
        torch.testing.assert_close(losses[0].codes.dense(), losses[1].codes.dense().detach(), atol=1e-4, rtol=1e-4)
    return compiled, reference


@pytest.mark.parametrize("sizes", SIZES, ids=str)
def test_steps_agree(sizes):
    walk(sizes)


@pytest.mark.parametrize("sizes", [(16, 12, 30, 4), (16, 3, 65, 3), (1, 12, 30, 4), (16, 12, 12, 12)], ids=str)
def test_steps_agree_with_auxk(sizes):
    """Dead latents include some that fire in the batch: both of their gradients count."""
    walk(sizes, dead=torch.arange(sizes[2]) % 3 == 0, aux_weight=0.5, k_aux=2)


def test_steps_agree_where_every_latent_is_dead():
    walk((16, 12, 30, 4), dead=torch.ones(30, dtype=torch.bool), k_aux=512)


def test_steps_agree_on_rows_for_which_nothing_is_above_0():
    def silence(sae):
        sae.b_enc.data.fill_(-1e3)

    compiled, _ = walk((16, 12, 30, 4), prepare=silence)
    assert not bool(compiled.state()["mean.W_enc"].any()) and bool(compiled.state()["mean.b_dec"].any())


def test_steps_agree_on_sparse_rows():
    draw = torch.Generator().manual_seed(0)
    codes = Codes(1 + torch.rand(64, 3, generator=draw), torch.rand(64, 50, generator=draw).topk(3).indices, 50)
    codes.values[::5, 1:] = 0  # padding
    assert Rows.fit(codes).batch(torch.arange(2)).given is not None
    walk((16, 50, 70, 4), given=codes)


def test_steps_agree_tile_by_tile(monkeypatch):
    """A product that does not fit one tile."""
    monkeypatch.setattr("sae.compiled.step.TILE_ROWS", 5)
    monkeypatch.setattr("sae.compiled.step.TILE_LATENTS", 7)
    walk((16, 12, 30, 4))


def test_a_whole_training_agrees_with_the_reference(toy_rows):
    layers = [
        train("topk", TopK(24, 48, k=3), toy_rows, TrainConfig(steps=30, batch=64, lr=1e-3, compiled=c, ema=e), 0)
        for e in (0.0, 0.9) for c in (True, False)
    ]  # fmt: skip
    for left, right in (layers[:2], layers[2:]):
        torch.testing.assert_close(left.sae.W_dec, right.sae.W_dec, atol=2e-4, rtol=1e-3)


def test_a_whole_training_agrees_with_the_reference_where_auxk_acts_on_every_third_step(toy_rows, monkeypatch):
    monkeypatch.setattr("sae.train.OBSERVE_EVERY", 1)
    found = []
    for compiled in (True, False):
        records = []
        config = TrainConfig(steps=30, batch=64, lr=1e-3, dead_after=0.1, aux_every=3, compiled=compiled)
        sae = TopK(24, 200, k=3, aux_weight=0.5, k_aux=20)
        found.append((train("topk", sae, toy_rows, config, 0, records.append), records))
    (ours, seen), (theirs, wanted) = found
    torch.testing.assert_close(ours.sae.W_dec, theirs.sae.W_dec, atol=2e-4, rtol=1e-3)
    for records in (seen, wanted):
        assert all(record.dead_share > 0 for record in records[3:]), "AuxK has something to do on every step"
        helped = [record.step for record in records if record.terms.get("auxk", 0) > 0]
        assert helped == list(range(3, 30, 3))


@pytest.mark.parametrize("compiled", [True, False])
def test_without_dead_latents_it_is_no_matter_how_often_auxk_may_act(compiled, toy_rows):
    saes, records = [], []
    for every in (1, 3, 1000):
        config = TrainConfig(steps=30, batch=64, lr=1e-2, dead_after=2.0, aux_every=every, compiled=compiled)
        saes.append(train("topk", TopK(24, 48, k=3, aux_weight=0.5), toy_rows, config, 0, records.append).sae)
    assert all(record.dead_share == 0 for record in records)
    for other in saes[1:]:
        assert all(torch.equal(a, b) for a, b in zip(saes[0].parameters(), other.parameters(), strict=True))


def test_forgetting_a_latent_zeroes_its_moments_and_no_others():
    """d_in = n_latents on purpose: b_dec has as many entries as there are latents, and is not one of theirs."""
    for step in walk((16, 12, 12, 3), steps=3):
        before = {name: value.clone() for name, value in moments(step).items()}
        step.forget(torch.tensor([2, 5]))
        for name, value in moments(step).items():
            wanted = before[name].clone()
            if not name.endswith(".b_dec"):
                wanted[[2, 5]] = 0
            assert torch.equal(value, wanted), (type(step).__name__, name)


def test_a_state_taken_up_goes_on_bit_for_bit():
    for kind in (CompiledStep, TorchStep):
        sae, twin = pair(12, 30, 4)
        data = Rows.fit(rows_of(64, 12))
        first = kind(sae, CONFIG)
        for _ in range(3):
            first(data.batch(torch.arange(16)), None, 1e-2, False)
        second = kind(twin, CONFIG)
        twin.load_state_dict(sae.state_dict())
        second.load({name: value.clone() for name, value in first.state().items()})
        for step in (first, second):
            step(data.batch(torch.arange(16, 32)), None, 1e-2, False)
        assert all(torch.equal(a, b) for a, b in zip(sae.parameters(), twin.parameters(), strict=True))


def moved(sae):
    """Each weight in other memory, as after a move to another device and back."""
    for weight in sae.parameters():
        weight.data = weight.data.clone()


@pytest.mark.parametrize("shortlist", [0, 9])
def test_what_is_kept_from_step_to_step_follows_weights_that_move_and_batches_of_another_size(shortlist):
    """A step with nothing kept, made anew each time, gives the same bits."""
    data, config = Rows.fit(rows_of(90, 12)), TrainConfig(steps=9, batch=20, shortlist=shortlist)
    (sae, twin), dead = pair(12, 40, 4, k_aux=3), torch.arange(40) % 4 == 1
    step, state = CompiledStep(sae, config), None
    for taken, size in enumerate((20, 20, 7, 20, 20)):
        if taken == 3:
            moved(sae)
        batch = data.batch(torch.arange(size) + 11 * taken)
        helped = dead if taken in (1, 3) else None
        fresh = CompiledStep(twin, config)
        if state is not None:
            fresh.load(state)
        losses = [one(batch, helped, 1e-2, True) for one in (step, fresh)]
        state = {name: value.clone() for name, value in fresh.state().items()}
        assert torch.equal(losses[0].total, losses[1].total) and step.recall == fresh.recall
        assert all(torch.equal(a, b) for a, b in zip(sae.parameters(), twin.parameters(), strict=True)), taken
        assert all(torch.equal(value, step.state()[name]) for name, value in state.items()), taken


def test_compiled_training_is_a_function_of_the_seed(toy_rows):
    config = TrainConfig(steps=10, batch=64, lr=1e-2, shortlist=12)
    one, two = (train("topk", TopK(24, 48, k=3), toy_rows, config, 0).sae for _ in range(2))
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), two.parameters(), strict=True))


@pytest.mark.parametrize(("shortlist", "least"), [(0, None), (12, 0.97), (48, None), (500, None)])
def test_records_say_what_share_of_the_true_k_the_shortlist_found(toy_rows, shortlist, least):
    records = []
    config = TrainConfig(steps=101, batch=64, lr=1e-2, shortlist=shortlist)
    train("topk", TopK(24, 48, k=3), toy_rows, config, 0, records.append)
    recalls = [record.recall for record in records]
    if least is None:
        assert recalls == [None] * 3 and "shortlist" not in records[0].path
    else:
        assert len(recalls) == 3 and all(least <= recall <= 1 for recall in recalls)
        assert f"shortlist of {shortlist}" in records[0].path
    assert all(record.path.startswith("compiled") for record in records)


def test_recall_is_measured_and_not_taken_for_granted():
    """A shortlist no longer than k among many latents: 8 bits cannot tell the last of them apart."""
    sae, _ = pair(12, 3000, 16)
    rows = rows_of(64, 12)
    step = CompiledStep(sae, TrainConfig(steps=5, batch=64, shortlist=16))
    step(Rows.fit(rows).batch(torch.arange(64)), None, 1e-3, True)
    assert step.recall is not None and 0 < step.recall < 1


def test_a_shortlist_stays_fresh_after_weights_were_changed_from_outside():
    sae, twin = pair(12, 200, 4)
    config = TrainConfig(steps=5, batch=16, shortlist=30)
    step, fresh = CompiledStep(sae, config), CompiledStep(twin, config)
    batch = Rows.fit(rows_of(64, 12)).batch(torch.arange(16))
    step(batch, None, 1e-3, False)
    for one in (sae, twin):
        one._revive(torch.tensor([3]), batch.x[:1])
    step.forget(torch.tensor([3]))
    twin.load_state_dict(sae.state_dict())
    fresh.load(step.state())
    for one in (step, fresh):
        one(batch, None, 1e-3, False)
    assert all(torch.equal(a, b) for a, b in zip(sae.parameters(), twin.parameters(), strict=True))


def test_a_shortlist_below_k_is_refused(toy_rows):
    with pytest.raises(ConfigError, match=r"shortlist = 2: must be at least k = 3"):
        step_for(TopK(24, 48, k=3), TrainConfig(shortlist=2))


def test_the_compiled_step_is_for_codes_that_are_chosen_row_by_row():
    with pytest.raises(ConfigError, match="BatchTopK has no compiled step"):
        CompiledStep(BatchTopK(24, 48, k=3), CONFIG)
    assert isinstance(step_for(BatchTopK(24, 48, k=3), CONFIG), TorchStep)
    assert isinstance(step_for(TopK(24, 48, k=3), CONFIG), CompiledStep)


@pytest.mark.parametrize("off", [{"compiled": False}, {"bf16": True}])
def test_a_shortlist_without_a_compiled_step_is_refused_and_says_what_it_needs(off):
    assert isinstance(step_for(TopK(24, 48, k=3), TrainConfig(**off)), TorchStep)
    with pytest.raises(ConfigError, match=r"train\.shortlist = 9: only the compiled step .*TopK on a CPU, numba"):
        step_for(TopK(24, 48, k=3), TrainConfig(shortlist=9, **off))


def test_without_numba_the_reference_takes_over(toy_rows, monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *rest: None if name == "numba" else find(name, *rest))
    records = []
    train("topk", TopK(24, 48, k=3), toy_rows, TrainConfig(steps=2, batch=64), 0, records.append)
    assert records[0].path.startswith("torch ")
    with pytest.raises(ConfigError, match="numba installed"):
        step_for(TopK(24, 48, k=3), TrainConfig(shortlist=9))


def test_a_numba_that_cannot_be_imported_is_said_and_the_reference_takes_over(toy_rows, monkeypatch):
    installed._import_fault.cache_clear()
    load = importlib.import_module

    def needs_another(name, *rest):
        if name == "numba":
            raise ImportError("Numba needs NumPy 2.0 or less.\nGot NumPy 2.9.")
        return load(name, *rest)

    monkeypatch.setattr(importlib, "import_module", needs_another)
    try:
        said = paths()
        assert "for every architecture" in said and "cannot be imported: Numba needs NumPy 2.0 or less. Got" in said
        assert isinstance(step_for(TopK(24, 48, k=3), CONFIG), TorchStep)
        assert trained_by(CONFIG) == "torch on cpu"
    finally:
        installed._import_fault.cache_clear()


def test_a_loss_that_is_not_finite_stops_before_any_weight_changes():
    for kind in (CompiledStep, TorchStep):
        sae, _ = pair(12, 30, 4)
        batch = Rows.fit(rows_of(64, 12)).batch(torch.arange(16))
        with torch.no_grad():
            sae.W_dec[:] = torch.inf
        before = {name: value.clone() for name, value in sae.state_dict().items()}
        with pytest.raises(Exception, match=r"step 0: the loss term 'reconstruction'"):
            kind(sae, CONFIG)(batch, None, 1e-3, False)
        assert all(torch.equal(before[name], value) for name, value in sae.state_dict().items())


def test_the_codes_of_a_step_are_not_overwritten_by_the_next():
    sae, _ = pair(12, 30, 4)
    step, data = CompiledStep(sae, CONFIG), Rows.fit(rows_of(64, 12))
    codes = step(data.batch(torch.arange(16)), None, 1e-2, False).codes
    held = codes.values.clone(), codes.indices.clone()
    step(data.batch(torch.arange(16, 32)), None, 1e-2, False)
    assert torch.equal(codes.values, held[0]) and torch.equal(codes.indices, held[1])


def test_the_loop_gives_the_same_bits_on_one_thread_and_on_two(toy_rows):
    """In kernels; the encoder product itself is torch's, so the rows here are sparse whole numbers."""
    draw = np.random.default_rng(0)
    codes = Codes(
        torch.tensor(draw.integers(1, 4, (200, 2)).astype(np.float32)), torch.tensor(draw.integers(0, 60, (200, 2))), 60
    )
    config, found = TrainConfig(steps=8, batch=32, lr=1e-2), []
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            found.append(train("topk", TopK(60, 90, k=3), codes, config, 0).sae.W_dec)
    finally:
        torch.set_num_threads(1)
    assert torch.equal(*found)


def test_without_a_folder_for_its_cache_a_kernel_is_compiled_all_the_same_and_that_is_said_once(monkeypatch):
    monkeypatch.setattr(numba.core.caching.CacheImpl, "_locator_classes", [])
    monkeypatch.setattr(jit, "_uncached", [])
    monkeypatch.setattr(jit, "_said", [])

    def double(x):
        return 2 * x

    with pytest.raises(RuntimeError, match="no locator available"):
        numba.njit(cache=True)(double)
    assert jit.kernel(fastmath=True)(double)(21) == 42
    with pytest.warns(RuntimeWarning, match="set NUMBA_CACHE_DIR to a folder") as said:
        step_for(TopK(24, 48, k=3), CONFIG)
        step_for(TopK(24, 48, k=3), CONFIG)
    assert len(said) == 1
    monkeypatch.setattr(jit, "_said", [])
    assert "NUMBA_CACHE_DIR" in paths(), "a command says it in its first line"
    step_for(TopK(24, 48, k=3), CONFIG)  # and so not again

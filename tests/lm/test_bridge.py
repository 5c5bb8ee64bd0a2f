"""Pretrained language models through transformer_lens, on a random Llama of two blocks; see `make test-lm`."""

from __future__ import annotations

import hashlib
import shutil

import pytest
import tiny_models
import torch

from analysis.run.hosts.bridge import Bridge, fingerprint
from analysis.run.stages._load import load_weights, save_tensors
from sae.errors import ConfigError, DataError, NotFoundError, StageError

pytestmark = pytest.mark.lm
LENS = "transformer_lens"
pytest.importorskip(LENS, reason=f"{LENS} is not installed; make test-lm installs it")
POST = "blocks.0.hook_resid_post"
HOOKS = ("hook_resid_pre", "hook_resid_post", "hook_mlp_out")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tiny_models.save(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture(scope="module")
def contexts():
    return torch.randint(0, 300, (11, 24), generator=torch.Generator().manual_seed(3), dtype=torch.int32)


@pytest.fixture(scope="module")
def host(folder):
    found = Bridge((24,), 0, 0, model=str(folder))
    found.fit(torch.zeros(0, 24), None)
    return found


@pytest.fixture(scope="module")
def reference(folder, contexts):
    """What `transformers` computes, as it computes by itself."""
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()
    with torch.no_grad():
        return model(contexts.long(), output_hidden_states=True)


def test_hooks_are_named_with_their_width(host):
    assert host.hooks() == {f"blocks.{n}.{place}": 32 for n in (0, 1) for place in HOOKS}
    assert next(iter(host.hooks())) == POST and host.hooks().keys() <= host.booted.hooks()


def test_what_it_has_at_a_hook_is_the_hidden_state_of_the_model(host, contexts, reference):
    assert torch.allclose(host.read(contexts, POST), reference.hidden_states[1], atol=1e-5)
    assert torch.allclose(host.read(contexts, "blocks.0.hook_resid_pre"), reference.hidden_states[0], atol=1e-6)
    assert torch.allclose(host.logits(contexts), reference.logits, atol=1e-4)
    rows = host.activations(contexts, POST)
    assert rows.shape == (11 * 24, 32) and torch.equal(rows[24 * 3 + 5], host.read(contexts, POST)[3, 5])


@pytest.mark.parametrize("kind", sorted(tiny_models.OTHERS))
def test_other_architectures_are_read_and_go_on_alike(tmp_path, contexts, kind):
    """Of gpt2 and of Pythia: positions are added to embeddings, or blocks are parallel."""
    from transformers import AutoModelForCausalLM

    folder = tiny_models.save_other(kind, tmp_path / kind)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()
    host = Bridge((24,), 0, 0, model=str(folder))
    host.fit(contexts, None)
    assert host.longest == 64 and host.hooks()[POST] == 32 and host.hooks().keys() <= host.booted.hooks()
    with torch.no_grad():
        wanted = model(contexts.long(), output_hidden_states=True)
    rows = host.read(contexts, POST)
    assert torch.allclose(rows, wanted.hidden_states[1], atol=1e-4)
    assert torch.allclose(host.go_on(contexts, rows, POST), wanted.logits, atol=1e-4) and host.booted.skips[1]
    for place in HOOKS:
        hook = f"blocks.1.{place}"
        assert torch.allclose(host.go_on(contexts, host.read(contexts, hook), hook), wanted.logits, atol=1e-4)


def test_several_hooks_are_read_in_one_pass(host, contexts, monkeypatch):
    passes = []
    whole = type(host.booted)._pass
    monkeypatch.setattr(type(host.booted), "_pass", lambda *given: passes.append(1) or whole(*given))
    hooks = [f"blocks.1.{place}" for place in HOOKS]
    found = host.read_several(contexts[:5], hooks)
    assert len(passes) == 1 and all(torch.equal(found[hook], host.read(contexts[:5], hook)) for hook in hooks)


def test_a_pass_ends_at_the_hook(host, contexts, monkeypatch):
    def too_far(*given, **named):
        raise AssertionError("the block after the hook was computed")

    monkeypatch.setitem(host.booted.bridge.blocks[1].__dict__, "forward", too_far)
    host.read(contexts, POST)


@pytest.mark.parametrize("hook", [f"blocks.{n}.{place}" for n in (0, 1) for place in HOOKS])
def test_with_its_own_activations_it_goes_on_as_before(host, contexts, hook):
    assert torch.allclose(host.go_on(contexts, host.read(contexts, hook), hook), host.logits(contexts), atol=1e-5)


@pytest.mark.parametrize("hook", [POST, "blocks.1.hook_resid_pre", "blocks.1.hook_resid_post"])
def test_a_pass_that_skips_blocks_gives_what_one_gives_that_does_not(host, contexts, hook):
    given = torch.randn(11, 24, 32, generator=torch.Generator().manual_seed(1))
    fast = host.go_on(contexts, given, hook)
    assert host.booted.skips[int(hook.split(".")[1]) + hook.endswith("post")]
    assert torch.equal(fast, host.booted._replaced(contexts, given, hook))
    # and it leaves nothing behind
    assert torch.equal(host.logits(contexts), host.logits(contexts))
    assert not any("forward" in block.__dict__ for block in host.booted.bridge.blocks)


def test_where_skipping_blocks_would_change_logits_they_are_computed(host, contexts, monkeypatch):
    """As in a model whose blocks hand on more than the residual stream."""
    given, skipping = host.read(contexts, POST) + 1, type(host.booted)._skipping
    monkeypatch.setattr(host.booted, "skips", {})
    monkeypatch.setattr(type(host.booted), "_skipping", lambda self, start, rows: skipping(self, start, 2 * rows))
    found = host.go_on(contexts, given, POST)
    assert host.booted.skips == {1: False} and torch.equal(found, host.booted._replaced(contexts, given, POST))


@pytest.mark.parametrize("hook", [POST, "blocks.1.hook_resid_pre", "blocks.0.hook_resid_pre"])
def test_rows_of_whole_contexts_go_on_by_themselves(host, contexts, hook):
    rows = host.activations(contexts, hook)
    assert torch.allclose(host.logits_from(rows, hook), host.logits(contexts).flatten(0, 1), atol=1e-5)
    with pytest.raises(DataError, match="25 rows are no whole contexts of 24 places"):
        host.logits_from(rows[:25], hook)
    with pytest.raises(ConfigError, match="mlp_out is no place of the residual stream"):
        host.logits_from(rows, "blocks.0.hook_mlp_out")


def test_logits_can_be_differentiated_by_the_activations_alone(host, contexts):
    given = host.read(contexts, POST).requires_grad_()
    host.go_on(contexts, given, POST)[:, -1].logsumexp(-1).sum().backward()
    assert given.grad.abs().sum() > 0
    assert all(parameter.grad is None for parameter in host.booted.bridge.original_model.parameters())
    assert not host.read(contexts, POST).requires_grad


def test_a_host_that_is_not_fitted_has_weights_from_its_seed(folder, contexts, host):
    one, again, other = (Bridge((24,), 0, seed, model=str(folder)) for seed in (4, 4, 5))
    state = torch.random.get_rng_state()
    read = one.read(contexts, POST)
    assert torch.equal(torch.random.get_rng_state(), state)
    assert torch.equal(read, again.read(contexts, POST))
    assert not torch.allclose(read, other.read(contexts, POST))
    assert not torch.allclose(read, host.read(contexts, POST))


@pytest.mark.parametrize("trained", [True, False])
def test_what_is_saved_says_which_weights_and_holds_none(folder, contexts, tmp_path, trained):
    host = Bridge((24,), 0, 7, model=str(folder))
    if trained:
        host.fit(contexts, None)
    save_tensors(host.state_dict(), tmp_path / "host.safetensors")
    assert (tmp_path / "host.safetensors").stat().st_size < 1000
    again = Bridge((24,), 0, 7, model=str(folder))
    load_weights(again, tmp_path / "host.safetensors")
    assert again.trained is trained and torch.equal(again.read(contexts, POST), host.read(contexts, POST))


def test_the_state_of_another_model_or_seed_is_refused(folder, tmp_path, contexts):
    path = tmp_path / "host.safetensors"
    other = tiny_models.save(tmp_path / "other", seed=1)
    save_tensors(Bridge((24,), 0, 0, model=str(other)).state_dict(), path)
    with pytest.raises(StageError, match=r"host.safetensors cannot be read: it is of another model: \w{16}, and "):
        load_weights(Bridge((24,), 0, 0, model=str(folder)), path)
    with pytest.raises(StageError, match="drawn from seed 0, and this host has 1"):
        load_weights(Bridge((24,), 0, 1, model=str(other)), path)
    state = Bridge((24,), 0, 0, model=str(other)).state_dict() | {"weights": torch.zeros(64, dtype=torch.uint8)}
    with pytest.raises(ValueError, match="seed 0 draws other weights here"):
        Bridge((24,), 0, 0, model=str(other)).load_state_dict(state)
    with pytest.raises(ValueError, match="holds no model, trained, weights, so it is of no host bridge"):
        Bridge((24,), 0, 0, model=str(other)).load_state_dict({"seed": torch.tensor([0])})


def test_an_unknown_hook_is_refused_with_near_ones(host, contexts):
    with pytest.raises(NotFoundError, match=r"blocks.0.hook_resid_pos'.*did you mean 'blocks.0.hook_resid_post'"):
        host.read(contexts, "blocks.0.hook_resid_pos")
    with pytest.raises(NotFoundError, match=r"blocks.2.hook_resid_post"):
        host.go_on(contexts, torch.zeros(11, 24, 32), "blocks.2.hook_resid_post")


def test_contexts_that_are_too_long_are_refused_in_a_line(folder, host):
    with pytest.raises(ConfigError, match=r"contexts of 65 places .* \(64\): give the data set context = 64 or less$"):
        Bridge((65,), 0, 0, model=str(folder))
    with pytest.raises(ConfigError, match="contexts of 70 places are longer"):
        host.read(torch.zeros(2, 70, dtype=torch.int32), POST)
    with pytest.raises(ConfigError, match=r"\(places,\); these are \(28, 28\)"):
        Bridge((28, 28), 0, 0, model=str(folder))


def test_tokens_of_another_tokeniser_are_refused(host, folder, contexts):
    host.check_tokeniser("any name", hashlib.sha256((folder / "tokenizer.json").read_bytes()).hexdigest())
    with pytest.raises(DataError, match=r"the tokeniser 'union' .*a tokeniser of another model; give .*tokeniser = "):
        host.check_tokeniser("union", "0" * 64)
    with pytest.raises(DataError, match=r"token id 320 is none of the 320 .* a tokeniser of another model"):
        host.read(torch.full((2, 3), 320), POST)
    with pytest.raises(DataError, match="token id -1 is none"):
        host.read(torch.full((1, 3), -1), POST)


def test_activations_of_another_shape_are_refused(host, contexts):
    with pytest.raises(DataError, match=r"shape \(11, 24, 31\) .*expected a row of 32 for each place"):
        host.go_on(contexts, torch.zeros(11, 24, 31), POST)
    with pytest.raises(DataError, match=r"contexts are torch.float32"):
        host.read(torch.zeros(2, 3), POST)


def test_notes_say_bridge_versions_flags_and_model(host, folder):
    notes = host.notes()
    assert notes["versions"].keys() >= {"transformer_lens", "transformers", "torch"}
    assert notes["flags"]["fold_ln"] is False and notes["class"] == "LlamaForCausalLM" and notes["trained"]
    assert notes["fingerprint"] == fingerprint({"model": str(folder)})


def test_weights_that_are_cut_off_or_missing_are_no_random_ones(folder, tmp_path, contexts):
    broken = tmp_path / "broken"
    shutil.copytree(folder, broken)
    weights = broken / "model.safetensors"
    whole = weights.read_bytes()
    weights.write_bytes(whole[:-100])
    host = Bridge((24,), 0, 0, model=str(broken))
    host.fit(contexts, None)
    with pytest.raises(DataError, match=r"broken cannot be read as a model: .*; save it there once more"):
        host.read(contexts, POST)
    deeper = tiny_models.save(tmp_path / "deeper", num_hidden_layers=3)
    shutil.copy(folder / "model.safetensors", deeper)
    host = Bridge((24,), 0, 0, model=str(deeper))
    host.fit(contexts, None)
    with pytest.raises(DataError, match=r"deeper lacks 9 weights of a LlamaForCausalLM, model.layers.2"):
        host.read(contexts, POST)


def test_a_name_that_the_hub_does_not_give_is_one_line(monkeypatch):
    import huggingface_hub.constants as hub

    monkeypatch.setattr(hub, "HF_HUB_OFFLINE", True)
    with pytest.raises(
        DataError, match="strata-none/of-this-name is no folder, and cannot be had from the hub: "
    ) as told:
        Bridge((24,), 0, 0, model="strata-none/of-this-name")
    assert "\n" not in str(told.value)

"""Union, the language model of our own: what it computes, what it refuses, and how it learns."""

from __future__ import annotations

import hashlib
import json
import math

import numpy as np
import pytest
import torch
from own_data import given
from text_project import shelve, text_project

from analysis.run.hosts._host import LanguageHost
from analysis.run.hosts._transformer import dropped
from analysis.run.hosts.union import VOCABULARY, Union
from analysis.run.stages._load import new_host
from analysis.run.text import tokenisers
from sae.discover import construct, names
from sae.errors import ConfigError, DataError, InputError, NotFoundError
from sae.files import write_safetensors

TINY = {"layers": 3, "width": 64, "context": 16}


def tiny(places=12, seed=3, **options):
    return Union((places,), 0, seed, **{**TINY, **options})


def loud(model, seed=0):
    """The model with weights so large that every part matters, biases and layer norms too."""
    draw = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for value in model.parameters():
            value.add_(0.3 * torch.randn(value.shape, generator=draw))
    return model


def ids(contexts=4, places=12, seed=0):
    draw = torch.Generator().manual_seed(seed)
    return torch.randint(0, VOCABULARY, (contexts, places), generator=draw, dtype=torch.int32)


def by_hand(weights, context, heads, hook=None):
    """Logits (places, vocabulary) of one context, or what is at `hook`, as the formulae say: place by place."""
    w = {name: value.double().numpy() for name, value in weights.items()}

    def norm(x, name):
        spread = math.sqrt(((x - x.mean()) ** 2).mean() + 1e-5)
        return (x - x.mean()) / spread * w[f"{name}.weight"] + w[f"{name}.bias"]

    stream = [w["embed"][token] + w["positions"][place] for place, token in enumerate(context)]
    for block in range(1 + max(int(name.split(".")[1]) for name in w if name.startswith("blocks"))):
        at = f"blocks.{block}."
        rows = [w[at + "attn.qkv.weight"] @ norm(x, at + "ln1") + w[at + "attn.qkv.bias"] for x in stream]
        q, k, v = zip(*(np.split(row, 3) for row in rows), strict=True)
        for place, x in enumerate(list(stream)):
            mixed = []
            for head in range(heads):
                part = slice(32 * head, 32 * head + 32)
                scores = np.array([q[place][part] @ k[seen][part] / math.sqrt(32) for seen in range(place + 1)])
                share = np.exp(scores - scores.max())
                share /= share.sum()
                mixed.append(sum(share[seen] * v[seen][part] for seen in range(place + 1)))
            x = x + w[at + "attn.out.weight"] @ np.concatenate(mixed) + w[at + "attn.out.bias"]
            up = w[at + "mlp.up.weight"] @ norm(x, at + "ln2") + w[at + "mlp.up.bias"]
            up = 0.5 * up * (1 + np.tanh(math.sqrt(2 / math.pi) * (up + 0.044715 * up**3)))
            stream[place] = x + w[at + "mlp.down.weight"] @ up + w[at + "mlp.down.bias"]
        if hook == at + "hook_resid_post":
            return np.array(stream)
    return np.array([norm(x, "ln") for x in stream]) @ w["embed"].T


def test_logits_and_residual_stream_are_those_of_the_formulae():
    model, contexts = loud(tiny()), ids(2)
    for context, logits in zip(contexts, model(contexts).detach(), strict=True):
        expected = by_hand(model.state_dict(), context.tolist(), heads=2)
        assert np.abs(logits.numpy() - expected).max() < 1e-4 * np.abs(expected).max()
    hook = "blocks.1.hook_resid_post"
    found, expected = model.read(contexts, hook)[1], by_hand(model.state_dict(), contexts[1].tolist(), 2, hook)
    assert np.abs(found.numpy() - expected).max() < 1e-4 * np.abs(expected).max()


def test_names_and_shapes_of_tensors_are_what_other_readers_of_the_file_expect():
    shapes = {name: tuple(value.shape) for name, value in tiny(layers=1).state_dict().items()}
    assert shapes == {
        "embed": (2048, 64), "positions": (16, 64), "ln.weight": (64,), "ln.bias": (64,),
        "blocks.0.ln1.weight": (64,), "blocks.0.ln1.bias": (64,), "blocks.0.ln2.weight": (64,),
        "blocks.0.ln2.bias": (64,), "blocks.0.attn.qkv.weight": (192, 64), "blocks.0.attn.qkv.bias": (192,),
        "blocks.0.attn.out.weight": (64, 64), "blocks.0.attn.out.bias": (64,),
        "blocks.0.mlp.up.weight": (256, 64), "blocks.0.mlp.up.bias": (256,),
        "blocks.0.mlp.down.weight": (64, 256), "blocks.0.mlp.down.bias": (64,),
    }  # fmt: skip


def test_the_host_is_found_by_name_and_says_its_hooks_widths_and_tokeniser():
    assert "union" in names("analysis.run.hosts")
    host = construct("analysis.run.hosts", "union", (12,), 0, 0, **TINY)
    assert host.hooks() == {f"blocks.{number}.hook_resid_post": 64 for number in range(3)}
    assert host.tokeniser in tokenisers.known()


@pytest.mark.parametrize("number", range(3))
def test_going_on_from_what_was_read_gives_the_logits_of_the_whole_model(number):
    model, contexts, hook = loud(tiny()), ids(70), f"blocks.{number}.hook_resid_post"
    torch.testing.assert_close(model.go_on(contexts, model.read(contexts, hook), hook), model(contexts))


def test_a_later_token_changes_nothing_before_it():
    model, contexts = loud(tiny()), ids(3)
    other = contexts.clone()
    other[:, 7:] = (other[:, 7:] + 5) % VOCABULARY
    before, after = model(contexts), model(other)
    assert torch.equal(before[:, :7], after[:, :7]) and not torch.allclose(before[:, 7:], after[:, 7:])


def test_a_change_of_activations_reaches_later_places_and_has_a_gradient():
    model, contexts, hook = loud(tiny()), ids(1), "blocks.0.hook_resid_post"
    own = model.read(contexts, hook).requires_grad_()
    logits = model.go_on(contexts, own, hook)
    (slope,) = torch.autograd.grad(logits[0, 8].logsumexp(0), own)
    assert slope[0, :9].abs().sum(1).min() > 0 and slope[0, 9:].abs().max() == 0


def test_rows_are_tokens_in_the_order_of_contexts_and_places():
    model, contexts, hook = loud(tiny()), ids(5), "blocks.2.hook_resid_post"
    rows = model.activations(contexts, hook)
    assert torch.equal(rows[3 * 12 + 4], model.read(contexts, hook)[3, 4])
    torch.testing.assert_close(model.forward_to(contexts, hook), rows)
    torch.testing.assert_close(model.logits_from(rows, hook), model(contexts).flatten(0, 1))
    with pytest.raises(InputError, match="59 rows are no whole contexts of 12 places"):
        model.logits_from(rows[1:], hook)


def test_shorter_contexts_are_read_and_longer_ones_than_it_has_positions_are_refused():
    model = loud(tiny())
    torch.testing.assert_close(model(ids()[:, :5]), model(ids())[:, :5])
    with pytest.raises(InputError, match="17 places; the host union has 16"):
        model.read(ids(places=17), "blocks.0.hook_resid_post")
    with pytest.raises(NotFoundError, match=r"did you mean 'blocks\.0\.hook_resid_post'"):
        model.read(ids(), "blocks.0.resid_post")


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"width": 48}, "width = 48: must be a multiple of 32"),
        ({"layers": 0}, "layers = 0: must be"),
        ({"layers": 2.0}, "layers = 2.0: must be a whole number"),
        ({"epochs": True}, "epochs = True: must be a whole number"),
        ({"context": 1}, "context = 1: must be"),
        ({"batch": 0}, "batch = 0: must be"),
        ({"lr": -1e-3}, "lr = -0.001: must be"),
        ({"lr": math.nan}, "lr = nan: must be"),
        ({"dropout": 1.0}, "dropout = 1"),
        ({"context": 8}, r"contexts of 2 to 8 token ids; these examples are of shape \(12,\)"),
        ({"weights": 3}, "weights = 3: must be the path"),
    ],
)
def test_an_option_out_of_range_is_named_with_its_bounds(wrong, says):
    with pytest.raises(ConfigError, match=says):
        tiny(**wrong)


def test_pictures_are_refused_as_contexts():
    with pytest.raises(ConfigError, match=r"these examples are of shape \(28, 28\)"):
        Union((28, 28), 10, 0)


@pytest.mark.parametrize(
    ("contexts", "says"),
    [
        (torch.full((2, 12), 49_151), "token id 49151: the tokeniser union has the ids 0 to 2047"),
        (torch.full((2, 12), -1), "token id -1"),
        (torch.zeros(2, 12), "reads token ids, whole numbers; these are torch.float32"),
    ],
)
def test_ids_of_another_tokeniser_are_refused(contexts, says):
    for act in (lambda: tiny(epochs=1).fit(contexts, None), lambda: tiny().read(contexts, "blocks.0.hook_resid_post")):
        with pytest.raises(DataError, match=says):
            act()


def test_it_is_drawn_as_gpt_2_is_from_the_seed_alone():
    one, same, other = tiny(width=128), tiny(width=128), tiny(width=128, seed=4)
    weights = one.state_dict()
    assert all(torch.equal(value, same.state_dict()[name]) for name, value in weights.items())
    assert not torch.equal(weights["embed"], other.state_dict()["embed"])
    for name in ("embed", "positions", "blocks.0.attn.qkv.weight", "blocks.2.mlp.up.weight"):
        assert abs(weights[name].std() / 0.02 - 1) < 0.05, name
    for name in ("blocks.1.attn.out.weight", "blocks.2.mlp.down.weight"):
        assert abs(weights[name].std() / (0.02 / math.sqrt(6)) - 1) < 0.05, name
    assert weights["blocks.0.mlp.up.bias"].abs().max() == 0 and weights["ln.weight"].unique().tolist() == [1]


def pattern(contexts=32, places=12):
    """Contexts in which every token is followed by the next number."""
    return (torch.arange(contexts)[:, None] % 7 + torch.arange(places)[None]).to(torch.int32)


def test_fitting_lowers_the_loss_and_follows_from_the_seed():
    def loss(model):
        logits = model(pattern())[:, :-1]
        return torch.nn.functional.cross_entropy(logits.flatten(0, 1), pattern()[:, 1:].flatten().long()).item()

    models = [tiny(layers=1, width=32, epochs=6, batch=8, lr=2e-2) for _ in range(2)]
    before, kept = loss(models[0]), torch.random.get_rng_state()
    for model in models:
        model.fit(pattern(), None)
    assert loss(models[0]) < before - 1.5 and not models[0].training
    assert all(torch.equal(a, b) for a, b in zip(*(m.state_dict().values() for m in models), strict=True))
    assert torch.equal(kept, torch.random.get_rng_state())


def test_no_epochs_leave_it_as_drawn_and_too_few_contexts_are_said():
    model = tiny(epochs=0)
    model.fit(pattern(), None)
    assert torch.equal(model.embed, tiny().embed)
    with pytest.raises(ConfigError, match="batch = 64: there are only 32 contexts"):
        tiny(batch=64).fit(pattern(), None)


def test_dropout_leaves_out_the_share_that_was_asked_and_keeps_the_mean():
    torch.manual_seed(0)
    x = torch.ones(1000, 101)
    found = dropped(x, 0.25, True)
    assert abs((found == 0).float().mean() - 0.25) < 0.01 and abs(found.mean() - 1) < 0.01
    assert len(found.unique()) == 2 and dropped(x, 0.25, False) is x and dropped(x, 0.0, True) is x


def saved(folder, **changes):
    """Weights of a tiny model in fp16 with their manifest, and the model."""
    model = loud(tiny(seed=8))
    path = folder / "mine.safetensors"
    write_safetensors(path, {name: value.half() for name, value in model.state_dict().items()})
    manifest = {**TINY, "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
                "tokeniser_sha256": tokenisers.fingerprint("union"), **changes}  # fmt: skip
    path.with_suffix(".json").write_text(json.dumps({name: v for name, v in manifest.items() if v is not None}))
    return path, model


def test_given_weights_are_read_by_fit_and_leave_the_untrained_control_as_drawn(tmp_path):
    path, model = saved(tmp_path)
    host = tiny(weights=str(path))
    assert torch.equal(host.embed, tiny().embed)
    host.fit(torch.full((1, 12), 10**6), None)  # looks at no example
    assert host.embed.dtype == torch.float32
    torch.testing.assert_close(host(ids()), model(ids()), rtol=0.05, atol=0.5)
    assert torch.equal(host.embed, model.embed.half().float())


def test_a_stage_notes_which_weights_were_read(tmp_path):
    path, _ = saved(tmp_path, commit="0123abc", tokens=12)
    notes = tiny(weights=str(path)).notes()["pretrained"]
    assert notes == {"sha256": hashlib.sha256(path.read_bytes()).hexdigest(), "commit": "0123abc", "tokens": 12}
    assert tiny().notes() == {} and isinstance(tiny(), LanguageHost)


@pytest.mark.parametrize(
    ("changes", "options", "kind", "says"),
    [
        ({"sha256": "0" * 64}, {}, DataError, "mine.json says 000000000000"),
        ({"sha256": None}, {}, DataError, "mine.json: expected an object with `sha256`"),
        ({"width": "64"}, {}, DataError, "mine.json: expected an object with `width`"),
        ({"tokeniser_sha256": "1" * 64}, {}, DataError, "a tokeniser of sha256 111111111111"),
        ({}, {"layers": 2}, ConfigError, "layers = 2: the weights in .* have 3"),
    ],
)
def test_weights_that_are_not_what_is_said_of_them_are_refused(tmp_path, changes, options, kind, says):
    path, _ = saved(tmp_path, **changes)
    with pytest.raises(kind, match=says):
        tiny(weights=str(path), **options)


def test_weights_without_their_manifest_or_with_other_tensors_are_refused(tmp_path):
    path, model = saved(tmp_path)
    part = {name: value for name, value in model.state_dict().items() if name != "ln.bias"}
    write_safetensors(path, {**part, "positions": model.positions[:3]})
    manifest = path.with_suffix(".json")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    manifest.write_text(json.dumps({**json.loads(manifest.read_text()), "sha256": digest}))
    with pytest.raises(DataError, match=r"tensor ln\.bias is missing; expected \(64,\)"):
        tiny(weights=str(path)).fit(ids(), None)
    manifest.write_text("{")
    with pytest.raises(DataError, match=r"mine\.json cannot be read as JSON"):
        tiny(weights=str(path))
    manifest.unlink()
    with pytest.raises(DataError, match=r"mine\.json is not there; `weights` names"):
        tiny(weights=str(path))


def test_text_in_tokens_of_another_tokeniser_is_refused_before_a_host_is_used(tmp_path, monkeypatch):
    root = text_project(tmp_path, monkeypatch)
    shelve(root, 6)
    for folder, end in (("same", ""), ("other", "\n")):
        (root / folder).mkdir()
        own = (root / "data/text/union-bpe.json").read_text()
        (root / folder / "tokenizer.json").write_text(own + end)
    same, other = (
        given("text_folder", path="shelf", context=12, held_out=0.3, tokeniser=name) for name in ("same", "other")
    )
    assert new_host("union", TINY, 0, same).hooks(), "by what the file holds, whatever it is called"
    with pytest.raises(DataError, match=r"tokeniser 'other', .*a tokeniser of another model.*tokeniser = 'union'"):
        new_host("union", TINY, 0, other)


def test_embeddings_of_the_tokens_themselves_give_what_it_reads():
    model, tokens = loud(tiny()), ids(1)[0]
    hook = "blocks.1.hook_resid_post"
    embedded = model.embeddings()[tokens.long()][None]
    assert torch.allclose(model.read_embedded(tokens, embedded, hook), model.read(tokens[None], hook), atol=1e-6)

"""A language model for the browser: the page's modules give PyTorch's numbers, and what it cannot run is refused."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import replace

import numpy as np
import pytest
import torch
from tests_root import CHECKOUT

from analysis.run import web_language
from analysis.run.web_format import Writer, read, size
from analysis.run.web_language import PROMPTS, export
from analysis.run.web_tokens import page_tokens, text_of
from analysis.run.web_union import PageModel, noise, written
from sae.architectures.gated import Gated
from sae.errors import ConfigError, DataError

pytest.importorskip("tokenizers")
from language_model import LATENTS, given, layer, tokeniser, weights

NODE = shutil.which("node")
STRINGS = [
    *PROMPTS, "", " ", "\n", "   three  spaces ", "tabs\tand\r\nends\n\n\n of lines",
    "it's we've they'll I'd you're 'tis",
    "1,000,000 in 1865; 3½ %", "Grüße, señor: ça va?", "Привет, мир", "日本語 の 文章", "مرحبا بالعالم",
    "👩‍👩‍👧 🇫🇷 e\u0301",
    "a\u00a0b\u2003c\u0085d", "\ufeffmark", "<|endoftext|> is text", "x" * 300,
    "snake_case(and, code) { return 0; }", "''s 'S",
]  # fmt: skip


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """What was given, with a block before and one behind the hook, and the folder of its files."""
    folder = tmp_path_factory.mktemp("language")
    two = weights(layers=2, vocabulary=tokeniser().get_vocab_size())
    one = given(folder, union=two, hook="blocks.0.hook_resid_post", names=[None, "of peace", *[None] * (LATENTS - 2)])
    export(one, folder / "out")
    return one, folder / "out"


def opened(folder):
    manifest = json.loads((folder / "union.json").read_text())
    return PageModel(manifest, read(manifest, (folder / "union.bin").read_bytes()))


@pytest.fixture(scope="module")
def computed(exported, tmp_path_factory):
    """What the page's modules give in node, for all that these tests ask."""
    if NODE is None:
        pytest.skip("no node")
    assets = tmp_path_factory.mktemp("assets")
    shutil.copytree(CHECKOUT / "report/assets/language", assets / "language")
    shutil.copyfile(CHECKOUT / "report/assets/tensors.js", assets / "tensors.js")
    (assets / "package.json").write_text('{"type": "module"}')
    one, folder = exported
    asked = {
        "texts": STRINGS, "noise": [[0, 0, 5], [2**31, 63, 5]], "count": 20, "temperature": 0.8, "seed": 11,
        "contexts": one.contexts[[0, 3], :40].tolist(), "steers": [None, {"latent": 2, "value": 3.5}],
    }  # fmt: skip
    done = subprocess.run(
        [NODE, str(CHECKOUT / "tests/unit/language_node.mjs"), str(assets), str(folder)],
        input=json.dumps(asked), text=True, capture_output=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return asked, json.loads(done.stdout)


def test_the_page_cuts_text_into_the_tokeniser_s_own_tokens(computed):
    found = computed[1]
    for text, ids, back, parts in zip(STRINGS, found["ids"], found["texts"], found["parts"], strict=True):
        assert ids == tokeniser().encode(text).ids, text
        assert back == text == "".join(parts)


@pytest.mark.parametrize("steer", [0, 1])
def test_logits_and_latents_with_a_cache_are_those_of_pytorch(exported, computed, steer):
    asked, found = computed
    model, clamp = opened(exported[1]), asked["steers"][steer]
    rows = model.read(torch.tensor(asked["contexts"]))
    codes = model.codes(rows) * model.read_by_sae(rows)[..., None]
    pushed = model.clamped(rows, clamp["latent"], clamp["value"]) if clamp else rows
    logits = model.go_on(pushed)
    assert not clamp or (logits - model.go_on(rows))[:, 1:].abs().amax(-1).min() > 0.01
    for context, read_tokens in enumerate(found["read"][steer]):
        assert torch.allclose(torch.tensor([t["logits"] for t in read_tokens]), logits[context], atol=1e-3)
        assert read_tokens[0]["codes"] is None
        assert torch.allclose(torch.tensor([t["codes"] for t in read_tokens[1:]]), codes[context, 1:], atol=1e-3)
    assert found["error"] <= 1e-3 and found["length"] == pytest.approx(found["expected"], rel=1e-5)


def test_a_text_is_the_same_from_the_same_seed_in_the_page_and_in_pytorch(exported, computed):
    asked, found = computed
    model, begin = opened(exported[1]), asked["contexts"][0]
    for steer, ids in zip(asked["steers"], found["written"], strict=True):
        clamp = (steer["latent"], steer["value"]) if steer else None
        assert ids == written(model, begin, asked["count"], asked["temperature"], asked["seed"], clamp)
    assert found["written"][0] != found["written"][1]
    for (seed, place, tokens), values in zip(asked["noise"], found["noise"], strict=True):
        assert np.allclose(noise(seed, place, tokens), values)


def test_noise_is_gumbel_noise_and_differs_by_seed_and_place():
    many = noise(5, 9, 100_000)
    assert abs(many.mean() - 0.5772) < 0.02 and abs(many.std() - np.pi / 6**0.5) < 0.02
    assert abs(np.corrcoef(many, noise(6, 9, 100_000))[0, 1]) < 0.02
    assert abs(np.corrcoef(many, noise(5, 10, 100_000))[0, 1]) < 0.02


def test_codes_of_the_file_are_those_of_the_layer_and_a_clamp_keeps_what_is_left_over(exported):
    one, folder = exported
    model = opened(folder)
    rows = model.read(one.contexts[:4])
    codes, true = model.codes(rows), one.layer.encode(rows.flatten(0, 1)).dense().view(4, -1, LATENTS)
    assert ((codes > 0) == (true > 0)).float().mean() > 0.999 and (codes - true).abs().median() < 1e-2
    moved = model.clamped(rows, 7, 2.5) - rows
    near = model.read_by_sae(rows)
    assert not moved[~near].any() and not near[:, 0].any()
    unit = one.layer.sae.W_dec[7] * one.layer.normaliser.scale
    expected = (2.5 - codes[..., 7])[..., None] * unit
    assert torch.allclose(moved[near], expected[near], atol=2e-3)


def test_what_the_page_computes_is_what_the_host_computes():
    hosts = pytest.importorskip("analysis.run.hosts.union")
    host = hosts.Union((16,), 0, 0, layers=3, width=64, context=16, epochs=0)
    with torch.no_grad():
        for values in host.parameters():  # as it is drawn, it hardly does anything
            values.add_(torch.randn(values.shape, generator=torch.Generator().manual_seed(1)) * 0.1)
    ids = torch.randint(2048, (3, 16), generator=torch.Generator().manual_seed(2))
    shape = {"model": {"layers": 3, "width": 64}, "sae": {"hook_after": 2, "k": 1, "far": 1.0}}
    model, hook = PageModel(shape, dict(host.state_dict())), "blocks.1.hook_resid_post"
    rows = host.read(ids, hook)
    assert torch.allclose(model.read(ids), rows, atol=1e-4)
    assert torch.allclose(model.go_on(rows), host.go_on(ids, rows, hook), atol=1e-3)


def test_eight_bits_are_kept_where_they_cost_little_and_sixteen_where_not(exported, tmp_path, monkeypatch):
    one, folder = exported
    manifest = json.loads((folder / "union.json").read_text())
    assert abs(manifest["rounding"]["rounded"] - manifest["rounding"]["loss"]) < web_language.MOST_LOSS
    assert manifest["rounding"]["in_eight_bits"] == manifest["rounding"]["matrices"] == 9
    monkeypatch.setattr(web_language, "MOST_LOSS", 1e-4)
    finer, _ = web_language.encoded(one)
    kinds = {entry["name"]: entry["dtype"] for entry in finer["tensors"]}
    assert finer["rounding"]["in_eight_bits"] < 9 and "f16" in {
        kinds[name] for name in kinds if name.endswith("weight")
    }
    assert finer["rounding"]["rounded"] - finer["rounding"]["loss"] < 1e-4 or not finer["rounding"]["in_eight_bits"]


def test_half_floats_come_back_as_they_were():
    values = np.array([[0, -1.5, 6e-8, 65504], [0.1, -6.1e-5, 1 / 3, 2]])
    writer = Writer()
    writer.add("some", values, "f16")
    manifest = {"file": "x", "bytes": len(writer.content), "sha256": writer.sha256, "tensors": writer.tensors}
    assert (read(manifest, bytes(writer.content))["some"] == values.astype(np.float16)).all()
    assert size("f16", 2, 4) == 16


def test_latents_are_told_with_words_contexts_and_what_they_make_likelier(exported):
    one, folder = exported
    told, model = json.loads((folder / "latents.json").read_text()), opened(folder)
    rows = model.read(one.contexts)
    codes = model.codes(rows) * model.read_by_sae(rows)[..., None]
    assert len(told["latents"]) == LATENTS and told["latents"][1]["name"] == "of peace"
    for latent, own in enumerate(told["latents"]):
        values = codes[..., latent]
        assert own["largest"] == pytest.approx(float(values.max()), abs=1e-4)
        assert own["density"] == pytest.approx(float((values[:, 1:] > 0).float().mean()), abs=1e-6)
        if own["words"]:
            by, strong = {}, torch.where(values >= values.max() / 2, values, 0)
            for at, value in zip(one.contexts.flatten().tolist(), strong.flatten().tolist(), strict=True):
                by[text_of([at], one.tokens)] = by.get(text_of([at], one.tokens), 0) + value
            assert own["words"][0][1] == pytest.approx(max(by.values()) / sum(by.values()), abs=2e-3)
            assert own["top"][0][3] == pytest.approx(own["largest"], abs=2e-3)
            assert all("endoftext" not in text for top in own["top"] for text in top[:3])
    assert told["offered"] and all(told["latents"][latent]["raises"] for latent in told["offered"])
    likely = [{word for _, word, _ in told["latents"][latent]["raises"]} for latent in told["offered"]]
    assert all(any(word.startswith(" ") and len(word) > 4 for word in words) for words in likely)


def test_what_no_page_can_run_is_refused_in_a_line(exported, tmp_path, monkeypatch):
    one = exported[0]

    def refused(match, **changes):
        with pytest.raises(ConfigError, match=match) as told:
            export(replace(one, **changes), tmp_path / "out")
        assert "\n" not in str(told.value) and not (tmp_path / "out").exists()

    union = dict(one.union)
    refused(
        "blocks.1.attn.out.bias is missing, expected",
        union={k: v for k, v in union.items() if k != "blocks.1.attn.out.bias"},
    )
    refused(r"ln.weight is \(3,\), expected \(32,\)", union=union | {"ln.weight": torch.ones(3)})
    refused("has width 32 and .'head'.", union=union | {"head": torch.ones(3)})
    refused("the model knows 400 tokens, its tokeniser 399", tokens=one.tokens | {"pieces": one.tokens["pieces"][:-1]})
    refused(
        "'blocks.7.hook_resid_post'; a page steers blocks.0.hook_resid_post, blocks.1", hook="blocks.7.hook_resid_post"
    )
    refused("reads rows of 64 numbers", layer=layer(64))
    refused("is gated; a page runs topk alone", layer=replace(one.layer, sae=Gated(32, 48, k=6), architecture="gated"))
    monkeypatch.setattr(web_language, "MOST_BYTES", 10_000)
    refused("more than the 10,000 that a reader should wait for")


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"normalizer": {"type": "NFC"}}, "normalises text"),
        ({"pre_tokenizer": {"type": "Whitespace"}}, "splits text by Whitespace"),
        ({"post_processor": {"type": "TemplateProcessing"}}, "puts tokens around"),
        ({"added_tokens": [{"content": "<x>", "id": 400, "special": False}]}, "'<x>' is added and not special"),
    ],
)
def test_a_tokeniser_that_a_page_would_read_otherwise_is_refused(tmp_path, change, match):
    file = tmp_path / "tokenizer.json"
    file.write_text(json.dumps(json.loads(tokeniser().to_str()) | change))
    with pytest.raises(ConfigError, match=match):
        page_tokens(file)


@pytest.mark.parametrize("text", ["", "[1]", '{"model": {"vocab": {"a": 0, "b": 2}, "merges": []}}'])
def test_what_is_no_tokeniser_is_an_error_with_its_file(tmp_path, text):
    file = tmp_path / "tokenizer.json"
    file.write_text(text)
    with pytest.raises(DataError, match=r"tokenizer\.json"):
        page_tokens(file)

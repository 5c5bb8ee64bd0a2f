"""A tiny language model of Union's shape, with a tokeniser and an SAE, as the page of language gets them."""

from __future__ import annotations

import json
from functools import cache

import torch

from analysis.run.web_language import Given
from analysis.run.web_tokens import page_tokens
from sae.architectures.topk import TopK
from sae.layer import Layer
from sae.normaliser import Normaliser

WIDTH, LAYERS, PLACES, LATENTS = 32, 1, 64, 48
TEXT = (
    "Fellow-citizens of the Senate and House of Representatives: our relations with foreign nations are of peace.",
    "Tonight I ask the Congress to pass a budget, and I don't ask twice; the war has cost us 1,000,000 men.",
    "naïve “peace” — it's a tariff on tea,\n\nand the people's treasury holds $12.50 for each of them.",
)


@cache
def tokeniser():
    """A byte-level BPE of 400 tokens, trained on the texts."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    own = Tokenizer(models.BPE())
    own.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    own.decoder = decoders.ByteLevel()
    signs = pre_tokenizers.ByteLevel.alphabet()
    special = ["<|endoftext|>"]
    own.train_from_iterator(
        TEXT,
        trainers.BpeTrainer(vocab_size=400, initial_alphabet=signs, special_tokens=special, show_progress=False),
    )
    own.encode_special_tokens = True
    return own


def weights(seed=0, layers=LAYERS, width=WIDTH, vocabulary=400, places=PLACES):
    """Random weights by their names; large enough that something fires and texts are no noise."""
    draw = torch.Generator().manual_seed(seed)

    def some(*shape, by=1.0):
        return torch.randn(shape, generator=draw) * by

    found = {"embed": some(vocabulary, width, by=0.7), "positions": some(places, width, by=0.2)}
    for block in range(layers):
        for norm in ("ln1", "ln2"):
            found[f"blocks.{block}.{norm}.weight"] = 1 + some(width, by=0.1)
            found[f"blocks.{block}.{norm}.bias"] = some(width, by=0.1)
        for name, rows, columns in (
            ("attn.qkv", 3 * width, width), ("attn.out", width, width), ("mlp.up", 4 * width, width),
            ("mlp.down", width, 4 * width),
        ):  # fmt: skip
            found[f"blocks.{block}.{name}.weight"] = some(rows, columns, by=columns**-0.5)
            found[f"blocks.{block}.{name}.bias"] = some(rows, by=0.1)
    return found | {"ln.weight": 1 + some(width, by=0.1), "ln.bias": some(width, by=0.1)}


def layer(width=WIDTH, latents=LATENTS, k=6):
    """An SAE as it was drawn, behind a normaliser that does something."""
    draw = torch.Generator().manual_seed(3)
    sae = TopK(width, latents, k=k)
    with torch.no_grad():
        directions = torch.nn.functional.normalize(torch.randn(latents, width, generator=draw), dim=1)
        sae.W_dec.copy_(directions)
        sae.W_enc.copy_(directions)
        sae.b_enc.copy_(torch.randn(latents, generator=draw) * 0.1)
        sae.b_dec.copy_(torch.randn(width, generator=draw) * 0.1)
    return Layer("topk", sae, Normaliser(torch.randn(width, generator=draw) * 0.3, 1.7, 0.5))


def given(folder, layers=LAYERS, width=WIDTH, **changes):
    """What an export takes; the tokeniser's file is written into `folder`."""
    own = tokeniser()
    file = folder / "tokenizer.json"
    file.write_text(json.dumps(json.loads(own.to_str())))
    start, ids = own.token_to_id("<|endoftext|>"), own.encode(" ".join(TEXT) * 2).ids
    contexts = torch.tensor([[start, *ids[at : at + 63]] for at in range(0, len(ids) - 63, 5)])
    known = {
        "union": weights(layers=layers, width=width), "layer": layer(width),
        "hook": f"blocks.{layers - 1}.hook_resid_post",
        "tokens": page_tokens(file), "encode": lambda text: own.encode(text).ids, "contexts": contexts,
        "about": {"documents": 3, "dataset": "sotu"},
    }  # fmt: skip
    return Given(**(known | changes))

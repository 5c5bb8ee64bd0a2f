"""Union beside GPT-2 of the package transformers, with the same weights."""

from __future__ import annotations

import pytest
import torch

from analysis.run.hosts.union import VOCABULARY, Union

transformers = pytest.importorskip(
    "transformers", reason="transformers is not installed (extra lm)", exc_type=ImportError
)
pytestmark = pytest.mark.lm

LAYERS, WIDTH, CONTEXT = 3, 96, 24


def as_gpt2(union):
    """GPT-2 with the weights of `union`; whose linear layers are (in, out)."""
    config = transformers.GPT2Config(
        vocab_size=VOCABULARY, n_positions=CONTEXT, n_embd=WIDTH, n_layer=LAYERS, n_head=WIDTH // 32,
        activation_function="gelu_new", layer_norm_epsilon=1e-5, resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0,
    )  # fmt: skip
    names = {"embed": "wte.weight", "positions": "wpe.weight", "ln.weight": "ln_f.weight", "ln.bias": "ln_f.bias"}
    parts = {"ln1": "ln_1", "ln2": "ln_2", "attn.qkv": "attn.c_attn", "attn.out": "attn.c_proj", "mlp.up": "mlp.c_fc",
             "mlp.down": "mlp.c_proj"}  # fmt: skip
    weights = {}
    for name, value in union.state_dict().items():
        if name.startswith("blocks."):
            _, block, part = name.split(".", 2)
            kind, end = part.rsplit(".", 1)
            weights[f"h.{block}.{parts[kind]}.{end}"] = value.T if value.dim() == 2 else value
        else:
            weights[names[name]] = value
    model = transformers.GPT2LMHeadModel(config).eval()
    left = model.transformer.load_state_dict(weights, strict=False)
    assert not left.unexpected_keys and not left.missing_keys
    return model


def test_logits_and_residual_streams_are_those_of_gpt_2_with_the_same_weights():
    union = Union((CONTEXT,), 0, 0, layers=LAYERS, width=WIDTH, context=CONTEXT)
    draw = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for value in union.parameters():
            value.add_(0.2 * torch.randn(value.shape, generator=draw))
    ids = torch.randint(0, VOCABULARY, (3, CONTEXT), generator=draw)
    with torch.no_grad():
        answer = as_gpt2(union)(ids, output_hidden_states=True)
        torch.testing.assert_close(union(ids), answer.logits, rtol=1e-4, atol=1e-3)
    # transformers gives the last one after the final layer norm
    for number in range(LAYERS - 1):
        read = union.read(ids, f"blocks.{number}.hook_resid_post")
        torch.testing.assert_close(read, answer.hidden_states[number + 1], rtol=1e-4, atol=1e-3)

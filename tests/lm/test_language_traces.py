"""From the embeddings of a pretrained model to its activations, for what a prediction hangs on; see `make test-lm`."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import tiny_models
import torch

from analysis.run.hosts.bridge import Bridge
from analysis.run.language.traces import from_tokens

pytestmark = pytest.mark.lm
LENS = "transformer_lens"
pytest.importorskip(LENS, reason=f"{LENS} is not installed; make test-lm installs it")
HOOK = "blocks.0.hook_resid_post"


def test_embeddings_lead_to_the_activations_and_carry_gradients_back(tmp_path):
    host = Bridge((12,), 0, 0, model=str(tiny_models.save(tmp_path / "tiny")))
    host.fit(torch.zeros(0, 12), None)
    tokens = torch.randint(0, 300, (9,), generator=torch.Generator().manual_seed(8))
    rows = host.read(tokens[None], HOOK)[0]
    layer = SimpleNamespace(sae=SimpleNamespace(encoder_directions=lambda: torch.eye(32)))
    way = from_tokens(SimpleNamespace(host=host, hook=HOOK), layer, tokens, rows)
    assert way is not None and torch.allclose(way.read(way.embedded[None])[0], rows, atol=1e-4)
    embedded = way.embedded.repeat(2, 1, 1).requires_grad_(True)
    (gradient,) = torch.autograd.grad(way.read(embedded)[0, 4].sum(), embedded)
    assert gradient[0, :5].abs().sum(1).gt(0).all() and not gradient[0, 5:].any() and not gradient[1].any()
    # rows that its embeddings do not lead to: no way, rather than a wrong one
    assert from_tokens(SimpleNamespace(host=host, hook=HOOK), layer, tokens, rows + 1) is None

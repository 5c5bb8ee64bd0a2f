"""Attribution: exact on a linear host, and checked by ablation on one that is not."""

from __future__ import annotations

import pytest
import torch
from tiny_language import TinyLanguage

from sae.errors import ConfigError, InputError
from sae.evaluations._estimate import rank_correlation
from sae.evaluations.attribution import FromTokens, attribution
from sae.records import Codes

OUT = torch.tensor([[1.0, 0.0, 2.0], [0.0, 3.0, 0.0]], dtype=torch.float64)
AXES = torch.eye(2, dtype=torch.float64)


def linear(contexts, activations):
    return activations.cumsum(1) @ OUT


def codes_of(dense):
    return Codes.from_active(torch.tensor(dense, dtype=torch.float64))


def test_on_a_linear_host_it_is_the_effect_by_hand():
    # what the SAE leaves over is .5 of axis 0 at the first place; the sink's own latent is left out
    codes = codes_of([[9.0, 0.0], [2.0, 0.0], [1.0, 4.0]])
    activations = codes.dense() + torch.tensor([[0.0, 0.0], [0.5, 0.0], [0.0, 0.0]]).double()
    kept = torch.tensor([False, True, True])
    prompt = torch.zeros(3, dtype=torch.long)
    found = attribution(linear, prompt, activations, codes, AXES, target=2, foil=1, kept=kept)
    # gradient of logit 2 - logit 1: 2 for axis 0, -3 for axis 1, at every place
    listed = [(node.place, node.latent, node.value, node.attribution) for node in found.nodes]
    assert listed == [(2, 1, 4.0, -12.0), (1, 0, 2.0, 4.0), (2, 0, 1.0, 2.0)]
    assert [node.effect for node in found.nodes] == pytest.approx([-12, 4, 2])
    assert found.difference == pytest.approx(2 * 12.5 - 3 * 4) and found.others == () and found.edges == ()
    assert (found.of_nodes, found.of_rest) == (pytest.approx(-6), pytest.approx(1))
    assert found.rank_correlation == pytest.approx(1) and found.edge_rank_correlation is None
    lengths = [(13**0.5) * node.value for node in found.nodes]
    assert all(abs(node.random) <= length for node, length in zip(found.nodes, lengths, strict=True))
    # against the mean logit: 2 - 1 for axis 0, -1 for axis 1
    assert attribution(linear, prompt, activations, codes, AXES, 2, kept=kept).of_nodes == pytest.approx(3 - 4)


def test_rank_correlation_shares_ranks_among_equals_by_hand():
    # ranks 1, 2.5, 2.5, 4 and 1, 3, 2, 4
    assert rank_correlation([1.0, 5.0, 5.0, 9.0], [-2.0, 0.5, 0.0, 7.0]) == pytest.approx(4.5 / (4.5 * 5) ** 0.5)
    assert (
        rank_correlation([1.0, 1.0, 1.0], [1.0, 2.0, 3.0]) is None and rank_correlation([1.0, 2.0], [1.0, 2.0]) is None
    )


def test_what_is_not_listed_is_drawn_and_few_nodes_have_no_correlation():
    codes = codes_of([[1.0, 2.0], [3.0, 4.0]])
    prompt = torch.zeros(2, dtype=torch.long)
    found = attribution(linear, prompt, codes.dense(), codes, AXES, 2, 1, top=1, drawn=2)
    assert [node.attribution for node in found.nodes] == [-12] and len(found.others) == 2
    assert found.rank_correlation_top is None and found.rank_correlation is not None
    assert found.of_nodes == pytest.approx(2 - 6 + 6 - 12)


def test_on_a_host_attributions_rank_as_ablations_do_and_tokens_as_their_absence():
    host = TinyLanguage()
    prompt = host.sample(1, 9)[0]
    activations = host.read(prompt[None])[0]
    draw = torch.Generator().manual_seed(1)
    directions = torch.nn.functional.normalize(torch.randn(40, host.width, generator=draw, dtype=torch.float64), dim=1)
    values, indices = (0.3 * torch.relu(activations @ directions.T)).topk(4)
    codes = Codes(values, indices, 40)
    embedded = host.embed(prompt)
    tokens = FromTokens(embedded, host.embedding.mean(0), host.read_embedded, directions)
    with torch.inference_mode():  # whatever the modes are around it
        found = attribution(host.go_on, prompt, activations, codes, directions, 3, 5, tokens=tokens, top=10, edges=2)
    assert found.rank_correlation > 0.8 and found.edge_rank_correlation > 0.6
    assert len(found.nodes) == 10 and len(found.others) == 20 and len(found.edges) <= 20
    assert all(edge.token <= found.nodes[edge.node].place for edge in found.edges)
    # the nodes do more than random directions of their length
    assert sum(abs(node.effect) for node in found.nodes) > sum(abs(node.random) for node in found.nodes)
    # all of the latents and what is left over make up the activations
    rows = activations.clone().requires_grad_(True)
    logits = host.go_on(prompt[None], rows[None])[0, -1]
    (logits[3] - logits[5]).backward()
    assert found.of_nodes + found.of_rest == pytest.approx(float((rows.grad * activations).sum()))


def test_what_has_no_attribution_is_refused():
    codes, prompt = codes_of([[1.0, 2.0], [3.0, 4.0]]), torch.zeros(2, dtype=torch.long)
    with pytest.raises(ConfigError, match=r"target = 3: must be in 0\.\.2"):
        attribution(linear, prompt, codes.dense(), codes, AXES, 3)
    with pytest.raises(InputError, match="no latent is active"):
        attribution(linear, prompt, codes.dense(), codes, AXES, 2, kept=torch.tensor([False, False]))
    with pytest.raises(InputError, match=r"codes have shape \(2, 2\), expected \(3, k\)"):
        attribution(linear, torch.zeros(3, dtype=torch.long), codes.dense()[[0, 0, 1]], codes, AXES, 2)

"""A language host of a few hundred numbers: one layer of causal attention before its hook, one behind it."""

from __future__ import annotations

import torch
from torch import nn

HOOK = "blocks.0.hook_resid_post"


class TinyLanguage:
    """Reads and goes on as the contract of language hosts says; random weights, in float64 so that sums are exact."""

    tokeniser = "none"

    def __init__(self, vocabulary=12, width=8, places=20, seed=0):
        draw = torch.Generator().manual_seed(seed)

        def weights(*shape):
            return torch.randn(*shape, generator=draw, dtype=torch.float64) / shape[-1] ** 0.5

        self.vocabulary, self.width = vocabulary, width
        self.embedding, self.positions = 2 * weights(vocabulary, width), 0.3 * weights(places, width)
        self.layers = [{name: weights(width, width) for name in ("mix", "up", "down")} for _ in range(2)]
        self.out = 3 * weights(vocabulary, width)

    def hooks(self):
        return {HOOK: self.width}

    def _layer(self, x, layer):
        places = x.shape[1]
        seen = torch.tril(torch.ones(places, places, dtype=torch.bool))
        scores = (x @ layer["mix"] @ x.transpose(1, 2) / self.width**0.5).masked_fill(~seen, -torch.inf)
        x = x + 0.5 * scores.softmax(-1) @ x
        return x + torch.tanh(x @ layer["up"]) @ layer["down"]

    def embed(self, contexts):
        return self.embedding[contexts]

    def read_embedded(self, embedded):
        """What is at the hook, differentiable in the tokens' embeddings."""
        return self._layer(embedded + self.positions[: embedded.shape[1]], self.layers[0])

    def read(self, contexts, hook=HOOK):
        assert hook == HOOK
        return self.read_embedded(self.embed(contexts))

    def go_on(self, contexts, activations, hook=HOOK):
        assert hook == HOOK and activations.shape[:2] == contexts.shape
        return nn.functional.layer_norm(self._layer(activations, self.layers[1]), (self.width,)) @ self.out.T

    def sample(self, contexts, places, seed=0):
        """Contexts of tokens that follow what the host predicts, so that its loss is below chance."""
        draw = torch.Generator().manual_seed(seed)
        found = torch.randint(0, self.vocabulary, (contexts, 1), generator=draw)
        for _ in range(places - 1):
            chance = self.go_on(found, self.read(found))[:, -1].softmax(-1)
            found = torch.cat([found, torch.multinomial(chance, 1, generator=draw)], 1)
        return found

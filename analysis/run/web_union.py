"""Union and an SAE on it as a page runs them: the numbers that a page must give. Names of tensors: `encoded`."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from analysis.run.web_format import Floats

HEAD = 32
EPS = 1e-5


class PageModel:
    """A transformer, cut behind the block whose output an SAE reads, with that SAE; from a manifest and its tensors."""

    def __init__(self, manifest: dict[str, Any], tensors: dict[str, Floats] | dict[str, Tensor]) -> None:
        self.at = {name: torch.as_tensor(values, dtype=torch.float32) for name, values in tensors.items()}
        self.manifest = manifest
        self.layers, self.cut = manifest["model"]["layers"], manifest["sae"]["hook_after"]
        self.width, self.k = manifest["model"]["width"], manifest["sae"]["k"]

    def read(self, ids: Int[Tensor, "contexts places"]) -> Float[Tensor, "contexts places width"]:
        """What stands at the hook."""
        rows = self.at["embed"][ids] + self.at["positions"][: ids.shape[1]]
        return self._blocks(rows, 0, self.cut)

    def go_on(self, rows: Float[Tensor, "contexts places width"]) -> Float[Tensor, "contexts places vocabulary"]:
        """Logits from what stands at the hook."""
        return self._norm(self._blocks(rows, self.cut, self.layers), "ln") @ self.at["embed"].T

    def codes(self, rows: Float[Tensor, "*leading width"]) -> Float[Tensor, "*leading latents"]:
        """The k largest pre-activations of each row, negatives cut to 0."""
        before = rows @ self.at["sae.encoder"].T + self.at["sae.bias"]
        top = before.topk(self.k, -1)
        return torch.zeros_like(before).scatter_(-1, top.indices, torch.relu(top.values))

    def read_by_sae(self, rows: Float[Tensor, "contexts places width"]) -> Tensor:
        """(contexts, places): which rows the SAE reads: not the first place, and none far longer than most."""
        near: Tensor = rows.norm(dim=-1) <= self.manifest["sae"]["far"]
        near[:, 0] = False
        return near

    def clamped(
        self, rows: Float[Tensor, "contexts places width"], latent: int, value: float
    ) -> Float[Tensor, "contexts places width"]:
        """The rows with a latent held at `value`, and what the SAE leaves over kept."""
        by = (value - self.codes(rows)[..., latent]) * self.read_by_sae(rows)
        return rows + by[..., None] * self.at["sae.directions"][latent]

    def loss(self, contexts: Int[Tensor, "contexts places"]) -> float:
        """Mean cross-entropy of the next token, in nats."""
        with torch.no_grad():
            logits = self.go_on(self.read(contexts))[:, :-1]
            return float(functional.cross_entropy(logits.flatten(0, 1), contexts[:, 1:].flatten().long()))

    def _blocks(self, rows: Tensor, first: int, last: int) -> Tensor:
        for block in range(first, last):
            rows = rows + self._attention(self._norm(rows, f"blocks.{block}.ln1"), f"blocks.{block}.attn")
            wide = self._linear(self._norm(rows, f"blocks.{block}.ln2"), f"blocks.{block}.mlp.up")
            rows = rows + self._linear(functional.gelu(wide, approximate="tanh"), f"blocks.{block}.mlp.down")
        return rows

    def _attention(self, rows: Tensor, name: str) -> Tensor:
        contexts, places, width = rows.shape
        split = self._linear(rows, f"{name}.qkv").view(contexts, places, 3, width // HEAD, HEAD)
        query, key, value = split.permute(2, 0, 3, 1, 4)
        mixed = functional.scaled_dot_product_attention(query, key, value, is_causal=True)
        return self._linear(mixed.transpose(1, 2).reshape(contexts, places, width), f"{name}.out")

    def _linear(self, rows: Tensor, name: str) -> Tensor:
        return rows @ self.at[f"{name}.weight"].T + self.at[f"{name}.bias"]

    def _norm(self, rows: Tensor, name: str) -> Tensor:
        return functional.layer_norm(rows, (self.width,), self.at[f"{name}.weight"], self.at[f"{name}.bias"], EPS)


def noise(seed: int, place: int, tokens: int) -> NDArray[np.float64]:
    """(tokens,): Gumbel noise that a text of that seed has at that place, the same in the page. The token whose
    logit / temperature + noise is largest is a draw from the model; a text that is steered meets the same noise."""
    start = _mixed(_mixed(np.array([seed], np.uint32) + np.uint32(0x9E3779B9)) + np.uint32(place))
    uniform = (_mixed(start + np.arange(tokens, dtype=np.uint32)) + 0.5) / 2**32
    found: NDArray[np.float64] = -np.log(-np.log(uniform))
    return found


def _mixed(whole: NDArray[Any]) -> NDArray[Any]:
    """The last step of MurmurHash3."""
    whole = (whole ^ whole >> np.uint32(16)) * np.uint32(0x85EBCA6B)
    whole = (whole ^ whole >> np.uint32(13)) * np.uint32(0xC2B2AE35)
    found: NDArray[Any] = whole ^ whole >> np.uint32(16)
    return found


def written(
    model: PageModel, ids: list[int], count: int, temperature: float, seed: int, clamp: tuple[int, float] | None = None
) -> list[int]:
    """`ids` and up to `count` tokens that the model writes behind them, as far as its places go."""
    found = list(ids)
    with torch.no_grad():
        for _ in range(min(count, model.manifest["model"]["places"] - len(ids))):
            rows = model.read(torch.tensor([found]))
            rows = model.clamped(rows, *clamp) if clamp else rows
            logits = model.go_on(rows)[0, -1].double().numpy()
            found.append(int(np.argmax(logits / temperature + noise(seed, len(found), len(logits)))))
    return found

"""A block of a small transformer, pre-norm as in GPT-2: x += attention(layernorm(x)), x += mlp(layernorm(x)).

Heads are 32 wide. Names of tensors are those of the modules: `ln1.weight`, `attn.qkv.weight` (rows of all queries,
then keys, then values, head by head), `attn.out.weight`, `mlp.up.weight`, ...; linear weights are (out, in).
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

HEAD = 32
EPS = 1e-5


def dropped(x: Float[Tensor, "*shape"], share: float, training: bool) -> Float[Tensor, "*shape"]:
    """While training, `x` with a share of its numbers, in steps of 1/256, set to 0, and the others scaled up for it.

    A random byte decides each number: torch's own dropout on a CPU takes a tenth of the time that a step takes.
    """
    of_256 = round(256 * share)
    if not training or not of_256:
        return x
    # eight bytes a draw; torch's random stream, as its dropout would use
    chance = torch.empty(-(-x.numel() // 8), dtype=torch.int64).random_(-(2**63), None).view(torch.uint8)
    kept = chance[: x.numel()].view(x.shape) >= of_256
    return x * kept * (256 / (256 - of_256))


class Attention(nn.Module):
    """Causal attention: a place sees itself and those before it."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)

    def forward(self, x: Float[Tensor, "contexts places width"]) -> Float[Tensor, "contexts places width"]:
        """Scores are divided by sqrt(32)."""
        contexts, places, width = x.shape
        q, k, v = self.qkv(x).view(contexts, places, 3, width // HEAD, HEAD).permute(2, 0, 3, 1, 4)
        # written out, since torch's fused attention takes twice as long on a CPU in bfloat16, and as long in float32
        later = torch.full((places, places), -torch.inf, dtype=q.dtype).triu(1)
        scores = (q * HEAD**-0.5) @ k.transpose(-1, -2) + later
        mixed = scores.softmax(-1, dtype=q.dtype) @ v
        out: Tensor = self.out(mixed.transpose(1, 2).reshape(contexts, places, width))
        return out


class Feedforward(nn.Module):
    """Four times as wide inside, with the GELU that is written with tanh."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.up = nn.Linear(width, 4 * width)
        self.down = nn.Linear(4 * width, width)

    def forward(self, x: Float[Tensor, "... width"]) -> Float[Tensor, "... width"]:
        """down(gelu(up(x)))."""
        out: Tensor = self.down(functional.gelu(self.up(x), approximate="tanh"))
        return out


class Block(nn.Module):
    """See the module's docstring. `dropout`: the share of what each half adds that is left out, in training only."""

    def __init__(self, width: int, dropout: float) -> None:
        super().__init__()
        self.ln1, self.attn = nn.LayerNorm(width, EPS), Attention(width)
        self.ln2, self.mlp = nn.LayerNorm(width, EPS), Feedforward(width)
        self.dropout = dropout

    def forward(self, x: Float[Tensor, "contexts places width"]) -> Float[Tensor, "contexts places width"]:
        """The residual stream after the block."""
        x = x + dropped(self.attn(self.ln1(x)), self.dropout, self.training)
        return x + dropped(self.mlp(self.ln2(x)), self.dropout, self.training)

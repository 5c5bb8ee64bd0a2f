"""Union, a tiny language model of our own, in plain torch: 4 blocks of width 192, 2.2M parameters.

It reads tokens of the tokeniser `union` (2,048 of them). logits = layernorm(x) E^T, E being the token embedding, and x
the residual stream: E and learned positions, then blocks (`_transformer`). Hooks are after each block.

A context is (places,) token ids. What it says of itself, and how good its text is, stands in data/language/union.
"""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Float, Int, Shaped
from torch import Tensor, nn
from torch.nn import functional

from analysis.run.hosts._followed import Checkpoints
from analysis.run.hosts._host import check_hook
from analysis.run.hosts._pretrained import Pretrained, checkpoints, pretrained
from analysis.run.hosts._train_language import Recipe, train
from analysis.run.hosts._transformer import EPS, HEAD, Block, dropped
from analysis.run.text import tokenisers
from sae.errors import ConfigError, DataError, InputError
from sae.seeding import stream
from sae.values import real, whole

VOCABULARY = 2048
# Standard deviation of weights as they are drawn; of those that write to the residual stream less, as in GPT-2.
STD = 0.02
# Beyond these a typing error would be trained for days, or fill the memory.
MAX_LAYERS, MAX_WIDTH, MAX_CONTEXT, MAX_EPOCHS, MAX_BATCH = 48, 4096, 4096, 10_000, 65_536
# Contexts that are read at once.
AT_ONCE = 64


class Union(nn.Module):
    """See the module's docstring. Initialised and trained from `seed` alone.

    `context`: places it has positions for; examples may be shorter. `epochs` 0 leaves it as it was drawn. `lr`,
    `batch` (contexts a step) and `dropout` are of its training. `weights`: a safetensors file with a manifest beside
    it, below the project; `fit` then reads that file instead of training, so that the untrained control stays one.
    Raises ConfigError for an option, DataError for a file that is not what its manifest says.
    """

    tokeniser = "union"

    def __init__(
        self,
        shape: tuple[int, ...],
        n_classes: int,
        seed: int,
        *,
        layers: int = 4,
        width: int = 192,
        context: int = 256,
        epochs: int = 6,
        lr: float = 2e-3,
        batch: int = 16,
        dropout: float = 0.1,
        weights: str = "",
    ) -> None:
        super().__init__()
        for name, value, least, most in (
            ("layers", layers, 1, MAX_LAYERS),
            ("width", width, HEAD, MAX_WIDTH),
            ("context", context, 2, MAX_CONTEXT),
            ("epochs", epochs, 0, MAX_EPOCHS),
            ("batch", batch, 1, MAX_BATCH),
        ):
            whole(f"host option {name}", value, least, most)
        if width % HEAD:
            raise ConfigError(f"host option width = {width}: must be a multiple of {HEAD}, the width of a head")
        real("host option lr", lr, above=0)
        real("host option dropout", dropout, least=0, below=1)
        if len(shape) != 1 or not 2 <= shape[0] <= context:
            raise ConfigError(
                f"the host union reads contexts of 2 to {context} token ids; these examples are of shape {shape}: "
                f"choose a shorter `context` of the data set, or a longer one of the host"
            )
        self.places, self.seed, self.epochs = shape[0], seed, epochs
        self.recipe = Recipe(epochs, lr, batch, dropout)
        self.pretrained: Pretrained | None = None
        if weights:
            self.pretrained = pretrained(weights, self.tokeniser, layers=layers, width=width, context=context)
        self.embed = nn.Parameter(torch.empty(VOCABULARY, width))
        self.positions = nn.Parameter(torch.empty(context, width))
        self.blocks = nn.ModuleList(Block(width, dropout) for _ in range(layers))
        self.ln = nn.LayerNorm(width, EPS)
        self.dropout = dropout
        self._draw()
        self.eval()

    @torch.no_grad()
    def _draw(self) -> None:
        draw = stream(self.seed, "host")
        residual = STD / (2 * len(self.blocks)) ** 0.5
        for name, value in self.named_parameters():
            if value.dim() == 2:
                value.normal_(0, residual if ".out." in name or ".down." in name else STD, generator=draw)
            elif name.endswith("bias"):
                value.zero_()

    def check_tokeniser(self, name: str, fingerprint: str) -> None:
        """Raises DataError where a data set's tokeniser, whose file has this sha256, is not `union`."""
        own = tokenisers.fingerprint(self.tokeniser)
        if fingerprint != own:
            raise DataError(
                f"the data set's tokens are of the tokeniser {name!r}, and the host union reads those of its own: a "
                f"tokeniser of another model; give the data set tokeniser = {self.tokeniser!r}"
            )

    def hooks(self) -> dict[str, int]:
        """`blocks.N.hook_resid_post`, the residual stream after block N."""
        return {f"blocks.{number}.hook_resid_post": self.embed.shape[1] for number in range(len(self.blocks))}

    def forward(
        self, contexts: Int[Tensor, "contexts places"]
    ) -> Float[Tensor, "contexts places {self.embed.shape[0]}"]:
        """The logits of the token after each place."""
        return self._end(self._run(self._start(contexts), 0, len(self.blocks)))

    def _start(self, contexts: Tensor) -> Tensor:
        if contexts.shape[1] > len(self.positions):
            raise InputError(f"contexts of {contexts.shape[1]} places; the host union has {len(self.positions)}")
        x = functional.embedding(contexts, self.embed) + self.positions[: contexts.shape[1]]
        return dropped(x, self.dropout, self.training)

    def _run(self, x: Tensor, first: int, last: int) -> Tensor:
        """Blocks first..last-1."""
        for number in range(first, last):
            x = self.blocks[number](x)
        return x

    def _end(self, x: Tensor) -> Tensor:
        logits: Tensor = self.ln(x) @ self.embed.T
        return logits

    def _after(self, hook: str) -> int:
        """How many blocks have run at `hook`."""
        check_hook(hook, self)
        return list(self.hooks()).index(hook) + 1

    @torch.no_grad()
    def read(self, contexts: Int[Tensor, "contexts places"], hook: str) -> Float[Tensor, "contexts places width"]:
        """The residual stream at `hook`."""
        last = self._after(hook)
        _check_ids(contexts)
        return torch.cat([self._run(self._start(part), 0, last) for part in torch.split(contexts, AT_ONCE)])

    def embeddings(self) -> Float[Tensor, "vocabulary width"]:
        """That of each token, without its place."""
        return self.embed.detach()

    def read_embedded(
        self, tokens: Int[Tensor, " places"], embedded: Float[Tensor, "contexts places width"], hook: str
    ) -> Float[Tensor, "contexts places width"]:
        """`read` of these embeddings, whatever the tokens; differentiable in them."""
        x = embedded + self.positions.detach()[: embedded.shape[1]]
        return self._run(x, 0, self._after(hook))

    def go_on(
        self,
        contexts: Int[Tensor, "contexts places"],
        activations: Float[Tensor, "contexts places width"],
        hook: str,
    ) -> Float[Tensor, "contexts places vocabulary"]:
        """The logits with `activations` in place of its own at `hook`, differentiable in them."""
        return self._end(self._run(activations, self._after(hook), len(self.blocks)))

    def activations(self, examples: Int[Tensor, "rows places"], hook: str) -> Float[Tensor, "tokens width"]:
        """`read`, a row for each token: of context c and place p it is row c * places + p."""
        return self.read(examples, hook).flatten(0, 1)

    def forward_to(self, examples: Int[Tensor, "rows places"], hook: str) -> Float[Tensor, "tokens width"]:
        """As `activations`, differentiable in the weights; ids are no numbers to take a gradient in."""
        last = self._after(hook)
        _check_ids(examples)
        return self._run(self._start(examples), 0, last).flatten(0, 1)

    def forward_from(self, activations: Float[Tensor, "tokens width"], hook: str) -> Float[Tensor, "tokens vocabulary"]:
        """The logits after each token, from `hook` on, differentiable. Rows are those of whole contexts, in order;
        raises InputError for others, since a token depends on those before it."""
        if len(activations) % self.places:
            raise InputError(f"{len(activations)} rows are no whole contexts of {self.places} places")
        x = activations.view(-1, self.places, activations.shape[1])
        return self._end(self._run(x, self._after(hook), len(self.blocks))).flatten(0, 1)

    @torch.no_grad()
    def logits_from(self, activations: Float[Tensor, "tokens width"], hook: str) -> Float[Tensor, "tokens vocabulary"]:
        """`forward_from`."""
        return self.forward_from(activations, hook)

    def notes(self) -> dict[str, Any]:
        """Where the weights come from, if they were read."""
        if self.pretrained is None:
            return {}
        kept = ("sha256", "commit", "date", "tokens")
        return {"pretrained": {name: self.pretrained.said[name] for name in kept if name in self.pretrained.said}}

    def checkpoints(self) -> list[Checkpoints]:
        """What is kept of the training of `weights`; empty for weights that are trained or drawn here."""
        if self.pretrained is None:
            return []
        return checkpoints(self.pretrained.path, layers=len(self.blocks), width=self.embed.shape[1])

    def fit(self, examples: Shaped[Tensor, "rows places"], labels: Int[Tensor, " rows"] | None) -> None:
        """Train on contexts of token ids, or read `weights`. Raises DataError for what are no ids of its tokens."""
        if self.pretrained is not None:
            self.load_state_dict(self.pretrained.read(self.state_dict()))
            return
        if not self.epochs:
            return
        _check_ids(examples)
        train(self, lambda epoch: examples, self.recipe, self.seed)


def _check_ids(contexts: Tensor) -> None:
    """Raises DataError for what are no ids of the tokeniser `union`."""
    if contexts.is_floating_point() or contexts.dtype == torch.bool:
        raise DataError(f"the host union reads token ids, whole numbers; these are {contexts.dtype}")
    if not contexts.numel():
        return
    least, most = int(contexts.min()), int(contexts.max())
    if least < 0 or most >= VOCABULARY:
        wrong = least if least < 0 else most
        raise DataError(
            f"token id {wrong}: the tokeniser union has the ids 0 to {VOCABULARY - 1}; the host union reads no other "
            "tokeniser's (`tokeniser` among the options of the data set)"
        )

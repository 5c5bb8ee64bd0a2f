"""A small multi-layer perceptron: pixels -> 256 -> 128 -> classes, ReLU between. Hooks are after each ReLU.

Images may be grey or in colour and of any size. Without labels it learns to give back its own pixels.

The default hook of the digits experiment is `hidden1`, the 256-wide layer: there an SAE of k = 16 leaves about half
of the variance that PCA of rank 16 leaves, while on the 128-wide `hidden2` PCA is as good (see docs/decisions).
"""

from __future__ import annotations

import itertools
import math

import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor, nn

from analysis.run.hosts._host import as_pixels, check_hook
from sae.errors import ConfigError, DataError
from sae.optimisers import AdamW
from sae.seeding import stream

BATCH = 128
# Images are shifted by up to this share of their shorter side while it trains: 2 of 28 pixels.
SHIFT = 1 / 14
# Beyond these a typing error would be trained for days, or fill the memory.
MAX_EPOCHS, MAX_HIDDEN = 10_000, 65_536


class Mlp(nn.Module):
    """See the module's docstring. Initialised and trained from `seed` alone.

    `epochs` 0 leaves it as it was drawn: a random network, that a tower can be judged on with floors of its own.
    `shift`: the most pixels by which a batch is shifted in training, each way; None: a fourteenth of the shorter side.
    """

    def __init__(
        self,
        shape: tuple[int, ...],
        n_classes: int,
        seed: int,
        *,
        hidden1: int = 256,
        hidden2: int = 128,
        epochs: int = 12,
        lr: float = 4e-3,
        shift: int | None = None,
    ) -> None:
        super().__init__()
        for name, value in (("hidden1", hidden1), ("hidden2", hidden2), ("epochs", epochs)):
            least, most = (0, MAX_EPOCHS) if name == "epochs" else (1, MAX_HIDDEN)
            if type(value) is not int or not least <= value <= most:
                raise ConfigError(
                    f"host option {name} = {value!r}: must be a whole number of at least {least} and at most {most}"
                )
        if isinstance(lr, bool) or not isinstance(lr, int | float) or not 0 < lr < math.inf:
            raise ConfigError(f"host option lr = {lr!r}: must be a number above 0")
        if len(shape) not in (2, 3):
            raise ConfigError(f"the host mlp reads images, (height, width) or (height, width, 3); these are {shape}")
        if shift is not None and (type(shift) is not int or not 0 <= shift <= min(shape[:2]) // 2):
            raise ConfigError(
                f"host option shift = {shift!r}: must be a whole number of pixels, at most {min(shape[:2]) // 2}, half "
                f"of the shorter side of images of {shape[0]} x {shape[1]}"
            )
        self.shift = round(SHIFT * min(shape[:2])) if shift is None else shift
        self.widths = {"hidden1": hidden1, "hidden2": hidden2}
        self.seed, self.epochs, self.lr = seed, epochs, lr
        pixels = math.prod(shape)
        sizes = [pixels, hidden1, hidden2, n_classes or pixels]
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in itertools.pairwise(sizes))
        draw = stream(seed, "host")
        with torch.no_grad():
            for parameter in self.parameters():
                # torch's own default for both weight and bias of a linear layer: 1 / sqrt(inputs)
                if parameter.dim() == 2:
                    bound = parameter.shape[1] ** -0.5
                parameter.uniform_(-bound, bound, generator=draw)

    def hooks(self) -> dict[str, int]:
        """`hidden1` and `hidden2`, after their ReLU."""
        return dict(self.widths)

    def _run(self, rows: Tensor, first: int, last: int) -> Tensor:
        """Layers first..last-1, with a ReLU after all but the output layer."""
        for number in range(first, last):
            rows = self.layers[number](rows)
            if number < len(self.layers) - 1:
                rows = torch.relu(rows)
        return rows

    def forward_to(self, pixels: Float[Tensor, "rows ..."], hook: str) -> Float[Tensor, "rows width"]:
        """Activations after the ReLU of `hook`, differentiable."""
        check_hook(hook, self)
        return self._run(pixels.flatten(1), 0, list(self.widths).index(hook) + 1)

    def forward_from(self, activations: Float[Tensor, "rows width"], hook: str) -> Float[Tensor, "rows n_classes"]:
        """The rest of the network, from `hook` on, differentiable."""
        check_hook(hook, self)
        return self._run(activations, list(self.widths).index(hook) + 1, len(self.layers))

    @torch.no_grad()
    def activations(self, images: UInt8[Tensor, "rows ..."], hook: str) -> Float[Tensor, "rows width"]:
        """Activations after the ReLU of `hook`."""
        return self.forward_to(as_pixels(images), hook)

    @torch.no_grad()
    def logits_from(self, activations: Float[Tensor, "rows width"], hook: str) -> Float[Tensor, "rows n_classes"]:
        """The rest of the network, from `hook` on."""
        return self.forward_from(activations, hook)

    def fit(self, images: UInt8[Tensor, "rows ..."], labels: Int[Tensor, " rows"] | None) -> None:
        """Cross-entropy (without labels: squared error of the pixels) with AdamW on a one-cycle schedule; each batch is
        shifted by up to `shift` pixels. Raises DataError for fewer images than a batch.

        A shift of 2 is worth about one point of held-out accuracy on 8,000 digits and costs nothing.
        """
        if not self.epochs:
            return
        if len(images) < BATCH:
            raise DataError(f"{len(images)} images to train the host on: needs at least {BATCH}")
        draw = stream(self.seed, "host training")
        steps = self.epochs * (len(images) // BATCH)
        optimiser = AdamW(self.parameters(), lr=self.lr, weight_decay=0.05)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, self.lr, total_steps=steps)
        for _ in range(self.epochs):
            order = torch.randperm(len(images), generator=draw)
            for start in range(0, len(images) - BATCH + 1, BATCH):
                chosen = order[start : start + BATCH]
                shift = torch.randint(-self.shift, self.shift + 1, (2,), generator=draw).tolist()
                rows = as_pixels(torch.roll(images[chosen], shift, (1, 2))).flatten(1)
                answer = self._run(rows, 0, len(self.layers))
                if labels is None:
                    loss = nn.functional.mse_loss(answer, rows)
                else:
                    loss = nn.functional.cross_entropy(answer, labels[chosen])
                optimiser.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]  # torch's own gap
                optimiser.step()
                schedule.step()

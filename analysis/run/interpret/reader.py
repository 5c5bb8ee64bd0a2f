"""The reader: a small convolutional network that says which class the images shown for a latent look like.

It shares nothing with the host (neither layers nor random numbers), so its word on what an image shows is a second
opinion. On the 2,000 held-out digits it is right on 99.00, 98.95 and 98.80% (seeds 0 to 2) after 7 s on one thread.
The first layer reads blocks of 2 x 2 pixels as channels, and pooling stands before norm and ReLU: that halves the time
of a step. Images may be grey or in colour and of any size: what does not halve gets a rim of 0, and large ones are
read at a fraction of their size.

Fashion-MNIST gets as many steps, less than one epoch: 88.7, 88.9 and 89.2% of its 10,000 held-out images.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor, nn
from torch.nn import functional

from analysis.run.hosts._host import as_pixels
from sae.errors import ConfigError, DataError
from sae.optimisers import AdamW
from sae.seeding import stream

BATCH = 64
READ_BATCH = 500
CHANNELS = (16, 32, 64)
LR, WEIGHT_DECAY, SMOOTHING = 0.02, 0.05, 0.05
SHIFT, TURN, SCALE, SHEAR = 1.0, 0.12, 0.08, 0.1  # at most: pixels of SIDE, radians, share, share
SIDE = 28
SMALLEST, LARGEST = 8, 64  # pixels of a side as it is read: three times halved, and not slower than it is worth
DISTORTED = 0.7
MIN_STEPS, MAX_STEPS = 10, 1_000_000


class Reader(nn.Module):
    """See the module's docstring. Initialised and trained from `seed` alone; torch's global generator is not used.

    `steps` is the number of optimiser steps, so time does not depend on the number of images. Raises ConfigError when
    it is not a whole number in 10..1,000,000, or `image_shape` is neither (h, w) nor (h, w, 3).
    """

    def __init__(self, image_shape: tuple[int, ...], n_classes: int, seed: int, *, steps: int = 800) -> None:
        super().__init__()
        if type(steps) is not int or not MIN_STEPS <= steps <= MAX_STEPS:
            raise ConfigError(
                f"reader option steps = {steps!r}: must be a whole number of at least {MIN_STEPS} and at most "
                f"{MAX_STEPS}"
            )
        if len(image_shape) not in (2, 3) or min(image_shape) < 1:
            raise ConfigError(f"images of {image_shape} for the reader: must be (height, width) or (height, width, 3)")
        self.image_shape, self.n_classes, self.seed, self.steps = image_shape, n_classes, seed, steps
        self.channels = 1 if len(image_shape) == 2 else image_shape[2]
        self.part = -(-max(image_shape[:2]) // LARGEST)
        sides = [-(-side // self.part) for side in image_shape[:2]]
        self.sides = tuple(max(SMALLEST, side + side % 2) for side in sides)
        with torch.device("meta"):  # layers draw their weights when they are made: here that is nothing
            pairs = itertools.pairwise((4 * self.channels, *CHANNELS))
            self.convolutions = nn.ModuleList(nn.Conv2d(a, b, 3, padding=1, bias=False) for a, b in pairs)
            self.head = nn.Linear(CHANNELS[-1] * (self.sides[0] // 8) * (self.sides[1] // 8), n_classes)
        for layer in (*self.convolutions, self.head):  # `to_empty` does it by way of what compiles: seconds of imports
            for name, parameter in layer.named_parameters():
                setattr(layer, name, nn.Parameter(torch.empty(parameter.shape, device="cpu")))
        self.norms = nn.ModuleList(nn.BatchNorm2d(width) for width in CHANNELS)  # constants, nothing drawn
        draw = stream(seed, "reader", "weights")
        with torch.no_grad():
            for layer in (*self.convolutions, self.head):
                bound = layer.weight[0].numel() ** -0.5  # torch's own default: 1 / sqrt(inputs)
                for parameter in layer.parameters():
                    parameter.uniform_(-bound, bound, generator=draw)

    def _planes(self, pixels: Float[Tensor, "rows ..."]) -> Float[Tensor, "rows c h w"]:
        """Pixels as the layers read them."""
        planes = pixels[:, None] if pixels.ndim == 3 else pixels.movedim(-1, 1)
        if self.part > 1:
            planes = functional.avg_pool2d(planes, self.part, ceil_mode=True)
        down, across = self.sides[0] - planes.shape[2], self.sides[1] - planes.shape[3]
        return functional.pad(planes, (0, across, 0, down)) if down or across else planes

    def forward(self, pixels: Float[Tensor, "rows ..."]) -> Float[Tensor, "rows n_classes"]:
        """Logits for pixels in 0..1, differentiable."""
        rows = functional.pixel_unshuffle(self._planes(pixels), 2)
        # the activations' layout alone makes the layers work in channels_last; weights stay as safetensors wants them
        rows = rows.contiguous(memory_format=torch.channels_last)
        for number, (convolution, norm) in enumerate(zip(self.convolutions, self.norms, strict=True)):
            rows = convolution(rows)
            rows = torch.relu(norm(functional.max_pool2d(rows, 2) if number else rows))
        logits: Tensor = self.head(rows.flatten(1))
        return logits

    @torch.no_grad()
    def probabilities(self, pixels: Float[Tensor, "rows ..."]) -> Float[Tensor, "rows n_classes"]:
        """The probability of each class, for pixels in 0..1. Puts the reader into eval mode.

        Trained with smoothed labels, it gives the class of a clear image about 0.96: less than 1 is not doubt.
        """
        self.eval()
        if not len(pixels):  # torch's layers refuse a batch without rows
            return torch.zeros(0, self.n_classes)
        return torch.cat([self(part).softmax(1) for part in torch.split(pixels, READ_BATCH)])

    def fit(self, images: UInt8[Tensor, "rows ..."], labels: Int[Tensor, " rows"]) -> None:
        """Cross-entropy with AdamW on a one-cycle schedule. Raises DataError for fewer images than a batch (64).

        The last 30% of the steps see the images undistorted, which is worth most of a point on Fashion-MNIST and
        nothing on digits. Another number of threads adds up in another order: other weights, as good ones.
        """
        if len(images) < BATCH:
            raise DataError(f"{len(images)} images to train the reader on: needs at least {BATCH}")
        draw = stream(self.seed, "reader", "training")
        optimiser = AdamW(self.parameters(), lr=LR, weight_decay=WEIGHT_DECAY, fused=True)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, LR, total_steps=self.steps)
        self.train()
        order = torch.empty(0, dtype=torch.long)
        for step in range(self.steps):
            if len(order) < BATCH:
                order = torch.randperm(len(images), generator=draw)
            chosen, order = order[:BATCH], order[BATCH:]
            rows = as_pixels(images[chosen])
            if step < DISTORTED * self.steps:
                rows = distorted(rows, draw)
            loss = functional.cross_entropy(self(rows), labels[chosen].long(), label_smoothing=SMOOTHING)
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]  # torch's own gap
            optimiser.step()
            schedule.step()
        self.eval()


def distorted(pixels: Float[Tensor, "rows ..."], draw: torch.Generator) -> Float[Tensor, "rows ..."]:
    """Each image shifted, turned, scaled and sheared by amounts of its own; what comes in from outside is 0."""
    limits = torch.tensor([SHIFT * 2 / SIDE, SHIFT * 2 / SIDE, TURN, SCALE, SHEAR])
    across, down, turn, scale, shear = (torch.rand(len(pixels), 5, generator=draw) * 2 - 1).mul(limits).unbind(1)
    cos, sin = (1 + scale) * turn.cos(), (1 + scale) * turn.sin()
    maps = torch.stack([cos, shear - sin, across, sin, cos, down], dim=1).view(-1, 2, 3)
    images = pixels[:, None] if pixels.ndim == 3 else pixels.movedim(-1, 1)
    grid = functional.affine_grid(maps, list(images.shape), align_corners=False)
    moved = functional.grid_sample(images, grid, align_corners=False)
    return moved[:, 0] if pixels.ndim == 3 else moved.movedim(1, -1)


@dataclass(frozen=True)
class Majority:
    """What most images of each latent were read as."""

    classes: Int[Tensor, " latents"]
    """The most frequent class, the smallest of several; -1 for a latent without images."""
    share: Float[Tensor, " latents"]
    """The share of its images, in 0..1, that were read as that class; NaN for a latent without images."""


def majority(classes: Int[Tensor, "latents images"], n_classes: int) -> Majority:
    """The most frequent class per latent, and how frequent it is. Entries of -1 are padding and do not count."""
    counts = functional.one_hot(classes.long() + 1, n_classes + 1)[..., 1:].sum(1)  # column 0 is the padding
    total = counts.sum(1)
    return Majority(torch.where(total > 0, counts.argmax(1), -1), counts.amax(1) / total)

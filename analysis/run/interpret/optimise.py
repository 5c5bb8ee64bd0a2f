"""Three pictures of a latent: an image that drives it high, the mean of what drives it, and what it stands for.

`optimise`         gradient ascent on the image (activation maximisation; Olah et al. 2017, "Feature Visualization")
`mean_images`      real images, weighted by the latent's activation
`ablation_images`  the pixels behind the latent's part of the host's state, to first order
What is said of an optimised image is always read off the stored uint8 image, by the path that real images take.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

import torch
from jaxtyping import Bool, Float, Int, UInt8
from torch import Tensor

from analysis.run.hosts._host import Host, as_pixels
from sae.dictionary import Dictionary
from sae.errors import ConfigError
from sae.layer import Layer
from sae.tower import Tower

# The root mean square of an image's pixels is at most this, or its start's where that is more. Without a bound images
# are black and white all over, with nothing to read. Digits have .33, one in ten above .41. A bound and no penalty:
# whatever image on the way drives the latent highest may be the one that is kept.
LIGHT = 0.4
# The gradient is blurred by a Gaussian of so many pixels of 28: strokes and no speckle. A penalty on total variation
# costs as much activation and leaves grey plains where this leaves a dark ground.
BLUR = 1.0
# A pixel is worth this share of the gradient's length or goes dark; of 28 x 28 pixels, the usual one is worth 1/28.
# In images of another size, or with more channels, the share is as much smaller or larger as that is.
INK = 0.01
# The host sees the image shifted by up to SHIFT pixels of 28 and scaled by up to SCALE, so that no picture hangs on
# single pixels. Both fall to 0; the last part of the steps, CALM, is for the image as it will be stored.
SHIFT, SCALE, CALM = 2.0, 0.1, 0.25
# The first step's length as a share of the longest image, falling to 0, and how much of the last step goes on. Only
# the gradient's direction counts: its length jumps whenever a latent below goes in or out. Adam gets as far as this.
STEP, MOMENTUM = 0.3, 0.8
# So often is the image tried as it would be stored. One that has lost this share of the best, or no longer makes its
# latent enter, goes back to the best and on with steps half as long: through sparse layers the way up can be narrow.
EVERY, SLACK = 8, 0.2
# The side that lengths above are counted in.
SIDE = 28
# Images at a time: some 40 MB.
CHUNK = 512


@dataclass(frozen=True)
class Optimised:
    """Images and what they do, in the units of the latents' SAE (neurons: of the host)."""

    images: UInt8[Tensor, "latents ..."]
    pre: Float[Tensor, " latents"]
    """Before anything is cut; for neurons what `forward_to` gives."""
    activation: Float[Tensor, " latents"]
    """The code: 0 where the latent does not enter."""
    enters: Bool[Tensor, " latents"]

    def where(self, mask: Bool[Tensor, " latents"], other: Optimised) -> Optimised:
        """These where `mask` says so, `other` elsewhere."""
        images = torch.where(over(mask, self.images), self.images, other.images)
        numbers = ((self.pre, other.pre), (self.activation, other.activation), (self.enters, other.enters))
        return Optimised(images, *(torch.where(mask, one, two) for one, two in numbers))


def optimise(
    host: Host,
    hook: str,
    tower: Tower | None,
    depth: int,
    latents: Int[Tensor, " latents"],
    start: Float[Tensor, "latents ..."],
    generator: torch.Generator,
    *,
    steps: int = 64,
) -> Optimised:
    """Images that drive latents of `depth` of a `latents` tower high; depth 0: neurons of the hook, `tower` unused.

    `start`: pixels in 0..1. Best is the real image that drives a latent most: latents below that are not active pass
    no gradient on, so that from a depth of 2 on a search from noise finds little, while from there every latent that
    ever fires enters, and no less than on that image. Kept is what has the highest pre-activation among what enters.
    All latents see the same shifts and scales: an image does not depend on which other latents are asked for.

    Raises ConfigError for a depth that the tower does not have, for depths above 1 of the directions kind, whose SAEs
    read no images, and for an SAE without `pre_activations`.
    """
    path = _Path(host, hook, _layers(tower, depth))
    draws = 2 * torch.rand(steps, 3, generator=generator) - 1
    chunks = zip(torch.split(latents, CHUNK), torch.split(start, CHUNK), strict=True)
    parts = [path.climb(some, begin, draws) for some, begin in chunks]
    return Optimised(*(torch.cat([getattr(part, field.name) for part in parts]) for field in fields(Optimised)))


def scored(
    host: Host, hook: str, tower: Tower | None, depth: int, latents: Int[Tensor, " latents"],
    images: UInt8[Tensor, "latents ..."],
) -> Optimised:  # fmt: skip
    """What given images do to latents of `depth`, one image a latent: such as pictures that have been stored."""
    path = _Path(host, hook, _layers(tower, depth))
    chunks = zip(torch.split(latents, CHUNK), torch.split(as_pixels(images), CHUNK), strict=True)
    parts = [path.score(some, pixels) for some, pixels in chunks]
    return Optimised(*(torch.cat([getattr(part, field.name) for part in parts]) for field in fields(Optimised)))


@dataclass(frozen=True)
class _Path:
    """The way from an image to the latents of the last of `layers`, or to neurons if there is none."""

    host: Host
    hook: str
    layers: tuple[Layer, ...]

    def climb(self, latents: Tensor, start: Tensor, draws: Tensor) -> Optimised:
        """As many steps as there are draws of (shift down, shift right, scale), each in -1..1."""
        best, pixels = self.score(latents, start), _planes(start)
        speed = torch.zeros_like(pixels)
        stride = over(torch.full((len(start),), STEP), start)
        numbers = math.prod(pixels.shape[1:]) ** 0.5
        longest = _lengths(pixels).clamp(min=LIGHT * numbers)
        ink = INK * (SIDE / numbers)
        high, wide = pixels.shape[-2:]
        blurs = [_blur(size) for size in (high, wide)]
        # the gradient of the pre-activation in the row that the latent reads; encoders are linear
        if self.layers:
            wanted = self.layers[-1].sae.encoder_directions()[latents]
        else:
            wanted = torch.nn.functional.one_hot(latents, self.host.hooks()[self.hook]).float()
        for step, draw in enumerate(draws):
            done = step / len(draws)
            down, right, scale = (draw * max(0.0, 1 - done / (1 - CALM))).tolist()
            rows = _resample(high, SHIFT * (high / SIDE) * down, 1 + SCALE * scale)
            columns = _resample(wide, SHIFT * (wide / SIDE) * right, 1 + SCALE * scale)
            seen = (rows @ pixels @ columns.T).requires_grad_()
            (uphill,) = torch.autograd.grad(self.read(_images(seen)), seen, wanted)
            uphill = (blurs[0] @ rows.T) @ uphill @ (columns @ blurs[1].T)
            speed.lerp_(uphill / _lengths(uphill) - ink, 1 - MOMENTUM)
            pixels = (pixels + stride * (1 - done) * longest * speed).clamp(0, 1)
            pixels *= (longest / _lengths(pixels)).clamp(max=1)
            if (step + 1) % EVERY == 0 or step + 1 == len(draws):
                found = self.score(latents, _images(pixels))
                lost = (best.enters & ~found.enters) | (found.pre < best.pre - SLACK * best.pre.abs())
                pixels[lost], speed[lost] = _planes(as_pixels(best.images[lost])), 0.0
                stride[lost] /= 2
                higher = (found.enters == best.enters) & (found.pre > best.pre)
                best = found.where(higher | (found.enters & ~best.enters), best)
        return best

    def read(self, pixels: Tensor) -> Tensor:
        """The normalised rows that the last SAE reads, or host rows; differentiable where latents below are active."""
        rows = self.host.forward_to(pixels, self.hook)
        for place, layer in enumerate(self.layers):
            rows = rows if place == 0 else self.layers[place - 1].sae.encode(rows).dense()
            rows = layer.normaliser.apply(rows)
        return rows

    @torch.no_grad()
    def score(self, latents: Tensor, pixels: Tensor) -> Optimised:
        """The images as they would be stored, and what they do."""
        images = (pixels * 255).round().to(torch.uint8)
        pre = rows = self.read(as_pixels(images))
        codes = torch.relu(rows)
        if self.layers and isinstance(sae := self.layers[-1].sae, Dictionary):
            pre, codes = sae.pre_activations(rows), sae.encode(rows).dense()
        each = torch.arange(len(latents))
        activation = codes[each, latents]
        return Optimised(images, pre[each, latents], activation, activation > 0)


def mean_images(
    images: UInt8[Tensor, "rows ..."], activations: Float[Tensor, "rows latents"]
) -> Float[Tensor, "latents ..."]:
    """Mean image, pixels in 0..1, weighted by the latent's activation where it is above 0; zeros if it never is."""
    weights = torch.relu(activations)
    total = torch.zeros(weights.shape[1], *images.shape[1:])
    for weight, some in zip(torch.split(weights, CHUNK), torch.split(images, CHUNK), strict=True):
        total += torch.einsum("rl,r...->l...", weight, as_pixels(some))
    fired = weights.sum(0)
    return (total / over(torch.where(fired > 0, fired, 1.0), total)).clamp(0, 1)


def ablation_images(
    host: Host,
    hook: str,
    images: UInt8[Tensor, "latents top ..."],
    activations: Float[Tensor, "latents top"],
    directions: Float[Tensor, "latents d_host"],
) -> Float[Tensor, "latents ..."]:
    """The pixels behind a latent's part of the host's state, signed: J(image)^T (activation * direction).

    J is the Jacobian of `forward_to` at the image; `directions` are in host units for an activation of 1
    (`Tower.host_map`; for neurons unit axes). The mean over those of a latent's images on which it is above 0, zeros
    if there is none. To take the latent's part out of the host, to first order, go against it.
    """
    found = torch.zeros(len(images), *images.shape[2:])
    for number in range(images.shape[1]):
        for part in torch.split(torch.arange(len(images)), CHUNK):
            pixels = as_pixels(images[part, number]).requires_grad_()
            own = torch.relu(activations[part, number])[:, None] * directions[part]
            found[part] += torch.autograd.grad(host.forward_to(pixels, hook), pixels, own)[0]
    return found / over((activations > 0).sum(1).clamp(min=1), found)


def _layers(tower: Tower | None, depth: int) -> tuple[Layer, ...]:
    """The layers up to `depth`. Raises ConfigError for what `optimise` cannot do."""
    if not 0 <= depth <= (tower.depth if tower else 0):
        raise ConfigError(f"depth {depth}: must be in 0..{tower.depth if tower else 0}, the depth of the tower")
    layers = tower.layers[:depth] if tower else ()
    if tower and depth > 1 and tower.kind != "latents":
        raise ConfigError(f"depth {depth} of a tower of kind {tower.kind}: only depth 1 of it reads what images do")
    if layers and not isinstance(layers[-1].sae, Dictionary):
        raise ConfigError(f"architecture {layers[-1].architecture}: has no pre_activations that could be driven high")
    return layers


def over(values: Tensor, images: Tensor) -> Tensor:
    """One value an image, shaped so that it meets every pixel of it."""
    return values.reshape(-1, *[1] * (images.ndim - 1))


def _planes(images: Tensor) -> Tensor:
    """Images with their channels, if they have some, before height and width."""
    return images if images.ndim == 3 else images.movedim(-1, 1)


def _images(planes: Tensor) -> Tensor:
    """`_planes` undone."""
    return planes if planes.ndim == 3 else planes.movedim(1, -1)


def _lengths(images: Tensor) -> Tensor:
    """Euclidean length of each image, (images, 1, 1) or one more, and never 0."""
    found: Tensor = torch.linalg.vector_norm(images, dim=tuple(range(1, images.ndim)), keepdim=True)
    return found.clamp(min=1e-12)


def _resample(size: int, shift: float, scale: float) -> Tensor:
    """(size, size): linear interpolation of a line that is scaled about its middle, then shifted by pixels."""
    places, middle = torch.arange(size, dtype=torch.float32), (size - 1) / 2
    source = (places - middle - shift) / scale + middle
    return (1 - (source[:, None] - places).abs()).clamp(min=0)


def _blur(size: int) -> Tensor:
    """(size, size): a Gaussian of BLUR pixels, of a side of SIDE, along a line."""
    places = torch.arange(size, dtype=torch.float32)
    weights = torch.exp(-(places[:, None] - places).square() / (2 * (BLUR * (size / SIDE)) ** 2))
    return weights / weights.sum(1, keepdim=True)

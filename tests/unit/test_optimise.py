"""Pictures of latents: optimised, mean and ablation images, on a small host of real digits."""

from __future__ import annotations

import dataclasses
from unittest.mock import Mock

import pytest
import torch
from training import ARCHITECTURES

from analysis.run.hosts._host import as_pixels
from analysis.run.hosts.mlp import Mlp
from analysis.run.interpret.optimise import ablation_images, mean_images, optimise, scored
from analysis.run.stages._load import dataset_of, images_of
from sae import discover
from sae.errors import ConfigError
from sae.layer import Layer
from sae.normaliser import Normaliser
from sae.protocol import SAE
from sae.seeding import stream
from sae.tower import Tower

HOOK = "hidden1"
WIDTH = 40


@pytest.fixture(scope="module")
def images():
    return images_of(dataset_of("digits"), "train")[0][:1000]


@pytest.fixture(scope="module")
def host():
    return Mlp((28, 28), 10, 0, hidden1=48, hidden2=16)


@pytest.fixture(scope="module")
def rows(host, images):
    return host.activations(images, HOOK)


def grow(rows, name, depth):
    """A latents tower without training: each latent is pointed at a row of its own, as a revived one is."""
    tower = Tower("latents", ())
    for number in range(depth):
        read = tower.activations(rows, number) if number else rows
        normaliser = Normaliser.fit(read)
        sae = ARCHITECTURES[name](read.shape[1], WIDTH, k=8 - 2 * number)
        sae._start(normaliser.apply(read), stream(number, "directions"))
        sae._revive(torch.arange(WIDTH), normaliser.apply(read[number * WIDTH : (number + 1) * WIDTH]))
        tower = Tower("latents", (*tower.layers, Layer(name, sae, normaliser)))
    return tower


@pytest.fixture(scope="module")
def tower(rows):
    return grow(rows, "topk", 3)


def codes_of(tower, rows, depth):
    return tower.activations(rows, depth) if depth else rows


@pytest.mark.parametrize("depth", [0, 1, 2, 3])
def test_from_its_strongest_image_every_latent_rises_and_enters(host, images, rows, tower, depth):
    codes = codes_of(tower, rows, depth)
    latents = (codes.amax(0) > 0).nonzero().flatten()
    best = codes.amax(0)[latents]
    found = optimise(host, HOOK, tower, depth, latents, as_pixels(images[codes.argmax(0)[latents]]), stream(0))
    assert len(latents) > 5
    assert found.enters.all()
    # rounding aside: a batch of other rows is summed in another order
    assert (found.activation > best * (1 - 1e-4)).all()
    assert (found.activation > best * 1.1).float().mean() > 0.8
    assert (found.pre >= found.activation - 1e-4).all()


@pytest.mark.parametrize("depth", [1, 3])
def test_a_blurred_start_is_left_behind_too(host, images, rows, tower, depth):
    codes = codes_of(tower, rows, depth)
    latents = (codes.amax(0) > 0).nonzero().flatten()
    start = mean_images(images, codes[:, latents])
    before = optimise(host, HOOK, tower, depth, latents, start, stream(0), steps=0)
    after = optimise(host, HOOK, tower, depth, latents, start, stream(0))
    assert torch.equal(before.images, (start * 255).round().byte())
    assert (after.pre >= before.pre).all() or (after.enters & ~before.enters)[after.pre < before.pre].all()
    assert (after.pre > 1.2 * before.pre).float().mean() > 0.9


@pytest.mark.parametrize("depth", [0, 1, 3])
def test_what_is_said_of_an_image_is_what_the_stored_image_does(host, tower, depth):
    width = WIDTH if depth else 48
    latents = torch.arange(width)
    start = torch.rand(width, 28, 28, generator=stream(1))
    found = optimise(host, HOOK, tower, depth, latents, start, stream(0), steps=12)
    again = codes_of(tower, host.activations(found.images, HOOK), depth).diagonal()
    torch.testing.assert_close(found.activation, again, rtol=1e-4, atol=1e-4)
    assert torch.equal(found.enters, found.activation > 0)
    told = scored(host, HOOK, tower, depth, latents, found.images)
    assert torch.equal(told.enters, found.enters) and torch.allclose(told.activation, found.activation)
    darker = scored(host, HOOK, tower, depth, latents, found.images // 8)
    assert darker.pre.mean() < found.pre.mean(), "other pictures, other numbers"


@pytest.mark.parametrize("name", discover.names("sae.architectures"))
def test_every_architecture(host, images, rows, name):
    tower = grow(rows, name, 2)
    for depth in (1, 2):
        codes = tower.activations(rows, depth)
        latents = torch.arange(WIDTH)
        start = as_pixels(images[codes.argmax(0)])
        found = optimise(host, HOOK, tower, depth, latents, start, stream(0), steps=24)
        live = codes.amax(0) > 0
        assert found.pre.isfinite().all()
        assert found.enters[live].all()
        assert (found.activation > codes.amax(0))[live].float().mean() > 0.6
        again = tower.activations(host.activations(found.images, HOOK), depth).diagonal()
        torch.testing.assert_close(found.activation, again, rtol=1e-4, atol=1e-4)


def test_a_neuron_gets_the_image_of_its_weights():
    """Bright where the weight is positive and dark elsewhere, but for a line between them; no axes are mixed up."""
    host = Mlp((24, 30), 2, 0, hidden1=2)
    weights, inside = -torch.ones(2, 24, 30), torch.zeros(2, 24, 30, dtype=torch.bool)
    weights[0, 2:8, 3:19] = weights[1, 8:21, 20:27] = 1.0
    inside[0, 3:7, 4:18] = inside[1, 9:20, 21:26] = True
    with torch.no_grad():
        host.layers[0].weight.copy_(weights.flatten(1))
        host.layers[0].bias.fill_(0.5)
    found = optimise(host, HOOK, None, 0, torch.arange(2), 0.3 * (weights > 0), stream(0))
    assert found.images[inside].float().mean() > 240
    assert (found.images[weights < 0] < 10).all()
    assert (found.pre > 0.7 * (weights > 0).sum((1, 2))).all()


def test_an_image_stays_within_its_light(host, tower):
    start = torch.stack([torch.full((28, 28), 0.9), torch.zeros(28, 28)])
    found = optimise(host, HOOK, tower, 1, torch.tensor([0, 1]), start, stream(0))
    light = as_pixels(found.images).square().mean((1, 2)).sqrt()
    assert light[0] <= 0.902
    assert light[1] <= 0.402


def test_the_generator_alone_decides(host, tower):
    latents, start = torch.tensor([3, 1, 7]), torch.rand(3, 28, 28, generator=stream(2))
    state = torch.get_rng_state()
    one, two, other = (optimise(host, HOOK, tower, 2, latents, start, stream(seed), steps=16) for seed in (0, 0, 1))
    assert torch.equal(torch.get_rng_state(), state)
    for field in dataclasses.fields(one):
        assert torch.equal(getattr(one, field.name), getattr(two, field.name))
    assert not torch.equal(one.images, other.images)


def test_no_latents_no_images(host, tower):
    for depth in (0, 2):
        none = torch.zeros(0, dtype=torch.long)
        found = optimise(host, HOOK, tower, depth, none, torch.zeros(0, 28, 28), stream(0), steps=8)
        assert found.images.shape == (0, 28, 28)
        assert found.images.dtype == torch.uint8
        assert found.pre.shape == found.activation.shape == found.enters.shape == (0,)
    assert ablation_images(host, HOOK, found.images[:, None], torch.zeros(0, 1), torch.zeros(0, 48)).shape == (
        0,
        28,
        28,
    )


def test_a_latent_that_nothing_reaches_keeps_its_start(host):
    """A neuron that is off has no gradient."""
    off = Mlp((28, 28), 10, 0, hidden1=2)
    with torch.no_grad():
        off.layers[0].bias.fill_(-1e4)
    found = optimise(off, HOOK, None, 0, torch.tensor([1]), torch.zeros(1, 28, 28), stream(0), steps=16)
    assert not found.images.any()
    assert not found.enters.any()
    assert found.activation.tolist() == [0.0]


def test_depths_that_have_no_images(host, tower):
    one = torch.tensor([0]), torch.zeros(1, 28, 28), stream(0)
    with pytest.raises(ConfigError, match=r"depth 4: must be in 0\.\.3"):
        optimise(host, HOOK, tower, 4, *one)
    with pytest.raises(ConfigError, match=r"depth 1: must be in 0\.\.0"):
        optimise(host, HOOK, None, 1, *one)
    with pytest.raises(ConfigError, match="kind directions"):
        optimise(host, HOOK, Tower("directions", tower.layers), 2, *one)
    bare = Mock(spec=SAE)
    other = Layer("another", bare, tower.layers[0].normaliser)
    with pytest.raises(ConfigError, match="another"):
        optimise(host, HOOK, Tower("latents", (other,)), 1, *one)


def test_mean_image(images):
    activations = torch.zeros(len(images), 3)
    activations[5, 0] = 2.5
    activations[7, 1], activations[900, 1] = 1.0, 3.0
    found = mean_images(images, activations)
    torch.testing.assert_close(found[0], as_pixels(images[5]))
    torch.testing.assert_close(found[1], 0.25 * as_pixels(images[7]) + 0.75 * as_pixels(images[900]))
    assert not found[2].any()


def test_ablation_image_of_a_linear_host_is_the_direction_taken_back():
    host = Mlp((5, 7), 2, 0, hidden1=6)
    with torch.no_grad():
        host.layers[0].bias.fill_(100.0)  # no ReLU is ever off
    images = torch.randint(0, 256, (3, 2, 5, 7), generator=stream(0)).byte()
    directions = torch.randn(3, 6, generator=stream(1))
    found = ablation_images(host, HOOK, images, torch.tensor([[1.0, 1.0], [2.0, 0.0], [0.0, 0.0]]), directions)
    back = (directions @ host.layers[0].weight).detach().unflatten(1, (5, 7))
    torch.testing.assert_close(found[0], back[0])
    torch.testing.assert_close(found[1], 2 * back[1])  # the image on which it is silent says nothing
    assert not found[2].any()


def test_ablation_image_takes_a_latent_out_to_first_order(host, images, rows, tower):
    """Against the ablation image the host's state moves against the latent's direction."""
    codes = tower.activations(rows, 1)
    live = (codes.amax(0) > 0).nonzero().flatten()
    top = codes[:, live].topk(1, 0)
    directions = tower.host_map(1)[0][live]
    chosen = images[top.indices.T]
    found = ablation_images(host, HOOK, chosen, top.values.T, directions)
    pixels = as_pixels(chosen[:, 0])
    with torch.no_grad():
        moved = host.forward_to(pixels - 1e-3 * found, HOOK) - host.forward_to(pixels, HOOK)
    along = (moved * directions).sum(1)
    assert (along < 0).all()
    expected = -1e-3 * found.square().sum((1, 2)) / top.values[0]
    torch.testing.assert_close(along, expected, rtol=0.05, atol=1e-4)

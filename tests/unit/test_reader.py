"""The reader of pictures and what most of a latent's pictures show, on a few real digits."""

from __future__ import annotations

import math

import pytest
import torch
from safetensors.torch import load_file, save_file

from analysis.run.hosts._host import as_pixels
from analysis.run.interpret.reader import BATCH, SHIFT, Reader, distorted, majority
from analysis.run.stages._load import dataset_of, images_of
from sae.errors import ConfigError, DataError
from sae.seeding import stream

SHAPE, CLASSES, STEPS = (28, 28), 10, 60
TRAINED, READ = 600, 400


@pytest.fixture(scope="module")
def sample():
    """1,000 training digits in an order of chance: the file has them class by class."""
    images, labels, _ = images_of(dataset_of("digits"), "train")
    chosen = torch.randperm(len(images), generator=torch.Generator().manual_seed(0))[: TRAINED + READ]
    return images[chosen], labels[chosen]


@pytest.fixture(scope="module")
def reader(sample):
    images, labels = sample
    made = Reader(SHAPE, CLASSES, 0, steps=STEPS)
    made.fit(images[:TRAINED], labels[:TRAINED])
    return made


def fitted(sample, seed, steps=10, rows=BATCH):
    images, labels = sample
    made = Reader(SHAPE, CLASSES, seed, steps=steps)
    made.fit(images[:rows], labels[:rows])
    return made.state_dict()


def same(one, other):
    assert one.keys() == other.keys()
    return [torch.equal(one[name], other[name]) for name in one]


def test_digits_that_it_has_not_seen_are_read_right(reader, sample):
    images, labels = sample
    said = reader.probabilities(as_pixels(images[TRAINED:]))
    assert (said.argmax(1) == labels[TRAINED:]).float().mean() > 0.85
    assert torch.allclose(said.sum(1), torch.ones(READ))


def test_reading_needs_no_gradient_and_changes_nothing(reader, sample):
    pixels = as_pixels(sample[0][:20])
    before = {name: value.clone() for name, value in reader.state_dict().items()}
    said = reader.train().probabilities(pixels)
    assert not said.requires_grad and not reader.training
    assert all(same(before, reader.state_dict()))
    # of a single image as of many: the norms use what they have stored, not the batch
    assert torch.allclose(reader.probabilities(pixels[:1]), said[:1], atol=1e-5)


@pytest.mark.parametrize("rows", [0, 1, 500, 501])
def test_any_number_of_images_is_read(reader, rows):
    assert reader.probabilities(torch.zeros(rows, *SHAPE)).shape == (rows, CLASSES)


def test_the_seed_alone_decides(sample):
    first = fitted(sample, 0)
    torch.rand(7)
    assert all(same(first, fitted(sample, 0)))
    trained = [name for name, value in first.items() if value.is_floating_point()]
    other = fitted(sample, 1)
    assert not any(torch.equal(first[name], other[name]) for name in trained)


def test_seeds_start_from_other_weights():
    convolution = "convolutions.0.weight"
    one, other = (Reader(SHAPE, CLASSES, seed).state_dict()[convolution] for seed in (0, 1))
    assert not torch.equal(one, other)
    assert one.abs().max() <= 1 / 6 and one.std() > 0.08  # uniform within 1 / sqrt(4 channels of 3 x 3)


def test_the_seed_decides_on_the_batches_too(sample):
    images, labels = sample
    one, other = Reader(SHAPE, CLASSES, 0, steps=10), Reader(SHAPE, CLASSES, 1, steps=10)
    other.load_state_dict(one.state_dict())
    for reader in (one, other):
        reader.fit(images[:200], labels[:200])
    assert not torch.equal(one.head.weight, other.head.weight)


def test_the_global_generator_is_left_alone(sample):
    before = torch.get_rng_state()
    fitted(sample, 0)
    assert torch.equal(torch.get_rng_state(), before)


def test_a_saved_reader_reads_the_same_bit_for_bit(reader, sample, tmp_path):
    save_file(reader.state_dict(), tmp_path / "reader.safetensors")
    loaded = Reader(SHAPE, CLASSES, 5, steps=STEPS)
    loaded.load_state_dict(load_file(tmp_path / "reader.safetensors"))
    pixels = as_pixels(sample[0])
    assert torch.equal(loaded.probabilities(pixels), reader.probabilities(pixels))


def test_the_order_goes_on_where_images_are_fewer_than_steps_need(sample):
    # 100 rows are one batch and a rest that is too short: each step draws a new order
    assert not any(math.isnan(value.float().sum()) for value in fitted(sample, 0, rows=100).values())


def test_images_of_other_sizes_are_read():
    wide = Reader((12, 20), 3, 0, steps=10)
    draw = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (BATCH, 12, 20), generator=draw, dtype=torch.uint8)
    wide.fit(images, torch.randint(0, 3, (BATCH,), generator=draw))
    assert wide.probabilities(as_pixels(images)).shape == (BATCH, 3)


def test_fewer_images_than_a_batch_are_refused(sample):
    images, labels = sample
    with pytest.raises(DataError, match="63 images to train the reader on: needs at least 64"):
        Reader(SHAPE, CLASSES, 0).fit(images[: BATCH - 1], labels[: BATCH - 1])


@pytest.mark.parametrize("steps", [0, 9, 20.0, "20"])
def test_steps_that_make_no_schedule_are_refused(steps):
    with pytest.raises(ConfigError, match="steps"):
        Reader(SHAPE, CLASSES, 0, steps=steps)


@pytest.mark.parametrize("shape", [(27, 28), (6, 9), (8, 6, 3), pytest.param((150, 90, 3), marks=pytest.mark.thorough)])
def test_images_that_do_not_halve_small_large_or_in_colour_are_read(shape):
    """Two kinds that a look can tell apart, bright above and bright below, are told apart."""
    draw = torch.Generator().manual_seed(0)
    images = torch.randint(0, 90, (BATCH * 2, *shape), generator=draw, dtype=torch.uint8)
    labels = torch.arange(len(images)) % 2
    half = shape[0] // 2
    images[labels == 0, :half] += 150
    images[labels == 1, -half:] += 150
    reader = Reader(shape, 2, 0, steps=30)
    reader.fit(images, labels)
    assert float((reader.probabilities(as_pixels(images)).argmax(1) == labels).float().mean()) > 0.95


@pytest.mark.parametrize("shape", [(28,), (2, 8, 8, 3), (0, 9)])
def test_what_is_no_image_is_refused_by_the_reader(shape):
    with pytest.raises(ConfigError, match="height, width"):
        Reader(shape, CLASSES, 0)


def test_distortion_is_small_and_another_for_each_image():
    dot = torch.zeros(300, 20, 28)
    dot[:, 10, 14] = 1  # half a pixel below and right of the centre: turning hardly moves it
    moved = distorted(dot, stream(0, "test"))
    assert moved.shape == dot.shape and moved.min() >= 0 and moved.max() <= 1
    for axis, (place, side) in {1: (10, 20), 2: (14, 28)}.items():
        centres = (moved.sum(3 - axis) * torch.arange(side)).sum(1) / moved.sum((1, 2))
        steps = centres - place
        assert steps.abs().max() < SHIFT + 0.5 and steps.std() > 0.3
        assert steps.max() > 0.7 and steps.min() < -0.7


def test_majority_counts_images_and_not_padding():
    most = majority(torch.tensor([[3, 3, 1, -1], [2, -1, -1, -1], [-1, 0, 4, 4]]), 5)
    assert most.classes.tolist() == [3, 2, 4]
    assert most.share.tolist() == pytest.approx([2 / 3, 1, 2 / 3])


def test_of_classes_as_frequent_the_smaller_is_the_majority():
    most = majority(torch.tensor([[4, 1, 4, 1], [3, 2, 1, -1]]), 5)
    assert most.classes.tolist() == [1, 1]
    assert most.share.tolist() == pytest.approx([1 / 2, 1 / 3])


@pytest.mark.parametrize("images", [3, 0])
def test_a_latent_without_images_has_no_majority(images):
    most = majority(torch.full((2, images), -1, dtype=torch.int32), 5)
    assert most.classes.tolist() == [-1, -1]
    assert most.share.isnan().all()


def test_no_latents_have_no_majorities():
    most = majority(torch.zeros(0, 4, dtype=torch.long), 5)
    assert most.classes.shape == most.share.shape == (0,)

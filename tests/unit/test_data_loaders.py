"""Data sets of a user's own, read from tiny real files: image folders, what a run is keyed by, an experiment."""

from __future__ import annotations

import gzip
import os

import numpy as np
import pytest
from own_data import TOML, empty_project, folder, given, idx_bytes, picture, pixels
from PIL import Image

from analysis.plan.chains import fingerprint, plan
from analysis.plan.config import RunConfig, load_experiment
from analysis.plan.data_source import NOT_HERE, parts, source
from analysis.plan.paths import Paths
from analysis.results.tables import open_results
from analysis.run.datasets._open import opened
from analysis.run.pipeline import run
from sae.errors import ConfigError, DataError, StrataError


@pytest.fixture
def root(tmp_path, monkeypatch):
    return empty_project(tmp_path, monkeypatch)


# folders of images


def test_a_folder_in_each_class_is_read_and_parted_by_what_images_hold(root):
    zoo = folder(root)
    data = given("image_folder", path="zoo", held_out=0.3)
    assert data.shape == (6, 5) and data.class_names == ("newt", "owl") and data.are_images
    assert [int(data.held_out[data.labels == label].sum()) for label in (0, 1)] == [3, 3]
    assert (data.images[10] == np.asarray(Image.open(zoo / "owl/0.png"))).all()
    held_out = {image.tobytes() for image in data.images[data.held_out]}
    for number, path in enumerate(sorted((zoo / "owl").iterdir())):
        path.rename(path.with_name(f"renamed{9 - number}.png"))
    again = given("image_folder", path="zoo", held_out=0.3)
    assert {image.tobytes() for image in again.images[again.held_out]} == held_out, "whatever names and order are"
    assert data.said.endswith("20 images of 6 x 5, 2 classes; 6 held out, 0.3 of each class by content")


def test_equal_images_stay_on_one_side_even_under_two_classes(root):
    zoo = folder(root)
    twin = (zoo / "owl/3.png").read_bytes()
    for name in ("owl/copy.png", "newt/copy.png"):
        (zoo / name).write_bytes(twin)
    data = given("image_folder", path="zoo")
    sides = [
        bool(held) for image, held in zip(data.images, data.held_out, strict=True)
        if image.tobytes() == data.images[data.labels == 1][3].tobytes()
    ]  # fmt: skip
    assert len(sides) == 3 and len(set(sides)) == 1


def test_one_colour_image_makes_all_colour_and_size_brings_them_to_one(root):
    zoo = folder(root, each=3)
    picture(zoo / "newt/9.png", pixels(12, 10, 3))
    data = given("image_folder", path="zoo", size=[4, 3])
    assert data.shape == (4, 3, 3)
    assert (data.images[0][..., 0] == data.images[0][..., 2]).all(), "a grey one has one value in all colours"
    assert given("image_folder", path="zoo", size=4, colour=False).shape == (4, 4)


def test_transparent_parts_are_background(root):
    folder(root, each=2)
    clear = np.full((6, 5, 4), 200, np.uint8)
    clear[..., 3] = 255
    clear[:3, :, 3] = 0
    Image.fromarray(clear).save(root / "zoo/owl/clear.png")
    data = given("image_folder", path="zoo")
    assert (data.images[-1][:3] == 0).all() and (data.images[-1][3:] == 200).all()


def test_images_without_folders_have_no_labels(root):
    for number in range(5):
        picture(root / "flat" / f"{number}.png")
    (root / "flat/.DS_Store").write_bytes(b"\0")
    data = given("image_folder", path="flat")
    assert data.labels is None and data.n_classes == 0 and int(data.held_out.sum()) == 1


def test_folders_of_parts_say_the_split(root):
    zoo = folder(root, each=4, parts=("train", "Test"))
    data = given("image_folder", path="zoo")
    assert int(data.held_out.sum()) == 8 and data.class_names == ("newt", "owl") and "folders" in data.split
    with pytest.raises(ConfigError, match=r"held_out = 0\.2.*by its folders"):
        given("image_folder", path="zoo", held_out=0.2)
    (zoo / "Test/owl/again.png").write_bytes((zoo / "train/owl/1.png").read_bytes())
    with pytest.raises(DataError, match=r"1 of 9 held-out.*zoo/Test/owl/again\.png is zoo/train/owl/1\.png.*overlap"):
        given("image_folder", path="zoo")
    assert given("image_folder", path="zoo", overlap=True).held_out.sum() == 9


def cut(path):
    path.write_bytes(path.read_bytes()[:60])


def moving(path):
    frames = [Image.fromarray(pixels(6, 5)) for _ in range(2)]
    frames[0].save(path.with_suffix(".gif"), save_all=True, append_images=frames[1:])


SPOILED = {
    "cut off": (cut, r"zoo/owl/2\.png cannot be read as an image .*repair or remove it"),
    "text": (lambda path: path.write_text("owl"), r"zoo/owl/2\.png cannot be read as an image"),
    "other size": (lambda path: picture(path, pixels(7, 5)), r"zoo/owl/2\.png has 7 x 5 pixels.*0\.png 6 x 5.*`size"),
    "deep": (lambda path: picture(path, np.full((6, 5), 900, np.uint16)), "more than eight bits a pixel"),
    "moving": (moving, r"zoo/owl/2\.gif holds 2 images"),
    "notes": (lambda path: path.with_name("notes.txt").write_text("x"), r"notes\.txt is no image; expected \.png"),
    "nested": (lambda path: picture(path.parent / "young/1.png"), "young is a folder within a class"),
    "beside": (lambda path: picture(path.parent.parent / "lone.png"), r"holds lone\.png beside folders of classes"),
    "empty": (lambda path: (path.parent.parent / "yak").mkdir(), "yak holds no images"),
}


@pytest.mark.parametrize("case", SPOILED)
def test_a_file_that_cannot_be_used_is_named_with_what_to_do(root, case):
    spoil, words = SPOILED[case]
    spoil(folder(root, each=3) / "owl/2.png")
    with pytest.raises(DataError, match=words) as caught:
        given("image_folder", path="zoo")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"path": "nowhere"}, "nowhere is not there .*below the project's folder"),
        ({"path": "zoo", "size": 0}, r"size = 0: must be a number of pixels in 1\.\.4096"),
        ({"path": "zoo", "size": [3]}, r"size = \[3\]"),
        ({"path": "zoo", "held_out": 1}, "held_out = 1: must be a share between 0 and 1"),
        ({"path": "zoo", "colour": "yes"}, "colour = 'yes': must be true, false"),
        ({"path": "zoo", "sizes": 3}, "unexpected keyword argument 'sizes'; its options: path, size"),
        ({}, "missing a required argument: 'path'"),
        ({"path": 3}, "path = 3: must be the path"),
    ],
)
def test_options_that_mean_nothing_are_refused(root, options, words):
    folder(root, each=2)
    with pytest.raises(StrataError, match=words):
        given("image_folder", **options)


def test_what_does_not_fit_into_memory_is_said_before_it_is_read(root, monkeypatch):
    monkeypatch.setattr("analysis.run.datasets._files.MOST_BYTES", 100)
    folder(root, each=4)
    with pytest.raises(DataError, match=r"8 examples of 6 x 5 x 1 take .*smaller `size`"):
        given("image_folder", path="zoo")


# what a run is keyed by


def test_the_fingerprint_is_of_what_files_hold(root):
    zoo = folder(root, each=2)
    data = source("image_folder", {"path": "zoo"})
    before = fingerprint(data)
    os.utime(zoo / "owl/0.png", ns=(1, 1))
    assert fingerprint(data) == before
    first = opened(data)
    assert opened(data) is first, "read once"
    (zoo / "owl/0.png").write_bytes((zoo / "owl/1.png").read_bytes())
    assert fingerprint(data) != before and opened(data) is not first
    values = pixels(6, 3, 3)
    (root / "i-idx3-ubyte").write_bytes(idx_bytes(values))
    plain = fingerprint(source("idx", {"path": "i-idx3-ubyte"}))
    (root / "i-idx3-ubyte.gz").write_bytes(gzip.compress(idx_bytes(values)))
    assert fingerprint(source("idx", {"path": "i-idx3-ubyte.gz"})) == plain


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("image_folder", {"path": "gone"}), ("parquet", {"path": "gone"}), ("npz", {"path": "gone.npz"}),
        ("idx", {"path": "gone"}), ("idx", {"path": "there", "labels": "gone"}),
        ("npz", {"path": "there.npy", "labels": "gone.npy"}),
    ],
)  # fmt: skip
def test_data_that_is_not_here_keeps_results_from_no_page(root, name, options):
    """A site is built from tracked tables, where the images are not: a plan is made, and only a run is refused."""
    (root / "there").write_bytes(idx_bytes(pixels(3, 2, 2)))
    np.save(root / "there.npy", pixels(3, 2, 2))
    assert fingerprint(source(name, options)) == NOT_HERE
    with pytest.raises(DataError, match=r"gone.* is not there"):
        given(name, **options)


def test_a_data_set_with_its_options_is_one_text():
    assert parts(source("npz", {"path": "a b"})) == ("npz", {"path": "a b"}) and source("digits", {}) == "digits"


# from an experiment


def test_an_experiment_reads_a_folder_without_a_line_of_python(root, monkeypatch):
    monkeypatch.setenv("STRATA_BACKEND", "sequential")
    folder(root, each=90)
    paths = Paths(root)
    (paths.experiments / "mine.toml").write_text(
        TOML.format(name="image_folder", options='path = "zoo", size = 4, held_out = 0.2')
    )
    said = []
    run(load_experiment(paths.experiments, "mine"), paths, workers=1, warn=said.append)
    assert said[0] == ("the data set zoo: 180 images of 4 x 4, 2 classes; 36 held out, 0.2 of each class by content")
    results = open_results("mine", paths)
    assert results.sprite["class_names"] == ["newt", "owl"] and len(results.sprite["ids"]) == 36
    config = RunConfig.from_canonical(results.runs["config"].iloc[0])
    assert config.dataset_options == {"path": "zoo", "size": 4, "held_out": 0.2}
    key = plan(load_experiment(paths.experiments, "mine"))[0].stages[0].key
    picture(root / "zoo/owl/3.png")
    assert plan(load_experiment(paths.experiments, "mine"))[0].stages[0].key != key, "other images, another run"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ("size = -1", r"^mine\.toml:6: data set image_folder: dataset_options\.size = -1"),
        ("overlap = true", r"^mine\.toml:6: data set image_folder: zoo is not there"),
        ("sice = 4", r"^mine\.toml:6: .*unexpected keyword argument 'sice'"),
        ("held_out = 2", r"^mine\.toml:6: .*held_out = 2"),
    ],
)
def test_what_is_wrong_in_an_experiment_is_said_with_its_line(root, options, words):
    if "overlap" not in options:
        folder(root, each=2)
    paths = Paths(root)
    (paths.experiments / "mine.toml").write_text(TOML.format(name="image_folder", options=f'path = "zoo", {options}'))
    with pytest.raises(ConfigError, match=words):
        run(load_experiment(paths.experiments, "mine"), paths, workers=1, warn=lambda line: None)
    assert not paths.runs.exists()

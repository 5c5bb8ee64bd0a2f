"""Data sets: the embedded digits, IDX files, and what is said when a file is missing, short or altered."""

from __future__ import annotations

import gzip
import hashlib
import os
import struct
from dataclasses import replace

import numpy as np
import pytest

from analysis.plan.chains import fingerprint, to_fetch
from analysis.plan.config import load_experiment
from analysis.run.datasets import fashion_mnist as fashion_mnist_module
from analysis.run.datasets import mnist
from analysis.run.datasets._dataset import Dataset, from_idx_folder, read_idx
from analysis.run.datasets.digits import digits
from analysis.run.datasets.fashion_mnist import DEBIAN, fashion_mnist
from analysis.run.pipeline import run
from analysis.system import unchanged
from sae.errors import DataError

PARTS = {
    "train-images-idx3": (5, 2, 3),
    "train-labels-idx1": (5,),
    "t10k-images-idx3": (2, 2, 3),
    "t10k-labels-idx1": (2,),
}


def idx(shape, values=None, kind=8):
    count = int(np.prod(shape))
    body = bytes(range(count)) if values is None else bytes(values)
    return struct.pack(f">HBB{len(shape)}I", 0, kind, len(shape), *shape) + body


def idx_folder(folder, end="", labels=9):
    for part, shape in PARTS.items():
        raw = idx(shape, [labels] * shape[0] if "labels" in part else None)
        (folder / f"{part}-ubyte{end}").write_bytes(gzip.compress(raw) if end else raw)
    return folder


def test_the_digits_are_10000_images_of_10_classes(project):
    data = digits()
    assert data.images.shape == (10_000, 28, 28) and data.images.dtype == np.uint8
    assert data.labels.shape == data.held_out.shape == (10_000,) and data.held_out.dtype == np.bool_
    assert data.class_names == tuple("0123456789") and data.n_classes == 10
    assert data.images.max() == 255 and (data.images.reshape(10_000, -1).max(1) > 0).all(), "no empty image"
    assert 0.05 < (data.images > 0).mean() < 0.5, "0 is the background"


def test_the_split_is_2000_held_out_stratified_by_class(project):
    data = digits()
    held_out = np.bincount(data.labels[data.held_out], minlength=10)
    assert held_out.sum() == 2000 and (~data.held_out).sum() == 8000
    assert np.abs(held_out - np.bincount(data.labels, minlength=10) * 0.2).max() <= 1


def test_no_image_stands_on_both_sides_of_the_split(project):
    data = digits()
    train, held_out = ({image.tobytes() for image in data.images[mask]} for mask in (~data.held_out, data.held_out))
    assert not train & held_out


def altered(raw):
    return raw[:5000] + bytes([raw[5000] ^ 1]) + raw[5001:]


@pytest.mark.parametrize(
    ("change", "words"),
    [(altered, "sha256"), (lambda raw: raw[:1000], r"1000 bytes.*sha256"), (None, "No such file")],
)
def test_digits_that_are_altered_truncated_or_missing_are_refused(project, change, words):
    path = project.data / "digits" / "digits.npz"
    raw = path.read_bytes()
    path.unlink()
    if change:
        path.write_bytes(change(raw))
    with pytest.raises(DataError, match=rf"digits\.npz.*{words}.*get it again with `git checkout data/digits`"):
        digits()


@pytest.mark.parametrize("digest", [None, ""])
def test_digits_without_their_sha256_are_refused(project, digest):
    path = project.data / "digits" / "digits.sha256"
    path.unlink()
    if digest is not None:
        path.write_text(digest)
    with pytest.raises(DataError, match="get it again"):
        digits()


def write_digits(project, **arrays):
    path = project.data / "digits" / "digits.npz"
    np.savez(path, **arrays)
    (project.data / "digits" / "digits.sha256").write_text(hashlib.sha256(path.read_bytes()).hexdigest())


def test_digits_with_too_few_rows_or_without_an_array_are_refused(project):
    images, ten = np.zeros((10, 28, 28), np.uint8), np.zeros(10, np.uint8)
    write_digits(project, images=images, labels=ten, held_out=ten.astype(bool))
    with pytest.raises(DataError, match="10 rows, 0 held out; expected 10000 and 2000"):
        digits()
    write_digits(project, images=images, labels=ten)
    with pytest.raises(DataError, match="held_out"):
        digits()


@pytest.mark.parametrize("end", ["", ".gz"])
def test_an_idx_file_is_read_plain_and_gzipped(tmp_path, end):
    raw = idx((2, 3, 4))
    path = tmp_path / f"a-ubyte{end}"
    path.write_bytes(gzip.compress(raw) if end else raw)
    values = read_idx(path, "again")
    assert values.shape == (2, 3, 4) and values.dtype == np.uint8
    assert values.ravel().tolist() == list(range(24))


def broken_stream(raw):
    whole = bytearray(gzip.compress(raw * 50))
    whole[10] = 0x07  # a block type that does not exist
    return bytes(whole)


BROKEN = {
    "one byte short": ("a", idx((2, 3))[:-1]),
    "one byte too many": ("a", idx((2, 3)) + b"\0"),
    "no body": ("a", idx((2, 3), [])),
    "half a header": ("a", idx((2, 3))[:9]),
    "two bytes": ("a", b"\0\0"),
    "nothing": ("a", b""),
    "not IDX": ("a", b"hello, this is text"),
    "floats": ("a", idx((6,), kind=13)),
    "gzip cut off": ("a.gz", gzip.compress(idx((200,)))[:-12]),
    "gzip of nothing": ("a.gz", gzip.compress(b"")),
    "not gzip": ("a.gz", idx((2, 3))),
    "gzip with a broken stream": ("a.gz", broken_stream(idx((200,)))),
}


@pytest.mark.parametrize("case", BROKEN)
def test_an_idx_file_that_is_not_whole_is_refused_saying_how_to_get_it(tmp_path, case):
    name, content = BROKEN[case]
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=rf"{name} .*fetch it again"):
        read_idx(tmp_path / name, "fetch it again")


@pytest.mark.parametrize("end", ["", ".gz"])
def test_a_folder_of_four_idx_files_becomes_a_data_set(tmp_path, end):
    data = from_idx_folder("four", idx_folder(tmp_path, end), tuple("0123456789"), "again")
    assert data.images.shape == (7, 2, 3) and data.n_classes == 10
    assert data.held_out.tolist() == [False] * 5 + [True] * 2
    assert data.images[5].ravel().tolist() == [0, 1, 2, 3, 4, 5], "held-out rows come last"


def test_a_folder_that_lacks_a_file_is_refused_naming_it(tmp_path):
    (idx_folder(tmp_path) / "t10k-labels-idx1-ubyte").unlink()
    with pytest.raises(DataError, match=r"t10k-labels-idx1-ubyte.*fetch it"):
        from_idx_folder("four", tmp_path, tuple("0123456789"), "fetch it")


def test_labels_beyond_the_class_names_and_unequal_lengths_are_refused(tmp_path):
    with pytest.raises(DataError, match="label 9 but 3 class names"):
        from_idx_folder("four", idx_folder(tmp_path), ("a", "b", "c"), "again")
    with pytest.raises(DataError, match="3 images, 2 labels, 3 split marks"):
        Dataset("x", np.zeros((3, 2, 2), np.uint8), np.zeros(2, np.uint8), np.zeros(3, bool), ("a",))


def test_idx_files_whose_images_and_labels_differ_in_number_are_refused(tmp_path):
    """5 images with 4 labels, then 2 with 3: as many in all, but labels and split would be shifted."""
    idx_folder(tmp_path)
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(idx((4,), [1] * 4))
    (tmp_path / "t10k-labels-idx1-ubyte").write_bytes(idx((3,), [1] * 3))
    with pytest.raises(DataError):
        from_idx_folder("four", tmp_path, tuple("0123456789"), "again")


# what a run is keyed by


@pytest.mark.parametrize("module", [mnist, fashion_mnist_module])
def test_the_fingerprint_follows_what_the_files_hold_and_not_their_names_sizes_or_times(tmp_path, monkeypatch, module):
    monkeypatch.setattr(module, "folders", lambda: (tmp_path,))
    idx_folder(tmp_path)
    before = module.fingerprint()
    assert module.to_fetch() == "" and len(before) == 16
    path = tmp_path / "t10k-labels-idx1-ubyte"
    raw = path.read_bytes()
    path.write_bytes(raw[:-1] + b"\x03")
    os.utime(path, ns=(1, 1))
    assert module.fingerprint() != before, "the same name and size"
    path.write_bytes(raw)
    assert module.fingerprint() == before, "another time"


def test_the_fingerprint_is_of_what_is_packed_and_not_of_how(tmp_path, monkeypatch):
    """A package gzips files in its own way, a download leaves plain ones, or both beside each other."""
    monkeypatch.setattr(mnist, "folders", lambda: (tmp_path,))
    monkeypatch.setattr(unchanged, "TICK", -1)  # what was written just now may be kept
    idx_folder(tmp_path)
    plain = mnist.fingerprint()
    for count, path in enumerate(sorted(tmp_path.iterdir())):
        raw = path.read_bytes()
        (tmp_path / f"{path.name}.gz").write_bytes(gzip.compress(raw, 1 + 2 * count, mtime=count))
        path.unlink()
        assert mnist.fingerprint() == plain, path.name
    last = tmp_path / f"{path.name}.gz"
    last.write_bytes(gzip.compress(raw[:-1] + bytes([raw[-1] ^ 1])))
    assert mnist.fingerprint() != plain
    opened = []
    monkeypatch.setattr("analysis.system.digests.gzip.open", opened.append)
    assert mnist.fingerprint() != plain and not opened, "unpacked once in a process"


@pytest.mark.parametrize("case", ["gzip cut off", "not gzip", "gzip with a broken stream"])
def test_a_gzipped_file_that_cannot_be_unpacked_has_no_fingerprint(tmp_path, monkeypatch, case):
    monkeypatch.setattr(mnist, "folders", lambda: (tmp_path,))
    idx_folder(tmp_path, ".gz")
    (tmp_path / "t10k-labels-idx1-ubyte.gz").write_bytes(BROKEN[case][1])
    with pytest.raises(DataError, match=r"t10k-labels-idx1-ubyte\.gz cannot be read: .*get it again"):
        mnist.fingerprint()


@pytest.mark.parametrize("module", [mnist, fashion_mnist_module])
def test_data_that_is_not_here_is_said_to_be_fetched_and_gives_no_key_of_a_run(tmp_path, monkeypatch, module):
    monkeypatch.setattr(module, "folders", lambda: (tmp_path,))
    assert module.fingerprint() == "not here yet" and "MB by torchvision into data/downloads" in module.to_fetch()
    idx_folder(tmp_path)
    assert module.fingerprint() != "not here yet"
    (tmp_path / "train-images-idx3-ubyte").unlink()
    assert module.fingerprint() == "not here yet", "three of four files are none"


def test_the_fingerprint_of_the_digits_is_of_the_file_that_is_there(project):
    raw = (project.data / "digits" / "digits.npz").read_bytes()
    assert fingerprint("digits") == hashlib.sha256(raw).hexdigest() and to_fetch("digits") == ""
    (project.data / "digits" / "digits.npz").write_bytes(altered(raw))
    assert fingerprint("digits") == hashlib.sha256(altered(raw)).hexdigest()
    (project.data / "digits" / "digits.npz").unlink()
    with pytest.raises(DataError, match="get it again"):
        fingerprint("digits")


def test_a_run_fetches_its_data_before_it_is_planned_and_says_what(project, monkeypatch):
    experiment = replace(load_experiment(project.experiments, "tiny"), dataset="mnist")
    folder, said = project.data / "downloads" / "MNIST" / "raw", []

    class Offline(Exception):
        pass

    def planned(experiment):
        raise Offline(fingerprint("mnist"))

    def download(root, download):
        folder.mkdir(parents=True)
        idx_folder(folder)

    monkeypatch.setattr("torchvision.datasets.MNIST", download)
    monkeypatch.setattr("analysis.run.pipeline.plan", planned)
    with pytest.raises(Offline, match=r"^[0-9a-f]{16}$"):
        run(experiment, project, warn=said.append)
    assert said == ["the data set mnist is not here: fetching 12 MB by torchvision into data/downloads/MNIST/raw"]


def test_data_that_cannot_be_fetched_is_an_error_before_anything_is_done(project, monkeypatch):
    def download(root, download):
        raise RuntimeError("no route")

    monkeypatch.setattr("torchvision.datasets.MNIST", download)
    experiment = replace(load_experiment(project.experiments, "tiny"), dataset="mnist")
    with pytest.raises(DataError, match=r"could not be downloaded \(no route\)"):
        run(experiment, project, warn=lambda line: None)
    assert not project.runs.exists()


@pytest.mark.skipif(not DEBIAN.exists(), reason="needs Debian's dataset-fashion-mnist")
def test_fashion_mnist_from_the_package(project):
    data = fashion_mnist()
    assert data.images.shape == (70_000, 28, 28) and int(data.held_out.sum()) == 10_000
    assert np.bincount(data.labels[data.held_out]).tolist() == [1000] * 10
    assert data.held_out[-10_000:].all() and data.class_names[9] == "ankle boot"

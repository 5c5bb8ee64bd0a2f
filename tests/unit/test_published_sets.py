"""EMNIST and CIFAR, read from tiny archives and folders in the layout in which they are published."""

from __future__ import annotations

import email.message
import gzip
import io
import os
import pickle
import tarfile

import numpy as np
import pytest
from own_data import TOML, empty_project, given, idx_bytes, pixels

from analysis.plan.chains import fingerprint, to_fetch
from analysis.plan.config import load_experiment
from analysis.plan.data_source import NOT_HERE, source
from analysis.plan.paths import Paths
from analysis.results.tables import open_results
from analysis.run.datasets import _fetch
from analysis.run.pipeline import run
from sae.errors import ConfigError, DataError, StrataError

FINE = [f"fine{number}" for number in range(100)]
COARSE = [f"coarse{number}" for number in range(20)]
SEEN = pixels(5, 3, 32, 32)


@pytest.fixture
def downloads(tmp_path, monkeypatch):
    folder = empty_project(tmp_path, monkeypatch) / "data/downloads"
    folder.mkdir()
    return folder


def records(labels, first=0):
    return b"".join(bytes(label) + SEEN[first + row].tobytes() for row, label in enumerate(labels))


def cifar100(**changes):
    held = {
        "train.bin": records([(3, 77), (19, 0), (0, 99)]),
        "test.bin": records([(1, 5), (2, 6)], 3),
        "fine_label_names.txt": "\n".join([*FINE, ""]).encode(),
        "coarse_label_names.txt": "\n".join([*COARSE, ""]).encode(),
    }
    return {name: content for name, content in {**held, **changes}.items() if content is not None}


def pickled(protocol=2, **changes):
    def part(rows, fine, coarse):
        held = {b"data": SEEN[rows].reshape(len(fine), -1), b"fine_labels": fine, b"coarse_labels": coarse}
        return pickle.dumps({**held, b"filenames": [b"a.png"] * len(fine)}, protocol)

    meta = {b"fine_label_names": [one.encode() for one in FINE], "coarse_label_names": COARSE}
    train, test = part(slice(0, 3), [77, 0, 99], [3, 19, 0]), part(slice(3, 5), [5, 6], [1, 2])
    return {"train": train, "test": test, "meta": pickle.dumps(meta, protocol), **changes}


def unpacked(folder, files):
    folder.mkdir(exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)


def packed(path, folder, files, others=()):
    with tarfile.open(path, "w:gz") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(f"{folder}/{name}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
        for member in others:
            archive.addfile(member, io.BytesIO(b"\0" * member.size))


# CIFAR


@pytest.mark.parametrize("version", ["folder", "archive", "python 2", "python 5"])
def test_cifar100_is_read_from_records_and_from_pickles_packed_and_not(downloads, version):
    if version == "folder":
        unpacked(downloads / "cifar-100-binary", cifar100())
    elif version == "archive":
        packed(downloads / "cifar-100-binary.tar.gz", "cifar-100-binary", cifar100())
    else:
        packed(downloads / "cifar-100-python.tar.gz", "cifar-100-python", pickled(int(version[-1])))
    assert to_fetch("cifar100") == "" and len(fingerprint("cifar100")) == 16
    fine, coarse = given("cifar100"), given("cifar100", labels="coarse")
    assert fine.labels.tolist() == [77, 0, 99, 5, 6] and fine.class_names == tuple(FINE)
    assert coarse.labels.tolist() == [3, 19, 0, 1, 2] and coarse.class_names == tuple(COARSE)
    assert fine.held_out.tolist() == [False] * 3 + [True] * 2 and fine.shape == (32, 32, 3) and fine.are_images
    assert (fine.images[1, 7, 9] == SEEN[1, :, 7, 9]).all(), "planes of colour become colours of a pixel"


def test_cifar10_has_five_files_to_train_on(downloads):
    files = {f"data_batch_{number}.bin": records([(number,)]) for number in range(1, 6)}
    names = b"airplane\nautomobile\nbird\ncat\ndeer\ndog\nfrog\nhorse\nship\ntruck" + b"\n\n"
    unpacked(downloads.parent / "mine", {**files, "test_batch.bin": records([(9,), (0,)]), "batches.meta.txt": names})
    data = given("cifar10", path="data/mine")
    assert data.labels.tolist() == [1, 2, 3, 4, 5, 9, 0] and int(data.held_out.sum()) == 2
    assert data.n_classes == 10 and data.class_names[9] == "truck"
    with pytest.raises(DataError, match=r"data holds no CIFAR-10; expected cifar-10-batches-bin or cifar-10-binary"):
        given("cifar10", path="data")


def test_the_fingerprint_of_cifar_is_of_what_its_files_hold_and_not_of_how_they_are_packed(downloads):
    assert fingerprint("cifar100") == NOT_HERE and "169 MB into data/downloads" in to_fetch("cifar100")
    archive = downloads / "cifar-100-binary.tar.gz"
    packed(archive, "cifar-100-binary", cifar100())
    before = fingerprint("cifar100")
    archive.unlink()
    unpacked(downloads / "cifar-100-binary", cifar100())
    assert fingerprint("cifar100") == before
    unpacked(downloads / "cifar-100-binary", cifar100(**{"test.bin": records([(1, 5), (2, 7)], 3)}))
    assert fingerprint("cifar100") != before


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"train.bin": records([(3, 77)])[:-1]}, r"train\.bin has 3,073 bytes; expected whole records of 3,074"),
        ({"test.bin": b""}, r"test\.bin has 0 bytes"),
        ({"test.bin": records([(1, 2), (1, 200)])}, r"test\.bin: picture 1 has the label 200; expected 0\.\.99"),
        ({"fine_label_names.txt": None}, r"has no file fine_label_names\.txt"),
        ({"fine_label_names.txt": b"\n"}, r"fine_label_names\.txt holds 0 names"),
        ({"fine_label_names.txt": b"apple\napple"}, r"holds 2 names, 1 different"),
    ],
)
@pytest.mark.parametrize("is_packed", [False, True])
def test_cifar_that_is_not_as_published_is_refused_by_file_with_what_to_get(downloads, changes, words, is_packed):
    if is_packed:
        packed(downloads / "cifar-100-binary.tar.gz", "cifar-100-binary", cifar100(**changes))
    else:
        unpacked(downloads / "cifar-100-binary", cifar100(**changes))
    with pytest.raises(DataError, match=rf"{words}.*put the published cifar-100-binary\.tar\.gz \(md5 "):
        given("cifar100")


def test_an_archive_that_is_cut_off_or_none_is_refused_before_a_run_has_a_key(downloads):
    path = downloads / "cifar-100-binary.tar.gz"
    packed(path, "cifar-100-binary", cifar100())
    whole = path.read_bytes()
    for content in (whole[: len(whole) // 2], b"<html>not found</html>", b""):
        path.write_bytes(content)
        with pytest.raises(DataError, match=r"cifar-100-binary\.tar\.gz .*put the published"):
            fingerprint("cifar100")


def test_members_that_would_leave_the_archive_are_never_written_and_links_are_no_files(downloads, tmp_path):
    away = [tarfile.TarInfo(name) for name in ("../escaped", str(tmp_path / "absolute"), "cifar-100-binary/../out")]
    for member in away:
        member.size = 3
    path = downloads / "cifar-100-binary.tar.gz"
    packed(path, "cifar-100-binary", cifar100(), away)
    before = sorted(tmp_path.rglob("*"))
    assert given("cifar100").labels.tolist() == [77, 0, 99, 5, 6]
    link = tarfile.TarInfo("cifar-100-binary/test.bin")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc/hostname"
    packed(path, "cifar-100-binary", cifar100(**{"test.bin": None}), [link])
    with pytest.raises(DataError, match=r"test\.bin is a link, folder or device; expected a file"):
        given("cifar100")
    assert sorted(tmp_path.rglob("*")) == before


class Harmful:
    def __reduce__(self):
        return os.mkdir, ("harmed",)


class Buffer:
    def __reduce__(self):
        return np._core.numeric._frombuffer, (10**12, "uint8", (1,), "C")


def test_a_pickle_that_asks_for_more_than_plain_values_is_refused_and_not_executed(downloads, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    bad = {
        "asks for .*mkdir": pickle.dumps({b"data": Harmful()}),
        "has no 'data'": pickle.dumps({b"dat": 1}),
        "holds list": pickle.dumps([1]),
        "an array of": pickle.dumps({b"data": np.zeros((1, 3072))}),
        "shape \\(1, 9\\)": pickle.dumps({b"data": np.zeros((1, 9), np.uint8), b"fine_labels": [1]}),
        "no list of whole numbers": pickle.dumps({b"data": np.zeros((1, 3072), np.uint8), b"fine_labels": "1"}),
        "2 labels; expected 1": pickle.dumps({b"data": np.zeros((1, 3072), np.uint8), b"fine_labels": [1, 2]}),
        "list among its values": pickle.dumps({b"data": [[[1]]]}),
        "an array held by int": pickle.dumps({b"data": Buffer()}, 2),
        "cannot be read as a pickle": pickle.dumps({b"data": [1] * 99})[:-9],
    }
    for words, content in bad.items():
        unpacked(downloads / "cifar-100-python", pickled(train=content))
        with pytest.raises(DataError, match=rf"cifar-100-python/train.*{words}.*put the published cifar-100-binary"):
            given("cifar100")
    assert not (tmp_path / "harmed").exists()


class Served(io.BytesIO):
    def __init__(self, content, status, length):
        super().__init__(content)
        self.status, self.headers = status, email.message.Message()
        self.headers["Content-Length"] = str(length)


def test_a_download_goes_on_where_it_broke_off_and_counts_only_with_its_checksum(downloads, monkeypatch):
    asked, answers = [], [Served(b"abc", 200, 6), Served(b"def", 206, 3), Served(b"xyz", 200, 3)]

    def served(request, timeout):
        asked.append(request.get_header("Range"))
        return answers.pop(0)

    monkeypatch.setattr("urllib.request.urlopen", served)
    path, md5 = downloads / "one.tar.gz", "e80b5017098950fc58aad83c8c14978e"
    with pytest.raises(DataError, match=r"broke off after 3 of 6 bytes.*get it"):
        _fetch.fetch("https://x/one", path, md5, "get it")
    assert not path.exists()
    _fetch.fetch("https://x/one", path, md5, "get it")
    assert path.read_bytes() == b"abcdef" and asked == [None, "bytes=3-"]
    with pytest.raises(DataError, match=r"two came with 3 bytes of md5 .*expected md5 .*get it"):
        _fetch.fetch("https://x/two", downloads / "two", md5, "get it")
    assert sorted(one.name for one in downloads.iterdir()) == ["one.tar.gz"]


@pytest.mark.parametrize(("name", "title"), [("cifar10", "cifar-10"), ("cifar100", "cifar-100"), ("emnist", "EMNIST")])
def test_offline_it_is_said_what_to_put_where(downloads, monkeypatch, name, title):
    def offline(*args, **options):
        raise OSError("no route")

    monkeypatch.setattr("urllib.request.urlopen", offline)
    monkeypatch.setattr("torchvision.datasets.EMNIST", offline)
    with pytest.raises(
        DataError, match=rf"^{title}.*could not be downloaded \(no route\); put the published.*into data/"
    ):
        given(name)


# EMNIST


def letters(folder, split="letters", end=".gz", labels=(1, 26, 5), images=None):
    if images is None:
        images = np.arange(3 * 2 * 2, dtype=np.uint8).reshape(3, 2, 2)
    folder.mkdir(parents=True, exist_ok=True)
    for half in ("train", "test"):
        for kind, values in (("images-idx3", images), ("labels-idx1", np.array(labels, np.uint8))):
            raw = idx_bytes(values)
            (folder / f"emnist-{split}-{half}-{kind}-ubyte{end}").write_bytes(gzip.compress(raw) if end else raw)


@pytest.mark.parametrize("end", ["", ".gz"])
def test_emnist_is_turned_upright_and_its_letters_count_from_a(downloads, end):
    letters(downloads / "EMNIST/raw", end=end)
    data = given("emnist", split="letters")
    assert data.images[0].tolist() == [[0, 2], [1, 3]], "published with rows and columns exchanged"
    assert data.labels.tolist() == [0, 25, 4] * 2 and data.class_names[25] == "Z" and data.n_classes == 26
    assert data.held_out.tolist() == [False] * 3 + [True] * 3
    assert fingerprint("emnist") == NOT_HERE and "562 MB by torchvision into data/downloads" in to_fetch("emnist")
    assert to_fetch(source("emnist", {"split": "letters"})) == ""
    letters(downloads.parent / "mine", "balanced", end, (0, 46, 36))
    mine = given("emnist", path="data/mine")
    assert mine.n_classes == 47 and [mine.class_names[one] for one in (0, 46, 36)] == ["0", "t", "a"]
    before = fingerprint(source("emnist", {"path": "data/mine"}))
    letters(downloads.parent / "mine", "balanced", end, (0, 46, 37))
    assert fingerprint(source("emnist", {"path": "data/mine"})) != before


def test_emnist_that_does_not_fit_is_refused_by_file(downloads):
    letters(downloads / "EMNIST/raw", labels=(1, 0, 5))
    with pytest.raises(DataError, match=r"emnist-letters-train-labels.*image 1 has the label 0; expected 1\.\.26.*put"):
        given("emnist", split="letters")
    letters(downloads / "EMNIST/raw", labels=(1, 5))
    with pytest.raises(DataError, match=r"train-labels.* has shape \(2,\); expected \(3,\), one an image"):
        given("emnist", split="letters")
    letters(downloads.parent / "mine")
    (downloads.parent / "mine/emnist-letters-test-labels-idx1-ubyte.gz").unlink()
    with pytest.raises(DataError, match=r"mine has no file emnist-letters-test-labels-idx1-ubyte\(\.gz\)"):
        given("emnist", split="letters", path="data/mine")


@pytest.mark.parametrize(
    ("name", "options"),
    [("emnist", {"split": "digits"}), ("emnist", {"split": ["letters"]}), ("cifar100", {"labels": "finest"})],
)
def test_options_of_published_sets_that_mean_nothing_are_refused(downloads, name, options):
    with pytest.raises(ConfigError, match=rf"dataset_options\.{next(iter(options))} = .*must be "):
        given(name, **options)


# runs


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        pytest.param(
            "cifar100",
            'labels = "coarse"',
            "cifar100: 210 images of 32 x 32 in colour, 20 classes; 70 held out",
            marks=pytest.mark.thorough,
            id="cifar100",
        ),
        pytest.param(
            "emnist", 'split = "letters"', "emnist: 260 images of 6 x 5, 26 classes; 130 held out", id="emnist"
        ),
    ],
)
def test_an_experiment_runs_from_the_published_files(downloads, monkeypatch, name, options, said):
    monkeypatch.setenv("STRATA_BACKEND", "sequential")
    raw = downloads / "EMNIST/raw"
    letters(raw, labels=[1 + row % 26 for row in range(130)], images=pixels(130, 5, 6))
    halves = {
        file: b"".join(bytes([row % 20, row]) + pixels(3072).tobytes() for row in range(rows))
        for file, rows in (("train.bin", 70), ("test.bin", 70))
    }
    halves["train.bin"] += halves["train.bin"]
    packed(downloads / "cifar-100-binary.tar.gz", "cifar-100-binary", cifar100(**halves))
    paths, heard = Paths(downloads.parent.parent), []
    (paths.experiments / "mine.toml").write_text(TOML.format(name=name, options=options))
    run(load_experiment(paths.experiments, "mine"), paths, workers=1, warn=heard.append)
    assert said in heard[0] and heard[0].endswith("as its files say"), heard[0]
    assert len(open_results("mine", paths).sprite["ids"]) in (70, 130)


def test_a_run_that_cannot_fetch_says_so_before_anything_is_done(downloads, monkeypatch):
    def offline(*args, **options):
        raise OSError("no route")

    monkeypatch.setattr("urllib.request.urlopen", offline)
    paths, heard = Paths(downloads.parent.parent), []
    (paths.experiments / "mine.toml").write_text(TOML.format(name="cifar100", options='labels = "coarse"'))
    with pytest.raises(StrataError, match=r"cifar-100-binary\.tar\.gz could not be downloaded \(no route\)"):
        run(load_experiment(paths.experiments, "mine"), paths, workers=1, warn=heard.append)
    assert "fetching 169 MB into data/downloads/cifar-100-binary.tar.gz" in heard[0] and not paths.runs.exists()

"""Embedded images besides the digits: typeset letters, digits of other people, and how they are made and checked."""

from __future__ import annotations

import hashlib
import re
import shutil
import string

import numpy as np
import pytest
from factories import kept_script
from scipy.ndimage import center_of_mass
from tests_root import CHECKOUT

from analysis.plan.chains import fingerprint
from analysis.plan.config import load_experiment
from analysis.run.datasets import letters as letters_module
from analysis.run.datasets._dataset import Dataset
from analysis.run.datasets.digits import digits
from analysis.run.datasets.letters import letters
from analysis.run.datasets.optdigits import optdigits
from benchmarks import transfer
from sae.errors import DataError

LOADERS = {"letters": letters, "optdigits": optdigits}
MOST_MB = {"letters": 2.0, "optdigits": 1.5}


@pytest.fixture
def checkout(monkeypatch):
    monkeypatch.setenv("STRATA_ROOT", str(CHECKOUT))
    return CHECKOUT / "data"


@pytest.fixture
def copied(project):
    for name in LOADERS:
        shutil.copytree(CHECKOUT / "data" / name, project.data / name)
    return project.data


@pytest.fixture(scope="module")
def script():
    with kept_script(CHECKOUT / "data/letters/make_letters.py") as module:
        yield module


def test_letters_are_26_classes_as_many_of_each_on_both_sides(checkout):
    data = letters()
    assert isinstance(data, Dataset) and data.images.shape == (8320, 28, 28) and data.images.dtype == np.uint8
    assert data.class_names == tuple(string.ascii_uppercase) and data.n_classes == 26
    assert np.bincount(data.labels[data.held_out]).tolist() == [80] * 26
    assert np.bincount(data.labels[~data.held_out]).tolist() == [240] * 26
    assert data.said == "the data set letters: 8320 images of 28 x 28, 26 classes; 2080 held out, four fonts of 17"


def test_letters_are_split_by_font_and_no_package_stands_on_both_sides(checkout, script):
    held_out, fonts = letters().held_out, np.array(letters_module.fonts())
    sides = {font: set(held_out[fonts == font].tolist()) for font in set(fonts.tolist())}
    assert len(sides) == 17 and all(len(side) == 1 for side in sides.values())
    packages: dict[str, set[bool]] = {}
    for font in script.FONTS:
        packages.setdefault(font.package, set()).update(sides[font.file.partition(".")[0]])
    assert len(packages) == 8 and all(len(side) == 1 for side in packages.values())
    for font in script.FONTS:
        assert (fonts == font.file.partition(".")[0]).sum() == 26 * font.copies, font.file


def test_digits_of_other_people_are_ten_classes_none_of_which_is_near_one_of_the_digits(checkout):
    data = optdigits()
    assert data.images.shape == (1797, 28, 28) and data.class_names == tuple("0123456789")
    share = np.bincount(data.labels[data.held_out]) / np.bincount(data.labels)
    assert np.abs(share - 0.2).max() < 0.01 and data.held_out.sum() == 359
    ours, theirs = (rows.reshape(len(rows), -1).astype(np.float32) for rows in (data.images[::6], digits().images))
    alike = ours @ theirs.T / np.outer(np.linalg.norm(ours, axis=1), np.linalg.norm(theirs, axis=1))
    assert alike.max() < 0.98, "the same digit at another size has more"


@pytest.mark.parametrize("name", LOADERS)
def test_images_are_light_on_black_none_twice_and_laid_as_mnist_does(checkout, name):
    images = LOADERS[name]().images
    assert (images.max((1, 2)) == 255).all() and 0.05 < (images > 0).mean() < 0.3
    assert len({image.tobytes() for image in images}) == len(images)
    shown = images[:: len(images) // 50]
    tall, wide = ((shown > 0).any(axis) for axis in (2, 1))
    sides = [max(np.ptp(np.flatnonzero(a)), np.ptp(np.flatnonzero(b))) + 1 for a, b in zip(tall, wide, strict=True)]
    assert min(sides) >= 18 and max(sides) <= 23
    off = np.array([center_of_mass(image) for image in shown]) - 13.5
    assert (np.abs(off) <= 0.51).mean() > 0.9


@pytest.mark.parametrize("name", LOADERS)
def test_what_is_embedded_has_hash_licence_script_and_is_small(checkout, name):
    folder = checkout / name
    raw, readme = (folder / f"{name}.npz").read_bytes(), (folder / "README.md").read_text()
    assert (folder / f"{name}.sha256").read_text() == f"{hashlib.sha256(raw).hexdigest()}  {name}.npz\n"
    assert len(raw) <= MOST_MB[name] * 1e6 and f"`python data/{name}/make_{name}.py`" in readme
    assert (folder / f"make_{name}.py").is_file() and re.search(r"^\| licence \| .{20}", readme, re.MULTILINE)


def test_the_licence_of_each_font_stands_beside_the_letters_which_are_said_to_be_typeset(checkout, script):
    readme = (checkout / "letters" / "README.md").read_text()
    assert "typeset, not handwriting" in readme
    for package in {font.package for font in script.FONTS}:
        notice = (checkout / "letters" / "licences" / f"{package}.txt").read_text()
        assert package in readme and "icense" in notice and "opyright" in notice


def damaged(raw):
    return raw[:-700] + bytes([raw[-700] ^ 1]) + raw[-699:]


@pytest.mark.parametrize(
    ("change", "words"), [(damaged, "sha256"), (lambda raw: raw[:77], r"77 bytes.*sha256"), (None, "No such file")]
)
@pytest.mark.parametrize("name", LOADERS)
def test_a_file_that_is_altered_cut_off_or_missing_is_refused_with_the_remedy(copied, name, change, words):
    path = copied / name / f"{name}.npz"
    before = fingerprint(name)
    assert before == hashlib.sha256(path.read_bytes()).hexdigest()
    raw = path.read_bytes()
    path.unlink()
    if change:
        path.write_bytes(change(raw))
        assert fingerprint(name) != before
    else:
        with pytest.raises(DataError, match="make it with"):
            fingerprint(name)
    again = rf"git checkout data/{name}` or make it with `python data/{name}/make_{name}\.py`$"
    with pytest.raises(DataError, match=rf"{name}\.npz.*{words}.*get it again with `{again}"):
        LOADERS[name]()


@pytest.mark.parametrize("digest", [None, ""])
def test_without_a_sha256_beside_it_no_file_is_read(copied, digest):
    path = copied / "optdigits" / "optdigits.sha256"
    path.unlink() if digest is None else path.write_text(digest)
    with pytest.raises(DataError, match=r"optdigits.*get it again"):
        optdigits()


def test_a_file_of_other_rows_or_without_an_array_is_refused(copied):
    path, none = copied / "letters" / "letters.npz", np.zeros(6, bool)
    for arrays, words in (
        (
            {"images": np.zeros((6, 28, 28), np.uint8), "held_out": none},
            "holds 6 rows, 0 held out; expected 8320 and 2080",
        ),
        ({"images": np.zeros((6, 28, 28), np.uint8)}, "held_out"),
    ):
        np.savez(path, **arrays)
        path.with_suffix(".sha256").write_text(hashlib.sha256(path.read_bytes()).hexdigest())
        with pytest.raises(DataError, match=words):
            letters()


def test_the_experiment_on_letters_has_every_floor_and_three_seeds():
    experiment = load_experiment(CHECKOUT / "data/experiments", "letters")
    assert experiment.dataset == "letters" and len(experiment.seeds) >= 3 and experiment.controls
    assert {tower.kind for tower in experiment.towers} == {"latents", "directions"}
    assert all(tower.nulls and tower.direct for tower in experiment.towers)


# the script, on a figure of our own


def bar(script):
    figure = np.zeros((script.CANVAS, script.CANVAS), bool)
    figure[60:140, 100:110] = figure[130:140, 100:150] = True
    return figure


def test_a_distortion_depends_on_its_own_stream_alone_and_changes_thickness(script):
    figure = bar(script)
    first, again, other = (script.distorted(figure, np.random.default_rng([4, n])) for n in (1, 1, 2))
    assert np.array_equal(first, again) and not np.array_equal(first, other)
    thin, thick = script._thickened(figure, 2.0), script._thickened(figure, 3.5)
    assert thin.sum() < thick.sum() and not (thin & ~thick).any()
    assert script._thickened(figure, 0.0).any(), "no stroke is thinned away"


def test_a_figure_fills_the_box_with_its_mass_in_the_middle_as_far_as_nothing_is_cut_off(script):
    image = script.centred(bar(script))
    rows, columns = (np.flatnonzero(image.any(axis)) for axis in (1, 0))
    assert np.ptp(rows) + 1 == script.BOX and np.ptp(columns) + 1 < script.BOX
    assert np.abs(np.array(center_of_mass(image)) - 13.5).max() <= 0.5
    lopsided = np.zeros((script.CANVAS, script.CANVAS), bool)
    lopsided[20:120, 20:120], lopsided[118:120, 20:120] = np.eye(100, dtype=bool)[::-1] & (np.arange(100) > 97), True
    rows, columns = (np.flatnonzero(script.centred(lopsided).any(axis)) for axis in (1, 0))
    assert max(np.ptp(rows), np.ptp(columns)) + 1 == script.BOX


def test_another_version_of_a_font_is_refused(script, tmp_path, monkeypatch):
    monkeypatch.setattr(script, "HERE", tmp_path / "data")
    (tmp_path / "data").mkdir()
    first = script.FONTS[0]

    def offered(command, **_):
        if command[0] == "apt-get":
            (tmp_path / f"{command[2]}_1_all.deb").touch()
        else:
            (tmp_path / first.file).write_bytes(b"another drawing")

    monkeypatch.setattr(script, "FONTS", (first,))
    monkeypatch.setattr(script.subprocess, "run", offered)
    with pytest.raises(
        SystemExit, match=rf"{first.package}: {first.file} has sha256 .*, expected {first.sha256}: another"
    ):
        script.fetched(tmp_path)
    assert not any((tmp_path / "data").iterdir()), "nothing beside the data is changed"


def test_transfer_says_for_each_seed_what_is_read_of_held_out_images_and_of_other_sets(monkeypatch, capsys):
    draw = np.random.default_rng(8)
    labels = np.arange(400) % 2
    images = np.where(labels[:, None, None] == (np.arange(6) > 2), 200, draw.integers(0, 50, (400, 6, 6))).astype(
        np.uint8
    )
    sets = {
        "halves": Dataset("halves", images, labels, np.arange(400) >= 300),
        "swapped": Dataset("swapped", images, 1 - labels, np.arange(400) >= 300),
    }
    monkeypatch.setattr(transfer, "opened", sets.__getitem__)
    monkeypatch.setattr(transfer, "SEEDS", (4, 5))
    transfer.main("halves", "swapped")
    lines = capsys.readouterr().out.splitlines()
    assert lines == [f"seed {seed}: halves, held out: 1.000; swapped: 0.000" for seed in (4, 5)]

"""The embedded emoji: what is there, that nothing held out was seen in another hand or variant, how they are made."""

from __future__ import annotations

import hashlib
import io
import shutil

import numpy as np
import pytest
from factories import kept_script
from PIL import Image
from tests_root import CHECKOUT

from analysis.plan.chains import fingerprint
from analysis.plan.data_source import source
from analysis.run.datasets._open import opened
from analysis.run.datasets.emoji32 import about, emoji32
from sae.errors import ConfigError, DataError

FOLDER = CHECKOUT / "data/emoji"


@pytest.fixture
def checkout(monkeypatch):
    monkeypatch.setenv("STRATA_ROOT", str(CHECKOUT))


@pytest.fixture
def copied(project):
    shutil.copytree(FOLDER, project.data / "emoji")
    return project.data / "emoji"


@pytest.fixture(scope="module")
def script():
    with kept_script(FOLDER / "make_emoji.py") as module:
        yield module


def test_there_are_nine_categories_and_98_subcategories_within_them(checkout):
    coarse, fine = opened(source("emoji32", {})), opened(source("emoji32", {"labels": "fine"}))
    assert coarse.said == (
        "the data set emoji32: 3765 images of 32 x 32 in colour, 9 classes; 755 held out, by what they show"
    )
    assert np.array_equal(coarse.images, fine.images) and np.array_equal(coarse.held_out, fine.held_out)
    assert coarse.class_names[::8] == ("Smileys & Emotion", "Flags") and fine.n_classes == 98
    assert np.bincount(coarse.labels).tolist() == [338, 741, 318, 262, 436, 170, 528, 448, 524]
    assert np.bincount(coarse.labels[coarse.held_out]).tolist() == [70, 153, 60, 52, 84, 32, 102, 92, 110]
    assert len(set(zip(fine.labels.tolist(), coarse.labels.tolist(), strict=True))) == 98, "each lies in one category"
    trained = np.bincount(fine.labels[~fine.held_out], minlength=98)
    held = np.bincount(fine.labels[fine.held_out], minlength=98)
    assert trained.min() >= 2
    assert {fine.class_names[one] for one in np.flatnonzero(held == 0)} == {"animal-amphibian", "hotel", "currency"}


def test_nothing_that_is_held_out_was_seen_in_another_hand_or_another_variant(checkout):
    data, told = emoji32(), about()
    for key in ("emoji", "group"):
        sides = {one: set(data.held_out[told[key] == one].tolist()) for one in set(told[key].tolist())}
        assert all(len(side) == 1 for side in sides.values()), key
        assert sum(side == {True} for side in sides.values()) > 300
    assert {one: int((told["artist"] == one).sum()) for one in ("google", "twitter")} == {
        "google": 1892,
        "twitter": 1873,
    }

    def one_side(*names):
        where = np.isin(told["emoji"], names)
        assert set(told["emoji"][where]) == set(names) and len(set(told["group"][where])) == 1, names

    one_side("runner", "man-running", "woman-running", "woman_running_facing_right")
    one_side("male-cook", "female-cook", "cook")
    one_side("santa", "mrs_claus", "mx_claus")
    one_side("flag-no", "flag-bv")  # no code point in common: they look the same
    apart = told["group"][np.isin(told["emoji"], ("male_sign", "female_sign", "left_right_arrow"))]
    assert len(set(apart)) == 3, "a sign that tells variants apart is an emoji of its own"


def test_no_picture_stands_twice_and_none_stands_nearly_on_both_sides(checkout):
    data, artist = emoji32(), about()["artist"]
    for one in ("google", "twitter"):
        rows = data.images[artist == one].reshape((artist == one).sum(), -1).astype(np.float32)
        held, squares = data.held_out[artist == one], (rows**2).sum(1)
        assert len({row.tobytes() for row in rows}) == len(rows)
        apart = squares[held][:, None] + squares[~held] - 2 * rows[held] @ rows[~held].T
        assert apart.min() > 16 * rows.shape[1], "as near as 4 of 255"


def test_pictures_lie_on_white_in_64_levels(checkout):
    images = emoji32().images
    assert len(np.unique(images)) == 64 and images.dtype == np.uint8
    corners = images[:, [0, 0, -1, -1], [0, -1, 0, -1]]
    assert (corners == 255).all(2).mean() > 0.75
    assert all((image < 255).any() for image in images), "an emoji that is white has an outline"


def test_what_is_embedded_has_hash_licences_and_script_and_is_small(checkout):
    raw, readme = (FOLDER / "emoji.npz").read_bytes(), (FOLDER / "README.md").read_text()
    digest = hashlib.sha256(raw).hexdigest()
    assert (FOLDER / "emoji.sha256").read_text() == f"{digest}  emoji.npz\n" and fingerprint("emoji32") == digest
    assert len(raw) < 3e6 and "`python data/emoji/make_emoji.py`" in readme
    embedded = sum((CHECKOUT / f"data/{one}/{one}.npz").stat().st_size for one in ("letters", "emoji", "optdigits"))
    assert embedded < 5e6
    texts = {path.name: path.read_text() for path in (FOLDER / "licences").iterdir()}
    assert set(texts) == {"Apache-2.0.txt", "CC-BY-4.0.txt", "emoji-datasource.txt"}
    assert "Version 2.0, January 2004" in texts["Apache-2.0.txt"]
    assert texts["CC-BY-4.0.txt"].startswith("Attribution 4.0 International")
    for words in ("The MIT License", "Apache License 2.0", "Creative Commons Attribution 4.0 license"):
        assert words in texts["emoji-datasource.txt"]


@pytest.mark.parametrize("wrong", ["both", "", 3, ["fine"]])
def test_other_labels_are_refused(checkout, wrong):
    with pytest.raises(ConfigError, match=r'^dataset_options\.labels = .*: must be "coarse" or "fine"$'):
        opened(source("emoji32", {"labels": wrong}))


def arrays(**changed):
    with np.load(FOLDER / "emoji.npz") as file:
        return {**{name: file[name] for name in file.files}, **changed}


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"images": np.zeros((3765, 32, 32), np.uint8)}, r"images of uint8, \(32, 32\); expected uint8, \(32, 32, 3\)"),
        ({"images": np.zeros((3765, 16, 16, 3), np.uint16)}, r"uint16, \(16, 16, 3\); expected uint8, \(32, 32, 3\)"),
        ({"images": np.zeros((2, 32, 32, 3), np.uint8)}, "holds 2 rows, 755 held out; expected 3765 and 755"),
        ({"coarse": np.full(3765, 9)}, "emoji32: label 9 but 9 class names"),
        ({"coarse": np.zeros(3764, int)}, "3765 images, 3764 labels"),
    ],
)
def test_a_file_that_does_not_fit_is_refused_in_one_line(copied, changed, words):
    path = copied / "emoji.npz"
    np.savez(path, **arrays(**changed))
    path.with_suffix(".sha256").write_text(hashlib.sha256(path.read_bytes()).hexdigest())
    with pytest.raises(DataError, match=words) as error:
        emoji32()
    assert "\n" not in str(error.value)


def test_a_file_that_is_altered_or_missing_is_refused_with_the_remedy(copied):
    path = copied / "emoji.npz"
    path.write_bytes(path.read_bytes()[:-9])
    again = r"get it again with `git checkout data/emoji` or make it with `python data/emoji/make_emoji\.py`$"
    with pytest.raises(DataError, match=rf"emoji\.npz.*sha256.*{again}"):
        emoji32()
    path.unlink()
    with pytest.raises(DataError, match=again):
        fingerprint("emoji32")


# the script, on sheets of our own


def sheet(*colours, cover=255):
    """One row of cells, each of one colour, as a package has them."""
    found = np.zeros((34, 34 * len(colours), 4), np.uint8)
    for number, colour in enumerate(colours):
        found[1:33, 34 * number + 1 : 34 * number + 33] = (*colour, cover)
    return found


def png(values, mode=None):
    file = io.BytesIO()
    image = Image.fromarray(values)
    (image.convert(mode) if mode else image).save(file, "PNG")
    return file.getvalue()


def test_a_cell_is_laid_on_white_and_rounded(script):
    assert (script.cell(sheet((200, 0, 101)), 0, 0, "x") == (198, 0, 101)).all()  # steps of 255 / 63
    assert (script.cell(sheet((0, 0, 0), cover=51), 0, 0, "x") == 202).all(), "a fifth black on white"


@pytest.mark.parametrize(
    ("raw", "mode"),
    [
        (png(sheet((9, 9, 9)), "P"), "P"),
        (png(sheet((9, 9, 9)), "RGB"), "RGB"),
        (png(np.full((34, 34), 40_000, np.uint16)), "I;16"),
    ],
)
def test_a_sheet_of_palette_of_16_bits_or_without_transparency_is_refused(script, raw, mode):
    with pytest.raises(SystemExit, match=f"^a/32.png is a PNG of mode {mode}; expected RGBA, eight bits a channel$"):
        script.sheet_of(raw, "a/32.png")
    assert (script.sheet_of(png(sheet((9, 8, 7))), "a")[20, 20] == (9, 8, 7, 255)).all()


def test_a_cell_that_is_not_there_or_empty_is_refused(script):
    with pytest.raises(SystemExit, match=r"^owl: no cell of 32 x 32 in column 1, row 0 of a sheet \(34, 34, 4\)$"):
        script.cell(sheet((1, 2, 3)), 1, 0, "owl")
    with pytest.raises(SystemExit, match=r"^owl: the cell in column 0, row 0 is empty$"):
        script.cell(sheet((1, 2, 3), cover=0), 0, 0, "owl")


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("1F3C3-200D-2640-FE0F", "1F3C3", True),  # a woman runs
        ("1F3C3-200D-2642-FE0F-200D-27A1-FE0F", "1F3C3", True),  # to the right
        ("1F468-200D-1F373", "1F9D1-1F3FD-200D-1F373", True),  # cooks
        ("1F468-200D-1F373", "1F468-200D-1F692", False),  # a cook, a firefighter
        ("2640-FE0F", "2642-FE0F", False),
        ("1F385", "1F9D1-200D-1F384", True),
    ],
)
def test_variants_show_the_same(script, one, other, same):
    assert (script.shows(one) == script.shows(other)) is same


def test_what_looks_the_same_for_one_artist_is_one_group(script):
    pictures = np.zeros((4, 2, 32, 32, 3), np.uint8)
    pictures[1:, 0], pictures[1, 1], pictures[2:, 1] = 100, 100, 200
    pictures[3, 0] = 150
    assert script.grouped(["a", "b", "c", "d"], pictures).tolist() == [0, 1, 1, 1], "by one hand, then by the other"
    assert script.grouped(["a", "b", "c", "a"], pictures).tolist() == [0, 0, 0, 0], "and by what they show"


def test_of_a_class_of_one_emoji_nothing_is_held_out_and_of_others_about_a_fifth(script):
    groups = np.array([0, 1, 1, 3, 4, 5, 6, 7, 8, 9, 10])
    fine = np.array([0] + [1] * 10, np.uint8)
    names = [f"emoji {number}" for number in range(11)]
    marks = script.held_out(groups, fine, names)
    assert not marks[0] and marks.sum() in (2, 3) and marks[1] == marks[2]
    assert np.array_equal(marks, script.held_out(groups, fine, names))


def test_the_same_picture_is_kept_once_and_swatches_not_at_all(script):
    def emoji(number, category="Objects"):
        return {
            "category": category, "subcategory": "tool", "sort_order": -number, "short_name": f"n{number}",
            "unified": f"{number}", "sheet_x": number, "sheet_y": 0,
        }  # fmt: skip

    both = [sheet((0, 0, 0), (250, 0, 0), (250, 0, 0), (0, 250, 0)), sheet(*((40 * n, 0, 0) for n in range(4)))]
    found = script.made([emoji(0), emoji(1), emoji(2), emoji(3, "Component")], both)
    assert found["emoji_names"].tolist() == ["n2", "n1", "n0"], "as Unicode sorts them"
    assert found["emoji"].tolist() == [0, 2, 0, 1, 2] and found["artist"].tolist() == [0, 0, 1, 1, 1]
    assert found["group"].tolist() == [0, 2, 0, 0, 2] and found["coarse_names"].tolist() == ["Objects"]


def test_another_package_is_refused_and_so_is_one_that_says_no_licences(script, tmp_path, monkeypatch):
    def packed(command, cwd, **_):
        (cwd / "it.tgz").write_bytes(b"another package")
        return type("Done", (), {"stdout": b"it.tgz\n"})

    monkeypatch.setattr(script.subprocess, "run", packed)
    with pytest.raises(SystemExit, match=r"^emoji-datasource-google@16\.0\.0 has sha256 .*, expected fb5f.*: another"):
        script.fetched(script.ARTISTS[0], tmp_path)
    with pytest.raises(SystemExit, match="does not say the licences"):
        script.notices({"package/LICENSE": b"MIT", "package/README.md": b"## Image Sources\n\nNone.\n\n## More\n"})

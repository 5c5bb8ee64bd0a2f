"""Data sets of a user's own, read from tiny real files: NumPy arrays, parquet, IDX."""

from __future__ import annotations

import gzip
import io

import numpy as np
import pandas as pd
import pytest
from own_data import SEEDS, empty_project, given, idx_bytes, picture, pixels
from PIL import Image

from analysis.plan.chains import fingerprint
from analysis.plan.data_source import source
from sae.errors import ConfigError, DataError, StrataError


@pytest.fixture
def root(tmp_path, monkeypatch):
    return empty_project(tmp_path, monkeypatch)


# arrays


def test_arrays_of_an_npz_are_found_by_their_usual_names_and_by_those_given(root):
    images, kinds = pixels(40, 3, 4, 4), np.arange(40) % 4 * 100
    np.savez(root / "a.npz", images=images, labels=kinds, test=np.arange(40) >= 30, others=np.zeros(3))
    data = given("npz", path="a.npz")
    assert data.shape == (4, 4, 3) and data.class_names == ("0", "100", "200", "300")
    assert (data.images[5] == np.moveaxis(images[5], 0, 2)).all(), "colours come last"
    data = given("npz", path="a.npz", examples="images", labels="", held_out="test")
    assert data.labels is None and data.held_out.tolist() == [False] * 30 + [True] * 10


def test_rows_of_an_npy_are_memory_mapped_with_labels_beside(root):
    rows = SEEDS.normal(size=(30, 7)).astype(np.float32)
    np.save(root / "rows.npy", rows)
    np.save(root / "kinds.npy", np.array(["b", "a"] * 15))
    data = given("npz", path="rows.npy", labels="kinds.npy")
    assert isinstance(data.examples, np.memmap) and data.class_names == ("a", "b") and not data.are_images
    assert data.labels[:2].tolist() == [1, 0] and data.show(data.examples[0]).startswith(f"<code>{rows[0, 0]:.3g}, ")
    data.examples[0] = 0
    assert (np.load(root / "rows.npy") == rows).all(), "nothing is written back"


@pytest.mark.parametrize(
    ("arrays", "options", "words"),
    [
        ({"a": pixels(9, 2, 2), "b": pixels(9)}, {}, r"has the arrays a, b; say which holds `examples`"),
        ({"x": pixels(9, 2, 2)}, {"labels": "y"}, r"has no array 'y'; it has x"),
        ({"x": pixels(9, 2, 2), "y": np.zeros(8, int)}, {}, "9 examples and 8 labels"),
        ({"x": pixels(9, 2, 2), "y": np.linspace(0, 1, 9)}, {}, "float64; expected whole numbers or text"),
        ({"x": pixels(9, 2, 2), "y": np.arange(9) % 3}, {"classes": ["a", "b"]}, "label 2 but 2 class names"),
        ({"x": pixels(9, 2, 2) / 255}, {}, r"float64; images are whole numbers 0\.\.255: multiply"),
        ({"x": pixels(9, 2, 2).astype(int) - 300}, {}, r"images are whole numbers 0\.\.255"),
        ({"x": pixels(9, 2, 2, 2)}, {}, "grey or in three colours"),
        ({"x": np.array([[1.0, np.nan]] * 3)}, {}, "row 0 holds a number that is not finite"),
        ({"x": np.array([{}, 1], object)}, {}, "cannot be read .*Object arrays"),
        ({"x": pixels(9, 2, 2), "t": np.zeros(9, bool)}, {"held_out": "t"}, "no example is held out"),
        ({"x": pixels(9, 2, 2), "t": np.arange(9)}, {"held_out": "t"}, "expected true or false"),
        ({"x": np.zeros((9, 2, 2), np.uint8)}, {}, "9 examples, 1 different"),
        ({"x": np.zeros((2, 2, 2), np.uint8), "t": np.array(["train", "test"])}, {"held_out": "t"},
         r"1 of 1 held-out examples are trained on, too \(row 1 is row 0\)"),
    ],
)  # fmt: skip
def test_arrays_that_do_not_fit_are_refused(root, arrays, options, words):
    np.savez(root / "a.npz", **arrays)
    with pytest.raises(DataError, match=words):
        given("npz", path="a.npz", **options)


@pytest.mark.parametrize("name", ["a.npz", "a.npy", "a.mat"])
def test_files_of_another_kind_are_refused(root, name):
    (root / name).write_bytes(b"hello")
    with pytest.raises(DataError, match=r"a\.m.. *is no .npz or .npy|a\.np. cannot be read as a NumPy"):
        given("npz", path=name)


# parquet


def png(values):
    buffer = io.BytesIO()
    Image.fromarray(values).save(buffer, "png")
    return buffer.getvalue()


def test_parquet_holds_images_as_bytes_as_structs_or_as_paths(root):
    images = pixels(12, 5, 4)
    for number, image in enumerate(images):
        picture(root / "shots" / f"{number}.png", image)
    kinds = ["fox", "elk"] * 6
    cells = {
        "bytes": [png(image) for image in images],
        "struct": [{"bytes": png(image), "path": "x"} for image in images],
        "paths": [f"shots/{number}.png" for number in range(12)],
    }
    for name, column in cells.items():
        pd.DataFrame({"image": column, "kind": kinds}).to_parquet(root / f"{name}.parquet")
        options = {"image": "image"} if name == "paths" else {}
        data = given("parquet", path=f"{name}.parquet", labels="kind", **options)
        assert (data.images == images).all() and data.class_names == ("elk", "fox"), name
    before = fingerprint(source("parquet", {"path": "paths.parquet", "image": "image"}))
    picture(root / "shots/3.png")
    assert fingerprint(source("parquet", {"path": "paths.parquet", "image": "image"})) != before
    (root / "shots/3.png").unlink()
    with pytest.raises(DataError, match=r"row 3 names shots/3\.png, which is not there"):
        given("parquet", path="paths.parquet", image="image")


def test_parquet_holds_rows_of_numbers_in_columns_or_lists(root):
    frame = pd.DataFrame(SEEDS.normal(size=(20, 3)), columns=["a", "b", "c"]).assign(label=np.arange(20) % 2)
    frame["part"] = ["train"] * 15 + ["test"] * 5
    frame["vector"] = [[float(n), 1.0] for n in range(20)]
    for shard in range(2):  # a folder of them is one table, in order
        (root / "table").mkdir(exist_ok=True)
        frame[10 * shard : 10 * shard + 10].to_parquet(root / f"table/rows-{9 + shard}.parquet", index=False)
    data = given("parquet", path="table", held_out="part")
    assert np.allclose(data.examples, frame[["a", "b", "c"]], atol=1e-6) and data.held_out[15:].all()
    assert data.class_names == ("0", "1") and "column part" in data.split
    data = given("parquet", path="table", columns="vector", labels="")
    assert data.examples[:, 0].tolist() == list(range(20)) and data.labels is None


@pytest.mark.parametrize(
    ("frame", "options", "words"),
    [
        ({"a": [1.0, None, 2.0]}, {}, r"\[a\]: row 1 has no value \(1 of 3\)"),
        ({"a": [1.0, 2.0], "label": ["x", None]}, {}, r"\[label\]: row 1 has no value"),
        ({"a": ["x", "y"]}, {}, "no column of image bytes or of numbers; its columns are a"),
        ({"a": [1.0, 2.0]}, {"labels": "kind"}, "has no column 'kind'; it has a"),
        ({"a": [1.0, 2.0]}, {"columns": ["b"]}, "has no column 'b'"),
        ({"a": [1.0, 2.0]}, {"columns": 3}, "columns = 3: must be a list"),
        ({"a": [[1.0], [1.0, 2.0]]}, {"columns": "a"}, "row 1 has 2 numbers, row 0 1"),
        ({"a": [b"no", b"image"]}, {}, r"row 0 of t\.parquet cannot be read as an image"),
        ({"a": [b"1", b"2"], "b": [b"1", b"2"]}, {}, "images in the columns a, b; say which"),
        ({"a": [1.0, 2.0], "label": [0.5, 1.0]}, {}, "float64; expected whole numbers or text"),
        ({"a": [1.0, 2.0], "t": ["train", "later"]}, {"held_out": "t"}, "row 1 is 'later'; expected train or one of"),
        ({"a": [1.0, 2.0]}, {"size": 3}, "size = 3: .* rows of numbers"),
        ({"a": []}, {"columns": "a"}, "has no rows|expected numbers"),
    ],
)
def test_parquet_that_does_not_fit_is_refused(root, frame, options, words):
    pd.DataFrame(frame).to_parquet(root / "t.parquet", index=False)
    with pytest.raises(StrataError, match=words):
        given("parquet", path="t.parquet", **options)


def test_parquet_that_is_none_is_refused(root):
    (root / "t.parquet").write_bytes(b"PAR1 and nothing more")
    with pytest.raises(DataError, match=r"t\.parquet cannot be read as parquet"):
        given("parquet", path="t.parquet")


# IDX


@pytest.mark.parametrize("pack", [lambda raw: raw, gzip.compress], ids=["plain", "gzipped"])
def test_idx_files_of_any_name_with_labels_beside(root, pack):
    images, kinds = pixels(20, 4, 6), (np.arange(20) % 2 + 3).astype(np.uint8)
    end = "" if pack(b"x") == b"x" else ".gz"
    (root / f"letters{end}").write_bytes(pack(idx_bytes(images)))
    (root / f"kinds{end}").write_bytes(pack(idx_bytes(kinds)))
    data = given("idx", path=f"letters{end}", labels=f"kinds{end}", held_out=0.5)
    assert (data.images == images).all() and data.class_names == ("3", "4") and int(data.held_out.sum()) == 10
    assert given("idx", path=f"letters{end}").labels is None
    (root / f"kinds{end}").write_bytes(pack(idx_bytes(kinds[:-1])))
    with pytest.raises(DataError, match=r"labels of shape \(19,\); expected \(20,\)"):
        given("idx", path=f"letters{end}", labels=f"kinds{end}")


def test_a_folder_of_four_idx_files_says_its_split(root):
    for part, rows in (("train", 9), ("t10k", 4)):
        (root / "four").mkdir(exist_ok=True)
        (root / f"four/{part}-images-idx3-ubyte").write_bytes(idx_bytes(pixels(rows, 2, 3)))
        (root / f"four/{part}-labels-idx1-ubyte").write_bytes(idx_bytes((np.arange(rows) % 2).astype(np.uint8)))
    data = given("idx", path="four", classes=["ash", "oak"])
    assert data.held_out.tolist() == [False] * 9 + [True] * 4 and data.class_names == ("ash", "oak")
    with pytest.raises(ConfigError, match=r"held_out = 0\.1: the folder four has"):
        given("idx", path="four", held_out=0.1)
    with pytest.raises(DataError, match="label 1 but 1 class names"):
        given("idx", path="four", classes=["ash"])
    (root / "four/t10k-labels-idx1-ubyte").unlink()
    with pytest.raises(DataError, match="no file t10k-labels-idx1-ubyte"):
        given("idx", path="four")

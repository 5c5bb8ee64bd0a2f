"""Rows and labels from files as people have them: the same rows from every form, drawn alike, or refused by name."""

from __future__ import annotations

import pickle
import sys
from types import ModuleType

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from analysis.run.rows_files import read_labels, read_rows
from sae.errors import DataError

ROWS = np.random.default_rng(3).normal(size=(61, 7)).astype(np.float32)


def npy(path):
    np.save(path / "x.npy", ROWS)
    return path / "x.npy"


def half(path):
    np.save(path / "x.npy", ROWS.astype(np.float16))
    return path / "x.npy"


def swapped(path):
    np.save(path / "x.npy", ROWS.astype(">f4"))
    return path / "x.npy"


def npz(path):
    np.savez_compressed(path / "x.npz", acts=ROWS)
    return path / "x.npz"


def tensors(path):
    save_file({"acts": torch.from_numpy(ROWS)}, path / "x.safetensors")
    return path / "x.safetensors"


def shards(path):
    """Thirteen of them: natural order is not that of the alphabet."""
    for number, part in enumerate(np.array_split(ROWS, 13)):
        np.save(path / f"shard-{number}.npy", part)
    (path / "README.md").write_text("what this is")
    return path


@pytest.mark.parametrize("make", [npy, swapped, npz, tensors, shards])
def test_every_form_gives_the_same_rows(make, tmp_path, monkeypatch):
    monkeypatch.setattr("analysis.run.rows_files.BLOCK", 10)
    source = str(make(tmp_path))
    whole = read_rows(source)
    assert np.array_equal(whole.rows.numpy(), ROWS) and whole.numbers == list(range(61)) and whole.total == 61
    some = read_rows(source, most=20, seed=4)
    assert len(some.numbers) == 20 and np.array_equal(some.rows.numpy(), ROWS[some.numbers])
    assert "20 of 61 rows, drawn at random, 7 wide" in some.said
    assert some.numbers == read_rows(source, most=20, seed=4).numbers != read_rows(source, most=20, seed=5).numbers
    assert np.array_equal(read_rows(source, only=some.numbers).rows.numpy(), some.rows.numpy())


def test_half_precision_and_bfloat16_stay_as_they_are(tmp_path):
    assert read_rows(str(half(tmp_path))).rows.dtype == torch.float16
    save_file({"x": torch.zeros(4, 3, dtype=torch.bfloat16)}, tmp_path / "b.safetensors")
    assert read_rows(str(tmp_path / "b.safetensors")).rows.dtype == torch.bfloat16


def test_a_row_that_is_not_finite_is_named_by_its_file_and_where_it_stands_there(tmp_path):
    rows = ROWS.astype(np.float64)
    rows[[17, 40], 3] = np.nan, -np.inf
    np.save(tmp_path / "bad.npy", rows)
    with pytest.raises(
        DataError, match=r"bad\.npy: row 17 holds NaN or infinity \(2 such rows of the 61 that were read"
    ):
        read_rows(str(tmp_path / "bad.npy"))
    with pytest.raises(DataError, match=r"bad\.npy: row 40 holds NaN or infinity \(1 such rows of the 3"):
        read_rows(str(tmp_path / "bad.npy"), only=[3, 40, 60])
    assert len(read_rows(str(tmp_path / "bad.npy"), only=[3, 60]).rows) == 2, (
        "of rows that nobody asked for nothing is said"
    )
    rows[[17, 40], 3] = 1e300
    (tmp_path / "shards").mkdir()
    for number, part in enumerate(np.array_split(rows, 4)):
        np.save(tmp_path / "shards" / f"part-{number}.npy", part)
    with pytest.raises(DataError, match=r"part-1\.npy: row 1 holds a number beyond float32, row 17 of all \("):
        read_rows(str(tmp_path / "shards"))


def test_one_of_several_arrays_is_named(tmp_path):
    np.savez(tmp_path / "x.npz", mlp=ROWS, resid=ROWS * 2)
    assert np.array_equal(read_rows(str(tmp_path / "x.npz"), array="resid").rows.numpy(), ROWS * 2)
    for array, says in (("", "2 arrays"), ("attn", "no 'attn'")):
        with pytest.raises(DataError, match=f"{says}, expected one: --array is one of mlp, resid"):
            read_rows(str(tmp_path / "x.npz"), array=array)


def test_an_array_is_named_behind_its_file_whatever_reads_it(tmp_path):
    labels = np.arange(61) * 3
    np.savez(tmp_path / "two.npz", acts=ROWS, twice=ROWS * 2, y=labels)
    save_file({"acts": torch.from_numpy(ROWS), "y": torch.from_numpy(labels)}, tmp_path / "two.safetensors")
    np.save(tmp_path / "odd[y].npy", ROWS)
    (tmp_path / "shards").mkdir()
    for number in range(2):
        np.savez(tmp_path / "shards" / f"{number}.npz", mlp=ROWS[number::2], resid=ROWS)
    assert np.array_equal(read_rows(f"{tmp_path}/two.npz[twice]", array="acts").rows.numpy(), ROWS * 2)
    assert np.array_equal(read_rows(f"{tmp_path}/odd[y].npy").rows.numpy(), ROWS)
    assert read_rows(f"{tmp_path}/shards[mlp]").total == 61
    for file in ("two.npz", "two.safetensors"):
        assert read_labels(f"{tmp_path}/{file}[y]", 61, [4, 7]).tolist() == [12, 21]
        with pytest.raises(
            DataError, match=r"arrays, expected one: --labels '.*\[NAME\]' reads one: NAME is one of acts,"
        ):
            read_labels(f"{tmp_path}/{file}", 61, [4, 7])
    with pytest.raises(DataError, match=r"no 'rand', expected one: --held-out '.*\[NAME\]' reads one"):
        read_rows(f"{tmp_path}/two.npz", array="rand", option="--held-out")


@pytest.mark.parametrize("form", ["npy", "column", "text", "shards"])
def test_labels_of_every_form_follow_the_rows(form, tmp_path):
    labels = np.arange(61) * 10**10 - 7
    source = tmp_path / "y.npy"
    if form == "text":
        source = tmp_path / "y.txt"
        source.write_text("\n".join(map(str, labels)) + "\n")
    elif form == "shards":
        source = tmp_path / "parts"
        source.mkdir()
        for number, part in enumerate(np.array_split(labels, 12)):
            np.save(source / f"{number}.npy", part)
    else:
        np.save(source, labels[:, None] if form == "column" else labels)
    assert read_labels(str(source), 61, [0, 17, 60]).tolist() == [labels[0], labels[17], labels[60]]
    with pytest.raises(DataError, match=r"expected \(62,\): one for every row"):
        read_labels(str(source), 62, [0])


def test_a_data_set_by_name_needs_its_package(monkeypatch):
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(DataError, match=r"someone/acts is no file or folder; .*`pip install datasets`"):
        read_rows("someone/acts")


def test_a_data_set_by_name_gives_its_column_of_vectors(monkeypatch):
    class Data:
        column_names = ("text", "acts")

        def __len__(self):
            return len(ROWS)

        def __getitem__(self, key):
            if isinstance(key, int):
                return {"text": "a", "acts": ROWS[key].tolist()}
            return {"text": ["a"] * len(key), "acts": ROWS[key].tolist()}

    module = ModuleType("datasets")
    module.load_dataset = lambda name, split: Data()
    monkeypatch.setitem(sys.modules, "datasets", module)
    found = read_rows("someone/acts", most=9)
    assert np.array_equal(found.rows.numpy(), ROWS[found.numbers])


def three_axes(path):
    np.save(path / "x.npy", ROWS[None])


def objects(path):
    np.save(path / "x.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)


def pickled(path):
    (path / "x.npy").write_bytes(pickle.dumps([1.0]))


REFUSED = {
    "three axes": (three_axes, "expected (n, d)"),
    "no rows": (lambda p: np.save(p / "x.npy", ROWS[:0]), "is empty"),
    "whole numbers": (lambda p: np.save(p / "x.npy", np.ones((9, 3), int)), "expected rows of floating point"),
    "objects": (objects, "cannot be read"),
    "a pickle": (pickled, "cannot be read"),
    "cut": (lambda p: (p / "x.npy").write_bytes(npy(p).read_bytes()[:300]), "cannot be read"),
    "nothing": (lambda p: None, "is not there"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_are_no_rows_is_refused_in_one_line(case, tmp_path):
    make, says = REFUSED[case]
    make(tmp_path)
    with pytest.raises(DataError) as raised:
        read_rows(str(tmp_path / "x.npy"))
    assert says in str(raised.value) and "x.npy" in str(raised.value) and "\n" not in str(raised.value)


def test_folders_of_nothing_of_two_kinds_and_of_two_widths_are_refused(tmp_path):
    with pytest.raises(DataError, match="holds no"):
        read_rows(str(tmp_path))
    np.save(tmp_path / "1.npy", ROWS)
    np.save(tmp_path / "2.npy", ROWS[:, :5])
    with pytest.raises(DataError, match=r"2\.npy has rows of width 5, .*1\.npy of width 7"):
        read_rows(str(tmp_path))
    np.savez(tmp_path / "3.npz", x=ROWS)
    with pytest.raises(DataError, match=r"holds \.npy and \.npz, expected files of one kind"):
        read_rows(str(tmp_path))
    (tmp_path / "x.pt").write_bytes(b"\x80\x02")
    with pytest.raises(DataError, match="pickles never are"):
        read_rows(str(tmp_path / "x.pt"))
    (tmp_path / "y.txt").write_text("1\ncat\n")
    with pytest.raises(DataError, match="label 2 is 'cat'"):
        read_labels(str(tmp_path / "y.txt"), 2, [0, 1])

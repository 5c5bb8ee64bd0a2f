"""Files that are whole or not there, under names that nobody else has, and what is said where they cannot be."""

from __future__ import annotations

import errno
import json
import os
import resource
import signal
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from analysis.plan.config import load_experiment
from analysis.plan.stage_folders import Stage, StageConfig, writing
from analysis.run.collect import collect
from analysis.run.stages._load import save_tensors
from sae.errors import DataError, StageError, StrataError
from sae.files import write_safetensors
from sae.temporary import host_name, replacing, temporary_name, to_disk, unwritable


@pytest.fixture
def small_disk():
    """No file of this process may grow beyond 2,000 bytes: a write fails in its middle, as on a full disk."""
    handler, (soft, hard) = signal.signal(signal.SIGXFSZ, signal.SIG_IGN), resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2_000, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    signal.signal(signal.SIGXFSZ, handler)


def test_temporary_names_differ_between_threads_and_name_the_host(tmp_path):
    with ThreadPoolExecutor(4) as pool:
        names = list(pool.map(lambda _: temporary_name(tmp_path / "cats.json").name, range(100)))
    assert len(set(names)) == 100
    assert all(name.startswith(f".cats.json.tmp-{host_name()}-") for name in names)


@pytest.mark.parametrize("node", ["", "a/b c.local", "über", "x" * 300])
def test_any_name_of_a_machine_can_stand_in_a_files_name(tmp_path, monkeypatch, node):
    monkeypatch.setattr("platform.node", lambda: node)
    temporary_name(tmp_path / "file").touch()
    assert len(list(tmp_path.iterdir())) == 1


def test_a_file_is_replaced_whole_or_stays(tmp_path):
    path = tmp_path / "a.txt"
    for text in ("one", "two"):
        with replacing(path) as temporary:
            temporary.write_text(text)
        assert path.read_text() == text
    with pytest.raises(KeyError), replacing(path) as temporary:
        temporary.write_text("half")
        raise KeyError("stop")
    assert path.read_text() == "two" and list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("write", ["tensors", "text"])
def test_a_full_disk_is_one_line_with_file_and_remedy_and_leaves_the_old(tmp_path, small_disk, write):
    path = tmp_path / "weights.safetensors"
    save_tensors({"w": torch.zeros(3)}, path)
    before = path.read_bytes()
    with pytest.raises(
        DataError, match=r"weights\.safetensors cannot be written: .*[Ff]ile too large.*free some space"
    ) as caught:
        if write == "tensors":
            save_tensors({"w": torch.zeros(3000)}, path)
        else:
            with replacing(path) as temporary:
                temporary.write_text("x" * 3000)
    assert "\n" not in str(caught.value)
    assert path.read_bytes() == before and list(tmp_path.iterdir()) == [path]


def test_a_folder_that_is_not_there_is_one_line_too(tmp_path):
    with pytest.raises(DataError, match=r"nowhere.a\.safetensors cannot be written: .*No such file"):
        save_tensors({"w": torch.zeros(3)}, tmp_path / "nowhere" / "a.safetensors")


ROWS = np.arange(9000, dtype=np.float32)
WRITERS = {
    "npy": lambda path: np.save(path, ROWS),
    "npy of a map": lambda path: np.save(path, torch.from_numpy(ROWS).numpy()[::2]),
    "parquet": lambda path: pd.DataFrame({"value": ROWS}).to_parquet(path, index=False),
    "json": lambda path: path.write_text(json.dumps(ROWS.tolist())),
    "image": lambda path: Image.fromarray((ROWS.reshape(90, 100) * 7919 % 256).astype(np.uint8)).save(path, "webp"),
    "tensors": lambda path: save_tensors({"w": torch.from_numpy(ROWS)}, path),
}


@pytest.mark.parametrize("kind", WRITERS)
def test_a_stage_that_fills_the_disk_is_one_line_with_a_remedy_whatever_it_writes(tmp_path, small_disk, kind):
    stage = Stage(name="first", config=StageConfig(), code="c")
    words = r"cannot be written: .*; free some space or make"
    with pytest.raises(StrataError, match=words) as caught, writing(stage, tmp_path) as (work, _):
        WRITERS[kind](work / "product")
    assert "\n" not in str(caught.value) and str(tmp_path / "first") in str(caught.value)
    assert not list((tmp_path / "first").iterdir())


def test_tables_that_fill_the_disk_are_one_line_too_and_the_older_ones_stay(project, small_disk, monkeypatch):
    folder = project.collected / "tiny"
    folder.mkdir(parents=True)
    (folder / "runs.parquet").write_bytes(b"old")
    monkeypatch.setattr("analysis.run.collect._fill", lambda work, *_: WRITERS["parquet"](work / "measures.parquet"))
    with pytest.raises(StageError, match=r"cannot be written: .*; free some space or make"):
        collect(load_experiment(project.experiments, "tiny"), [], project)
    assert [path.name for path in project.collected.iterdir()] == ["tiny"]
    assert (folder / "runs.parquet").read_bytes() == b"old"


@pytest.mark.parametrize("number", [errno.EINVAL, errno.ENOTSUP, errno.EBADF, errno.EACCES, errno.ENOSPC, errno.EIO])
def test_a_file_system_that_syncs_no_folders_is_good_enough_and_a_disk_that_fails_is_not(tmp_path, monkeypatch, number):
    def refused(opened):
        raise OSError(number, os.strerror(number))

    (tmp_path / "file").touch()
    monkeypatch.setattr(os, "fsync", refused)
    with pytest.raises(OSError, match=r"Errno"):
        to_disk(tmp_path / "file")
    if number in (errno.ENOSPC, errno.EIO):
        with pytest.raises(OSError, match=r"Errno"):
            to_disk(tmp_path)
    else:
        to_disk(tmp_path)


@pytest.mark.parametrize(("mask", "mode"), [(0o022, 0o644), (0o002, 0o664), (0o077, 0o600)])
def test_who_may_read_a_file_of_tensors_is_said_by_the_umask(tmp_path, mask, mode):
    before = os.umask(mask)
    try:
        save_tensors({"w": torch.zeros(3)}, tmp_path / "a.safetensors")
        write_safetensors(tmp_path / "b.safetensors", {"w": torch.zeros(3)})
    finally:
        os.umask(before)
    assert [path.stat().st_mode & 0o777 for path in tmp_path.iterdir()] == [mode, mode]


def test_a_folder_that_cannot_be_moved_is_no_matter_of_space(tmp_path):
    said = unwritable(tmp_path, OSError(errno.EXDEV, "Invalid cross-device link"))
    assert "cross-device" in said and "space" not in said and "copy it to one place" in said

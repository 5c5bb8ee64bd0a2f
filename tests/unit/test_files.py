"""Files that are whole or not there, under names that nobody else has, and what is said where they cannot be."""

from __future__ import annotations

import resource
import signal
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from sae.errors import DataError
from sae.files import host_name, replacing, temporary_name
from sae.tensors import save_tensors


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

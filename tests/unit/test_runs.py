"""Stage folders: whole or absent, whatever happens to the process that fills them."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from analysis.runs import MANIFEST, Stage, provenance, read_manifest, write_manifest, writing
from sae.errors import StageError

FIRST = Stage(name="first", config={"a": 1}, code="c0")
SECOND = Stage(name="second", config={"b": [1, 2]}, code="c1", inputs={"given": FIRST})


def fill(stage, runs, text="done"):
    with writing(stage, runs) as (work, notes):
        (work / "product.txt").write_text(text)
        notes["text"] = text
    return stage.folder(runs)


def leftover(stage, runs, pid):
    folder = stage.folder(runs).with_name(f"{stage.key}.tmp-{pid}")
    folder.mkdir(parents=True)
    (folder / "half.txt").write_text("half")
    return folder


@pytest.fixture
def ended():
    """The id of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_a_stage_becomes_a_whole_folder_with_its_manifest(tmp_path):
    assert not SECOND.complete(tmp_path)
    folder = fill(SECOND, tmp_path)
    assert SECOND.complete(tmp_path) and folder == tmp_path / "second" / SECOND.key
    assert sorted(path.name for path in folder.iterdir()) == [MANIFEST, "product.txt"]
    assert [path.name for path in folder.parent.iterdir()] == [SECOND.key]
    manifest = read_manifest(folder)
    assert manifest["stage"] == "second" and manifest["key"] == SECOND.key and manifest["config"] == {"b": [1, 2]}
    assert manifest["inputs"] == {"given": f"first/{FIRST.key}"} and manifest["notes"] == {"text": "done"}
    assert manifest["seconds"] >= 0 and set(provenance()) <= set(manifest)
    assert set(manifest["versions"]) == {"numpy", "pandas", "torch", "strata"}


def test_the_manifest_is_written_last_and_the_folder_appears_whole(tmp_path):
    with writing(FIRST, tmp_path) as (work, _):
        (work / "product.txt").write_text("done")
        assert not (work / MANIFEST).exists() and not FIRST.folder(tmp_path).exists()
        assert work.parent == FIRST.folder(tmp_path).parent, "the same file system, so that a rename is enough"
    assert FIRST.complete(tmp_path) and not work.exists()


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, StageError])
def test_a_stage_that_raises_leaves_nothing(tmp_path, error):
    with pytest.raises(error), writing(FIRST, tmp_path) as (work, _):
        (work / "product.txt").write_text("half")
        raise error("stop")
    assert list((tmp_path / "first").iterdir()) == []
    fill(FIRST, tmp_path)
    assert FIRST.complete(tmp_path)


def test_notes_that_cannot_be_written_leave_nothing(tmp_path):
    with pytest.raises(TypeError), writing(FIRST, tmp_path) as (_, notes):
        notes["object"] = object()
    assert list((tmp_path / "first").iterdir()) == []


def test_a_leftover_of_a_process_that_is_gone_is_cleared_and_not_read(tmp_path, ended):
    left = leftover(FIRST, tmp_path, ended)
    folder = fill(FIRST, tmp_path)
    assert not left.exists() and sorted(path.name for path in folder.iterdir()) == [MANIFEST, "product.txt"]


def test_a_leftover_of_an_earlier_process_with_our_own_number_is_cleared(tmp_path):
    """In a container the same numbers come back with every start."""
    leftover(FIRST, tmp_path, os.getpid())
    folder = fill(FIRST, tmp_path)
    assert sorted(path.name for path in folder.iterdir()) == [MANIFEST, "product.txt"]


def test_the_folder_of_a_process_that_still_works_is_left_alone(tmp_path):
    left = leftover(FIRST, tmp_path, os.getppid())
    fill(FIRST, tmp_path)
    assert (left / "half.txt").exists()


def test_a_folder_without_a_manifest_is_replaced(tmp_path):
    broken = FIRST.folder(tmp_path)
    broken.mkdir(parents=True)
    (broken / "half.txt").write_text("half")
    assert not FIRST.complete(tmp_path)
    assert sorted(path.name for path in fill(FIRST, tmp_path).iterdir()) == [MANIFEST, "product.txt"]


def test_a_file_where_the_folder_should_be_is_a_stage_error_that_names_it(tmp_path):
    (tmp_path / "first").write_text("in the way")
    with pytest.raises(StageError, match=r"stage first: cannot write into .*first"), writing(FIRST, tmp_path):
        pass
    assert (tmp_path / "first").read_text() == "in the way"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_the_right_to_write_is_a_stage_error(tmp_path):
    (tmp_path / "first").mkdir()
    (tmp_path / "first").chmod(0o555)
    with pytest.raises(StageError, match="cannot write"), writing(FIRST, tmp_path):
        pass


def test_a_manifest_replaces_an_older_one_and_leaves_no_temporary_file(tmp_path):
    write_manifest(tmp_path / MANIFEST, {"a": 1})
    write_manifest(tmp_path / MANIFEST, {"ä": "ö"})
    assert read_manifest(tmp_path) == {"ä": "ö"}
    assert [path.name for path in tmp_path.iterdir()] == [MANIFEST]


@pytest.mark.parametrize("content", [None, "", "{", b"\xff\xfe"])
def test_a_manifest_that_is_missing_or_broken_is_a_stage_error(tmp_path, content):
    if content is not None:
        (tmp_path / MANIFEST).write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(StageError, match="no readable manifest"):
        read_manifest(tmp_path)


def test_the_key_changes_with_name_config_code_and_inputs_and_not_with_the_order_of_the_config():
    def key(**changes):
        return Stage(**{"name": "s", "config": {"a": 1, "b": 2}, "code": "c", "inputs": {"i": FIRST}, **changes}).key

    keys = [
        key(), key(name="t"), key(config={"a": 1, "b": 3}), key(config={"a": 1}), key(code="d"),
        key(inputs={}), key(inputs={"j": FIRST}), key(inputs={"i": SECOND}),
    ]  # fmt: skip
    assert len(set(keys)) == len(keys)
    assert key(config={"b": 2, "a": 1}) == key()


def test_the_key_follows_what_lies_several_inputs_below():
    def top(a):
        return Stage(name="third", config={}, code="c", inputs={"given": Stage(
            name="second", config={}, code="c", inputs={"given": Stage(name="first", config={"a": a}, code="c")}
        )})  # fmt: skip

    assert top(1).key == top(1).key != top(2).key

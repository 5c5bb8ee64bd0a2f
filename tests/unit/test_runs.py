"""Stage folders: whole or absent, whatever happens to the process that fills them."""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from analysis.plan import stage_folders as runs
from analysis.plan.stage_folders import (
    FILES,
    MANIFEST,
    SEAL,
    SUSPECT,
    Stage,
    StageConfig,
    damage,
    provenance,
    read_manifest,
    seal,
    write_manifest,
    writing,
)
from analysis.run.pipeline import apart, do_stage
from analysis.system import digests, swap
from analysis.system.digests import of_json
from sae.errors import StageError, UnreadableError
from sae.temporary import temporary_name


@dataclass(frozen=True)
class Asked(StageConfig):
    """What a stage of these tests is asked: any table."""

    table: dict[str, Any]

    def json(self):
        return self.table


FIRST = Stage(name="first", config=Asked({"a": 1}), code="c0")
SECOND = Stage(name="second", config=Asked({"b": [1, 2]}), code="c1", inputs={"given": FIRST})


def fill(stage, runs, text="done"):
    with writing(stage, runs) as (work, notes):
        (work / "product.txt").write_text(text)
        notes["text"] = text
    return stage.folder(runs)


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
        assert work.parent.parent == FIRST.folder(tmp_path).parent, "the same file system: a rename is enough"
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


def test_a_leftover_of_a_killed_process_is_cleared_and_not_read(tmp_path):
    left = temporary_name(FIRST.folder(tmp_path))
    (left / "new").mkdir(parents=True)
    (left / "new" / "half.txt").write_text("half")
    (left / "lock").touch()
    folder = fill(FIRST, tmp_path)
    assert not left.exists() and sorted(path.name for path in folder.iterdir()) == [MANIFEST, "product.txt"]


def test_the_folder_of_one_who_still_works_is_left_alone_and_the_first_who_is_done_stands(tmp_path):
    with writing(FIRST, tmp_path) as (slow, _):
        (slow / "product.txt").write_text("slow")
        fill(FIRST, tmp_path, "quick")
        assert (slow / "product.txt").read_text() == "slow"
    assert (FIRST.folder(tmp_path) / "product.txt").read_text() == "quick"
    assert [path.name for path in (tmp_path / "first").iterdir()] == [FIRST.key]


def test_threads_of_one_process_that_do_the_same_stage_leave_one_whole_folder(tmp_path):
    with ThreadPoolExecutor(8) as pool:
        for done in [pool.submit(fill, FIRST, tmp_path, str(n)) for n in range(40)]:
            done.result()
    assert FIRST.whole(tmp_path) and [path.name for path in (tmp_path / "first").iterdir()] == [FIRST.key]


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
        return Stage(
            **{"name": "s", "config": Asked({"a": 1, "b": 2}), "code": "c", "inputs": {"i": FIRST}, **changes}
        ).key

    keys = [
        key(), key(name="t"), key(config=Asked({"a": 1, "b": 3})), key(config=Asked({"a": 1})), key(code="d"),
        key(inputs={}), key(inputs={"j": FIRST}), key(inputs={"i": SECOND}),
    ]  # fmt: skip
    assert len(set(keys)) == len(keys)
    assert key(config=Asked({"b": 2, "a": 1})) == key()


def test_the_key_follows_what_lies_several_inputs_below():
    def top(a):
        first = Stage(name="first", config=Asked({"a": a}), code="c")
        second = Stage(name="second", config=StageConfig(), code="c", inputs={"given": first})
        return Stage(name="third", config=StageConfig(), code="c", inputs={"given": second})

    assert top(1).key == top(1).key != top(2).key


# what the files hold


def test_a_manifest_lists_size_and_sha256_of_every_file_below(tmp_path):
    with writing(FIRST, tmp_path) as (work, _):
        (work / "deep" / "er").mkdir(parents=True)
        (work / "deep" / "er" / "b.bin").write_bytes(b"abc")
        (work / "empty").touch()
    assert read_manifest(FIRST.folder(tmp_path))[FILES] == {
        "deep/er/b.bin": {
            "bytes": 3, "sha256": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        },
        "empty": {"bytes": 0, "sha256": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
    }  # fmt: skip


def flipped(path):
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 4
    path.write_bytes(raw)


DAMAGE = {
    "a bit": (lambda path: flipped(path), r"product\.txt was altered: sha256"),
    "the end is gone": (
        lambda path: path.write_bytes(path.read_bytes()[:-1]),
        r"product\.txt has 3 bytes, written were 4",
    ),
    "grown": (lambda path: path.write_bytes(path.read_bytes() + b"!"), "has 5 bytes"),
    "gone": (lambda path: path.unlink(), r"product\.txt is missing"),
    "a folder": (lambda path: (path.unlink(), path.mkdir()), r"product\.txt (has|cannot be read)"),
    "its manifest's bit": (lambda path: flipped(path.with_name(MANIFEST)), "no readable manifest"),
    "its manifest's note": (
        lambda path: path.with_name(MANIFEST).write_text(
            path.with_name(MANIFEST).read_text().replace('"text": "done"', '"text": "none"')
        ),
        "altered after it was written",
    ),
    "its manifest": (lambda path: path.with_name(MANIFEST).unlink(), "no readable manifest"),
    "no manifest": (lambda path: path.with_name(MANIFEST).write_text("[]"), "it holds no object"),
    "an old manifest": (lambda path: write_manifest(path.with_name(MANIFEST), {"key": "k"}), "of an older version"),
}


@pytest.mark.parametrize("case", DAMAGE)
def test_damage_is_named_with_its_folder_and_made_again(tmp_path, case):
    change, words = DAMAGE[case]
    folder = fill(FIRST, tmp_path)
    assert FIRST.whole(tmp_path) and not FIRST.damage(tmp_path)
    change(folder / "product.txt")
    assert not FIRST.complete(tmp_path) and not FIRST.whole(tmp_path)
    found = FIRST.damage(tmp_path, quick=True)
    assert str(folder) in found and "\n" not in found
    assert found == FIRST.damage(tmp_path) and re.search(words, found)
    fill(FIRST, tmp_path)
    assert FIRST.whole(tmp_path)


def test_what_changes_without_a_trace_in_sizes_and_times_is_found_by_reading_and_known_from_then_on(
    tmp_path, monkeypatch
):
    """A disk that forgets: nothing of the file's times tells."""
    folder = fill(FIRST, tmp_path)
    flipped(folder / "product.txt")
    later = (folder / "product.txt").stat().st_ctime_ns + 10**9
    content = (folder / MANIFEST).read_text()
    while (folder / MANIFEST).stat().st_ctime_ns <= (folder / "product.txt").stat().st_ctime_ns:
        (folder / MANIFEST).write_text(content)
    os.utime(folder / MANIFEST, ns=(later, later))
    assert FIRST.complete(tmp_path), "sizes and times are right"
    assert "was altered" in FIRST.damage(tmp_path) and not FIRST.whole(tmp_path)
    assert not FIRST.complete(tmp_path), "so that the next run makes it again"


def test_a_folder_under_another_stages_name_is_not_that_stage(tmp_path):
    fill(FIRST, tmp_path).rename(tmp_path / "moved")
    SECOND.folder(tmp_path).parent.mkdir()
    (tmp_path / "moved").rename(SECOND.folder(tmp_path))
    assert not SECOND.complete(tmp_path) and f"holds first/{FIRST.key}" in SECOND.damage(tmp_path)


@pytest.mark.parametrize(
    "files", [[], {"a": 3}, {"a": {}}, {"a": {"bytes": "3", "sha256": "x"}}, {"../a": {"bytes": 3, "sha256": "x"}}]
)
def test_a_seal_does_not_make_a_listing_of_anything(tmp_path, files):
    own = {"stage": "first", "key": FIRST.key, FILES: files}
    write_manifest(tmp_path / MANIFEST, own | {SEAL: of_json(own)})
    assert "its files are not names with bytes and sha256" in damage(tmp_path)


def test_a_manifest_of_brackets_is_refused(tmp_path):
    (tmp_path / MANIFEST).write_text("[" * 100_000)
    assert "no readable manifest" in damage(tmp_path)


def test_a_folder_that_is_replaced_while_one_looks_is_not_called_damaged(tmp_path, monkeypatch):
    fill(FIRST, tmp_path, "old")
    look, looked = digests.difference, []

    def slow(path, entry, trusted=0):
        if not looked:
            looked.append(path)
            shutil.rmtree(path.parent)
            fill(FIRST, tmp_path, "a newer one")
        return look(path, entry, trusted)

    monkeypatch.setattr(digests, "difference", slow)
    assert FIRST.damage(tmp_path) == "" and looked


def test_what_a_stage_cannot_read_is_not_said_to_be_unwritable(tmp_path):
    with pytest.raises(StageError, match=r"^stage first: .*No such file.*nowhere"), writing(FIRST, tmp_path):
        (tmp_path / "nowhere").read_text()


def test_a_sealed_manifest_can_be_sealed_again_with_other_files(tmp_path):
    folder = fill(FIRST, tmp_path)
    (folder / "more.txt").write_text("more")
    seal(folder, read_manifest(folder))
    assert set(read_manifest(folder)[FILES]) == {"more.txt", "product.txt"} and FIRST.whole(tmp_path)


@pytest.mark.parametrize("value", [0.1, float("inf"), 1e-300, (1, 2), {3: 4, 10: 5, 9: "é"}, None, -0.0, "\u2028"])
def test_whatever_notes_hold_is_read_as_it_was_sealed(tmp_path, value):
    seal(tmp_path, {"notes": {"value": value}})
    assert read_manifest(tmp_path)["notes"] == json.loads(json.dumps({"value": value}))


@pytest.mark.parametrize("error", [OSError("30 requested and 10 written"), OSError(28, "No space left on device")])
def test_a_full_disk_is_one_line_with_the_folder_and_a_remedy(tmp_path, error):
    with pytest.raises(StageError, match=r"cannot be written: .*free some space") as caught, writing(FIRST, tmp_path):
        raise error
    assert "\n" not in str(caught.value) and "first" in str(caught.value)
    assert list((tmp_path / "first").iterdir()) == []


def refusing(monkeypatch, name):
    """The system refuses to open one file, whoever asks, as it does not to the superuser."""
    opened = Path.open

    def refused(self, *given, **rest):
        if self.name == name:
            raise PermissionError(errno.EACCES, "Permission denied", str(self))
        return opened(self, *given, **rest)

    monkeypatch.setattr(Path, "open", refused)

    def read_bytes(self):
        with refused(self, "rb") as file:
            return file.read()

    monkeypatch.setattr(Path, "read_bytes", read_bytes)


@pytest.mark.parametrize("name", ["product.txt", MANIFEST])
def test_what_the_system_refuses_to_read_is_not_damaged_and_not_made_again(tmp_path, monkeypatch, name):
    folder = fill(FIRST, tmp_path)
    before = (folder / name).read_bytes()
    (folder / SUSPECT).touch()  # so that a quick look reads, too
    digests._digest.forget()
    runs._parsed_once.forget()
    with monkeypatch.context() as refusal:
        refusing(refusal, name)
        for ask in (FIRST.complete, FIRST.whole, FIRST.damage, lambda runs: do_stage(FIRST, runs)):
            with pytest.raises(UnreadableError, match=rf"{name} cannot be read: Permission denied; .*make it readable"):
                ask(tmp_path)
    assert (folder / name).read_bytes() == before


def test_a_stage_that_is_just_replaced_in_two_steps_is_neither_missing_nor_damaged(tmp_path, monkeypatch):
    folder = fill(FIRST, tmp_path)
    holder = temporary_name(folder)
    holder.mkdir()
    folder.rename(holder / swap.OLD)
    monkeypatch.setattr(swap.time, "sleep", lambda seconds: (holder / swap.OLD).rename(folder))
    assert FIRST.complete(tmp_path)
    folder.rename(holder / swap.OLD)
    assert FIRST.whole(tmp_path)


def test_a_stage_that_goes_away_while_one_looks_is_looked_at_again(tmp_path, monkeypatch):
    folder = fill(FIRST, tmp_path)
    holder = temporary_name(folder)
    holder.mkdir()
    look, looked = digests.difference, []

    def slow(path, entry, trusted=0):
        if not looked:
            looked.append(path)
            folder.rename(holder / swap.OLD)
        return look(path, entry, trusted)

    monkeypatch.setattr(digests, "difference", slow)
    monkeypatch.setattr(swap.time, "sleep", lambda seconds: (holder / swap.OLD).rename(folder))
    assert FIRST.complete(tmp_path) and looked


def test_work_that_would_wait_for_other_work_begins_last():
    works = ["host a, seed 0", "host a, seed 1", "host b, seed 0", "host a, seed 2", "host c, seed 0", "host b, seed 1"]
    order = apart(works, lambda work: work.partition(",")[0])
    assert [work[:6] for work in order[:3]] == ["host a", "host b", "host c"]
    assert order[3:] == ["host a, seed 1", "host a, seed 2", "host b, seed 1"]
    assert apart([], str) == []

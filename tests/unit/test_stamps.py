"""Made files are what was written, or they are made again and that is said; so is a record that is not ours."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import pytest
import vl_convert

from analysis.figures import draw as artefacts
from analysis.figures.asked import Asked
from analysis.figures.draw import remove_strangers
from analysis.logs.answers import compile_with_answers
from analysis.logs.history import history
from analysis.pages import build
from analysis.plan.paths import Paths
from analysis.system.stamps import Stamp, Written, copy_if_other, files_of, key_of, remove
from sae.errors import UnreadableError


@pytest.fixture
def paths(tmp_path):
    found = Paths(tmp_path.resolve())
    for folder in (found.generated, found.built_assets, found.logs, found.build / "artefacts"):
        folder.mkdir(parents=True)
    return found


def test_a_key_knows_where_one_part_ends_and_the_next_begins():
    assert key_of("ab", "c") == key_of("ab", b"c")
    assert len({key_of("ab", "c"), key_of("a", "bc"), key_of("abc"), key_of("ab", "", "c"), key_of()}) == 5


# What may become of a file, and of a record

FILES = {
    "cut": lambda file: file.write_bytes(file.read_bytes()[:-7]),
    "emptied": lambda file: file.write_bytes(b""),
    "a digit": lambda file: file.write_bytes(file.read_bytes().replace(b"4", b"5", 1)),
    "gone": lambda file: file.unlink(),
}
RECORDS = {
    "empty": lambda text: "",
    "cut": lambda text: text[: len(text) // 2],
    "a list": lambda text: "[1, 2]",
    "no text": lambda text: b"\xff\xfe\x00",
    "deep": lambda text: "[" * 100_000,
    "foreign": lambda text: json.dumps({"name": "x", "files": ["../../passwords"]}),
    "edited": lambda text: text.replace('"said": 4', '"said": 5'),
    "old": lambda text: json.dumps({"key": "k", "files": ["report/a.txt"], "said": 4}),
    "without its files": lambda text: json.dumps(json.loads(text) | {"files": {}}),
}


@pytest.fixture
def made(paths):
    file = paths.report / "a.txt"
    file.write_bytes(b"4 latents of 44")
    stamp = Stamp(paths.build / "things" / "a.json", "k", paths.root)
    stamp.write([file], {"said": 4})
    return stamp, file


def test_what_is_as_it_was_written_is_not_made_again(made, capsys):
    stamp, file = made
    os.utime(file, (1, 1))
    assert stamp.current() == {"said": 4}
    assert Stamp(stamp.record, "other", stamp.root).current() is None
    stamp.forget()
    assert stamp.current() is None
    assert capsys.readouterr().err == ""  # nothing was damaged


@pytest.mark.parametrize("change", list(FILES))
def test_a_file_that_is_not_what_was_written_is_said(made, change, capsys):
    stamp, file = made
    FILES[change](file)
    assert stamp.current() is None
    how = "is missing" if change == "gone" else "is not what was written"
    assert capsys.readouterr().err == f"report/a.txt {how}: it is made again\n"


@pytest.mark.parametrize("change", RECORDS.values(), ids=list(RECORDS))
def test_a_record_that_is_broken_or_foreign_is_said_and_replaced(made, change, capsys):
    stamp, file = made
    text = change(stamp.record.read_text())
    stamp.record.write_bytes(text if isinstance(text, bytes) else text.encode())
    assert stamp.current() is None
    assert capsys.readouterr().err == "build/things/a.json is no record that was written here: it is made again\n"
    stamp.forget()
    stamp.write([file], {"said": 4})
    assert stamp.current() == {"said": 4}


def test_a_folder_in_the_place_of_a_record_is_no_obstacle(made, capsys):
    stamp, file = made
    stamp.forget()
    (stamp.record / "x").mkdir(parents=True)
    assert stamp.current() is None and "no record" in capsys.readouterr().err
    stamp.forget()
    stamp.write([file])
    assert stamp.current() == {}


def test_texts_of_every_build_keep_their_times_and_damage_is_said(paths, capsys):
    one, two, record = paths.generated / "one.json", paths.generated / "two.md", paths.build / "written.json"

    def write(first):
        with Written(record, paths.root) as written:
            written(one, first)
            written(two, "two")

    write("1.25")
    os.utime(one, (1, 1))
    write("1.25")
    assert one.stat().st_mtime == 1
    write("1.5")  # another result
    assert one.read_text() == "1.5" and capsys.readouterr().err == ""
    one.write_bytes(b"\xff1.6")
    two.unlink()
    write("1.75")
    assert one.read_text() == "1.75" and two.read_text() == "two"
    assert capsys.readouterr().err == (
        "report/_generated/one.json is not what was written: it is made again\n"
        "report/_generated/two.md is missing: it is made again\n"
    )
    record.write_text("[")
    write("2")
    assert one.read_text() == "2" and capsys.readouterr().err == ""


def test_what_a_failed_build_has_written_is_no_damage_in_the_next(paths, capsys):
    file, record = paths.generated / "a.md", paths.build / "written.json"
    for text in ("before", "after"):
        with pytest.raises(RuntimeError), Written(record, paths.root) as written:
            written(file, text)
            raise RuntimeError
    with Written(record, paths.root) as written:
        written(file, "at last")
    assert capsys.readouterr().err == ""


def test_what_is_removed_may_be_anything_but_never_what_a_link_points_to(paths):
    file, folder, link, target = (paths.build / name for name in ("file", "folder", "link", "target"))
    file.write_text("x")
    (folder / "deep").mkdir(parents=True)
    (target / "kept").mkdir(parents=True)
    link.symlink_to(target)
    for path in (file, folder, link, paths.build / "nothing"):
        remove(path)
        assert not path.exists() and not path.is_symlink()
    assert (target / "kept").exists()


def test_a_copy_that_differs_is_copied_again(paths):
    source, target = paths.logs / "a.png", paths.built_assets / "logs" / "b.png"
    source.write_bytes(b"picture")
    for _ in range(2):
        copy_if_other(source, target)
        assert target.read_bytes() == b"picture"
        target.write_bytes(b"pict")


# Artefacts, the runtime of charts


def drawn(paths):
    heard = []
    logs = history(compile_with_answers([paths.logs])[0])
    made = artefacts._draw(Asked("log_timeline", (), "log_timeline"), None, logs, paths, heard.append)
    return heard, made


@pytest.fixture(scope="module")
def timeline(tmp_path_factory):
    """A project with a chart of its logs, drawn; and all that its files held."""
    found = Paths(tmp_path_factory.mktemp("timeline").resolve())
    for folder in (found.generated, found.built_assets, found.logs):
        folder.mkdir(parents=True)
    (found.logs / "2024-02-03-day.md").write_text("# Day\n\n- [ ] Try 44 seeds\n- Why do 4 die?\n")
    heard, made = drawn(found)
    assert heard == ["log_timeline"] and drawn(found) == ([], made)
    return found, made, {name: (found.root / name).read_bytes() for name in made.files}


@pytest.mark.parametrize("ending", ["md", "csv"])
@pytest.mark.parametrize("change", list(FILES))
def test_a_damaged_artefact_is_drawn_again_and_said(timeline, ending, change, capsys):
    paths, made, contents = timeline
    name = next(name for name in made.files if name.endswith(ending))
    FILES[change](paths.root / name)
    heard, again = drawn(paths)
    assert heard == ["log_timeline"] and again.title == made.title
    assert {name: (paths.root / name).read_bytes() for name in again.files} == contents
    assert capsys.readouterr().err.startswith(f"{name} is ")


def test_the_records_of_what_is_gone_are_removed_whatever_they_hold(paths):
    inside, source = paths.generated / "gone.md", paths.report / "page.qmd"
    records = paths.build / "artefacts"
    for name, text in {
        "gone": json.dumps({"files": ["report/_generated/gone.md"]}),
        "broken": "{",
        "foreign": json.dumps({"files": ["report/page.qmd", 5, "../outside.txt"]}),
        "worse": json.dumps({"files": 7}),
        "kept": "{",
    }.items():
        (records / f"{name}.json").write_text(text)
    left = paths.generated / "broken.md"
    for file in (inside, left, source, paths.root.parent / "outside.txt"):
        file.write_text("words")
    remove_strangers(paths, {"kept"})
    assert [record.stem for record in records.iterdir()] == ["kept"]
    assert not inside.exists() and not left.exists()
    assert source.exists() and (paths.root.parent / "outside.txt").exists()
    assert files_of(records / "kept.json") == []


def test_a_damaged_runtime_of_charts_is_written_again_and_said(paths, monkeypatch, capsys):
    monkeypatch.setattr(vl_convert, "javascript_bundle", lambda snippet: f"var v = 1;{snippet}")
    build.write_runtime(paths)
    target = paths.built_assets / "vega.js"
    whole = target.read_bytes()
    monkeypatch.setattr(vl_convert, "javascript_bundle", lambda snippet: pytest.fail("written again"))
    build.write_runtime(paths)
    monkeypatch.undo()
    monkeypatch.setattr(vl_convert, "javascript_bundle", lambda snippet: f"var v = 1;{snippet}")
    target.write_bytes(whole[:10])
    build.write_runtime(paths)
    assert target.read_bytes() == whole
    assert capsys.readouterr().err == "report/assets/generated/vega.js is not what was written: it is made again\n"


@pytest.mark.parametrize("name", ["record.json", "made.txt"])
def test_what_the_system_refuses_to_read_is_said_and_stays(tmp_path, monkeypatch, name):
    made = tmp_path / "made.txt"
    made.write_text("made")
    stamp = Stamp(tmp_path / "record.json", "key", tmp_path)
    stamp.write([made])
    whole = Path.read_bytes

    def refused(self):
        if self.name == name:
            raise PermissionError(errno.EACCES, "Permission denied", str(self))
        return whole(self)

    monkeypatch.setattr(Path, "read_bytes", refused)
    with pytest.raises(UnreadableError, match=rf"{name} cannot be read: Permission denied; .*make it readable"):
        stamp.current()

"""Folders of logs: finding, decoding, joining."""

from __future__ import annotations

import os
from collections import Counter
from datetime import date
from pathlib import Path

import pytest
from written_logs import write

from analysis.logs.compile import compile_logs
from analysis.logs.files import MAX_BYTES, decode
from analysis.logs.output import to_json, to_markdown
from sae.errors import DataError

SAMPLES = Path(__file__).parents[3] / "shared" / "logs"


def test_items_that_return_are_shown_once(tmp_path: Path) -> None:
    write(
        tmp_path,
        "1.md",
        "Date: 2024-01-01\n\n## Questions\n- Why do the norms of the decoder rows shrink so much?\n",
    )
    write(
        tmp_path,
        "2.md",
        "Date: 2024-02-01\n\n## Questions\n- why do the norms of the decoder rows shrink so much\n",
    )
    write(
        tmp_path,
        "3.md",
        "Date: 2024-03-01\n\n## Questions\n- So why do the norms of the decoder rows shrink so much??\n",
    )
    (item,) = compile_logs([tmp_path]).items
    assert item.text == "So why do the norms of the decoder rows shrink so much??"
    assert (item.file, item.date) == ("3.md", date(2024, 3, 1))
    assert [(seen.file, seen.line) for seen in item.seen] == [("1.md", 4), ("2.md", 4), ("3.md", 4)]
    first = compile_logs([tmp_path / "1.md"]).items[0]
    assert item.id == first.id


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (
            "train the second tower of the set on depth 2 today",
            "train the second tower of the set on depth 3 today",
        ),
        (
            "compare the whole tower of MNIST with the floors again",
            "compare the whole tower of EMNIST with the floors again",
        ),
        ("an SAE on data", "an SAE on an SAE on data"),
        ("rerun the whole sweep with the new seed", "do not rerun the whole sweep with the new seed"),
        ("map the codes of the host to the labels", "map the labels of the host to the codes"),
    ],
)
def test_things_that_only_look_alike_stay_two(tmp_path: Path, one: str, other: str) -> None:
    write(tmp_path, "1.md", f"## TODO\n- {one}\n")
    write(tmp_path, "2.md", f"## TODO\n- {other}\n")
    assert len(compile_logs([tmp_path]).items) == 2


def test_children_are_joined_only_below_the_same_parent(tmp_path: Path) -> None:
    write(tmp_path, "1.md", "## TODO\n- train\n    - small\n- measure\n    - small\n")
    write(tmp_path, "2.md", "## TODO\n- Train!\n    - Small\n")
    items = compile_logs([tmp_path]).items
    assert sorted((item.text, len(item.seen)) for item in items) == [
        ("Small", 2),
        ("Train!", 2),
        ("measure", 1),
        ("small", 1),
    ]
    ids = {item.id for item in items}
    assert len(ids) == 4 and all(item.parent in ids for item in items if item.depth)


def test_ids_do_not_move_when_a_log_grows(tmp_path: Path) -> None:
    path = write(tmp_path, "1.md", "## TODO\n- sweep\n    - over k\n")
    before = {item.id for item in compile_logs([path]).items}
    path.write_text("# New\n\nA line.\n\n## TODO\n- first\n- sweep\n    - over k\n", encoding="utf-8")
    assert before < {item.id for item in compile_logs([path]).items}


def test_since_keeps_what_came_back_and_what_has_no_date(tmp_path: Path) -> None:
    write(tmp_path, "1.md", "Date: 2024-01-01\n\n## TODO\n- sweep\n- old\n")
    write(tmp_path, "2.md", "Date: 2024-02-01\n\n## TODO\n- sweep\n")
    write(tmp_path, "3.md", "## TODO\n- undated\n")
    found = compile_logs([tmp_path], since=date(2024, 2, 1))
    assert [item.text for item in found.items] == ["sweep", "undated"]
    assert len(found.items[0].seen) == 2


def test_one_bad_file_spoils_nothing(tmp_path: Path) -> None:
    write(tmp_path, "good.md", "## TODO\n- sweep\n")
    (tmp_path / "binary.md").write_bytes(b"PK\x03\x04\0\0abc")
    (tmp_path / "noise.txt").write_bytes(bytes(range(1, 32)) * 9 + b"\xff")
    (tmp_path / "latin.md").write_bytes("## TODO\n- caf\xe9\n".encode("latin-1"))
    (tmp_path / "empty.md").touch()
    (tmp_path / "folder.md").mkdir()
    with (tmp_path / "huge.md").open("wb") as file:
        file.truncate(MAX_BYTES + 1)
    os.symlink("self.md", tmp_path / "self.md")
    os.mkfifo(tmp_path / "pipe.md")
    found = compile_logs([tmp_path])
    assert sorted(item.text for item in found.items) == ["café", "sweep"]
    reported = {problem.file: problem.message for problem in found.problems}
    assert set(reported) == {
        "binary.md",
        "noise.txt",
        "latin.md",
        "empty.md",
        "huge.md",
        "self.md",
        "pipe.md",
    }
    assert f"limit {MAX_BYTES / 1e6:.0f} MB" in reported["huge.md"] and "Latin-1" in reported["latin.md"]


def test_folders_are_walked_once_and_names_are_relative(tmp_path: Path) -> None:
    write(tmp_path, "sub/a.md", "## TODO\n- a\n")
    write(tmp_path, "README.md", "## TODO\n- not a log\n")
    write(tmp_path, ".hidden/b.md", "## TODO\n- hidden\n")
    write(tmp_path, "data.csv", "x")
    os.symlink(tmp_path, tmp_path / "sub" / "loop")
    os.symlink(tmp_path / "sub" / "a.md", tmp_path / "again.md")
    found = compile_logs([tmp_path, tmp_path / "sub" / "a.md"])
    assert [log.file for log in found.logs] == ["again.md"]  # the first name under which the file is met
    assert [(problem.file, "read already" in problem.message) for problem in found.problems] == [("sub/loop", True)]
    assert compile_logs([tmp_path / "README.md"]).items[0].file == "README.md"


def test_a_path_that_does_not_exist_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="nowhere"):
        compile_logs([tmp_path / "nowhere"])


def test_decoding() -> None:
    assert decode("\ufeffä".encode()) == ("ä", "")
    assert decode("\ufeffä".encode("utf-16-le")) == ("ä", "")
    assert decode("“ä”".encode("cp1252"))[0] == "“ä”"
    with pytest.raises(DataError, match="zero bytes"):
        decode(b"a\0b")


def test_the_order_of_arguments_does_not_matter(tmp_path: Path) -> None:
    paths = [write(tmp_path, f"{n}.md", f"Date: 2024-01-0{n}\n\n## TODO\n- sweep\n- step {n}\n") for n in (1, 2, 3)]
    assert to_json(compile_logs(paths).items) == to_json(compile_logs(paths[::-1]).items)


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="the sample logs lie beside the checkout and are not here")
def test_real_logs() -> None:
    found = compile_logs([SAMPLES])
    kinds = Counter(item.kind for item in found.items)
    assert kinds["question"] >= 20 and kinds["next_step"] >= 25 and kinds["learning"] >= 4
    assert kinds["done"] >= 10 and kinds["resource"] >= 4 and kinds["background"] >= 2
    assert len(found.logs) == 7 and len(found.problems) >= 2
    for log in found.logs:
        text = (SAMPLES / log.file).read_text(encoding="utf-8")
        assert log.lost_lines(text) == [], log.file
    assert len(to_markdown(found.items)) > 5000

"""Logs by someone who means harm: read to the end with nothing lost, and nothing outside of their folder opened."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path

import pytest

from analysis.cli.logs import tell
from analysis.logs import likeness
from analysis.logs.answers import append, read_answers
from analysis.logs.compile import compile_logs
from analysis.logs.document import Document, spoken
from analysis.logs.files import parse_bytes
from analysis.logs.items import Compilation
from analysis.logs.settings import load_settings
from sae.errors import ConfigError, DataError

TODO = "## TODO\n- sweep the depth\n"
EXPLOSIVE = {
    "brackets": "\n\n".join(["[" * 19_000] * 4),
    "pictures": "\n\n".join(["![" * 9_000] * 4),
    "links within links": "[" * 9_000 + "a" + "](b)" * 4_000,
    "emphasis within emphasis": "\n\n".join(["*" * 9_000 + "a" + "*" * 9_000] * 2),
    "quotes within quotes": "> " * 10_000 + "a",
    "lists within lists": "- " * 10_000 + "a",
    "lists by indent": "\n".join(" " * 2 * depth + "- a" for depth in range(1_000)),
    "a long line": "- " + "word " * 200_000,
    "headings": "# a\n" * 4_000,
    "a table": "| a | b | c | d |\n" * 5_000,
    "comments": "<!-- strata: " * 3_000,
    "backticks": "".join("`" * count + "a" for count in range(190)),
}


@pytest.mark.parametrize("name", EXPLOSIVE)
def test_what_nests_or_repeats_without_end_is_read_to_its_end(name: str) -> None:
    text = EXPLOSIVE[name]
    assert not parse_bytes(text.encode(), "a.md").lost_lines(text)


def test_a_paragraph_of_more_marks_than_one_writes_is_words() -> None:
    (item,) = parse_bytes(("[a](https://a.org) " * 1_100).encode(), "a.md").items
    assert item.text.startswith("[a](https://a.org)")
    (item,) = parse_bytes(("[a](https://a.org) " * 400).encode(), "a.md").items
    assert item.text.startswith("a a a")


@pytest.mark.parametrize("text", ['{"cells": ' + "[" * 100_000, '{"cells": ' + '{"a": ' * 100_000, "[" * 200_000])
def test_a_notebook_that_nests_without_end_is_refused_in_a_line(text: str) -> None:
    with pytest.raises(DataError, match="is none; skipped"):
        parse_bytes(text.encode(), "a.ipynb")


# --- what lies in the folder ---


def test_links_out_of_the_folder_are_not_followed_and_said_once(tmp_path: Path) -> None:
    logs, outside = tmp_path / "logs", tmp_path / "logs-of-others"
    for folder in (logs, outside / "sub"):
        folder.mkdir(parents=True)
    (outside / "secret.md").write_text("## TODO\n- sell the house\n")
    (outside / "sub/more.md").write_text("## TODO\n- sell the car\n")
    (logs / "a.md").write_text(TODO)
    (logs / "again.md").symlink_to("a.md")
    (logs / "one.md").symlink_to(outside / "secret.md")
    (logs / "two.md").symlink_to("../logs-of-others/secret.md")
    (logs / "folder").symlink_to(outside)
    (logs / "up").symlink_to("..")
    (logs / "by-way.md").symlink_to("folder/secret.md")
    (logs / "circle.md").symlink_to("circle.md")
    found = compile_logs([logs])
    assert [item.text for item in found.items] == ["sweep the depth"]
    told = {problem.file: problem.message for problem in found.problems}
    assert len(told) == len(found.problems)
    outer = {name for name, message in told.items() if "out of the folder" in message}
    assert outer == {"one.md", "two.md", "folder", "up", "by-way.md"} and "circle.md" in told
    assert "sell" not in str(told)
    # a folder that is named outright is what its author wants read, also by a link
    assert len(compile_logs([logs / "folder"]).items) == 2


def test_what_is_no_file_is_not_opened(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text(TODO)
    os.mkfifo(tmp_path / "pipe.md")
    (tmp_path / "null.md").symlink_to("/dev/null")
    (tmp_path / "folder.md").mkdir()
    before = os.getcwd()
    os.chdir(tmp_path)  # the name of a socket has to be short
    try:
        server = socket.socket(socket.AF_UNIX)
        server.bind("socket.md")
    finally:
        os.chdir(before)
    found = compile_logs([tmp_path])
    server.close()
    assert len(found.items) == 1
    assert [problem.file for problem in found.problems] == ["null.md", "pipe.md", "socket.md"]
    for name in ("pipe.md", "socket.md"):
        (problem,) = compile_logs([tmp_path / name]).problems
        assert problem.message == f"{name} is not a regular file"


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_file_that_may_not_be_read_is_said(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text(TODO)
    (tmp_path / "b.md").write_text(TODO)
    (tmp_path / "b.md").chmod(0)
    (problem,) = compile_logs([tmp_path]).problems
    assert (problem.file, "cannot be read" in problem.message) == ("b.md", True)


def test_a_file_whose_name_is_no_text_is_read(tmp_path: Path) -> None:
    path = os.fsencode(tmp_path) + b"/\xff.md"
    with open(path, "w") as file:
        file.write(TODO)
    for given in (Path(os.fsdecode(path)), tmp_path):
        (log,) = compile_logs([given], cache_folder=tmp_path / ".cache").logs
        assert log.file == "?.md"


# --- what lies beside the logs ---

ANSWER = '[[answer]]\nid = "0a1b"\nsentence = "Yes."\nlinks = ["fig-x"]\n'
BAD = [
    ("answers.toml", b"\n\n[[answer]]\nid = 3\n", r"answers.toml:4: answer 1.id = 3: must be of type str"),
    ("answers.toml", ANSWER.encode() + b"\n[[answer]]\nid = 1979-05-27\n", r"answers.toml:7: answer 2.id = "),
    ("answers.toml", b"[[answer]]\nid.deep.er = 1\n", r"answers.toml:2: answer 1.id = .*of type str"),
    ("answers.toml", b"[[answer]]\nid = '0a'\nsentence = 'x'\n[answer.links]\na = 1\n", r"answers.toml:\d: "),
    ("answers.toml", b"[[answer]]\nid = '0a'\nsentence = 'x'\nlinks = [[1], {}]\n", r"answers.toml:4: answer 1.links"),
    ("answers.toml", b"[[answer]]\nid = '0a'\nwhy = 'x'\n", r"answers.toml:3: answer 1: unknown key 'why'"),
    ("answers.toml", b"# x\n[[answer]]\nid = '0a'\n", r"answers.toml:2: answer 1: missing 2 required"),
    ("answers.toml", b"[[answer]]\nid = '0a'\nsentence = ' '\nlinks = ['x']\n", r"answers.toml:1: .*says nothing"),
    ("answers.toml", ANSWER.encode() * 2, r"answers.toml:6: two answers to 0a1b, the first on line 2"),
    ("answers.toml", b"\n[answer]\nid = '0a'\n", r"answers.toml:2: answer: must be tables \[\[answer\]\]"),
    ("answers.toml", b"x = 1\n[answers]\n", r"answers.toml:2: unknown table 'answers'; known: answer"),
    ("answers.toml", b"a = 1\nb = '\xe9'\n", r"answers.toml:2: byte 0xe9 is not UTF-8"),
    ("answers.toml", b"a = 1\n\nb = [\n", r"answers.toml:\d: no TOML: "),
    ("answers.toml", b"a = " + b"[" * 50_000, r"answers.toml:1: no TOML: "),
    ("answers.toml", b"a = 2024-02-31\n", r"answers.toml:1: no TOML: "),
    ("logs.toml", b"\n[matching]\n\nreturns = 2024-01-01\n", r"logs.toml:4: matching.returns = .*of type float"),
    ("logs.toml", b"[matching]\nlikely_done = { a = 1 }\n", r"logs.toml:2: matching.likely_done = .*of type float"),
    ("logs.toml", b"[matching]\nlikely_done = -1\n", r"logs.toml:2: matching.likely_done = -1.0: must be above 0"),
    ("logs.toml", b"\n[corrections]\nab = 'done'\n", r"logs.toml:3: corrections.ab = 'done': must be a table"),
    ("logs.toml", b"\n[corrections.ab]\naside = 'yes'\n", r"logs.toml:3: corrections.ab.aside = "),
    ("logs.toml", b"\n\n[correction.ab]\n", r"logs.toml:3: unknown table 'correction'"),
    ("logs.toml", b"\xff\xfea\x00", r"logs.toml:1: byte 0xff is not UTF-8"),
    ("logs.toml", b"a\x00b = 1\n", r"logs.toml:1: no TOML: "),
]  # fmt: skip


@pytest.mark.parametrize(("name", "raw", "said"), BAD)
def test_what_cannot_be_obeyed_beside_the_logs_is_a_line_with_file_and_line(
    tmp_path: Path, name: str, raw: bytes, said: str
) -> None:
    (tmp_path / name).write_bytes(raw)
    with pytest.raises(ConfigError, match=f"^{said}") as raised:
        read_answers(tmp_path) if name == "answers.toml" else load_settings([tmp_path])
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("name", ["answers.toml", "logs.toml"])
def test_settings_beside_the_logs_are_files_of_that_folder(tmp_path: Path, name: str) -> None:
    logs = tmp_path / "logs"
    logs.mkdir()
    read = read_answers if name == "answers.toml" else lambda folder: load_settings([folder])
    (tmp_path / "outside").write_text("a = 'secret'\n")
    (logs / name).symlink_to("../outside")
    with pytest.raises(ConfigError, match=rf"^{name}:1: a link out of the folder") as raised:
        read(logs)
    assert "secret" not in str(raised.value)
    (logs / name).unlink()
    os.mkfifo(logs / name)
    with pytest.raises(ConfigError, match=rf"^{name}:1: not a regular file"):
        read(logs)


def test_an_answer_is_not_written_through_a_link(tmp_path: Path) -> None:
    logs = tmp_path / "logs"
    logs.mkdir()
    (logs / "answers.toml").write_text("# mine\n")
    (logs / "answers.toml").chmod(0o640)
    (given,) = read_answers_of(ANSWER, tmp_path)
    append(logs, given)
    assert (logs / "answers.toml").stat().st_mode & 0o777 == 0o640
    assert (logs / "answers.toml").read_text().startswith("# mine\n\n[[answer]]") and len(list(logs.iterdir())) == 1
    (logs / "answers.toml").unlink()
    (logs / "answers.toml").symlink_to(tmp_path / "outside")
    with pytest.raises(ConfigError, match="a link out of the folder"):
        append(logs, given)
    assert not (tmp_path / "outside").exists()


def read_answers_of(text: str, folder: Path) -> tuple[object, ...]:
    (folder / "answers.toml").write_text(text)
    return read_answers(folder).answers


# --- what nobody sees ---

RLO, ZERO, TAG = "\u202e", "\u200b", "\U000e0041"


def test_invisible_characters_are_left_out_and_said_once() -> None:
    text = (
        f"---\ntitle: A {RLO}title\n---\n## TO{ZERO}DO\n- sweep {RLO}the depth{TAG}\n{ZERO}\n```\nlo{RLO}ss\nb\n```\n"
    )
    log = parse_bytes(text.encode(), "a.md")
    assert log.title == "A title" and [item.text for item in log.items] == ["sweep the depth", "loss b"]
    (problem,) = log.problems
    assert problem.line == 2 and problem.message.startswith(
        "6 invisible characters, left out: U+200B ZERO WIDTH SPACE, "
    )
    assert not log.lost_lines(text)


@pytest.mark.parametrize(
    "text",
    [f"## TODO\n- sweep {words}\n" for words in ("&#x202e;the depth", "**&#8206;the** &rlm;depth", "&shy;the depth")],
)
def test_invisible_characters_that_are_spelt_out_are_found(text: str) -> None:
    log = parse_bytes(text.encode(), "a.md")
    assert [item.text for item in log.items] == ["sweep the depth"]
    assert log.items[0].markdown.replace("*", "") == "sweep the depth"
    assert ["invisible" in problem.message for problem in log.problems] == [True]


def test_what_joins_letters_is_kept() -> None:
    text = "## TODO\n- می\u200cخواهم 👩\u200d🔬 ❤\ufe0f عربي\n"
    log = parse_bytes(text.encode(), "a.md")
    assert log.items[0].text == text[10:-1] and not log.problems


def test_titles_with_escapes_in_yaml_are_words() -> None:
    log = parse_bytes(b'---\ntitle: "a \\e[31m\\u202eb\\u2028c \\uD800"\n---\n## TODO\n- x\n', "a.md")
    assert log.title.isprintable() and log.title.split()[0] == "a"


def everything(found: Compilation) -> list[str]:
    document = Document(found, list(found.items), {found.items[0].id: spoken(f"yes {RLO}no", {})})
    return [document.markdown(), document.qmd(), document.json()]


def test_no_form_of_a_document_holds_what_steers_a_terminal(tmp_path: Path) -> None:
    cells = [{"cell_type": "markdown", "source": ["## Questions\n", "- is \ud800 it \x1b[2J so\u2028?\n"]}]
    (tmp_path / f"a{RLO}\x1b]0;x\x07.ipynb").write_text(json.dumps({"cells": cells}, indent=1))
    (tmp_path / "b.md").write_text(f"## Results\n- a \x9b31m b{RLO}\n\n```\n\x1b[31m{RLO}\n\x85b\n```\n")
    for text in everything(compile_logs([tmp_path])):
        assert [c for c in text if not c.isprintable() and c != "\n"] == []


def test_problems_reach_the_terminal_escaped(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / f"a\x1b[31m{RLO}\n.md").write_text("---\ndate: \x1b[2Jno day\n---\n- [x](b\x1b.md)\n")
    problems = compile_logs([tmp_path]).problems
    for problem in problems:
        tell(problem)
    told = capsys.readouterr().err
    assert len(problems) == len(told.splitlines()) > 1
    assert all(c.isprintable() or c == "\n" for c in told) and "\\x1b[31m\\u202e\\n" in told


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
@pytest.mark.parametrize("ends", ["\r", "\r\n", "\n"])
def test_marks_of_encodings_and_ends_of_lines(encoding: str, ends: str) -> None:
    log = parse_bytes("## TODO\n- café\n".replace("\n", ends).encode(encoding), "a.md")
    assert [(item.line, item.text) for item in log.items] == [(2, "café")] and not log.problems


def test_a_damaged_encoding_is_said() -> None:
    log = parse_bytes("## TODO\n- café\n".encode("utf-16") + b"\x00\xd8", "a.md")
    assert log.items[0].text == "café \ufffd"
    assert any("not throughout" in problem.message for problem in log.problems)


# --- a thing said over and over ---


def test_of_texts_that_are_all_alike_only_the_closest_are_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(likeness, "MOST", 3)
    texts = [["same", "words", f"own{number}"] for number in range(40)]
    texts[5] = texts[39]
    pairs = list(likeness.Likeness(texts).cosines(range(40), 0.1))
    assert all(earlier < later for later, earlier, _ in pairs)
    for later in range(3, 40):
        mine = [(earlier, score) for row, earlier, score in pairs if row == later]
        assert len(mine) == 3
    assert (39, 5) in [(later, earlier) for later, earlier, _ in pairs]


def test_more_items_than_are_compared_are_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("compile", "join", "fates"):
        monkeypatch.setattr(f"analysis.logs.{module}.COMPARED", 3)
    for day in (1, 2):
        lines = "\n".join(f"- sweep width {number} of day {day}" for number in range(3))
        (tmp_path / f"2024-01-0{day}.md").write_text(f"## TODO\n{lines}\n- the same\n")
    found = compile_logs([tmp_path])
    assert [item.text for item in found.items].count("the same") == 1 and len(found.items) == 7
    assert ["7 items in all the logs: only the newest 3" in problem.message for problem in found.problems] == [True]

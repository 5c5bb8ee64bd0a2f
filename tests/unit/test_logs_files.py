"""Files of all sorts: notebooks, Quarto pages, days from git, odd encodings, links, and the cache."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from datetime import date
from pathlib import Path

import pytest
from written_logs import NOTEBOOK, TODO, cell, texts, write

from analysis.logs.compile import compile_logs
from analysis.logs.files import MAX_BYTES, notebook_text, parse_bytes, read_log
from analysis.logs.items import Compilation, Log
from analysis.logs.output import to_markdown
from sae.errors import DataError


def places(found: Log | Compilation) -> list[tuple[str, int, str, str]]:
    return [(item.file, item.line, item.kind, item.text) for item in found.items]


# notebooks and pages


def test_a_notebook_saved_line_by_line_has_its_items_at_the_lines_of_the_file(tmp_path: Path) -> None:
    raw = json.dumps(NOTEBOOK, indent=1)
    log = read_log(write(tmp_path, "a.ipynb", raw))
    lines = raw.splitlines()
    wanted = [("done", "built the probe"), ("next_step", "sweep the depth"), ("question", "Why is it slow?")]
    assert [(item.kind, item.text) for item in log.items] == wanted
    for item in log.items:
        assert lines[item.line - 1].strip().startswith(f'"- {item.text}')
    assert not log.problems


def test_an_item_of_a_notebook_is_not_placed_in_a_code_cell_that_says_the_same() -> None:
    cells = [cell("markdown", "## Questions"), cell("code", "- Why is it slow?"), cell("markdown", "- Why is it slow?")]
    raw = json.dumps({**NOTEBOOK, "cells": cells}, indent=1)
    same = [n for n, line in enumerate(raw.splitlines(), 1) if "Why is it slow?" in line]
    assert [item.line for item in parse_bytes(raw.encode(), "a.ipynb").items] == same[1:]


@pytest.mark.parametrize("form", ["minified", "one string a cell"])
def test_a_notebook_saved_otherwise_is_read_and_says_how_lines_are_counted(form: str) -> None:
    whole = {**NOTEBOOK, "cells": [{**c, "source": "".join(c["source"])} for c in NOTEBOOK["cells"]]}
    raw = json.dumps(NOTEBOOK) if form == "minified" else json.dumps(whole, indent=1)
    log = parse_bytes(raw.encode(), "a.ipynb")
    assert texts(log) == ["Why is it slow?", "built the probe", "sweep the depth"]
    assert [(problem.file, problem.line) for problem in log.problems] == [("a.ipynb", 1)]
    assert "not saved line by line" in log.problems[0].message


@pytest.mark.parametrize(
    "text", ["- sweep the depth\n", "{}", "[]", '{"cells": 3}', '{"cells": [{"cell_type": "markdown"}]}', "{" * 5000]
)
def test_what_is_called_a_notebook_and_is_none_is_refused_and_spoils_nothing(tmp_path: Path, text: str) -> None:
    with pytest.raises(DataError, match="notebook"):
        notebook_text(text)
    write(tmp_path, "bad.ipynb", text)
    write(tmp_path, "good.md", TODO)
    found = compile_logs([tmp_path])
    assert places(found) == [("good.md", 2, "next_step", "sweep the depth")]
    assert [(problem.file, problem.line) for problem in found.problems] == [("bad.ipynb", 1)]


def test_code_cells_of_a_quarto_page_are_left_out_and_its_prose_and_plain_code_are_kept() -> None:
    page = "---\ntitle: x\n---\n\n## TODO\n- sweep\n\n```{python}\n#| echo: false\n- no step\n```\n\n- plot\n"
    page += "\n~~~~{r}\n~~~\n- none either\n~~~~\n\n```python\nshown = 1\n```\n"
    log = parse_bytes(page.encode(), "a.qmd")
    assert places(log) == [
        ("a.qmd", 6, "next_step", "sweep"),
        ("a.qmd", 13, "next_step", "plot"),
        ("a.qmd", 20, "unsorted", "python shown = 1"),
    ]
    as_markdown = " ".join(texts(parse_bytes(page.encode(), "a.md")))
    assert "no step" in as_markdown and "none either" in as_markdown


def test_blocks_of_a_quarto_page_that_run_nothing_are_not_lost() -> None:
    page = "## TODO\n- sweep\n\n```{.text}\nthe loss was odd\n```\n"
    assert any("the loss was odd" in text for text in texts(parse_bytes(page.encode(), "a.qmd")))


# days


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
def test_an_undated_log_of_the_project_has_the_day_on_which_it_was_committed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def git(*words: str, day: str = "2024-03-05") -> None:
        when = {"GIT_AUTHOR_DATE": f"{day}T12:00:00+0000", "GIT_COMMITTER_DATE": "2025-01-01T12:00:00+0000"}
        who = ["-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
        subprocess.run(
            ["git", "-C", str(tmp_path), *who, *words], check=True, capture_output=True, env=os.environ | when
        )

    monkeypatch.setenv("STRATA_ROOT", str(tmp_path))
    write(tmp_path, "_quarto.yml", "")
    git("init")
    write(tmp_path, "logs/sub/ä b.md", TODO)
    write(tmp_path, "logs/dated.md", "Date: 2024-01-02\n\n## TODO\n- plot\n")
    git("add", ".")
    git("commit", "-m", "logs")
    write(tmp_path, "logs/sub/ä b.md", TODO + "- and the width\n")
    git("commit", "-am", "more", day="2024-04-01")
    git("rm", "logs/sub/ä b.md")
    git("commit", "-m", "gone", day="2024-05-01")
    write(tmp_path, "logs/sub/ä b.md", TODO + "- and the width\n")
    git("add", ".")
    git("commit", "-m", "and back", day="2024-06-01")
    write(tmp_path, "logs/new.md", "## TODO\n- wait\n")
    found = compile_logs([tmp_path / "logs"])
    assert {log.file: log.date for log in found.logs} == {
        "sub/ä b.md": date(2024, 3, 5),
        "dated.md": date(2024, 1, 2),
        "new.md": None,
    }
    later = next(item for item in found.items if item.text == "and the width")
    assert later.date == later.seen[0].date == date(2024, 3, 5)


# what a file can be


def test_a_file_above_the_limit_is_refused_by_name_and_size(tmp_path: Path) -> None:
    path = tmp_path / "huge.md"
    with path.open("wb") as file:
        file.truncate(MAX_BYTES + 1)
    with pytest.raises(DataError, match=r"10 MB is too large .*limit 10 MB"):
        read_log(path)


@pytest.mark.parametrize(
    ("raw", "note"),
    [
        ("## TODO\r\n- café\r\n\r\n- sweep\r\n".encode(), ""),
        (b"## TODO\r- caf\xc3\xa9\r\r- sweep\r", ""),
        ("## TODO\n- café\n\n- sweep\n".encode("latin-1"), "not UTF-8; read as Latin-1"),
        ("\ufeff## TODO\n- café\n\n- sweep\n".encode("utf-16-le"), ""),
        ("\ufeff## TODO\r\n- café\r\n\r\n- sweep\r\n".encode("utf-16-be"), ""),
        ("\ufeff## TODO\n- café\n\n- sweep\n".encode(), ""),
    ],
    ids=["CRLF", "CR", "Latin-1", "UTF-16-LE", "UTF-16-BE", "UTF-8 with a mark"],
)
def test_every_encoding_and_line_ending_gives_the_same_items(raw: bytes, note: str) -> None:
    log = parse_bytes(raw, "a.md")
    assert places(log) == [("a.md", 2, "next_step", "café"), ("a.md", 4, "next_step", "sweep")]
    assert [problem.message for problem in log.problems] == [note] * bool(note)


def test_front_matter_that_never_ends_is_read_as_far_as_it_goes_and_reported() -> None:
    log = parse_bytes(b"---\ntitle: Odd\ndate: 2024-01-02\n\n## TODO\n- sweep\n", "a.md")
    assert (log.title, log.date) == ("Odd", date(2024, 1, 2))
    assert places(log) == [("a.md", 6, "next_step", "sweep")]
    assert [(p.line, "never closed" in p.message) for p in log.problems] == [(1, True)]
    endless = "---\n" + "words without end\n" * 200
    assert not parse_bytes(endless.encode(), "a.md").lost_lines(endless)


def test_a_log_that_begins_with_its_questions_is_no_list_of_questions() -> None:
    log = parse_bytes(b"## Questions\n- Is k right?\n\n## Colours\n- a red chair\n", "a.md")
    assert [(item.text, item.kind) for item in log.items] == [("Is k right?", "question"), ("a red chair", "unsorted")]


# links in the folder and in the logs


def test_folders_that_link_to_each_other_are_walked_once(tmp_path: Path) -> None:
    for name, other in (("a", "b"), ("b", "a")):
        write(tmp_path, f"{name}/{name}.md", f"## TODO\n- sweep {name}\n")
        os.symlink(tmp_path / other, tmp_path / name / "other")
    os.symlink(tmp_path / "a", tmp_path / "a" / "self")
    os.symlink(tmp_path / "nowhere.md", tmp_path / "gone.md")
    found = compile_logs([tmp_path, tmp_path])
    assert texts(found) == ["sweep a", "sweep b"] and len(found.logs) == 2
    assert [problem.file for problem in found.problems] == ["a/other/other", "a/self", "gone.md"]
    assert "read already" in found.problems[0].message


def test_dead_relative_links_are_reported_with_file_and_line_and_others_are_not(tmp_path: Path) -> None:
    write(tmp_path, "sub/note two.md", "Tea.\n")
    text = "## TODO\n- read [two](<note two.md>), [again](note%20two.md#part), [all](#part), [up](../sub)\n"
    text += "- read [it](gone.md), [it again](gone.md)\n- see ![p](<no picture.png>)\n"
    text += "- ask [Ann](mailto:a@example.org), [them](https://example.org/gone.md), [x](a%00b.md)\n"
    write(tmp_path, "sub/log.md", text)
    found = compile_logs([tmp_path])
    assert [(problem.file, problem.line, problem.message) for problem in found.problems] == [
        ("sub/log.md", 3, "links to 'gone.md', which is not there"),
        ("sub/log.md", 4, "links to 'no picture.png', which is not there"),
        ("sub/log.md", 5, "links to 'a\\x00b.md', which is not there"),
    ]


def test_a_dead_link_in_a_question_within_a_paragraph_is_reported_once(tmp_path: Path) -> None:
    write(tmp_path, "a.md", "## Work Done\nWrote it up. Why does [the plot](gone.md) bend so much?\n")
    assert [problem.line for problem in compile_logs([tmp_path]).problems] == [2]


# the cache


def test_links_with_blanks_are_reported_and_code_keeps_its_lines(tmp_path: Path) -> None:
    text = "## Results\n- see [the note](my file.md) and ![curve](fig one.png)\n\n"
    text += "```\nloss 0.3\n  step 2\n{{< x >}}\n```\n"
    write(tmp_path, "a.md", text)
    found = compile_logs([tmp_path])
    assert [(problem.line, "broken" in problem.message) for problem in found.problems] == [(2, True), (2, True)]
    (code,) = (item for item in found.items if item.block)
    assert code.block == "loss 0.3\n  step 2\n{{< x >}}"
    page = to_markdown(found.items)
    assert '    ``` {.text shortcodes="false"}\n    loss 0.3\n      step 2\n    {{< x >}}\n    ```' in page

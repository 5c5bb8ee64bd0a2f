"""Pages that would cost minutes or gigabytes end with one line that names them: brackets, includes, formulas."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from analysis.logs.document import Document
from analysis.logs.items import Compilation
from analysis.site import source
from analysis.site.nesting import MOST
from analysis.site.pandoc import convert
from analysis.site.source import INCLUDES_DEEP, load_source
from analysis.system import pandoc_program
from sae.errors import RenderError

FRONT = "---\ntitle: T\n---\n"


def load(root: Path, text: str) -> None:
    (root / "a.qmd").write_text(FRONT + text)
    load_source(root, "a.qmd", {})


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("![" * 30 + "\n", 1), ("One.\n\n" + "See [@" * 18 + "\n", 3), ("a^[b " * 17 + "\n", 1),
        ("[x][" * 40 + "\n", 1),
        ("words [\n" * 15 + "\n", 15), ("[in " * 15 + "it" + " out](x.qmd)" * 15 + "\n", 1),
        ("<span class='a'>" * 15 + "\n", 1),
        ("- [a [b [c [d [e [f [g [h [i [j [k [l [m [n [o\n", 1),
        ("> [a [b [c [d [e [f [g\n> [h [i [j [k [l [m [n [o\n", 2),
        ("a `[` " + "[" * 14 + " ]\n[[\n", 2),
        ("- one\n- [a [b [c [d\n  [e [f [g [h [i [j [k [l [m [n [o\n", 3),
    ],
)  # fmt: skip
def test_brackets_open_in_one_another_are_refused_with_their_line(tmp_path: Path, text: str, line: int) -> None:
    with pytest.raises(RenderError, match="stand open in one another") as caught:
        load(tmp_path, text)
    assert (caught.value.file, caught.value.line) == ("a.qmd", 3 + line)


@pytest.mark.parametrize(
    "text",
    [
        "[" * MOST + "\n\n" + "[" * MOST + "\n", r"\[" * 50 + "\n", "`" + "[" * 50 + "`\n",
        "```\n" + "[" * 50 + "\n```\n",
        "[a](b) " * 50 + "\n", "- [ ] step\n" * 50, "- in [0, 1)\n" * 50,
        f"The bins are {', '.join(f'[{n}, {n + 1})' for n in range(10))}.\n", "$[0, 1) \\cup [2, 3)$ " * 30 + "\n",
        "| [a | b |\n|---|---|\n" + "| [a | b |\n" * 30, "1. [open\n2. [open\n" * 20, "] " * 50 + "[a [b\n",
        "``[[[[ ` [[[[`` ``` [[[[ ```\n",
    ],
)  # fmt: skip
def test_brackets_that_pandoc_reads_in_no_time_pass(tmp_path: Path, text: str) -> None:
    load(tmp_path, text)


def test_a_chain_of_includes_has_an_end(tmp_path: Path) -> None:
    for number in range(INCLUDES_DEEP + 3):
        (tmp_path / f"_p{number}.qmd").write_text(f"x\n\n{{{{< include _p{number + 1}.qmd >}}}}\n")
    with pytest.raises(RenderError, match=rf"^_p{INCLUDES_DEEP}\.qmd: stands more than {INCLUDES_DEEP} includes deep"):
        load(tmp_path, "{{< include _p0.qmd >}}\n")


def test_parts_that_double_have_one_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "MOST_LINES", 3000)
    for number in range(INCLUDES_DEEP - 1):
        (tmp_path / f"_p{number}.qmd").write_text(f"\n{{{{< include _p{number + 1}.qmd >}}}}\n" * 2)
    (tmp_path / f"_p{INCLUDES_DEEP - 1}.qmd").write_text("x\n")
    with pytest.raises(RenderError, match=r"a\.qmd has more than 3,000 lines"):
        load(tmp_path, "{{< include _p0.qmd >}}\n")


def formula(root: Path) -> str:
    """Macros that double: a hundred thousand letters from a few."""
    names = [f"x{chr(97 + n)}" for n in range(26)]
    macros = "".join(rf"\newcommand{{\{a}}}{{\{b}\{b}}}" for a, b in pairwise(names))
    (root / "a.qmd").write_text(f"{FRONT}${macros}\\newcommand{{\\xz}}{{1}}\\xa$\n")
    return "a.qmd"


def test_pandoc_is_stopped_at_its_memory_and_the_page_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = load_source(tmp_path, formula(tmp_path), {})
    monkeypatch.setattr(pandoc_program, "MEGABYTES", 60)
    with pytest.raises(RenderError, match=r"^a\.qmd: pandoc needs more than 60 MB: look for"):
        convert(page, {"title": "T"}, tmp_path, 3)


def test_and_at_its_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = load_source(tmp_path, formula(tmp_path), {})
    monkeypatch.setattr(pandoc_program, "SECONDS", 0.3)
    with pytest.raises(RenderError, match=r"^a\.qmd: pandoc did not end within 0\.3 seconds"):
        convert(page, {"title": "T"}, tmp_path, 3)


def test_a_document_of_logs_reads_no_settings_out_of_a_log(monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = "---\na: &a [x, x]\nb: &b [*a, *a]\n...\n"
    monkeypatch.setattr(Document, "quarto_body", lambda self: f"{bomb}\nText.\n")
    document = Document(Compilation(items=(), logs=(), problems=()), (), {})
    assert "[x, x]" in document.html() and "Text." in document.html()

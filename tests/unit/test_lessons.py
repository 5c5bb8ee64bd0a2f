"""The worked notebooks of this repository's own site."""

from __future__ import annotations

import ast
import re
import shutil

import pytest
from tests_root import CHECKOUT

from analysis.pages.notebooks import modules_of, parsed, run_all
from analysis.plan.paths import Paths

REAL = sorted((CHECKOUT / "report" / "notebooks").glob("*.py"))


def test_there_are_five_lessons():
    assert [path.stem for path in REAL] == [
        "audit_a_checkpoint",
        "find_a_seven",
        "steer_a_digit",
        "thirty_lines",
        "tower_collapse",
    ]


@pytest.mark.parametrize("path", REAL, ids=lambda path: path.stem)
def test_a_lesson_is_well_formed(path):
    text = path.read_text()
    script = parsed(text, path.name)
    ast.parse(text)
    assert script.notebook.cells[-1].source.count("## Try it yourself") == 1
    assert "html" not in text.lower() and "widget" not in text.lower()
    alts = [cell.metadata["alt"] for cell in script.notebook.cells if "alt" in cell.metadata]
    shows = [cell for cell in script.notebook.cells if "plt.show()" in cell.source]
    assert 1 <= len(alts) == len(shows) <= 3
    assert all(len(alt) > 40 for alt in alts)
    assert modules_of(text)


@pytest.mark.parametrize("path", REAL, ids=lambda path: path.stem)
def test_a_lesson_has_its_page(path):
    page = (CHECKOUT / "report" / f"notebook-{path.stem.replace('_', '-')}.qmd").read_text()
    title = parsed(path.read_text(), path.name).title
    assert f"\ntitle: {title}\n" in page
    assert f"{{{{< part notebook-{path.stem} >}}}}" in page
    index = (CHECKOUT / "report" / "notebooks.qmd").read_text()
    assert f"[{title}](/report/notebook-{path.stem.replace('_', '-')}.qmd)" in index


def test_thirty_lines_are_about_thirty():
    script = parsed((CHECKOUT / "report" / "notebooks" / "thirty_lines.py").read_text(), "thirty_lines.py")
    code = [line for line in script.notebook.cells[1].source.splitlines() if line.strip()]
    assert len(code) <= 30
    assert sum(bool(re.match(r"(sae|meta) = train\(", line)) for line in code) == 2


@pytest.mark.slow
def test_the_lessons_run(tmp_path):
    (tmp_path / "report").mkdir()
    shutil.copytree(CHECKOUT / "report" / "notebooks", tmp_path / "report" / "notebooks")
    shutil.copytree(CHECKOUT / "data" / "digits", tmp_path / "data" / "digits")
    shutil.copy(CHECKOUT / "_quarto.yml", tmp_path)
    done = run_all(Paths(tmp_path.resolve()))
    assert [notebook.name for notebook in done] == [path.stem for path in REAL]
    for notebook in done:
        assert any(file.endswith(".png") for file in notebook.files)

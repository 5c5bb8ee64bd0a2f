"""Worked notebooks: executed once, shown whole, and what a page should not show is refused with script and line."""

from __future__ import annotations

import json
import re
import shutil

import nbformat
import pytest
from notebook_project import HEAD, project_at
from tests_root import CHECKOUT

from analysis.pages import notebooks
from analysis.pages.notebooks import PLOTTING, modules_of, parsed, run_all
from analysis.plan.code_version import code_version
from analysis.plan.paths import Paths
from sae.errors import RenderError

LESSON = (
    HEAD
    + '''# %%
class Both:
    """Shows itself in three ways."""

    def _repr_html_(self):
        return "<b>loud</b>"

    def __repr__(self):
        return "quiet"


print("``` and a line")
Both()

# %% [markdown]
# ## A picture
#
# It rises.

# %% alt="A line that rises to \\"two\\""
import matplotlib.pyplot as plt

plt.plot([1, 2])
plt.show()
'''
)
FIGURE = "from IPython.display import SVG, display\nfor n in (1, 2):\n    display(SVG('<svg xmlns=\"x\"><g/></svg>'))\n"


def contents(paths, done):
    return {file: (paths.root / file).read_bytes() for notebook in done for file in notebook.files}


@pytest.fixture(scope="module")
def lesson(tmp_path_factory):
    """The tiny lesson, executed in two projects, and what the first one reported."""
    heard, made = [], []
    for name in ("first", "second"):
        paths = project_at(tmp_path_factory.mktemp(name) / "project", lesson=LESSON)
        made.append((paths, run_all(paths, heard.append)))
    return made, heard


def test_a_fragment_has_code_output_and_pictures_in_order(lesson):
    [(paths, [notebook]), _], heard = lesson
    assert heard == ["lesson", "lesson"]
    assert notebook.title == "A lesson" and notebook.seconds > 0
    text = (paths.generated / "notebook-lesson.md").read_text()
    in_order = (
        "It begins.",
        "```python\nclass Both",
        "````{.text .output}\n``` and a line\n````",
        "```{.text .output}\nquiet\n```",
        "## A picture\n\nIt rises.",
        f"```{PLOTTING}\n",  # how it is drawn is folded away
        '<img class="raster" src="/report/assets/generated/notebooks/lesson-4-1.png"',
        'alt="A line that rises to &quot;two&quot;" width=',
        "(/report/assets/generated/notebooks/lesson.ipynb)",
    )
    places = [text.find(part) for part in in_order]
    assert -1 not in places and places == sorted(places), places
    assert text.startswith("It begins.") and text.count("code-fold") == 1
    assert text.count("loud") == 1 and "Figure size" not in text  # once, in the code
    assert text.count('::: {data-cell="output"}') == 2


def test_the_notebook_offered_holds_no_html_no_times_and_no_paths(lesson):
    [(paths, _), _], _ = lesson
    text = (paths.built_assets / "notebooks" / "lesson.ipynb").read_text()
    assert "text/html" not in text and "iopub" not in text and str(paths.root) not in text
    notebook = json.loads(text)
    assert [cell["id"] for cell in notebook["cells"]] == ["cell-1", "cell-2", "cell-3", "cell-4"]
    assert notebook["metadata"]["language_info"] == {"name": "python"}
    assert (paths.built_assets / "notebooks" / "lesson.py").read_text() == LESSON


def test_two_executions_are_byte_equal(lesson):
    [(first, made), (second, again)], _ = lesson
    assert contents(first, made) == contents(second, again)
    assert len(contents(first, made)) == 4


def test_what_is_up_to_date_is_not_executed_again(lesson, monkeypatch):
    [(paths, made), _], _ = lesson
    monkeypatch.setattr(notebooks, "_execute", lambda *given: pytest.fail("executed again"))
    assert run_all(paths) == made


def test_a_file_that_is_missing_a_new_text_or_a_failed_run_means_another_execution(tmp_path, monkeypatch):
    paths = project_at(tmp_path, a=HEAD + "# %%\nprint(1)\n")
    ran = []
    execute = notebooks._execute

    def counted(script, root):
        ran.append(script.text)
        if len(ran) == 3:
            raise RenderError("no kernel today")
        execute(script, root)

    monkeypatch.setattr(notebooks, "_execute", counted)
    run_all(paths)
    (paths.generated / "notebook-a.md").unlink()
    run_all(paths)
    (paths.report / "notebooks" / "a.py").write_text(HEAD + "# %%\nprint(2)\n")
    with pytest.raises(RenderError, match="no kernel today"):
        run_all(paths)
    assert not (paths.build / "notebooks" / "a.json").exists()
    run_all(paths)
    assert len(ran) == 4
    assert "```{.text .output}\n2\n```" in (paths.generated / "notebook-a.md").read_text()


def test_a_damaged_file_or_record_means_another_execution_and_is_said(lesson, monkeypatch, tmp_path, capsys):
    [(paths, made), _], _ = lesson
    shutil.copytree(paths.root, tmp_path / "copy")
    copy = Paths((tmp_path / "copy").resolve())
    ran = []

    def executed(script, root):
        ran.append(script.file)
        raise RenderError("this far")

    monkeypatch.setattr(notebooks, "_execute", executed)
    record = copy.build / "notebooks" / "lesson.json"
    for file in (*(copy.root / name for name in made[0].files), record):
        whole, kept = file.read_bytes(), record.read_bytes()
        file.write_bytes(whole[: len(whole) // 2])
        with pytest.raises(RenderError, match="this far"):
            run_all(copy)
        assert capsys.readouterr().err.startswith(copy.relative(file))
        file.write_bytes(whole)
        record.write_bytes(kept if file != record else whole)
        assert run_all(copy) == made
    assert len(ran) == 5


def test_a_script_that_is_gone_takes_its_files_along(lesson, tmp_path):
    [(paths, _), _], _ = lesson
    shutil.copytree(paths.root, tmp_path / "copy")
    copy = Paths((tmp_path / "copy").resolve())
    kept = [file for folder in (copy.generated, copy.built_assets / "notebooks") for file in folder.iterdir()]
    assert kept
    left = copy.built_assets / "notebooks" / ".ipynb_checkpoints"
    left.mkdir()
    (left / "lesson-checkpoint.ipynb").write_text("{}")
    (copy.report / "notebooks" / "lesson.py").unlink()
    assert run_all(copy) == []
    assert not any(file.exists() for file in (*kept, left))
    assert not (copy.build / "notebooks" / "lesson.json").exists()


def test_pictures_may_be_several_and_svg(tmp_path):
    paths = project_at(tmp_path, a=HEAD + '# %% alt=["one", "two"]\n' + FIGURE)
    [notebook] = run_all(paths)
    assert [file.rsplit("/", 1)[-1] for file in notebook.files[3:]] == ["a-2-1.svg", "a-2-2.svg"]
    assert (paths.generated / "notebook-a.md").read_text().count('<img class="raster"') == 2


@pytest.mark.parametrize(
    "cells, line, parts",
    [
        (
            "# %%\nx = 0\n\n# %%\n# a comment\n1 / x\n",
            11,
            (
                "cell 3: ZeroDivisionError",
                "# a comment\n1 / x",
                "Traceback (most recent call last)",
                "division by zero",
            ),
        ),
        ("# %%\nimport warnings\nwarnings.warn('old')\n", 8, ("stderr", "UserWarning: old")),
        ("# %%\nprint(1)\n\n# %%\n" + FIGURE, 11, ("cell 3: a picture without alt text",)),
        ("# %%\nimport os\nos._exit(3)\n", 8, ("cell 2: ended the Python that ran it", "os._exit(3)")),
    ],
    ids=["error", "stderr", "no alt", "dead kernel"],
)
def test_refused_when_executed(tmp_path, cells, line, parts):
    paths = project_at(tmp_path, bad=HEAD + cells)
    with pytest.raises(RenderError) as caught:
        run_all(paths)
    assert (caught.value.file, caught.value.line) == ("report/notebooks/bad.py", line)
    assert "\x1b" not in str(caught.value)
    for part in parts:
        assert part in str(caught.value)
    assert not (paths.build / "notebooks" / "bad.json").exists()
    assert not (paths.generated / "notebook-bad.md").exists()


UNFIT = {
    "html only": ("# %%\nfrom IPython.display import HTML\nHTML('<b>x</b>')\n", "shows nothing but text/html"),
    "scripts": (
        "# %%\nfrom IPython.display import Javascript\nJavascript('1')\n",
        "shows nothing but application/javascript",
    ),
    "address": ("# %%\nobject()\n", "shows 'at 0x"),
    "path": ("# %%\nimport os\nprint(os.getcwd())\n", "another one in another run"),
}
ALTS = {
    "empty alt": ('# %% alt=["one", ""]\n' + FIGURE, "a picture without alt text"),
    "alt of nothing": ('# %% alt="none"\nprint(1)\n', "an alt text for 1 pictures, but 0 drawn"),
}


@pytest.fixture(scope="module")
def unfit(tmp_path_factory):
    """One script with every output that is refused, executed in one kernel."""
    paths = project_at(tmp_path_factory.mktemp("unfit") / "project")
    script = parsed(HEAD + "\n".join(cell for cell, _ in (UNFIT | ALTS).values()), "report/notebooks/unfit.py")
    notebooks._execute(script, paths.root)
    return script, paths


@pytest.mark.parametrize("number, name", list(enumerate(UNFIT, 1)), ids=list(UNFIT))
def test_output_that_a_page_cannot_show_is_refused(unfit, number, name):
    script, paths = unfit
    with pytest.raises(RenderError, match=f"cell {number + 1}: .*{re.escape(UNFIT[name][1])}"):
        settled(script, number, paths)


def settled(script, number, paths):
    cell = script.notebook.cells[number]
    notebooks._settle(script, number, cell, paths.root)
    return cell


@pytest.mark.parametrize("number, name", list(enumerate(ALTS, 1 + len(UNFIT))), ids=list(ALTS))
def test_each_picture_has_an_alt_text_and_each_alt_text_a_picture(unfit, number, name):
    script, paths = unfit
    (paths.built_assets / "notebooks").mkdir(parents=True, exist_ok=True)
    with pytest.raises(RenderError, match=f"cell {number + 1}: {ALTS[name][1]}"):
        notebooks._outputs(script, number, settled(script, number, paths), "unfit", paths)


@pytest.mark.parametrize(
    "written, shown",
    [
        ("\x1b[1;31mred\x1b[0m and \x1b[38;5;200mmore\x1b[K", "red and more"),
        ("\x1b]8;;https://x.org\x1b\\a link\x1b]8;;\x07 and \x1b]0;title\x07text", "a link and text"),
        ("\x1b(B\x1b=plain\x1bM", "plain"),
        (" 10%\r 60%\r100%\nnext\r\n", "100%\nnext\n"),
        ("_\bb_\bo\tx\b\b\b\b\b\by", "y"),
        ("bell\x07, nul\x00, delete\x7f, csi\x9b", "bell, nul, delete, csi"),
        ("unclosed \x1b]0;title\nnext line \x1b[", "unclosed \nnext line "),
        ("é → 漢 kept", "é → 漢 kept"),
    ],
)
def test_what_steers_a_terminal_is_not_shown(written, shown):
    assert notebooks.plain(written) == shown
    output = {"output_type": "stream", "name": "stdout", "text": written}
    result = {"output_type": "execute_result", "data": {"text/plain": written}, "metadata": {}, "execution_count": 1}
    script = parsed(HEAD + "# %%\nprint(1)\n", "x.py")
    cell = script.notebook.cells[1]
    cell.outputs = [nbformat.from_dict(one) for one in (output, result)]
    notebooks._settle(script, 1, cell, CHECKOUT)
    assert [cell.outputs[0].text, cell.outputs[1].data["text/plain"]] == [shown, shown]


@pytest.mark.parametrize(
    "text, line, message",
    [
        ("print(1)\n", 1, "a cell starts with"),
        ("# %%\nprint(1)\n", 1, "the first cell must be Markdown"),
        (HEAD + "# %% [markdown]\n# # Another title\n", 8, "only the title"),
        (HEAD + "# %% [markdown]\n# It gets 97.5% right.\n", 8, "'97.5' is typed by hand"),
        (HEAD + "# %%\n1\n\n# %% [raw]\n# x\n", 11, r"cell 3: a cell is code or \[markdown\], not \[raw\]"),
        (HEAD + '# %% [raw] raw_mimetype="text/latex"\n# x\n', 8, r"not \[raw\]"),
        (HEAD + "# %% [latex]\n# x\n", 8, r"not \[latex\]"),
        (HEAD + "# %% alt=7\nprint(1)\n", 8, "alt=7 is no text"),
        (HEAD + '# %% alt=["one", null]\nprint(1)\n', 8, "is no text"),
        (HEAD + '# %% alt={"en": "one"}\nprint(1)\n', 8, "is no text"),
        (HEAD + '# %% alt="no end\nprint(1)\n', 8, "cannot read 'alt=\"no'"),
        (HEAD + '# %%\n1\n\n# %% scrolled="up"\nprint(1)\n', 11, "metadata that no notebook may have: scrolled: 'up'"),
        ("# ---\n# jupyter:\n#   kernelspec:\n#     name: r\n# ---\n\n" + HEAD, 1, "kernelspec: 'display_name'"),
        ("# ---\n# title: [\n# ---\n\n" + HEAD, 1, "a cell starts with"),
    ],
)
def test_refused_before_anything_is_executed(text, line, message):
    with pytest.raises(RenderError, match=message) as caught:
        parsed(text, "report/notebooks/x.py")
    assert caught.value.line == line


def test_modules_that_a_script_imports_are_part_of_its_key():
    lines = ("import sae.nulls", "from sae.train import train", "from analysis.plan import paths", "import torch")
    text = "\n".join((*lines, "# %%", "import x.sae"))
    assert modules_of(text) == ["sae.nulls", "sae.train", "analysis.plan.paths"]
    assert code_version(*modules_of(text))
    assert notebooks._key(text) != notebooks._key(text.replace("sae.nulls", "sae.rows"))
    assert [modules_of(text) for text in ("no python at all", "import sae\0", "(" * 5000)] == [[], [], []]


def test_long_headings_titles_of_cells_and_marks_of_other_editors_are_read(tmp_path):
    long = "A heading of many words, " * 16 + "no end"
    text = f"# %% [markdown]\n# # {long}\n\n# %% {long} [markdown]\n# ## {long}\n\n# %%% {long} tags=[]\n1\n"
    paths = project_at(tmp_path, a="")
    file = paths.report / "notebooks" / "a.py"
    file.write_bytes(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())  # as some editors save
    script = parsed(notebooks._text(file, paths), "a.py")
    assert script.title == long and [cell.cell_type for cell in script.notebook.cells][1:] == [
        "markdown",
        "code",
    ]
    script.notebook.cells[2].outputs = []
    for folder in (paths.generated, paths.built_assets / "notebooks"):
        folder.mkdir(parents=True)
    notebooks._write(script, "a", paths)
    assert (paths.generated / "notebook-a.md").read_text().startswith(f"## {long}\n\n```python\n1\n```")


def test_a_script_in_another_encoding_is_refused_with_its_line(tmp_path):
    paths = project_at(tmp_path, a="")
    (paths.report / "notebooks" / "a.py").write_bytes(HEAD.encode() + b"# %%\nprint('caf\xe9')\n")
    with pytest.raises(RenderError, match=r"^report/notebooks/a\.py:9: a byte that is no UTF-8"):
        run_all(paths)

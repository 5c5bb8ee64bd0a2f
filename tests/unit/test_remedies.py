"""What is said of missing data can be done in the project in which it is said."""

from __future__ import annotations

import subprocess

import pytest
from tests_root import CHECKOUT

from analysis.cli.remedies import in_project, right_here
from analysis.plan.paths import MARK
from analysis.run.datasets import digits, sotu
from analysis.run.datasets.letters import LETTERS
from analysis.run.text import tokenisers
from sae.errors import DataError

COPY = "copy the folder {} from the repository of Strata into this project, or name data of your own"


@pytest.fixture
def root(tmp_path, monkeypatch):
    (tmp_path / MARK).write_text("project:\n  type: website\n")
    monkeypatch.setenv("STRATA_ROOT", str(tmp_path))
    return tmp_path


def said(function):
    with pytest.raises(DataError) as caught:
        function()
    return str(caught.value)


@pytest.mark.parametrize(
    ("function", "folder"),
    [
        (digits.digits, "data/digits"), (digits.fingerprint, "data/digits"), (sotu.sotu, "data/text"),
        (sotu.fingerprint, "data/text"), (LETTERS.dataset, "data/letters"), (LETTERS.fingerprint, "data/letters"),
        (lambda: tokenisers.tokeniser("union"), "data/text"),
    ],
)  # fmt: skip
def test_what_embedded_data_say_is_put_right_in_a_project_that_has_none(root, function, folder):
    text = said(function)
    assert "git checkout" in text  # as in the repository that has them
    here = right_here(text)
    assert "git checkout" not in here and "python" not in here and COPY.format(folder) in here
    assert here.split(";")[0] == text.split(";")[0] and "\n" not in here


def test_what_the_project_has_is_named(root):
    text = said(digits.digits)
    script = root / "data/digits/make_digits.py"
    script.parent.mkdir(parents=True)
    script.write_text("")
    assert in_project(text, root).endswith("; make it with `python data/digits/make_digits.py`")
    for words in (["init", "-q"], ["add", "data"]):
        subprocess.run(["git", *words], cwd=root, check=True)
    assert in_project(text, root) == text
    script.unlink()  # its git has it still
    assert in_project(text, root).endswith("; get it again with `git checkout data/digits`")


def test_in_the_tools_own_repository_nothing_changes(root):
    text = said(digits.digits)
    assert in_project(text, CHECKOUT) == text or not (CHECKOUT / ".git").exists()
    assert in_project("no remedy at all", root) == "no remedy at all"


def test_without_a_project_the_message_stays(tmp_path, monkeypatch):
    monkeypatch.setenv("STRATA_ROOT", str(tmp_path))
    text = "x; get it again with `git checkout data/digits` or make it with `python data/digits/make_digits.py`"
    assert right_here(text) == text

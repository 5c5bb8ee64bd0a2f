"""What a bare installation does, and what a command says that needs more: every package of an extra is refused here."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
import tomllib

import pytest
from packaging.requirements import Requirement
from planted_tables import Planted, write
from tests_root import CHECKOUT

import sae
from analysis.cli.main import main
from analysis.pages.notebooks import check_installed
from analysis.plan.new_project import write_project
from analysis.plan.paths import Paths
from analysis.system import extras
from sae.errors import ExtraError

PROJECT = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
# Where the name that is imported is not the package's.
IMPORTED_AS = {"scikit-image": "skimage"}
EXPERIMENT = """title = "Dots"
dataset = "dots"
seeds = [0, 1, 2]
[host]
name = "mlp"
hook = "hidden1"
[sae]
width = 8
k = 4
[[towers]]
kind = "latents"
depth = 2
"""
DOTS = """import numpy as np
from analysis.run.datasets._dataset import Dataset

def dots():
    return Dataset("dots", np.eye(40, dtype=np.uint8).reshape(40, 5, 8), None, np.arange(40) % 4 == 0)
"""
NEEDS_TORCH = "import torch\n\ndef heavy(results):\n    return torch\n"
# command: what it says that it needs, and for what
REFUSED = {
    "run dots": ("train", "strata run needs torch, "),
    "judge rows.npy --sae sae": ("train", "strata judge needs torch, "),
    "train rows.npy --width 4 --k 2": ("train", "strata train needs torch, "),
    "verify": ("train", "strata verify without --files needs torch, "),
    "check": ("check", "strata check in a browser (--no-browser leaves that out) needs playwright, "),
    "check --no-browser --lighthouse": ("check", "strata check in a browser"),
}
# It answers each line that it reads, a command in a folder, by exit code and both outputs.
BLOCKED = """
import contextlib, io, json, os, sys

class Nothing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in REFUSED:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

REFUSED = set(json.loads(sys.argv[1]))
sys.meta_path.insert(0, Nothing())
import vl_convert
vl_convert.javascript_bundle = str  # a second's work, and the same with all extras
from analysis.cli.main import main

for line in sys.stdin:
    folder, *words = json.loads(line)
    os.chdir(folder)
    sys.argv, code = ["strata", *words], 0
    with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(io.StringIO()) as err:
        try:
            main()
        except SystemExit as end:
            code = end.code
    print(json.dumps([code or 0, out.getvalue(), err.getvalue()]), flush=True)
"""


def modules(extra: str) -> set[str]:
    names = [Requirement(line).name for line in PROJECT["optional-dependencies"][extra]]
    return {IMPORTED_AS.get(name, name.replace("-", "_")) for name in names if name != PROJECT["name"]}


class Bare:
    """A project in a Python that has none of the extras."""

    def __init__(self, root):
        self.paths = Paths(root)
        refused = json.dumps(sorted(module for extra in extras.EXTRAS for module in modules(extra)))
        self.process = subprocess.Popen(
            [sys.executable, "-c", BLOCKED, refused], cwd=CHECKOUT, text=True, encoding="utf-8",
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip

    def strata(self, command, folder="."):
        self.process.stdin.write(json.dumps([str(self.paths.root / folder), *command.split()]) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())


@pytest.fixture(scope="module")
def bare(tmp_path_factory):
    root = tmp_path_factory.mktemp("bare").resolve() / "project"
    write_project(root, "blank")
    write(root / "data/results/dots", Planted(depths=2, kinds=("latents",), looked=False), "dots")
    for name, text in {"data/experiments/dots.toml": EXPERIMENT, "plugins/datasets/dots.py": DOTS}.items():
        (root / name).parent.mkdir(parents=True)
        (root / name).write_text(text)
    page = root / "index.qmd"
    page.write_text(page.read_text() + "\n{{< figure verdict >}}\n\nIt is {{< num l0/latents/1 >}}.\n")
    found = Bare(root)
    yield found
    assert found.process.communicate() == ("", None) and found.process.returncode == 0


def test_the_extras_are_those_of_pyproject():
    assert {extra: set(names) for extra, names in extras.EXTRAS.items()} == {
        extra: modules(extra) for extra in PROJECT["optional-dependencies"] if extra not in ("dev", "peers")
    }
    bare_names = {Requirement(line).name for line in PROJECT["dependencies"]}
    assert not bare_names & {name for extra in extras.EXTRAS for name in modules(extra)}


@pytest.mark.thorough
def test_logs_tables_pages_and_site_need_no_extra(bare):
    for command in ("--help", "new ../new", "logs data/logs", "questions", "list", "verify --files"):
        code, said, wrong = bare.strata(command)
        assert code == 0 and said, (command, wrong)
    assert "structure" in bare.strata("verdict dots")[1] or "floor" in bare.strata("verdict dots")[1]
    code, said, wrong = bare.strata("render --renderer embedded")
    assert code == 0 and "rendered by the embedded renderer" in said, wrong
    page = (bare.paths.site / "index.html").read_text()
    assert 'id="tbl-verdict"' in page and "It is <span" in page
    assert "What do the latents" in (bare.paths.site / "report/logs.html").read_text()


@pytest.mark.parametrize("command", REFUSED)
def test_a_command_that_needs_an_extra_names_it_in_one_line(bare, command):
    extra, says = REFUSED[command]
    code, said, wrong = bare.strata(command)
    assert (code, said, wrong.count("\n")) == (1, "", 1)
    assert wrong.startswith(f"error: {says}") and wrong.endswith(f' not installed: pip install "strata[{extra}]"\n')


def test_a_build_without_results_says_what_training_needs(bare):
    bare.strata("new untrained")
    code, said, wrong = bare.strata("build", "untrained")
    assert (code, said) == (1, "") and wrong.count("\n") == 1
    assert wrong.startswith("error: there are no results of towers, and training needs torch, ")


def test_a_project_with_notebooks_says_what_executes_them(bare):
    script = bare.paths.report / "notebooks/worked.py"
    script.parent.mkdir()
    script.write_text("# %% [markdown]\n# # Worked\n")
    code, _, wrong = bare.strata("render --renderer embedded")
    script.unlink()
    assert code == 1 and wrong.count("\n") == 1 and "notebook report/notebooks/worked.py needs ipykernel, " in wrong


def test_a_figure_of_the_project_that_needs_an_extra_is_named_with_the_remedy(bare):
    figure = bare.paths.figures / "heavy.py"
    figure.parent.mkdir()
    figure.write_text(NEEDS_TORCH)
    page = bare.paths.root / "index.qmd"
    before = page.read_text()
    page.write_text(before + "\n{{< figure heavy >}}\n")
    code, _, wrong = bare.strata("build")
    page.write_text(before)
    # where no other test has built the project, its own figures are drawn before
    said = [line[:5] for line in wrong.splitlines() if not line.startswith("drew ")]
    assert code == 1 and said == ["note:", "error"]
    assert "index.qmd:" in wrong and "heavy.py:1: " in wrong and wrong.endswith(': pip install "strata[train]"\n')


def test_a_notebook_may_need_more_than_what_executes_it(tmp_path, monkeypatch):
    paths = Paths(tmp_path)
    (paths.report / "notebooks").mkdir(parents=True)
    (paths.report / "notebooks/worked.py").write_text("# %%\nfrom transformers.models import anything\n")
    monkeypatch.setattr(extras, "found", lambda module: module != "transformers")
    with pytest.raises(ExtraError, match=r'notebooks/worked.py needs transformers, which is not .*"strata\[lm\]"'):
        check_installed(paths)


def test_what_training_can_do_without_is_not_asked_for(monkeypatch):
    monkeypatch.setattr(extras, "found", lambda module: module != "numba")
    extras.need("train", "training")
    with pytest.raises(ExtraError, match="browsing needs playwright, axe_playwright_python, which are"):
        monkeypatch.setattr(extras, "found", lambda module: False)
        extras.need("check", "browsing")


def test_a_name_of_the_library_says_what_it_needs(monkeypatch):
    def without_torch(name):
        raise ModuleNotFoundError("No module named 'torch'", name="torch")

    monkeypatch.setattr(importlib, "import_module", without_torch)
    with pytest.raises(
        ModuleNotFoundError, match=r'^sae.judge needs torch, which is .*: pip install "strata\[train\]"$'
    ):
        sae.__getattr__("judge")


@pytest.mark.thorough
def test_a_module_of_ours_that_is_missing_stays_a_fault_of_ours(monkeypatch):
    def broken():
        raise ModuleNotFoundError("No module named 'sae.gone'", name="sae.gone")

    monkeypatch.setattr("analysis.cli.main.app", broken)
    monkeypatch.setattr("analysis.cli.main.signals.install", lambda: None)
    with pytest.raises(ModuleNotFoundError):
        main()

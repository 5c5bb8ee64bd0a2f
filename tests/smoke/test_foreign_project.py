"""A project of somebody else's, made with an installed wheel: what they add touches their own files only."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
import venv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests_root import CHECKOUT

from analysis.pages.build import RUNTIME, write_runtime
from analysis.plan.paths import Paths

pytestmark = pytest.mark.thorough

# What a wheel is made of.
SOURCES = ("pyproject.toml", "setup.py", "MANIFEST.in", "README.md", "sae", "analysis", "report", "_extensions")
OWN = {
    # a colleague's folder of that name is not the tool
    "analysis/__init__.py": "raise RuntimeError('not the tool')\n",
    "plugins/datasets/stripes.py": '''"""Stripes in colour, of three kinds."""

import numpy as np

from analysis.run.datasets._dataset import Dataset


def stripes() -> Dataset:
    draw = np.random.default_rng(0)
    labels = np.arange(640) % 3
    images = draw.integers(0, 60, (640, 6, 8, 3))
    for image, label in zip(images, labels):
        place = draw.integers(0, 6)
        image[(slice(None), place) if label else (place, slice(None))][:, label] = 250
    return Dataset("stripes", images.astype(np.uint8), labels, np.arange(640) % 4 == 0, ("flat", "up", "blue"))
''',
    "plugins/hosts/halves.py": '''"""One hidden layer, of the tool's own perceptron."""

from analysis.run.hosts.mlp import Mlp


class Halves(Mlp):
    """With other sizes to begin with."""

    def __init__(self, image_shape, n_classes, seed, *, width: int = 12, epochs: int = 2):
        super().__init__(image_shape, n_classes, seed, hidden1=width, hidden2=6, epochs=epochs)
''',
    "plugins/architectures/loud.py": '''"""TopK that starts with a longer encoder."""

from sae.architectures.topk import TopK

from ._loudness import LOUDNESS


class Loud(TopK):
    """See above."""

    def __init__(self, d_in, n_latents, *, k, encoder_norm: float = LOUDNESS):
        super().__init__(d_in, n_latents, k=k, encoder_norm=encoder_norm)

    def options(self):
        return {"k": self.k, "encoder_norm": self.encoder_norm}
''',
    "plugins/architectures/_loudness.py": "LOUDNESS = 1.5\n",
    "report/figures/how_sparse.py": '''"""Active latents by depth."""

import altair as alt

from analysis.figures.drawing import Drawing


def how_sparse(results, *, colour: str = "black"):
    data = results.values("l0", "latents").groupby("depth", as_index=False)["value"].mean()
    return Drawing(
        title=f"{data['value'].iloc[0]:.0f} latents are active at depth 1", caption="Mean over rows.", alt="Bars.",
        data=data, chart=alt.Chart(data).mark_bar(color=colour).encode(x="depth:O", y="value:Q"),
    )
''',
    "report/own.qmd": """---
title: A page of my own
description: With a chart of my own.
---

At depth 1 the SAE has {{< num l0/latents/1/one >}} active latents.

{{< figure how_sparse colour=teal >}}

{{< figure measures >}}
""",
    "data/logs/2026-02-03-stripes.md": "# Stripes\n\n## Questions\n\n- Is a stripe one latent?\n",
    "data/experiments/mine.toml": """title = "Stripes"
dataset = "stripes"
seeds = [5]
controls = false

[host]
name = "halves"
options = { width = 16 }

[sae]
architecture = "loud"
width = 24
k = 3
train = { steps = 20, batch = 64 }

[[towers]]
kind = "latents"
depth = 2
architecture = "loud"
nulls = false
train = { steps = 20, batch = 64 }
""",
}


# It does each command that it reads, a line each, as the console script does: exit code and all that was said.
COMMANDS = """
import contextlib, io, json, sys
from analysis.cli.main import main

for line in sys.stdin:
    sys.argv, code = ["strata", *json.loads(line)], 0
    with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(io.StringIO()) as err:
        try:
            main()
        except SystemExit as end:
            code = end.code
    print(json.dumps([code or 0, out.getvalue() + err.getvalue()]), flush=True)
"""


class Elsewhere:
    """An installed tool and a project, both far from the checkout."""

    def __init__(self, base: Path) -> None:
        self.project, self.python = base / "their project", base / "venv" / "bin" / "python"
        self.tool = base / "venv" / "lib" / f"python{sys.version_info[0]}.{sys.version_info[1]}" / "site-packages"
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("STRATA", "PYTHON"))}
        self.settings: dict[str, Any] = {"cwd": self.project, "env": kept, "text": True}
        self.process: subprocess.Popen[str] | None = None

    def script(self, *arguments: str) -> str:
        """What a command says, by the console script, in a process of its own."""
        command = [str(self.python.with_name("strata")), *arguments]
        done = subprocess.run(command, capture_output=True, check=False, **self.settings)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    def strata(self, *arguments: str, fails: bool = False) -> str:
        """What a command says, in a process that goes on to the next: imports take longest."""
        if self.process is None:
            pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
            self.process = subprocess.Popen([self.python, "-P", "-c", COMMANDS], **pipes, **self.settings)
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(json.dumps(arguments) + "\n")
        self.process.stdin.flush()
        code, said = json.loads(self.process.stdout.readline())
        assert (code != 0) == fails, said
        return str(said)

    def end(self) -> None:
        """The next command is done in a process that knows nothing of those before."""
        if self.process:
            assert self.process.communicate() == ("", None) and self.process.returncode == 0
        self.process = None

    def tool_files(self) -> dict[str, str]:
        """Hashes of every file of the installed tool."""
        files = [file for name in ("sae", "analysis") for file in (self.tool / name).rglob("*") if file.is_file()]
        return {
            str(f): hashlib.sha256(f.read_bytes()).hexdigest()
            for f in files
            if f.suffix not in (".pyc", ".nbi", ".nbc")
        }


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Elsewhere]:
    base = tmp_path_factory.mktemp("elsewhere")
    source = base / "source"
    for name in SOURCES:
        here = CHECKOUT / name
        skip = shutil.ignore_patterns("generated", "__pycache__")
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(here, source / name, ignore=skip) if here.is_dir() else shutil.copy(here, source / name)
    # by the very function that any installer calls, once instead of for each of its questions
    backend = tomllib.loads((source / "pyproject.toml").read_text())["build-system"]["build-backend"]
    make = f"import {backend} as backend, sys; backend.build_wheel(sys.argv[1])"
    subprocess.run([sys.executable, "-c", make, str(base)], cwd=source, stdout=subprocess.DEVNULL, check=True)
    shutil.rmtree(source)
    found = Elsewhere(base)
    venv.create(base / "venv", with_pip=False, symlinks=True)
    pip = [sys.executable, "-m", "pip", "--python", str(found.python)]
    quiet = ["-q", "--disable-pip-version-check", "--no-deps", "--no-compile"]
    subprocess.run([*pip, "install", *quiet, str(next(base.glob("*.whl")))], check=True)
    packages = [path for path in sys.path if path.endswith("site-packages")]
    (found.tool / "zz-test-environment.pth").write_text("\n".join(packages) + "\n")
    found.project.mkdir()
    yield found
    found.end()


def test_the_tool_is_the_installed_one(elsewhere: Elsewhere) -> None:
    says = "import analysis, sae; print(analysis.__file__, sae.__file__)"
    done = subprocess.run(
        [elsewhere.python, "-P", "-c", says], cwd=elsewhere.project, capture_output=True, text=True, check=True
    )
    assert all(Path(file).is_relative_to(elsewhere.tool) for file in re.findall(r"/\S+\.py", done.stdout))
    assert len(re.findall(r"/\S+\.py", done.stdout)) == 2


def test_what_they_add_touches_their_own_files_only(elsewhere: Elsewhere) -> None:
    project = elsewhere.project
    (project / "notes.txt").write_text("was here before")
    assert "files written" in elsewhere.script("new", "--here", "--template", "blank", "--title", "Theirs")
    given = {file: file.read_bytes() for file in project.rglob("*") if file.is_file()}
    tool = elsewhere.tool_files()
    for name, text in OWN.items():
        assert not (project / name).exists()
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text(text)
    settings, text = project / "_quarto.yml", (project / "_quarto.yml").read_text()
    for line in ("    - report/logs.qmd\n", "      - href: report/logs.qmd\n"):
        assert line in text
        text = text.replace(line, line.replace("logs", "own") + line, 1)
    settings.write_text(
        text.replace("# site-url: https://YOU.github.io/REPOSITORY", "site-url: https://they.example/stripes")
    )

    there = Paths(project.resolve())
    there.built_assets.mkdir(parents=True)
    write_runtime(there)  # as its own first build would
    assert "results of mine" in elsewhere.strata("run", "mine")
    assert "rendered by the embedded renderer" in elsewhere.strata("render", "--renderer", "embedded")
    assert "all relative" in elsewhere.strata("publish", "--dry-run")

    page = (project / "_site/report/own.html").read_text()
    assert "3 latents are active at depth 1" in page and "has <span" in page
    assert 'data-chart="how_sparse_teal"' in page and 'id="tbl-measures"' in page
    assert "Is a stripe one latent?" in (project / "_site/report/logs.html").read_text()
    assert (project / "_site/report/assets/theme.css").is_file()
    # four kinds of thing added, and nothing of the tool or of what `strata new` wrote was changed but the list of pages
    changed = [file for file, content in given.items() if file.read_bytes() != content]
    assert [file.name for file in changed] == ["_quarto.yml"]
    assert elsewhere.tool_files() == tool


def test_a_second_build_from_the_same_results_is_byte_equal(elsewhere: Elsewhere) -> None:
    """In a process of its own, with nothing left of the first. Of all pages and figures: smoke/test_site_again.py."""
    made = [elsewhere.project / name for name in ("report/_generated", "report/assets/generated")]
    first = {file: file.read_bytes() for folder in made for file in folder.rglob("*") if file.is_file()}
    runtime = elsewhere.project / "report/assets/generated" / RUNTIME, elsewhere.project / "build/runtime.json"
    library = {file: file.read_bytes() for file in runtime}  # of others, bundled by others: more than a second's work
    for folder in (*made, elsewhere.project / "build"):
        shutil.rmtree(folder)
    for file, content in library.items():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    elsewhere.end()
    elsewhere.strata("build")
    second = {file: file.read_bytes() for folder in made for file in folder.rglob("*") if file.is_file()}
    assert second.keys() == first.keys() and {file.suffix for file in first} >= {".md", ".csv"}
    assert [file for file, content in first.items() if second[file] != content] == []


def test_what_is_missing_is_named_with_the_page_and_line_that_asked(elsewhere: Elsewhere) -> None:
    page = elsewhere.project / "report/own.qmd"
    before = page.read_text()
    page.write_text(f"{before}\n{{{{< figure how_spars >}}}}\n")
    try:
        said = elsewhere.strata("build", fails=True)
    finally:
        page.write_text(before)
    place = f"report/own.qmd:{before.count(chr(10)) + 2}: "
    assert said.startswith(f"error: {place}there is no figure 'how_spars'") and said.count("\n") == 1


def test_a_folder_that_is_a_project_is_not_written_over(elsewhere: Elsewhere) -> None:
    assert "is a project already" in elsewhere.strata("new", "--here", fails=True)
    assert "is not empty" in elsewhere.strata("new", ".", fails=True)
    assert "template" in elsewhere.strata("new", "other", "--template", "castles", fails=True)

"""A tiny experiment on the real pages, run, built and rendered once for the whole session: a plugin.

Whoever needs it first makes it, also among pytest-xdist's processes. Each file of tests then has a copy of its own,
which it may change.
"""

from __future__ import annotations

import copy
import fcntl
import hashlib
import os
import pickle
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import vl_convert
from factories import site_project
from planted import shapes_unchecked

from analysis.figures.draw import Artefact
from analysis.logs.answers import compile_with_answers
from analysis.logs.history import History, history
from analysis.pages import build as builder
from analysis.pages import notebooks
from analysis.plan.config import load_experiment
from analysis.plan.paths import Paths
from analysis.results.tables import Results, open_results
from analysis.run import pipeline
from analysis.site import render as renderer

RECORDS = "records"


@dataclass(frozen=True)
class Finished:
    """A project with its tables, its pages and its site."""

    paths: Paths
    results: Results
    records: list[Artefact]
    pristine: Paths
    """The one that was copied. Not to be changed by a test."""

    def history(self) -> History:
        return history(compile_with_answers([self.paths.logs])[0])


def made(paths: Paths) -> list[Path]:
    """Every file that the build makes, relative to the project."""
    folders = (paths.generated, paths.built_assets)
    return sorted(f.relative_to(paths.root) for folder in folders for f in folder.rglob("*") if f.is_file())


def make(root: Path) -> None:
    """Run, build and render the project in `root`, and keep the records of its artefacts beside it."""
    paths = site_project(root)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STRATA_ROOT", str(paths.root))
        with shapes_unchecked():  # test_pipeline has them in a whole run
            execute_once(patch)
            experiment = load_experiment(paths.experiments, "digits")
            records = builder.build(Results(pipeline.run(experiment, paths, workers=1)), paths)
            renderer.render(paths, "embedded")
    root.with_name(RECORDS).write_bytes(pickle.dumps(records))  # the last: it says that all is there


def execute_once(patch: pytest.MonkeyPatch) -> None:
    """The notebooks of this project have one text, which is executed once: a kernel takes most of the time."""
    done: dict[str, list[object]] = {}
    lock, execute = threading.Lock(), notebooks._execute

    def executed(script: notebooks._Script, root: Path) -> None:
        with lock:  # the notebooks are executed side by side
            if script.text not in done:
                execute(script, root)
                done[script.text] = script.notebook.cells
        script.notebook.cells = copy.deepcopy(done[script.text])

    patch.setattr(notebooks, "_execute", executed)


@contextmanager
def shared(tmp_path_factory: pytest.TempPathFactory, name: str) -> Iterator[Path]:
    """A folder that pytest-xdist's processes have in common, for one of them at a time."""
    base = tmp_path_factory.getbasetemp()
    home = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / name
    home.mkdir(exist_ok=True)
    with (home / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield home


@pytest.fixture(autouse=True, scope="session")
def bundled_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The runtime of charts, more than a second's work of others, is bundled by one process for all."""
    bundle = vl_convert.javascript_bundle

    def once(snippet: str) -> str:
        with shared(tmp_path_factory, "bundles") as home:
            file = home / f"{hashlib.sha256(snippet.encode()).hexdigest()}.js"
            if not file.exists():
                file.write_text(bundle(snippet), encoding="utf-8")
            return file.read_text(encoding="utf-8")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(vl_convert, "javascript_bundle", once)
        yield


@pytest.fixture(scope="session")
def pristine_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the project, which is made if nobody has made it."""
    with shared(tmp_path_factory, "finished") as home:
        if not (home / RECORDS).exists():
            shutil.rmtree(home / "project", ignore_errors=True)  # of a process that was killed over it
            make(home / "project")
    return home / "project"


@pytest.fixture(scope="module")
def site(pristine_site: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Finished]:
    """The file's own copy of the finished project, found through STRATA_ROOT."""
    root = tmp_path_factory.mktemp("site").resolve() / "project"
    shutil.copytree(pristine_site, root)
    paths = Paths(root)
    with pytest.MonkeyPatch.context() as patch, shapes_unchecked():
        patch.setenv("STRATA_ROOT", str(root))
        records = pickle.loads(pristine_site.with_name(RECORDS).read_bytes())
        yield Finished(paths, open_results("digits", paths), records, Paths(pristine_site))

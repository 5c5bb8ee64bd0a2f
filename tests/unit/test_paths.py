"""The project's folders: what they are called, also where they are links to another disk."""

from __future__ import annotations

import shutil
from dataclasses import replace

import pytest
from conftest import CHECKOUT
from factories import write_results
from typer.main import get_command
from typer.testing import CliRunner

from analysis.cli.main import app
from analysis.plan.config import load_experiment
from analysis.plan.interpret_config import InterpretConfig
from analysis.plan.paths import NoProjectError, Paths, find
from analysis.plan.stage_folders import read_manifest, seal
from analysis.results.tables import open_results
from analysis.run.pipeline import run
from analysis.run.track import track
from analysis.run.verify_files import verify_files
from sae.errors import ConfigError


def moved(folder, disk):
    """The folder's content on another disk, and a link to it in its place."""
    folder.mkdir(parents=True, exist_ok=True)
    shutil.move(folder, disk / folder.name)
    folder.symlink_to(disk / folder.name)


@pytest.mark.parametrize("linked", ["data", "data/runs", "data/runs/results", "build"])
def test_what_lies_in_a_linked_folder_is_called_by_its_place_in_the_project(tmp_path, linked):
    paths = Paths(tmp_path / "project")
    (tmp_path / "disk").mkdir()
    moved(paths.root / linked, tmp_path / "disk")
    path = paths.root / linked / "deep" / "file.txt"
    assert paths.relative(path) == f"{linked}/deep/file.txt"
    assert paths.relative(paths.root / linked / "x" / ".." / "y") == f"{linked}/y"


def test_a_project_under_a_link_calls_its_files_alike(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    for root in ("real", "link"):
        assert Paths(tmp_path / "real").relative(tmp_path / root / "a" / "b") == "a/b"
        assert Paths(tmp_path / "link").relative(tmp_path / root / "a" / "b") == "a/b"


def test_a_path_outside_is_refused_in_a_line(tmp_path):
    with pytest.raises(ConfigError, match="elsewhere is outside the project"):
        Paths(tmp_path / "project").relative(tmp_path / "elsewhere")


def test_runs_and_tracked_results_may_lie_on_other_disks(project, tmp_path, monkeypatch):
    monkeypatch.setenv("STRATA_BACKEND", "sequential")  # processes, and images, take longer than the run
    monkeypatch.setattr("analysis.run.collect.write_sprite", lambda dataset, folder: None)
    disk = tmp_path / "disk"
    disk.mkdir()
    for folder in (project.runs, project.tracked):
        moved(folder, disk)
    write_results(project.collected / "pairs", "pairs", {"r0": ("", 0, 0.1)})
    seal(project.collected / "pairs", read_manifest(project.collected / "pairs"))
    for _ in range(2):
        assert project.relative(track("pairs", project)) == "data/results/pairs"
    experiment = load_experiment(project.experiments, "tiny")
    small = replace(experiment.towers[0], depth=1, nulls=False)
    small = replace(experiment, seeds=(0,), controls=False, towers=(small,), panel="short", interpret=InterpretConfig())
    assert project.relative(run(small, project, workers=1)) == "data/runs/results/tiny"
    assert project.runs.is_symlink() and project.tracked.is_symlink()
    assert len(open_results("tiny", project).runs) == 1 and (disk / "runs" / "results" / "tiny").is_dir()
    assert verify_files(project).damaged == [] and not list(disk.rglob("*.tmp-*"))


# Where a project is looked for.


def test_a_project_is_the_nearest_folder_from_here_upwards_that_says_so(tmp_path, monkeypatch):
    monkeypatch.delenv("STRATA_ROOT", raising=False)
    outer, inner = tmp_path / "outer", tmp_path / "outer" / "notes" / "inner"
    (inner / "report" / "deep").mkdir(parents=True)
    for root in (outer, inner):
        (root / "_quarto.yml").touch()
    for at, root in ((inner / "report" / "deep", inner), (inner, inner), (inner.parent, outer), (outer, outer)):
        monkeypatch.chdir(at)
        assert find().root == root
    monkeypatch.setenv("STRATA_ROOT", str(inner))
    assert find().root == inner
    monkeypatch.setenv("STRATA_ROOT", str(inner / "report"))  # what is named is meant, and nothing above it
    with pytest.raises(NoProjectError, match=r"STRATA_ROOT names .*inner/report, which is no project"):
        find()


def test_the_tools_own_checkout_is_a_project_from_within_it_alone(tmp_path, monkeypatch):
    monkeypatch.delenv("STRATA_ROOT", raising=False)
    monkeypatch.chdir(CHECKOUT / "tests" / "unit")
    assert find().root == CHECKOUT
    monkeypatch.chdir(tmp_path)
    with pytest.raises(NoProjectError, match=r"no project here: .*strata new FOLDER"):
        find()


FREE = {"new", "judge", "train", "logs"}
"""The commands that are told what they read and write."""
SAID = {"write": ["--outline"], "images": ["--out", "made"], "publish": ["--dry-run"]}
"""What a command does nothing without."""


def commands():
    """Each command with as many words as it must have."""
    for name, command in get_command(app).commands.items():
        needed = [
            word
            for word in command.params
            if word.required and word.param_type_name == "argument"
            for _ in range(max(word.nargs, 1))
        ]
        yield name, [*("mine" for _ in needed), *SAID.get(name, [])]


@pytest.mark.parametrize(("name", "words"), [one for one in commands() if one[0] not in FREE])
def test_outside_a_project_a_command_that_needs_one_says_so_and_writes_nothing(name, words, tmp_path, monkeypatch):
    monkeypatch.delenv("STRATA_ROOT", raising=False)
    monkeypatch.chdir(tmp_path)
    found = CliRunner().invoke(app, [name, *words])
    assert isinstance(found.exception, NoProjectError), found.output
    assert not list(tmp_path.iterdir())


def test_outside_a_project_judge_says_that_it_was_not_told_what_to_judge(tmp_path, monkeypatch):
    monkeypatch.delenv("STRATA_ROOT", raising=False)
    monkeypatch.chdir(tmp_path)
    found = CliRunner().invoke(app, ["judge"])
    assert "name ROWS and --sae" in str(found.exception) and "no project here" in str(found.exception)
    assert not list(tmp_path.iterdir())

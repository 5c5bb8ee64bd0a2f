"""`strata verify --files`: what is damaged is named with its folder and what mends it, what was not checked is said."""

from __future__ import annotations

import os

import pytest
from factories import write_results
from typer.testing import CliRunner

from analysis.cli.main import app
from analysis.plan.chains import plan
from analysis.plan.config import load_experiment
from analysis.plan.paths import Paths
from analysis.plan.stage_folders import MANIFEST, read_manifest, seal, write_manifest, writing
from analysis.results.tables import open_results
from analysis.run.verify_files import verify_files
from sae.errors import NotFoundError, StageError

RUNS = {"r0": ("", 0, 0.1), "r1": ("", 1, 0.3)}


def results(folder):
    write_results(folder, folder.name, RUNS)
    seal(folder, read_manifest(folder))
    return folder


@pytest.fixture
def stages(project):
    """Folders of the tiny experiment's first stages, with a file in each; results run here and tracked."""
    folders = []
    for stage in plan(load_experiment(project.experiments, "tiny"))[0].stages[:3]:
        with writing(stage, project.runs) as (work, _):
            (work / "weights.bin").write_bytes(os.urandom(1000))
        folders.append(stage.folder(project.runs))
    results(project.collected / "tiny")
    results(project.tracked / "pairs")
    return folders


def files(*words):
    done = CliRunner().invoke(app, ["verify", "--files", *words])
    return done.exit_code, done.stdout


def test_what_is_whole_is_said_to_be(stages, project):
    assert files() == (0, "25 files in 5 folders read: all as they were written\n")
    assert files("tiny") == (0, "14 files in 4 folders read: all as they were written\n")
    assert files("pairs") == (0, "11 files in 1 folders read: all as they were written\n")


def test_every_damaged_folder_is_named_with_what_mends_it(stages, project):
    host, activations, layer = (project.relative(folder) for folder in stages)
    raw = (stages[0] / "weights.bin").read_bytes()
    (stages[0] / "weights.bin").write_bytes(raw[:400] + bytes([raw[400] ^ 128]) + raw[401:])
    (stages[1] / "weights.bin").unlink()
    (stages[2] / MANIFEST).unlink()
    (project.tracked / "pairs" / "names.parquet").unlink()
    code, said = files()
    assert code == 1 and said.endswith("4 folder(s) DAMAGED\n")
    lines = sorted(line for line in said.splitlines() if line.startswith("damaged: "))
    assert len(lines) == 4 and lines == sorted(lines)
    assert f"damaged: {activations}: weights.bin is missing; `strata run` makes it again" in lines
    assert any(line.startswith(f"damaged: {host}: weights.bin was altered: sha256 ") for line in lines)
    assert any(line.startswith(f"damaged: {layer} has no readable manifest") for line in lines)
    assert (
        "damaged: data/results/pairs: names.parquet is missing; `git checkout` of that folder brings it back" in lines
    )
    assert files("pairs")[0] == files("tiny")[0] == 1


def test_what_older_versions_wrote_is_said_not_to_be_checked(stages, project):
    for folder in (stages[0], project.collected / "tiny", project.tracked / "pairs"):
        manifest = read_manifest(folder)
        write_manifest(folder / MANIFEST, {name: manifest[name] for name in manifest if name not in ("files", "seal")})
    code, said = files()
    assert code == 0 and said.endswith("2 files in 2 folders read: all as they were written\n")
    assert "note: 1 stage folder(s) of an older version do not say what they hold: nothing was checked" in said
    for name in ("data/runs/results/tiny", "data/results/pairs"):
        assert f"note: {name}: its manifest, of an older version, does not say" in said


def test_files_of_nobody_are_told_and_harm_nothing(stages, project):
    (stages[0] / "stray.txt").touch()
    (project.runs / "sae" / ".x.tmp-elsewhere-0123").mkdir(parents=True)
    code, said = files("tiny")
    assert code == 0 and f"note: {project.relative(stages[0])}: stray.txt is in no manifest, and is not read" in said
    assert "tmp-elsewhere" not in files()[1]


def test_a_name_of_nothing_is_refused(stages, project):
    with pytest.raises(NotFoundError, match=r"no experiment named '\.\./runs'; found: tiny"):
        verify_files(project, "../runs")


def test_nothing_agrees_with_damaged_files(stages, project, monkeypatch):
    """And nothing is trained to find that out."""
    monkeypatch.setattr("analysis.run.verify.run_chain", lambda *_: pytest.fail("trained"))
    (stages[0] / "weights.bin").write_bytes(b"")
    done = CliRunner().invoke(app, ["verify", "tiny"])
    assert done.exit_code == 1 and "DOES NOT AGREE" in done.stdout
    assert f"damaged: {project.relative(stages[0])}: weights.bin has 0 bytes, written were 1000" in done.stdout


@pytest.mark.parametrize("content", ["{}", '{"title": "t"}', '{"experiment": 3, "title": "t"}', '{"experiment": ""}'])
@pytest.mark.parametrize("tracked", [True, False])
def test_tables_whose_manifest_does_not_say_what_they_are_of_are_broken_everywhere(tmp_path, content, tracked):
    paths = Paths(tmp_path)
    folder = (paths.tracked if tracked else paths.collected) / "mine"
    folder.mkdir(parents=True)
    (folder / MANIFEST).write_text(content)
    with pytest.raises(StageError, match=r"mine has no readable manifest: it .*; `strata run` makes it again"):
        open_results("mine", paths)
    found = verify_files(paths)
    assert not found.notes and len(found.damaged) == 1 and "mine has no readable manifest: it " in found.damaged[0]

"""Builds and commands on a finished project: nothing is done twice, and what is wrong is said."""

from __future__ import annotations

import json
import shutil

import pytest
from finished_project import made
from project_figures import CALLS
from typer.testing import CliRunner

from analysis.cli.main import app
from analysis.figures.draw import draw_all
from analysis.pages import build as builder
from analysis.pages.explorer import write_all
from analysis.pages.numbers import resolve
from analysis.plan.chains import plan
from analysis.plan.config import load_experiment
from analysis.results.tables import open_results
from sae.errors import NotFoundError, RenderError, StrataError

pytestmark = pytest.mark.thorough


@pytest.mark.slow
def test_two_builds_from_the_same_results_are_byte_equal(site):
    """The first in another folder, and often in another process. Of a small project: smoke/test_foreign_project.py."""
    paths, first = site.paths, site.pristine
    for folder in (paths.build, paths.generated, paths.built_assets):
        shutil.rmtree(folder)
    builder.build(site.results, paths)
    assert made(first) == made(paths) != []
    assert [f for f in made(first) if (first.root / f).read_bytes() != (paths.root / f).read_bytes()] == []


def test_artefacts_of_a_module_that_is_gone_are_removed(site):
    paths, results = site.paths, site.results
    old = paths.built_assets / "explorer" / "gone"
    old.mkdir()
    write_all(results, paths, lambda path, text: None)
    assert not old.exists() and (paths.built_assets / "explorer" / "site").exists()
    stray = paths.generated / "gone.md"
    stray.write_text("old")
    record = paths.build / "artefacts" / "gone.json"
    record.write_text(json.dumps({"files": [paths.relative(stray)]}))
    draw_all(list(CALLS.values()), results, site.history(), paths)
    assert not stray.exists() and not record.exists()


def test_an_unknown_number_fails_the_build_with_file_and_line(site):
    paths, results = site.paths, site.results
    page = paths.report / "methods.qmd"
    before = page.read_text()
    page.write_text(before + "\n{{< num selectivity/latents/77 >}}\n")
    try:
        with pytest.raises(RenderError, match=rf"report/methods\.qmd:{before.count(chr(10)) + 2}:"):
            builder.build(results, paths)
    finally:
        page.write_text(before)


def test_numbers_agree_with_the_tables(site):
    paths, results = site.paths, site.results
    rows = results.measures.query(
        "measure == 'l0' and kind == 'latents' and depth == 2 and split == 'held_out' and control == 'none'"
    )
    assert resolve("l0/latents/2/one", results, paths).text == f"{rows['value'].mean():.1f}"
    assert all(run in resolve("l0/latents/2", results, paths).title for run in rows["run"])
    for wrong in ("nothing/latents/1", "l0/latents", "l0/latents/9", "l0/latents/1/wobbly"):
        with pytest.raises(NotFoundError):
            resolve(wrong, results, paths)


def test_commands_on_a_finished_project(site):
    paths, results = site.paths, site.results
    run = CliRunner()

    def call(*words: str) -> str:
        done = run.invoke(app, list(words))
        assert done.exit_code == 0, done.output
        return done.stdout

    assert "data/runs/results/digits" in call("run", "digits")
    numbers = paths.generated / "numbers.json"
    before = numbers.stat().st_mtime_ns
    assert "drew 0 anew" in call("build")
    assert numbers.stat().st_mtime_ns == before, "a file that says the same is not written again"
    listed = json.loads(call("list", "--json"))
    assert listed[0]["state"] == "complete" and listed[0]["stages_done"] == listed[0]["stages"]
    panel = json.loads(call("verdict", "digits", "--json"))
    cell = next(row for row in panel if row["kind"] == "latents" and row["depth"] == 3)
    stored = results.mean("l0", "latents", 3)
    assert cell["measures"]["l0"]["held_out"]["none"]["mean"] == pytest.approx(stored, abs=1e-6)
    assert "latents, depth 3" in call("verdict", "digits")
    assert json.loads(call("logs", str(paths.logs), "--format", "json"))


def test_results_of_older_code_are_used_by_build_and_renewed_by_run(site):
    paths = site.paths
    experiment = load_experiment(paths.experiments, "digits")
    toml = paths.experiments / "digits.toml"
    before = toml.read_text()
    toml.write_text(before.replace("seeds = [0, 1]", "seeds = [0]"))
    try:
        done = CliRunner().invoke(app, ["build"])
        assert done.exit_code == 0 and "not made here by this code" in done.output
        assert len(open_results("digits", paths).manifest["runs"]) == len(experiment.seeds)
    finally:
        toml.write_text(before)
    assert plan(load_experiment(paths.experiments, "digits"))


def test_wrong_names_are_errors_that_list_what_there_is(site, capsys):
    with pytest.raises(NotFoundError, match="found: digits"):
        CliRunner().invoke(app, ["run", "letters"], catch_exceptions=False)
    with pytest.raises(NotFoundError, match="embedded, quarto"):
        CliRunner().invoke(app, ["render", "--renderer", "latex"], catch_exceptions=False)
    with pytest.raises(StrataError, match="results of an experiment"):
        open_results("letters", site.paths)

"""`strata new --template judge`: a project that shows a judgement, of what judge.toml names, from its first day on."""

from __future__ import annotations

import json

import numpy as np
import pytest
import typer.main
import vl_convert
from typer.testing import CliRunner

from analysis.cli.judge_file import KEYS
from analysis.cli.main import app
from analysis.pages.build import build
from analysis.plan.new_project import template_names, write_project
from analysis.plan.paths import Paths
from analysis.site.check import static
from analysis.site.check.folder import read
from analysis.site.render import render
from sae.errors import ConfigError, RenderError

COMMANDS = typer.main.get_command(app).commands


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A new project, and the shell in it."""
    write_project(tmp_path / "mine", "judge", title="Mine")
    monkeypatch.setenv("STRATA_ROOT", str(tmp_path / "mine"))
    monkeypatch.chdir(tmp_path / "mine")
    monkeypatch.setattr(vl_convert, "javascript_bundle", str)  # a second's work, and none of the template's
    return Paths((tmp_path / "mine").resolve())


def strata(*words):
    found = CliRunner().invoke(app, words)
    if found.exception and not isinstance(found.exception, SystemExit):
        raise found.exception
    return found


def test_a_new_project_builds_and_has_no_fault(here):
    drawn = build(None, here)
    assert [one.figure for one in drawn] == ["fig-judged-floors", "tbl-judged-panel"]
    assert drawn[0].title == "seed0, seed1, seed2: structure"
    render(here, "embedded")
    assert list(static.findings(read(here.site, ""))) == []
    page = (here.site / "index.html").read_text()
    assert "rows stored by heart" in page and "labels shuffled" in page and "frozen random decoder" in page
    assert build(None, here) == drawn
    readme = (here.root / "README.md").read_text()
    assert "# Mine" in readme and "strata judge " in readme and "strata render " in readme
    assert "judge" in template_names() and "judge" in COMMANDS["new"].params[1].help


def test_the_judgement_that_it_begins_with_is_of_the_files_that_are_named(here):
    begun = json.loads((here.judgement / "judgement.json").read_text())
    (here.root / "judge.toml").write_text((here.root / "judge.toml").read_text() + 'nulls = "none"\nmost = 300\n')
    said = strata("judge", "--most", "600")
    assert "data/saes/seed0, data/saes/seed1, data/saes/seed2: no word" in said.stdout
    found = json.loads((here.judgement / "judgement.json").read_text())
    assert found["rows"] == begun["rows"], "what was typed stands above the file"
    own = [[entry["value"] for entry in one["groups"][0]["saes"][2]["numbers"][:4]] for one in (found, begun)]
    np.testing.assert_allclose(*own, rtol=1e-3)
    # the pages follow
    assert build(None, here)[0].title == "seed0, seed1, seed2: no word"


def test_paths_are_seen_from_the_file(here, monkeypatch):
    monkeypatch.chdir(here.logs)
    (here.judgement / "judgement.json").unlink()
    strata("judge", "--nulls", "none", "--most", "60")
    assert (here.judgement / "judgement.json").is_file() and not (here.logs / "data").exists()


def test_a_page_without_a_judgement_says_what_makes_it(here):
    (here.judgement / "judgement.json").unlink()
    with pytest.raises(RenderError, match=r"index.qmd:10: .*no data/judgement/judgement.json: `strata judge` with"):
        build(None, here)
    (here.judgement / "judgement.json").write_text("[1, 2")
    with pytest.raises(RenderError, match=r"index.qmd:10: .*judgement.json is no JSON"):
        build(None, here)
    (here.judgement / "judgement.json").write_text("[]")
    with pytest.raises(RenderError, match="holds no judgement"):
        build(None, here)


REFUSED = {
    "another option": ("colour = 3\n", r"judge.toml:7: there is no option colour; known: rows, sae, labels"),
    "a text for a list": ('sae = "data/saes/seed0"\n', r"judge.toml:\d: sae = .*must be a list of folders"),
    "a number for a text": ("labels = 3\n", r"judge.toml:\d: labels = 3: must be a text"),
    "too few": ("most = 10\n", r"judge.toml:7: most = 10: must be a whole number from 50 on"),
    "a text for a number": ('seed = "1"\n', r"judge.toml:7: seed = '1': must be a whole number"),
    "a number for a switch": ("unseen = 1\n", r"judge.toml:7: unseen = 1: must be true or false"),
    "no rows": ('rows = ""\n', "judge.toml does not say what to judge: rows is missing"),
    "no TOML": ("most = = 3\n", r"judge.toml:7: no TOML"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_the_file_cannot_say_is_refused_with_its_line(case, here):
    text, says = REFUSED[case]
    file = here.root / "judge.toml"
    kept = [line for line in file.read_text().splitlines() if line.split(" ")[0] != text.split(" ")[0]]
    file.write_text("\n".join(kept) + "\n" + text)
    with pytest.raises(ConfigError, match=says):
        strata("judge")


def test_rows_without_saes_and_no_file_at_all_are_refused(here):
    with pytest.raises(ConfigError, match=r"name ROWS and at least one --sae; or neither, for what judge.toml"):
        strata("judge", "data/rows.npy")
    (here.root / "judge.toml").unlink()
    with pytest.raises(ConfigError, match=r"name ROWS and --sae, or write judge.toml beside _quarto.yml"):
        strata("judge")


def test_the_file_knows_every_option_of_the_command():
    assert {str(one.name) for one in COMMANDS["judge"].params} == {*KEYS, "as_json"}

"""`strata new --template language`: a project with a language model of its own, from its first day on."""

from __future__ import annotations

import pytest
import vl_convert
from tests_root import CHECKOUT

from analysis.pages.build import build
from analysis.plan.config import load_experiment
from analysis.plan.new_project import template_names, write_project
from analysis.plan.paths import Paths
from analysis.results.tables import Results
from analysis.run.pipeline import run
from analysis.site.check import static
from analysis.site.check.folder import read
from analysis.site.render import render


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A new project with less of everything, so that it is done in seconds."""
    write_project(tmp_path / "mine", "language", title="Mine")
    monkeypatch.setenv("STRATA_ROOT", str(tmp_path / "mine"))
    monkeypatch.chdir(tmp_path / "mine")
    monkeypatch.setattr(vl_convert, "javascript_bundle", str)  # a second's work, and none of the template's
    toml = tmp_path / "mine/data/experiments/language.toml"
    text = toml.read_text()
    for before, after in (
        ("seeds = [0, 1, 2]", "seeds = [0]"), ("epochs = 15", "epochs = 1"), ("steps = 800", "steps = 60"),
        ("rows = 20000", "rows = 6000"), ("patterns = 4", "patterns = 1"), ("contexts = 40", "contexts = 8"),
        ("probe_rows = 1000", "probe_rows = 200"), ("ablated = 12", "ablated = 2"),
    ):  # fmt: skip
        assert before in text
        text = text.replace(before, after)
    toml.write_text(text)
    return Paths((tmp_path / "mine").resolve())


@pytest.mark.thorough
def test_a_new_project_on_text_runs_builds_and_has_no_fault(here):
    assert "language" in template_names()
    tables = run(load_experiment(here.experiments, "language"), here, workers=1)
    drawn = build(Results(tables), here)
    assert [one.figure for one in drawn] == [
        "tbl-language-evaluations", "tbl-verdict", "tbl-language-latents", "tbl-language-probes",
    ]  # fmt: skip
    assert drawn[0].title.startswith("The SAE costs the model least")
    render(here, "embedded")
    assert list(static.findings(read(here.site, ""))) == []
    assert "What the copy costs" in (here.site / "index.html").read_text()


def test_the_tokeniser_that_it_begins_with_is_the_embedded_one():
    own, shipped = (
        CHECKOUT / "data/text/union-bpe.json",
        CHECKOUT / "analysis/templates/language/data/text/union-bpe.json",
    )
    assert own.read_bytes() == shipped.read_bytes()

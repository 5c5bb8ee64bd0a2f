"""Documents are tested: a command, an option, a room or a shortcode that they do not mention fails."""

from __future__ import annotations

import inspect
import re

import pytest
import typer.main
from conftest import LONGEST
from tests_root import CHECKOUT

from analysis.cli.main import app
from analysis.pages.numbers import CONTROLS
from analysis.results.tables import LOOKED, TABLES
from analysis.site.render import OLDEST_QUARTO
from sae.discover import find_all, names

COMMANDS = typer.main.get_command(app).commands


def read(name: str) -> str:
    return (CHECKOUT / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_every_command_is_in_the_architecture_and_says_what_it_reads_and_writes(command):
    assert f"strata {command}" in read("ARCHITECTURE.md")
    says = COMMANDS[command].help.lower()
    assert "read" in says and ("writes" in says or "output" in says)


@pytest.mark.parametrize("place", ["sae", "analysis"])
def test_every_module_stands_in_the_architecture(place):
    text = read("ARCHITECTURE.md")
    modules = [m.name for m in (CHECKOUT / place).iterdir() if not m.name.startswith("__")]
    missing = [m for m in modules if f"`{m}`" not in text and f"`{m}/`" not in text]
    assert not missing


def test_every_table_column_and_control_is_documented():
    text = read("docs/tables.md")
    tables = [f"{name}.parquet" for name in (*TABLES, *LOOKED)]
    for word in (*tables, *CONTROLS):
        assert word in text, word


def test_every_figure_is_in_the_architecture():
    text = read("ARCHITECTURE.md")
    for name in names("analysis.figures.kinds"):
        assert f"`{name}`" in text, name


def test_every_data_set_and_option_of_one_is_documented():
    rows = [line for line in read("docs/datasets.md").splitlines() if line.startswith("| `")]
    for name, function in find_all("analysis.run.datasets").items():
        row = next(row for row in rows if f"`{name}`" in row)
        assert set(inspect.signature(function).parameters) <= set(re.findall(r"`(\w+)`", row)), name


def test_the_readme_starts_with_the_two_commands_and_a_picture():
    top = "\n".join(read("README.md").splitlines()[:30])
    assert "make site" in top and "make test" in top and re.search(r"!\[[^]]+\]\(docs/", top)


def test_links_in_documents_lead_to_files():
    for name in ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md"):
        for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", read(name)):
            assert (CHECKOUT / target).exists(), f"{name}: {target}"


def test_every_measure_says_what_it_is():
    for name, measure in find_all("sae.measures").items():
        assert (measure.__doc__ or "").strip(), name


# Keys of `_quarto.yml` that no schema has before this version of Quarto; an older one refuses the project.
KEYS_SINCE = {"respect-user-color-scheme": (1, 7)}


def test_one_version_of_quarto_is_asked_for_everywhere_and_it_knows_the_keys_in_use():
    says = {
        "README.md": r"\[Quarto\]\(https://quarto\.org\) (\d+\.\d+) or later",
        "ARCHITECTURE.md": r"Quarto \((\d+\.\d+) or later",
        "_extensions/strata/_extension.yml": r'quarto-required: ">=(\d+\.\d+)\.0"',
    }
    asked = {name: re.findall(pattern, read(name)) for name, pattern in says.items()}
    assert asked == {name: [OLDEST_QUARTO] for name in says}
    used = {key: since for key, since in KEYS_SINCE.items() if re.search(rf"^\s*{key}:", read("_quarto.yml"), re.M)}
    assert used, "no key of KEYS_SINCE is used: an older Quarto may do"
    assert max(used.values()) <= tuple(int(part) for part in OLDEST_QUARTO.split("."))


def test_the_files_that_are_run_first_are_there():
    assert [name for name in LONGEST if not (CHECKOUT / "tests" / name).is_file()] == []
    assert "--no-loadscope-reorder" in read("Makefile")

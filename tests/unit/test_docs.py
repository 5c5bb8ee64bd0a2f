"""Documents are tested: a command, an option, a room or a module that they do not mention fails, and so does what they
name and is not there."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
from collections.abc import Iterator
from pathlib import Path

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
LONGEST_WORDS = {"README.md": 634, "ARCHITECTURE.md": 4_627, "CONTRIBUTING.md": 683}
DOCUMENTS = [*LONGEST_WORDS, *sorted(f"docs/{file.name}" for file in (CHECKOUT / "docs").glob("*.md"))]
each_document = pytest.mark.parametrize("name", DOCUMENTS)


def read(name: str) -> str:
    return (CHECKOUT / name).read_text(encoding="utf-8")


def modules(place: str) -> Iterator[Path]:
    for file in sorted((CHECKOUT / place).rglob("*.py")):
        if "templates" not in file.relative_to(CHECKOUT).parts:
            yield file


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_every_command_stands_in_its_table_with_its_options_and_says_what_it_reads_and_writes(command):
    rows = [line for line in read("docs/commands.md").splitlines() if re.match(rf"\| `strata {command}[ `]", line)]
    said = {option for row in rows for option in re.findall(r"--[a-z][\w-]*", row.split("` |")[0])}
    parameters = COMMANDS[command].params
    there = {text for one in parameters for text in (*one.opts, *one.secondary_opts) if text.startswith("--")}
    assert rows and said == there
    says = COMMANDS[command].help.lower()
    assert "read" in says and ("writes" in says or "output" in says)


@pytest.mark.parametrize("place", ["sae", "analysis"])
def test_every_module_of_the_library_and_every_room_stands_in_the_architecture(place):
    text = read("ARCHITECTURE.md")
    top = [file.name for file in (CHECKOUT / place).iterdir() if not file.name.startswith("__")]
    rooms = [file.parent.relative_to(CHECKOUT / place).as_posix() for file in modules(place) if file.stem == "__init__"]
    missing = [one for one in {*top, *rooms} - {"."} if f"`{one}`" not in text and f"`{one}/`" not in text]
    assert not missing


def test_what_the_architecture_says_of_a_room_is_there():
    rows = re.findall(r"^\| `([\w/]+)/` \| [^|]* \| (.*) \|$", read("ARCHITECTURE.md"), re.M)
    named = {CHECKOUT / "analysis" / room / name for room, text in rows for name in re.findall(r"`(\w\w+)`", text)}
    assert len(named) > 80
    assert [str(one) for one in named if not one.is_dir() and not one.with_suffix(".py").is_file()] == []


@pytest.mark.parametrize("place", ["sae", "analysis"])
def test_every_module_says_in_its_first_line_what_it_is(place):
    silent = [file for file in modules(place) if not ast.get_docstring(ast.parse(file.read_text(encoding="utf-8")))]
    assert not silent


@pytest.mark.parametrize("room", ["analysis.logs", "analysis.site.check", "analysis.site.lesswrong"])
def test_a_room_whose_modules_are_listed_in_its_docstring_lists_all_of_them(room):
    package = importlib.import_module(room)
    own = {file.stem for file in Path(package.__file__).parent.glob("*.py")} - {"__init__"}
    assert own - set(re.findall(r"\w+", package.__doc__)) == set()


def test_every_table_column_and_control_is_documented():
    text = read("docs/tables.md")
    tables = [f"{name}.parquet" for name in (*TABLES, *LOOKED)]
    for word in (*tables, *CONTROLS):
        assert word in text, word


def test_every_figure_is_in_the_architecture():
    text = read("ARCHITECTURE.md")
    for name in names("analysis.figures.kinds"):
        assert f"`{name}`" in text, name


def test_every_part_of_a_page_and_every_source_of_a_figure_is_documented():
    text = read("docs/pages.md")
    pages = [page for root in ("report", "analysis/templates") for page in (CHECKOUT / root).rglob("*.qmd")]
    parts = {part for page in pages for part in re.findall(r"\{\{< part ([\w-]+)", page.read_text(encoding="utf-8"))}
    sources = re.findall(r"\bFROM_\w+", read("analysis/figures/draw.py"))
    assert parts and sources
    for word in {*(re.sub("^notebook-.*", "notebook-NAME", part) for part in parts), *sources, "EXPERIMENTS"}:
        assert re.search(rf"`{word}\b", text), word


def test_every_data_set_and_option_of_one_is_documented():
    rows = [line for line in read("docs/datasets.md").splitlines() if line.startswith("| `")]
    for name, function in find_all("analysis.run.datasets").items():
        row = next(row for row in rows if f"`{name}`" in row)
        assert set(inspect.signature(function).parameters) <= set(re.findall(r"`(\w+)`", row)), name


def test_the_readme_starts_with_the_two_commands_and_a_picture():
    top = "\n".join(read("README.md").splitlines()[:30])
    assert "make site" in top and "make test" in top and re.search(r"!\[[^]]+\]\(docs/", top)


def anchors(text: str) -> set[str]:
    """The ids that GitHub gives to the headings of a Markdown file."""
    heads = re.findall(r"^#+ (.+)$", re.sub(r"^```.*?^```", "", text, flags=re.M | re.S), re.M)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


@each_document
def test_links_in_documents_lead_to_files_and_headings(name):
    for target, anchor in re.findall(r"\]\((?!https?:)([^)#]*)(?:#([^)]*))?\)", read(name)):
        file = (CHECKOUT / name).parent / target if target else CHECKOUT / name
        assert file.exists(), target
        assert not anchor or anchor in anchors(file.read_text(encoding="utf-8")), f"{target}#{anchor}"


PLACES = re.compile(r"`((?:sae|analysis|report|tests|data|docs|benchmarks|build|_extensions|\.github)/[\w./-]*)`")
# What a run, a build, a download or a person makes.
MADE = (
    "build/", "data/runs", "data/downloads", "data/models/smollm2", "data/judgement", "data/mine", "data/x.json",
    "report/_generated", "report/assets/generated", "report/draft.qmd",
)  # fmt: skip


@each_document
def test_files_that_documents_name_are_there(name):
    named = {place for place in PLACES.findall(read(name)) if not re.search(r"\b(?:[A-Z]{3,})\b", place)}
    assert [place for place in sorted(named) if not (CHECKOUT / place).exists() and not place.startswith(MADE)] == []


def targets() -> set[str]:
    """What can be made that a person would call."""
    (listed,) = re.findall(r"^\.PHONY: (.+)$", read("Makefile"), re.M)
    return set(listed.split())


@each_document
def test_commands_that_documents_name_are_there(name):
    text = read(name)
    assert set(re.findall(r"`make ([a-z][\w-]*)", text)) <= targets()
    assert set(re.findall(r"`strata ([a-z][\w-]*)", text)) <= set(COMMANDS)


def test_everything_that_can_be_made_is_documented():
    said = {target for name in DOCUMENTS for target in re.findall(r"\bmake ([a-z][\w-]*)", read(name))}
    assert targets() - said == {"preview", "clean"}  # `strata preview`, which does more; what it says


@pytest.mark.parametrize("name", LONGEST_WORDS)
def test_what_is_read_first_stays_short(name):
    words, most = len(read(name).split()), LONGEST_WORDS[name]
    assert words <= most, f"{name} has {words} words, at most {most}: a page of docs/ or a docstring may hold the rest"


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

"""The workflows of GitHub Actions, read as data: what they use is pinned, what they name is there."""

from __future__ import annotations

import re
import shlex
import tomllib
from typing import Any

import pytest
import typer.main
import yaml
from tests_root import CHECKOUT

from analysis.cli.main import app
from analysis.cli.main import publish as publish_commands

FOLDER = CHECKOUT / ".github/workflows"
NAMES = sorted(path.name for path in FOLDER.glob("*.yml"))
BROWSER = ".venv/bin/playwright install --with-deps chromium"
# What pip's cache goes with.
INSTALLED_FROM = {"ci.yml": "constraints.txt", "publish.yml": "constraints.txt", "dependencies.yml": "pyproject.toml"}
# `on` is a boolean in YAML 1.1; GitHub reads it as a word.
ON = True


def workflow(name: str) -> dict[Any, Any]:
    content = yaml.safe_load((FOLDER / name).read_text())
    assert isinstance(content, dict)
    return content


def steps(name: str) -> list[dict[str, Any]]:
    return [step for job in workflow(name)["jobs"].values() for step in job["steps"]]


def runs(name: str) -> list[str]:
    """Every line of every script."""
    return [line.strip() for step in steps(name) for line in step.get("run", "").splitlines()]


def test_there_are_three() -> None:
    assert NAMES == ["ci.yml", "dependencies.yml", "publish.yml"]


def loose(line: str) -> bool:
    """Whether a `uses:` line takes what a tag points to today, or does not say which version it takes."""
    return re.fullmatch(r"\s*(?:- )?uses: [\w.-]+/[\w./-]+@[0-9a-f]{40}  # v\d+\.\d+\.\d+", line) is None


@pytest.mark.parametrize("name", NAMES)
def test_every_action_is_pinned_by_digest_with_its_version_beside_it(name: str) -> None:
    lines = [line for line in (FOLDER / name).read_text().splitlines() if re.match(r"\s*(- )?uses:", line)]
    assert len(lines) == len([step for step in steps(name) if "uses" in step]) > 0
    assert [line for line in lines if loose(line)] == []


@pytest.mark.parametrize(
    "line",
    ["- uses: a/b@v3", "- uses: a/b@main  # v1.0.0", f"- uses: a/b@{'c' * 40}", f"- uses: a/b@{'c' * 39}  # v1.0.0"],
)
def test_a_tag_a_branch_or_a_digest_without_a_version_is_seen(line: str) -> None:
    assert loose(line)


def test_all_workflows_use_the_same_version_of_an_action() -> None:
    versions: dict[str, set[str]] = {}
    for name in NAMES:
        for step in steps(name):
            if "uses" in step:
                versions.setdefault(step["uses"].split("@")[0], set()).add(step["uses"])
    assert [used for used in versions.values() if len(used) > 1] == []


@pytest.mark.parametrize("name", NAMES)
def test_permissions_are_few_and_runs_do_not_pile_up(name: str) -> None:
    given = workflow(name)
    assert given["permissions"] == {"contents": "read"}
    assert given["concurrency"]["group"]
    allowed = {"contents": "read", "pages": "write", "id-token": "write"}
    for job in given["jobs"].values():
        assert job["runs-on"] == "ubuntu-latest"
        for right, extent in job.get("permissions", {}).items():
            assert extent in ("read", allowed.get(right)), right
    assert "secrets." not in (FOLDER / name).read_text()


@pytest.mark.parametrize("name", NAMES)
def test_every_file_and_command_that_a_step_names_is_there(name: str) -> None:
    targets = set(re.findall(r"^([\w./-]+):", (CHECKOUT / "Makefile").read_text(), re.M))
    commands = set(typer.main.get_command(app).commands) | {
        c.callback.__name__ for c in publish_commands.app.registered_commands if c.callback
    }
    for step in steps(name):
        wanted = step.get("with", {}).get("cache-dependency-path")
        assert wanted is None or (CHECKOUT / wanted).is_file()
    for line in runs(name):
        words = shlex.split(line)
        if words[0] == "make":
            assert set(words[1:]) <= targets, line
            continue
        if words[0] == ".venv/bin/strata":
            assert words[1] in commands, line
        for word in words:
            ours = re.fullmatch(r"[\w./-]+\.(py|sh|toml|yml|qmd|txt)|\.ci/\w+", word)
            assert not ours or (CHECKOUT / word).exists(), line


def in_order(job: dict[str, Any], *wanted: str) -> None:
    """Every one of these begins a step of the job, one after the other, and none of them may fail unnoticed."""
    begins = [step.get("uses", step.get("run", "")) for step in job["steps"]]
    places = [next((at for at, begin in enumerate(begins) if begin.startswith(one)), None) for one in wanted]
    missing = [one for one, place in zip(wanted, places, strict=True) if place is None]
    assert missing == [] and places == sorted(places)  # type: ignore[type-var]
    for place in places:
        assert not job["steps"][place].get("continue-on-error"), begins[place]


def test_ci_makes_the_site_and_checks_it_in_a_browser() -> None:
    job = workflow("ci.yml")["jobs"]["site"]
    in_order(job, "make site", BROWSER, "make check-site", "make test-browser")
    # what `make` installs, the extra `dev`, has what it is checked with, and what executes the notebooks
    extras = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert {"playwright", "axe-playwright-python"} <= {re.split(r"[<>=\[]", one)[0] for one in extras["check"]}
    assert "strata[train,check,notebooks]" in extras["dev"]


def test_ci_runs_the_tests_on_every_python_that_the_package_says_it_supports() -> None:
    given = workflow("ci.yml")
    runs_of_the_site = [step["run"] for step in given["jobs"]["site"]["steps"] if "run" in step]
    assert {"push", "pull_request"} <= set(given[ON])
    versions = given["jobs"]["test"]["strategy"]["matrix"]["python"]
    assert versions == ["3.11", "3.12", "3.13"]
    least = re.search(
        r">=\s*([\d.]+)", tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]["requires-python"]
    )
    assert least and least[1] == versions[0]
    assert f"< ({least[1].replace('.', ', ')})" in (CHECKOUT / "Makefile").read_text()
    assert [step["run"] for step in given["jobs"]["test"]["steps"] if "run" in step] == [
        "make test",
        "make test-thorough",
    ]
    # as make installs them, so with the versions of constraints.txt
    assert "UNPINNED" not in (FOLDER / "ci.yml").read_text()
    # what a change has to pass at home is what it has to pass here, but for the whole site: home says so
    here = (CHECKOUT / ".ci/run").read_text()
    for line in runs("ci.yml"):
        assert line in here or line in runs_of_the_site, line
    assert "checks of the whole site: make check-site" in here


@pytest.mark.parametrize("name", NAMES)
def test_every_job_that_installs_takes_its_python_from_a_cached_setup(name: str) -> None:
    least = (3, 11)
    for job in workflow(name)["jobs"].values():
        if not any("run" in step for step in job["steps"]):
            continue
        setup = next(step for step in job["steps"] if step.get("uses", "").startswith("actions/setup-python@"))["with"]
        assert setup["cache"] == "pip" and setup["cache-dependency-path"] == INSTALLED_FROM[name]
        version = setup["python-version"]
        assert version.startswith("${{ matrix.") or tuple(int(part) for part in version.split(".")) >= least


def test_the_newest_and_the_lowest_versions_are_tried_too() -> None:
    given = workflow("dependencies.yml")
    assert given[ON]["schedule"] and "workflow_dispatch" in given[ON]
    for event in ("push", "pull_request"):
        assert {"pyproject.toml", "constraints.txt"} <= set(given[ON][event]["paths"])
        assert all((CHECKOUT / path).is_file() for path in given[ON][event]["paths"])
    newest, lowest = given["jobs"]["newest"], given["jobs"]["lowest"]
    assert newest["env"]["UNPINNED"] and "ifdef UNPINNED" in (CHECKOUT / "Makefile").read_text()
    in_order(newest, "make test")
    in_order(lowest, "make test-lowest")
    python = lowest["steps"][1]["with"]["python-version"]
    assert python == workflow("ci.yml")["jobs"]["test"]["strategy"]["matrix"]["python"][0]


def test_publish_renders_with_quarto_and_gives_the_site_to_pages() -> None:
    given = workflow("publish.yml")
    assert given[ON]["push"]["branches"] == ["main"] and "workflow_dispatch" in given[ON]
    assert given["concurrency"] == {"group": "pages", "cancel-in-progress": False}
    build, deploy = given["jobs"]["build"], given["jobs"]["deploy"]
    in_order(build, "quarto-dev/quarto-actions/setup", ".venv/bin/strata run digits", "quarto render")
    # nothing is uploaded that was not checked
    in_order(build, "quarto render", BROWSER, ".venv/bin/strata check --no-quarto", "actions/upload-pages-artifact")
    in_order(build, "quarto render", ".venv/bin/strata publish --dry-run", "actions/upload-pages-artifact")
    config = yaml.safe_load((CHECKOUT / "_quarto.yml").read_text())
    assert build["steps"][-1]["with"]["path"] == config["project"]["output-dir"]
    assert deploy["needs"] == "build" and deploy["permissions"] == {"pages": "write", "id-token": "write"}
    assert deploy["environment"]["name"] == "github-pages"
    assert deploy["steps"][-1]["uses"].startswith("actions/deploy-pages@")
    assert deploy["steps"][-1]["id"] in deploy["environment"]["url"]

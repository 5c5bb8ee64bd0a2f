"""The list that `make` installs from: whole, exact, checked, and within what pyproject.toml allows."""

from __future__ import annotations

import itertools
import re

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from tests_root import CHECKOUT

from benchmarks import packages

TEXT = packages.LIST.read_text(encoding="utf-8")
# One requirement a package: `name==version ; markers` and the digests of its files.
ENTRIES = [entry.replace("\\\n", " ").split() for entry in re.findall(r"^[\w.-]+==(?:.*\\\n)*.*$", TEXT, re.MULTILINE)]
PINS = [Requirement(" ".join(word for word in entry if not word.startswith("--hash"))) for entry in ENTRIES]
MACHINES = [
    ("linux", "Linux", "x86_64"),
    ("linux", "Linux", "aarch64"),
    ("darwin", "Darwin", "arm64"),
    ("win32", "Windows", "AMD64"),
]
PLACES = [
    {"sys_platform": system, "platform_system": name, "platform_machine": machine}
    | {"python_version": python, "python_full_version": f"{python}.9"}
    for (system, name, machine), python in itertools.product(MACHINES, ["3.11", "3.12", "3.13"])
]


def asked() -> list[Requirement]:
    text = (CHECKOUT / "pyproject.toml").read_text(encoding="utf-8")
    return [Requirement(line) for line in packages.installed(text)]


def test_every_package_has_one_exact_version_and_digests_and_no_host_is_named() -> None:
    assert packages.checked(TEXT.removeprefix(packages.HEADER)) == TEXT
    assert len(PINS) == len(packages.pins(TEXT)) > 100
    for pin, entry in zip(PINS, ENTRIES, strict=True):
        assert [clause.operator for clause in pin.specifier] == ["=="], pin
        assert any(re.fullmatch(r"--hash=sha256:[0-9a-f]{64}", word) for word in entry), pin


@pytest.mark.parametrize("place", PLACES, ids=lambda place: f"{place['platform_machine']}-{place['python_version']}")
def test_what_the_project_asks_for_is_in_the_list_at_a_version_that_it_allows(place: dict[str, str]) -> None:
    here = {pin.name: pin for pin in PINS if pin.marker is None or pin.marker.evaluate(place)}
    for wanted in asked():
        pin = here.get(canonicalize_name(wanted.name))
        assert pin, f"{wanted.name} is not in constraints.txt: make constraints"
        (version,) = (clause.version for clause in pin.specifier)
        assert wanted.specifier.contains(version), f"constraints.txt has {pin}, pyproject.toml asks for {wanted}"


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("--index-url https://packages.example/simple\nsix==1.0 \\\n    --hash=sha256:00\n", "no host"),
        ("six @ https://packages.example/six.whl \\\n    --hash=sha256:00\n", "no host"),
        ("six==1.0 \\\n    --hash=sha256:00\nseven==1.0\n", "seven==1.0"),
        ("six>=1.0 \\\n    --hash=sha256:00\n", "six>=1.0"),
    ],
)
def test_a_list_that_names_a_host_or_leaves_a_package_open_is_not_written(text: str, word: str) -> None:
    with pytest.raises(SystemExit, match=re.escape(word)):
        packages.checked(text)


def test_make_installs_nothing_else_and_checks_every_digest() -> None:
    makefile = (CHECKOUT / "Makefile").read_text(encoding="utf-8")
    rule = re.search(r"^\.venv/\.installed: .*?(?=\n\n)", makefile, re.M | re.S)
    assert rule and rule[0].splitlines()[0].startswith(".venv/.installed: pyproject.toml constraints.txt")
    pinned = rule[0].split("\nelse\n")[1]
    assert "--require-hashes --no-deps --requirement constraints.txt" in pinned
    installs = [line for line in pinned.splitlines() if "pip install" in line]
    assert len(installs) == 2 and "--no-deps --no-build-isolation --editable ." in installs[1]
    # an index of somebody's own would be asked on every machine
    assert "index-url" not in makefile and "://" not in rule[0]


def test_a_package_that_is_kept_has_to_be_in_the_list() -> None:
    with pytest.raises(SystemExit, match="nonesuch: not in constraints"):
        packages.main(["lowest", "--keep", "numpy", "nonesuch"])


def test_a_bound_that_no_installation_reaches_is_named() -> None:
    project = """
build-system.requires = ["builder>=3"]
[project]
dependencies = ["Plain>=1.2", "with-files[bin]>=0.4", "held>=2.0"]
optional-dependencies.dev = ["stubs>=2.9"]
"""
    resolved = "builder==3.0\nplain==1.2.0\nwith-files==0.40\nheld==7.1\nstubs==2.9.0.20240315\n"
    found = packages.not_at_their_bound(project, resolved, ["held"])
    assert found == ["with-files>=0.4 is not to be had: the lowest is 0.40"]
    with pytest.raises(SystemExit, match=r"loose<3 has no lower bound"):
        packages.not_at_their_bound(project.replace("Plain>=1.2", "loose<3"), resolved, ["held"])


def test_every_dependency_has_a_lower_bound_that_can_be_run() -> None:
    lowest = {
        canonicalize_name(one.name): next(c.version for c in one.specifier if c.operator == ">=") for one in asked()
    }
    resolved = "".join(f"{name}=={version}\n" for name, version in lowest.items())
    assert packages.not_at_their_bound((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"), resolved, []) == []


def test_an_extra_is_installed_with_the_extras_that_it_names() -> None:
    project = """
build-system.requires = ["builder>=3"]
[project]
name = "tool"
dependencies = ["plain>=1.2", "tool-box[bin]>=2"]
[project.optional-dependencies]
draw = ["pens>=1"]
fast = ["tool[draw]", "gears>=4"]
dev = ["stubs>=2.9", "tool[fast, draw]"]
other = ["stranger>=1"]
"""
    lines = packages.installed(project)
    assert sorted(lines) == ["builder>=3", "gears>=4", "pens>=1", "plain>=1.2", "stubs>=2.9", "tool-box[bin]>=2"]
    # what `make` installs is all of it: nothing that a command needs is left out of the list
    asks = {canonicalize_name(one.name) for one in asked()}
    assert {"torch", "numba", "playwright", "ipykernel", "nbclient", "jupytext", "pytest"} <= asks

"""Which versions are installed: the list that `make` installs from, and the oldest that pyproject.toml allows.

    make constraints                    # constraints.txt after a change of pyproject.toml; versions that fit stay
    make constraints ARGS=--upgrade     # the newest of everything but torch
    make constraints ARGS='--torch 2.14.1 --torchvision 0.29.1'
    make test-lowest                    # the default suite in build/venv-lowest; ARGS='--keep torch' as below

uv resolves, as it does so for all platforms and versions of Python at once, where pip knows only those it runs on; pip
installs. Neither list names a host: which index is asked is a matter of the machine. torch and torchvision move only
when they are told to, since a release is gigabytes. Needs nothing but Python's own library, for it runs before
anything is installed.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LIST = ROOT / "constraints.txt"
BUILD = ROOT / "build"
HEADER = """\
# What `make` installs: every package of the site, its notebooks, the tests and the checks, for Python 3.11 to 3.13 on
# Linux, macOS and Windows, with the SHA-256 of each of its files. Markers say where a package is needed.
# Made by `make constraints`; see CONTRIBUTING.md. Not to be edited by hand.
"""
# They move only when told to.
HELD = ("torch", "torchvision")
BOUND = re.compile(r"([\w.-]+)(?:\[\w+\])?>=([\w.]+)")
EXTRAS_OF = re.compile(r"([\w.-]+)\[([\w., -]+)\]")
PIN = re.compile(r"^([\w.-]+)==([\w.!+]+)", re.MULTILINE)


def pins(text: str) -> dict[str, str]:
    """Name to version of every package of a list. Where markers choose among several versions, the last."""
    return dict(PIN.findall(text))


def checked(text: str) -> str:
    """The list as it is written. Raises SystemExit for one that names a host or holds a line without digests."""
    for line in text.splitlines():
        if "://" in line or line.startswith("-"):
            sys.exit(f"constraints.txt may name no host and no option, and uv wrote: {line.strip()}")
    for entry in re.split(r"\n(?=\S)", text.strip()):
        if not PIN.match(entry) or "--hash=sha256:" not in entry:
            sys.exit(f"constraints.txt needs a version and digests a package, and uv wrote: {entry.splitlines()[0]}")
    return HEADER + text


def installed(project: str, extra: str = "dev") -> list[str]:
    """What pyproject.toml asks for, line by line: to build, to run, and by an extra with those that it names."""
    content = tomllib.loads(project)
    extras, own = content["project"].get("optional-dependencies", {}), content["project"].get("name", "")
    found, named = [*content["build-system"]["requires"], *content["project"]["dependencies"]], [extra]
    for name in named:  # which grows by those that others name
        for wanted in extras[name]:
            others = EXTRAS_OF.fullmatch(wanted)
            if others and others[1] == own:
                named += [one for one in map(str.strip, others[2].split(",")) if one not in named]
            else:
                found.append(wanted)
    return found


def not_at_their_bound(project: str, resolved: str, keep: Sequence[str]) -> list[str]:
    """What no resolution at the lowest versions can reach: each a bound of pyproject.toml that was never run."""
    versions, missed = pins(resolved), []
    for wanted in installed(project):
        asked = BOUND.match(wanted)
        if asked is None:
            sys.exit(f"pyproject.toml: {wanted} has no lower bound: NAME>=VERSION")
        name, least = asked[1].lower(), asked[2]
        if name not in keep and not f"{versions[name]}.".startswith(f"{least}."):
            missed.append(f"{name}>={least} is not to be had: the lowest is {versions[name]}")
    return missed


def run(*command: str | Path, given: str | None = None) -> None:
    """Raises SystemExit with the command where it fails; what it says of itself stands above."""
    # uv would fetch a Python of its own
    environment = os.environ | {"UV_PYTHON_DOWNLOADS": "never"}
    words = [str(part) for part in command]
    done = subprocess.run(words, cwd=ROOT, env=environment, input=given, text=True, check=False)
    if done.returncode:
        sys.exit(f"failed: {' '.join(str(part) for part in command[:6])} ...")


def uv() -> Path:
    """The resolver, in an environment of its own: build/venv-uv."""
    home = BUILD / "venv-uv"
    if not (home / "bin/uv").exists():
        run(sys.executable, "-m", "venv", home)
        run(home / "bin/python", "-m", "pip", "install", "--quiet", "uv")
    return home / "bin/uv"


def compile_list(out: Path, held: dict[str, str], *options: str) -> None:
    """Resolve pyproject.toml with its development tools and what builds it into `out`, `held` at those versions."""
    builds = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["build-system"]["requires"]
    limits = out.with_suffix(".held")
    limits.write_text("".join(f"{name}=={version}\n" for name, version in held.items()), encoding="utf-8")
    shape = ("--no-config", "--no-header", "--no-annotate", "--quiet", "--extra", "dev")
    sources = ("pyproject.toml", "-", "--constraint", limits, "--output-file", out)
    run(uv(), "pip", "compile", *shape, *options, *sources, given="\n".join(builds))


def constraints(torch: dict[str, str], upgrade: bool) -> None:
    """Write constraints.txt: versions that still fit stay, or all but torch move to their newest."""
    before = LIST.read_text(encoding="utf-8") if LIST.exists() else ""
    held = {name: version for name, version in pins(before).items() if name in HELD} | torch
    out = BUILD / "constraints.txt"
    out.write_text(before, encoding="utf-8")
    universal = ("--universal", "--python-version", "3.11", "--fork-strategy", "fewest", "--generate-hashes")
    compile_list(out, held, *universal, *(["--upgrade"] if upgrade else []))
    text = checked(out.read_text(encoding="utf-8"))
    LIST.write_text(text, encoding="utf-8")
    old, new = pins(before), pins(text)
    for name in sorted(old.keys() | new.keys()):
        if old.get(name) != new.get(name):
            print(f"{name}: {old.get(name, 'none')} -> {new.get(name, 'none')}")
    print(f"constraints.txt: {len(new)} packages")


def lowest(keep: Sequence[str]) -> None:
    """Make build/venv-lowest: direct dependencies at the lowest version with a wheel, what they need at its newest.

    `keep` names packages that stay at the version of constraints.txt.
    """
    known = pins(LIST.read_text(encoding="utf-8"))
    strange = [name for name in keep if name not in known]
    if strange:
        sys.exit(f"--keep {strange[0]}: not in constraints.txt")
    out, home = BUILD / "lowest.txt", BUILD / "venv-lowest"
    out.unlink(missing_ok=True)
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    # a bound that only a compiler can install is none
    options = ("--resolution", "lowest-direct", "--only-binary", ":all:", "--python-version", python)
    compile_list(out, {name: known[name] for name in keep}, *options)
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    missed = not_at_their_bound(project, out.read_text(encoding="utf-8"), keep)
    if missed:
        sys.exit("\n".join(["pyproject.toml has bounds that nobody can run; raise them:", *missed]))
    run(sys.executable, "-m", "venv", "--clear", home)
    pip = (home / "bin/python", "-m", "pip", "install", "--quiet", "--no-deps")
    run(*pip, "--only-binary", ":all:", "--requirement", out)
    run(*pip, "--no-build-isolation", "--editable", ".")
    run(home / "bin/python", "-m", "pip", "check")


def main(words: Sequence[str] | None = None) -> None:
    """The command line; `words` in place of what was typed."""
    parser = argparse.ArgumentParser(description="Versions of what is installed.")
    tasks = parser.add_subparsers(dest="task", required=True)
    listed = tasks.add_parser("constraints", help="write constraints.txt")
    listed.add_argument("--upgrade", action="store_true", help="the newest of everything but torch and torchvision")
    for name in HELD:
        listed.add_argument(f"--{name}", metavar="VERSION", help=f"move {name} to this version")
    oldest = tasks.add_parser("lowest", help="make build/venv-lowest")
    oldest.add_argument("--keep", nargs="+", default=[], metavar="NAME", help="at the version of constraints.txt")
    given = parser.parse_args(words)
    BUILD.mkdir(exist_ok=True)
    if given.task == "constraints":
        constraints({name: version for name in HELD if (version := getattr(given, name))}, given.upgrade)
    else:
        lowest(given.keep)


if __name__ == "__main__":
    main()

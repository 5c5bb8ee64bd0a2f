"""Stage folders: a name that is a hash of config, code and inputs; a manifest that is written last, by rename.

`data/runs/<stage>/<key>/manifest.json` present means the folder is whole. A stage works in a folder of another name
and moves it into place when done, so a killed run leaves rubbish that the next call clears away, never half a result.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache, cached_property
from importlib import metadata
from pathlib import Path
from typing import Any

import psutil

from analysis.git import commit_of
from sae.errors import StageError

MANIFEST = "manifest.json"
LIBRARIES = ("numpy", "pandas", "torch", "strata")


@dataclass(frozen=True, kw_only=True)
class Stage:
    """One step of a run: what it is asked to do, by which code, from which other stages."""

    name: str
    config: dict[str, Any]
    code: str
    """Code version of the stage and of everything it uses."""
    inputs: Mapping[str, Stage] = field(default_factory=dict)

    @cached_property
    def key(self) -> str:
        """The folder's name: a hash of all of the above, inputs by their keys."""
        text = json.dumps(
            [self.name, self.config, self.code, {name: stage.key for name, stage in self.inputs.items()}],
            sort_keys=True,
        )
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    def folder(self, runs: Path) -> Path:
        """Where its product lies, or will lie."""
        return runs / self.name / self.key

    def complete(self, runs: Path) -> bool:
        """Whether its product is there, whole."""
        return (self.folder(runs) / MANIFEST).exists()


@contextmanager
def writing(stage: Stage, runs: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    """A temporary folder and a dict of notes; on leaving without an error the folder becomes the stage's product.

    Raises StageError when the folder cannot be written.
    """
    final = stage.folder(runs)
    work = final.with_name(f"{stage.key}.tmp-{os.getpid()}")
    notes: dict[str, Any] = {}
    started = time.perf_counter()
    try:
        final.parent.mkdir(parents=True, exist_ok=True)
        clear_leftovers(final)
        work.mkdir()
    except OSError as error:
        raise StageError(f"stage {stage.name}: cannot write into {final.parent}: {error}") from error
    try:
        yield work, notes
        write_manifest(
            work / MANIFEST,
            {
                "stage": stage.name,
                "key": stage.key,
                "config": stage.config,
                "code": stage.code,
                "inputs": {name: f"{given.name}/{given.key}" for name, given in stage.inputs.items()},
                "seconds": round(time.perf_counter() - started, 3),
                **provenance(),
                "notes": notes,
            },
        )
        if stage.complete(runs):  # another process was faster with the very same stage: its product stands
            return
        shutil.rmtree(final, ignore_errors=True)
        work.rename(final)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def clear_leftovers(final: Path) -> None:
    """Remove half-written folders of `final` whose process is gone."""
    for left in final.parent.glob(f"{final.name}.tmp-*"):
        _clear(left)


def sweep(runs: Path) -> None:
    """Remove every half-written folder under `runs` whose process is gone."""
    for left in runs.glob("*/*.tmp-*"):
        _clear(left)


def _clear(left: Path) -> None:
    number = left.name.rsplit("-", 1)[1]
    # our own number on a leftover: an earlier process had it (in a container numbers repeat)
    if number.isdigit() and (int(number) == os.getpid() or not psutil.pid_exists(int(number))):
        shutil.rmtree(left, ignore_errors=True)


def write_manifest(path: Path, content: dict[str, Any]) -> None:
    """Write JSON to a temporary name and rename it."""
    temporary = path.with_suffix(".tmp")
    temporary.write_text(json.dumps(content, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    temporary.replace(path)


def read_manifest(folder: Path) -> dict[str, Any]:
    """The manifest of a whole folder. Raises StageError where there is none."""
    try:
        content: dict[str, Any] = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise StageError(f"{folder} has no readable manifest: {error}") from error
    return content


@cache
def provenance() -> dict[str, Any]:
    """Date, machine, commit and library versions of this process."""
    versions = {}
    for name in LIBRARIES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            versions[name] = "not installed"
    return {
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
        "python": platform.python_version(),
        "versions": versions,
        "commit": commit(),
    }


def commit() -> str:
    """The checkout's commit, with `+` behind it when files differ from it; `unknown` outside git."""
    return commit_of(Path(__file__).resolve().parent.parent) or "unknown"

"""Stage folders: a name that is a hash of config, code and inputs; a manifest that is written last, by rename.

`data/runs/<stage>/<key>/manifest.json` lists size and sha256 of every file, and seals itself: the folder is whole when
all are as listed. A stage works in a folder of another name and moves it into place when done, so a killed run leaves
rubbish that the next call clears away, never half a result.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from functools import cache, cached_property
from importlib import metadata
from pathlib import Path
from typing import Any, Self

from analysis.plan.settings import build
from analysis.system import digests
from analysis.system.git import commit_of
from analysis.system.swap import fresh_beside, standing, steadily
from analysis.system.unchanged import WhileUnchanged
from sae.errors import ConfigError, StageError
from sae.temporary import check_readable, replacing, to_disk, unwritable

MANIFEST = "manifest.json"
FILES, SEAL = "files", "seal"
SUSPECT = "suspect"
"""An empty file in a folder that was found damaged although times and sizes are right: look closer."""
LIBRARIES = ("numpy", "pandas", "torch", "strata")


@dataclass(frozen=True, kw_only=True)
class StageConfig:
    """What a stage is asked to do. A frozen dataclass for each name of a stage: see `analysis.plan.stage_configs`."""

    def json(self) -> dict[str, Any]:
        """As keys and manifests hold it."""
        return asdict(self)

    @classmethod
    def of(cls, stage: Stage) -> Self:
        """What `stage` is asked. Raises StageError where that is another kind of stage."""
        if isinstance(stage.config, cls):
            return stage.config
        raise StageError(f"stage {stage.name}/{stage.key} has a {type(stage.config).__name__}, expected {cls.__name__}")

    @classmethod
    def read(cls, folder: Path) -> Self:
        """What the stage in a finished folder was asked. Raises StageError where it was no such thing."""
        try:
            return build(cls, read_manifest(folder)["config"], "config")
        except (ConfigError, KeyError) as error:
            raise StageError(f"{folder} holds no product of a {cls.__name__}: {error}") from error


@dataclass(frozen=True, kw_only=True)
class Stage:
    """One step of a run: what it is asked to do, by which code, from which other stages."""

    name: str
    config: StageConfig
    code: str
    """Code version of the stage and of everything it uses."""
    inputs: Mapping[str, Stage] = field(default_factory=dict)

    @cached_property
    def key(self) -> str:
        """The folder's name: a hash of all of the above, inputs by their keys."""
        text = json.dumps(
            [self.name, self.config.json(), self.code, {name: stage.key for name, stage in self.inputs.items()}],
            sort_keys=True,
        )
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    def folder(self, runs: Path) -> Path:
        """Where its product lies, or will lie."""
        return runs / self.name / self.key

    def complete(self, runs: Path) -> bool:
        """Whether its product is there and whole, as far as times and sizes tell; `whole` reads what it is made of."""
        return self._there(runs) and not self.damage(runs, quick=True)

    def whole(self, runs: Path) -> bool:
        """Whether its product is there, and every file of it as it was written."""
        return self._there(runs) and not self.damage(runs)

    def damage(self, runs: Path, *, quick: bool = False) -> str:
        """What is wrong with its folder, in a line that names it; empty where it is whole or not there.

        Raises UnreadableError where that cannot be told.
        """
        return stage_damage(self.folder(runs), quick=quick) if self._there(runs) else ""

    def _there(self, runs: Path) -> bool:
        """Whether there is a folder, be it that another one is just put into its place."""
        folder = self.folder(runs)
        try:
            return standing(folder) is not None
        except OSError as error:
            check_readable(folder, error)
            return False


@contextmanager
def writing(stage: Stage, runs: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    """A temporary folder and a dict of notes; on leaving without an error the folder becomes the stage's product.

    A whole one that another process made in the meantime stands. Raises StageError when it cannot be written.
    """
    final = stage.folder(runs)
    work: Path | None = None
    notes: dict[str, Any] = {}
    started = time.perf_counter()
    try:
        with fresh_beside(final, stands=lambda: stage.whole(runs)) as work:
            yield work, notes
            seal(
                work,
                {
                    "stage": stage.name,
                    "key": stage.key,
                    "config": stage.config.json(),
                    "code": stage.code,
                    "inputs": {name: f"{given.name}/{given.key}" for name, given in stage.inputs.items()},
                    "seconds": round(time.perf_counter() - started, 3),
                    **provenance(),
                    "notes": notes,
                },
            )
    except OSError as error:
        if work is None:
            raise StageError(f"stage {stage.name}: cannot write into {final.parent}: {error}") from error
        if error.filename and not Path(error.filename).is_relative_to(final.parent):  # something that it reads
            raise StageError(f"stage {stage.name}: {error}") from error
        raise StageError(unwritable(Path(error.filename or final), error)) from error


def seal(folder: Path, content: dict[str, Any]) -> None:
    """Write a folder's manifest: `content`, what every file holds, and a digest of all that. Raises OSError.

    Nothing may be written into the folder afterwards. `content` may be a manifest that was read.
    """
    own = {name: value for name, value in content.items() if name not in (FILES, SEAL)}
    own = json.loads(json.dumps(own))  # what a reader will see: no tuples, no numbers as keys
    own[FILES] = digests.contents(folder, MANIFEST, SUSPECT)
    write_manifest(folder / MANIFEST, {**own, SEAL: digests.of_json(own)})
    to_disk(folder)


def write_manifest(path: Path, content: dict[str, Any]) -> None:
    """Write JSON to a temporary name and rename it."""
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(content, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def read_manifest(folder: Path) -> dict[str, Any]:
    """The manifest of a whole folder. Raises StageError where there is none, or not the one that was written."""
    return parsed((folder / MANIFEST).read_bytes, folder)


def parsed(read: Callable[[], bytes], folder: Path) -> dict[str, Any]:
    """The manifest of `folder` that `read` gives. Raises StageError."""
    try:
        content = json.loads(read().decode("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        if isinstance(error, OSError):
            check_readable(folder / MANIFEST, error)
        raise StageError(f"{folder} has no readable manifest: {error}") from error
    if not isinstance(content, dict):
        raise StageError(f"{folder} has no readable manifest: it holds no object")
    if not content:  # nothing ever wrote that, an older version neither
        raise StageError(f"{folder} has no readable manifest: it is an empty object")
    if not digests.is_listing(content.get(FILES, {})):
        raise StageError(f"{folder} has no readable manifest: its files are not names with bytes and sha256")
    if (FILES in content or SEAL in content) and content.get(SEAL) != digests.of_json(
        {name: value for name, value in content.items() if name != SEAL}
    ):
        raise StageError(f"{folder} has no readable manifest: it was altered after it was written")
    return content


def damage(folder: Path, *, quick: bool = False) -> str:
    """What differs from a folder's manifest, in a line that names it; empty where all is as it was written.

    `quick`: a file is read only where its times are later than the manifest's. Where another folder is put there
    meanwhile, that one is looked at. Raises UnreadableError where the system refuses to read a file: then nobody knows
    what it holds, and it is not damaged.
    """
    return _steadily(folder, lambda: _damage(folder, quick))


def _steadily(folder: Path, read: Callable[[], str]) -> str:
    try:
        return steadily(folder, read)
    except OSError as error:
        check_readable(folder, error)
        return " ".join(str(error).split())


def _damage(folder: Path, quick: bool) -> str:
    trusted = 0
    try:
        content = _parsed(folder)
        if quick and not (folder / SUSPECT).exists():
            stat = (folder / MANIFEST).stat()
            trusted = max(stat.st_mtime_ns, stat.st_ctime_ns)
        if FILES not in content:
            return f"{folder}: its manifest, of an older version, does not say what the files hold"
        found = digests.differences(folder, content[FILES], trusted)
    except (OSError, StageError) as error:
        if isinstance(error, OSError):
            check_readable(folder / MANIFEST, error)
        return " ".join(str(error).split())
    return f"{folder}: {'; '.join(found)}" if found else ""


def stage_damage(folder: Path, *, quick: bool = False) -> str:
    """The same for `data/runs/<stage>/<key>`, which must hold what its name says.

    What only reading every file tells is marked in the folder, so that from then on a quick look tells it, too.
    Raises UnreadableError.
    """
    if found := damage(folder, quick=quick):
        if not quick and not damage(folder, quick=True):
            with suppress(OSError):  # where nothing can be written, nothing can be made again either
                (folder / SUSPECT).touch()
        return found
    return _steadily(folder, lambda: _misplaced(folder))


def _misplaced(folder: Path) -> str:
    stage, key = (_parsed(folder).get(name) for name in ("stage", "key"))
    if (stage, key) != (folder.parent.name, folder.name):
        return f"{folder} holds {stage}/{key}, not what its name says"
    return ""


def _parsed(folder: Path) -> dict[str, Any]:
    """The manifest, read once as long as it stays as it is; not to be changed. Raises StageError."""
    path = folder / MANIFEST
    try:
        return _parsed_once(path)
    except OSError as error:
        check_readable(path, error)
        raise StageError(f"{folder} has no readable manifest: {error}") from error


@WhileUnchanged
def _parsed_once(manifest: Path) -> dict[str, Any]:
    return read_manifest(manifest.parent)


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
    return commit_of(Path(__file__).resolve().parents[2]) or "unknown"

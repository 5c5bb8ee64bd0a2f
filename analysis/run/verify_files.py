"""Whether every file of runs and results still holds what was written: read again, and compared with its manifest.

Trains nothing, and is free of torch. What is damaged in `data/runs` is made again by the next run that needs it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from analysis.plan.chains import plan
from analysis.plan.config import experiment_names, load_experiment
from analysis.plan.looks import stages_of
from analysis.plan.paths import Paths
from analysis.plan.stage_folders import FILES, MANIFEST, SUSPECT, damage, read_manifest, stage_damage
from analysis.results.pinned import MENDED, Pinned
from analysis.system import digests
from sae.errors import NotFoundError, StageError
from sae.temporary import MARK

KEPT_BY_GIT = "`git checkout` of that folder brings it back"
MADE_AGAIN = "`strata run` makes it again"


@dataclass
class Checked:
    """What was found."""

    folders: int = 0
    files: int = 0
    damaged: list[str] = field(default_factory=list)
    """A line a folder that is not as it was written: what, and what mends it."""
    notes: list[str] = field(default_factory=list)
    """A line for what could not be checked, or belongs to no manifest."""

    def text(self) -> str:
        """Lines for a terminal, the summary last."""
        lines = [*(f"note: {note}" for note in self.notes), *(f"damaged: {line}" for line in self.damaged)]
        found = "all as they were written" if not self.damaged else f"{len(self.damaged)} folder(s) DAMAGED"
        return "\n".join([*lines, f"{self.files} files in {self.folders} folders read: {found}"])


def verify_files(paths: Paths, experiment: str = "") -> Checked:
    """Read every file of an experiment's results and stages, run here or tracked; without a name, of all there are.

    Raises NotFoundError for a name that is neither an experiment nor that of results.
    """
    found, older = Checked(), 0
    for folder in _stages(paths, experiment):
        older += not _checked(found, folder, stage_damage, MADE_AGAIN, paths)
    if older:
        found.notes.append(
            f"{older} stage folder(s) of an older version do not say what they hold: nothing was checked"
        )
    for folder in _results(paths, experiment):
        remedy = KEPT_BY_GIT if folder.parent == paths.tracked else MADE_AGAIN
        if not _checked(found, folder, _tables_damage, remedy, paths, of_tables=True):
            found.notes.append(
                f"{paths.relative(folder)}: its manifest, of an older version, does not say what the files hold: "
                "nothing was checked"
            )
    return found


def _tables_damage(folder: Path) -> str:
    """What differs from the manifest of tables, which must name their experiment; empty where nothing does."""
    try:
        _ = Pinned.now(folder).manifest
    except StageError as error:
        return str(error).removesuffix(f"; {MENDED}")
    return damage(folder)


def _checked(
    found: Checked, folder: Path, read: Callable[[Path], str], remedy: str, paths: Paths, *, of_tables: bool = False
) -> bool:
    """Read the files of one folder; False where its manifest lists none."""
    name = paths.relative(folder)
    listed: digests.Listed = {}
    try:
        manifest = Pinned.now(folder).manifest if of_tables else read_manifest(folder)
    except StageError:  # what is wrong with it is said by `read`
        pass
    else:
        if FILES not in manifest:
            return False
        listed = manifest[FILES]
        there = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
        strange = sorted(there - {MANIFEST, SUSPECT, *listed})
        found.notes += [f"{name}: {path} is in no manifest, and is not read" for path in strange]
    found.folders += 1
    found.files += len(listed)
    if wrong := read(folder):
        found.damaged.append(f"{wrong.replace(str(folder), name, 1)}; {remedy}")
    return True


def _stages(paths: Paths, experiment: str) -> Iterator[Path]:
    if not experiment:
        yield from (path for path in _folders(paths.runs, "*/*") if path.parent != paths.collected)
    elif experiment in experiment_names(paths.experiments):
        known = load_experiment(paths.experiments, experiment)
        folders = (stage.folder(paths.runs) for stage in stages_of(known, plan(known)).values())
        yield from (folder for folder in folders if folder.exists())


def _results(paths: Paths, experiment: str) -> list[Path]:
    if not experiment:
        return [*_folders(paths.collected, "*"), *_folders(paths.tracked, "*")]
    found = [
        path for base in (paths.collected, paths.tracked) for path in _folders(base, "*") if path.name == experiment
    ]
    known = experiment_names(paths.experiments)
    if not found and experiment not in known:
        raise NotFoundError("experiment", experiment, known)
    return found


def _folders(base: Path, pattern: str) -> list[Path]:
    """Folders, but those that somebody is, or was, at work in."""
    return sorted(path for path in base.glob(pattern) if path.is_dir() and MARK not in path.name)

"""Where the folders of a project lie, which is said here alone; a module adds to them the names of its own files.

The project is the folder that `STRATA_ROOT` names, if that is set, else the working directory or the nearest folder
above it that holds `_quarto.yml`. Where the tool lies does not matter: the checkout that it was installed from is a
project like any other, and is found from within it.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from sae.errors import ConfigError

MARK = "_quarto.yml"


class NoProjectError(ConfigError):
    """There is no project where one is looked for."""


@dataclass(frozen=True)
class Paths:
    """Every folder and file that a stage, an artefact or a page may read or write."""

    root: Path

    @property
    def data(self) -> Path:
        """Embedded inputs, experiments, logs, tracked results."""
        return self.root / "data"

    @property
    def experiments(self) -> Path:
        """One TOML per experiment."""
        return self.data / "experiments"

    @property
    def logs(self) -> Path:
        """The researcher's own logs."""
        return self.data / "logs"

    @property
    def runs(self) -> Path:
        """Cache of stage folders, safe to delete."""
        return self.data / "runs"

    @property
    def collected(self) -> Path:
        """Result tables of experiments run here."""
        return self.runs / "results"

    @property
    def tracked(self) -> Path:
        """Result tables that are part of the repository."""
        return self.data / "results"

    @property
    def judgement(self) -> Path:
        """What `strata judge` found of SAEs that were trained elsewhere, where pages show it."""
        return self.data / "judgement"

    @property
    def live(self) -> Path:
        """A language model as a page runs it."""
        return self.data / "language" / "live"

    @property
    def plugins(self) -> Path:
        """The project's own architectures, data sets, hosts and measures, a folder each."""
        return self.root / "plugins"

    @property
    def report(self) -> Path:
        """The pages' sources."""
        return self.root / "report"

    @property
    def figures(self) -> Path:
        """The project's own figures, a module each."""
        return self.report / "figures"

    @property
    def generated(self) -> Path:
        """Page fragments and numbers that the build writes."""
        return self.report / "_generated"

    @property
    def assets(self) -> Path:
        """Styles and scripts, served as they are."""
        return self.report / "assets"

    @property
    def built_assets(self) -> Path:
        """Files the build adds to the assets: the sprite, the chart runtime, CSV tables."""
        return self.assets / "generated"

    @property
    def site(self) -> Path:
        """The rendered website."""
        return self.root / "_site"

    @property
    def lesswrong(self) -> Path:
        """Posts that `strata lesswrong` writes."""
        return self.root / "lesswrong"

    @property
    def build(self) -> Path:
        """Caches of the build and outputs of benchmarks, safe to delete."""
        return self.root / "build"

    def relative(self, path: Path) -> str:
        """`path` as it should be printed or stored: relative to the project, never a path of this machine.

        A folder of the project may be a link to another disk: what lies in it is called by where the project has it.
        Raises ConfigError for a path outside.
        """
        if not path.is_absolute():
            return path.as_posix()
        for given, root in ((Path(os.path.normpath(path)), self.root), (path.resolve(), self.root.resolve())):
            if given.is_relative_to(root):
                return given.relative_to(root).as_posix()
        raise ConfigError(f"{path} is outside the project {self.root}: choose a place in it")


def find() -> Paths:
    """The project's folders. Raises NoProjectError where there is none."""
    named = os.environ.get("STRATA_ROOT")
    here = Path(named).resolve() if named else Path.cwd().resolve()
    for folder in [here] if named else [here, *here.parents]:
        if (folder / MARK).exists():
            return Paths(folder)
    if named:
        raise NoProjectError(
            f"STRATA_ROOT names {here}, which is no project: there is no {MARK} in it; unset or mend it"
        )
    raise NoProjectError(
        f"no project here: there is no {MARK} in {here} or above it; go into a project, or begin one: strata new FOLDER"
    )

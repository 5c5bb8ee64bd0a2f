"""What a project adds to the tool, found by the very search that finds the tool's own.

plugins/architectures/NAME.py   a class NAME, as in `sae/architectures`
plugins/measures/NAME.py        a class NAME, as in `sae/measures`
plugins/datasets/NAME.py        a function NAME, as in `analysis/run/datasets`
plugins/hosts/NAME.py           a class NAME, as in `analysis/run/hosts`
plugins/figures/NAME.py and report/figures/NAME.py   a function NAME, as in `analysis/figures/kinds`

Installed packages add by entry points of the groups `strata.architectures` and so on; see `sae.entry_points`. All of
these are Python that runs with the rights of whoever calls the command.
"""

from __future__ import annotations

from pathlib import Path

from analysis.plan.paths import Paths
from sae.discover import add_folder, added, names, remove_folder
from sae.errors import NotFoundError

PACKAGES = {
    "architectures": "sae.architectures",
    "measures": "sae.measures",
    "datasets": "analysis.run.datasets",
    "hosts": "analysis.run.hosts",
    "figures": "analysis.figures.kinds",
}


def load(paths: Paths) -> None:
    """Let what the project adds be found, in this process, and what another one added no longer.

    Raises ConfigError for a module that is called as one of the tool's own, NotFoundError for a folder in `plugins`
    that means nothing.
    """
    wanted = _folders(paths)
    for kind, package in PACKAGES.items():
        for folder in set(added(package)) - set(wanted[kind]):
            remove_folder(package, folder)
        for folder in wanted[kind]:
            add_folder(package, folder)


def forget(paths: Paths) -> None:
    """Let the project's modules be imported anew: for who goes on while they are written."""
    for kind, folders in _folders(paths).items():
        for folder in folders:
            remove_folder(PACKAGES[kind], folder)
    load(paths)


def _folders(paths: Paths) -> dict[str, list[Path]]:
    """Where the project's own things of each kind lie."""
    found: dict[str, list[Path]] = {kind: [] for kind in PACKAGES}
    for folder in sorted(paths.plugins.iterdir()) if paths.plugins.is_dir() else []:
        if not folder.is_dir() or folder.name.startswith(("_", ".")):
            continue
        if folder.name not in PACKAGES:
            raise NotFoundError("folder of plugins", folder.name, sorted(PACKAGES))
        found[folder.name].append(folder)
    if paths.figures.is_dir():
        found["figures"].append(paths.figures)
    return found


def figures() -> list[str]:
    """The names of all figures that there are: the tool's kinds and the project's own."""
    return names(PACKAGES["figures"])

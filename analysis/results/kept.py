"""What a worked notebook kept (`# %% keep="NAME"`), for figures that say `FROM_NOTEBOOK = "NOTEBOOK/NAME"`."""

from __future__ import annotations

from analysis.plan.paths import Paths
from analysis.results.kept_file import KeptFile
from sae.errors import DataError


def kept(paths: Paths, name: str) -> KeptFile:
    """What `NOTEBOOK/NAME` is. Raises DataError where there is none, or the file holds no JSON."""
    notebook, _, part = name.partition("/")
    path = paths.built_assets / "notebooks" / f"{notebook}-{part}.json"
    file = paths.relative(path)
    try:
        found = KeptFile(file, path.read_bytes())
    except FileNotFoundError:
        script = f"{paths.relative(paths.report)}/notebooks/{notebook}.py"
        raise DataError(f'there is no {file}: a cell of {script} with `keep="{part}"` prints it') from None
    try:
        found.json()
    except DataError as error:
        raise DataError(f"{error}: remove it, and `strata build` makes it again") from None
    return found

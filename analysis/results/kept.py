"""What a worked notebook kept (`# %% keep="NAME"`), for figures that say `FROM_NOTEBOOK = "NOTEBOOK/NAME"`."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from analysis.plan.paths import Paths
from sae.errors import DataError


@dataclass(frozen=True)
class Kept:
    """What a cell printed as JSON."""

    found: Any
    digest: str
    """Hash of the file: equal digest, equal drawing."""

    @property
    def manifest(self) -> dict[str, Any]:
        """A notebook has no runs."""
        return {"runs": []}


def kept(paths: Paths, name: str) -> Kept:
    """What `NOTEBOOK/NAME` is. Raises DataError where there is none, or the file holds no JSON."""
    notebook, _, part = name.partition("/")
    path = paths.built_assets / "notebooks" / f"{notebook}-{part}.json"
    file = paths.relative(path)
    try:
        content = path.read_bytes()
        return Kept(json.loads(content), hashlib.sha256(content).hexdigest()[:16])
    except FileNotFoundError:
        script = f"{paths.relative(paths.report)}/notebooks/{notebook}.py"
        raise DataError(f'there is no {file}: a cell of {script} with `keep="{part}"` prints it') from None
    except ValueError as error:
        raise DataError(f"{file} is no JSON ({error}): remove it, and `strata build` makes it again") from None

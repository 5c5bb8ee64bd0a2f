"""A file of the project that a figure is drawn from, where its module says `FROM_FILE = "data/benchmarks/x.json"`."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from analysis.plan.paths import Paths
from sae.errors import DataError


@dataclass(frozen=True)
class KeptFile:
    """Its content, and what it is called in the project."""

    name: str
    content: bytes

    @property
    def digest(self) -> str:
        """Equal digest, equal drawing."""
        return hashlib.sha256(self.content).hexdigest()[:16]

    @property
    def manifest(self) -> dict[str, Any]:
        """A file has no runs."""
        return {"runs": []}

    def json(self, *parts: str) -> Any:
        """What it says, which holds all of `parts`. Raises DataError where it is no such JSON."""
        try:
            found = json.loads(self.content)
        except ValueError as error:
            raise DataError(f"{self.name} is no JSON ({error})") from None
        if missing := [part for part in parts if not isinstance(found, dict) or part not in found]:
            raise DataError(f"{self.name}: expected an object with {', '.join(parts)}; {missing[0]} is not there")
        return found


def kept_file(name: str, paths: Paths) -> KeptFile:
    """The file that a figure names. Raises DataError for one that is not there or not the project's."""
    path = paths.root / name
    if not path.resolve().is_relative_to(paths.root.resolve()):
        raise DataError(f"{name} lies outside the project; name a file by its place in the project")
    try:
        return KeptFile(name, path.read_bytes())
    except OSError as error:
        raise DataError(f"there is no {name} to draw from ({error.strerror})") from None

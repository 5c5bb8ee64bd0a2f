"""A judgement of finished SAEs, as `strata judge` left it in the project, for figures that say `FROM_JUDGEMENT`."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from analysis.plan.paths import Paths
from sae.errors import DataError

FILE = "judgement.json"


@dataclass(frozen=True)
class Judged:
    """What was found; see `sae.judgement.Judgement.as_dict` for its parts."""

    found: dict[str, Any]
    digest: str
    """Hash of the file: equal digest, equal drawing."""

    @property
    def groups(self) -> list[dict[str, Any]]:
        """SAEs that were judged together as seeds of one training, with their verdict, margins and numbers."""
        return list(self.found["groups"])

    @property
    def manifest(self) -> dict[str, Any]:
        """A judgement has no runs."""
        return {"runs": []}


def judgement(paths: Paths) -> Judged:
    """The project's judgement. Raises DataError where there is none, or its file holds something else."""
    path = paths.judgement / FILE
    name = path.relative_to(paths.root).as_posix()
    try:
        content = path.read_bytes()
        found = json.loads(content)
    except FileNotFoundError:
        raise DataError(f"there is no {name}: `strata judge` with what judge.toml names makes it") from None
    except ValueError as error:
        raise DataError(f"{name} is no JSON ({error}): `strata judge` makes it again") from None
    if not isinstance(found, dict) or not isinstance(found.get("groups"), list):
        raise DataError(f"{name} holds no judgement (an object with `groups`): `strata judge` makes it again")
    return Judged(found, hashlib.sha256(content).hexdigest()[:16])

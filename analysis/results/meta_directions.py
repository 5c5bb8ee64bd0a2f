"""Meta-SAEs on the directions of a large SAE, as `data/language/directions.json` holds them.

    {"host": "SmolLM2", "hook": "blocks.19.hook_resid_post", "sae": "16k", "directions": 12800, "held_out": 3200,
     "dead": 384,
     "metas": [{"width": 1024, "k": 4, "steps": 600, "word": "floor", "why": "...", "in_sample": [0.4, 0.4, 0.4],
                "observed": {"variance_explained": [0.3, 0.3, 0.3], "variance_explained_refit": [0.35, 0.35, 0.35]},
                "floors": [{"floor": "stored_dictionary", "lead": -0.02, "low": -0.03, "high": -0.01}],
                "small": {"1k": {"to_meta": 0.6, "from_meta": 0.6, "to_stored_dictionary": 0.5, ...}}}]}

One number a seed. `lead` is observed less floor, like with like, with its interval over seeds; `small` holds mean
largest cosines between meta-latents and the latents of an SAE on the host that is as wide.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from analysis.results.kept_file import KeptFile
from sae.errors import DataError

OBSERVED = ("variance_explained", "variance_explained_refit")


@dataclass(frozen=True)
class Lead:
    """Over one floor."""

    floor: str
    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class Meta:
    """Meta-SAEs of one width."""

    width: int
    k: int
    steps: int
    word: str
    why: str
    in_sample: tuple[float, ...]
    own: tuple[float, ...]
    """Variance explained of held-out directions, by the meta-SAE's own codes."""
    refit: tuple[float, ...]
    """The same of its dictionary, by fitted codes."""
    leads: tuple[Lead, ...]
    small: dict[str, dict[str, float]]


@dataclass(frozen=True)
class MetaDirections:
    """All of them."""

    metas: tuple[Meta, ...]
    directions: int
    held_out: int
    dead: int
    sae: str
    host: str
    """Which SAE on what, as far as the file says."""

    @classmethod
    def of(cls, file: KeptFile) -> MetaDirections:
        """Checked. Raises DataError, with the item, for something else."""
        found = file.json("directions", "held_out", "dead", "sae", "metas")
        metas = tuple(_meta(item, f"{file.name}: meta-SAE {at}") for at, item in enumerate(found["metas"]))
        if not metas:
            raise DataError(f"{file.name}: no meta-SAE stands there, must be one at least")
        host = " ".join(str(found[key]) for key in ("hook", "host") if found.get(key))
        directions, held_out, dead = (int(found[key]) for key in ("directions", "held_out", "dead"))
        return cls(metas, directions, held_out, dead, str(found["sae"]), host)


def _meta(item: Any, where: str) -> Meta:
    try:
        leads = tuple(Lead(str(one["floor"]), *(float(one[key]) for key in ("lead", "low", "high")))
                      for one in item["floors"])  # fmt: skip
        seeds = [tuple(map(float, item["observed"][name])) for name in OBSERVED]
        inside = tuple(map(float, item["in_sample"]))
        small = {str(name): {str(key): float(value) for key, value in one.items()}
                 for name, one in item["small"].items()}  # fmt: skip
        numbers = [
            *inside,
            *seeds[0],
            *seeds[1],
            *(part for lead in leads for part in (lead.mean, lead.low, lead.high)),
        ]
        if not leads or len({len(inside), *map(len, seeds)}) != 1 or not all(map(math.isfinite, numbers)):
            raise DataError(f"{where}: must have a floor at least, as many numbers of each sort, and finite ones")
        return Meta(int(item["width"]), int(item["k"]), int(item["steps"]), str(item["word"] or ""), str(item["why"]),
                    inside, seeds[0], seeds[1], leads, small)  # fmt: skip
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise DataError(f"{where}: {type(error).__name__}: {error}; see analysis/results/meta_directions.py") from None

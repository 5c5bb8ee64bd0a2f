"""The folder that `strata train` writes: looked at before training, and left with one SAE in it."""

from __future__ import annotations

import os
from pathlib import Path

from sae.errors import ConfigError


def check_folder(out: Path) -> None:
    """Raise ConfigError where `out` cannot be a folder that is written to: said before the work, not after it."""
    there = next(place for place in (out, *out.absolute().parents) if place.exists() or place.is_symlink())
    if not there.is_dir():
        raise ConfigError(f"--out {out}: {there} is no folder, expected one, or a place for one: name another")
    if not os.access(there, os.W_OK | os.X_OK):
        raise ConfigError(f"--out {out}: nothing can be written to {there}, expected a folder of yours: name another")


def check_free(out: Path) -> None:
    """Raise ConfigError where `out` holds an SAE that `strata train` did not write there."""
    from sae.interop._load import TRAINING, WEIGHTS

    check_folder(out)
    found = [name for name in WEIGHTS if (out / name).exists()]
    others = [name for name in found if name not in _written() or not (out / TRAINING).is_file()]
    if others:
        raise ConfigError(
            f"--out {out}: it holds {' and '.join(others)}, an SAE that `strata train` did not write: name a folder "
            "without one"
        )


def clear(out: Path) -> None:
    """Take away what `strata train` wrote there before, so that the folder holds the new SAE alone, or none."""
    from sae.interop._load import TRAINING

    for name in (TRAINING, *_written()):
        (out / name).unlink(missing_ok=True)


def _written() -> tuple[str, ...]:
    """What `strata train` writes beside training.json, in one layout or the other."""
    from sae.interop import saelens
    from sae.interop._load import OURS

    return OURS, saelens.CFG, saelens.WEIGHTS

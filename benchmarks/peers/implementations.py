"""What is compared: each implementation's driver, its variant, and what its own environment needs."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build" / "bench"


@dataclass(frozen=True)
class Implementation:
    """A driver script beside this file, run with one of its variants."""

    driver: str
    variant: str = ""
    needs: tuple[str, ...] = ()
    """What pip installs into the driver's environment; nothing: it runs in Strata's own."""


OURS = "strata"
FLOOR = "encoder_product"

IMPLEMENTATIONS = {
    FLOOR: Implementation("floor"),
    OURS: Implementation("strata", "shortlist"),
    "strata_exact": Implementation("strata", "exact"),
    "sae_lens_dense": Implementation("sae_lens", "dense", ("sae-lens",)),
    "sae_lens_sparse": Implementation("sae_lens", "sparse", ("sae-lens",)),
    "sparsify_signum": Implementation("sparsify", "signum", ("eai-sparsify",)),
    "sparsify_adam": Implementation("sparsify", "adam", ("eai-sparsify",)),
    "dictionary_learning": Implementation("dictionary_learning", "", ("dictionary-learning",)),
    # overcomplete 0.3.0 uses a function that matplotlib 3.11 took away
    "overcomplete": Implementation("overcomplete", "", ("overcomplete", "matplotlib<3.11")),
}


class PeerError(Exception):
    """An implementation cannot go on: its environment could not be made, or its process failed."""


def python_of(implementation: Implementation) -> Path:
    """The interpreter that runs the driver; its environment is made the first time. Raises PeerError."""
    if not implementation.needs:
        return Path(sys.executable)
    folder = BUILD / "venv" / implementation.driver
    python, stamp, wanted = folder / "bin" / "python", folder / "installed.json", json.dumps(implementation.needs)
    if not (stamp.exists() and stamp.read_text() == wanted):
        if not python.exists():
            install([sys.executable, "-m", "venv", str(folder)])
        install([str(python), "-m", "pip", "install", "--quiet", *implementation.needs])
        stamp.write_text(wanted)
    return python


def install(command: list[str]) -> None:
    """Run one command of an installation; raises PeerError with the end of what it said."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise PeerError(f"{' '.join(command)}\n{tail(done.stderr)}")


def tail(text: str, lines: int = 15) -> str:
    """The last lines of `text`."""
    return "\n".join(text.strip().splitlines()[-lines:])

"""Quarto's pre-render step: run `strata build`. Standard library only, so that any Python can start it.

It looks for the project's own `.venv`, then for a Python that has the package; without either it says what to do.
"""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def interpreter() -> str | None:
    """A Python that can import `analysis`, or None."""
    for place in (".venv/bin/python", ".venv/Scripts/python.exe"):
        if (ROOT / place).exists() and works(str(ROOT / place)):
            return str(ROOT / place)
    return sys.executable if works(sys.executable) else None


def works(python: str) -> bool:
    """Whether this Python can import the package."""
    # -P: a folder of the project that is called `analysis` is not the package
    done = subprocess.run([python, "-P", "-c", "import analysis.cli.main"], cwd=ROOT, capture_output=True)
    return done.returncode == 0


def run(python: str, *arguments: str) -> int:
    """Run a module of the package on this project, and say how it ended."""
    environment = os.environ | {"STRATA_ROOT": str(ROOT)}
    return subprocess.run([python, "-P", "-m", *arguments], cwd=ROOT, env=environment).returncode


def main() -> int:
    """Run the build; Quarto stops when this fails."""
    if os.environ.get("STRATA_BUILT") == "1":  # `strata render` has just built
        return 0
    python = interpreter()
    if python is None:
        print(
            "strata is not installed: run `make site` first (it makes .venv and trains what is missing)",
            file=sys.stderr,
        )
        return 1
    return run(python, "analysis", "build", "--quiet")


if __name__ == "__main__":
    sys.exit(main())

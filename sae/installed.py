"""What is installed beside torch, and works: a package can be there and refuse to be imported. Free of torch."""

from __future__ import annotations

import importlib
import importlib.util
from functools import cache


def numba_fault() -> str:
    """Why numba cannot be used here, as it goes on after its name; empty where it can."""
    return _import_fault("numba") if found("numba") else "is not installed"


def found(module: str) -> bool:
    """Whether there is such a module to import, which is not done."""
    try:
        return importlib.util.find_spec(module) is not None
    except ImportError:  # somebody's import hook refuses it
        return False
    except ValueError:  # imported, and without a spec: it stands in for the real one
        return True


@cache
def _import_fault(name: str) -> str:
    try:
        importlib.import_module(name)
    except Exception as error:  # whatever it is: one that needs an older numpy says so in several ways
        return f"cannot be imported: {' '.join(str(error).split()) or type(error).__name__}"
    return ""

"""What an installation may lack: the extras of the package, what each brings, and the one line that says so.

A bare installation reads logs, builds pages from result tables and renders them. A command that needs more asks here
first, before anything runs. What was not foreseen (a project's own figure that imports torch) is told the same remedy
where the command ends; see `analysis.cli.main`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NoReturn

from sae.errors import ExtraError
from sae.installed import found

# What pyproject.toml lists under each extra, by the names that are imported.
EXTRAS = {
    "train": ("torch", "torchvision", "safetensors", "skimage", "jaxtyping", "numba"),
    "check": ("playwright", "axe_playwright_python"),
    "notebooks": ("ipykernel", "jupytext", "nbclient", "nbformat"),
    "lm": ("accelerate", "gguf", "tokenizers", "transformer_lens", "transformers"),
}
# Done without, slower, and said by whoever does (`sae.installed`).
SPARED = ("numba",)


def need(extra: str, what: str) -> None:
    """Raises ExtraError where a module of the extra is missing; `what` needs it, as the message begins."""
    lacking = missing(extra)
    if lacking:
        _refuse(extra, what, lacking)


def need_imports(modules: Iterable[str], what: str) -> None:
    """The same for a piece of code: raises ExtraError where one of the modules that it imports is missing, and belongs
    to an extra."""
    for extra, there in EXTRAS.items():
        lacking = [module for module in there if module in set(modules) and not found(module)]
        if lacking:
            _refuse(extra, what, lacking)


def missing(extra: str) -> list[str]:
    """Those modules of an extra that cannot be found, and without which it is none. Imports none of them."""
    return [module for module in EXTRAS[extra] if module not in SPARED and not found(module)]


def remedy(extra: str) -> str:
    """The command that installs an extra."""
    return f'pip install "strata[{extra}]"'


def remedy_for(error: BaseException | None) -> str:
    """The command that would have prevented an error: one that an import of a module of an extra stands behind. Empty
    for any other, and for one that names the command."""
    told = str(error)
    while error is not None:
        module = (error.name or "").partition(".")[0] if isinstance(error, ImportError) else ""
        for extra, modules in EXTRAS.items():
            if module in modules and not found(module):
                return "" if remedy(extra) in told else remedy(extra)
        error = error.__cause__ or error.__context__
    return ""


def _refuse(extra: str, what: str, lacking: list[str]) -> NoReturn:
    verb = "is" if len(lacking) == 1 else "are"
    raise ExtraError(f"{what} needs {', '.join(lacking)}, which {verb} not installed: {remedy(extra)}")

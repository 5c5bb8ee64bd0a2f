"""Find the things that live one to a file: architectures, measures, hosts, data sets, figures, ...

A module `architectures/jumprelu.py` offers the class `JumpReLU`; a module `measures/live_share.py` the class
`LiveShare`. Nothing is registered anywhere: a file that exists is found, and the contract tests run over all that is
found. Modules whose name starts with an underscore are helpers and are passed over.

Others add to what is here in two ways, and are found by the same search: a folder of modules (`add_folder`, for a
project's own), and an entry point of an installed package, in the group `strata.architectures` and so on, whose name is
the thing's and whose value is the module that holds it.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import sys
import traceback
from collections.abc import Callable
from functools import cache, lru_cache
from importlib import metadata
from pathlib import Path
from types import ModuleType
from typing import Any

from sae.errors import ConfigError, NotFoundError, StrataError


def names(package: str) -> list[str]:
    """Names of the modules in `package` that offer something, sorted. Imports only the package itself."""
    return sorted({*_listed(package), *_entries(group(package))})


def add_folder(package: str, folder: Path) -> None:
    """Let the modules in `folder` be found, and imported, as if they lay in `package`.

    Raises ConfigError for a module that is called as one that is there: nobody could tell which of the two was meant.
    """
    paths = importlib.import_module(package).__path__
    if str(folder) in paths:
        return
    own = {module.name for module in pkgutil.iter_modules([str(folder)]) if not module.name.startswith("_")}
    for name in sorted(own & set(names(package))):
        raise ConfigError(f"{folder / name}.py: there is a {name} in {package} already; give it another name")
    paths.append(str(folder))
    _added.setdefault(package, []).append(folder)
    importlib.invalidate_caches()


def remove_folder(package: str, folder: Path) -> None:
    """Undo `add_folder`: what was imported from there is forgotten, too."""
    if folder not in _added.get(package, []):
        return
    _added[package].remove(folder)
    importlib.import_module(package).__path__.remove(str(folder))
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if name.startswith(f"{package}.") and file and Path(file).is_relative_to(folder):
            del sys.modules[name]


def added(package: str) -> list[Path]:
    """The folders that were added to a package."""
    return _added.get(package, [])


def foreign() -> set[str]:
    """The top packages of what others add by entry points."""
    return {module.partition(".")[0] for of in GROUPS for module in _entries(of).values()}


_added: dict[str, list[Path]] = {}
# What others can add to.
GROUPS = tuple(f"strata.{kind}" for kind in ("architectures", "measures", "datasets", "hosts", "figures"))


def group(package: str) -> str:
    """The group of entry points that add to a package."""
    return f"strata.{package.rsplit('.', 1)[-1].replace('kinds', 'figures')}"


def module_name(package: str, name: str) -> str:
    """The dotted name of the module that holds `name`."""
    return _entries(group(package)).get(name) or f"{package}.{name}"


def _listed(package: str) -> tuple[str, ...]:
    folders = tuple(map(str, importlib.import_module(package).__path__))
    return _modules(folders, tuple(Path(folder).stat().st_mtime_ns for folder in folders))


@lru_cache(maxsize=256)
def _modules(folders: tuple[str, ...], changed: tuple[int, ...]) -> tuple[str, ...]:
    """Listed once for folders as they are: a measure of a latent asks for it thousands of times."""
    return tuple(m.name for m in pkgutil.iter_modules(folders) if not m.name.startswith("_"))


@cache
def _entries(of: str) -> dict[str, str]:
    """What installed packages add, by name. Raises ConfigError where two add the same."""
    found: dict[str, str] = {}
    for entry in metadata.entry_points(group=of):
        if found.setdefault(entry.name, entry.module) != entry.module:
            raise ConfigError(f"two packages add {entry.name} to {of}: {found[entry.name]} and {entry.module}")
    return found


def find(package: str, name: str) -> Callable[..., Any]:
    """The object that `package.name` offers: the class or function of the module's own name.

    Raises NotFoundError, listing what there is, for a name without a module, and for a module without its object.
    """
    if name not in names(package):
        raise NotFoundError(package.rsplit(".", 1)[-1].rstrip("s").replace("_", " "), name, names(package))
    return offered(load(module_name(package, name)), name)


def load(module: str) -> ModuleType:
    """Import a module. What is wrong in one that somebody added is one line: ConfigError with file and line."""
    try:
        return importlib.import_module(module)
    except StrataError:
        raise
    except Exception as error:
        file = added_file(module) or (Path(module) if module.partition(".")[0] in foreign() else None)
        if file is None:  # ours: a fault of ours, to be seen whole
            raise
        frames = [frame for frame in traceback.extract_tb(error.__traceback__) if Path(frame.filename) == file]
        line = error.lineno if isinstance(error, SyntaxError) else frames[-1].lineno if frames else None
        place = f"{getattr(error, 'filename', None) or file}{f':{line}' if line else ''}"
        said = error.msg if isinstance(error, SyntaxError) else f"{type(error).__name__}: {error}"
        raise ConfigError(f"{place}: cannot be imported: {said}") from error


def added_file(module: str) -> Path | None:
    """The file of a module that lies in a folder that was added; None for any other."""
    package, _, name = module.rpartition(".")
    for folder in added(package):
        for file in (folder / name / "__init__.py", folder / f"{name}.py"):
            if file.is_file():
                return file
    return None


def offered(module: ModuleType, name: str) -> Callable[..., Any]:
    """The class or function of a module that has the module's name. Raises NotFoundError."""
    # TopK and JumpReLU are spelled as in their papers: case and underscores do not count
    wanted = name.replace("_", "").replace("-", "")
    for attribute, value in vars(module).items():
        here = getattr(value, "__module__", None) == module.__name__
        if here and attribute.replace("_", "").lower() == wanted.lower():
            found: Callable[..., Any] = value
            return found
    raise NotFoundError(f"object in {module.__name__}", name, [a for a in vars(module) if not a.startswith("_")])


def find_all(package: str) -> dict[str, Callable[..., Any]]:
    """Every object that `package` offers, by module name, sorted."""
    return {name: find(package, name) for name in names(package)}


def construct(package: str, name: str, *arguments: Any, **options: Any) -> Any:
    """What the class or function that `package.name` offers makes of these. Raises ConfigError for an option that it
    does not take, or lacks."""
    return taking(package, name, *arguments, **options)(*arguments, **options)


def taking(package: str, name: str, *arguments: Any, **options: Any) -> Callable[..., Any]:
    """The class or function that `package.name` offers. Raises ConfigError where it does not take these."""
    kind = find(package, name)
    try:
        inspect.signature(kind).bind(*arguments, **options)
    except TypeError as error:
        known = [p.name for p in inspect.signature(kind).parameters.values() if p.kind is p.KEYWORD_ONLY]
        raise ConfigError(f"{package}.{name}: {error}; its options: {', '.join(known) or 'none'}") from error
    return kind

"""Find the things that live one to a file: architectures, measures, hosts, data sets, figures, ...

A module `architectures/jumprelu.py` offers the class `JumpReLU`; a module `measures/live_share.py` the class
`LiveShare`. Nothing is registered anywhere: a file that exists is found, and the contract tests run over all that is
found. Modules whose name starts with an underscore are helpers and are passed over.

Others add to what is here in two ways, and are found by the same search: a folder of modules (`add_folder`, for a
project's own), and an entry point of an installed package, in the group `strata.architectures` and so on; see
`sae.entry_points`. Two of one name are refused when it is asked for, naming both.
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import pkgutil
import sys
import traceback
import warnings
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any

from sae.entry_points import Entry, entries, tops
from sae.errors import ConfigError, NotFoundError, StrataError


class LeftOutWarning(UserWarning):
    """Something that an installed package adds is broken, and is left out where all of its kind are used."""


def names(package: str) -> list[str]:
    """Names of the modules in `package` that offer something, sorted. Imports only the package itself."""
    return sorted({*_listed(package), *entries(group(package))})


def add_folder(package: str, folder: Path) -> None:
    """Let the modules in `folder` be found, and imported, as if they lay in `package`.

    Raises ConfigError for a module that is called as one that is there: nobody could tell which of the two was meant.
    """
    paths = importlib.import_module(package).__path__
    if str(folder) in paths:
        return
    own = {module.name for module in pkgutil.iter_modules([str(folder)]) if not module.name.startswith("_")}
    for name in sorted(own & set(names(package))):
        theirs = "".join(f" (of {entry.package})" for entry in entries(group(package)).get(name, ())[:1])
        other = added_file(f"{package}.{name}")
        there = f": {other}; give one of them another name" if other else f"{theirs}; give it another name"
        file = _file_in(folder, name) or folder / name
        raise ConfigError(f"{file}: there is a {name} {'' if other else f'in {package} '}already{there}")
    paths.append(str(folder))
    _added.setdefault(package, []).append(folder)
    importlib.invalidate_caches()


def remove_folder(package: str, folder: Path) -> None:
    """Undo `add_folder`: what was imported from there is forgotten, too."""
    if folder not in _added.get(package, []):
        return
    _added[package].remove(folder)
    importlib.import_module(package).__path__.remove(str(folder))
    for name in [name for name in sys.modules if name.startswith(f"{package}.")]:
        file = getattr(sys.modules[name], "__file__", None)
        if file and Path(file).is_relative_to(folder):
            del sys.modules[name]


def added(package: str) -> list[Path]:
    """The folders that were added to a package."""
    return _added.get(package, [])


_added: dict[str, list[Path]] = {}


def group(package: str) -> str:
    """The group of entry points that add to a package."""
    return f"strata.{package.rsplit('.', 1)[-1].replace('kinds', 'figures')}"


def module_name(package: str, name: str) -> str:
    """The dotted name of the module that holds `name`. Raises ConfigError for a name that two things have."""
    entry = _entry(package, name)
    return entry.module if entry else f"{package}.{name}"


def _entry(package: str, name: str) -> Entry | None:
    """What an installed package adds under this name; None for what is here. Raises ConfigError for both, or two."""
    same = entries(group(package)).get(name)
    if not same:
        return None
    places = [f"{entry.package} ({entry.module})" for entry in same]
    if name in _listed(package):
        places.append(f"{added_file(f'{package}.{name}') or f'{package}.{name}'} itself")
    if len(places) > 1:
        raise ConfigError(
            f"{name} is in {group(package)} twice: {' and '.join(places)}; uninstall a package, or give the other a "
            "new name"
        )
    return same[0]


def _listed(package: str) -> tuple[str, ...]:
    folders = tuple(map(str, importlib.import_module(package).__path__))
    return _modules(folders, tuple(Path(folder).stat().st_mtime_ns for folder in folders))


@lru_cache(maxsize=256)
def _modules(folders: tuple[str, ...], changed: tuple[int, ...]) -> tuple[str, ...]:
    """Listed once for folders as they are: a measure of a latent asks for it thousands of times."""
    return tuple(m.name for m in pkgutil.iter_modules(folders) if not m.name.startswith("_"))


def find(package: str, name: str) -> Callable[..., Any]:
    """The object that `package.name` offers: the class or function of the module's own name.

    Raises NotFoundError, listing what there is, for a name without a module, and for a module without its object;
    ConfigError for a name that two things have, and for a module of others that is broken.
    """
    if name not in names(package):
        raise NotFoundError(package.rsplit(".", 1)[-1].rstrip("s").replace("_", " "), name, names(package))
    return object_in(load(module_name(package, name)), package, name)


def load(module: str) -> ModuleType:
    """Import a module. What is wrong in one that somebody added is one line: ConfigError with file and line."""
    try:
        return importlib.import_module(module)
    except StrataError:
        raise
    except Exception as error:
        file, owner = added_file(module), tops().get(module.partition(".")[0])
        if file is None and owner is None:  # ours: a fault of ours, to be seen whole
            raise
        within = file or _folder_of(module)
        frames = [one for one in traceback.extract_tb(error.__traceback__) if Path(one.filename).is_relative_to(within)]
        line = error.lineno if isinstance(error, SyntaxError) else frames[-1].lineno if frames else None
        at = getattr(error, "filename", None) or (frames[-1].filename if frames else file or module)
        said = error.msg if isinstance(error, SyntaxError) else f"{type(error).__name__}: {error}"
        theirs = f"the package {owner}: " if owner else ""
        raise ConfigError(f"{theirs}{at}{f':{line}' if line else ''}: cannot be imported: {said}") from error


def _folder_of(module: str) -> Path:
    """Where the top package of an installed module lies; for a module by itself, its file."""
    spec = importlib.util.find_spec(module.partition(".")[0])
    places = [*(spec.submodule_search_locations or ()), spec.origin or ""] if spec else [""]
    return Path(places[0] or module)


def added_file(module: str) -> Path | None:
    """The file of a module that lies in a folder that was added; None for any other."""
    package, _, name = module.rpartition(".")
    return next((file for folder in added(package) if (file := _file_in(folder, name))), None)


def _file_in(folder: Path, name: str) -> Path | None:
    """The file of the module `name` in a folder; None where there is none."""
    return next((file for file in (folder / name / "__init__.py", folder / f"{name}.py") if file.is_file()), None)


def place_of(package: str, name: str) -> str:
    """Where `package.name` stands, as its author knows it: the file of one that was added, else its module."""
    module = module_name(package, name)
    return str(added_file(module) or module)


def object_in(module: ModuleType, package: str, name: str) -> Callable[..., Any]:
    """What `module_name(package, name)`, imported, offers under that name: what an entry point says, or the object of
    the module's own name. Raises NotFoundError, and ConfigError, naming the package, where another's has none."""
    entry = _entry(package, name)
    if entry is None:
        return offered(module, name)
    try:
        if not entry.attribute:
            return offered(module, name)
        found: Any = module
        for part in entry.attribute.split("."):
            found = getattr(found, part)
        if not callable(found):
            raise AttributeError(f"{entry.attribute} is a {type(found).__name__}, no class or function")
    except (NotFoundError, AttributeError) as error:
        raise ConfigError(f"the package {entry.package} adds {name} to {group(package)}, and {error}") from error
    return found  # type: ignore[no-any-return]  # callable


def offered(module: ModuleType, name: str) -> Callable[..., Any]:
    """The class or function of a module that has the module's name. Raises NotFoundError."""
    # TopK and JumpReLU are spelled as in their papers: case and underscores do not count
    wanted = name.replace("_", "").replace("-", "")
    for attribute, value in vars(module).items():
        here = getattr(value, "__module__", None) == module.__name__
        if here and attribute.replace("_", "").lower() == wanted.lower():
            found: Callable[..., Any] = value
            return found
    where = added_file(module.__name__) or module.__name__
    raise NotFoundError(f"object in {where}", name, [a for a in vars(module) if not a.startswith("_")])


def find_all(package: str) -> dict[str, Callable[..., Any]]:
    """Every object that `package` offers, by module name, sorted.

    What an installed package adds, and cannot be used, is left out with a LeftOutWarning that names the package: the
    others do not depend on it. Raises as `find` does for all else.
    """
    found: dict[str, Callable[..., Any]] = {}
    for name in names(package):
        entry = _entry(package, name)
        try:
            found[name] = find(package, name)
        except StrataError as error:
            if entry is None:
                raise
            warnings.warn(f"{name} is left out: {error}", LeftOutWarning, stacklevel=2)
    return found


def construct(package: str, name: str, /, *arguments: Any, **options: Any) -> Any:
    """What the class or function that `package.name` offers makes of these. Raises ConfigError for an option that it
    does not take, or lacks."""
    return taking(package, name, *arguments, **options)(*arguments, **options)


def taking(package: str, name: str, /, *arguments: Any, **options: Any) -> Callable[..., Any]:
    """The class or function that `package.name` offers. Raises ConfigError where it does not take these."""
    kind = find(package, name)
    try:
        inspect.signature(kind).bind(*arguments, **options)
    except TypeError as error:
        known = [p.name for p in inspect.signature(kind).parameters.values() if p.kind is p.KEYWORD_ONLY]
        raise ConfigError(f"{place_of(package, name)}: {error}; its options: {', '.join(known) or 'none'}") from error
    return kind

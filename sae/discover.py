"""Find the things that live one to a file: architectures, measures, hosts, data sets, charts, ...

A module `charts/variance_by_depth.py` offers the function `variance_by_depth`; a module `measures/live_share.py`
offers the class `LiveShare`. Nothing is registered anywhere: a file that exists is found, and the contract tests
run over all that is found. Modules whose name starts with an underscore are helpers and are passed over.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable
from typing import Any

from sae.errors import ConfigError, NotFoundError


def names(package: str) -> list[str]:
    """Names of the modules in `package` that offer something, sorted. Imports only the package itself."""
    found = importlib.import_module(package)
    return sorted(m.name for m in pkgutil.iter_modules(found.__path__) if not m.name.startswith("_"))


def find(package: str, name: str) -> Callable[..., Any]:
    """The object that `package.name` offers: the class or function of the module's own name.

    Raises NotFoundError, listing what there is, for a name without a module, and for a module without its object.
    """
    if name not in names(package):
        raise NotFoundError(package.rsplit(".", 1)[-1].rstrip("s").replace("_", " "), name, names(package))
    module = importlib.import_module(f"{package}.{name}")
    # TopK and JumpReLU are spelled as in their papers: case and underscores do not count
    wanted = name.replace("_", "")
    for attribute, value in vars(module).items():
        here = getattr(value, "__module__", None) == module.__name__
        if here and attribute.replace("_", "").lower() == wanted:
            offered: Callable[..., Any] = value
            return offered
    raise NotFoundError(f"object in {package}.{name}", name, [a for a in vars(module) if not a.startswith("_")])


def find_all(package: str) -> dict[str, Callable[..., Any]]:
    """Every object that `package` offers, by module name, sorted."""
    return {name: find(package, name) for name in names(package)}


def construct(package: str, name: str, *arguments: Any, **options: Any) -> Any:
    """An object of the class that `package.name` offers. Raises ConfigError for an option that it does not take."""
    kind = find(package, name)
    try:
        inspect.signature(kind).bind(*arguments, **options)
    except TypeError as error:
        known = [p.name for p in inspect.signature(kind).parameters.values() if p.kind is p.KEYWORD_ONLY]
        raise ConfigError(f"{package}.{name}: {error}; its options: {', '.join(known) or 'none'}") from error
    return kind(*arguments, **options)

"""A module that can be called as its function of the same name: `sae.train(...)` and `sae.train.train(...)` are one.

The facade offers functions under the names of the modules in which they stand. It cannot give the function itself:
whoever imports `sae.train`, anywhere, makes the import system put the module in its place. So the module answers.
"""

from __future__ import annotations

import importlib
import inspect
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any


class CallableModule(ModuleType):
    """Calls, signature and pickling are those of the module's function of its own name."""

    def __call__(self, *given: Any, **named: Any) -> Any:
        """What the function says to that."""
        return _function(self)(*given, **named)

    @property
    def __signature__(self) -> inspect.Signature:
        return inspect.signature(_function(self))

    def __reduce__(self) -> tuple[Callable[[str], ModuleType], tuple[str]]:
        return importlib.import_module, (self.__name__,)


def callable_module(name: str) -> None:
    """Make the imported module `name` callable."""
    sys.modules[name].__class__ = CallableModule


def _function(module: ModuleType) -> Callable[..., Any]:
    found: Callable[..., Any] = getattr(module, module.__name__.rpartition(".")[2])
    return found

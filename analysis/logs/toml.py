"""The TOML files that lie beside logs: read with every mistake named by file and line."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from analysis.plan.settings import build
from analysis.system import toml_file
from sae.errors import ConfigError

T = TypeVar("T")


@dataclass(frozen=True)
class Beside:
    """A file as parsed, which still knows its lines."""

    name: str
    text: str
    table: dict[str, Any]

    def line(self, pattern: str, start: int = 1) -> int:
        """The first line from `start` on in which `pattern` is found; `start` when there is none."""
        lines = self.text.split("\n")
        wanted = re.compile(pattern)
        return next((n for n in range(start, len(lines) + 1) if wanted.search(lines[n - 1])), start)

    def error(self, line: int, message: str) -> ConfigError:
        """The error for a mistake on a line."""
        return ConfigError(f"{self.name}:{line}: {message}")

    def record(self, kind: type[T], given: Any, where: str, line: int) -> T:
        """A dataclass from the table `given`, which begins on `line`. Raises ConfigError with the line of the key."""
        try:
            return build(kind, given, where)
        except ConfigError as error:
            key = re.match(rf"{re.escape(where)}(?:\.|: unknown key ')(\w+)", str(error))
            at = self.line(rf"^\s*[\"']?{re.escape(key[1])}\b", line) if key else line
            raise self.error(at, str(error)) from error


def read_beside(folder: Path, name: str) -> Beside | None:
    """The file `name` in a folder of logs, or None where there is none.

    Raises ConfigError, with the line where one is to be had, for what is no regular file of the folder, cannot be
    read, is not UTF-8, or is no TOML.
    """
    path = folder / name
    if not os.path.lexists(path):
        return None
    if not Path(os.path.realpath(path)).is_relative_to(os.path.realpath(folder)):
        raise ConfigError(f"{name}:1: a link out of the folder of logs; put the file itself there")
    try:
        table, text = toml_file.read(path)
    except OSError as error:
        raise ConfigError(f"{name}: cannot be read: {error.strerror or error}") from error
    return Beside(name, text, table)

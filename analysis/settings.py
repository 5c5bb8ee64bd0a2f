"""Settings: dataclasses from parsed tables, with every mistake named, and dotted paths into them. Free of torch."""

from __future__ import annotations

import copy
import dataclasses
import types
import typing
from typing import Any, TypeVar

from sae.errors import ConfigError

T = TypeVar("T")


def build(kind: type[T], table: Any, where: str) -> T:
    """A dataclass from a parsed table. Raises ConfigError for an unknown key or a value of the wrong type."""
    if not isinstance(table, dict):
        raise ConfigError(f"{where} = {table!r}: must be a table")
    known = {f.name for f in dataclasses.fields(kind)}  # type: ignore[arg-type]  # every caller gives a dataclass
    for key in table:
        if key not in known:
            raise ConfigError(f"{where}: unknown key {key!r}; known: {', '.join(sorted(known))}")
    hints = typing.get_type_hints(kind)
    values = {key: convert(hints[key], value, f"{where}.{key}") for key, value in table.items()}
    try:
        return kind(**values)
    except TypeError as error:
        raise ConfigError(f"{where}: {str(error).split('__init__() ')[-1]}") from error


def convert(hint: Any, value: Any, where: str) -> Any:
    """`value` as the type that the annotation `hint` asks for."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if dataclasses.is_dataclass(hint):
        return build(hint, value, where)  # type: ignore[arg-type]  # a dataclass type, checked just before
    if origin is tuple and isinstance(value, (list, tuple)):
        return tuple(convert(arguments[0], item, f"{where}[{i}]") for i, item in enumerate(value))
    if origin is list and isinstance(value, list):
        return [convert(arguments[0], item, f"{where}[{i}]") for i, item in enumerate(value)]
    if origin is types.UnionType:
        for choice in arguments:
            try:
                return convert(choice, value, where)
            except ConfigError:
                continue
    if origin is dict and isinstance(value, dict):
        return value
    if hint is float and isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value)
    if hint in (int, str, bool) and type(value) is hint:
        return value
    wanted = getattr(hint, "__name__", None) if origin is None else str(hint)
    raise ConfigError(f"{where} = {value!r}: must be of type {wanted}")


def flat(table: dict[str, Any], before: str = "") -> dict[str, Any]:
    """Nested tables as one table of dotted paths: TOML reads `towers.k = 1` as a table in a table.

    A quoted path (`"sae.options" = { ... }`) is taken as it stands: its table replaces the whole of what was there.
    """
    found: dict[str, Any] = {}
    for key, value in table.items():
        path = f"{before}{key}"
        found |= flat(value, f"{path}.") if isinstance(value, dict) and "." not in key else {path: value}
    return found


def override(table: Any, path: list[str], value: Any) -> None:
    """Set a value in nested tables; a list of towers is gone into as a whole, or by kind. Raises KeyError.

    `every` stands for the first SAE and all towers.
    """
    if not isinstance(table, dict):
        raise KeyError(f"{path[0]} is not in a table")
    key, rest = path[0], path[1:]
    if key == "every" and rest:
        override(table, ["sae", *rest], value)
        override(table, ["towers", *rest], value)
        return
    if key == "towers" and rest:
        towers = list(table["towers"])
        if rest == ["kind"]:  # which of the towers that stand in the file are built
            table["towers"] = [tower for tower in towers if tower["kind"] == value]
            if not table["towers"]:
                raise KeyError(f"there is no tower of kind {value!r}")
            return
        chosen, rest = (
            ([tower for tower in towers if tower["kind"] == rest[0]], rest[1:])
            if any(tower["kind"] == rest[0] for tower in towers)
            else (towers, rest)
        )
        if not chosen or not rest:
            raise KeyError(f"there is no tower to set it in: {'.'.join(path)}")
        for tower in chosen:
            override(tower, rest, value)
        return
    if not rest:
        table[key] = copy.deepcopy(value)  # an unknown key is refused where the table is built
    elif key not in table:
        raise KeyError(f"known here: {', '.join(sorted(table))}")
    else:
        override(table[key], rest, value)


def said(value: Any) -> str:
    """A value of a grid as it stands in a name."""
    return "-".join(said(item) for item in value) if isinstance(value, list) else f"{value}"

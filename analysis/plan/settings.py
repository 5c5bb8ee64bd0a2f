"""Settings: dataclasses from parsed tables, with every mistake named, and dotted paths into them. Free of torch."""

from __future__ import annotations

import copy
import dataclasses
import difflib
import math
import numbers
import re
import types
import typing
from collections.abc import Sequence
from typing import Any, TypeVar

from sae.errors import ConfigError

T = TypeVar("T")
# what every table format and every column of a table can hold
MOST = 2**63 - 1
MAX_NESTING = 16
_FIELD = re.compile(r"(?:[\w.]+\.)?(\w+)(?:\[\d+\])? = ")


class SettingError(ConfigError):
    """A ConfigError that knows its setting: keys and list positions from the top, for the line of a file."""

    def __init__(self, message: str, path: tuple[str | int, ...] = ()) -> None:
        super().__init__(message)
        self.path = path


def build(kind: type[T], table: Any, where: str, path: tuple[str | int, ...] = ()) -> T:
    """A dataclass from a parsed table; `path` says where that stands. Raises SettingError for an unknown key or a
    value of the wrong type."""
    if not isinstance(table, dict):
        raise SettingError(f"{where} = {brief(table)}: must be a table", path)
    known = {f.name for f in dataclasses.fields(kind)}  # type: ignore[arg-type]  # every caller gives a dataclass
    for key in table:
        if key not in known:
            near = "".join(f" (did you mean {name!r}?)" for name in difflib.get_close_matches(key, known, 1))
            message = f"{where}: unknown key {key!r}{near}; known: {', '.join(sorted(known))}"
            raise SettingError(message, (*path, key))
    hints = _hints(kind)
    values = {key: convert(hints[key], value, f"{where}.{key}", (*path, key)) for key, value in table.items()}
    try:
        return kind(**values)
    except TypeError as error:
        raise SettingError(f"{where}: {str(error).split('__init__() ')[-1]}", path) from error
    except ConfigError as error:  # of the class itself, which knows the field and not where it stands
        found = _FIELD.match(str(error))
        below = (found[1],) if found and found[1] in known else ()
        raise SettingError(str(error), (*path, *(getattr(error, "path", ()) or below))) from error


def typed(config: Any, where: str) -> None:
    """Bring every field of a new dataclass to the type that it is annotated with. Raises SettingError.

    For `__post_init__`: what Python code gives is checked as what a file says. numpy's numbers become Python's.
    """
    for name, hint in _hints(type(config)).items():
        object.__setattr__(config, name, convert(hint, getattr(config, name), f"{where}.{name}".lstrip("."), (name,)))


def convert(hint: Any, value: Any, where: str, path: tuple[str | int, ...] = ()) -> Any:
    """`value` as the type that the annotation `hint` asks for. Raises SettingError for what is not, or not finite."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if dataclasses.is_dataclass(hint):
        return value if isinstance(value, hint) else build(hint, value, where, path)  # type: ignore[arg-type]  # a class
    if origin in (tuple, list) and isinstance(value, (list, tuple)):
        return origin(convert(arguments[0], item, f"{where}[{i}]", (*path, i)) for i, item in enumerate(value))
    if origin in (types.UnionType, typing.Union):
        for choice in arguments:
            if _may_be(choice, value):
                return convert(choice, value, where, path)
    if origin is typing.Literal and type(value) in map(type, arguments):
        return value  # which of the words it may be is said by the class, by the setting's own name
    if origin is dict and isinstance(value, dict):
        return plain(value, where, path)
    if hint is float and isinstance(value, numbers.Real) and not isinstance(value, bool):
        return _finite(value, where, path)
    if hint is int and isinstance(value, numbers.Integral) and not isinstance(value, bool):
        return _whole(value, where, path)
    if hint in (str, bool, types.NoneType) and type(value) is hint:
        return value
    wanted = getattr(hint, "__name__", None) if origin is None else str(hint)
    raise SettingError(f"{where} = {brief(value)}: must be of type {wanted}", path)


def _may_be(hint: Any, value: Any) -> bool:
    """Whether `value` is meant as this one of several types."""
    origin = typing.get_origin(hint)
    if origin is typing.Literal:
        return isinstance(value, str)
    if dataclasses.is_dataclass(hint):
        return isinstance(value, (dict, hint))  # type: ignore[arg-type]  # a class
    return (origin or hint) is (list if isinstance(value, (list, tuple)) else type(value))


def plain(value: Any, where: str, path: tuple[str | int, ...] = (), depth: int = 0) -> Any:
    """A value that a run can be made of, since its id is a hash of it as JSON: text, truth values, finite numbers, and
    lists and tables of them. Raises SettingError for anything else (dates, tensors, ...), and for what nests deeply."""
    if depth > MAX_NESTING:
        raise SettingError(f"{where}: nested more than {MAX_NESTING} deep", path)
    if isinstance(value, dict):
        for key in value:
            if not isinstance(key, str):
                raise SettingError(f"{where}: the key {key!r} must be text", path)
        return {k: plain(item, f"{where}.{k}", (*path, k), depth + 1) for k, item in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(plain(item, f"{where}[{i}]", (*path, i), depth + 1) for i, item in enumerate(value))
    if isinstance(value, (str, bool)):
        return value
    if isinstance(value, numbers.Integral):
        return _whole(value, where, path)
    if isinstance(value, numbers.Real):
        return _finite(value, where, path)
    what = f"{brief(value)}, a {type(value).__name__}"
    raise SettingError(f"{where} = {what}: must be text, a number, true or false, or a list or table of them", path)


def brief(value: Any) -> str:
    """`repr`, cut where it would fill the screen."""
    text = repr(value) if not isinstance(value, int) or abs(value) <= MOST else "a number of more than 63 bits"
    return text if len(text) <= 100 else f"{text[:80]}... ({len(text)} characters)"


def _whole(value: Any, where: str, path: tuple[str | int, ...]) -> int:
    if abs(int(value)) > MOST:
        raise SettingError(f"{where} = {brief(int(value))}: must be at most {MOST}", path)
    return int(value)


def _finite(value: Any, where: str, path: tuple[str | int, ...]) -> float:
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise SettingError(f"{where} = {brief(value)}: must be a finite number", path)
    return number


def _hints(kind: Any) -> dict[str, Any]:
    if kind not in _known:  # reading them takes longer than all the rest
        _known[kind] = typing.get_type_hints(kind)
    return _known[kind]


_known: dict[Any, dict[str, Any]] = {}


def clash(paths: Sequence[str], kinds: Sequence[str]) -> tuple[str, str] | None:
    """Two of the dotted `paths` that set the same thing, or one of which holds the other; None where none do.

    `kinds` are those of the towers: `every.k` sets what `sae.k` and `towers.latents.k` set.
    """
    for i, first in enumerate(paths):
        for second in paths[:i]:
            if any(_meet(a, b) for a in _targets(first, kinds) for b in _targets(second, kinds)):
                return second, first
    return None


def _targets(path: str, kinds: Sequence[str]) -> list[tuple[str, ...]]:
    """What a path reaches, each tower by its kind."""
    first, *rest = path.split(".")
    if first == "every":
        return [("sae", *rest), *(("towers", kind, *rest) for kind in kinds)]
    if first == "towers" and rest and rest[0] not in kinds:
        return [("towers", kind, *rest) for kind in kinds]
    return [(first, *rest)]


def _meet(a: tuple[str, ...], b: tuple[str, ...]) -> bool:
    return all(x == y for x, y in zip(a, b, strict=False))


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

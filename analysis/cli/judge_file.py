"""`judge.toml` of a project: which rows and SAEs `strata judge` judges there, by the names of the command's options."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import typer

from analysis.plan import paths as project
from analysis.system import toml_file
from sae.errors import ConfigError

JUDGED = "judge.toml"
TEXTS, NUMBERS, SWITCHES = ("labels", "random_rows", "held_out", "nulls", "array"), ("seed",), ("unseen", "seeds")
PATHS = ("rows", "sae", "labels", "random_rows", "held_out", "out")
# As the command has it: the least that a number may be.
LEAST = {"null_steps": 0, "trained_on": 0, "most": 50}
KEYS = ("rows", "sae", *TEXTS, *SWITCHES, *LEAST, *NUMBERS, "out")


def named(context: typer.Context) -> dict[str, Any]:
    """The values of the command as judge.toml gives them; what was typed is not replaced.

    Paths in it are seen from the project. Raises ConfigError, with the line, for a key that is no option and a value
    that the option does not take, for a project without the file, and where there is no project.
    """
    try:
        root = project.find().root
    except project.NoProjectError as error:
        raise ConfigError(f"name ROWS and --sae: without them, a project's {JUDGED} is read, and {error}") from error
    file = root / JUDGED
    if not file.is_file():
        raise ConfigError(f"name ROWS and --sae, or write {JUDGED} beside {project.MARK}: rows = '...', sae = ['...']")
    values = dict(context.params)
    for key, value in toml_file.read(file)[0].items():
        place = toml_file.place(file, (key,))
        if key not in KEYS:
            raise ConfigError(f"{place}: there is no option {key}; known: {', '.join(KEYS)}")
        if wanted := _unfit(key, value):
            raise ConfigError(f"{place}: {key} = {value!r}: must be {wanted}")
        source = context.get_parameter_source(key)
        if source is None or source.name != "COMMANDLINE":
            values[key] = _seen(root, value, key) if key in PATHS else value
    for key in ("rows", "sae"):
        if not values.get(key):
            raise ConfigError(f"{JUDGED} does not say what to judge: {key} is missing")
    return values | {"out": Path(values["out"])}


def _unfit(key: str, value: Any) -> str:
    """What a value should be; empty where it is."""
    if key == "sae":
        fits = isinstance(value, list) and all(isinstance(one, str) for one in value)
        return "" if fits else "a list of folders or files of SAEs"
    if key in SWITCHES:
        return "" if isinstance(value, bool) else "true or false"
    if key in LEAST or key in NUMBERS:
        least = LEAST.get(key)
        fits = isinstance(value, int) and not isinstance(value, bool) and (least is None or value >= least)
        return "" if fits else "a whole number" + ("" if least is None else f" from {least} on")
    return "" if isinstance(value, str) else "a text"


def _seen(root: Path, path: Any, key: str) -> Any:
    """Paths of the file as seen from here; a data set's name stays as it is."""
    if isinstance(path, list):
        return [_seen(root, one, key) for one in path]
    from analysis.run.rows_files import split_name

    if not path or (key == "rows" and not (root / split_name(path)[0]).exists()):
        return path
    return os.path.relpath(root / path)

"""Which weights a host reads from files: other weights, another run. Free of torch, since every plan asks."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from analysis.plan import paths
from analysis.plan.stage_folders import MANIFEST
from analysis.system.digests import digest
from sae.errors import DataError

OPTIONS = ("weights", "model")
"""The options by which any host names a file or a folder of weights."""


def weights(options: Mapping[str, Any]) -> str:
    """A hash of what the file or folder that `options` names as `weights` or `model` holds; empty where none is named,
    or what is named is no path here (a model of a hub, by its name).

    Raises DataError for files that cannot be read.
    """
    named = [options[name] for name in OPTIONS if isinstance(options.get(name), str) and options[name]]
    return " ".join(found for found in map(_of_path, named) if found)


def _of_path(named: str) -> str:
    path = paths.find().root / named
    try:
        return digest(path) if path.is_file() else _of_folder(path) if path.is_dir() else ""
    except OSError as error:
        raise DataError(f"{path}: {error}") from error


def _of_folder(folder: Path) -> str:
    """By its manifest where it has one, which lists what the files hold: models are large."""
    if (folder / MANIFEST).is_file():
        return digest(folder / MANIFEST)
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    listed = "\n".join(f"{path.relative_to(folder).as_posix()} {digest(path)}" for path in files)
    return hashlib.sha256(listed.encode()).hexdigest()

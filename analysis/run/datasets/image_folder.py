"""A folder of images: a class in each subfolder, or none.

path/cat/1.png, path/dog/1.png                 classes; the split is made by content
path/train/cat/1.png, path/test/cat/1.png      classes, and the split as it stands
path/1.png                                     no labels
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from analysis.plan.data_source import NOT_HERE
from analysis.run.datasets._dataset import Dataset
from analysis.run.datasets._files import absent, fingerprint_of, inside, located, natural
from analysis.run.datasets._pictures import are_images, read_images
from analysis.run.datasets._split import HELD_OUT, SHARE, TRAIN, as_given, by_content, checked_share, said
from sae.errors import ConfigError, DataError


class Found(NamedTuple):
    """A file, the class that its folder names (None: no labels), and the part (None: not given)."""

    file: Path
    label: str | None
    held_out: bool | None


def fingerprint(*, path: str, **others: object) -> str:
    """A hash of what the files hold, and of the folders that they lie in."""
    if absent(path):
        return NOT_HERE
    root = located(path)
    return fingerprint_of([one.file for one in listed(root)], root)


def image_folder(
    *, path: str, size: Any = None, colour: Any = None, held_out: Any = None, overlap: Any = False
) -> Dataset:
    """Images of one size, or brought to `size`; grey, or in colour where one of them is (or as `colour` says).

    `held_out`: the share of each class that is held out, where folders do not say it. Raises ConfigError for options
    that mean nothing, DataError for files that cannot be used.
    """
    root = located(path)
    found = listed(root)
    given = found[0].held_out is not None
    if given and held_out is not None:
        raise ConfigError(f"dataset_options.held_out = {held_out!r}: {path} says by its folders what is held out")
    share = checked_share(SHARE if held_out is None else held_out)
    images = read_images([(shown(one.file, root, path), one.file) for one in found], size, colour)
    names = sorted({one.label for one in found if one.label is not None}, key=natural)
    numbers = np.array([names.index(one.label) for one in found if one.label is not None], np.int64)
    labels = numbers if names else None
    if given:
        marks = np.array([bool(one.held_out) for one in found])
        as_given(images, marks, path, overlap, lambda row: shown(found[row].file, root, path))
        for number, name in enumerate(names):
            if marks[numbers == number].all():
                raise DataError(f"{path}: class {name} is held out only; give it images to train on, or remove it")
        return Dataset(path, images, labels, marks, tuple(names), split="as its folders say")
    return Dataset(path, images, labels, by_content(images, labels, share, path), tuple(names), split=said(share))


def shown(file: Path, root: Path, path: str) -> str:
    """A file as the experiment would write it."""
    return (Path(path) / file.relative_to(root)).as_posix()


def listed(root: Path) -> list[Found]:
    """Every image, in order. Raises DataError for a folder that is laid out in another way."""
    if not root.is_dir():
        raise DataError(f"{root} is a file; expected a folder with a folder of images for each class")
    folders, files = inside(root)
    names = {path.name.lower() for path in (*folders, *files)}
    if names <= {*TRAIN, *HELD_OUT} and names & {*TRAIN} and names & {*HELD_OUT}:
        found = [
            Found(one.file, one.label, folder.name.lower() in HELD_OUT)
            for folder in folders
            for one in _classes(folder)
        ]
        if len({one.label is None for one in found}) > 1:
            raise DataError(
                f"{root}: some parts have folders of classes, others images alone; expected one or the other"
            )
    else:
        found = _classes(root)
    if not found:
        raise DataError(f"{root} holds no images; expected a folder of images for each class")
    return found


def _classes(root: Path) -> list[Found]:
    folders, lone = inside(root)
    if folders and lone:
        raise DataError(f"{root} holds {lone[0].name} beside folders of classes; expected one or the other: move it")
    if not folders:
        are_images(lone)
        return [Found(path, None, None) for path in lone]
    found = []
    for folder in folders:
        nested, files = inside(folder)
        if nested:
            raise DataError(f"{nested[0]} is a folder within a class; expected images: move them up")
        if not files:
            raise DataError(f"{folder} holds no images; remove the folder")
        are_images(files)
        found += [Found(path, folder.name, None) for path in files]
    return found

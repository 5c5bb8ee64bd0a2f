"""IDX files, plain or gzipped: the four of MNIST's layout in a folder, or one of images with one of labels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from analysis.plan.data_source import NOT_HERE
from analysis.run.datasets._dataset import IDX_PARTS, Dataset, from_idx_folder, idx_file, read_idx
from analysis.run.datasets._files import absent, as_examples, classes_of, fingerprint_of, located
from analysis.run.datasets._split import SHARE, as_given, by_content, checked_share, said
from sae.errors import ConfigError, DataError

AGAIN = "get it again, or write it as IDX of bytes"


def fingerprint(*, path: str, labels: Any = None, **others: object) -> str:
    """A hash of what the files hold, unpacked."""
    if absent(path, labels):
        return NOT_HERE
    return fingerprint_of(_files(path, labels), located(path).parent)


def idx(*, path: str, labels: Any = None, held_out: Any = None, classes: Any = (), overlap: Any = False) -> Dataset:
    """`path`: a folder with `train-images-idx3-ubyte` and so on, whose `t10k` files are held out; or a file of images,
    with `labels` the path of theirs, or no labels, and `held_out` the share that is held out.

    `classes`: what labels 0, 1, ... are called. Raises ConfigError for options that mean nothing, DataError for files
    that cannot be used.
    """
    root = located(path)
    names = classes_of(classes) if classes else ()
    if root.is_dir():
        for option, value in (("labels", labels), ("held_out", held_out)):
            if value is not None:
                raise ConfigError(
                    f"dataset_options.{option} = {value!r}: the folder {path} has labels and held-out files of its own"
                )
        found = from_idx_folder(path, root, names, AGAIN)
        as_given(found.examples, found.held_out, path, overlap, lambda row: f"row {row}")
        return found
    share = checked_share(SHARE if held_out is None else held_out)
    images = as_examples(np.array(read_idx(root, AGAIN)), path)
    numbers = None
    if labels:
        numbers = read_idx(located(labels, "labels"), AGAIN).astype(np.int64)
        if numbers.shape != (len(images),):
            raise DataError(
                f"{labels} has labels of shape {numbers.shape}; expected {(len(images),)}, as {path} has images"
            )
    return Dataset(path, images, numbers, by_content(images, numbers, share, path), names, split=said(share))


def _files(path: str, labels: Any) -> list[Path]:
    root = located(path)
    if not root.is_dir():
        return [root, *([located(labels, "labels")] if labels else [])]
    files = [idx_file(root, part) for part in IDX_PARTS]
    for part, file in zip(IDX_PARTS, files, strict=True):
        if file is None:
            raise DataError(f"{path} has no file {part}-ubyte(.gz); put all four there, or name one file of images")
    return [file for file in files if file is not None]

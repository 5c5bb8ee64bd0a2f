"""The held-out examples as pages show them: images as cells of one picture, anything else as HTML of its own.

A picture holds every held-out image where that fits what WebP can hold and a reader should wait for. Where it does not,
it holds those that the tables name, and if these are still too many, each at a fraction of its size.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image

from analysis.run.cells import Images, columns_for, laid, mode
from analysis.run.datasets._dataset import Dataset
from analysis.run.datasets._open import opened
from sae.errors import DataError

FILE = "sprite.webp"
MOST_BYTES = 8_000_000
"""Of the picture; that of 10,000 photographs of clothes, 28 x 28, has half as many."""
SMALLEST = 8
"""Pixels of a side: smaller cells show nothing."""


def write_sprite(data: str, folder: Path, only: Sequence[int] | None = None, most: int = MOST_BYTES) -> None:
    """Write `sprite.json`, and `sprite.webp` of at most `most` bytes where `data` (a data set, with its options) has
    images, into the folder of an experiment's tables: of all held-out examples, or of `only` those with these ids.

    Examples that the tables name are shown whatever is left out. Raises DataError where not even these fit.
    """
    dataset = opened(data)
    wanted = np.flatnonzero(dataset.held_out) if only is None else np.unique(only)
    named = wanted if only is not None else named_examples(folder)
    cut: dict[str, Any]
    if dataset.are_images:
        ids, cut = _pictures(dataset, wanted, named, folder / FILE, most)
    else:
        ids = wanted if dataset.show is None else named
        cut = {"columns": 1, "width": 0, "height": 0, "channels": 0}
        if dataset.show is not None:
            cut["html"] = [dataset.shown(int(example)) for example in ids]
    labels = [None] * len(ids) if dataset.classes is None else dataset.classes[ids].tolist()
    content = {**cut, "ids": ids.tolist(), "labels": labels, "class_names": list(dataset.class_names)}
    (folder / "sprite.json").write_text(json.dumps(content))


def named_examples(folder: Path) -> NDArray[np.int64]:
    """The ids of all examples that the tables in `folder` name."""
    tables = [folder / f"{name}.parquet" for name in ("examples", "bands")]
    found = [pd.read_parquet(table, columns=["example"])["example"] for table in tables if table.exists()]
    return np.unique(np.concatenate([np.zeros(0, np.int64), *(column.to_numpy(np.int64) for column in found)]))


def _pictures(
    dataset: Dataset, wanted: NDArray[np.int64], named: NDArray[np.int64], target: Path, most: int
) -> tuple[NDArray[np.int64], dict[str, Any]]:
    """Write the picture; which examples it holds, and how it is cut."""
    height, width = dataset.shape[:2]
    tries = [(wanted, 1)]
    part = 1
    while min(height, width) // part >= SMALLEST or part == 1:
        tries.append((named, part))
        part *= 2
    for ids, part in tries:
        size = (-(-height // part), -(-width // part))
        columns = columns_for(len(ids), *size)
        if columns is None:
            continue
        shape = (*size, *dataset.shape[2:])
        cells = (smaller(dataset.images[example], part) for example in ids)
        sheet = laid(cells, max(1, len(ids)), shape, columns)
        Image.fromarray(sheet).save(target, lossless=True, quality=100, method=4)
        if target.stat().st_size <= most:
            return ids, {"columns": columns, "width": size[1], "height": size[0], "channels": len(mode(shape))}
    target.unlink(missing_ok=True)
    raise DataError(
        f"data set {dataset.name}: the {len(named)} images of {width} x {height} that the tables name make no picture "
        f"of at most {most:,} bytes and 16,383 pixels a side; have fewer latents looked at"
    )


def smaller(image: Images, part: int) -> Images:
    """An image at a fraction of its size, rounded up."""
    if part == 1:
        return image
    size = (-(-image.shape[1] // part), -(-image.shape[0] // part))
    return np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BOX))

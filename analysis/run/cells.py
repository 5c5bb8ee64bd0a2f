"""Many small images as one: how many stand in a row, laying them out, cutting them out again. Numpy only.

Images are (height, width), grey, or (height, width, 3).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sae.errors import DataError

Images = NDArray[np.uint8]
LIMIT = 16_383
"""Pixels of a side: WebP holds no more."""
WIDE = 1400
"""Pixels across of a sheet whose number of columns nothing else decides."""


def columns_for(cells: int, height: int, width: int, usual: int = 0) -> int | None:
    """How many images of a size stand in a row, so that `cells` of them make a picture that WebP holds; None where no
    number does. `usual`: how many it is where they fit; 0: as many as are about 1,400 pixels wide."""
    widest = LIMIT // width
    first = min(usual or max(1, WIDE // width), widest)
    for columns in (first, widest):
        if columns and -(-cells // columns) * height <= LIMIT:
            return columns
    return None


def needed_columns(cells: int, height: int, width: int, usual: int) -> int:
    """As `columns_for`. Raises DataError where they do not fit."""
    found = columns_for(cells, height, width, usual)
    if found is None:
        raise DataError(
            f"{cells} pictures of {width} x {height} pixels make no sheet of at most {LIMIT} x {LIMIT}: have fewer "
            "latents looked at, or smaller images"
        )
    return found


def laid(images: Iterable[Images], cells: int, shape: Sequence[int], columns: int) -> Images:
    """A sheet of `cells` images of one shape, `columns` in a row, black where there is none."""
    height, width, *channels = shape
    sheet = np.zeros((-(-cells // columns) * height, columns * width, *channels), np.uint8)
    for cell, image in enumerate(images):
        top, left = cell // columns * height, cell % columns * width
        sheet[top : top + height, left : left + width] = image
    return sheet


def cut(sheet: Images, cells: Iterable[int], shape: Sequence[int], columns: int) -> Images:
    """Images of a sheet, (cells, *shape)."""
    height, width = shape[:2]
    corners = [(cell // columns * height, cell % columns * width) for cell in cells]
    found: list[Any] = [sheet[top : top + height, left : left + width] for top, left in corners]
    return np.stack(found) if found else np.zeros((0, *shape), np.uint8)


def mode(shape: Sequence[int]) -> str:
    """What Pillow calls images of a shape."""
    return "L" if len(shape) == 2 else "RGB"

"""Measured attributes of images, with words for both ends: what latents are named by.

The figure is what is brighter than a share of the image's own ink-weighted grey level, so a faint garment is found as
well as a white digit, and brightness shows in `ink` alone. Shape is read from the figure (box, skeleton, holes), lean
and balance from the grey levels. Images are stacked into one tall strip, each with a rim of background, so that one
call of scikit-image serves a whole block. Of an image in colour the shape is that of its grey levels, and three
columns say how much redder, greener and bluer it is than grey.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from skimage.measure import label
from skimage.morphology import skeletonize

from sae.errors import DataError

Mask = NDArray[np.bool_]
Column = NDArray[np.float64]

FIGURE = 0.3  # lower fills the small loops of eights and sixes, higher tears dark garments apart
SPECK, SPECK_HOLE = 5, 3  # pixels: fewer are dirt, or a crack between two strokes
SPUR = 2  # pixels: skeletons grow whiskers this long at corners, which nobody sees as the end of a stroke
BLOCK = 2_000  # images at a time: bounds memory, and the strip stays in cache


@dataclass(frozen=True)
class Attribute:
    """What a column of `attributes` means."""

    low: str
    """The low end, as an adjective phrase that can stand beside a class: "narrow"."""
    high: str
    unit: str
    says: str
    """One sentence for a methods page: what is measured."""


ATTRIBUTES: dict[str, Attribute] = {
    "ink": Attribute("light", "heavy", "grey levels", "Mean grey level of the whole image."),
    "slant": Attribute(
        "more upright", "leaning right", "degrees",
        "Angle from the vertical at which the ink runs, from the shear in its second central moments.",
    ),
    "width": Attribute(
        "narrow", "wide", "pixels",
        "Distance between the outer edges of the figure in its widest row, which a slant does not lengthen.",
    ),
    "height": Attribute("short", "tall", "pixels", "Rows from the top of the figure to its bottom."),
    "stroke": Attribute(
        "thin-stroked", "thick-stroked", "pixels", "Area of the figure divided by the length of its skeleton.",
    ),
    "ends": Attribute(
        "with few stroke ends", "with many stroke ends", "count",
        f"End points of the figure's skeleton, once whiskers of up to {SPUR} pixels are cut off.",
    ),
    "holes": Attribute(
        "with fewer holes", "with more holes", "count",
        f"Regions of at least {SPECK_HOLE} pixels of background that the figure encloses.",
    ),
    "vertical": Attribute(
        "bottom-heavy", "top-heavy", "% of height",
        "How far the centre of the ink lies above the middle of the figure's box.",
    ),
    "horizontal": Attribute(
        "left-heavy", "right-heavy", "% of width",
        "How far the centre of the ink lies to the right of the middle of the figure's box.",
    ),
    "symmetry": Attribute(
        "lopsided", "symmetric", "% of area",
        "Share of the figure that meets its mirror image within one pixel, left for right about its leaning axis.",
    ),
}  # fmt: skip


COLOURS: dict[str, Attribute] = {
    name: Attribute(f"less {name}", name, "grey levels", f"Mean of {name} less the mean of all three channels.")
    for name in ("red", "green", "blue")
}
# Weights of red, green and blue in a grey level (ITU-R BT.601), as image programs use them.
LUMA = np.array([0.299, 0.587, 0.114])


def known(shape: tuple[int, ...]) -> dict[str, Attribute]:
    """The attributes that images of a shape, (h, w) or (h, w, 3), have."""
    return ATTRIBUTES if len(shape) == 2 else ATTRIBUTES | COLOURS


def attributes(images: NDArray[np.uint8]) -> pd.DataFrame:
    """Measure (n, h, w) or (n, h, w, 3) images, 0 being background: n rows, a float32 column for each attribute that is
    `known`, in its unit.

    Where there is no figure (no ink, or specks only) all but `ink` is NaN. Raises DataError for any other array.
    """
    colour = images.ndim == 4 and images.shape[3] == len(COLOURS)
    if not (images.ndim == 3 or colour) or images.dtype != np.uint8 or 0 in images.shape[1:]:
        raise DataError(
            f"images are {images.dtype} of shape {images.shape}; expected uint8 of shape (n, h, w) or (n, h, w, 3)"
        )
    starts = range(0, max(len(images), 1), BLOCK)
    blocks = [pd.DataFrame(_measured(images[start : start + BLOCK]), dtype=np.float32) for start in starts]
    return pd.concat(blocks, ignore_index=True)[list(known(images.shape[1:]))]


def _measured(images: NDArray[np.uint8]) -> dict[str, Column]:
    """The columns of one block; NaN where there is no figure."""
    if images.ndim == 4:
        means = images.mean((1, 2))
        more = means - means.mean(1, keepdims=True)
        shape = np.rint(images @ LUMA).astype(np.uint8)
        return _measured(shape) | {name: more[:, channel] for channel, name in enumerate(COLOURS)}
    grey = np.pad(images, ((0, 0), (1, 1), (1, 1))).astype(np.float64)
    ink = grey.sum((1, 2))
    figure = _figure(grey, ink)
    there = figure.any((1, 2))
    columns = {name: np.full(len(images), np.nan) for name in ATTRIBUTES}
    columns["ink"] = images.mean((1, 2))
    if there.any():
        found = figure[there]
        for name, values in (_strokes(found) | _box(found, grey[there], ink[there])).items():
            columns[name][there] = values
    return columns


def _strip(masks: Mask) -> Mask:
    """All images above one another; their rims keep them apart."""
    return masks.reshape(-1, masks.shape[2])


def _figure(grey: NDArray[np.float64], ink: Column) -> Mask:
    """What is clearly ink, without specks."""
    level = np.einsum("nij,nij->n", grey, grey) / np.maximum(ink, 1)
    bright = grey > FIGURE * level[:, None, None]
    pieces = label(_strip(bright), connectivity=2)
    large = np.bincount(pieces.ravel()) >= SPECK
    large[:1] = False
    return np.asarray(large[pieces]).reshape(grey.shape)


def _strokes(figure: Mask) -> dict[str, Column]:
    skeleton = skeletonize(_strip(figure)).reshape(figure.shape)
    down, right = skeleton[:, 1:, :-1], skeleton[:, :-1, 1:]
    here, across = skeleton[:, :-1, :-1], skeleton[:, 1:, 1:]
    straight = (here & right).sum((1, 2)) + (here & down).sum((1, 2))
    # a diagonal step is one only where no pixel fills the corner: that way round is counted already
    diagonal = (here & across & ~down & ~right).sum((1, 2)) + (down & right & ~here & ~across).sum((1, 2))
    length = 1 + straight + np.sqrt(2) * diagonal
    for _ in range(SPUR):
        skeleton = skeleton & ~_ends(skeleton)
    ends = _ends(skeleton).sum((1, 2))
    return {"stroke": figure.sum((1, 2)) / length, "ends": ends, "holes": _holes(figure)}


def _around(mask: Mask) -> NDArray[np.int8]:
    """How many of the 3 x 3 pixels around each one are set, itself included."""
    counts = mask.astype(np.int8)
    for axis in (1, 2):
        line = np.moveaxis(counts, axis, 0)
        before = line.copy()
        line[1:] += before[:-1]
        line[:-1] += before[1:]
    return counts


def _ends(skeleton: Mask) -> Mask:
    found: Mask = skeleton & (_around(skeleton) == 2)
    return found


def _holes(figure: Mask) -> Column:
    """Per image. The rims join all that lies outside, so whatever else is background is enclosed."""
    regions = label(~_strip(figure), connectivity=1).ravel()
    sizes = np.bincount(regions)
    enclosed = np.flatnonzero((regions != 0) & (regions != regions[0]))
    image_of = np.zeros(len(sizes), np.int64)
    image_of[regions[enclosed]] = enclosed // figure[0].size
    sizes[[0, regions[0]]] = 0
    return np.bincount(image_of[sizes >= SPECK_HOLE], minlength=len(figure)).astype(np.float64)


def _box(figure: Mask, grey: NDArray[np.float64], ink: Column) -> dict[str, Column]:
    """What is measured against the figure's box and its axes."""
    n, height, width = figure.shape
    in_column, in_row = np.any(figure, 1), np.any(figure, 2)
    (left, right), (top, bottom) = _first_and_last(in_column), _first_and_last(in_row)
    row_first, row_last = _first_and_last(figure)
    rows, columns = (axis.ravel() for axis in np.mgrid[:height, :width])
    sums = grey.reshape(n, -1) @ np.stack([columns, rows, columns * rows, rows * rows], 1).astype(np.float64)
    x, y = sums[:, 0] / ink, sums[:, 1] / ink
    # multiplied by ink squared, which keeps them whole numbers: exact, so a shift of the image changes nothing
    shear, spread = ink * sums[:, 2] - sums[:, 0] * sums[:, 1], ink * sums[:, 3] - sums[:, 1] ** 2
    lean = np.divide(shear, spread, out=np.zeros(n), where=spread > 0)
    axis = x[:, None] + lean[:, None] * (np.arange(height) - y[:, None])
    opposite = np.rint(2 * axis[:, :, None] - np.arange(width)).astype(np.int64)
    inside = (opposite >= 0) & (opposite < width)
    mirror = np.take_along_axis(_around(figure) > 0, np.where(inside, opposite, 0), 2) & inside
    return {
        "slant": np.degrees(np.arctan(-lean)),
        "width": np.where(in_row, row_last - row_first + 1, 0).max(1),
        "height": bottom - top + 1,
        "vertical": 100 * ((top + bottom) / 2 - y) / (bottom - top + 1),
        "horizontal": 100 * (x - (left + right) / 2) / (right - left + 1),
        "symmetry": 100 * (figure & mirror).sum((1, 2)) / figure.sum((1, 2)),
    }


def _first_and_last(mask: Mask) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Where the first and the last True of the last axis stand."""
    return mask.argmax(-1), mask.shape[-1] - 1 - mask[..., ::-1].argmax(-1)

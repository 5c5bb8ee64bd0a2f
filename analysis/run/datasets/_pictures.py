"""Image files as one array of bytes: any format that Pillow reads, grey or in colour, of one size or brought to one."""

from __future__ import annotations

import io
import struct
import warnings
import zlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from analysis.run.datasets._files import fitting, wanted
from sae.errors import ConfigError, DataError

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".pgm", ".ppm")
GREY = ("1", "L", "LA", "La")
# More than eight bits a pixel: what it is in 0..255 is not ours to say.
DEEP = ("I", "F", "I;16", "I;16B", "I;16L", "I;16N")
MOST_SIDE = 4096
# What Pillow raises for a damaged or foreign file.
UNREADABLE = (
    OSError, ValueError, SyntaxError, EOFError, TypeError, struct.error, zlib.error, Image.DecompressionBombError,
    Image.DecompressionBombWarning,
)  # fmt: skip
Source = tuple[str, bytes | Path]
"""What an image is called in messages, and its content or its file."""


def read_images(sources: Sequence[Source], size: Any = None, colour: Any = None) -> NDArray[np.uint8]:
    """(n, height, width), or (n, height, width, 3) where one of them is in colour, or where `colour` is true.

    `size`: pixels of a side, or [height, width]: images are scaled so that they fill it, and cut in the middle; None:
    all must be equal. `colour`: false makes all grey. Transparent parts become black. Raises DataError, naming the
    image, for one that cannot be read, has another size, moves, or has more than eight bits a pixel.
    """
    target = _checked(size)
    if colour is not None:
        wanted("colour", colour, bool, "true, false, or left out")
    found: list[NDArray[np.uint8]] = []
    in_colour = bool(colour)
    for name, content in sources:
        image = _image(name, content, target, colour)
        if found and image.shape[:2] != found[0].shape[:2]:
            raise DataError(
                f"{name} has {_sides(image)} pixels (height x width), {sources[0][0]} {_sides(found[0])}: all must "
                "have one size; say `size = 28` or `size = [height, width]` to have them scaled and cut in the middle"
            )
        if not found or (image.ndim == 3 and not in_colour):
            channels = 3 if in_colour or image.ndim == 3 else 1
            fitting(len(sources), (*image.shape[:2], channels), 1, "say a smaller `size`, or `colour = false`")
        in_colour = in_colour or image.ndim == 3
        found.append(image)
    if not in_colour:
        return np.stack(found)
    return np.stack([image if image.ndim == 3 else np.repeat(image[..., None], 3, 2) for image in found])


def _checked(size: Any) -> tuple[int, int] | None:
    sides = [size, size] if isinstance(size, int) else size
    if sides is None:
        return None
    right = isinstance(sides, list | tuple) and len(sides) == 2
    if not right or not all(type(side) is int and 1 <= side <= MOST_SIDE for side in sides):
        raise ConfigError(
            f"dataset_options.size = {size!r}: must be a number of pixels in 1..{MOST_SIDE}, or [height, width]"
        )
    return sides[0], sides[1]


def _image(name: str, content: bytes | Path, size: tuple[int, int] | None, colour: bool | None) -> NDArray[np.uint8]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(content) if isinstance(content, bytes) else content) as image:
                if (frames := getattr(image, "n_frames", 1)) > 1:
                    raise DataError(f"{name} holds {frames} images; expected one: save the one that is meant")
                if image.mode in DEEP:
                    raise DataError(f"{name} has more than eight bits a pixel ({image.mode}); save it with eight")
                return _pixels(ImageOps.exif_transpose(image), size, colour)
    except DataError:
        raise
    except UNREADABLE as error:
        said = " ".join(str(error).split())[:120] or type(error).__name__
        raise DataError(f"{name} cannot be read as an image ({said}); repair or remove it") from error


def _pixels(image: Image.Image, size: tuple[int, int] | None, colour: bool | None) -> NDArray[np.uint8]:
    grey = image.mode in GREY if colour is None else not colour
    if image.mode in ("LA", "La", "PA", "RGBA", "RGBa") or "transparency" in image.info:
        above = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", above.size, (0, 0, 0, 255)), above)
    plain = image.convert("L" if grey else "RGB")
    if size is not None and plain.size != (size[1], size[0]):
        plain = ImageOps.fit(plain, (size[1], size[0]), Image.Resampling.LANCZOS)
    return np.asarray(plain, np.uint8)


def _sides(image: NDArray[np.uint8]) -> str:
    return f"{image.shape[0]} x {image.shape[1]}"


def are_images(files: Iterable[Path]) -> None:
    """Raises DataError for a file that is no image by its name."""
    for path in files:
        if path.suffix.lower() not in SUFFIXES:
            raise DataError(f"{path} is no image; expected {', '.join(SUFFIXES)}: move it elsewhere")

"""Whether a picture that would be published is whole: cut off it would be a grey patch in a page, or a gap."""

from __future__ import annotations

import io
import warnings
from pathlib import Path
from xml.parsers import expat

from PIL import Image, UnidentifiedImageError, features

from analysis.system.unchanged import WhileUnchanged

RASTERS = {".png", ".jpg", ".jpeg", ".gif", ".webp", ".bmp", ".ico"} | (
    {".avif"} if "avif" in features.modules and features.check("avif") else set()
)
"""Endings of pictures that browsers show and that can be read here."""
PNG_BEGINS, PNG_ENDS, GIF_ENDS = b"\x89PNG\r\n\x1a\n", b"IEND\xaeB`\x82", b"\0;"
TAIL = 64
"""Bytes at the end of a GIF in which its last block must end: some programs leave a little behind it."""


def damage(path: Path) -> str:
    """What is wrong with a file whose name says that it is a picture, in words that follow its name; empty where it is
    whole, and for every other file. A picture that was found whole is not read again until it changes."""
    ending = path.suffix.lower()
    if ending not in RASTERS and ending != ".svg":
        return ""
    return _damage(path)


@WhileUnchanged
def _damage(path: Path) -> str:
    ending = path.suffix.lower()
    if not path.stat().st_size:
        return "is an empty file, and no picture"
    wrong = _of_svg(path) if ending == ".svg" else _of_raster(path)
    return f"is no whole picture ({wrong}): make it anew" if wrong else ""


def _of_raster(path: Path) -> str:
    data = path.read_bytes()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of its size and of odd metadata: browsers show it all the same
            with Image.open(io.BytesIO(data)) as picture:
                kind = picture.format
                for frame in range(getattr(picture, "n_frames", 1)):
                    picture.seek(frame)
                    picture.load()
    except UnidentifiedImageError:
        return "nothing in it says which format it has"
    except Image.DecompressionBombError:
        return ""  # too large to be read here, which is no damage
    # nothing lists what readers raise for damaged files: that of PNG alone SyntaxError, struct.error and zlib.error
    except Exception as error:
        return " ".join(str(error).split()) or type(error).__name__
    return _of_end(data, kind or "")


def _of_end(data: bytes, kind: str) -> str:
    """Of formats whose reader does not look for the end: a picture that lost only that."""
    if kind in ("PNG", "ICO") and data.count(PNG_BEGINS) > data.count(PNG_ENDS):
        return "its end is missing"
    if kind == "GIF" and GIF_ENDS not in data[-TAIL:]:
        return "its end is missing"
    if kind == "BMP" and int.from_bytes(data[2:6], "little") > len(data):
        return "it is shorter than it says"
    return ""


def _of_svg(path: Path) -> str:
    """An SVG that is no XML is not shown at all, nor is any other XML."""
    reader, roots = expat.ParserCreate(), list[str]()
    reader.StartElementHandler = lambda name, attributes: None if roots else roots.append(name)
    try:
        with path.open("rb") as file:
            reader.ParseFile(file)
    except (expat.ExpatError, LookupError, ValueError) as error:  # the latter two: of its encoding
        return f"as XML: {error}"
    root = roots[0].rpartition(":")[2]
    return "" if root == "svg" else f"it is XML that begins with <{root}>"

"""Make `letters.npz`, typeset capital letters, from Debian's handwriting fonts. Needs apt-get, dpkg-deb and Strata with
its extra `train` (pillow, scipy, scikit-image); some minutes; run from anywhere:

    python data/letters/make_letters.py

Each letter of each font is drawn large, then distorted: turned, slanted and stretched (affine), bent by a smooth field
of displacements (elastic), and made as thick as was drawn by lot (thickness). Then it is treated as MNIST is: scaled
into a box of 20 x 20, and put on 28 x 28 black pixels with its centre of mass in the middle. Rows are ordered by
letter, font and copy, and each row's distortion has a random stream of its own, so the number of a row is its example
id. Whole packages of fonts are held out, so that no designer stands on both sides of the split.
"""

from __future__ import annotations

import hashlib
import string
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from scipy.ndimage import affine_transform, center_of_mass, distance_transform_edt, gaussian_filter, map_coordinates
from skimage.morphology import skeletonize

HERE = Path(__file__).parent
SEED = 20261201
LETTERS = string.ascii_uppercase
SIDE, BOX = 28, 20
FINE = 4  # drawn pixels a pixel of the final image
CANVAS = 2 * SIDE * FINE
TURN, SLANT, STRETCH = 9.0, 0.2, 0.15  # greatest: degrees, shear, share of a side
BEND, SMOOTH = 0.9, 4.0  # elastic: displacement (standard deviation) and its smoothness, in final pixels
THIN, THICK = 1.7, 3.4  # strokes, in final pixels
LEAST = 0.75  # a stroke keeps this share of its thickness, else hairlines of fonts would tear
TRAINED, TESTED = 24, 20  # copies of a letter in each font


@dataclass(frozen=True)
class Font:
    """One font file of a Debian package."""

    package: str
    file: str
    sha256: str
    held_out: bool = False
    styles: int = 1
    """How many styles of one hand there are, which share the copies that another font has alone."""

    @property
    def copies(self) -> int:
        """How many images of each letter."""
        return TESTED if self.held_out else TRAINED // self.styles


FONTS = (
    Font("fonts-bwht", "BecauseWeBuild-Regular.otf", "202160d49b0cfbe8"),
    Font("fonts-bwht", "BecauseWeConnect-Regular.otf", "c9c7135605a5c8cd"),
    Font("fonts-bwht", "BecauseWeCreate-Regular.otf", "abdbea89b7de43bc"),
    Font("fonts-bwht", "BecauseWeLearn-Regular.otf", "d5551a6a1449de4e"),
    Font("fonts-bwht", "BecauseWeMentor-Regular.otf", "b71888fd9a79936e"),
    Font("fonts-bwht", "BecauseWeOrganize-Regular.otf", "f97f8557caa4de42"),
    Font("fonts-breip", "Breip.ttf", "cded2aeeeb7d35ba"),
    Font("fonts-dkg-handwriting", "dkg.ttf", "93eb07f57b84f04f", styles=4),
    Font("fonts-dkg-handwriting", "dkgBd.ttf", "62b88a2819923a5f", styles=4),
    Font("fonts-dkg-handwriting", "dkgBI.ttf", "42699be9d77fc2b5", styles=4),
    Font("fonts-dkg-handwriting", "dkgIt.ttf", "911843f094cbe050", styles=4),
    Font("fonts-femkeklaver", "femkeklaver.ttf", "db4020ede05b3110"),
    Font("fonts-leckerli-one", "LeckerliOne-Regular.ttf", "3f38ed99a07ab426"),
    Font("fonts-humor-sans", "Humor-Sans.ttf", "2ded6a27448c9ed3", held_out=True),
    Font("fonts-rufscript", "Rufscript010.ttf", "99b16515f19ab35d", held_out=True),
    Font("fonts-sjfonts", "Delphine.ttf", "afeea795e392f6b8", held_out=True),
    Font("fonts-sjfonts", "SteveHand.ttf", "51e0820b832b2cd3", held_out=True),
)
# Left out: breipfont.ttf of fonts-breip, which is Breip.ttf once more.


def fetched(folder: Path) -> dict[str, Path]:
    """The font files by name; each package's copyright file is put beside the data. Raises SystemExit for a font that
    is another than the one that the tracked file was made from."""
    packages = dict.fromkeys(font.package for font in FONTS)
    for package in packages:
        subprocess.run(["apt-get", "download", package], cwd=folder, check=True)
        (archive,) = folder.glob(f"{package}_*.deb")
        subprocess.run(["dpkg-deb", "-x", archive, folder], check=True)
    files = {font.file: next(folder.rglob(font.file)) for font in FONTS}
    for font in FONTS:
        found = hashlib.sha256(files[font.file].read_bytes()).hexdigest()
        if not found.startswith(font.sha256):
            raise SystemExit(
                f"{font.package}: {font.file} has sha256 {found[:16]}, expected {font.sha256}: another version of the "
                "package; look at its letters before its hash is changed here"
            )
    (HERE / "licences").mkdir(exist_ok=True)
    for package in packages:
        notice = (folder / f"usr/share/doc/{package}/copyright").read_bytes()
        (HERE / "licences" / f"{package}.txt").write_bytes(notice)
    return files


def drawn(path: Path, letter: str) -> NDArray[np.bool_]:
    """The letter as the font has it, in the middle of the canvas, its longer side that of the box."""
    face = ImageFont.truetype(str(path), 200)
    left, top, right, bottom = face.getbbox(letter)
    face = ImageFont.truetype(str(path), round(200 * BOX * FINE / max(right - left, bottom - top)))
    left, top, right, bottom = face.getbbox(letter)
    image = Image.new("L", (CANVAS, CANVAS))
    place = ((CANVAS - left - right) / 2, (CANVAS - top - bottom) / 2)
    ImageDraw.Draw(image).text(place, letter, 255, font=face)
    return np.asarray(image) > 127


def distorted(letter: NDArray[np.bool_], draw: np.random.Generator) -> NDArray[np.bool_]:
    """Turned, slanted, stretched, bent; then with strokes of a thickness drawn by lot."""
    angle = np.deg2rad(draw.uniform(-TURN, TURN))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    slant = np.array([[1.0, 0.0], [draw.uniform(-SLANT, SLANT), 1.0]])
    matrix = turn @ slant @ np.diag(np.exp(draw.uniform(-STRETCH, STRETCH, 2)))
    middle = np.full(2, (CANVAS - 1) / 2)
    image = affine_transform(letter.astype(np.float32), matrix, middle - matrix @ middle, order=1)
    field = gaussian_filter(draw.standard_normal((2, CANVAS, CANVAS)), (0, SMOOTH * FINE, SMOOTH * FINE))
    field *= BEND * FINE / field.std(axis=(1, 2), keepdims=True)
    image = map_coordinates(image, np.indices(image.shape) + field, order=1)
    return _thickened(image > 0.5, draw.uniform(THIN, THICK))


def _thickened(figure: NDArray[np.bool_], wanted: float) -> NDArray[np.bool_]:
    """With strokes `wanted` final pixels thick, or as thin as they can be without tearing."""
    inside, outside = distance_transform_edt(figure), distance_transform_edt(~figure)
    rows, columns = (np.flatnonzero(figure.any(axis)) for axis in (1, 0))
    unit = max(np.ptp(rows), np.ptp(columns)) / BOX  # drawn pixels a final one, once the figure fills the box
    own = 2 * float(np.median(inside[skeletonize(figure)]))
    grown = (max(wanted * unit, LEAST * own) - own) / 2
    return outside - inside <= grown


def centred(figure: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """(28, 28) uint8: scaled into the box, the centre of mass in the middle, as far as nothing is cut off."""
    rows, columns = (np.flatnonzero(figure.any(axis)) for axis in (1, 0))
    cut = figure[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    scale = BOX / max(cut.shape)
    size = tuple(max(1, round(side * scale)) for side in cut.shape[::-1])
    small = np.asarray(Image.fromarray(cut.astype(np.uint8) * 255).resize(size, Image.Resampling.BOX))
    starts = (
        int(np.clip(round((SIDE - 1) / 2 - mass), 0, SIDE - side))
        for mass, side in zip(center_of_mass(small), small.shape, strict=True)
    )
    top, left = starts
    image = np.zeros((SIDE, SIDE), np.uint8)
    image[top : top + small.shape[0], left : left + small.shape[1]] = small
    return image


def made(files: dict[str, Path]) -> dict[str, NDArray[np.generic]]:
    """The arrays of the file."""
    images, labels, font_of = [], [], []
    for label, letter in enumerate(LETTERS):
        for number, font in enumerate(FONTS):
            as_drawn = drawn(files[font.file], letter)
            for copy in range(font.copies):
                draw = np.random.default_rng([SEED, label, number, copy])
                images.append(centred(distorted(as_drawn, draw)))
                labels.append(label)
                font_of.append(number)
    fonts = np.array(font_of, np.uint8)
    return {
        "images": np.stack(images),
        "labels": np.array(labels, np.uint8),
        "held_out": np.array([font.held_out for font in FONTS])[fonts],
        "font": fonts,
        "font_names": np.array([font.file.partition(".")[0] for font in FONTS]),
    }


def main() -> None:
    """Fetch, draw, write, and say what was written."""
    with tempfile.TemporaryDirectory() as folder:
        arrays = made(fetched(Path(folder)))
    target = HERE / "letters.npz"
    np.savez_compressed(target, **arrays)
    digest = hashlib.sha256(target.read_bytes()).hexdigest()
    (HERE / "letters.sha256").write_text(f"{digest}  letters.npz\n")
    rows, held_out = len(arrays["images"]), int(arrays["held_out"].sum())
    print(f"{target}: {rows} images, {held_out} held out, {target.stat().st_size / 1e6:.2f} MB, sha256 {digest}")


if __name__ == "__main__":
    main()

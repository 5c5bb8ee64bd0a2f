"""Make `optdigits.npz`, digits of other people, from the package scikit-learn. Needs Strata; a second; from the root:

    python data/optdigits/make_optdigits.py

The package has 1,797 digits as 8 x 8 counts of 0 to 16 black pixels. Each is enlarged (bicubic) until the longer side
of its figure is 20 pixels, its grey levels are stretched about their middle, since enlarging blurs edges that MNIST has
sharp, and it is put on 28 x 28 black pixels with its centre of mass in the middle. Rows are in the package's order.
"""

from __future__ import annotations

import gzip
import hashlib
from importlib.resources import files
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import center_of_mass

from analysis.run.datasets._split import by_content

HERE = Path(__file__).parent
SOURCE, SHA256 = "digits.csv.gz", "09f66e6debdee2cd"
HELD_OUT = 0.2
SIDE, BOX = 28, 20
FULL = 16  # black pixels of a count
DARK, LIGHT = 70, 170  # grey levels that become 0 and 255


def read_package() -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """Counts (1797, 8, 8) and labels (1797,). Raises SystemExit for another file than the tracked one was made from."""
    raw = (files("sklearn.datasets.data") / SOURCE).read_bytes()
    found = hashlib.sha256(raw).hexdigest()
    if not found.startswith(SHA256):
        raise SystemExit(f"{SOURCE} of scikit-learn has sha256 {found[:16]}, expected {SHA256}: another file")
    values = np.loadtxt(gzip.decompress(raw).decode().splitlines(), delimiter=",", dtype=np.uint8)
    return values[:, :-1].reshape(-1, 8, 8).astype(np.float32), values[:, -1]


def enlarged(counts: NDArray[np.float32]) -> NDArray[np.uint8]:
    """(28, 28) uint8: one digit as MNIST has them."""
    rows, columns = (np.flatnonzero(counts.any(axis)) for axis in (1, 0))
    figure = counts[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    scale = BOX / max(figure.shape)
    framed = np.pad(figure * (255 / FULL), 1)  # else strokes along the edge would end sharply
    size = (round(framed.shape[1] * scale), round(framed.shape[0] * scale))
    grey = np.asarray(Image.fromarray(framed).resize(size, Image.Resampling.BICUBIC))
    grey = np.clip((grey - DARK) * (255 / (LIGHT - DARK)), 0, 255)
    top, left = (
        int(np.clip(round((SIDE - 1) / 2 - mass), 0, SIDE - side))
        for mass, side in zip(center_of_mass(grey), grey.shape, strict=True)
    )
    image = np.zeros((SIDE, SIDE), np.uint8)
    image[top : top + grey.shape[0], left : left + grey.shape[1]] = np.rint(grey)
    return image


def main() -> None:
    """Read, enlarge, write, and say what was written."""
    counts, labels = read_package()
    images = np.stack([enlarged(one) for one in counts])
    held_out = by_content(images, labels.astype(np.int64), HELD_OUT, "optdigits")
    target = HERE / "optdigits.npz"
    np.savez_compressed(target, images=images, labels=labels, held_out=held_out)
    digest = hashlib.sha256(target.read_bytes()).hexdigest()
    (HERE / "optdigits.sha256").write_text(f"{digest}  optdigits.npz\n")
    print(f"{target}: {len(images)} images, {held_out.sum()} held out, {target.stat().st_size / 1e6:.2f} MB, {digest}")


if __name__ == "__main__":
    main()

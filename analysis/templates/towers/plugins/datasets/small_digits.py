"""1,797 handwritten digits of 8 x 8 pixels, which scikit-learn ships (Alpaydin and Kaynak, UCI, 1998)."""

from __future__ import annotations

import numpy as np
from sklearn.datasets import load_digits

from analysis.run.datasets._dataset import Dataset


def small_digits() -> Dataset:
    """Every fifth digit is held out."""
    found = load_digits()
    images = np.round(found.images * 255 / 16).astype(np.uint8)
    held_out = np.arange(len(images)) % 5 == 0
    return Dataset("small_digits", images, found.target.astype(np.uint8), held_out, tuple("0123456789"))

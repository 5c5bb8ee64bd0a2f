"""Fashion-MNIST, 60,000 + 10,000 pictures of clothes: from Debian's package, data/downloads, or torchvision."""

from __future__ import annotations

from pathlib import Path

from analysis.plan import paths
from analysis.run.datasets._dataset import Dataset, first_complete, from_idx_folder, idx_fingerprint
from sae.errors import DataError

DEBIAN = Path("/usr/share/datasets/fashion-mnist")
CLASSES = (
    "T-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot",
)  # fmt: skip
AGAIN = (
    "install Debian's `dataset-fashion-mnist`, or put the four IDX files into "
    "data/downloads/FashionMNIST/raw, or let torchvision download them"
)


def folders() -> tuple[Path, Path]:
    """Where the files are looked for, in this order."""
    return DEBIAN, paths.find().data / "downloads" / "FashionMNIST" / "raw"


def fingerprint() -> str:
    """A hash of what the files hold; part of every run's key."""
    return idx_fingerprint(folders())


def to_fetch() -> str:
    """What is downloaded before a run, and how; empty when the files are there."""
    return "" if first_complete(folders()) else "31 MB by torchvision into data/downloads/FashionMNIST/raw"


def fashion_mnist() -> Dataset:
    """Debian's files are read in place, then data/downloads; torchvision is asked only when both are missing."""
    downloads = paths.find().data / "downloads"
    if folder := first_complete(folders()):
        return from_idx_folder("fashion_mnist", folder, CLASSES, AGAIN)
    from torchvision.datasets import FashionMNIST  # imported here: only a download needs it

    try:
        FashionMNIST(str(downloads), download=True)
    except (OSError, RuntimeError) as error:
        raise DataError(f"Fashion-MNIST was not found and could not be downloaded ({error}); {AGAIN}") from error
    return from_idx_folder("fashion_mnist", downloads / "FashionMNIST" / "raw", CLASSES, AGAIN)

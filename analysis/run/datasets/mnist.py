"""The full MNIST, 60,000 + 10,000, where torchvision can download it or finds it under data/downloads."""

from __future__ import annotations

from pathlib import Path

from analysis.plan import paths
from analysis.run.datasets._dataset import Dataset, first_complete, from_idx_folder, idx_fingerprint, is_complete
from sae.errors import DataError

AGAIN = (
    "put the four IDX files into data/downloads/MNIST/raw, or let torchvision download them "
    "(needs a connection to its mirrors); the embedded data set `digits` needs neither"
)


def folders() -> tuple[Path]:
    """Where the files are looked for."""
    return (paths.find().data / "downloads" / "MNIST" / "raw",)


def fingerprint() -> str:
    """A hash of what the files hold; part of every run's key."""
    return idx_fingerprint(folders())


def to_fetch() -> str:
    """What is downloaded before a run, and how; empty when the files are there."""
    return "" if first_complete(folders()) else "12 MB by torchvision into data/downloads/MNIST/raw"


def mnist() -> Dataset:
    """Files in place are read as they are; torchvision is asked only when they are missing."""
    downloads = paths.find().data / "downloads"
    (folder,) = folders()
    if not is_complete(folder):
        from torchvision.datasets import MNIST  # imported here: only a download needs it

        try:
            MNIST(str(downloads), download=True)
        except (OSError, RuntimeError) as error:
            raise DataError(f"MNIST is not in {folder} and could not be downloaded ({error}); {AGAIN}") from error
    return from_idx_folder("mnist", folder, tuple("0123456789"), AGAIN)

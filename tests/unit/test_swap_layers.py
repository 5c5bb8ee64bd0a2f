"""A folder in a lower layer of a container's image is replaced whole, too."""

from __future__ import annotations

import errno
import shutil
from pathlib import Path

import pytest
from swapped import build, left, page

from analysis.system import swap
from sae.temporary import host_name


def in_a_lower_layer(monkeypatch: pytest.MonkeyPatch, out: Path, then: Exception | None = None) -> None:
    """`out` can be neither exchanged nor moved, only removed; and that ends in the middle with `then`."""
    monkeypatch.setattr(swap, "exchange", lambda one, other: False)
    rename, rmtree = Path.rename, shutil.rmtree

    def layered(self: Path, target: Path) -> Path:
        if self == out:
            raise OSError(errno.EXDEV, "Invalid cross-device link", str(self), None, str(target))
        return rename(self, target)

    def cut(path: Path, ignore_errors: bool = False) -> None:
        if path == out and then and not ignore_errors:
            (out / "page").unlink()
            raise then
        rmtree(path, ignore_errors)

    monkeypatch.setattr(Path, "rename", layered)
    monkeypatch.setattr(shutil, "rmtree", cut)


def test_a_folder_in_a_lower_layer_of_an_image_is_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "site"
    build(out, "first")
    in_a_lower_layer(monkeypatch, out)
    build(out, "second")
    assert page(out) == "second"


def test_one_that_is_removed_in_part_comes_back_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "site"
    build(out, "first")
    in_a_lower_layer(monkeypatch, out, OSError("cut"))
    with pytest.raises(OSError, match="cut"):
        build(out, "second")
    assert page(out) == "first"
    # and so does the next work where this one was killed
    holder = left(out, host_name())
    (holder / swap.NEW).rename(holder / swap.COPIED)
    (out / "page").unlink()
    swap.tidy(out)
    assert page(out) == "half"

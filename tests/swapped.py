"""A folder with one page that is replaced whole, and what is left of work on it that was killed."""

from __future__ import annotations

import os
import time
from pathlib import Path

from analysis.system import swap
from analysis.system.swap import fresh_beside
from sae.temporary import MARK


def build(out: Path, text: str) -> None:
    with fresh_beside(out) as fresh:
        (fresh / "page").write_text(text)


def page(out: Path) -> str:
    assert [path.name for path in out.parent.iterdir() if path != out] == []
    return (out / "page").read_text()


def left(out: Path, host: str, *, lock: bool = True, age: float = 0) -> Path:
    """What work on `out` on a machine named `host` left, `age` seconds ago, with half a page in it."""
    holder = out.with_name(f".{out.name}{MARK}{host}-0123456789ab")
    (holder / swap.NEW).mkdir(parents=True)
    (holder / swap.NEW / "page").write_text("half")
    if lock:
        (holder / swap.LOCK).touch()
    for path in (*holder.rglob("*"), holder):
        os.utime(path, (time.time() - age,) * 2)
    return holder

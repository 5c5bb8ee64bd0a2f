"""A folder that is replaced whole, whatever happens in between."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from analysis.site import swap
from analysis.site.swap import fresh_beside

BUILD = """
import os, signal
from pathlib import Path
from analysis.site.swap import fresh_beside
with fresh_beside(Path({out!r})) as fresh:
    (fresh / "page").write_text("half")
    {then}
"""


def build(out: Path, text: str) -> None:
    with fresh_beside(out) as fresh:
        (fresh / "page").write_text(text)


def page(out: Path) -> str:
    assert [path.name for path in out.parent.iterdir() if path != out] == []
    return (out / "page").read_text()


@pytest.mark.parametrize("atomic", [True, False])
def test_the_new_takes_the_place_of_the_old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, atomic: bool) -> None:
    if not atomic:
        monkeypatch.setattr(swap, "exchange", lambda one, other: False)
    out = tmp_path / "deep/site"
    build(out, "first")
    assert page(out) == "first"
    (out / "stale").write_text("x")
    build(out, "second")
    assert page(out) == "second" and [path.name for path in out.iterdir()] == ["page"]


def test_an_error_leaves_the_old(tmp_path: Path) -> None:
    out = tmp_path / "site"
    build(out, "first")
    with pytest.raises(ValueError, match="broken"), fresh_beside(out) as fresh:
        (fresh / "page").write_text("half")
        raise ValueError("broken")
    assert page(out) == "first"


@pytest.mark.parametrize("error", [OSError, KeyboardInterrupt])
def test_a_build_that_ends_between_the_two_steps_puts_the_old_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: type[BaseException]
) -> None:
    out = tmp_path / "site"
    build(out, "first")
    monkeypatch.setattr(swap, "exchange", lambda one, other: False)
    rename = Path.rename

    def failing(self: Path, target: Path) -> Path:
        if self.name == swap.NEW:
            raise error("no")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", failing)
    with pytest.raises(error), fresh_beside(out) as fresh:
        (fresh / "page").write_text("second")
    assert page(out) == "first"


def test_a_kill_leaves_the_old_and_the_next_build_tidies_up(tmp_path: Path) -> None:
    out = tmp_path / "site"
    build(out, "first")
    code = BUILD.format(out=str(out), then="os.kill(os.getpid(), signal.SIGKILL)")
    done = subprocess.run([sys.executable, "-c", code], check=False)
    assert done.returncode == -signal.SIGKILL
    assert (out / "page").read_text() == "first" and len(list(tmp_path.iterdir())) == 2
    build(out, "second")
    assert page(out) == "second"


@pytest.mark.parametrize("name", ["site", "si[t]e"])
def test_a_kill_between_the_two_steps_is_mended(tmp_path: Path, name: str) -> None:
    out, holder = tmp_path / name, tmp_path / f".{name}-x"
    (holder / swap.OLD).mkdir(parents=True)
    (holder / swap.OLD / "page").write_text("first")
    (holder / swap.LOCK).touch()
    swap.tidy(out)
    assert page(out) == "first"


def test_who_still_works_is_left_alone(tmp_path: Path) -> None:
    out = tmp_path / "site"
    strange = tmp_path / ".site-of-somebody"
    strange.mkdir()
    with fresh_beside(out) as fresh:
        (fresh / "page").write_text("slow")
        build(out, "quick")
        assert fresh.is_dir()
    strange.rmdir()  # it is no build of ours, and still there
    assert page(out) == "slow"


def test_a_full_disk_leaves_the_old(tmp_path: Path) -> None:
    # A limit on the size of files fails a write in its middle, as a full disk does.
    out = tmp_path / "site"
    build(out, "first")
    code = BUILD.format(out=str(out), then='(fresh / "large").write_bytes(bytes(100_000))')

    def limited() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))

    environment = os.environ | {"PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code], check=False, preexec_fn=limited, capture_output=True, text=True, env=environment
    )
    assert done.returncode == 1 and "File too large" in done.stderr
    assert page(out) == "first"

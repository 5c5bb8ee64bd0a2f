"""A folder that is replaced whole, whatever happens in between."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from analysis import swap
from analysis.swap import fresh_beside
from sae.temporary import MARK, host_name, temporary_name

BUILD = """
import os, signal
from pathlib import Path
from analysis.swap import fresh_beside
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
    out = tmp_path / name
    holder = temporary_name(out)
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


@pytest.mark.parametrize(
    ("host", "lock", "days", "stays"),
    [
        (host_name(), True, 0, False),
        (host_name(), False, 1, True),
        (host_name(), False, 30, False),
        ("elsewhere", True, 1, True),
        ("elsewhere", True, 30, False),
        ("elsewhere", False, 30, False),
    ],
)
def test_leftovers_are_known_by_their_lock_here_and_by_their_age_elsewhere(
    tmp_path: Path, host: str, lock: bool, days: int, stays: bool
) -> None:
    holder = left(tmp_path / "site", host, lock=lock, age=days * 86400)
    swap.sweep(tmp_path)
    assert holder.exists() == stays


def test_a_leftover_whose_lock_is_held_stays_however_old_it_is(tmp_path: Path) -> None:
    holder = left(tmp_path / "site", host_name(), age=90 * 86400)
    with (holder / swap.LOCK).open("r+") as lock:
        assert swap._taken(lock)
        swap.sweep(tmp_path)
        assert holder.exists()
    swap.sweep(tmp_path)
    assert not holder.exists()


def test_what_another_machine_had_moved_aside_is_put_back_and_its_work_left_alone(tmp_path: Path) -> None:
    holder = left(tmp_path / "site", "elsewhere")
    (holder / swap.OLD).mkdir()
    swap.tidy(tmp_path / "site")
    assert (tmp_path / "site").is_dir() and (holder / swap.NEW / "page").exists()


@pytest.mark.parametrize("atomic", [True, False])
def test_threads_that_replace_one_folder_disturb_neither_each_other_nor_a_reader(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, atomic: bool
) -> None:
    if not atomic:
        monkeypatch.setattr(swap, "exchange", lambda one, other: False)
    out = tmp_path / "site"
    build(out, "0")

    def several(writer: int) -> None:
        for turn in range(8):
            build(out, f"{writer}.{turn}")

    with ThreadPoolExecutor(5) as pool:
        working = [pool.submit(several, writer) for writer in range(1, 5)]
        while not all(done.done() for done in working):
            swap.settle(out)
            assert not atomic or (out / "page").read_text()
        for done in working:
            done.result()
    assert page(out)


def test_the_folder_stays_where_it_was_made_while_one_works(tmp_path: Path) -> None:
    """Who asks whether what stands there is good gets an answer from then, not from before the work."""
    out = tmp_path / "site"
    with fresh_beside(out, stands=lambda: (out / "page").exists()) as fresh:
        (fresh / "page").write_text("slow")
        build(out, "quick")
    assert page(out) == "quick"


def test_a_folder_that_is_a_link_stays_one_and_its_target_is_replaced(tmp_path: Path) -> None:
    disk, out = tmp_path / "disk" / "site", tmp_path / "project" / "site"
    disk.mkdir(parents=True)
    out.parent.mkdir()
    out.symlink_to(disk)
    build(out, "first")
    assert out.is_symlink() and page(disk) == "first" and page(out) == "first"


def test_a_reader_waits_between_the_two_steps_but_not_for_the_dead(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "site"
    swap.settle(out)  # nobody is at work, so that there is nothing to wait for
    holder = left(out, "elsewhere")
    (holder / swap.NEW).rename(holder / swap.OLD)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(swap.settle, out)
        time.sleep(0.05)
        assert not waiting.done()
        (holder / swap.OLD).rename(out)
        waiting.result()
    monkeypatch.setattr(swap, "SETTLED_SECONDS", 0.0)
    out.rename(holder / swap.OLD)
    swap.settle(out)
    assert not out.exists()

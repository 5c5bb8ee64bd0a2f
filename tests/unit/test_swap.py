"""A folder that is replaced whole, whatever happens in between."""

from __future__ import annotations

import errno
import fcntl
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path

import pytest
from swapped import build, left, page

from analysis.system import locks, swap
from analysis.system.swap import fresh_beside
from sae.temporary import MARK, host_name, temporary_name

BUILD = """
import os, signal
from pathlib import Path
from analysis.system.swap import fresh_beside
with fresh_beside(Path({out!r})) as fresh:
    (fresh / "page").write_text("half")
    {then}
"""


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
        assert locks.taken(lock)
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
            assert swap.steadily(out, (out / "page").read_text)
        for done in working:
            done.result()
    assert page(out)


@pytest.mark.parametrize("host", ["elsewhere", host_name()])
def test_nothing_older_is_put_between_the_two_steps_of_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    out = tmp_path / "site"
    build(out, "first")
    monkeypatch.setattr(swap, "exchange", lambda one, other: False)
    rename, tidying = Path.rename, []
    with ThreadPoolExecutor(1) as pool:

        def meanwhile(self: Path, target: Path) -> Path:
            if self.name == swap.NEW and target == out:
                holder = left(out, host)
                rename(holder / swap.NEW, holder / swap.OLD)
                tidying.append(pool.submit(swap.tidy, out))
                wait(tidying, timeout=0.1)
            return rename(self, target)

        monkeypatch.setattr(Path, "rename", meanwhile)
        build(out, "second")
        tidying[0].result()
    assert (out / "page").read_text() == "second"
    assert not out.with_name(".site.lock").exists()


def test_what_is_replaced_never_comes_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed after the second step; later somebody deletes the folder, and means it."""
    out = tmp_path / "site"
    build(out, "first")
    monkeypatch.setattr(swap, "exchange", lambda one, other: False)
    holder = left(out, host_name())
    swap.put(holder / swap.NEW, out)
    shutil.rmtree(out)
    swap.tidy(out)
    assert list(tmp_path.iterdir()) == []


def test_a_killed_holder_of_the_lock_stops_nobody_and_without_locks_it_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "site"
    build(out, "first")
    monkeypatch.setattr(swap, "exchange", lambda one, other: False)
    out.with_name(".site.lock").touch()
    build(out, "second")
    assert page(out) == "second"

    def none(lock: object, how: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", none)
    build(out, "third")
    assert page(out) == "third"


def test_a_reader_looks_again_where_the_folder_was_replaced_under_it(tmp_path: Path) -> None:
    out = tmp_path / "site"
    build(out, "first")
    turns = []

    def read() -> str:
        found = (out / "page").read_text()
        turns.append(found)
        if len(turns) == 1:
            build(out, "second")
            raise FileNotFoundError("gone under the reader")
        return found

    assert swap.steadily(out, read) == "second" and turns == ["first", "second"]
    with pytest.raises(FileNotFoundError):
        swap.steadily(out, (out / "never").read_text)


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


@pytest.mark.parametrize("refused", ["r+", "all", "removing"])
def test_what_another_user_left_stops_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refused: str) -> None:
    out = tmp_path / "site"
    holder = left(out, host_name(), age=90 * 86400 if refused == "removing" else 0)
    opened = Path.open

    def forbidden(self: Path, mode: str = "r", **rest: object) -> object:
        if self.parent == holder and (mode == "r+" or refused != "r+"):
            raise PermissionError(errno.EACCES, "Permission denied", str(self))
        return opened(self, mode, **rest)  # type: ignore[call-overload]

    monkeypatch.setattr(Path, "open", forbidden)
    if refused == "removing":
        (holder / swap.NEW).rename(holder / swap.OLD)
        rename = Path.rename

        def theirs(self: Path, target: Path) -> Path:
            if self.parent == holder:
                raise PermissionError(errno.EACCES, "Permission denied", str(self))
            return rename(self, target)

        monkeypatch.setattr(Path, "rename", theirs)
    build(out, "mine")
    assert (out / "page").read_text() == "mine"
    assert holder.exists() == (refused != "r+"), "a lock is taken by reading it"


def test_the_lock_is_closed_before_it_is_deleted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows deletes no open file; NFS keeps it under another name, and with it the folder."""
    rmtree, made, held = shutil.rmtree, swap._made, []

    def watched(path: Path, ignore_errors: bool = False) -> None:
        if (Path(path) / swap.LOCK).exists():
            assert held[-1].closed
        else:
            assert not held[-1].closed, "what others may look at goes while the lock is held"
        rmtree(path, ignore_errors)

    def keeping(out: Path) -> object:
        found = made(out)
        held.append(found[1])
        return found

    monkeypatch.setattr(swap, "_made", keeping)
    monkeypatch.setattr(shutil, "rmtree", watched)
    build(tmp_path / "site", "first")
    build(tmp_path / "site", "second")
    assert page(tmp_path / "site") == "second" and len(held) == 2


def test_an_empty_leftover_goes_at_once_and_work_that_just_begins_is_not_hurt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "site"
    for host in (host_name(), "elsewhere"):
        out.with_name(f".site{MARK}{host}-0123456789ab").mkdir()
    names = iter([temporary_name(out), temporary_name(out)])
    opened = Path.open

    def late(self: Path, mode: str = "r", **rest: object) -> object:
        if mode == "w" and next(tmp_path.glob("seen"), None) is None:
            (tmp_path / "seen").mkdir()
            swap.tidy(out)
        return opened(self, mode, **rest)  # type: ignore[call-overload]

    monkeypatch.setattr(swap, "temporary_name", lambda path: next(names))
    monkeypatch.setattr(Path, "open", late)
    with fresh_beside(out):
        assert len(list(tmp_path.glob(f".*{MARK}*"))) == 1
    (tmp_path / "seen").rmdir()
    assert list(tmp_path.iterdir()) == [out]

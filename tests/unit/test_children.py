"""What Strata starts ends with it, however it ends. The programs here are small ones: `sleep`, `sh`, a few lines."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import textwrap
import time
import warnings

import psutil
import pytest
from conftest import CHECKOUT
from gone import assert_gone

from analysis.system import children, signals

FAMILY = "sleep 97 & echo $!; sleep 98 & echo $!; wait"  # a child that has children of its own, and says their ids


@contextlib.contextmanager
def script(text):
    """Python in a process of its own, whose first line of output has been read."""
    command = [sys.executable, "-c", textwrap.dedent(text)]
    with subprocess.Popen(command, cwd=CHECKOUT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process, [psutil.Process(int(word)) for word in process.stdout.readline().split()]
        finally:
            process.kill()


def test_a_program_gives_its_code_and_what_it_wrote():
    done = children.run(["sh", "-c", "cat; echo oops >&2; exit 3"], given=b"a\x00b")
    assert (done.returncode, done.stdout, done.stderr) == (3, b"a\x00b", b"oops\n")
    with pytest.raises(FileNotFoundError):
        children.run(["no-such-program-here"])


def test_a_program_that_takes_too_long_is_killed_with_all_that_it_started(tmp_path):
    with pytest.raises(subprocess.TimeoutExpired), (tmp_path / "ids").open("wb") as ids:
        children.run(["sh", "-c", FAMILY], seconds=0.3, stdout=ids)
    numbers = [int(word) for word in (tmp_path / "ids").read_text().split()]
    assert len(numbers) == 2
    assert_gone(numbers)


def test_leaving_the_block_ends_the_program():
    with children.started(["sleep", "96"]) as child:
        assert child.poll() is None
    assert child.returncode == -signal.SIGKILL


def test_children_of_a_process_that_is_killed_go_with_it():
    lines = f"""
        from analysis.system import children
        with children.started(["sh", "-c", {FAMILY!r}], stdout=children.subprocess.PIPE) as child:
            print(child.pid, child.stdout.readline().decode().strip(), child.stdout.readline().decode(), flush=True)
            child.wait()
    """
    with script(lines) as (process, family):
        assert len(family) == 3
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert_gone(family)


def test_what_a_library_has_started_goes_too_when_its_block_or_the_parent_ends():
    child = subprocess.Popen(["sleep", "96"], start_new_session=True)
    with children.adopted(child.pid):
        assert child.poll() is None
    assert child.wait() == -signal.SIGKILL
    with children.adopted(child.pid):  # gone already
        pass
    lines = f"""
        from analysis.system import children
        child = children.subprocess.Popen(
            ["sh", "-c", {FAMILY!r}], stdout=children.subprocess.PIPE, start_new_session=True
        )
        with children.adopted(child.pid):
            print(child.pid, child.stdout.readline().decode().strip(), child.stdout.readline().decode(), flush=True)
            child.wait()
    """
    with script(lines) as (process, family):
        assert len(family) == 3
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert_gone(family)


def test_what_leads_no_group_is_left_alone():
    """Its group is ours."""
    with subprocess.Popen(["sleep", "97"]) as child:
        with children.adopted(child.pid):
            pass
        assert child.poll() is None
        child.kill()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_worker_that_watches_is_gone_when_its_parent_is(number):
    """As an idle worker is, and one that works: nothing of it asks whether somebody still waits."""
    worker = (
        "import os, time; from analysis.system import children; "
        "children.watch_parent(os.getppid()); print(); time.sleep(95)"
    )
    lines = f"""
        import subprocess, sys
        worker = subprocess.Popen([sys.executable, "-c", {worker!r}], stdout=subprocess.PIPE)
        worker.stdout.readline()
        print(worker.pid, flush=True)
        worker.wait()
    """
    with script(lines) as (process, family):
        process.send_signal(number)
        # it is not waited for: a parent that has ended and stands in the table of processes is gone, too
        assert_gone(family)


def test_a_process_does_not_watch_itself():
    children.watch_parent(os.getpid())
    time.sleep(1.5 * children.POLL_SECONDS)


STUCK = """
    import os, subprocess, sys, threading, time
    from concurrent.futures import ThreadPoolExecutor
    from analysis.system import signals
    signals.GRACE_SECONDS = 0.5
    signals.install()
    try:
        child = subprocess.Popen(["sleep", "94"], stderr=subprocess.DEVNULL)
        print(child.pid, flush=True)
        with ThreadPoolExecutor(1) as pool:  # as pools do, this one waits for its threads
            pool.submit(time.sleep, 93 if {stuck} else 0).result()
            time.sleep(92)
    except KeyboardInterrupt:
        signals.leave()
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("stuck", [True, False])
def test_a_signal_ends_a_command_with_its_children_and_one_line(number, stuck):
    with script(STUCK.format(stuck=stuck)) as (process, family):
        process.send_signal(number)
        _, said = process.communicate()
        assert process.returncode == 128 + number
        assert said.count("\n") == 1 and said.startswith(f"stopped by {number.name}: ")
        assert_gone(family)


def test_what_the_user_has_told_the_system_to_ignore_stays_ignored():
    """`nohup strata run ... &` goes on when the window closes."""
    lines = """
        import os, signal
        from analysis.system import signals
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        signals.install()
        print(flush=True)
        os.kill(os.getpid(), signal.SIGHUP)
        print("went on", signals.received(), flush=True)
    """
    with script(lines) as (process, _):
        # not communicate(): what was read ahead with the first line would be lost
        assert process.stdout.read() == "went on 0\n"


def test_a_forked_process_takes_neither_children_nor_signals_of_its_parents(monkeypatch):
    monkeypatch.setattr(children, "_running", {1: None})
    monkeypatch.setattr(signals, "_received", [15])
    before = signal.signal(signal.SIGTERM, signals._stop)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # later Pythons warn of forks beside threads
            number = os.fork()
        if number == 0:
            clean = not children._running and not signals.received()
            os._exit(0 if clean and signal.getsignal(signal.SIGTERM) == signal.SIG_DFL else 3)
        assert os.waitstatus_to_exitcode(os.waitpid(number, 0)[1]) == 0
        assert children._running and signals.received() and signal.getsignal(signal.SIGTERM) is signals._stop
    finally:
        signal.signal(signal.SIGTERM, before)

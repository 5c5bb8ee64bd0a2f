"""How many processes do the work, and that none is left, however the one that started them ends."""

from __future__ import annotations

import os
import signal
import threading
import time
from types import SimpleNamespace

import psutil
import pytest
from gone import assert_gone
from test_children import script

from analysis.run import workers
from sae.errors import ConfigError

GB = 10**9

RUN = """
    import os, sys, time
    import psutil
    from analysis.system import signals
    from analysis.run import workers
    said = []

    def tell():
        found = psutil.Process().children(recursive=True)
        busy = [child for child in found if "popen_loky" in " ".join(child.cmdline())]
        if len(busy) == 2 and not said:
            said.append(print(*(child.pid for child in busy), flush=True))

    if __name__ == "__main__":
        try:
            signals.install()
            workers.in_processes(time.sleep, [(91,), (91,)], 2, tell)
        except KeyboardInterrupt:
            signals.leave()
"""


@pytest.mark.parametrize("number", [
    signal.SIGKILL,
    pytest.param(signal.SIGTERM, marks=pytest.mark.thorough),
    pytest.param(signal.SIGINT, marks=pytest.mark.thorough),
])  # fmt: skip
def test_workers_are_gone_when_the_process_that_started_them_is(number):
    """They sleep for a minute and a half, as a long stage would: nothing of it asks whether it should stop."""
    with script(RUN) as (process, busy):
        assert len(busy) == 2
        time.sleep(0.5)  # some are still starting, some work
        process.send_signal(number)
        assert process.wait(timeout=20) == (-number if number == signal.SIGKILL else 128 + number)
        assert_gone(busy)


def test_what_is_done_in_a_thread_of_this_process_is_asked_to_stop():
    begun = threading.Event()

    def work():
        begun.set()
        while not workers.stopping():
            time.sleep(0.01)

    def tell():
        if begun.is_set():
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        workers.in_processes(work, [()], 1, tell)
    assert workers.in_processes(os.getpid, [(), ()], 1) == [os.getpid()] * 2 and not workers.stopping()


@pytest.mark.parametrize(
    ("asked", "works", "free", "chosen", "words"),
    [
        (0, 10, 100 * GB, 6, ""),
        (3, 10, 100 * GB, 3, ""),
        (1_000_000, 10_000_000, 10**9 * GB, 6, "6 workers in place of 1000000: 6 cores"),
        (0, 2, 100 * GB, 2, ""),
        (0, 10, 10 * GB, 4, "4 workers in place of 6: 2.0 GB each, 10.0 GB are free"),
        (5, 10, 3 * GB, 1, "1 worker in place of 5"),
        (2, 10, 1 * GB, 1, "memory may not do: 2.0 GB each, 1.0 GB are free"),
        (7, 0, 10 * GB, 1, ""),
    ],
)
def test_there_are_as_many_workers_as_cores_and_as_memory_holds(monkeypatch, asked, works, free, chosen, words):
    monkeypatch.setattr("joblib.cpu_count", lambda: 6)
    monkeypatch.setattr(workers, "free_memory", lambda: free)
    found, why = workers.number(asked, works, 2 * GB)
    assert found == chosen
    assert words in why and bool(words) == bool(why)


def test_a_clusters_workers_have_machines_of_their_own(monkeypatch):
    monkeypatch.setattr(workers, "backend", lambda: "some_cluster")
    assert workers.number(64, 100, 10**15) == (64, "")


def test_what_is_free_is_what_the_machine_says_or_less():
    assert 0 < workers.free_memory() <= psutil.virtual_memory().total


V1 = {"memory/memory.limit_in_bytes": "900", "memory/memory.usage_in_bytes": "700"}


@pytest.mark.parametrize(
    ("files", "free"),
    [
        ({"memory.max": "900", "memory.current": "700", "memory.stat": "anon 50\ninactive_file 600\n"}, 800),
        ({"memory.max": "900", "memory.current": "950", "memory.stat": "anon 950\n"}, 0),
        ({"memory.max": "max", "memory.current": "700", "memory.stat": "anon 50\n"}, 5000),
        ({**V1, "memory/memory.stat": "inactive_file 1\ntotal_inactive_file 300\n"}, 500),
        ({**V1, "memory/memory.limit_in_bytes": str(2**63 - 4096), "memory/memory.stat": "cache 3\n"}, 5000),
        ({"memory.max": "nonsense", "memory.current": "1"}, 5000),
        ({}, 5000),
    ],
)
def test_a_containers_limit_counts_and_what_its_files_take_is_free(tmp_path, monkeypatch, files, free):
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(workers, "CGROUP", tmp_path)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=5000))
    assert workers.free_memory() == free


@pytest.mark.parametrize("name", ["locky", "dask"])
def test_a_backend_that_is_not_there_is_one_line(monkeypatch, name):
    monkeypatch.setenv(workers.BACKEND, name)
    with pytest.raises(ConfigError, match=f"backend = '{name}'.*usual: loky") as caught:
        workers.backend()
    assert "\n" not in str(caught.value)


def test_a_call_ends_with_its_work_and_not_with_the_next_report(monkeypatch):
    monkeypatch.setattr(workers, "POLL_SECONDS", threading.TIMEOUT_MAX)
    told = []
    assert workers.in_processes(abs, [(-3,), (4,)], 1, lambda: told.append(1)) == [3, 4]
    assert told

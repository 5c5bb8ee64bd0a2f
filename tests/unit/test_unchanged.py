"""A file is read again when it has changed, and when its times could not tell."""

from __future__ import annotations

import time
from types import SimpleNamespace

import pytest

from analysis.system import unchanged
from analysis.system.unchanged import WhileUnchanged


@pytest.fixture
def read():
    said = []

    @WhileUnchanged
    def read(path, end=""):
        said.append(path.name)
        return path.read_text() + end

    read.said = said
    return read


def test_a_file_is_read_once_for_each_of_its_versions(read, tmp_path):
    file = tmp_path / "a"
    file.write_text("one")
    time.sleep(2 * unchanged.TICK / 1e9)
    assert [read(file), read(file), read(file, "!"), read(file, end="!")] == ["one", "one", "one!", "one!"]
    assert len(read.said) == 3  # an argument by place and one by name are two questions
    file.write_text("another")
    assert read(file) == "another"
    read.forget()
    assert read(file, "!") == "another!"
    file.unlink()
    with pytest.raises(OSError):
        read(file)


def test_what_was_replaced_between_two_ticks_of_the_clock_is_seen(read, tmp_path, monkeypatch):
    """The next version has the same times, size and number: nothing but time tells that there may be one."""
    file, tick = tmp_path / "a", unchanged.TICK
    frozen = SimpleNamespace(st_mtime_ns=10**18, st_ctime_ns=10**18, st_size=3, st_ino=7)
    clock = SimpleNamespace(now=10**18 + tick // 2)
    monkeypatch.setattr(type(file), "stat", lambda self: frozen)
    monkeypatch.setattr(unchanged, "time", SimpleNamespace(time_ns=lambda: clock.now))
    file.write_text("one")
    assert read(file) == "one"
    file.write_text("two")
    assert read(file) == "two"
    clock.now += tick
    assert [read(file), read(file)] == ["two", "two"] and len(read.said) == 3

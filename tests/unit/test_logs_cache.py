"""Logs that were read before are taken from a cache, in which nothing can be code."""

from __future__ import annotations

import hashlib
import json
import os
import pickle
import re
from datetime import date
from pathlib import Path

import pytest
from tests_root import CHECKOUT
from written_logs import NOTEBOOK, TODO, cell, texts, write

from analysis.logs.compile import compile_logs
from analysis.logs.files import parse_bytes
from analysis.logs.items import Log


def kept(cache: Path) -> Path:
    """The one file of a cache."""
    (path,) = cache.iterdir()
    return path


def test_an_unchanged_log_is_taken_from_the_cache_and_a_changed_one_is_read_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    logs, cache = tmp_path / "logs", tmp_path / "cache"
    write(logs, "a.md", TODO)
    write(logs, "b.md", "## TODO\n- plot the norms\n")
    parsed: list[str] = []

    def counting(raw: bytes, name: str) -> Log:
        parsed.append(name)
        return parse_bytes(raw, name)

    monkeypatch.setattr("analysis.logs.cache.parse_bytes", counting)
    first = compile_logs([logs], cache_folder=cache)
    assert parsed == ["a.md", "b.md"] and first == compile_logs([logs], cache_folder=cache) == compile_logs([logs])
    assert parsed == ["a.md", "b.md"] * 2, "the last call has no cache"
    write(logs, "b.md", "## TODO\n- plot the angles\n")
    assert texts(compile_logs([logs], cache_folder=cache)) == ["plot the angles", "sweep the depth"]
    assert parsed == ["a.md", "b.md"] * 2 + ["b.md"]
    assert b"norms" not in kept(cache).read_bytes(), "the old version of b.md is not kept"


def test_a_log_from_the_cache_equals_the_log_in_all_it_holds(tmp_path: Path) -> None:
    logs, cache = tmp_path / "logs", tmp_path / "cache"
    text = "---\ntitle: A *title*\ndate: 2024-02-03\ncategory: x\n---\n## Questions\n- Is it [this](https://a.org)?\n"
    text += "  - [x] ![p](p.png) <!-- strata: dropped: no time -->\n\n```\na\n  b\n```\n## Work\n- [broken](a b)\n"
    write(logs, "sub/a.md", text)
    write(logs, "b.ipynb", json.dumps({**NOTEBOOK, "cells": [cell("markdown", "## TODO", "- a \ud800 half")]}))
    first = compile_logs([logs], cache_folder=cache)
    assert first.problems and any(item.block for item in first.items) and any(item.images for item in first.items)
    assert compile_logs([logs], cache_folder=cache) == first


def test_a_log_under_another_name_is_read_anew(tmp_path: Path) -> None:
    logs, cache = tmp_path / "logs", tmp_path / "cache"
    write(logs, "2024-01-02.md", TODO)
    compile_logs([logs], cache_folder=cache)
    (logs / "2024-01-02.md").rename(logs / "2024-01-03.md")
    (log,) = compile_logs([logs], cache_folder=cache).logs
    assert (log.file, log.date) == ("2024-01-03.md", date(2024, 1, 3))


class Bomb:
    """What a pickle can do: here, make a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.folder),)


def spoilt(whole: bytes, how: str) -> bytes:
    """A cache with something wrong in it; where that is its content, with the hash of that content."""
    head, _, text = whole.partition(b"\n")
    records = json.loads(text)
    (key,) = records
    item = records[key]["items"][0]
    if how == "cut off":
        return whole[:-3]
    if how == "a digit changed":
        return whole.replace(b"sweep", b"sweeq", 1)
    if how == "of another form":
        return head.replace(b"1", b"2", 1) + b"\n" + text
    if how == "deep":
        text = b"[" * 100_000
    if how == "a list":
        text = b"[1]"
    if how == "a record is a list":
        text = json.dumps({key: []})
    if how == "a field is missing":
        text = json.dumps({key: {name: value for name, value in records[key].items() if name != "title"}})
    if how == "an item is short":
        text = json.dumps({key: {**records[key], "items": [item[:-1]]}})
    if how == "an item holds nonsense":
        text = json.dumps({key: {**records[key], "items": [[{} for _ in item]]}})
    if how == "a line is a word":
        text = json.dumps({key: {**records[key], "structure": ["one"]}})
    if how == "an impossible day":
        text = json.dumps({key: {**records[key], "date": "2024-02-31"}})
    text = text.encode() if isinstance(text, str) else text
    return json.dumps({"strata-logs": 1, "sha256": hashlib.sha256(text).hexdigest()}).encode() + b"\n" + text


@pytest.mark.parametrize(
    "how",
    ["cut off", "a digit changed", "of another form", "deep", "a list", "a record is a list", "a field is missing",
     "an item is short", "an item holds nonsense", "a line is a word", "an impossible day"],
)  # fmt: skip
def test_a_cache_that_cannot_be_used_is_said_and_read_anew_and_mended(tmp_path: Path, how: str) -> None:
    logs, cache = tmp_path / "logs", tmp_path / "cache"
    write(logs, "a.md", TODO)
    compile_logs([logs], cache_folder=cache)
    whole = kept(cache).read_bytes()
    kept(cache).write_bytes(spoilt(whole, how))
    found = compile_logs([logs], cache_folder=cache)
    assert texts(found) == ["sweep the depth"]
    (problem,) = found.problems
    assert problem.file == kept(cache).name and "made anew" in problem.message and "\n" not in problem.message
    assert kept(cache).read_bytes() == whole
    assert not compile_logs([logs], cache_folder=cache).problems


@pytest.mark.parametrize("content", ["pickle", b"", b"\n", b"words", b"\x80\x05\x8c\x02\xff\xff."])
def test_nothing_that_lies_where_the_cache_does_is_run(tmp_path: Path, content: str | bytes) -> None:
    logs, cache = tmp_path / "logs", tmp_path / "cache"
    write(logs, "a.md", TODO)
    compile_logs([logs], cache_folder=cache)
    path = kept(cache)
    planted = pickle.dumps({"key": Bomb(tmp_path / "ran")}) if isinstance(content, str) else content
    for name in (path.name, path.with_suffix(".pickle").name):
        (cache / name).write_bytes(planted)
    assert texts(compile_logs([logs], cache_folder=cache)) == ["sweep the depth"]
    assert not (tmp_path / "ran").exists()


UNSAFE = re.compile(
    r"\b(?:import|from)\s+(?:pickle|cPickle|marshal|shelve|dill|cloudpickle|jsonpickle)\b|\bjoblib\.(?:load|Memory)\b"
    r"|\bread_pickle\b|\byaml\.(?:unsafe_load|full_load|UnsafeLoader|FullLoader|Loader\b)"
    r"|\ballow_pickle=(?!False)|(?<![.\w])(?:eval|exec)\("
)
TORCH = re.compile(r"\btorch\.load\((?:[^()]|\([^()]*\))*\)")


PLAIN = "_plain_pickle.py"
"""The published CIFAR: every name that it asks for is a stand-in of ours (tests/unit/test_published_sets.py)."""


def test_nothing_that_is_read_can_be_code() -> None:
    """No pickle is obeyed: numpy refuses one unless it is told otherwise, torch is told to, and a reader of ours looks
    up no name that a pickle gives."""
    found = []
    for path in (p for place in ("sae", "analysis", "benchmarks", "data") for p in (CHECKOUT / place).rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        calls = [match[0] for match in UNSAFE.finditer(text)]
        if set(re.findall(r"\bpickle\.(\w+)", text)) == {"UnpicklingError"}:  # what torch raises
            calls = [call for call in calls if call != "import pickle"]
        if path.name == PLAIN:
            assert "def find_class" in text and not re.search(r"pickle\.loads?\b", text)
            calls = [call for call in calls if call != "import pickle"]
        calls += [call[0] for call in TORCH.finditer(text) if "weights_only=True" not in call[0]]
        found += [f"{path.relative_to(CHECKOUT)}: {call}" for call in calls]
    assert not found


def test_a_cache_that_cannot_be_written_stops_nothing(tmp_path: Path) -> None:
    write(tmp_path, "logs/a.md", TODO)
    in_the_way = write(tmp_path, "cache", "a file where the folder should be")
    assert texts(compile_logs([tmp_path / "logs"], cache_folder=in_the_way)) == ["sweep the depth"]

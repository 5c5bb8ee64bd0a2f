"""docs/promises.md: every promise names tests that keep it, and the tests exist."""

from __future__ import annotations

import ast
import re
from functools import cache

import pytest
from tests_root import CHECKOUT

PAGE = CHECKOUT / "docs/promises.md"
ROW = re.compile(r"^\| (?P<promise>[^|]+?) \| (?P<tests>[^|]+?) \|$", re.M)
TEST = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")


def promises() -> list[tuple[str, str]]:
    rows = [(row["promise"], row["tests"]) for row in ROW.finditer(PAGE.read_text())]
    return [(promise, tests) for promise, tests in rows if promise != "promise" and not promise.startswith("--")]


@cache
def functions_of(file: str) -> frozenset[str]:
    nodes = ast.walk(ast.parse((CHECKOUT / file).read_text()))
    return frozenset(node.name for node in nodes if isinstance(node, ast.FunctionDef))


def test_there_are_promises() -> None:
    assert len(promises()) > 40
    assert len({promise for promise, _ in promises()}) == len(promises())


@pytest.mark.parametrize(("promise", "tests"), promises(), ids=[promise[:60] for promise, _ in promises()])
def test_a_promise_has_tests_that_exist(promise: str, tests: str) -> None:
    named = TEST.findall(tests)
    assert named and TEST.sub("", tests).strip(" ,") == ""
    for file, name in named:
        assert name in functions_of(file), f"{promise}: {file} has no {name}"

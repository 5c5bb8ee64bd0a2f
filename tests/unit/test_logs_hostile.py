"""Logs by someone who means harm, or whose program went wrong: read to the end, nothing lost, nothing outside opened."""

from __future__ import annotations


import pytest

from analysis.logs.files import parse_bytes
from sae.errors import DataError

EXPLOSIVE = {
    "brackets": "\n\n".join(["[" * 19_000] * 4),
    "pictures": "\n\n".join(["![" * 9_000] * 4),
    "links within links": "[" * 9_000 + "a" + "](b)" * 4_000,
    "emphasis within emphasis": "\n\n".join(["*" * 9_000 + "a" + "*" * 9_000] * 2),
    "quotes within quotes": "> " * 10_000 + "a",
    "lists within lists": "- " * 10_000 + "a",
    "lists by indent": "\n".join(" " * 2 * depth + "- a" for depth in range(1_000)),
    "a long line": "- " + "word " * 200_000,
    "headings": "# a\n" * 4_000,
    "a table": "| a | b | c | d |\n" * 5_000,
    "comments": "<!-- strata: " * 3_000,
    "backticks": "".join("`" * count + "a" for count in range(190)),
}


@pytest.mark.parametrize("name", EXPLOSIVE)
def test_what_nests_or_repeats_without_end_is_read_to_its_end(name: str) -> None:
    text = EXPLOSIVE[name]
    assert not parse_bytes(text.encode(), "a.md").lost_lines(text)


def test_a_paragraph_of_more_marks_than_one_writes_is_words() -> None:
    (item,) = parse_bytes(("[a](https://a.org) " * 1_100).encode(), "a.md").items
    assert item.text.startswith("[a](https://a.org)")
    (item,) = parse_bytes(("[a](https://a.org) " * 400).encode(), "a.md").items
    assert item.text.startswith("a a a")


@pytest.mark.parametrize("text", ['{"cells": ' + "[" * 100_000, '{"cells": ' + '{"a": ' * 100_000, "[" * 200_000])
def test_a_notebook_that_nests_without_end_is_refused_in_a_line(text: str) -> None:
    with pytest.raises(DataError, match="is none; skipped"):
        parse_bytes(text.encode(), "a.ipynb")

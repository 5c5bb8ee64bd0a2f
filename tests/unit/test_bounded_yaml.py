"""YAML costs no more than its size: names that multiply, depth and length end with a line, for settings and logs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tests_root import CHECKOUT

from analysis.logs.reader import parse_log
from analysis.site.project import load_project
from analysis.site.source import load_source
from analysis.system.bounded_yaml import CHARACTERS, YamlError, load
from sae.errors import RenderError

DOUBLED = "n0: &n0 {k: v, l: w}\n" + "".join(
    f"n{n}: &n{n} {{a: *n{n - 1}, b: *n{n - 1}, c: *n{n - 1}}}\n" for n in range(1, 25)
)
MERGED = "m0: &m0 {k: v}\n" + "".join(f"m{n}: &m{n} {{<<: [*m{n - 1}, *m{n - 1}]}}\n" for n in range(1, 30))
TEXTS = f"t: &t '{'long ' * 20_000}'\nall: [{', '.join(['*t'] * 500)}]\n"


@pytest.mark.parametrize("strings", [False, True])
@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        (DOUBLED, 8, "more than 20,000 values"),
        (MERGED, 12, "more than 20,000 values"),
        (TEXTS, 2, "more than 20,000 values"),
        ("".join(f"{' ' * n}k:\n" for n in range(60)), 40, "more than 40 deep"),
        ("a: 1\nb: [{c: [" + "[" * 200, 2, "more than 40 deep"),
        ("a: &a\n  - b\n  - *a\n", 3, "stands inside itself"),
        ("a: &a {b: 1\n", 2, "expected ',' or '}'"),
        ("x" * (CHARACTERS + 1), 1, "characters are more than"),
        ("a: b\nc: \x07\n", 1, "special characters are not allowed"),
    ],
)  # fmt: skip
def test_what_would_explode_is_refused_with_its_line(text: str, line: int, words: str, strings: bool) -> None:
    with pytest.raises(YamlError) as caught:
        load(text, strings=strings)
    assert caught.value.line == line and words in str(caught.value) and "\n" not in str(caught.value)


def test_names_that_stand_for_little_are_read() -> None:
    assert load("a: &a {x: 1}\nb: {<<: *a, y: [*a]}\n") == {"a": {"x": 1}, "b": {"x": 1, "y": [{"x": 1}]}}
    assert load("a: &a [1, no]\nb: *a\n", strings=True) == {"a": ["1", "no"], "b": ["1", "no"]}


@pytest.mark.parametrize(
    ("text", "value"),
    [("2024-03-05", "2024-03-05"), ("10:30", "10:30"), ("no", "no"), ("Off", "Off"), ("Yes", "Yes"), ("FALSE", False),
     ("-7", -7), ("1.5", 1.5), ("0x10", 16), ("true", True),
     ("~", None)],
)  # fmt: skip
def test_values_of_settings(text: str, value: object) -> None:
    assert load(f"k: {text}") == {"k": value}
    assert load(f"k: {text}", strings=True) == {"k": text}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("k: !!python/name:os.getcwd", "tag"), ("k: !!binary aGk=", "tag"), ("k: !own x", "tag"),
        ("k: 1\nl: 2\nk: 3", "stands twice"), (f"k: {'9' * 5000}", "4300"), ("? [a]\n: b", "unhashable"),
    ],
)  # fmt: skip
def test_no_tag_is_obeyed_and_no_key_stands_twice(text: str, words: str) -> None:
    with pytest.raises(YamlError, match=words):
        load(text)


@pytest.mark.parametrize("key", ["categories", "author", "title", "keywords"])
def test_a_page_is_refused_with_its_line(tmp_path: Path, key: str) -> None:
    (tmp_path / "a.qmd").write_text(f"---\n{DOUBLED}{key}: *n24\n---\n\nText\n")
    with pytest.raises(RenderError) as caught:
        load_source(tmp_path, "a.qmd", {})
    assert (caught.value.file, caught.value.line) == ("a.qmd", 9)


def test_so_are_the_settings(tmp_path: Path) -> None:
    (tmp_path / "_quarto.yml").write_text("project: {type: website}\n" + MERGED)
    with pytest.raises(RenderError, match=r"^_quarto\.yml:13: YAML: more than"):
        load_project(tmp_path)


def test_a_log_is_read_without_it_and_says_why() -> None:
    log = parse_log(f"---\ntitle: T\n{DOUBLED}---\n\n# Learnings\n\n- what was learned\n", "a.md")
    assert [item.text for item in log.items] == ["what was learned"] and log.title == "T"
    assert any("more than 20,000 values" in problem.message for problem in log.problems)


def test_nothing_else_reads_yaml() -> None:
    reads = re.compile(r"^\s*(?:import|from) (?:yaml|ruamel)\b", re.MULTILINE)
    found = [
        path.name
        for part in ("analysis", "sae")
        for path in (CHECKOUT / part).rglob("*.py")
        if reads.search(path.read_text())
    ]
    assert found == ["bounded_yaml.py"]

"""Nothing that Strata prints steers the terminal, whoever wrote it."""

from __future__ import annotations

import unicodedata

import pytest

from analysis.terminal import shown

STEERING = [
    "\x1b[2J",
    "\x07",
    "\x9b31m",
    "\r",
    "\x7f",
    "\u202e",
    "\u2066",
    "\u200f",
    "\u2028",
    "\ufeff",
    "\udc80",
    "\U000e0041",
]


@pytest.mark.parametrize("text", STEERING)
def test_what_steers_a_terminal_is_shown_as_an_escape(text):
    printed = shown(f"a{text}b")
    assert all(unicodedata.category(c) not in ("Cc", "Cf", "Cs") for c in printed)
    assert printed.startswith("a\\") and printed.endswith("b") and printed.isprintable()
    printed.encode("utf-8")


@pytest.mark.parametrize("text", ["Türme aus SAEs", "深さ 3", "مرحبا", "क्\u200dष", "👩\u200d🔬", "a\\x1b", ""])
def test_what_does_not_steer_it_stays(text):
    assert shown(text) == text


def test_a_name_stays_on_its_line_and_a_report_keeps_its_lines():
    assert shown("two\nlines\tof it") == "two\\nlines\\tof it"
    assert shown("two\nlines\tof \x1bit", line=False) == "two\nlines\tof \\x1bit"


def test_anything_can_be_shown():
    assert shown(ValueError("bad \x00")) == "bad \\x00"

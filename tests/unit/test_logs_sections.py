"""Front matter, heading names and days."""

from __future__ import annotations

from datetime import date

import pytest

from analysis.logs.dates import find_date, heading_date, parse_date
from analysis.logs.front_matter import front_matter
from analysis.logs.sections import section


@pytest.mark.parametrize(
    ("heading", "kind"),
    [
        ("Work Done", "done"),
        ("What I did today:", "done"),
        ("DONE", "done"),
        ("Confusions", "question"),
        ("Open questions", "question"),
        ("Questions for the next call", "question"),
        ("Confusons", "question"),  # a slip of the pen
        ("next-steps", "next_step"),
        ("TODO:", "next_step"),
        ("**Plan**", "next_step"),
        ("What's next", "next_step"),
        ("To be done", "next_step"),
        ("3. Observations", "learning"),
        ("What I learned", "learning"),
        ("Early results", "learning"),
        ("Cool Stuff", "resource"),
        ("Relevant Literature", "resource"),
        ("Hypotheses", "background"),
        ("Week 3: Next Steps", "next_step"),
    ],
)
def test_section_names_are_matched_loosely(heading: str, kind: str) -> None:
    found = section(heading)
    assert found is not None and found.kinds == (kind,) and not found.rest


@pytest.mark.parametrize("heading", ["Probing layer 3", "d1", "2024-06-23", "", "???", "Nested dolls", "Workshop"])
def test_other_headings_name_no_section(heading: str) -> None:
    assert section(heading) is None


def test_a_heading_may_name_two_sections_and_carry_an_item() -> None:
    both = section("Results & Next Steps")
    assert both is not None and both.kinds == ("learning", "next_step")
    with_item = section("Big Question: how deep is deep enough?")
    assert with_item is not None and with_item.rest == "how deep is deep enough?"


def test_labels_in_prose_need_a_whole_name() -> None:
    assert section("TODO: fix it", strict=True) is not None
    assert section("Results of the last sweep: bad", strict=True) is None


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2024-11-04", date(2024, 11, 4)),
        ("11/04/2024 23:31", date(2024, 11, 4)),  # US order
        ("23/06/2024", date(2024, 6, 23)),  # ... unless there is no 23rd month
        ("23.06.2024", date(2024, 6, 23)),
        ("04.11.2024", date(2024, 11, 4)),  # dots: day first
        ("11/04/24", date(2024, 11, 4)),
        ("20241104", date(2024, 11, 4)),
        ("November 4th, 2024", date(2024, 11, 4)),
        ("4 Nov 2024 at night", date(2024, 11, 4)),
        ("Mon Nov  4 23:31:00 EST 2024", date(2024, 11, 4)),
        ("2024-11-04T23:31:00-08:00", date(2024, 11, 4)),
        ("November 2024", None),
        ("4 November", None),
        ("10", None),
        ("2024-13-45", None),
        ("yesterday", None),
        ("", None),
    ],
)
def test_dates_are_read_and_never_made_up(text: str, day: date | None) -> None:
    assert parse_date(text) == day


def test_dates_in_names_and_headings() -> None:
    assert find_date("log_2024_06_23.md", name=True) == date(2024, 6, 23)
    assert find_date("run-10-11-12.md", name=True) is None
    assert heading_date("2024-06-23: a long day with many probes and much noise", None) == date(2024, 6, 23)
    assert heading_date("Everything that has happened since the crash of 2024-06-23", None) is None
    assert heading_date("0623", date(2024, 6, 1)) == date(2024, 6, 23)
    assert heading_date("January 5th", date(2024, 12, 20)) == date(2025, 1, 5)
    assert heading_date("0623", None) is None
    assert heading_date("0230", date(2024, 6, 1)) is None
    assert heading_date("d1", date(2024, 6, 1)) is None


def test_front_matter_in_three_styles() -> None:
    pelican = front_matter(["Title: A log", "Date: 2024-01-02", "", "Title: not this"])
    assert pelican.meta == {"title": "A log", "date": "2024-01-02"} and pelican.taken == range(2)
    yaml = front_matter(["---", "title: 'A log'", "tags: [a, b]", "---", "text"])
    assert yaml.meta == {"title": "A log", "tags": "a, b"} and yaml.taken == range(4)
    assert front_matter(["TODO: fix the loader", "more"]).taken == range(0)
    assert front_matter(["# A log", "**Date:** 2024-01-02", "text"]).meta == {"date": "2024-01-02"}


def test_broken_front_matter_is_read_and_reported() -> None:
    unclosed = front_matter(["---", "Title: A log", "", "## Work Done"])
    assert unclosed.meta == {"title": "A log"} and unclosed.taken == range(2) and unclosed.problems[0][0] == 1
    invalid = front_matter(["---", "title: a: b: c", "date: [", "---", "text"])
    assert invalid.meta["title"] == "a: b: c" and invalid.taken == range(4) and len(invalid.problems) == 2
    assert front_matter(["---", "A break, then prose.", "---"]).taken == range(0)
    assert front_matter(["Title: x", "Date: someday"]).problems == [(2, "no date understood in 'someday'")]


def test_yaml_tags_are_never_obeyed() -> None:
    header = front_matter(["---", "title: !!python/object/apply:os.getcwd []", "---"])
    assert header.meta["title"] == ""

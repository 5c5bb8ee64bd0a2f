"""One log, read into items."""

from __future__ import annotations

from datetime import date

from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.logs.items import Log
from analysis.logs.reader import parse_log

SECTIONED = """Title: Probe log 3
Date: 11/04/2024 10:00
Category: Logs

## Work Done
- built the [loader](https://example.org/loader)
    - with a cache
- Found that the cache halves the time

Wrote it up. Why is it slow on Mondays?

## confusions:
1. what is a feature
2. Why is it slow?

## Next Steps
- [x] fix the cache
    - and its test
- [ ] ask for more disk
- Post it here? Maybe elsewhere.
- How do they do it?? see the paper

[*code*](https://example.org/code)

### Big Question: Is it real?
"""


def rows(log: Log) -> list[tuple[int, str, str]]:
    return [(item.line, item.kind, item.text) for item in log.items]


def test_a_sectioned_log() -> None:
    log = parse_log(SECTIONED, "log.md")
    assert (log.title, log.date, log.category) == ("Probe log 3", date(2024, 11, 4), "Logs")
    assert rows(log) == [
        (6, "done", "built the loader"),
        (7, "done", "with a cache"),
        (8, "learning", "Found that the cache halves the time"),
        (10, "done", "Wrote it up. Why is it slow on Mondays?"),
        (10, "question", "Why is it slow on Mondays?"),
        (13, "question", "what is a feature"),
        (14, "question", "Why is it slow?"),
        (17, "next_step", "fix the cache"),
        (18, "next_step", "and its test"),
        (19, "next_step", "ask for more disk"),
        (20, "next_step", "Post it here? Maybe elsewhere."),
        (21, "question", "How do they do it?? see the paper"),
        (23, "resource", "code"),
        (25, "question", "Is it real?"),
    ]
    states = {item.text: item.state for item in log.items}
    assert states["fix the cache"] == states["and its test"] == "done"
    assert states["ask for more disk"] == "open"
    assert states["built the loader"] is None
    assert log.items[0].markdown == "built the [loader](https://example.org/loader)"
    assert log.items[1].parent == log.items[0].id and log.items[1].depth == 1
    assert not log.problems


def test_a_journal() -> None:
    text = (
        "# probes\n\n## 2024-06-23\nRead two papers. Why is k fixed? I will try batch top-k\ntomorrow.\n--\n"
        "Fell asleep.\n\n- [ ] mail Ann\n\n## 0624\nIt turns out k was 32.\n\n> said somebody: why?\n"
    )
    log = parse_log(text, "journal.txt")
    assert rows(log) == [
        (4, "done", "Read two papers."),
        (4, "question", "Why is k fixed?"),
        (4, "next_step", "I will try batch top-k tomorrow."),
        (7, "unsorted", "Fell asleep."),
        (9, "next_step", "mail Ann"),
        (12, "learning", "It turns out k was 32."),
        (14, "unsorted", "said somebody: why?"),
    ]
    assert [item.date and item.date.day for item in log.items] == [23, 23, 23, 23, 23, 24, 24]
    assert all(item.confidence < 1 for item in log.items if item.kind != "unsorted")
    assert log.items[2].end_line == 5
    assert not log.lost_lines(text)


def test_a_file_titled_questions_lists_questions() -> None:
    log = parse_log("Title: Some Questions about towers\n\n## Depth\n1. Can it stop\n    - I think so\n", "q.md")
    assert rows(log) == [(4, "question", "Can it stop"), (5, "background", "I think so")]
    assert log.items[1].parent == log.items[0].id


def test_labels_without_headings_open_sections() -> None:
    log = parse_log("TODO:\n- sweep k\n- Question: is k right\n\n**Learnings**\n\nk matters\n\n---\n\nTea.\n", "a.txt")
    assert [(item.kind, item.text) for item in log.items] == [
        ("next_step", "sweep k"),
        ("question", "is k right"),
        ("learning", "k matters"),
        ("unsorted", "Tea."),
    ]


def test_a_break_under_prose_does_not_swallow_the_prose() -> None:
    for rule in ("--", "---", "====", "-"):
        text = f"The loss fell a lot today.\nMore on it later.\n{rule}\n\nBye now.\n"
        assert "The loss fell a lot today." in [item.text for item in parse_log(text, "a.txt").items], rule
    assert [item.kind for item in parse_log("Next Steps\n==========\n\n- go\n", "a.md").items] == ["next_step"]


def test_line_endings_marks_and_dates_from_elsewhere() -> None:
    log = parse_log("\ufeffTitle: x\r\n\r\n## TODO\r\n- a\r\n- b\r\n", "2024-02-03-x.md")
    assert [(item.line, item.text) for item in log.items] == [(4, "a"), (5, "b")]
    assert log.date == date(2024, 2, 3)
    assert parse_log("# Log, 3 May 2024\n\n## TODO\n- a\n", "x.md").items[0].date == date(2024, 5, 3)
    assert parse_log("- a\n", "x.md").date is None


def test_broken_links_are_reported_where_they_are() -> None:
    text = "## Questions\n- fine\n- is it (that](https://example.org/a) or\n- [words](https://example.org/a b)\n"
    log = parse_log(text, "a.md")
    assert [problem.line for problem in log.problems] == [3, 4]
    assert log.items[1].text == "is it (that](https://example.org/a) or"
    assert "(https://example.org/a)" in log.items[1].markdown  # the address is still a link
    assert "](https" not in log.items[2].markdown.replace("\\](https", "")  # half of an address is not


def test_an_empty_file_is_a_problem_and_no_item() -> None:
    log = parse_log(" \n\n", "a.md")
    assert not log.items and log.problems[0].message == "the file is empty"


def test_what_the_parser_skips_is_kept() -> None:
    deep = "".join(f"{'  ' * n}- level{n}\n" for n in range(90))
    assert {f"level{n}" for n in range(90)} <= set(" ".join(i.text for i in parse_log(deep, "a").items).split())
    long = "## TODO\n- go\n" + "x" * 30_000 + "\n"
    log = parse_log(long, "a")
    assert log.items[-1].text == "x" * 30_000 and log.problems[0].line == 3
    links = parse_log("[paper]: https://example.org/p\nsee [this][paper]\n", "a")
    assert "https://example.org/p" in links.items[0].text + links.items[0].markdown
    assert "[this](https://example.org/p)" in links.items[1].markdown


def test_hostile_nesting_is_read_in_time() -> None:
    for text in (">" * 3000 + " a", "*" * 3000 + "a" + "*" * 3000, "![" * 4000, "!" * 15000, "[\n" * 3000):
        assert not parse_log(text, "a").lost_lines(text)


MARKS = (
    "- ",
    "    ",
    "## ",
    "TODO:",
    "[x] ",
    "? ",
    "`",
    "```",
    "> ",
    "--",
    "**",
    "[a](b)",
    "![",
    "1. ",
    "<b>",
    "|",
)
ODD = (
    "\n",
    "\n\n",
    "\n---\n",
    "\n===\n",
    "## Next Steps\n",
    "](http://x y)",
    "\t",
    "\r",
    "\x0b",
    "\u2028",
    "{{< x >}}",
)
BLOCKS = st.sampled_from((*MARKS, *ODD))


@settings(max_examples=100, deadline=None)
@given(st.one_of(st.text(max_size=200), st.lists(st.one_of(BLOCKS, st.text(max_size=8)), max_size=30).map("".join)))
def test_no_text_crashes_the_reader_and_no_line_is_lost(text: str) -> None:
    log = parse_log(text, "any.md")
    assert log.lost_lines(text) == []
    assert all(item.text and item.markdown and "\n" not in item.markdown for item in log.items)


WORDS_BLOCKS = st.sampled_from(
    ["\n", "\n\n", "- ", "    ", "> ", "* ", "```\n", "? ", ". ", "`", "**", "[x] ", "| ", "TODO: "]
)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.one_of(WORDS_BLOCKS, st.just("WORD ")), max_size=40))
def test_no_word_is_lost(parts: list[str]) -> None:
    words = [f"word{n}x" for n in range(len(parts))]
    text = "".join(part.replace("WORD", word) for part, word in zip(parts, words, strict=True))
    read = " ".join(item.text for item in parse_log(text, "any.md").items)
    assert [word for word in words if word in text and word not in read] == []

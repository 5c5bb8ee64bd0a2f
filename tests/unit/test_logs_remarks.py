"""Corrections by the author: comments in a log, and the `logs.toml` beside it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.logs.compile import compile_logs
from analysis.logs.history import history
from analysis.logs.items import Item, Log
from analysis.logs.reader import parse_log
from analysis.logs.remarks import parse_remark
from sae.errors import ConfigError


def read(text: str) -> Log:
    log = parse_log(text, "a.md")
    assert not log.lost_lines(text)
    return log


def rows(log: Log) -> list[tuple[str, str, str | None, str]]:
    return [(item.text, item.kind, item.state, item.note) for item in log.items]


def told(log: Log) -> list[tuple[str, int]]:
    return [(problem.file, problem.line) for problem in log.problems]


# comments in a log


def test_a_comment_behind_a_bullet_changes_that_bullet_alone() -> None:
    log = read(
        "## TODO\n- sweep <!-- strata: done -->\n- plot <!--strata:dropped: two cores: too few-->\n"
        "- [x] ask <!-- strata: open: nobody answered -->\n- wait\n- Odd <!-- strata: next_step -->\n"
        "- it bends <!-- strata: Learning -->\n\n## Questions\n- why? <!-- strata: work   done: in May -->\n"
    )
    assert rows(log) == [
        ("sweep", "next_step", "done", ""),
        ("plot", "next_step", "dropped", "two cores: too few"),
        ("ask", "next_step", "open", "nobody answered"),
        ("wait", "next_step", "open", ""),
        ("Odd", "next_step", "open", ""),
        ("it bends", "learning", None, ""),
        ("why?", "done", None, "in May"),
    ]
    assert not log.problems


def test_a_comment_within_prose_changes_only_the_sentence_before_it() -> None:
    log = read(
        "Tea was good. The [curve](a.md) bends. <!-- strata: learning: seen twice --> It rained.\n\nMore rain.\n"
    )
    assert rows(log) == [
        ("Tea was good.", "unsorted", None, ""),
        ("The curve bends.", "learning", None, "seen twice"),
        ("It rained.", "unsorted", None, ""),
        ("More rain.", "unsorted", None, ""),
    ]
    assert log.items[1].confidence == 1.0 and not log.problems


@pytest.mark.parametrize("blank", ["", "\n"])
def test_a_comment_alone_on_its_line_belongs_to_the_line_above(blank: str) -> None:
    log = read(f"## TODO\n- sweep\n- plot\n{blank}  <!-- strata: dropped: no time -->\n- wait\n")
    assert [(item.text, item.state) for item in log.items] == [("sweep", "open"), ("plot", "dropped"), ("wait", "open")]
    assert not log.problems
    prose = read(f"Tea. The curve bends.\n{blank}<!-- strata: learning -->\nIt rained.\n")
    assert [item.kind for item in prose.items] == ["unsorted", "learning", "unsorted"]


def test_a_correction_of_a_wrapped_item_or_of_one_with_children_is_its_own() -> None:
    log = read("## TODO\n- sweep the depth\n  and the width <!-- strata: done -->\n    - over k\n- plot\n")
    assert [(item.text, item.state) for item in log.items] == [
        ("sweep the depth and the width", "done"),
        ("over k", "open"),
        ("plot", "open"),
    ]


def test_corrections_that_say_nothing_known_or_stand_behind_nothing_are_problems_with_their_line() -> None:
    log = read(
        "<!-- strata: done -->\n## TODO\n- sweep <!-- strata: finished -->\n\n- plot\n<!-- strata: -->\n"
        "- a <!-- strata: dropped --> <!-- strata: done -->\n"
    )
    assert sorted(told(log)) == [("a.md", 1), ("a.md", 3), ("a.md", 6), ("a.md", 7)]
    words = {problem.line: problem.message for problem in log.problems}
    assert "behind no item" in words[1] and "behind no item" in words[7]
    assert "'finished'; known: question, next step, learning, work done" in words[3]
    assert rows(log)[:2] == [("sweep", "next_step", "open", ""), ("plot", "next_step", "open", "")]


def test_a_reason_with_an_angle_bracket_is_kept_or_the_comment_is_reported() -> None:
    log = read("## TODO\n- sweep <!-- strata: dropped: the loss stays > 3 -->\n")
    assert rows(log) == [("sweep", "next_step", "dropped", "the loss stays > 3")] or told(log) == [("a.md", 2)]


@pytest.mark.parametrize("fence", ["```", "~~~", "````"])
def test_in_code_comments_are_plain_text(fence: str) -> None:
    code = f"{fence}\n- b <!-- strata: done -->\n<!-- strata: odd -->\n{fence}\n"
    log = read(f"## TODO\n- a\n\n{code}\n- c <!-- strata: done -->\n")
    assert [(item.text, item.state) for item in log.items if item.kind == "next_step"] == [("a", "open"), ("c", "done")]
    (block,) = (item for item in log.items if item.kind == "unsorted")
    assert block.text == "- b <!-- strata: done --> <!-- strata: odd -->" and not log.problems


@pytest.mark.parametrize(("outer", "inner"), [("````", "```"), ("```", "~~~")])
def test_a_fence_within_a_fence_does_not_end_it(outer: str, inner: str) -> None:
    log = read(f"## TODO\n{outer}\n{inner}\n- b <!-- strata: done -->\n{inner}\n{outer}\n")
    assert "strata: done" in log.items[0].text and not log.problems


@pytest.mark.parametrize("code", ["```k``` is a name", "- ```\n  k\n  ```"], ids=["code in a line", "code in a bullet"])
def test_code_that_opens_no_fence_at_the_margin_switches_nothing_off(code: str) -> None:
    log = read(f"## TODO\n{code}\n\n- sweep <!-- strata: done -->\n")
    assert rows(log)[-1] == ("sweep", "next_step", "done", "")


@pytest.mark.parametrize(
    ("above", "kinds"),
    [
        ("```\ncode\n```", ["unsorted", "next_step"]),
        ("---\ntitle: x\n---", ["next_step"]),
        ("To do\n=====", ["next_step"]),
        ("---", ["next_step"]),
    ],
    ids=["a fence", "front matter", "a heading's underline", "a break"],
)
def test_a_comment_below_what_is_no_text_leaves_that_as_it_is(above: str, kinds: list[str]) -> None:
    text = f"{above}\n{{}}\n\n## TODO\n- go\n"
    log, bare = read(text.format("<!-- strata: dropped -->")), read(text.format(""))
    assert [item.kind for item in bare.items] == kinds
    assert [(item.text, item.kind, item.line) for item in log.items] == [
        (item.text, item.kind, item.line) for item in bare.items
    ]
    assert log.title == bare.title


def test_other_comments_stay_text_and_marks_of_our_own_are_never_seen() -> None:
    log = read("## TODO\n- sweep <!-- ask Ann --> \ue0101\ue011\n- plot \ue010\n")
    assert [item.text for item in log.items] == ["sweep <!-- ask Ann --> \ufffd1\ufffd", "plot \ufffd"]
    assert not log.problems and log.items[0].state == "open"
    titled = read("Title: x <!-- strata: done -->\n\n## TODO\n- sweep\n")
    assert not {"\ue010", "\ue011"} & set(titled.title) and told(titled) == [("a.md", 1)]


def test_the_words_of_a_correction() -> None:
    assert parse_remark("resource") and parse_remark(" Work_Done ") and parse_remark("dropped: a: b").reason == "a: b"
    assert [parse_remark(text) for text in ("", "answered", "carried on", "likely done", "done it")] == [None] * 5


# logs.toml


def settle(folder: Path, text: str) -> None:
    (folder / "logs.toml").write_text(text, encoding="utf-8")


def two_wordings(folder: Path) -> Item:
    """One question in two logs, in two wordings, compiled without corrections."""
    for number, words in (
        (1, "Why do the norms of the decoder rows shrink"),
        (2, "So why do the norms of decoder rows shrink"),
    ):
        (folder / f"{number}.md").write_text(f"Date: 2024-01-0{number}\n\n## Questions\n- {words} so much?\n")
    (folder / "3.md").write_text("Date: 2024-01-03\n\nTea.\n")
    (item,) = (item for item in compile_logs([folder]).items if item.kind == "question")
    assert len(item.seen) == 2
    return item


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("[corections.a]\nkind = 'done'\n", "'corections'; known: matching, corrections"),
        (
            "[matching]\nreturn = 0.5\n",
            "'return' \\(did you mean 'returns'\\?\\); known: likely_done, mentioned, returns",
        ),
        ("[matching]\nreturns = 0\n", r"matching.returns = 0.0: must be above 0"),
        ("[matching]\nlikely_done = 1.01\n", r"matching.likely_done = 1.01"),
        ("[matching]\nmentioned = nan\n", r"matching.mentioned = nan"),
        ("[matching]\nmentioned = 'much'\n", r"matching.mentioned = 'much': must be of type float"),
        ("[corrections.a]\nkind = 'quest'\n", "kind = 'quest'; known: question, next_step"),
        ("[corrections.a]\nstate = 'answered'\n", "state = 'answered'; known: open, done, dropped"),
        ("[corrections.a]\nreason = 'x'\n", "needs a kind, a state or"),
        ("[corrections.a]\nstates = 'done'\n", "corrections.a: unknown key 'states'"),
        ("[corrections\n", "logs.toml:1: "),
        ("matching = 3\n", "logs.toml:1: matching"),
        ("corrections = 3\n", "logs.toml:1: corrections"),
    ],
)
def test_settings_that_cannot_be_obeyed_are_refused_by_name(tmp_path: Path, text: str, named: str) -> None:
    settle(tmp_path, text)
    with pytest.raises(ConfigError, match=named):
        compile_logs([tmp_path])


def test_a_correction_of_an_id_that_is_nowhere_is_a_problem_with_its_line(tmp_path: Path) -> None:
    item = two_wordings(tmp_path)
    settle(tmp_path, f"[corrections.{item.id}]\nstate = 'done'\n\n[corrections.00ff]\nstate = 'done'\n")
    (problem,) = compile_logs([tmp_path]).problems
    assert (problem.file, problem.line, "'00ff'" in problem.message) == ("logs.toml", 4, True)


def test_a_state_by_the_shown_id_is_that_of_the_whole_thing_and_log_says_when(tmp_path: Path) -> None:
    item = two_wordings(tmp_path)
    settle(tmp_path, f"[corrections.{item.id}]\nstate = 'dropped'\nreason = 'they do not'\nlog = '3.md'\n")
    (found,) = (item for item in compile_logs([tmp_path]).items if item.kind == "question")
    assert (found.id, found.state, found.note, found.closed) == (item.id, "dropped", "they do not", "3.md")
    assert found.seen == item.seen
    settle(tmp_path, f"[corrections.{item.id}]\nstate = 'done'\n")
    (found,) = (item for item in compile_logs([tmp_path]).items if item.kind == "question")
    assert (found.state, found.closed) == ("answered", "2.md"), "without a log, by the last one that speaks of it"


def test_a_kind_by_the_shown_id_is_that_of_the_whole_thing(tmp_path: Path) -> None:
    item = two_wordings(tmp_path)
    settle(tmp_path, f"[corrections.{item.id}]\nkind = 'learning'\n")
    found = [(item.id, item.kind, len(item.seen)) for item in compile_logs([tmp_path]).items if item.text != "Tea."]
    assert found == [(item.id, "learning", 2)]


def test_a_correction_holds_when_an_older_log_with_other_words_is_found_later(tmp_path: Path) -> None:
    two_wordings(tmp_path)
    (own,) = compile_logs([tmp_path / "2.md"]).items
    settle(tmp_path, f"[corrections.{own.id}]\nstate = 'dropped'\n")
    found = compile_logs([tmp_path])
    assert [item.state for item in found.items if item.kind == "question"] == ["dropped"] and not found.problems


def test_the_shown_id_of_an_item_below_a_reworded_one_is_known(tmp_path: Path) -> None:
    words = "measure the norms of all the decoder rows again"
    (tmp_path / "1.md").write_text(f"Date: 2024-01-01\n\n## TODO\n- {words}\n    - small\n")
    (tmp_path / "2.md").write_text(f"Date: 2024-01-02\n\n## TODO\n- so {words}\n    - big\n")
    big = next(item for item in compile_logs([tmp_path]).items if item.text == "big")
    settle(tmp_path, f"[corrections.{big.id}]\nstate = 'dropped'\n")
    found = compile_logs([tmp_path])
    assert next(item.state for item in found.items if item.text == "big") == "dropped"
    assert not found.problems


@pytest.mark.parametrize("said", ["state = 'open'", "kind = 'next_step'", "state = 'done'"])
def test_a_log_that_is_not_there_closes_nothing_at_a_place_of_its_own(tmp_path: Path, said: str) -> None:
    (tmp_path / "1.md").write_text("## Questions\n- Why do the norms shrink?\n")
    (item,) = compile_logs([tmp_path]).items
    settle(tmp_path, f"[corrections.{item.id}]\n{said}\nlog = 'gone.md'\n")
    found = compile_logs([tmp_path])
    assert {item.closed for item in found.items} <= {"", "1.md"}
    assert (history(found).table["open"] >= 0).all()


# whatever is written

PARTS = (
    "<!-- strata: done -->", "<!-- strata: dropped: why not -->", "<!-- strata: learning -->", "<!-- strata: odd -->",
    "<!-- strata:", "-->", "<!-- x -->", "\ue010", "\ue011", "\ue0101\ue011", "\ue010\ue0102\ue011", "\n", "\n\n",
    "\n```\n", "\n````\n", "\n---\n", "\n===\n", "\n## TODO\n", "\n- ", "    ", "> ", "`", "| ", "**", "\r", "[a](b)",
    "![p](q.png)", "Why is it slow? ", "The curve bends. ", '{"cells": [', '"source": [\n  "- sweep\\n",\n',
    '"cell_type": "markdown"',
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.lists(st.one_of(st.sampled_from(PARTS), st.text(max_size=5)), max_size=25).map("".join))
def test_no_mixture_of_comments_and_marks_crashes_the_reader_or_loses_a_line(text: str) -> None:
    log = parse_log(text, "any.md")
    assert log.lost_lines(text) == []
    lines = text.count("\n") + text.count("\r") + 1
    assert all(1 <= problem.line <= lines for problem in log.problems)
    for item in log.items:
        assert item.text and item.markdown and item.line <= item.end_line <= lines
        if len(text) < 1000:
            assert "\ue010" not in item.text + item.markdown and "\ue011" not in item.text + item.markdown

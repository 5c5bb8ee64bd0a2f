"""Logs of people whom nobody asked how to write one: each kind of what was read wrongly."""

from __future__ import annotations

import random
from datetime import date
from pathlib import Path

import pytest

from analysis.logs.compile import compile_logs
from analysis.logs.dates import date_order, entry_day
from analysis.logs.files import dated, decode, notebook_text, parse_bytes
from analysis.logs.items import MAYBE_BELOW, Log
from analysis.logs.journal import judge
from analysis.logs.output import closing
from analysis.logs.reader import parse_log
from sae.errors import DataError


def kinds(log: Log) -> dict[str, str]:
    """Kind by words, "maybe" where it is not sure."""
    return {i.text: i.kind if i.confidence >= MAYBE_BELOW else f"maybe {i.kind}" for i in log.items}


def states(log: Log) -> dict[str, str | None]:
    return {item.text: item.state for item in log.items}


def test_a_label_ends_at_the_next_one_and_at_prose_below_its_list() -> None:
    log = parse_log("Confusions:\n- is the bias tied?\nKofi:\n- axes too faint\nThe server room was locked.\n", "a.txt")
    assert kinds(log)["is the bias tied?"] == "question"
    assert {"question", "maybe question"}.isdisjoint(
        {kinds(log)["axes too faint"], kinds(log)["The server room was locked."]}
    )
    after = parse_log("TODO:\n- rename the hook\n\nThe tea was cold.\n", "a.md")
    assert kinds(after)["The tea was cold."] == "unsorted"


@pytest.mark.parametrize("setting", ["wd=0.1", "batch=256, seed=3", "Run ID: 90210", "dropout: 0.2", "epochs=40 k=8"])
def test_a_setting_is_no_finding(setting: str) -> None:
    assert judge(setting).kind == "unsorted"
    assert kinds(parse_log(f"## Results\n- {setting}\n", "a.md")) == {setting: "unsorted"}


def test_a_metric_and_a_comparison_are_a_finding() -> None:
    assert judge("Accuracy is 0.91 against 0.84 for the baseline.").kind == "learning"
    assert judge("The fvu went from .3 to .12.").kind == "learning"


@pytest.mark.parametrize("mark", ["[x]", "[done]", "(done)", "-- done", "\u2705", "\u2014 erledigt"])
@pytest.mark.parametrize("head", ["", "## Next Steps\n", "## Questions\n"])
def test_marks_of_done_count_in_every_section(mark: str, head: str) -> None:
    (item,) = parse_log(f"{head}- label the axes {mark}\n", "a.md").items
    assert item.state == "done" and item.text == "label the axes"
    assert parse_log(f"## Results\n- label the axes {mark}\n", "a.md").items[0].kind == "done"


def test_orders_are_steps_below_a_topic_and_behind_an_introduction() -> None:
    log = parse_log("- Viewer\n  - Raise the contrast\n  - Hide empty rows\n  - a darker background\n", "a.md")
    assert [item.kind for item in log.items[1:]] == ["next_step"] * 3
    led = parse_log("The referee has a point and we must now:\n- a table of seeds\n- intervals\n\nHm.\n- tea\n", "a.md")
    assert [kinds(led)[text] for text in ("a table of seeds", "intervals")] == ["next_step"] * 2
    assert kinds(led)["tea"] == "unsorted"


def test_a_bullet_of_several_sentences_is_several_things() -> None:
    log = parse_log("- The encoder overfits. I should add weight decay. Why does the bias grow?\n", "a.md")
    assert [item.kind for item in log.items] == ["learning", "next_step", "question"]
    kept = parse_log("## Next Steps\n- Post it on the wiki? Perhaps next to the old one.\n", "a.md")
    assert len(kept.items) == 1


@pytest.mark.parametrize(
    "text",
    [
        "The job died at step 900.",
        "Still no convergence.",
        "No difference between the two.",
        "Half of the heads are dead.",
    ],
)
def test_outcomes_need_no_cue_words(text: str) -> None:
    assert judge(text).kind == "learning"


@pytest.mark.parametrize(
    "text",
    [
        "I have ported the probe.",
        "A cache was added.",
        "Did some 12 sweeps.",
        "Loader rewritten and tested.",
        "We've moved the data.",
    ],
)
def test_work_is_told_in_the_perfect_and_the_passive(text: str) -> None:
    verdict = judge(text)
    assert verdict.kind == "done" and verdict.confidence >= MAYBE_BELOW


def test_a_row_of_a_table_is_an_item_and_its_status_its_state() -> None:
    log = parse_log(
        "## Questions\n\n| what | status |\n|---|---|\n"
        "| is k tied to width? | open |\n| whether norms drift | solved |\n",
        "a.md",
    )
    assert states(log) == {"is k tied to width?": "open", "whether norms drift": "answered"}
    tasks = parse_log(
        "| task | state |\n|---|---|\n| plot norms | done |\n| mail Ngozi | dropped |\n| sweep | |\n", "a.md"
    )
    assert [(item.kind, item.state) for item in tasks.items] == [
        ("next_step", "done"), ("next_step", "dropped"), ("next_step", "open"),
    ]  # fmt: skip
    figures = parse_log("## Results\n\n| k | loss |\n|---|---|\n| 8 | .31 |\n| 16 | .22 |\n", "a.md")
    assert [item.kind for item in figures.items] == ["unsorted"]


def test_org_files_have_tasks_boxes_and_drawers() -> None:
    text = (
        "#+TITLE: Heads\n* Plans\n** TODO [#B] ablate head 3 :gpu:\n   :PROPERTIES:\n   :Effort: 2h\n   :END:\n"
        "** DONE export the weights\n   CLOSED: [2024-05-02 Thu]\n** CANCELLED port to jax\n* <2024-05-03 Fri>\n"
        "- [[https://example.org/h][head notes]]\n#+BEGIN_SRC python\nx = 1\n#+END_SRC\n"
    )
    log = parse_log(text, "a.org")
    assert log.title == "Heads" and not log.lost_lines(text)
    assert states(log) | {} == {
        "ablate head 3": "open", "export the weights": "done", "port to jax": "dropped", "head notes": None,
        "python x = 1": None,
    }  # fmt: skip
    assert log.items[-1].date == date(2024, 5, 3)


def test_restructured_text_has_titles_fields_and_tables() -> None:
    text = (
        "=====\nNotes\n=====\n\n:Date: 7 June 2024\n\nTo ask\n------\n\n#. Is the split theirs?\n\nWhat came out\n"
        "-------------\n\n.. note::\n\n   Tweets fall to 0.7.\n\n"
        "See `the page <https://example.org/p>`_ ::\n\n    x = 1\n\n"
        "====  ====\nk     loss\n====  ====\n1     0.3\n====  ====\n"
    )
    log = parse_log(text, "a.rst")
    assert (log.title, log.date) == ("Notes", date(2024, 6, 7)) and not log.lost_lines(text)
    assert kinds(log)["Is the split theirs?"] == "question" and kinds(log)["Tweets fall to 0.7."] == "learning"


def test_lines_with_times_are_entries_and_machines_say_nothing() -> None:
    text = "[2024-07-14 09:12:03] INFO step 20 loss 0.4\n"
    text += "[2024-07-15 10:00] note: the run died\n[2024-07-15 10:01] todo: halve lr\n"
    log = parse_log(text, "train.log")
    assert [item.kind for item in log.items] == ["unsorted", "learning", "next_step"]
    assert [item.date for item in log.items] == [date(2024, 7, 14), date(2024, 7, 15), date(2024, 7, 15)]


def test_a_folder_says_once_what_it_did_not_read(tmp_path: Path) -> None:
    for name in ("notes", "a.org", "b.rst", "c.log", "README.md", "plot.png", "LICENSE", "x.csv"):
        (tmp_path / name).write_text("TODO:\n- go\n")
    (tmp_path / "bad.md").write_bytes(b"%PDF-1.7 text")
    found = compile_logs([tmp_path])
    assert [log.file for log in found.logs] == ["a.org", "b.rst", "c.log", "notes"]
    assert found.unread == ("LICENSE", "README.md", "plot.png", "x.csv")
    told = closing(found)
    assert "read 4 logs" in told and "skipped 1 file (1 a PDF)" in told and "4 files that by name are no logs" in told


def test_a_file_keeps_to_one_order_of_day_and_month() -> None:
    log = parse_log("3/7/23\n- a\n\n30/7/23\n- b\n\n8/8/23\n- c\n", "a.md")
    assert [item.date for item in log.items] == [date(2023, 7, 3), date(2023, 7, 30), date(2023, 8, 8)]
    assert date_order(["4/9/23", "4/10/23", "4/22/23"]) is False and date_order(["4/5/23"]) is None


def test_a_day_alone_or_in_brackets_opens_an_entry() -> None:
    log = parse_log(
        "April 9, 2023\nThe run died.\n\n**11 April 2023**\n\n- tea\n\n[2023-04-12] The run lived.\n", "a.txt"
    )
    assert [item.date for item in log.items] == [date(2023, 4, 9), date(2023, 4, 11), date(2023, 4, 12)]
    assert entry_day("We met on April 9, 2023") is None and entry_day("\u7b2c 2023\u5e745\u67088\u65e5") is None
    assert entry_day("2023\u5e745\u67088\u65e5") == date(2023, 5, 8)


def test_a_day_without_a_year_is_kept_and_none_is_made_up() -> None:
    log = parse_log("## 0623\n- a\n\n## 0701\n- b\n", "a.md")
    assert [(item.date, item.when) for item in log.items] == [(None, "06-23"), (None, "07-01")]
    assert [item.date for item in dated(log, date(2024, 8, 1)).items] == [date(2024, 6, 23), date(2024, 7, 1)]


@pytest.mark.parametrize(
    "text",
    [
        "Solved:\n- Is the loss in nats? NO.\n",
        "## Questions\n- Is it in nats? A: yes, everywhere\n",
        "- does k matter?\n  - Yes, a lot.\n",
    ],
)
def test_a_question_answered_in_place_is_answered(text: str) -> None:
    assert parse_log(text, "a.md").items[0].state == "answered"


@pytest.mark.parametrize(
    "heading",
    ["Offene Fragen", "Preguntas", "Domande", "D\u00favidas", "Vragen", "Pytania",
     "\u0412\u043e\u043f\u0440\u043e\u0441\u044b",
     "\u7591\u95ee", "\u8cea\u554f", "\uc9c8\ubb38", "Fr\u00e5gor", "Sorular"],
)  # fmt: skip
def test_headings_are_known_in_other_languages(heading: str) -> None:
    assert parse_log(f"## {heading}\n- seed 2, k 8\n", "a.md").items[0].kind == "question"


@pytest.mark.parametrize("mark", ["?", "\uff1f", "\u061f", "\u055e"])
def test_a_question_mark_of_any_script_asks(mark: str) -> None:
    verdict = judge(f"\u5b66\u4e60\u7387\u592a\u9ad8\u4e86\u5417{mark}")
    assert verdict.kind == "question" and verdict.confidence >= MAYBE_BELOW


@pytest.mark.parametrize(
    ("step", "report"),
    [
        ("fix the plot", "fixed the colour plot of the tokenizer"),
        ("evaluate the pruned encoder", "started evaluating the pruned encoder"),
        ("evaluate the pruned encoder", "will evaluate the pruned encoder on Monday"),
        ("read chapter on sheaves (2)", "read chapter on sheaves (1)"),
    ],
)
def test_generic_words_beginnings_plans_and_other_numbers_close_nothing(tmp_path: Path, step: str, report: str) -> None:
    (tmp_path / "1.md").write_text(f"Date: 2024-01-01\n\n## TODO\n- {step}\n")
    (tmp_path / "2.md").write_text(f"Date: 2024-02-01\n\n## Work Done\n- {report}\n")
    item = next(item for item in compile_logs([tmp_path]).items if item.kind == "next_step")
    assert item.state == "open"


@pytest.mark.parametrize(
    "text",
    [
        "Who needs a validation set anyway?",
        "Who on earth wrote this?",
        "What did I expect from May?",
        'Ana: "but is it true?"',
    ],
)
def test_rhetorical_and_quoted_questions_are_only_maybe(text: str) -> None:
    verdict = judge(text)
    assert verdict.kind == "question" and verdict.confidence < MAYBE_BELOW


@pytest.mark.parametrize(
    "text", ["It makes sense that the loss falls.", "It should be fine.", "I'll never like June.", "Lunch with Bo."]
)
def test_statements_with_the_cue_of_a_step_are_none(text: str) -> None:
    assert judge(text).kind != "next_step" or judge(text).confidence < MAYBE_BELOW


def test_a_picture_is_no_work() -> None:
    assert parse_log("## Work Done\n- ![loss](loss.png)\n\n![again](b.png)\n", "a.md").items[0].kind == "unsorted"


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
def test_encodings_without_a_mark_are_told_by_their_zero_bytes(encoding: str) -> None:
    text, note = decode("## TODO\n- weigh the caf\u00e9\n".encode(encoding))
    assert text == "## TODO\n- weigh the caf\u00e9\n" and encoding.upper() in note
    with pytest.raises(DataError, match="zero bytes"):
        decode(bytes(range(8)) * 4)


def test_a_notebook_of_the_third_format_is_read() -> None:
    text = '{"worksheets": [{"cells": [\n{"cell_type": "heading", "level": 2,\n"source": [\n"TODO"\n]},\n'
    text += (
        '{"cell_type": "code",\n"input": [\n"x = 1"\n]},\n{"cell_type": "markdown",\n"source": [\n"- go on"\n]}\n]}],'
    )
    text += ' "nbformat": 3}'
    assert "## TODO" in notebook_text(text)[0]
    assert [(item.kind, item.text) for item in parse_bytes(text.encode(), "a.ipynb").items] == [("next_step", "go on")]


PARTS = (
    "# Log 4", "## Questions", "TODO:", "Kofi:", "**Plan**", "- [x] plot", "- a. Why? I should go on.", "  - nested",
    "| task | status |", "|---|---|", "| sweep | done |", "", "", "[2024-03-03 10:00] it died", "March 3, 2024",
    "3/4/24",
    "** TODO go", "* Head", ":PROPERTIES:", ":END:", "#+BEGIN_SRC", "#+END_SRC", ".. note::", "   indented",
    "====", "----",
    ":Date: 2024-01-01", "Prose runs on here.", "lower prose", "```", "> [!todo] box", "> quoted", "x = 1", "1. one",
    "+---+",
    "10:02 <ana> hi", "\u4e3a\u4ec0\u4e48\uff1f\u4e0b\u4e00\u53e5\u3002", "~~struck~~ rest", "![p](p.png)", "$$", "- ",
)  # fmt: skip


@pytest.mark.parametrize("suffix", [".md", ".org", ".rst", ".log"])
def test_no_line_of_a_generated_log_is_lost(suffix: str) -> None:
    dice = random.Random(suffix)
    for number in range(250):
        text = "\n".join(dice.choices(PARTS, k=dice.randint(1, 14)))
        assert parse_log(text, f"a{suffix}").lost_lines(text) == [], (number, text)

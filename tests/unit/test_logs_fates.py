"""What several logs say together: things that return, what became of steps and questions, threads, and counts."""

from __future__ import annotations

import tempfile
import warnings
from collections import Counter
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.logs.compile import compile_logs
from analysis.logs.fates import Order
from analysis.logs.history import history
from analysis.logs.items import Compilation, Item
from analysis.logs.likeness import target
from analysis.logs.output import to_json
from analysis.logs.threads import age, forgotten, returning, themes


def put(folder: Path, *bodies: str) -> list[Path]:
    """A log a body, 1.md and so on, a day apart."""
    paths = [folder / f"{number}.md" for number in range(1, len(bodies) + 1)]
    for number, (path, body) in enumerate(zip(paths, bodies, strict=True), 1):
        path.write_text(f"Date: 2024-01-0{number}\n\n{body}\n", encoding="utf-8")
    return paths


def compiled(folder: Path, *bodies: str, answered: dict[str, str] | None = None) -> Compilation:
    return compile_logs(put(folder, *bodies), answered=answered)


def the(found: Compilation, text: str) -> Item:
    (item,) = (item for item in found.items if item.text == text)
    return item


# one thing or two


@pytest.mark.parametrize(
    ("one", "other", "things"),
    [
        ("map decoder codes to digit labels", "digit labels, mapped to decoder codes", 2),  # another order
        ("map decoder codes to digit labels", "decoder codes mapped to the digit labels", 1),
        ("the norms of all decoder rows, plot them", "So: the norms of our decoder rows plotted", 1),
        ("the decoder norms, plot them", "decoder norms plotted", 1),
        ("the norms, plot them", "norms plotted", 2),  # two shared words are too few
        ("sweep the sparsity of towers at depth 2", "towers: sparsity sweep at depth 3", 2),
        ("the sparsity sweep of towers at depth 2", "sparsity sweeps of a tower, depth 2", 1),
        ("the EMNIST digits, a sparsity sweep", "MNIST digits: sparsity sweeps", 2),
        ("the MNIST digits, a sparsity sweep", "MNIST digits: sparsity sweeps", 1),
        ("the digits without a sparsity sweep", "digits with sparsity sweeps", 2),
        ("the digits (all 10) with a sparsity sweep of towers", "digits with sparsity sweeps of towers (or 5)", 1),
        ("the digits, all 10, with a sparsity sweep of towers", "digits with sparsity sweeps of towers, or 5", 2),
    ],
)
def test_rewordings_are_one_thing_and_what_only_looks_alike_is_two(
    tmp_path: Path, one: str, other: str, things: int
) -> None:
    found = compiled(tmp_path, f"## TODO\n- {one}", f"## TODO\n- {other}")
    assert len(found.items) == things
    if things == 1:
        (item,) = found.items
        assert [(seen.file, seen.line, seen.text) for seen in item.seen] == [("1.md", 4, one), ("2.md", 4, other)]
        assert (item.text, item.date, item.state) == (other, date(2024, 1, 2), "carried_on")


def test_two_like_lines_of_one_day_and_two_kinds_stay_two(tmp_path: Path) -> None:
    found = compiled(tmp_path, "## TODO\n- the decoder norms, plot them\n- decoder norms plotted")
    assert len(found.items) == 2
    found = compiled(
        tmp_path, "## TODO\n- the decoder norms, plot them", "## Learnings\n- the decoder norms, plot them"
    )
    assert [item.kind for item in found.items] == ["next_step", "learning"]


# fates

STEP = "plot the norms of the decoder rows"
REPORT = "- plotted norms of decoder rows for one seed"


def test_a_step_is_likely_done_by_later_work_with_score_and_evidence(tmp_path: Path) -> None:
    step = the(compiled(tmp_path, f"## TODO\n- {STEP}", "Tea.", f"## Work Done\n{REPORT}"), STEP)
    assert step.state == "likely_done" and step.match is not None
    assert step.match[:4] == (date(2024, 1, 3), "3.md", 4, REPORT[2:])
    assert 0.55 <= step.match.score <= 1 and step.closed == "3.md"


@pytest.mark.parametrize(
    "bodies",
    [
        (f"## Work Done\n{REPORT}", f"## TODO\n- {STEP}"),
        (f"## TODO\n- {STEP}\n\n## Work Done\n{REPORT}",),
        (f"## TODO\n- {STEP}", f"## Questions\n{REPORT}"),
        (f"## TODO\n- {STEP}", "## Work Done\n- the rows were sorted"),
        (f"## TODO\n- {STEP}", f"## Work Done\n{REPORT}", f"## TODO\n- {STEP}"),
    ],
    ids=["earlier work", "work in its own log", "a question", "too little of it", "named again after the work"],
)
def test_a_step_is_not_likely_done_by(tmp_path: Path, bodies: tuple[str, ...]) -> None:
    step = the(compiled(tmp_path, *bodies), STEP)
    assert step.state in ("open", "carried_on") and step.match is None and step.closed == ""


@pytest.mark.parametrize(("host", "state"), [("EMNIST", "open"), ("MNIST", "likely_done"), ("MNIST 3", "likely_done")])
def test_names_of_a_step_must_stand_in_the_work(tmp_path: Path, host: str, state: str) -> None:
    found = compiled(
        tmp_path, "## TODO\n- compare towers of MNIST digits", f"## Work Done\n- compared towers of {host} digits"
    )
    assert the(found, "compare towers of MNIST digits").state == state


def test_a_nested_step_is_judged_with_its_parent(tmp_path: Path) -> None:
    nested = "## TODO\n- compare decoder norms of every seed\n    - sparse encoder bias"
    work = "## Work Done\n- wrote about the sparse encoder bias"
    assert the(compiled(tmp_path, nested, work), "sparse encoder bias").state == "open"
    assert the(compiled(tmp_path, "## TODO\n- sparse encoder bias", work), "sparse encoder bias").state == "likely_done"
    work = "## Work Done\n- compared decoder norms of every seed by their sparse encoder bias"
    assert the(compiled(tmp_path, nested, work), "sparse encoder bias").state == "likely_done"


def test_steps_and_questions_are_carried_on_dropped_done_and_answered(tmp_path: Path) -> None:
    first = "## TODO\n- sweep\n- plot <!-- strata: dropped: too dear -->\n- [x] wait\n\n"
    first += "## Questions\n- why?\n- how?\n- when?"
    second = "## TODO\n- Sweep!\n\n## Questions\n- how? <!-- strata: done -->"
    why = the(compiled(tmp_path, first, second, "Tea."), "why?")
    found = compiled(tmp_path, first, second, "Tea.", answered={why.id: "2.md"})
    states = {item.text: (item.state, item.closed, item.note) for item in found.items if item.state}
    assert states == {
        "Sweep!": ("carried_on", "", ""),
        "plot": ("dropped", "1.md", "too dear"),
        "wait": ("done", "1.md", ""),
        "why?": ("answered", "2.md", ""),
        "how?": ("answered", "2.md", ""),
        "when?": ("open", "", ""),
    }
    found = compiled(tmp_path, first, second, "Tea.", answered={why.id: ""})
    assert the(found, "why?").closed == "3.md", "no log given: by the last one"


def test_an_open_item_knows_the_later_place_that_speaks_of_it_most_clearly(tmp_path: Path) -> None:
    question = "Why do decoder norms shrink?"
    later = "## Learnings\n- norms of an encoder shrink\n- decoder norms shrink with depth"
    found = compiled(tmp_path, "## Learnings\n- decoder norms shrink early", f"## Questions\n- {question}", later)
    item = the(found, question)
    assert item.state == "open" and item.mentioned is not None
    assert (item.mentioned.file, item.mentioned.line) == ("3.md", 5)
    assert the(compiled(tmp_path, "Tea.", f"## Questions\n- {question}", "Tea!"), question).mentioned is None


# threads


def test_forgotten_are_open_top_steps_after_two_silent_logs(tmp_path: Path) -> None:
    body = "## TODO\n- sweep widths of hosts\n    - both ways\n- [x] wait\n- mail Ann\n- order more disks"
    heard = "## TODO\n- mail Ann\n\n## Questions\n- who has the disks that are on order?"

    def silent(*bodies: str) -> list[str]:
        found = compiled(tmp_path, *bodies)
        return [item.text for item in forgotten(found.items, Order.of(found.logs))]

    assert silent(body, "Tea.") == []
    assert silent(body, "Tea.", "More tea.") == ["sweep widths of hosts", "mail Ann", "order more disks"]
    assert silent(body, heard, "More tea.") == ["sweep widths of hosts"]


@pytest.mark.parametrize(
    "addresses",
    [
        (
            "https://arxiv.org/abs/2309.08600",
            "http://arxiv.org/pdf/2309.08600v2",
            "https://www.arxiv.org/html/2309.08600",
        ),
        (
            "https://www.lesswrong.com/posts/z6QQJbtpkEAX3Aojj/interim",
            "https://lesswrong.com/posts/z6QQJbtpkEAX3Aojj/final?x=1#y",
            "https://www.alignmentforum.org/posts/z6QQJbtpkEAX3Aojj",
        ),
        ("https://Example.org/a/", "http://www.example.org/a", "https://example.org/a#part"),
    ],
)
def test_an_address_that_three_logs_link_to_returns_in_all_its_forms(
    tmp_path: Path, addresses: tuple[str, ...]
) -> None:
    assert len({target(address) for address in addresses}) == 1
    bodies = [f"## Resources\n- [{word}]({address})" for word, address in zip("abc", addresses, strict=True)]
    (thread,) = returning(compiled(tmp_path, *bodies).items)
    assert [seen.file for seen in thread.seen] == ["1.md", "2.md", "3.md"] and thread.link in addresses
    assert returning(compiled(tmp_path, *bodies[:2]).items) == []


def test_other_addresses_lead_elsewhere_and_returning_items_are_listed_by_how_often(tmp_path: Path) -> None:
    assert target("https://arxiv.org/abs/2309.08600") != target("https://arxiv.org/abs/2309.08601")
    assert target("https://example.org/a") != target("https://example.org/b")
    found = compiled(
        tmp_path, "## TODO\n- sweep\n- wait\n- plot", "## TODO\n- sweep\n- wait\n- wait", "## TODO\n- wait"
    )
    assert [(thread.label, len(thread.seen)) for thread in returning(found.items)] == [("wait", 3), ("sweep", 2)]


def test_themes_hold_every_item_once_and_come_out_the_same_again(tmp_path: Path) -> None:
    words = ("decoder norms shrink", "decoder norms bend", "decoder norms cross", "digits look odd", "digits look thin")
    found = compiled(
        tmp_path, "## Learnings\n" + "\n".join(f"- {text}" for text in words) + "\n\n## TODO\n- sort digits"
    )
    made = themes(found.items)
    assert sorted(item.text for theme in made for item in theme.items) == sorted((*words, "sort digits"))
    assert [{"decoder", "digits"} & set(theme.words) for theme in made] == [{"decoder"}, {"digits"}]
    assert themes(found.items) == made
    assert themes(found.items[:5]) == [], "a handful has none"


@pytest.mark.parametrize("words", ["sweep depth {}", "sweep width{}"], ids=["the same", "but for words of their own"])
@pytest.mark.parametrize("count", [6, 30])
def test_themes_of_items_that_share_their_only_words_are_made_without_a_warning(
    tmp_path: Path, count: int, words: str
) -> None:
    found = compiled(tmp_path, "## TODO\n" + "\n".join(f"- {words.format(number)}" for number in range(count)))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        made = themes(found.items)
    assert sum(len(theme.items) for theme in made) in (0, count)


# counts


def test_the_history_counts_what_was_asked_and_closed_until_each_log(tmp_path: Path) -> None:
    found = compiled(
        tmp_path,
        f"## TODO\n- {STEP}\n    - for all\n- wait\n\n## Questions\n- why?\n- how?",
        "## TODO\n- sort <!-- strata: dropped -->\n- wait\n\n## Questions\n- when?",
        f"## Work Done\n{REPORT}\n\n## Questions\n- how? <!-- strata: done -->",
    )
    table = history(found).table
    counted = {kind: rows[["asked", "closed", "open"]].values.tolist() for kind, rows in table.groupby("kind")}
    assert counted == {
        "questions": [[2, 0, 2], [3, 0, 3], [3, 1, 2]],
        "next steps": [[2, 0, 2], [3, 1, 2], [3, 2, 1]],
    }
    assert table["log"].tolist() == [1, 2, 3] * 2 and table["date"].tolist()[:2] == ["2024-01-01", "2024-01-02"]
    assert history(found).digest == history(found).digest
    changed = replace(found, items=tuple(replace(item, closed="") for item in found.items))
    assert history(changed).digest != history(found).digest
    assert history(Compilation(items=(), logs=(), problems=())).table.empty


# whatever is written

LEGAL = {
    "question": {"open", "carried_on", "dropped", "answered"},
    "next_step": {"open", "carried_on", "dropped", "done", "likely_done"},
}
CLOSED = {"done", "dropped", "answered", "likely_done"}
WORDS = ("decoder", "norms", "shrink", "plot", "plotted", "sweep", "depth 2", "depth 3", "MNIST", "not", "why?", "the")
TEXTS = st.lists(st.sampled_from(WORDS), min_size=1, max_size=6).map(" ".join)
MARKS = st.sampled_from(("", "", "", "[x] ", "[ ] "))
ENDS = st.sampled_from(("", "", "", " <!-- strata: dropped -->", " <!-- strata: learning -->"))
BULLETS = st.builds("{}- {}{}{}".format, st.sampled_from(("", "", "    ")), MARKS, TEXTS, ENDS)
HEADS = st.sampled_from(
    ("\n## TODO\n", "\n## Questions\n", "\n## Work Done\n", "\n## Learnings\n", "\n## 2024-01-03\n")
)
BODIES = st.lists(st.one_of(BULLETS, BULLETS, HEADS, TEXTS.map("{}. ".format)), max_size=9).map("\n".join)


@settings(max_examples=80, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(("", "Date: 2024-01-02\n", "Date: 2024-01-04\n")), BODIES), max_size=4))
def test_nothing_is_lost_or_doubled_states_are_legal_and_the_order_of_files_is_nothing(
    logs: list[tuple[str, str]],
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / f"{number}.md" for number in range(len(logs))]
        for path, (head, body) in zip(paths, logs, strict=True):
            path.write_text(f"{head}\n{body}\n", encoding="utf-8")
        found = compile_logs(paths)
        for order in (paths[::-1], [*paths[1::2], *paths[::2]]):  # the last first; neighbours apart
            assert to_json(compile_logs(order).items) == to_json(found.items)
    read = {(item.kind, item.file, item.line, item.text) for log in found.logs for item in log.items}
    seen = Counter((item.kind, place.file, place.line, place.text) for item in found.items for place in item.seen)
    assert seen == Counter(read)
    ids = {item.id for item in found.items}
    assert len(ids) == len(found.items) and {item.parent for item in found.items} <= ids | {None}
    places = Order.of(found.logs)
    for item in found.items:
        assert item.state in LEGAL.get(item.kind, {None})
        assert bool(item.closed) == (item.state in CLOSED) and bool(item.match) == (item.state == "likely_done")
        for match in (item.match, item.mentioned):
            assert match is None or (places.at(match.date, match.file) > places.last(item) and 0 < match.score <= 1)
    table = history(found).table
    assert (table["open"] >= 0).all()
    assert all(rows[["asked", "closed"]].diff().dropna().ge(0).all(axis=None) for _, rows in table.groupby("kind"))


def test_names_that_count_alike_are_sorted_all_the_same(tmp_path: Path) -> None:
    paths = [tmp_path / name for name in ("log-1.md", "log-01.md")]
    for path, words in zip(paths, ("Sweep", "sweep!"), strict=True):
        path.write_text(f"## TODO\n- {words}\n", encoding="utf-8")
    assert to_json(compile_logs(paths).items) == to_json(compile_logs(paths[::-1]).items)


def test_the_days_of_a_journal_are_entries_of_their_own(tmp_path: Path) -> None:
    days = "## 2024-01-05\nNext I will replace the tokenizer of the probe. Why is the loss so jumpy today?\n\n"
    days += "## 2024-02-10\nReplaced the tokenizer of the probe.\n\n## 2024-06-23\nWhy is the loss so jumpy today?\n"
    (tmp_path / "journal.md").write_text(days, encoding="utf-8")
    found = compile_logs([tmp_path])
    (step,) = (item for item in found.items if item.kind == "next_step")
    assert (step.state, step.closed_on, step.closed) == ("likely_done", date(2024, 2, 10), "journal.md")
    (question,) = (item for item in found.items if item.kind == "question")
    assert question.state == "carried_on" and not found.problems
    assert age(question, found.logs, Order.of(found.logs)) == "open for 170 days and 2 entries"
    assert [thread.label for thread in returning(found.items)] == ["Why is the loss so jumpy today?"]
    assert list(history(found).table.query("kind == 'next steps'")["closed"]) == [0, 1, 1]


def test_files_of_one_name_in_two_folders_are_two_logs(tmp_path: Path) -> None:
    for folder, text in (("a", "Date: 2024-01-01\n\n## TODO\n- sweep the widths of towers\n"),
                         ("b", "Date: 2024-02-01\n\n## Done\n- swept the widths of towers\n")):  # fmt: skip
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "log.md").write_text(text, encoding="utf-8")
    found = compile_logs([tmp_path / "a", tmp_path / "b"])
    assert [log.file for log in found.logs] == ["a/log.md", "b/log.md"]
    (step,) = (item for item in found.items if item.kind == "next_step")
    assert (step.state, step.match and step.match.file) == ("likely_done", "b/log.md")


@pytest.mark.parametrize("report", ["Did not manage to sweep the widths of towers", "Failed to sweep widths of towers"])
def test_a_reported_failure_makes_nothing_likely_done(tmp_path: Path, report: str) -> None:
    (tmp_path / "1.md").write_text("Date: 2024-01-01\n\n## TODO\n- sweep the widths of towers\n", encoding="utf-8")
    (tmp_path / "2.md").write_text(f"Date: 2024-02-01\n\n## Done\n- {report}\n", encoding="utf-8")
    (step,) = (item for item in compile_logs([tmp_path]).items if item.kind == "next_step")
    assert step.state == "open" and step.match is None


def test_what_has_no_date_is_neither_done_by_nor_older_than_what_has_one(tmp_path: Path) -> None:
    (tmp_path / "1.md").write_text("## TODO\n- sweep the widths of towers\n", encoding="utf-8")
    (tmp_path / "2.md").write_text("Date: 2024-02-01\n\n## Done\n- swept the widths of towers\n", encoding="utf-8")
    found = compile_logs([tmp_path])
    (step,) = (item for item in found.items if item.kind == "next_step")
    assert step.state == "open"
    assert age(step, found.logs, Order.of(found.logs)) == "open, nobody knows since when"


@pytest.mark.parametrize(
    "said", ["Dropped: distil the large teacher", "distil the large teacher (dropped)", "[-] distil the large teacher",
             "~~distil the large teacher~~"]
)  # fmt: skip
def test_a_step_is_dropped_when_its_author_says_so_in_a_log(tmp_path: Path, said: str) -> None:
    (tmp_path / "1.md").write_text("Date: 2024-01-01\n\n## TODO\n- distil the large teacher\n", encoding="utf-8")
    (tmp_path / "2.md").write_text(f"Date: 2024-02-01\n\n## TODO\n- {said}\n", encoding="utf-8")
    (step,) = compile_logs([tmp_path]).items
    assert (step.state, step.closed, len(step.seen)) == ("dropped", "2.md", 2)

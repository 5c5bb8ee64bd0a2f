"""What a draft keeps of the logs, and how paths and marks of an author print."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from log_project import LogProject, log_project

from analysis.logs.answers import compile_with_answers
from analysis.logs.compile import compile_logs
from analysis.logs.document import Document
from analysis.pages.draft_page import outline
from analysis.pages.typed_numbers import check_prose

LOG = """Date: 2024-06-03

## Questions
- Does the tokeniser split numbers?
    - (b) it may, says [a note](https://example.org/numbers)
    - [x] in which files?
- [x] Is the cache warm?
- Who needs a baseline anyway?

## Next Steps
- (1) rewrite the tokeniser --> keep numbers whole
    - (2) on 3.5% of the files
        - [a tokeniser](https://example.org/tok)
    - [x] order tea
- [x] buy disks
    - [ ] mount the disks

## Done
- moved house
    - [ ] unpack the boxes

## Learnings
- numbers fall apart
"""


@pytest.fixture
def project(tmp_path: Path) -> LogProject:
    made = log_project(tmp_path / "project")
    made.write("a_b(1).md", LOG)
    return made


def draft(project: LogProject) -> str:
    return outline(project.pages, project.results, project.paths)


def part(text: str, title: str) -> str:
    return text.partition(f"## {title}")[2].partition("\n## ")[0]


def test_nested_steps_stand_with_days_and_resources_below_theirs(project: LogProject) -> None:
    steps = part(draft(project), "Next steps")
    assert re.search(
        r"^- \(1\)\s(?# no-break)rewrite the tokeniser --> keep numbers whole \[2024-06-03\]\{\.source\}\n"
        r"    - \(2\)\son \[3\.5\]\{\.sourced .*\}% of the files \[2024-06-03\]\{\.source\}\n"
        r"        - \*resource:\* \[a tokeniser\]\(https://example\.org/tok\) \[2024-06-03\]\{\.source\}$",
        steps,
        re.M,
    )


def test_what_is_ticked_is_dropped_and_what_was_nested_in_something_left_out_is_kept(project: LogProject) -> None:
    text = draft(project)
    assert not [words for words in ("in which files", "Is the cache", "order tea", "buy disks") if words in text]
    assert "\n- mount the disks" in part(text, "Next steps") and "\n- unpack the boxes" in part(text, "Next steps")


def test_what_is_not_sure_is_marked(project: LogProject) -> None:
    assert "- *maybe:* Who needs a baseline anyway?" in part(draft(project), "Questions that are still open")


def test_all_that_is_linked_is_a_list_of_its_own_with_days(project: LogProject) -> None:
    project.write("b.md", "Date: 2024-06-09\n\nSee [a good tokeniser](https://example.org/tok) again.\n")
    listed = part(draft(project), "Resources")
    assert "- [a good tokeniser](https://example.org/tok) [2024-06-03, 2024-06-09]{.source}\n" in listed
    assert listed.count("example.org/tok") == 1 and "[a note](https://example.org/numbers)" in listed
    rest = "\n".join(project.pages.rest())
    assert 'title="All that the logs link to"' in rest and rest.rindex("example.org/tok") > rest.index("All that")


def test_items_stand_by_theme_where_several_share_one(project: LogProject) -> None:
    kettle = "".join(f"- Does the copper kettle boil {word}?\n" for word in ("slowly", "loudly", "again"))
    lamp = "".join(f"- paint the garden lamp {word}\n" for word in ("red", "blue", "green"))
    project.write("c.md", f"Date: 2024-06-10\n\n## Questions\n{kettle}\n## Next Steps\n{lamp}")
    text = draft(project)
    questions, steps = part(text, "Questions that are still open"), part(text, "Next steps")
    (title,) = re.findall(r"\*\*(.*kettle.*)\*\*", questions, re.IGNORECASE)
    assert len(re.findall(r"kettle boil", questions.partition(title)[2].partition("\n**")[0])) == 3
    assert re.search(r"\*\*.*lamp.*\*\*\n\n- paint .*\n- paint .*\n- paint ", steps, re.IGNORECASE)
    assert "**On their own**" in questions and "kettle" not in questions.partition("On their own")[2]


def test_a_draft_of_such_logs_is_a_page_that_the_build_accepts_and_proposes_nothing_of_itself(
    project: LogProject,
) -> None:
    first = draft(project)
    path = project.paths.report / "draft.qmd"
    path.write_text(first)
    check_prose([path], project.paths.root)
    assert draft(project) == first


# copies


def test_a_copied_log_is_said_to_be_one_and_counts_once(project: LogProject) -> None:
    whole = compile_logs([project.paths.logs])
    project.write("old/a_b(1) copy.md", LOG.replace("\n", "\r\n"))
    found = compile_logs([project.paths.logs])
    assert found.items == whole.items and len(found.logs) == 1
    told = [(p.file, p.message) for p in found.problems]
    assert told == [("old/a_b(1) copy.md", "a copy of a_b(1).md, which is counted once")]
    assert found.copies == (("old/a_b(1) copy.md", "a_b(1).md"),)
    assert "copied in old/a_b(1) copy.md" in "\n".join(project.pages.rest())


def test_the_same_words_on_another_day_are_no_copy(project: LogProject) -> None:
    project.write("b.md", LOG.replace("2024-06-03", "2024-06-04"))
    assert len(compile_logs([project.paths.logs]).logs) == 2
    project.write("c.md", LOG.replace("Date: 2024-06-03", "No day."))
    assert len(compile_logs([project.paths.logs]).logs) == 3


# how things print


def test_paths_numbers_and_arrows_print_as_they_are(project: LogProject) -> None:
    compilation, _ = compile_with_answers([project.paths.logs])
    printed = Document(compilation, compilation.items, {}).markdown()
    assert "- (1) rewrite the tokeniser --> keep numbers whole (2024-06-03, a_b(1).md:11)" in printed
    assert "\\" not in printed
    assert "\\" not in draft(project)


@pytest.mark.parametrize(
    ("name", "shown"),
    [("x_1/y-2 (3).md", "x_1/y-2 (3).md"), ("_x_.md", "`_x_.md`"), ("a--b.md", "`a--b.md`"), ("a*.md", "`a*.md`")],
)
def test_a_path_with_marks_is_code(project: LogProject, name: str, shown: str) -> None:
    project.write(name, "Date: 2024-07-01\n\n## Questions\n- Why?\n")
    compilation, _ = compile_with_answers([project.paths.logs])
    assert f"Why? (2024-07-01, {shown}:4)" in Document(compilation, compilation.items, {}).markdown()

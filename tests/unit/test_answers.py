"""Answers to questions of the logs, and the results that they rest on."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

import pypandoc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from log_project import LogProject, log_project
from markdown_it import MarkdownIt
from tests_root import CHECKOUT

from analysis.logs.answers import FILE, Answer, append, compile_with_answers, find_question, read_answers
from analysis.pages.answer_links import Shown, headings, sentence
from sae.errors import ConfigError, DataError, RenderError

LINK = "selectivity/latents/1"


@pytest.fixture
def project(tmp_path: Path) -> LogProject:
    made = log_project(tmp_path / "project")
    made.write("1.md", "Date: 2024-01-01\n\n## Questions\n- Why do the norms of the decoder rows shrink so much?\n")
    made.write("2.md", "Date: 2024-02-01\n\n## Questions\n- Is k right?\n    - I think so\n")
    return made


def question(project: LogProject, words: str) -> str:
    """Its id."""
    found, _ = compile_with_answers([project.paths.logs])
    return next(item.id for item in found.items if words in item.text)


def said(id: str, *, words: str = "", links: str = f'["{LINK}"]', text: str = "Yes.", more: str = "") -> str:
    return f'\n[[answer]]\nid = "{id}"\nquestion = "{words}"\nsentence = "{text}"\nlinks = {links}\n{more}'


# the file

WORDS = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=30).filter(str.strip)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(WORDS, WORDS, st.lists(WORDS, min_size=1, max_size=2), st.sampled_from(("", "1.md")))))
def test_what_is_appended_is_read_again_with_its_line(given: list[tuple[str, str, list[str], str]]) -> None:
    answers = [
        Answer(id=f"{n:010x}", question=question, sentence=words, links=tuple(links), log=log)
        for n, (question, words, links, log) in enumerate(given)
    ]
    with tempfile.TemporaryDirectory() as folder:
        for answer in answers:
            append(Path(folder), answer)
        found = read_answers(Path(folder))
        lines = (Path(folder) / FILE).read_bytes().decode().split("\n") if answers else []
    assert list(found.answers) == answers
    assert all(lines[found.lines[answer.id] - 1] == f'id = "{answer.id}"' for answer in answers)
    assert found.closings() == {answer.id: answer.log for answer in answers}


def test_comments_above_an_appended_answer_stay_and_a_second_one_is_refused(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text("# mine\n\n\n")
    answer = Answer(id="0a", sentence="Yes.", links=(LINK,))
    append(tmp_path, answer)
    before = (tmp_path / FILE).read_text()
    assert before.startswith('# mine\n\n[[answer]]\nid = "0a"\n') and read_answers(tmp_path).lines == {"0a": 4}
    with pytest.raises(ConfigError, match="0a is answered already"):
        append(tmp_path, answer)
    assert (tmp_path / FILE).read_text() == before


@pytest.mark.parametrize(
    ("text", "named"),
    [
        (said("0a", links="[]"), "0a links to no result"),
        (said("0a", text=" "), "0a says nothing"),
        (said("0a") + said("0a"), "two answers to 0a"),
        (said("0a", more='page = "x"\n'), "answer 1: unknown key 'page'"),
        ('[[answer]]\nid = "0a"\nlinks = ["x"]\n', "answer 1: .*sentence"),
        ("[[answers]]\n", "unknown table 'answers'; known: answer"),
        ("[[answer]\n", r"answers.toml:\d+: "),
        ('[answer]\nid = "0a"\n', r"answers.toml:1: answer"),
        ("answer = 3\n", r"answers.toml:1: answer"),
    ],
)
def test_answers_that_cannot_be_read_are_refused_by_name(tmp_path: Path, text: str, named: str) -> None:
    (tmp_path / FILE).write_text(text)
    with pytest.raises(ConfigError, match=named):
        read_answers(tmp_path)


# questions


def test_a_question_is_answered_and_found_again_by_its_words(project: LogProject) -> None:
    why, words = question(project, "norms"), "why do the norms of the decoder rows shrink so much"
    project.write(FILE, said(why, words=words))
    found, _ = compile_with_answers([project.paths.logs])
    assert [(item.id, item.closed) for item in found.items if item.state == "answered"] == [(why, "2.md")]
    project.write(
        "0.md", "Date: 2023-01-01\n\n## Questions\n- So why do the norms of the decoder rows shrink so much??\n"
    )
    found, answers = compile_with_answers([project.paths.logs])
    (now,) = (item.id for item in found.items if item.state == "answered")
    assert now != why and [answer.id for answer in answers.answers] == [now] and answers.lines == {now: 3}


def test_an_answer_to_no_question_or_by_no_log_is_an_error_with_its_line(project: LogProject) -> None:
    project.write(FILE, said(question(project, "k right")) + said("00ff", words="Is k wrong?"))
    message = r"answers\.toml:9: no question .*'00ff' or the words 'Is k wrong\?'; nearest: 'Is k right\?'"
    with pytest.raises(DataError, match=message):
        compile_with_answers([project.paths.logs])
    project.write(FILE, said(question_id := "00ff", words="is K right", more='log = "3.md"\n'))
    with pytest.raises(DataError, match=r"answers\.toml:3: no log is called '3\.md'; found: 1\.md, 2\.md"):
        compile_with_answers([project.paths.logs])
    project.write("1.md", "Tea.\n")
    project.write("2.md", "Tea.\n")
    project.write(FILE, said(question_id, words="is K right"))
    with pytest.raises(DataError, match="nearest: 'none'"):
        compile_with_answers([project.paths.logs])


def test_two_answers_that_are_found_to_be_to_one_question_are_refused(project: LogProject) -> None:
    project.write(FILE, said(question(project, "k right")) + said("00ff", words="Is k right?", text="No."))
    with pytest.raises((ConfigError, DataError), match="two answers"):
        compile_with_answers([project.paths.logs])


def test_a_question_is_found_by_the_first_digits_of_its_id(project: LogProject) -> None:
    found, _ = compile_with_answers([project.paths.logs])
    why = question(project, "norms")
    assert find_question(found.items, why[:6]).id == why
    thought = next(item.id for item in found.items if item.kind == "background")
    for start, count in ((thought, "no question's"), ("", "2 questions'")):
        with pytest.raises(DataError, match=rf"{count} id begins with '{start}'"):
            find_question(found.items, start)


# links


def test_links_lead_to_figures_numbers_and_sections(project: LogProject) -> None:
    links = ("fig-made", "fig-within", LINK, "report/page.qmd#what-depth-does", "report/page.qmd#own")
    links += ("/report/page.qmd#in-the-part", "index.qmd")
    shown = project.links.follow(Answer(id="0a", sentence=f"It is {{{{< num {LINK} >}}}}.", links=links), 1)
    assert shown == [
        Shown("figure", "made", "[the figure on its own page](/report/page.qmd#fig-made)"),
        Shown("figure", "within", "[the figure on its own page](/report/page.qmd#fig-within)"),
        Shown("number", LINK, f"class selectivity, latents tower, depth 1, held-out rows: {{{{< num {LINK} >}}}}"),
        Shown("section", links[3], "[What depth does](/report/page.qmd#what-depth-does)"),
        Shown("section", links[4], "[Another part](/report/page.qmd#own)"),
        Shown("section", links[5], "[In the part](/report/page.qmd#in-the-part)"),
        Shown("section", "index.qmd", "[Home](/index.qmd)"),
    ]


def test_a_part_that_no_page_includes_shows_no_figure(project: LogProject) -> None:
    """The one post is such a part, and its name comes before those of pages."""
    for figure in ("made", "nowhere"):
        (project.paths.report / f"_a-{figure}.qmd").write_text(f"{{{{< figure {figure} >}}}}\n")
    assert project.links.page_of("made") == "report/page.qmd" and project.links.page_of("nowhere") == ""


@pytest.mark.parametrize(
    ("link", "named"),
    [
        ("fig-gone", "no figure or table named 'fig-gone'; found: fig-made, fig-nowhere, fig-within"),
        ("fig-nowhere", "page that shows fig-nowhere"),
        ("tbl-made", "no figure or table named 'tbl-made'"),
        ("selectivity/latents/9", "selectivity/latents/9"),
        ("gone:selectivity/latents/1", "'gone'"),
        ("selectivity", "selectivity"),
        ("report/gone.qmd", "no page named 'report/gone.qmd'; found: index.qmd, report/_part.qmd, report/page.qmd"),
        ("report/page.qmd#gone", "no section of report/page.qmd named 'gone'; found: in-the-part, own, what-depth"),
    ],
)
def test_a_link_to_what_is_not_there_names_the_file_and_the_line(project: LogProject, link: str, named: str) -> None:
    why = question(project, "norms")
    project.write(FILE, "# mine\n" + said(question(project, "k right")) + said(why, links=f'["{LINK}", "{link}"]'))
    with pytest.raises(RenderError, match=r"^data/logs/answers\.toml:10: an answer links to") as error:
        _ = project.pages
    assert named in str(error.value) and (error.value.file, error.value.line) == ("data/logs/answers.toml", 10)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("It is 0.7.", "'0.7' is typed by hand"),
        ("In 70% of them.", "'70%' is typed by hand"),
        ("It is {{< num selectivity/latents/9 >}}.", "selectivity/latents/9"),
    ],
)
def test_a_number_of_an_answer_is_looked_up_and_never_typed(project: LogProject, text: str, named: str) -> None:
    with pytest.raises(RenderError, match=r"^data/logs/answers\.toml:7: ") as error:
        project.links.follow(Answer(id="0a", sentence=text, links=(LINK,)), 7)
    assert named in str(error.value)
    sourced = "Theirs is [0.7]{.sourced source='x'}, of 3 depths."
    assert project.links.follow(Answer(id="0a", sentence=sourced, links=(LINK,)), 7)


# words

USUAL = """
## What *depth* does

## What's new, & what **not**?

### Depth 3: `k` and [a link](b.md)

## Two  blanks, v1.2_a-b

## 2024 in review {.x}

## Own {#my-own .x}
"""


def ids(text: str) -> list[str]:
    """Those that pandoc gives."""
    return re.findall(r'<h\d[^>]*\sid="([^"]+)"', pypandoc.convert_text(text, "html", format="markdown"))


@pytest.mark.parametrize(
    "text",
    [USUAL, "## Again\n\n## Again\n", "## Élan vital\n", "## 2024\n", "## A\n\n```\n# no heading\n```\n"],
    ids=["usual", "one heading twice", "a letter with an accent", "no letter", "code"],
)
def test_ids_of_headings_are_those_that_pandoc_gives(text: str) -> None:
    assert [slug for slug, _ in headings(text)] == ids(text)


@pytest.mark.thorough
def test_ids_of_headings_of_the_projects_own_pages_are_those_that_pandoc_gives() -> None:
    for page in sorted((CHECKOUT / "report").glob("*.qmd")):
        text = re.sub(r"\{\{<.*?>\}\}", "", page.read_text(encoding="utf-8"))
        assert [slug for slug, _ in headings(text)] == ids(text), page.name


@pytest.mark.parametrize("text", ["a <b>c</b>", r"a \<b>c", "{{<b>c", "<script>x</script>", "a < b and {{< num x >}}"])
def test_no_html_of_an_answer_comes_through(text: str) -> None:
    shown = sentence(Answer(id="0a", sentence=text, links=(LINK,)))
    assert set(re.findall(r"<(\w+)", MarkdownIt("commonmark", {"html": True}).render(shown))) <= {"p"}
    assert ("{{< num x >}}" in shown) == ("{{< num x >}}" in text)

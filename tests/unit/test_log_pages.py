"""What pages, drafts and commands say of logs."""

from __future__ import annotations

import json
import os
import re
from datetime import date
from pathlib import Path

import pytest
from analysis.figures.kinds.log_timeline import log_timeline
from log_project import LogProject, log_project
from markdown_it import MarkdownIt
from PIL import Image
from typer.testing import CliRunner

from analysis.cli.main import app
from analysis.logs.answers import FILE, compile_with_answers
from analysis.logs.history import history
from analysis.pages.draft_page import outline, verdict_of, write_draft
from analysis.pages.log_pages import picture_file
from analysis.pages.typed_numbers import check_prose
from analysis.site.embedded import render
from analysis.system.stamps import Written
from sae.errors import ConfigError, NotFoundError

LINK = "selectivity/latents/1"
FIRST = """Title: One
Date: 2024-01-01

## Questions
- Why do the norms shrink?
    - because of the penalty
- Is k right?
- Who asked? <!-- strata: dropped: nobody -->
- [x] Was it slow?
    - on Mondays

## Next Steps
- plot the norms of the decoder rows
- order disks
- sweep widths
- [x] wait
- move house <!-- strata: dropped: too far -->

## Hypotheses
- it is the penalty
"""
SECOND = """Title: Two
Date: 2024-01-31

## Work Done
- plotted norms of decoder rows

## Learnings
- towers are narrow
    - and deep

## Next Steps
- Sweep widths.

## Cool stuff
- [a post](https://example.org/post)

# Aside

Tea.
"""


@pytest.fixture
def project(tmp_path: Path) -> LogProject:
    return log_project(tmp_path / "project")


@pytest.fixture
def logs(project: LogProject) -> LogProject:
    """Three logs, of which the last says nothing new, and an answer."""
    for name, text in (("1.md", FIRST), ("2.md", SECOND), ("3.md", "Date: 2024-02-01\n\nMore tea.\n")):
        project.write(name, text)
    found, _ = compile_with_answers([project.paths.logs])
    why = next(item.id for item in found.items if item.text.startswith("Why"))
    links = json.dumps(["fig-made", LINK, "report/page.qmd#own"])
    project.write(
        FILE,
        f'[[answer]]\nid = "{why}"\nsentence = "By {{{{< num {LINK} >}}}} <b>."\nlinks = {links}\nlog = "2.md"\n',
    )
    return project


def parts(project: LogProject) -> dict[str, str]:
    with Written(project.paths.build / "written.json", project.paths.root) as write:
        return {path.stem: path.read_text() for path in project.pages.write(write)}


# the page of the logs


def test_every_item_of_the_logs_stands_on_the_page(logs: LogProject) -> None:
    text = "\n".join(words for name, words in parts(logs).items() if name.startswith("logs-"))
    missing = [item.text for item in logs.pages.compilation.items if item.text not in text]
    assert missing == []


HOSTILE = """
A <table> thing or <h2>?
An <h2> tag
Cite `@fig-margin` twice?
Is it {.1, .5} or {#eq-x}
Is [^1] right, and ::: too
::: note
{{< num x >}}
`{=html}` and `<h2>`{=html}
\ue000\ue003 signs `\ue0001\ue001` [x](https://example.org/\ue002)
`&#xE000;` and &#xE001;
@Thm-x in [0, 1), [1, 2), [2, 3), [3, 4), [4, 5), [5, 6), [6, 7), [7, 8), [8, 9), [9, 10)
$x$ ![a](b.png) \\{=tex} \\[^2]
""".strip().splitlines()


def test_no_words_of_a_log_stop_the_site(project: LogProject) -> None:
    rows = "".join(f"- {words}\n" for words in HOSTILE)
    project.write("1.md", f"Title: ::: {{#a}} <h2>\nDate: 2024-01-01\n\n## Questions\n{rows}\n## Next Steps\n{rows}")
    root, made = project.paths.root, parts(project)
    shown = "".join(f"{{{{< part {name} >}}}}\n\n" for name in ("logs-open", "logs-steps", "logs-rest", "next-steps"))
    (root / "index.qmd").write_text(f"---\ntitle: T\ndescription: D\n---\n\n{shown}")
    (root / "_quarto.yml").write_text("project:\n  type: website\n  render: [index.qmd]\nwebsite: {title: T}\n")
    assert "margin" in made["logs-open"]
    render(root, root / "_site")
    html = (root / "_site/index.html").read_text()
    for words in ("A &lt;table&gt; thing", "An &lt;h2&gt; tag", "{.1, .5} or {#eq-x}", "[^1] right, and ::: too",
                  "::: note", "{{&lt; num x &gt;}}", "\ufffd\ufffd signs"):  # fmt: skip
        assert words in html, words


def test_questions_and_steps_stand_with_their_age_fate_and_evidence(logs: LogProject) -> None:
    made = parts(logs)
    assert re.search(r"^- Is k right\?.*\b7\b.*open for 31 days and 2 logs\b", made["logs-open"], re.M)
    steps = dict(re.findall(r"### (.+?)\n(.*?)(?=###|\Z)", made["logs-steps"], re.S))
    assert list(steps) == ["Likely done", "Carried on", "Promised, and not heard of again", "Done", "Dropped"]
    assert re.search(r"- plot the norms .*plotted norms of decoder rows.* score 1\.00", steps["Likely done"], re.S)
    assert "- Sweep widths. (came up 2 times: 2024-01-01, 2024-01-31)" in steps["Carried on"]
    assert "- order disks" in steps["Promised, and not heard of again"] and "- wait" in steps["Done"]
    assert "- move house (author: too far)" in steps["Dropped"] and made["logs-returns"].startswith(
        "## What keeps coming back\n\n- Sweep widths. "
    )
    counted = ("3 logs", "2024-01-01 to 2024-02-01", "4 questions", "2 of them with an answer", "5 next steps")
    assert [words for words in counted if words not in made["logs-summary"]] == []
    assert re.search(r"\b1 done .*\b1 likely done.*\b1 dropped\b.* 1 learning\b", made["logs-summary"])
    assert re.fullmatch(r"- Is k right\? .*open for 31 days and 2 logs.*\n", made["open-questions"])
    assert [line[:7] for line in made["next-steps"].splitlines()] == ["- Sweep", "- order"]


def test_a_question_answered_on_its_own_day_has_that_day_once(project: LogProject) -> None:
    project.write("1.md", "# Morning\n\nDate: 2024-05-06\n\n## Questions\n- Does it float?\n")
    project.write("2.md", "# Evening\n\nDate: 2024-05-06\n\nIt was tried in the bath.\n")
    found, _ = compile_with_answers([project.paths.logs])
    why = next(item.id for item in found.items if item.kind == "question")
    project.write(FILE, f'[[answer]]\nid = "{why}"\nsentence = "It does."\nlinks = ["fig-made"]\nlog = "2.md"\n')
    text = parts(project)["logs-answered"]
    assert "[Asked in Morning; answered in Evening; both on 2024-05-06.]{.source}" in text


def test_themes_have_three_columns_and_say_what_there_is_of_each(logs: LogProject) -> None:
    for number, noun in enumerate(("questions", "next steps", "learnings")):
        lines = "".join(f"- The copper kettle boils {word} on the stove.\n" for word in ("slowly", "loudly", "again"))
        logs.write(f"k{number}.md", f"Date: 2024-02-0{number + 2}\n\n## {noun.capitalize()}\n{lines}")
    rows = parts(logs)["logs-themes"].splitlines()
    assert len(rows) > 2 and {row.count(" | ") for row in [rows[0], *rows[2:]]} == {2}
    assert any(re.search(r"\| (\d+ [a-z ]+, )*\d+ [a-z ]+ \|", row) for row in rows[2:])


def test_an_answer_stands_with_its_question_days_figure_and_numbers_and_its_html_does_not_run(logs: LogProject) -> None:
    text = parts(logs)["logs-answered"]
    (answer,) = logs.pages.answers.values()
    assert text.startswith(f"::: {{#q-{answer.id} .answer}}\n**Why do the norms shrink?**\n")
    assert "[Asked 2024-01-01 (One); answered 2024-01-31 (Two).]{.source}" in text
    assert f"By {{{{< num {LINK} >}}}} \\<b>." in text and "```{=html}\n<p>made</p>\n```" in text
    assert f"depth 1, held-out rows: {{{{< num {LINK} >}}}}; [Another part](/report/page.qmd#own)" in text
    assert text.count("[the figure on its own page](/report/page.qmd#fig-made)") == 1
    assert re.search(r"^\*\*Ticked by their author\*\*\n\n- Was it slow\?", text, re.M)


def test_a_new_question_says_so_and_empty_logs_are_parts_all_the_same(project: LogProject) -> None:
    made = parts(project)
    assert made["logs-summary"] == "There are no logs yet.\n"
    assert made["logs-open"] == made["open-questions"] == "No question is open.\n"
    assert made["next-steps"] == "No step is open.\n" and made["logs-answered"] == "\n"
    assert log_timeline(history(project.pages.compilation)).title == "There are no logs yet"
    project.write("1.md", "## Questions\n- Is it new?\n")
    assert re.fullmatch(r"- Is it new\? .*new in the last log.*\n", parts(project)["open-questions"])


@pytest.mark.parametrize(("asked", "below"), [(5, None), (6, "1 more {} is open."), (9, "4 more {}s are open.")])
def test_a_write_up_has_five_questions_and_steps_and_says_how_many_more_there_are(
    project: LogProject, asked: int, below: str | None
) -> None:
    """The questions that are open longest, and the newest steps."""
    for number in range(asked):
        words = f"the kettle at {'abcdefghi'[number]}{number} degrees"
        project.write(
            f"{number}.md",
            f"Date: 2024-01-0{number + 1}\n\n## Questions\n- Is {words}?\n\n## Next Steps\n- Heat {words}\n",
        )
    made = parts(project)
    for name, thing, shown in (("open-questions", "question", range(5)), ("next-steps", "step", range(asked)[:-6:-1])):
        *items, last = made[name].rstrip("\n").split("\n\n")
        rows = "\n".join([*items, *([] if below else [last])]).splitlines()
        assert [re.search(r" at \w(\d) degrees", row)[1] for row in rows] == [str(number) for number in shown]  # type: ignore[index]
        assert below is None or last == below.format(thing)


def test_no_html_of_a_log_comes_through_and_no_link_that_leads_nowhere(project: LogProject) -> None:
    hostile = "<script>x</script> `<b>`{=html} [notes](notes.md) [up](../a.md) [post](https://example.org)"
    for kind in ("Questions", "TODO", "Learnings", "Done", "Resources", "Background"):
        project.write(f"{kind}.md", f"Title: <i>{kind}</i>\n\n## {kind}\n- {kind} {hostile}\n    - below {hostile}\n")
    project.write("notes.md", "Tea.\n")
    for name, text in parts(project).items():
        html = MarkdownIt("commonmark", {"html": True}).render(text)
        assert not {"script", "b", "i"} & set(re.findall(r"<(\w+)", html)), name
        assert re.findall(r'href="(?!https://example\.org)', html) == [], name
        assert "notes" in text or "Questions" not in text, name


def test_pictures_of_logs_are_copied_and_shown_and_others_are_only_words(project: LogProject) -> None:
    picture = project.paths.logs / "pics" / "a b.png"
    picture.parent.mkdir()
    Image.new("RGB", (2, 2), "red").save(picture)
    Image.new("RGB", (2, 2), "blue").save(project.paths.data / "outside.png")
    os.symlink(project.paths.data / "outside.png", project.paths.logs / "link.png")
    (project.paths.logs / "v.svg").write_text("<svg onload='alert(1)'/>")
    shown = "![curve](<pics/a b.png>) ![again](pics/a%20b.png)"
    others = "![v](v.svg) ![out](../outside.png) ![ln](link.png) ![gone](gone.png) ![far](https://example.org/a.png)"
    project.write("1.md", f"## Learnings\n- it bends {shown}\n- no {others}\n")
    text = parts(project)["logs-learnings"]
    (copy,) = (project.paths.built_assets / "logs").iterdir()
    assert copy.read_bytes() == picture.read_bytes()
    address = f"/{project.paths.relative(copy)}"
    assert f"it bends ![image: curve]({address}) ![image: again]({address})".replace("image: ", "") in text
    assert text.count("![") == 2
    assert "no image: v image: out image: ln image: gone [image: far](https://example.org/a.png)" in text


def test_a_picture_whose_name_no_file_can_have_is_only_words(tmp_path: Path) -> None:
    for target in ("a%00b.png", "a" * 5000 + ".png", "%ff.png", "."):
        assert picture_file(tmp_path, "1.md", target) is None


# a draft


def draft(project: LogProject) -> str:
    return outline(project.pages, project.results, project.paths)


def test_a_draft_holds_answers_learnings_what_is_open_and_gaps_for_its_author(logs: LogProject) -> None:
    text = draft(logs)
    assert re.match(r"---\n# draft of `strata write`, sha256 of what follows: [0-9a-f]{64}\ntitle: A draft\n", text)
    found = re.findall(r"^(?:- )?\*\*\[(.+)\]\*\*$", text, re.M)
    assert len(found) == 6 and len(set(found)) == 6, "at the top, in short, each answer, learnings, open, the end"
    order = [
        "## Why do the norms shrink?",
        "{{< figure made >}}",
        f"{{{{< num {LINK} >}}}}\n",
        "see [Another",
    ]
    order += [
        "## What I learned",
        "- towers are narrow [2024-01-31]",
        "## Questions that",
        "Is k right?",
        "## Next steps",
    ]
    places = [
        text.index(words, text.index("## Why")) for words in [*order, "order disks", "## What would change my mind"]
    ]
    assert places == sorted(places)
    assert "<b>" not in text.replace(r"\<b>", "") and text == draft(logs)


def test_a_draft_is_a_page_that_the_build_accepts(logs: LogProject) -> None:
    logs.write("4.md", "Date: 2024-02-02\n\n## Learnings\n- the loss fell to 0.31, by 5% ([plot](plot.png))\n")
    logs.write("plot.png", "")
    logs.paths.report.joinpath("draft.qmd").write_text(draft(logs))
    check_prose([logs.paths.report / "draft.qmd"], logs.paths.root)


def test_a_draft_has_no_link_that_leads_nowhere_from_a_page(logs: LogProject) -> None:
    logs.write("4.md", "Date: 2024-02-02\n\n## Learnings\n- it bends, see [my notes](1.md)\n")
    assert "my notes" in draft(logs) and "](1.md)" not in draft(logs)


def test_an_untouched_draft_is_written_anew_and_a_changed_file_is_left_as_it_is(
    logs: LogProject, tmp_path: Path
) -> None:
    path = tmp_path / "new" / "draft.qmd"
    write_draft(path, draft(logs))
    logs.write("4.md", "Date: 2024-02-02\n\n## Learnings\n- one more thing\n")
    write_draft(path, draft(logs))
    assert "one more thing" in path.read_text()
    whole = path.read_bytes()
    edits = [
        whole + b"Mine.\n",
        whole.replace(b"more", b"less"),
        whole.replace(b"sha256", b"sha"),
        b"Mine.\n",
        b"",
        b"\xff",
    ]
    for changed in edits:
        path.write_bytes(changed)
        with pytest.raises(ConfigError, match=r"draft\.qmd was changed by hand"):
            write_draft(path, draft(logs))
        assert path.read_bytes() == changed


@pytest.mark.parametrize("number", ["seeds", "digits/variant:l0/latents/1", "gone:l0/latents/1", "l0/latents/x"])
def test_a_number_of_no_depth_or_of_no_verdict_has_no_word(project: LogProject, number: str) -> None:
    assert verdict_of(number, project.results, project.paths) == ""


# commands


def run(*words: str) -> str:
    done = CliRunner().invoke(app, list(words), catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


@pytest.fixture
def here(logs: LogProject, monkeypatch: pytest.MonkeyPatch) -> str:
    """The logs' folder, in a project that commands find."""
    monkeypatch.setenv("STRATA_ROOT", str(logs.paths.root))
    return str(logs.paths.logs)


def test_logs_come_in_four_forms(here: str) -> None:
    records = json.loads(run("logs", here, "--format", "json"))
    assert {record["text"]: record["state"] for record in records}["Why do the norms shrink?"] == "answered"
    markdown = run("logs", here)
    assert markdown == run("logs", here, "--format", "md") and markdown.startswith("## Open questions\n")
    page = run("logs", here, "--format", "qmd")
    assert page.startswith('---\ntitle: "What the logs say"\ndescription: "3 logs, 2024-01-01 to 2024-02-01"\n---\n\n')
    assert (
        ".source}" in page and ".source}" not in markdown and len(page.splitlines()) == len(markdown.splitlines()) + 5
    )
    html = run("logs", here, "--format", "html")
    assert html.startswith("<!doctype html>") and html.rstrip().endswith("</html>")
    assert all(record["text"].split()[0] in html for record in records) and "<script" not in html


def test_logs_of_one_kind_and_from_one_day_on(here: str) -> None:
    for only, kind in (("questions", "question"), ("steps", "next_step"), ("unsorted", "unsorted")):
        found = json.loads(run("logs", here, "--format", "json", "--only", only))
        assert {record["kind"] for record in found} == {kind}
    recent = json.loads(run("logs", here, "--format", "json", "--since", "2024-01-31"))
    assert {"Sweep widths.", "towers are narrow"} <= {record["text"] for record in recent}
    assert all(date.fromisoformat(record["date"]) >= date(2024, 1, 31) for record in recent)


def test_unknown_forms_and_kinds_list_those_there_are(here: str) -> None:
    for words, named in (
        (("--format", "pdf"), "'pdf'; found: html, json, md, qmd"),
        (("--only", "thoughts"), "'thoughts'; found: background, done, learnings, questions"),
    ):
        with pytest.raises(NotFoundError, match=named):
            run("logs", here, *words)
    with pytest.raises(ConfigError, match="strata write --outline"):
        run("write")


def test_problems_go_to_standard_error_with_file_and_line(here: str) -> None:
    (Path(here) / "4.md").write_text("Tea.\n\n- see [it](gone.md)\n")
    done = CliRunner().invoke(app, ["logs", here])
    assert done.stderr == "4.md:3: links to 'gone.md', which is not there\n" and "which is not there" not in done.stdout


def test_logs_know_the_answer_to_a_reworded_question(here: str) -> None:
    answers = Path(here) / FILE
    answers.write_text(re.sub(r'id = "\w+"', 'id = "00ff"\nquestion = "Why do the norms shrink?"', answers.read_text()))
    records = json.loads(run("logs", here, "--format", "json"))
    assert {record["text"]: record["state"] for record in records}["Why do the norms shrink?"] == "answered"


def test_questions_are_listed_with_ids_days_and_answers_and_the_open_ones_alone(here: str) -> None:
    listed = run("questions")
    assert re.search(r"^[0-9a-f]{10}  2024-01-01  1\.md:5\n    Why do the norms shrink\?\n    -> By ", listed, re.M)
    waiting = run("questions", "--open")
    assert "Is k right?" in waiting and "Is k right?" in listed
    assert not {"Why do", "Was it slow?", "->"} & {
        words for words in ("Why do", "Was it slow?", "->") if words in waiting
    }

"""What is proposed for open questions and steps: on the page of the logs, in the terminal, and in a draft."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from log_project import DRAWN, LogProject, log_project
from typer.testing import CliRunner

from analysis.cli.main import app
from analysis.logs.compile import compile_logs
from analysis.logs.linked import sources
from analysis.logs.nearest import IN_ALL, MOST, Nearest, from_logs, waiting
from analysis.pages import build
from analysis.pages.suggest import sentences_of
from analysis.system.stamps import Stamp
from sae.errors import ConfigError, NotFoundError

FIRST = """Date: 2024-03-01

## Questions
- Why do gradient spikes follow the warmup of the optimiser?
- Is tea better than coffee?

## Next Steps
- measure the perplexity and latency of pruned attention heads on longer prompts
    - [pruning heads, a survey](https://example.org/heads)
"""
SECOND = """Date: 2024-03-09

## Learnings
- Gradient spikes vanish with a longer warmup.
- The kettle is slow.

## Done
- pruned attention heads of the small model

## Resources
- [On warmup and gradient spikes](https://example.org/warmup)
"""
PAGE = """---
title: Heads
---

## How many heads can go?

Pruned [attention heads](x.md) cost perplexity only beyond {{< num selectivity/latents/1 >}} of them [@who2020].
Nothing is known of the rest.
"""


@pytest.fixture
def project(tmp_path: Path) -> LogProject:
    made = log_project(tmp_path / "project")
    made.write("1.md", FIRST)
    made.write("sub/2.md", SECOND)
    (made.paths.report / "heads.qmd").write_text(PAGE)
    return made


def near(folder: Path) -> tuple[Nearest, dict[str, str]]:
    """What is near, and the ids by the items' first words."""
    items = compile_logs([folder]).items
    asked = waiting(items)
    return Nearest(from_logs(items, sources(items)), asked), {item.text.split()[0]: item.id for item in asked}


def proposals(folder: Path, word: str) -> list[str]:
    found, ids = near(folder)
    items = {item.id: item for item in compile_logs([folder]).items}
    return [f"{c.plain} {c.day} {c.file}:{c.line}" for c in found.of(items[ids[word]])]


def test_a_question_gets_learnings_and_addresses_of_all_logs_with_day_and_line(project: LogProject) -> None:
    assert proposals(project.paths.logs, "Why") == [
        "On warmup and gradient spikes https://example.org/warmup 2024-03-09 sub/2.md:11",
        "Gradient spikes vanish with a longer warmup. 2024-03-09 sub/2.md:4",
    ]


def test_a_step_gets_reports_of_work_and_not_what_stands_in_it_already(project: LogProject) -> None:
    assert proposals(project.paths.logs, "measure") == [
        "pruned attention heads of the small model 2024-03-09 sub/2.md:8"
    ]


def test_rather_nothing_than_what_shares_one_word_or_only_words_of_every_log(project: LogProject) -> None:
    assert proposals(project.paths.logs, "Is") == []
    project.write(
        "3.md", "## Learnings\n- A better plot of the loss.\n\n## Questions\n- Is there a better plot of loss?\n"
    )
    assert proposals(project.paths.logs, "Is") == []


def test_few_are_shown_the_nearest_of_each_sort_among_them_and_the_same_ones_every_time(project: LogProject) -> None:
    lines = "".join(f"- gradient spikes follow warmup {word}\n" for word in ("late", "early", "soon", "twice", "often"))
    links = "".join(f"- [gradient spikes follow warmup {n}](https://example.org/{n})\n" for n in range(4))
    project.write("3.md", f"Date: 2024-03-10\n\n## Learnings\n{lines}\n## Resources\n{links}")
    found = proposals(project.paths.logs, "Why")
    assert len(found) == MOST["log"] + MOST["source"] <= IN_ALL and found == proposals(project.paths.logs, "Why")
    assert sum("https://" in one for one in found) == MOST["source"]


def test_on_the_page_proposals_stand_below_their_question_as_proposals(project: LogProject) -> None:
    pages = project.pages
    text = "\n".join(pages.open_questions())
    assert text.count("nobody has judged it") == 1 and text.index("nobody has judged") < text.index("- Why do")
    place = "[2024-03-09, log 2, line 4]{.source}"
    assert f"    - [*may help:*]{{.may-help}} Gradient spikes vanish with a longer warmup. {place}" in text
    steps = "\n".join(pages.next_steps())
    sentence = "Pruned attention heads cost perplexity only beyond {{< num selectivity/latents/1 >}} of them."
    link = "[How many heads can go?](/report/heads.qmd#how-many-heads-can-go)"
    assert f"[*may help:*]{{.may-help}} {link}: {sentence}" in steps


def test_a_figure_is_proposed_with_its_finding_as_it_is_written_and_its_id(project: LogProject) -> None:
    finding = "Gradient spikes come after warmup, 3 times in 4"
    drawn = [replace(DRAWN[0], title=finding), *DRAWN[1:]]
    pages = build.log_pages(project.results, project.paths, build.sources(project.paths), drawn)
    shown = f"[*may help:*]{{.may-help}} [{finding}](/report/page.qmd#fig-made) [fig-made]{{.source}}"
    assert shown in "\n".join(pages.open_questions())


def test_a_page_in_plain_sentences() -> None:
    text = (
        "# Head\n\n::: {.note}\nOne *two* [three](a.md){.term} `four` {{< num x >}} five_six seven [@a; @b].\n:::\n\n"
        "| a | b |\n\n- short one\n\n{{< figure made >}}\n<!-- not this, of course, it is a comment -->\n"
    )
    assert list(sentences_of(text)) == ["One two three four {{< num x >}} five_six seven."]


# commands


@pytest.fixture
def here(project: LogProject, monkeypatch: pytest.MonkeyPatch) -> LogProject:
    """The project, which commands find, with what a build would have drawn."""
    monkeypatch.setenv("STRATA_ROOT", str(project.paths.root))
    drawn = [replace(DRAWN[0], title="Gradient spikes come after warmup"), *DRAWN[1:]]
    for artefact in drawn:
        Stamp(project.paths.build / "artefacts" / f"{artefact.name}.json", "key", project.paths.root).write(
            [], asdict(artefact)
        )
    monkeypatch.setattr(build, "build", lambda *_: drawn)
    return project


def run(*words: str) -> str:
    done = CliRunner().invoke(app, list(words), catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


def test_open_questions_and_steps_are_listed_with_what_may_help(here: LogProject) -> None:
    said = run("questions", "--open", "--suggest")
    assert re.search(
        r"^\w{10}  2024-03-01  1\.md:4\n    Why do .*\?\n(    may help: .*\n)*"
        r"    may help: Gradient spikes come after warmup \(--link fig-made\)$",
        said, re.M,
    )  # fmt: skip
    assert "    may help: Gradient spikes vanish with a longer warmup. (2024-03-09, sub/2.md:4)\n" in said
    steps = said.partition("\nNext steps that are open:\n")[2]
    assert "measure the perplexity" in steps and "may help: pruned attention heads of the small model (" in steps
    assert "may help" not in run("questions", "--open")


def test_a_number_of_the_last_build_is_proposed_by_its_words(here: LogProject) -> None:
    words = "gradient spikes that follow the warmup of the optimiser"
    told = {"text": "12", "title": f"{words}; run ab12", "words": words, "experiment": "small"}
    here.paths.generated.mkdir(parents=True, exist_ok=True)
    old = {key: value for key, value in told.items() if key != "words"}  # of a build before numbers had words
    (here.paths.generated / "numbers.json").write_text(json.dumps({"spikes": told, "older": old}))
    said = run("questions", "--open", "--suggest")
    assert (
        re.search(r"^    may help: gradient spikes that follow the warmup of the optimiser: 12.* spikes\)$", said, re.M)
        and "older" not in said
    )


def test_a_step_that_is_likely_done_is_listed_with_what_suggests_it_once(here: LogProject) -> None:
    here.write(
        "3.md", "Date: 2024-03-10\n\n## Done\n- measured perplexity, latency of pruned heads on longer prompts\n"
    )
    steps = run("questions", "--open", "--suggest").partition("\nNext steps that are open:\n")[2]
    assert re.search(r"^    likely done: measured perplexity, .* \(2024-03-10, 3\.md:4\)$", steps, re.M)
    assert steps.count("measured perplexity") == 1


def test_without_a_build_the_logs_and_pages_are_proposed_and_the_lack_is_said(
    project: LogProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STRATA_ROOT", str(project.paths.root))
    done = CliRunner().invoke(app, ["questions", "--open", "--suggest"], catch_exceptions=False)
    assert "strata build" in done.stderr and "may help: Gradient spikes vanish" in done.stdout


def test_answer_without_a_link_offers_candidates_and_figures(here: LogProject) -> None:
    (line,) = [row for row in run("questions").splitlines() if "1.md:4" in row]
    with pytest.raises(ConfigError, match="give it with --link"):
        run("answer", line[:10], "--sentence", "They do.")
    done = CliRunner().invoke(app, ["answer", line[:10], "--sentence", "They do."])
    assert "may help: Gradient spikes come after warmup (--link fig-made)" in done.stdout
    assert "figures and tables of the pages: fig-made, fig-within\n" in done.stdout
    assert run("answer", line[:10], "--sentence", "They do.", "--link", "fig-made").startswith("answered: Why do")


@pytest.mark.parametrize(
    ("link", "named"),
    [
        ("fig-mode", "no figure or table named 'fig-mode'; found: fig-made, .*did you mean 'fig-made'"),
        ("made", r"no figure, number or section named 'made'; found: fig-made, fig-within, index.qmd, .*#own"),
        ("report/page.qmd#owl", "no section of report/page.qmd named 'owl'; found: .*did you mean 'own'"),
    ],
)
def test_a_wrong_link_names_what_there_is_and_blames_no_file(here: LogProject, link: str, named: str) -> None:
    (line,) = [row for row in run("questions").splitlines() if "1.md:4" in row]
    with pytest.raises(NotFoundError, match=named) as error:
        run("answer", line[:10], "--sentence", "They do.", "--link", link)
    assert "answers.toml" not in str(error.value) and not (here.paths.logs / "answers.toml").exists()


def test_a_number_typed_in_an_answer_is_refused_before_it_is_written(here: LogProject) -> None:
    (line,) = [row for row in run("questions").splitlines() if "1.md:4" in row]
    with pytest.raises(ConfigError, match=r"^the number '0\.5' is typed by hand"):
        run("answer", line[:10], "--sentence", "By 0.5.", "--link", "fig-made")

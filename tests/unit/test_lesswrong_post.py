"""The one post of a project, and what stands alone saying where it belongs."""

from __future__ import annotations

import re

import pytest
from lesswrong_project import BASE, CHART, make_site
from tests_root import CHECKOUT
from typer.testing import CliRunner

from analysis.cli.lesswrong import app
from analysis.figures.asked import asked
from analysis.site.lesswrong import compose, kit, lints, sections
from analysis.site.lesswrong.addresses import Addresses
from analysis.site.lesswrong.captions import shortened
from analysis.site.lesswrong.context import Context
from analysis.site.lesswrong.dialect import markdown
from analysis.site.lesswrong.limits import Counted, excess
from analysis.site.lesswrong.pictures import Pictures
from analysis.site.lesswrong.rich import rich
from analysis.site.lesswrong.round_trip import lost
from analysis.site.project import load_project
from sae.errors import ConfigError, RenderError

FRAGMENT = f"""::: {{#fig-points fig-alt="One point at 1"}}

```{{=html}}
{CHART}
```

A point at a time (see e.g. there). *Then* the rest of 3 things, as [named](/report/more.qmd).
Last. [Data](/data.csv), [code](/report/more.qmd).

:::
"""
POST = """---
title: One post
---

Hello, 7 of *you*.

{{< figure points >}}

## What {#what}

It is 1,000 or -0.5 of depth 4[^n], and @fig-points shows it on [a page](/report/more.qmd#there).

[^n]: A note of 12%.
"""


@pytest.fixture
def site(tmp_path):
    paths = make_site(tmp_path / "project")
    front = paths.root / "index.qmd"
    text = front.read_text()
    start = text.index("::: {#fig-points")
    front.write_text(text[:start] + "{{< figure points >}}\n" + text[text.index(":::\n", start) + 4 :])
    (paths.root / "report/_generated").mkdir()
    (paths.root / "report/_generated/points.md").write_text(FRAGMENT)
    (paths.root / "report/_post.qmd").write_text(POST)
    return paths


def test_the_post_is_exported_alone_with_its_counts_and_ways_into_the_site(site, monkeypatch):
    monkeypatch.setenv("STRATA_ROOT", str(site.root))
    done = CliRunner().invoke(app, ["--post"])
    assert done.exit_code == 0, done.output
    assert re.search(r"^post: \d+ words, pictures: 1, numbers in its prose: 6$", done.output, re.M)
    folder = site.root / "lesswrong"
    assert {path.name for path in folder.glob("*.*")} == {"post.html", "post.md", "index.html"}
    text = (folder / "post.md").read_text()
    assert text.startswith("Hello, 7 of *you*."), "it belongs to no page"
    assert f"[Figure\xa01]({BASE}/index.html#fig-points)" in text and f"({BASE}/report/more.html#there)" in text
    assert f"[interactive version]({BASE}/index.html#fig-points)" in text
    index = (folder / "index.html").read_text()
    assert "6 numbers in its prose" in index and f'Source: <a href="{BASE}/index.html">' in index
    assert "captions end after their first sentence" in index


def test_a_caption_of_the_post_ends_after_its_first_sentence_and_keeps_its_links(site):
    kit.export(site, post=True)
    text = (site.root / "lesswrong/post.md").read_text()
    caption = next(line for line in text.splitlines() if line.startswith("**Figure"))
    assert re.sub(r"\(http[^)]*\)", "", caption) == (
        "**Figure\xa01: Points rise by 0.25.** "
        "A point at a time (see e.g.\xa0there). [Data], [code], [interactive version]."
    )
    kit.export(site, ["pictures"])
    assert "the rest of 3 things" in (site.root / "lesswrong/pictures.md").read_text(), "only of the post"


@pytest.mark.parametrize(
    "words, kept",
    [
        ("One. Two.", "One."),
        ("One, all of it", "One, all of it"),
        ("Is it? Yes.", "Is it?"),
        ("About 3. 4 more.", "About 3."),
        ("So (he said.) Then no more.", "So (he said.)"),
        ("Of v. small ones. Next.", "Of v. small ones."),
    ],
)
def test_where_the_first_sentence_of_a_caption_ends(words, kept):
    parts = [{"t": "RawInline", "c": ["html", "<figcaption>"]}, {"t": "Str", "c": "Figure\xa03:"}, {"t": "Space"}]
    for word in words.split():
        parts += [{"t": "Str", "c": word}, {"t": "Space"}]
    link = {"t": "Link", "c": [["", [], []], [{"t": "Str", "c": "Data"}], ["/x.csv", ""]]}
    tree = [
        {"t": "Plain", "c": [*parts, link, {"t": "Str", "c": "."}, {"t": "RawInline", "c": ["html", "</figcaption>"]}]}
    ]
    [made] = shortened([{"t": "Div", "c": [["", [], []], tree]}])
    other = {"RawInline": "", "Space": " ", "Link": "Data"}
    said = "".join(other.get(one["t"], one["c"] if one["t"] == "Str" else "") for one in made["c"][1][0]["c"])
    assert said == f"Figure\xa03: {kept} Data."


@pytest.mark.parametrize(
    "front, told",
    [
        ("most: {words: 20}", r"\d+ words, at most 20: cut, or set `most: \{words: \d+\}` in its front matter"),
        ("most: {numbers: 5}", "6 numbers in its prose, at most 5"),
        ("most: {numbers: 6, words: 400}", ""),
    ],
)
def test_a_post_that_holds_too_much_is_refused_with_the_way_out(site, front, told):
    (site.root / "report/_post.qmd").write_text(POST.replace("title: One post", f"title: One post\n{front}"))
    if not told:
        assert kit.export(site, post=True).posts[0].numbers == 6
        return
    with pytest.raises(RenderError, match=rf"report/_post\.qmd, section post: {told}"):
        kit.export(site, post=True)
    assert not (site.root / "lesswrong").exists()


def test_more_than_five_pictures_are_too_many(site):
    pictures = "\n\n".join(["![Red](/a.png){fig-alt='Red'}"] * 6)
    (site.root / "report/_post.qmd").write_text(f"---\ntitle: T\n---\n\n{pictures}\n")
    with pytest.raises(RenderError, match="6 pictures, at most 5"):
        kit.export(site, post=True)


def test_what_counts_as_a_number():
    prose = "<p>1,000 and −0.5 and 7% of x1, v2.0, depth 4, a 3-d map, 2026.</p>"
    picture = '<figure class="image"><img src="i" alt="9"><figcaption>8 of 9</figcaption></figure>'
    cells = "<table><thead><tr><th>5</th></tr></thead><tbody><tr><td>6.5</td></tr></tbody></table>"
    assert Counted.of(prose + picture + cells) == Counted(words=14 + 3 + 2, pictures=1, numbers=6)


def test_a_post_that_is_not_there_or_names_what_is_not_there_is_told_in_one_line(site):
    post = site.root / "report/_post.qmd"
    post.write_text(POST.replace("figure points", "figure pionts"))
    with pytest.raises(RenderError, match="there is no figure named 'pionts'; found: points") as caught:
        kit.export(site, post=True)
    assert (caught.value.file, caught.value.line) == ("report/_post.qmd", 7)
    post.write_text(POST.replace("title: One post", "title: One post\nmost: {words: none}"))
    with pytest.raises(RenderError, match=r"most\.words: a whole number from 1"):
        kit.export(site, post=True)
    with pytest.raises(ConfigError, match="leave out words"):
        kit.export(site, ["words"], post=True)
    post.unlink()
    with pytest.raises(RenderError, match=r"there is no .*report/_post\.qmd, which --post makes a post of: write it"):
        kit.export(site, post=True)
    (site.root / "index.qmd").write_text("---\ntitle: T\nmost: {words: 3}\n---\n\nWords.\n")
    with pytest.raises(RenderError, match="unknown key 'most'"):
        kit.export(site)


def test_a_section_says_where_it_belongs_and_a_whole_page_does_not(site):
    kit.export(site)
    link = f"[All of it]({BASE}/index.html).*\n\n"
    for slug, first in (("words", "*A section of "), ("drafted", "*A section of "), ("intro", "*The beginning of ")):
        text = (site.root / f"lesswrong/{slug}.md").read_text()
        assert text.startswith(first + link), slug
    assert "section of" not in (site.root / "lesswrong/write-up.md").read_text()
    # the kit's own words are not the model's
    assert "\n\n> **Drafted by" in (site.root / "lesswrong/drafted.md").read_text()
    kit.export(site, ["words"], target="markdown")
    assert link in (site.root / "lesswrong/words.md").read_text()


def test_answers_and_notebooks_are_exported_too_a_notebook_as_one_post(site):
    report = site.root / "report"
    (report / "answers.qmd").write_text("---\ntitle: Answers\n---\n\n## Why?\n\nSo.\n\n## How?\n\nThus.\n")
    (report / "lesson.qmd").write_text("---\ntitle: A lesson\n---\n\n{{< part notebook-a >}}\n")
    (report / "_generated/notebook-a.md").write_text("## Begin\n\n```python\nx = 1\n```\n\n## Go on\n\nIt is 1.\n")
    config = site.root / "_quarto.yml"
    config.write_text(
        config.read_text().replace("report/more.qmd]", "report/more.qmd, report/answers.qmd, report/lesson.qmd]")
    )
    project = load_project(site.root)
    slugs = [section.slug for section in sections.choose(project, [])]
    assert slugs[-4:] == ["why", "how", "answers", "lesson"] and "there" not in slugs
    assert [section.slug for section in sections.choose(project, ["lesson.qmd"])] == ["begin", "go-on", "lesson"]
    kit.export(site)
    written = (site.root / "lesswrong/lesson.md").read_text()
    assert written.startswith("## Begin") and "x = 1" in written
    assert (
        (site.root / "lesswrong/why.md")
        .read_text()
        .startswith(f"*A section of [Answers]({BASE}/report/answers.html).*")
    )


def test_a_new_project_has_a_post_of_what_its_first_page_shows():
    folder = CHECKOUT / "analysis/templates/towers"
    post, page = ((folder / name).read_text() for name in (sections.POST, sections.FRONT))
    wanted = re.findall(r"\{\{< (?:figure|num) \S+ >\}\}", post)
    assert len(wanted) > 2 and [one for one in wanted if one not in page] == []
    assert post.startswith('---\ntitle: "{{ title }}')


FIGURES = asked([post for post in [CHECKOUT / sections.POST] if post.exists()], CHECKOUT)
BUILT = bool(FIGURES) and all(
    (CHECKOUT / f"report/_generated/{name}").exists()
    for name in ("numbers.json", *(f"{call.name}.md" for call in FIGURES))
)


@pytest.mark.skipif(not BUILT, reason="report/_generated is not built here; strata build makes it")
def test_this_projects_post_is_short_whole_and_free_of_faults():
    section = sections.one_post(load_project(CHECKOUT))
    context = Context(section, Addresses(load_project(CHECKOUT), BASE, CHECKOUT / "_site"), Pictures(CHECKOUT, BASE))
    made = compose.post(context)
    html = rich(made)
    assert context.problems == [] and lost(section, html) == [] and lints.rich_faults(html, BASE) == []
    assert lints.markdown_faults(markdown(made), BASE, False) == []
    counted = Counted.of(html)
    assert excess(section, counted) == [] and counted.pictures == 5 and counted.words > 1300
    assert "most" not in section.page.source.meta
    assert all(figure.src and figure.alt and figure.caption for figure in made.figures)
    assert set(section.shown_on) >= {figure.name for figure in made.figures}, "each has its place on the site"

"""A new project says of itself what its author said."""

from __future__ import annotations

import html

import pytest
import yaml

from analysis.plan.new_project import template_names, write_project
from analysis.site import feed, pandoc
from analysis.site.source import load_source
from analysis.system import pandoc_program
from sae.errors import ConfigError

TITLES = [
    'So-called "features"', "That's \\all: #1, {x}", '"', "\\", "\\\\", "Straße – 日本", "$a$ and $HOME", "1. one",
    "(2) two", "- three", "# four", "::: five",
    "> six --- seven...", "*a* _b_ `c` [d](e) <f> @g ^h^ ~i~ &amp; {.j} {#k} | [^l]",
    "C:\\new\\table", "{{ title }}", "% eight", "iv. nine", "+ ten", "a\\", "{=html}",
]  # fmt: skip


def read_as_markdown(text):
    """What a reader is shown of a piece of Markdown in one line, quotation marks as they were typed."""
    shown = pandoc_program.run(["--from=markdown", "--to=plain", "--wrap=none"], text).text.strip("\n")
    return shown.translate(str.maketrans("“”‘’", "\"\"''"))


@pytest.mark.parametrize("title", TITLES)
def test_a_title_stands_as_it_was_given_in_every_template(title, tmp_path):
    for template in template_names():
        folder = tmp_path / template
        write_project(folder, template, title=title)
        website = yaml.safe_load((folder / "_quarto.yml").read_text(encoding="utf-8"))["website"]
        assert website["title"] == title and website["description"].startswith(f"{title}: ")
    # pages and Markdown files say it as Markdown, which is the same in all templates
    heads = {(tmp_path / name / "index.qmd").read_text(encoding="utf-8").split("---\n")[1].split("\n")[0]
             for name in template_names()}  # fmt: skip
    assert len(heads) == 1
    head = yaml.safe_load(heads.pop())["title"]
    assert read_as_markdown(head) == title
    for name in template_names():
        assert (tmp_path / name / "README.md").read_text(encoding="utf-8").startswith(f"# {head}\n")
    post = yaml.safe_load((tmp_path / "towers/report/_post.qmd").read_text(encoding="utf-8").split("---\n")[1])["title"]
    assert post == f"{head}: what holds up beside its floors"


def test_pages_menu_and_feed_show_the_title(tmp_path):
    title = '$a$ \\b *c* <d> {.e} {#f} --- [^g] "h"'
    write_project(tmp_path, "blank", here=True, title=title)
    source = load_source(tmp_path, "index.qmd", {})
    parts = pandoc.convert(source, {"title": source.meta["title"]}, tmp_path, 3)
    assert html.unescape(parts.pagetitle).translate(str.maketrans("“”", '""')) == title
    site = feed.Site.of(tmp_path, {})
    assert (site.title, site.headline) == (title, title)


@pytest.mark.parametrize("title", ["{{< num x >}}", "a {{<"])
def test_a_title_that_begins_a_shortcode_is_refused_before_anything_is_written(title, tmp_path):
    with pytest.raises(ConfigError, match="with which a shortcode begins"):
        write_project(tmp_path / "mine", "blank", title=title)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("title", ["two\nlines", "a\x1b[31m", " "])
def test_a_title_that_is_no_line_is_refused_before_anything_is_written(title, tmp_path):
    with pytest.raises(ConfigError, match="must be one line of text"):
        write_project(tmp_path / "mine", "blank", title=title)
    assert not list(tmp_path.iterdir())

"""A new project says of itself what its author said."""

from __future__ import annotations

import pytest
import yaml

from analysis.plan.new_project import template_names, write_project
from sae.errors import ConfigError


@pytest.mark.parametrize("title", ['So-called "features"', "That's \\all: #1, {x}", '"', "\\", "Straße – 日本"])
def test_a_title_stands_as_it_was_given_in_every_template(title, tmp_path):
    for template in template_names():
        folder = tmp_path / template
        write_project(folder, template, title=title)
        website = yaml.safe_load((folder / "_quarto.yml").read_text(encoding="utf-8"))["website"]
        assert website["title"] == title and website["description"].startswith(f"{title}: ")
        head = (folder / "index.qmd").read_text(encoding="utf-8").split("---\n")[1]
        assert yaml.safe_load(head)["title"] == title
        assert f"# {title}\n" in (folder / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("title", ["two\nlines", "a\x1b[31m", " "])
def test_a_title_that_is_no_line_is_refused_before_anything_is_written(title, tmp_path):
    with pytest.raises(ConfigError, match="must be one line of text"):
        write_project(tmp_path / "mine", "blank", title=title)
    assert not list(tmp_path.iterdir())

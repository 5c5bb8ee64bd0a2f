"""What `_quarto.yml` may say: addresses that lead to one place from every page."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from published_project import change
from tests_root import CHECKOUT
from typer.testing import CliRunner

from analysis.cli.check import app
from analysis.plan.paths import Paths
from analysis.site import pandoc
from analysis.site.embedded import render
from analysis.site.project import CONFIG, load_project
from analysis.site.publishing import survey
from analysis.site.render import passed_over, render_by_quarto
from analysis.site.rooted import _in_markdown, unrooted_settings
from analysis.site.source import settings_text
from sae.errors import RenderError

PLAIN = """project:
  type: website
  render: [index.qmd]
  resources: [/data/**, '!/data/x']
website:
  title: Site
  site-url: https://example.org/site
  image: /card.png
  favicon: icons/own.svg
  navbar:
    left: [{href: about/us.qmd, text: Us}]
  page-footer:
    left: "By us [here](https://a.org), [there](#there), [mail](mailto:a@b.org)"
    right: "[Terms](</about/the terms.qmd>)"
format:
  html:
    css: styles/own.css
    include-in-header:
      - text: |
          <script src="/own.js"></script>
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / CONFIG).write_text(PLAIN)
    (tmp_path / "index.qmd").write_text("---\ntitle: T\n---\n")
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts/end.html").write_text('<p>x</p>\n<img src="pics/a.png" alt="">\n')
    return tmp_path


def test_addresses_with_a_slash_and_those_that_quarto_roots_itself_pass(root: Path) -> None:
    load_project(root)
    assert unrooted_settings(root, CONFIG) == []


@pytest.mark.parametrize(
    ("old", "new", "line", "write"),
    [
        ("[/data/**,", "[assets/*.csv, /data/**,", 4, "/assets/*.csv"),
        ("'!/data/x'", "'!data/x'", 4, "!/data/x"),
        ("image: /card", "image: pics/../card", 8, "/card.png"),
        ("(#there)", "(about/us.qmd#there)", 13, "/about/us.qmd#there"),
        ("(</about/the terms.qmd>)", "(./terms.qmd?a=1)", 14, "/terms.qmd?a=1"),
        ('"[Terms]', "\"<a href='terms.html'>x</a> [Terms]", 14, "/terms.html"),
        ('"[Terms]', '"![x](pics/x.png) [Terms]', 14, "/pics/x.png"),
        ('src="/own.js"', 'src="own.js"', 20, "/own.js"),
        ("<script", '<link rel="icon" href="icons/a.svg"><script', 20, "/icons/a.svg"),
    ],
)
def test_an_address_that_changes_with_the_page_is_refused(
    root: Path, old: str, new: str, line: int, write: str
) -> None:
    assert old in PLAIN
    (root / CONFIG).write_text(PLAIN.replace(old, new, 1))
    with pytest.raises(RenderError) as caught:
        load_project(root)
    assert (caught.value.file, caught.value.line) == (CONFIG, line)
    assert str(caught.value).endswith(f"write '{write}'")


def test_in_an_included_file_too_with_that_file_and_line(root: Path) -> None:
    (root / CONFIG).write_text(PLAIN + "    include-after-body: parts/end.html\n")
    with pytest.raises(RenderError) as caught:
        load_project(root)
    assert (caught.value.file, caught.value.line) == ("parts/end.html", 2)


def test_our_own_settings_are_rooted() -> None:
    assert unrooted_settings(CHECKOUT, CONFIG) == []


def test_check_and_publish_fail_with_it(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    render(paths.root, paths.site)
    change(paths, "image: /card.png", "image: ./card.png")
    says = "_quarto.yml:10: image: ./card.png leads"
    assert any(fault.startswith(says) for fault in survey(paths).faults)
    monkeypatch.setenv("PATH", "/nowhere")  # no npm
    done = CliRunner().invoke(app, ["--no-browser", "--no-quarto", "--json"])
    assert done.exit_code == 1
    told = [found for found in json.loads(done.stdout)["sites"][0]["failures"] if found["kind"] == "unrooted address"]
    assert [(one["page"], one["message"].split(";")[1]) for one in told] == [("_quarto.yml:10", " write '/card.png'")]
    with pytest.raises(RenderError, match=says):
        render_by_quarto(paths)


def test_a_footer_may_show_how_links_are_written(root: Path) -> None:
    (root / CONFIG).write_text(PLAIN.replace("By us", "Use `[a](b)` or \\\\[c\\\\](d), by us"))
    load_project(root)


WRITTEN = [r"\[c](d)", r"c](d)", r"[a] c](d)", r"[a\](d)", r"`[`c](d)"]


@pytest.mark.parametrize("words", WRITTEN)
def test_brackets_that_make_no_link_are_text(root: Path, words: str) -> None:
    assert _in_markdown(words) == []
    (root / CONFIG).write_text(PLAIN.replace("By us", words.replace("\\", "\\\\")))
    load_project(root)
    shown = settings_text(words, {}, CONFIG, 1)
    assert "<a" not in pandoc.inline_html(shown, root, CONFIG, 1)


@pytest.mark.parametrize(
    "words", [r"[c](d)", r"\\[c](d)", r"[a \[b](d)", r"\[a [b](d)", r"[![x](/y)](d)", r"![a](<d>)"]
)
def test_brackets_that_make_a_link_are_one(root: Path, words: str) -> None:
    assert _in_markdown(words) == ["d"]


@pytest.mark.parametrize(
    ("listed", "left"),
    [
        ("[index.qmd, report/two.qmd]", ["more.qmd", "report/deep/four.qmd", "report/three.qmd"]),
        ("['*.qmd', '!report/three.qmd']", ["report/three.qmd"]),
        ("[index.qmd, more.qmd, report, guide/one.qmd]", ["guide/two.qmd"]),
        ("[]", []),
    ],
)
def test_a_page_that_the_list_of_pages_leaves_out_is_told(root: Path, listed: str, left: list[str]) -> None:
    (root / CONFIG).write_text(f"project:\n  type: website\n  render: {listed}\n")
    for name in (
        "more.qmd", "_part.qmd", "report/two.qmd", "report/three.qmd", "report/_own.qmd", "report/deep/four.qmd",
        "report/_generated/five.qmd", "guide/one.qmd", "guide/two.qmd", "data/notes/six.qmd",
    ):  # fmt: skip
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    assert passed_over(Paths(root)) == left

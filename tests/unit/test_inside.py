"""What is published, or read into pages, lies in the project: no link out of it, no dot file, no path that climbs."""

from __future__ import annotations

from pathlib import Path

import pytest
from log_project import log_project

from analysis.pages.build import sources
from analysis.pages.log_pages import picture_file
from analysis.plan.paths import Paths
from analysis.site.embedded import render
from analysis.site.inside import refusal
from analysis.site.render import render_by_quarto
from sae.errors import RenderError

CONFIG = """project:
  type: website
  render: [index.qmd, deep/one.qmd]
  resources: [/open/**]
website: {title: S}
format:
  html: {css: own.css}
"""
PAGE = "---\ntitle: T\ndescription: D\n---\n\nText.\n"
SECRET = "a secret of this machine"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A project beside a file that is nobody's to publish; links of every kind lead to that file and to settings."""
    root = tmp_path / "project"
    for folder in ("deep", "open", ".git"):
        (root / folder).mkdir(parents=True)
    (root / "_quarto.yml").write_text(CONFIG)
    for page in ("index.qmd", "deep/one.qmd"):
        (root / page).write_text(PAGE)
    (root / "own.css").write_text("")
    (root / "open/data.csv").write_text("1")
    (root / ".git/config").write_text(SECRET)
    (root / "open/.env").write_text(SECRET)
    (tmp_path / "secret.md").write_text(SECRET)
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys/id").write_text(SECRET)
    (root / "out.md").symlink_to(tmp_path / "secret.md")
    (root / "twice.md").symlink_to("out.md")
    (root / "folder").symlink_to(tmp_path / "keys")
    (root / "settings.md").symlink_to(".git/config")
    (root / "inner.css").symlink_to("own.css")
    (root / "itself.md").symlink_to("itself.md")
    return root


@pytest.mark.parametrize(
    "name",
    ["../secret.md", "deep/../../secret.md", "out.md", "twice.md", "folder/id", "settings.md", ".git/config",
     "open/.env", "/.git/config", "itself.md", "open/\0", "/", "x" * 300],
)  # fmt: skip
def test_what_is_never_published(root: Path, name: str) -> None:
    assert refusal(root, name)


@pytest.mark.parametrize("name", ["own.css", "/own.css", "inner.css", "deep/../own.css", "open/data.csv", "not/there"])
def test_what_may_be_also_where_the_project_is_reached_by_a_link(root: Path, name: str) -> None:
    (root.parent / "link").symlink_to(root)
    assert refusal(root, name) == refusal(root.parent / "link", name) == ""


def site(root: Path, page: str = "", config: tuple[str, str] = ("", ""), front: str = "") -> RenderError:
    """What is said to a page with this body, to settings changed so, or to a page with this line in front."""
    (root / "deep/one.qmd").write_text(PAGE.replace("\n---\n\n", f"\n{front}\n---\n" if front else "\n---\n\n") + page)
    assert config[0] in CONFIG
    (root / "_quarto.yml").write_text(CONFIG.replace(*config) if config[0] else CONFIG)
    with pytest.raises(RenderError) as caught:
        render(root, root / "_site")
    assert SECRET not in str(caught.value) and not (root / "_site").exists()
    return caught.value


@pytest.mark.parametrize("name", ["/out.md", "../.git/config"])
@pytest.mark.parametrize(
    "words",
    ["{{{{< include {} >}}}}", "[x]({})", "![x]({})", "```{{=html}}\n<img alt='' src='{}'>\n```", "<a href='{}'>x</a>"],
)  # fmt: skip
def test_no_page_includes_shows_or_links_it(root: Path, words: str, name: str) -> None:
    error = site(root, "\n" + words.format(name) + "\n")
    assert (error.file, error.line) == ("deep/one.qmd", 9 if "=html" in words else 8)


@pytest.mark.parametrize("name", ["/folder/id", "../../secret.md"])
@pytest.mark.parametrize(
    "front", ["image: {}", "bibliography: {}", "csl: {}", "resources: {}", "include-in-header: {}",
              "include-in-header: [{{file: {}}}]"],
)  # fmt: skip
def test_no_front_matter_names_it(root: Path, front: str, name: str) -> None:
    error = site(root, front=front.format(name))
    assert (error.file, error.line) == ("deep/one.qmd", 0 if front.startswith("resources") else 4)


@pytest.mark.parametrize("name", ["twice.md", "open/.env"])
@pytest.mark.parametrize(
    ("config", "line"),
    [
        (("css: own.css", "css: {}"), 7),
        (("css: own.css", "include-in-header: {{file: {}}}"), 7),
        (("css: own.css", "include-after-body: [{}]"), 7),
        (("title: S", "title: S, image: /{}"), 5),
        (("title: S", "title: S, favicon: {}"), 5),
        (("[/open/**]", "[/{}]"), 4),
        (("format:", "bibliography: {}\nformat:"), 6),
    ],
)
def test_no_setting_names_it(root: Path, config: tuple[str, str], line: int, name: str) -> None:
    error = site(root, config=(config[0], config[1].format(name)))
    assert (error.file, error.line) == ("_quarto.yml", line)


@pytest.mark.parametrize("page", ["../x.qmd", "/deep/one.qmd", "deep/../index.qmd", "./index.qmd", "out.qmd", ".x.qmd"])
def test_no_page_of_the_list_lies_elsewhere(root: Path, page: str) -> None:
    for place in (root.parent / "x.qmd", root / ".x.qmd"):
        place.write_text(PAGE)
    (root / "out.qmd").symlink_to(root.parent / "x.qmd")
    error = site(root, config=("index.qmd,", f"{page},"))
    assert (error.file, error.line) == ("_quarto.yml", 3)
    absolute = site(root, config=("index.qmd,", f"{root.parent / 'x.qmd'},"))
    assert "plain path" in str(absolute)


def test_a_pattern_copies_no_link_out_and_passes_over_dot_files(root: Path) -> None:
    render(root, root / "_site")
    assert sorted(path.name for path in (root / "_site/open").iterdir()) == ["data.csv"]
    (root / "open/more.csv").symlink_to(root.parent / "secret.md")
    with pytest.raises(RenderError, match=r"_quarto\.yml:4: resources: open/more\.csv is a link that leads out"):
        render(root, root / "_site")


@pytest.mark.parametrize("pattern", ["/open/../../*", "/a**b", "/", "/../secret.md"])
def test_a_pattern_that_climbs_or_is_none_is_refused(root: Path, pattern: str) -> None:
    error = site(root, config=("/open/**", f"'{pattern}'"))
    assert (error.file, error.line) == ("_quarto.yml", 4)


def test_quarto_is_not_asked_to_copy_it_either(root: Path) -> None:
    paths = Paths(root.resolve())
    for old, new in (("[/open/**]", "[/out.md]"), ("deep/one.qmd", "../secret.qmd"), ("[/open/**]", "[/open/.env]")):
        (root / "_quarto.yml").write_text(CONFIG.replace(old, new))
        with pytest.raises(
            RenderError, match=r"^_quarto\.yml:[34]: (resources|project\.render): \S+ (is a link|leads out|begins)"
        ):
            render_by_quarto(paths)


def test_the_build_reads_no_source_from_elsewhere(root: Path) -> None:
    paths = Paths(root.resolve())
    assert len(sources(paths)) == 1
    (root / "more.qmd").symlink_to(root.parent / "secret.md")
    with pytest.raises(RenderError, match=r"more\.qmd: page: more\.qmd is a link that leads out"):
        sources(paths)


def test_a_log_that_is_a_link_out_of_the_project_is_said_and_not_read(tmp_path: Path) -> None:
    project = log_project(tmp_path / "project")
    (project.paths.root.parent / "notes.md").write_text("# Learnings\n\n- a secret\n")
    (project.paths.logs / "9999-notes.md").symlink_to(project.paths.root.parent / "notes.md")
    compilation = project.pages.compilation
    assert not any("secret" in item.text for item in compilation.items)
    assert [problem.file for problem in compilation.problems] == ["9999-notes.md"]


def test_a_picture_of_a_log_is_no_dot_file(tmp_path: Path) -> None:
    (tmp_path / ".kept").mkdir()
    for name in ("a.png", ".kept/b.png"):
        (tmp_path / name).write_bytes(b"")
    (tmp_path / "c.png").symlink_to(".kept/b.png")
    found = [picture_file(tmp_path, "log.md", name) is not None for name in ("a.png", ".kept/b.png", "c.png")]
    assert found == [True, False, False]

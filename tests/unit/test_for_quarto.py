"""What real Quarto would stumble over, found in the sources: each cause planted, and none in this project."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests_root import CHECKOUT

from analysis.site.check.for_quarto import findings

CONFIG = """project: {type: website, render: [index.qmd], resources: ["/assets/**"], post-render: python3 post.py}
website: {title: T, search: false, page-navigation: true}
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "_quarto.yml").write_text(CONFIG)
    (tmp_path / "assets").mkdir()
    (tmp_path / "assets/own.js").write_text("const root = document.currentScript.src;\n")
    (tmp_path / ".git").mkdir()
    (tmp_path / ".gitignore").write_text("/.quarto/\n**/*.quarto_ipynb\n")
    return tmp_path


def said(root: Path) -> list[tuple[str, str]]:
    return [(one.page, one.message) for one in findings(root)]


def test_nothing_is_found_where_nothing_is_wrong(root: Path) -> None:
    assert said(root) == []


def test_this_project_is_free_of_them() -> None:
    assert said(CHECKOUT) == []


def test_each_line_that_quarto_would_add_to_gitignore(root: Path) -> None:
    (root / ".gitignore").write_text("/.quarto/\n")
    assert [(page, "**/*.quarto_ipynb" in message) for page, message in said(root)] == [(".gitignore", True)]
    (root / ".gitignore").unlink()
    assert len(said(root)) == 2


def test_a_folder_without_git_needs_no_gitignore(root: Path) -> None:
    (root / ".gitignore").unlink()
    (root / ".git").rmdir()
    assert said(root) == []


def test_a_script_that_looks_for_quartos_offset(root: Path) -> None:
    (root / "assets/own.js").write_text("\nlet at = document.querySelector('meta[name=\"quarto:offset\"]').content;\n")
    ((page, message),) = said(root)
    assert page == "assets/own.js" and message.startswith("line 2 looks for")


@pytest.mark.parametrize(
    ("script", "line"),
    [
        ('document.getElementsByName("quarto:offset")[0];', 1),
        ("document.querySelectorAll(\n  `meta[name='quarto:offset']`,\n);", 2),
        ("const NAME = `quarto:offset`;\nfind(NAME);", 1),
        ("[...document.head.children].find((one) => one.name == 'quarto:offset');", 1),
    ],
)
def test_however_a_script_looks_for_it_in_a_file_or_in_a_page(root: Path, script: str, line: int) -> None:
    (root / "assets/own.js").write_text(script)
    (root / "index.qmd").write_text(f"The tag quarto:offset.\n\n<SCRIPT type=module>\n{script}</script>\n")
    (root / "_site").mkdir()
    (root / "_site/index.html").write_text(f"<script>{script}</script>")
    assert [(page, message.split(" looks")[0]) for page, message in said(root)] == [
        ("assets/own.js", f"line {line}"), ("index.qmd", f"line {line + 3}"),
    ]  # fmt: skip


def test_without_a_last_step_quarto_leaves_things_out(root: Path) -> None:
    (root / "_quarto.yml").write_text(CONFIG.replace(", post-render: python3 post.py", ""))
    assert [message.split(":")[0] for _, message in said(root)] == ["page-navigation", "search"]
    (root / "_quarto.yml").write_text(
        CONFIG.replace(", post-render: python3 post.py", "").replace(
            "title: T, search: false,", "title: T, sidebar: {style: floating},"
        )
    )
    assert said(root) == []

"""Every construct that a page may use, rendered by the embedded renderer, against golden HTML.

The goldens are what a reader's browser gets between `<main>` and `</main>`. After a wanted change, write them
anew with `STRATA_WRITE_GOLDEN=1 pytest tests/contract/test_conformance.py` and read the diff.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from pathlib import Path

import pytest

from analysis.site.embedded import render

HERE = Path(__file__).parent / "conformance"
GOLDEN = HERE / "golden"
NUMBERS = {
    "share": {"text": "97.8%", "title": "mean of 3 seeds, runs ab12 cd34", "experiment": "towers"},
    "bare": {"text": "4"},
}
PAGES = ("text", "report/figures", "report/tables", "report/boxes", "report/references", "report/decorated")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("conformance")
    shutil.copytree(HERE, root, dirs_exist_ok=True, ignore=shutil.ignore_patterns("golden"))
    (root / "report/_generated").mkdir()
    (root / "report/_generated/numbers.json").write_text(json.dumps(NUMBERS))
    assert render(root, root / "_site").pages == tuple(f"{page}.qmd" for page in PAGES)
    return root / "_site"


def main_of(page: str) -> str:
    found = re.search(r"<main.*?</main>\n", page, re.DOTALL)
    assert found
    return found[0]


@pytest.mark.parametrize("page", PAGES)
def test_page_equals_its_golden(site: Path, page: str) -> None:
    html = main_of((site / f"{page}.html").read_text())
    golden = GOLDEN / f"{page.replace('/', '-')}.html"
    if os.environ.get("STRATA_WRITE_GOLDEN"):
        golden.write_text(html)
    assert html == golden.read_text()


def test_tags_are_balanced(site: Path) -> None:
    # The goldens could hold a mistake; a section that runs out of its box would be the likeliest.
    for page in PAGES:
        html = main_of((site / f"{page}.html").read_text())
        open_tags: list[str] = []
        for closing, name in re.findall(r"<(/?)(div|section|figure|details|main|nav|ul|ol|li|table)\b", html):
            if not closing:
                open_tags.append(name)
            else:
                assert open_tags[-1:] == [name], page
                open_tags.pop()
        assert open_tags == []


def test_what_a_reader_relies_on(site: Path) -> None:
    # Said once in words, so that a careless rewriting of the goldens cannot lose it.
    figures = (site / "report/figures.html").read_text()
    assert '<a href="#fig-plain" class="quarto-xref">Figure\u00a01</a>' in figures
    assert '<a href="#fig-raw" class="quarto-xref">Picture\u00a02</a>' in figures
    assert '<a href="#fig-grid-b" class="quarto-xref">Figure\u00a05 (b)</a>' in figures
    assert 'data-picture="/report/assets/picture.svg"><img src="./assets/picture.svg"' in figures
    assert '<div aria-describedby="fig-inline-caption" role="group" aria-label="Drawn in the page.">' in figures
    tables = (site / "report/tables.html").read_text()
    assert tables.index("Table\u00a01: A pipe table") < tables.index("<table")
    assert '<span class="eq-number">(2)</span>' in tables
    text = (site / "text.html").read_text()
    told = 'title="mean of 3 seeds, runs ab12 cd34" data-key="share" data-experiment="towers"'
    number = f'<span class="num" {told}>97.8%</span>'
    assert text.count(number) == 7
    assert "<code>{{&lt; num share &gt;}}</code>" in text

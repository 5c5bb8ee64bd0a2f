"""Numbers in prose: those typed by hand are found, those with a source are not."""

from __future__ import annotations

import pytest

from analysis.pages.typed_numbers import check_prose, unsourced
from sae.errors import RenderError


@pytest.mark.parametrize("text", ["it explains 93% of it", "about .55 in-sample", "FVU 0.017", "12.5 % of rows"])
def test_a_typed_decimal_or_percentage_is_found(text):
    assert len(unsourced(text)) == 1


@pytest.mark.parametrize(
    "text",
    [
        "it explains {{< num variance_explained/latents/1/pct >}} of it",
        'the paper says [.5547]{.sourced source="Leask et al. 2025"} here',
        "`lr = 0.5` in code",
        "```toml\nlr = 0.5\n```",
        "$x = 0.5$ and\n\n$$\ny = 1.5\n$$\n",
        "[a link](page.html?x=0.5)",
        "---\ntitle: v0.5\n---\ntext",
        "784 pixels, four depths, 2026-11-22, version 1.2.3, arXiv:2406.04093.",
        "<!-- 50% -->",
    ],
)
def test_looked_up_sourced_and_coded_numbers_pass(text):
    assert unsourced(text) == []


def test_the_error_names_file_line_and_number(tmp_path):
    page = tmp_path / "page.qmd"
    page.write_text("---\ntitle: t\n---\n\nfine\n\nbut 42% is not\n")
    with pytest.raises(RenderError, match=r"page\.qmd:7: .*'42%'"):
        check_prose([page], tmp_path)


def test_a_number_after_a_passed_over_block_keeps_its_line():
    assert unsourced("```\n1.5\n2.5\n```\n\n3.5\n") == [(6, "3.5")]

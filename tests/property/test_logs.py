"""No line of a log is lost, whatever form it has: each stands in an item or carries the form."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.logs.files import parse_bytes

LINES = (
    "# 2024-03-05 Probing",
    "## Questions",
    "## Next Steps",
    "Ideas:",
    "TODO:",
    "**Results**",
    "Anna:",
    "Answered:",
    "2024-03-06",
    "[2024-03-07] began early",
    "12:40 restarted",
    "March 8",
    "* TODO sweep the width",
    "** DONE plot the norms",
    "#+TITLE: x",
    ":PROPERTIES:",
    ":END:",
    "Findings",
    "========",
    "--------",
    "***",
    "- why does it fall?",
    "  - because of the seed",
    "    - [x] plotted it",
    "1. order disks",
    "(2) wait",
    "+ done: the loader",
    "- [ ] ",
    "-",
    "> quoted, is it?",
    "> [!todo] Later",
    "| step | status |",
    "|---|---|",
    "| fit probe | done |",
    "```",
    "loss 0.31",
    "lr=0.01",
    "INFO step 3 loss 2.1",
    "The run crashed after two hours. I should try dropout. Why?",
    "I wrote the loader.",
    "[a post](https://example.org/p)",
    "[x]: https://example.org/x",
    "![](a.png)",
    ".. note:: look",
    "   indented far",
    "\tindented by a tab",
    "为什么损失不下降？",
    "<!-- strata: dropped: no time -->",
    "- sweep <!-- strata: done -->",
    "Title: One",
    "Date: 2024-03-05",
    "---",
    "",
    "",
)


@settings(max_examples=250, deadline=None)
@given(
    st.lists(st.sampled_from(LINES), max_size=24),
    st.sampled_from((".md", ".txt", ".org", ".rst", ".log", "")),
    st.sampled_from(("\n", "\r\n")),
    st.sampled_from(("utf-8", "utf-16", "utf-8-sig")),
)
def test_no_line_of_any_log_is_lost(lines: list[str], suffix: str, end: str, encoding: str) -> None:
    text = end.join(lines)
    log = parse_bytes(text.encode(encoding), f"log{suffix}")
    assert log.lost_lines(text) == []
    for item in log.items:
        assert 1 <= item.line <= item.end_line <= max(1, len(lines))
        assert item.text.strip() and "\n" not in item.markdown

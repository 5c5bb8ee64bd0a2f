"""Safe Markdown and the written page."""

from __future__ import annotations

import json
import re

import pytest
from markdown_it import MarkdownIt

from analysis.logs.items import Compilation
from analysis.logs.join import join
from analysis.logs.output import to_json, to_markdown
from analysis.logs.reader import parse_log
from analysis.logs.write import code, escape, one_line, safe_url


def compiled(*texts: str) -> Compilation:
    logs = tuple(parse_log(text, f"log-{number}.md") for number, text in enumerate(texts, 1))
    return Compilation(
        items=tuple(join((item for log in logs for item in log.items), returns=0.62)[0]), logs=logs, problems=()
    )


@pytest.mark.parametrize("url", ["https://a.b/c_d", "http://a.b", "mailto:a@b.c", "notes/a.md", "/x", "#part"])
def test_safe_addresses_stay(url: str) -> None:
    assert safe_url(url) == url


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "JavaScript:x",
        "data:text/html,x",
        "vbscript:x",
        "file:///etc",
        "//a.b",
        "",
        "C:x",
    ],
)
def test_other_addresses_are_no_links(url: str) -> None:
    assert safe_url(url) is None


def test_addresses_cannot_leave_their_brackets() -> None:
    assert safe_url("https://a.b/x) <script>{{<") == "https://a.b/x%29%20%3Cscript%3E%7B%7B%3C"


HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "[go](javascript:alert(1))",
    "[go](<java script:alert(1)>)",
    "[go](&#106;avascript:alert(1))",
    "<javascript:alert(1)>",
    '[go](https://a.b "x\\" onclick=alert(1)")',
    "![p](javascript:alert(1))",
    "`<script>`{=html}",
    "`` `<b>`{=html} ``",
    "[span]{onclick=alert(1)}",
    "wow![x](https://a.b)",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "\\<script>",
    "[a]: javascript:alert(1)",
    "```{=html}\n<script>x</script>\n```",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_of_a_log_runs(text: str) -> None:
    page = to_markdown(compiled(f"## Questions\n\n{text}\n\n- {text}\n").items)
    html = MarkdownIt("commonmark", {"html": True}).render(page)
    tags = set(re.findall(r"<([a-z0-9]+)", html))
    assert tags <= {"h2", "h3", "ul", "li", "a", "em", "strong", "code", "p"}
    assert not re.search(r'href="(?!https?:|mailto:)[^"]*:', html)
    assert not re.search(r"<[^>]*\son\w+=", html)
    assert not re.search(r"(?<!\\)\{(?!\.source\})", re.sub(r"(`+).*?\1(?!`)", "", page))


def test_renderer_commands_are_only_words() -> None:
    page = to_markdown(
        compiled("- {{< include x >}}\n- `{{< include x >}}`\n- `r 1 + 1`\n- see [@doe] $x$ a^b^ :::\n").items
    )
    assert "{{<" not in page and "`r " not in page
    assert r"\[\@doe\] \$x\$ a\^b\^" in page


@pytest.mark.parametrize("text", ["# a", "- a", "+ a", "1. a", "(1) a", "a) b", ": a", "> a", "| a", "--- ", "=== x"])
def test_an_item_never_begins_another_block(text: str) -> None:
    html = MarkdownIt("commonmark").render("- " + one_line(escape(text)))
    assert html.count("<li>") == 1 and "<h" not in html and "<blockquote" not in html
    shown = re.sub("<[^>]*>", "", html).strip().replace("&gt;", ">")
    assert shown == text.strip()


def test_code_keeps_its_backticks_and_addresses_become_links() -> None:
    assert code("a`b") == "``a`b``"
    assert code("`") == "`` ` ``"
    assert escape("see https://a.b/x_y, ok") == "see [https://a.b/x_y](https://a.b/x_y), ok"


def test_the_page() -> None:
    older = "Date: 2024-01-02\n\n## Questions\n- Why is it slow?\n\n## TODO\n- [x] cache\n- sweep\n    - over k\n"
    newer = "Date: 2024-02-03\n\n## Questions\n"
    newer += "- why is it slow\n- Who knows?\n\n## Learnings\n- [it](a.md) helps\n"
    newer += "\n# x\nTea.\n"
    assert to_markdown(compiled(older, newer).items) == (
        "## Open questions\n\n### 2024-02-03\n\n"
        "- why is it slow (came up 2 times: 2024-01-02, 2024-02-03) [2024-02-03, log-2.md:4]{.source}\n"
        "- Who knows? [2024-02-03, log-2.md:5]{.source}\n\n"
        "## Next steps\n\n### 2024-01-02\n\n"
        "- sweep [2024-01-02, log-1.md:8]{.source}\n"
        "    - over k [2024-01-02, log-1.md:9]{.source}\n\n"
        "## Next steps, done\n\n### 2024-01-02\n\n- cache [2024-01-02, log-1.md:7]{.source}\n\n"
        "## Learnings\n\n### 2024-02-03\n\n- [it](a.md) helps [2024-02-03, log-2.md:8]{.source}\n\n"
        "## Unsorted\n\n### 2024-02-03\n\n- Tea. [2024-02-03, log-2.md:11]{.source}\n"
    )
    assert to_markdown(compiled("").items) == ""


def test_unsure_items_say_maybe_and_levels_follow() -> None:
    page = to_markdown(compiled("But to what end?\n").items, heading_level=4)
    assert page.startswith("#### Open questions\n\n##### No date\n\n- *maybe:* But to what end?")


def test_every_kind_has_a_section() -> None:
    assert "## Work done" in to_markdown(compiled("## Done\n- built\n").items)


FIELDS = ("id", "kind", "text", "file", "line", "date", "confidence", "state", "parent", "seen",
          "note", "links", "match", "mentioned")  # fmt: skip


def test_json_is_complete_and_stable() -> None:
    found = compiled("Date: 2024-01-02\n\n## TODO\n- [x] cache\n    - its test\n", "## Questions\n- k?\n")
    records = json.loads(to_json(found.items))
    assert [record["kind"] for record in records] == ["question", "next_step", "next_step"]
    assert set(records[0]) == set(FIELDS)
    assert records[0]["date"] is None and records[2]["parent"] == records[1]["id"]
    assert records[1]["seen"] == [{"date": "2024-01-02", "file": "log-1.md", "line": 4, "text": "cache"}]
    assert to_json(found.items) == to_json(found.items)

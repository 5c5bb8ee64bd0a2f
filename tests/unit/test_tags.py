"""Tags and style sheets in one pass: as Python's parser has them where all is closed, as browsers do elsewhere."""

from __future__ import annotations

import random
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest
from tests_root import CHECKOUT

from analysis.site.check import css
from analysis.site.check.folder import read
from analysis.site.check.static import findings
from analysis.site.links import Linker, tags_of
from analysis.site.search import searchable
from analysis.site.tags import Attributes, Parser, words_of

PARTS = (
    "<a href='x'>", "</a>", "<p class=b c>", "text", "&amp;", "&lt", "<br/>", "<!-- x -->", "<!DOCTYPE html>", "< ",
    "\n", "<svg:x a:b='1'/>", '<b title="a>b">', "<img src=x alt>", "</p >", "<?x?>", "<script>if(a<b){}</script>",
    "a < b", "<style>a{}</style>", "&copy;",
)  # fmt: skip


class Theirs(HTMLParser):
    """What Python's own parser finds, text joined."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[tuple[object, ...]] = []

    def handle_starttag(self, tag: str, attrs: Attributes) -> None:
        self.found.append((tag, attrs))

    def handle_endtag(self, tag: str) -> None:
        self.found.append((tag,))

    def handle_data(self, data: str) -> None:
        if self.found and self.found[-1][0] == "":
            data = str(self.found.pop()[1]) + data
        self.found.append(("", data))


class Ours(Parser):
    """The same by ours."""

    def __init__(self) -> None:
        self.found: list[tuple[object, ...]] = []

    handle_starttag, handle_endtag, handle_data = Theirs.handle_starttag, Theirs.handle_endtag, Theirs.handle_data  # type: ignore[assignment]


def both(html: str) -> tuple[list[tuple[object, ...]], list[tuple[object, ...]]]:
    theirs, ours = Theirs(), Ours()
    theirs.feed(html)
    theirs.close()
    ours.feed(html)
    return theirs.found, ours.found


def test_what_is_closed_is_read_as_python_reads_it() -> None:
    draw = random.Random(0)
    for _ in range(500):
        theirs, ours = both("".join(draw.choices(PARTS, k=12)))
        assert theirs == ours
    for page in sorted((CHECKOUT / "tests/contract/conformance/golden").glob("*.html")):
        theirs, ours = both(page.read_text())
        assert theirs == ours, page.name


@pytest.mark.parametrize(
    ("html", "tags"),
    [
        ("<a><!-- <b>", ["a"]), ("<a><!--> <b> -->", ["a", "b"]), ("<a><b c='", ["a"]), ("<a><b c=d", ["a"]),
        ("<script><a></script ><b>", ["script", "b"]), ("<title><a></titles></title><b>", ["title", "b"]),
        ("<textarea><a>", ["textarea"]), ("<!doctype <a>><b>", ["b"]), ("</ <a>><b>", ["b"]), ("<1><b>", ["b"]),
        ('<a b="1"c=2/><d/>', ["a", "d"]),
    ],
)  # fmt: skip
def test_what_is_not_closed_ends_as_in_browsers(html: str, tags: list[str]) -> None:
    found = tags_of(html)
    assert [tag.name for tag in found] == tags
    assert all(html[tag.start :].startswith(tag.text) for tag in found)


def test_attributes_are_read_as_browsers_do() -> None:
    (tag,) = tags_of("<A HREF=a?b=1&copy=2&amp;c ID = 'x' id=y data-&gt; =z =w>")
    assert tag.attributes == {"href": "a?b=1&copy=2&c", "id": "x", "data-&gt;": "z", "=w": ""}
    assert words_of("a <b title='<c>'>b</b> &lt;c> <!-- d --> <script>e</script>") == "a b <c>  e"


PIECES = (
    "<a href='x'>y</a>", "<a", "<a href='", "<!--", "<!", "<?", "</a", "</a>", "<b>", "<style>", "<title>",
    "<svg role=img>", "<main", "<footer>", "<p style='background:url(x)'>", "<x y=", "<img srcset='a,",
    "<meta http-equiv=refresh content='; ",
)  # fmt: skip
SHEETS = ("url(", "url('", "/*", '@import "', "image-set(", "image-set(f(", "f(", ")", '"', "\\", "a", "url(x) ")


def steps(work: object, text: str) -> int:
    """How many lines of Python a function runs over a text: a measure of work that no clock disturbs."""
    count = 0

    def trace(*_: object) -> object:
        nonlocal count
        count += 1
        return trace

    sys.settrace(trace)  # type: ignore[arg-type]
    try:
        work(text)  # type: ignore[operator]
    finally:
        sys.settrace(None)
    return count


@pytest.mark.parametrize("piece", PIECES)
def test_work_grows_as_the_page_does(piece: str) -> None:
    head = "<html><main>"
    for work in (tags_of, searchable, words_of):
        small, large = (steps(work, head + piece * count) for count in (100, 400))
        assert large < 5 * small + 200, work


@pytest.mark.parametrize("piece", SHEETS)
def test_work_grows_as_the_style_sheet_does(piece: str) -> None:
    small, large = (steps(lambda text: list(css.addresses(text)), piece * count) for count in (100, 400))
    assert large < 5 * small + 200


@pytest.mark.parametrize("piece", [*PIECES, *(f"<style>{piece}" for piece in SHEETS)])
def test_a_check_ends_on_a_long_page_of_it(tmp_path: Path, piece: str) -> None:
    """With a pattern that goes back over what it has seen this takes minutes each, and the suite never ends."""
    count = 1_000 if ">" in piece else 200_000 // len(piece)
    (tmp_path / "index.html").write_text("<html lang=en><title>t</title><h1>x</h1><main>" + piece * count)
    list(findings(read(tmp_path, "")))


@pytest.mark.parametrize(
    ("sheet", "found"),
    [
        ("a { b: url(c.png) }", ["c.png"]), ("url( 'a b.png' ) url(\"c)d.png\")", ["a b.png", "c)d.png"]),
        ('@import "a.css"; @IMPORT url(b.css) screen;', ["a.css", "b.css"]), ("/* url(a) */ url(b) /* url(c)", ["b"]),
        ('image-set("a.png" type("image/png") 1x, url(b.png) 2x)', ["a.png", "b.png"]),
        ("-webkit-image-set('a.png' 1x)", ["a.png"]), ('content: "url(a.png)"; quotes: "x" "y"', []),
        ("f(url(a), 'b')", ["a"]), ("url(a b) url(c", ["c"]),
    ],
)  # fmt: skip
def test_addresses_of_a_style_sheet(sheet: str, found: list[str]) -> None:
    assert list(css.addresses(sheet)) == found


@pytest.mark.parametrize(
    ("tag", "after"),
    [
        ('<a title=\'see href="q"\' href="/x.png">', '<a title=\'see href="q"\' href="./x.png">'),
        ("<a data-href=/q href = '/x.png' href=/y>", '<a data-href=/q href = "./x.png" href=/y>'),
        ("<IMG alt=\"a src='/q'\" SRC=/x.png>", '<IMG alt="a src=\'/q\'" SRC="./x.png">'),
    ],
)
def test_an_address_is_replaced_in_its_own_place(tmp_path: Path, tag: str, after: str) -> None:
    (tmp_path / "x.png").write_text("x")
    linker = Linker(tmp_path, {"a.qmd": "a.html"}, {"a.qmd": set()}, set())
    assert linker.rewrite("a.qmd", f"<p>{tag}", pytest.fail) == f"<p>{after}"

"""The site around the pages: shell, files, links, and how the output is put in place."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest
from PIL import Image
from tests_root import CHECKOUT

from analysis.site import links, shell
from analysis.site.embedded import RenderReport, render
from analysis.site.pandoc import CLASSES
from analysis.system import pandoc_program
from sae.errors import RenderError

ROOT = Path(__file__).parents[2]
CONFIG = """project:
  type: website
  render: [index.qmd, report/deep/one.qmd]
  resources: [/data/**]
shortcodes: [_extensions/strata/num.lua]
website:
  title: Site
  description: Of the whole site.
  site-url: https://example.org/site
  open-graph: true
  twitter-card: true
  image: /card.png
  image-alt: A card.
  navbar:
    left: [{href: index.qmd, text: Home}, report/deep/one.qmd]
    right: [{href: "https://example.org/code", text: Code}]
  page-footer: {left: "By *us*, [one](/report/deep/one.qmd)"}
  page-navigation: true
lang: en
format:
  html:
    theme: {light: cosmo, dark: darkly}
    respect-user-color-scheme: true
    css: theme.css
    include-in-header: [{text: '<script defer src="/data/charts.js"></script>'}]
    toc: true
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "project"
    (root / "report/deep").mkdir(parents=True)
    (root / "data/more").mkdir(parents=True)
    (root / "_quarto.yml").write_text(CONFIG)
    (root / "index.qmd").write_text("---\ntitle: Site\ndescription: 'A \"front\" & more.'\n---\n\n## A {#a}\n")
    (root / "report/deep/one.qmd").write_text("---\ntitle: One & only\nauthor: Ann\n---\n\n[a](/index.qmd#a)\n")
    (root / "theme.css").write_text(":root { --ink: black; }")
    (root / "data/charts.js").write_text("// nothing")
    (root / "data/more/table.csv").write_text("a,b\n")
    (root / "data/.hidden").write_text("x")
    Image.new("RGB", (12, 6)).save(root / "card.png")
    return root


def files_of(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_report_and_files(root: Path, tmp_path: Path) -> None:
    report = render(root, tmp_path / "out")
    files = files_of(tmp_path / "out")
    assert isinstance(report, RenderReport)
    assert report.pages == ("index.qmd", "report/deep/one.qmd")
    assert report.files == len(files) == 10
    assert set(files) == {
        "index.html", "report/deep/one.html", "theme.css", "data/charts.js", "data/more/table.csv",
        "card.png", "site_libs/strata/embedded.css", "site_libs/strata/embedded.js", "sitemap.xml",
        "robots.txt",
    }  # fmt: skip
    assert b"https://example.org/site/report/deep/one.html" in files["sitemap.xml"]


def test_same_bytes_again(root: Path, tmp_path: Path) -> None:
    render(root, tmp_path / "one")
    render(root, tmp_path / "two")
    assert files_of(tmp_path / "one") == files_of(tmp_path / "two")


def test_failed_build_leaves_the_last_good_one(root: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    render(root, out)
    before = files_of(out)
    (root / "index.qmd").write_text("---\ntitle: New\ndescription: D\n---\n\n[x](gone.png)\n")
    with pytest.raises(RenderError):
        render(root, out)
    assert files_of(out) == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["out", "project"]


def test_what_is_added_to_the_fresh_site_is_part_of_it(root: Path, tmp_path: Path) -> None:
    report = render(root, tmp_path / "site", finish=lambda fresh: (fresh / "added.txt").write_text("x"))
    assert (tmp_path / "site/added.txt").read_text() == "x"
    assert report.files == render(root, tmp_path / "other").files + 1

    def failing(fresh: Path) -> None:
        (fresh / "added.txt").write_text("half")
        raise RenderError("no index")

    with pytest.raises(RenderError, match="no index"):
        render(root, tmp_path / "site", finish=failing)
    assert (tmp_path / "site/added.txt").read_text() == "x"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["other", "project", "site"]


def test_output_is_replaced_whole(root: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out/stale.html").write_text("old")
    render(root, tmp_path / "out")
    assert not (tmp_path / "out/stale.html").exists()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["out", "project"]


@pytest.mark.parametrize("out", [".", "..", "report"])
def test_output_may_not_hold_the_sources(root: Path, out: str) -> None:
    with pytest.raises(RenderError, match="holds the sources"):
        render(root, root / out)
    assert (root / "report/deep/one.qmd").exists()


def test_head_of_a_page(root: Path, tmp_path: Path) -> None:
    render(root, tmp_path / "out")
    index = (tmp_path / "out/index.html").read_text()
    one = (tmp_path / "out/report/deep/one.html").read_text()
    assert '<html xmlns="http://www.w3.org/1999/xhtml" lang="en"' in one
    assert "<title>Site</title>" in index
    assert "<title>One &amp; only – Site</title>" in one
    assert '<meta name="quarto:offset" content="./">' in index
    assert '<meta name="quarto:offset" content="../../">' in one
    assert '<meta name="description" content="A &#34;front&#34; &amp; more.">' in index
    assert '<meta name="description" content="Of the whole site.">' in one
    for tag in (
        '<meta property="og:title" content="One &amp; only – Site">',
        '<meta property="og:image" content="https://example.org/site/card.png">',
        '<meta property="og:image:height" content="6">',
        '<meta property="og:image:width" content="12">',
        '<meta name="twitter:card" content="summary_large_image">',
        '<meta name="twitter:image:alt" content="A card.">',
        '<meta name="viewport" content="width=device-width, initial-scale=1.0">',
        '<meta name="author" content="Ann">',
        '<link rel="stylesheet" href="../../theme.css">',
        '<script defer src="../../data/charts.js"></script>',
    ):
        assert tag in one


def test_navigation(root: Path, tmp_path: Path) -> None:
    render(root, tmp_path / "out")
    index = (tmp_path / "out/index.html").read_text()
    one = (tmp_path / "out/report/deep/one.html").read_text()
    assert [page.count('aria-current="page"') for page in (index, one)] == [1, 1]
    assert '<a class="nav-link active" href="./one.html" aria-current="page">' in one
    assert '<span class="menu-text">One &amp; only</span>' in index  # the page's own title
    assert '<a href="./report/deep/one.html" class="pagination-link" rel="next">' in index
    assert '<a href="../../index.html" class="pagination-link" rel="prev">' in one
    assert '<p>By <em>us</em>, <a href="./one.html">one</a></p>' in one
    assert '<nav id="TOC" role="doc-toc"' in index
    assert 'id="TOC"' not in one  # no headings, no contents
    assert '<a href="../../index.html#a">a</a>' in one


def test_a_menu_of_the_navbar(root: Path, tmp_path: Path) -> None:
    config = (root / "_quarto.yml").read_text()
    plain = "left: [{href: index.qmd, text: Home}, report/deep/one.qmd]"
    inside = "[report/deep/one.qmd, {href: /index.qmd#a, text: A}]"
    menu = f"left: [{{href: index.qmd, text: Home}}, {{text: More, menu: {inside}}}]"
    assert plain in config
    (root / "_quarto.yml").write_text(config.replace(plain, menu))
    render(root, tmp_path / "out")
    index = (tmp_path / "out/index.html").read_text()
    one = (tmp_path / "out/report/deep/one.html").read_text()
    assert '<summary class="nav-link dropdown-toggle"><span class="menu-text">More</span></summary>' in index
    assert '<summary class="nav-link dropdown-toggle active">' in one
    assert '<a class="dropdown-item active" href="./one.html" aria-current="page">' in one
    assert '<a class="dropdown-item" href="../../index.html#a"><span class="menu-text">A</span></a>' in one


@pytest.mark.parametrize(
    "entry",
    [
        "{text: M, href: index.qmd, menu: [index.qmd]}",
        "{menu: [index.qmd]}",
        "{text: M, menu: [{text: N, menu: [index.qmd]}]}",
    ],
)
def test_a_menu_that_quarto_would_not_show(root: Path, tmp_path: Path, entry: str) -> None:
    config = (root / "_quarto.yml").read_text()
    (root / "_quarto.yml").write_text(config.replace("{href: index.qmd, text: Home}", entry))
    with pytest.raises(RenderError, match="a menu of the navbar"):
        render(root, tmp_path / "out")


def test_no_request_to_another_host(root: Path, tmp_path: Path) -> None:
    render(root, tmp_path / "out")
    for name, content in files_of(tmp_path / "out").items():
        if name.endswith((".html", ".css", ".js")):
            text = content.decode()
            loads = re.findall(r'(?:<(?:link|script|img|iframe)[^>]*(?:src|href)="|url\(|@import )(https?:)?//', text)
            assert loads == [], name


def test_every_class_has_a_style() -> None:
    css = "".join(
        sheet.read_text() for folder in (shell.ASSETS, CHECKOUT / "report/assets") for sheet in folder.glob("*.css")
    )
    # `sourced` marks a number whose source is in its title; the markers below only ever stand on tables.
    assert [name for name in CLASSES if not re.search(rf"\.{name}(?![\w-])", css)] == []


def test_links_are_rewritten_in_place() -> None:
    html = (
        '<p data-href="/a.qmd">\n<a class=x href=\'/a.qmd?q=1#top\' data-x="/a.qmd">a &amp; b</a>'
        '<a href="mailto:x@y">m</a></p>'
    )
    linker = links.Linker(Path("/nowhere"), {"a.qmd": "a.html", "r/b.qmd": "r/b.html"}, {"a.qmd": set()}, set())

    def fail(message: str, needle: str) -> None:
        raise AssertionError(message)

    assert linker.rewrite("r/b.qmd", html, fail) == html.replace("'/a.qmd?q=1#top'", '"../a.html?q=1#top"')


def test_num_of_the_extension(tmp_path: Path) -> None:
    # The shortcode for Quarto itself, run by pandoc with a stand-in for Quarto's two functions.
    (tmp_path / "report/_generated").mkdir(parents=True)
    numbers = {"top": {"text": "97.8%", "title": "runs ab12", "experiment": "towers"}}
    (tmp_path / "report/_generated/numbers.json").write_text(json.dumps(numbers))
    script = tmp_path / "try.lua"
    script.write_text(f"""
quarto = {{ json = {{ decode = pandoc.json.decode }}, project = {{ directory = "{tmp_path}" }} }}
local num = dofile("{ROOT / "_extensions/strata/num.lua"}").num
local made = num({{ pandoc.Inlines("top") }}, {{}}, {{}}, {{}}, "inline")
print(pandoc.write(pandoc.Pandoc({{ pandoc.Plain(made) }}), "html", {{ wrap_text = "none" }}))
print(num({{ pandoc.Inlines("top") }}, {{}}, {{}}, {{}}, "text"))
print(select(2, pcall(num, {{ pandoc.Inlines("nope") }}, {{}}, {{}}, {{}}, "inline")))
""")
    done = subprocess.run([pandoc_program.path(), "lua", str(script)], capture_output=True, text=True, check=True)
    span, text, error = done.stdout.splitlines()
    assert span == '<span class="num" title="runs ab12" data-key="top" data-experiment="towers">97.8%</span>'
    assert text == "97.8%"
    assert "no number named 'nope'" in error


def test_fragments_of_the_extension(tmp_path: Path) -> None:
    # As above: Quarto's own `string_to_blocks` is pandoc's reader here.
    (tmp_path / "report/_generated").mkdir(parents=True)
    (tmp_path / "report/_generated/made_by-us.md").write_text("## In it\n\n- one\n")
    script = tmp_path / "try.lua"
    script.write_text(f"""
local function string_to_blocks(text) return pandoc.read(text).blocks end
quarto = {{ project = {{ directory = "{tmp_path}" }}, utils = {{ string_to_blocks = string_to_blocks }} }}
local made = dofile("{ROOT / "_extensions/strata/fragment.lua"}")
print(pandoc.write(pandoc.Pandoc(made.figure({{ pandoc.Inlines("made_by-us") }}, {{}})), "native"))
for _, given in ipairs {{ {{ "nope" }}, {{ "../made_by-us" }}, {{}}, {{ "made_by-us", "x" }} }} do
  print(select(2, pcall(made.part, given, {{}})))
end
print(select(2, pcall(made.part, {{ "made_by-us" }}, {{ depth = "3" }})))
""")
    done = subprocess.run([pandoc_program.path(), "lua", str(script)], capture_output=True, text=True, check=True)
    shown, missing, path, none, two, named = re.split(r"\n(?=\S*fragment\.lua)", done.stdout.strip())
    assert shown.startswith("[ Header") and "BulletList" in shown
    assert "there is no" in missing and "nope.md" in missing
    assert "letters, digits" in path
    assert all("takes one name" in one for one in (none, two))
    assert "takes no arguments" in named


def test_the_project_lists_every_shortcode_file() -> None:
    # Quarto finds them by either list, depending on its version
    files = sorted(path.name for path in (ROOT / "_extensions/strata").glob("*.lua"))
    for name in ("_quarto.yml", "_extensions/strata/_extension.yml"):
        assert (
            sorted(re.findall(r"^\s*- (?:_extensions/strata/)?(\w+\.lua)$", (ROOT / name).read_text(), re.M)) == files
        )


def test_a_fragment_stands_where_it_is_asked_for(root: Path) -> None:
    made = root / "report/_generated"
    made.mkdir()
    (made / "numbers.json").write_text('{"top": {"text": "97.8%"}}')
    (made / "made.md").write_text("## In it {#in-it}\n\nText.[^1]\n\n[^1]: A note.\n\n{{< part more >}}\n")
    (made / "more.md").write_text("More {{< num top >}}.\n")
    (root / "index.qmd").write_text(
        "---\ntitle: T\ndescription: D\n---\n\n## A {#a}\n\nBefore.\n\n{{< figure made >}}\n"
    )
    render(root, root / "_site")
    page = (root / "_site/index.html").read_text()
    assert re.search(r'<p>Before\.</p>\s*</section>\s*<section id="in-it"', page) and 'href="#in-it"' in page
    assert 'More <span class="num">97.8%</span>.' in page and "A note." in page

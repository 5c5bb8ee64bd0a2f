"""The checks of `strata check` that need no browser: a small sound site, and one defect after another in it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from analysis.site.check import addresses, listings, markup
from analysis.site.check.findings import Finding
from analysis.site.check.folder import Folder, read
from sae.errors import RenderError

URL = "https://example.org/some/site"
STATIC = (addresses, markup, listings)


def page(root: str, body: str = "", head: str = "") -> str:
    return f"""<!DOCTYPE html>
<html lang="en">
<head><title>A page</title><link rel="icon" href="{root}icon.svg"><link rel="stylesheet" href="{root}own.css">
<link rel="canonical" href="{URL}/"><link rel="alternate" type="application/rss+xml" href="{root}feed.xml">
<meta property="og:image" content="{URL}/card.png"><link rel="license" href="https://example.com/licence">
<script src="{root}own.js?v=1"></script>{head}</head>
<body><h1 id="top-of-it">A page</h1>{body}
<a href="#top-of-it">up</a> <a href="#top">top</a> <a href="{root}deep/one.html#depth=3&amp;latent=4">state</a>
<a href="{root}#b%20c">b</a> <a href="https://example.com/a">elsewhere</a> <a href="mailto:a@example.org">mail</a>
<img src="{root}card.png" srcset="{root}card.png 1x, {root}card.png 2x" alt="">
<svg role="img"><title>words</title></svg><svg role="img" aria-label="words"></svg><svg aria-hidden="true"></svg>
</body></html>"""


@pytest.fixture
def site(tmp_path: Path) -> Path:
    (tmp_path / "deep").mkdir()
    (tmp_path / "index.html").write_text(page("./", '<p id="b c" style="background: url(\'card.png\')">B</p>'))
    (tmp_path / "deep/one.html").write_text(page("../"))
    (tmp_path / "404.html").write_text(page("/some/site/"))
    (tmp_path / "own.css").write_text('/* url(gone.png) */ @import "more.css"; a { background: url("card.png?x#y"); }')
    (tmp_path / "more.css").write_text("a { mask: url(#here); background: url(data:image/png;base64,AA==) }")
    (tmp_path / "own.js").write_text('fetch("./data.json");')
    for name in ("icon.svg", "card.png"):
        (tmp_path / name).write_text("<svg></svg>")
    (tmp_path / "sitemap.xml").write_text(
        '<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">'
        f"<url><loc>{URL}/</loc></url><url><loc>{URL}/deep/one.html</loc></url></urlset>"
    )
    (tmp_path / "feed.xml").write_text(f"<rss><channel><link>{URL}/</link></channel></rss>")
    return tmp_path


def found(site: Path, pattern: str = "*") -> list[Finding]:
    return list(_found(read(site, URL, pattern)))


def _found(folder: Folder) -> Iterator[Finding]:
    for module in STATIC:
        yield from module.findings(folder)


def change(site: Path, name: str, old: str, new: str) -> None:
    text = (site / name).read_text()
    assert old in text
    (site / name).write_text(text.replace(old, new, 1))


def test_a_sound_site_passes(site: Path) -> None:
    assert found(site) == []


DEFECTS = {
    "a link to no page": ('<a href="./gone.html">x</a>', "link that leads nowhere", "gone.html"),
    "a link to an empty folder": ('<a href="./none/">x</a>', "link that leads nowhere", "none"),
    "a link out of the site": ('<a href="../../x.html">x</a>', "link that leads nowhere", "out of the site"),
    "an anchor on the page": ('<a href="#gone">x</a>', "anchor without id", "'gone'"),
    "an anchor on another page": ('<a href="deep/one.html#gone">x</a>', "anchor without id", "deep/one.html"),
    "an anchor in the site by its address": (f'<a href="{URL}/#gone">x</a>', "anchor without id", "index.html"),
    "a page of the site by its address": (f'<a href="{URL}/gone.html">x</a>', "link that leads nowhere", "gone"),
    "a picture": ('<img src="gone.png" alt="">', "missing file", "gone.png"),
    "a picture of many": ('<img src="card.png" srcset="gone.png 2x" alt="">', "missing file", "gone.png"),
    "a script": ('<script src="gone.js"></script>', "missing file", "gone.js"),
    "a style sheet": ('<link rel="stylesheet" href="gone.css">', "missing file", "gone.css"),
    "an icon": ('<link rel="shortcut icon" href="gone.ico">', "missing file", "gone.ico"),
    "a source": ('<video><source src="gone.webm"></video>', "missing file", "gone.webm"),
    "a card": (f'<meta name="twitter:image" content="{URL}/gone.png">', "link that leads nowhere", "gone.png"),
    "a background": ('<p style="background:url(gone.png)">x</p>', "missing file", "gone.png"),
    "a style element": ("<style>p { background: url(gone.png) }</style>", "missing file", "gone.png"),
    "no alt": ('<img src="card.png">', "picture without alt", "card.png"),
    "no label": ('<svg role="img"><path d="M0 0"/><title>late</title></svg>', "drawing without label", "svg"),
    "the same id again": ('<p id="top-of-it"></p>', "id used twice", "top-of-it"),
    "an absolute path": ('<a href="/index.html">x</a>', "absolute path", "/index.html"),
    "an absolute path in a script": ('<script>fetch("/own.js")</script>', "absolute path", "/own.js"),
    "a foreign script": ('<script src="https://cdn.example/x.js"></script>', "other host", "cdn.example"),
    "a foreign script without a scheme": ('<script src="//cdn.example/x.js"></script>', "other host", "cdn.example"),
    "a foreign style sheet": ('<link rel="stylesheet" href="https://cdn.example/x.css">', "other host", "x.css"),
    "a promise to ask another host": ('<link rel="preconnect" href="https://cdn.example">', "other host", "cdn"),
    "a foreign font": ("<style>@import 'https://fonts.example/x';</style>", "other host", "fonts.example"),
    "our own host as a foreign one": (f'<img src="{URL}/card.png" alt="">', "other host", "card.png"),
    "a second h1": ("<h1>Again</h1>", "not one h1", "2 headings"),
}


@pytest.mark.parametrize("name", DEFECTS)
def test_each_defect_is_found_once_and_nothing_else(site: Path, name: str) -> None:
    planted, kind, words = DEFECTS[name]
    change(site, "index.html", '<p id="b c"', planted + '<p id="b c"')
    seen = found(site)
    assert [(one.page, one.kind) for one in seen] == [("index.html", kind)]
    assert words in seen[0].message


@pytest.mark.parametrize(
    "file, old, new, kind",
    [
        ("index.html", "<title>A page</title>", "<title> </title>", "no title"),
        ("index.html", "<title>A page</title>", "", "no title"),  # the drawing's own title is none of the page
        ("index.html", ' lang="en"', "", "no language"),
        ("index.html", "<h1 ", "<h2 ", "not one h1"),
        ("more.css", "#here", "gone.png", "missing file"),
        ("more.css", "#here", "https://fonts.example/x.woff", "other host"),
        ("own.js", "./data.json", "/data.json", "absolute path"),
        ("404.html", 'src="/some/site/card.png"', 'src="card.png"', "absolute path"),
        ("404.html", 'src="/some/site/own.js', 'src="/some/site/gone.js', "missing file"),
        ("sitemap.xml", "deep/one", "deep/gone", "sitemap"),
        ("sitemap.xml", URL, "https://elsewhere.example", "sitemap"),
        ("sitemap.xml", "</urlset>", "", "sitemap"),
        ("feed.xml", f"{URL}/", f"{URL}/gone.html", "feed"),
        ("feed.xml", f"<link>{URL}/</link>", "", "feed"),
        ("feed.xml", "</rss>", "", "feed"),
    ],
)
def test_each_defect_of_a_file_is_found(site: Path, file: str, old: str, new: str, kind: str) -> None:
    change(site, file, old, new)
    assert [(one.page, one.kind) for one in found(site)] == [(file, kind)]


def test_a_missing_sitemap_is_found_where_the_address_is_known(site: Path) -> None:
    (site / "sitemap.xml").unlink()
    assert [one.kind for one in found(site)] == ["sitemap"]
    assert not any(one.kind == "sitemap" for one in listings.findings(read(site, "")))


def test_a_missing_feed_is_a_link_that_leads_nowhere(site: Path) -> None:
    (site / "feed.xml").unlink()
    assert {one.kind for one in found(site)} == {"link that leads nowhere"}


def test_only_pages_that_match_are_checked_against_all(site: Path) -> None:
    change(site, "index.html", '<p id="b c"', '<img src="card.png"><p id="b c"')
    assert found(site, "deep/*") == []
    change(site, "deep/one.html", "<svg", '<a href="../index.html#gone">x</a><svg')
    assert [one.page for one in found(site, "deep/*")] == ["deep/one.html"]
    with pytest.raises(RenderError, match=r"no page of .* matches 'nothing'"):
        read(site, URL, "nothing")


def test_a_folder_without_a_site_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RenderError, match="strata render"):
        read(tmp_path, URL)


def test_what_quarto_renders_is_known_by_its_libraries(site: Path) -> None:
    assert not read(site, URL).by_quarto
    (site / "site_libs/quarto-html").mkdir(parents=True)
    (site / "site_libs/quarto-html/quarto.js").write_text("")
    assert read(site, URL).by_quarto

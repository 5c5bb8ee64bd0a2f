"""The checks of `strata check` that need no browser: a small sound site, and one defect after another in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from analysis.site.check import agreement, listings
from analysis.site.check.findings import Finding
from analysis.site.check.folder import read
from analysis.site.check.static import findings
from sae.errors import RenderError

URL = "https://example.org/some/site"


POLICY = '<meta http-equiv="Content-Security-Policy" content="default-src \'self\'">'
# What Quarto writes into the head of a page that has a light and a dark theme: ids again and again.
QUARTO = """<link href="{root}site_libs/quarto-html/light.css" rel="stylesheet" id="quarto-text-highlighting-styles">
<link href="{root}site_libs/quarto-html/dark.css" rel="stylesheet" id="quarto-text-highlighting-styles">
<link href="{root}site_libs/bootstrap/bootstrap.min.css" rel="stylesheet" id="quarto-bootstrap" data-mode="light">
<link href="{root}site_libs/bootstrap/dark.min.css" rel="prefetch" id="quarto-bootstrap" data-mode="dark">
<link href="{root}site_libs/bootstrap/bootstrap.min.css" rel="prefetch" id="quarto-bootstrap" data-mode="light">"""


def page(root: str, own: str, body: str = "") -> str:
    return f"""<!DOCTYPE html>
<html lang="en">
<head><title>A page</title><link rel="icon" href="{root}icon.svg"><link rel="stylesheet" href="{root}own.css">
<link rel="canonical" href="{URL}/{own}"><link rel="alternate" type="application/rss+xml" href="{root}feed.xml">
<meta property="og:image" content="{URL}/card.png"><link rel="license" href="https://example.com/licence">
<meta property="og:url" content="{URL}/{own}">{POLICY}
<script src="{root}own.js?v=1"></script><script src="{root}search.js"></script></head>
<body><nav></nav><main><h1 id="top-of-it">A page</h1>{body}
<a href="#top-of-it">up</a> <a href="#top">top</a> <a href="{root}deep/one.html#depth=3&amp;latent=4">state</a>
<a href="{root}#b%20c">b</a> <a href="https://example.com/a">elsewhere</a> <a href="mailto:a@example.org">mail</a>
<img src="{root}card.png" srcset="{root}card.png 1x, {root}card.png 2x" alt="">
<svg role="img"><title>words</title></svg><svg role="img" aria-label="words"></svg><svg aria-hidden="true"></svg>
<a href="{URL}#top-of-it">whole</a> <a href="HTTPS://Example.org/some/site?x">whole</a>
<iframe src="about:blank"></iframe>
<img srcset="data:image/png;base64,AA== 2x" alt=""><form action="#"><button formaction="#">go</button></form>
</main></body></html>"""


@pytest.fixture
def site(tmp_path: Path) -> Path:
    (tmp_path / "deep").mkdir()
    (tmp_path / "index.html").write_text(page("./", "", '<p id="b c" style="background: url(\'card.png\')">B</p>'))
    (tmp_path / "deep/one.html").write_text(page("../", "deep/one.html"))
    (tmp_path / "404.html").write_text(page("/some/site/", "404.html"))
    (tmp_path / "own.css").write_text('/* url(gone.png) */ @import "more.css"; a { background: url("card.png?x#y"); }')
    (tmp_path / "more.css").write_text("a { mask: url(#here); background: url(data:image/png;base64,AA==) }")
    (tmp_path / "own.js").write_text('fetch("./data.json");')
    (tmp_path / "pagefind").mkdir()
    for name in ("icon.svg", "card.png", "search.js", *agreement.INDEX):
        (tmp_path / name).write_text("<svg></svg>")
    (tmp_path / "sitemap.xml").write_text(
        '<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">'
        f"<url><loc>{URL}/</loc></url><url><loc>{URL}/deep/one.html</loc></url></urlset>"
    )
    (tmp_path / "feed.xml").write_text(f"<rss><channel><link>{URL}/</link></channel></rss>")
    return tmp_path


def found(site: Path, pattern: str = "*") -> list[Finding]:
    return list(findings(read(site, URL, pattern)))


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
    "a card's words by a name that nobody reads": (
        '<meta name="twitter:image-alt" content="A card.">',
        "unread card",
        "image:alt",
    ),
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
    "a foreign script in capitals": ('<script src="HTTPS://cdn.example/x.js"></script>', "other host", "cdn.example"),
    "a file of one machine": ('<img src="file:///home/card.png" alt="">', "other scheme", "file:"),
    "a link to a file of one machine": ('<a href="file:///home/x.html">x</a>', "other scheme", "file:"),
    "a scheme that nobody knows": ('<img src="nobody:knows" alt="">', "other scheme", "nobody:"),
    "another base": ('<base href="./">', "base address", "every address"),
    "a page that sends on": (
        '<meta http-equiv="Refresh" content="0; URL=\'gone.html\'">',
        "link that leads nowhere",
        "gone",
    ),
    "an import in capitals": ("<style>@IMPORT URL(gone.css);</style>", "missing file", "gone.css"),
    "a foreign import in capitals": ("<style>@IMPORT 'HTTPS://a.example/x';</style>", "other host", "a.example"),
    "a set in a style": (
        "<p style=\"mask: image-set('gone.png' type('image/png') 2x)\">x</p>",
        "missing file",
        "gone.png",
    ),
    "a set to preload": (
        '<link rel="preload" as="image" imagesrcset="card.png, gone.png 2x">',
        "missing file",
        "gone.png",
    ),
    "a button": ('<button formaction="gone.html">x</button>', "link that leads nowhere", "gone.html"),
    "an anchor at our whole address": (f'<a href="{URL}#gone">x</a>', "anchor without id", "'gone'"),
    "an anchor behind a query": (f'<a href="{URL}?x#gone">x</a>', "anchor without id", "'gone'"),
    "a page of our host in capitals": (
        f'<a href="{URL.upper()[:19]}/some/site/gone.html">x</a>',
        "link that leads nowhere",
        "gone",
    ),
    "the address of another page": (
        f'<link rel="canonical" href="{URL}/deep/one.html">',
        "another page's address",
        "deep/one.html",
    ),
    "a card with another's address": (
        f'<meta property="og:url" content="{URL}/deep/one.html">',
        "another page's address",
        "og:url",
    ),
    "a second h1": ("<h1>Again</h1>", "not one h1", "2 headings"),
}


@pytest.mark.parametrize(
    ("rule", "kinds"),
    [
        (".cells i { background: url(gone.png) }", []),  # no page has such a thing: no browser asks for its picture
        ("@media print { .cells:not(.b) i, /* a, */ .cells[x] { mask: url('gone.png') } }", []),
        (".cells i { color: red } b { background: url(gone.png) }", ["missing file"]),
        (".cells i, b { background: url(gone.png) }", ["missing file"]),
        (".cells { a: b; } .there { background: url(gone.png) }", ["missing file"]),
        (".there .cells { a: url(gone.png) } .there:not(.cells) { a: url(gone.png) }", ["missing file"] * 2),
        ("@font-face { src: url(gone.woff2) }", ["missing file"]),
        (".cells i { background: url(https://cdn.example/x.png) }", ["other host"]),
    ],
)
def test_a_picture_in_a_style_sheet_has_to_be_there_where_a_page_has_what_it_is_for(site, rule, kinds):
    change(site, "index.html", "<h1 ", '<h1 class="there" ')
    change(site, "more.css", "a {", f"{rule} a {{")
    assert [(one.page, one.kind) for one in found(site)] == [("more.css", kind) for kind in kinds]


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
        ("sitemap.xml", f"<url><loc>{URL}/deep/one.html</loc></url>", "", "sitemap"),
        ("sitemap.xml", "</urlset>", f"<url><loc>{URL}/deep/gone.html</loc></url></urlset>", "sitemap"),
        ("sitemap.xml", "</urlset>", "<url><loc>https://elsewhere.example/</loc></url></urlset>", "sitemap"),
        ("deep/one.html", POLICY, "", "no policy"),
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


def quartos(site: Path) -> None:
    """Make the site one of Quarto's, with its repeated ids on every page."""
    for name in (
        "quarto-html/light.css",
        "quarto-html/dark.css",
        "bootstrap/bootstrap.min.css",
        "bootstrap/dark.min.css",
    ):
        (site / "site_libs" / name).parent.mkdir(parents=True, exist_ok=True)
        (site / "site_libs" / name).write_text("")
    for name, root in {"index.html": "./", "deep/one.html": "../", "404.html": "/some/site/"}.items():
        change(site, name, "</head>", QUARTO.replace("{root}", root) + "</head>")


def test_ids_that_quarto_repeats_for_its_two_themes_are_only_told(site: Path) -> None:
    quartos(site)
    seen = found(site)
    assert {(one.kind, one.note) for one in seen} == {("id used twice", True)} and len(seen) == 6
    change(
        site, "index.html", '<p id="b c"', '<link rel="preload" href="site_libs/x" id="quarto-bootstrap"><p id="b c"'
    )
    assert all(one.note for one in found(site))


MARKUP = ("picture without alt", "drawing without label", "base address")
"""What is wrong with a tag itself, not with where it leads."""


def test_what_the_settings_write_around_the_text_fails_and_quartos_own_markup_is_told(site: Path) -> None:
    quartos(site)
    of_the_page = ("not one h1", "another page's address", "id used twice", "unread card")
    planted = [(html, kind) for html, kind, _ in DEFECTS.values() if kind not in of_the_page]
    change(site, "index.html", "<nav>", "<nav>" + "".join(html for html, _ in planted))
    told = [one.kind for one in found(site) if one.note and one.kind != "id used twice"]
    failed = [one.kind for one in found(site) if not one.note]
    # a script in the page may be Quarto's: what it names is only told
    scripts = [kind for html, kind in planted if "fetch(" in html]
    assert sorted(told) == sorted([*(kind for _, kind in planted if kind in MARKUP), *scripts])
    wrong = [kind for html, kind in planted if kind not in MARKUP and "fetch(" not in html]
    assert sorted(failed) == sorted(wrong) and wrong
    change(site, "index.html", '<p id="b c"', "".join(html for html, _ in planted) + '<p id="b c"')
    again = [one.kind for one in found(site) if not one.note]
    assert set(again) == {kind for _, kind in planted}


@pytest.mark.parametrize("place", ["<nav>", "</head>", "</main>"])
def test_a_dead_link_of_menu_head_or_footer_fails(site: Path, place: str) -> None:
    quartos(site)
    dead = (
        "<link rel='alternate' href='gone.xml'>" if place == "</head>" else "<footer><a href='gone.xml'>x</a></footer>"
    )
    change(site, "deep/one.html", place, dead + place if place == "</head>" else place + dead)
    assert [(one.page, one.message.split()[-1]) for one in found(site) if not one.note] == [
        ("deep/one.html", "deep/gone.xml")
    ]


def test_the_markup_of_the_footer_is_ours_too(site: Path) -> None:
    quartos(site)
    change(site, "index.html", "</main>", '</main><footer><div><img src="card.png"></div></footer>')
    assert [one.kind for one in found(site) if not one.note] == ["picture without alt"]


def test_what_leads_into_quartos_libraries_is_its_own(site: Path) -> None:
    quartos(site)
    change(site, "index.html", "</body>", '<script src="site_libs/quarto-nav/gone.js"></script></body>')
    assert [one.kind for one in found(site) if one.kind != "id used twice"] == ["missing file"]
    assert all(one.note for one in found(site))


def test_an_id_of_the_text_that_quartos_shell_has_too_is_a_failure(site: Path) -> None:
    quartos(site)
    change(site, "index.html", '<p id="b c"', '<p id="quarto-bootstrap"></p><p id="b c"')
    assert [one.message for one in found(site) if not one.note] == ["id 'quarto-bootstrap' stands on more than one tag"]


@pytest.mark.parametrize("name", agreement.INDEX)
def test_a_search_without_its_index_is_dead(site: Path, name: str) -> None:
    (site / name).unlink()
    assert {one.kind for one in found(site)} == {"dead search"} and len(found(site)) == 3
    for page_of in ("index.html", "deep/one.html", "404.html"):
        change(site, page_of, "search.js", "own.js")
    assert found(site) == []


@pytest.mark.parametrize("name", ["own.css", "own.js", "index.html"])
def test_a_file_that_is_not_utf8_is_a_finding_and_all_else_is_looked_at(site: Path, name: str) -> None:
    change(site, "deep/one.html", "<svg", '<a href="gone.html">x</a><svg')
    before = (site / name).read_bytes()
    (site / name).write_bytes(before + b"\xe4")
    assert {(one.page, one.kind) for one in found(site)} == {
        (name, "not UTF-8"),
        ("deep/one.html", "link that leads nowhere"),
    }


def test_a_text_that_was_published_elsewhere_first_is_told(site: Path) -> None:
    change(site, "index.html", f'canonical" href="{URL}/"', 'canonical" href="https://a.example/first"')
    assert [(one.kind, one.note) for one in found(site)] == [("another page's address", True)]


def test_a_page_that_sends_readers_on_need_not_be_in_the_sitemap(site: Path) -> None:
    (site / "old.html").write_text(
        '<html lang="en"><title>x</title><h1>x</h1><meta http-equiv="refresh" content="0;url=deep/one.html">'
    )
    assert found(site) == []

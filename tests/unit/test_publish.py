"""What a published site needs beyond its pages: 404, canonical links, feed, citation, and that any path will do."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import threading
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from email.utils import parsedate_to_datetime
from http.client import HTTPConnection
from pathlib import Path

import pytest
import typer.main
from factories import write_results
from PIL import Image
from typer.testing import CliRunner

from analysis.build import write_feed
from analysis.paths import Paths
from analysis.publish_commands import app
from analysis.site import feed
from analysis.site.embedded import render
from analysis.site.made import Made, citation
from analysis.site.publishing import absolute, survey
from analysis.site.serve import serve
from sae.errors import RenderError

CONFIG = """project:
  type: website
  render: [index.qmd, report/deep/one.qmd, 404.qmd]
  resources: [report/assets/**]
website:
  title: Site
  description: Of the <whole> site.
  site-url: https://example.org/some/site/
  open-graph: true
  image: card.png
  navbar:
    left: [{href: index.qmd, text: Home}, report/deep/one.qmd]
  page-footer: {right: "Results of {{< num made >}}, [one](report/deep/one.qmd)"}
  page-navigation: true
format:
  html:
    css: theme.css
    toc: true
    canonical-url: true
    include-in-header:
      - text: |
          <link rel="alternate" type="application/rss+xml" title="S" href="/report/assets/generated/feed.xml">
          <script defer src="/report/assets/own.js"></script>
"""
NOT_FOUND = """---
title: Nothing
description: Nothing here.
---

## Here {#here}

[a](#here), [one](/report/deep/one.qmd#b), <https://a.org>
"""
ONE = """---
title: One
description: At {{< num top >}} < all.
---

## B {#b}

[a](/index.qmd#a) ![x](/card.png)
"""
DAY = date(2026, 3, 4)
MADE = Made(DAY, "digits", ("abc", "def+"), "0123456789ab")


@pytest.fixture
def paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Paths:
    root = tmp_path / "project"
    (root / "report/deep").mkdir(parents=True)
    (root / "report/_generated").mkdir()
    (root / "report/assets/generated").mkdir(parents=True)
    (root / "_quarto.yml").write_text(CONFIG)
    (root / "index.qmd").write_text("---\ntitle: The *whole* thing & more\n---\n\n## A {#a}\n")
    (root / "report/deep/one.qmd").write_text(ONE)
    (root / "404.qmd").write_text(NOT_FOUND)
    (root / "theme.css").write_text('a { background: url("report/assets/own.js"); }')
    (root / "report/assets/own.js").write_text('fetch("./data.json");')
    (root / "report/_generated/numbers.json").write_text(
        json.dumps({"made": MADE.number(), "top": {"text": "97%"}}, indent=1)
    )
    Image.new("RGB", (12, 6)).save(root / "card.png")
    monkeypatch.setenv("STRATA_ROOT", str(root))
    made = Paths(root.resolve())
    write_feed(made, site_of(made), DAY)
    return made


def site_of(paths: Paths) -> feed.Site:
    return feed.Site.of(paths.root, json.loads((paths.generated / "numbers.json").read_text()))


def page(paths: Paths, name: str) -> str:
    render(paths.root, paths.site)
    return (paths.site / name).read_text()


def change(paths: Paths, old: str, new: str) -> None:
    config = paths.root / "_quarto.yml"
    assert old in config.read_text()
    config.write_text(config.read_text().replace(old, new))


# --- 404, canonical links, what crawlers read ---


def test_the_page_for_what_is_not_there_works_under_any_address(paths: Paths) -> None:
    html = page(paths, "404.html")
    for part in (
        '<meta name="quarto:offset" content="/some/site/">',
        '<link rel="stylesheet" href="/some/site/theme.css">',
        '<link rel="stylesheet" href="/some/site/site_libs/strata/embedded.css">',
        '<script defer src="/some/site/report/assets/own.js"></script>',
        '<a href="/some/site/report/deep/one.html#b">one</a>',
        '<a href="#here">a</a>',
        'href="/some/site/index.html"',
    ):
        assert part in html
    assert 'rel="canonical"' not in html and "og:url" not in html
    assert absolute(paths.site, "/some/site/") == []


def test_a_site_at_the_root_of_its_host(paths: Paths) -> None:
    change(paths, "https://example.org/some/site/", "https://example.org")
    html = page(paths, "404.html")
    assert '<meta name="quarto:offset" content="/">' in html and 'href="/theme.css"' in html
    assert absolute(paths.site, "/") == []


def test_no_page_leads_to_the_one_for_what_is_not_there(paths: Paths) -> None:
    html = page(paths, "report/deep/one.html")
    assert "404" not in html and 'rel="next"' not in html
    assert 'rel="prev"' not in page(paths, "404.html") and 'rel="next"' in page(paths, "index.html")
    assert "404" not in (paths.site / "sitemap.xml").read_text()


def test_a_link_on_the_page_for_what_is_not_there_is_checked_like_any_other(paths: Paths) -> None:
    (paths.root / "404.qmd").write_text(NOT_FOUND.replace("#b", "#c"))
    with pytest.raises(RenderError, match="leads nowhere"):
        render(paths.root, paths.site)


def test_canonical_links(paths: Paths) -> None:
    # a folder's page has the folder's address, as in Quarto
    index, one = page(paths, "index.html"), page(paths, "report/deep/one.html")
    assert '<link rel="canonical" href="https://example.org/some/site/">' in index
    assert '<meta property="og:url" content="https://example.org/some/site/">' in index
    assert '<link rel="canonical" href="https://example.org/some/site/report/deep/one.html">' in one
    source = paths.root / "report/deep/one.qmd"
    source.write_text(source.read_text().replace("title: One", "title: One\ncanonical-url: https://a.org/first"))
    assert '<link rel="canonical" href="https://a.org/first">' in page(paths, "report/deep/one.html")
    source.write_text(source.read_text().replace("https://a.org/first", "false"))
    assert "canonical" not in page(paths, "report/deep/one.html")


def test_crawlers_find_every_page_and_the_projects_own_rules_come_first(paths: Paths) -> None:
    page(paths, "index.html")
    places = ET.parse(paths.site / "sitemap.xml").iter("{http://www.sitemaps.org/schemas/sitemap/0.9}loc")
    base = "https://example.org/some/site"
    assert [place.text for place in places] == [f"{base}/index.html", f"{base}/report/deep/one.html"]
    assert (paths.site / "robots.txt").read_text() == f"Sitemap: {base}/sitemap.xml\n"
    (paths.root / "robots.txt").write_text("User-agent: *\nDisallow: /\n")
    page(paths, "index.html")
    assert (paths.site / "robots.txt").read_text() == "User-agent: *\nDisallow: /\n"


@pytest.mark.parametrize("address", ["/some/site/no/such/page.html", "/no/such/page.html", "/some/site/../../x"])
def test_the_server_answers_with_the_page_for_what_is_not_there(paths: Paths, address: str) -> None:
    (paths.root / "x").write_text("outside")
    html = page(paths, "404.html")
    with serving(paths) as host:
        host.request("GET", address)
        answer = host.getresponse()
        assert (answer.status, answer.read().decode()) == (404, html)


def test_the_server_finds_files_with_and_without_the_path_of_the_site(paths: Paths) -> None:
    html = page(paths, "report/deep/one.html")
    with serving(paths) as host:
        for address in ("/some/site/report/deep/one.html", "/report/deep/one.html"):
            host.request("GET", address)
            answer = host.getresponse()
            assert (answer.status, answer.read().decode()) == (200, html)
        host.request("HEAD", "/nothing")
        answer = host.getresponse()
        assert (answer.status, answer.read()) == (404, b"")


@contextmanager
def serving(paths: Paths) -> Iterator[HTTPConnection]:
    server = serve(paths, 0)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    host = HTTPConnection("127.0.0.1", server.server_address[1], timeout=5)
    try:
        yield host
    finally:
        host.close()
        server.shutdown()
        server.server_close()
        thread.join()


# --- feed, footer, citation ---


def test_the_feed_has_every_page_with_whole_addresses_and_one_date(paths: Paths) -> None:
    channel = ET.parse(paths.built_assets / "feed.xml").getroot().find("channel")
    assert channel is not None and channel.findtext("description") == "Of the <whole> site."
    items = [{part.tag: part.text for part in item} for item in channel.iter("item")]
    base = "https://example.org/some/site/"
    assert [item["link"] for item in items] == [base, f"{base}report/deep/one.html"]
    assert [item["guid"] for item in items] == [item["link"] for item in items]
    assert [item["title"] for item in items] == ["The whole thing & more", "One"]
    assert items[1]["description"] == "At 97% < all." and items[0]["description"] == "Of the <whole> site."
    for when in (*(item["pubDate"] for item in items), channel.findtext("lastBuildDate")):
        assert when and parsedate_to_datetime(when).date() == DAY
    itself = channel.find("{http://www.w3.org/2005/Atom}link")
    assert itself is not None and itself.get("href") == f"{base}report/assets/generated/feed.xml"
    assert 'href="../assets/generated/feed.xml"' in page(paths, "report/deep/one.html")
    assert (paths.site / "report/assets/generated/feed.xml").exists()


def test_the_feed_is_the_same_bytes_again(paths: Paths) -> None:
    target = paths.built_assets / "feed.xml"
    before = target.read_bytes(), target.stat().st_mtime_ns
    write_feed(paths, site_of(paths), DAY)
    assert (target.read_bytes(), target.stat().st_mtime_ns) == before


def test_the_feed_is_made_from_settings_that_only_quarto_knows(paths: Paths) -> None:
    change(paths, "project:\n", "unheard-of: 1\nproject:\n")
    source = paths.root / "report/deep/one.qmd"
    source.write_text(source.read_text().replace("title: One", "title: One\nlisting: {contents: posts}"))
    assert [title for _, title, _ in site_of(paths).pages] == ["The whole thing & more", "One"]


def test_no_feed_without_a_link_and_no_link_without_an_address(paths: Paths) -> None:
    change(paths, "  site-url: https://example.org/some/site/\n", "")
    with pytest.raises(RenderError, match=r"_quarto\.yml:\d+: feed\.xml needs whole addresses"):
        write_feed(paths, site_of(paths), DAY)
    change(paths, "generated/feed.xml", "generated/other.xml")
    write_feed(paths, site_of(paths), DAY)
    assert not (paths.built_assets / "feed.xml").exists()


def test_the_footer_shows_date_and_commit(paths: Paths) -> None:
    says = "2026-03-04, pages of commit 0123456789ab"
    footer = f'<p>Results of <span class="num" title="the date of the newest run of digits">{says}</span>, <a href="'
    assert f'{footer}./one.html">one</a></p>' in page(paths, "report/deep/one.html")
    assert f'{footer}/some/site/report/deep/one.html">one</a></p>' in page(paths, "404.html")
    change(paths, "num made", "num nothing")
    with pytest.raises(RenderError, match=r"_quarto\.yml:\d+: no number named 'nothing'"):
        render(paths.root, paths.site)


def test_what_the_pages_were_made_from(tmp_path: Path) -> None:
    results = write_results(tmp_path / "results", "digits", {"a": ("", 0, 1.0), "b": ("", 1, 1.0)})
    outside = Made.of(results, Paths(tmp_path))
    assert outside == Made(date(2026, 11, 22), "digits", ("abc",), "")
    assert outside.short == "2026-11-22"
    assert outside.fragment() == "The newest run of `digits` is of 2026-11-22, trained at commit `abc`.\n"
    checkout(tmp_path)
    inside = Made.of(results, Paths(tmp_path))
    assert len(inside.commit) == 12 and inside == Made.of(results, Paths(tmp_path))
    assert inside.fragment().endswith(f"These pages were made at commit `{inside.commit}`.\n")
    (tmp_path / "tracked.txt").write_text("changed")
    assert Made.of(results, Paths(tmp_path)).commit == inside.commit + "+"
    assert "not committed" in Made.of(results, Paths(tmp_path)).fragment()


def checkout(root: Path) -> None:
    (root / "tracked.txt").write_text("first")
    for words in (
        ["init", "--quiet"],
        ["add", "tracked.txt"],
        ["-c", "user.name=A", "-c", "user.email=a@b", "commit", "--quiet", "--no-gpg-sign", "-m", "first"],
    ):
        subprocess.run(["git", *words], cwd=root, check=True, capture_output=True)


def test_the_citation(paths: Paths) -> None:
    assert citation(MADE, site_of(paths)) == (
        "```bibtex\n@misc{site2026,\n"
        "  title  = {The whole thing \\& more},\n"
        "  author = {{The Site authors}},\n"
        "  year   = {2026},\n"
        "  url    = {https://example.org/some/site/},\n"
        "  note   = {Results of 2026-03-04, pages of commit 0123456789ab}\n}\n```\n"
    )
    change(paths, "format:", "author: [Ann A., {name: Bob B.}]\nformat:")
    assert "author = {{Ann A. and Bob B.}}" not in citation(MADE, site_of(paths))
    assert "author = {Ann A. and Bob B.}" in citation(MADE, site_of(paths))


# --- what would be published ---


def test_a_rendered_site_names_nothing_from_the_root_of_its_host(paths: Paths) -> None:
    render(paths.root, paths.site)
    assert absolute(paths.site, "/some/site/") == []
    moved = paths.root.parent / "elsewhere/under/a/path"
    shutil.copytree(paths.site, moved)
    assert absolute(moved, "/some/site/") == []


@pytest.mark.parametrize(
    ("name", "text", "found"),
    [
        ("index.html", '<a href="/report/x.html">x</a>', "/report/x.html"),
        ("index.html", '<img alt="" srcset="a.png 1x, /b.png 2x">', "/b.png"),
        ("index.html", '<video poster="/p.png"></video>', "/p.png"),
        ("index.html", "<style>a { background: url('/c.png') }</style>", "/c.png"),
        ("index.html", '<script>fetch("/d.json")</script>', "/d.json"),
        ("a/b.html", "<svg><use xlink:href='/s.svg#x'/></svg>", "/s.svg#x"),
        ("a.css", "a { background: url(/c.png) }", "/c.png"),
        ("a.css", '@import "/other.css";', "/other.css"),
        ("a.js", "const m = await import('/m.js');", "/m.js"),
        ("a.js", "picture.src = `/p.png`;", "/p.png"),
        ("a.js", 'import x from "/x.js";', "/x.js"),
    ],
)
def test_an_address_from_the_root_of_the_host_is_found(tmp_path: Path, name: str, text: str, found: str) -> None:
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text(text)
    assert absolute(tmp_path, "/site/") == [f"{name}: {found} begins at the host"]


def test_what_is_no_address_from_the_root_of_the_host(tmp_path: Path) -> None:
    text = '<a href="./x.html" data-file="/x">x</a><a href="#a">a</a><a href="https://a.org/b">b</a><p>href="/c"</p>'
    (tmp_path / "index.html").write_text(text + "<script>fetch('x.json'); const n = 1 / 2; f(\"/\");</script>")
    (tmp_path / "site_libs/quarto-nav").mkdir(parents=True)
    (tmp_path / "site_libs/quarto-nav/nav.js").write_text('fetch("/x")')
    assert absolute(tmp_path, "/site/") == []


@pytest.mark.parametrize(
    ("address", "why"),
    [("./x.css", "does not begin with /site/"), ("/x.css", "does not begin with"), ("/site/y.css", "leads nowhere")],
)
def test_what_is_wrong_on_the_page_for_what_is_not_there(tmp_path: Path, address: str, why: str) -> None:
    (tmp_path / "x.css").write_text("")
    (tmp_path / "404.html").write_text(f'<link rel="stylesheet" href="{address}"><a href="/site/x.css?v=1#a">x</a>')
    assert [fault for fault in absolute(tmp_path, "/site/") if why in fault] == absolute(tmp_path, "/site/") != []


def test_dry_run_says_what_would_be_published_and_how(paths: Paths) -> None:
    render(paths.root, paths.site)
    (paths.root / ".github/workflows").mkdir(parents=True)
    (paths.root / ".github/workflows/publish.yml").write_text("")
    before = {path: path.stat().st_mtime_ns for path in paths.root.rglob("*")}
    done = CliRunner().invoke(app, ["--dry-run"])
    assert done.exit_code == 0, done.output
    files = [path for path in paths.site.rglob("*") if path.is_file()]
    for part in (
        f"_site: {len(files)} files, ",
        "html                 3",
        "https://example.org/some/site/\n",
        "all relative",
        "not in git",
        "note: ",
        "git push",
        "quarto publish gh-pages",
    ):
        assert part in done.stdout, part
    assert {path: path.stat().st_mtime_ns for path in paths.root.rglob("*")} == before


def test_dry_run_tells_what_would_not_work(paths: Paths) -> None:
    render(paths.root, paths.site)
    change(paths, "/some/site/", "/other/")
    (paths.site / "robots.txt").unlink()
    (paths.site / "index.html").write_text('<a href="/x">x</a>')
    done = CliRunner().invoke(app, ["--dry-run"])
    assert done.exit_code == 1
    for fault in (
        "there is no robots.txt",
        "index.html: /x begins at the host",
        "404.html: /some/site/theme.css does not begin with /other/",
        "sitemap.xml: https://example.org/some/site/index.html is not below https://example.org/other: render again",
    ):
        assert f"fault: {fault}\n" in done.stdout
    assert "quarto publish" not in done.stdout and "all relative" not in done.stdout


def test_survey_counts_and_knows_what_is_newer_and_not_committed(paths: Paths) -> None:
    render(paths.root, paths.site)
    assert survey(paths).notes == ()
    checkout(paths.root)
    (paths.root / "tracked.txt").write_text("second")
    os_later(paths.site / "index.html", paths.root / "index.qmd")
    found = survey(paths)
    assert found.notes == (
        "tracked files that differ from the last commit: tracked.txt",
        "rendered before the last change of index.qmd",
    )
    assert found.commit.endswith("+") and found.faults == ()
    assert found.files == sum(path.is_file() for path in paths.site.rglob("*"))
    assert found.size == sum(path.stat().st_size for path in paths.site.rglob("*") if path.is_file())
    assert list(found.kinds.values()) == sorted(found.kinds.values(), key=lambda kind: -kind[1])


def os_later(made: Path, source: Path) -> None:
    """Give a source a time after that of the site, whatever the clock's grain."""
    after = made.stat().st_mtime + 5
    os.utime(source, (after, after))


def test_without_dry_run_it_refuses_and_says_how_to_publish(paths: Paths) -> None:
    with pytest.raises(RenderError, match=r"strata never pushes: push to main .* `quarto publish gh-pages`"):
        CliRunner().invoke(app, [], catch_exceptions=False)


def test_nothing_to_publish(paths: Paths) -> None:
    with pytest.raises(RenderError, match="run `strata render`"):
        CliRunner().invoke(app, ["--dry-run"], catch_exceptions=False)


def test_the_help_says_what_it_reads_and_writes() -> None:
    says = " ".join(typer.main.get_command(app).help.split())
    assert "Reads _site" in says and "writes to standard output" in says

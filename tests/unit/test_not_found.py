"""The page for what is not there, canonical links, what crawlers and servers read."""

from __future__ import annotations

import threading
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path

import pytest
from published_project import NOT_FOUND, change, page

from analysis.plan.paths import Paths
from analysis.site.check.server import served
from analysis.site.embedded import render
from analysis.site.publishing import absolute
from analysis.site.serve import serve
from sae.errors import RenderError

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


def test_a_check_is_served_under_the_path_of_the_site_and_nowhere_else(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("a page")
    with served(tmp_path, "/some/site/") as base:
        assert base.endswith("/some/site/")
        port = int(base.split(":")[2].split("/")[0])
        host = HTTPConnection("127.0.0.1", port, timeout=5)
        for address, status in (("/some/site/", 200), ("/some/site/index.html", 200), ("/index.html", 404), ("/", 404)):
            host.request("GET", address)
            answer = host.getresponse()
            assert (answer.status, answer.read() == b"a page") == (status, status == 200), address
        host.close()


@contextmanager
def serving(paths: Paths) -> Iterator[HTTPConnection]:
    server = serve(paths, 0)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    host = HTTPConnection("127.0.0.1", server.server_address[1], timeout=5)
    try:
        yield host
    finally:
        host.close()
        server.shutdown()
        server.server_close()
        thread.join()

"""Feed, footer and citation; that any path will do; and the dry run that says what would be published."""

from __future__ import annotations

import os
import shutil
import subprocess
import xml.etree.ElementTree as ET
from datetime import date
from email.utils import parsedate_to_datetime
from pathlib import Path
from types import SimpleNamespace

import pytest
import typer.main
from factories import write_results
from published_project import DAY, MADE, change, page, site_of
from typer.testing import CliRunner

from analysis.cli.publish import app
from analysis.pages.build import write_feed
from analysis.plan.paths import Paths
from analysis.site.embedded import render
from analysis.site.made import Made, citation
from analysis.site.publishing import absolute, survey
from analysis.system.stamps import Written
from sae.errors import RenderError

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


def test_a_page_that_states_its_authors_and_date_has_them_in_the_feed_and_in_its_byline(paths: Paths) -> None:
    creator = "{http://purl.org/dc/elements/1.1/}creator"

    def items() -> list[tuple[list[str | None], date]]:
        with Written(paths.build / "written.json", paths.root) as write:
            write_feed(paths, site_of(paths), DAY, write)
        found = ET.parse(paths.built_assets / "feed.xml").getroot().iter("item")
        return [
            ([one.text for one in item.iter(creator)], parsedate_to_datetime(item.findtext("pubDate") or "").date())
            for item in found
        ]

    front = paths.root / "index.qmd"
    own = "author: [{name: {given: Ann, family: Able}}, Bob & Co.]\ndate: 2025-12-31\n"
    front.write_text(front.read_text().replace("title:", f"{own}title:", 1))
    assert items() == [(["Ann Able", "Bob & Co."], date(2025, 12, 31)), ([], DAY)]
    assert "author = {Ann Able and Bob \\& Co.}" in citation(MADE, site_of(paths))
    render(paths.root, paths.site)
    byline = page(paths, "index.html").split("</header>")[-2]
    assert "Ann Able" in byline and "December 31, 2025" in byline
    assert "Ann Able" not in page(paths, "report/deep/one.html")

    change(paths, "format:", "author: Cy Carr\nformat:")
    front.write_text(front.read_text().replace("2025-12-31", "2025-12-31\ndate-modified: today"))
    assert items() == [(["Ann Able", "Bob & Co."], date(2025, 12, 31)), (["Cy Carr"], DAY)]
    front.write_text(front.read_text().replace("today", "2026-01-02"))
    assert items()[0][1] == date(2026, 1, 2)


def test_the_feed_is_the_same_bytes_again(paths: Paths) -> None:
    target = paths.built_assets / "feed.xml"
    before = target.read_bytes(), target.stat().st_mtime_ns
    with Written(paths.build / "written.json", paths.root) as write:
        write_feed(paths, site_of(paths), DAY, write)
    assert (target.read_bytes(), target.stat().st_mtime_ns) == before


def test_the_feed_is_made_from_settings_that_only_quarto_knows(paths: Paths) -> None:
    change(paths, "project:\n", "unheard-of: 1\nproject:\n")
    source = paths.root / "report/deep/one.qmd"
    source.write_text(source.read_text().replace("title: One", "title: One\nlisting: {contents: posts}"))
    assert [title for _, title, _ in site_of(paths).pages] == ["The whole thing & more", "One"]


def test_no_feed_without_a_link_and_no_link_without_an_address(paths: Paths) -> None:
    change(paths, "  site-url: https://example.org/some/site/\n", "")
    needs = r"_quarto\.yml:\d+: feed\.xml needs whole addresses"
    with pytest.raises(RenderError, match=needs), Written(paths.build / "written.json", paths.root) as write:
        write_feed(paths, site_of(paths), DAY, write)
    change(paths, "generated/feed.xml", "generated/other.xml")
    with Written(paths.build / "written.json", paths.root) as write:
        write_feed(paths, site_of(paths), DAY, write)
    assert not (paths.built_assets / "feed.xml").exists()


def test_the_footer_shows_date_and_commit(paths: Paths) -> None:
    says = "2026-03-04, pages of commit 0123456789ab"
    footer = (
        f'<p>Results of <span class="num" title="the date of the newest run of digits" '
        f'data-key="made" data-experiment="digits">{says}</span>, <a href="'
    )
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
    log = SimpleNamespace(date=date(2026, 2, 3))
    without = Made.of(None, Paths(tmp_path), [log])
    assert (without.short, without.fragment()) == ("2026-02-03", "The newest log is of 2026-02-03.\n")
    undated = Made.of(None, Paths(tmp_path))
    assert (undated.short, undated.fragment()) == ("no date yet", "Nothing here has a date yet.\n")
    assert "2000" not in undated.number()["text"] + undated.number()["title"]
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
        ("index.html", '<link rel="preload" imagesrcset="/b.png 2x">', "/b.png"),
        ("index.html", '<meta http-equiv="refresh" content="0;url=/r.html">', "/r.html"),
        ("index.html", '<video poster="/p.png"></video>', "/p.png"),
        ("index.html", "<style>a { background: url('/c.png') }</style>", "/c.png"),
        ("index.html", '<script>fetch("/d.json")</script>', "/d.json"),
        ("a/b.html", "<svg><use xlink:href='/s.svg#x'/></svg>", "/s.svg#x"),
        ("a.css", "a { background: url(/c.png) }", "/c.png"),
        ("a.css", '@import "/other.css";', "/other.css"),
        ("a.css", "@IMPORT URL(/other.css);", "/other.css"),
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
    (paths.site / "index.html").write_bytes(b'<a href="/x">\xe4</a>')
    done = CliRunner().invoke(app, ["--dry-run"])
    assert done.exit_code == 1
    for fault in (
        "there is no robots.txt",
        "index.html: /x begins at the host",
        "index.html: byte 13 is not UTF-8",
        "404.html: /some/site/theme.css does not begin with /other/",
        "sitemap.xml: https://example.org/some/site/index.html is not below https://example.org/other: render again",
    ):
        assert f"fault: {fault}\n" in done.stdout
    assert "quarto publish" not in done.stdout and "all relative" not in done.stdout


def test_dry_run_fails_with_what_the_static_checks_find(paths: Paths) -> None:
    render(paths.root, paths.site)
    one = paths.site / "report/deep/one.html"
    one.write_text(one.read_text().replace("</main>", '<a href="../../index.html#gone">x</a><img src="no.png"></main>'))
    (paths.site / "sitemap.xml").write_text("<urlset")
    done = CliRunner().invoke(app, ["--dry-run"])
    assert done.exit_code == 1 and "quarto publish" not in done.stdout
    for fault in (
        "report/deep/one.html: <a href> ../../index.html#gone: index.html has no id 'gone'",
        "report/deep/one.html: <img src> no.png: there is no report/deep/no.png",
        "report/deep/one.html: <img src='no.png'> has no alt",
        "sitemap.xml: is no XML",
    ):
        assert f"fault: {fault}" in done.stdout


def test_what_is_not_the_sites_to_publish_is_a_fault(paths: Paths, tmp_path: Path) -> None:
    render(paths.root, paths.site)
    (tmp_path / "secret.txt").write_text("a secret")
    (paths.site / "out.txt").symlink_to(tmp_path / "secret.txt")
    (paths.site / "folder").symlink_to(tmp_path)
    (paths.site / "own.html").symlink_to("index.html")
    (paths.site / ".env").write_text("KEY=1")
    (paths.site / ".nojekyll").write_text("")
    faults = [fault for fault in survey(paths).faults if "dot" in fault or "link" in fault]
    assert [fault.split()[0] for fault in faults] == [".env", "folder", "out.txt"]


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

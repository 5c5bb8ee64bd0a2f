"""The preview: how little is done for a change, that a mistake keeps the last good site, that pages hear of it."""

from __future__ import annotations

import itertools
import threading
import urllib.error
import urllib.request

import pytest

from analysis.pages import preview
from analysis.pages.preview import Preview
from analysis.plan.paths import Paths
from analysis.site import pandoc
from analysis.site.serve import RELOAD, serve
from sae.errors import RenderError

PAGE = "---\ntitle: {0}\ndescription: Of {0}.\n---\n\nWords of {0}.\n"


class Heard:
    """What the preview did."""

    def __init__(self) -> None:
        self.builds, self.said, self.converted = 0, [], []

    def build(self) -> None:
        self.builds += 1


@pytest.fixture
def site(tmp_path, monkeypatch):
    root = tmp_path / "project"
    (root / "report").mkdir(parents=True)
    (root / "_quarto.yml").write_text(
        "project:\n  type: website\n  render: [index.qmd, report/two.qmd]\nwebsite:\n  title: T\n"
    )
    (root / "index.qmd").write_text(PAGE.format("one"))
    (root / "report/two.qmd").write_text(PAGE.format("two"))
    heard = Heard()
    convert = pandoc.convert

    def counted(source, *rest):
        heard.converted.append(source.page)
        return convert(source, *rest)

    monkeypatch.setattr(pandoc, "convert", counted)
    monkeypatch.setattr(preview.search, "index", lambda fresh: (fresh / "pagefind").mkdir())
    shown = Preview(Paths(root.resolve()), heard.build, heard.said.append)
    assert shown.make()
    return shown, heard


def test_for_the_words_of_a_page_that_page_alone_is_converted_and_nothing_built(site):
    shown, heard = site
    (shown.paths.root / "index.qmd").write_text(PAGE.format("three"))
    heard.converted.clear()
    assert shown.make(built=False)
    assert heard.converted == ["index.qmd"] and heard.builds == 1 and shown.version == 2
    assert "Words of three" in (shown.paths.site / "index.html").read_text()
    assert "Words of two" in (shown.paths.site / "report/two.html").read_text()
    assert (shown.paths.site / "pagefind").is_dir()


def test_a_new_figure_in_a_page_is_built(site):
    shown, heard = site
    (shown.paths.root / "index.qmd").write_text(PAGE.format("one") + "\n{{< figure bars >}}\n")
    assert not shown.make(built=False)  # here nobody draws it
    assert heard.builds == 2 and "there is no figure named 'bars'" in heard.said[-1]


def test_a_mistake_is_said_and_the_last_good_site_stays(site):
    shown, heard = site
    before = (shown.paths.site / "index.html").read_bytes()
    (shown.paths.root / "index.qmd").write_text("---\ntitle: [\n---\n")
    assert not shown.make() and heard.said[-1].startswith("not made: index.qmd")
    assert (shown.paths.site / "index.html").read_bytes() == before and shown.version == 1


def test_a_page_that_the_site_leaves_out_is_told_once(site):
    shown, heard = site
    (shown.paths.root / "report/three.qmd").write_text(PAGE.format("three"))
    for _ in range(2):
        assert shown.make(built=False)
    assert [line for line in heard.said if "report/three.qmd" in line] == [
        "not rendered: report/three.qmd; the list `render` in _quarto.yml does not name it"
    ]


def test_a_site_that_is_broken_at_the_start_is_made_after_the_change_that_mends_it(tmp_path, monkeypatch):
    monkeypatch.setattr(preview, "EVERY", 0.01)
    monkeypatch.setattr(preview.search, "index", lambda fresh: (fresh / "pagefind").mkdir())
    (tmp_path / "_quarto.yml").write_text("project:\n  type: website\n  render: [index.qmd]\nwebsite:\n  title: T\n")
    page, stop, said = tmp_path / "index.qmd", threading.Event(), []
    page.write_text("---\ntitle: [\n---\n")
    steps = iter(["---\ntitle: One\n---\n\n{{< figure nobodys >}}\n", PAGE.format("mended")])

    def heard(line):
        said.append(line)
        if line.startswith(("waiting", "not made")) and len(said) > 1:
            for text in itertools.islice(steps, 1):
                page.write_text(text)

    shown = Preview(Paths(tmp_path.resolve()), lambda: None, heard)
    assert shown.begin(stop) and shown.version == 1
    assert "Words of mended" in (tmp_path / "_site/index.html").read_text()
    assert said[0].startswith("not made: index.qmd") and said[1].startswith("waiting for the next change")
    assert said[2] == "index.qmd" and "no figure" in said[3] and said[4] == "index.qmd"
    page.write_text("---\ntitle: [\n---\n")
    stop.set()
    assert not shown.begin(stop)


def test_after_a_build_that_failed_the_next_change_of_any_kind_is_built(site):
    shown, heard = site
    heard.build, fails = heard.build, iter([True, False])

    def build():
        heard.builds += 1
        if next(fails):
            raise RenderError("a figure cannot be drawn")

    shown.build = build
    assert not shown.make() and shown.make(built=False)
    assert heard.builds == 3


def test_a_change_is_noticed_and_what_is_made_is_none(site, monkeypatch):
    shown, heard = site
    monkeypatch.setattr(preview, "EVERY", 0.01)
    stop, made = threading.Event(), threading.Event()
    monkeypatch.setattr(shown, "make", lambda built: (heard.said.append(built), made.set()))
    watching = threading.Thread(target=shown.watch, args=(stop,))
    watching.start()
    try:
        (shown.paths.root / "_site/stray.html").write_text("made")
        (shown.paths.report / "_generated").mkdir()
        (shown.paths.report / "_generated/made.md").write_text("made")
        assert not made.wait(0.2)
        # written again and again: the first may come before the first look
        while not made.wait(0.05):
            page = shown.paths.report / "two.qmd"
            page.write_text(page.read_text() + "More.\n")
    finally:
        stop.set()
        watching.join()
    assert "report/two.qmd" in heard.said and heard.said[-1] is False


def test_pages_of_a_preview_load_themselves_again_and_files_stay_as_they_are(site):
    shown, _ = site
    server = serve(shown.paths, 0, lambda: shown.version)
    base = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, daemon=True).start()

    def get(path):
        with urllib.request.urlopen(base + path) as answer:
            return answer.read().decode()

    try:
        assert get(RELOAD) == "1"
        for path in ("/", "/index.html", "/report/two.html?a=1"):
            assert f'fetch("{RELOAD}")' in get(path) and get(path).rstrip().endswith("</html>")
        with pytest.raises(urllib.error.HTTPError, match="404"):
            get("/nothing.html")
        with pytest.raises(urllib.error.HTTPError, match="404"):
            get("/.git/config")
        assert RELOAD not in (shown.paths.site / "index.html").read_text()
    finally:
        server.shutdown()
        server.server_close()


def test_there_is_nothing_to_serve_before_the_first_site(tmp_path):
    with pytest.raises(RenderError, match="no _site"):
        serve(Paths(tmp_path), 0, lambda: 1)

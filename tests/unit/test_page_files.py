"""Files that pages are made of and that are no text, no file, or broken: one line with the file, no traceback."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from analysis.pages.build import sources
from analysis.pages.typed_numbers import unsourced
from analysis.plan.paths import Paths
from analysis.site.embedded import render
from analysis.site.source import load_source
from analysis.site.whole import damage
from sae.errors import RenderError

CONFIG = """project:
  type: website
  render: [index.qmd, more/two.qmd]
website: {title: S, open-graph: true}
format:
  html: {include-in-header: {file: head.html}}
"""
PAGE = "---\ntitle: T\ndescription: D\n---\n\nText.\n"
BROKEN = {
    "not UTF-8": (b"a\nb\xf8c\n", 2, "not UTF-8 (byte 0xf8)"),
    "another encoding": ("---\ntitle: T\n".encode("utf-16"), 1, "not UTF-8"),
    "a NUL": (b"a\n\nb\0\n", 3, "NUL byte"),
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "more").mkdir()
    (tmp_path / "_quarto.yml").write_text(CONFIG)
    (tmp_path / "head.html").write_text("<meta name='x'>")
    (tmp_path / "_part.qmd").write_text("Part.\n")
    (tmp_path / "more/two.qmd").write_text(PAGE)
    (tmp_path / "index.qmd").write_text(PAGE + "\n{{< include _part.qmd >}}\n")
    return tmp_path


def said(root: Path) -> RenderError:
    with pytest.raises(RenderError) as caught:
        render(root, root / "_site")
    assert "\n" not in str(caught.value)
    return caught.value


@pytest.mark.parametrize("name", ["index.qmd", "more/two.qmd", "_part.qmd", "head.html", "_quarto.yml"])
@pytest.mark.parametrize("kind", BROKEN)
def test_a_file_that_is_no_text(root: Path, name: str, kind: str) -> None:
    content, line, words = BROKEN[kind]
    (root / name).write_bytes(content)
    error = said(root)
    assert (error.file, error.line) == (name, line) and words in str(error)
    if name.endswith("index.qmd"):
        with pytest.raises(RenderError, match=r"^index\.qmd:"):
            sources(Paths(root.resolve()))


@pytest.mark.parametrize("name", ["more/two.qmd", "_part.qmd", "head.html"])
def test_a_folder_in_the_place_of_a_file(root: Path, name: str) -> None:
    (root / name).unlink()
    (root / name).mkdir()
    assert f"there is no file {name}" in str(said(root))


def test_a_file_that_cannot_be_read(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = Path.read_bytes

    def fails(path: Path) -> bytes:
        if path.name == "two.qmd":
            raise PermissionError(13, "Permission denied", str(path))
        return before(path)

    monkeypatch.setattr(Path, "read_bytes", fails)
    assert str(said(root)) == "more/two.qmd: cannot be read: Permission denied"


def test_a_picture_that_is_cut_off(root: Path) -> None:
    (root / "card.png").write_bytes(b"\x89PNG\r\n\x1a\n\0\0")
    (root / "more/two.qmd").write_text(PAGE.replace("\n---\n\n", "\nimage: /card.png\n---\n\n"))
    error = said(root)
    assert (error.file, error.line) == ("more/two.qmd", 4) and "card.png" in str(error)


@pytest.mark.parametrize(
    "piece", ["{{< a ", "{{{<", "::: a ", "```", "<!--", "[a]{.sourced ", "](", "{", "<https:", "$", "["]
)
def test_a_line_that_opens_again_and_again_is_read_once(tmp_path: Path, piece: str) -> None:
    """With a pattern that goes back over what it has seen this takes minutes each, and the suite never ends."""
    text = "\\" + piece * (60_000 // len(piece))
    (tmp_path / "a.qmd").write_text(f"---\ntitle: T\n---\n```\n{text}\n")
    with pytest.raises(RenderError):
        load_source(tmp_path, "a.qmd", {})
    assert unsourced(f"{text}\n\n0.5\n")[-1:] == [(3, "0.5")]


PICTURES = {
    "a.png": {}, "b.jpg": {}, "c.JPEG": {"progressive": True}, "d.gif": {}, "e.webp": {}, "f.webp": {"lossless": True},
    "g.bmp": {}, "h.ico": {},
}  # fmt: skip


def picture(name: str) -> bytes:
    """A whole picture of the format that its name says; of noise, so that no half of it is empty."""
    if name.endswith(".svg"):
        return b"<?xml version='1.0'?><svg xmlns='http://www.w3.org/2000/svg'><path d='M0 0h9v9'/></svg>\n"
    made, ending = io.BytesIO(), name.rpartition(".")[2].upper()
    noise = np.random.default_rng(0).integers(0, 255, (24, 31, 3), dtype=np.uint8)
    Image.fromarray(noise).save(made, "JPEG" if ending in ("JPG", "JPEG") else ending, **PICTURES[name])
    return made.getvalue()


@pytest.mark.parametrize("name", [*PICTURES, "i.svg"])
def test_a_picture_of_any_format_that_lost_its_end_is_not_whole(tmp_path: Path, name: str) -> None:
    whole, file = picture(name), tmp_path / name
    file.write_bytes(whole)
    assert damage(file) == ""
    for left in (len(whole) - 2, len(whole) - 9, len(whole) // 2, 30, 3, 0):
        file.write_bytes(whole[:left])
        said = damage(file)
        assert said.startswith("is no whole picture (" if left else "is an empty file") and "\n" not in said, left


def test_what_is_named_a_picture_and_is_none_is_told_and_other_files_are_not_read(tmp_path: Path) -> None:
    for name in ("a.png", "b.svg", "c.txt"):
        (tmp_path / name).write_text("<html><body>Not found</body></html>")
    assert damage(tmp_path / "a.png").startswith("is no whole picture (nothing in it says which format")
    assert damage(tmp_path / "b.svg").startswith("is no whole picture (it is XML that begins with <html>)")
    assert damage(tmp_path / "c.txt") == ""


@pytest.mark.parametrize(
    ("where", "place"),
    [("page", ("more/two.qmd", 8)), ("resources of a page", ("more/two.qmd", 4)), ("settings", ("_quarto.yml", 4))],
)
def test_a_damaged_picture_is_not_published_whoever_asks_for_it(root: Path, where: str, place: tuple[str, int]) -> None:
    name, page = "pics/d.gif", root / "more/two.qmd"
    (root / "pics").mkdir()
    (root / name).write_bytes(picture("d.gif")[:-20])
    if where == "page":
        page.write_text(PAGE + f'\n![Noise](/{name}){{fig-alt="Noise"}}\n')
    elif where == "settings":
        (root / "_quarto.yml").write_text(CONFIG.replace("two.qmd]\n", "two.qmd]\n  resources: [/pics/*]\n"))
    else:
        page.write_text(PAGE.replace("\n---\n\n", "\nresources: [/pics/*]\n---\n\n"))
    error = said(root)
    assert (error.file, error.line) == place and f"{name} is no whole picture" in str(error)
    (root / name).write_bytes(picture("d.gif"))
    render(root, root / "_site")
    assert (root / "_site" / name).read_bytes() == picture("d.gif")

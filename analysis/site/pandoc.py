"""One call of pandoc: a page's Markdown in, the HTML of its parts out.

What Quarto does on top of pandoc is in `filters/strata.lua`. The parts (body, table of contents, title, references)
come from one run through a template that prints them one after the other with separators between.
"""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from analysis.site import language
from analysis.site.kinds import NUMBERED, UNNUMBERED
from analysis.site.source import Source, escapes_marked
from analysis.system import pandoc_program
from sae.errors import RenderError

# The one list of classes that a span, a div, a link, an image or a table may carry; each is styled in
# assets/embedded.css. Callouts, tabsets, proofs and what stands on code are known to the filter itself.
CLASSES = (
    "num", "source", "sourced", "term", "answer", "lead", "aside", "column-margin", "column-body-outset", "column-page",
    "column-screen-inset", "small", "muted", "nowrap", "underline", "smallcaps", "striped", "hover", "sm",
    "light-content", "dark-content", "page-only", "caption-rest", "may-help",
)  # fmt: skip

_FILTER = Path(__file__).parent / "filters" / "strata.lua"
_READER = "markdown-yaml_metadata_block-pandoc_title_block"
_PARTS = ("toc", "title", "subtitle", "pagetitle", "refs", "body")
_SEPARATOR = "<!--strata:part-->"
_TEMPLATE = _SEPARATOR.join(
    ["$toc$", "$title$", "$subtitle$", "$pagetitle$", "$for(strata-refs)$$strata-refs$$endfor$", "$body$"]
)


@dataclass(frozen=True)
class Parts:
    """The HTML of a page's parts; `pagetitle` is the title as escaped text."""

    toc: str
    title: str
    subtitle: str
    pagetitle: str
    refs: str
    body: str


def convert(source: Source, meta: Mapping[str, Any], root: Path, toc_depth: int) -> Parts:
    """Render a page's Markdown. `meta` is what pandoc may see: title, subtitle, bibliography, csl, ..."""
    parts = _run(source.text, dict(meta), list(source.numbers), root, toc_depth, source)
    return Parts(*(part.strip() for part in parts))


def tree(source: Source, meta: Mapping[str, Any], root: Path) -> dict[str, Any]:
    """A page's tree as pandoc's JSON, for a post: after the same filter and citations as its HTML, what is for the
    dark theme left out."""
    made = _pandoc(source.text, dict(meta), list(source.numbers), root, source, _as_json)
    found: dict[str, Any] = json.loads(made)
    return found


def _as_json(folder: Path) -> list[str]:
    return ["--to=json"]


def inline_html(piece: Source, root: Path, file: str, line: int) -> str:
    """A piece of Markdown from the settings (a page footer) as HTML."""
    try:
        return _run(piece.text, {"pagetitle": "x"}, list(piece.numbers), root, 1, piece)[-1].strip()
    except RenderError as error:
        raise RenderError(str(error).removeprefix(f"{file}: "), file, line) from None


def _run(
    text: str, meta: dict[str, Any], numbers: list[dict[str, str]], root: Path, depth: int, source: Source
) -> list[str]:
    def html(folder: Path) -> list[str]:
        (folder / "page.html").write_text(_TEMPLATE)
        return [
            "--to=html5", "--standalone", "--section-divs", "--mathml", "--wrap=none", "--email-obfuscation=none",
            "--toc", f"--toc-depth={depth}", f"--template={folder / 'page.html'}",
        ]  # fmt: skip

    parts = _pandoc(text, meta, numbers, root, source, html).split(_SEPARATOR, maxsplit=len(_PARTS) - 1)
    assert len(parts) == len(_PARTS), "the page template of pandoc lost a part"
    return parts


def _pandoc(
    text: str,
    meta: dict[str, Any],
    numbers: list[dict[str, str]],
    root: Path,
    source: Source,
    writer: Callable[[Path], list[str]],
) -> str:
    # As options, since pandoc would read paths in the metadata as Markdown, underscores and all.
    files = [f"--{key}={path}" for key in ("bibliography", "csl") for path in meta.pop(key, [])]
    # Markdown, too
    meta |= {key: escapes_marked(str(meta[key])) for key in ("title", "subtitle") if meta.get(key)}
    context = {
        "classes": CLASSES, "numbers": numbers, "post": writer is _as_json, "settings": meta.pop("strata-code", {}),
        "kinds": NUMBERED, "unnumbered": UNNUMBERED, "full": source.meta.get("page-layout") == "full",
        "words": language.words(language.base(str(meta.get("lang", "en")), source.page)),
    }  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="strata-pandoc-") as name:
        folder = Path(name)
        (folder / "context.json").write_text(json.dumps(context))
        (folder / "meta.json").write_text(json.dumps(meta))
        options = [
            f"--from={_READER}", *writer(folder), f"--metadata-file={folder / 'meta.json'}",
            f"--lua-filter={_FILTER}", f"--metadata=strata-context={folder / 'context.json'}",
            "--metadata=link-citations=true", *files,
        ]  # fmt: skip
        try:
            done = pandoc_program.run(options, text, cwd=root)
        except pandoc_program.PandocLimitError as error:
            raise RenderError(str(error), source.page) from None
    _raise_for(done.log, done.code, source)
    return done.text


def _raise_for(log: str, code: int, source: Source) -> None:
    """Whatever pandoc or the filter says is an error: a warning is a page that is not what was meant."""
    for line in log.splitlines():
        if line.startswith("STRATA "):
            told = json.loads(line.removeprefix("STRATA "))
            place = source.locate_again(told["again"]) if "again" in told else source.locate(*told["needles"])
            raise RenderError(told["message"], *place)
    flat = " ".join(log.split())
    if again := re.search(r"Duplicate identifier '([^']*)'", flat):
        raise RenderError(f"the id {again[1]} is used twice on this page", *source.locate_again(again[1]))
    if code or "[WARNING]" in flat:
        quoted = re.search(r"TeX math (.*?), rendering|Duplicate note reference '(.*?)'", flat)
        needle = next((group for group in quoted.groups() if group), "") if quoted else ""
        raise RenderError(f"pandoc: {flat}", *source.locate(needle.strip()))

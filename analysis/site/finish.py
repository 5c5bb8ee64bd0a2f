"""The last step after Quarto: what it leaves out of its pages, or leaves behind, and the search's index.

    python -m analysis.site.finish FOLDER ROOT  # what report/post_render.py calls

Quarto writes links to the pages before and after only where there is a sidebar, and no link past the navigation; it
gives the page for what is not there an address of its own, and writes the index of its own search where that is off
(docs/quarto.md). The embedded renderer's pages have all this from the start. Finishing twice changes nothing.
"""

from __future__ import annotations

import html
import posixpath
import re
import sys
from dataclasses import dataclass
from pathlib import Path

from analysis.site import language, search
from analysis.site.jinja import environment
from analysis.site.keys import read_yaml, text_file
from analysis.site.links import tags_of
from analysis.site.project import CONFIG, NOT_FOUND_PAGE, as_list
from sae.errors import RenderError

OWN_INDEX = "search.json"
"""The index of Quarto's own search, half a megabyte, which nothing asks for where that search is off."""
SKIP = '<a class="skip-link" href="#quarto-document-content">{words}</a>'
_TITLE = re.compile(r'<h1 class="title[^"]*">(.*?)</h1>', re.S)
_CANONICAL = re.compile(r'<link\b[^>]*\brel="?canonical"?[^>]*>\s*')


@dataclass(frozen=True)
class Turn:
    """A page that another one leads to."""

    path: str
    """Its address, relative to the page that leads there."""
    title: str


def finish(folder: Path, root: Path) -> None:
    """Complete the pages in `folder` that Quarto made of the project in `root`. Raises RenderError, OSError."""
    settings = read_yaml(text_file(root / CONFIG), CONFIG)
    site = settings.get("website") or {}
    listed = [posixpath.splitext(page)[0] + ".html" for page in as_list((settings.get("project") or {}).get("render"))]
    # quarto preview may have written some of the pages only
    pages = [name for name in listed if (folder / name).is_file()]
    texts = {name: (folder / name).read_text(encoding="utf-8") for name in pages}
    turned = [name for name in pages if name != NOT_FOUND_PAGE] if site.get("page-navigation") else []
    for name, text in texts.items():
        words = _words(text, str(settings.get("lang") or "en"), name)
        made = with_skip_link(text, words["skip"])
        if name == NOT_FOUND_PAGE:
            made = _CANONICAL.sub("", made)
        if name in turned:
            made = with_turns(made, name, turned, texts, words)
        if made != text:
            (folder / name).write_text(made, encoding="utf-8")
    if site.get("search") is False:
        (folder / OWN_INDEX).unlink(missing_ok=True)


def _words(text: str, lang: str, name: str) -> dict[str, str]:
    """The words of a page's own language, else of the project's; English ones, and a note, where it has none here."""
    opened = next((tag for tag in tags_of(text) if tag.name == "html"), None)
    lang = (opened.attributes.get("lang") if opened else "") or lang
    try:
        return language.words(language.base(lang))
    except RenderError:
        # on stdout, and without a word that `render` takes for a complaint: the page is whole
        print(f"strata: {name}: links past and between pages are in English, for want of words in {lang!r}")
        return language.words("en")


def with_skip_link(text: str, words: str) -> str:
    """The page with a first link that leads past the navigation."""
    if any("skip-link" in tag.attributes.get("class", "").split() for tag in tags_of(text)):
        return text
    return re.sub(r"<body\b[^>]*>", lambda body: f"{body[0]}\n{SKIP.format(words=html.escape(words))}", text, count=1)


def with_turns(text: str, name: str, turned: list[str], texts: dict[str, str], words: dict[str, str]) -> str:
    """The page with links to those before and after it, at the end of its text, as in the embedded renderer's."""
    if 'class="page-navigation"' in text:
        return text
    at, end = turned.index(name), text.rfind("</main>")
    if end < 0 or len(turned) < 2:
        return text
    before = _turn(turned[at - 1], name, texts) if at else None
    following = _turn(turned[at + 1], name, texts) if at + 1 < len(turned) else None
    made = environment().get_template("page-navigation.html").render(before=before, next=following, words=words)
    return f"{text[:end]}{made}\n{text[end:]}"


def _turn(to: str, page: str, texts: dict[str, str]) -> Turn:
    found = _TITLE.search(texts[to])
    if found is None:
        raise RenderError("this page has no title that others could name", to)
    path = posixpath.relpath(to, posixpath.dirname(page) or ".")
    return Turn(path, html.unescape(" ".join(re.sub(r"<[^>]*>", "", found[1]).split())))


def main(folder: Path, root: Path) -> int:
    """Finish and index `folder`; says in one line what went wrong, and then the exit code is 1."""
    try:
        finish(folder, root)
    except (RenderError, OSError) as error:
        print(f"strata: {error}", file=sys.stderr)
        return 1
    return search.main(folder)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))

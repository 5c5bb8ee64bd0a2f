"""A page's Markdown before pandoc sees it: front matter, includes, shortcodes, refusals, and a map of lines.

Pandoc's Markdown reader keeps no positions, so all that can be told from the text alone is told here, with
the file and line that the author wrote, through includes. What remains for the Lua filter is found again by
`Source.locate`.
"""

from __future__ import annotations

import difflib
import json
import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from typing import Any

from analysis.figures.asked import CALL, parse
from analysis.figures.fences import closes, opens
from analysis.site.inside import project_file
from analysis.site.keys import PAGE_KEYS, as_written, check_keys, key_line, read_yaml, text_file, without_empty
from analysis.site.kinds import NUMBERED, UNNUMBERED
from analysis.site.lines import Line
from analysis.site.nesting import check_nesting
from sae.errors import RenderError

# What the build writes for pages, as real Quarto finds it, too (_extensions/strata).
GENERATED = "report/_generated"
NUMBERS = f"{GENERATED}/numbers.json"

KNOWN = "include PATH, figure NAME, part NAME, num NAME"
"""The shortcodes, as messages name them."""

INCLUDES_DEEP = 20
MOST_LINES = 200_000
"""Of a page with all that it includes: parts that include each other twice, and so on, would double without end."""

# Private-use characters: an index of a number between the first two; escaped shortcode braces. The filter
# puts the number in, because only the tree tells text from attributes, headings, links and code.
NUM, NUM_END, OPEN, CLOSE = "\ue000", "\ue001", "\ue002", "\ue003"
# What stands for `\{`, `\[` and `\:` where pandoc's tree would not tell them from an attribute, a note or a div that
# belongs to nothing.
BRACE, BRACKET, COLON = "\ue004", "\ue005", "\ue006"

_MARKS = re.compile(r"[\ue000-\ue006]")
_NAMED_MARKS = re.compile(r"&#(?:[xX]0*[eE]00[0-6](?![0-9a-fA-F])|0*573(?:4[4-9]|50)(?![0-9]));?")
_ESCAPED = re.compile(r"\\(?:\\|(?P<brace>\{(?=\\?[#.={]))|(?P<bracket>\[(?=\\?\^))|(?P<colon>:(?=\\?:\\?:)))")
_DIV = re.compile(r"^[ \t>]*:::+[ \t]*(?P<info>[^:\s].*?)?[ \t]*:*[ \t]*$")
_CELL = re.compile(r"^\{\s*[A-Za-z][\w+-]*\s*([,}\s].*)?$")
_RAW = re.compile(r"^\{\s*=\s*(\w+)\s*\}$")
# No shortcode holds another: one that is not closed ends where the next begins.
_SHORTCODE = re.compile(
    r"\{\{\{<(?P<escaped>(?:(?!\{\{<).)*?)>\}\}\}|\{\{<(?P<code>(?:(?!\{\{<).)*?)>\}\}",
)
INCLUDE = re.compile(r"^\{\{<\s*include\s+(?P<path>\S+)\s*>\}\}\s*$", re.M)
"""A line that puts a file of the project in its place."""
# Where only a citation or a reference can begin with `@`; addresses of mail have a letter before it.
_REFERENCE = re.compile(rf"(?<![\w@])@(?:{'|'.join([*NUMBERED, *UNNUMBERED])})-[\w-]+", re.IGNORECASE)
# An escaped sign, or inline code: in neither does anything else begin.
_NOT_READ = re.compile(r"\\.|(?<!`)(`+)(?!`).*?(?<!`)\1(?!`)")
_GRID = re.compile(r"^[ \t>]*\+(?:[-=:]{3,}\+)+\s*$")


@dataclass(frozen=True)
class Source:
    """A page ready for pandoc."""

    page: str
    meta: dict[str, Any]
    front: str
    lines: tuple[Line, ...]
    numbers: tuple[dict[str, str], ...]

    @property
    def text(self) -> str:
        """The Markdown, front matter taken off."""
        return "\n".join(line.text for line in self.lines) + "\n"

    def place_of(self, key: str) -> tuple[str, int]:
        """File and line of a key of the front matter."""
        return self.page, key_line(self.front, key, first=2)

    def locate(self, *needles: str) -> tuple[str, int]:
        """File and line on which all the needles stand together, else on which the last one stands."""
        wanted = [needle for needle in needles if needle]
        for tries in (wanted, wanted[-1:]):
            for prose_only in (True, False):
                for line in self.lines:
                    text = _escapes_written(line.text)
                    if tries and not (line.code and prose_only) and all(needle in text for needle in tries):
                        return line.file, line.number
        for number, text in enumerate(self.front.splitlines(), start=2):
            if wanted and wanted[-1] in text:
                return self.page, number
        return self.page, 0

    def locate_again(self, name: str) -> tuple[str, int]:
        """File and line of the last element that takes the id: the first one had it before."""
        pattern = re.compile(rf"""#{re.escape(name)}(?![\w-])|id=["']?{re.escape(name)}(?![\w-])""")
        hits = [line for line in self.lines if pattern.search(line.text)]
        return (hits[-1].file, hits[-1].number) if hits else (self.page, 0)


def load_numbers(root: Path) -> dict[str, dict[str, str]]:
    """The numbers that prose may show; an empty table if none were made yet."""
    path = root / NUMBERS
    if not path.is_file():
        return {}
    try:
        numbers = json.loads(path.read_text(encoding="utf-8"))
        for name, entry in numbers.items():
            for value in (name, *entry.values()):
                _refuse_marks(str(value), NUMBERS, 0)
        return {
            name: {key: str(entry[key]) for key in ("text", "title", "experiment") if key == "text" or key in entry}
            for name, entry in numbers.items()
        }
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise RenderError(f"not a table of numbers: {error!r}", NUMBERS) from None


def load_source(
    root: Path, page: str, numbers: dict[str, dict[str, str]], keys: Mapping[str, Any] = PAGE_KEYS
) -> Source:
    """Read a page: front matter checked (`keys` are those it may have), included parts put in, shortcodes marked."""
    reader = _Reader(root, numbers)
    front, lines, body_from = front_matter(root, page)
    meta = read_yaml(front, page, first=2)
    check_keys(meta, keys, front, page, first=2)
    meta = without_empty(meta)
    meta = as_written(meta, keys, front, page, first=2)
    meta = {key: reader.meta_value(value, page, key_line(front, key, 2)) for key, value in meta.items()}
    reader.read(page, lines, body_from, ())
    check_nesting(reader.lines)
    return Source(page, meta, front, tuple(reader.lines), tuple(reader.used))


def settings_text(text: str, numbers: dict[str, dict[str, str]], file: str, line: int) -> Source:
    """A piece of Markdown from the settings, its shortcodes marked: what `pandoc.inline_html` takes."""
    reader = _Reader(Path(), numbers)
    marked = reader.marked(text, file, line)
    lines = tuple(Line(part, file, line, False) for part in marked.splitlines())
    return Source(file, {}, "", lines, tuple(reader.used))


def words_of(root: Path, page: str, numbers: dict[str, dict[str, str]]) -> dict[str, str]:
    """Title and description of a page, numbers put in; its other settings may be such as only Quarto knows."""
    front = front_matter(root, page)[0]
    meta, reader = without_empty(read_yaml(front, page, first=2)), _Reader(root, numbers)
    wanted = [key for key in ("title", "description") if key in meta]
    return {key: " ".join(str(reader.meta_value(meta[key], page, key_line(front, key, 2))).split()) for key in wanted}


def front_matter(root: Path, page: str) -> tuple[str, list[str], int]:
    """The text of the front matter, all lines of the page, and where its body begins."""
    lines = text_file(project_file(root, page, "page", page), page).splitlines()
    front, body_from = "", 0
    if lines and lines[0].rstrip() == "---":
        ends = [i for i, line in enumerate(lines[1:], start=1) if line.rstrip() in ("---", "...")]
        if not ends:
            raise RenderError("the front matter is not closed", page, 1)
        front, body_from = "\n".join(lines[1 : ends[0]]), ends[0] + 1
    return front, lines, body_from


def _read_text(text: str) -> str:
    """A line without its inline code and escaped signs."""
    return _NOT_READ.sub(" ", text)


def escapes_marked(text: str) -> str:
    """The line with marks for what its author escaped, so that the filter takes it for text."""

    def mark(match: re.Match[str]) -> str:
        return {"brace": BRACE, "bracket": BRACKET, "colon": COLON}.get(match.lastgroup or "", match[0])

    return _ESCAPED.sub(mark, text)


def _escapes_written(text: str) -> str:
    return text.replace(BRACE, "{").replace(BRACKET, "[").replace(COLON, ":")


def _refuse_marks(text: str, file: str, number: int, code: bool = False) -> None:
    """The marks themselves, or references that pandoc would turn into them, are nothing that a page may hold."""
    found = _MARKS.search(text) or (None if code or "&#" not in text else _NAMED_MARKS.search(_read_text(text)))
    if found:
        point = ord(found[0]) if len(found[0]) == 1 else ord(unescape(found[0]))
        raise RenderError(f"U+{point:04X}, a character of private use, has a meaning here; leave it out", file, number)


class _Reader:
    """Puts a page together line by line."""

    def __init__(self, root: Path, numbers: dict[str, dict[str, str]]) -> None:
        self.root, self.numbers = root, numbers
        self.lines: list[Line] = []
        self.used: list[dict[str, str]] = []

    def read(self, file: str, lines: list[str], start: int, above: tuple[str, ...]) -> None:
        if file in above:
            raise RenderError(f"include loop: {' -> '.join((*above, file))}", file)
        if len(above) > INCLUDES_DEEP:
            raise RenderError(f"stands more than {INCLUDES_DEEP} includes deep below {above[0]}", file)
        if len(self.lines) + len(lines) > MOST_LINES:
            raise RenderError(f"with this part {(*above, file)[0]} has more than {MOST_LINES:,} lines", file)
        fence: re.Match[str] | None = None
        opened, keep, divs = 0, False, list[int]()
        for number, text in enumerate(lines[start:], start=start + 1):
            _refuse_marks(text, file, number, code=fence is not None)
            if fence is not None:
                ends = closes(fence, text)
                if not ends and not keep:
                    text = self._code(text, file, number)
                self.lines.append(Line(text, file, number, True))
                fence = None if ends else fence
                continue
            if match := opens(text):
                self._check_fence(match["info"].strip(), file, number)
                fence, opened, keep = match, number, 'shortcodes="false"' in match["info"]
                self.lines.append(Line(self.marked(text, file, number), file, number, True))
                continue
            if include := INCLUDE.match(text):
                self._include(include["path"], file, number, above)
                continue
            if fragment := CALL.match(text):
                around = [lines[at] for at in (number - 2, number) if start <= at < len(lines)]
                if not all(re.match(r"[ \t>]*(:::.*)?$", line) for line in around):
                    raise RenderError(f"leave a blank line before and after {text.strip()}", file, number)
                self._fragment(fragment, file, number, above)
                continue
            if file.startswith(f"{GENERATED}/") and (reference := _REFERENCE.search(_read_text(text))):
                # Quarto resolves it, but warns of a citation that is not found, and a warning fails the render
                raise RenderError(f"{reference[0]} in generated text: references stand in pages", file, number)
            div = _DIV.match(text)
            if div and div["info"]:
                divs.append(number)
            elif div and not divs:
                raise RenderError("this ::: closes nothing", file, number)
            elif div:
                divs.pop()
            if _GRID.match(text):
                raise RenderError("grid tables are not supported; write a pipe table", file, number)
            if text.lstrip().startswith("#") and "{{<" in text and "{#" not in text:
                raise RenderError("a heading with a number needs an explicit id: {#...}", file, number)
            self.lines.append(Line(escapes_marked(self.marked(text, file, number)), file, number, False))
        if fence is not None:
            raise RenderError("this code block is not closed", file, opened)
        if divs:
            raise RenderError("this ::: div is not closed", file, divs[-1])

    def _include(self, path: str, file: str, number: int, above: tuple[str, ...]) -> None:
        path = path.strip("\"'")
        joined = path.lstrip("/") if path.startswith("/") else posixpath.join(posixpath.dirname(file), path)
        target = posixpath.normpath(joined)
        if target.startswith(f"{GENERATED}/"):
            name = posixpath.splitext(posixpath.basename(target))[0]
            asked = f"{{{{< figure {name} >}}}} or {{{{< part {name} >}}}}"
            raise RenderError(f"Quarto expands an include before the build has run; write {asked}", file, number)
        part = project_file(self.root, target, "include", file, number)
        if target in (*above, file):
            raise RenderError(f"include loop: {' -> '.join((*above, file, target))}", file, number)
        lines = text_file(part, target).splitlines()
        if lines and lines[0].rstrip() == "---":
            raise RenderError(f"the included file {target} has front matter; only pages have", file, number)
        self._put(target, lines, file, number, above)

    def _fragment(self, call: re.Match[str], file: str, number: int, above: tuple[str, ...]) -> None:
        kind, name = call["kind"], call["name"]
        if kind == "figure":
            name = parse(name, call["rest"], file, number).name
        elif call["rest"]:
            raise RenderError(f"a part takes no arguments: {{{{< part {name} >}}}}", file, number)
        target = f"{GENERATED}/{name}.md"
        if not (self.root / target).is_file():
            found = [path.stem for path in sorted((self.root / GENERATED).glob("*.md"))]
            near = difflib.get_close_matches(name, found, n=5, cutoff=0.4) or found[:20]
            says = f"found: {', '.join(near)}" if near else f"{GENERATED} is empty; strata build fills it"
            raise RenderError(f"there is no {kind} named {name!r}; {says}", file, number)
        part = project_file(self.root, target, kind, file, number)
        self._put(target, text_file(part, target).splitlines(), file, number, above)

    def _put(self, target: str, lines: list[str], file: str, number: int, above: tuple[str, ...]) -> None:
        """What another file holds, between blank lines, as Quarto does: else it would join the paragraph above."""
        self.lines.append(Line("", file, number, False))
        self.read(target, lines, 0, (*above, file))
        self.lines.append(Line("", file, number, False))

    def _check_fence(self, info: str, file: str, number: int) -> None:
        raw = _RAW.match(info)
        if raw and raw[1] != "html":
            raise RenderError(f"raw {raw[1]} would be left out of the page; only {{=html}} is shown", file, number)
        if _CELL.match(info):
            raise RenderError(f"{info} is an executable cell; pages run no code (write ```python)", file, number)

    def _code(self, text: str, file: str, number: int) -> str:
        def shown(match: re.Match[str]) -> str:
            if match["escaped"] is None:
                raise RenderError(
                    'Quarto would run this shortcode in a code block; write {{{< ... >}}} or add shortcodes="false"',
                    file,
                    number,
                )
            return "{{<" + match["escaped"] + ">}}"

        return _SHORTCODE.sub(shown, text)

    def marked(self, text: str, file: str, number: int) -> str:
        """The text with marks in the place of its shortcodes."""

        _refuse_marks(text, file, number)

        def mark(match: re.Match[str]) -> str:
            if match["escaped"] is not None:
                return OPEN + match["escaped"] + CLOSE
            words = match["code"].split()
            if words and words[0] in ("include", "figure", "part"):
                what = f"{words[0]} {'PATH' if words[0] == 'include' else 'NAME'}"
                raise RenderError(f"{{{{< {what} >}}}} stands alone on its line", file, number)
            if len(words) != 2 or words[0] != "num":
                raise RenderError(f"unknown shortcode {match[0]}; known: {KNOWN}", file, number)
            return NUM + str(self._number(words[1], file, number)) + NUM_END

        return _SHORTCODE.sub(mark, text)

    def _number(self, name: str, file: str, line: int) -> int:
        if name not in self.numbers:
            near = ", ".join(sorted(self.numbers)[:20]) or f"none ({NUMBERS} is missing or empty)"
            raise RenderError(f"no number named {name!r}; found: {near}", file, line)
        self.used.append({"name": name} | self.numbers[name])
        return len(self.used) - 1

    def meta_value(self, value: Any, page: str, line: int) -> Any:
        """Numbers in the front matter, as plain text: they end up in `<meta>` tags and in the title."""
        if isinstance(value, list):
            return [self.meta_value(one, page, line) for one in value]
        if isinstance(value, dict):
            return {key: self.meta_value(one, page, line) for key, one in value.items()}
        if not isinstance(value, str):
            return value
        marked = self.marked(value, page, line).replace(OPEN, "{{<").replace(CLOSE, ">}}")
        return re.sub(f"{NUM}(\\d+){NUM_END}", lambda match: self.used[int(match[1])]["text"], marked)

"""HTML taken apart in one pass, as browsers do it: tags with their attributes and places, text between them.

Python's own parser looks again and again for the end of what is never closed (`<!--`, `<a href="`), so that a page of a
megabyte takes hours. Here every character is looked at once, and as in browsers what is open at the end of the file
reaches to it: an unclosed comment hides what follows, an unclosed tag is none.

    class Words(Parser):
        def handle_data(self, data): ...

    Words().feed(html)
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import unescape
from types import MappingProxyType

# whose content is text, up to their own end tag; in those of _SPELLED signs may be written as &name;
_SPELLED = frozenset({"title", "textarea"})
_RAW = _SPELLED | {"script", "style", "xmp", "iframe", "noembed", "noframes"}
_NAME = re.compile(r"[a-zA-Z][^\s/>]*")
_BETWEEN = re.compile(r"[\s/]*")
_SPACE = re.compile(r"\s*")
_KEY = re.compile(r"=?[^\s/>=]*")
_BARE = re.compile(r"[^\s>]*")
_SIGN = re.compile(r"&(?:#[0-9]+|#[xX][0-9a-fA-F]+|[a-zA-Z][a-zA-Z0-9]*)[;=]?")
_COMMENT_END = re.compile(r"--!?>")
Attributes = list[tuple[str, str | None]]


class Parser:
    """Calls a method for each part of a document, in order. Subclasses say what is done with them."""

    tag_start = 0
    """Where in the text the tag begins that is being handled."""
    tag_text = ""
    """That tag as it stands there."""
    tag_values: Mapping[str, tuple[int, int]] = MappingProxyType({})
    """Where in it the value of each attribute stands, quotes and all; of two of a name the first."""

    def handle_starttag(self, tag: str, attrs: Attributes) -> None:
        """A start tag: its name in lower case, its attributes in order, names in lower case, None without a value."""

    def handle_startendtag(self, tag: str, attrs: Attributes) -> None:
        """A tag that closes itself, `<br/>`."""
        self.handle_starttag(tag, attrs)
        self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        """An end tag."""

    def handle_data(self, data: str) -> None:
        """Text, its signs (`&amp;`) read; it may come in several pieces."""

    def feed(self, html: str) -> None:
        """Go through a whole document."""
        at = 0
        while at < len(html):
            sign = html.find("<", at)
            if sign != at:
                self.handle_data(unescape(html[at : sign if sign >= 0 else len(html)]))
                if sign < 0:
                    return
            at = self._markup(html, sign)

    def _markup(self, html: str, at: int) -> int:
        """What begins with the `<` at a place; gives where it ends."""
        end = len(html)
        if html.startswith("<!--", at):
            if html.startswith((">", "->"), at + 4):
                return html.index(">", at) + 1
            found = _COMMENT_END.search(html, at + 4)
            return found.end() if found else end
        if html.startswith(("<!", "<?"), at) or (html.startswith("</", at) and not _NAME.match(html, at + 2)):
            return html.find(">", at) + 1 or end
        closing = html.startswith("</", at)
        name = _NAME.match(html, at + 1 + closing)
        if not name:
            self.handle_data("<")
            return at + 1
        tag, attributes = name[0].lower(), Attributes()
        values: dict[str, tuple[int, int]] = {}
        stop = _attributes(html, name.end(), attributes, values)
        if stop < 0:
            return end
        self.tag_values = {key: (begin - at, after - at) for key, (begin, after) in values.items()}
        self.tag_start, self.tag_text = at, html[at:stop]
        if closing:
            self.handle_endtag(tag)
        elif html[stop - 2] == "/":
            self.handle_startendtag(tag, attributes)
        else:
            self.handle_starttag(tag, attributes)
            if tag in _RAW:
                return self._raw(html, stop, tag)
        return stop

    def _raw(self, html: str, at: int, tag: str) -> int:
        """The content of an element that holds no tags; gives where its end tag begins."""
        found = _end_of(tag).search(html, at)
        end = found.start() if found else len(html)
        if end > at:
            self.handle_data(unescape(html[at:end]) if tag in _SPELLED else html[at:end])
        return end


def _end_of(tag: str) -> re.Pattern[str]:
    return re.compile(rf"</{tag}(?=[\s/>])", re.IGNORECASE)  # one of a few names: `re` keeps them


def _attributes(html: str, at: int, found: Attributes, values: dict[str, tuple[int, int]]) -> int:
    """Read attributes, and where their values stand, up to the end of their tag; gives where that is, -1 where the file
    ends before."""
    end = len(html)
    while True:
        at = _end(_BETWEEN, html, at)
        if at >= end:
            return -1
        if html[at] == ">":
            return at + 1
        stop = _end(_KEY, html, at)
        key = html[at:stop].lower()
        at = _end(_SPACE, html, stop)
        if not html.startswith("=", at):
            found.append((key, None))
            values.setdefault(key, (stop, stop))
            continue
        at = _end(_SPACE, html, at + 1)
        quote = html[at : at + 1]
        if quote in ("'", '"'):
            stop = html.find(quote, at + 1)
            if stop < 0:
                return -1
            found.append((key, _value(html[at + 1 : stop])))
            values.setdefault(key, (at, stop + 1))
            at = stop + 1
        else:
            stop = _end(_BARE, html, at)
            found.append((key, _value(html[at:stop])))
            values.setdefault(key, (at, stop))
            at = stop


def _end(pattern: re.Pattern[str], html: str, at: int) -> int:
    """Where a pattern that matches everywhere ends."""
    found = pattern.match(html, at)
    assert found is not None
    return found.end()


def _value(text: str) -> str:
    """An attribute's value: `&copy=` in an address is a name of its own, and no sign."""
    if "&" not in text:
        return text
    return _SIGN.sub(lambda match: match[0] if match[0].endswith("=") else unescape(match[0]), text)


def words_of(html: str) -> str:
    """HTML without its tags, as text."""
    parser = _Words()
    parser.feed(html)
    return "".join(parser.words).strip()


class _Words(Parser):
    def __init__(self) -> None:
        self.words: list[str] = []

    def handle_data(self, data: str) -> None:
        self.words.append(data)

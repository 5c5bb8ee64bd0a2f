"""From parsed text to safe Markdown.

A log is somebody's text: none of it may run in a reader's browser or steer the site's renderer. So nothing is
passed through. Markdown is written anew from the parse, with every character escaped that could begin HTML,
math, a citation, an attribute, a shortcode or a block; a link survives only as http, https, mailto or
relative; an image becomes a link to it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from markdown_it.token import Token

from analysis.logs.unseen import one_row

# A "!" counts where a link may follow: it would make a picture of it.
# Within a word a "_" is no mark; a ">" is one only at the start, a "&" before what may be an entity.
_SPECIAL = re.compile(
    r"[\\`*{}\[\]<|~^$@]|&(?=#?\w*(?:;|\Z))|(?<![^\W_])_|_(?![^\W_])|!(?=\[|\Z)|:(?=::)|(?<=\A)>|(?<=\A\s)>"
)
_BLOCK_START = re.compile(r"^(?=[-+:=%#])")
_LIST_START = re.compile(r"^(\(?(?:\d{1,9}|[A-Za-z]|[ivxlcdmIVXLCDM]+))([.)])(?=\s|$)")
_SCHEME = re.compile(r"^([^/?#]*?):")
_SAFE_SCHEMES = ("http", "https", "mailto")
_UNSAFE_IN_URL = re.compile(r"[\s()<>\"'\\{}\[\]|^`\x00-\x20\x7f-\x9f\ue000-\ue006]")
_BOX = re.compile(r"^\s*\[([ xX\u2713\u2714]?)\]\s*")
_BOX_MARKDOWN = re.compile(r"^\s*\\\[[ xX\u2713\u2714]?\\\]\s*")
_BARE_URL = re.compile(r"https?://[^\s<>\"`\[\]{}()|\\^]+(?:\([^\s<>\"`\[\]{}()]*\)[^\s<>\"`\[\]{}()|\\^]*)*")
_BROKEN = re.compile(r"\W*\[[^\]]+\]\(\s*<?https?:[^)]*\)?\W*")  # a blank in the address: Markdown sees no link
_BROKEN_LENGTH = 2000
_MARKS = {"em": "*", "strong": "**", "s": "~~"}


@dataclass(frozen=True)
class Piece:
    """A stretch of one inline text. Only pieces without `markdown` may be cut (between sentences)."""

    text: str
    markdown: str | None
    """None for plain words, which are escaped when they are written."""
    linked: bool = False
    """A link or picture."""
    links: tuple[str, ...] = ()
    """Where its links lead."""
    images: tuple[str, ...] = ()
    """Addresses of its pictures."""
    remark: int = 0
    """Number of the author's correction that stands right behind it; 0 for none."""


MARK = "\ue010{}\ue011"
"""How a correction, taken out of the text, is remembered in it: a private-use pair around its number."""
_MARK = re.compile("\ue010(\\d+)\ue011")


def safe_url(url: str) -> str | None:
    """`url` for a Markdown link, or None when a click could do more than open a page or a mail."""
    url = url.strip()
    scheme = _SCHEME.match(url)
    if not url or url.startswith("//") or (scheme and scheme.group(1).casefold() not in _SAFE_SCHEMES):
        return None
    return _UNSAFE_IN_URL.sub(lambda found: "".join(f"%{byte:02X}" for byte in found.group().encode()), url)


def escape(text: str, *, links: bool = True) -> str:
    """Plain text as Markdown that shows exactly it. With `links`, bare http(s) addresses become links."""
    parts: list[str] = []
    position = 0
    for match in _BARE_URL.finditer(text) if links else ():
        url = match.group().rstrip(".,;:!?'*_~")
        # `[words](https://a b)` was meant as one address: half of it would lead astray.
        broken = text[: match.start()].endswith("](") and not text[match.end() :].startswith(")")
        target = None if broken or len(url) <= len("https://") else safe_url(url)
        if target:
            parts += [_escape(text[position : match.start()]), f"[{_escape(url)}]({target})"]
            position = match.start() + len(url)
    return "".join(parts) + _escape(text[position:])


def addresses(text: str) -> list[str]:
    """Bare http(s) addresses in plain text, as `escape` would link them."""
    found = [match.group().rstrip(".,;:!?'*_~") for match in _BARE_URL.finditer(text)]
    return [target for url in found if len(url) > len("https://") and (target := safe_url(url))]


def _escape(text: str) -> str:
    return _SPECIAL.sub(r"\\\g<0>", one_row(text))


_ENUMERATED = re.compile(r"^(\((?:\d{1,9}|[A-Za-z]+))\\\)(?: |$)")


def unguarded(markdown: str, after: str = ") ") -> str:
    """An item's Markdown with its leading `(1\\)` as `(1)`: where something stands before it, or CommonMark is read,
    to which only `1)` and `1.` begin a list. `after` is what stands for the bracket and the blank behind it."""
    return _ENUMERATED.sub(lambda found: f"{found.group(1)}{after}", markdown)


def path(name: str) -> str:
    """A file's name as Markdown that prints exactly it: as it stands, or as code where it would be read otherwise."""
    if name == _escape(name) and not re.search(r"--|\.\.\.|['\"]|\s\s", name):
        return name
    return _escape(name) if re.search(r"[\[\]\\]", name) else code(name)


def one_line(markdown: str) -> str:
    """On one line, and safe as the first thing of a list item: never a heading, a rule or another list."""
    markdown = " ".join(markdown.split())
    return _LIST_START.sub(r"\1\\\2", _BLOCK_START.sub(r"\\", markdown))


def code(text: str) -> str:
    """Text as inline code; as escaped words where a renderer would run or expand it (`{{<`, `r 1 + 1`)."""
    flat = " ".join(one_row(text).split())
    if not flat or "{{" in flat or re.match(r"r\s|\{", flat):
        return escape(flat, links=False)
    fence = "`" * (max((len(run) for run in re.findall(r"`+", flat)), default=0) + 1)
    pad = " " if "`" in (flat[0], flat[-1]) else ""
    return f"{fence}{pad}{flat}{pad}{fence}"


def pieces(tokens: Sequence[Token]) -> list[Piece]:
    """Inline tokens as pieces. A loop, not a recursion: emphasis nests as deep as a log likes."""
    stack: list[tuple[Token | None, list[Piece]]] = [(None, [])]
    around: Counter[str] = Counter()  # how many of each kind are open
    for token in tokens:
        if token.nesting == 1:
            stack.append((token, []))
            around[token.type] += 1
        elif token.nesting == -1 and len(stack) > 1:
            opened, inner = stack.pop()
            kind = opened.type if opened else ""
            around[kind] -= 1
            stack[-1][1].append(_wrapped(opened, inner, repeated=around[kind] > 0))
        else:
            _add_leaf(stack[-1][1], _leaf(token, around["link_open"] > 0))
    while len(stack) > 1:
        _, inner = stack.pop()
        stack[-1][1].extend(inner)
    return [piece for piece in stack[0][1] if piece.text]


def unmarked(text: str) -> str:
    """The text without the marks of corrections."""
    return _MARK.sub("", text)


def _add_leaf(into: list[Piece], leaf: Piece) -> None:
    """Append the leaf; a correction in it goes to the piece before it, else to the one after."""
    if leaf.markdown is not None:
        marks = _MARK.findall(leaf.text + leaf.markdown)
        clean = replace(leaf, text=unmarked(leaf.text), markdown=unmarked(leaf.markdown))
        into.append(replace(clean, remark=int(marks[0])) if marks else clean)
        return
    waiting = 0
    for number, part in enumerate(_MARK.split(leaf.text)):
        if number % 2:
            if into:
                into[-1] = replace(into[-1], remark=int(part))
            else:
                waiting = int(part)
        elif part:
            into.append(replace(leaf, text=part, remark=waiting))
            waiting = 0


def _leaf(token: Token, in_link: bool) -> Piece:
    if token.type in ("softbreak", "hardbreak"):
        return Piece("\n", None)
    if token.type == "code_inline":
        return Piece(token.content, code(token.content))
    if token.type == "image":
        source = str(token.attrs.get("src", ""))
        name = " ".join(token.content.split()) or source.rsplit("/", 1)[-1] or "picture"
        target = None if in_link else safe_url(source)
        label = _escape(f"image: {name}")
        shown = f"[{label}]({target})" if target else label
        return Piece(f"image: {name}", shown, linked=True, images=(target,) if target else ())
    return Piece(token.content, escape(token.content, links=False) if in_link else None)


def _wrapped(opened: Token | None, inner: list[Piece], *, repeated: bool) -> Piece:
    text = "".join(piece.text for piece in inner)
    markdown = "".join(_markdown(piece) for piece in inner)
    linked = any(piece.linked for piece in inner) and all(p.linked or not p.text.strip() for p in inner)
    links = tuple(link for piece in inner for link in piece.links)
    images = tuple(image for piece in inner for image in piece.images)
    remark = next((piece.remark for piece in inner if piece.remark), 0)
    if opened is not None and opened.type == "link_open":
        href = str(opened.attrs.get("href", ""))
        target = safe_url(href)
        if not text.strip():
            text, markdown = href, _escape(href)
        shown = f"[{markdown}]({target})" if target else markdown
        return Piece(text, shown, linked=bool(target), links=(target,) if target else (), images=images, remark=remark)
    mark = _MARKS.get((opened.type if opened else "").removesuffix("_open"), "")
    if opened is None or repeated or not markdown.strip():
        mark = ""
    return Piece(text, f"{mark}{markdown}{mark}", linked, links, images, remark)


def _markdown(piece: Piece) -> str:
    return escape(piece.text) if piece.markdown is None else piece.markdown


def cut(parts: Iterable[Piece], ends: Sequence[int]) -> Iterator[list[Piece]]:
    """The pieces in runs that end at positions `ends` of their joined text; no link or emphasis is cut."""
    run: list[Piece] = []
    position, waiting = 0, list(ends)
    for piece in parts:
        rest, start = piece, position
        position += len(piece.text)
        while waiting and waiting[0] <= position:
            end = waiting.pop(0) - start
            if end == len(rest.text) or rest.markdown is None:
                whole = end == len(rest.text)
                run.append(replace(rest, text=rest.text[:end], remark=rest.remark if whole else 0))
                rest = Piece("", None) if whole else replace(rest, text=rest.text[end:])
                start += end
                yield run
                run = []
        if rest.text:
            run.append(rest)
    if run:
        yield run


def plain(parts: Iterable[Piece]) -> str:
    """The words of the pieces on one line."""
    return " ".join(one_row("".join(piece.text for piece in parts)).split())


def markdown_of(parts: Iterable[Piece]) -> str:
    """The pieces as safe Markdown on one line."""
    return one_line("".join(_markdown(piece) for piece in _merged(parts)))


def _merged(parts: Iterable[Piece]) -> Iterator[Piece]:
    """Neighbouring plain words joined, so that an address split by the parser at `_` is found whole."""
    for is_plain, group in groupby(parts, key=lambda piece: piece.markdown is None):
        if is_plain:
            yield Piece("".join(piece.text for piece in group), None)
        else:
            yield from group


def after_colon(parts: list[Piece]) -> list[Piece]:
    """What follows the first colon: the item behind a label such as `TODO:` or `**Question:**`."""
    for number, piece in enumerate(parts):
        _, colon, after = piece.text.replace("\uff1a", ":").partition(":")
        if colon and piece.markdown is None:
            return [replace(piece, text=after.lstrip(" *_")), *parts[number + 1 :]]
        if colon and not after.strip():  # **Question:** what is ...
            return parts[number + 1 :]
        if colon:
            rest = plain([piece]).partition(":")[2].strip()
            return [Piece(rest, None, remark=piece.remark), *parts[number + 1 :]]
    return parts


def only_links(parts: list[Piece]) -> bool:
    """Links and pictures with nothing around them but marks or a short label with a colon."""
    words = " ".join(piece.text for piece in parts if not piece.linked).strip(" \n\t.,;|&-\u2013\u2014")
    # the pattern goes back over brackets without end, again and again
    if len(words) <= _BROKEN_LENGTH and _BROKEN.fullmatch(words):
        return True
    if not any(piece.linked for piece in parts):
        return bool(re.fullmatch(r"(?:[\w ]{0,30}:\s*)?<?https?://\S+", words))
    return not words or (len(words.split()) <= 3 and words.endswith(":"))


def only_pictures(parts: list[Piece]) -> bool:
    """Pictures and nothing else."""
    return bool(parts) and all(piece.images or not piece.text.strip() for piece in parts)


def unboxed(parts: list[Piece]) -> tuple[bool | None, list[Piece]]:
    """Whether a task box leads the text (True ticked, False empty, None no box), and the text without it."""
    if not parts or not (box := _BOX.match(parts[0].text)):
        return None, parts
    first = parts[0]
    markdown = None if first.markdown is None else _BOX_MARKDOWN.sub("", first.markdown)
    return bool(box.group(1).strip()), [replace(first, text=first.text[box.end() :], markdown=markdown), *parts[1:]]


def without(parts: list[Piece], pattern: re.Pattern[str]) -> list[Piece]:
    """The pieces without what the pattern finds in their plain words."""
    return [replace(piece, text=pattern.sub("", piece.text)) if piece.markdown is None else piece for piece in parts]


def stands_out(text: str, parts: list[Piece]) -> bool:
    """A name on its own line is a label when it is bold, ends with a colon, or is in capitals."""
    marked = len(parts) == 1 and (parts[0].markdown or "").startswith("**")
    return marked or text.endswith(":") or (text.isupper() and len(text) > 3)

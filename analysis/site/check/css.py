"""The addresses in a style sheet, found in one pass: what is never closed is looked at once."""

from __future__ import annotations

import re
from collections.abc import Iterator

# A comment, or one that is open to the end; a string; a name, with its bracket where it is a function; a bracket.
_TOKEN = re.compile(
    r"""(?P<comment>/\*(?:.*?\*/|.*))|(?P<string>"(?:[^"\\\n]|\\.)*"?|'(?:[^'\\\n]|\\.)*'?)"""
    r"""|(?P<name>@?[\w-]+\(?)|(?P<open>\()|(?P<close>\))""",
    re.DOTALL,
)
_URL = re.compile(r"""\s*(?:(?P<bare>[^"'()\s]+)(?=\s*(?:\)|\Z)))?""")


def addresses(text: str) -> Iterator[str]:
    """What `url()`, `@import "..."` and the strings of `image-set()` name, in order."""
    inside: list[str] = []
    before, at = "", 0
    while found := _TOKEN.search(text, at):
        at = found.end()
        if found["comment"]:
            continue
        name = (found["name"] or "").lower()
        function = inside[-1] if inside else ""
        if found["string"] and (before == "@import" or function == "url" or function.endswith("image-set")):
            yield found["string"].strip("\"'")
        elif found["close"] and inside:
            inside.pop()
        elif found["open"] or name.endswith("("):
            inside.append(name[:-1])
            if name == "url(" and (bare := _URL.match(text, at)):
                at = bare.end()
                if bare["bare"]:
                    yield bare["bare"]
        before = name

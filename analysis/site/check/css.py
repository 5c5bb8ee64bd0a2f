"""The addresses in a style sheet, found in one pass: what is never closed is looked at once."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

# A comment, or one that is open to the end; a string; a name, with its bracket where it is a function; a bracket;
# where a rule or a declaration begins or ends.
_TOKEN = re.compile(
    r"""(?P<comment>/\*(?:.*?\*/|.*))|(?P<string>"(?:[^"\\\n]|\\.)*"?|'(?:[^'\\\n]|\\.)*'?)"""
    r"""|(?P<name>@?[\w-]+\(?)|(?P<open>\()|(?P<close>\))|(?P<edge>[{};])""",
    re.DOTALL,
)
_URL = re.compile(r"""\s*(?:(?P<bare>[^"'()\s]+)(?=\s*(?:\)|\Z)))?""")

_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_CLASS = re.compile(r"\.(-?[A-Za-z_][\w-]*)")


def addresses(text: str, classes: Collection[str] | None = None) -> Iterator[str]:
    """What `url()`, `@import "..."` and the strings of `image-set()` name, in order.

    With `classes`, all that the pages have, without rules for others: a browser loads nothing for what it never draws.
    """
    inside: list[str] = []
    before, at, begun = "", 0, 0
    rules: list[bool] = []  # of each rule that is open, whether something on the pages may be drawn by it
    while found := _TOKEN.search(text, at):
        at = found.end()
        if found["comment"]:
            continue
        if found["edge"]:
            if found["edge"] == "{":
                rules.append(classes is None or _draws(text[begun : found.start()], classes))
            elif found["edge"] == "}" and rules:
                rules.pop()
            begun = at
            continue
        name = (found["name"] or "").lower()
        function = inside[-1] if inside else ""
        if found["string"] and (before == "@import" or function == "url" or function.endswith("image-set")):
            if all(rules):
                yield found["string"].strip("\"'")
        elif found["close"] and inside:
            inside.pop()
        elif found["open"] or name.endswith("("):
            inside.append(name[:-1])
            if name == "url(" and (bare := _URL.match(text, at)):
                at = bare.end()
                if bare["bare"] and all(rules):
                    yield bare["bare"]
        before = name


def _draws(selector: str, classes: Collection[str]) -> bool:
    """Whether a rule may fit something that has these classes; brackets, as of `:not(.a)`, and at-rules say nothing."""
    plain = re.sub(r"\([^()]*\)|\[[^\[\]]*\]", "", _COMMENT.sub(" ", selector))
    if plain.lstrip().startswith("@"):
        return True
    # a name with escapes in it is not taken apart
    return any("\\" in part or set(_CLASS.findall(part)) <= set(classes) for part in plain.split(","))

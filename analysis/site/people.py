"""Who wrote a page: `author` as Quarto reads it, a name or a mapping or a list of either, with affiliations and ORCID.

    author:
      - name: Ann Able
        orcid: 0000-0002-1825-0097
        affiliations: [{ref: uni}, {name: Elsewhere, url: "https://example.org"}]
    affiliations:
      - {id: uni, name: A University}

A key that Quarto shows in another way is refused, as is one that it does not know.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sae.errors import RenderError

_AUTHOR = ("name", "orcid", "email", "url", "affiliation", "affiliations")
_NAME = ("given", "family", "literal")
_AFFILIATION = ("name", "url", "id", "ref")
_ORCID = re.compile(r"^(?:https?://orcid\.org/)?(\d{4}-\d{4}-\d{4}-\d{3}[\dX])$")


@dataclass(frozen=True)
class Affiliation:
    """Where somebody works; `url` may be empty."""

    name: str
    url: str = ""


@dataclass(frozen=True)
class Author:
    """Somebody who wrote a page; `orcid` is the number alone, and what was not said is empty."""

    name: str
    url: str = ""
    email: str = ""
    orcid: str = ""
    affiliations: tuple[Affiliation, ...] = ()


def authors(given: object, shared: object, file: str, line: int) -> tuple[Author, ...]:
    """The authors that a page states; `shared` are the affiliations that it lists apart.

    Raises RenderError, at `file` and `line`, for what is not of the form above.
    """

    def fail(message: str) -> RenderError:
        return RenderError(f"author: {message}", file, line)

    def mapping(value: object, known: tuple[str, ...], what: str) -> Mapping[str, Any]:
        if not isinstance(value, Mapping):
            raise fail(f"{what} is text or a mapping of {', '.join(known)}, not {value!r}")
        for key in value:
            if key not in known:
                raise fail(f"{what} has no {key!r} here, only {', '.join(known)}")
        return value

    def text(value: object, what: str) -> str:
        if value is None:
            return ""
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise fail(f"{what} is text, not {value!r}")
        return str(value).strip()

    def named(value: object, what: str) -> str:
        if isinstance(value, Mapping):
            parts = mapping(value, _NAME, what)
            literal = text(parts.get("literal"), what)
            value = literal or " ".join(text(parts[key], what) for key in _NAME[:2] if key in parts)
        name = text(value, what)
        if not name:
            raise fail(f"{what} is missing")
        return name

    def affiliation(value: object) -> Affiliation:
        if not isinstance(value, Mapping):
            return Affiliation(named(value, "the name of an affiliation"))
        parts = mapping(value, _AFFILIATION, "an affiliation")
        if "ref" in parts:
            name = text(parts["ref"], "ref")
            if name not in known:
                raise fail(f"there is no affiliation with the id {name!r}; known: {', '.join(known) or 'none'}")
            return known[name]
        made = Affiliation(named(parts.get("name"), "the name of an affiliation"), text(parts.get("url"), "url"))
        if "id" in parts:
            known[text(parts["id"], "id")] = made
        return made

    def author(value: object) -> Author:
        if not isinstance(value, Mapping):
            return Author(named(value, "a name"))
        parts = mapping(value, _AUTHOR, "an author")
        orcid = text(parts.get("orcid"), "orcid")
        number = _ORCID.match(orcid)
        if orcid and not number:
            raise fail(f"orcid is of the form 0000-0000-0000-0000, not {orcid!r}")
        places = [place for key in ("affiliation", "affiliations") for place in _several(parts.get(key))]
        return Author(
            named(parts.get("name"), "the name of an author"), text(parts.get("url"), "url"),
            text(parts.get("email"), "email"), number[1] if number else "", tuple(map(affiliation, places)),
        )  # fmt: skip

    known: dict[str, Affiliation] = {}
    for value in _several(shared):
        affiliation(value)
    return tuple(author(value) for value in _several(given))


def names(given: object) -> tuple[str, ...]:
    """The names alone, from `author` in whatever form Quarto has it: what is no name is left out."""
    found = []
    for one in _several(given):
        name = one.get("name") if isinstance(one, Mapping) else one
        if isinstance(name, Mapping):
            name = name.get("literal") or " ".join(str(name[key]) for key in _NAME[:2] if name.get(key))
        found += [str(name).strip()] if name else []
    return tuple(found)


def _several(value: object) -> list[object]:
    if value is None or value == "":
        return []
    return value if isinstance(value, list) else [value]

"""What tables and the sprite must hold to be read at all: columns by which a row is found, and cells that have an id.

All columns are in `docs/tables.md`; those that an older version did not write are asked for where they are used.
Free of torch.
"""

from __future__ import annotations

import json
from typing import Any

import pandas as pd

from analysis.results.pinned import Pinned
from sae.errors import DataError

_RUN = ("run", "kind", "depth", "control")
_LATENT = (*_RUN, "latent")
# By table, the columns that say what a row is about.
IDS = {
    "runs": ("run", "seed", "control"), "training": _RUN, "stops": _RUN, "measures": (*_RUN, "split", "measure"),
    "latents": (*_LATENT, "split", "measure"), "examples": (*_LATENT, "split", "rank", "example"),
    "links": (*_LATENT, "below"), "names": _LATENT, "bands": (*_LATENT, "band", "rank", "example"),
    "histograms": (*_LATENT, "bin"), "relations": (*_LATENT, "relation", "rank", "other"), "maps": _LATENT,
}  # fmt: skip
SPRITE = "sprite.json"
# What the sprite's file must say: a type and what it is in words.
_SAYS: dict[str, tuple[type, str]] = {
    "columns": (int, "how many cells stand in a row"), "width": (int, "of a cell, in pixels"),
    "height": (int, "of a cell, in pixels"), "ids": (list, "the example of each cell"),
    "labels": (list, "a place among class_names, or null, for each id"), "class_names": (list, "texts"),
}  # fmt: skip


class Sprite(dict[str, Any]):
    """What `sprite.json` says, and where that stands."""

    file, again = SPRITE, "`strata run` makes it again"


class _Places(dict[int, int]):
    """The cell of each example."""

    sprite: Sprite

    def __missing__(self, example: int) -> int:
        raise DataError(
            f"{self.sprite.file}: ids lacks {example}, which the tables beside it name; found: {len(self)} ids"
            f"{f', {min(self)} to {max(self)}' if self else ''}; {self.sprite.again}"
        )


def places(sprite: dict[str, Any]) -> dict[int, int]:
    """The cell of each example by its id. Asked for one that has none, it raises DataError."""
    found = _Places((example, cell) for cell, example in enumerate(sprite["ids"]))
    found.sprite = sprite if isinstance(sprite, Sprite) else Sprite()
    return found


def table(pinned: Pinned, name: str) -> pd.DataFrame:
    """A table with the columns by which its rows are found. Raises DataError for one that lacks some."""
    rows = pinned.table(name)
    if missing := [column for column in IDS.get(name, ()) if column not in rows]:
        found = ", ".join(map(str, rows.columns)) or "none"
        raise DataError(
            f"{pinned.folder / name}.parquet has no column {', '.join(missing)}; found: {found}; {pinned.again()}"
        )
    return rows


def sprite(pinned: Pinned) -> Sprite:
    """What `sprite.json` says, with a label for each id. Raises DataError for one that lacks something."""
    file = pinned.file(SPRITE)

    def wrong(says: str) -> DataError:
        return DataError(f"{file}: {says}; {pinned.again()}")

    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise wrong(f"no JSON ({error})") from None
    if not isinstance(content, dict):
        raise wrong(f"holds a {type(content).__name__}, must be an object")
    for key, (kind, what) in _SAYS.items():
        if key not in content:
            raise wrong(f"has no {key!r} ({what}); found: {', '.join(sorted(content)) or 'nothing'}")
        if not isinstance(content[key], kind):
            raise wrong(f"{key} is a {type(content[key]).__name__}, must be a {kind.__name__}: {what}")
    ids, labels, classes = content["ids"], content["labels"], content["class_names"]
    if strays := [one for one in ids if type(one) is not int]:
        raise wrong(f"ids holds {strays[0]!r}, must hold whole numbers")
    if len(set(ids)) != len(ids):
        raise wrong(f"ids names {len(ids) - len(set(ids))} examples twice")
    if len(labels) != len(ids):
        raise wrong(f"{len(labels)} labels stand beside {len(ids)} ids, must be as many")
    if strays := [one for one in labels if one is not None and not (type(one) is int and 0 <= one < len(classes))]:
        raise wrong(f"labels holds {strays[0]!r}, must hold null or 0 to {len(classes) - 1}")
    if content["columns"] < 1:
        raise wrong(f"columns is {content['columns']}, must be 1 or more")
    made = Sprite(content)
    made.file, made.again = str(file), pinned.again()
    return made

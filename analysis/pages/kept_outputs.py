"""What a notebook's cell prints to be kept: `# %% keep="NAME"`, JSON that a figure is drawn from.

The page shows the code and a link to the file in the place of the output; so does the notebook that is offered.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from sae.errors import RenderError

if TYPE_CHECKING:
    from nbformat import NotebookNode

KEEP = "keep"
_NAME = re.compile(r"[a-z][a-z0-9_]*")


def check_keeps(cells: Sequence[NotebookNode], error: Callable[[int, str], RenderError]) -> None:
    """Raise `error(number, message)` for a cell whose `keep` is no name, or has that of a cell before it, or that is
    no code."""
    taken: set[str] = set()
    for number, cell in enumerate(cells):
        if KEEP not in cell.metadata:
            continue
        name = cell.metadata[KEEP]
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise error(number, f'keep={name!r} names no file: `# %% keep="some_name"`, of small letters, digits and _')
        if cell.cell_type != "code":
            raise error(number, f'keep="{name}" on a cell of text: a code cell prints what is kept')
        if name in taken:
            raise error(
                number, f'keep="{name}" stands on a cell before this one, too: give one of the two another name'
            )
        taken.add(name)


def kept_text(cell: NotebookNode, number: int, error: Callable[[int, str], RenderError]) -> str:
    """The JSON that a cell printed, on one line; its output is left out of the notebook from here on.

    Raises `error(number, message)` where it printed something else, or shows more than that.
    """
    if len(cell.outputs) != 1 or cell.outputs[0].output_type != "stream":
        shown = ", ".join(output.output_type for output in cell.outputs) or "nothing"
        raise error(number, f"a cell with keep= prints JSON and shows nothing else; this one gave: {shown}")
    try:
        found = json.loads(cell.outputs[0].text, parse_constant=_no_number)
    except ValueError as wrong:
        raise error(
            number, f"a cell with keep= prints JSON (`print(json.dumps(...))`); this is none: {wrong}"
        ) from None
    cell.outputs = []
    return json.dumps(found, separators=(",", ":"), sort_keys=True) + "\n"


def _no_number(word: str) -> float:
    raise ValueError(f"{word} is no number of JSON")

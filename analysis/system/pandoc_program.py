"""The one place that calls pandoc, with a limit of time and of memory: some Markdown has it try every reading.

Pandoc 3.9 comes with PyPI's `pypandoc-binary`; it is the parser that Quarto itself uses.
"""

from __future__ import annotations

import functools
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from analysis.system import children
from sae.errors import StrataError

SECONDS = 60.0
"""For one page, which takes less than one of them."""
MEGABYTES = 2000
"""Of its heap; a page of a megabyte takes some hundreds."""
_ADVICE = "look for brackets, spans or notes that are opened and not closed, or lists and quotes deep in one another"


class PandocLimitError(StrataError):
    """Pandoc was stopped: what it was given takes too much time or memory."""


@dataclass(frozen=True)
class Done:
    """What a run of pandoc gave."""

    text: str
    log: str
    """Its warnings and errors, and what filters printed there."""
    code: int


@functools.cache
def path() -> str:
    """The pandoc program of `pypandoc-binary`."""
    import pypandoc

    return str(pypandoc.get_pandoc_path())


def run(options: Sequence[str], text: str, cwd: Path | None = None) -> Done:
    """Give `text` to pandoc. Raises PandocLimitError where that takes more than the limits."""
    # its runtime system's own limit: of the heap, in which its stack lies
    command = [path(), "+RTS", f"-M{MEGABYTES}m", "-RTS", *options]
    try:
        done = children.run(command, given=text.encode(), seconds=SECONDS, cwd=cwd)
    except subprocess.TimeoutExpired:
        raise PandocLimitError(f"pandoc did not end within {SECONDS:g} seconds: {_ADVICE}") from None
    log = done.stderr.decode(errors="replace")
    if done.returncode and ("Heap exhausted" in log or "heap overflow" in log or "stack overflow" in log):
        raise PandocLimitError(f"pandoc needs more than {MEGABYTES:,} MB: {_ADVICE}")
    return Done(done.stdout.decode(), log, done.returncode)

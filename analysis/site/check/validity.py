"""Whether the HTML is valid, by html-validate; the rules stand in `node/html-validate.cjs`."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from analysis.site.check.findings import Finding
from analysis.site.check.folder import Folder
from analysis.site.check.node_tools import MANIFESTS, output, program

NAME = "html-validate"
# What has a meaning in the patterns that the program takes for names of files.
_SIGNS = re.compile(r"([\\*?()\[\]{}!+@])")


def findings(folder: Folder, build: Path, tell: Callable[[str], None]) -> list[Finding]:
    """What is not valid on the wanted pages. Raises MissingToolError where the program cannot be had."""
    found = program(build, NAME, tell)
    tell(f"HTML: {len(folder.wanted)} pages")
    settings = ["--config", str(MANIFESTS / "html-validate.cjs"), "--formatter", "json"]
    code, out, log = output([str(found.resolve()), *settings, *map(_escaped, folder.wanted)], folder.path)
    try:
        told = json.loads(out)
    except json.JSONDecodeError as error:
        reason = (log or out).strip().splitlines() or [f"exit code {code}"]
        said = reason[0] if log.strip() or not out.strip() else f"its answer is no JSON: {error}"
        return [Finding("every page", "html", f"{NAME} did not run: {said}")]
    return list(read(folder, told))


def _escaped(name: str) -> str:
    """A file's name as a pattern that matches it alone; from the folder, as it may begin with a dash."""
    return "./" + _SIGNS.sub(r"\\\1", name)


def read(folder: Folder, told: list[dict[str, Any]]) -> Iterator[Finding]:
    """Findings from the program's JSON: a list of files, each with messages.

    What is Quarto's own is only told.
    """
    for file in told:
        name = Path(file["filePath"])
        page = (name.relative_to(folder.path.resolve()) if name.is_absolute() else name).as_posix()
        for message in file["messages"]:
            place = message.get("selector") or "the document"
            yield Finding(
                page,
                f"html: {message['ruleId']}",
                f"line {message['line']}: {message['message']} ({place})",
                note=folder.is_quartos_own(page, int(message["offset"])),
            )

"""Whether the HTML is valid, by html-validate; the rules stand in `node/html-validate.cjs`."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from analysis.site.check.findings import Finding
from analysis.site.check.folder import Folder
from analysis.site.check.node_tools import MANIFESTS, program

NAME = "html-validate"
MANIFEST = "package.json"
_MAIN = re.compile(r"<main\b.*</main>", re.DOTALL | re.IGNORECASE)


def findings(folder: Folder, build: Path, tell: Callable[[str], None]) -> list[Finding]:
    """What is not valid on the wanted pages. Raises MissingToolError where the program cannot be had."""
    found = program(build, NAME, MANIFEST, tell)
    tell(f"HTML: {len(folder.wanted)} pages")
    done = subprocess.run(
        [str(found.resolve()), "--config", str(MANIFESTS / "html-validate.cjs"), "--formatter", "json", *folder.wanted],
        cwd=folder.path,
        capture_output=True,
        text=True,
        check=False,
    )
    try:
        told = json.loads(done.stdout)
    except json.JSONDecodeError:
        reason = (done.stderr or done.stdout).strip().splitlines() or [f"exit code {done.returncode}"]
        return [Finding("every page", "html", f"{NAME} did not run: {reason[0]}")]
    return list(read(folder, told))


def read(folder: Folder, told: list[dict[str, Any]]) -> Iterator[Finding]:
    """Findings from the program's JSON: a list of files, each with messages.

    On Quarto's pages what lies outside the text (`<main>`) is Quarto's own markup: a note.
    """
    for file in told:
        name = Path(file["filePath"])
        page = (name.relative_to(folder.path.resolve()) if name.is_absolute() else name).as_posix()
        main = _MAIN.search(folder.pages[page].html)
        for message in file["messages"]:
            inside = main is not None and main.start() <= int(message["offset"]) < main.end()
            place = message.get("selector") or "the document"
            yield Finding(
                page,
                f"html: {message['ruleId']}",
                f"line {message['line']}: {message['message']} ({place})",
                note=folder.by_quarto and not inside,
            )

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
# What has a meaning in the patterns that the program takes for names of files.
_SIGNS = re.compile(r"([\\*?()\[\]{}!+@])")


def findings(folder: Folder, build: Path, tell: Callable[[str], None]) -> list[Finding]:
    """What is not valid on the wanted pages. Raises MissingToolError where the program cannot be had."""
    found = program(build, NAME, MANIFEST, tell)
    tell(f"HTML: {len(folder.wanted)} pages")
    settings = ["--config", str(MANIFESTS / "html-validate.cjs"), "--formatter", "json"]
    done = subprocess.run(
        [str(found.resolve()), *settings, *map(_escaped, folder.wanted)],
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

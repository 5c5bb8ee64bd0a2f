"""What can be done in this project where data of the tool's own repository are missing or damaged.

The data sets that lie in the repository of Strata say how they are got again there: from its git, or by a script beside
them. A project of somebody else has neither, unless it holds a copy. What data sets say is part of every run's key, so
that it is put right here, where the project is known.
"""

from __future__ import annotations

import contextlib
import re
from pathlib import Path

from analysis.plan import paths as project
from analysis.system import git

_REMEDY = re.compile(
    r"(?:get it again with )?`git checkout (?P<folder>[\w./-]+)`,? or (?:make it with )?`python (?P<script>[\w./-]+)`"
)


def right_here(text: str) -> str:
    """A message whose remedy can be followed in the project that the command is called in."""
    with contextlib.suppress(project.NoProjectError):
        return in_project(text, project.find().root)
    return text


def in_project(text: str, root: Path) -> str:
    """A message whose remedy can be followed in the project `root`."""

    def remedy(said: re.Match[str]) -> str:
        folder, script = said["folder"], said["script"]
        ways = [f"get it again with `git checkout {folder}`"] if git.tracks(root, folder) else []
        ways += [f"make it with `python {script}`"] if (root / script).is_file() else []
        return " or ".join(ways) or (
            f"copy the folder {folder} from the repository of Strata into this project, or name data of your own "
            "(docs/datasets.md there lists what can be named)"
        )

    return _REMEDY.sub(remedy, text)

"""Which files of a project may be published, or read into what is: one answer for all that read and copy.

A link is followed to what it stands for. One that leads out of the project would publish a file of this machine, and a
file whose name begins with a dot (`.env`, `.git/config`) is somebody's settings, never a part of a site.
"""

from __future__ import annotations

import posixpath
from pathlib import Path, PurePosixPath

from sae.errors import RenderError


def project_file(root: Path, name: str, what: str, file: str = "", line: int = 0) -> Path:
    """The file `name` of the project in `root`; a `/` before it stands for that root, which may itself be a link.

    `what` says in messages what it was wanted for, `file` and `line` where it is named. Raises RenderError where it may
    not be published or is not there.
    """
    if why := refusal(root, name):
        raise RenderError(f"{what}: {name} {why}", file, line)
    plain = posixpath.normpath(name.lstrip("/"))
    if not (root / plain).is_file():
        raise RenderError(f"{what}: there is no file {plain}", file, line)
    return root / plain


def refusal(root: Path, name: str) -> str:
    """Why the file `name` of the project is never published, in words that follow its name; empty where it may be."""
    if "\0" in name or not name.strip("/"):
        return "is no name of a file"
    plain = PurePosixPath(posixpath.normpath(name.lstrip("/")))
    if plain.parts[:1] == ("..",):
        return "leads out of the project"
    if hidden(plain):
        return "begins with a dot: such files are settings, and never published"
    home = root.resolve()
    try:
        (root / plain).is_file()
        real = (root / plain).resolve()
    except (OSError, RuntimeError) as error:  # a name that is too long, a link to itself
        return f"cannot be looked up: {getattr(error, 'strerror', None) or 'it is a link to itself'}"
    if not real.is_relative_to(home):
        return "is a link that leads out of the project; put the file itself there"
    if hidden(PurePosixPath(real.relative_to(home).as_posix())):
        return "is a link to a file whose name begins with a dot: such files are never published"
    return ""


def hidden(name: PurePosixPath) -> bool:
    """Whether a part of the name begins with a dot."""
    return any(part.startswith(".") and part != "." for part in name.parts)

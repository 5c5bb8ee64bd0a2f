"""The one module that calls git, and only in the project's own checkout: what it says of commits, changes and days.

A checkout's `.git/config` names programs for nearly everything: monitors, filters, signature checks, pagers, hooks,
transports. Whoever unpacks somebody's folder did not choose them, so none is ever run: each key that a call could come
across is overridden, filters of the checkout are taken out by name, no protocol may fetch, submodules are not entered,
and no variable `GIT_*` of the environment is passed on. What the user's and the machine's own settings say stands.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
from datetime import date
from pathlib import Path

from analysis.system import children

SECONDS = 20
"""A call that takes longer says nothing."""
ENTRY = re.compile(r"([^\0]+)\0(?:  [^\n]*\n){2}  dev: \d+\tino: (\d+)\n(?:  [^\n]*\n){2}")
"""What `git ls-files -z --debug` says of a file: its name, and its number in the file system (the lower 32 bits)."""

_OVERRIDES = (
    "core.fsmonitor=false", "core.hooksPath=/dev/null", "core.pager=cat", "core.sshCommand=false", "core.askPass=",
    "core.untrackedCache=false", "diff.external=", "gpg.program=false", "gpg.ssh.program=false",
    "gpg.x509.program=false", "log.showSignature=false", "protocol.allow=never", "safe.bareRepository=explicit",
    "status.submoduleSummary=false", "submodule.recurse=false",
)  # fmt: skip
_ENVIRONMENT = {
    "GIT_OPTIONAL_LOCKS": "0",  # an index that is written would call a hook
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_NO_LAZY_FETCH": "1",  # a partial clone fetches what it lacks; older git knows only the next
    "GIT_ALLOW_PROTOCOL": "",
    "LC_ALL": "C",
}


def commit_of(root: Path) -> str:
    """The checkout's commit, `+` behind it when tracked files differ from it; empty outside git.

    `root` has to be the checkout's own top level: of a repository further up, or elsewhere, nothing is said.
    """
    head = _say(root, "rev-parse", "--short=12", "HEAD").strip() if is_checkout(root) else ""
    return head + "+" if head and _changed(root) else head


def changed(root: Path) -> list[str]:
    """Tracked files that differ from the last commit; odd names are quoted as git does it. Empty outside git."""
    return _changed(root) if is_checkout(root) else []


def tracks(root: Path, folder: str) -> bool:
    """Whether the checkout keeps a file below `folder`, which is relative to it. False outside git."""
    return is_checkout(root) and bool(_say(root, "ls-files", "--", folder))


def first_days(root: Path, folder: Path) -> dict[str, date]:
    """The day on which git first saw each file below `folder`, by its name relative to that.

    Empty outside git, and for a folder that lies outside `root`.
    """
    folder, root = folder.resolve(), root.resolve()
    if not folder.is_relative_to(root) or not is_checkout(root):
        return {}
    below = folder.relative_to(root).as_posix()
    asked = ["-c", "core.quotePath=false", "log", "--no-show-signature", "--no-ext-diff", "--no-textconv"]
    asked += ["--diff-filter=AR", "--name-only", "--format=%x00%as"]
    asked += ["--relative" if below == "." else f"--relative={below}/", "--", below]
    days: dict[str, date] = {}
    for commit in _say(root, *asked).split("\0")[1:]:  # newest first, so that the oldest is what stays
        day, *names = commit.split("\n")
        try:
            seen = date.fromisoformat(day)
        except ValueError:  # a commit can claim any year
            continue
        days |= {name: seen for name in names if name}
    return days


def is_checkout(root: Path) -> bool:
    """Whether `root` is the top level of a checkout whose repository is its own: `.git` in it; a linked worktree's or
    submodule's that names `root` in turn; or one kept elsewhere (`--separate-git-dir`) whose index is of files here."""
    root = root.resolve()
    mark = root / ".git"
    if mark.is_symlink() or not (mark.is_dir() or mark.is_file()):
        return False
    places = _say(root, "rev-parse", "--show-toplevel", "--absolute-git-dir", "--git-common-dir").split("\n")
    if len(places) != 4 or Path(places[0]).resolve() != root:
        return False
    repository, common = Path(places[1]).resolve(), (root / places[2]).resolve()
    if mark.is_dir():
        return repository == common == mark
    if repository == common:
        named = _say(root, "config", "--local", "core.worktree").strip()
        return (repository / named).resolve() == root if named else _was_checked_out(root)
    return repository.parent.parent == common and _first_line(repository, "gitdir") == str(mark)


def _was_checked_out(root: Path) -> bool:
    """Whether the index knows a file of `root` as the very one that git wrote or read there, not as one of its name.

    A repository that is kept elsewhere says nowhere whose it is, and anybody can write a file `.git` that points to it.
    The index holds the number of each file in its file system, which no archive can bring along. False where it holds
    none (Windows).
    """
    for name, number in ENTRY.findall(_say(root, "ls-files", "-z", "--debug")):
        file = root / name
        with contextlib.suppress(OSError, ValueError):
            here = file.parent.resolve() == file.parent  # by way of a link it would be somebody else's file
            if here and int(number) and file.lstat().st_ino & 0xFFFF_FFFF == int(number):
                return True
    return False


def _first_line(repository: Path, name: str) -> str:
    """The path that a file of a repository names; a relative one starts at the repository."""
    try:
        return str((repository / (repository / name).read_text(encoding="utf-8").split("\n")[0]).resolve())
    except (OSError, ValueError):
        return ""


def _changed(root: Path) -> list[str]:
    filters = _filters(root)
    if filters is None:
        return ["(cannot be told: a filter of the checkout has a name that cannot be overridden)"]
    lines = _say(
        root, "-c", "core.quotePath=true", *filters, "status", "--porcelain", "--untracked-files=no",
        "--ignore-submodules=dirty",  # to look into one is to start git in it, without all of the above
    ).splitlines()  # fmt: skip
    return [line.strip().split(maxsplit=1)[-1] for line in lines]


def _filters(root: Path) -> list[str] | None:
    """Options that take out every filter which the checkout itself names; None when one cannot be named in options.

    A file whose time has changed would be sent through its filter. Git takes such a file for changed instead.
    """
    said = _say(root, "config", "--show-scope", "--null", "--name-only", "--get-regexp", r"^filter\.").split("\0")
    drivers = {
        key.partition(".")[2].rpartition(".")[0]
        for scope, key in zip(said[::2], said[1::2], strict=False)
        if scope in ("local", "worktree")
    }
    if any("=" in driver for driver in drivers):
        return None
    values = {"clean": "", "smudge": "", "process": "", "required": "false"}
    return [part for name in sorted(drivers) for key in values for part in ("-c", f"filter.{name}.{key}={values[key]}")]


def _say(root: Path, *words: str) -> str:
    """What one call prints; empty when git is missing, fails, or takes too long."""
    # a relative folder on PATH would be looked up in a checkout that may hold a file `git`
    path = os.pathsep.join(place for place in os.environ.get("PATH", os.defpath).split(os.pathsep) if place[:1] == "/")
    program = shutil.which("git", path=path)
    if program is None:
        return ""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    environment = kept | _ENVIRONMENT | {"PATH": path, "GIT_CEILING_DIRECTORIES": str(root.resolve().parent)}
    options = [part for setting in _OVERRIDES for part in ("-c", setting)]
    command = [program, "--no-pager", "--no-optional-locks", "--literal-pathspecs", *options, *words]
    try:
        done = children.run(command, seconds=SECONDS, cwd=root, env=environment)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return "" if done.returncode else done.stdout.decode(errors="replace")

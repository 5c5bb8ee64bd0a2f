"""Programs from npm that checks use, installed once below the project's build folder.

Each is pinned to an exact version in `node/`; without a lockfile, since that would name a registry. npm asks the
registry that its own settings say.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from sae.errors import StrataError

MANIFESTS = Path(__file__).parent / "node"
_STAMP = ".installed"


class MissingToolError(StrataError):
    """There is no npm to install a program with; the check that needs it is skipped with this reason."""


class BrokenToolError(StrataError):
    """A program that npm could not install; says why. The check that needs it fails: it was not made."""


def program(build: Path, name: str, manifest: str, tell: Callable[[str], None]) -> Path:
    """The executable `name`, installed from `manifest` where that is not done yet.

    `build` is the folder for caches: the program is put into `build/node/NAME`. Raises MissingToolError without npm,
    BrokenToolError where npm fails.
    """
    wanted = (MANIFESTS / manifest).read_text(encoding="utf-8")
    home = build / "node" / name
    found = home / "node_modules/.bin" / name
    stamp = home / _STAMP
    # written last, so that a broken installation is done again, and so is one of another version
    if found.exists() and stamp.is_file() and stamp.read_text(encoding="utf-8") == wanted:
        return found
    npm = shutil.which("npm")
    if npm is None:
        raise MissingToolError(f"no `npm` on PATH to install {name} with")
    tell(f"installing {name} from npm into {build.name}/node/{name}, once")
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    (home / "package.json").write_text(wanted, encoding="utf-8")
    done = subprocess.run(
        [npm, "install", "--no-package-lock", "--no-audit", "--no-fund", "--loglevel=error"],
        cwd=home,
        # a browser is not among what these programs need: it is asked for by path
        env=os.environ | {"PUPPETEER_SKIP_DOWNLOAD": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode or not found.exists():
        lines = (done.stderr or done.stdout).strip().splitlines() or ["it gave no reason"]
        raise BrokenToolError(f"npm could not install {name}: {lines[0]}")
    stamp.write_text(wanted, encoding="utf-8")
    return found


def version(manifest: str, name: str) -> str:
    """The version that a program is pinned to."""
    return str(json.loads((MANIFESTS / manifest).read_text(encoding="utf-8"))["dependencies"][name])

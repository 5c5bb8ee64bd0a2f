"""Programs from npm that checks use, installed once below the project's build folder.

Each is pinned in `node/` with all that it needs: `NAME.json` says the version, `NAME.lock.json` the digest of every
package, without the address of any registry. npm asks the registry that its own settings say, refuses what has another
digest, and runs none of the packages' own scripts. To renew a lock file, see docs/site.md.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from analysis.system import children
from sae.errors import StrataError

MANIFESTS = Path(__file__).parent / "node"
SECONDS = 600.0
"""For npm, and for a program over a whole site."""
_STAMP = ".installed"


class MissingToolError(StrataError):
    """There is no npm to install a program with; the check that needs it is skipped with this reason."""


class BrokenToolError(StrataError):
    """A program that npm could not install; says why. The check that needs it fails: it was not made."""


def program(build: Path, name: str, tell: Callable[[str], None]) -> Path:
    """The executable `name`, installed as `node/` says where that is not done yet.

    `build` is the folder for caches: the program is put into `build/node/NAME`. Raises MissingToolError without npm,
    BrokenToolError where npm fails.
    """
    manifest, lock = ((MANIFESTS / f"{name}{end}").read_text(encoding="utf-8") for end in (".json", ".lock.json"))
    home = build / "node" / name
    found = home / "node_modules/.bin" / name
    stamp = home / _STAMP
    # written last, so that a broken installation is done again, and so is one of another version
    if found.exists() and stamp.is_file() and stamp.read_text(encoding="utf-8") == manifest + lock:
        return found
    npm = shutil.which("npm")
    if npm is None:
        raise MissingToolError(f"no `npm` on PATH to install {name} with")
    tell(f"installing {name} from npm into {build.name}/node/{name}, once")
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    (home / "package.json").write_text(manifest, encoding="utf-8")
    (home / "package-lock.json").write_text(lock, encoding="utf-8")
    command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    # a browser is not among what these programs need: it is asked for by path
    code, out, log = output(command, home, {"PUPPETEER_SKIP_DOWNLOAD": "1"})
    if code or not found.exists():
        lines = [line.removeprefix("npm error").strip() for line in (log or out).strip().splitlines()]
        raise BrokenToolError(f"npm could not install {name}: {' '.join(lines[:3]) or 'it gave no reason'}")
    stamp.write_text(manifest + lock, encoding="utf-8")
    return found


def output(
    command: Sequence[str], cwd: Path, env: Mapping[str, str] = {}, seconds: float = SECONDS
) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of a program; -1 and the reason where it did not start or end.

    Node writes to files at once, but to pipes behind its own back: what is left when it exits is lost.
    """
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as log:
        try:
            code = children.run(
                command, seconds=seconds, cwd=cwd, env=os.environ | dict(env), stdout=out, stderr=log
            ).returncode
        except subprocess.TimeoutExpired:
            return -1, "", f"did not end within {seconds:g} seconds"
        except OSError as error:
            return -1, "", f"does not start: {error.strerror or error}"
        texts = []
        for file in (out, log):
            file.seek(0)
            texts.append(file.read().decode(errors="replace"))
    return code, texts[0], texts[1]


def version(name: str) -> str:
    """The version that a program is pinned to."""
    return str(json.loads((MANIFESTS / f"{name}.json").read_text(encoding="utf-8"))["dependencies"][name])

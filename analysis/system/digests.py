"""What files hold: size and sha256 of each file of a folder, as they stand in its manifest, and what differs from that.

A file that was digested once in this process costs a look at its times and size from then on.
"""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from analysis.system.unchanged import WhileUnchanged
from sae.temporary import check_readable, to_disk

Listed = Mapping[str, Mapping[str, Any]]
"""For each file, by its path in the folder: `bytes` and `sha256`."""


def digest(path: Path) -> str:
    """The sha256 of a file. Raises OSError."""
    return _digest(path)


def digest_unpacked(path: Path) -> str:
    """The sha256 of what a file holds once unpacked: of a gzipped one (`.gz`) equal to that of the plain file.

    Raises OSError, and EOFError or zlib.error for a gzipped file that is cut off or broken.
    """
    if path.suffix != ".gz":
        return digest(path)
    return _digest(path, unpack=True)


@WhileUnchanged
def _digest(path: Path, unpack: bool = False) -> str:
    with gzip.open(path) if unpack else path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def of_json(content: Mapping[str, Any]) -> str:
    """The sha256 of a JSON object, whatever the order of its keys."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def contents(folder: Path, *besides: str) -> dict[str, dict[str, Any]]:
    """Every file below `folder` but `besides`, brought to the disk first: what is listed is there. Raises OSError."""
    found = {}
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        name = path.relative_to(folder).as_posix()
        if name not in besides:
            to_disk(path)
            found[name] = {"bytes": path.stat().st_size, "sha256": digest(path)}
    return found


def is_listing(found: object) -> bool:
    """Whether something that was read is a listing, of files that lie in the folder."""
    return isinstance(found, dict) and all(
        isinstance(entry, dict)
        and isinstance(entry.get("bytes"), int)
        and isinstance(entry.get("sha256"), str)
        and not Path(name).is_absolute()
        and ".." not in Path(name).parts
        for name, entry in found.items()
    )


def differences(folder: Path, listed: Listed, trusted_until: int = 0) -> list[str]:
    """What is wrong with the files of a folder, a few words each; empty where all are as listed.

    A file whose size is right and that was last touched before `trusted_until` (nanoseconds, 0: never) is not read.
    """
    return [
        wrong for name, entry in sorted(listed.items()) if (wrong := difference(folder / name, entry, trusted_until))
    ]


def difference(path: Path, entry: Mapping[str, Any], trusted_until: int = 0) -> str:
    """What is wrong with one file, or nothing. Raises UnreadableError where that cannot be told."""
    try:
        stat = path.stat()
        if stat.st_size != entry["bytes"]:
            return f"{path.name} has {stat.st_size} bytes, written were {entry['bytes']}"
        if max(stat.st_mtime_ns, stat.st_ctime_ns) <= trusted_until:
            return ""
        found = digest(path)
    except FileNotFoundError:
        return f"{path.name} is missing"
    except OSError as error:
        check_readable(path, error)
        return f"{path.name} cannot be read: {error.strerror}"
    return "" if found == entry["sha256"] else altered(path.name, found, entry)


def altered(name: str, found: str, entry: Mapping[str, Any]) -> str:
    """What is said of a file whose digest is another one."""
    return f"{name} was altered: sha256 {found[:12]}..., written was {entry['sha256'][:12]}..."

"""A file over the network: with progress, going on where an earlier try broke off, and checked before it counts."""

from __future__ import annotations

import hashlib
import http.client
import sys
import urllib.error
import urllib.request
from pathlib import Path

from sae.errors import DataError

CHUNK = 1 << 20
MB = 1e6
PARTIAL = 206
NOTHING_LEFT = 416
LONGEST_SILENCE = 30.0
"""Seconds without a byte."""


def fetch(url: str, path: Path, md5: str, again: str) -> None:
    """Bring `url` to `path`. What has come stays beside it as `.part`, and the next try goes on from there.

    Raises DataError, with `again` as the remedy, where there is no connection, or what came is not what was published.
    """
    part = path.with_name(f"{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _download(url, part)
    except urllib.error.HTTPError as error:
        if error.code != NOTHING_LEFT:  # all of it had come before, and its checksum decides
            raise DataError(f"{path.name} could not be downloaded ({error}); {again}") from error
    except (OSError, http.client.HTTPException) as error:
        raise DataError(f"{path.name} could not be downloaded ({error}); {again}") from error
    with part.open("rb") as file:
        found = hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
    if found != md5:
        size = part.stat().st_size
        part.unlink()
        raise DataError(f"{path.name} came with {size:,} bytes of md5 {found}; expected md5 {md5}; {again}")
    part.replace(path)


def _download(url: str, part: Path) -> None:
    """Raises OSError, also for an end before the announced one."""
    done = part.stat().st_size if part.exists() else 0
    request = urllib.request.Request(url, headers={"Range": f"bytes={done}-"} if done else {})
    with urllib.request.urlopen(request, timeout=LONGEST_SILENCE) as response:
        if response.status != PARTIAL:
            done = 0  # the server begins anew
        announced = response.headers.get("Content-Length")
        total = done + int(announced) if announced else 0
        with part.open("ab" if done else "wb") as file:
            while chunk := response.read(CHUNK):
                file.write(chunk)
                done += len(chunk)
                print(f"\r{part.stem}: {done / MB:,.0f} of {total / MB:,.0f} MB", end="", file=sys.stderr)
        print(file=sys.stderr)
    if done < total:
        raise OSError(f"the connection broke off after {done:,} of {total:,} bytes; another try goes on from there")

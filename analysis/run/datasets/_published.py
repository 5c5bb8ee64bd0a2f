"""Files of a published data set, in its folder or still in its tar archive, whose members are read in memory: nothing
is ever unpacked to the disk, whatever an archive's members are called or lead to."""

from __future__ import annotations

import hashlib
import tarfile
import zlib
from collections.abc import Container, Sequence
from pathlib import Path, PurePosixPath
from typing import IO, NamedTuple

from analysis.run.datasets._files import GB, MOST_BYTES
from analysis.system.digests import digest
from analysis.system.unchanged import WhileUnchanged
from sae.errors import DataError

BROKEN = (OSError, EOFError, tarfile.TarError, zlib.error, ValueError)


class Layout(NamedTuple):
    """How a version of a data set is published."""

    folder: str
    """What its archive unpacks to."""
    archive: str
    """What its archive is called; `.tar` is taken for `.tar.gz`, too."""
    files: tuple[str, ...]
    """What is read of it."""


class Place(NamedTuple):
    """Where a version of a data set lies: in a folder, or in an archive."""

    path: Path
    layout: Layout

    @property
    def packed(self) -> bool:
        """Whether it is an archive."""
        return self.path.is_file()

    def shown(self, name: str) -> str:
        """A file of it, as messages call it."""
        return f"{self.path}: {self.layout.folder}/{name}" if self.packed else str(self.path / name)


def places(roots: Sequence[Path], layouts: Sequence[Layout]) -> list[Place]:
    """Every place where the layouts could be: each root as the folder or archive itself, and what lies in it."""
    found = []
    for layout in layouts:
        names = (layout.archive, layout.archive.removesuffix(".gz"))
        for root in roots:
            found += [Place(root, layout)] if root.is_file() == (root.name in names) else []
            found += [Place(root / name, layout) for name in (layout.folder, *names)]
    return found


def found_among(every: Sequence[Place]) -> Place | None:
    """The first place that holds all of its files (an archive is taken at its word), else the first that holds some."""
    there = [
        place for place in every if place.packed or any((place.path / one).is_file() for one in place.layout.files)
    ]
    whole = [one for one in there if one.packed or all((one.path / name).is_file() for name in one.layout.files)]
    return next(iter((*whole, *there)), None)


def read(place: Place, again: str) -> dict[str, bytes]:
    """What its files hold, by name. Raises DataError, which says by `again` how to get them."""
    try:
        if place.packed:
            found = _members(place, again)
        else:
            names = [name for name in place.layout.files if (place.path / name).is_file()]
            found = {name: (place.path / name).read_bytes() for name in names}
    except BROKEN as error:
        raise DataError(f"{place.path} cannot be read ({_line(error)}); {again}") from error
    _all_there(place, found, again)
    return found


def fingerprint(place: Place, again: str) -> str:
    """A hash of what its files hold, packed or not. Raises DataError as `read` does."""
    try:
        if place.packed:
            held = dict(_digests(place.path, place.layout, again))
        else:
            names = [name for name in place.layout.files if (place.path / name).is_file()]
            held = {name: digest(place.path / name) for name in names}
    except BROKEN as error:
        raise DataError(f"{place.path} cannot be read ({_line(error)}); {again}") from error
    _all_there(place, held, again)
    text = "\n".join(f"{name}:{held[name]}" for name in place.layout.files)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@WhileUnchanged
def _digests(path: Path, layout: Layout, again: str) -> tuple[tuple[str, str], ...]:
    held = _members(Place(path, layout), again)
    return tuple((name, hashlib.sha256(content).hexdigest()) for name, content in held.items())


def _members(place: Place, again: str) -> dict[str, bytes]:
    """The archive's members that are the layout's files, wherever its other members would go."""
    found: dict[str, bytes] = {}
    with tarfile.open(place.path) as archive:
        for member in archive:
            name = PurePosixPath(member.name).name
            if PurePosixPath(member.name) != PurePosixPath(place.layout.folder, name) or name not in place.layout.files:
                continue
            content: IO[bytes] | None = archive.extractfile(member) if member.isreg() else None
            if content is None:
                raise DataError(f"{place.shown(name)} is a link, folder or device; expected a file; {again}")
            if name in found:
                raise DataError(f"{place.path} holds {member.name} twice; expected it once; {again}")
            if member.size > MOST_BYTES:
                size = f"{member.size / GB:.1f} GB, at most {MOST_BYTES / GB:.0f} are read"
                raise DataError(f"{place.shown(name)} has {size}; {again}")
            found[name] = content.read()
    return found


def _all_there(place: Place, found: Container[str], again: str) -> None:
    lost = [name for name in place.layout.files if name not in found]
    if lost:
        raise DataError(f"{place.path} has no file {lost[0]}; expected {', '.join(place.layout.files)}; {again}")


def _line(error: BaseException) -> str:
    return " ".join(str(error).split())[:160] or type(error).__name__

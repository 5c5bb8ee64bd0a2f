"""A folder of tables as it stood at one moment: what differs from that later, damaged or replaced, is refused.

Tables are read when asked for, and a run may end in between. The manifest as it stood then says what each file must
hold, so that what is read is of one version; what is hashed is what is parsed. Free of torch.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from analysis.plan.stage_folders import FILES, MANIFEST, parsed
from analysis.system import digests
from analysis.system.swap import LOOKS, settle
from analysis.system.unchanged import WhileUnchanged
from sae.errors import DataError, StageError
from sae.temporary import check_readable

# without a manifest nobody knows which of the two it is
MENDED = "`strata run` makes it again, or `git checkout` brings it back where git keeps it"


@dataclass(frozen=True)
class Pinned:
    """A folder, and its manifest as it stood when this was made."""

    folder: Path
    raw: bytes

    @classmethod
    def now(cls, folder: Path) -> Pinned:
        """The folder as it stands. Raises StageError where it has no manifest."""
        return cls(folder, _manifest(folder))

    @cached_property
    def manifest(self) -> dict[str, Any]:
        """What the tables were made from. Raises StageError for one that is broken."""
        try:
            content = parsed(lambda: self.raw, self.folder)
        except StageError as error:
            raise StageError(f"{error}; {MENDED}") from error
        if not isinstance(content.get("experiment"), str) or not content["experiment"]:
            raise StageError(f"{self.folder} has no readable manifest: it names no experiment; {MENDED}")
        return content

    @property
    def listed(self) -> digests.Listed | None:
        """Size and sha256 of every file; None in a manifest of an older version, and then nothing is compared."""
        return self.manifest.get(FILES)

    def has(self, name: str) -> bool:
        """Whether a file belongs to the folder, whether it is there or lost."""
        return (self.folder / name).exists() if self.listed is None else name in self.listed

    def under(self, folder: str) -> list[str]:
        """The names of all files in a folder of this one, as `FOLDER/NAME`."""
        if self.listed is None:
            return sorted(path.relative_to(self.folder).as_posix() for path in self.folder.glob(f"{folder}/*"))
        return sorted(name for name in self.listed if name.startswith(f"{folder}/"))

    def file(self, name: str) -> Path:
        """A file that holds what was written. Raises DataError."""
        path = self.folder / name
        if (entry := self._entry(name)) and (wrong := digests.difference(path, entry)):
            raise self._broken(wrong)
        return path

    def table(self, name: str) -> pd.DataFrame:
        """The table in NAME.parquet, as it was written. Raises DataError."""
        path = self.folder / f"{name}.parquet"
        entry = self._entry(path.name)
        try:
            rows, found = _read(path)
        except (OSError, ValueError, pa.ArrowException) as error:
            check_readable(path, error)
            if entry and (wrong := digests.difference(path, entry)):
                raise self._broken(wrong) from error
            raise DataError(
                f"{path} cannot be read ({error}); delete {self.folder}, and `strata run` makes it again"
            ) from error
        if entry and found != entry["sha256"]:
            raise self._broken(digests.altered(path.name, found, entry))
        return rows

    def check_files(self) -> None:
        """Raises DataError where a file is not as it was written."""
        for name in self.listed or ():
            self.file(name)

    def check_unchanged(self) -> None:
        """Raises DataError where another version stands in the folder now."""
        if _manifest(self.folder) != self.raw:
            raise DataError(
                f"{self.folder} was replaced while it was read, by a run that has just ended; do this again"
            )

    def _entry(self, name: str) -> Mapping[str, Any]:
        """What the manifest says of a file; nothing, where an older version wrote it."""
        if self.listed is None:
            return {}
        if name not in self.listed:
            raise DataError(f"{self.folder} has no {name}; {self.again()}")
        return self.listed[name]

    def _broken(self, wrong: str) -> DataError:
        """What is said of a file that differs from the manifest as it stood."""
        self.check_unchanged()
        return DataError(f"{self.folder}: {wrong}; {self.again()}")

    def again(self) -> str:
        """How the files are made again, or brought back, as a sentence goes on."""
        if "tracked" in self.manifest:
            return "`git checkout` of that folder brings it back"
        return f"`strata run {self.manifest.get('experiment', '')}` makes it again"


@WhileUnchanged
def _read(path: Path) -> tuple[pd.DataFrame, str]:
    """A table and the sha256 of its file, from the same bytes; read once, however many variants look at it."""
    raw = path.read_bytes()
    return pd.read_parquet(io.BytesIO(raw)), hashlib.sha256(raw).hexdigest()


def present(folder: Path) -> bool:
    """Whether a folder holds tables, or what is left of them."""
    for _ in range(LOOKS):
        settle(folder)
        if (folder / MANIFEST).exists() or any(folder.glob("*.parquet")):
            return True
    return False


def _manifest(folder: Path) -> bytes:
    for look in range(LOOKS):
        settle(folder)
        try:
            return (folder / MANIFEST).read_bytes()
        except OSError as error:
            check_readable(folder / MANIFEST, error)
            if look == LOOKS - 1:
                raise StageError(f"{folder} has no readable manifest: {error}; {MENDED}") from error
    raise AssertionError("the last look returns or raises")

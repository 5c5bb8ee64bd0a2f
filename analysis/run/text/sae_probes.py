"""The labelled sets of text of the package `sae-probes` (Kantamneni et al., arXiv 2502.16681), read where it lies: the
installed package, its wheel, or a folder of either unpacked. Nothing of it is kept here: its sources have licences of
their own, and the package is never imported (it would ask for older versions of others).

Most sets hold prompts twice or more, which would stand on both sides of a split: each is given once, and those that
stand under both labels are left out.
"""

from __future__ import annotations

import importlib.util
import io
import zipfile
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from analysis.plan import paths
from sae.errors import DataError, NotFoundError

DATA = "sae_probes/data"
MASTER = "probing_datasets_MASTER.csv"
BINARY = "Binary Classification"
HOW = 'get it by `pip download --no-deps "sae-probes>=0.4"` and give the path of the wheel'


@dataclass(frozen=True)
class LabelledTexts:
    """Texts of two classes."""

    name: str
    texts: tuple[str, ...] = field(repr=False)
    labels: NDArray[np.bool_] = field(repr=False)
    """(texts,) True: the second of `classes`."""
    classes: tuple[str, str]
    """What false and true mean, in the order of their names."""
    repeated: int
    """Rows left out since their text stands in one before."""
    doubtful: int
    """Different texts left out since they stand under both labels."""


@dataclass(frozen=True)
class SaeProbes:
    """The sets of one copy of the package."""

    place: Path
    """A wheel, or the folder that holds `sae_probes`."""

    def names(self) -> list[str]:
        """The sets of two classes, by the number and name that the package has for them: `105_click_bait`."""
        table = self._table(MASTER)
        for column in ("Data type", "Dataset save name"):
            if column not in table:
                raise DataError(f"{self.place}: {MASTER} has no column {column!r}; expected sae-probes 0.4")
        files = table.loc[table["Data type"] == BINARY, "Dataset save name"]
        return sorted((Path(str(file)).stem for file in files), key=_number)

    def read(self, name: str) -> LabelledTexts:
        """The set of this name. Raises NotFoundError for one that is not there, DataError for one of other than two
        classes."""
        known = self.names()
        if name not in known:
            raise NotFoundError("set of sae-probes with two classes", name, known)
        table = self._table(f"cleaned_data/{name}.csv")
        if missing := {"prompt", "target"} - set(table.columns):
            raise DataError(f"{self.place}: {name} has no column {', '.join(sorted(missing))}; expected sae-probes 0.4")
        table = table.dropna(subset=["prompt", "target"])
        answers = sorted(table["target"].unique().tolist())
        if len(answers) != 2:
            raise DataError(f"{self.place}: {name} has {len(answers)} classes; expected two")
        both = table.groupby("prompt")["target"].transform("nunique") > 1
        sure = table[~both]
        once = sure.drop_duplicates("prompt")
        return LabelledTexts(
            name,
            tuple(map(str, once["prompt"])),
            (once["target"] == answers[1]).to_numpy(bool),
            (str(answers[0]), str(answers[1])),
            len(sure) - len(once),
            int(table.loc[both, "prompt"].nunique()),
        )

    def _table(self, name: str) -> pd.DataFrame:
        file = f"{DATA}/{name}.zst"
        try:
            if self.place.is_file():
                with zipfile.ZipFile(self.place) as wheel:
                    raw = wheel.read(file)
            else:
                raw = (self.place / file).read_bytes()
            return pd.read_csv(io.BytesIO(pa.CompressedInputStream(pa.BufferReader(raw), "zstd").read()))
        except (OSError, KeyError, ValueError, zipfile.BadZipFile, pa.ArrowException) as error:
            reason = " ".join(str(error).split())[:160]
            raise DataError(f"{self.place}: {file} cannot be read ({reason}); {HOW}") from error


def sae_probes(place: str = "") -> SaeProbes:
    """The package at a place (a wheel, or a folder of one or of `sae_probes`, below the project's or a whole path);
    without one, the installed package. Raises DataError where there is none."""
    if not place:
        found = importlib.util.find_spec("sae_probes")  # finds it without importing it
        if found is None or not found.submodule_search_locations:
            raise DataError(f"the package sae-probes is not installed, and no path of it was given; {HOW}")
        return SaeProbes(Path(found.submodule_search_locations[0]).parent)
    path = paths.find().root / Path(place).expanduser()
    if path.is_dir() and not (path / DATA).is_dir():
        wheels = sorted(path.glob("sae_probes-*.whl"))
        path = wheels[-1] if wheels else path
    if not (path.is_file() or (path / DATA).is_dir()):
        raise DataError(f"{place}: no package sae-probes there (looked for {path}); {HOW}")
    return SaeProbes(path)


def _number(name: str) -> tuple[int, str]:
    number = name.partition("_")[0]
    return (int(number) if number.isdecimal() else 0, name)

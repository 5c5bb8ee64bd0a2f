"""A data set by its name and options."""

from __future__ import annotations

from functools import lru_cache

from analysis.plan.chains import fingerprint
from analysis.plan.data_source import PACKAGE, parts
from analysis.run.datasets._dataset import Dataset
from sae.discover import construct


def opened(data: str) -> Dataset:
    """The data set that `data_source.source` names, with its options.

    Files of a user's own are read once in a process, as long as they hold the same. Raises NotFoundError for a data set
    that is not there, ConfigError for options that it does not take, DataError for files that cannot be used.
    """
    return _kept(data, fingerprint(data)) if parts(data)[1] else _read(data)


@lru_cache(maxsize=1)
def _kept(data: str, held: str) -> Dataset:
    return _read(data)


def _read(data: str) -> Dataset:
    name, options = parts(data)
    found: Dataset = construct(PACKAGE, name, **options)
    return found

"""What settings may be, beyond their types: each in one place, and no more than anybody waits for. Free of torch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from analysis.plan.settings import SettingError, brief, flat
from sae.config import TrainConfig
from sae.errors import ConfigError

PANELS = ("full", "short")
# Bounds that no experiment needs and a slip of the finger passes: beyond them the run would start, and never end.
MAX_LATENTS = 131_072
MAX_STEPS = 10_000_000
MAX_BATCH = 1_000_000
MAX_FOLDS = 100
MAX_RUNS = 10_000
MAX_PERMUTATIONS = 99_999
MAX_IMAGE_STEPS = 100_000
# What an architecture and a host are given beside their options: it has a place of its own.
SAE_PLACES = {"k": "k", "width": "width", "n_latents": "width", "d_in": "host.hook", "architecture": "architecture"}
HOST_PLACES = {"name": "host.name", "hook": "host.hook", "seed": "seeds", "n_classes": "dataset",
               "image_shape": "dataset"}  # fmt: skip
READER_PLACES = {"seed": "nothing: it is fixed", "n_classes": "dataset", "image_shape": "dataset"}


def one_place(options: dict[str, Any], places: dict[str, str], where: str) -> None:
    """Raise SettingError for an option that has a place of its own elsewhere: of two values only one would be true.

    `where` is the table's dotted path, from the class of config that holds it on.
    """
    for name in options:
        if name in places:
            message = f"{where}.{name} = {brief(options[name])}: is no option, its place is {places[name]}"
            raise SettingError(message, (*where.split(".")[1:], name))


def bounded(train: TrainConfig) -> None:
    """Raise ConfigError for more training than anybody waits for. The library itself sets no such bound."""
    for name, most in (("steps", MAX_STEPS), ("batch", MAX_BATCH), ("revivals", train.steps)):
        if getattr(train, name) > most:
            message = f"train.{name} = {brief(getattr(train, name))}: must be at most {most:,}"
            raise SettingError(message, ("train", name))


def checked_seeds(seeds: tuple[int, ...]) -> None:
    """Raise ConfigError for a seed that no table can hold."""
    for seed in seeds:
        if not 0 <= seed < 2**32:
            raise ConfigError(f"seeds = {brief(list(seeds))}: every seed must be in 0..{2**32 - 1}")


def checked_grid(grid: dict[str, Any], where: str) -> dict[str, Any]:
    """Axes by dotted path. Raises ConfigError for one without a list of values."""
    axes = flat(grid)
    for path, values in axes.items():
        if not isinstance(values, list) or not values:
            message = f"{where}: grid.{path} = {brief(values)}: must be a list of values"
            raise SettingError(message, ("grid", path))
    return axes


class Sized(Protocol):
    """An SAE as its settings describe it."""

    @property
    def architecture(self) -> str:
        """Its name."""
        ...

    @property
    def width(self) -> int:
        """Number of latents."""
        ...

    @property
    def k(self) -> int:
        """Active latents a row."""
        ...


def check(panel: str, sae: Sized, compare: Sequence[Sized]) -> None:
    """Raise ConfigError for settings of a run that do not go together."""
    if panel not in PANELS:
        raise ConfigError(f"panel = {panel!r}: must be one of {', '.join(PANELS)}")
    sizes = (sae.width, sae.k)
    for other in compare:
        if (other.width, other.k) != sizes:
            raise ConfigError(
                f"compare has {other.architecture} with width and k "
                f"{other.width, other.k}, [sae] has {sizes}: only equal ones can be compared"
            )
    compared = [sae.architecture for sae in compare]
    if len(set(compared)) != len(compared):
        raise ConfigError(f"compare has an architecture twice: {compared}")

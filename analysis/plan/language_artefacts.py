"""What `strata language` is to draw of an experiment: `data/language/looks.toml`, a table an experiment. Free of torch.

    [language.web]
    variants = ["1k", "4k", "16k"]
    [language.attribution]
    prompt = "We must cut the"
    [language.steering]
    prompts = ["Last year I asked Congress to"]

What is not said has the default that its field states; a project without the file has all of them.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from analysis.plan.settings import SettingError, build, typed
from analysis.system import toml_file
from sae.errors import ConfigError

NAME = "looks.toml"


@dataclass(frozen=True, kw_only=True)
class WebLooks:
    """SAEs of several sizes, and latents that come apart."""

    variants: tuple[str, ...] = ()
    """Two to four, of different widths; none: the first of each width."""
    nodes: int = 300
    """At most so many latents, whole families."""

    def __post_init__(self) -> None:
        typed(self, "web")
        _between("nodes", self.nodes, 2, 300)


@dataclass(frozen=True, kw_only=True)
class AttributionLooks:
    """What one prediction hangs on."""

    variant: str = ""
    """Whose SAE; empty: the first."""
    prompt: str = ""
    """Empty: the first words of a held-out text."""
    target: str = ""
    """One token; empty: the likeliest to come next."""
    foil: str = ""
    """One token; empty: the likeliest but the target."""
    top: int = 16
    """Latents at a place that are shown."""

    def __post_init__(self) -> None:
        typed(self, "attribution")
        _between("top", self.top, 1, 60)


@dataclass(frozen=True, kw_only=True)
class SteeringLooks:
    """Texts written with a latent held."""

    variant: str = ""
    """Whose SAE; empty: the first."""
    prompts: tuple[str, ...] = ()
    """None: the first words of two held-out texts."""
    latents: tuple[int, ...] = ()
    """By number; none: chosen, named ones with a clear effect first."""
    choose: int = 4
    """How many are chosen."""
    strengths: tuple[float, ...] = (0.0, 0.5, 1.0, 2.0, 4.0)
    """What they are held at, in multiples of the largest activation on held-out text."""
    new: int = 20
    """Tokens that are written."""
    temperature: float = 0.8
    """Of the texts that are drawn by chance; 0: none are."""

    def __post_init__(self) -> None:
        typed(self, "steering")
        _between("choose", self.choose, 1, 20)
        _between("new", self.new, 1, 200)
        if not self.strengths or list(self.strengths) != sorted(set(self.strengths)) or self.strengths[0] < 0:
            raise ConfigError(f"strengths = {list(self.strengths)}: must be numbers from 0 on, smallest first")
        if not 0 <= self.temperature <= 10:
            raise ConfigError(f"temperature = {self.temperature}: must be in 0..10")


@dataclass(frozen=True, kw_only=True)
class LatentLooks:
    """Single latents, with contexts."""

    variant: str = ""
    """Whose SAE; empty: the first."""
    named: int = 12
    """How many are chosen for their names."""
    drawn: int = 12
    """How many come as they come."""
    patterns: int = 256
    """Training contexts that patterns are made of; 0: no patterns."""

    def __post_init__(self) -> None:
        typed(self, "latents")
        _between("named", self.named, 0, 60)
        _between("drawn", self.drawn, 0, 60)
        _between("patterns", self.patterns, 0, 100_000)
        if not self.named + self.drawn:
            raise ConfigError("named and drawn are 0: no latent would be shown")


@dataclass(frozen=True, kw_only=True)
class LabelledLooks:
    """Labelled sets of text, whose class one latent may tell."""

    variant: str = ""
    """Whose SAE; empty: the first."""
    place: str = ""
    """The package sae-probes: a wheel, or a folder; empty: the installed one."""
    sets: tuple[str, ...] = ()
    """By name; none: chosen evenly."""
    count: int = 20
    """How many are chosen."""
    texts: int = 300
    """Of each set, half of either class."""
    tokens: int = 64
    """At most so many of a text are read, its last."""

    def __post_init__(self) -> None:
        typed(self, "labelled")
        _between("count", self.count, 1, 100)
        _between("texts", self.texts, 60, 10_000)
        _between("tokens", self.tokens, 2, 8_192)


@dataclass(frozen=True, kw_only=True)
class DirectionsLooks:
    """Meta-SAEs on the directions of a large SAE."""

    variant: str = ""
    """Whose directions; empty: those of the widest SAE."""
    widths: tuple[int, ...] = ()
    """Latents of the meta-SAEs; none: the widths of the other variants, of which it has four times as many."""
    k: int = 4
    """Active latents a direction."""
    nulls: str = "full"
    """How the floors are trained: `quick`, or as long as the meta-SAEs."""

    def __post_init__(self) -> None:
        typed(self, "directions")
        for width in self.widths:
            _between("widths", width, 1, 65_536)
        _between("k", self.k, 1, min(self.widths, default=1024))
        if self.nulls not in ("quick", "full"):
            raise ConfigError(f"nulls = {self.nulls!r}: must be quick or full")


@dataclass(frozen=True, kw_only=True)
class Looks:
    """All of it, of one experiment."""

    web: WebLooks = field(default_factory=WebLooks)
    attribution: AttributionLooks = field(default_factory=AttributionLooks)
    steering: SteeringLooks = field(default_factory=SteeringLooks)
    latents: LatentLooks = field(default_factory=LatentLooks)
    labelled: LabelledLooks = field(default_factory=LabelledLooks)
    directions: DirectionsLooks = field(default_factory=DirectionsLooks)
    contexts: int = 200
    """Held-out contexts on which latents are looked at, evenly spaced."""

    def __post_init__(self) -> None:
        typed(self, "looks")
        _between("contexts", self.contexts, 1, 100_000)


def looks(folder: Path, experiment: str) -> Looks:
    """What the file in `folder` says of an experiment; the defaults where it says nothing, or is not there.

    Raises ConfigError, with file and line, for a file that cannot be read or says what nobody understands.
    """
    path = folder / NAME
    if not os.path.lexists(path):
        return Looks()
    try:
        table, text = toml_file.read(path)
    except OSError as error:
        raise ConfigError(f"{NAME}: cannot be read: {error.strerror or error}") from error
    try:
        return build(Looks, table.get(experiment, {}), experiment, (experiment,))
    except SettingError as error:
        line = toml_file.line_of(text, error.path)
        raise ConfigError(f"{NAME}{f':{line}' if line else ''}: {error}") from error


def _between(name: str, value: int, least: int, most: int) -> None:
    if not least <= value <= most:
        raise ConfigError(f"{name} = {value}: must be in {least}..{most:,}")

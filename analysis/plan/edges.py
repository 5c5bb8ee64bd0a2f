"""The arrows of the graph that a run is: which stage reads which, and what the one is to the other.

In keys and manifests an arrow is the name under which a stage knows what it reads: `host`, `layer_2`, `latents_3`,
`nulls-directions_2`, `compare_gated`, `seed 3/latents_1`. Such names are written and read here, and nowhere else.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal, cast, get_args

from analysis.plan.stage_folders import Stage
from sae.config import TowerKind
from sae.errors import StageError

SINGLES: dict[TowerKind, str] = {"latents": "direct", "directions": "small"}
"""What the single SAEs on the host are called that stand beside a depth of each kind of tower."""
Part = Literal[
    "host",
    "activations",
    "images",
    "interpret",
    "reader",
    "layer",
    "tower",
    "single",
    "compared",
    "nulls",
    "null_tower",
]
# how each is written, and the stage that it is
_FORMS: dict[Part, tuple[str, str]] = {
    "host": ("host", "host"),
    "activations": ("activations", "activations"),
    "images": ("images", "images"),
    "interpret": ("interpret", "interpret"),
    "reader": ("reader", "reader"),
    "layer": ("layer_{depth}", "sae"),
    "tower": ("{kind}_{depth}", "sae"),
    "single": ("{single}_{depth}", "sae"),
    "compared": ("compare_{architecture}", "sae"),
    "nulls": ("nulls-{kind}_{depth}", "nulls"),
    "null_tower": ("null-tower", "null_tower"),
}
_TOWERS = {single: kind for kind, single in SINGLES.items()}


@dataclass(frozen=True)
class Role:
    """What a stage is to one that reads it. Raises StageError for one that nothing can be."""

    part: Part
    """`layer`: a depth below the reader; `tower`: a depth of a tower; `single`: one SAE on the host, beside a depth;
    `compared`: one of another architecture; `nulls`: what stands beside a depth of a tower; else the stage's name."""
    kind: TowerKind | None = None
    """Of the tower; of a single SAE that of the tower beside which it stands."""
    depth: int = 0
    architecture: str = ""
    """Of what is compared."""
    owner: str = ""
    """Whose it is: `seed 3`, `random_host`; empty in the reader's own chain."""

    def __post_init__(self) -> None:
        if self.part not in _FORMS or _read(self.part, self.name) != self._given():
            raise _unknown(repr(self))

    @property
    def name(self) -> str:
        """As it stands in keys and manifests."""
        single = SINGLES.get(self.kind, "") if self.kind else ""
        form = _FORMS[self.part][0].format(
            kind=self.kind, single=single, depth=self.depth, architecture=self.architecture
        )
        return f"{self.owner}/{form}" if self.owner else form

    @property
    def stage(self) -> str:
        """The name of the stage that is read."""
        return _FORMS[self.part][1]

    @property
    def place(self) -> tuple[str, int]:
        """Where its numbers stand in the tables, in the columns `kind` and `depth`: a kind of tower, what single SAEs
        are called, or the architecture of what is compared."""
        if self.part == "compared":
            return self.architecture, 1
        assert self.kind is not None, "nothing else has numbers of its own"
        return SINGLES[self.kind] if self.part == "single" else self.kind, self.depth

    def of(self, owner: str) -> Role:
        """The same in another chain."""
        return replace(self, owner=owner)

    @classmethod
    def parse(cls, name: str) -> Role:
        """The role that is called `name`. Raises StageError where there is none."""
        for part in _FORMS:
            if (found := _read(part, name)) is not None:
                kind, depth, architecture, owner = found
                return cls(part, kind, depth, architecture, owner)
        raise _unknown(repr(name))

    def _given(self) -> tuple[TowerKind | None, int, str, str]:
        return self.kind, self.depth, self.architecture, self.owner


def _read(part: Part, name: str) -> tuple[TowerKind | None, int, str, str] | None:
    """Kind, depth, architecture and owner in a name, if it is one of such a part."""
    form = re.escape(_FORMS[part][0]).replace(r"\{", "{").replace(r"\}", "}")
    form = form.format(
        kind=f"(?P<kind>{'|'.join(get_args(TowerKind))})", single=f"(?P<single>{'|'.join(_TOWERS)})",
        depth=r"(?P<depth>[1-9]\d*)", architecture="(?P<arch>[^/]+)",
    )  # fmt: skip
    found = re.fullmatch(rf"(?:(?P<owner>[^/]+)/)?{form}", name)
    if found is None:
        return None
    said = found.groupdict()
    kind = cast(TowerKind | None, said.get("kind")) or _TOWERS.get(said.get("single") or "")
    return kind, int(said.get("depth", 0)), said.get("arch", ""), said["owner"] or ""


def _unknown(what: str) -> StageError:
    known = ", ".join(form for form, _ in _FORMS.values())
    return StageError(f"{what}: no stage is read as that; expected one of {known}")


HOST, ACTIVATIONS, IMAGES = Role("host"), Role("activations"), Role("images")
INTERPRET, READER, NULL_TOWER = Role("interpret"), Role("reader"), Role("null_tower")


def layer(depth: int) -> Role:
    """A depth below the reader, in its own tower."""
    return Role("layer", depth=depth)


def tower(kind: TowerKind, depth: int) -> Role:
    """A depth of the tower of a kind."""
    return Role("tower", kind, depth)


def nulls(kind: TowerKind, depth: int) -> Role:
    """What was trained on nothing beside a depth of a tower."""
    return Role("nulls", kind, depth)


def single(kind: TowerKind, depth: int) -> Role:
    """The single SAE beside a depth of the tower of a kind."""
    return Role("single", kind, depth)


def compared(architecture: str) -> Role:
    """The SAE of an architecture that is compared with depth 1."""
    return Role("compared", architecture=architecture)


@dataclass(frozen=True)
class Edge:
    """`child` reads `parent`, which is `role` to it. Raises StageError where another stage stands there."""

    parent: Stage
    child: Stage
    role: Role

    def __post_init__(self) -> None:
        if self.parent.name != self.role.stage:
            raise StageError(
                f"stage {self.child.name} reads {self.parent.name} as {self.role.name}, where it expects the stage "
                f"{self.role.stage}"
            )


def edges(child: Stage) -> list[Edge]:
    """All that a stage reads. Raises StageError for a name or a stage that cannot stand there."""
    return [Edge(parent, child, Role.parse(name)) for name, parent in child.inputs.items()]


def parents(child: Stage) -> dict[Role, Stage]:
    """The same by role."""
    return {edge.role: edge.parent for edge in edges(child)}


def named(parents: Mapping[Role, Stage]) -> dict[str, Stage]:
    """Stages as a stage's `inputs` hold them."""
    return {role.name: stage for role, stage in parents.items()}

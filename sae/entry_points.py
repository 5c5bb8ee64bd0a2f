"""What installed packages add by entry points, each with the package that it comes from. Nothing is imported here.

[project.entry-points."strata.architectures"]     in the package's own pyproject.toml
loud = "their_package.loud"                        a module that offers `Loud`, or "their_package.all:Loud"
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import metadata

KINDS = ("architectures", "measures", "datasets", "hosts", "figures")
GROUPS = tuple(f"strata.{kind}" for kind in KINDS)
"""What others can add to."""


@dataclass(frozen=True)
class Entry:
    """One thing that a package adds."""

    name: str
    module: str
    """The dotted name of the module that holds it."""
    attribute: str
    """What it is called there; empty for the object of the thing's own name."""
    package: str
    """Name and version of the package, as it is installed and uninstalled by."""

    @property
    def top(self) -> str:
        """The top package of the module."""
        return self.module.partition(".")[0]


@cache
def entries(group: str) -> dict[str, tuple[Entry, ...]]:
    """What is added to a group, by name: several where packages add the same name, which is nobody's."""
    found: dict[str, tuple[Entry, ...]] = {}
    for point in metadata.entry_points(group=group):
        package = f"{point.dist.name} {point.dist.version}" if point.dist else "an unknown package"
        entry = Entry(point.name, point.module, point.attr or "", package)
        before = found.get(entry.name, ())
        if (entry.module, entry.attribute) not in [(one.module, one.attribute) for one in before]:
            found[entry.name] = (*before, entry)
    return found


def tops() -> dict[str, str]:
    """The top packages of all that is added, each with the name and version of the package that it was installed by."""
    return {entry.top: entry.package for group in GROUPS for same in entries(group).values() for entry in same}

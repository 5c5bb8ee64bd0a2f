"""The checks that need nothing but the folder of a rendered site; `strata publish --dry-run` makes them, too."""

from __future__ import annotations

from collections.abc import Iterator

from analysis.site.check import addresses, agreement, listings, markup
from analysis.site.check.findings import Finding
from analysis.site.check.folder import Folder

MODULES = (addresses, markup, listings, agreement)
"""Each has `findings(folder)`."""


def findings(folder: Folder) -> Iterator[Finding]:
    """Everything that is wrong with the wanted pages, and with the site as a whole."""
    for module in MODULES:
        yield from module.findings(folder)

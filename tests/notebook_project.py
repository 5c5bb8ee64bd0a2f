"""Projects with nothing but notebooks."""

from __future__ import annotations

from analysis.plan.paths import Paths

HEAD = '# %% [markdown]\n"""\n# A lesson\n\nIt begins.\n"""\n\n'


def project_at(root, **scripts):
    """A project with nothing but notebooks."""
    (root / "report" / "notebooks").mkdir(parents=True)
    for name, text in scripts.items():
        (root / "report" / "notebooks" / f"{name}.py").write_text(text)
    return Paths(root.resolve())

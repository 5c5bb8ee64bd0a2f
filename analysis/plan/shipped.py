"""Files that the tool brings along for projects: the theme, the shortcodes for Quarto, the templates."""

from __future__ import annotations

from pathlib import Path

_TOOL = Path(__file__).resolve().parents[1]
_CHECKOUT = _TOOL.parent


def _folder(name: str, in_checkout: str) -> Path:
    """Where it lies in an installed tool; a checkout has one copy, in the project that the repository holds."""
    installed = _TOOL / name
    return installed if installed.is_dir() else _CHECKOUT / in_checkout


def theme() -> Path:
    """Styles and scripts of pages: what lies in a project's `report/assets`."""
    return _folder("theme", "report/assets")


def extension() -> Path:
    """The shortcodes for Quarto: what lies in a project's `_extensions/strata`."""
    return _folder("extension", "_extensions/strata")


def hooks() -> list[Path]:
    """The scripts that Quarto runs before and after it renders: they lie in a project's `report`."""
    return sorted(_folder("hooks", "report").glob("*_render.py"))


def templates() -> dict[str, Path]:
    """The templates of projects, by name; `common` is part of each."""
    return {folder.name: folder for folder in sorted((_TOOL / "templates").iterdir()) if folder.is_dir()}

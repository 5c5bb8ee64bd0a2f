"""Beside pyproject.toml: the theme and the shortcodes of this repository's site are the tool's, and ship with it."""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).parent
# What `strata new` copies into a project (analysis/plan/shipped.py); in a checkout it is taken from where it lies.
SHIPPED = {
    "analysis/theme": (ROOT / "report" / "assets", "*"),
    "analysis/extension": (ROOT / "_extensions" / "strata", "*"),
    "analysis/hooks": (ROOT / "report", "*_render.py"),
}


class BuildWithTheme(build_py):
    """Puts both into the wheel, without what a build of the site has added."""

    def run(self):
        """Copy after the modules; an editable install takes them from the checkout."""
        super().run()
        if self.editable_mode:
            return
        for target, (source, wanted) in SHIPPED.items():
            for file in sorted(source.rglob(wanted)):
                inside = file.relative_to(source)
                if file.is_file() and inside.parts[0] not in ("generated", "__pycache__"):
                    place = Path(self.build_lib) / target / inside
                    place.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copy(file, place)


setup(cmdclass={"build_py": BuildWithTheme})

"""Beside pyproject.toml: the theme and the shortcodes of this repository's site are the tool's, and ship with it."""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).parent
# What `strata new` copies into a project; in a checkout it is taken from where it lies.
SHIPPED = {"analysis/theme": ROOT / "report" / "assets", "analysis/extension": ROOT / "_extensions" / "strata"}


class BuildWithTheme(build_py):
    """Puts both into the wheel, without what a build of the site has added."""

    def run(self):
        """Copy after the modules; an editable install takes them from the checkout."""
        super().run()
        if self.editable_mode:
            return
        for target, source in SHIPPED.items():
            shutil.copytree(
                source, Path(self.build_lib) / target, ignore=shutil.ignore_patterns("generated"), dirs_exist_ok=True
            )


setup(cmdclass={"build_py": BuildWithTheme})

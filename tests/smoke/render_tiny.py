"""Smoke render: the tiny experiment through every stage to a site. Run by .ci/run; prints what it made.

python tests/smoke/render_tiny.py
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from factories import site_project


def main() -> int:
    """Run, render, count."""
    with tempfile.TemporaryDirectory() as folder:
        paths = site_project(Path(folder) / "project")
        environment = os.environ | {"STRATA_ROOT": str(paths.root)}
        for command in (["run", "digits"], ["render"]):
            done = subprocess.run([sys.executable, "-m", "analysis", *command], cwd=paths.root, env=environment)
            if done.returncode:
                return done.returncode
        pages = sorted(page.relative_to(paths.site).as_posix() for page in paths.site.rglob("*.html"))
        print(f"smoke render: {len(pages)} pages: {', '.join(pages)}")
        wanted = re.findall(r"^    - (\S+)\.qmd$", (paths.root / "_quarto.yml").read_text(), re.M)
        return 0 if pages == sorted(f"{page}.html" for page in wanted) else 1


if __name__ == "__main__":
    sys.exit(main())

"""Quarto's post-render step: complete its pages, and index them for the search. Standard library only, like
pre_render.py.

Pages without a search are whole pages, so a missing package is a note here and no failure.
"""

import os
import sys

from pre_render import ROOT, interpreter, run


def main() -> int:
    """Finish what Quarto wrote; Quarto stops when that fails."""
    # Quarto says where it wrote, relative to the project, which is also where it starts this
    folder = ROOT / os.environ.get("QUARTO_PROJECT_OUTPUT_DIR", "_site")
    python = interpreter()
    if python is None:
        print("strata: these pages have no search, for strata is not installed: run `make site`")
        return 0
    return run(python, "analysis.site.finish", str(folder), str(ROOT))


if __name__ == "__main__":
    sys.exit(main())

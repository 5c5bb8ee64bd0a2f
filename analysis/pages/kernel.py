"""The Python that executes a notebook: a process of its own with a home of its own, which sees few of our variables.

This is no sandbox: a notebook is code, and reads and writes whatever the person who builds may read and write. What is
kept from it is what a page should not depend on or show: settings of a home, and secrets that stand in the environment.
"""

from __future__ import annotations

import contextlib
import os
import re
import site
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from analysis.figures.style import ROLES
from analysis.system import children

if TYPE_CHECKING:
    from jupyter_client.kernelspec import KernelSpecManager

START_SECONDS = 60
"""How long a kernel may take to start, and as long the list of fonts before it."""
PASSED = re.compile(
    r"PATH|LANG|LANGUAGE|LC_\w+|TZ|TMPDIR|TEMP|TMP|STRATA_\w+"
    # what Python needs to be found and to find its packages and libraries
    r"|PYTHON(PATH|HOME|UTF8|IOENCODING|DONTWRITEBYTECODE|NOUSERSITE)|VIRTUAL_ENV|CONDA_PREFIX"
    r"|(DY)?LD_\w+|SYSTEMROOT|WINDIR|COMSPEC|PATHEXT"
    # how threads wait, which changes no number
    r"|OMP_WAIT_POLICY|KMP_\w+|CUDA_VISIBLE_DEVICES"
)
"""Names of the variables that a notebook sees; all others stay with the build."""
# How pictures look unless a cell says otherwise: the width of a page's column, and the site's colours.
STYLE = f"""figure.dpi: 180
figure.figsize: 6.4, 3.4
axes.spines.top: False
axes.spines.right: False
axes.titlelocation: left
axes.titlesize: medium
axes.prop_cycle: cycler("color", {[ROLES[f"c{n}"][1:] for n in range(1, 7)]})
svg.hashsalt: strata
"""


def environment(home: Path, root: Path) -> dict[str, str]:
    """What a kernel sees: one thread, pictures for pages, the same hashes each time, no home but `home`, which gets
    what it needs to be one."""
    (home / "matplotlibrc").write_text(STYLE, encoding="utf-8")
    name, fonts = _fonts()
    if name:
        (home / name).write_bytes(fonts)
    homes = ("HOME", "USERPROFILE", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR")
    threads = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")
    kept = {name: value for name, value in os.environ.items() if PASSED.fullmatch(name)}
    if site.ENABLE_USER_SITE:
        kept["PYTHONUSERBASE"] = site.getuserbase()  # packages that were installed into the real home
    return kept | dict.fromkeys(homes, str(home)) | dict.fromkeys(threads, "1") | {
        "STRATA_ROOT": str(root),
        "MPLCONFIGDIR": str(home),
        "MATPLOTLIBRC": str(home / "matplotlibrc"),
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        "PYTHONHASHSEED": "0",
        "SOURCE_DATE_EPOCH": "0",  # the date that matplotlib writes into an SVG
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",  # else the debugger, which nobody uses here, complains at start
    }  # fmt: skip


@cache
def _fonts() -> tuple[str, bytes]:
    """Name and content of matplotlib's list of fonts, or nothing where it makes none. Its first import builds one,
    slowly, and says so aloud: better here than in a cell."""
    code = (
        "import sys, pathlib, matplotlib.font_manager as m; "
        "m.json_dump(m.fontManager, pathlib.Path(sys.argv[1], f'fontlist-v{m.FontManager.__version__}.json'))"
    )
    with tempfile.TemporaryDirectory(prefix="strata-") as folder:
        with contextlib.suppress(subprocess.TimeoutExpired):  # then the first cell that draws builds its own
            children.run([sys.executable, "-c", code, folder], seconds=START_SECONDS)
        for file in Path(folder).glob("fontlist-*.json"):
            return file.name, file.read_bytes()
    return "", b""


def this_python() -> KernelSpecManager:
    """Knows one kernel, that of this interpreter, whatever is installed in the user's home."""
    from jupyter_client.kernelspec import KernelSpec, KernelSpecManager

    class ThisPython(KernelSpecManager):
        def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
            launch = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
            return KernelSpec(argv=launch, language="python", display_name="Python 3")

    return ThisPython()


def close_loop() -> None:
    """Close the event loop that jupyter keeps for this thread, and never closes."""
    from jupyter_core.utils import ensure_event_loop

    ensure_event_loop().close()

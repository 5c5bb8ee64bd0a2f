"""How long `make site` takes after installation: cold, unchanged, and with one chart's code changed.

    make bench

Works on a copy of the project in a temporary folder, so nothing here is touched; writes build/bench/site.json with
cold_s, unchanged_s and one_chart_s (wall seconds of `strata run digits` and `strata render` together).
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CHART = "report/figures/live_by_depth.py"


def make_site(project: Path) -> float:
    """Seconds of one `make site` without its installation part."""
    environment = os.environ | {"STRATA_ROOT": str(project), "PYTHONPATH": str(project), "OMP_WAIT_POLICY": "passive"}
    started = time.perf_counter()
    for command in (["run", "digits"], ["render"]):
        subprocess.run([sys.executable, "-m", "analysis", *command], cwd=project, env=environment, check=True)
    return time.perf_counter() - started


def main() -> None:
    """Measure and write."""
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder) / "strata"
        skip = shutil.ignore_patterns(".venv", ".git", "_site", "build", "runs", "_generated", "generated", ".*_cache")
        shutil.copytree(ROOT, project, ignore=skip)
        cold = make_site(project)
        unchanged = make_site(project)
        chart = project / CHART
        # a change of code, not of a comment: comments do not count
        before = chart.read_text()
        after = before.replace("domain=(0, 1)", "domain=(0, 1.01)")
        if before == after:
            raise SystemExit(f"{CHART} no longer holds what this benchmark changes")
        chart.write_text(after)
        one_chart = make_site(project)
    result = {
        "cold_s": round(cold, 1),
        "unchanged_s": round(unchanged, 1),
        "one_chart_s": round(one_chart, 1),
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
    }
    target = ROOT / "build" / "bench" / "site.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result))


if __name__ == "__main__":
    main()

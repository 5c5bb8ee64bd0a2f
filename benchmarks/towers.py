"""How long the tracked experiments take from nothing: `strata run` in an empty folder, with seconds by stage.

    make bench-towers                      towers and collapse
    make bench-towers ARGS="schedules"     others, by name

Works on a copy of the project in a temporary folder; writes build/bench/towers.json. Run it on an idle machine: the
wall clock is what counts, and anything else that runs takes a core away.
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
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DEFAULT = ("towers", "collapse")


def measure(name: str) -> dict[str, object]:
    """Wall seconds of one experiment from nothing, and the core seconds of each kind of stage."""
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder) / "strata"
        project.mkdir()
        shutil.copy(ROOT / "_quarto.yml", project)
        for part in ("digits", "experiments"):
            shutil.copytree(ROOT / "data" / part, project / "data" / part)
        environment = os.environ | {"STRATA_ROOT": str(project), "OMP_WAIT_POLICY": "passive"}
        started = time.perf_counter()
        subprocess.run([sys.executable, "-m", "analysis", "run", name], cwd=ROOT, env=environment, check=True)
        wall = time.perf_counter() - started
        stages: dict[str, float] = defaultdict(float)
        for manifest in (project / "data" / "runs").glob("*/*/manifest.json"):
            content = json.loads(manifest.read_text())
            if "stage" in content:  # the collected tables have a manifest without one
                stages[content["stage"]] += content["seconds"]
    return {"wall_s": round(wall), "core_s": {stage: round(seconds) for stage, seconds in sorted(stages.items())}}


def main() -> None:
    """Measure and write."""
    names = sys.argv[1:] or DEFAULT
    result = {
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
        **{name: measure(name) for name in names},
    }
    target = ROOT / "build" / "bench" / "towers.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result))


if __name__ == "__main__":
    main()

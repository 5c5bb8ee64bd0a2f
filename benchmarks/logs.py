"""How long `strata logs` takes for a thousand logs: nothing read before, and again after one of them changed.

    make bench-logs

The logs are the hand-made ones of tests/gold, over and over with words exchanged, each with a day of its own; both
times are those of the whole command, imports included. Writes build/bench/logs.json.
"""

from __future__ import annotations

import json
import os
import platform
import random
import shutil
import subprocess
import sys
import tempfile
import time
from datetime import date, timedelta
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOGS = 1000
REPEATS = 3


def write_logs(folder: Path) -> None:
    """A thousand logs, the same ones every time."""
    dice = random.Random(0)
    sources = sorted(path for path in (ROOT / "tests/gold").rglob("*") if path.suffix in (".md", ".txt"))
    texts = [path.read_text(encoding="utf-8") for path in sources]
    words = sorted({word for text in texts for word in text.split() if word.isalpha()})
    for number in range(LOGS):
        day = date(2020, 1, 1) + timedelta(days=number)
        lines = texts[number % len(texts)].splitlines()
        kept = [line for line in lines if not line.lower().startswith(("date:", "---"))]
        changed = [_exchanged(line, words, dice) for line in kept]
        (folder / f"{day}-log.md").write_text("\n".join(changed), encoding="utf-8")


def _exchanged(line: str, words: list[str], dice: random.Random) -> str:
    """A quarter of the plain words of a bullet exchanged; headings and links stay."""
    if line.lstrip()[:1] not in ("-", "*", "+") or "](" in line:
        return line
    return " ".join(dice.choice(words) if part.isalpha() and dice.random() < 0.25 else part for part in line.split(" "))


def seconds(folder: Path) -> float:
    """Wall seconds of the command."""
    started = time.perf_counter()
    command = [sys.executable, "-m", "analysis", "logs", str(folder), "--format", "json"]
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - started


def main() -> None:
    """Measure and write: the median of three, each from nothing."""
    cold, again = [], []
    for _ in range(REPEATS):
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary) / "logs"
            folder.mkdir()
            write_logs(folder)
            cold.append(seconds(folder))
            changed = sorted(folder.iterdir())[LOGS // 2]
            changed.write_text(changed.read_text(encoding="utf-8") + "\n- one more thing\n", encoding="utf-8")
            again.append(seconds(folder))
    shutil.rmtree(ROOT / "build" / "logs", ignore_errors=True)
    result = {
        "logs": LOGS,
        "cold_s": round(sorted(cold)[REPEATS // 2], 1),
        "one_changed_s": round(sorted(again)[REPEATS // 2], 1),
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
    }
    target = ROOT / "build" / "bench" / "logs.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result))


if __name__ == "__main__":
    main()

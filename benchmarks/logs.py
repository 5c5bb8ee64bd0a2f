"""What `strata logs` costs: a thousand logs cold and after one changed, ten thousand, and one file of alike bullets.

    make bench-logs

The thousand are the hand-made logs of tests/gold, over and over with words exchanged, each with a day of its own; the
ten thousand are of made-up words. Costs are those of the whole command, imports included: seconds of CPU, of all cores
together, and the most memory it held. Goals: 30 s and 500 MB for the ten thousand, 20 s for 10 MB of bullets. Writes
build/bench/logs.json.
"""

from __future__ import annotations

import json
import os
import platform
import random
import re
import shutil
import subprocess
import sys
import tempfile
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


_SYLLABLES = re.findall(r"\w+", "ba ke lo mi tru san del or qua fi ness pre ton ul ra ve gri po sta en")
_COMMON = re.findall(r"\w+", "the a of is with for and to in on layer loss model width depth sparse latent seed")


def write_varied(folder: Path, count: int) -> None:
    """So many logs of made-up words among common ones, 26 lines each, the same ones every time."""
    dice = random.Random(1)
    vocabulary = ["".join(dice.choices(_SYLLABLES, k=dice.randint(2, 4))) for _ in range(20_000)]

    def words(number: int) -> str:
        return " ".join(dice.choice(_COMMON if dice.random() < 0.5 else vocabulary) for _ in range(number))

    for number in range(count):
        day = date(2000, 1, 1) + timedelta(days=number)
        lines = [f"# Log {number}", "", f"Date: {day}", "", "## Work Done"]
        lines += [f"- trained {words(8)}" for _ in range(4)]
        lines += ["", "## Questions", *(f"- why does {words(8)}?" for _ in range(3))]
        lines += ["", "## Next Steps", *(f"- plot {words(8)}\n    - {words(5)}" for _ in range(3))]
        lines += [
            "",
            "## Learnings",
            f"- {words(9)}",
            f"- {words(7)}",
            "",
            f"{words(12)}. I found that {words(6)}.",
            "",
        ]
        (folder / f"{day}-log.md").write_text("\n".join(lines), encoding="utf-8")


def write_bullets(folder: Path, size: int) -> None:
    """One file of so many bytes: bullets that differ in a number and a word."""
    dice = random.Random(2)
    lines = ["## Work Done"]
    left = size
    while left > 0:
        lines.append(f"- trained the {dice.choice(_SYLLABLES)} model of width {dice.randrange(10**6)} on all layers")
        left -= len(lines[-1]) + 1
    (folder / "bullets.md").write_text("\n".join(lines), encoding="utf-8")


def cost(folder: Path, form: str = "json") -> tuple[float, int]:
    """Seconds of CPU and megabytes of the command."""
    command = [sys.executable, "-m", "analysis", "logs", str(folder), "--format", form]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return round(used.ru_utime + used.ru_stime, 1), round(used.ru_maxrss / 1024)


def main() -> None:
    """Measure and write: of the thousand the median of three, each from nothing."""
    cold, again = [], []
    for _ in range(REPEATS):
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary) / "logs"
            folder.mkdir()
            write_logs(folder)
            cold.append(cost(folder)[0])
            changed = sorted(folder.iterdir())[LOGS // 2]
            changed.write_text(changed.read_text(encoding="utf-8") + "\n- one more thing\n", encoding="utf-8")
            again.append(cost(folder)[0])
    result: dict[str, object] = {
        "logs": LOGS,
        "cold_cpu_s": sorted(cold)[REPEATS // 2],
        "one_changed_cpu_s": sorted(again)[REPEATS // 2],
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
    }
    for name, write in (
        ("ten_thousand", lambda folder: write_varied(folder, 10_000)),
        ("bullets_10_mb", lambda folder: write_bullets(folder, 9_900_000)),
    ):
        for form in ("json", "md"):
            with tempfile.TemporaryDirectory() as temporary:
                write(Path(temporary))
                result[f"{name}_{form}_cpu_s"], result[f"{name}_{form}_mb"] = cost(Path(temporary), form)
    shutil.rmtree(ROOT / "build" / "logs", ignore_errors=True)
    target = ROOT / "build" / "bench" / "logs.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()

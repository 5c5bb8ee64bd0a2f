"""Kill process groups when the process that started them is gone. Run as a script; see `analysis.system.children`.

Reads lines `+PID` (watch this group) and `-PID` (no longer) from standard input until it ends, which it does however
the other side ends: even a kill that no program can handle closes its pipes.
"""

import contextlib
import os
import signal
import sys


def main() -> None:
    """Watch until the pipe closes, then kill what is still watched."""
    watched: set[int] = set()
    for line in sys.stdin:
        number = int(line[1:])
        if line.startswith("+"):
            watched.add(number)
        else:
            watched.discard(number)
    for group in watched:
        with contextlib.suppress(OSError):  # gone since
            os.killpg(group, signal.SIGKILL)


if __name__ == "__main__":
    main()

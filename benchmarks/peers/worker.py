"""The parent's side of a benchmark process: start a driver, ask it for steps, hear of its end.

All processes get the same environment. Its allocator settings keep freed memory in the process: a dense step frees
and asks again for gigabytes, and page faults would otherwise be a good part of its time (README.md has the measure).
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import subprocess
from typing import Any

from benchmarks.peers.implementations import BUILD, ROOT, Implementation, PeerError, python_of, tail

# A step of a dense peer at 32,768 latents takes seconds; an answer that takes longer than this will not come.
PATIENCE = 900

# No mmap at all: a threshold alone, however large, leaves thousands of faults a step. The last line asks for huge
# pages.
KEEP_MEMORY = {
    "MALLOC_MMAP_MAX_": "0",
    "MALLOC_TRIM_THRESHOLD_": str(2**40),
    "MALLOC_TOP_PAD_": str(64 * 2**20),
    "MALLOC_ARENA_MAX": "1",
    "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1",
}


class Worker:
    """One implementation's process. Every method raises PeerError when the process has failed."""

    def __init__(self, name: str, implementation: Implementation, options: dict[str, Any], keep_memory: bool) -> None:
        python = python_of(implementation)
        script = ROOT / "benchmarks" / "peers" / f"{implementation.driver}.py"
        receiver, sender = os.pipe()
        settings = options | {"variant": implementation.variant, "answers": sender}
        arguments = [f"--{key}={value}" for key, value in settings.items() if value is not None]
        environment = os.environ | {
            "PYTHONPATH": str(ROOT),
            "CUDA_VISIBLE_DEVICES": "",
            "OMP_NUM_THREADS": str(options["threads"]),
            "MKL_NUM_THREADS": str(options["threads"]),
            "OMP_WAIT_POLICY": "passive",
        }
        self.log = BUILD / "peers-logs" / f"{name}-{options['latents']}.txt"
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self.answers = os.fdopen(receiver)
        with self.log.open("w") as output:
            # -P: a driver is named after its library, and must not find itself when it imports it
            self.process = subprocess.Popen(
                [str(python), "-P", str(script), *arguments],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=output,
                pass_fds=(sender,),
                text=True,
                cwd=ROOT,
                env=environment | (KEEP_MEMORY if keep_memory else {}),
            )
        os.close(sender)  # so that the driver's end is the end of its answers
        self.name = name
        self.versions = self.heard()

    def ask(self, command: str) -> dict[str, Any]:
        """Send one command and wait for its answer."""
        assert self.process.stdin
        try:
            self.process.stdin.write(command + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            raise self.failure("has ended") from None
        return self.heard()

    def heard(self) -> dict[str, Any]:
        """The next answer."""
        # one line answers one command, so nothing is left in the buffer that select could not see
        if not select.select([self.answers], [], [], PATIENCE)[0]:
            raise self.failure(f"gave no answer for {PATIENCE} s")
        line = self.answers.readline()
        if not line:
            raise self.failure("has ended")
        return json.loads(line)

    def failure(self, what: str) -> PeerError:
        """End the process; the error holds the end of its standard error."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(5)  # it may be ending by itself, and its own exit code says more than ours
        self.close()
        return PeerError(f"{self.name} {what} (exit code {self.process.returncode})\n{tail(self.log.read_text())}")

    def close(self) -> None:
        """End the process, whatever it is doing."""
        assert self.process.stdin
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.answers.close()
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()

"""How a command ends when it is told to: Ctrl-C, SIGTERM and SIGHUP alike, within seconds, with 128 + n.

The signal interrupts what the command does, so that half-written things are cleared away on the way out. Whatever
does not get out of its way within some seconds (a pool that waits for its threads) is left standing: then all
children are killed and the process ends at once. So does a second signal.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from typing import NoReturn

from analysis.system import children

NAMES = ("SIGINT", "SIGTERM", "SIGHUP")
GRACE_SECONDS = 5.0
_received: list[int] = []
_said = threading.Lock()  # taken once and never given back: one line, whoever comes first


def install() -> None:
    """From here on the signals end this process; one that is ignored (`nohup`, `&` in a script) stays ignored."""
    for name in NAMES:
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, _stop)


def _uninstall() -> None:
    """In a process that was forked (a worker of joblib's `multiprocessing`): its parent tells it when to end."""
    _received.clear()
    for name in NAMES:
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is _stop:
            signal.signal(number, signal.default_int_handler if name == "SIGINT" else signal.SIG_DFL)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_uninstall)


def received() -> int:
    """The number of the signal that has come; 0: none."""
    return _received[0] if _received else 0


def leave() -> NoReturn:
    """End as the signal asked: children killed, one line on standard error, exit code 128 + n."""
    children.kill_all()
    _say()
    sys.exit(128 + received())


def _stop(number: int, frame: object) -> None:
    if _received:  # asked twice: at once
        _leave_now()
    _received.append(number)
    timer = threading.Timer(GRACE_SECONDS, _leave_now)
    timer.daemon = True
    timer.start()
    raise KeyboardInterrupt


def _leave_now() -> NoReturn:
    children.kill_all()
    _say()
    os._exit(128 + received())


def _say() -> None:
    if _said.acquire(blocking=False):
        name = signal.Signals(received()).name
        line = f"stopped by {name}: what was finished is kept, and the same command goes on from there\n"
        with contextlib.suppress(OSError):  # the terminal is gone: that was the signal
            os.write(2, line.encode())

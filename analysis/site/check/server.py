"""The site served to this machine while it is checked."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Any

from analysis.site.serve import Handler, Server


class Quiet(Handler):
    """The site's server without its log, and without anything outside the site's own path, as on its real host."""

    def send_head(self) -> Any:
        """The file that is asked for, or the page for what is not there."""
        if not self.path.startswith(self.base):
            self.send_error(HTTPStatus.NOT_FOUND)
            return None
        return super().send_head()

    def log_message(self, format: str, *words: Any) -> None:
        """Say nothing."""


@contextlib.contextmanager
def served(folder: Path, base: str) -> Iterator[str]:
    """The address at which `folder` is served on 127.0.0.1: under `base`, the site's own path, and nowhere else."""
    server = Server(("127.0.0.1", 0), partial(Quiet, base=base, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}{base}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()

"""Serve the rendered site to this machine only, as GitHub Pages would: also under its path, and with its 404 page.

What stands beside the site stays there: no link out of it is followed, no dot file sent, no folder listed. Only who
asks for this machine by name is answered, so that no page of another host can read the site through a name of its own;
and who asks for nothing, or takes for ever, is hung up on.
"""

from __future__ import annotations

import contextlib
import socket
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes, urlsplit

from analysis.plan.paths import Paths
from analysis.site.inside import refusal
from analysis.site.project import NOT_FOUND_PAGE, base_of, site_url
from sae.errors import RenderError

NAMES = ("localhost", "127.0.0.1", "[::1]")
SECONDS = 60.0
"""The longest that a connection may last, and half of it in silence."""
CONNECTIONS = 64
"""At a time, each with a thread; the longest silent one makes room for another."""


@dataclass
class _Open:
    """A connection that is being answered."""

    since: float
    asked: bool = False
    """Whether its request has been read."""


class Server(ThreadingHTTPServer):
    """Answers at most `CONNECTIONS` connections at a time, each for at most `SECONDS`."""

    request_queue_size = 128  # five, the default, are fewer than one browser opens at a time
    daemon_threads = True

    def __init__(self, *words: Any, **settings: Any) -> None:
        self._open: dict[socket.socket, _Open] = {}
        self._lock = threading.Lock()
        super().__init__(*words, **settings)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Answer in a thread of its own, where need be in the place of the longest silent one."""
        with self._lock:
            if len(self._open) >= CONNECTIONS:
                self._hang_up(min(self._open, key=lambda one: (self._open[one].asked, self._open[one].since)))
            self._open[request] = _Open(time.monotonic())
        super().process_request(request, client_address)

    def asked(self, request: Any) -> None:
        """Note that a connection has said what it wants."""
        with self._lock:
            if request in self._open:
                self._open[request].asked = True

    def shutdown_request(self, request: Any) -> None:
        """Forget a connection that has been answered."""
        with self._lock:
            self._open.pop(request, None)
        super().shutdown_request(request)

    def service_actions(self) -> None:
        """Called every half second or so: hang up on what lasts too long."""
        late = time.monotonic() - SECONDS
        with self._lock:
            for request in [one for one, state in self._open.items() if state.since < late]:
                self._hang_up(request)

    def _hang_up(self, request: socket.socket) -> None:
        """End a connection from this side, which ends the thread that waits for it."""
        del self._open[request]
        with contextlib.suppress(OSError):  # the other side was faster
            request.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A browser that leaves a page hangs up on what it no longer needs: no error of ours. All else is told."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class Handler(SimpleHTTPRequestHandler):
    """Serves files below `directory` and nothing else.

    A file is found at the host's root and under `base` (`/strata/`), where `404.html` looks for what it needs.
    """

    timeout = SECONDS / 2

    def __init__(self, *words: Any, base: str = "/", **settings: Any) -> None:
        self.base = base  # before the rest, which answers the request
        super().__init__(*words, **settings)

    def parse_request(self) -> bool:
        """Read the request; False where it has been refused."""
        if not super().parse_request():
            return False
        if isinstance(self.server, Server):
            self.server.asked(self.connection)
        port = self.connection.getsockname()[1]
        hosts = self.headers.get_all("Host", [])
        if len(hosts) != 1 or hosts[0].strip().lower() not in {f"{name}:{port}" for name in NAMES}:
            self.send_error(HTTPStatus.MISDIRECTED_REQUEST, f"Only http://127.0.0.1:{port} is served here")
            return False
        if not _is_path(self.path):
            self.send_error(HTTPStatus.BAD_REQUEST, "No name of a file")
            return False
        return True

    def translate_path(self, path: str) -> str:
        """The file that is asked for."""
        return super().translate_path("/" + path.removeprefix(self.base) if path.startswith(self.base) else path)

    def send_head(self) -> Any:
        """The file that is asked for, or the page for what is not there."""
        found, home = Path(self.translate_path(self.path)), Path(self.directory)
        name = found.relative_to(home).as_posix()
        # the site's own folder may be a link; it has no name in itself
        if (name != "." and refusal(home, name)) or (found.is_dir() and refusal(home, f"{name}/index.html")):
            self.send_error(HTTPStatus.NOT_FOUND)
            return None
        return super().send_head()

    def list_directory(self, path: Any) -> None:
        """A folder without a page is nothing to look at, as on the real host."""
        self.send_error(HTTPStatus.NOT_FOUND)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """What is not there is answered by the site's own page for it."""
        page = Path(self.directory) / NOT_FOUND_PAGE
        if code != HTTPStatus.NOT_FOUND or refusal(page.parent, page.name) or not page.is_file():
            super().send_error(code, message, explain)
            return
        body = page.read_bytes()
        self.send_response(code)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def _is_path(address: str) -> bool:
    """Whether a request names a path that a file can have: text, without characters that steer."""
    if not address.startswith("/"):
        return False
    try:
        path = unquote_to_bytes(urlsplit("//x" + address).path).decode()
    except ValueError:  # not UTF-8, or no address at all
        return False
    return all(sign.isprintable() for sign in path)


RELOAD = "/.strata-preview"
"""Where a page asks for the number of the site that is there now; no file of a site has a dot in front."""
_SCRIPT = """<script>(() => {{
  const ask = () => fetch("{at}").then((answer) => answer.text()).catch(() => "{now}");
  setInterval(async () => {{ if (await ask() !== "{now}") location.reload(); }}, 400);
}})()</script>"""


class PreviewHandler(Handler):
    """As `Handler`, and pages load themselves again when the site is another one."""

    version: Callable[[], int]

    def __init__(self, *words: Any, version: Callable[[], int], **settings: Any) -> None:
        self.version = version
        super().__init__(*words, **settings)

    def do_GET(self) -> None:
        """A page with the script behind it, the number, or a file."""
        file = Path(self.translate_path(self.path))
        try:
            folder = file.is_dir()
        except OSError:  # a name longer than a file can have
            self.send_error(HTTPStatus.NOT_FOUND)
            return
        if self.path == RELOAD:
            self._send(str(self.version()).encode(), "text/plain")
        elif file.suffix == ".html" or folder:
            self._page(file / "index.html" if folder else file)
        else:
            super().do_GET()

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Not each: pages ask twice a second."""

    def _page(self, file: Path) -> None:
        name = file.relative_to(Path(self.directory)).as_posix()
        if refusal(Path(self.directory), name) or not file.is_file():
            self.send_error(HTTPStatus.NOT_FOUND)
            return
        script = _SCRIPT.format(at=RELOAD, now=self.version())
        body = file.read_bytes()  # of any encoding: the script is ASCII
        self._send(body.replace(b"</body>", f"{script}</body>".encode()), "text/html; charset=utf-8")

    def _send(self, body: bytes, kind: str) -> None:
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", kind)
        self.send_header("Cache-Control", "no-store")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def serve(paths: Paths, port: int, version: Callable[[], int] | None = None) -> Server:
    """A server bound to 127.0.0.1 for `_site`; port 0 takes a free one. With `version`, the number of the site that is
    there now, pages load themselves again when it changes. Raises RenderError when there is no site."""
    if not (paths.site / "index.html").exists():
        raise RenderError("there is no _site/index.html yet: run `make site`")
    settings: dict[str, Any] = {"base": base_of(site_url(paths.root)), "directory": str(paths.site)}
    handler = partial(PreviewHandler, version=version, **settings) if version else partial(Handler, **settings)
    try:
        return Server(("127.0.0.1", port), handler)
    except (OSError, OverflowError) as error:
        raise RenderError(f"cannot serve on port {port}: {error}") from error

"""Serve the rendered site to this machine only, as GitHub Pages would: also under its path, and with its 404 page."""

from __future__ import annotations

from functools import partial
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from analysis.paths import Paths
from analysis.site.project import NOT_FOUND_PAGE, base_of, site_url
from sae.errors import RenderError


class Handler(SimpleHTTPRequestHandler):
    """Serves files below `directory` and nothing else: it resolves `..` before it looks, and lists no folder outside.

    A file is found at the host's root and under `base` (`/strata/`), where `404.html` looks for what it needs.
    """

    def __init__(self, *words: Any, base: str = "/", **settings: Any) -> None:
        self.base = base  # before the rest, which answers the request
        super().__init__(*words, **settings)

    def translate_path(self, path: str) -> str:
        """The file that is asked for."""
        return super().translate_path("/" + path.removeprefix(self.base) if path.startswith(self.base) else path)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """What is not there is answered by the site's own page for it."""
        page = Path(self.directory) / NOT_FOUND_PAGE
        if code != HTTPStatus.NOT_FOUND or not page.is_file():
            super().send_error(code, message, explain)
            return
        body = page.read_bytes()
        self.send_response(code)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def serve(paths: Paths, port: int) -> ThreadingHTTPServer:
    """A server bound to 127.0.0.1 for `_site`; port 0 takes a free one. Raises RenderError when there is no site."""
    if not (paths.site / "index.html").exists():
        raise RenderError("there is no _site/index.html yet: run `make site`")
    handler = partial(Handler, base=base_of(site_url(paths.root)), directory=str(paths.site))
    try:
        return ThreadingHTTPServer(("127.0.0.1", port), handler)
    except OSError as error:
        raise RenderError(f"cannot serve on port {port}: {error}") from error

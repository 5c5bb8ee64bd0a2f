"""Serve the rendered site to this machine only."""

from __future__ import annotations

from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

from analysis.paths import Paths
from sae.errors import RenderError


def serve(paths: Paths, port: int) -> ThreadingHTTPServer:
    """A server bound to 127.0.0.1 for `_site`; port 0 takes a free one. Raises RenderError when there is no site.

    The handler serves files below `_site` and nothing else: it resolves `..` before it looks, and lists no folder
    outside.
    """
    if not (paths.site / "index.html").exists():
        raise RenderError("there is no _site/index.html yet: run `make site`")
    handler = partial(SimpleHTTPRequestHandler, directory=str(paths.site))
    try:
        return ThreadingHTTPServer(("127.0.0.1", port), handler)
    except OSError as error:
        raise RenderError(f"cannot serve on port {port}: {error}") from error

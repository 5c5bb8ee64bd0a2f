"""What browser tests share: where the site is, and a page that complains when it asks another host or logs an error."""

from __future__ import annotations

import shutil
import threading
from functools import partial
from http.server import ThreadingHTTPServer

import pytest
from tests_root import CHECKOUT

from analysis.site.project import base_of, site_url
from analysis.site.serve import Handler

SITE = CHECKOUT / "_site"
CHROMIUM = shutil.which("chromium")
NEEDS = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium on PATH (Debian's package `chromium`)"),
    pytest.mark.skipif(not (SITE / "index.html").exists(), reason="no _site: run `make site`"),
]


def open_page(browser, base, name, width=1280, scheme="light", scripts=True):
    context = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme=scheme, java_script_enabled=scripts
    )
    page = context.new_page()
    page.complaints = []

    def route(request):
        if request.request.url.startswith(base):
            return request.continue_()
        page.complaints.append(f"asked another host: {request.request.url}")
        return request.abort()

    page.route("**/*", route)
    page.on("console", lambda m: page.complaints.append(m.text) if m.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    page.goto(base + name)
    return page


class Quiet(Handler):
    def log_message(self, *args):
        """Say nothing."""


@pytest.fixture(scope="module")
def base():
    server = ThreadingHTTPServer(
        ("127.0.0.1", 0), partial(Quiet, base=base_of(site_url(CHECKOUT)), directory=str(SITE))
    )
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        started = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield started
        started.close()

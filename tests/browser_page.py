"""What browser tests share: where the site is, and a page that complains when it asks another host or logs an error.

All of it is what `strata check` uses (`analysis/site/check/browser.py`), held by fixtures.
"""

from __future__ import annotations

import pytest
from tests_root import CHECKOUT

from analysis.site.check import browser as chromium
from analysis.site.check.server import served
from analysis.site.project import base_of, site_url
from sae.errors import RenderError

SITE = CHECKOUT / "_site"
NEEDS_CHROMIUM = [pytest.mark.browser, pytest.mark.usefixtures("chromium_program")]
NEEDS = [
    *NEEDS_CHROMIUM,
    pytest.mark.skipif(not (SITE / "index.html").exists(), reason="no _site: run `make site`"),
]


def open_page(browser, base, name, width=1280, scheme="light", scripts=True):
    """A page of the site, with a list of what was wrong since it was opened: `complaints`."""
    complaints = []
    page = chromium.open_page(
        browser,
        base,
        name,
        lambda kind, text: complaints.append(f"{kind}: {text}" if kind == "asked another host" else text),
        width=width,
        scheme=scheme,
        scripts=scripts,
    )
    page.complaints = complaints
    return page


@pytest.fixture(scope="session")
def chromium_program():
    """The browser that `strata check` would take, playwright's own too; a test without one is skipped."""
    try:
        return chromium.executable()
    except RenderError as missing:
        pytest.skip(str(missing))


@pytest.fixture(scope="module")
def base():
    """Where the site is served, under its own path and nowhere else."""
    with served(SITE, base_of(site_url(CHECKOUT))) as address:
        yield address


@pytest.fixture(scope="module")
def browser(chromium_program):
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        started = chromium.launch(play, chromium_program)
        yield started
        started.close()

"""One page in chromium: opened so that nothing leaves this machine, and asked what is wrong with it.

Commands and tests use these same functions. Playwright is imported where it is needed: that takes half a second.
"""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from sae.errors import RenderError

if TYPE_CHECKING:
    from playwright.sync_api import Browser, ConsoleMessage, Page, Playwright, Request, Response, Route

NAMES = ("chromium", "chromium-browser", "google-chrome")
"""What Debian and others call it, best first."""
MISSING = (
    "no chromium: install Debian's package `chromium`, or call `.venv/bin/playwright install chromium`; "
    "--no-browser leaves out what needs one"
)
HEIGHT = 900
WAIT_MS = 15_000
"""How long a chart may take to become live, and a page to come to rest."""
Tell = Callable[[str, str], None]
"""Takes the kind of a complaint and its words."""

# A chart in a folded box or behind a tab is brought into sight as a reader would.
_REVEAL = """chart => {
  for (let at = chart; at; at = at.parentElement) {
    if (at.matches("details")) at.open = true;
    if (at.matches(".tab-pane:not(.active)")) document.getElementById(at.getAttribute("aria-labelledby"))?.click();
  }
}"""
# Scrolled to each time it is asked: what lies above may get its true height only once it has been near, and moves it.
_LIVE = """chart => {
  chart.scrollIntoView({ block: "center", behavior: "instant" });
  return !!chart.dataset.live;
}"""
# What sticks out to the right of the page; what scrolls inside a box of its own does not.
_STICKS_OUT = """width => [...document.body.querySelectorAll("*")].filter((one) => {
  if (one.getBoundingClientRect().right <= width + 1) return false;
  for (let at = one.parentElement; at && at !== document.body; at = at.parentElement) {
    if (getComputedStyle(at).overflowX !== "visible") return false;
  }
  return true;
}).slice(0, 3).map((one) => one.tagName.toLowerCase() + (one.id ? "#" + one.id : "") +
  (one.classList.length ? "." + [...one.classList].join(".") : ""))"""

_IN_TEXT = "selector => !!document.querySelector(selector)?.closest('main')"


def executable() -> Path:
    """The browser: from PATH, else playwright's own where that is installed. Raises RenderError without one."""
    for name in NAMES:
        found = shutil.which(name)
        if found:
            return Path(found)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        own = Path(play.chromium.executable_path)
    if not own.is_file():
        raise RenderError(MISSING)
    return own


def launch(play: Playwright, program: Path) -> Browser:
    """Start it, able to run as root and without a graphics card; no name of another host leads anywhere in it."""
    unknown = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"  # also for what no route sees: sockets
    return play.chromium.launch(executable_path=str(program), args=["--no-sandbox", "--disable-gpu", unknown])


def open_page(
    browser: Browser,
    base: str,
    name: str,
    tell: Tell,
    *,
    width: int = 1280,
    scheme: str = "light",
    scripts: bool = True,
    asked: Callable[[str, str], None] | None = None,
) -> Page:
    """A page in a context of its own, so with nothing cached or kept; close it by `page.context.close()`.

    `base` ends with a slash. `tell` hears of every request to another host (which is stopped), of every request to this
    one outside of `base` (which finds nothing: the site has no other place on its host), of every request that fails,
    of errors and warnings in the console, and of errors that no script caught, from now until the page is closed.
    `asked` hears of every file of the site that is asked for, and of what kind it is (`script`, `image`).
    """
    context = browser.new_context(
        viewport={"width": width, "height": HEIGHT},
        color_scheme="dark" if scheme == "dark" else "light",
        java_script_enabled=scripts,
    )
    try:
        page = context.new_page()
        _listen(page, base, tell, asked)
        page.goto(base + name)
    except BaseException:
        context.close()  # nobody else has it
        raise
    return page


def _listen(page: Page, base: str, tell: Tell, asked: Callable[[str, str], None] | None) -> None:
    own = (base, "data:", "blob:", "about:")
    parts = urlsplit(base)
    host = f"{parts.scheme}://{parts.netloc}/"

    def stop(route: Route) -> None:
        url = route.request.url
        if url.startswith(host):
            tell("asked outside the site", "/" + url.removeprefix(host))
            route.fulfill(status=404)
        else:
            tell("asked another host", url)
            route.abort()

    def request(one: Request) -> None:
        if asked and one.url.startswith(base):
            asked(re.split(r"[?#]", one.url.removeprefix(base))[0], one.resource_type)

    def failed(one: Request) -> None:
        # a request that the browser itself gives up, since the page is left, is no failure of the site
        if one.url.startswith(base) and one.failure != "net::ERR_ABORTED":
            tell("failed request", f"Failed to load resource: {one.url.removeprefix(base)} ({one.failure})")

    def answered(one: Response) -> None:
        if one.status >= 400 and one.url.startswith(base):
            tell("failed request", f"Failed to load resource: {one.url.removeprefix(base)} ({one.status})")

    def said(one: ConsoleMessage) -> None:
        # the console repeats failed requests, without their addresses
        if one.type in ("error", "warning") and not one.text.startswith("Failed to load resource"):
            tell("console", f"{one.type}: {one.text}")

    page.route(lambda url: not url.startswith(own), stop)
    page.on("request", request)
    page.on("requestfailed", failed)
    page.on("response", answered)
    page.on("console", said)
    page.on("pageerror", lambda error: tell("page error", str(error)))
    page.on("websocket", lambda socket: tell("asked another host", socket.url))


def settle(page: Page) -> None:
    """Wait until nothing has been asked for during half a second."""
    page.wait_for_load_state("networkidle", timeout=WAIT_MS)


def holds(page: Page, condition: str, given: object = None, wait_ms: float = WAIT_MS) -> bool:
    """Whether `condition`, a function in the page's own language, comes to hold in time.

    It is asked again and again from out here: Playwright's own waiting compiles text inside the page, which the
    page's security policy may forbid.
    """
    end = time.monotonic() + wait_ms / 1000
    while not page.evaluate(condition, given):
        if time.monotonic() > end:
            return False
        page.wait_for_timeout(50)
    return True


def dead_charts(page: Page) -> list[str]:
    """Bring every chart into sight, one after another; the names of those that did not become live in time."""
    dead, wait_ms = [], WAIT_MS
    for chart in page.locator(".chart").element_handles():
        chart.evaluate(_REVEAL)
        if not holds(page, _LIVE, chart, wait_ms):
            dead.append(chart.get_attribute("data-chart") or "without a name")
            wait_ms = min(wait_ms, 2_000)  # what has not come so far is not on its way
    return dead


def missing_pictures(page: Page) -> list[str]:
    """On a page without scripts: the names of charts whose drawing does not stand there, 200 by 100 pixels at least."""
    missing = []
    for chart in page.locator(".chart").all():
        drawing = chart.locator("svg")
        box = drawing.first.bounding_box() if drawing.count() else None
        if not box or box["width"] <= 200 or box["height"] <= 100:
            missing.append(chart.get_attribute("data-chart") or "without a name")
    return missing


def too_wide(page: Page, width: int) -> str:
    """What makes the page scroll sideways, in words; empty where it does not."""
    wide = int(page.evaluate("document.documentElement.scrollWidth"))
    if wide <= width:
        return ""
    culprits = page.evaluate(_STICKS_OUT, width)
    return f"{wide} px wide" + (f": {', '.join(culprits)}" if culprits else "")


def violations(page: Page) -> list[tuple[str, str, bool]]:
    """What axe finds: the rule, what breaks it where, and whether that is in the text (`<main>`)."""
    from axe_playwright_python.sync_playwright import Axe

    found: list[dict[str, Any]] = Axe().run(page).response["violations"]
    told = []
    for one in found:
        inside: list[dict[str, Any]] = []
        outside: list[dict[str, Any]] = []
        for node in one["nodes"]:
            # in a frame or a shadow tree the first part says where that stands on the page
            first = node["target"][0]
            in_text = page.evaluate(_IN_TEXT, first if isinstance(first, str) else first[0])
            (inside if in_text else outside).append(node)
        for nodes, in_text in ((inside, True), (outside, False)):
            if nodes:
                told.append((str(one["id"]), f"{one['help']}: {_targets(nodes)}", in_text))
    return told


def _targets(nodes: list[dict[str, Any]], shown: int = 3) -> str:
    paths = [" ".join(str(part) for part in node["target"]) for node in nodes]
    # the whole way down to a mark of a chart says no more than its end, and differs from width to width
    names = [path if len(path) <= 80 else "… > " + " > ".join(path.split(" > ")[-2:]) for path in paths]
    rest = len(names) - shown
    return ", ".join(names[:shown]) + (f" and {rest} more" if rest > 0 else "")

"""How quickly the drawing page answers: from the first touch to the first answer, and at every step of a stroke.

    make bench-web

In headless chromium on the site that is there (`make site` first), in a context without a cache for each of five first
touches. Writes build/bench/web.json with ready_ms (median of the first touches, network files from this machine's disk)
and update_ms (median and largest of a hundred steps of strokes: the drawing made an image, both networks and towers
computed, the page brought up to date). Fails above 1,000 ms and 16 ms.
"""

from __future__ import annotations

import json
import os
import platform
import statistics
import sys
from pathlib import Path
from typing import Any

from analysis.site.check import browser as chromium
from analysis.site.check.server import served
from analysis.site.project import base_of, site_url

ROOT = Path(__file__).resolve().parent.parent
PAGE = "report/draw.html"
TOUCHES, STEPS = 5, 100
MOST_READY, MOST_UPDATE = 1000, 16
TOUCHED = """() => {
  const [end] = performance.getEntriesByName("draw update"), [begin] = performance.getEntriesByName("first touch");
  return end.startTime + end.duration - begin.startTime;
}"""
UPDATES = "() => performance.getEntriesByName('draw update').map((entry) => entry.duration)"


def opened(browser: Any, base: str) -> tuple[Any, dict[str, float]]:
    """The page, never seen before, and where its pad lies."""
    page = chromium.open_page(browser, base, PAGE, lambda kind, text: print(f"{kind}: {text}", file=sys.stderr))
    page.evaluate("""() => document.querySelector(".dr-pad canvas").addEventListener("pointerdown",
      () => performance.mark("first touch"), { once: true, capture: true })""")
    box: dict[str, float] = page.locator(".dr-pad canvas").bounding_box()
    return page, box


def first_touch(browser: Any, base: str) -> float:
    """Milliseconds from the first touch until the networks are there, tested, and the first answer is shown."""
    page, box = opened(browser, base)
    stroke(page, box, 30)
    page.locator(".dr[data-state=ready] .dr-depth").first.wait_for()
    found: float = page.evaluate(TOUCHED)
    page.context.close()
    return found


def updates(browser: Any, base: str) -> list[float]:
    """Milliseconds of each of the steps of strokes, once the page is ready."""
    page, box = opened(browser, base)
    stroke(page, box, 10)
    page.locator(".dr[data-state=ready] .dr-depth").first.wait_for()
    page.evaluate("performance.clearMeasures()")
    found: list[float] = []
    while len(found) < STEPS:
        stroke(page, box, 50)
        found = page.evaluate(UPDATES)
    page.context.close()
    return found[:STEPS]


def stroke(page: Any, box: dict[str, float], steps: int) -> None:
    """A stroke of that many steps, a frame each."""
    for step in range(steps + 1):
        share = step / steps
        page.mouse.move(
            box["x"] + (0.3 + 0.4 * share) * box["width"], box["y"] + (0.15 + 0.7 * share**2) * box["height"]
        )
        if not step:
            page.mouse.down()
        page.evaluate("() => new Promise(requestAnimationFrame)")
    page.mouse.up()


def main() -> None:
    """Measure, write, and fail where it takes too long."""
    from playwright.sync_api import sync_playwright

    with served(ROOT / "_site", base_of(site_url(ROOT))) as base, sync_playwright() as play:
        browser = chromium.launch(play, chromium.executable())
        ready = [first_touch(browser, base) for _ in range(TOUCHES)]
        update = updates(browser, base)
        browser.close()
    result = {
        "ready_ms": round(statistics.median(ready)),
        "update_ms": {"median": round(statistics.median(update), 1), "largest": round(max(update), 1)},
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
    }
    target = ROOT / "build" / "bench" / "web.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result))
    if statistics.median(ready) > MOST_READY or statistics.median(update) > MOST_UPDATE:
        raise SystemExit(f"too slow: at most {MOST_READY} ms until ready and {MOST_UPDATE} ms a step")


if __name__ == "__main__":
    main()

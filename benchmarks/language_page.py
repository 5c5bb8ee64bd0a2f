"""How quickly the page of language writes: from the first touch to the first token, and milliseconds a token.

    make bench-language-page

In headless chromium on the site that is there (`make site` first; the model is tracked in data/language/live), in a
context without a cache for each of three first touches. Writes build/bench/language_page.json with ready_ms (median of
the first touches: files fetched, the self-test passed, the first token shown) and token_ms (median over texts of 120
tokens, latents encoded for each; with a latent held up as well). Fails above 3,000 ms and 10 ms.
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
PAGE = "report/language-live.html"
TOUCHES, TEXTS = 3, 5
MOST_READY, MOST_TOKEN = 3000, 10
TOUCHED = """() => new Promise((done) => {
  const from = performance.now(), button = document.querySelector("[data-do=write]");
  new MutationObserver((_, seen) => { seen.disconnect(); done(performance.now() - from); }).observe(document.querySelector(".lm-text"), { childList: true });
  button.click();
})"""  # noqa: E501
PACE = "() => document.querySelector('.lm').page.pace"


def measured(base: str, browser: Any) -> tuple[list[float], list[float]]:
    """Milliseconds of each first touch, and a token of each text."""
    ready, token = [], []
    for _ in range(TOUCHES):
        page = chromium.open_page(browser, base, PAGE, lambda kind, text: print(f"{kind}: {text}", file=sys.stderr))
        ready.append(page.evaluate(TOUCHED))
        page.locator(".lm[data-done=written]").wait_for()
        if len(ready) == TOUCHES:
            page.locator("[data-set=count]").evaluate("(e) => { e.value = '120'; }")
            for _ in range(TEXTS):
                page.get_by_role("button", name="Roll other dice").click()
                page.locator(".lm[data-done=written]").wait_for()
                token.append(page.evaluate(PACE))
            page.locator(".lm-offer").first.click()
            page.get_by_role("button", name="Write again").click()
            page.locator(".lm[data-done=steered]").wait_for()
            token.append(page.evaluate(PACE))
        page.context.close()
    return ready, token


def main() -> None:
    """Measure, write, and fail where it takes too long."""
    from playwright.sync_api import sync_playwright

    if not (ROOT / "_site/report/assets/generated/language/union.json").is_file():
        raise SystemExit("no language model on the site: `strata export-language SAE`, then `make site`")
    with served(ROOT / "_site", base_of(site_url(ROOT))) as base, sync_playwright() as play:
        browser = chromium.launch(play, chromium.executable())
        ready, token = measured(base, browser)
        browser.close()
    result = {
        "ready_ms": round(statistics.median(ready)),
        "token_ms": round(statistics.median(token), 1),
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
    }
    target = ROOT / "build" / "bench" / "language_page.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result))
    if result["ready_ms"] > MOST_READY or result["token_ms"] > MOST_TOKEN:
        raise SystemExit(f"too slow: at most {MOST_READY} ms until ready and {MOST_TOKEN} ms a token")


if __name__ == "__main__":
    main()

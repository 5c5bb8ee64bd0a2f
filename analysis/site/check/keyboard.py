"""A walk through the site by keyboard alone: the skip link, the search, every table of latents, the explorer.

A step that does not arrive is a finding of its page, and ends the walk there. What is walked is known by what a page
holds; of what no page holds the report says so.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING

from analysis.site.check import browser as chromium
from analysis.site.check.agreement import SEARCH
from analysis.site.check.findings import Finding
from analysis.site.check.folder import EXPLORER, START, TABLE, Folder
from analysis.site.check.visits import crashed

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

KIND = "keyboard"
STEP_MS = 5_000
"""How long the page may take to answer a key."""
_AT = "selector => !!document.activeElement && document.activeElement.matches(selector)"
_FOCUSED = """() => {
  const at = document.activeElement;
  return at.tagName.toLowerCase() + (at.id ? "#" + at.id : "") + " " + at.textContent.trim().slice(0, 40);
}"""
# A word that is in the index for certain: of the title of the page.
_WORD = """() => [...document.querySelectorAll("main h1, h1")]
  .flatMap((title) => title.textContent.match(/\\p{L}{4,}/gu) || []).sort((a, b) => b.length - a.length)[0] || 'the'"""
_SHOWN = ".neurons tbody tr:not([hidden])"


class LostError(Exception):
    """The keyboard did not lead where it should; says how far it came. Always caught here, as a finding."""


def walks(folder: Folder) -> list[tuple[str, Callable[[Page], None]]]:
    """The walks that the site and the wanted pages have, each with the page where it begins."""
    found: list[tuple[str, Callable[[Page], None]]] = []
    # all pages have one shell, so that any of them shows it; the start page where it is to be checked
    whole = [name for name in folder.wanted if folder.pages[name].main]
    explored = set(folder.holding(EXPLORER))
    for walk, pages in (
        (skip_link, whole),
        # in the explorer the key / is its own, of latents
        (search, [name for name in whole if SEARCH in folder.pages[name].loaded and name not in explored]),
    ):
        found += [(START if START in pages else pages[0], walk)] if pages else []
    found += [(name, table) for name in sorted(folder.holding(TABLE))]
    return found + [(name, explorer) for name in sorted(folder.holding(EXPLORER))]


def names(folder: Folder) -> list[str]:
    """What is walked, in words: the pages, and the search."""
    return list(dict.fromkeys("search" if walk is search else name for name, walk in walks(folder)))


def left_out(folder: Folder) -> dict[str, str]:
    """What is not walked, with the reason."""
    walked = {walk for _, walk in walks(folder)}
    reasons = {
        skip_link: ("keyboard past the navigation", "no page has a <main>"),
        search: ("keyboard in the search", f"no page that is not the explorer loads {SEARCH}"),
        table: ("keyboard in a table of latents", "no page has one"),
        explorer: ("keyboard in the explorer", "no page has it"),
    }
    return dict(reason for walk, reason in reasons.items() if walk not in walked)


def findings(browser: Browser, base: str, folder: Folder) -> list[Finding]:
    """Walk; what stopped the walk, and what the pages complained of on the way."""
    found = []
    for name, walk in walks(folder):
        said: list[Finding] = []
        page = chromium.open_page(browser, base, name, _hear(name, said))
        page.set_default_timeout(STEP_MS)
        try:
            chromium.settle(page)
            walk(page)
        except LostError as error:
            # Quarto's pages have no skip link of their own, and their shell is not ours
            found.append(Finding(name, KIND, str(error), note=folder.by_quarto and walk is skip_link))
        except Exception as error:
            found.append(crashed(name, error))
        finally:
            page.context.close()
        found += said
    return found


def _hear(page: str, said: list[Finding]) -> Callable[[str, str], None]:
    return lambda kind, text: said.append(Finding(page, kind, f"{text} (on the walk by keyboard)"))


def skip_link(page: Page) -> None:
    """The first stop of Tab leads past the navigation to the text."""
    page.keyboard.press("Tab")
    if not page.evaluate(_AT, "a[href^='#']"):
        raise LostError(f"the first stop of Tab is no link on the page, but {page.evaluate(_FOCUSED)!r}")
    page.keyboard.press("Enter")
    _await(page, _AT, "main", "Enter on the first link does not move the focus to the text (<main>)")


def search(page: Page) -> None:
    """Open the search by its key, type a word of the page's title, and wait for a place that has it."""
    word = page.evaluate(_WORD)
    page.keyboard.press("/")
    _await(page, _AT, "#search-words", "the key / does not open the search")
    page.keyboard.type(word)
    if not chromium.holds(page, _MATCHES, ".search-dialog li a", chromium.WAIT_MS):
        says = page.locator(".search-dialog [role=status]").all_inner_texts()
        raise LostError(f"the search for {word!r} finds nothing; it says {' '.join(says)!r}")


def table(page: Page) -> None:
    """Sort by a column, choose a class that some row has, follow a row's link where rows have one."""
    column = "th[data-key=precision]"
    tab_to(page, f"{column} button", "the column `precision` of the table")
    page.keyboard.press("Enter")
    _await(page, "head => document.querySelector(head).ariaSort !== 'none'", column, "Enter does not sort the column")
    wanted = page.evaluate(_CLASS)
    chip = f"button[name=class][value={json.dumps(wanted)}]" if wanted else "button[name=class]"
    tab_to(page, chip, "a class to filter by", back=True)
    wanted = page.evaluate("document.activeElement.value")
    page.keyboard.press("Space")
    _await(
        page,
        f"wanted => [...document.querySelectorAll('{_SHOWN}')].every((row) => row.dataset.class === wanted)",
        wanted,
        f"the space bar on class {wanted} leaves rows of other classes",
    )
    if page.locator(f"{_SHOWN} th a").count():  # a site without an explorer has nowhere to lead
        tab_to(page, f"{_SHOWN} th a", "the link of a row")
        _follow(page)


def explorer(page: Page) -> None:
    """Choose a depth, go to a latent, walk to one that it is made of or goes into, as far as there are some."""
    page.locator(".xp h2", has_not_text="Loading").wait_for()
    if wanted := page.evaluate(_DEPTH):
        button, before = f".xp [data-level='{wanted}']", page.locator(".xp-where").text_content()
        tab_to(page, button, f"the button of depth {wanted}")
        page.keyboard.press("Enter")
        _await(page, _MATCHES, f"{button}[aria-pressed=true]", f"Enter does not choose depth {wanted}")
        _await(page, _DIFFERS, before, f"depth {wanted} shows no latent of its own")
    if page.locator(".xp ol a").count() > 1:
        # the list is one stop of Tab, and arrows walk it
        tab_to(page, ".xp ol a", "the list of latents")
        before = page.locator(".xp-where").text_content()
        page.keyboard.press("ArrowRight")
        _await(page, _DIFFERS, before, "the right arrow does not lead to the next latent")
    for selector, name in (("[data-kin='p -1'] a", "a latent below"), ("[data-kin='u 1'] a", "a latent above")):
        if not page.locator(f".xp {selector}").count():
            continue
        tab_to(page, f".xp {selector}", name)
        before = page.locator(".xp-where").text_content()
        page.keyboard.press("Enter")
        _await(page, _DIFFERS, before, f"Enter on {name} does not lead there")
        _await(page, _AT, ".xp h2", f"after a step to {name} the focus is not on its name")


# The last class of a table's chips that some row has: Shift+Tab comes to it first.
_CLASS = """() => {
  const rows = new Set([...document.querySelectorAll(".neurons tbody tr")].map((row) => row.dataset.class));
  const chips = [...document.querySelectorAll("button[name=class]")].map((chip) => chip.value);
  return chips.filter((one) => rows.has(one)).pop() || "";
}"""
# A depth to choose: one that is not chosen and has others below and above it, where there is such a one.
_DEPTH = """() => {
  const all = [...document.querySelectorAll(".xp [data-level]")].sort((a, b) => a.dataset.level - b.dataset.level);
  const open = all.filter((one) => one.ariaPressed !== "true" && one.dataset.level !== "0");
  const between = open.filter((one) => one !== all[0] && one !== all[all.length - 1]);
  return ((between[0] || open[0] || {}).dataset || {}).level || "";
}"""
_MATCHES = "selector => !!document.querySelector(selector)"
_DIFFERS = "before => document.querySelector('.xp-where').textContent !== before"


def tab_to(page: Page, selector: str, what: str, *, back: bool = False, limit: int = 400) -> int:
    """Press Tab until the focus is on `selector`; how often. Raises LostError where it does not come there."""
    key = "Shift+Tab" if back else "Tab"
    for presses in range(1, limit + 1):
        page.keyboard.press(key)
        if page.evaluate(_AT, selector):
            if not page.evaluate("document.activeElement.checkVisibility()"):
                raise LostError(f"the focus is on {what}, which is not to be seen")
            return presses
        if presses > 1 and page.evaluate("document.activeElement === document.body"):
            raise LostError(f"{key} leaves the page after {presses} presses without coming to {what}")
    raise LostError(f"{limit} presses of {key} do not lead to {what}; the focus is on {page.evaluate(_FOCUSED)!r}")


def _await(page: Page, condition: str, given: object, otherwise: str) -> None:
    if not chromium.holds(page, condition, given, STEP_MS):
        raise LostError(f"{otherwise}; the focus is on {page.evaluate(_FOCUSED)!r}")


def _follow(page: Page) -> None:
    """Press Enter on the link that has the focus."""
    from playwright.sync_api import TimeoutError as TooLate

    target = str(page.evaluate("document.activeElement.href"))
    page.keyboard.press("Enter")
    try:
        page.wait_for_url(lambda url: url == target, timeout=STEP_MS)
    except TooLate:
        raise LostError(f"Enter on a link does not lead to {target}, but to {page.url}") from None

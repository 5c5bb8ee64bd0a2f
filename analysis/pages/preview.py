"""`strata preview`: the site, made again and shown again whenever something that it is made of changes.

What changed decides how much is done: the words of a page are rendered, with all other pages kept as they were; for a
figure, a log, results, settings the build runs first, which draws what is out of date. A mistake is said, and the last
good site stays. By the embedded renderer, since it can keep what it knows; real Quarto has a preview of its own.
"""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from analysis.figures.asked import asked
from analysis.pages.build import sources
from analysis.pages.numbers import used
from analysis.plan import plugins
from analysis.plan.paths import MARK, Paths
from analysis.site import search
from analysis.site.embedded import Kept, render
from analysis.site.render import passed_over
from sae.errors import StrataError

EVERY = 0.25
"""Seconds between looks at the files: few enough that nobody waits, and some hundred files cost a hundredth of that."""
# What is made, or holds nothing that pages show.
_NOT_LOOKED_AT = {"_site", "_generated", "generated", "build", "runs", "downloads", "__pycache__", "lesswrong"}

State = dict[Path, tuple[int, int]]


@dataclass
class Preview:
    """A site that is made again when its sources change."""

    paths: Paths
    build: Callable[[], object]
    """Brings figures and parts up to date."""
    say: Callable[[str], None]
    version: int = 0
    """How often the site was made: a page that was loaded from an older one loads itself again."""
    _kept: Kept = field(default_factory=Kept)
    _asks: object = None
    _left_out: set[str] = field(default_factory=set)

    def make(self, built: bool = True) -> bool:
        """Make the site; without `built` only from what is there. False, with the mistake said, where it cannot be."""
        begun = time.perf_counter()
        try:
            asks = self._what_pages_ask()
            if built or asks != self._asks:
                plugins.forget(self.paths)  # a figure or plugin may have been written anew
                self.build()
            render(self.paths.root, self.paths.site, self._index, self._kept)
            self._asks = asks
        except (StrataError, OSError) as error:
            self.say(f"not made: {error}")
            self._asks = None  # the next change is built, whatever it is
            return False
        self.version += 1
        self._tell_passed_over()
        self.say(f"made in {time.perf_counter() - begun:.1f} s")
        return True

    def _tell_passed_over(self) -> None:
        """Say which pages the site leaves out, once each: who writes a page waits for it to appear."""
        now = set(passed_over(self.paths))
        for page in sorted(now - self._left_out):
            self.say(f"not rendered: {page}; the list `render` in {MARK} does not name it")
        self._left_out = now

    def begin(self, stop: threading.Event) -> bool:
        """Make it for the first time: a mistake is said, and the next change tried. False where `stop` came before."""
        seen = state(self.paths)  # before it is made: who mends it meanwhile has not to touch it again
        if self.make():
            return True
        self.say("waiting for the next change (Ctrl+C stops it)")
        return any(self.make() for _ in self._changes(stop, seen))

    def watch(self, stop: threading.Event) -> None:
        """Make it again at every change, until `stop`."""
        for changed in self._changes(stop, state(self.paths)):
            self.make(built=any(path.suffix not in (".qmd", ".css", ".js") for path in changed))

    def _changes(self, stop: threading.Event, seen: State) -> Iterator[set[Path]]:
        """What differs from `seen`, and then from what was told last, whenever something does; until `stop`."""
        while not stop.wait(EVERY):
            now = state(self.paths)
            changed = {path for path, _ in set(now.items()) ^ set(seen.items())}
            if changed:
                seen = now
                self.say(", ".join(sorted(self.paths.relative(path) for path in changed)[:5]))
                yield changed

    def _index(self, fresh: Path) -> None:
        """The search's index, which takes longer than a page: made once, and carried on."""
        old = self.paths.site / search.FOLDER
        if self.version and old.is_dir():
            shutil.copytree(old, fresh / search.FOLDER)
        else:
            search.index(fresh)

    def _what_pages_ask(self) -> object:
        """Figures and numbers: where none is new, the build would find nothing to do."""
        pages = sources(self.paths)
        calls = {(call.name, call.figure, call.arguments) for call in asked(pages, self.paths.root)}
        return calls, {name for name, _, _ in used(pages)}


def state(paths: Paths) -> State:
    """Time and size of every file that the site is made of."""
    found: State = {}
    for path in _files(paths):
        try:
            known = path.stat()
        except OSError:  # gone since it was listed
            continue
        found[path] = (known.st_mtime_ns, known.st_size)
    return found


def _files(paths: Paths) -> Iterator[Path]:
    yield from paths.root.glob("*.qmd")
    yield paths.root / MARK
    yield from (*paths.collected.glob("*/manifest.json"), *paths.tracked.glob("*/manifest.json"))
    for folder in (paths.report, paths.judgement, paths.logs, paths.plugins, paths.experiments):
        yield from _below(folder)


def _below(folder: Path) -> Iterator[Path]:
    if not folder.is_dir():
        return
    for path in folder.iterdir():
        if path.name in _NOT_LOOKED_AT or path.name.startswith("."):
            continue
        if path.is_dir():
            yield from _below(path)
        else:
            yield path

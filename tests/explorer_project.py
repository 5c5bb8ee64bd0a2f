"""A project with planted tables of several experiments whose latents were looked at, and a page with its explorer."""

from __future__ import annotations

import shutil
from pathlib import Path

from planted_tables import Planted, write
from tests_root import CHECKOUT

from analysis.pages.explorer import write_all
from analysis.plan.paths import Paths

# The site's own is in colour and has three classes; of the others one has no labels, one no images.
SETS = {
    "sea_shells": Planted(shape=(4, 6, 3), depths=2, seeds=1),
    "clouds": Planted(shape=(70, 70), classes=(), depths=3, seeds=1),
    "letters": Planted(shape=(), classes=("vowel", "consonant"), depths=1, seeds=1),
}
PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Explorer</title><link rel="icon" href="data:,">
<link rel="stylesheet" href="assets/theme.css"><link rel="stylesheet" href="assets/explorer.css">
<script defer src="assets/explorer.js"></script></head>
<body><main><div id="explorer"><p>It needs scripts.</p>{part}</div></main></body></html>"""


def project(root: Path, sets: dict[str, Planted] = SETS) -> Paths:
    """The first set is the site's own; the last one was tracked, those between were run here."""
    paths = Paths(root.resolve())
    paths.experiments.mkdir(parents=True)
    names = list(sets)
    for name, planted in sets.items():
        folder = paths.tracked if name == names[-1] and len(names) > 1 else paths.collected
        write(folder / name, planted, name)
        (paths.experiments / f"{name}.toml").write_text(f'title = "{name}"\n')
    return paths


def explored(paths: Paths, main: str = "sea_shells") -> dict[str, str]:
    """What the explorer's data are, by file below `explorer`, and its part of a page as `explorer.md`."""
    from analysis.results.tables import open_results

    texts: dict[str, str] = {}
    base = paths.built_assets / "explorer"

    def put(path: Path, text: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        texts[path.relative_to(base).as_posix() if path.is_relative_to(base) else path.name] = text

    write_all(open_results(main, paths), paths, put)
    return texts


def page(paths: Paths, part: str) -> None:
    """`report/explorer.html`, with scripts and styles, as a renderer would leave it."""
    for name in ("explorer.js", "explorer-map.js", "explorer.css", "theme.css"):
        shutil.copy(CHECKOUT / "report/assets" / name, paths.report / "assets" / name)
    html = part.removeprefix("```{=html}\n").removesuffix("\n```\n")
    (paths.report / "explorer.html").write_text(PAGE.replace("{part}", html))
    (paths.root / "index.html").write_text(PAGE.replace("{part}", ""))

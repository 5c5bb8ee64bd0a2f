"""The sets of examples that the explorer shows, one an experiment: which there are, their pictures, and the part of a
page that offers them. Free of torch."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from analysis.figures.explorer_links import OWN
from analysis.figures.image_sheets import blocks, mode
from analysis.pages.explorer_plain import check_plain
from analysis.plan.config import experiment_names
from analysis.plan.paths import MARK, Paths
from analysis.plan.project import explored
from analysis.plan.stage_folders import MANIFEST
from analysis.results.tables import Results, source
from analysis.site.jinja import environment
from analysis.system.stamps import Stamp, copy_if_other, key_of
from sae.errors import ConfigError

PART = "explorer"
"""What a page calls for: the explorer itself."""


@dataclass(frozen=True)
class ImageSet:
    """The examples of one experiment, with the latents that fire on them."""

    folder: str
    """Below `explorer`, and what an address says (`#set=...`)."""
    results: Results
    plain: bool = False
    """Whether nobody looked at its latents one by one: it is shown with the images of the site's own experiment."""

    @property
    def title(self) -> str:
        """What its button says."""
        return self.results.experiment.replace("_", " ").replace("-", " ").capitalize()

    @property
    def says(self) -> str:
        """What its experiment is about."""
        return str(self.results.manifest["title"])


def sets_of(main: Results, paths: Paths) -> list[ImageSet]:
    """The experiments whose latents were looked at: the site's own first, the others by their names, whether their
    tables are tracked or were made here.

    Raises ConfigError for another experiment that is called as the folder of the site's own.
    """
    tracked = {path.parent.name for path in paths.tracked.glob(f"*/{MANIFEST}")}
    here = {path.parent.name for path in paths.collected.glob(f"*/{MANIFEST}")}
    names = (tracked | here & set(experiment_names(paths.experiments))) - {main.experiment}
    others = [ImageSet(name, source(main, name, paths)) for name in sorted(names)]
    found = [one for one in (ImageSet(OWN, main), *others) if one.results.looked]
    for name in explored(paths) if (paths.root / MARK).exists() else []:
        if all(one.results.experiment != name for one in found):
            results = source(main, name, paths)
            check_plain(results, main)
            found.append(ImageSet(name, results, plain=True))
    if any(one.folder == OWN for one in found if one.results is not main):
        raise ConfigError(f"an experiment is called {OWN!r}, as the folder of the site's own: call it something else")
    return found


def page_part(sets: Sequence[ImageSet]) -> str:
    """The explorer as a page shows it, all words that no set decides; a sentence where there is nothing to explore."""
    if not sets:
        return (
            "No experiment of this project has had its latents looked at one by one, so there is nothing to explore. "
            'A table `[interpret]` with `kind = "latents"` in an experiment\'s TOML asks for it.\n'
        )
    return f"```{{=html}}\n{environment().get_template('explorer.html').render(sets=sets).rstrip()}\n```\n"


def copy_pictures(results: Results, folder: Path) -> None:
    """The sprite, and the sheets of the trained network. The style sheet counts on 50 columns in a sprite."""
    folder.mkdir(parents=True, exist_ok=True)
    assert results.sprite is not None  # raises where there are tables without images
    own = ["sprite.webp"] if results.pinned.has("sprite.webp") else []  # examples that are no images have none
    for name in (*(name for name in results.pictures() if name.endswith("-none.webp")), *own):
        picture = results.file(name)
        copy_if_other(picture, folder / picture.name)


def write_shown(results: Results, name: str, paths: Paths, cells: set[tuple[int, int]]) -> None:
    """The sprite with those cells only that pages show (column and row), each in its place: `shown.webp`.

    The explorer can show every image of an experiment, pages show some; for Fashion-MNIST up to 4 MB against a
    fraction of that, which is what a reader waits for. The emptied cells are black and cost next to nothing.
    """
    if not results.pinned.has("sprite.webp"):
        return
    sprite, folder = results.sprite, paths.built_assets / "explorer" / name
    target = folder / "shown.webp"
    key = key_of(repr(sorted(cells)), (folder / "sprite.webp").read_bytes())
    stamp = Stamp(paths.build / "shown" / f"{name}.json", key, paths.root)
    if stamp.current() is not None:
        return
    stamp.forget()
    whole = np.asarray(Image.open(folder / "sprite.webp").convert(mode(sprite)))
    kept = np.zeros_like(whole)
    for x, y in cells:
        rows = slice(y * sprite["height"], (y + 1) * sprite["height"])
        columns = slice(x * sprite["width"], (x + 1) * sprite["width"])
        kept[rows, columns] = whole[rows, columns]
    Image.fromarray(kept).save(target, "webp", lossless=True, quality=100, method=4)
    stamp.write([target])


def shown_cells(name: str, paths: Paths) -> set[tuple[int, int]]:
    """Column and row of every cell of an experiment's sprite that a fragment shows."""
    found = set()
    for fragment in sorted(paths.generated.glob("*.md")):
        for block in blocks(fragment.read_text(encoding="utf-8"), name):
            found |= {(int(x), int(y)) for x, y in re.findall(r"--x:(\d+);--y:(\d+)", block)}
    return found

"""`strata images`: what drives each latent as loose files, for those who want to look through folders. Free of torch.

Pages never use these: they cut cells from one sprite. A folder per latent is the form in which experiment logs ask for
images, and the form in which other programs read them.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from analysis.figures.image_sheets import Cut
from analysis.results import latents
from analysis.results.tables import Results
from sae.errors import NotFoundError

SPLITS = ("folders", "sheets")
VIEWS = ("optimised", "mean", "ablation")
SCALE = 2
GAP = 2


@dataclass(frozen=True)
class Written:
    """How much was written."""

    latents: int
    files: int


def write_images(results: Results, split: str, out: Path, depth: int | None = None) -> Written:
    """Write the images that drive each latent of the first run, strongest first, and the pictures of it.

    `folders`: `depth-3/latent-0412/00_label7_act1.93.png`, one file an image. `sheets`: `depth-3/latent-0412.png`, the
    same side by side, twice as large. Depth 0 are the host's neurons. Raises NotFoundError for a split or depth that
    is not there, and DataError where nobody looked at single latents.
    """
    if split not in SPLITS:
        raise NotFoundError("split", split, list(SPLITS))
    found = latents.places(results)
    if depth is not None and depth not in {at for _, at in found}:
        raise NotFoundError("depth", str(depth), [str(at) for _, at in found])
    sprite = Cut(results)
    count = files = 0
    for kind, at in found:
        if depth not in (None, at):
            continue
        sheets = {view: sprite.sheet(f"{view}-{kind}-{at}-none") for view in VIEWS}
        for latent, bands in latents.images(results, kind, at).items():
            shown = pd.concat(bands.values()).drop_duplicates("example").sort_values("activation", ascending=False)
            given = list(zip(shown["example"].tolist(), shown["activation"].tolist(), strict=True))
            views = {view: sprite.cell(sheet, latent) for view, sheet in sheets.items()}
            base = out / f"depth-{at}" / f"latent-{latent:04d}"
            files += _folder(base, given, views, sprite) if split == "folders" else _sheet(base, given, views, sprite)
            count += 1
    return Written(count, files)


def _folder(base: Path, given: list[tuple[int, float]], views: dict[str, np.ndarray], sprite: Cut) -> int:
    base.mkdir(parents=True, exist_ok=True)
    for rank, (example, activation) in enumerate(given):
        # a class such as T-shirt/top must not make a folder of its own
        label = sprite.label(example).replace("/", "-").replace(" ", "-").lower()
        called = f"_label{label}" if label else ""
        Image.fromarray(sprite.image(example)).save(base / f"{rank:02d}{called}_act{activation:.2f}.png")
    for view, picture in views.items():
        Image.fromarray(picture).save(base / f"{view}.png")
    return len(given) + len(views)


def _sheet(base: Path, given: list[tuple[int, float]], views: dict[str, np.ndarray], sprite: Cut) -> int:
    base.parent.mkdir(parents=True, exist_ok=True)
    cells = [*views.values(), *(sprite.image(example) for example, _ in given)]
    height, width, *channels = cells[0].shape
    line = np.full((height, len(cells) * (width + GAP) - GAP, *channels), 255, np.uint8)
    for place, cell in enumerate(cells):
        line[:, place * (width + GAP) : place * (width + GAP) + width] = cell
    picture = Image.fromarray(line)
    picture.resize((picture.width * SCALE, picture.height * SCALE), Image.Resampling.NEAREST).save(f"{base}.png")
    return 1

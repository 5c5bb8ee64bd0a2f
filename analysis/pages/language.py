"""`{{< part language >}}`: a reader begins a text, a small language model writes on in the page, a latent is turned up.

The model is a tracked export (`data/language/live`, by `strata export-language`), which the build checks and copies; it
trains and computes nothing. Free of torch.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from analysis.figures.asked import page_with_part
from analysis.plan.paths import Paths
from analysis.site.jinja import environment
from analysis.system.stamps import copy_if_other, remove
from sae.errors import DataError

PART = FOLDER = "language"
MANIFEST = "union.json"
NOT_HERE = (
    "The language model that this page runs in your browser was not made with this site: `data/language/live` is not "
    "there.\n"
)
WORDS = 3


def asked(pages: list[Path], paths: Paths) -> str:
    """The page that has the part; empty where none has."""
    return page_with_part(PART, pages, paths.root)


def copy_model(paths: Paths, pages: list[Path]) -> str:
    """Bring the model to where pages fetch it, where one asks for it; why there is none, or "".

    Raises DataError for an export that is not as it was written.
    """
    page, folder = asked(pages, paths), paths.built_assets / FOLDER
    there = (paths.live / MANIFEST).is_file()
    if not page or not there:
        remove(folder)
        how = "`strata export-language SAE` makes it"
        return f"{page} has no language model; {paths.relative(paths.live)} is not here: {how}" if page else ""
    for file in _checked(paths):
        copy_if_other(file, folder / file.name)
    return ""


def write_part(paths: Paths, pages: list[Path], write: Callable[[Path, str], None]) -> None:
    """The part, where a page asks for it."""
    if asked(pages, paths):
        there = (paths.built_assets / FOLDER / MANIFEST).is_file()
        write(paths.generated / f"{PART}.md", part_of(paths.built_assets / FOLDER) if there else NOT_HERE)


def part_of(folder: Path) -> str:
    """The part as Markdown, from the files of an export."""
    manifest, told = _json(folder / MANIFEST), _json(folder / "latents.json")
    words = [word.strip() for word, _ in told["latents"][manifest["sample"]["latent"]]["words"]]
    read, of = manifest["about"].get("documents"), manifest["about"].get("dataset")
    html = environment().get_template("language.html").render(
        sample=manifest["sample"], beginnings=manifest["beginnings"], turned=manifest["sae"]["turned"],
        latents=f"{manifest['sae']['latents']:,}", millions=f"{manifest['model']['parameters'] / 1e6:.1f}",
        documents=f"{read:,} {'addresses on the State of the Union' if of == 'sotu' else 'texts'}" if read else "texts",
        words=", ".join(f"“{word}”" for word in words[:WORDS] if word) or "no word of ours",
    )  # fmt: skip
    return f"```{{=html}}\n{html.rstrip()}\n```\n"


def _checked(paths: Paths) -> list[Path]:
    """The files of an export, each as it was written. Raises DataError."""
    manifest, found = _json(paths.live / MANIFEST), [paths.live / MANIFEST]
    try:
        digests = {manifest["file"]: manifest["sha256"], **manifest["beside"]}
    except (KeyError, TypeError) as error:
        raise DataError(f"{paths.relative(paths.live / MANIFEST)} describes no language model: {REMEDY}") from error
    for name, digest in digests.items():
        file = paths.live / name
        if not file.is_file() or hashlib.sha256(file.read_bytes()).hexdigest() != digest:
            how = "is not what was written" if file.is_file() else "is missing"
            raise DataError(f"{paths.relative(file)} {how}: {REMEDY}")
        found.append(file)
    return found


REMEDY = "`git checkout` brings it back, or `strata export-language SAE` makes it again"


def _json(file: Path) -> Any:
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise DataError(f"{file} is no JSON ({error}): {REMEDY}") from error

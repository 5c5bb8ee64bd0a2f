"""`{{< part draw >}}` and `{{< part draw-small >}}`: a pad on which a reader draws, and what the network makes of it.

The networks are files that `strata export-web` writes (analysis/run/web_network.py, which needs torch); here they are
only read. What a page shows without scripts are images that the export kept, with what PyTorch gave for them. Free of
torch.
"""

from __future__ import annotations

import base64
import io
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from analysis.figures.asked import page_with_part
from analysis.figures.explorer_links import OWN
from analysis.figures.image_sheets import cells
from analysis.plan.paths import Paths
from analysis.results import latents
from analysis.results.tables import SHEETS, Results
from analysis.site.jinja import environment

FOLDER = "draw"
PARTS = ("draw", "draw-small")
NETWORKS = {"trained": "none", "random": "random_host"}
SHOWN = 3
"""Images of a latent."""
WORKED = {"draw": (0, 2, 4), "draw-small": (2,)}
"""Which of the images of the self-test stand in the page without scripts."""
NOT_HERE = (
    "The networks that this page runs in your browser were not made with this site: it was built where its runs are "
    "not, or without what runs them.\n"
)


def asked_parts(pages: list[Path], paths: Paths) -> dict[str, str]:
    """The parts that pages ask for, each with the first page that does."""
    found = {part: page_with_part(part, pages, paths.root) for part in PARTS}
    return {part: page for part, page in found.items() if page}


def write_parts(
    results: Results | None, paths: Paths, pages: list[Path], explorer: str, write: Callable[[Path, str], None]
) -> None:
    """The parts that pages ask for, and the images of latents beside the networks. `explorer`: the page that has it."""
    asked, folder = asked_parts(pages, paths), paths.built_assets / FOLDER
    there = results is not None and (folder / "digits.json").is_file()
    if asked and there:
        assert results is not None
        write(folder / "pictures.json", _compact(pictures(results)))
    for part in asked:
        page = f"/{asked['draw']}" if "draw" in asked else ""
        write(paths.generated / f"{part}.md", part_of(part, results, folder, page, explorer) if there else NOT_HERE)


def pictures(results: Results) -> dict[str, Any]:
    """By network, depth and latent the cells of the sprite that drive it most, and how sprite and sheets are cut."""
    if not results.looked or not results.sprite["width"]:
        return {}
    sprite, cell = results.sprite, {example: number for number, example in enumerate(results.sprite["ids"])}
    found: dict[str, Any] = {"sprite": {"columns": sprite["columns"], "ratio": sprite["height"] / sprite["width"]}}
    means = [name for name in results.pictures() if name.startswith(f"{SHEETS}/mean-latents-") and "-none." in name]
    found["means"] = {"columns": results.sheets["columns"] if means else 0, "depths": len(means)}
    found["mostly"] = {}
    for network, control in NETWORKS.items():
        found[network] = {}
        for depth in results.depths(latents.KIND):
            rows = latents.of(results, "bands", latents.KIND, depth, control).sort_values(["latent", "band", "rank"])
            rows = rows[(rows["rank"] < SHOWN) & (rows["band"] == 0)]
            by = latents.pairs(rows, ["latent"], ("example", "activation"))
            found[network][depth] = {str(n): [cell[example] for example, _ in own] for (n,), own in by.items()}
            found["mostly"].setdefault(network, {})[depth] = mostly(results, depth, control)
    return found


def mostly(results: Results, depth: int, control: str) -> dict[str, int]:
    """By latent the class that it is mostly on for, where that is more than with shuffled labels."""
    rows = latents.wide(results, latents.KIND, depth, control)
    shares = [f"class_share_{c}" for c in range(len(results.sprite["class_names"]))]
    if not {"top_class_share", "share_null", *shares} <= set(rows):
        return {}
    sure = rows[rows["top_class_share"] > rows["share_null"]]
    most = sure[shares].fillna(-1).to_numpy().argmax(1)
    return {str(latent): int(c) for latent, c in zip(sure.index, most, strict=True)}


def part_of(part: str, results: Results | None, folder: Path, page: str, explorer: str) -> str:
    """A part as Markdown."""
    assert results is not None
    kept = json.loads((folder / "digits.json").read_text(encoding="utf-8"))
    manifests = {name: json.loads((folder / f"{name}.json").read_text(encoding="utf-8")) for name in kept["networks"]}
    shape = manifests["trained"]["preprocessing"]
    size = (shape["height"], shape["width"])
    digits = [
        {"place": place, "label": manifests["trained"]["classes"][one["label"]], "example": one["example"],
         "image": data_uri(one["pixels"], size)}
        for place, one in enumerate(kept["digits"])
    ]  # fmt: skip
    found = pictures(results)
    html = environment().get_template("draw.html").render(
        small=part != "draw", digits=digits, networks=kept["networks"], page=page, explorer=explorer, set=OWN,
        height=size[0], width=size[1], depth=len(manifests["trained"]["depths"]),
        worked=[_worked(at, digits, manifests, found, results) for at in WORKED[part]],
    )  # fmt: skip
    return f"```{{=html}}\n{html.rstrip()}\n```\n"


def _worked(
    at: int, digits: list[dict[str, Any]], manifests: dict[str, Any], found: dict[str, Any], results: Results
) -> dict[str, Any]:
    """One image of the self-test, with what PyTorch gave for it."""
    example = manifests["trained"]["test"]["examples"][at]
    one = {network: _answer(network, at, manifest, found, results) for network, manifest in manifests.items()}
    return {"random": None, **next(digit for digit in digits if digit["example"] == example), **one}


def _answer(network: str, at: int, manifest: dict[str, Any], found: dict[str, Any], results: Results) -> dict[str, Any]:
    logits, last, classes = manifest["test"]["logits"][at], manifest["depths"][-1], manifest["classes"]
    raised = [math.exp(value - max(logits)) for value in logits]
    answer = max(range(len(raised)), key=raised.__getitem__)
    examples = found.get(network, {}).get(last["depth"], {})
    fired = []
    for place, _ in sorted(manifest["test"]["codes"][-1][at], key=lambda pair: -pair[1]):
        number = last["latents"][place]
        called = last["names"][place] or _mostly(found, network, last["depth"], number, classes)
        fired.append({"number": number, "name": called, "cells": _cells(results, examples.get(str(number), []))})
    return {"answer": classes[answer], "sure": _percent(raised[answer] / sum(raised)), "latents": fired}


def _percent(share: float) -> str:
    """As the page writes it."""
    return "over 99%" if 0.995 < share < 1 else f"{share:.0%}"


def _mostly(found: dict[str, Any], network: str, depth: int, latent: int, classes: list[str]) -> str:
    """What a latent without a name is called."""
    own = found.get("mostly", {}).get(network, {}).get(depth, {}).get(str(latent))
    return "unnamed" if own is None else f"unnamed, mostly {classes[own]}"


def _cells(results: Results, shown: list[int]) -> Any:
    from markupsafe import Markup

    ids = results.sprite["ids"] if shown else []
    return Markup(
        f'<span class="digits line" aria-hidden="true">{cells(results.sprite, [ids[n] for n in shown])}</span>'
    )


def data_uri(pixels: str, size: tuple[int, int]) -> str:
    """A grey image, its bytes in base64, as an address that holds it."""
    image = Image.fromarray(np.frombuffer(base64.b64decode(pixels), np.uint8).reshape(size))
    target = io.BytesIO()
    image.save(target, "png", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(target.getvalue()).decode()}"


def _compact(content: Any) -> str:
    return json.dumps(content, separators=(",", ":")) + "\n"

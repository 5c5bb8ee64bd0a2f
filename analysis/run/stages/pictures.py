"""Stage `pictures`: what drives each latent of a chain, what would drive it more, and which latents stand beside it."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from PIL import Image

from analysis.plan import edges
from analysis.plan.edges import ACTIVATIONS, HOST, INTERPRET, READER, Role
from analysis.plan.stage_configs import HostStage, PicturesStage, ReaderStage, SaeStage
from analysis.plan.stage_folders import read_manifest
from analysis.run.activations import SPLITS
from analysis.run.cells import cut, laid, mode, needed_columns
from analysis.run.hosts._host import as_pixels
from analysis.run.interpret.bands import BANDS, banded, histogram
from analysis.run.interpret.optimise import Optimised, ablation_images, mean_images, optimise, over, scored
from analysis.run.interpret.reader import Reader, majority
from analysis.run.interpret.relations import Nearest, coactive, correlation, nearest_directions
from analysis.run.stages._load import dataset_of, load_store, load_weights
from analysis.run.stages._looks import Level, Looked, Rows, tower_of
from sae.seeding import stream

# The sheets of pictures have so many cells in a row, where that fits; a latent's cell is its number.
COLUMNS = 32
QUALITY = 85
RELATED = 5
PARTS = 3


def pictures(work: Path, config: PicturesStage, inputs: Mapping[Role, Path]) -> dict[str, Any]:
    """Writes the tables `bands`, `histograms`, `relations`, `latents`, `measures`, and sheets of pictures as WebP."""
    looked, rows = Looked(config, inputs), Rows(config)
    dataset = dataset_of(HostStage.read(inputs[HOST]).dataset)
    ids = {split: looked.store(split).ids(split) for split in SPLITS}
    pixels = {split: torch.from_numpy(dataset.images[ids[split].numpy()]) for split in SPLITS}
    shape = dataset.shape
    reader = load_reader(inputs[READER]) if dataset.n_classes else None
    chosen = chosen_classes(inputs[INTERPRET])
    others = other_activations(looked) if config.control == "none" else {}
    levels = looked.levels()
    columns = needed_columns(most_latents(config, inputs, looked), shape[0], shape[1], COLUMNS)
    seconds, optimised = 0.0, 0
    for level in levels:
        draw = stream(config.seed, "pictures", level.kind, level.depth)
        held_out = level.codes["held_out"]
        live = (level.codes["train"] > 0).any(0) | (held_out > 0).any(0)
        latents = live.nonzero().flatten()
        means = mean_images(pixels["train"], level.codes["train"])
        place = (looked.host, looked.hook, looked.tower if level.depth else None, level.depth, latents)
        started = time.process_time()
        best = optimise(*place, strongest(level, pixels)[latents], draw, steps=config.steps)
        seconds += time.process_time() - started
        optimised += len(latents)
        bands = banded(held_out)
        top = bands.rows[:, 0]
        strength = torch.where(top >= 0, held_out.gather(0, top.clamp(min=0).T).T, 0.0) * level.unit
        shown = pixels["held_out"][top.clamp(min=0)]
        ablated = ablation_images(looked.host, looked.hook, shown, strength / level.unit, level.directions)
        write_sheets(work, level, config.control, columns, latents, best.images, means, ablated)
        # what is told of a picture is what the picture does that is shown: sheets lose a little
        stored = Image.open(work / f"optimised-{level.kind}-{level.depth}-{config.control}.webp")
        sheet = np.asarray(stored.convert(mode(shape)))
        best = scored(*place, torch.from_numpy(cut(sheet, latents.tolist(), shape, columns)))
        record(rows, level, best, latents)
        for band in range(len(BANDS)):
            at = bands.rows[:, band]
            example = torch.where(at >= 0, ids["held_out"][at.clamp(min=0)], -1)
            drive = held_out.gather(0, at.clamp(min=0).T).T * level.unit
            entries = {
                "example": torch.where(at >= 0, example.double(), torch.nan).numpy(),
                "activation": drive.numpy(),
                "band": np.full(at.shape, band),
            }
            rows.grid("bands", level, np.arange(len(at)), ("latent", "rank"), entries)
        counts = histogram(held_out)
        some = np.flatnonzero(counts.sum(1))
        rows.grid("histograms", level, some, ("latent", "bin"), {"count": counts[some].numpy()})
        if reader is not None:
            read(rows, level, reader, shown, top, best, latents, chosen)
        relate(rows, level, levels, others)
    if reader is not None:
        accuracy = read_manifest(inputs[READER])["notes"]["accuracy"]
        rows.value(levels[0], "reader_accuracy", accuracy, len(ids["held_out"]))
    rows.write(work)
    return {
        "columns": columns, "width": shape[1], "height": shape[0], "channels": len(mode(shape)),
        "optimised": optimised, "optimise_seconds": round(seconds, 2),
    }  # fmt: skip


def strongest(level: Level, pixels: dict[str, torch.Tensor]) -> torch.Tensor:
    """For each latent the image that drives it most, in 0..1: a training one, where it fires on one. An image that is
    optimised from there starts inside the top k."""
    both = torch.stack([pixels[split][level.codes[split].argmax(0)] for split in SPLITS])
    fires = (level.codes["train"] > 0).any(0)
    return as_pixels(torch.where(over(fires, both[0]), both[0], both[1]))


def most_latents(config: PicturesStage, inputs: Mapping[Role, Path], looked: Looked) -> int:
    """Of the widest depth that was planned: sheets of all chains are cut alike, wherever a tower stopped."""
    layers = (inputs[edges.tower(config.kind, depth)] for depth in range(1, config.depth + 1))
    widths = [SaeStage.read(folder).width for folder in layers]
    return max(looked.host.hooks()[looked.hook], *widths)


def load_reader(folder: Path) -> Reader:
    """The trained independent classifier."""
    notes, config = read_manifest(folder)["notes"], ReaderStage.read(folder)
    model = Reader(tuple(notes["shape"]), notes["n_classes"], config.seed, **config.options)
    load_weights(model, folder / "reader.safetensors")
    return model


def chosen_classes(folder: Path) -> pd.DataFrame:
    """Names of the stage `interpret`: kind, depth, latent, named, classes."""
    return pd.read_parquet(folder / "names.parquet")


def read(
    rows: Rows, level: Level, reader: Reader, shown: torch.Tensor, top: torch.Tensor, best: Optimised,
    latents: torch.Tensor, names: pd.DataFrame,
) -> None:  # fmt: skip
    """What an independent classifier says of the strongest images and of the optimised one, and whether the classes of
    the name agree."""
    n, images = top.shape
    said = reader.probabilities(as_pixels(shown.flatten(0, 1))).argmax(1).reshape(n, images)
    most = majority(torch.where(top >= 0, said, -1), reader.n_classes)
    sure = reader.probabilities(as_pixels(best.images)).max(1)
    optimised, certainty = (torch.full((n,), torch.nan) for _ in range(2))
    optimised[latents], certainty[latents] = sure.indices.float(), sure.values
    columns = {
        "read_top": torch.where(most.classes >= 0, most.classes.float(), torch.nan), "read_top_share": most.share,
        "read_optimised": optimised, "read_optimised_certainty": certainty,
    }  # fmt: skip
    rows.values(level, columns)
    here = names[(names["kind"] == level.kind) & (names["depth"] == level.depth)].set_index("latent")
    named = here[here["named"]]
    classes = {int(str(latent)): {int(c) for c in text.split()} for latent, text in named["classes"].items()}
    # a name of all classes agrees with whatever is read
    classes = {latent: own for latent, own in classes.items() if len(own) < reader.n_classes}
    for measure, column in (("read_top_agrees", "read_top"), ("read_optimised_agrees", "read_optimised")):
        given = [(latent, float(columns[column][latent])) for latent in classes]
        agree = [value in classes[latent] for latent, value in given if value == value]
        rows.value(level, measure, float(np.mean(agree)) if agree else math.nan, len(agree))


def record(rows: Rows, level: Level, best: Optimised, latents: torch.Tensor) -> None:
    """How far the optimised images drive their latents."""
    columns = {}
    for name, values in (
        ("optimised_pre", best.pre), ("optimised_activation", best.activation * level.unit),
        ("optimised_enters", best.enters.float()),
    ):  # fmt: skip
        columns[name] = torch.full((level.codes["train"].shape[1],), torch.nan)
        columns[name][latents] = values
    rows.values(level, columns)
    if len(latents):
        rows.value(level, "optimised_enters_share", float(best.enters.float().mean()), len(latents))


def other_activations(looked: Looked) -> dict[str, list[torch.Tensor]]:
    """Held-out activations of the same experiment's other towers, depth by depth: other seeds, the random host."""
    config, found = looked.config, {}
    for name in sorted({role.owner for role in looked.inputs if role.owner}):
        store = load_store(looked.inputs[ACTIVATIONS.of(name)], config.held_out_rows)
        tower = tower_of(config, looked.inputs, name)
        rows = store.rows("held_out")
        found[name] = [torch.relu(rows), *(codes.dense() for codes in tower.all_codes(rows, tower.depth))]
    return found


def relate(rows: Rows, level: Level, levels: list[Level], others: dict[str, list[torch.Tensor]]) -> None:
    """Rows of `relations`: what is active with a latent one depth below, which directions are close, and the most
    similar latent of every other tower, by correlation over the same held-out images."""

    def add(relation: str, found: Nearest) -> None:
        columns = {"other": torch.where(found.others >= 0, found.others.double(), torch.nan), "value": found.values}
        blank = {"relation": np.full(tuple(found.others.shape), relation, dtype=object)}
        numbers = {name: values.numpy() for name, values in columns.items()}
        rows.grid("relations", level, np.arange(len(found.others)), ("latent", "rank"), {**numbers, **blank})

    if level.depth:
        add("coactive", coactive(level.codes["train"], levels[level.depth - 1].codes["train"], PARTS))
        alive = (level.codes["train"] > 0).any(0)
        add("nearest", nearest_directions(level.own_directions * alive[:, None], RELATED))
    live = (level.codes["held_out"] > 0).any(0)
    matched: dict[str, list[float]] = {}
    for name, depths in others.items():
        if level.depth < len(depths):
            related = correlation(level.codes["held_out"], depths[level.depth])
            best = related.max(1)
            add(name, Nearest(best.indices[:, None], best.values[:, None]))
            if bool(live.any()):
                measure = "match_random_host" if name == "random_host" else "match_other_seeds"
                matched.setdefault(measure, []).append(float(best.values[live].mean()))
    for measure, values in matched.items():
        rows.value(level, measure, float(np.mean(values)), int(live.sum()))


def write_sheets(
    work: Path, level: Level, control: str, columns: int, latents: torch.Tensor, best: torch.Tensor,
    means: torch.Tensor, ablated: torch.Tensor,
) -> None:  # fmt: skip
    """`VIEW-KIND-DEPTH-CONTROL.webp` for the optimised images, the mean images and the ablation differences."""
    n, *shape = means.shape
    optimised = torch.zeros(n, *shape, dtype=torch.uint8)
    optimised[latents] = best
    every = tuple(range(1, means.ndim))
    # every latent's own scale: the largest change is black or white, no change is grey
    signed = ablated / ablated.abs().amax(every, keepdim=True).clamp(min=1e-12)
    brightest = means / means.amax(every, keepdim=True).clamp(min=1e-12)
    views = {"optimised": optimised, "mean": brightest * 255, "ablation": 127.5 + 127.5 * signed}
    for view, cells in views.items():
        sheet = laid(cells.round().to(torch.uint8).numpy(), n, shape, columns)
        name = f"{view}-{level.kind}-{level.depth}-{control}.webp"
        Image.fromarray(sheet).save(work / name, quality=QUALITY, method=4)

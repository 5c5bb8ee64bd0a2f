"""Stage `images`: attributes of the images that single latents are looked at on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from analysis.run.activations import SPLITS, spacing
from analysis.run.interpret.attributes import attributes
from analysis.run.stages._load import dataset_of, images_of


def images(work: Path, config: dict[str, Any], inputs: dict[str, Path]) -> dict[str, Any]:
    """Writes `attributes.parquet`: split, example, and a column an attribute; rows as in the activation store."""
    dataset = dataset_of(config["dataset"])
    parts = []
    for split in SPLITS:
        pixels, _, ids = images_of(dataset, split)
        step = spacing(len(ids), config[f"{split}_rows"])
        table = attributes(pixels[::step].numpy())
        parts.append(table.assign(split=split, example=ids[::step].numpy()))
    pd.concat(parts, ignore_index=True).to_parquet(work / "attributes.parquet", index=False)
    return {}

"""Stage `images`: attributes of the examples that single latents are looked at on."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.plan.edges import Role
from analysis.plan.stage_configs import ImagesStage
from analysis.run.activations import SPLITS
from analysis.run.datasets._dataset import Dataset
from analysis.run.interpret.attributes import attributes, known
from analysis.run.shards import spacing
from analysis.run.stages._load import dataset_of, examples_of
from sae.errors import DataError


def images(work: Path, config: ImagesStage, inputs: Mapping[Role, Path]) -> dict[str, Any]:
    """Writes `attributes.parquet`: split, example, and a column an attribute; rows as in the activation store. Notes
    what the low and the high end of each is called."""
    dataset = dataset_of(config.dataset)
    parts = []
    for split in SPLITS:
        examples, _, ids = examples_of(dataset, split)
        step = spacing(len(ids), config.rows(split))
        table = measured(dataset, examples[::step].numpy())
        parts.append(table.assign(split=split, example=ids[::step].numpy()))
    pd.concat(parts, ignore_index=True).to_parquet(work / "attributes.parquet", index=False)
    # a list: a manifest sorts what has keys, and the order decides between rules that are as good as each other
    return {"words": [[name, *ends] for name, ends in words_of(dataset).items()]}


def measured(dataset: Dataset, examples: NDArray[Any]) -> pd.DataFrame:
    """A row an example, a float32 column an attribute: the data set's own, or else those of images.

    Raises DataError where an attribute has no words, or is not measured for every example.
    """
    words = words_of(dataset)
    if dataset.attributes is None:
        return attributes(examples) if words else pd.DataFrame(index=range(len(examples)))
    rows = [dict(dataset.attributes(example)) for example in examples]
    for number, row in enumerate(rows):
        if set(row) != set(words):
            raise DataError(
                f"data set {dataset.name}: example {number} has the attributes {sorted(row)}; expected those that "
                f"`words` has: {sorted(words)}"
            )
    return pd.DataFrame(rows, columns=list(words), dtype=np.float32)


def words_of(dataset: Dataset) -> dict[str, tuple[str, str]]:
    """What the low and the high end of each attribute of a data set is called."""
    if dataset.attributes is not None:
        return dict(dataset.words)
    if not dataset.are_images:
        return {}
    return {name: (one.low, one.high) for name, one in known(dataset.shape).items()}

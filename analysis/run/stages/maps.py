"""Stage `maps`: a place in the plane for every latent that fires, by its direction in the host's space.

Beside each depth stand its floors: as many random directions, and as many random mixtures of rows, placed in the same
way and given the class on which they would fire most, at the depth's own L0. What their maps show, too, was not
learned.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import torch

from analysis.plan.edges import ACTIVATIONS, Role
from analysis.plan.map_config import MIXTURES, MOST, RANDOM, MapsStage
from analysis.run.interpret.embedding import embedded, main_classes, strongest_codes
from analysis.run.stages._load import load_store
from analysis.run.stages._looks import tower_of
from sae.nulls import matched_directions, random_directions
from sae.seeding import stream

SCHEMA = {
    "run": "str", "kind": "str", "depth": "int64", "control": "str", "latent": "int64",
    "x": "float32", "y": "float32", "class": "int64",
}  # fmt: skip


def maps(work: Path, config: MapsStage, inputs: Mapping[Role, Path]) -> dict[str, Any]:
    """Writes the table `maps`. A depth at which more than MOST latents fire has no rows, and is noted."""
    store = load_store(inputs[ACTIVATIONS], config.rows("held_out"))
    rows, labels = store.rows("held_out"), store.labels("held_out")
    tower = tower_of(config, inputs)
    found = [pd.DataFrame({name: pd.Series(dtype=dtype) for name, dtype in SCHEMA.items()})]
    crowded = []
    for depth, given in enumerate(tower.all_codes(rows, tower.depth), 1):
        codes = given.dense()
        live = (codes > 0).any(0).nonzero().flatten()
        if len(live) > MOST:
            crowded.append(depth)
            continue
        mapped = tower.host_map(depth)
        assert mapped is not None, "only the latents kind is mapped, and it is affine"
        k = max(1, round(float((codes > 0).sum(1).double().mean())))
        every, draw = torch.arange(len(live)), stream(config.seed, "map", depth)
        drawn = random_directions(len(live), rows.shape[1], draw)
        mixed = matched_directions(rows - rows.mean(0), len(live), draw)
        for control, numbers, directions, active in (
            (config.control, live, mapped[0][live], codes[:, live]),
            (RANDOM, every, drawn, strongest_codes(rows, drawn, k)),
            (MIXTURES, every, mixed, strongest_codes(rows, mixed, k)),
        ):
            places = embedded(directions)
            columns = {
                "run": config.run, "kind": config.kind, "depth": depth, "control": control,
                "latent": numbers.numpy(), "x": places[:, 0].numpy(), "y": places[:, 1].numpy(),
                "class": main_classes(active, labels, store.n_classes).numpy(),
            }  # fmt: skip
            found.append(pd.DataFrame(columns, index=range(len(live))))
    pd.concat(found, ignore_index=True)[[*SCHEMA]].astype(SCHEMA).to_parquet(work / "maps.parquet", index=False)
    return {"crowded": crowded}

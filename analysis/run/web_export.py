"""`strata export-web`: the networks of a run as a page of the site runs them, one file each, and what it shows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from analysis.plan.paths import Paths
from analysis.results.tables import Results
from analysis.run.web_digits import challenges, digits
from analysis.run.web_format import read
from analysis.run.web_network import CONTROLS, Given, Network, encoded, given
from sae.errors import DataError
from sae.temporary import replacing


def export(results: Results, paths: Paths, out: Path, seed: int | None = None, kind: str = "latents") -> list[Path]:
    """Write `trained.bin` and `random.bin` with their manifests, and `digits.json`, of a seed (the first one, if none
    is said) into `out`; gives the files. A run without the random network is exported without it.

    Raises as `given` and `encoded` do, DataError where nothing can be written.
    """
    rows = results.runs
    seed = int(rows["seed"].min()) if seed is None else seed
    there = set(rows[rows["seed"] == seed]["control"])
    found: dict[str, bytes] = {}
    trained: tuple[Given, Network] | None = None
    for network, control in CONTROLS.items():
        if network != "trained" and control not in there:
            continue
        one = given(results, paths, seed, kind, network)
        manifest, content = encoded(one, names_of(results, one))
        manifest = {"experiment": results.experiment, **manifest}
        found |= {f"{network}.bin": content, f"{network}.json": _json(manifest)}
        trained = trained or (one, Network(manifest, read(manifest, content)))
    assert trained is not None
    found["digits.json"] = _json(
        {"networks": [name for name in CONTROLS if f"{name}.json" in found], "digits": digits(trained[0]),
         "challenges": challenges(*trained)}
    )  # fmt: skip
    try:
        out.mkdir(parents=True, exist_ok=True)
        for name, content in found.items():
            with replacing(out / name) as temporary:
                temporary.write_bytes(content)
    except OSError as error:
        raise DataError(f"cannot write into {out}: {error}") from error
    return [out / name for name in found]


def names_of(results: Results, one: Given) -> list[list[str | None]]:
    """By depth and latent its name; None for one that has none. Empty where nobody looked."""
    if not results.looked:
        return []
    rows = results.names
    rows = rows[
        (rows["run"] == one.run) & (rows["control"] == CONTROLS[one.network]) & (rows["kind"] == one.tower.kind)
    ]
    found = []
    for depth, layer in enumerate(one.tower.layers, 1):
        here = rows[(rows["depth"] == depth) & rows["named"]]
        called = dict(zip(here["latent"].tolist(), here["name"].astype(str).tolist(), strict=True))
        found.append([called.get(latent) for latent in range(layer.sae.n_latents)])
    return found


def _json(content: Any) -> bytes:
    return (json.dumps(content, separators=(",", ":"), ensure_ascii=False, allow_nan=False) + "\n").encode()

"""Which architecture finds features that are known (`benchmarks.known_features`), and which only reconstructs.

    make bench-truth                                      all families and architectures, three seeds
    make bench-truth ARGS="--only plain --seeds 1"

Every architecture gets the same rows in the same order, as many latents as there are features, and the k that is
nearest to how many are on; learning rates are tried on a seed of their own and the best of each by variance explained
is kept, which looks at no truth. Beside the trained ones stand two floors, directions by chance and stored rows, and
the true directions with fitted codes. For each, on held-out rows:

explained     variance explained, with its own codes
cosine        mean cosine of features and latents that are paired one to one (Hungarian; of all features)
found         share of features with a paired latent at .9 or more
distinct      how many different features are the nearest of some latent, as a share of the latents: 1 where each latent
              has a feature of its own (over pairs made one to one it would always be 1)
F1            of a feature's firing by that of its paired latent: mean over features that are on at least ten times
fitted        variance explained by the same directions with codes above 0 that matching pursuit fits, and
fitted F1     the F1 of those codes: where it is lower, codes that explain more say less of what is on

Writes data/benchmarks/recovery.json, which is tracked.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import normalize

from analysis.plan.code_version import code_version
from analysis.plan.stage_folders import provenance
from benchmarks.known_features import FAMILIES, Family, Known, made
from sae.architectures.matching_pursuit import merged, pursue
from sae.config import TrainConfig
from sae.discover import construct, names
from sae.layer import Layer
from sae.matching import matched
from sae.measures.variance_explained import explained
from sae.nulls import random_directions, stored_directions
from sae.records import Codes
from sae.seeding import stream
from sae.train import train

FILE = Path(__file__).resolve().parent.parent / "data" / "benchmarks" / "recovery.json"
TRAIN, HELD = 8000, 2000
STEPS, BATCH = 1500, 256
RATES = (1e-3, 3e-3, 1e-2)
SEEDS = 3
TUNING_SEED = 100


def split(family: Family, seed: int) -> tuple[Known, Known]:
    """Rows to train on, and rows held out, of the same features."""
    known = made(family, TRAIN + HELD, seed)
    parts = slice(0, TRAIN), slice(TRAIN, None)
    first, second = (Known(known.rows[part], known.strengths[part], known.directions) for part in parts)
    return first, second


def learned(architecture: str, fit: Known, lr: float, seed: int, steps: int) -> Layer:
    """An SAE of as many latents as there are features."""
    features, d_in = fit.directions.shape
    k = max(1, round(fit.l0))
    # AbsTopK has two latents a direction, for both signs
    width = 2 * features if architecture == "abs_topk" else features
    sae = construct("sae.architectures", architecture, d_in, width, k=k)
    return train(architecture, sae, fit.rows, TrainConfig(steps=steps, batch=BATCH, lr=lr), seed)


def told(directions: Tensor, codes: Tensor, held: Known) -> dict[str, float]:
    """What directions (latents, d_in) and codes (rows, latents) have to do with the features."""
    cosine = normalize(directions, dim=1) @ held.directions.T
    pairs = matched(directions, held.directions, 0.9)
    on, fires = held.strengths > 0, codes > 0
    counted = on.sum(0) >= 10
    of_feature = {int(feature): int(latent) for latent, feature in pairs.pairs.tolist()}
    scores = []
    for feature in counted.nonzero().flatten().tolist():
        hit = fires[:, of_feature[feature]] if feature in of_feature else torch.zeros(len(on), dtype=torch.bool)
        both = float((hit & on[:, feature]).sum())
        scores.append(2 * both / float(hit.sum() + on[:, feature].sum()))
    n_features = len(held.directions)
    return {
        "cosine": float(pairs.cosines.sum()) / n_features,
        "found": float((pairs.cosines >= 0.9).sum()) / n_features,
        "distinct": float(cosine.argmax(1).unique().numel()) / min(len(directions), n_features),
        "f1": statistics.mean(scores),
    }


def scored(name: str, family: Family, seed: int, layer: Layer | Tensor, fit: Known, held: Known) -> dict[str, Any]:
    """A row of the table: a trained layer, or directions that nobody learned."""
    k, nothing = max(1, round(fit.l0)), torch.zeros(1, held.rows.shape[1])
    row: dict[str, Any] = {"architecture": name, "family": family.name, "seed": seed, "k": k, "l0": held.l0}
    if isinstance(layer, Layer):
        codes = layer.encode(held.rows)
        row |= {
            "explained": explained(held.rows, layer.decode(codes)),
            "active": float((codes.values > 0).sum(1).float().mean()),
            **told(layer.sae.directions(), codes.dense(), held),
        }
        nothing = layer.decode(Codes(torch.zeros(1, 1), torch.zeros(1, 1, dtype=torch.int64), layer.sae.n_latents))
        directions = layer.sae.directions()
    else:
        directions = layer
    directions = normalize(directions, dim=1)
    fitted = Codes(*merged(*pursue(held.rows - nothing, directions, k)[:2]), len(directions)).dense()
    again = told(directions, fitted, held)
    row |= {name: again[name] for name in ("cosine", "found", "distinct") if name not in row}
    return row | {"fitted": explained(held.rows, nothing + fitted @ directions), "fitted_f1": again["f1"]}


def best_rate(architecture: str, family: Family, steps: int) -> float:
    """The learning rate that explains most held-out variance on a seed of its own."""
    fit, held = split(family, TUNING_SEED)

    def worth(lr: float) -> float:
        layer = learned(architecture, fit, lr, TUNING_SEED, steps)
        return explained(held.rows, layer.decode(layer.encode(held.rows)))

    return max(RATES, key=worth)


def rows_of(architecture: str, family: Family, seeds: int, steps: int) -> Iterable[dict[str, Any]]:
    """Trained and scored, a row a seed."""
    lr = best_rate(architecture, family, steps)
    for seed in range(seeds):
        fit, held = split(family, seed)
        begun = time.process_time()
        layer = learned(architecture, fit, lr, seed, steps)
        seconds = time.process_time() - begun
        yield {**scored(architecture, family, seed, layer, fit, held), "lr": lr, "seconds": round(seconds, 2)}


def floors_of(family: Family, seeds: int) -> Iterable[dict[str, Any]]:
    """Directions that nobody learned."""
    for seed in range(seeds):
        fit, held = split(family, seed)
        n, draw = len(fit.directions), stream(seed, "floors")  # not the generator that the features are drawn by
        chance = random_directions(n, fit.rows.shape[1], draw)
        stored = stored_directions(fit.rows, n, draw)
        given = (("random directions", chance), ("stored rows", stored), ("true directions", fit.directions))
        for name, directions in given:
            yield scored(name, family, seed, directions, fit, held)


def table(rows: list[dict[str, Any]]) -> str:
    """Means over seeds, a block a family."""
    shown = ("explained", "cosine", "found", "distinct", "f1", "fitted", "fitted_f1", "seconds")
    lines = []
    for family in dict.fromkeys(row["family"] for row in rows):
        lines += ["", f"{family:<20}" + "".join(f"{name:>10}" for name in shown)]
        own = [row for row in rows if row["family"] == family]
        for name in dict.fromkeys(row["architecture"] for row in own):
            mine = [row for row in own if row["architecture"] == name]
            cells = [[row[part] for row in mine if part in row] for part in shown]
            lines.append(f"{name:<20}" + "".join(f"{statistics.mean(c):>10.3f}" if c else f"{'':>10}" for c in cells))
    return "\n".join(lines)


def main() -> None:
    """Train, score, print, write after every family."""
    options = argparse.ArgumentParser(description="Which architecture finds features that are known.")
    options.add_argument("--only", default="", help="families, by name, separated by commas")
    options.add_argument("--seeds", type=int, default=SEEDS)
    options.add_argument("--steps", type=int, default=STEPS)
    options.add_argument("--out", type=Path, default=FILE)
    asked = options.parse_args()
    known = {family.name: family for family in FAMILIES}
    wanted = asked.only.split(",") if asked.only else list(known)
    if unknown := [name for name in wanted if name not in known]:
        options.error(f"there is no {unknown[0]}; known: {', '.join(known)}")
    torch.set_num_threads(1)
    begun, rows = time.perf_counter(), []
    for name in wanted:
        for architecture in names("sae.architectures"):
            rows += rows_of(architecture, known[name], asked.seeds, asked.steps)
            print(f"{name}: {architecture}", flush=True)
        rows += floors_of(known[name], asked.seeds)
        write(asked.out, rows, asked.seeds, asked.steps, time.perf_counter() - begun)
    print(table(rows))


def write(out: Path, rows: list[dict[str, Any]], seeds: int, steps: int, seconds: float) -> None:
    """All rows so far, with how they were made; one line each, five digits."""
    modules = ("sae.train", *(f"sae.architectures.{name}" for name in names("sae.architectures")))
    made_with = {
        "rows": TRAIN, "held_out": HELD, "seeds": seeds, "steps": steps, "batch": BATCH, "rates": RATES,
        "seconds": round(seconds), "code": code_version(*modules),
        **provenance(),
    }  # fmt: skip
    short = [{key: float(f"{v:.5g}") if isinstance(v, float) else v for key, v in row.items()} for row in rows]
    lines = ",\n".join(json.dumps(row) for row in short)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(f'{{"made_with": {json.dumps(made_with)},\n"rows": [\n{lines}\n]}}\n')


if __name__ == "__main__":
    main()

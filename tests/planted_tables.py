"""Tables whose findings are known: a tower that is better than all that stands beside it, worse, equal, and so on."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

from analysis.plan.config import RunConfig, SaeConfig, TowerConfig
from analysis.plan.stage_folders import MANIFEST, write_manifest
from analysis.results.tables import LOOKED, MAPS, SHEETS, TABLES, Results
from analysis.run.cells import laid, mode
from analysis.run.collect import CATEGORIES, FROM_CHAINS
from sae.config import TrainConfig
from sae.rule import CODE_NULLS

CLASSES = ("cat", "dog", "boat")
LATENTS, EXAMPLES, COLUMNS = 4, 12, 5
MEASURES = (
    "variance_explained", "variance_explained_refit", "host_variance_explained", "host_accuracy", "l0", "live_share",
    "eligible_share", "copy_score", "selectivity", "top_class_share", "exclusive_share", "activation_mass",
    "mean_activation", "named_share", "significant_share", "steering_focus", "steering_effect", "fri", "csp", "pds",
    "ltes", "matched_cosine", "matched_share", "cosine_from_small", "cosine_to_small", "loss", "phi", "shrinkage",
)  # fmt: skip
EXPLAINED, FROM_SMALL, MATCHED = ("variance_explained",), ("cosine_from_small", "cosine_to_small"), ("matched_cosine",)
FLOORS = {
    "permuted_labels": ("selectivity", "exclusive_share", "top_class_share", "named_share", "variance_explained"),
    "random_dictionary": EXPLAINED + FROM_SMALL + MATCHED,
    "matched_dictionary": EXPLAINED + FROM_SMALL,
    "stored_dictionary": EXPLAINED + FROM_SMALL,
    **dict.fromkeys(
        ("pca", "memorising", "gaussian_null", "permuted_null", "gaussian_tower", "frozen_decoder", *CODE_NULLS),
        EXPLAINED,
    ),
}
# What a run measures only where there are labels, of a depth and of single latents.
OF_CLASSES = {"host_accuracy", "eligible_share", "selectivity", "top_class_share", "exclusive_share",
              "significant_share", "steering_focus", "steering_effect"}  # fmt: skip
OF_LATENT_CLASSES = {"eligible_share", "top_class_share", "f1", "detector_class", "selectivity", "detector_precision",
                     "detector_recall", "exclusive_share", "class_q", "f1_null"}  # fmt: skip
# Without labels there is nothing to shuffle but what names are chosen by.
UNSHUFFLED = {("permuted_labels", measure) for measure in FLOORS["permuted_labels"] if measure != "named_share"}
# what each seed is off by, where seeds disagree
SIGNS = (1.0, -1.0, 0.4, -0.7)


@dataclass(frozen=True, kw_only=True)
class Planted:
    """What the tables say: of the tower, and of everything that stands beside it."""

    own: float = 0.5
    """The tower's value at depth 1, of every measure."""
    rise: float = 0.0
    """What it gains with each depth."""
    other: float = 0.5
    """The value of everything else: random network, floors, single SAEs, neurons."""
    wobble: float = 0.0
    """How far seeds lie apart from each other in what the tower has and the others have not."""
    seeds: int = 3
    depths: int = 3
    random: bool = True
    """A random network beside the trained one."""
    floors: bool = True
    single: bool = True
    """Single SAEs, and architectures beside the tower."""
    neurons: bool = True
    looked: bool = True
    """Single latents, with classes and a sprite."""
    classes: tuple[str, ...] = CLASSES
    """None of them: examples have no labels."""
    shape: tuple[int, ...] = (2, 2)
    """Of an example's image, in colour with a third number; none: examples are no images, and are shown as HTML."""
    shuffled: bool = True
    """Labels were shuffled, so that there is a chance to compare with."""
    kinds: tuple[str, ...] = ("latents", "directions")
    """The towers that there are."""
    mapped: bool = True
    """A map of directions, where latents are looked at."""
    variants: tuple[str, ...] = ("",)
    """Later ones have what the tower has, the first what the others have, where there are several."""

    def config(self, variant: str, seed: int) -> RunConfig:
        return _config(self.kinds, self.depths, self.variants, variant, seed)

    def value(self, measure: str, kind: str, depth: int, control: str, seed: int, variant: str) -> float:
        first = len(self.variants) > 1 and variant == self.variants[0]
        tower = control == "none" and kind in ("latents", "directions", "gated") and not first
        level = self.own + self.rise * (depth - 1) + self.wobble * SIGNS[seed] * depth if tower else self.other
        level += 0.001 * seed  # seeds differ, alike in both
        # a tower of copies would be judged as one
        return level / 4 if measure == "copy_score" else level


@cache
def _config(kinds: tuple[str, ...], depths: int, variants: tuple[str, ...], variant: str, seed: int) -> RunConfig:
    """Made once: every row of a table asks for its run's."""
    train = TrainConfig(steps=100 * (1 + variants.index(variant)))
    rule = "constant" if "constant" in variant else "halving"
    towers = tuple(TowerConfig(kind=kind, depth=depths, k=rule, train=train) for kind in kinds)  # type: ignore[arg-type]
    options = {"penalty": 0.1} if "penalty" in variant else {}
    sae = SaeConfig(width=8, k=4, options=options)
    return RunConfig(dataset="planted", host={}, sae=sae, towers=towers, seed=seed, variant=variant)  # type: ignore[arg-type]


def write(folder: Path, planted: Planted, experiment: str = "planted") -> Results:
    """The tables, as a run would have left them."""
    folder.mkdir(parents=True)
    tables: dict[str, list[Any]] = {name: [] for name in (*TABLES, *(LOOKED if planted.looked else ()))}
    networks = ("none", "random_host") if planted.random else ("none",)
    for variant in planted.variants:
        for seed in range(planted.seeds):
            run = f"{variant}-{seed}" if variant else f"run{seed}"
            config = planted.config(variant, seed).canonical()
            for control in networks:
                tables["runs"].append(
                    {
                        "run": run, "experiment": experiment, "variant": variant, "seed": seed, "dataset": "planted",
                        "host": "mlp", "hook": "hidden1", "control": control, "config": config, "date": "2026-11-22",
                        "machine": "here", "commit": "abc", "seconds": 1.0, "measures": f"key of {run}",
                    }
                )  # fmt: skip
            _measure(tables, planted, run, variant, seed)
            if seed == 0:
                for control in networks:
                    _single(tables, planted, run, control)
    if planted.looked and planted.mapped and "latents" in planted.kinds:
        tables[MAPS] = _mapped(planted)
    columns = {
        "measures": ["run", "kind", "depth", "control", "measure", "version", "split", "value", "n"],
        "stops": ["run", "kind", "control", "depth", "reason", "value", "limit", "sentence"],
        "links": ["run", "kind", "depth", "control", "latent", "below", "weight"],
    }
    for name, rows in tables.items():
        table = pd.DataFrame(rows, columns=columns.get(name))
        if name in (*FROM_CHAINS, *LOOKED):
            table = table.astype(dict.fromkeys(set(CATEGORIES) & set(table), "category"))
        table.to_parquet(folder / f"{name}.parquet", index=False)
    if planted.looked:
        _sprite(folder, planted)
    runs = sorted({str(row["run"]) for row in tables["runs"]})
    write_manifest(folder / MANIFEST, {"experiment": experiment, "title": experiment, "runs": runs, "stages": {}})
    return Results(folder)


def _places(planted: Planted) -> list[tuple[str, int]]:
    depths = range(1, planted.depths + 1)
    found = [(kind, depth) for kind in planted.kinds for depth in depths]
    found += [("host", 0)] if planted.neurons else []
    found += [("direct", depth) for depth in depths if depth > 1] if planted.single else []
    return found + ([("gated", 1)] if planted.single else [])


def _measure(tables: dict[str, list[Any]], planted: Planted, run: str, variant: str, seed: int) -> None:
    controls = ["none", *(["random_host"] if planted.random else []), *(FLOORS if planted.floors else ())]
    for kind, depth in _places(planted):
        for control in controls:
            for measure in MEASURES if control in ("none", "random_host") else FLOORS[control]:
                if not planted.classes and (measure in OF_CLASSES or (control, measure) in UNSHUFFLED):
                    continue
                value = planted.value(measure, kind, depth, control, seed, variant)
                at = (run, kind, depth, control, measure, 1)
                tables["measures"] += [(*at, split, value, 9) for split in ("train", "held_out")]
        if kind != "host":
            config = planted.config(variant, seed)
            tower = next((tower for tower in config.towers if tower.kind == kind), None)
            sae = tower.at(depth, config.sae) if tower else config.sae
            tables["training"].append(
                {
                    "run": run, "kind": kind, "depth": depth, "control": "none", "steps": 9, "rows": 9,
                    "architecture": "gated" if kind == "gated" else "topk", "width": sae.width, "k": sae.k,
                    "seconds": 10 * planted.value("seconds", kind, depth, "none", seed, variant),
                    "path": "torch",
                }
            )  # fmt: skip


def _single(tables: dict[str, list[Any]], planted: Planted, run: str, control: str) -> None:
    """Latents of the first seed: each fires for one class; the last one is dead."""
    n = len(planted.classes) or 1
    deep = range(1, planted.depths + 1) if "latents" in planted.kinds else ()
    places = [("host", 0), *(("latents", depth) for depth in deep)]
    for kind, depth in places[0 if planted.neurons else 1 :]:
        at = {"run": run, "kind": kind, "depth": depth, "control": control}
        for latent in range(LATENTS):
            own, dead = latent % n, latent == LATENTS - 1
            numbers = {"firing_rate": 0.0 if dead else 0.9, "eligible_share": float(not dead)}
            if not dead and planted.looked:
                numbers |= {"l0_share": 0.3, "rule_precision": 0.9, "detection": 0.8, "largest": 2.0, "name_q": 0.01}
                numbers |= {"detection_null": 0.6} if planted.shuffled else {}
                numbers |= _of_classes(own, n, latent, planted.shuffled) if planted.classes else {}
            tables["latents"] += [
                {**at, "split": "held_out", "latent": latent, "measure": name, "value": value}
                for name, value in numbers.items()
            ]
            if not dead:
                seen = [
                    {"rank": rank, "example": (latent + n * rank) % EXAMPLES, "activation": 1.0} for rank in range(3)
                ]
                tables["examples"] += [{**at, "split": "held_out", "latent": latent, **one} for one in seen]
            if planted.looked:
                name = "silent" if dead else f"{planted.classes[own]}s" if planted.classes else f"wide {latent}"
                classes = str(own) if planted.classes else ""
                tables["names"].append(
                    {**at, "latent": latent, "name": name, "named": not dead, "classes": classes, "conditions": "[]"}
                )
                tables["histograms"].append({**at, "latent": latent, "bin": 0, "count": 1})
                if not dead:
                    tables["bands"] += [
                        {**at, "latent": latent, "band": band, **one} for band in (0, 1) for one in seen
                    ]
                    tables["relations"].append(
                        {**at, "latent": latent, "relation": "coactive", "rank": 0, "other": latent, "value": 0.9}
                    )
            if depth > 1:
                weight = planted.own if control == "none" else planted.other
                tables["links"] += [
                    {**at, "latent": latent, "below": below, "weight": weight / (1 + abs(below - latent))}
                    for below in range(LATENTS - 1)
                ]


def _of_classes(own: int, n: int, latent: int, shuffled: bool) -> dict[str, float]:
    numbers = {f"class_share_{c}": float(c == own) for c in range(n)}
    numbers |= {"top_class_share": 1.0, "f1": 0.8 - 0.1 * latent, "detector_class": own, "selectivity": 0.5,
                "detector_precision": 0.9, "detector_recall": 0.7, "exclusive_share": 1.0}  # fmt: skip
    return numbers | ({"class_q": 0.01, "f1_null": 0.3} if shuffled else {})


def _mapped(planted: Planted) -> list[dict[str, Any]]:
    """Live latents in a row, from left to right; on the floors' maps one below the other, all of class 0."""
    run, live, n = f"{planted.variants[0]}-0" if planted.variants[0] else "run0", LATENTS - 1, len(planted.classes)
    return [
        {
            "run": run, "kind": "latents", "depth": depth, "control": control, "latent": latent,
            "x": -1 + 2 * latent / (live - 1) if control == "none" else 0.25,
            "y": 0.0 if control == "none" else -1 + 2 * latent / (live - 1),
            "class": -1 if not n else latent % n if control == "none" else 0,
        }
        for depth in range(1, planted.depths + 1)
        for control in ("none", "random_dictionary", "matched_dictionary")
        for latent in range(live)
    ]  # fmt: skip


def _sprite(folder: Path, planted: Planted) -> None:
    """Each image is filled with its example's number, times twenty."""
    classes, shape = planted.classes, planted.shape
    content: dict[str, object] = {"columns": 1, "width": 0, "height": 0, "channels": 0}
    if shape:
        content = {"columns": COLUMNS, "width": shape[1], "height": shape[0], "channels": len(mode(shape))}
        images = (np.full(shape, 20 * example, np.uint8) for example in range(EXAMPLES))
        Image.fromarray(laid(images, EXAMPLES, shape, COLUMNS)).save(folder / "sprite.webp", lossless=True)
        (folder / SHEETS).mkdir()
        (folder / SHEETS / "sheets.json").write_text(json.dumps(content))
        deep = range(1, planted.depths + 1)
        for place in ("host-0", *(f"latents-{depth}" for depth in deep)):
            whole = laid((np.full(shape, 99, np.uint8) for _ in range(LATENTS)), LATENTS, shape, COLUMNS)
            Image.fromarray(whole).save(folder / SHEETS / f"mean-{place}-none.webp")
    else:
        content["html"] = [f"<b>no image {example}</b>" for example in range(EXAMPLES)]
    labels = [example % len(classes) if classes else None for example in range(EXAMPLES)]
    content |= {"ids": list(range(EXAMPLES)), "class_names": list(classes), "labels": labels}
    (folder / "sprite.json").write_text(json.dumps(content))


def without(planted: Planted) -> Planted:
    """The same tower with nothing beside it."""
    return dataclasses.replace(planted, random=False, floors=False, single=False)

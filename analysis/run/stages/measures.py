"""Stage `measures`: every measure of every depth of one run on one host, as tidy tables.

Depth 0 (kind `host`) is the host itself: its neurons taken as latents, its clean accuracy.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from analysis.plan import edges
from analysis.plan.config import KINDS
from analysis.plan.edges import ACTIVATIONS, HOST, NULL_TOWER, Role
from analysis.plan.stage_configs import ActivationsStage, MeasuresStage
from analysis.plan.stage_folders import read_manifest
from analysis.run.activations import SPLITS, ActivationStore
from analysis.run.hosts._host import Host
from analysis.run.stages._floors import Place, against_small, floors, tower_nulls, trained_nulls
from analysis.run.stages._load import STOPPED, load_host, load_store, load_tower, read_json
from analysis.run.stages._tables import Tables
from sae.config import TowerKind
from sae.discover import find_all
from sae.evaluate import Reading, Seen, evaluate, shuffled_sums
from sae.floors import FoldScores, RowErrors
from sae.leaks import found_among
from sae.measures._sums import ClassMeasure
from sae.measures.eligible_share import EligibleShare
from sae.measures.variance_explained import explained
from sae.nulls import pursue
from sae.records import Codes
from sae.seeding import stream
from sae.tower import Tower, folds_of

TOP_EXAMPLES = 9
PERMUTATIONS = 10
FLOOR_SAMPLE = 1000
PARTS = 5
# What a short panel measures, on how many rows of a split: enough to see whether a tower lives.
SHORT_ROWS = 2000
SHORT = (
    "variance_explained", "l0", "live_share", "activation_mass", "mean_activation", "relative_mass",
    "host_variance_explained", "host_accuracy",
)  # fmt: skip


def measures(work: Path, config: MeasuresStage, inputs: Mapping[Role, Path]) -> dict[str, Any]:
    """Writes measures.parquet, latents.parquet, examples.parquet, links.parquet and stops.parquet."""
    host, _ = load_host(inputs[HOST])
    hook = ActivationsStage.read(inputs[ACTIVATIONS]).hook
    full = config.panel == "full"
    store = load_store(inputs[ACTIVATIONS], config.rows if full else SHORT_ROWS)
    tables = Tables(config.run, config.control)
    measured = Measured(tables, store, host, hook, config.seed, full)
    neurons(measured)
    towers: dict[TowerKind, Tower] = {}
    for kind, depth in config.towers.items():
        folders = [inputs[edges.tower(kind, d)] for d in range(1, depth + 1)]
        towers[kind] = tower = load_tower(kind, folders)
        for folder in folders[tower.depth : tower.depth + 1]:
            tables.stop(kind, read_json(folder / STOPPED))
        codes = {split: tower.all_codes(store.rows(split), tower.depth) for split in SPLITS}
        for d in range(1, tower.depth + 1):
            if d == 1 and len(towers) > 1:  # the same SAE, with the same nulls
                tables.same(next(iter(towers)), 1, kind)
                if edges.nulls(next(iter(towers)), 1) not in inputs and edges.nulls(kind, 1) in inputs:
                    trained_nulls(tables, kind, 1, inputs[edges.nulls(kind, 1)])
                continue
            place = Place(kind, d, tower, d)
            own_input(measured, place, codes, folders[d - 1])
            on_examples(measured, place, codes)
            if d > 1 and full:
                tables.link(kind, d, parts_of(tower, d), PARTS)
            if edges.nulls(kind, d) in inputs:
                trained_nulls(tables, kind, d, inputs[edges.nulls(kind, d)])
    if NULL_TOWER in inputs:
        tower_nulls(tables, inputs[NULL_TOWER], {kind: tower.depth for kind, tower in towers.items()})
    alone = [*config.singles, *map(edges.compared, config.compare)]
    for role in alone:
        folder, (name, d) = inputs[role], role.place
        single = load_tower("latents", [folder])
        codes = {split: single.all_codes(store.rows(split), 1) for split in SPLITS}
        place = Place(name, d, single, 1)
        own_input(measured, place, codes, folder)
        on_examples(measured, place, codes)
        if name == "small" and d <= towers["directions"].depth:
            against_small(tables, d, towers["directions"], single, config.seed)
    for name, table in tables.frames().items():
        table.to_parquet(work / f"{name}.parquet", index=False)
    return {}


def parts_of(tower: Tower, depth: int) -> torch.Tensor:
    """What each latent of `depth` is made of, (latents, latents below): its direction in the latents kind; in the
    directions kind the codes of the directions below, which are its rows."""
    layer, below = tower.layers[depth - 1], tower.layers[depth - 2]
    if tower.kind == "latents":
        return layer.sae.directions()
    return layer.encode(below.sae.directions()).dense().T


@dataclass(frozen=True)
class Measured:
    """What all measuring of a run shares."""

    tables: Tables
    store: ActivationStore
    host: Host
    hook: str
    seed: int
    full: bool
    """False: the numbers of the SAEs alone."""


def neurons(run: Measured) -> None:
    """Depth 0: the host's own neurons, measured as if they were latents."""
    tables, store = run.tables, run.store
    leaked(run)
    train: Seen | None = None
    for split in SPLITS:
        rows = store.rows(split)
        seen = Seen(
            codes=Codes.from_dense(torch.relu(rows)), x=rows, host=rows, host_hat=rows,
            **answers(run, rows, split),
        )  # fmt: skip
        train = train or seen
        tables.add("host", 0, split, evaluate([seen], "input", ("l0",)))
        record_examples(run, "host", 0, split, seen, train)


def leaked(run: Measured) -> None:
    """How many held-out rows of the host are hardly held out from anything."""
    train, held = (run.store.rows(split) for split in ("train", "held_out"))
    run.tables.value("host", 0, "held_out", run.tables.control, "leaked_share", found_among(held, train), len(held))


def answers(run: Measured, rows: torch.Tensor, split: str) -> dict[str, Any]:
    """What the host says of rows at the hook, and what is right; nothing for examples without labels."""
    labels = run.store.labels(split)
    if labels is None:
        return {}
    return {"logits": run.host.logits_from(rows, run.hook), "labels": labels, "n_classes": run.store.n_classes}


def own_input(run: Measured, place: Place, codes_of: dict[str, list[Codes]], folder: Path) -> None:
    """Measures of a depth on the rows that its SAE reads, with the floors of the same rows."""
    tables, store, seed = run.tables, run.store, run.seed
    kind, depth, tower, level = place.kind, place.depth, place.tower, place.level
    layer, by_folds = tower.layers[level - 1], kind == "directions" and depth > 1

    def read(split: str) -> torch.Tensor:
        if level == 1:
            return store.rows(split)
        return tower.layers[level - 2].sae.directions() if by_folds else codes_of[split][level - 2].dense()

    train = read("train")
    for split in ("train",) if by_folds else SPLITS:
        rows = train if split == "train" else read(split)
        codes = layer.encode(rows) if by_folds else codes_of[split][level - 1]
        # an SAE lives in the centred space: there a copied row is a row less the mean
        references = rows - layer.normaliser.mean if by_folds else torch.eye(rows.shape[1])
        seen = Seen(
            codes=codes, scale=layer.normaliser.scale, x=rows, x_hat=layer.decode(codes),
            directions=layer.sae.directions(), references=references,
        )  # fmt: skip
        readings = evaluate([seen], "input", () if run.full else SHORT)
        tables.add(kind, depth, split, readings)
        if not run.full:
            continue
        sample = rows[torch.randperm(len(rows), generator=stream(seed, "floor sample"))[:FLOOR_SAMPLE]]
        k, mean = max(1, round(readings["l0"].value)), train.mean(0)
        back = pursue(sample - mean, layer.sae.directions(), k) + mean
        refit = explained(sample, back)
        tables.value(kind, depth, split, tables.control, "variance_explained_refit", refit, len(sample))
        held = split == "held_out"
        floors(tables, place, split, [(train, sample)], k, seed, RowErrors.of(sample, back) if held else None)
        if held:
            error = RowErrors.of(rows, layer.decode(codes)).standard_error()
            tables.value(kind, depth, split, tables.control, "explained_error", error, len(rows))
    if by_folds:
        stored = FoldScores(**read_json(folder / "folds.json"))
        for name in ("variance_explained", "variance_explained_refit"):
            tables.value(kind, depth, "held_out", tables.control, name, getattr(stored, name), len(train))
        if run.full:
            folds = folds_of(train, stored.folds, stream(seed, "folds"))
            floors(tables, place, "held_out", folds, k, seed)
            among = sum(found_among(held, kept) * len(held) for kept, held in folds) / len(train)
            tables.value(kind, depth, "held_out", tables.control, "leaked_share", among, len(train))
    tables.value(kind, depth, "train", tables.control, "gamma", layer.normaliser.gamma, len(train))
    last = read_manifest(folder)["notes"]["curve"][-1]
    tables.value(kind, depth, "train", tables.control, "loss", last[1], len(train))


def on_examples(run: Measured, place: Place, codes_of: dict[str, list[Codes]]) -> None:
    """Measures of a depth on host examples: classes, mass, and the host decoded all the way down."""
    store = run.store
    train: Seen | None = None
    directions, offset = place.tower.host_map(place.level) or (None, None)
    for split in SPLITS:
        rows = store.rows(split)
        decoded_from = place.level - 1 if place.tower.kind == "latents" else 0
        back = place.tower.decode_codes(codes_of[split][decoded_from], place.level)
        below = codes_of[split][place.level - 2] if place.level > 1 else Codes.from_dense(torch.relu(rows))
        seen = Seen(
            codes=codes_of[split][place.level - 1], unit=place.tower.unit(place.level), host=rows, host_hat=back,
            **answers(run, back, split), host_directions=directions, host_offset=offset, below=below,
        )  # fmt: skip
        train = train or seen
        record_examples(run, place.kind, place.depth, split, seen, train)


def record_examples(run: Measured, kind: str, depth: int, split: str, seen: Seen, train: Seen) -> None:
    """All example measures, the class measures under permuted labels, if any, and what drives each latent most."""
    tables = run.tables
    classes = train.by_class if seen.labels is not None else None
    if classes is not None:
        seen = replace(seen, chosen=classes.best_class())
    readings = evaluate([seen], "examples", () if run.full else SHORT)
    tables.add(kind, depth, split, readings)
    if not run.full:
        return
    tables.latent_values(kind, depth, split, readings, seen)
    if split == "held_out" and kind in (*KINDS, "direct", "host"):
        tables.top_examples(kind, depth, seen, run.store.ids(split), TOP_EXAMPLES)
    if tables.control == "none" and classes is not None:
        tables.add(kind, depth, split, permuted(seen, train, run.seed), control="permuted_labels")


def permuted(seen: Seen, train: Seen, seed: int) -> dict[str, Reading]:
    """Class measures with labels shuffled over examples; means over several shuffles.

    Each shuffle chooses the class of a latent anew, on shuffled training labels, as the real class is chosen on real
    ones. `n` is the number of shuffles in which the measure was defined.
    """
    draw = stream(seed, "permuted labels")
    on_train = shuffled_sums(train, PERMUTATIONS, draw)
    on_seen = on_train if seen.codes is train.codes else shuffled_sums(seen, PERMUTATIONS, draw)
    values: dict[str, list[float]] = {}
    for name, measure in find_all("sae.measures").items():
        if isinstance(measure, type) and issubclass(measure, ClassMeasure) and measure is not EligibleShare:
            both = zip(on_seen, on_train, strict=True)
            given = [measure.read(sums, choosing.best_class()).value for sums, choosing in both]
            values[name] = [value for value in given if not math.isnan(value)]
    return {name: Reading(sum(given) / len(given) if given else math.nan, len(given)) for name, given in values.items()}

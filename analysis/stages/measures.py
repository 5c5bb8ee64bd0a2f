"""Stage `measures`: every measure of every depth of one run on one host, as tidy tables.

Depth 0 (kind `host`) is the host itself: its neurons taken as latents, its clean accuracy.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from analysis.activations import SPLITS, ActivationStore
from analysis.config import KINDS
from analysis.hosts._host import Host
from analysis.runs import read_manifest
from analysis.stages._load import load_host, load_store, load_tower, read_json
from analysis.stages._tables import Tables
from sae.discover import find_all
from sae.evaluate import Reading, Seen, evaluate, shuffled_sums
from sae.measures._sums import ClassMeasure
from sae.measures.eligible_share import EligibleShare
from sae.measures.variance_explained import explained
from sae.nulls import matched_directions, memorising_bound, pca, pursue, random_directions, stored_directions
from sae.records import Codes
from sae.seeding import stream
from sae.tower import Tower, folds_of

TOP_EXAMPLES = 9
PERMUTATIONS = 10
FLOOR_SAMPLE = 1000
# What a dictionary can be made of without learning one; all are given codes by the same coder.
DICTIONARIES = {
    "random_dictionary": lambda rows, n_latents, draw: random_directions(n_latents, rows.shape[1], draw),
    "matched_dictionary": matched_directions,
    "stored_dictionary": stored_directions,
}


@dataclass(frozen=True)
class Place:
    """Where in the tables an SAE's numbers go (`kind`, `depth`), and where it stands in its tower (`level`)."""

    kind: str
    depth: int
    tower: Tower
    level: int


def measures(work: Path, config: dict[str, Any], inputs: dict[str, Path]) -> dict[str, Any]:
    """Writes measures.parquet, latents.parquet and examples.parquet."""
    host, _ = load_host(inputs["host"])
    hook = read_manifest(inputs["activations"])["config"]["hook"]
    store = load_store(inputs["activations"])
    tables = Tables(config["run"], config["control"])
    neurons(tables, store, host, hook, config["seed"])
    for kind, depth in config["towers"].items():
        folders = [inputs[f"{kind}_{d}"] for d in range(1, depth + 1)]
        tower = load_tower(kind, folders)
        codes = {split: tower.all_codes(store.rows(split), depth) for split in SPLITS}
        for d in range(1, depth + 1):
            place = Place(kind, d, tower, d)
            own_input(tables, place, store, codes, folders[d - 1], config["seed"])
            on_examples(tables, place, store, codes, host, hook, config["seed"])
    singles = [("direct", d, inputs[f"direct_{d}"]) for d in config["direct"]]
    singles += [(name, 1, inputs[f"compare_{name}"]) for name in config["compare"]]
    for kind, d, folder in singles:
        single = load_tower("latents", [folder])
        codes = {split: single.all_codes(store.rows(split), 1) for split in SPLITS}
        place = Place(kind, d, single, 1)
        own_input(tables, place, store, codes, folder, config["seed"])
        on_examples(tables, place, store, codes, host, hook, config["seed"])
    for name, table in tables.frames().items():
        table.to_parquet(work / f"{name}.parquet", index=False)
    return {}


def neurons(tables: Tables, store: ActivationStore, host: Host, hook: str, seed: int) -> None:
    """Depth 0: the host's own neurons, measured as if they were latents."""
    train: Seen | None = None
    for split in SPLITS:
        rows = store.rows(split)
        seen = Seen(
            codes=Codes.from_dense(torch.relu(rows)), x=rows, host=rows, host_hat=rows,
            logits=host.logits_from(rows, hook), labels=store.labels(split), n_classes=store.n_classes,
        )  # fmt: skip
        train = train or seen
        tables.add("host", 0, split, evaluate([seen], "input", ("l0",)))
        record_examples(tables, "host", 0, split, seen, train, store, seed)


def own_input(
    tables: Tables, place: Place, store: ActivationStore,
    codes_of: dict[str, list[Codes]], folder: Path, seed: int,
) -> None:  # fmt: skip
    """Measures of a depth on the rows that its SAE reads, with the floors of the same rows."""
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
        readings = evaluate([seen], "input")
        tables.add(kind, depth, split, readings)
        sample = rows[torch.randperm(len(rows), generator=stream(seed, "floor sample"))[:FLOOR_SAMPLE]]
        k, mean = max(1, round(readings["l0"].value)), train.mean(0)
        refit = explained(sample, pursue(sample - mean, layer.sae.directions(), k) + mean)
        tables.value(kind, depth, split, tables.control, "variance_explained_refit", refit, len(sample))
        floors(tables, place, split, [(train, sample)], k, seed)
    if by_folds:
        stored = read_json(folder / "folds.json")
        for name in ("variance_explained", "variance_explained_refit"):
            tables.value(kind, depth, "held_out", tables.control, name, stored[name], len(train))
        floors(tables, place, "held_out", folds_of(train, stored["folds"], stream(seed, "folds")), k, seed)
    tables.value(kind, depth, "train", tables.control, "gamma", layer.normaliser.gamma, len(train))


def floors(
    tables: Tables, place: Place, split: str, pairs: list[tuple[torch.Tensor, torch.Tensor]], k: int, seed: int
) -> None:
    """Unlearned dictionaries and PCA at the depth's own L0, and the memorising bound. Only on the trained host's rows.

    SAEs that are there to be compared read the same rows at the same k as depth 1, whose floors are theirs.

    `pairs` are (rows to fit on, rows to score): one pair, or one a fold, so that no floor sees what it is scored on.
    """
    if tables.control != "none" or place.kind not in (*KINDS, "direct"):
        return
    kind, depth, n_latents = place.kind, place.depth, place.tower.layers[place.level - 1].sae.n_latents
    draw = stream(seed, "random dictionary", kind, depth)
    back: dict[str, list[torch.Tensor]] = {name: [] for name in (*DICTIONARIES, "pca")}
    for fit, rows in pairs:
        mean = fit.mean(0)
        for control, make in DICTIONARIES.items():
            back[control].append(pursue(rows - mean, make(fit - mean, n_latents, draw), k) + mean)
        back["pca"].append(pca(fit, rows, k))
    x = torch.cat([rows for _, rows in pairs])
    for control, parts in back.items():
        value = explained(x, torch.cat(parts))
        tables.value(kind, depth, split, control, "variance_explained", value, len(x))
    if split == "train":
        n_rows = len(pairs[0][0])
        tables.value(
            kind, depth, split, "memorising", "variance_explained", memorising_bound(n_latents, n_rows), n_rows
        )


def on_examples(
    tables: Tables, place: Place, store: ActivationStore,
    codes_of: dict[str, list[Codes]], host: Host, hook: str, seed: int,
) -> None:  # fmt: skip
    """Measures of a depth on host examples: classes, mass, and the host decoded all the way down."""
    train: Seen | None = None
    for split in SPLITS:
        rows = store.rows(split)
        decoded_from = place.level - 1 if place.tower.kind == "latents" else 0
        back = place.tower.decode_codes(codes_of[split][decoded_from], place.level)
        seen = Seen(
            codes=codes_of[split][place.level - 1], unit=place.tower.unit(place.level), host=rows, host_hat=back,
            logits=host.logits_from(back, hook), labels=store.labels(split), n_classes=store.n_classes,
        )  # fmt: skip
        train = train or seen
        record_examples(tables, place.kind, place.depth, split, seen, train, store, seed)


def record_examples(
    tables: Tables, kind: str, depth: int, split: str, seen: Seen, train: Seen, store: ActivationStore, seed: int
) -> None:
    """All example measures, the class measures under permuted labels, and what drives each latent most."""
    seen = replace(seen, chosen=train.by_class.best_class())
    readings = evaluate([seen], "examples")
    tables.add(kind, depth, split, readings)
    tables.latent_values(kind, depth, split, readings, seen)
    if split == "held_out" and kind in (*KINDS, "direct", "host"):
        tables.top_examples(kind, depth, seen, store.ids(split), TOP_EXAMPLES)
    if tables.control == "none":
        tables.add(kind, depth, split, permuted(seen, train, seed), control="permuted_labels")


def permuted(seen: Seen, train: Seen, seed: int) -> dict[str, Reading]:
    """Class measures with labels shuffled over examples; means over several shuffles.

    Each shuffle chooses the class of a latent anew, on shuffled training labels, as the real class is chosen on real
    ones. `n` is the number of shuffles in which the measure was defined.
    """
    draw = stream(seed, "permuted labels")
    on_train = shuffled_sums(train, PERMUTATIONS, draw)
    on_seen = on_train if seen.codes is train.codes else shuffled_sums(seen, PERMUTATIONS, draw)
    values: dict[str, list[float]] = {}
    for name, kind in find_all("sae.measures").items():
        if isinstance(kind, type) and issubclass(kind, ClassMeasure) and kind is not EligibleShare:
            both = zip(on_seen, on_train, strict=True)
            given = [kind.read(sums, choosing.best_class()).value for sums, choosing in both]
            values[name] = [value for value in given if not math.isnan(value)]
    return {name: Reading(sum(given) / len(given) if given else math.nan, len(given)) for name, given in values.items()}

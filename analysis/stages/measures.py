"""Stage `measures`: every measure of every depth of one run on one host, as tidy tables.

Depth 0 (kind `host`) is the host itself: its neurons taken as latents, its clean accuracy.
"""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from analysis.activations import SPLITS, ActivationStore
from analysis.hosts._host import Host
from analysis.runs import read_manifest
from analysis.stages._load import load_host, load_store, load_tower, read_json
from analysis.stages._tables import Tables
from sae.discover import find_all
from sae.evaluate import Reading, Seen, evaluate, shuffled_sums
from sae.measures._sums import ClassMeasure
from sae.nulls import memorising_bound, pca, random_dictionary
from sae.records import Codes
from sae.seeding import stream
from sae.tower import Tower, folds_of

TOP_EXAMPLES = 9
PERMUTATIONS = 10
FLOOR_SAMPLE = 1000


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
            own_input(tables, tower, d, store, codes, folders[d - 1], config["seed"])
            on_examples(tables, tower, d, store, codes, host, hook, config["seed"])
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
    tables: Tables, tower: Tower, depth: int, store: ActivationStore,
    codes_of: dict[str, list[Codes]], folder: Path, seed: int,
) -> None:  # fmt: skip
    """Measures of a depth on the rows that its SAE reads, with the floors of the same rows."""
    layer, kind = tower.layers[depth - 1], tower.kind
    by_folds = kind == "directions" and depth > 1

    def read(split: str) -> torch.Tensor:
        if depth == 1:
            return store.rows(split)
        return tower.layers[depth - 2].sae.directions() if by_folds else codes_of[split][depth - 2].dense()

    train = read("train")
    for split in ("train",) if by_folds else SPLITS:
        rows = train if split == "train" else read(split)
        codes = layer.encode(rows) if by_folds else codes_of[split][depth - 1]
        references = rows if by_folds else torch.eye(rows.shape[1])
        seen = Seen(
            codes=codes, scale=layer.normaliser.scale, x=rows, x_hat=layer.decode(codes),
            directions=layer.sae.directions(), references=references,
        )  # fmt: skip
        readings = evaluate([seen], "input")
        tables.add(kind, depth, split, readings)
        sample = rows[torch.randperm(len(rows), generator=stream(seed, "floor sample"))[:FLOOR_SAMPLE]]
        floors(tables, kind, depth, split, [(train, sample)], layer.sae.n_latents, readings["l0"].value, seed)
    if by_folds:
        stored = read_json(folder / "folds.json")
        tables.add(kind, depth, "held_out", {"variance_explained": Reading(stored["variance_explained"], len(train))})
        pairs = folds_of(train, stored["folds"], stream(seed, "folds"))
        floors(tables, kind, depth, "held_out", pairs, layer.sae.n_latents, readings["l0"].value, seed)
    tables.value(kind, depth, "train", tables.control, "gamma", layer.normaliser.gamma, len(train))


def floors(
    tables: Tables, kind: str, depth: int, split: str,
    pairs: list[tuple[torch.Tensor, torch.Tensor]], n_latents: int, l0: float, seed: int,
) -> None:  # fmt: skip
    """Random dictionary and PCA at the depth's own L0, and the memorising bound. Only on the trained host's rows.

    `pairs` are (rows to fit on, rows to score): one pair, or one a fold, so that no floor sees what it is scored on.
    """
    if tables.control != "none":
        return
    k, draw = max(1, round(l0)), stream(seed, "random dictionary", kind, depth)
    x = torch.cat([rows for _, rows in pairs])
    back: dict[str, list[torch.Tensor]] = {"random_dictionary": [], "pca": []}
    for fit, rows in pairs:
        mean = fit.mean(0)
        back["random_dictionary"].append(random_dictionary(rows - mean, n_latents, k, draw) + mean)
        back["pca"].append(pca(fit, rows, k))
    for control, parts in back.items():
        seen = Seen(codes=Codes.from_dense(torch.zeros(1, 1)), x=x, x_hat=torch.cat(parts))
        reading = evaluate([seen], "input", ("variance_explained",))["variance_explained"]
        tables.value(kind, depth, split, control, "variance_explained", reading.value, reading.n)
    if split == "train":
        rows = pairs[0][0]
        bound = memorising_bound(n_latents, len(rows))
        tables.value(kind, depth, split, "memorising", "variance_explained", bound, len(rows))


def on_examples(
    tables: Tables, tower: Tower, depth: int, store: ActivationStore,
    codes_of: dict[str, list[Codes]], host: Host, hook: str, seed: int,
) -> None:  # fmt: skip
    """Measures of a depth on host examples: classes, mass, and the host decoded all the way down."""
    train: Seen | None = None
    for split in SPLITS:
        rows = store.rows(split)
        back = tower.decode_codes(codes_of[split][depth - 1 if tower.kind == "latents" else 0], depth)
        seen = Seen(
            codes=codes_of[split][depth - 1], unit=tower.unit(depth), host=rows, host_hat=back,
            logits=host.logits_from(back, hook), labels=store.labels(split), n_classes=store.n_classes,
        )  # fmt: skip
        train = train or seen
        record_examples(tables, tower.kind, depth, split, seen, train, store, seed)


def record_examples(
    tables: Tables, kind: str, depth: int, split: str, seen: Seen, train: Seen, store: ActivationStore, seed: int
) -> None:
    """All example measures, the class measures under permuted labels, and what drives each latent most."""
    seen = replace(seen, chosen=train.by_class.best_class())
    readings = evaluate([seen], "examples")
    tables.add(kind, depth, split, readings)
    tables.latent_values(kind, depth, split, readings, seen)
    if split == "held_out":
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
        if isinstance(kind, type) and issubclass(kind, ClassMeasure):
            both = zip(on_seen, on_train, strict=True)
            given = [kind.read(sums, choosing.best_class()).value for sums, choosing in both]
            values[name] = [value for value in given if not math.isnan(value)]
    return {name: Reading(sum(given) / len(given) if given else math.nan, len(given)) for name, given in values.items()}

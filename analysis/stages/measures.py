"""Stage `measures`: every measure of every depth of one run on one host, as tidy tables.

Depth 0 (kind `host`) is the host itself: its neurons taken as latents, its clean accuracy.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from analysis.activations import SPLITS, ActivationStore
from analysis.hosts._host import Host
from analysis.runs import read_manifest
from analysis.stages._load import load_host, load_store, load_tower, read_json
from analysis.stages._tables import Tables
from sae.discover import find_all
from sae.evaluate import Reading, Seen, class_sums, evaluate
from sae.measures._sums import ClassMeasure
from sae.nulls import memorising_bound, pca, random_dictionary
from sae.records import Codes
from sae.seeding import stream
from sae.tower import Tower

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
        for d in range(1, depth + 1):
            own_input(tables, tower, d, store, folders[d - 1], config["seed"])
            on_examples(tables, tower, d, store, host, hook, config["seed"])
    for name, table in tables.frames().items():
        table.to_parquet(work / f"{name}.parquet", index=False)
    return {}


def neurons(tables: Tables, store: ActivationStore, host: Host, hook: str, seed: int) -> None:
    """Depth 0: the host's own neurons, measured as if they were latents."""
    chosen: torch.Tensor | None = None
    for split in SPLITS:
        rows, labels = store.rows(split), store.labels(split)
        codes = Codes.from_dense(torch.relu(rows))
        chosen = class_sums(codes.dense(), labels, store.n_classes).best_class() if chosen is None else chosen
        seen = Seen(
            codes=codes, x=rows, host=rows, host_hat=rows, logits=host.logits_from(rows, hook),
            labels=labels, n_classes=store.n_classes, chosen=chosen,
        )  # fmt: skip
        tables.add("host", 0, split, evaluate([seen], "input", ("l0",)))
        record_examples(tables, "host", 0, split, seen, store, seed)


def own_input(tables: Tables, tower: Tower, depth: int, store: ActivationStore, folder: Path, seed: int) -> None:
    """Measures of a depth on the rows that its SAE reads, with the floors of the same rows."""
    layer, kind = tower.layers[depth - 1], tower.kind
    by_folds = kind == "directions" and depth > 1
    train = tower.inputs(store.rows("train"), depth)
    for split in ("train",) if by_folds else SPLITS:
        rows = train if split == "train" else tower.inputs(store.rows(split), depth)
        codes = layer.encode(rows)
        references = rows if by_folds else torch.eye(rows.shape[1])
        seen = Seen(
            codes=codes, scale=layer.normaliser.scale, x=rows, x_hat=layer.decode(codes),
            directions=layer.sae.directions(), references=references,
        )  # fmt: skip
        readings = evaluate([seen], "input")
        tables.add(kind, depth, split, readings)
        floors(tables, kind, depth, split, train, rows, layer.sae.n_latents, readings["l0"].value, seed)
    if by_folds:
        value = read_json(folder / "folds.json")["variance_explained"]
        tables.add(kind, depth, "held_out", {"variance_explained": Reading(value, len(train))})
        floors(tables, kind, depth, "held_out", train, train, layer.sae.n_latents, readings["l0"].value, seed)
    tables.value(kind, depth, "train", "memorising", "variance_explained",
                 memorising_bound(layer.sae.n_latents, len(train)), len(train))  # fmt: skip
    tables.value(kind, depth, "train", tables.control, "gamma", layer.normaliser.gamma, len(train))


def floors(
    tables: Tables, kind: str, depth: int, split: str,
    train: torch.Tensor, rows: torch.Tensor, n_latents: int, l0: float, seed: int,
) -> None:  # fmt: skip
    """A random dictionary and PCA, each at the depth's own L0. Only for the trained host: floors of its rows."""
    if tables.control != "none":
        return
    k, mean = max(1, round(l0)), train.mean(0)
    sample = rows[torch.randperm(len(rows), generator=stream(seed, "floor sample"))[:FLOOR_SAMPLE]]
    draw = stream(seed, "random dictionary", kind, depth)
    for control, back in (
        ("random_dictionary", random_dictionary(sample - mean, n_latents, k, draw) + mean),
        ("pca", pca(train, sample, k)),
    ):
        seen = Seen(codes=Codes.from_dense(torch.zeros(1, 1)), x=sample, x_hat=back)
        reading = evaluate([seen], "input", ("variance_explained",))["variance_explained"]
        tables.value(kind, depth, split, control, "variance_explained", reading.value, reading.n)


def on_examples(
    tables: Tables, tower: Tower, depth: int, store: ActivationStore, host: Host, hook: str, seed: int
) -> None:
    """Measures of a depth on host examples: classes, mass, and the host decoded all the way down."""
    chosen: torch.Tensor | None = None
    for split in SPLITS:
        rows, labels = store.rows(split), store.labels(split)
        codes = tower.codes(rows, depth)
        chosen = class_sums(codes.dense(), labels, store.n_classes).best_class() if chosen is None else chosen
        back = tower.decode(rows, depth)
        seen = Seen(
            codes=codes, unit=tower.unit(depth), host=rows, host_hat=back,
            logits=host.logits_from(back, hook), labels=labels, n_classes=store.n_classes, chosen=chosen,
        )  # fmt: skip
        record_examples(tables, tower.kind, depth, split, seen, store, seed)


def record_examples(
    tables: Tables, kind: str, depth: int, split: str, seen: Seen, store: ActivationStore, seed: int
) -> None:
    """All example measures, the class measures under permuted labels, and what drives each latent most."""
    readings = evaluate([seen], "examples")
    tables.add(kind, depth, split, readings)
    tables.latent_values(kind, depth, split, readings, seen)
    if split == "held_out":
        tables.top_examples(kind, depth, seen, store.ids(split), TOP_EXAMPLES)
    if tables.control == "none":
        tables.add(kind, depth, split, permuted(seen, seed), control="permuted_labels")


def permuted(seen: Seen, seed: int) -> dict[str, Reading]:
    """Class measures with labels shuffled over examples, the class chosen anew; means over several shuffles."""
    assert seen.labels is not None
    draw = stream(seed, "permuted labels")
    measures = {
        name: kind
        for name, kind in find_all("sae.measures").items()
        if issubclass(kind, ClassMeasure)  # type: ignore[arg-type]  # what measures offer are classes
    }
    values: dict[str, list[float]] = {name: [] for name in measures}
    for _ in range(PERMUTATIONS):
        labels = seen.labels[torch.randperm(len(seen.labels), generator=draw)]
        sums = class_sums(seen.dense, labels, seen.n_classes)
        for name, kind in measures.items():
            values[name].append(kind.read(sums, sums.best_class()).value)  # type: ignore[attr-defined]  # a ClassMeasure
    return {name: Reading(sum(given) / PERMUTATIONS, PERMUTATIONS) for name, given in values.items()}

"""Architectures side by side: which are in the tables, what they are called, and their numbers over seeds."""

from __future__ import annotations

import pandas as pd

from analysis.results.tables import Results

# Architecture -> name on the page.
NAMES = {
    "topk": "TopK",
    "abs_topk": "AbsTopK",
    "batch_topk": "BatchTopK",
    "matryoshka": "Matryoshka",
    "joint_topk": "TopK and meta-SAE",
    "archetypal": "Archetypal",
    "matching_pursuit": "Matching pursuit",
    "relu_l1": "ReLU + L1",
    "gated": "Gated",
    "jumprelu": "JumpReLU",
}
# The kind whose depth 1 the others are compared with.
TOWER = "latents"
# Floors that are dictionaries of the same rows; their codes are always fitted, by matching pursuit.
DICTIONARIES = ("stored rows", "random, same covariance", "PCA, same rank")
OWN, REFIT = "variance_explained", "variance_explained_refit"


def name_of(architecture: str) -> str:
    """What an architecture is called; one of a user's own goes by its file's name."""
    return NAMES.get(architecture, architecture)


def compared(results: Results) -> dict[str, str]:
    """Kinds of the tables that are compared, with the names of their architectures: depth 1 of the tower, then the
    others. One that is compared with its like says so."""
    training = results.training
    here = training[(training["depth"] == 1) & (training["control"] == "none") & (training["kind"] != "directions")]
    found = dict(zip(here["kind"].astype(str), here["architecture"].astype(str), strict=True))
    own = found.get(TOWER)
    order = [*NAMES, *(architecture for architecture in found.values() if architecture not in NAMES)]
    kinds = sorted(found, key=lambda kind: (kind != TOWER, order.index(found[kind])))
    return {
        kind: f"{name_of(found[kind])}, compared" if kind != TOWER and found[kind] == own else name_of(found[kind])
        for kind in kinds
    }


def floors(results: Results) -> dict[str, str]:
    """What stands beside them: label -> control of depth 1 of the tower."""
    own = compared(results).get(TOWER, TOWER)
    dictionaries = dict(zip(DICTIONARIES, ("stored_dictionary", "matched_dictionary", "pca"), strict=True))
    return {**dictionaries, f"{own}, labels permuted": "permuted_labels", f"{own}, random network": "random_host"}


def numbers(results: Results, measure: str) -> pd.DataFrame:
    """Held-out values of depth 1, a row a seed: what (name of the architecture or floor), floor (bool), value.

    Under REFIT an untrained dictionary has what it has under OWN: a floor has no encoder, its codes are fitted.
    """
    parts = [results.values(measure, kind).assign(what=name, floor=False) for kind, name in compared(results).items()]
    beside = floors(results)
    parts += [
        results.values(measure, TOWER, control=control).assign(what=label, floor=True)
        for label, control in beside.items()
    ]
    if measure == REFIT:
        parts += [
            results.values(OWN, TOWER, control=beside[label]).assign(what=label, floor=True) for label in DICTIONARIES
        ]
    rows = pd.concat(parts)
    return rows[rows["depth"] == 1][["what", "floor", "run", "value"]].reset_index(drop=True)


def seconds(results: Results) -> pd.DataFrame:
    """Seconds of training of each compared SAE, in the same form."""
    training = results.training
    here = training[(training["depth"] == 1) & (training["control"] == "none")]
    names = compared(results)
    rows = here[here["kind"].isin(names)]
    return rows.assign(what=rows["kind"].map(names), floor=False, value=rows["seconds"])[
        ["what", "floor", "run", "value"]
    ]


def over_seeds(rows: pd.DataFrame) -> pd.DataFrame:
    """Mean, least and largest of each, by `what`."""
    return rows.groupby(["what", "floor"], sort=False)["value"].agg(mean="mean", low="min", high="max").reset_index()

"""Architectures side by side: which are in the tables, what they are called, and their numbers over seeds."""

from __future__ import annotations

import pandas as pd

from analysis.results.tables import Results

# Kind in the tables -> name on the page. Depth 1 of the tower is the TopK of the comparison.
NAMES = {
    "latents": "TopK",
    "batch_topk": "BatchTopK",
    "matryoshka": "Matryoshka",
    "joint_topk": "TopK and meta-SAE",
    "relu_l1": "ReLU + L1",
    "gated": "Gated",
    "jumprelu": "JumpReLU",
}
# What stands beside them: label -> control of depth 1.
FLOORS = {
    "stored rows": "stored_dictionary",
    "random, same covariance": "matched_dictionary",
    "PCA, same rank": "pca",
    "TopK, labels permuted": "permuted_labels",
    "TopK, random network": "random_host",
}
# Floors that are dictionaries of the same rows; their codes are always fitted, by matching pursuit.
DICTIONARIES = ("stored rows", "random, same covariance", "PCA, same rank")
OWN, REFIT = "variance_explained", "variance_explained_refit"
OTHERS = ("host", "directions", "direct")


def compared(results: Results) -> dict[str, str]:
    """Kinds that are compared, with their names; an architecture of a user's own goes by its file's name."""
    found = [str(kind) for kind in results.measures["kind"].unique()]
    own = {kind: kind for kind in found if kind not in (*NAMES, *OTHERS)}
    return {kind: name for kind, name in (NAMES | own).items() if kind in found}


def numbers(results: Results, measure: str) -> pd.DataFrame:
    """Held-out values of depth 1, a row a seed: what (name of the architecture or floor), floor (bool), value.

    Under REFIT an untrained dictionary has what it has under OWN: a floor has no encoder, its codes are fitted.
    """
    parts = [results.values(measure, kind).assign(what=name, floor=False) for kind, name in compared(results).items()]
    parts += [
        results.values(measure, "latents", control=control).assign(what=label, floor=True)
        for label, control in FLOORS.items()
    ]
    if measure == REFIT:
        parts += [
            results.values(OWN, "latents", control=FLOORS[label]).assign(what=label, floor=True)
            for label in DICTIONARIES
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

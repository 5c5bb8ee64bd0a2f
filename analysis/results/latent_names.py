"""What a latent is called in a sentence: the classes it stands for, from held-out examples. Free of torch."""

from __future__ import annotations

import pandas as pd

from analysis.results.tables import Results

ONE, TWO = 0.9, 0.8


def class_shares(results: Results, kind: str, depth: int) -> pd.DataFrame:
    """Share of each latent's held-out activation that falls on each class: a row a latent, a column a class number.

    Of the first run, on the trained host.
    """
    rows = results.latents
    rows = rows[
        (rows["run"] == results.first_run) & (rows["kind"] == kind) & (rows["depth"] == depth)
        & (rows["control"] == "none") & (rows["split"] == "held_out")
    ]  # fmt: skip
    rows = rows.assign(measure=rows["measure"].astype(str))
    rows = rows[rows["measure"].str.startswith("class_share_")]
    rows["class"] = rows["measure"].str.removeprefix("class_share_").astype(int)
    return rows.pivot(index="latent", columns="class", values="value")


def named(shares: pd.Series, names: list[str]) -> str:
    """`3s`, `3s and 5s`, or `mostly 3s (41%)`, by where the activation falls."""
    order = shares.sort_values(ascending=False)
    first, *others = (_plural(names[int(c)]) for c in order.index[:2])
    if order.iloc[0] >= ONE or not others:
        return first
    second = others[0]
    if order.iloc[:2].sum() >= TWO:
        return f"{first} and {second}"
    return f"mostly {first} ({order.iloc[0]:.0%})"


def _plural(name: str) -> str:
    return f"{name}s" if name.isdigit() else name.lower()

"""Numbers of the write-up that are made of several: `{{< num NAME >}}`, see `analysis/pages/numbers.py`."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd

from analysis.results import architectures as comparison
from analysis.results.tables import Results


def lead(results: Results, measure: str, depth: int) -> pd.Series:
    """Trained minus random network, by run, latents tower."""
    trained = results.values(measure, "latents").query("depth == @depth").set_index("run")["value"]
    random = results.values(measure, "latents", control="random_host").query("depth == @depth")
    return trained - random.set_index("run")["value"]


def rise(results: Results, measure: str, depth: int, control: str = "none") -> pd.Series:
    """From depth 1 to `depth`, by run, latents tower."""
    rows = results.values(measure, "latents", control=control)
    by_depth = rows.pivot(index="run", columns="depth", values="value")
    return by_depth[depth] - by_depth[1]


def over_single(results: Results, measure: str, depth: int, control: str = "none") -> pd.Series:
    """Latents tower minus the single SAE that is as wide and as sparse, by run."""
    tower = results.values(measure, "latents", control=control).query("depth == @depth").set_index("run")["value"]
    single = results.values(measure, "direct", control=control).query("depth == @depth").set_index("run")["value"]
    return tower - single


def sparsity_share(results: Results, measure: str, depth: int) -> pd.Series:
    """How much of the rise from depth 1 to `depth` a single SAE has that is as sparse, by run."""
    tower = results.values(measure, "latents").pivot(index="run", columns="depth", values="value")
    single = results.values(measure, "direct").query("depth == @depth").set_index("run")["value"]
    return (single - tower[1]) / (tower[depth] - tower[1])


def ratio(results: Results, measure: str, control: str = "none") -> pd.Series:
    """Last depth over depth 1, by run, latents tower."""
    rows = results.values(measure, "latents", control=control)
    by_depth = rows.pivot(index="run", columns="depth", values="value")
    return by_depth[by_depth.columns.max()] / by_depth[1]


def missed_by_stored_rows(results: Results) -> pd.Series:
    """Share of variance of depth 1's rows that as many stored training rows miss, by run."""
    rows = results.values("variance_explained", "latents", control="stored_dictionary").query("depth == 1")
    return 1 - rows.set_index("run")["value"]


def compared(results: Results, measure: str) -> pd.DataFrame:
    """Variance explained by the compared architectures: a row a run, a column an architecture."""
    rows = comparison.numbers(results, measure)
    return rows[~rows["floor"]].pivot(index="run", columns="what", values="value")


def firing_of(results: Results, kind: str, start: float, stop: float) -> pd.Series:
    """Mean share of held-out examples on which latents of depth 1 are on, by run; `start` and `stop` are shares of the
    width."""
    rows = results.latents.query(
        "kind == @kind and depth == 1 and split == 'held_out' and control == 'none' and measure == 'firing_rate'"
    )
    width = rows["latent"].max() + 1
    rows = rows[(rows["latent"] >= start * width) & (rows["latent"] < stop * width)]
    by_run: pd.Series = rows.groupby("run", observed=True)["value"].mean()
    return by_run


def heaviest_part(results: Results, depth: int) -> pd.Series:
    """The largest weight of one latent below in the direction of the median latent that fires, by run, latents tower.
    Directions have length 1, so it is a cosine."""
    place = "kind == 'latents' and depth == @depth and control == 'none'"
    fires = results.latents.query(place + " and split == 'held_out' and measure == 'firing_rate' and value > 0")
    weights = results.links.query(place).merge(fires[["run", "latent"]])
    by_run: pd.Series = weights.groupby(["run", "latent"], observed=True)["weight"].max().groupby("run").median()
    return by_run


# Several numbers made one: each gives a value per run. Named in pages as they are here.
NUMBERS: dict[str, Callable[[Results], pd.Series]] = {
    "heaviest_part_4": lambda r: heaviest_part(r, 4),
    "selectivity_lead_1": lambda r: lead(r, "selectivity", 1),
    "selectivity_lead_4": lambda r: lead(r, "selectivity", 4),
    "exclusive_lead_1": lambda r: lead(r, "exclusive_share", 1),
    "exclusive_lead_2": lambda r: lead(r, "exclusive_share", 2),
    "exclusive_rise_2": lambda r: rise(r, "exclusive_share", 2),
    "exclusive_rise_2_random": lambda r: rise(r, "exclusive_share", 2, "random_host"),
    "sparsity_share_2": lambda r: sparsity_share(r, "selectivity", 2),
    "sparsity_share_3": lambda r: sparsity_share(r, "selectivity", 3),
    "sparsity_share_4": lambda r: sparsity_share(r, "selectivity", 4),
    "depth_alone_2": lambda r: over_single(r, "selectivity", 2),
    "depth_alone_3": lambda r: over_single(r, "selectivity", 3),
    "depth_alone_4": lambda r: over_single(r, "selectivity", 4),
    "depth_alone_5": lambda r: over_single(r, "selectivity", 5),
    "depth_alone_6": lambda r: over_single(r, "selectivity", 6),
    "depth_alone_2_random": lambda r: over_single(r, "selectivity", 2, "random_host"),
    "depth_alone_3_random": lambda r: over_single(r, "selectivity", 3, "random_host"),
    "depth_alone_4_random": lambda r: over_single(r, "selectivity", 4, "random_host"),
    "variance_missed_by_stored_rows": missed_by_stored_rows,
    "architectures_apart": lambda r: (t := compared(r, comparison.OWN)).max(axis=1) - t.min(axis=1),
    "dictionaries_apart": lambda r: (t := compared(r, comparison.REFIT)).max(axis=1) - t.min(axis=1),
    "matryoshka_first_32": lambda r: firing_of(r, "matryoshka", 0, 1 / 16),
    "matryoshka_last_half": lambda r: firing_of(r, "matryoshka", 1 / 2, 1),
    "mass_ratio": lambda r: ratio(r, "activation_mass"),
    "mass_ratio_random_host": lambda r: ratio(r, "activation_mass", "random_host"),
    "strength_ratio": lambda r: ratio(r, "mean_activation"),
    "strength_ratio_random_host": lambda r: ratio(r, "mean_activation", "random_host"),
}
RANDOM = "network that was never trained"
RISE = "share of the rise in class selectivity from depth 1 to depth"
ALONE = "class selectivity of the tower beyond a single SAE as wide and as sparse, depth"
# What they are in words, as a reader who asks is told.
WORDS = {
    "heaviest_part_4": "cosine of the median latent of depth 4 with the one latent below that it is mostly made of",
    "selectivity_lead_1": f"class selectivity beyond the {RANDOM}, latents tower, depth 1",
    "selectivity_lead_4": f"class selectivity beyond the {RANDOM}, latents tower, depth 4",
    "exclusive_lead_1": f"share of one-class latents beyond the {RANDOM}, latents tower, depth 1",
    "exclusive_lead_2": f"share of one-class latents beyond the {RANDOM}, latents tower, depth 2",
    "exclusive_rise_2": "share of one-class latents at depth 2 beyond depth 1, latents tower",
    "exclusive_rise_2_random": f"share of one-class latents at depth 2 beyond depth 1, latents tower, {RANDOM}",
    **{f"sparsity_share_{n}": f"{RISE} {n} that a single SAE has that is as sparse" for n in (2, 3, 4)},
    **{f"depth_alone_{n}": f"{ALONE} {n}" for n in (2, 3, 4, 5, 6)},
    **{f"depth_alone_{n}_random": f"{ALONE} {n}, {RANDOM}" for n in (2, 3, 4)},
    "variance_missed_by_stored_rows": "share of variance that as many stored training rows miss, depth 1",
    "architectures_apart": "variance explained by the best architecture beyond the worst",
    "dictionaries_apart": "variance explained by the best architecture beyond the worst, codes refitted",
    "matryoshka_first_32": "share of examples on which one of the first 32 latents of the Matryoshka SAE fires",
    "matryoshka_last_half": "share of examples on which a latent of the Matryoshka SAE's last half fires",
    "mass_ratio": "mean total activation of the last depth over depth 1, latents tower",
    "mass_ratio_random_host": f"mean total activation of the last depth over depth 1, latents tower, {RANDOM}",
    "strength_ratio": "mean activation of the last depth over depth 1, latents tower",
    "strength_ratio_random_host": f"mean activation of the last depth over depth 1, latents tower, {RANDOM}",
}

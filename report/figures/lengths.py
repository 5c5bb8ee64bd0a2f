"""Training length of SAEs on directions: what is explained in-sample and of left-out rows, beside floors."""

from __future__ import annotations

from itertools import pairwise

import pandas as pd

from analysis.figures.drawing import Drawing
from analysis.figures.html_table import framed
from analysis.figures.verdict_cells import cells, chip
from analysis.figures.verdict_cells import judged as judged_words
from analysis.figures.words import judged, seeds, seeds_of
from analysis.plan.config import RunConfig
from analysis.results.findings import (
    EQUAL,
    FALLS,
    HIGHER,
    RISES,
    STAYS,
    UNDECIDED,
    Comparison,
    Values,
    by_run,
    compare,
    trend,
)
from analysis.results.tables import Results
from sae.errors import DataError

EXPERIMENTS = ("lengths",)
KIND, DEPTH = "directions", 2
EXPLAINED, REFIT = "variance_explained", "variance_explained_refit"
COLUMNS = (
    ("in-sample", "variance_explained", "train", "none"),
    ("held out, own codes", "variance_explained", "held_out", "none"),
    ("on Gaussian rows", "variance_explained", "held_out", "gaussian_null"),
    ("tower on Gaussian rows", "variance_explained", "held_out", "gaussian_tower"),
    ("held out, fitted codes", "variance_explained_refit", "held_out", "none"),
    ("random mixtures", "variance_explained", "held_out", "matched_dictionary"),
    ("stored rows", "variance_explained", "held_out", "stored_dictionary"),
)


def lengths(results: Results) -> Drawing:
    """A row a length."""
    body, data = [], []
    inside: dict[int, Values] = {}
    ahead: dict[int, Comparison] = {}
    for variant in results.variants:
        seen = results.of(variant)
        config = RunConfig.from_canonical(str(seen.runs["config"].iloc[0]))
        verdict = judged_words(seen, KIND).get(DEPTH)
        if verdict is None:
            raise DataError(f"the {KIND} tower of {results.experiment} has no depth {DEPTH}")
        steps = next(tower.train.steps for tower in config.towers if tower.kind == KIND)
        own, stored = (
            _by_seed(seen, REFIT, "held_out", "none"),
            _by_seed(seen, EXPLAINED, "held_out", "stored_dictionary"),
        )
        ahead[steps] = compare(own, stored)
        inside[steps] = _by_seed(seen, EXPLAINED, "train", "none")
        html, means = cells(seen, COLUMNS, KIND, DEPTH, 3)
        body.append(f'<tr><th scope="row">{steps:,} steps</th><td>{chip(verdict)}</td>{html}</tr>')
        data.append({"steps": steps, "word": verdict.word} | means)
    table = pd.DataFrame(data)
    trained = results.trained(KIND)
    sizes = set(trained.loc[trained["depth"] == DEPTH - 1, "width"])
    return Drawing(
        kind="tbl",
        title=_finding(inside, ahead),
        caption=(
            f"Depth 2 of the directions tower, which reads {' or '.join(f'{size:,}' for size in sorted(sizes))} "
            f"directions, means over {seeds(seeds_of(results))}. [Point at a number for its interval, at a word for "
            "the reason.]{.page-only} Held out by folds. Own codes are to be compared with "
            "the two Gaussian floors beside them, which were trained as long, fitted codes with the dictionaries "
            "beside them."
            + judged(*ahead.values())
        ),
        alt=f"Table of training lengths. {_finding(inside, ahead)}.",
        data=table,
        html=framed(
            "Training lengths", ["trained for", "verdict", *(name for name, *_ in COLUMNS)], body,
            "verdict-table", "compared",
        ),
    )  # fmt: skip


def _by_seed(seen: Results, measure: str, split: str, control: str) -> Values:
    """Values of the depth, by seed: runs of two lengths differ."""
    seed_of = dict(zip(seen.runs["run"].astype(str), seen.runs["seed"].astype(str), strict=True))
    return {seed_of[run]: value for run, value in by_run(seen, measure, KIND, DEPTH, control, split).items()}


def _finding(inside: dict[int, Values], ahead: dict[int, Comparison]) -> str:
    """What longer training does in-sample, and where the dictionary is ahead of rows stored by heart."""
    steps = sorted(inside)
    whole = trend(inside)
    each = [compare(inside[later], inside[earlier]).word for earlier, later in pairwise(steps)]
    lead = {
        RISES: "The longer the training, the better in-sample" if set(each) == {HIGHER}
        else "The longest training is better in-sample than the shortest",
        FALLS: "The longest training is worse in-sample than the shortest",
        STAYS: "In-sample the longest training is about as good as the shortest",
        UNDECIDED: "Whether longer training is better in-sample is undecided",
    }.get(whole.word, "In-sample the lengths differ")  # fmt: skip
    if len(steps) == 1:
        lead = f"Training of {steps[0]:,} steps"
    known = {at: one.word for at, one in ahead.items() if one}
    if not known:
        return lead
    passes = [f"{at:,}" for at in steps if known.get(at) == HIGHER]
    said = f"{lead}; the dictionary passes stored rows " + (
        f"at {', '.join(passes)} steps" if passes else "at no length"
    )
    for word, text in ((EQUAL, "about equal"), (UNDECIDED, "undecided")):
        where = [f"{at:,}" for at in steps if known.get(at) == word]
        said += f", {text} at {', '.join(where)} steps" if where else ""
    return said

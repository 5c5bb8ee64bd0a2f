"""Tables of latents as detectors of a class: the best of all depths, or of one, sortable, complete without scripts."""

from __future__ import annotations

import pandas as pd

from analysis.figures.drawing import Drawing, spoken
from analysis.figures.neuron_rows import table
from analysis.results import latents
from analysis.results.detectors import Level, levels, of_depth, strongest
from analysis.results.tables import Results

ROWS = 300
PER_DEPTH = 40
NOTHING = "No latent detects a class better than shuffled labels do"
NOT_SHUFFLED = "Whether latents detect classes better than shuffled labels do is undecided: labels were not shuffled"
METHOD = (
    "A latent's class is chosen on training examples; all numbers are of held-out ones. *Chance* is the 95% point of "
    "the F1 that its firing has with shuffled labels, its class chosen anew in every shuffle; what does not pass, at "
    "5% false finds over the latents of its depth (Benjamini and Hochberg), is marked *not passed*. The order uses the "
    "held-out F1 itself, so the first rows are somewhat lucky. A dash: not defined there, such as selectivity for "
    "fewer than ten examples. First seed."
)
UNLABELLED = (
    "The data set has no labels: a name is a rule on what examples look like, chosen on training examples, in small "
    "how well it predicts firing on held-out ones (balanced accuracy), in brackets what chance reaches; the order is "
    "by that. First seed."
)
ALT = "Table of latents: name, class, strongest images, F1, chance, precision, recall, selectivity, effects, parents."
ALT_UNLABELLED = "Table of latents: name, strongest images, how often they fire, parents."


def neurons(results: Results, *, depth: int | None = None, set_name: str = "") -> Drawing:
    """The best latents of each depth by F1, or of one `depth` (0: the host's own neurons); first seed, latents tower.
    Without labels: those whose names predict best when they fire.

    `set_name` says whose images they are, as in `table`.
    """
    return overview(results, set_name) if depth is None else one_depth(results, depth, set_name)


def overview(results: Results, set_name: str = "") -> Drawing:
    """The best latents of each depth by F1, first seed, latents tower; `set_name` as in `table`. Of what the explorer
    shows the other rows are fetched when a depth is chosen."""
    found = levels(results)
    each = min(PER_DEPTH, ROWS // len(found))
    by = "f1" if results.labelled else "detection"
    best = pd.concat([level.live.head(each) for level in found]).sort_values(by, ascending=False, kind="stable")
    images = {
        (level.depth, latent): examples
        for level in found
        for latent, examples in strongest(results, level.depth).items()
    }
    neurons_too = "Depth 0 is the host's own neurons. " if found[0].depth == 0 else ""
    which = (
        f"Latents of the latents tower as detectors of one class: the {each} best of each depth by F1"
        if results.labelled
        else f"Latents of the latents tower: of each depth the {each} whose names predict best when they fire"
    )
    choices = "depths and classes" if results.labelled else "depths"
    every = pd.concat([level.live for level in found])
    rest = " (a chosen depth is shown whole)" if results.looked else ""
    return Drawing(
        kind="tbl",
        title=all_depths(found),
        caption=(
            f"{which}; the data have all. [Press a column's name to sort; choose {choices} above{rest}.]{{.page-only}} "
            f"{method(results)} {neurons_too}".rstrip()
        ),
        alt=ALT if results.labelled else ALT_UNLABELLED,
        data=pd.concat([level.rows for level in found]),
        html=(
            table(best, images, results.sprite, every if results.looked else None, set_name)
            if len(best)
            else "<p>No latent of this tower fires.</p>"
        ),
    )


def one_depth(results: Results, depth: int, set_name: str = "") -> Drawing:
    """The best latents of one depth, `set_name` as in `table`; the data are all of them. A depth that is not there is a
    sentence."""
    level = of_depth(results, depth) if depth in [place for _, place in latents.places(results)] else None
    if level is None or level.rows.empty:
        said = no_depth(results, depth)
        nothing = pd.DataFrame({"depth": [depth], "note": [said]})
        return Drawing(
            kind="tbl", title=f"No depth {depth}", caption=said, alt=said, data=nothing, html=f"<p>{said}</p>"
        )
    live, what = level.live, "neuron" if depth == 0 else "latent"
    best = live.head(ROWS)
    images = {(depth, latent): examples for latent, examples in strongest(results, depth).items()}
    which = (
        f"The {len(best)} best of {len(level.rows)} {what}s by {'F1' if level.labelled else 'how well names predict'}"
        if len(best) < len(live)
        else f"All {what}s that fire"
    )
    return Drawing(
        kind="tbl",
        title=_finding(level, what),
        caption=f"{which}; the data have all {len(level.rows)}. {method(results)}",
        alt=ALT if level.labelled else ALT_UNLABELLED,
        data=level.rows,
        html=table(best, images, results.sprite, set_name=set_name)
        if len(best)
        else f"<p>No {what} of this depth fires.</p>",
    )


def method(results: Results) -> str:
    """How the numbers were made, for captions."""
    return METHOD if results.labelled else UNLABELLED


def _finding(level: Level, what: str) -> str:
    where = "" if level.depth == 0 else f" at depth {level.depth}"
    if not len(level.live):
        return f"No {what}{where} fires"
    if not level.labelled:
        named, live = int(level.live["named"].sum()), len(level.live)
        has = "has" if named == 1 else "have"
        return f"{named} of {live} {what}s that fire{where} {has} a name that predicts when"
    if not level.judged:
        return NOT_SHUFFLED + where
    if not len(level.passed):
        return f"None of {len(level.live)} {what}s that fire{where} detects a class better than shuffled labels do"
    top = level.passed.iloc[0]
    verb = "detects" if len(level.passed) == 1 else "detect"
    return (
        f"{len(level.passed)} of {len(level.live)} {what}s that fire{where} {verb} a class better than shuffled labels "
        f"do; the best has F1 {spoken(top['f1'])}, for class {top['class']}"
    )


def all_depths(found: list[Level]) -> str:
    """How many pass at each depth, as a title."""
    if not found[0].labelled:
        return "Of those that fire, these have a name that predicts when: " + ", ".join(map(_passing, found))
    if not any(level.judged for level in found):
        return NOT_SHUFFLED
    if not any(len(level.passed) for level in found):
        return NOTHING
    return "Of those that fire, these detect a class better than shuffled labels do: " + ", ".join(map(_passing, found))


def _passing(level: Level) -> str:
    passing = int(level.live["named"].sum()) if not level.labelled else len(level.passed)
    count = f"{passing or 'none'} of {len(level.live)}"
    return f"{count} neurons" if level.depth == 0 else f"{count} at depth {level.depth}"


def no_depth(results: Results, depth: int) -> str:
    """A sentence in place of a depth that is not there, with why its tower stopped where it did."""
    stops = results.stops
    here = stops[
        (stops["run"] == results.first_run) & (stops["kind"] == latents.KIND)
        & (stops["control"] == "none") & (stops["depth"] <= depth)
    ]  # fmt: skip
    return " ".join([f"This tower has no depth {depth}.", *here["sentence"].astype(str).head(1)])

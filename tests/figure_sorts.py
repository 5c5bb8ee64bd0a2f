"""What is expected of every figure from planted tables of each sort: what titles say of it, and what is refused."""

from __future__ import annotations

import dataclasses

from planted_tables import Planted, without

from analysis.plan import plugins
from sae.discover import load, module_name

BETTER = Planted(own=0.6, rise=0.1, other=0.4)
SORTS = {
    "better": BETTER,
    "worse": Planted(own=0.4, rise=-0.1, other=0.6),
    "equal": Planted(),
    "undecided": Planted(wobble=0.1),
    "one seed": dataclasses.replace(BETTER, seeds=1),
    "missing": without(BETTER),
    "no random": dataclasses.replace(BETTER, random=False),
    "one depth": dataclasses.replace(BETTER, depths=1),
    "one class": dataclasses.replace(BETTER, classes=("cat",)),
    "no neurons": dataclasses.replace(BETTER, neurons=False),
    "not shuffled": dataclasses.replace(BETTER, shuffled=False),
    "not looked": dataclasses.replace(BETTER, looked=False),
}
LATENTS = (
    "class_best",
    "class_heat",
    "class_map",
    "detector_scores",
    "latent_path",
    "lineages",
    "memorable_latent",
    "name_sample",
    "neurons",
    "quiz",
)
NEURONS = ("accuracy_by_depth", "depth_grid", "exclusive_by_depth", "lineages", "named_by_depth", "neurons",
           "selectivity_by_depth")  # fmt: skip
# The others are for the thorough suite.
BY_DEFAULT = ("better", "worse", "undecided", "missing", "one depth")
# What differs in numbers only has the same chart and, where a title counts things, the same title.
NUMBERS_ONLY = ("worse", "equal", "undecided")
# the variants of experiments that compare some; the first has what stands beside the tower
VARIANTS = {
    "collapse_fixes": ("all three, penalty 0.1", "as published, penalty 0.1", "TopK", "TopK and AuxK"),
    "collapse_loss": ("as published, ten depths",),
    "decompose": ("TopK alone", "trained against a meta-SAE"),
    "lengths": ("short", "long"),
    "schedules": ("constant k", "halving k"),
    "stops": ("one", "other"),
}
TWO = ("latent_path", "layer_margin")
KINDS = ("margins", "measures", "verdict", "verdict_strip")
# The sort that has least: its charts are built too, but for those over depth, which are the same as of the one that has
# all.
LEAST = "missing"
OTHERWISE = ("FROM_LOGS", "FROM_NOTEBOOK", "FROM_FILE", "NEEDS")
"""What a figure's module says that is drawn from something else than tables, from more, or from tables of another kind
of host, which have tests of their own."""
NAMES = sorted(
    name
    for name in plugins.figures()
    if not any(getattr(load(module_name("analysis.figures.kinds", name)), source, "") for source in OTHERWISE)
)

# By figure, what the title says of a tower that is better, worse, equal, and where it is undecided.
ORDER = ("better", "worse", "equal", "undecided")
THAN = ("more than", "less than", "about as much", "undecided whether more or less")
PARENTHESES = (r"\(less\)", r"\(more\)", r"\(about as m", r"\(undecided whether more or less\)")
SAYS: dict[str, tuple[str, str, str, str]] = {
    "accuracy_by_depth": THAN,
    "activation_by_depth": ("grows to 1.33.*" + PARENTHESES[0], "falls to 0.50.*" + PARENTHESES[1],
                            "stays at 1.00.*about the same", "undecided in which direction.*" + PARENTHESES[3]),
    "architecture_error": ("all 2 learned .* less", r"none of 2 .*\(2 more\)", r"none .*\(2 about as much\)",
                           r"none .*\(2 undecided\)"),
    "atomicity_slopes": ("0 of the 4 .*rising: FRI, CSP.*rises faster", "4 of the 4 .*selectivity falls faster",
                         "no change: FRI, CSP.*stays", "undecided: FRI, CSP.*whether selectivity.*undecided"),
    "class_map": PARENTHESES,
    "collapse_loss": ("does not fall", "falls at every depth", "does not fall", "Whether .* is undecided"),
    "collapse_fixes": ("2 of 2 recipes", "2 of 2 recipes", "2 of 2 recipes", "1 of 2 .*1 undecided"),
    "decompose": ("easier to", "harder to", "about as easy", "Whether .* is undecided"),
    "depth_grid": ("purer.*more than", "less pure.*less than", "about as pure as neurons", "Whether.*undecided"),
    "detector_scores": ("more at 3 of 3", "fewer at 3 of 3", "about as many at 3 of 3", "undecided at 3 of 3"),
    "directions_by_depth": THAN,
    "exclusive_by_depth": ("peak at depth 3.*more than", "peak at depth 1.*less than", "about as many at every depth",
                           "are most at.*undecided whether"),
    "interpretation": (r"\(fewer\)", r"\(more\)", r"\(about as many", r"\(undecided whether more or fewer"),
    "layer_margin": ("structure at", "floor at", "floor at", "undecided at"),
    "lengths": ("longer the training, the better.*at 200 steps", "worse in-sample.*at no length", "about as good",
                "undecided"),
    "live_by_depth": ("^At depth 3 80%.*more than", "only 20%.*less than", "about as much", "undecided whether"),
    "margins": ("structure at", "floor at", "floor at", "undecided at"),
    "matched_by_depth": THAN,
    "measures": ("rises from.*more at 3 of 3", "falls from.*less at 3 of 3", "stays about equal.*as much at 3 of 3",
                 "undecided whether up or down.*undecided at 3 of 3"),
    "named_by_depth": THAN,
    "schedules": ("halved, 2 of 2", "halved, 0 of 2", "halved, 0 of 2", "halved, 0 of 2"),
    "selectivity_by_depth": (r"rises by 0.20.*network by.*\(less", r"falls by 0.20.*network by.*\(less",
                             r"stays about equal.*\(about as much", r"undecided in which direction.*\(undecided"),
    "small_sae_cosine": ("are more like", "are less like", "are about as like .* as", "are undecided whether"),
    "steering_by_depth": ("more cleanly.*more than", "less cleanly.*less than", "about as cleanly.*about as much",
                          "undecided whether more or less cleanly"),
    "variance_by_depth": ("more than.*more than", "less than.*less than", "about as much.*about as much",
                          "undecided whether.*undecided whether"),
    "verdict": ("structure at", "floor at", "floor at", "undecided at"),
    "verdict_strip": ("structure at", "floor at", "floor at", "undecided at"),
    "verdict_words": ("5 depths.*5 are structure", "5 are floor", "5 are floor", "5 are undecided"),
}  # fmt: skip
# Figures whose title is of the first seed, or counts things: no comparison over seeds stands in it.
COUNTING = set(NAMES) - set(SAYS)
ASKED = {"one class": LATENTS, "not shuffled": LATENTS, "not looked": LATENTS, "no neurons": NEURONS,
         **dict.fromkeys((*NUMBERS_ONLY, "no random"), SAYS)}  # fmt: skip
# What cannot be drawn from such tables, and what the one line says is missing.
REFUSED = {
    ("atomicity_slopes", "one depth"): "no metric of atomicity at three depths or more",
    ("decompose", "one depth"): "no variance of directions explained",
    ("directions_by_depth", "one depth"): "no directions tower of two depths",
    ("lengths", "one depth"): "has no depth 2",
    ("schedules", "one depth"): "no schedule of two depths or more",
    ("layer_margin", "missing"): "no distance of its latents tower to all floors",
    ("margins", "missing"): "no distances of its latents tower to trained floors",
    ("verdict_strip", "missing"): "no distances of its latents tower to any floor",
    ("memorable_latent", "one depth"): "planted has no depth 2",
    ("quiz", "missing"): "no random network",
    **{(name, "not looked"): "(holds no images|nobody looked)" for name in LATENTS},
}

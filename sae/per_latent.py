"""One pass of an SAE over rows: how often each latent fires, what drives it, and what it merely repeats.

Part by part, so that no more than some thousand rows are ever held with a column for every latent.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn.functional import normalize

from sae.ambient import reading
from sae.classes import Classes, SparseSums
from sae.discover import find_all
from sae.evaluate import ClassSums, Reading
from sae.judgement import Latents, Near, Strong
from sae.layer import Layer
from sae.measures._sums import ClassMeasure
from sae.measures.copy_score import COPY
from sae.nulls import matched_directions, parts, times, usual_scale
from sae.rule import THRESHOLDS
from sae.seeding import stream

STRONGEST = 5
# Of the labels: as many as an interval over them takes.
PERMUTATIONS = 40
OUTSIDE = 1 - THRESHOLDS.confidence
# Sums of classes under all shuffles together, in numbers: with many classes and latents there are fewer shuffles.
SUMS = 2**25
# A row that more latents' worth of rows are near to is no row learned by heart: what rows share is a direction.
FEW = 3
# Latents compared with all rows at once.
BLOCK = 1024
# Random directions that say how near to a row one comes by chance.
CHANCE = 2048


@dataclass(frozen=True)
class Scan:
    """What a pass over rows has seen."""

    n: int
    active: float
    """Active latents of all rows together."""
    fires: Int[Tensor, " n_latents"]
    values: Float[Tensor, "top n_latents"]
    """The largest activations, in units of the rows, largest first; 0 where there are fewer."""
    rows: Int[Tensor, "top n_latents"]
    sums: tuple[ClassSums, ...]
    """Under the real labels and each shuffle of them; empty without labels."""

    @property
    def l0(self) -> float:
        """Mean number of active latents a row."""
        return self.active / self.n

    @property
    def live_share(self) -> float:
        """Share of the latents that fire at all."""
        return float((self.fires > 0).double().mean())


@reading()
def scan(layer: Layer, rows: Float[Tensor, "rows d_in"], classes: Classes | None = None, seed: int = 0) -> Scan:
    """Look at rows, and at their classes and some shuffles of these."""
    n_latents, scale = layer.sae.n_latents, layer.normaliser.scale
    fires = torch.zeros(n_latents, dtype=torch.int64, device="cpu")
    values = torch.zeros(0, n_latents, dtype=torch.float32, device="cpu")
    best = torch.zeros(0, n_latents, dtype=torch.int64, device="cpu")
    sums = _sums(n_latents, classes, seed)
    active = 0.0
    for part in parts(rows, n_latents):
        codes = layer.encode(rows[part])
        dense = codes.dense()
        on = (dense > 0).sum(0)
        fires, active = fires + on, active + float(on.sum())
        top = dense.topk(min(STRONGEST, len(dense)), dim=0)
        values, best = torch.cat([values, top.values * scale]), torch.cat([best, top.indices + part.start])
        kept = values.topk(min(STRONGEST, len(values)), dim=0)
        values, best = kept.values, best.gather(0, kept.indices)
        if sums is not None:
            sums.add(codes, part)
    return Scan(len(rows), active, fires, values, best, tuple(sums.sums()) if sums is not None else ())


def _sums(n_latents: int, classes: Classes | None, seed: int) -> SparseSums | None:
    if classes is None:
        return None
    draw = stream(seed, "permuted labels")
    times = max(2, min(PERMUTATIONS, SUMS // (2 * n_latents * len(classes))))
    index = classes.index
    shuffled = [index[torch.randperm(len(index), generator=draw, device="cpu")] for _ in range(times)]
    return SparseSums(n_latents, len(classes), [index, *shuffled])


@dataclass(frozen=True)
class Shuffled:
    """What a measure is under shuffled labels."""

    mean: float
    low: float
    high: float
    """Between these lie 95% of the shuffles; NaN of fewer than two."""
    n: int
    """Shuffles in which it is defined."""

    @classmethod
    def of(cls, values: list[float]) -> Shuffled:
        """From its values, NaN where it is not defined."""
        known = [value for value in values if not math.isnan(value)]
        mean = sum(known) / len(known) if known else math.nan
        ends = np.quantile(known, [OUTSIDE / 2, 1 - OUTSIDE / 2]).tolist() if len(known) > 1 else [math.nan] * 2
        return cls(mean, ends[0], ends[1], len(known))


def class_measures(held: Scan, fit: Scan) -> tuple[dict[str, Reading], dict[str, Shuffled]]:
    """Every class measure of held-out rows, classes chosen on the others; and what it is under shuffles of the labels,
    each of which chooses anew."""
    measures = {
        name: measure
        for name, measure in find_all("sae.measures").items()
        if isinstance(measure, type) and issubclass(measure, ClassMeasure)
    }
    real = {name: measure.read(held.sums[0], fit.sums[0].best_class()) for name, measure in measures.items()}
    by_chance: dict[str, Shuffled] = {}
    pairs = list(zip(held.sums[1:], fit.sums[1:], strict=False))  # large sums allow fewer shuffles of one
    for name, measure in measures.items():
        by_chance[name] = Shuffled.of([measure.read(sums, choosing.best_class()).value for sums, choosing in pairs])
    return real, by_chance


@dataclass(frozen=True)
class Repeats:
    """Which latents repeat something of their input."""

    copies: tuple[Near, ...]
    stored: tuple[Near, ...]
    stored_by_chance: float
    """Share of random mixtures of rows that would count as stored."""
    live: frozenset[int]
    """Latents that fire on the rows."""

    @property
    def copy_score(self) -> float:
        """Of the latents that live, the share that repeat a coordinate, or a row; of the latter only what is beyond
        chance. A dead latent copies nothing, and must not hide how many of the others do. 0 where none lives."""
        if not self.live:
            return 0.0
        copies, stored = (len(self.live & {near.latent for near in found}) / len(self.live)
                          for found in (self.copies, self.stored))  # fmt: skip
        return max(copies, stored - self.stored_by_chance)


@reading()
def repeats(
    layer: Layer,
    rows: Float[Tensor, "rows d_in"],
    numbers: Int[Tensor, " rows"],
    live: Bool[Tensor, " n_latents"],
    seed: int,
) -> Repeats:
    """Latents whose direction has a |cosine| above .9 with an axis, or with one row and hardly any other.

    A row is seen from the mean of the rows and from the SAE's own bias: its latents live in a space centred on that.
    What many rows are near to, such as the middle of a cluster, is none of them learned by heart.
    """
    directions = layer.sae.directions().float()
    cosine, axis = normalize(directions, dim=1).abs().max(1)
    copies = [Near(i, int(axis[i]), float(cosine[i])) for i in (cosine > COPY).nonzero().flatten().tolist()]
    mean = rows.mean(0)
    centres = (mean, layer.normaliser.undo(layer.sae.bias()).float())
    near, which, closest = _stored(directions, rows, centres)
    stored = [Near(i, int(numbers[which[i]]), float(closest[i])) for i in near.nonzero().flatten().tolist()]
    drawn = matched_directions(rows - mean, min(len(directions), CHANCE), stream(seed, "stored by chance"))
    chance = float(_stored(drawn, rows, centres)[0].double().mean())
    return Repeats(tuple(copies), tuple(stored), chance, frozenset(live.nonzero().flatten().tolist()))


def _stored(
    directions: Float[Tensor, "n_latents d_in"],
    rows: Float[Tensor, "rows d_in"],
    centres: tuple[Float[Tensor, " d_in"], ...],
) -> tuple[Bool[Tensor, " n_latents"], Int[Tensor, " n_latents"], Float[Tensor, " n_latents"]]:
    """Whether each direction is one row's and hardly another's, which row is nearest, and its |cosine|."""
    n = len(directions)
    stored = torch.zeros(n, dtype=torch.bool, device="cpu")
    which = torch.zeros(n, dtype=torch.int64, device="cpu")
    closest = torch.zeros(n, dtype=torch.float32, device="cpu")
    for centre in centres:
        seen = rows - centre
        seen = normalize(times(seen, usual_scale(seen)), dim=1)
        for start in range(0, n, BLOCK):
            block = slice(start, start + BLOCK)
            cosine = (normalize(directions[block], dim=1) @ seen.T).abs()
            best, row = cosine.max(1)
            here = (best > COPY) & ((cosine > COPY).sum(1) <= FEW)
            better = here & (best > closest[block])
            which[block] = torch.where(better, row, which[block])
            closest[block] = torch.where(better, best, closest[block])
            stored[block] |= here
    return stored, which, closest


def latents_of(
    fit: Scan,
    held: Scan,
    found: Repeats,
    numbers: tuple[Int[Tensor, " fit"], Int[Tensor, " held"]],
    labels: tuple[Classes, Classes] | None,
    per_class: dict[str, Reading],
) -> Latents:
    """Per latent what both passes have seen. `numbers` are those of the rows, `labels` their classes."""
    n = fit.n + held.n
    fires = fit.fires + held.fires
    values = torch.cat([fit.values, held.values])
    rows = torch.cat([numbers[0][fit.rows], numbers[1][held.rows]])
    classes = None
    if labels is not None:
        classes = torch.cat([labels[0].index[fit.rows], labels[1].index[held.rows]])
    top = values.topk(min(STRONGEST, len(values)), dim=0)
    which = rows.gather(0, top.indices).T.tolist()
    told = classes.gather(0, top.indices).T.tolist() if classes is not None else None
    strongest = tuple(
        tuple(
            Strong(which[latent][i], value, labels[0].names[told[latent][i]] if labels and told else None)
            for i, value in enumerate(own)
            if value > 0
        )
        for latent, own in enumerate(top.values.T.tolist())
    )
    chosen: tuple[int | None, ...] = ()
    selectivity: tuple[float, ...] = ()
    if labels is not None:
        best = fit.sums[0].best_class().tolist()
        chosen = tuple(labels[0].names[c] if c >= 0 else None for c in best)
        per = per_class["selectivity"].latents if "selectivity" in per_class else None
        selectivity = tuple(per.tolist()) if per is not None else ()
    return Latents(
        firing_rate=tuple((fires.double() / n).tolist()), strongest=strongest,
        dead=tuple((fires == 0).nonzero().flatten().tolist()), copies=found.copies, stored=found.stored,
        selectivity=selectivity, classes=chosen,
    )  # fmt: skip

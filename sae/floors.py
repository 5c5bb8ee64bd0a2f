"""What one SAE, or one depth of a tower, has to beat: floors that need no training, and SAEs trained for nothing.

Unlearned: dictionaries that nobody learned, under one coder, PCA, and what storing rows by heart would explain.
Trained: an SAE with the same budget on rows that keep only the covariance (`gaussian_null`) or only each coordinate's
distribution (`permuted_null`) of those that were read; on the very rows with a decoder that stays as it was drawn
(`frozen_decoder`). How an SAE is trained is the caller's: a `Trainer`. What each floor is made of stands in
`sae.nulls`; which of them decide, in `sae.rule`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor

from sae.ambient import reading
from sae.evaluate import Seen
from sae.layer import Layer
from sae.matching import Matching, matched
from sae.measures.variance_explained import VarianceExplained, explained
from sae.nulls import (
    Gaussian,
    dense_part,
    gaussian_rows,
    matched_directions,
    memorising_bound,
    parts,
    pca,
    permuted_codes,
    permuted_coordinates,
    pursue,
    random_directions,
    row_parts,
    stored_directions,
)
from sae.records import Codes
from sae.rows import width_of

Rows = Float[Tensor, "_ _"] | Codes
"""Rows (rows, d_in), of any number in one call."""
Pair = tuple[Float[Tensor, "_ d_in"], Float[Tensor, "_ d_in"]]
"""Rows to fit on, and rows to score."""


def _isotropic(rows: Float[Tensor, "rows d_in"], n_latents: int, draw: torch.Generator) -> Tensor:
    return random_directions(n_latents, rows.shape[1], draw)


# What a dictionary can be made of without learning one, from centred rows; all are given codes by the same coder.
DICTIONARIES: dict[str, Callable[[Tensor, int, torch.Generator], Tensor]] = {
    "random_dictionary": _isotropic,
    "matched_dictionary": matched_directions,
    "stored_dictionary": stored_directions,
}


MATCHED_ROWS = 10_000
"""So many rows at most make the dictionaries that are held against each other."""
DRAWS = {"random_dictionary": 1, "matched_dictionary": 1, "stored_dictionary": 3}
"""So many of each are made, and their mean counts: which rows are stored matters more than which mixtures are drawn."""


@dataclass(frozen=True)
class RowErrors:
    """What each scored row adds to both sums of variance explained, so that rows can be drawn again."""

    error: Float[Tensor, " rows"]
    """||x - x_hat||^2"""
    spread: Float[Tensor, " rows"]
    """||x - mean||^2, with the mean of all scored rows."""

    @classmethod
    def of(cls, x: Float[Tensor, "rows d_in"], x_hat: Float[Tensor, "rows d_in"]) -> RowErrors:
        """Of rows and what was given back for them."""
        given = x.double()
        return cls((given - x_hat.double()).pow(2).sum(1), (given - given.mean(0)).pow(2).sum(1))

    def standard_error(self, other: RowErrors | None = None) -> float:
        """Of variance explained, over draws of the rows; with `other`, of the difference to what it is for the same
        rows given back by something else. To first order (a ratio of two means); NaN for fewer than two rows."""
        pulls = self._pulls() - (0 if other is None else other._pulls())
        return float(pulls.std() / len(pulls) ** 0.5) if len(pulls) > 1 else math.nan

    def _pulls(self) -> Float[Tensor, " rows"]:
        """How each row pulls the ratio of the sums."""
        spread = self.spread.mean()
        return -(self.error - self.error.mean() / spread * self.spread) / spread


@dataclass(frozen=True)
class Floor:
    """One number that something without structure reaches."""

    name: str
    """Of the floor or control, as in `sae.rule`; `none` is the SAE itself."""
    split: str
    """`train` or `held_out`: which rows were scored."""
    measure: str
    value: float
    n: int
    """How many rows, or latents, it was averaged over."""
    rows: RowErrors | None = None
    """Row by row, where that was asked for and the measure is variance explained."""
    error: float = math.nan
    """Standard error of the value over rows; NaN where it is not known."""


@dataclass(frozen=True)
class FoldScores:
    """Variance explained of rows by SAEs that were trained on the other folds."""

    folds: int
    variance_explained: float
    """With the SAE's own codes."""
    variance_explained_refit: float
    """With codes fitted to its directions by matching pursuit."""


@runtime_checkable
class Trainer(Protocol):
    """Trains an SAE just as the judged one was trained, on other rows; `fold` 0 is all of them."""

    def __call__(self, rows: Rows, *, fold: int = 0, frozen_decoder: bool = False) -> Layer:
        """The trained layer."""
        ...


def unlearned(
    pairs: list[Pair],
    split: str,
    n_latents: int,
    k: int,
    draw: torch.Generator,
    *,
    keep: bool = False,
    code: Callable[[Tensor, Tensor, int], Tensor] = pursue,
) -> list[Floor]:
    """Variance explained by the dictionaries and by PCA of rank `k`, of the scored rows of all `pairs` together.

    One pair, or one a fold, so that no floor sees what it is scored on. Codes by matching pursuit with `k` directions.
    `keep`: with the errors of each row. `code`: another way to run the pursuit, such as part by part.
    """
    x = torch.cat([rows for _, rows in pairs])
    means = [fit.mean(0) for fit, _ in pairs]
    centred = [(fit - mean, rows - mean) for (fit, rows), mean in zip(pairs, means, strict=True)]
    found = []
    for name, make in DICTIONARIES.items():
        drawn = []
        for _ in range(DRAWS[name]):
            back = [code(rows, make(fit, n_latents, draw), k) for fit, rows in centred]
            drawn.append(torch.cat([part + mean for part, mean in zip(back, means, strict=True)]))
        found.append(_mean_of(name, split, x, drawn, keep))
    return [*found, _mean_of("pca", split, x, [torch.cat([pca(fit, rows, k) for fit, rows in pairs])], keep)]


def _mean_of(name: str, split: str, x: Float[Tensor, "rows d_in"], drawn: list[Tensor], keep: bool) -> Floor:
    """What several draws of one dictionary explain on average, with the mean error of each row."""
    value = sum(explained(x, x_hat) for x_hat in drawn) / len(drawn)
    if not keep:
        return Floor(name, split, "variance_explained", value, len(x))
    each = [RowErrors.of(x, x_hat) for x_hat in drawn]
    rows = RowErrors(torch.stack([one.error for one in each]).mean(0), each[0].spread)
    return Floor(name, split, "variance_explained", value, len(x), rows, rows.standard_error())


def memorising(n_latents: int, n_rows: int) -> Floor:
    """What storing rows of the training set by heart explains of that set; see `sae.nulls.memorising_bound`."""
    return Floor("memorising", "train", "variance_explained", memorising_bound(n_latents, n_rows), n_rows)


def trained(train: Trainer, fit: Rows, held: Rows, draw: torch.Generator, *, keep: bool = False) -> list[Floor]:
    """Variance explained by each null of its own held-out rows; the frozen decoder's, of the real ones.

    `keep`: with the errors of each row, and with the frozen decoder on the rows that it was trained on, too.
    Of all that is as large as the rows only one array is there at a time: rows of 4,096 columns take a gigabyte.
    """
    frozen = train(fit, frozen_decoder=True)
    found = [scored("frozen_decoder", "held_out", frozen, held, keep)]
    found += [scored("frozen_decoder", "train", frozen, fit, keep)] if keep else []
    del frozen
    noise = Gaussian.fit(fit)
    if len(row_parts(len(fit) + len(held), width_of(fit))) == 1:
        drawn = noise.draw(len(fit) + len(held), draw)
        kept, score = drawn[: len(fit)], drawn[len(fit) :]
        found += null(train, "gaussian_null", kept, lambda: score, keep)
    else:
        found += null(train, "gaussian_null", noise.draw(len(fit), draw), lambda: noise.draw(len(held), draw), keep)
    del noise
    shuffled = permuted_codes(fit, draw) if isinstance(fit, Codes) else permuted_coordinates(fit, draw)
    found += null(train, "permuted_null", shuffled, lambda: permuted_coordinates(dense_part(held), draw), keep)
    return found


def null(train: Trainer, name: str, fit: Rows, score: Callable[[], Rows], keep: bool = False) -> list[Floor]:
    """What an SAE that is trained on `fit` explains of it, and of the rows that `score` then makes."""
    layer = train(fit)
    own = scored(name, "train", layer, fit, keep)
    del fit
    return [own, scored(name, "held_out", layer, score(), keep)]


def scored(name: str, split: str, layer: Layer, rows: Rows, keep: bool = False) -> Floor:
    """Variance explained of rows by an SAE, with its own codes."""
    kept = row_errors(layer, rows) if keep else None
    error = kept.standard_error() if kept is not None else math.nan
    return Floor(name, split, "variance_explained", worth(layer, rows), len(rows), kept, error)


def trained_by_folds(
    train: Trainer,
    rows: Float[Tensor, "rows d_in"],
    folds: Callable[[Tensor], Iterable[Pair]],
    draw: torch.Generator,
) -> list[Floor]:
    """The same where rows are few: each fold scored by an SAE that was trained on the others.

    `folds` makes the pairs of any rows, for all nulls alike.
    """
    read = {
        "frozen_decoder": rows,
        "gaussian_null": gaussian_rows(rows, len(rows), draw),
        "permuted_null": permuted_coordinates(rows, draw),
    }
    found = []
    for name, given in read.items():
        held, back = [], []
        for fold, (kept, left) in enumerate(folds(given), 1):
            layer = train(kept, fold=fold, frozen_decoder=name == "frozen_decoder")
            held.append(left)
            back.append(layer.decode(layer.encode(left)))
        value = explained(torch.cat(held), torch.cat(back))
        found.append(Floor(name, "held_out", "variance_explained", value, len(rows)))
    return found


def by_folds(train: Trainer, pairs: Iterable[Pair], k: int) -> FoldScores:
    """What an SAE is worth where rows are few: sums over folds, one division. Codes are refitted with `k` directions.

    With M latents for N rows, storing M rows verbatim explains M/N of pure noise in-sample; held-out rows cannot be
    stored.
    """
    given, own, refit = [], [], []
    for fold, (kept, held) in enumerate(pairs, 1):
        layer = train(kept, fold=fold)
        mean = kept.mean(0)
        given.append(held)
        own.append(layer.decode(layer.encode(held)))
        refit.append(pursue(held - mean, layer.sae.directions(), k) + mean)
    x = torch.cat(given)
    return FoldScores(len(given), explained(x, torch.cat(own)), explained(x, torch.cat(refit)))


@reading()
def found_again(layer: Layer, twin: Layer, rows: Rows, draw: torch.Generator) -> list[Floor]:
    """How much of an SAE one of another seed finds again; see `sae.matching`.

    Beside it: what random directions would find of it, and how much two dictionaries find of each other that nobody
    learned, both random mixtures of the `rows` that it read, or both some of these rows.
    """
    own = layer.sae.directions(), layer.sae.encoder_directions()
    both = matched(own[0], twin.sae.directions(), encoders=(own[1], twin.sae.encoder_directions()))
    n = len(own[0])
    found = _matches("none", both)
    found += _matches("random_dictionary", matched(own[0], random_directions(n, own[0].shape[1], draw)))
    some = dense_part(rows, slice(0, MATCHED_ROWS))
    for name in ("matched_dictionary", "stored_dictionary"):
        one, other = (DICTIONARIES[name](some - some.mean(0), n, draw) for _ in range(2))
        found += _matches(name, matched(one, other))
    return found


@reading()
def worth(layer: Layer, rows: Rows) -> float:
    """Variance explained of rows, with the SAE's own codes; part by part where they are many."""
    measure = VarianceExplained()
    for part in parts(rows, layer.sae.n_latents):
        x = dense_part(rows, part)
        codes = layer.encode(x)
        measure.update(Seen(codes=codes, x=x, x_hat=layer.decode(codes)))
    return measure.reading().value


@reading()
def row_errors(layer: Layer, rows: Rows) -> RowErrors:
    """The same row by row; the spread from the mean of all of them."""
    error, spread, total = [], [], torch.zeros(width_of(rows), dtype=torch.float64, device="cpu")
    pieces = parts(rows, layer.sae.n_latents)
    for part in pieces:
        total += dense_part(rows, part).double().sum(0)
    for part in pieces:
        x = dense_part(rows, part).double()
        error.append((x - layer.decode(layer.encode(x.float())).double()).pow(2).sum(1))
        spread.append((x - total / len(rows)).pow(2).sum(1))
    return RowErrors(torch.cat(error), torch.cat(spread))


def _matches(name: str, found: Matching) -> list[Floor]:
    values = {"matched_share": found.share, "matched_cosine": found.mean, "matched_encoder": found.encoder_mean}
    return [Floor(name, "train", measure, value, found.n) for measure, value in values.items() if value is not None]

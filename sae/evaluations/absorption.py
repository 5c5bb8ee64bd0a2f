"""Absorption: a latent that should fire for a first letter is silent, since a token's own latent has taken its part."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from sae.errors import InputError
from sae.evaluations._features import columns, means
from sae.evaluations._given import rows_with_codes, whole
from sae.evaluations._logistic import Probe, fit
from sae.nulls import random_directions
from sae.records import Codes
from sae.seeding import stream
from sae.values import real, says_itself
from sae.values import whole as whole_number

# Of SAEBench: what another latent of a k-sparse probe has to add in F1; cosine to the probe, and the share of the row's
# projection on it, that make an absorbing latent.
GAIN = 0.03
LEAST_COSINE = 0.025
LEAST_SHARE = 0.4


@dataclass(frozen=True)
class LetterAbsorption:
    """Of one letter, counted over held-out rows."""

    letter: int
    main: tuple[int, ...]
    """The latents that stand for the letter, chosen on training rows."""
    f1: float
    """Of the sparse probe on them, on training rows."""
    told: int
    """Rows of the letter that the probe on activations gets right: those that are looked at."""
    silent: int
    """Of these, rows on which no main latent fires."""
    absorbed: int
    """Of these, rows on which one other latent makes up for it."""
    absorbed_by_chance: int
    """The same with a random direction in the probe's place, as long as the row's projection on the probe."""
    absorbing: tuple[int, ...]
    """The latents that do so, most often first."""


@dataclass(frozen=True)
class AbsorptionRates:
    """What `absorption` found."""

    letters: tuple[LetterAbsorption, ...]
    rate: float | None
    """Absorbed rows over told rows, of all letters together; None where the probes tell no row."""
    silent_rate: float | None
    """Silent rows over told rows: what is missed, by absorption or otherwise."""
    chance_rate: float | None
    """Rows absorbed by chance over told rows."""
    left_out: tuple[int, ...]
    """Letters of fewer than `least` rows on either side."""


@says_itself
def absorption(
    train: Float[Tensor, "rows width"],
    train_codes: Codes,
    train_letters: Int[Tensor, " rows"],
    held_out: Float[Tensor, "held_out width"],
    held_out_codes: Codes,
    held_out_letters: Int[Tensor, " held_out"],
    directions: Float[Tensor, "n_latents width"],
    *,
    most: int = 10,
    least: int = 20,
    l2: float = 10.0,
    seed: int = 0,
) -> AbsorptionRates:
    """Full absorption of first letters (Chanin et al. 2024, arXiv 2409.14507), as SAEBench counts it (2503.09532).

    Rows are tokens, with the first letter of each as a number. Of each letter: a probe on activations; its main
    latents, by a probe on 1, 2, ... latents (of largest difference of means) as long as each adds .03 to F1; then, of
    held-out rows that the probe gets right, those on which no main latent fires. Such a row is absorbed where the
    latent that contributes most along the probe has a cosine of .025 or more to it and makes up .4 or more of the row's
    projection.

    Simplified, so not to be compared with numbers of others: rows are tokens in running text where SAEBench asks a
    model to spell words in a prompt; main latents are ranked by difference of means, not by an L1 probe, and F1 is of
    training rows; the projection is of the row less the mean of training rows, for activations have one; absorption is
    full or not at all, without SAEBench's fraction. Chance is not in SAEBench: a random direction with the same rows,
    latents, thresholds and length of projection.

    Raises InputError for shapes that do not fit or where no letter has `least` rows on both sides, NumericError for NaN
    and infinity.
    """
    train, held_out, directions = rows_with_codes(train, train_codes, held_out, held_out_codes, directions)
    letters = whole("training letters", train_letters, len(train))
    held_letters = whole("held-out letters", held_out_letters, len(held_out))
    most, least, l2 = whole_number("most", most, 1), whole_number("least", least, 1), real("l2", l2, above=0)
    names = sorted({*letters.tolist(), *held_letters.tolist()})
    enough = [
        name
        for name in names
        if least <= int((letters == name).sum()) < len(letters) and int((held_letters == name).sum()) >= least
    ]
    if not enough:
        raise InputError(
            f"none of {len(names)} letters has {least} rows in training and held out, and others beside it"
        )
    centre = train.double().mean(0)
    found = []
    for name in enough:
        mark = letters == name
        probe = fit(train, mark, l2)
        main, f1 = _main(train_codes, mark, most, l2)
        told = ((held_letters == name) & (probe.logits(held_out) > 0)).nonzero().flatten()
        fires = columns(held_out_codes, torch.tensor(main, device=held_out.device, dtype=torch.int64))[told]
        silent = told[(fires <= 0).all(1)]
        unit = probe.weights / probe.weights.norm()
        along = (held_out[silent].double() - centre) @ unit
        random = random_directions(1, train.shape[1], stream(seed, "letter", name))[0].to(unit)
        takers = _absorbing(held_out_codes, silent, directions, unit, along)
        by_chance = _absorbing(held_out_codes, silent, directions, random, along)
        counts = torch.bincount(takers[takers >= 0], minlength=train_codes.n_latents)
        order = counts.argsort(descending=True, stable=True)
        found.append(
            LetterAbsorption(
                letter=name,
                main=main,
                f1=f1,
                told=len(told),
                silent=len(silent),
                absorbed=int((takers >= 0).sum()),
                absorbed_by_chance=int((by_chance >= 0).sum()),
                absorbing=tuple(order[counts[order] > 0].tolist()),
            )
        )
    told_rows = sum(letter.told for letter in found)

    def rate(rows: int) -> float | None:
        return rows / told_rows if told_rows else None

    return AbsorptionRates(
        letters=tuple(found),
        rate=rate(sum(letter.absorbed for letter in found)),
        silent_rate=rate(sum(letter.silent for letter in found)),
        chance_rate=rate(sum(letter.absorbed_by_chance for letter in found)),
        left_out=tuple(sorted(set(names) - set(enough))),
    )


def _main(codes: Codes, mark: Tensor, most: int, l2: float) -> tuple[tuple[int, ...], float]:
    """The latents of the sparse probe, one more as long as that is worth it, and its F1."""
    apart = means(codes, mark) - means(codes, ~mark)
    order = apart.argsort(descending=True, stable=True)[:most]
    values, best = columns(codes, order), -1.0
    kept = 0
    for k in range(1, len(order) + 1):
        f1 = _f1(fit(values[:, :k], mark, l2), values[:, :k], mark)
        if k > 1 and f1 < best + GAIN:
            break
        kept, best = k, f1
    return tuple(order[:kept].tolist()), best


def _f1(probe: Probe, rows: Tensor, mark: Tensor) -> float:
    says = probe.logits(rows) > 0
    both, all_said = int((says & mark).sum()), int(says.sum()) + int(mark.sum())
    return 2 * both / all_said


def _absorbing(codes: Codes, rows: Tensor, directions: Tensor, unit: Tensor, along: Tensor) -> Int[Tensor, " rows"]:
    """Of each row the latent that makes up for the silent ones; -1 where none does."""
    if not len(rows):
        return rows
    values, indices = codes.values[rows].double(), codes.indices[rows]
    projections = directions @ unit
    parts = values * projections[indices]
    best = parts.max(1)
    latent = indices.gather(1, best.indices[:, None])[:, 0]
    cosine = projections[latent] / directions[latent].norm(dim=1).clamp(min=1e-30)
    does = (cosine >= LEAST_COSINE) & (along > 0) & (best.values >= LEAST_SHARE * along)
    return torch.where(does, latent, -1)

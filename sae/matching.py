"""Comparing two SAEs, such as two seeds: which latents of one are found again in the other.

Latents are paired one to one by the Hungarian algorithm, so that no latent can stand for many. Seeds of language
models' SAEs are compared by such matching in Paulo and Belrose (arXiv 2501.16615).

In few dimensions random directions come near each other too. Compare the share with that of `random_directions` of
`sae.nulls` in the same shape before calling it agreement.
"""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Real

import torch
from jaxtyping import Float, Int
from scipy.optimize import linear_sum_assignment
from torch import Tensor
from torch.nn.functional import normalize

from sae.ambient import reading
from sae.errors import ConfigError, InputError
from sae.given import check_numbers, check_tensor
from sae.values import says_itself


@dataclass(frozen=True)
class Matching:
    """What `matched` found. Shares and means are over `n`, where a latent without a partner counts as 0."""

    share: float
    """Pairs whose cosine reaches the threshold (both cosines, when encoders were given), over n."""
    mean: float
    """Sum of the decoder cosines of all pairs over n: no threshold, so that near misses show. -1 to 1."""
    encoder_mean: float | None
    """The same of the encoder cosines; None when no encoders were given."""
    n: int
    """The larger number of latents: one fixed denominator, whichever SAE comes first."""
    pairs: Int[Tensor, "pairs 2"]
    """Latent of the first and of the second SAE, by the first; as many as the smaller SAE has latents."""
    cosines: Float[Tensor, " pairs"]
    """Decoder cosines of the pairs."""
    encoder_cosines: Float[Tensor, " pairs"] | None


@reading()
@says_itself
def matched(
    first: Float[Tensor, "n_first d_in"],
    second: Float[Tensor, "n_second d_in"],
    threshold: float = 0.7,
    *,
    encoders: tuple[Float[Tensor, "n_first d_in"], Float[Tensor, "n_second d_in"]] | None = None,
) -> Matching:
    """Pair the latents of two SAEs that read the same space, by decoder directions and, if given, encoder directions.

    Rows are latents; lengths do not count, and a row of zeros has cosine 0 to all. With encoders there is still one
    assignment, the best by the sum of both cosines, and a pair is a match only if both reach `threshold`.

    Raises ConfigError for a threshold outside -1..1, no latents, or shapes that do not fit; InputError for what is no
    tensor of real numbers; NumericError, naming the row, for NaN or infinity.

    Memory is 8 * n_first * n_second bytes, a few times; time grows with the cube of n.
    """
    if isinstance(threshold, bool) or not isinstance(threshold, Real) or not -1 <= threshold <= 1:
        raise ConfigError(f"threshold must be a cosine, -1 to 1, not {threshold!r}")
    cosine = _cosines("decoder", first, second)
    encoder_cosine = None
    if encoders is not None:
        if not isinstance(encoders, tuple | list) or len(encoders) != 2:
            raise ConfigError("encoders must be two, those of the first and of the second SAE")
        encoder_cosine = _cosines("encoder", *encoders)
        if encoder_cosine.shape != cosine.shape:
            numbers = f"{tuple(encoder_cosine.shape)}, not {tuple(cosine.shape)}"
            raise ConfigError(f"encoders must have the latents that the decoders have: {numbers}")
    score = cosine if encoder_cosine is None else cosine + encoder_cosine
    rows, columns = (torch.from_numpy(side) for side in linear_sum_assignment(score.numpy(), maximize=True))
    n, cosines = max(cosine.shape), cosine[rows, columns]
    encoder_cosines = None if encoder_cosine is None else encoder_cosine[rows, columns]
    match = cosines >= threshold
    if encoder_cosines is not None:
        match &= encoder_cosines >= threshold
    return Matching(
        share=int(match.sum()) / n,
        mean=float(cosines.sum()) / n,
        encoder_mean=None if encoder_cosines is None else float(encoder_cosines.sum()) / n,
        n=n,
        pairs=torch.stack([rows, columns], 1),
        cosines=cosines,
        encoder_cosines=encoder_cosines,
    )


@says_itself
def _cosines(what: str, first: Tensor, second: Tensor) -> Tensor:
    """Cosines of all pairs of rows, in float64. Raises as `matched` says."""
    for side, rows in (("first", first), ("second", second)):
        if not isinstance(rows, Tensor) and hasattr(rows, "sae"):
            raise InputError(f"{side} {what} is a {type(rows).__name__}, expected directions: layer.sae.directions()")
        check_tensor(f"{side} {what} directions", rows, "(n_latents, d_in)")
    flat = first.ndim == second.ndim == 2
    if not flat or not len(first) or not len(second) or first.shape[1] != second.shape[1]:
        shapes = f"{tuple(first.shape)} and {tuple(second.shape)}"
        raise ConfigError(f"{what} directions must be rows of one width, one or more: {shapes}")
    for side, rows in (("first", first), ("second", second)):
        check_numbers(f"{side} {what}", rows)
    a, b = (normalize(rows.detach().cpu().double(), dim=1) for rows in (first, second))
    return a @ b.T

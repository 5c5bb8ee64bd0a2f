"""What a reconstruction costs the host: the cross-entropy of its next tokens with the reconstruction spliced in."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from sae.errors import InputError
from sae.evaluations._estimate import Estimate, ratio
from sae.evaluations._given import mask, numbers, whole
from sae.values import says_itself

NORMAL_95 = 1.96


@says_itself
@dataclass(frozen=True)
class TokenLosses:
    """Cross-entropies of a batch in nats, of the token after each place; a place without one is not kept."""

    clean: Float[Tensor, "contexts places"]
    """With the host's own activations."""
    spliced: Float[Tensor, "contexts places"]
    """With the reconstruction in place of them, at every kept place."""
    kl: Float[Tensor, "contexts places"]
    """KL(clean || spliced) of the predicted distributions, in nats."""
    kept: Bool[Tensor, "contexts places"]
    """Places that are spliced and whose predictions count: not attention sinks, not padding, not the last."""
    zero: Float[Tensor, "contexts places"] | None = None
    """With zeros at every kept place."""
    mean: Float[Tensor, "contexts places"] | None = None
    """With the mean activation of the training rows at every kept place."""


@dataclass(frozen=True)
class SplicedLoss:
    """What `downstream_loss` found, in nats a token; standard errors are over contexts."""

    clean: Estimate
    spliced: Estimate
    delta: Estimate
    """spliced - clean."""
    kl: Estimate
    zero: Estimate | None
    mean: Estimate | None
    recovered_zero: Estimate | None
    """1 - (spliced - clean) / (zero - clean): 1 for a perfect reconstruction, 0 for zeros, below 0 for worse. None
    where nothing was ablated so, or what that costs is not told from 0 (by 1.96 of its errors): a share of nothing.
    Zeros are easy to beat: read the next."""
    recovered_mean: Estimate | None
    """The same against the mean activation, which is what a reconstruction without any latent could do."""
    tokens: int
    contexts: int


def token_losses(
    tokens: Int[Tensor, "contexts places"],
    kept: Bool[Tensor, "contexts places"],
    clean: Float[Tensor, "contexts places vocabulary"],
    spliced: Float[Tensor, "contexts places vocabulary"],
    zero: Float[Tensor, "contexts places vocabulary"] | None = None,
    mean: Float[Tensor, "contexts places vocabulary"] | None = None,
) -> TokenLosses:
    """The cross-entropies of four passes of the host over the same contexts, from its logits.

    The last place of a context predicts nothing that is known, so it is left out of `kept`. Context by context, so that
    float32 log-probabilities of one context (4 bytes * places * vocabulary) are held at a time, not of all.
    Raises InputError for tokens outside of the vocabulary.
    """
    tokens = whole("tokens", tokens, "contexts", "places", most=clean.shape[-1] - 1)
    kept = mask("kept", kept, *tokens.shape).clone()
    kept[:, -1] = False
    names = ("clean", "spliced", "zero", "mean")
    given = {
        name: logits for name, logits in zip(names, (clean, spliced, zero, mean), strict=True) if logits is not None
    }
    after = tokens.roll(-1, 1)
    found = {name: torch.zeros(tokens.shape, dtype=torch.float64, device=clean.device) for name in (*given, "kl")}
    with torch.no_grad():
        for context in range(len(tokens)):
            logs = {name: logits[context].float().log_softmax(-1) for name, logits in given.items()}
            for name, log in logs.items():
                found[name][context] = -log.gather(-1, after[context, :, None])[:, 0].double()
            kl = (logs["clean"].exp() * (logs["clean"] - logs["spliced"])).sum(-1)
            found["kl"][context] = kl.clamp(min=0).double()  # below 0 only by rounding
    return TokenLosses(kept=kept, **found)


@says_itself
def downstream_loss(batches: Iterable[TokenLosses]) -> SplicedLoss:
    """The increase of the host's loss where it runs on the reconstruction (Gao et al. 2024, arXiv 2406.04093, 4.1),
    with the shares of the losses of zero- and mean-ablation that are recovered.

    Sums over kept places of all batches, divided once: a mean of each batch's recovered share is another number. A
    share's error takes into account that the same contexts are in numerator and denominator. Controls (random
    dictionary, PCA, a random host's SAE) are further calls with their own `spliced`.

    Raises InputError for shapes that do not fit, no kept place, or an ablation that only some batches have;
    NumericError for NaN and infinity at a kept place.
    """
    columns: dict[str, list[Tensor]] = {name: [] for name in ("clean", "spliced", "kl", "zero", "mean", "kept")}
    batch_count = 0
    for batch in batches:
        kept = mask("kept", batch.kept, "contexts", "places")
        batch_count += 1
        columns["kept"].append(kept.sum(1).double())
        for name in ("clean", "spliced", "kl", "zero", "mean"):
            losses = getattr(batch, name)
            if losses is not None:
                at_kept = torch.where(kept, losses, 0.0) if losses.shape == kept.shape else losses
                columns[name].append(numbers(name, at_kept, *kept.shape).double().sum(1))
    for name in ("zero", "mean"):
        if 0 < len(columns[name]) < batch_count:
            raise InputError(f"{name} is in {len(columns[name])} of {batch_count} batches, expected in all or in none")
    sums = {name: torch.cat(parts) for name, parts in columns.items() if parts}
    if not batch_count or not bool(sums["kept"].any()):
        raise InputError("no place is kept, expected one or more whose next token is known")
    some = sums["kept"] > 0  # a context without a kept place says nothing
    sums = {name: column[some] for name, column in sums.items()}
    kept, delta = sums["kept"], sums["spliced"] - sums["clean"]
    per_token = {name: ratio(column, kept) for name, column in sums.items() if name != "kept"}
    return SplicedLoss(
        clean=per_token["clean"],
        spliced=per_token["spliced"],
        delta=ratio(delta, kept),
        kl=per_token["kl"],
        zero=per_token.get("zero"),
        mean=per_token.get("mean"),
        recovered_zero=_recovered(sums, "zero"),
        recovered_mean=_recovered(sums, "mean"),
        tokens=int(kept.sum()),
        contexts=len(kept),
    )


def _recovered(sums: dict[str, Tensor], ablation: str) -> Estimate | None:
    """The share of an ablation's loss that the splice does not have."""
    if ablation not in sums:
        return None
    lost = sums[ablation] - sums["clean"]
    cost = ratio(lost, sums["kept"])
    if not cost.value > NORMAL_95 * (cost.error or 0.0):
        return None
    return ratio(sums[ablation] - sums["spliced"], lost)

"""Meta-SAEs on the directions of a large SAE, judged by the printed rule and compared with smaller SAEs on the host: do
many directions come apart into ingredients that storing directions would not give (Leask et al., arXiv 2502.04878)?
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn.functional import normalize

from sae.architectures.topk import TopK
from sae.config import TrainConfig
from sae.errors import ConfigError
from sae.floors import DICTIONARIES, worth
from sae.judge import judge
from sae.judgement import Group
from sae.layer import Layer
from sae.seeding import stream
from sae.train import train

SEEDS = 3
# Of the directions this share is held out.
HELD_OUT = 0.2
# Steps that are tried, on training directions alone; rows of a batch; what the initial encoder rows are long.
STEPS, BATCH, LR, ENCODER_NORM = (200, 600, 1800), 512, 2e-3, 0.577
Rows = Float[Tensor, "rows width"]


def metas(
    large: Layer,
    alive: Bool[Tensor, " n_latents"],
    small: Mapping[str, Layer],
    widths: Sequence[int],
    k: int,
    nulls: str,
    say: Callable[[str], None],
) -> dict[str, Any]:
    """What `directions.json` holds of meta-SAEs of several widths, three seeds each, on the directions of live latents.

    `small` are SAEs on the host, by name: a meta-SAE is compared with those that are as wide. Raises ConfigError for
    fewer directions than four times the widest meta-SAE has latents: it would store them.
    """
    directions = normalize(large.sae.directions().detach()[alive], dim=1)
    if len(directions) < 4 * max(widths):
        raise ConfigError(
            f"directions: {len(directions):,} live latents for a meta-SAE of {max(widths):,}; needs four times as many "
            "as it has latents, else it stores them: choose fewer, or a wider SAE"
        )
    order = torch.randperm(len(directions), generator=stream(0, "directions"))
    held, rest = directions[order[: int(HELD_OUT * len(order))]], directions[order[int(HELD_OUT * len(order)) :]]
    found = []
    for width in widths:
        steps, tried = best_steps(rest, width, k)
        say(f"meta-SAEs of {width:,} latents on {len(rest):,} directions, {steps} steps")
        layers = [trained(rest, width, k, steps, seed) for seed in range(SEEDS)]
        group = judge(rest, layers, held_out=held, seeds=True, nulls=nulls, null_steps=steps, observe=say).groups[0]
        beside = {name: layer for name, layer in small.items() if layer.sae.n_latents == width}
        found.append(
            {"width": width, "k": k, "steps": steps, "tried": tried, **of_group(group),
             "small": {name: against(layers, layer, rest) for name, layer in beside.items()}}
        )  # fmt: skip
    return {"directions": len(rest), "held_out": len(held), "dead": int((~alive).sum()), "metas": found}


def trained(rows: Rows, width: int, k: int, steps: int, seed: int) -> Layer:
    """A TopK SAE on directions."""
    sae = TopK(rows.shape[1], width, k=k, encoder_norm=ENCODER_NORM)
    return train("topk", sae, rows, TrainConfig(steps=steps, batch=min(BATCH, len(rows)), lr=LR), seed)


def best_steps(rows: Rows, width: int, k: int) -> tuple[int, dict[str, float]]:
    """For how many steps to train: what explains most of a fifth of the training directions, by SAEs on the rest."""
    apart, rest = rows[: len(rows) // 5], rows[len(rows) // 5 :]
    tried = {steps: worth(trained(rest, width, k, steps, SEEDS), apart) for steps in STEPS}
    return max(tried, key=lambda steps: tried[steps]), {str(steps): value for steps, value in tried.items()}


def of_group(group: Group) -> dict[str, Any]:
    """The verdict, what was observed, and every floor with the interval of the lead over it."""
    saes = group.saes
    observed = {
        measure: [sae.number(measure) for sae in saes] for measure in ("variance_explained", "variance_explained_refit")
    }
    floors = [
        {"floor": one.floor, "lead": one.mean, "low": one.low, "high": one.high} for one in group.margins
    ]  # fmt: skip
    inside = [sae.number("variance_explained", split="train") for sae in saes]
    return {"word": group.verdict.word, "why": group.verdict.why, "observed": observed, "in_sample": inside,
            "floors": floors}  # fmt: skip


def against(layers: Sequence[Layer], small: Layer, rows: Rows) -> dict[str, float]:
    """Mean largest cosine of meta-latents with the latents of an SAE on the host that is as wide, and the other way
    round; beside it the same of directions that were stored, and of random mixtures of them."""
    theirs = normalize(small.sae.directions().detach(), dim=1)
    made = {"meta": [normalize(layer.sae.directions().detach(), dim=1) for layer in layers]}
    for name in ("stored_dictionary", "matched_dictionary"):
        draw = stream(0, "against", name)
        made[name] = [normalize(DICTIONARIES[name](rows - rows.mean(0), len(theirs), draw), dim=1)]
    return {
        f"{way}_{name}": sum(float((one @ theirs.T).amax(axis).mean()) for one in several) / len(several)
        for name, several in made.items()
        for way, axis in (("to", 1), ("from", 0))
    }

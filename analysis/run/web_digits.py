"""The digits that a page of drawing offers, and its challenges: turn an answer into another one with a single latent.

Challenges are found by a search. An image that the network reads rightly and surely shall become what the network
thinks second of it. It is pushed along the latents of a depth that read that class: that have a name (where any has
one) and are on for the class more than for any other. A pair of image and class can be a challenge where one of them
gives the class by a push of at most .7 of the usual length of a state, and no random direction does by a whole one.
Of these the pair is taken that most of them fail (five or more count the same), then the one that fewest of them solve,
then that of the shortest push; for the last depth, the first and the one above it, no class twice, neither to begin
with nor to end in. A challenge offers six latents: that of the shortest push, and those that read the class best and
fail: to read a class is not to write it.
"""

from __future__ import annotations

import base64
from typing import Any

import torch
from torch import Tensor

from analysis.run.stages._load import examples_of
from analysis.run.web_network import Given, Network, digits_of

SURE = 0.9
FAR = 0.7
"""A push that solves a challenge, so that there is room beyond it."""
STEPS, FINE = 10, 100
"""Into how many parts a push is divided, each way: to search, and as a slider does."""
OFFERED = 6


def digits(one: Given) -> list[dict[str, Any]]:
    """The held-out images that a page offers: example, class, and its pixels in base64."""
    rows, _, ids = examples_of(one.dataset, "held_out")
    return [
        {
            "example": int(ids[at]),
            "label": label,
            "pixels": base64.b64encode(rows[at].numpy().tobytes()).decode(),
        }
        for at, label in digits_of(one.dataset)
    ]


def challenges(one: Given, network: Network) -> list[dict[str, Any]]:
    """At most three; see above. `solutions` are ranges of a push in hundredths of the usual length of a state, by the
    place among `latents` (numbers of kept latents)."""
    offered, rows = digits_of(one.dataset), examples_of(one.dataset, "held_out")[0]
    states = network.state(rows[[at for at, _ in offered]])
    labels = torch.tensor([label for _, label in offered])
    chance = network.logits(states).softmax(1)
    sure = (chance.argmax(1) == labels) & (chance.amax(1) >= SURE)
    second = chance.topk(2).indices[:, 1]
    by_chance = reached(network, states, _unit(network.at["random_directions"])).isfinite().any(1)
    possible = torch.nn.functional.one_hot(second, chance.shape[1]).bool() & sure[:, None] & ~by_chance
    found: list[dict[str, Any]] = []
    last = len(network.manifest["depths"])
    for depth in dict.fromkeys((last, 1, min(2, last))):
        unit, reads = _unit(network.at[f"depth.{depth}.directions"]), readers(one, network, depth)
        push = reached(network, states, unit).masked_fill(reads[None] <= 0, torch.inf)
        pairs = [(int(d), int(c)) for d, c in (possible & (push <= FAR).any(1)).nonzero()]
        if not pairs:
            continue

        digit, target = min(pairs, key=lambda at: _ease(push[at[0], :, at[1]], reads[:, at[1]]))
        solved = push[digit, :, target]
        others = reads[:, target].masked_fill(solved.isfinite(), -torch.inf).topk(min(OFFERED - 1, len(reads)))
        latents = sorted(
            [int(solved.argmin()), *(int(n) for n, v in zip(others.indices, others.values, strict=True) if v > 0)]
        )
        possible[labels == labels[digit]] = False
        possible[:, target] = False
        found.append(
            {"digit": digit, "from": int(labels[digit]), "to": target, "depth": depth, "latents": latents,
             "solutions": ranges(network, states[digit], unit[latents], target)}
        )  # fmt: skip
    return found


def _ease(push: Tensor, reads: Tensor) -> tuple[int, int, float]:
    """How easy a pair is, for a comparison: the shortest push (latents,) to the class, and how much each reads it."""
    solve = int((push <= FAR).sum())
    return -min(int((reads > 0).sum()) - solve, OFFERED - 1), solve, float(push.min())


def reached(network: Network, states: Tensor, unit: Tensor) -> Tensor:
    """(states, directions, classes): the shortest push at which a class is the answer; infinite where none is."""
    length, classes = network.manifest["state_length"], len(network.manifest["classes"])
    found = torch.full((len(states), len(unit), classes), torch.inf)
    for step in range(1, STEPS + 1):
        for row, state in enumerate(states):
            answer = network.logits(state + step / STEPS * length * unit).argmax(1)
            now = torch.nn.functional.one_hot(answer, classes).bool()
            found[row] = torch.where(now, found[row].clamp(max=step / STEPS), found[row])
    return found


def readers(one: Given, network: Network, depth: int) -> Tensor:
    """(kept latents, classes): how much more a latent is on for a class than for any other, as a share of its mean
    activation there, on training images; at most 0 elsewhere, and for latents without a name where any has one."""
    codes = one.codes["train"][depth - 1][:, one.live[depth - 1]]
    labels = examples_of(one.dataset, "train")[1]
    assert labels is not None
    means = torch.stack([codes[labels == c].mean(0) for c in range(one.dataset.n_classes)], 1)
    first, second = means.topk(2).values.T
    lead = torch.where(means == first[:, None], (first - second)[:, None], 0.0) / first.clamp(min=1e-9)[:, None]
    called = torch.tensor([name is not None for name in network.manifest["depths"][depth - 1]["names"]])
    found: Tensor = lead.masked_fill((called.any() & ~called)[:, None], 0)
    return found


def ranges(network: Network, state: Tensor, unit: Tensor, target: int) -> list[list[list[int]]]:
    """For each direction the pushes, in hundredths, between which the answer is `target`: pairs of first and last."""
    pushes = torch.arange(-FINE, FINE + 1)
    found = []
    for one in unit:
        rows = state + pushes[:, None] / FINE * network.manifest["state_length"] * one
        right = network.logits(rows).argmax(1) == target
        edge = torch.diff(right.int(), prepend=torch.zeros(1), append=torch.zeros(1))
        first, last = (edge == 1).nonzero().flatten(), (edge == -1).nonzero().flatten() - 1
        found.append([[int(pushes[a]), int(pushes[b])] for a, b in zip(first, last, strict=True)])
    return found


def _unit(rows: Tensor) -> Tensor:
    unit: Tensor = rows / rows.norm(dim=1, keepdim=True)
    return unit

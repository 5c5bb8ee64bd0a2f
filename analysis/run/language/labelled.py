"""Sparse probing on labelled sets of text (Gurnee et al., arXiv 2305.01610; the sets of Kantamneni et al., 2502.16681):
whether one latent tells the class of a text at its last token, beside one neuron, one random direction, and a probe on
the whole row.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from analysis.run.language.given import Source
from analysis.run.language.latents import AT_ONCE
from analysis.run.language.probing import Asked, Question
from analysis.run.language.scores import Reader, probed
from analysis.run.language.splices import controls, strongest
from analysis.run.text.sae_probes import LabelledTexts, SaeProbes
from sae.errors import ConfigError
from sae.layer import Layer
from sae.seeding import derived, stream

OWN = "latent"
# Rows of the host's own text that controls are fitted on.
FITTED = 8000


def chosen(known: SaeProbes, names: Sequence[str], count: int, texts: int) -> list[LabelledTexts]:
    """The sets of these names; without names `count` of them, evenly spaced among those that have enough texts of
    either class. Raises ConfigError for a named one that has not."""
    sets = [known.read(name) for name in names or known.names()]
    enough = [one for one in sets if min(int(one.labels.sum()), int((~one.labels).sum())) >= texts // 2]
    if names and len(enough) < len(sets):
        short = next(one for one in sets if one not in enough)
        raise ConfigError(
            f"labelled: {short.name} has {int(short.labels.sum())} and {int((~short.labels).sum())} different texts of "
            f"its classes; {texts // 2} of either are asked for"
        )
    if not enough:
        raise ConfigError(f"labelled.texts = {texts}: no set has so many different texts; choose fewer")
    at = np.unique(np.linspace(0, len(enough) - 1, min(count, len(enough))).round().astype(int))
    return enough if names else [enough[place] for place in at]


def labelled(given: Source, layer: Layer, sets: Iterable[LabelledTexts], texts: int, tokens: int) -> dict[str, Any]:
    """What `labelled.json` holds: of each set the losses of probes, nats a text.

    Of each set `texts` are drawn, half of them of either class; of either class two thirds train probes. A text is read
    to its last `tokens` tokens.
    """
    train = given.rows[given.held_out.kept][:FITTED]
    k = max(1, round(layer.encode(train).l0()))
    untrained = controls(train, layer.sae.n_latents, derived(0, "controls"))
    readers: dict[str, Reader] = {OWN: layer.encode}
    readers |= {name: strongest(untrained[name], k) for name in ("neurons", "random_dictionary")}
    found = []
    for one in sets:
        draw = np.random.default_rng(int(torch.randint(2**31, (1,), generator=stream(0, "labelled", one.name))))
        some = [draw.choice(np.flatnonzero(one.labels == side), texts // 2, replace=False) for side in (True, False)]
        fit = texts // 2 * 2 // 3
        numbers = {
            "train": np.concatenate([side[:fit] for side in some]),
            "held_out": np.concatenate([side[fit:] for side in some]),
        }
        rows = {split: last_rows(given, [one.texts[at] for at in places], tokens) for split, places in numbers.items()}
        asked = [
            Asked(torch.arange(len(places)), torch.from_numpy(one.labels[places]), torch.arange(len(places)))
            for places in numbers.values()
        ]
        lines = list(probed({one.name: Question(*asked)}, rows, readers, derived(0, one.name)))
        losses = {control: value for control, measure, value, _ in lines if measure == "probe_loss"}
        five = next(value for control, measure, value, _ in lines if (control, measure) == (OWN, "probe_loss_5"))
        held = len(numbers["held_out"])
        losses = {"row": losses.pop("activations"), "shuffled": losses.pop("permuted_labels"), **losses, "five": five}
        found.append({"set": one.name, "classes": list(one.classes), "held_out": held, "losses": losses})
    return {"texts": texts, "tokens": tokens, "k": k, "sets": found}


@torch.no_grad()
def last_rows(given: Source, texts: Sequence[str], tokens: int) -> Float[Tensor, "texts width"]:
    """What the host has at the hook at the last token of each text; shorter ones are filled up behind it, which a model
    that reads from left to right does not see."""
    start = [] if given.own.start is None else [given.own.start]
    most = min(tokens, given.text.places) - len(start)
    ids = [start + given.own.encode(text)[-most:] for text in texts]
    order = sorted(range(len(ids)), key=lambda at: len(ids[at]))
    rows: list[Tensor] = [torch.empty(0)] * len(ids)
    for begin in range(0, len(order), AT_ONCE):
        part = order[begin : begin + AT_ONCE]
        longest = max(len(ids[at]) for at in part)
        batch = torch.tensor([ids[at] + [0] * (longest - len(ids[at])) for at in part])
        read = given.host.read(batch, given.hook)
        for place, at in enumerate(part):
            rows[at] = read[place, len(ids[at]) - 1]
    return torch.stack(rows)

"""Stage `nulls`: what a depth is worth beside SAEs that were trained just as it was, where there was nothing to learn.

On rows that keep only the covariance (`gaussian_null`) or only each coordinate's distribution (`permuted_null`) of
those that the depth reads; on the same rows with a decoder that stays random (`frozen_decoder`); and once more from
another seed, to see which latents come again. Directions are few, so there all but the last is scored by folds.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch.nn.functional import pad

from analysis.run.stages._load import STOPPED, load_store, load_tower
from analysis.run.stages.sae import train_layer
from sae.evaluate import Seen
from sae.layer import Layer
from sae.matching import Matching, matched
from sae.measures.variance_explained import VarianceExplained, explained
from sae.nulls import (
    Gaussian,
    dense_part,
    gaussian_rows,
    parts,
    permuted_codes,
    permuted_coordinates,
    random_directions,
    row_parts,
)  # fmt: skip
from sae.records import Codes
from sae.rows import width_of
from sae.seeding import derived, stream
from sae.tower import Tower, folds_of, training_rows

Rows = torch.Tensor | Codes


def nulls(work: Path, config: dict[str, Any], inputs: dict[str, Path]) -> dict[str, Any]:
    """Writes `nulls.json`: a list of control, split, measure, value, n. Empty where the tower has stopped."""
    folders = [inputs[f"layer_{d}"] for d in range(1, config["depth"] + 1)]
    found: list[dict[str, Any]] = []
    if not (folders[-1] / STOPPED).exists():
        whole = load_tower(config["kind"] or "latents", folders)
        below, layer = Tower(whole.kind, whole.layers[:-1]), whole.layers[-1]
        store = load_store(inputs["activations"])
        train = rows_read(below, store.rows("train"))
        if config["folds"]:
            assert isinstance(train, torch.Tensor)
            found = by_folds(config, train)
        else:
            found = held_out(config, train, rows_read(below, store.rows("held_out")))
        found += again(config, layer, train)
    (work / "nulls.json").write_text(json.dumps(found))
    return {}


def held_out(config: dict[str, Any], train: Rows, held: Rows) -> list[dict[str, Any]]:
    """Variance explained by each null of its own held-out rows; the frozen decoder's, of the real ones.

    Of all that is as large as the rows only one array is there at a time: rows of 4,096 columns take a gigabyte.
    """
    draw = stream(config["seed"], "null rows", config["kind"] or "host", config["depth"])
    frozen = train_layer(config, train, frozen_decoder=True)
    found = [_row("frozen_decoder", "held_out", "variance_explained", worth(frozen, held), len(held))]
    del frozen
    noise = Gaussian.fit(train)
    if len(row_parts(len(train) + len(held), width_of(train))) == 1:
        drawn = noise.draw(len(train) + len(held), draw)
        fit, score = drawn[: len(train)], drawn[len(train) :]
        found += null(config, "gaussian_null", fit, lambda: score)
    else:
        found += null(config, "gaussian_null", noise.draw(len(train), draw), lambda: noise.draw(len(held), draw))
    del noise
    shuffled = permuted_codes(train, draw) if isinstance(train, Codes) else permuted_coordinates(train, draw)
    found += null(config, "permuted_null", shuffled, lambda: permuted_coordinates(dense_part(held), draw))
    return found


def null(config: dict[str, Any], control: str, fit: Rows, score: Callable[[], Rows]) -> list[dict[str, Any]]:
    """What an SAE that is trained on `fit` explains of it, and of the rows that `score` then makes."""
    layer = train_layer(config, fit)
    own = _row(control, "train", "variance_explained", worth(layer, fit), len(fit))
    del fit
    rows = score()
    return [own, _row(control, "held_out", "variance_explained", worth(layer, rows), len(rows))]


def by_folds(config: dict[str, Any], rows: torch.Tensor) -> list[dict[str, Any]]:
    """The same where rows are few: each fifth scored by an SAE that was trained on the rest."""
    draw = stream(config["seed"], "null rows", config["kind"], config["depth"])
    kinds = {
        "frozen_decoder": rows,
        "gaussian_null": gaussian_rows(rows, len(rows), draw),
        "permuted_null": permuted_coordinates(rows, draw),
    }
    found = []
    for control, given in kinds.items():
        held, back = [], []
        for fold, (kept, left) in enumerate(folds_of(given, config["folds"], stream(config["seed"], "folds")), 1):
            layer = train_layer(config, kept, fold=fold, frozen_decoder=control == "frozen_decoder")
            held.append(left)
            back.append(layer.decode(layer.encode(left)))
        value = explained(torch.cat(held), torch.cat(back))
        found.append(_row(control, "held_out", "variance_explained", value, len(rows)))
    return found


def again(config: dict[str, Any], layer: Layer, rows: Rows) -> list[dict[str, Any]]:
    """How much of the depth an SAE from another seed finds again, on the same rows; and what random ones would."""
    twin = train_layer({**config, "seed": derived(config["seed"], "twin")}, rows)
    own = layer.sae.directions(), layer.sae.encoder_directions()
    both = matched(own[0], twin.sae.directions(), encoders=(own[1], twin.sae.encoder_directions()))
    draw = stream(config["seed"], "random twin", config["kind"] or "host", config["depth"])
    drawn = random_directions(len(own[0]), own[0].shape[1], draw)
    return _matches("none", both) + _matches("random_dictionary", matched(own[0], drawn))


def worth(layer: Layer, rows: Rows) -> float:
    """Variance explained of rows, with the SAE's own codes; part by part where they are many."""
    measure = VarianceExplained()
    for part in parts(rows, layer.sae.n_latents):
        x = dense_part(rows, part)
        codes = layer.encode(x)
        measure.update(Seen(codes=codes, x=x, x_hat=layer.decode(codes)))
    return measure.reading().value


def rows_read(below: Tower, host: torch.Tensor) -> Rows:
    """`training_rows`, part by part where host rows are many.

    In several parts an SAE's codes may have other last digits than at once: products of matrices add up by size.
    """
    widest = max((layer.sae.n_latents for layer in below.layers), default=0)
    pieces = parts(host, widest)
    if len(pieces) == 1 or not below.layers or below.kind != "latents":
        return training_rows(below, host)
    found = [training_rows(below, host[part]) for part in pieces]
    codes = [piece for piece in found if isinstance(piece, Codes)]
    most = max(piece.values.shape[1] for piece in codes)
    values, indices = (
        torch.cat([pad(getattr(piece, name), (0, most - piece.values.shape[1])) for piece in codes])
        for name in ("values", "indices")
    )
    return Codes(values, indices, codes[0].n_latents)


def _matches(control: str, found: Matching) -> list[dict[str, Any]]:
    values = {"matched_share": found.share, "matched_cosine": found.mean, "matched_encoder": found.encoder_mean}
    return [_row(control, "train", name, value, found.n) for name, value in values.items() if value is not None]


def _row(control: str, split: str, measure: str, value: float, n: int) -> dict[str, Any]:
    return {"control": control, "split": split, "measure": measure, "value": value, "n": n}

"""Stage `language`: what the SAE of depth 1 is worth to the language model that it was trained on.

Evaluations of Gao et al. (arXiv 2406.04093, section 4), each beside what it means nothing without: principal
components, neurons and a random dictionary at the same k. How each is computed stands in `sae.evaluations`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from analysis.plan.edges import ACTIVATIONS, HOST, Role
from analysis.plan.stage_configs import ActivationsStage, LanguageStage
from analysis.run.hosts._host import LanguageHost
from analysis.run.language.splices import Contexts, contexts, controls, losses, of_layer
from analysis.run.stages._load import STOPPED, examples_of, load_host, load_store
from analysis.run.stages._tables import Tables
from sae.checkpoint import load_layer
from sae.errors import ConfigError
from sae.evaluations._estimate import Estimate
from sae.evaluations.downstream_loss import DownstreamLoss, TokenLosses, downstream_loss
from sae.evaluations.normalised_mse import Reconstruction, normalised_mse
from sae.seeding import stream

# Rows that controls are fitted on.
FITTED = 8000
OWN = "own"
"""The SAE itself, beside its controls."""


def language(work: Path, config: LanguageStage, inputs: Mapping[Role, Path]) -> dict[str, Any]:
    """Writes measures.parquet; notes how much was evaluated. Raises ConfigError for a host that reads no contexts."""
    host, dataset = load_host(inputs[HOST])
    if not isinstance(host, LanguageHost):
        raise ConfigError(f"[language] evaluates language models; this host, {type(host).__name__}, reads no contexts")
    hook = ActivationsStage.read(inputs[ACTIVATIONS]).hook
    (folder,) = (path for role, path in inputs.items() if role.part == "tower")
    tables = Tables(config.run, config.control)
    kind = next(role.kind for role in inputs if role.part == "tower")
    assert kind is not None, "a tower has a kind"
    if (folder / STOPPED).exists():
        tables.frames()["measures"].to_parquet(work / "measures.parquet", index=False)
        return {"contexts": 0}
    layer = load_layer(folder / "layer.safetensors")
    store = load_store(inputs[ACTIVATIONS])
    tokens, _, numbers = examples_of(dataset, "held_out")
    chosen = contexts(tokens.long(), numbers, store.ids("held_out"), config.contexts)
    train = load_store(inputs[ACTIVATIONS], FITTED).rows("train").float()
    k = max(1, round(layer.encode(train).l0()))
    splices = {OWN: of_layer(layer)}
    if config.control == "none":
        splices |= controls(train, layer.sae.n_latents, k, stream(config.seed, "splices"))
    for name, (loss, error) in of_splices(host, hook, chosen, splices, train.mean(0)).items():
        control = config.control if name == OWN else name
        record(tables, kind, control, loss)
        for measure, estimate in (("normalised_mse", error),):
            tables.value(kind, 1, "held_out", control, measure, estimate.value, estimate.n)
        if name == OWN:
            record_host(tables, config.control, loss)
    tables.frames()["measures"].to_parquet(work / "measures.parquet", index=False)
    return {"contexts": len(chosen.tokens), "tokens": int(chosen.kept.sum()), "k": k}


def of_splices(
    host: LanguageHost, hook: str, chosen: Contexts, splices: Mapping[str, Any], mean: torch.Tensor
) -> dict[str, tuple[DownstreamLoss, Estimate]]:
    """Downstream loss and normalised error of each splice, on the same tokens."""
    found: dict[str, list[TokenLosses]] = {name: [] for name in splices}
    pieces: dict[str, list[Reconstruction]] = {name: [] for name in splices}

    def observe(name: str, rows: torch.Tensor, back: torch.Tensor) -> None:
        pieces[name].append(Reconstruction(rows, back))

    for batch in losses(host, hook, chosen, splices, mean, observe):
        for name, part in batch.items():
            found[name].append(part)
    return {name: (downstream_loss(found[name]), normalised_mse(pieces[name]).value) for name in splices}


def record(tables: Tables, kind: str, control: str, loss: DownstreamLoss) -> None:
    """What a splice costs, and the standard error of it over contexts."""
    numbers = {
        "delta_loss": loss.delta, "delta_kl": loss.kl,
        "recovered_zero": loss.recovered_zero, "recovered_mean": loss.recovered_mean,
    }  # fmt: skip
    for measure, estimate in numbers.items():
        if estimate is not None:
            tables.value(kind, 1, "held_out", control, measure, estimate.value, loss.tokens)
    if loss.delta.error is not None:
        tables.value(kind, 1, "held_out", control, "delta_loss_error", loss.delta.error, loss.contexts)


def record_host(tables: Tables, control: str, loss: DownstreamLoss) -> None:
    """The host's own loss on the same tokens, and without anything at the hook."""
    for name, estimate in ((control, loss.clean), ("zero_ablation", loss.zero), ("mean_ablation", loss.mean)):
        if estimate is not None and (name == control or control == "none"):
            tables.value("host", 0, "held_out", name, "cross_entropy", estimate.value, loss.tokens)

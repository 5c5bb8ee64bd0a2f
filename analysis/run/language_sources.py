"""From the runs of an experiment on a language model to what its artefacts are made of."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from analysis.plan import edges
from analysis.plan.edges import ACTIVATIONS, HOST, Role
from analysis.plan.paths import Paths
from analysis.plan.stage_folders import MANIFEST, damage, read_manifest
from analysis.results.tables import Results
from analysis.run.hosts._host import LanguageHost
from analysis.run.language.given import Source, Trained
from analysis.run.language.splices import contexts
from analysis.run.stages._load import STOPPED, examples_of, load_host, load_store
from analysis.run.text.tokenisers import tokeniser
from sae.config import TowerKind
from sae.errors import ConfigError, NotFoundError, StageError


def runs(results: Results, paths: Paths, control: str = "none") -> list[Trained]:
    """The run of the first seed of every variant. Raises StageError for one whose stages are not here or not whole.

    A run of which the tower stopped before depth 1 is none.
    """
    rows = results.runs[results.runs["control"] == control]
    found = []
    for variant, of in rows.groupby("variant", sort=False, observed=True):
        row = of.sort_values("seed").iloc[0]
        folder = paths.runs / "measures" / str(row["measures"])
        told = _sound(folder, results.experiment, paths)["inputs"]
        inputs = {Role.parse(name): paths.runs / at for name, at in told.items()}
        first = next((inputs[role] for role in map(edges.tower, _KINDS, (1, 1)) if role in inputs), None)
        if first is None or (first / STOPPED).exists():
            continue
        for stage in (inputs[HOST], inputs[ACTIVATIONS], first):
            _sound(stage, results.experiment, paths)
        found.append(Trained(str(variant), str(row["run"]), inputs[HOST], inputs[ACTIVATIONS], first))
    return found


_KINDS: tuple[TowerKind, TowerKind] = ("latents", "directions")


def of_variant(found: list[Trained], variant: str) -> Trained:
    """The run of a variant; the first where none is named. Raises NotFoundError."""
    for one in found:
        if not variant or one.variant == variant:
            return one
    raise NotFoundError("variant with an SAE", variant or "(any)", [one.variant for one in found])


def source(results: Results, trained: Trained, count: int) -> Source:
    """The host of a run and `count` held-out contexts. Raises ConfigError for a host that reads no contexts."""
    host, dataset = load_host(trained.host)
    if not isinstance(host, LanguageHost) or dataset.text is None:
        raise ConfigError(
            f"{results.experiment} has no language model: {type(host).__name__} on {dataset.name}; `strata language` "
            "needs an experiment on text"
        )
    tokens, _, numbers = examples_of(dataset, "held_out")
    held_out = contexts(tokens.long(), numbers, load_store(trained.activations).ids("held_out"), count)
    if not len(held_out.tokens):
        raise ConfigError(f"{results.experiment}: no row of a held-out context was kept, there is nothing to look at")
    own = tokeniser(dataset.text.tokeniser)
    return Source(results.experiment, _called(host, trained), trained, host, dataset, dataset.text, own, held_out)


def _called(host: LanguageHost, trained: Trained) -> str:
    """`SmolLM2`: the last part of what the model's files are called; else the name of the host."""
    options = read_manifest(trained.host)["config"]["options"]
    model = str(options.get("model", "")).rstrip("/").rsplit("/", 1)[-1]
    known = {"smollm2": "SmolLM2"}
    return known.get(model, model) or type(host).__name__


def _sound(folder: Path, experiment: str, paths: Paths) -> dict[str, Any]:
    """The manifest of a stage, every file of which is as it was written. Raises StageError."""
    if not (folder / MANIFEST).exists():
        raise StageError(f"{paths.relative(folder)} is not here: `strata run {experiment}` makes it")
    if found := damage(folder):
        raise StageError(f"{found}; `strata run {experiment}` makes it again")
    return read_manifest(folder)

"""What artefacts are made of: a language host, SAEs on it, held-out contexts."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from analysis.plan.stage_configs import ActivationsStage
from analysis.plan.stage_folders import provenance, read_manifest
from analysis.run.capture import left_out
from analysis.run.datasets._dataset import Dataset, Text
from analysis.run.hosts._host import LanguageHost
from analysis.run.language.latents import AT_ONCE, Read, coded
from analysis.run.language.splices import Contexts
from analysis.run.text.tokenisers import Tokeniser
from sae.checkpoint import load_layer
from sae.errors import ConfigError
from sae.layer import Layer


@dataclass(frozen=True)
class Trained:
    """One run of an experiment: where its stages lie."""

    variant: str
    run: str
    host: Path
    activations: Path
    layer: Path

    @property
    def hook(self) -> str:
        """Where its SAE reads the host."""
        return ActivationsStage.read(self.activations).hook

    @property
    def limit(self) -> float:
        """Longer rows are attention sinks: what the capture of its training rows found."""
        return float(read_manifest(self.activations)["notes"]["captured"]["train"]["limit"])

    def sae(self) -> Layer:
        """The SAE of depth 1."""
        return load_layer(self.layer / "layer.safetensors")


@dataclass(frozen=True)
class Source:
    """A host, and an SAE's run whose held-out contexts are looked at."""

    experiment: str
    called: str
    """The host, for readers."""
    trained: Trained
    host: LanguageHost
    dataset: Dataset
    text: Text
    own: Tokeniser
    held_out: Contexts

    @property
    def hook(self) -> str:
        """Where the SAEs read it."""
        return self.trained.hook

    def go_on(self, tokens: Tensor, activations: Tensor) -> Tensor:
        """The host's logits with these activations at the hook."""
        return self.host.go_on(tokens, activations, self.hook)

    @cached_property
    def rows(self) -> Float[Tensor, "contexts places width"]:
        """What the host has at the hook on the held-out contexts: read once, for every SAE."""
        with torch.no_grad():
            return torch.cat([self.host.read(part.tokens, self.hook) for part in self.held_out.batches(AT_ONCE)])

    def read(self, layer: Layer) -> Read:
        """Codes of the held-out contexts, some rows at a time."""
        with torch.no_grad():
            return Read(self.held_out, coded(layer, self.rows), self.rows)

    def tokens(self, prompt: str) -> Int[Tensor, " places"]:
        """A prompt as the host reads it, behind the token that starts a text where there is one."""
        start = [] if self.own.start is None else [self.own.start]
        return torch.tensor(start + self.own.encode(prompt))

    def prompts(self, count: int, words: int = 10) -> list[str]:
        """The first tokens of so many held-out contexts, as text."""
        chosen = torch.linspace(0, len(self.held_out.tokens) - 1, count).round().long()
        first = self.text.first
        rows = self.held_out.tokens[chosen, first : first + words].tolist()
        return [self.own.decode(row).strip() for row in rows]

    def token(self, text: str, what: str) -> int:
        """The id of a text that is one token. Raises ConfigError for more."""
        ids = self.own.encode(text)
        if len(ids) != 1:
            pieces = [self.own.pieces[one] for one in ids]
            raise ConfigError(f"{what} = {text!r} is {len(ids)} tokens, {pieces}; must be one (a blank counts)")
        return int(ids[0])

    def kept(self, rows: Float[Tensor, "places width"]) -> Tensor:
        """Places of a prompt that are no attention sinks, by the rule of the rows that the SAE was trained on."""
        first, long = left_out(rows[None], self.trained.limit)
        return ~(first | long)[0]

    def manifest(self, *runs: Trained) -> dict[str, Any]:
        """Where an artefact comes from, as its file says it."""
        told = provenance()
        return {
            "experiment": self.experiment, "runs": {one.variant or "all": one.run for one in runs},
            "date": told["date"], "commit": told["commit"], "versions": told["versions"],
        }  # fmt: skip

"""From files to what `web_language` exports: the weights of Union, a layer, the tokeniser, held-out contexts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from analysis.plan.data_source import source
from analysis.run.datasets._open import opened
from analysis.run.text.tokenisers import tokeniser, tokeniser_file
from analysis.run.web_language import Given
from analysis.run.web_tokens import page_tokens
from sae.checkpoint import load_layer
from sae.errors import ConfigError, NotFoundError
from sae.files import read_safetensors

LAYER = "layer.safetensors"
TOKENISER = "union"


def given(sae: Path, weights: Path, hook: str, dataset: str = "sotu", options: dict[str, Any] | None = None) -> Given:
    """What is exported of a layer's file (or the stage folder that holds it) on a hook of the model in `weights`.

    `dataset` with `options`: a data set of text as Union's tokens; its held-out contexts are read. Raises NotFoundError
    for files that are not there, CheckpointError and DataError for what cannot be read, ConfigError for other data.
    """
    file = sae / LAYER if sae.is_dir() else sae
    for path, what in ((file, "SAE"), (weights, "weights of a language model")):
        if not path.is_file():
            raise NotFoundError(what, str(path), [])
    data = opened(source(dataset, options or {}))
    if data.text is None or data.text.tokeniser != TOKENISER:
        raise ConfigError(f"the data set {dataset} holds no text as tokens of {TOKENISER}, which Union reads")
    tensors, _ = read_safetensors(weights)
    own = tokeniser(TOKENISER)
    held_out = data.held_out
    return Given(
        union={name: value.float() for name, value in tensors.items()},
        layer=load_layer(file),
        hook=hook,
        tokens=page_tokens(tokeniser_file(TOKENISER)),
        encode=own.encode,
        contexts=torch.from_numpy(data.examples[held_out].astype("int64")),
        about={"documents": len(set(data.text.document[~held_out].tolist())), "dataset": dataset},
    )

"""Sparse autoencoders, towers of them, and what can honestly be measured about both.

This package knows tensors only: no data set, no page, no file name of the write-up. The names that most people need
stand here, and each is loaded when it is asked for, so that `sae.rule` and `sae.config` never load torch.

>>> import torch, sae
>>> draw = torch.Generator().manual_seed(0)
>>> directions = torch.nn.functional.normalize(torch.randn(24, 16, generator=draw), dim=1)
>>> codes = torch.zeros(600, 24).scatter(1, torch.rand(600, 24, generator=draw).topk(2).indices, 1.0)
>>> rows = codes @ directions
>>> config = sae.TrainConfig(steps=300, batch=64, lr=1e-2)
>>> layers = [sae.train("topk", sae.TopK(16, 24, k=2), rows[:500], config, seed=seed) for seed in range(3)]
>>> layers[0].encode(rows[500:]).values.shape
torch.Size([100, 2])
>>> found = sae.judge(rows, layers, nulls="quick", null_steps=60)
>>> print(found.verdict.word)
structure

Everything else stands in the modules: `sae.architectures`, `sae.interop`, `sae.tower`, `sae.measures`, ...
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sae.architectures.topk import TopK as TopK
    from sae.checkpoint import save_layer as save_layer
    from sae.config import TrainConfig as TrainConfig
    from sae.errors import StrataError as StrataError
    from sae.interop import load as load
    from sae.judge import judge as judge
    from sae.judgement import Judgement as Judgement
    from sae.layer import Layer as Layer
    from sae.matching import matched as matched
    from sae.records import Codes as Codes
    from sae.tower import Tower as Tower
    from sae.train import train as train

# where each name comes from; of `judge` and `train` the module itself, which can be called (`sae.callable_module`)
_FROM = {
    "judge": "sae.judge", "Judgement": "sae.judgement", "train": "sae.train", "TrainConfig": "sae.config",
    "TopK": "sae.architectures.topk", "Layer": "sae.layer", "Tower": "sae.tower", "Codes": "sae.records",
    "load": "sae.interop", "save_layer": "sae.checkpoint", "matched": "sae.matching", "StrataError": "sae.errors",
}  # fmt: skip

__all__ = [*_FROM]


def __getattr__(name: str) -> Any:
    if name not in _FROM:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        module = importlib.import_module(_FROM[name])
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] in ("sae", "analysis"):
            raise
        raise ModuleNotFoundError(
            f'sae.{name} needs {error.name}, which is not installed: pip install "strata[train]"', name=error.name
        ) from error
    return module if _FROM[name] == f"{__name__}.{name}" else getattr(module, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_FROM})

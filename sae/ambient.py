"""What torch's modes are while the library computes, whatever they are around it.

Gradients, inference mode, autocast, the default number format and the default device are the caller's, set for the
caller's own code. What we create names its format and device; the modes are set here.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import nn

from sae.errors import ConfigError

# Where torch may be told to compute in half precision.
AUTOCAST = ("cpu", "cuda", "mps", "xpu")


@contextmanager
def reading(device: str = "cpu") -> Iterator[None]:
    """No gradients and full precision, here and on every device: for encoding, decoding and measuring. Also a
    decorator: `@reading()`."""
    with ExitStack() as modes:
        modes.enter_context(torch.no_grad())
        for where in {*AUTOCAST, device}:
            if torch.is_autocast_enabled(where):
                modes.enter_context(torch.autocast(where, enabled=False))
        yield


@contextmanager
def learning(device: str = "cpu") -> Iterator[None]:
    """Gradients and full precision, also inside of `no_grad` or inference mode: for training."""
    with ExitStack() as modes:
        modes.enter_context(torch.inference_mode(False))
        modes.enter_context(torch.enable_grad())
        for where in {"cpu", torch.device(device).type}:
            modes.enter_context(torch.autocast(where, enabled=False))
        yield


def usable(device: str) -> str:
    """`device` if something can be computed on it. Raises ConfigError with torch's own words where not."""
    try:
        torch.zeros(1, dtype=torch.float32, device=device).add_(1).cpu()
    except (RuntimeError, AssertionError, NotImplementedError, TypeError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise ConfigError(
            f"device = {device!r}: nothing can be computed there ({reason}); 'cpu' always works"
        ) from error
    return device


def make_trainable(architecture: str, sae: Any) -> None:
    """Bring back to life the weights of an SAE that was made in inference mode: torch forbids changing those.

    Raises ConfigError for weights in another format than float32.
    """
    if isinstance(sae, nn.Module):
        for part in sae.modules():
            for name, weight in part._parameters.items():
                if weight is not None and weight.is_inference():
                    part._parameters[name] = nn.Parameter(weight.detach().clone(), weight.requires_grad)
            for name, state in part._buffers.items():
                if state is not None and state.is_inference():
                    part._buffers[name] = state.clone()
    for name, weight in sae.named_parameters():
        if weight.dtype != torch.float32:
            raise ConfigError(f"{name} of the {architecture} SAE is in {weight.dtype}, expected float32: sae.float()")

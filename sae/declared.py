"""What an SAE declares of its own weights, checked before anything is trained on it."""

from __future__ import annotations

from sae.errors import ConfigError
from sae.protocol import SAE


def latent_axes(architecture: str, sae: SAE) -> dict[str, int]:
    """The SAE's `latent_axes`. Raises ConfigError for a name that it has not, or an axis of another length."""
    axes, state = sae.latent_axes(), sae.state_dict()
    for name, axis in axes.items():
        if name not in state:
            raise ConfigError(
                f"latent_axes of the {architecture} SAE names {name!r}, expected one of {', '.join(state)}"
            )
        shape = tuple(state[name].shape)
        if not 0 <= axis < len(shape) or shape[axis] != sae.n_latents:
            raise ConfigError(
                f"latent_axes of the {architecture} SAE: axis {axis} of {name}, whose shape is {shape}; expected an "
                f"axis of length n_latents = {sae.n_latents}"
            )
    return axes

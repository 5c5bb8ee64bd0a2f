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


def decoder_weights(architecture: str, sae: SAE) -> tuple[str, ...]:
    """The SAE's `decoder_weights`, to be frozen. Raises ConfigError for none, and for a name that is no parameter's."""
    names = sae.decoder_weights()
    if not names:
        raise ConfigError(f"frozen_decoder: {architecture} has no W_dec or other decoder_weights that could be frozen")
    known = [name for name, _ in sae.named_parameters()]
    for name in names:
        if name not in known:
            raise ConfigError(
                f"decoder_weights of the {architecture} SAE names {name!r}, expected parameters: {', '.join(known)}"
            )
    return names

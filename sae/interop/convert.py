"""From a pickle of tensors, as torch.save writes it, to safetensors: `python -m sae.interop.convert OLD NEW`.

The one place where a pickle is opened, by a command of its own and never by a reader; `weights_only`, so that no code
of the file is run. NEW holds every tensor of OLD under its name, and its words and numbers as metadata, or is not
written: an SAE without some of its tensors could still be read as another one.
"""

from __future__ import annotations

import pickle
import sys
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from sae.errors import CheckpointError, StrataError
from sae.files import one_line, read_safetensors, write_safetensors
from sae.interop._kinds import PICKLE, kind_of

# OpenAI's files leave the activation out where it is ReLU (`model.py`, `from_state_dict`).
OPENAIS = {"encoder.weight", "decoder.weight", "latent_bias", "pre_bias"}


def convert(old: Path, new: Path) -> list[str]:
    """Write `new` and give the names of its tensors.

    Raises CheckpointError, and writes nothing, for a file that is no pickle of tensors, where tensors lie deeper than
    in one table or are of a form that safetensors has not, and where `new` is there already.
    """
    kind = kind_of(old)
    if kind != PICKLE:
        raise CheckpointError(f"{old} is {kind or 'of no form that is known'}, expected a pickle that torch.save wrote")
    if new.exists():
        raise CheckpointError(f"{new} is there already: choose another name")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of protocols and speed: whether all came over is seen below
            state = torch.load(old, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, OSError, EOFError, RuntimeError, ValueError, KeyError, AttributeError) as error:
        raise CheckpointError(
            f"{old} cannot be read without running its code ({one_line(error)[:150]}); load it with the library that "
            "wrote it, if you trust it, and torch.save its state_dict()"
        ) from error
    tensors = {name: value for name, value in state.items() if isinstance(value, Tensor)} if _table(state) else {}
    every = list(_tensors(state, ""))
    if len(tensors) < len(every):
        deeper = [place for place in every if place not in tensors]
        raise CheckpointError(
            f"{old} has {len(every)} tensors, {len(deeper)} of them not in one table by name: {', '.join(deeper[:4])}; "
            f"nothing was written. Save the table that holds the SAE alone: torch.save(old[...], ...)"
        )
    if not tensors:
        raise CheckpointError(f"{old} holds no tensor; nothing was written")
    for name, tensor in tensors.items():
        if tensor.layout != torch.strided or tensor.is_quantized:
            raise CheckpointError(
                f"{old}: {name!r} is sparse or quantised, as safetensors cannot be; nothing was written"
            )
    # a copy each: tensors that share memory cannot be written
    write_safetensors(new, {name: tensor.detach().clone() for name, tensor in tensors.items()}, _metadata(state))
    if read_safetensors(new)[0].keys() != tensors.keys():
        new.unlink()
        raise CheckpointError(f"{new} did not come out with all tensors of {old}")
    return sorted(tensors)


def _table(state: Any) -> bool:
    """Whether this is names with values."""
    return isinstance(state, Mapping) and all(isinstance(name, str) for name in state)


def _tensors(value: Any, place: str) -> Iterator[str]:
    """Where tensors lie, however deep."""
    if isinstance(value, Tensor):
        yield place
    elif isinstance(value, Mapping):
        for name, part in value.items():
            yield from _tensors(part, f"{place}[{name!r}]" if place else str(name))
    elif isinstance(value, list | tuple | set):
        for number, part in enumerate(value):
            yield from _tensors(part, f"{place}[{number}]")


def _metadata(state: Mapping[str, Any]) -> dict[str, str]:
    """The words and numbers beside the tensors."""
    given = {"activation": "ReLU"} if state.keys() >= OPENAIS else {}
    nested = state.get("activation_state_dict")
    for name, value in (*state.items(), *(nested.items() if isinstance(nested, Mapping) else ())):
        if isinstance(value, str | int | float):
            given[str(name)] = str(value)
    return given


def main(arguments: list[str]) -> int:
    """The command: 0 and what was written, or 1 and why nothing was."""
    if len(arguments) != 2:
        print("usage: python -m sae.interop.convert OLD NEW", file=sys.stderr)
        return 2
    try:
        names = convert(*(Path(argument) for argument in arguments))
    except StrataError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(f"{arguments[1]}: {len(names)} tensors ({', '.join(names)})")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

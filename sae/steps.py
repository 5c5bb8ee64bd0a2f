"""One training step of one SAE: loss, gradients, Adam, constraints. Two ways to take it, one meaning.

`TorchStep` is the reference: autograd and torch's Adam, for every architecture and device. A compiled step
(`sae.compiled.step`) takes its place where it applies: an SAE whose code is the k largest of a row, in float32 on a
CPU with numba installed. Both keep to the same formulas; tests hold them together.
"""

from __future__ import annotations

from functools import cached_property
from importlib import metadata
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Bool, Int
from torch import Tensor

from sae.ambient import usable
from sae.config import TrainConfig
from sae.dictionary import Dictionary
from sae.errors import ConfigError
from sae.finite import check_loss
from sae.frozen import without_gradients
from sae.installed import numba_fault
from sae.optimisers import Adam
from sae.protocol import SAE
from sae.records import Loss
from sae.rows import Batch

BETAS, EPS = (0.9, 0.999), 6.25e-10  # Gao et al., released code


@runtime_checkable
class Step(Protocol):
    """A step with its optimiser state."""

    path: str
    """What the step is made of, in words."""
    recall: float | None
    """Share of the true k largest that the last check of a shortlist found; None without a shortlist."""

    def __call__(self, batch: Batch, dead: Bool[Tensor, " n_latents"] | None, lr: float, check: bool) -> Loss:
        """Train on a batch. `check` asks for `recall`. Raises NumericError for a loss that is not finite, before
        any weight has changed."""
        ...

    def forget(self, latents: Int[Tensor, " some"]) -> None:
        """Adam starts anew for these latents."""
        ...

    def state(self) -> dict[str, Tensor]:
        """Optimiser state, for a checkpoint."""
        ...

    def load(self, state: dict[str, Tensor]) -> None:
        """Take up the state of a checkpoint."""
        ...


def step_for(sae: SAE, config: TrainConfig, device: str = "cpu") -> Step:
    """The fastest step that gives this SAE what the reference would. Raises ConfigError for a shortlist without one.

    The compiled step trains every weight, so an SAE of which some take no gradients has torch's, which says so.
    """
    # said by the class itself: one derived from it may have another loss, which a compiled step would not know
    able = isinstance(sae, Dictionary) and vars(type(sae)).get("selects", "") == "row" and device == "cpu"
    held = without_gradients(sae)
    if able and not held and config.compiled and not config.bf16 and not numba_fault():
        from sae.compiled.step import CompiledStep

        return CompiledStep(sae, config)
    if config.shortlist:
        raise ConfigError(
            f"train.shortlist = {config.shortlist}: only the compiled step has one (TopK on a CPU, numba installed, "
            "train.compiled on, train.bf16 off, all weights with gradients)"
        )
    step = TorchStep(sae, config, device)
    step.path += f", without gradients for {', '.join(held)}" if held else ""
    return step


def paths(device: str = "cpu") -> str:
    """Which steps there are on this machine, for a user to read when training starts.

    Raises ConfigError for a device that is not there: better now than when the first SAE is trained.
    """
    plain = f"torch {torch.__version__} on {usable(device)}"
    if device != "cpu":
        return plain
    if fault := numba_fault():
        return f"{plain} for every architecture (numba, which compiles a faster step for TopK, {fault})"
    from sae.compiled import jit, kernels  # noqa: F401  (the kernels, so that their cache has been looked for)

    missing = jit.said_by_caller()
    note = f" (note: {missing})" if missing else ""
    return f"a compiled step (numba {metadata.version('numba')}) for TopK, {plain} for other architectures{note}"


class TorchStep:
    """The reference step."""

    def __init__(self, sae: SAE, config: TrainConfig, device: str = "cpu") -> None:
        self.recall: float | None = None
        self.sae, self.lr, self.device = sae, config.lr, torch.device(device).type
        self.path = f"torch {torch.__version__} on {self.device}" + (", encoder in bfloat16" if config.bf16 else "")
        self.taken = 0

    @cached_property
    def optimiser(self) -> Adam:
        """Made when it is asked for: some only try settings."""
        # fused Adam: one pass over the weights where torch has it for the device
        return Adam(self.sae.parameters(), lr=self.lr, betas=BETAS, eps=EPS, fused=True)

    def __call__(self, batch: Batch, dead: Bool[Tensor, " n_latents"] | None, lr: float, check: bool) -> Loss:
        """Autograd, Adam, the SAE's own constraints."""
        for group in self.optimiser.param_groups:
            group["lr"] = lr
        loss = self.sae.loss(batch.x, dead)
        check_loss(loss, self.taken)
        if not loss.total.requires_grad:
            raise ConfigError(
                f"{type(self.sae).__name__}: no weight that takes gradients is part of the loss at step {self.taken}: "
                "sae.requires_grad_(True)"
            )
        self.optimiser.zero_grad(set_to_none=True)
        loss.total.backward()  # type: ignore[no-untyped-call]  # torch's own gap
        self.sae._before_step()
        self.optimiser.step()
        self.sae._constrain()
        self.sae._adapt(loss)
        self.taken += 1
        return loss

    def forget(self, latents: Int[Tensor, " some"]) -> None:
        """Zero both moments of every weight that belongs to these latents."""
        axes = self.sae.latent_axes()
        for name, parameter in self.sae.named_parameters():
            if name in axes and parameter in self.optimiser.state:
                self.optimiser.state[parameter]["exp_avg"].index_fill_(axes[name], latents, 0)
                self.optimiser.state[parameter]["exp_avg_sq"].index_fill_(axes[name], latents, 0)

    def state(self) -> dict[str, Tensor]:
        """Adam's moments by the parameter's name, and the number of steps."""
        kept = {"taken": torch.tensor(self.taken, dtype=torch.int64, device="cpu")}
        for name, parameter in self.sae.named_parameters():
            for part, value in self.optimiser.state.get(parameter, {}).items():
                kept[f"{part}.{name}"] = value
        return kept

    def load(self, state: dict[str, Tensor]) -> None:
        """The counterpart of `state`."""
        self.taken = int(state["taken"])
        for name, parameter in self.sae.named_parameters():
            parts = ("step", "exp_avg", "exp_avg_sq")
            self.optimiser.state[parameter] = {
                part: state[f"{part}.{name}"].clone() for part in parts if f"{part}.{name}" in state
            }

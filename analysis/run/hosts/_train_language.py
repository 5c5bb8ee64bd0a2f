"""The training of a small language model: next-token cross-entropy, AdamW, a cosine schedule. Used by `Union.fit`, and
by the script that makes the tracked weights, which watches the held-out loss and can be killed and go on.

A token counts each time it is trained on. FLOPs are 6 a parameter and token (2 forward, 4 backward), over the
parameters that are in products with each token: all but the positions, the tied embedding once. What attention scores
cost (under a tenth here), recomputation and the optimiser are not counted.
"""

from __future__ import annotations

import hashlib
import json
import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from jaxtyping import Int
from torch import Tensor, nn
from torch.nn import functional

from sae.errors import CheckpointError, ConfigError, NumericError
from sae.files import read_safetensors, unwritten, write_safetensors
from sae.seeding import derived, stream

STATE, POINTS = "state.safetensors", "points"
BETAS = (0.9, 0.95)
CLIP = 1.0
# Contexts that are scored at once.
SCORED = 32
# A held-out loss that is so much above the least one ends the training: nats a token.
RISE = 0.02

Windows = Callable[[int], Int[Tensor, "windows places"]]
"""The windows of tokens that an epoch trains on, by its number; as many in each epoch."""


@dataclass(frozen=True)
class Recipe:
    """How a language model is trained."""

    epochs: int
    """How often every window is seen."""
    lr: float
    """The highest learning rate, reached after `warm_up` steps; from there it falls to a tenth along a cosine."""
    batch: int
    """Windows a step."""
    dropout: float = 0.0
    weight_decay: float = 0.1
    """Of matrices; not of biases and layer norms."""
    warm_up: int = 100
    """Steps; at most a tenth of all."""
    precision: str = "float32"
    """Of the products: "float32", or "bfloat16" (weights stay float32), which is faster only on processors that have
    instructions for it."""


@dataclass(frozen=True)
class Point:
    """Where the training stood at a step."""

    step: int
    tokens: int
    flops: float
    held_out_loss: float
    """Nats a token."""
    train_loss: float
    """Mean over the steps since the point before."""
    cpu_seconds: float
    """Of the steps so far, without what was measured between them."""


def train(
    model: nn.Module,
    windows: Windows,
    recipe: Recipe,
    seed: int,
    *,
    held_out: Int[Tensor, "contexts places"] | None = None,
    marks: int = 0,
    folder: Path | None = None,
    every: int = 100,
    told: Callable[[str], None] = lambda line: None,
) -> list[Point]:
    """Train `model`, which gives logits (windows, places, vocabulary) of ids (windows, places); the points at which the
    held-out loss was measured.

    `marks`: how many points, log-spaced over the steps, the last step among them; `held_out` is needed for them. The
    weights at the end are those of the point of the least loss; where it rises by more than RISE above that, training
    ends early. `folder`: what is
    needed to go on is kept there after every `every` steps and at points, with the weights at each point
    (`points/STEP.safetensors`); a run that was killed goes on and ends as if it had not been, and a folder of another
    run is refused. Raises ConfigError, CheckpointError, and NumericError for a loss that is not finite.
    """
    if marks and (held_out is None or folder is None):
        raise ConfigError(f"marks = {marks}: needs held-out contexts to measure on, and a folder for the weights")
    found = windows(0)
    epoch_steps = len(found) // recipe.batch
    if not epoch_steps:
        raise ConfigError(f"host option batch = {recipe.batch}: there are only {len(found)} contexts to train on")
    steps, places = recipe.epochs * epoch_steps, found.shape[1]
    run = _identity(model, found, recipe, seed)
    optimiser = _optimiser(model, recipe)
    points: list[Point] = []
    done, losses, seconds = 0, 0.0, 0.0
    if folder is not None:
        done, losses, seconds, points = _load(folder, run, model, optimiser)
    stops = set(_log_spaced(steps, marks))
    model.train()
    epoch = -1
    for step in range(done, steps):
        if step // epoch_steps != epoch:
            epoch = step // epoch_steps
            found = windows(epoch)
            order = torch.randperm(len(found), generator=stream(seed, "language batches", epoch))
        start, clock = step % epoch_steps * recipe.batch, time.process_time()
        losses += _step(model, optimiser, found[order[start : start + recipe.batch]].long(), recipe, seed, step, steps)
        seconds += time.process_time() - clock
        if step + 1 in stops:
            assert held_out is not None and folder is not None
            tokens = (step + 1) * recipe.batch * places
            since = step + 1 - (points[-1].step if points else 0)
            flops, held_out_loss = tokens * flops_per_token(model), loss_on(model, held_out)
            points.append(Point(step + 1, tokens, flops, held_out_loss, losses / since, seconds))
            model.train()
            losses = 0.0
            write_safetensors(_at(folder, step + 1), model.state_dict())
            told(json.dumps(asdict(points[-1])))
        if folder is not None and ((step + 1) % every == 0 or step + 1 in stops):
            _save(folder, run, model, optimiser, step + 1, (losses, seconds), points)
            speed = (step + 1) * recipe.batch * places / seconds
            told(f"step {step + 1} of {steps}, {speed:.0f} tokens a CPU second")
        if points and points[-1].held_out_loss > least(points).held_out_loss + RISE:
            break
    if points and folder is not None and least(points) != points[-1]:
        told(f"the held-out loss has risen: the weights are those of step {least(points).step}")
        model.load_state_dict(read_safetensors(_at(folder, least(points).step))[0])
    model.eval()
    return points


def least(points: list[Point]) -> Point:
    """The point of the least held-out loss."""
    return min(points, key=lambda point: point.held_out_loss)


def _step(
    model: nn.Module,
    optimiser: torch.optim.Optimizer,
    ids: Int[Tensor, "windows places"],
    recipe: Recipe,
    seed: int,
    step: int,
    steps: int,
) -> float:
    """One step; its loss."""
    for group in optimiser.param_groups:
        group["lr"] = recipe.lr * _share(step, steps, recipe.warm_up)
    with torch.random.fork_rng(devices=[]), torch.autocast("cpu", torch.bfloat16, recipe.precision == "bfloat16"):
        torch.manual_seed(derived(seed, "language dropout", step))  # torch's dropout takes no generator
        logits = model(ids)[:, :-1]  # places in powers of two are quicker than one fewer
    loss = functional.cross_entropy(logits.float().flatten(0, 1), ids[:, 1:].flatten())
    optimiser.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]  # torch's own gap
    nn.utils.clip_grad_norm_(model.parameters(), CLIP)
    optimiser.step()
    value = loss.item()
    if not math.isfinite(value):
        raise NumericError(f"the loss of the language model is {value} at step {step + 1}: lower the host's lr")
    return value


@torch.no_grad()
def loss_on(model: nn.Module, contexts: Int[Tensor, "contexts places"]) -> float:
    """Mean cross-entropy in nats of every token but each context's first, in float32. The model is left in `eval`."""
    model.eval()
    total = torch.zeros((), dtype=torch.float64)
    for part in torch.split(contexts, SCORED):
        ids = part.long()
        logits = model(ids)[:, :-1]
        total += functional.cross_entropy(logits.flatten(0, 1), ids[:, 1:].flatten(), reduction="sum").double()
    return float(total / (contexts.numel() - len(contexts)))


def flops_per_token(model: nn.Module) -> float:
    """See the module's docstring."""
    return 6.0 * sum(value.numel() for name, value in model.named_parameters() if name != "positions")


def _share(step: int, steps: int, warm_up: int) -> float:
    """The share of the highest learning rate at a step."""
    rising = max(1, min(warm_up, steps // 10))
    if step < rising:
        return (step + 1) / rising
    return 0.1 + 0.45 * (1 + math.cos(math.pi * (step - rising) / max(1, steps - rising)))


def _optimiser(model: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    parts = list(model.parameters())
    matrices, others = [p for p in parts if p.dim() > 1], [p for p in parts if p.dim() == 1]
    groups = [{"params": matrices, "weight_decay": recipe.weight_decay}, {"params": others, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=recipe.lr, betas=BETAS, fused=True)


def _log_spaced(steps: int, marks: int) -> list[int]:
    """`marks` steps, the last one `steps` and the first about a two-hundredth of it."""
    return [max(1, round(steps * 200 ** (-place / max(1, marks - 1)))) for place in range(marks)]


def _at(folder: Path, step: int) -> Path:
    return folder / POINTS / f"{step:06}.safetensors"


def _identity(model: nn.Module, windows: Tensor, recipe: Recipe, seed: int) -> str:
    """A hash of all that decides the weights: shapes, recipe, seed, the first epoch's tokens."""
    shapes = {name: list(value.shape) for name, value in model.state_dict().items()}
    digest = hashlib.sha256(windows.to(torch.int32).contiguous().numpy().tobytes()).hexdigest()
    return hashlib.sha256(json.dumps([shapes, asdict(recipe), seed, digest], sort_keys=True).encode()).hexdigest()


def _save(
    folder: Path,
    run: str,
    model: nn.Module,
    optimiser: torch.optim.Optimizer,
    step: int,
    sums: tuple[float, float],
    points: list[Point],
) -> None:
    state = optimiser.state_dict()["state"]
    tensors = {f"model.{name}": value for name, value in model.state_dict().items()}
    tensors |= {f"optimiser.{i}.{name}": value for i, part in state.items() for name, value in part.items()}
    told = json.dumps([asdict(point) for point in points])
    write_safetensors(
        folder / STATE, tensors, {"run": run, "step": str(step), "sums": json.dumps(sums), "points": told}
    )


def _load(
    folder: Path, run: str, model: nn.Module, optimiser: torch.optim.Optimizer
) -> tuple[int, float, float, list[Point]]:
    """Steps that are done, the sum of losses since the last point, CPU seconds, and the points."""
    path = folder / STATE
    try:
        (folder / POINTS).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise unwritten(folder, error) from error
    if not path.exists():
        return 0, 0.0, 0.0, []
    tensors, told = read_safetensors(path)
    if told.get("run") != run:
        raise CheckpointError(f"{path} is of another training; delete it, or choose another folder")
    model.load_state_dict({n.removeprefix("model."): v for n, v in tensors.items() if n.startswith("model.")})
    state: dict[int, dict[str, Tensor]] = {}
    for name, value in tensors.items():
        if name.startswith("optimiser."):
            _, place, part = name.split(".", 2)
            state.setdefault(int(place), {})[part] = value
    optimiser.load_state_dict({"state": state, "param_groups": optimiser.state_dict()["param_groups"]})
    points = [Point(**point) for point in json.loads(told["points"])]
    losses, seconds = json.loads(told["sums"])
    return int(told["step"]), losses, seconds, points

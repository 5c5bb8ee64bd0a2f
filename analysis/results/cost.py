"""What it costs to train TopK SAEs: parameters, memory, floating-point operations, disk, hours, money. Free of torch.

A multiplication and the addition behind it are two operations. d is the width of the host's state, n the number of
latents, k how many of them are on. A row is a token's state. The page computes the same in
`report/assets/cost/formulae.js`; a test compares the two.

- Parameters: encoder and decoder, n x d each, and a bias for every latent and every place of the state.
- Memory: weights, their gradients, and the two moments of Adam (Kingma and Ba, arXiv 1412.6980), each as many numbers
  as there are parameters. What a batch holds, and an average of weights, come on top.
- Operations a row: six products of n x d (Gao et al., arXiv 2406.04093, appendix D): encoder forward, decoder forward,
  and backward the gradients of latents, decoder, encoder and of the bias that the encoder's input has. Done densely
  each costs 2nd. With kernels that touch the active latents only, all but the first cost 2kd, and the last one nothing
  that counts, since gradients are summed over the batch before they are multiplied.
- The host reads every token once, forward: 2 operations a parameter (Kaplan et al., arXiv 2001.08361).
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, fields
from decimal import ROUND_HALF_UP, Context, Decimal

from sae.errors import DataError


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is trained, on what, with what; all numbers are positive, `price` may be 0."""

    d_model: float
    """Width of the host's state."""
    latents: float
    k: float
    """Latents that are on in a row; at most `latents`."""
    layers: float
    """How many SAEs of this kind."""
    tokens: float
    """Tokens that the host reads, and whose states are stored."""
    passes: float
    """How often an SAE sees each of them."""
    host: float
    """Parameters of the host."""
    number: float
    """Bytes of a number in training: 4, or 2 for half precision."""
    stored: float
    """Bytes of a number on disk."""
    flops: float
    """Operations a second that the device is good for."""
    utilisation: float
    """What share of them it does, 0 to 1."""
    price: float
    """Of an hour of the device."""
    dense: bool = False
    """Whether all six products are done densely, as plain PyTorch does them."""

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name != "dense" and not (
                math.isfinite(value) and (value > 0 or (field.name, value) == ("price", 0))
            ):
                raise DataError(f"{field.name} is {value}, must be a number above 0")
        if self.utilisation > 1:
            raise DataError(f"utilisation is {self.utilisation}, must be at most 1")
        if self.k > self.latents:
            raise DataError(f"k is {self.k}, must be at most the number of latents, {self.latents}")


@dataclass(frozen=True, kw_only=True)
class Cost:
    """Of all SAEs of a plan together, but for the operations of a row, which are one SAE's."""

    matrices: float
    """Weights of encoders and decoders."""
    biases: float
    parameters: float
    weights: float
    """Bytes, as the next four."""
    gradients: float
    moments: float
    memory: float
    disk: float
    encoder: float
    """Operations a row of one SAE, as the next six: the encoder, forward."""
    decoder: float
    to_latents: float
    to_decoder: float
    to_encoder: float
    to_bias: float
    row: float
    """Their sum."""
    training: float
    """Operations of the whole training."""
    reading: float
    """Operations of the host."""
    training_hours: float
    reading_hours: float
    hours: float
    """Of one device; of two, half as many."""
    money: float


def cost(plan: Plan) -> Cost:
    """The costs of a plan."""
    d, n = plan.d_model, plan.latents
    matrices, biases = 2 * n * d * plan.layers, (n + d) * plan.layers
    parameters = matrices + biases
    weights = parameters * plan.number
    full = 2 * n * d
    active = full if plan.dense else 2 * plan.k * d
    to_bias = full if plan.dense else 0.0
    row = full + 4 * active + to_bias
    training = row * plan.tokens * plan.passes * plan.layers
    reading = 2 * plan.host * plan.tokens
    an_hour = plan.flops * plan.utilisation * 3600
    hours = (training + reading) / an_hour
    return Cost(
        matrices=matrices, biases=biases, parameters=parameters, weights=weights, gradients=weights,
        moments=2 * weights, memory=4 * weights, disk=plan.tokens * d * plan.layers * plan.stored, encoder=full,
        decoder=active, to_latents=active, to_decoder=active, to_encoder=active, to_bias=to_bias, row=row,
        training=training, reading=reading, training_hours=training / an_hour, reading_hours=reading / an_hour,
        hours=hours, money=hours * plan.price,
    )  # fmt: skip


def as_numbers(values: Plan | Cost) -> dict[str, float]:
    """By name, as the page has them."""
    return {name: float(value) for name, value in asdict(values).items()}


COUNTS = ((1e12, " trillion"), (1e9, " billion"), (1e6, " million"), (1.0, ""))
BYTES = ((1e15, " PB"), (1e12, " TB"), (1e9, " GB"), (1e6, " MB"), (1e3, " kB"), (1.0, " bytes"))
TIMES = ((8766.0, " years"), (48.0, " days"), (1.0, " hours"), (1 / 60, " minutes"), (0.0, " seconds"))
IN_HOURS = {" years": 8766.0, " days": 24.0, " hours": 1.0, " minutes": 1 / 60, " seconds": 1 / 3600}
RAISED = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


def said(value: float, what: str, digits: int = 4) -> str:
    """A number that is not negative for readers, of so many digits at most: `557.1 billion`, `1.32 × 10²²`, `8.9 TB`,
    `2.5 hours`; whole counts below a million in full. `what` is count, bytes, hours or money."""
    if what == "hours":
        name = next(name for least, name in TIMES if value >= least)
        return f"{_digits(value / IN_HOURS[name], digits)}{name}"
    if what == "count" and value < 1e6 and value == int(value):
        return f"{int(value):,}"
    value = float(_rounded(value, digits))  # before its unit is chosen: no thousand millions
    if what == "bytes":
        unit, name = next(((unit, name) for unit, name in BYTES if value >= unit), BYTES[-1])
        return f"{_digits(value / unit, digits)}{name}"
    sign = "$" if what == "money" else ""
    if value >= 1e15:
        power = math.floor(math.log10(value))
        return f"{sign}{_digits(value / 10.0**power, digits)} × 10{str(power).translate(RAISED)}"
    unit, name = next(((unit, name) for unit, name in COUNTS if value >= unit), COUNTS[-1])
    return f"{sign}{_digits(value / unit, digits)}{name}"


def _rounded(value: float, digits: int) -> Decimal:
    """As JavaScript's `toPrecision` does."""
    return Context(prec=digits, rounding=ROUND_HALF_UP).create_decimal(Decimal(value))


def _digits(value: float, digits: int) -> str:
    """`1,235,000`, `12.35`, `0.001235`."""
    text = f"{_rounded(value, digits):,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text

"""The rows that SAEs are judged on: checked, sampled, without outliers, and split once for all SAEs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from sae.classes import Classes
from sae.errors import InputError, NumericError
from sae.given import check_tensor
from sae.judgement import RowsUsed
from sae.leaks import found_among
from sae.nulls import times, usual_scale
from sae.seeding import stream
from sae.values import says_itself, whole

HELD_OUT = 0.2
LEAST = 50
# Attention sinks: some rows of a language model are hundreds of times as long as the others, and would be all that
# variance explained is about.
OUTLIER = 10.0
# Sizes of rows beyond which sums over them leave float32, or lose its digits.
SIZES = (1e-30, 1e30)


@dataclass(frozen=True)
class Part:
    """Some rows with their numbers and classes."""

    rows: Float[Tensor, "rows d_in"]
    numbers: Int[Tensor, " rows"]
    classes: Classes | None
    random: Float[Tensor, "rows d_in"] | None
    """The same examples in a randomly initialised host."""


@dataclass(frozen=True)
class JudgedRows:
    """What all SAEs are judged on."""

    fit: Part
    held: Part
    used: RowsUsed
    unseen: bool
    """The caller says that the SAEs never saw the held-out rows."""
    leaked: float = 0.0
    """Of held-out rows that the caller gave, the share that stands among the others, exactly or nearly."""


@says_itself
def judged_rows(
    rows: Any,
    held_out: Any,
    labels: Any,
    held_out_labels: Any,
    random_rows: Any,
    *,
    most: int,
    seed: int,
    numbers: Sequence[int] | None,
    total: int | None,
    unseen: bool,
) -> JudgedRows:
    """Raises InputError or NumericError, naming the row, for what cannot be judged on."""
    most = whole("most_rows", most, LEAST)
    given = as_rows("rows", rows)
    own = _numbers(numbers, len(given))
    classes = None if labels is None else Classes.of(labels, len(given))
    random = None if random_rows is None else as_rows("random_rows", random_rows)
    if random is not None and len(random) != len(given):
        raise InputError(
            f"random_rows are {len(random)}, rows are {len(given)}, expected the same examples in the same order"
        )
    if random is not None and random.shape[1] != given.shape[1]:
        raise InputError(
            f"random_rows have width {random.shape[1]}, rows have width {given.shape[1]}: expected the same layer in a "
            "host of the same size"
        )
    chosen = torch.arange(len(given), device="cpu")
    if len(given) > most:
        chosen = torch.randperm(len(given), generator=stream(seed, "judged rows"), device="cpu")[:most].sort().values
    x = taken("rows", given, chosen, own)
    if not bool((x != x[0]).any()):
        raise NumericError(f"the {len(x)} rows are all the same: nothing can be said of SAEs on them")
    size = float(x.abs().max())
    if not SIZES[0] <= size <= SIZES[1]:
        raise NumericError(
            f"the largest number of the rows is {size:.1e}, expected {SIZES[0]:.0e} to {SIZES[1]:.0e}, which float32 "
            "can add up: multiply the rows by a constant, and judge SAEs of such rows"
        )
    kept = ordinary(x)
    outliers = len(x) - len(kept)
    x, chosen = x[kept], chosen[kept]
    # a row that stands in both parts is held out from nothing
    first = distinct(x)
    repeated = len(x) - len(first)
    x, chosen = x[first], chosen[first]
    extra = None
    if random is not None:
        extra = taken("random_rows", random, chosen, own)
    whole_part = Part(x, own[chosen], classes.take(chosen) if classes else None, extra)
    if held_out is None:
        if held_out_labels is not None:
            raise InputError("held_out_labels are given without held_out: labels are those of all rows")
        order = torch.randperm(len(x), generator=stream(seed, "judge split"), device="cpu")
        cut = round(HELD_OUT * len(x))
        fit, held = (_some(whole_part, part.sort().values) for part in (order[cut:], order[:cut]))
        split = f"{len(held.rows)} of them, drawn at random, are held out, and floors are fitted on the others"
    else:
        fit, held, lost = _given(whole_part, held_out, labels, held_out_labels, most, seed)
        outliers += lost
        split = f"{len(held.rows)} rows were given to be held out"
    if len(fit.rows) + len(held.rows) < LEAST or len(held.rows) < LEAST * HELD_OUT:
        raise InputError(
            f"{len(fit.rows)} rows and {len(held.rows)} held-out ones (without outliers), expected at least {LEAST} "
            "together: floors of fewer say nothing"
        )
    leaked = 0.0 if held_out is None else found_among(held.rows, fit.rows)
    unseen = unseen or held_out is not None
    seen = (
        ". The SAEs never saw those, as the caller says."
        if unseen
        else ". Whether the SAEs were trained on any of these rows is not known here: the split is this judgement's, "
        "so that held-out rows are new to every floor, and perhaps not to the SAEs."
    )
    n = len(given) if total is None else total
    sampled = f"{len(fit.rows) + len(held.rows)} of {n} rows were used" + (", drawn at random" if n > most else "")
    again = f" ({repeated} more only repeat one of these, and were left out)" if repeated else ""
    return JudgedRows(
        fit,
        held,
        RowsUsed(
            given=n, used=len(fit.rows) + len(held.rows), width=x.shape[1], fit=len(fit.rows),
            held_out=len(held.rows), outliers=outliers, classes=fit.classes.names if fit.classes else (),
            said=f"{sampled}{again}; {split}{seen}",
        ),
        unseen,
        leaked,
    )  # fmt: skip


def distinct(rows: Float[Tensor, "n d"]) -> Int[Tensor, " some"]:
    """The places of rows, in order, without those that repeat an earlier one in every number."""
    whole_rows = np.ascontiguousarray(rows.numpy()).view(np.dtype((np.void, rows.shape[1] * rows.element_size())))
    return torch.from_numpy(np.sort(np.unique(whole_rows.ravel(), return_index=True)[1]))


def as_rows(what: str, rows: Any) -> Tensor | np.ndarray:
    """Rows (n, d) as they are, of floating point. Raises InputError."""
    if not isinstance(rows, Tensor | np.ndarray):
        raise InputError(f"{what} are of type {type(rows).__name__}, expected a tensor or a numpy array (n, d)")
    if isinstance(rows, Tensor) and (rows.layout != torch.strided or rows.is_quantized):
        check_tensor(what, rows, "(n, d)")
    if isinstance(rows, Tensor) and rows.device.type == "meta":
        raise InputError(f"{what} are on meta, expected a device that holds their numbers, such as cpu")
    shape = tuple(rows.shape)
    floating = rows.is_floating_point() if isinstance(rows, Tensor) else rows.dtype.kind == "f"
    if len(shape) != 2 or not shape[1]:
        raise InputError(f"{what} have shape {shape}, expected (n, d): one row an example, position or token")
    if not floating:
        raise InputError(f"{what} are of {rows.dtype}, expected floating point")
    if not shape[0]:
        raise InputError(f"{what} are empty (shape {shape}), expected at least {LEAST} rows")
    found: Tensor | np.ndarray = rows
    return found


def taken(what: str, rows: Tensor | np.ndarray, chosen: Int[Tensor, " some"], numbers: Tensor) -> Tensor:
    """A copy of some rows in float32. Raises NumericError, naming the first bad row by its number."""
    some = rows[chosen] if isinstance(rows, Tensor) else torch.from_numpy(np.array(rows[chosen.numpy()], np.float32))
    x = some.detach().cpu().float()
    bad = (~torch.isfinite(x)).any(1).nonzero().flatten()
    if len(bad):
        raise NumericError(f"{what}: row {int(numbers[chosen[bad[0]]])} holds NaN or infinity ({len(bad)} such rows)")
    return x


def ordinary(x: Float[Tensor, "rows d_in"]) -> Int[Tensor, " kept"]:
    """The rows that are not more than ten times as long as the median one."""
    length = times(x, usual_scale(x)).norm(dim=1)
    middle = float(length.median())
    return torch.arange(len(x), device="cpu") if middle == 0 else (length <= OUTLIER * middle).nonzero().flatten()


def _numbers(numbers: Sequence[int] | None, n: int) -> Tensor:
    if numbers is None:
        return torch.arange(n, device="cpu")
    if len(numbers) != n:
        raise InputError(f"numbers are {len(numbers)}, expected one for each of {n} rows")
    return torch.as_tensor(np.asarray(numbers), dtype=torch.int64, device="cpu")


def _some(part: Part, rows: Int[Tensor, " some"]) -> Part:
    return Part(
        part.rows[rows],
        part.numbers[rows],
        part.classes.take(rows) if part.classes else None,
        None if part.random is None else part.random[rows],
    )


def _given(
    part: Part, held_out: Any, labels: Any, held_out_labels: Any, most: int, seed: int
) -> tuple[Part, Part, int]:
    """The part to fit on, and held-out rows that the caller has chosen, with how many outliers were left out."""
    if (labels is None) != (held_out_labels is None):
        raise InputError(
            "labels and held_out_labels: classes are chosen on some rows and scored on the others; give both"
        )
    if part.random is not None:
        raise InputError("random_rows with held_out: leave held_out away, both are then split alike")
    given = as_rows("held_out", held_out)
    if given.shape[1] != part.rows.shape[1]:
        raise InputError(f"held_out rows have width {given.shape[1]}, rows have width {part.rows.shape[1]}")
    order = torch.randperm(len(given), generator=stream(seed, "judged held-out rows"), device="cpu")
    chosen = order[: max(LEAST, round(most * HELD_OUT))].sort().values
    x = taken("held_out", given, chosen, torch.arange(len(given), device="cpu"))
    kept = ordinary(x)
    classes = None
    if part.classes is not None:
        # one set of names for both sides
        theirs = Classes.of(held_out_labels, len(given), "held_out_labels")
        values = [part.classes.names[i] for i in part.classes.index.tolist()]
        values += [theirs.names[i] for i in theirs.index[chosen[kept]].tolist()]
        both = Classes.of(np.array(values), len(values))
        at = torch.arange(len(values), device="cpu")
        classes = both.take(at[len(part.rows) :])
        part = Part(part.rows, part.numbers, both.take(at[: len(part.rows)]), None)
    # numbered on behind the others, so that a number is one row's
    numbers = chosen[kept] + int(part.numbers.max()) + 1
    return part, Part(x[kept], numbers, classes, None), len(x) - len(kept)

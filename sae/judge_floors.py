"""One SAE beside its floors: numbers, and what each held-out row adds to them, for intervals over rows.

Nulls are trained at a budget of the caller's: shorter than the SAE's they are weaker floors, and it is said so.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor

from sae.config import TrainConfig
from sae.discover import construct, names
from sae.floors import Floor, Pair, RowErrors, Rows, memorising, scored, trained, unlearned
from sae.judged_rows import JudgedRows, Part
from sae.judgement import Budget, JudgedSae, Number
from sae.layer import Layer
from sae.measures.variance_explained import explained
from sae.nulls import PART, dense_part, pursue
from sae.per_latent import Scan, class_measures, latents_of, repeats, scan
from sae.rows import width_of
from sae.rule import DICTIONARIES, MEMORISING, TRAINED, Seed
from sae.seeding import derived, stream
from sae.train import Trainee, train_together

PACKAGE = "sae.architectures"
# Rows that dictionaries are scored on, as the stage `measures` has it; fewer where coding one takes very long.
SAMPLE, LEAST_SAMPLE, OPERATIONS = 1000, 100, 4e12
# Fewer firings a latent than this on average, and latents that never fired say nothing.
FIRINGS = 10
# Learning rate of nulls, up to this many latents: on Gaussian rows 300 steps at it reach what 3,000 do at half of it.
RATE, RATE_WIDTH = 1e-2, 512
# An SAE that does much worse than the mean row was not given what it reads: that is no collapse.
WORSE = -0.05


@dataclass(frozen=True)
class Beside:
    """An SAE with all that the rule and the intervals need."""

    sae: JudgedSae
    seed: Seed
    own: RowErrors
    refit: RowErrors
    sample: Tensor
    """Which held-out rows the dictionaries were scored on."""
    floors: dict[str, Floor]
    """Those that decide, with their rows."""
    if_unseen: dict[str, Floor]
    """Those that would decide if it were known that the SAE never saw these rows."""

    def as_unseen(self) -> Beside:
        """The same under that assumption."""
        values = {name: floor.value for name, floor in self.if_unseen.items()}
        errors = _errors(self.own, self.refit, self.if_unseen)
        return replace(self, floors=self.if_unseen, seed=replace(self.seed, floors=values, errors=errors))


def judged_sae(
    layer: Layer,
    name: str,
    format_: str,
    steps: int | None,
    given: JudgedRows,
    budget: Budget,
    trained_on: int | None,
    seed: int,
    observe: Callable[[str], None],
) -> Beside:
    """Measure an SAE, give it floors, train its nulls."""
    observe(f"{name}: {layer.architecture}, {layer.sae.n_latents} latents, on {len(given.fit.rows)} rows")
    fit, held = given.fit, given.held
    on_fit, on_held = (scan(layer, part.rows, part.classes, seed) for part in (fit, held))
    numbers = _own_numbers(layer, given, on_fit, on_held)
    own = scored("none", "held_out", layer, held.rows, keep=True)
    inside = scored("none", "train", layer, fit.rows)
    k = max(1, round(on_held.l0))
    sample = _sample(layer, k, len(held.rows), seed)
    refit_value, refit = _refit(layer, fit.rows, held.rows[sample], k)
    observe(f"{name}: dictionaries that nobody learned, {k} active of each")
    draw = stream(seed, "random dictionary")
    pair: list[Pair] = [(fit.rows, held.rows[sample])]
    found = unlearned(pair, "held_out", layer.sae.n_latents, k, draw, keep=True, code=_in_parts)
    if trained_on is not None:
        found.append(memorising(layer.sae.n_latents, trained_on))
    if budget.nulls != "none":
        found += _nulls(layer, fit, held, budget, seed, lambda what: observe(f"{name}: training {what}"))
    numbers += [Number(name=f.name, measure=f.measure, split=f.split, value=f.value, n=f.n) for f in found]
    numbers += [
        Number(name="none", measure="variance_explained", split=f.split, value=f.value, n=f.n) for f in (inside, own)
    ]
    numbers.append(
        Number(name="none", measure="variance_explained_refit", split="held_out", value=refit_value, n=len(sample))
    )
    if fit.random is not None and held.random is not None:
        numbers += _on_random(layer, fit, held, budget, seed, lambda what: observe(f"{name}: {what}"))
    both = torch.cat([fit.rows, held.rows])
    live = on_fit.fires + on_held.fires > 0
    repeated = repeats(layer, both, torch.cat([fit.numbers, held.numbers]), live, seed)
    numbers += [
        _number("none", "copies", "train", len(repeated.copies) / layer.sae.n_latents, layer.sae.n_latents),
        _number("none", "stored_rows", "train", len(repeated.stored) / layer.sae.n_latents, layer.sae.n_latents),
        _number("random_dictionary", "stored_rows", "train", repeated.stored_by_chance, layer.sae.n_latents),
    ]
    labels = (fit.classes, held.classes) if fit.classes and held.classes else None
    per_class = class_measures(on_held, on_fit)[0] if labels and len(labels[0]) > 1 else {}
    latents = latents_of(on_fit, on_held, repeated, (fit.numbers, held.numbers), labels, per_class)
    decide = _deciding(found, given.unseen)
    known = on_fit.active >= FIRINGS * layer.sae.n_latents or on_fit.active == 0
    return Beside(
        JudgedSae(
            name=name, format=format_, architecture=layer.architecture, n_latents=layer.sae.n_latents,
            d_in=layer.sae.d_in, steps=steps, numbers=tuple(numbers), latents=latents,
        ),
        Seed(
            live_share=on_fit.live_share if known else float("nan"),
            in_sample=inside.value if inside.value > WORSE else float("nan"),
            own=own.value, refit=refit_value, copy_score=repeated.copy_score,
            floors={name: floor.value for name, floor in decide.items()}, leaked=given.leaked,
            errors=_errors(_kept(own), refit, decide),
        ),
        _kept(own), refit, sample, decide, _deciding(found, unseen=True),
    )  # fmt: skip


def with_nulls(
    beside: Beside, layer: Layer, given: JudgedRows, budget: Budget, seed: int, observe: Callable[[str], None]
) -> Beside:
    """The same SAE beside nulls that were trained for another budget, all else as it was."""
    name = beside.sae.name
    found = _nulls(layer, given.fit, given.held, budget, seed, lambda what: observe(f"{name}: training {what}"))
    numbers = [one for one in beside.sae.numbers if one.name not in TRAINED]
    numbers += [Number(name=f.name, measure=f.measure, split=f.split, value=f.value, n=f.n) for f in found]

    def deciding(before: dict[str, Floor], unseen: bool) -> dict[str, Floor]:
        return {k: floor for k, floor in before.items() if k not in TRAINED} | _deciding(found, unseen)

    decide = deciding(beside.floors, given.unseen)
    values = {name: floor.value for name, floor in decide.items()}
    return replace(
        beside, sae=replace(beside.sae, numbers=tuple(numbers)), floors=decide,
        if_unseen=deciding(beside.if_unseen, unseen=True),
        seed=replace(beside.seed, floors=values, errors=_errors(beside.own, beside.refit, decide)),
    )  # fmt: skip


def _errors(own: RowErrors, refit: RowErrors, floors: dict[str, Floor]) -> dict[str, float]:
    """Standard error of the lead over each floor, over held-out rows: from the very rows where both were scored on
    them, else from both sides."""
    found = {}
    for name, floor in floors.items():
        if floor.rows is None:
            continue
        if name in DICTIONARIES:
            found[name] = refit.standard_error(floor.rows)
        elif name == "frozen_decoder" and floor.split == "held_out":
            found[name] = own.standard_error(floor.rows)
        else:
            found[name] = math.hypot(own.standard_error(), floor.rows.standard_error())
    return found


def _deciding(found: list[Floor], unseen: bool) -> dict[str, Floor]:
    """The floors that count. Where the SAE may have been trained on the rows that it is scored on, like with like is
    a null on its own training rows, if it does better there: noise can be learned by heart, too."""
    decide: dict[str, Floor] = {}
    for floor in found:
        counts = floor.split == "held_out" or floor.name == MEMORISING or (floor.name in TRAINED and not unseen)
        known = decide.get(floor.name)
        if counts and floor.name in (*TRAINED, *DICTIONARIES, MEMORISING) and (not known or floor.value > known.value):
            decide[floor.name] = floor
    return decide


def null_of(layer: Layer, l0: float) -> tuple[str, dict[str, object], int]:
    """Architecture, options and k of a null: the SAE's own where it holds k by itself; TopK at the SAE's own L0 where
    a penalty would first have to be steered there, or where the architecture is not ours."""
    known = layer.architecture in names(PACKAGE)
    if known and layer.sae.k_is_met != "as a target":
        return layer.architecture, dict(layer.sae.options()), layer.sae.k
    k = min(layer.sae.n_latents, max(1, round(l0)))
    return "topk", {"k": k}, k


def _nulls(
    layer: Layer, fit: Part, held: Part, budget: Budget, seed: int, observe: Callable[[str], None]
) -> list[Floor]:
    train = NullTrainer(layer, budget, seed, observe)
    return trained(train, fit.rows, held.rows, stream(seed, "null rows"), keep=True)


class NullTrainer:
    """Trains an SAE of the same shape at the budget."""

    def __init__(self, layer: Layer, budget: Budget, seed: int, observe: Callable[[str], None]) -> None:
        self.layer, self.budget, self.seed, self.observe = layer, budget, seed, observe

    def __call__(self, rows: Rows, *, fold: int = 0, frozen_decoder: bool = False) -> Layer:
        """A null, on these rows."""
        budget = self.budget
        what = "a frozen random decoder" if frozen_decoder else "a null"
        self.observe(f"{what}, {budget.steps} steps")
        name, options, _ = null_of(self.layer, float(budget.k))
        sae = construct(PACKAGE, name, width_of(rows), self.layer.sae.n_latents, **options)
        # as Gao et al. (arXiv 2406.04093) scale it; a low rate would leave a short null short of what noise gives
        lr = RATE * min(1.0, (RATE_WIDTH / self.layer.sae.n_latents) ** 0.5)
        config = TrainConfig(steps=budget.steps, batch=budget.batch, lr=lr)
        trainee = Trainee(name, sae, frozen_decoder=frozen_decoder)
        return train_together([trainee], rows, config, derived(self.seed, "null", fold))[0]


def _own_numbers(layer: Layer, given: JudgedRows, on_fit: Scan, on_held: Scan) -> list[Number]:
    """What the SAE does by itself, and with which classes."""
    found = []
    for split, seen in (("train", on_fit), ("held_out", on_held)):
        found.append(_number("none", "l0", split, seen.l0, seen.n))
        found.append(_number("none", "live_share", split, seen.live_share, layer.sae.n_latents))
    if on_held.sums and len(given.used.classes) > 1:
        found += _classes("none", "permuted_labels", on_held, on_fit)
    return found


def _classes(name: str, by_chance: str, held: Scan, fit: Scan) -> list[Number]:
    real, chance = class_measures(held, fit)
    found = [_number(name, measure, "held_out", reading.value, reading.n) for measure, reading in real.items()]
    return found + [
        Number(name=by_chance, measure=measure, split="held_out", value=s.mean, n=s.n, low=s.low, high=s.high)
        for measure, s in chance.items()
    ]


def _on_random(
    layer: Layer, fit: Part, held: Part, budget: Budget, seed: int, observe: Callable[[str], None]
) -> list[Number]:
    """The SAE on the rows of a randomly initialised host, and one that is trained on them."""
    assert fit.random is not None and held.random is not None
    saes = {"on_random_rows": layer}
    if budget.nulls != "none":
        train = NullTrainer(layer, budget, seed, lambda what: observe(f"{what}, on rows of the random host"))
        saes["random_host"] = train(fit.random, fold=1)
    found = []
    for name, sae in saes.items():
        worth = scored(name, "held_out", sae, held.random)
        found.append(_number(name, "variance_explained", "held_out", worth.value, worth.n))
        on_fit, on_held = scan(sae, fit.random, fit.classes, seed), scan(sae, held.random, held.classes, seed)
        found.append(_number(name, "l0", "held_out", on_held.l0, on_held.n))
        if on_held.sums and fit.classes is not None and len(fit.classes) > 1:
            found += _classes(name, f"{name}_permuted", on_held, on_fit)
    return found


def _sample(layer: Layer, k: int, n: int, seed: int) -> Tensor:
    """Which held-out rows are coded by matching pursuit."""
    each = 2.0 * k * layer.sae.n_latents * layer.sae.d_in
    size = min(n, SAMPLE, max(LEAST_SAMPLE, int(OPERATIONS / each)))
    return torch.randperm(n, generator=stream(seed, "floor sample"), device="cpu")[:size].sort().values


def _refit(
    layer: Layer, fit: Float[Tensor, "_ d_in"], rows: Float[Tensor, "_ d_in"], k: int
) -> tuple[float, RowErrors]:
    """The SAE's directions under the coder of the dictionaries."""
    mean = fit.mean(0)
    back = _in_parts(rows - mean, layer.sae.directions().float(), k) + mean
    return explained(rows, back), RowErrors.of(rows, back)


def _in_parts(rows: Float[Tensor, "batch d_in"], directions: Float[Tensor, "n d_in"], k: int) -> Tensor:
    """`pursue`, some rows at a time: it holds k directions for each of them."""
    step = max(1, PART // max(1, k * rows.shape[1], len(directions)))
    return torch.cat([pursue(rows[i : i + step], directions, k) for i in range(0, len(rows), step)])


def _number(name: str, measure: str, split: str, value: float, n: int) -> Number:
    return Number(name=name, measure=measure, split=split, value=value, n=n)


def _kept(floor: Floor) -> RowErrors:
    assert floor.rows is not None
    return floor.rows


def l0_of(layer: Layer, rows: Float[Tensor, "rows d_in"]) -> float:
    """Mean number of active latents on some of the rows."""
    return layer.encode(dense_part(rows, slice(0, 512))).l0()

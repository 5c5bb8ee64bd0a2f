"""What a language host has at hooks, for many contexts, kept on disk in half precision: shard after shard.

A token in its context is a row, and its id is context * places + place. Two sorts of rows are left out, and counted in
the manifest with their share of the variance: those at place 0, and those whose norm is more than `SINK` times the
median of the first `FIRST` contexts. They are attention sinks: a few rows so long that they would be most of any error.

A capture that ends early, killed or with the disk full, is taken up again by the next call with the same host, contexts
and hooks, at the shard where it stopped; what comes out is the same bit for bit. What is not finished lies in `kept`;
then its files are moved, none is copied, and the manifest is written last.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from analysis.run.hosts._host import LanguageHost, check_hook
from analysis.run.shards import manifest_file, shard_file
from analysis.system.locks import alone
from sae.errors import DataError, NumericError
from sae.temporary import replacing, unwritable

SINK = 10.0
FIRST = 64
"""Contexts whose median norm decides, of which place 0 does not count."""
SHARD, PASS = 128, 8
"""Contexts in a shard, which is what a killed capture loses at most; those that the host reads at once, a divisor."""
FORMAT = 1
HALF = 2
"""Bytes of a number on disk."""
SAID_SECONDS = 20.0
GB = 1e9
SORTS = ("kept", "place_0", "norm")


@dataclass(frozen=True)
class Captured:
    """How far a capture is."""

    what: str
    done: int
    """Tokens on disk, those of an earlier call included."""
    total: int
    rate: float
    """Tokens a second of this call; 0 before the first."""

    def sentence(self) -> str:
        """For a user."""
        left = f", {(self.total - self.done) / self.rate / 60:.0f} min left" if self.rate > 0 else ""
        return f"{self.what}: {self.done:,} of {self.total:,} tokens, {self.rate:,.0f} tokens/s{left}"


@dataclass(frozen=True)
class Rule:
    """Which rows of a hook are left out, and how numbers are kept. The same for both splits."""

    limit: float
    """Rows that are longer are left out."""
    median: float
    scale: float
    """A power of two, so that dividing by it rounds nothing: about the size of one number of a row."""


def left_out(
    activations: Float[Tensor, "contexts places width"], limit: float
) -> tuple[Bool[Tensor, "contexts places"], Bool[Tensor, "contexts places"]]:
    """Which rows are no part of what is trained on: those at place 0; those of the others that are longer than `limit`,
    which the manifest of a capture has."""
    first = torch.zeros(activations.shape[:2], dtype=torch.bool)
    first[:, 0] = True
    return first, (activations.norm(dim=2) > limit) & ~first


def to_stderr() -> Callable[[Captured], None]:
    """Says how far it is every twenty seconds, and at the end."""
    last = time.monotonic()

    def tell(now: Captured) -> None:
        nonlocal last
        if now.done == now.total or time.monotonic() - last > SAID_SECONDS:
            last = time.monotonic()
            print(now.sentence(), file=sys.stderr, flush=True)

    return tell


def capture(
    host: LanguageHost,
    contexts: Int[Tensor, "contexts places"],
    ids: Int[Tensor, " contexts"],
    hook: str | Sequence[str],
    folder: Path,
    split: str,
    *,
    like: Mapping[str, Any] | None = None,
    kept: Path | None = None,
    tell: Callable[[Captured], None] | None = None,
) -> dict[str, Any]:
    """Write one split into `folder` (of several hooks, read in one pass, into `folder/HOOK` each), as
    `analysis.run.shards` reads it. Gives the manifest; of several hooks one each, by name.

    `ids`: the example id of each context. `like`: what the other split gave, whose rule is used. `kept`: a folder that
    outlives a killed run, for what is not finished; without one it lies in `folder`. `tell` hears how far it is after
    every pass; without one it is said on stderr.
    Raises NotFoundError for an unknown hook, DataError for contexts without rows, and where the disk has no room,
    NumericError for activations that are not finite.
    """
    several = not isinstance(hook, str)
    hooks = [hook] if isinstance(hook, str) else list(hook)
    for name in hooks:
        check_hook(name, host)
    if contexts.dim() != 2 or len(contexts) != len(ids) or not len(ids) or contexts.shape[1] < 2:
        raise DataError(
            f"contexts of shape {tuple(contexts.shape)} with {len(ids)} ids; expected an id for each context, one "
            "context or more, of two places or more (place 0 is left out)"
        )
    if len(set(hooks)) != len(hooks) or not hooks:
        raise DataError(f"hooks {', '.join(hooks) or 'none'}: expected one or more, each once")
    rules = {name: _rule(like[name] if several else like) for name in hooks} if like else {}
    targets = {name: folder / name if several else folder for name in hooks}
    work = _Work(host, contexts, ids, targets, split, rules, tell or to_stderr())
    part = (kept or folder) / f"capture-{work.identity}"
    try:
        for target in (part.parent, *targets.values()):
            target.mkdir(parents=True, exist_ok=True)
        with alone(part):  # another run may have the same to do: it waits, and finds it done
            part.mkdir(exist_ok=True)
            manifests = work.do(part)
            shutil.rmtree(part)
    except OSError as error:
        raise DataError(unwritable(part, error)) from error
    return manifests if several else manifests[hooks[0]]


def _rule(manifest: Mapping[str, Any]) -> Rule:
    return Rule(manifest["limit"], manifest["median_norm"], manifest["scale"])


class _Work:
    """One capture: what it is of, and its shards."""

    def __init__(
        self,
        host: LanguageHost,
        contexts: Tensor,
        ids: Tensor,
        targets: Mapping[str, Path],
        split: str,
        rules: dict[str, Rule],
        tell: Callable[[Captured], None],
    ) -> None:
        self.host, self.contexts, self.ids, self.targets = host, contexts, ids, targets
        self.split, self.rules, self.tell = split, rules, tell
        self.widths = {hook: host.hooks()[hook] for hook in targets}
        self.places, self.shards = contexts.shape[1], -(-len(contexts) // SHARD)
        self.read_before: dict[int, dict[str, Tensor]] = {}
        self.identity = self._identity()

    def _identity(self) -> str:
        """A hash of all that the numbers depend on."""
        found = hashlib.sha256(f"{FORMAT} {torch.__version__} {self.split} {SHARD} {PASS} {FIRST} {SINK}".encode())
        found.update(f"{type(self.host).__name__} {self.widths} {self.rules}".encode())
        for name, value in sorted(self.host.state_dict().items()):
            found.update(name.encode())
            found.update(_bytes(value) if isinstance(value, Tensor) else repr(value).encode())
        for tokens in (self.contexts, self.ids):
            found.update(f"{tokens.dtype} {tuple(tokens.shape)}".encode())
            found.update(_bytes(tokens))
        return found.hexdigest()[:16]

    def do(self, part: Path) -> dict[str, dict[str, Any]]:
        """All that is missing; then the files move to where they belong. Raises OSError."""
        missing = [number for number in range(self.shards) if not self._there(part, number)]
        self._check_disk(part, missing)
        started = time.monotonic()
        self._rules(part)
        total = len(self.contexts) * self.places
        done = total - sum(self._size(number) for number in missing) * self.places
        before = done
        for number in missing:
            rows: dict[str, list[Tensor]] = {hook: [] for hook in self.targets}
            for start in range(number * SHARD, number * SHARD + self._size(number), PASS):
                for hook, values in self._read(start).items():
                    rows[hook].append(values)
                done += min(PASS, len(self.contexts) - start) * self.places
                self.tell(Captured(self._what(), done, total, (done - before) / max(time.monotonic() - started, 1e-9)))
            for hook, parts in rows.items():
                self._write(part, hook, number, torch.cat(parts))
        if not missing:
            self.tell(Captured(self._what(), total, total, 0.0))
        return {hook: self._finish(part, hook) for hook in self.targets}

    def _what(self) -> str:
        return f"activations of {', '.join(self.targets)}, {self.split}"

    def _size(self, number: int) -> int:
        return min(SHARD, len(self.contexts) - number * SHARD)

    def _sums(self, part: Path, hook: str, number: int) -> Path:
        return part / f"{hook}-{number:05d}.npz"

    def _shard(self, part: Path, hook: str, number: int) -> Path:
        return part / f"{hook}-{number:05d}.npy"

    def _there(self, part: Path, number: int) -> bool:
        """Whether all hooks have the shard, here or, where a run was killed as it finished, already in its place."""
        return all(
            self._sums(part, hook, number).exists()
            and (self._shard(part, hook, number).exists() or shard_file(target, self.split, number).exists())
            for hook, target in self.targets.items()
        )

    def _check_disk(self, part: Path, missing: Sequence[int]) -> None:
        tokens = sum(self._size(number) for number in missing) * self.places
        needed = tokens * sum(HALF * width + np.dtype(np.int64).itemsize for width in self.widths.values())
        for place in {part.stat().st_dev: part, **{t.stat().st_dev: t for t in self.targets.values()}}.values():
            free = shutil.disk_usage(place).free
            if needed > free:
                raise DataError(
                    f"{place}: {tokens:,} tokens take {needed / GB:.2f} GB, and {free / GB:.2f} GB are free: free some "
                    "space or take fewer contexts, then do it again"
                )

    def _rules(self, part: Path) -> None:
        """Which rows are left out, decided once: by what an unfinished capture found, or by the first contexts."""
        path = part / "rules.json"
        if not self.rules and path.exists():
            self.rules = {hook: Rule(**rule) for hook, rule in json.loads(path.read_text(encoding="utf-8")).items()}
        if self.rules:
            return
        starts = range(0, min(FIRST, len(self.contexts)), PASS)
        self.read_before = {start: self._now(start) for start in starts}
        for hook, width in self.widths.items():
            norms = torch.cat([rows[hook][:, 1:].norm(dim=2).flatten() for rows in self.read_before.values()])
            median = float(norms.median())
            # of rows that are nought, any scale will do
            scale = 2.0 ** round(np.log2(median / width**0.5)) if median > 0 else 1.0
            self.rules[hook] = Rule(SINK * median, median, scale)
        _write_json(path, {hook: vars(rule) for hook, rule in self.rules.items()})

    def _read(self, start: int) -> dict[str, Tensor]:
        return self.read_before.pop(start, None) or self._now(start)

    def _now(self, start: int) -> dict[str, Tensor]:
        """What the host has for the contexts of one pass; no pass reaches into the next shard."""
        contexts, hooks = self.contexts[start : start + PASS], list(self.targets)
        if len(hooks) > 1 and hasattr(self.host, "read_several"):
            found: dict[str, Tensor] = self.host.read_several(contexts, hooks)
        else:
            found = {hook: self.host.read(contexts, hook) for hook in hooks}
        for hook, values in found.items():
            finite = values.isfinite().all(2).all(1)
            if not finite.all():
                wrong = int(self.ids[start + int(finite.int().argmin())])
                raise NumericError(f"{hook} of context {wrong} is not finite: the host cannot read it; leave it out")
        return found

    def _write(self, part: Path, hook: str, number: int, values: Tensor) -> None:
        """A shard, and before it what the manifest will say of it."""
        rule, ids = self.rules[hook], self.ids[number * SHARD : number * SHARD + len(values)].long()
        first, long = left_out(values, rule.limit)
        sorts = dict(zip(SORTS, (~(first | long), first, long), strict=True))
        rows = {sort: values[mask].double() for sort, mask in sorts.items()}
        numbers = ids[:, None] * self.places + torch.arange(self.places)
        with replacing(self._sums(part, hook, number)) as temporary, temporary.open("wb") as file:
            np.savez(
                file,
                ids=numbers[sorts["kept"]].numpy(),
                counts=np.array([len(rows[sort]) for sort in SORTS]),
                sums=np.stack([rows[sort].sum(0).numpy() for sort in SORTS]),
                squares=np.array([float(rows[sort].square().sum()) for sort in SORTS]),
            )
        with replacing(self._shard(part, hook, number)) as temporary, temporary.open("wb") as file:
            np.save(file, (values[sorts["kept"]] / rule.scale).half().numpy())

    def _finish(self, part: Path, hook: str) -> dict[str, Any]:
        target, rule = self.targets[hook], self.rules[hook]
        told = [np.load(self._sums(part, hook, number)) for number in range(self.shards)]
        counts, sums, squares = (sum(one[name] for one in told) for name in ("counts", "sums", "squares"))
        if not counts[0]:
            raise DataError(
                f"every row of {hook}, {self.split}, is left out: {len(self.contexts)} contexts are too few"
            )
        for number in range(self.shards):
            found = self._shard(part, hook, number)
            if found.exists():
                shutil.move(found, shard_file(target, self.split, number))
        with replacing(target / f"{self.split}_ids.npy") as temporary, temporary.open("wb") as file:
            np.save(file, np.concatenate([one["ids"] for one in told]))
        manifest = {
            "format": FORMAT,
            "hook": hook,
            "split": self.split,
            "rows": int(counts[0]),
            "width": self.widths[hook],
            "scale": rule.scale,
            "shards": [int(one["counts"][0]) for one in told],
            "contexts": len(self.contexts),
            "places": self.places,
            "median_norm": rule.median,
            "limit": rule.limit,
            "left_out": {
                "place_0": {"rows": int(counts[1]), "share": _share(counts, sums, squares, 1, (0, 1, 2))},
                "norm": {"rows": int(counts[2]), "share": _share(counts, sums, squares, 2, (0, 2))},
            },
        }
        _write_json(manifest_file(target, self.split), manifest)
        return manifest


def _bytes(value: Tensor) -> memoryview:
    return memoryview(value.detach().contiguous().numpy())  # type: ignore[arg-type]  # an array is a buffer


def _share(counts: Any, sums: Any, squares: Any, sort: int, among: tuple[int, ...]) -> float:
    """The share that a sort of rows has of the variance of several, centred at the mean of all of them."""
    chosen = list(among)
    mean = sums[chosen].sum(0) / counts[chosen].sum()
    apart = squares - 2 * sums @ mean + counts * (mean @ mean)
    whole = float(apart[chosen].sum())
    return float(apart[sort]) / whole if whole > 0 else 0.0


def _write_json(path: Path, content: Mapping[str, Any]) -> None:
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(content, indent=1, sort_keys=True) + "\n", encoding="utf-8")

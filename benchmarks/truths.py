"""Rows whose making is known, so that it is known what a depth above them may be called.

`NOISE` are data sets in which nothing is said by what fires together: whatever a second depth finds in the codes of a
first one was put there by the first. `STRUCTURE` are data sets in which features come in groups, and `UNFINISHED` is
noise again, below whose second depth the first was trained for a quarter of the time: not having found the features
yet, it puts several latents together for each, which is structure of its codes, though not of the rows. Each is a
function of a number of rows and a generator; the features are drawn first, so that more rows are of the same data set.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import normalize

Make = Callable[[int, torch.Generator], Tensor]
"""That many rows (rows, d)."""


@dataclass(frozen=True)
class Truth:
    """A kind of data set, and the towers of two depths that it is judged by: width and k of the first; the second has
    half of both."""

    make: Make
    width: int
    k: int
    steps: int = 1500
    """Of training, each SAE. A layer that explains rows like these gains little after that."""

    @property
    def name(self) -> str:
        """Of the maker, and of how long is trained where that is not as long as it takes."""
        short = self.steps < Truth.steps
        return f"{self.make.__name__}_unfinished" if short else self.make.__name__


def unit(n: int, d: int, draw: torch.Generator) -> Tensor:
    """Random rows of length 1."""
    return normalize(torch.randn(n, d, generator=draw), dim=1)


def chosen(n: int, of: int, k: int, draw: torch.Generator) -> Tensor:
    """Ones in k of so many columns of each row, by chance."""
    places = torch.rand(n, of, generator=draw).argsort(1)[:, :k]
    return torch.zeros(n, of).scatter(1, places, 1.0)


def exponential(n: int, d: int, draw: torch.Generator) -> Tensor:
    """Sizes with mean 1."""
    return -(1 - torch.rand(n, d, generator=draw)).log()


# what fires together is by chance


def gaussian(n: int, draw: torch.Generator) -> Tensor:
    """Nothing at all."""
    return torch.randn(n, 32, generator=draw)


def gaussian_correlated(n: int, draw: torch.Generator) -> Tensor:
    """A covariance, and nothing else."""
    mixing = torch.randn(32, 32, generator=draw)
    return torch.randn(n, 32, generator=draw) @ mixing


def log_normal(n: int, draw: torch.Generator) -> Tensor:
    """Independent coordinates with long tails."""
    return torch.randn(n, 32, generator=draw).exp()


def exponential_rows(n: int, draw: torch.Generator) -> Tensor:
    """Independent coordinates above 0."""
    return exponential(n, 32, draw)


def laplace(n: int, draw: torch.Generator) -> Tensor:
    """Independent coordinates with long tails on both sides."""
    return exponential(n, 32, draw) * (2 * torch.randint(0, 2, (n, 32), generator=draw) - 1)


def rectified(n: int, draw: torch.Generator) -> Tensor:
    """Independent coordinates behind a ReLU."""
    return torch.randn(n, 32, generator=draw).relu()


def atoms(n: int, draw: torch.Generator) -> Tensor:
    """Four of 64 directions in 32 dimensions, of exponential sizes."""
    directions = unit(64, 32, draw)
    return (chosen(n, 64, 4, draw) * exponential(n, 64, draw)) @ directions


def atoms_one_by_one(n: int, draw: torch.Generator) -> Tensor:
    """64 directions, each on by itself in one row of sixteen."""
    directions = unit(64, 32, draw)
    on = torch.rand(n, 64, generator=draw) < 4 / 64
    return (on * (0.5 + torch.rand(n, 64, generator=draw))) @ directions


def atoms_of_all_rates(n: int, draw: torch.Generator) -> Tensor:
    """64 directions, each on by itself, the first often and the last seldom (Zipf's law)."""
    directions, rate = unit(64, 32, draw), 1 / torch.arange(1, 65)
    on = torch.rand(n, 64, generator=draw) < 4 * rate / rate.sum()
    return (on * exponential(n, 64, draw)) @ directions


def atoms_one_loud(n: int, draw: torch.Generator) -> Tensor:
    """Four of 64 directions in 32 dimensions, by chance; one of the four is ten times as loud."""
    directions, on = unit(64, 32, draw), torch.rand(n, 64, generator=draw).argsort(1)[:, :4]
    sizes = torch.tensor([10.0, 1.0, 1.0, 1.0]) * (0.8 + 0.4 * torch.rand(n, 4, generator=draw))
    return torch.zeros(n, 64).scatter(1, on, sizes) @ directions


def slots(n: int, draw: torch.Generator, share: float, d: int = 64) -> Tensor:
    """Twice four of 48 directions in d dimensions: in a share of cases one of twelve fixed fours, else any."""
    directions, on = unit(48, d, draw), torch.zeros(n, 48)
    for _ in range(2):
        group = torch.randint(0, 12, (n, 1), generator=draw) * 4 + torch.arange(4)
        fixed = torch.zeros(n, 48).scatter(1, group, 1.0)
        on += torch.where(torch.rand(n, 1, generator=draw) < share, fixed, chosen(n, 48, 4, draw))
    return (on * exponential(n, 48, draw)) @ directions


def slots_by_chance(n: int, draw: torch.Generator) -> Tensor:
    """Slots without groups."""
    return slots(n, draw, 0.0)


def slots_crowded_by_chance(n: int, draw: torch.Generator) -> Tensor:
    """The same in 32 dimensions, where directions overlap and are told apart badly."""
    return slots(n, draw, 0.0, 32)


# features come in groups


def slots_few_fixed(n: int, draw: torch.Generator) -> Tensor:
    """Slots of which three in ten are groups."""
    return slots(n, draw, 0.3)


def slots_some_fixed(n: int, draw: torch.Generator) -> Tensor:
    """Slots of which three in five are groups."""
    return slots(n, draw, 0.6)


def slots_fixed(n: int, draw: torch.Generator) -> Tensor:
    """Slots that are groups."""
    return slots(n, draw, 1.0)


def slots_crowded(n: int, draw: torch.Generator) -> Tensor:
    """The same, crowded."""
    return slots(n, draw, 1.0, 32)


def slots_loud_or_soft(n: int, draw: torch.Generator) -> Tensor:
    """Slots of which three in five are groups, and each row is as a whole loud or soft."""
    loudness = exponential(n, 1, torch.Generator().manual_seed(int(torch.randint(0, 2**31, (1,), generator=draw))))
    return slots(n, draw, 0.6) * (0.1 + loudness)


def groups(n: int, draw: torch.Generator) -> Tensor:
    """Two of twelve groups of four directions in 64 dimensions: both levels are there."""
    directions = unit(48, 64, draw)
    on = chosen(n, 12, 2, draw).repeat_interleave(4, 1)
    return (on * exponential(n, 48, draw)) @ directions


def hierarchy(n: int, draw: torch.Generator) -> Tensor:
    """Three levels: one of four families a slot, two of its three groups, all four directions of a group."""
    directions, on = unit(48, 64, draw), torch.zeros(n, 12)
    for _ in range(2):
        family = torch.nn.functional.one_hot(torch.randint(0, 4, (n,), generator=draw), 4).repeat_interleave(3, 1)
        within = torch.cat([chosen(n, 3, 2, draw)] * 4, 1)
        on = torch.maximum(on, family * within)
    return (on.repeat_interleave(4, 1) * exponential(n, 48, draw)) @ directions


NOISE = (
    Truth(gaussian, 64, 8),
    Truth(gaussian_correlated, 64, 8),
    Truth(log_normal, 64, 4),
    Truth(exponential_rows, 64, 4),
    Truth(laplace, 64, 4),
    Truth(rectified, 64, 4),
    Truth(atoms, 64, 4),
    Truth(atoms_one_by_one, 64, 4),
    Truth(atoms_of_all_rates, 64, 4),
    Truth(atoms_one_loud, 64, 4),
    Truth(slots_by_chance, 48, 8),
    Truth(slots_crowded_by_chance, 48, 8),
)
STRUCTURE = (
    Truth(slots_few_fixed, 48, 8),
    Truth(slots_some_fixed, 48, 8),
    Truth(slots_fixed, 48, 8),
    Truth(slots_crowded, 48, 8),
    Truth(slots_loud_or_soft, 48, 8),
    Truth(groups, 48, 8),
    Truth(hierarchy, 48, 16),
)
UNFINISHED = (Truth(atoms_one_loud, 64, 4, steps=400), Truth(slots_by_chance, 48, 8, steps=400))
TRUTHS = (*NOISE, *STRUCTURE, *UNFINISHED)

# %% [markdown]
"""
# Find the neuron for a seven

Somewhere in a network that reads digits, is there one unit that says *seven*? We look for it in three places: among
the 256 neurons of a layer, among the 512 latents of an SAE on that layer, and among the 512 latents of a meta-SAE on
the SAE. With so many candidates somebody always wins. So luck gets the same chance, and so does a rival that has
never been trained.
"""

# %%
import matplotlib.pyplot as plt
import torch

from analysis.run.datasets.digits import digits
from analysis.run.hosts.mlp import Mlp
from sae.architectures.topk import TopK
from sae.config import TrainConfig
from sae.nulls import random_directions
from sae.seeding import stream
from sae.tower import Tower, training_rows
from sae.train import train

DIGIT = 7

data = digits()
images, labels = torch.from_numpy(data.images), torch.from_numpy(data.labels).long()
unseen = torch.from_numpy(data.held_out)
wanted = labels == DIGIT

host = Mlp((28, 28), data.n_classes, seed=0)
host.fit(images[~unseen], labels[~unseen])
states = host.activations(images, "hidden1")

config = TrainConfig(steps=1000, batch=128, lr=3e-3, aux_every=4)
low = train("topk", TopK(256, 512, k=16), states[~unseen], config, seed=0)
codes = training_rows(Tower("latents", (low,)), states[~unseen])
high = train("topk", TopK(512, 512, k=8), codes, config, seed=0)
tower = Tower("latents", (low, high))
units = {
    "neurons": states,
    "depth-1 latents": tower.activations(states, 1),
    "depth-2 latents": tower.activations(states, 2),
}
for part, use in ((~unseen, "to choose on"), (unseen, "to score on")):
    print(f"{int(wanted[part].sum())} sevens among {int(part.sum()):,} digits {use}")

# %% [markdown]
"""
## What counts as a detector

A unit is turned into a detector by a cut: at or above it, the unit says *seven*. Two things can go wrong. It speaks
up for other digits (low *precision*), or it stays silent on sevens (low *recall*). F1, their harmonic mean, is high
only if both are.

For every unit we take the cut with the best F1 on the training images, then the unit with the best F1, and only then
look at the unseen images. Choosing and scoring on the same images would reward luck.
"""


# %%
def best_cuts(
    acts: torch.Tensor, is_wanted: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """For each unit the largest F1 that any cut gives, and that cut."""
    values, order = acts.T.contiguous().sort(dim=1, descending=True)
    hits = is_wanted[order].float().cumsum(1)
    f1 = 2 * hits / (torch.arange(1, len(acts) + 1) + is_wanted.sum())
    f1[:, :-1][values[:, :-1] == values[:, 1:]] = 0  # equal ones cannot be parted
    best, at = f1.max(1)
    return best, values.gather(1, at[:, None])[:, 0]


def scores(
    acts: torch.Tensor, is_wanted: torch.Tensor, cuts: torch.Tensor
) -> tuple[torch.Tensor, ...]:
    """Precision, recall and F1 of every unit."""
    says = acts >= cuts
    hits = (says & is_wanted[:, None]).sum(0).float()
    precision, recall = hits / says.sum(0).clamp(min=1), hits / is_wanted.sum()
    return precision, recall, 2 * hits / (says.sum(0) + is_wanted.sum())


def winner(
    acts: torch.Tensor, is_wanted: torch.Tensor
) -> tuple[int, float, list[torch.Tensor]]:
    """The best unit on training images, its cut, and all scores on unseen images."""
    f1, cuts = best_cuts(acts[~unseen], is_wanted[~unseen])
    unit = int(f1.argmax())
    parts = list(scores(acts[unseen], is_wanted[unseen], cuts))
    return unit, float(cuts[unit]), parts


draw = stream(0, "shuffled labels")
won = {}
print(f"{'':18}{'unit':>6}{'precision':>11}{'recall':>8}{'F1':>7}{'F1 by luck':>12}")
for name, acts in units.items():
    won[name] = winner(acts, wanted)
    unit, _, parts = won[name]
    luck = []
    for _ in range(3):
        shuffled = wanted[torch.randperm(len(wanted), generator=draw)]
        lucky, _, lucky_parts = winner(acts, shuffled)
        luck.append(float(lucky_parts[2][lucky]))
    precision, recall, f1 = (float(part[unit]) for part in parts)
    row = f"{precision:>11.2f}{recall:>8.2f}{f1:>7.2f}"
    print(f"{name:18}{unit:>6}{row}{sum(luck) / len(luck):>12.2f}")
share = float(wanted[unseen].float().mean())
print(f"\nalways saying seven: F1 {2 * share / (1 + share):.2f}")

# %% [markdown]
"""
*By luck* is the same search after the labels have been shuffled. All three winners are far above it. The floor is not
zero, by the way: something that always says *seven* has perfect recall, and shuffled labels end up near it.

Compare the recall of the two depths. The meta-latent is silent on more sevens: it stands for *some kind* of seven and
leaves the others to its colleagues, however precise it may be about its own. That is what being sparser does. Only
half as many latents may be on, so each has to be choosier. One unit for one digit is not what a deeper dictionary is
after.

## A rival without any training

Now for the uncomfortable part. An SAE latent is a direction in the layer, found by training. Draw as many directions
at random, and give them the same chance: the best cut, then the best of them all, chosen on training images.
"""

# %%
directions = random_directions(512, states.shape[1], stream(0, "rivals"))
units["random directions"] = (states - states[~unseen].mean(0)) @ directions.T
won["random directions"] = winner(units["random directions"], wanted)

best = {name: float(parts[2][unit]) for name, (unit, _, parts) in won.items()}
print(f"{'best F1 on unseen images':26}{'with its cut':>14}{'cut at zero':>14}")
for name, acts in units.items():
    zero = torch.full((acts.shape[1],), 1e-9)  # says seven wherever it is on at all
    chosen = int(scores(acts[~unseen], wanted[~unseen], zero)[2].argmax())
    at_zero = float(scores(acts[unseen], wanted[unseen], zero)[2][chosen])
    print(f"{name:26}{best[name]:>14.2f}{at_zero:>14.2f}")
says = host.logits_from(states[unseen], "hidden1").argmax(1) == DIGIT
both = int((says & wanted[unseen]).sum())
network = 2 * both / int(says.sum() + wanted[unseen].sum())
print(f"{'the network, all neurons':26}{network:>14.2f}")

# %% alt="Dots in the plane of recall and precision, one a unit, in four colours; the four winners are ringed"
figure, axes = plt.subplots(figsize=(6.4, 4.6), layout="constrained")
for (name, (unit, _, parts)), mark in zip(won.items(), "os^D", strict=True):
    precision, recall, _ = parts
    dots = axes.scatter(recall, precision, s=9, marker=mark, alpha=0.35, linewidths=0)
    colour, label = (
        dots.get_facecolor()[:1, :3],
        f"{name}: best F1 {best[name]:.2f}",
    )
    at = recall[unit], precision[unit]
    axes.scatter(*at, s=40, marker=mark, color=colour, label=label)
    axes.scatter(*at, s=170, facecolors="none", edgecolors=colour, linewidths=2)
axes.set(
    xlabel="recall: share of unseen sevens that it finds",
    ylabel="precision: share of its finds that are sevens",
)
axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
first, *_, last = sorted(best, key=lambda name: -best[name])
ranked = f"{first} (F1 {best[first]:.2f}). Worst: {last} ({best[last]:.2f})"
axes.set_title(f"Best detectors of a seven: {ranked}")
figure.legend(loc="outside lower center", ncols=2, frameon=False, fontsize=9)
plt.show()

# %% [markdown]
"""
Training an SAE has not bought a better detector. The best random direction and the best neuron are ahead of the best
depth-1 latent, and the meta-latent is last. That is one digit and one seed; others come below. All stay behind the
network itself, which reads the digit off many neurons together.

What training did buy is in the last column. Without a cut to be tuned, a random direction is worth much less, because
it is on about half of the time. A latent brings its own cut along: it is off almost always, and when it is on, that
says something.

## Was it the seven?

One digit may be luck, and so may one training. So the same for all ten digits, with three networks, each with its own
two SAEs and its own random directions.
"""


# %%
def families(seed: int) -> dict[str, torch.Tensor]:
    """Of a network: its neurons, both depths on it, and random directions."""
    host = Mlp((28, 28), data.n_classes, seed=seed)
    host.fit(images[~unseen], labels[~unseen])
    states = host.activations(images, "hidden1")
    low = train("topk", TopK(256, 512, k=16), states[~unseen], config, seed=seed)
    codes = training_rows(Tower("latents", (low,)), states[~unseen])
    high = train("topk", TopK(512, 512, k=8), codes, config, seed=seed)
    tower = Tower("latents", (low, high))
    rivals = random_directions(512, states.shape[1], stream(seed, "rivals"))
    acts = (
        states,
        tower.activations(states, 1),
        tower.activations(states, 2),
        (states - states[~unseen].mean(0)) @ rivals.T,
    )
    return dict(zip(units, acts, strict=True))


SEEDS = 3
found = torch.zeros(SEEDS, len(units), data.n_classes)
for seed in range(SEEDS):
    for place, acts in enumerate((families(seed) if seed else units).values()):
        for digit in range(data.n_classes):
            unit, _, parts = winner(acts, labels == digit)
            found[seed, place, digit] = parts[2][unit]

print(f"{'mean best F1':18}" + "".join(f"{n:>6}" for n in range(10)))
for name, row in zip(units, found.mean(0), strict=True):
    print(f"{name:18}" + "".join(f"{value:>6.2f}" for value in row))
latent, rival = found[:, 1], found[:, -1]
for first, second, ahead in (
    ("depth-1 latent", "random direction", (latent > rival).all(0)),
    ("random direction", "depth-1 latent", (latent < rival).all(0)),
):
    digits_of = ", ".join(map(str, ahead.nonzero()[:, 0].tolist())) or "no digit"
    print(f"best {first} ahead of best {second} in all three: {digits_of}")

# %% alt="Ten groups of four dots with their ranges: the best F1 of each family for each digit"
figure, axes = plt.subplots(figsize=(6.4, 3.6), layout="constrained")
for place, (name, mark) in enumerate(zip(units, "os^D", strict=True)):
    at = torch.arange(data.n_classes) + (place - 1.5) * 0.16
    low_end, high_end = found[:, place].min(0).values, found[:, place].max(0).values
    axes.vlines(at, low_end, high_end, color=f"C{place}", alpha=0.6)
    axes.scatter(at, found[:, place].mean(0), s=22, marker=mark, label=name)
axes.set(
    xticks=range(data.n_classes), xlabel="digit to be found", ylabel="best F1, unseen"
)
wins = [int((latent > rival).all(0).sum()), int((latent < rival).all(0).sum())]
axes.set_title(
    f"Latents beat random directions on {wins[0]} digits in all 3 trainings,\n"
    f"random directions beat latents on {wins[1]}",
    fontsize=11,
)
figure.legend(loc="outside lower center", ncols=2, frameon=False, fontsize=9)
plt.show()

# %% [markdown]
"""
So much hung on the seven. It is among the digits at which random directions do best beside latents; at fours, fives,
sixes and eights the best latent is ahead every time. Neurons, of which there are half as many, keep up with both. And
of most digits the meta-latents find least.

## Look, but not only at the top

The strongest images of a unit are what papers show. Here they are for the best latent of depth 1 and for the best
random direction, with images from the middle of what each counts as a seven, and from just above its cut.
"""

# %% alt="Two blocks of three rows of digits: strongest, middle and weakest images above the cut of two units"
SHOWN = 12
figure, sides = plt.subplots(2, 1, figsize=(6.4, 3.9), layout="constrained")
tops = []
for axes, name in zip(sides, ("depth-1 latents", "random directions"), strict=True):
    unit, cut, _ = won[name]
    column = units[name][unseen, unit]
    order = column.argsort(descending=True)[: int((column >= cut).sum())]
    middle = len(order) // 2 - SHOWN // 2
    rows = [order[:SHOWN], order[middle : middle + SHOWN], order[-SHOWN:]]
    counts = [int(wanted[unseen][row].sum()) for row in rows]
    tops.append(counts)
    pictures = images[unseen][torch.stack(rows)].permute(0, 2, 1, 3)
    axes.imshow(pictures.reshape(3 * 28, SHOWN * 28), cmap="gray_r")
    parts = zip(("strongest", "middle", "at the cut"), counts, strict=True)
    axes.set(
        xticks=[],
        yticks=[14, 42, 70],
        yticklabels=[f"{part}: {n} of {SHOWN}" for part, n in parts],
    )
    axes.set_title(
        f"best of the {name}: says seven to {len(order)} unseen images", fontsize=10
    )
(a, _, b), (c, _, d) = tops
figure.suptitle(
    f"Sevens at the top: {a} and {c} of {SHOWN}. At the cut: {b} and {d}",
    fontsize=11,
)
plt.show()

# %% [markdown]
"""
From its strongest images alone you would call the random direction a seven detector, too. The rows below are where a
name is earned or lost, and they are the ones that are seldom printed.

## Try it yourself

- Set `DIGIT` to 1, the easiest digit, and to 8. How far down does each family go at its cut?
- Draw five times as many random directions. At how many digits do latents still lead?
- Give each family two units and say *seven* when either of them does. Which family gains most? (Think of what the
  meta-latents lack.)
"""

# %% [markdown]
"""
# Steer a digit

A latent that is on for threes *reads* threes. Does it also *write* them? We push the inside of the network along the
latent's direction, let the rest of the network run on, and see what it answers. Any hard push changes answers, so the
question is never whether something happens. It is whether more happens than after a push of the same length in a
direction that means nothing.
"""

# %%
import json

import matplotlib.pyplot as plt
import torch
from torch.nn.functional import normalize

from analysis.run.datasets.digits import digits
from analysis.run.hosts.mlp import Mlp
from sae.architectures.topk import TopK
from sae.config import TrainConfig
from sae.nulls import random_directions
from sae.seeding import stream
from sae.tower import Tower
from sae.train import train

HOOK, TARGET = "hidden1", 3

data = digits()
images, labels = torch.from_numpy(data.images), torch.from_numpy(data.labels).long()
unseen = torch.from_numpy(data.held_out)

host = Mlp((28, 28), data.n_classes, seed=0)
host.fit(images[~unseen], labels[~unseen])
with torch.no_grad():
    states = host.forward_to(images / 255, HOOK)  # the first half of the network
    answers = host.forward_from(states, HOOK).argmax(1)  # the second half

config = TrainConfig(steps=1000, batch=128, lr=3e-3, aux_every=4)
tower = Tower(
    "latents",
    (train("topk", TopK(256, 512, k=16), states[~unseen], config, seed=0),),
)
directions, offset = tower.host_map(1)  # nearly: offset + activations @ directions
activations = tower.activations(states, 1)
right = (answers == labels)[unseen]
print(f"{right.float().mean():.0%} of {len(right):,} unseen digits named correctly")

# %% [markdown]
"""
`forward_to` and `forward_from` cut the network in two at a *hook*. Whatever we do to the states in between, the
second half does not know about it.

## Choose by reading, not by writing

For a digit we take the latent that tells it best from the others on training images: its mean activation on that
digit is further above its mean on any other digit than that of any other latent. Choosing the latent that *steers*
best would assume what we want to find out.
"""


# %%
seen, seen_labels = activations[~unseen], labels[~unseen]
means = torch.stack([seen[seen_labels == digit].mean(0) for digit in range(10)])


def reader_of(digit: int) -> int:
    """Whose mean activation on this digit is furthest above that on any other."""
    others = means[torch.arange(10) != digit].amax(0)
    return int((means[digit] - others).argmax())


latent = reader_of(TARGET)
share = seen[seen_labels == TARGET, latent].sum() / seen[:, latent].sum()
strong = seen[seen[:, latent] > 0, latent].quantile(0.95)
length = states[~unseen].norm(dim=1).mean()
own = float(strong * directions[latent].norm() / length)
print(f"latent {latent}: {share:.0%} of its activation is on threes")
print(f"when it is strongly on, it makes up {own:.0%} of the length of a state")

# %% [markdown]
"""
## Push

Every unseen digit that is *not* a three is pushed along the latent's direction, ever harder. A push of 1 is as long
as a state is on average. That is far: such states have negative numbers where no digit has any, because the layer
ends in a ReLU. So two controls get pushes of exactly the same length: directions drawn at random, and other latents
of the same SAE, drawn by lot. The second control is the stricter one. Those directions mean something too, only not
this.
"""


# %%
@torch.no_grad()
def chance_of(rows: torch.Tensor, digit: int) -> float:
    """Mean probability that the second half of the network gives to a digit."""
    return float(host.forward_from(rows, HOOK).softmax(1)[:, digit].mean())


unit = normalize(directions) * length  # every latent's push of 1
nonsense = random_directions(30, states.shape[1], stream(0, "random")) * length
by_lot = torch.randperm(len(unit), generator=stream(0, "other latents"))
rivals = {
    "random directions": nonsense,
    "other latents": unit[by_lot[by_lot != latent][:30]],
}

steered = states[unseen & (labels != TARGET)]
pushes = [0, 0.1, 0.2, 0.3, 0.4, 0.6, 0.8, 1]
by_latent = [chance_of(steered + push * unit[latent], TARGET) for push in pushes]
by_rival = {}
for name, rows in rivals.items():
    chances = [[chance_of(steered + p * row, TARGET) for p in pushes] for row in rows]
    by_rival[name] = torch.tensor(chances)
print("mean probability of a three; in brackets the best of 30")
print(f"{'push':>5}{'the latent':>12}" + "".join(f"{name:>20}" for name in rivals))
for i, push in enumerate(pushes):
    line = f"{push:>5g}{by_latent[i]:>12.1%}"
    for chances in by_rival.values():
        line += f"{f'{chances[:, i].mean():.1%} ({chances[:, i].max():.0%})':>20}"
    print(line)

# %% alt="Probability of a three over the length of the push: the latent, and two controls with bands"
figure, axes = plt.subplots()
axes.plot(pushes, by_latent, "o-", label=f"latent {latent}, which reads threes")
looks = (("C1", "--"), ("C2", ":"))
for (name, values), (colour, dashes) in zip(by_rival.items(), looks, strict=True):
    label, (low, high) = f"{name}: mean and range of 30", values.aminmax(dim=0)
    axes.plot(pushes, values.mean(0), color=colour, linestyle=dashes, label=label)
    axes.fill_between(pushes, low, high, color=colour, alpha=0.15, linewidth=0)
axes.axvline(own, color="0.6", linewidth=1)
axes.annotate(
    " the latent's own strength", (own, 1), color="0.35", fontsize=9, va="top"
)
axes.set(
    xlabel="length of the push, in mean lengths of a state",
    ylabel="mean probability of a three",
    ylim=(0, 1),
)
against = by_rival["random directions"][:, -1].mean()
threes = (
    f"{by_latent[-1]:.0%} along the latent, {against:.0%} along random directions"
)
axes.set_title(f"Threes after a push of 1: {threes}")
axes.legend(fontsize=9, loc="upper right", bbox_to_anchor=(1, 0.92), frameon=False)
plt.show()

# %% [markdown]
"""
The grey line is the honest place to look. As far as the latent goes by itself, it is one voice of sixteen, and most
digits stay what they were. Pushed further than it ever goes, it turns many of them into threes, and random directions
of the same length turn next to none. So the direction does mean something to the second half of the network.

## Nine digits under one hand

A mean hides what happens to a single digit. So here is everything that the network answers for nine of them, the
first of each other class that it reads correctly, step by step. Beside the latent stands the strongest rival that we
have: of the thirty random directions the one that makes most threes. What this cell prints is kept, and
[names and causes](/report/names.qmd) puts a slider in front of it.
"""

# %% keep="steering"
strengths = torch.linspace(0, 1, 21)
fair = unseen & (answers == labels)
nine = [
    int((fair & (labels == digit)).nonzero()[0])
    for digit in range(10)
    if digit != TARGET
]
strongest = by_rival["random directions"][:, -1].argmax()


@torch.no_grad()
def thousandths(direction: torch.Tensor) -> list[list[list[int]]]:
    """What each of the nine is taken for at each strength: ten probabilities."""
    pushed = states[nine, None] + strengths[:, None] * direction
    chances = host.forward_from(pushed.flatten(0, 1), HOOK).softmax(1)
    return chances.unflatten(0, (len(nine), -1)).mul(1000).round().int().tolist()


kept = {
    "target": TARGET,
    "classes": [str(digit) for digit in range(10)],
    "latent": latent,
    "own": round(own, 2),
    "randoms": len(nonsense),
    "strengths": [round(float(strength), 2) for strength in strengths],
    "labels": labels[nine].tolist(),
    "pixels": images[nine].tolist(),
    "along": {
        "latent": thousandths(unit[latent]),
        "random": thousandths(nonsense[strongest]),
    },
}
print(json.dumps(kept))

# %% [markdown]
"""
## Which digits give in first?
"""

# %% alt="Twelve digits that turn into threes after the shortest pushes, with their true labels"
fine = torch.linspace(0, 1, 41)
pictures, true = (
    images[unseen & (labels != TARGET)],
    labels[unseen & (labels != TARGET)],
)
with torch.no_grad():
    certainty = host.forward_from(steered, HOOK).softmax(1).amax(1)
    says = [
        host.forward_from(steered + p * unit[latent], HOOK).argmax(1) for p in fine
    ]
turns = torch.stack(says) == TARGET  # pushes, digits
turns[:, says[0] != true] = False  # only digits that were read correctly
step = torch.where(
    turns.any(0), turns.int().argmax(0), len(fine)
)  # of the first turn
first = step.argsort(stable=True)[:12]

sure, all_sure = certainty[first].mean(), certainty.mean()
print(f"certainty before the push: {sure:.0%} for these 12, {all_sure:.0%} for all")
figure, cells = plt.subplots(2, 6, figsize=(6.4, 2.7))
for cell, index in zip(cells.flat, first, strict=True):
    cell.imshow(pictures[index], cmap="gray_r")
    title = f"{true[index]}, push {fine[step[index]]:.2f}"
    cell.set_title(title, fontsize=8, loc="center", pad=2)
    cell.axis("off")
common = true[first].mode().values
count = int((true[first] == common).sum())
figure.suptitle(f"The first 12 to become threes: {count} are {common}s", fontsize=11)
figure.tight_layout(pad=0.3)
plt.show()

# %% [markdown]
"""
All of them had been read correctly. But the network was less sure of them than of others, and some are half a three
already.

## One digit is an anecdote

Threes were our choice. Here are all ten digits, at one length, each with its own reader and the same two controls.
"""

# %%
PUSH = 0.6
table = []
for digit in range(10):
    mine, rows = reader_of(digit), states[unseen & (labels != digit)]
    others = unit[by_lot[by_lot != mine][:30]]
    table.append(
        [
            chance_of(rows + PUSH * unit[mine], digit),
            max(chance_of(rows + PUSH * row, digit) for row in nonsense),
            max(chance_of(rows + PUSH * row, digit) for row in others),
        ]
    )
reader, best_random, best_other = torch.tensor(table).T
print(f"digit{'its reader':>12}{'best random':>13}{'best other latent':>19}")
for digit, row in enumerate(table):
    print(f"{digit:>5}{row[0]:>12.0%}{row[1]:>13.0%}{row[2]:>19.0%}")

# %% alt="Bars, one a digit: what its reader does to its probability; marks: the best of each control"
figure, axes = plt.subplots()
axes.bar(
    range(10),
    reader,
    width=0.6,
    color="C0",
    alpha=0.4,
    label="the latent that reads the digit",
)
axes.scatter(
    range(10),
    best_random,
    color="C1",
    marker="_",
    s=260,
    linewidths=2.5,
    label="best of 30 random directions",
)
axes.scatter(
    range(10),
    best_other,
    color="C2",
    marker="^",
    s=45,
    label="best of 30 other latents",
)
axes.set(
    xticks=range(10), xlabel="digit", ylabel="its mean probability on other digits"
)
random_won, other_won = (
    int((reader > best_random).sum()),
    int((reader > best_other).sum()),
)
axes.set_title(
    f"The reader beats all 30 random directions for {random_won} of 10 digits,\n"
    f"all 30 other latents for {other_won} of 10"
)
axes.legend(frameon=False, fontsize=9)
plt.show()

# %% [markdown]
"""
Count the digits where a triangle stands above its bar. There one of thirty latents, drawn by lot, *writes* the digit
better than the one that reads it best. Reading and writing are related, or the bars would stand no higher than the
orange marks. They are not the same, and a latent's name, which comes from reading, is no promise of what it does.

## Try it yourself

- Steer with the mean of all threes minus the mean of all other states, at the same length. It needs no SAE. Does the
  latent beat it?
- Push *down* instead: subtract the latent's part from states of threes. Do they stop being threes, or do other
  latents step in?
"""

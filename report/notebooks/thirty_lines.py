# %% [markdown]
"""
# Train an SAE and a meta-SAE in thirty lines

A network that reads handwritten digits has, somewhere in its middle, 256 numbers for every digit. A *sparse
autoencoder* (SAE) writes those numbers as a short list: 16 active *latents* out of 512, each with a strength. A
*meta-SAE* does the same to the list. Below both are trained, from the raw images on, and then we ask how much of the
result would have come out of nothing.
"""

# %%
import matplotlib.pyplot as plt
import torch

from analysis.run.datasets.digits import digits
from analysis.run.hosts.mlp import Mlp
from sae.architectures.topk import TopK
from sae.config import TrainConfig
from sae.measures.variance_explained import explained
from sae.nulls import permuted_coordinates
from sae.seeding import stream
from sae.tower import Tower, training_rows
from sae.train import train

data = digits()
images, labels = torch.from_numpy(data.images), torch.from_numpy(data.labels).long()
unseen = torch.from_numpy(data.held_out)  # digits that nothing here is trained on

host = Mlp((28, 28), data.n_classes, seed=0)
host.fit(images[~unseen], labels[~unseen])
states = host.activations(images, "hidden1")  # 256 numbers for every digit

config = TrainConfig(steps=1000, batch=128, lr=3e-3, aux_every=4)
sae = train("topk", TopK(256, 512, k=16), states[~unseen], config, seed=0)
codes = training_rows(Tower("latents", (sae,)), states[~unseen])  # active latents
meta = train("topk", TopK(512, 512, k=8), codes, config, seed=0)
tower = Tower("latents", (sae, meta))

right = host.logits_from(states[unseen], "hidden1").argmax(1) == labels[unseen]
print(f"The network reads {right.float().mean():.0%} of unseen digits correctly")
for depth, layer in enumerate(tower.layers, 1):
    rows = tower.inputs(states[unseen], depth)
    found = layer.encode(rows)
    on, share = found.l0(), explained(rows, layer.decode(found))
    print(f"Depth {depth}: {on:.0f} of 512 latents on, {share:.0%} explained")

# %% [markdown]
"""
That is all. `train` centres and scales its rows, so the same settings do for both depths. The meta-SAE reads
`training_rows`: the SAE's codes, in which all but 16 of 512 numbers are zero.

*Explained* is the share of the variance of a depth's input that comes back out, on unseen digits. Always answering
with the mean scores zero, a perfect copy one. Both depths score high. Is that a lot?

## What does nothing score?

Take the rows that a depth trains on and shuffle each column on its own. Every number is still there, as often as
before, but which of them occur *together* is gone, and with it whatever a dictionary could have discovered. Now train
the same SAE, just as long, on that.
"""


# %%
def explained_after_shuffling(depth: int, k: int) -> float:
    """Train on shuffled rows of this depth, test on unseen rows, shuffled too."""
    draw = stream(0, "shuffle", depth)
    seen = permuted_coordinates(tower.inputs(states[~unseen], depth), draw)
    new = permuted_coordinates(tower.inputs(states[unseen], depth), draw)
    layer = train("topk", TopK(seen.shape[1], 512, k=k), seen, config, seed=0)
    return explained(new, layer.decode(layer.encode(new)))


real, shuffled = [], []
for depth, k in ((1, 16), (2, 8)):
    rows, layer = tower.inputs(states[unseen], depth), tower.layers[depth - 1]
    real.append(explained(rows, layer.decode(layer.encode(rows))))
    shuffled.append(explained_after_shuffling(depth, k))
    print(f"Depth {depth}: {real[-1]:.1%} explained, {shuffled[-1]:.1%} if shuffled")

# %% alt="Two pairs of bars, one a depth: variance explained of real and of shuffled rows"
figure, axes = plt.subplots(figsize=(6.4, 3))
for shift, values, name in (
    (-0.2, real, "real rows"),
    (0.2, shuffled, "shuffled rows"),
):
    bars = axes.bar([1 + shift, 2 + shift], values, width=0.36, label=name)
    axes.bar_label(bars, [f"{value:.0%}" for value in values])
axes.set(
    xticks=[1, 2],
    xticklabels=["depth 1: the SAE", "depth 2: the meta-SAE"],
    ylim=(0, 1.12),
)
axes.set_ylabel("share of variance explained")
leads = [100 * (a - b) for a, b in zip(real, shuffled, strict=True)]
ahead = f"by {leads[0]:.0f} points at depth 1, by {leads[1]:.0f} at depth 2"
axes.set_title(f"Above shuffled rows {ahead}")
axes.legend(loc="upper center", ncols=2, frameon=False)
plt.show()

# %% [markdown]
"""
The second bar of each pair is what the score is worth without anything to find. A sparse input flatters the meta-SAE:
keep the largest of 16 numbers, drop the rest, and most of the variance is there already. What counts is the step
between the bars, and at depth 2 it is small. Shuffling is only one floor, too. Others are harder: at depth 1 a
dictionary that simply stores training rows, at depth 2 codes dealt out by chance in which still exactly 16 latents are
on for every digit. Shuffling undoes that, so a part of the small step is no discovery either.

## What do meta-latents look like?

Pictures of strongest examples always look convincing, so we count before we look: how many of a latent's eight
strongest digits have the same label? And we show four meta-latents drawn by lot, not by looks. Beside them stand four
from a second tower, built in the same way on a network that was *never trained*.
"""

# %%
SHOWN = 8


def strongest(some: Tower, rows: torch.Tensor) -> torch.Tensor:
    """The unseen digits that drive each meta-latent most: (latents, SHOWN)."""
    found = some.activations(rows, 2)
    return found[:, (found > 0).sum(0) >= SHOWN].topk(SHOWN, dim=0).indices.T


def purity(top: torch.Tensor, names: torch.Tensor) -> float:
    """Share of strongest digits that have the commonest label among them."""
    return float(
        (names[top] == names[top].mode(dim=1, keepdim=True).values).float().mean()
    )


random_host = Mlp((28, 28), data.n_classes, seed=0)  # before its first step
random_states = random_host.activations(images, "hidden1")
low = train("topk", TopK(256, 512, k=16), random_states[~unseen], config, seed=0)
high_rows = training_rows(Tower("latents", (low,)), random_states[~unseen])
random_tower = Tower(
    "latents", (low, train("topk", TopK(512, 512, k=8), high_rows, config, seed=0))
)

top = strongest(tower, states[unseen])
random_top = strongest(random_tower, random_states[unseen])
names = labels[unseen]
mixed = names[torch.randperm(len(names), generator=stream(0, "labels"))]
pure, random_pure = purity(top, names), purity(random_top, names)
print(f"Purity of the {SHOWN} strongest digits, mean over meta-latents")
print(f"  trained network:  {pure:.0%} ({len(top)} meta-latents)")
print(f"  random network:   {random_pure:.0%} ({len(random_top)} meta-latents)")
print(f"  shuffled labels:  {purity(top, mixed):.0%}")

# %% alt="Two grids of digits: four meta-latents by lot, on the trained and on the random network"
figure, sides = plt.subplots(1, 2, figsize=(6.4, 2.2), layout="constrained")
for axes, chosen, name in zip(
    sides, (top, random_top), ("trained", "random"), strict=True
):
    by_lot = chosen[torch.randperm(len(chosen), generator=stream(0, "lot"))[:4]]
    pictures = images[unseen][by_lot]  # latents, SHOWN, 28, 28
    axes.imshow(
        pictures.permute(0, 2, 1, 3).reshape(4 * 28, SHOWN * 28), cmap="gray_r"
    )
    axes.set(
        xticks=[],
        yticks=14 + 28 * torch.arange(4),
        yticklabels=["a", "b", "c", "d"],
    )
    axes.set_title(f"four of {len(chosen)} on the {name} network", fontsize=10)
    axes.set_xlabel(f"its {SHOWN} strongest unseen digits", fontsize=9)
    axes.set_ylabel("meta-latent", fontsize=9)
shares = f"{pure:.0%} on the trained network, {random_pure:.0%} on the random one"
figure.suptitle(f"Purity of all meta-latents: {shares}", fontsize=11)
plt.show()

# %% [markdown]
"""
Could you have told the two grids apart? Over all meta-latents the trained network is ahead, but by little, and both
are far above shuffled labels. Sevens look like sevens before any network has learned what a seven is, and a
dictionary of what its untrained neurons do finds them. So when somebody shows you eight fine examples of a latent,
ask for the same picture from a network that has learned nothing.

## Try it yourself

- Train everything for 500 steps instead of 1,000, floors included. The step between the bars at depth 2 grows! Why is
  that no good news? (Which of the two bars has moved?)
- Give the meta-SAE `k=2` instead of 8 (both where it is trained and where its floor is). Do the rows get purer? And
  what happens to the step between the bars?
- Put a third SAE on top: `training_rows` of a tower of two is what it reads.
"""

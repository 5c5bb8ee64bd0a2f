# %% [markdown]
"""
# Make a tower collapse

Stack one sparse autoencoder on another, and watch the loss: it falls from depth to depth, until it is zero. It looks
like success. It is a tower that has died, and it dies of units. We let it die, measure why, and keep another one
alive.
"""

# %%
import matplotlib.pyplot as plt
import torch

from analysis.run.datasets.digits import digits
from analysis.run.hosts.mlp import Mlp
from sae.architectures.relu_l1 import ReluL1
from sae.architectures.topk import TopK
from sae.config import TrainConfig
from sae.measures.variance_explained import explained
from sae.nulls import permuted_coordinates
from sae.seeding import stream
from sae.tower import Tower
from sae.train import train

data = digits()
images, labels = torch.from_numpy(data.images), torch.from_numpy(data.labels).long()
unseen = torch.from_numpy(data.held_out)
# five epochs: how well the network reads matters little here
host = Mlp((28, 28), data.n_classes, seed=0, epochs=5)
host.fit(images[~unseen], labels[~unseen])
states = host.activations(images, "hidden1")

# one pass over the digits; inputs as they come, neither centred nor scaled
config = TrainConfig(steps=125, batch=64, lr=1e-3, warmup=0, decay=0, normalise=False)
LATENTS, DEPTHS = 512, 4


def l1_sae(d_in: int, penalty: float, l1: str) -> ReluL1:
    """ReLU and a fixed price on activation; decoder rows of any length."""
    fixed = {"penalty_rate": 0, "penalty_warmup": 0, "encoder_norm": 0.577}
    return ReluL1(d_in, LATENTS, k=16, norm="free", l1=l1, penalty=penalty, **fixed)


def topk_sae(d_in: int) -> TopK:
    """The 16 largest latents, whatever they are worth; the loss is the error."""
    return TopK(d_in, LATENTS, k=16, aux_weight=0)


ARCHITECTURES = {ReluL1: "relu_l1", TopK: "topk"}


def build(make, rows: torch.Tensor, depths: int) -> tuple[Tower, list[float]]:
    """A tower of SAEs that `make(width)` gives, and the last loss of each depth."""
    tower, losses = Tower("latents", ()), []
    for _ in range(depths):
        given = tower.activations(rows, tower.depth) if tower.depth else rows
        records, sae = [], make(given.shape[1])
        name = ARCHITECTURES[type(sae)]
        layer = train(name, sae, given, config, seed=0, observe=records.append)
        tower = Tower("latents", (*tower.layers, layer))
        losses.append(records[-1].loss)
    return tower, losses


def show(tower: Tower, losses: list[float], rows: torch.Tensor) -> list[float]:
    """Print one line a depth, and give the last column."""
    depths = range(1, tower.depth + 1)
    shares = [explained(rows, tower.decode(rows, depth)) for depth in depths]
    print("depth   active latents   activation        loss   explained")
    for depth, (loss, share) in enumerate(zip(losses, shares, strict=True), 1):
        codes = tower.codes(rows, depth)
        numbers = f"{codes.l0():>17.1f}{float(codes.values.sum(1).mean()):>13.2g}"
        print(f"{depth:>5}{numbers}{loss:>12.1e}{share:>z12.0%}")
    return shares


# %% [markdown]
"""
## As published

This is the recipe of a published log of such a tower: squared error, plus a tenth of the *sum* of all activations
over the batch. Active latents and activation are means for one unseen digit. *Explained* is the share of the variance
of the network's states that is left when they are decoded from that depth; answering with the mean of all digits
scores zero.
"""

# %%
published, losses = build(
    lambda d_in: l1_sae(d_in, penalty=0.1, l1="batch"), states[~unseen], depths=3
)
share = show(published, losses, states[unseen])

# %% [markdown]
"""
By depth 3 the loss is as small as a loss can be, and nothing is explained; less than zero is worse than answering
with the mean. Depth 2 is hardly ever on, so depth 3 reads zeros and gives them back without a mistake. A small loss
can mean that little was left to get wrong.

## In slow motion

With a *mean* over the batch in place of the sum, and a hundredth of the price, the same tower takes longer to die,
and one can watch.
"""

# %%
slow, slow_losses = build(
    lambda d_in: l1_sae(d_in, penalty=0.001, l1="rows"), states[~unseen], DEPTHS
)
share = show(slow, slow_losses, states[unseen])

# %% alt="Two panels over depth: the loss falls by orders of magnitude, and so does what is left of the network"
figure, (left, right) = plt.subplots(1, 2, figsize=(6.4, 2.9), layout="constrained")
depths = range(1, DEPTHS + 1)
left.semilogy(depths, slow_losses, marker="o")
left.set(xlabel="depth", ylabel="training loss (log scale)", xticks=depths)
left.set_title("looks like success: the loss", fontsize=10)
right.plot(depths, share, marker="o")
right.axhline(0, color="C1", linestyle="--", linewidth=1)
right.annotate("answering with the mean", (1, 0.02), color="C1", fontsize=9)
right.set(
    xlabel="depth",
    ylabel="variance explained (share)",
    xticks=depths,
    ylim=(-0.08, 1),
)
right.set_title("and is death: the network explained", fontsize=10)
times = f"The loss becomes {slow_losses[0] / slow_losses[-1]:,.0f} times smaller"
figure.suptitle(f"{times}, and {share[-1]:z.0%} of the network is left", fontsize=11)
plt.show()

# %% [markdown]
"""
## Why: the units

Look at the column of activation. Each depth hands on less than it was given, and that is the input of the next. Now
let an input shrink by some factor. The squared error shrinks by the *square* of it. The price is on activation itself
and shrinks by the factor only. So beside the error the price has grown, although nobody has touched it. The next SAE
buys less activation, hands on a still smaller input, and so on down.

If that is all, then depth should not be needed. The very same states in smaller units should kill the very first SAE,
and spare one that does not pay: TopK keeps the 16 largest latents, whatever they are worth.
"""

# %%
units = [1, 0.1, 0.03]
survives = {"L1": [], "TopK": []}
for unit in units:
    rows, new = states[~unseen] * unit, states[unseen] * unit
    for name, sae in (
        ("L1", l1_sae(256, penalty=0.001, l1="rows")),
        ("TopK", topk_sae(256)),
    ):
        layer = train(ARCHITECTURES[type(sae)], sae, rows, config, seed=0)
        survives[name].append(explained(new, layer.decode(layer.encode(new))))
print("states times" + "".join(f"{unit:>8g}" for unit in units))
for name, values in survives.items():
    print(f"{name:12}" + "".join(f"{value:>z8.0%}" for value in values))

# %% alt="Variance explained over the units of the input: falling to nothing with L1, nearly level with TopK"
figure, axes = plt.subplots(figsize=(6.4, 3))
axes.plot(units, survives["L1"], marker="o", label="L1: pays for activation")
axes.plot(units, survives["TopK"], marker="s", linestyle="--", label="TopK: counts")
axes.axhline(0, color="0.6", linewidth=1)
axes.set(
    xscale="log",
    xticks=units,
    xticklabels=[f"{unit:g}" for unit in units],
    ylim=(-0.08, 1),
)
axes.set(
    xlabel="states are multiplied by (log scale)",
    ylabel="share of their variance explained",
)
axes.minorticks_off()
axes.invert_xaxis()
fall = {name: 100 * (values[0] - values[-1]) for name, values in survives.items()}
lost = ", ".join(
    f"{name} loses {points:z.0f} points" for name, points in fall.items()
)
axes.set_title(f"With states {units[-1]:g} times as large {lost}")
axes.legend(frameon=False, loc="lower left", bbox_to_anchor=(0, 0.1))
plt.show()

# %% [markdown]
"""
One depth, the same digits, the same recipe, another unit: the SAE that pays is dead at the right end, and the one
that counts hardly notices.

## One thing that keeps it alive

So build the tower from TopK, and train it as long and as fast. But a tower that lives has not thereby learned
anything. The control is the same tower on states whose columns were shuffled, each on its own, so that nothing is
left to find.
"""

# %%
living, living_losses = build(topk_sae, states[~unseen], DEPTHS)
living_share = show(living, living_losses, states[unseen])

shuffled = permuted_coordinates(states, stream(0, "shuffle"))
idle, idle_losses = build(topk_sae, shuffled[~unseen], DEPTHS)
print("\nthe same on shuffled states")
idle_share = show(idle, idle_losses, shuffled[unseen])

# %% alt="Three lines over depth: the TopK tower stays high, on shuffled states lower but alive, L1 falls to nothing"
figure, axes = plt.subplots(figsize=(6.4, 3))
lines = {
    "TopK": (living_share, "s-"),
    "TopK on shuffled states": (idle_share, "^:"),
    "L1": (share, "o--"),
}
for name, (values, look) in lines.items():
    axes.plot(depths, values, look, label=name)
axes.axhline(0, color="0.6", linewidth=1)
axes.set(
    xlabel="depth",
    ylabel="share of variance explained",
    xticks=depths,
    ylim=(-0.08, 1),
)
ends = [f"{name} {values[-1]:z.0%}" for name, (values, _) in lines.items()]
axes.set_title(f"Left at depth {DEPTHS}: {', '.join(ends)}")
axes.legend(frameon=False)
plt.show()

# %% [markdown]
"""
The tower on shuffled states has as many active latents at every depth as the real one, and at the last depth a far
smaller loss. Neither is a sign of life worth the name. What tells the two apart is the last column: how much of what
stands at the bottom each depth still gives back. So beside a loss print the variance explained, and beside that what
comes out of nothing.

## Try it yourself

- Give the slow tower centred and scaled inputs (`normalise=True`) and decoder rows of unit length (`norm="unit"`).
  Does it live? With which of the two alone?
- A tower can be told to stop before it trains on nothing. Read `sae/stopping.py`: which of its four reasons would
  have stopped the slow tower first?
"""

# %% [markdown]
"""
# Audit somebody's checkpoint

Somebody sends you a folder with a sparse autoencoder in it, and a number: it explains nine tenths of the variance. Is
that much? The number alone cannot say. Here is an audit of such a folder from end to end: read it, put it beside
everything that has learned nothing, and get one word by a rule that was fixed before.
"""

# %%
import tempfile
import textwrap
from pathlib import Path

import matplotlib.pyplot as plt
import torch

import sae
from analysis.run.datasets.digits import digits
from analysis.run.hosts.mlp import Mlp
from sae.architectures.topk import TopK
from sae.interop import saelens
from sae.rule import NAMES

data = digits()
images = torch.from_numpy(data.images)
labels = torch.from_numpy(data.labels).long()
unseen = torch.from_numpy(data.held_out)

host = Mlp((28, 28), data.n_classes, seed=0)
host.fit(images[~unseen], labels[~unseen])
states = host.activations(images, "hidden1")

# What we were sent: three SAEs of one training, in SAELens's format.
sent = Path(tempfile.mkdtemp())
config = sae.TrainConfig(steps=600, batch=128, lr=3e-3, aux_every=4)
for seed in range(3):
    layer = sae.train("topk", TopK(256, 128, k=8), states[~unseen], config, seed=seed)
    saelens.write(layer, sent / f"seed{seed}")
folders = sorted(sent.iterdir())
print(", ".join(file.name for file in sorted(folders[0].iterdir())))

# %% [markdown]
"""
## One call

The rows are the network's states for digits that the SAEs never saw. `judge` knows the format by itself. Beside the
SAEs it sets dictionaries that nobody learned, and SAEs of the same shape that it trains, briefly, on rows without
structure. On a command line this is
`strata judge states.npy --sae seed0 --sae seed1 --sae seed2 --seeds`, which also writes a page.
"""

# %%
found = sae.judge(
    states[~unseen],
    folders,
    seeds=True,
    held_out=states[unseen],
    held_out_labels=labels[unseen],
    labels=labels[~unseen],
)
(group,) = found.groups
print(textwrap.fill(f"{group.verdict.word or 'undecided'}: {group.verdict.why}", 72))
one = group.saes[0]
print(
    f"{one.format}: {one.number('variance_explained'):.0%} of unseen rows explained"
)
print(f"dead: {len(one.latents.dead)} of {one.n_latents}")

# %% alt="Bars with intervals: how far the SAEs are above each floor"
margins = sorted(group.margins, key=lambda margin: margin.mean)
figure, axes = plt.subplots(figsize=(6.4, 3), layout="constrained")
for place, margin in enumerate(margins):
    axes.plot([margin.low, margin.high], [place, place], color="C0", lw=2)
    axes.plot(margin.mean, place, "o", color="C0")
axes.axvline(0, color="black", lw=0.8)
axes.set(
    yticks=range(len(margins)),
    yticklabels=[NAMES[margin.floor] for margin in margins],
)
axes.set_xlabel("variance explained, above the floor")
nearest = margins[0]
axes.set_title(
    f"Nearest floor: {NAMES[nearest.floor]}, {nearest.mean:+.3f} "
    f"({nearest.low:+.3f} to {nearest.high:+.3f})"
)
plt.show()

# %% [markdown]
"""
The line at zero is a floor that does as well. What is to the right of it by more than its interval was not reached by
anything that learned nothing; what touches it was. The nearest floor decides, whichever it is.

## The same audit of a fake

Would the audit have noticed? Take an SAE of the same shape whose directions are random, never trained, and send that.
"""

# %%
torch.manual_seed(0)
fake = sae.train(
    "topk",
    TopK(256, 128, k=8),
    states[~unseen],
    sae.TrainConfig(steps=1, batch=128, lr=1e-9),
    seed=7,
)
saelens.write(fake, sent / "fake")
verdict = (
    sae.judge(states[~unseen], sent / "fake", held_out=states[unseen])
    .groups[0]
    .verdict
)
print(textwrap.fill(f"{verdict.word or 'undecided'}: {verdict.why}", 72))

# %% [markdown]
"""
## Try it yourself

- Judge the three folders on half as many rows. Which interval grows?
- Give `nulls="none"`: what can still be said, and what not?
- Send rows instead of an SAE: an SAE whose directions *are* training rows. What is the word for that?
"""

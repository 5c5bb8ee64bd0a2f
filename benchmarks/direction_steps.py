"""How long to train a meta-SAE on directions: in-sample and held-out variance explained against steps.

    python benchmarks/direction_steps.py

Needs a finished run of `digits`; prints the table of the methods page (about a minute). The last lines are the same
SAE on isotropic noise of the same shape.
"""

from __future__ import annotations

from dataclasses import replace

import torch

from analysis.plan import edges, paths
from analysis.plan.chains import plan
from analysis.plan.config import load_experiment
from analysis.plan.stage_configs import SaeStage
from analysis.run.stages.sae import held_out_by_folds, train_layer
from sae.checkpoint import load_layer
from sae.measures.variance_explained import explained
from sae.seeding import stream


def scores(config: SaeStage, rows: torch.Tensor) -> tuple[float, float, float]:
    """Variance explained in-sample, held out by folds, and held out with refitted codes."""
    layer = train_layer(config, rows)
    held_out = held_out_by_folds(config, rows)
    inside = explained(rows, layer.decode(layer.encode(rows)))
    return inside, held_out.variance_explained, held_out.variance_explained_refit


def main() -> None:
    """Print the table."""
    torch.set_num_threads(1)
    project = paths.find()
    chain = plan(load_experiment(project.experiments, "digits"))[0]
    read = edges.parents(chain.measures)
    first, second = read[edges.tower("directions", 1)], SaeStage.of(read[edges.tower("directions", 2)])
    rows = load_layer(first.folder(project.runs) / "layer.safetensors").sae.directions()
    noise = torch.randn(rows.shape, generator=stream(0, "noise"))
    noise /= noise.norm(dim=1, keepdim=True)
    print("rows        steps  in-sample  held out  refitted")
    for name, data, all_steps in (("directions", rows, (25, 50, 100, 200, 400, 800)), ("noise", noise, (100, 800))):
        for steps in all_steps:
            config = replace(second, train=replace(second.train, steps=steps))
            inside, outside, refitted = scores(config, data)
            print(f"{name:<11} {steps:>5}  {inside:9.3f}  {outside:8.3f}  {refitted:8.3f}", flush=True)


if __name__ == "__main__":
    main()

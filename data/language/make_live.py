"""Make the model that the page of language runs: an SAE on Union, and the export of both. Needs Strata and tokenizers.

    python data/language/make_live.py [--weights data/language/union/union.safetensors]

A TopK SAE of 1,024 latents, 32 of them active, on the residual stream after block 2, trained on 2,400 contexts of 128
places of the addresses that Union was trained on (the first place left out), for 3,000 steps of 512 rows. It becomes
`data/language/union/layer.safetensors`; what the page loads, `data/language/live`. Some minutes on one core.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import torch

from analysis.plan import paths
from analysis.run.datasets.sotu import sotu
from analysis.run.web_language import export
from analysis.run.web_sources import given
from analysis.run.web_union import PageModel
from sae.architectures.topk import TopK
from sae.checkpoint import save_layer
from sae.config import TrainConfig
from sae.files import read_safetensors
from sae.seeding import stream
from sae.train import train

BLOCK, LATENTS, K = 2, 1024, 32
CONTEXTS, SEED = 2400, 0
TRAIN = TrainConfig(steps=3000, batch=512, aux_every=4)


def rows(weights: Path) -> torch.Tensor:
    """(rows, width): what stands after the block, of contexts that are trained on."""
    tensors = {name: value.float() for name, value in read_safetensors(weights)[0].items()}
    layers = len({name.split(".")[1] for name in tensors if name.startswith("blocks.")})
    width = tensors["embed"].shape[1]
    sizes = {"model": {"layers": layers, "width": width}, "sae": {"hook_after": BLOCK + 1, "k": K, "far": float("inf")}}
    data, model = sotu(), PageModel(sizes, tensors)
    contexts = torch.from_numpy(data.examples[~data.held_out].astype("int64"))
    chosen = contexts[torch.randperm(len(contexts), generator=stream(SEED, "contexts of the live page"))[:CONTEXTS]]
    with torch.no_grad():
        return torch.cat([model.read(part)[:, 1:].flatten(0, 1) for part in chosen.split(32)])


def main() -> None:
    """Train, save, export."""
    found = paths.find()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    union = found.data / "language" / "union"
    parser.add_argument("--weights", type=Path, default=union / "union.safetensors")
    parser.add_argument("--out", type=Path, default=found.live)
    parser.add_argument("--layer", type=Path, default=union / "layer.safetensors")
    asked, begun = parser.parse_args(), time.process_time()

    def told(record: object) -> None:
        step = getattr(record, "step", 0)
        if step % 500 == 0:
            print(f"step {step}: loss {getattr(record, 'loss', 0.0):.4f}", flush=True)

    read = rows(asked.weights)
    print(f"{len(read):,} rows, {time.process_time() - begun:.0f} CPU seconds", flush=True)
    asked.layer.parent.mkdir(parents=True, exist_ok=True)
    save_layer(train("topk", TopK(read.shape[1], LATENTS, k=K), read, TRAIN, SEED, told), asked.layer)
    print(f"{asked.layer}: {time.process_time() - begun:.0f} CPU seconds", flush=True)
    for file in export(given(asked.layer, asked.weights, f"blocks.{BLOCK}.hook_resid_post"), asked.out):
        print(f"{file.stat().st_size:>9,} bytes  {file}")


if __name__ == "__main__":
    main()

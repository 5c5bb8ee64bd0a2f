"""What a pretrained language model costs here: loading, tokens a CPU second to a hook and from it on, memory, and disk.

    make bench-language                                   SmolLM2, at the end of its twentieth block
    make bench-language ARGS='--model DIR --hook HOOK'    another model, another hook

Beside the numbers stands a sanity row: the perplexity of held-out State of the Union addresses, each token but the
first of a context. One thread; CPU seconds are those of this process, so that what else runs here hardly counts.
Writes build/bench/language.json. Needs the extra `lm` and `make model`; about five minutes.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import math
import os
import platform
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import torch

from analysis.plan.data_source import source
from analysis.run.activations import ActivationStore
from analysis.run.capture import capture
from analysis.run.datasets._open import opened
from analysis.run.hosts._model_files import DEFAULT
from analysis.run.hosts.bridge import Bridge
from sae.errors import StrataError

ROOT = Path(__file__).resolve().parent.parent
HOOK = "blocks.19.hook_resid_post"
PLACES, TIMED, SCORED = 128, 16, 64
"""Tokens of a context; contexts that are timed, and those that are scored."""
AT_ONCE = 8
KB = 1024 if sys.platform != "darwin" else 1  # what the system counts memory in
T = TypeVar("T")


def taken(call: Callable[[], T]) -> tuple[T, float]:
    """What a call gives, and its CPU seconds."""
    started = time.process_time()
    found = call()
    return found, time.process_time() - started


def rate(call: Callable[[torch.Tensor], Any], contexts: torch.Tensor) -> float:
    """Tokens a CPU second, a few contexts at a time, after one that does not count."""
    call(contexts[:1])
    _, seconds = taken(lambda: [call(part) for part in torch.split(contexts, AT_ONCE)])
    return round(contexts.numel() / seconds)


def perplexity(host: Bridge, contexts: torch.Tensor) -> float:
    """Of the tokens that have one before them in their context."""
    loss, tokens = 0.0, 0
    for part in torch.split(contexts, AT_ONCE):
        logits, wanted = host.logits(part)[:, :-1].flatten(0, 1), part[:, 1:].flatten().long()
        loss += float(torch.nn.functional.cross_entropy(logits, wanted, reduction="sum"))
        tokens += wanted.numel()
    return math.exp(loss / tokens)


def captured(host: Bridge, contexts: torch.Tensor, hook: str) -> dict[str, Any]:
    """What a capture keeps of the contexts: bytes a token, what half precision loses, what was left out."""
    with tempfile.TemporaryDirectory() as folder:
        ids = torch.arange(len(contexts))
        manifest, seconds = taken(lambda: capture(host, contexts, ids, hook, Path(folder), "train"))
        size = sum(path.stat().st_size for path in Path(folder).glob("train*"))
        store = ActivationStore(Path(folder), 0)
        back, rows = store.rows("train"), host.activations(contexts, hook)[store.ids("train")]
    lost = float((rows - back).double().square().sum() / (rows - rows.mean(0)).double().square().sum())
    return {
        "tokens_per_cpu_s": round(contexts.numel() / seconds),
        "bytes_per_token": round(size / contexts.numel()),
        "variance_lost_to_half_precision": lost,
        "median_norm": manifest["median_norm"],
        "left_out": manifest["left_out"],
    }


def measure(model: str, hook: str) -> dict[str, Any]:
    """Every number, for a model by its folder or name."""
    torch.set_num_threads(1)
    host, first = taken(lambda: Bridge((PLACES,), 0, 0, model=model))
    host.fit(torch.zeros(0, PLACES), None)
    _, boot = taken(lambda: host.booted)
    data = opened(source("sotu", {"tokeniser": host.tokeniser, "context": PLACES}))
    held_out = torch.from_numpy(data.examples[data.held_out])
    contexts = held_out[torch.linspace(0, len(held_out) - 1, SCORED).long()]
    timed = contexts[:TIMED]
    given = {len(part): host.read(part, hook) for part in (timed[:1], timed[:AT_ONCE])}
    with torch.no_grad():
        found: dict[str, Any] = {
            "settings_cpu_s": round(first, 1),
            "boot_cpu_s": round(boot, 1),
            "read_tokens_per_cpu_s": rate(lambda part: host.read(part, hook), timed),
            "logits_tokens_per_cpu_s": rate(host.logits, timed),
            "go_on_tokens_per_cpu_s": rate(lambda part: host.go_on(part, given[len(part)], hook), timed),
            "perplexity": round(perplexity(host, contexts), 2),
            "scored_tokens": contexts[:, 1:].numel(),
        }
        at_rest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * KB
        found["capture"] = captured(host, contexts, hook)
    drawn = Bridge((PLACES,), 0, 0, model=model)
    del host
    _, found["random_cpu_s"] = taken(lambda: drawn.booted)
    return found | {"random_cpu_s": round(found["random_cpu_s"], 1), "peak_gb": round(at_rest / 1e9, 2)}


def main() -> None:
    """Measure and write."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--model", default=DEFAULT)
    arguments.add_argument("--hook", default=HOOK)
    asked = arguments.parse_args()
    try:
        found = measure(asked.model, asked.hook)
    except StrataError as error:
        sys.exit(f"error: {error}")
    versions = {name: importlib.metadata.version(name) for name in ("torch", "transformers", "transformer_lens")}
    result = {
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, one thread",
        "versions": versions,
        "model": asked.model,
        "hook": asked.hook,
        **found,
    }
    target = ROOT / "build" / "bench" / "language.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()

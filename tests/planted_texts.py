"""Continuations that are known: along the latent its words come in from the second strength on, elsewhere never."""

from __future__ import annotations

import json
from typing import Any

from analysis.results.kept_file import KeptFile


def planted(latents: int = 2, prompts: int = 3, strengths: tuple[float, ...] = (1, 2, 4)) -> dict[str, Any]:
    """The words of latent i are `wordi`; at the last strength a continuation is one word over and over."""
    found = []
    for number in range(latents):
        name = f"word{number}"
        texts = []
        for at in range(prompts):
            along = [" we go on as before"] + [f" the {name.title()}s of {at} days"] * (len(strengths) - 2)
            texts.append({
                "prompt": f"Beginning {at} of {number}", "as_it_is": f" we go on for {at} days",
                "latent": [*along, f" {name} {name} {name} {name}"][: len(strengths)],
                "random": [" we go on otherwise"] * len(strengths),
            })  # fmt: skip
        found.append({
            "latent": 40 + number, "name": name, "own": 5.0, "raised": [[f" {name}", 2.0], [",", 1.0]],
            "effects": {"latent": [0.5 * at for at in strengths], "random": [0.01 * at for at in strengths]},
            "prompts": texts,
        })  # fmt: skip
    return {"host": "a planted model", "hook": "middle", "sae": "8", "where": "all", "how": "greedy",
            "strengths": list(strengths), "latents": found}  # fmt: skip


def file(content: Any) -> KeptFile:
    """As a figure gets it."""
    return KeptFile("data/language/steering.json", json.dumps(content).encode())

"""Make the weights of Union and the line of smaller models beside it. Needs Strata and tokenizers; `make union`, or

    python data/language/make_union.py [SIZE ...] [--epochs N] [--work DIR] [--out DIR] [--precision float32]

Trained on the addresses that are trained on (data/text), in windows of 256 places: the token that starts a text, then
255 tokens in a row, cut at another place in each epoch. The held-out loss is measured on contexts of 128 places, made
likewise of each held-out address; what is left of an address at its end is not measured.

A size that was stopped goes on, one that is done is only measured. `union.safetensors` is the first size, in fp16, and
`union.json` says what it is; `scaling.json` has all sizes. About an hour for the first, on one quiet core.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from analysis.plan import paths
from analysis.plan.stage_folders import provenance
from analysis.run.datasets.sotu import addresses
from analysis.run.hosts._train_language import Point, Recipe, Windows, flops_per_token, least, loss_on, train
from analysis.run.hosts.union import VOCABULARY, Union
from analysis.run.text.contexts import cut
from analysis.run.text.tokenisers import Tokeniser, tokeniser
from sae.files import read_safetensors, write_safetensors
from sae.seeding import stream
from sae.temporary import replacing

PLACES, MEASURED = 256, 128
MARKS = 14
# Epochs of each size. The smaller ones are there for the line of loss over compute.
SIZES = {"4x192": 8, "2x64": 2, "3x96": 2}
SEED = 0
BEGINNINGS = ("Fellow-Citizens of the Senate", "The American people", "Our relations with")
CONTINUED, TEMPERATURE = 48, 0.8
COUNTED = (
    "tokens: each as often as it was trained on; flops: 6 a parameter and token, positions left out, the embedding "
    "once; losses: nats a token, of contexts of {measured} places, in float32. Points before a run's last are of a "
    "learning rate that has not come down, so that a shorter run of that compute would do better."
)


@dataclass(frozen=True)
class Texts:
    """The addresses, and the tokeniser that they are read with."""

    trained: list[str]
    held_out: list[str]
    words: Tokeniser

    def contexts(self, places: int, trained: bool = False) -> Tensor:
        """Contexts (contexts, places) as the data set `sotu` has them, of what is held out or trained on."""
        texts = self.trained if trained else self.held_out
        return torch.from_numpy(cut(texts, [{}] * len(texts), self.words, places).ids)

    @cached_property
    def row(self) -> Tensor:
        """(tokens,) what is trained on, one after the other, each text with its start."""
        start = start_of(self.words)
        ids = [token for text in self.trained for token in (start, *self.words.encode(text))]
        return torch.tensor(ids, dtype=torch.int32)


def windows(row: Tensor, start: int, places: int, seed: int) -> Windows:
    """Windows of `row`, each with `start` before it, cut at another place in each epoch."""
    body = places - 1

    def of(epoch: int) -> Tensor:
        first = int(torch.randint(body, (), generator=stream(seed, "language windows", epoch)))
        found = row[first:].unfold(0, body, body)[: (len(row) - body) // body]
        return torch.cat([torch.full((len(found), 1), start, dtype=torch.int32), found], 1)

    return of


def start_of(words: Tokeniser) -> int:
    """The token that starts a text."""
    assert words.start is not None, "the embedded tokeniser has one"
    return words.start


def trained(
    size: str, texts: Texts, recipe: Recipe, work: Path, told: Callable[[str], None]
) -> tuple[Union, list[Point]]:
    """A model of LAYERSxWIDTH, trained or taken up from `work/SIZE`, and its points."""
    layers, width = (int(part) for part in size.split("x"))
    model = Union((PLACES,), 0, SEED, layers=layers, width=width, context=PLACES, dropout=recipe.dropout)
    points = train(
        model,
        windows(texts.row, start_of(texts.words), PLACES, SEED),
        recipe,
        SEED,
        held_out=texts.contexts(MEASURED),
        marks=MARKS,
        folder=work / size,
        told=lambda line: told(f"{size} {line}"),
    )
    return model, points


@torch.no_grad()
def continued(model: Union, ids: Sequence[int], tokens: int, seed: int) -> list[int]:
    """`ids` and as many tokens more, drawn at TEMPERATURE."""
    found, draw = list(ids), stream(seed, "completion")
    for _ in range(tokens):
        logits = model(torch.tensor([found[-PLACES:]]))[0, -1]
        found.append(int(torch.multinomial((logits / TEMPERATURE).softmax(0), 1, generator=draw)))
    return found


def counted(texts: Texts, scored: Tensor) -> dict[str, float]:
    """Nats a token of two models that only count, on the same contexts: how often each token is, and how often it
    follows the one before it (weighed with the former by how many different ones follow: Witten and Bell 1991)."""
    row = texts.row.long()
    once = torch.bincount(row, minlength=VOCABULARY).double() + 1
    once /= once.sum()
    pairs = torch.zeros(VOCABULARY, VOCABULARY, dtype=torch.float64)
    pairs.index_put_((row[:-1], row[1:]), torch.ones(len(row) - 1, dtype=torch.float64), accumulate=True)
    total, kinds = pairs.sum(1, keepdim=True), (pairs > 0).sum(1, keepdim=True)
    following = torch.where(total > 0, (pairs + kinds * once) / (total + kinds).clamp(min=1), once)
    before, after = scored[:, :-1].flatten().long(), scored[:, 1:].flatten().long()
    return {
        "each token by how often it is": -float(once[after].log().mean()),
        "by the token before it": -float(following[before, after].log().mean()),
    }


def sanity(model: Union, texts: Texts) -> dict[str, Any]:
    """How good it is: loss and perplexities on held-out text, floors beside it, completions."""
    contexts, words = texts.contexts(MEASURED), texts.words
    scored = contexts[:, 1:].numel()
    characters = sum(len(words.decode(context[1:].tolist())) for context in contexts)

    def row(loss: float) -> dict[str, float]:
        by_character = loss * scored / characters
        return {
            "loss": round(loss, 4),
            "perplexity_per_token": round(math.exp(loss), 2),
            "perplexity_per_character": round(math.exp(by_character), 4),
            "bits_per_character": round(by_character / math.log(2), 4),
        }

    longer = texts.contexts(PLACES)
    return {
        "contexts": len(contexts),
        "places": MEASURED,
        "tokens": scored,
        "characters": characters,
        "held_out": row(loss_on(model, contexts)),
        "trained_on": row(loss_on(model, texts.contexts(MEASURED, trained=True)[::10])),
        "held_out_loss_of_longer_contexts": {str(PLACES): round(loss_on(model, longer), 4)} if len(longer) else {},
        "floors": {name: row(loss) for name, loss in counted(texts, contexts).items()},
        "completions": [
            {"beginning": text, "temperature": TEMPERATURE, "seed": seed,
             "text": words.decode(continued(model, [start_of(words), *words.encode(text)], CONTINUED, seed)[1:])}
            for seed, text in enumerate(BEGINNINGS)
        ],
    }  # fmt: skip


def write(model: Union, points: list[Point], recipe: Recipe, texts: Texts, out: Path) -> None:
    """The weights in fp16, and what they are."""
    words = texts.words
    out.mkdir(parents=True, exist_ok=True)
    path = out / "union.safetensors"
    write_safetensors(path, {name: value.half() for name, value in model.state_dict().items()}, {"format": "pt"})
    model.load_state_dict({name: value.float() for name, value in read_safetensors(path)[0].items()})
    last = least(points)
    said = {
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "bytes": path.stat().st_size,
        "layers": len(model.blocks),
        "width": model.embed.shape[1],
        "context": len(model.positions),
        "vocabulary": VOCABULARY,
        "parameters": sum(value.numel() for value in model.parameters()),
        "tokeniser": words.name,
        "tokeniser_sha256": words.fingerprint,
        "recipe": {**asdict(recipe), "places": PLACES, "seed": SEED, "tokens_an_epoch": len(texts.row)},
        "step": last.step,
        "tokens": last.tokens,
        "flops": last.flops,
        "cpu_seconds": round(last.cpu_seconds),
        **{name: value for name, value in provenance().items() if name != "versions"},
        "torch": provenance()["versions"]["torch"],
        "sanity": sanity(model, texts),
    }
    as_json(out / "union.json", said)


def entry(size: str, model: Union, points: list[Point], recipe: Recipe) -> dict[str, Any]:
    """What `scaling.json` holds of a size."""
    shorter = [{**asdict(point), "cpu_seconds": round(point.cpu_seconds, 1)} for point in points]
    return {
        "size": size,
        "layers": len(model.blocks),
        "width": model.embed.shape[1],
        "parameters": sum(value.numel() for value in model.parameters()),
        "flops_per_token": flops_per_token(model),
        "recipe": asdict(recipe),
        "points": shorter,
    }


def as_json(path: Path, content: dict[str, Any]) -> None:
    """Write `content`, whole or not at all."""
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def make(texts: Texts, recipes: dict[str, Recipe], work: Path, out: Path) -> None:
    """Train every size and write all three files; after each size what there is."""

    def told(line: str) -> None:
        print(time.strftime("%H:%M:%S"), line, flush=True)

    sizes: list[dict[str, Any]] = []
    for size, recipe in recipes.items():
        model, points = trained(size, texts, recipe, work, told)
        if not sizes:
            write(model, points, recipe, texts, out)
        sizes.append(entry(size, model, points, recipe))
        about = COUNTED.format(measured=MEASURED)
        as_json(out / "scaling.json", {"about": about, **provenance(), "sizes": sizes})


def main(arguments: Sequence[str] | None = None) -> None:
    """See the module's docstring."""
    project = paths.find()
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("sizes", nargs="*", default=list(SIZES), help="LAYERSxWIDTH; the first becomes Union")
    parser.add_argument("--epochs", type=int, help="of each size, in place of its own")
    parser.add_argument("--work", type=Path, default=project.build / "union", help="where a stopped run goes on")
    parser.add_argument("--out", type=Path, default=project.data / "language" / "union")
    parser.add_argument("--precision", choices=("float32", "bfloat16"), default="bfloat16")
    said = parser.parse_args(arguments)
    documents, held_out = addresses()
    trained_on, held = ([documents[row].text for row in np.flatnonzero(mark)] for mark in (~held_out, held_out))
    texts = Texts(trained_on, held, tokeniser("union"))
    recipes = {
        size: Recipe(said.epochs or SIZES.get(size, 1), 2e-3, 16, 0.1, precision=said.precision) for size in said.sizes
    }
    make(texts, recipes, said.work, said.out)


if __name__ == "__main__":
    main()

"""`strata language`: what pages draw of an experiment on a language model and is no table, as JSON files."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from analysis.plan.language_artefacts import Looks
from analysis.plan.paths import Paths
from analysis.plan.stage_folders import read_manifest
from analysis.results.tables import Results
from analysis.run.language.completions import Held, chosen, completions
from analysis.run.language.given import Source, Trained
from analysis.run.language.labelled import chosen as sets_of
from analysis.run.language.labelled import labelled
from analysis.run.language.latents import ROWS, Read, read_stored
from analysis.run.language.metas import metas
from analysis.run.language.splices import contexts
from analysis.run.language.token_latents import token_latents
from analysis.run.language.traces import trace
from analysis.run.language.webs import LARGEST_WEB, Sized, web
from analysis.run.language.words import Lexicon
from analysis.run.language_sources import of_variant, runs, source
from analysis.run.stages._load import examples_of, load_store
from analysis.run.text.sae_probes import sae_probes
from sae.errors import ConfigError, DataError
from sae.layer import Layer
from sae.temporary import replacing

KINDS = ("web", "attribution", "steering", "latents", "labelled", "directions")
# Training rows that say which latents live.
LIVE_ON = 50_000
MOST = 300_000
"""Bytes of a file: a page holds it whole."""
Say = Callable[[str], None]


class Artefacts:
    """Makes the artefacts of an experiment from its runs; the host is loaded once. Raises as `runs` and `source` do."""

    def __init__(self, results: Results, paths: Paths, looks: Looks, say: Say = lambda line: None) -> None:
        self.results, self.paths, self.looks, self.say = results, paths, looks, say
        self.runs = runs(results, paths)
        self.given = source(results, of_variant(self.runs, looks.attribution.variant), looks.contexts)
        self.lexicon = Lexicon.of(self.given.text, self.given.dataset.held_out, self.given.held_out)

    def of(self, trained: Trained) -> Source:
        """The same contexts for another run's SAE. Raises ConfigError where it reads another host, or other rows."""
        if (trained.host, trained.activations) == (self.given.trained.host, self.given.trained.activations):
            return self.given
        names = [one.variant for one in (self.given.trained, trained)]
        raise ConfigError(f"the variants {names[0]!r} and {names[1]!r} read different activations; choose others")

    def web(self) -> dict[str, dict[str, Any]]:
        """`web.json`."""
        wanted = [of_variant(self.runs, name) for name in self.looks.web.variants] or self.sizes()
        saes = [Sized(layer := one.sae(), self.of(one).read(layer)) for one in wanted]
        smallest = min(saes, key=lambda one: one.size)
        random = next(
            (
                layer.sae.directions().detach()
                for one in self._random()
                if (layer := one.sae()).sae.n_latents == smallest.size
            ),
            None,
        )
        found = web(saes, self.lexicon, self.looks.web.nodes, random)
        return {"web.json": {**self._head(*wanted), **found}}

    def _random(self) -> Iterator[Trained]:
        """Runs on the random host of the variants that have one."""
        if bool((self.results.runs["control"] == "random_host").any()):
            yield from runs(self.results, self.paths, "random_host")

    def sizes(self) -> list[Trained]:
        """The first variant of each width that reads what the first one does."""
        found: dict[int, Trained] = {}
        for one in self.runs:
            if one.activations == self.given.trained.activations:
                found.setdefault(self.width(one), one)
        return [found[width] for width in sorted(found)][:LARGEST_WEB]

    @staticmethod
    def width(trained: Trained) -> int:
        """Latents of a run's SAE."""
        return int(read_manifest(trained.layer)["config"]["width"])

    def attribution(self) -> dict[str, dict[str, Any]]:
        """`attribution.json`."""
        asked = self.looks.attribution
        trained = of_variant(self.runs, asked.variant)
        given, layer = self.of(trained), trained.sae()
        prompt = asked.prompt or given.prompts(1)[0]
        found = trace(
            given, layer, given.read(layer), self.lexicon, prompt, asked.target, asked.foil, asked.top
        )  # fmt: skip
        if not found["edges"]:
            self.say(f"note: attribution without edges from tokens, from {found['edges_from']}")
        return {"attribution.json": {**self._head(trained), "sae": trained.variant, **found}}

    def steering(self) -> dict[str, dict[str, Any]]:
        """`steering.json`, greedy, and `steering_sampled.json`, unless the temperature is 0."""
        asked = self.looks.steering
        trained = of_variant(self.runs, asked.variant)
        given, layer = self.of(trained), trained.sae()
        found = given.read(layer)
        latents = asked.latents or tuple(chosen(given, layer, found, self.lexicon, asked.choose))
        held = [Held(given, layer, found, latent) for latent in latents]
        prompts = asked.prompts or tuple(given.prompts(2))
        head = {**self._head(trained), "sae": trained.variant}
        ways = {"steering.json": 0.0} | ({"steering_sampled.json": asked.temperature} if asked.temperature else {})
        return {
            name: {**head, **completions(held, self.lexicon, prompts, asked.strengths, asked.new, temperature)}
            for name, temperature in ways.items()
        }

    def latents(self) -> dict[str, dict[str, Any]]:
        """`latents.json`."""
        asked = self.looks.latents
        trained = of_variant(self.runs, asked.variant)
        given, layer = self.of(trained), trained.sae()
        made_of = self.made_of(trained, layer, asked.patterns) if asked.patterns else None
        found = token_latents(given, layer, given.read(layer), self.lexicon, asked.named, asked.drawn, made_of)
        return {"latents.json": {**self._head(trained), "sae": trained.variant, **found}}

    def made_of(self, trained: Trained, layer: Layer, count: int) -> Read:
        """Training contexts with what an SAE says of them, from the rows that were kept."""
        store = load_store(trained.activations)
        tokens, _, numbers = examples_of(self.given.dataset, "train")
        ids = store.ids("train")
        return read_stored(layer, contexts(tokens.long(), numbers, ids, count), store.rows("train"), ids)

    def labelled(self) -> dict[str, dict[str, Any]]:
        """`labelled.json`."""
        asked = self.looks.labelled
        trained = of_variant(self.runs, asked.variant)
        given = self.of(trained)
        sets = sets_of(sae_probes(asked.place), asked.sets, asked.count, asked.texts)
        self.say(f"reading {len(sets)} sets of {asked.texts:,} texts")
        found = labelled(given, trained.sae(), sets, asked.texts, asked.tokens)
        return {"labelled.json": {**self._head(trained), "sae": trained.variant, **found}}

    def directions(self) -> dict[str, dict[str, Any]]:
        """`directions.json`."""
        asked = self.looks.directions
        by_width = {self.width(one): one for one in self.sizes()}
        trained = of_variant(self.runs, asked.variant) if asked.variant else by_width[max(by_width)]
        layer = trained.sae()
        alive = self.alive(trained, layer)
        widths = asked.widths or tuple(sorted(width for width in by_width if 4 * width <= int(alive.sum())))
        if not widths:
            raise ConfigError(
                f"directions: {int(alive.sum()):,} live latents and no SAE a quarter as wide; say `widths`"
            )
        small = {one.variant: one.sae() for one in by_width.values() if one is not trained}
        found = metas(layer, alive, small, widths, asked.k, asked.nulls, self.say)
        return {"directions.json": {**self._head(trained), "sae": trained.variant, **found}}

    def alive(self, trained: Trained, layer: Layer) -> Tensor:
        """Which latents fire on training rows."""
        rows = load_store(trained.activations, LIVE_ON).rows("train")
        fires = torch.zeros(layer.sae.n_latents, dtype=torch.bool)
        for part in torch.split(rows, ROWS):
            codes = layer.encode(part.float())
            fires[codes.indices[codes.values > 0]] = True
        return fires

    def _head(self, *wanted: Trained) -> dict[str, Any]:
        return {"host": self.given.called, "hook": self.given.hook, "manifest": self.given.manifest(*wanted)}


def write_artefacts(
    results: Results, paths: Paths, looks: Looks, out: Path, only: str = "", say: Say = lambda line: None
) -> list[Path]:  # fmt: skip
    """Write the artefacts of `KINDS`, or `only` one of them, into `out`; gives the files.

    An experiment of one size has no web, and labelled sets need the package sae-probes: without `only` what is missing
    is said, and the others are made. All are computed before one is written; each file is whole or as it was. Raises
    ConfigError for another kind, DataError for a file of more than 300 KB or a folder that cannot be written, and as
    `Artefacts` does.
    """
    if only and only not in KINDS:
        raise ConfigError(f"--only {only}: must be one of {', '.join(KINDS)}")
    made = Artefacts(results, paths, looks, say)
    found: dict[str, bytes] = {}
    for kind in [only] if only else KINDS:
        if not only and (why := unasked(kind, made, looks)):
            say(f"note: no {why}")
            continue
        for name, content in getattr(made, kind)().items():
            found[name] = as_bytes(content)
            if len(found[name]) > MOST:
                raise DataError(f"{name} is {len(found[name]):,} bytes, at most {MOST:,}: choose less in looks.toml")
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(f"cannot write into {out}: {error.strerror or error}") from error
    for name, content in found.items():
        with replacing(out / name) as temporary:
            temporary.write_bytes(content)
    return [out / name for name in found]


def unasked(kind: str, made: Artefacts, looks: Looks) -> str:
    """Which artefact is left out where nobody asked for it alone, and why; empty for one that can be made."""
    widths = [made.width(one) for one in made.sizes()]
    if kind == "web" and len(widths) == 1 and not looks.web.variants:
        return f"web: {made.results.experiment} has SAEs of one size"
    if kind == "directions" and 4 * min(widths) > max(widths) and not looks.directions.widths:
        return f"meta-SAEs on directions: {made.results.experiment} has no SAE a quarter as wide as its widest"
    if kind == "labelled" and (absent := missing(looks.labelled.place)):
        return f"labelled sets: {absent}"
    return ""


def missing(place: str) -> str:
    """Why there are no labelled sets at a place; empty where there are."""
    try:
        sae_probes(place)
    except DataError as error:
        return str(error)
    return ""


def as_bytes(content: dict[str, Any]) -> bytes:
    """JSON, on one line."""
    return (json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":")) + "\n").encode()

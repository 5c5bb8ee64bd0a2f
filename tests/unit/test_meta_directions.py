"""Meta-SAEs on directions: planted ingredients are structure, directions without any are not, and the table says so."""

from __future__ import annotations

import json

import pytest
import torch
from torch.nn.functional import normalize

from analysis.figures.kinds.meta_directions import meta_directions
from analysis.plan.paths import Paths
from analysis.results.kept_file import kept_file
from analysis.run.language import metas as room
from analysis.run.language.metas import against, metas
from sae.architectures.topk import TopK
from sae.errors import ConfigError, DataError
from sae.layer import Layer
from sae.normaliser import Normaliser

WIDTH, META = 24, 16


def sae_of(directions: torch.Tensor) -> Layer:
    sae = TopK(directions.shape[1], len(directions), k=4)
    with torch.no_grad():
        sae.W_dec.copy_(normalize(directions, dim=1))
    return Layer("topk", sae, Normaliser(torch.zeros(directions.shape[1]), 1.0, 0.0))


def ingredients() -> torch.Tensor:
    return normalize(torch.randn(META // 2, WIDTH, generator=torch.Generator().manual_seed(1)), dim=1)


def shared(n: int) -> torch.Tensor:
    """Directions that are two of eight ingredients each."""
    draw = torch.Generator().manual_seed(2)
    chosen = torch.rand(n, META // 2, generator=draw).topk(2, dim=1).indices
    return ingredients()[chosen].sum(1) + 0.02 * torch.randn(n, WIDTH, generator=draw)


def isotropic(n: int) -> torch.Tensor:
    return torch.randn(n, WIDTH, generator=torch.Generator().manual_seed(3))


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(room, "STEPS", (50, 300))


@pytest.mark.parametrize(
    ("make", "word"), [(shared, "structure"), pytest.param(isotropic, "floor", marks=pytest.mark.thorough)]
)
def test_shared_ingredients_are_structure_and_directions_without_any_are_floor(quick, make, word):
    said: list[str] = []
    alive = torch.arange(600) % 6 != 0
    small = {"as wide": sae_of(isotropic(META)), "other": sae_of(isotropic(40))}
    found = metas(sae_of(make(600)), alive, small, (META,), 2, "quick", said.append)
    (one,) = found["metas"]
    assert one["word"] == word, one["why"]
    assert (found["directions"], found["held_out"], found["dead"]) == (400, 100, 100) and said
    assert set(one["tried"]) == {"50", "300"} and len(one["observed"]["variance_explained"]) == room.SEEDS
    assert set(one["small"]) == {"as wide"} and {lead["floor"] for lead in one["floors"]} >= {"stored_dictionary"}


def test_meta_latents_that_are_the_small_saes_latents_have_a_cosine_of_one():
    small = sae_of(ingredients())
    found = against([small], small, shared(300))
    assert found["to_meta"] == pytest.approx(1) == found["from_meta"]
    assert found["to_matched_dictionary"] < 0.9


def test_few_directions_are_refused():
    alive = torch.arange(600) < 40
    with pytest.raises(ConfigError, match="40 live latents for a meta-SAE of 16"):
        metas(sae_of(shared(600)), alive, {}, (META,), 2, "quick", print)


def content() -> dict:
    lead = {"floor": "stored_dictionary", "lead": -0.02, "low": -0.03, "high": -0.01}
    three = [0.3, 0.31, 0.32]
    meta = {
        "width": 1024, "k": 4, "steps": 600, "word": "floor", "why": "It is.", "in_sample": three, "floors": [lead],
        "observed": {"variance_explained": three, "variance_explained_refit": [0.4, 0.4, 0.4]},
        "small": {"1k": {"to_meta": 0.61, "from_meta": 0.5, "to_stored_dictionary": 0.52}},
    }  # fmt: skip
    return {"directions": 12800, "held_out": 3200, "dead": 384, "sae": "16k", "host": "Tiny", "metas": [meta]}


def test_the_table_names_the_word_and_compares_like_with_like(tmp_path):
    (tmp_path / "directions.json").write_text(json.dumps(content()))
    drawn = meta_directions(kept_file("directions.json", Paths(tmp_path)))
    assert drawn.title == "Meta-SAEs on 16,000 directions: floor with 1,024 latents"
    assert "0.420</td><td>-0.020</td><td>-0.030 to -0.010" in drawn.html, "a dictionary stands beside fitted codes"
    assert "cosine of meta-SAE to latents of 1k" in drawn.html and "384 latents were dead" in drawn.caption


@pytest.mark.parametrize(
    "broken",
    [{"metas": []}, {"metas": [{"width": 4}]}, {"metas": [content()["metas"][0] | {"in_sample": [0.1]}]},
     {"metas": [content()["metas"][0] | {"floors": []}]}],
)  # fmt: skip
def test_what_is_no_such_file_is_refused(tmp_path, broken):
    (tmp_path / "directions.json").write_text(json.dumps(content() | broken))
    with pytest.raises(DataError, match=r"directions\.json"):
        meta_directions(kept_file("directions.json", Paths(tmp_path)))

"""The script that makes Union's tracked weights, on a model of 1 x 32; and the tracked files."""

from __future__ import annotations

import dataclasses
import json
import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from factories import kept_script
from tests_root import CHECKOUT

from analysis.run.datasets.sotu import addresses
from analysis.run.hosts._train_language import Recipe, loss_on
from analysis.run.hosts.union import Union
from analysis.run.text.contexts import cut
from analysis.run.text.tokenisers import tokeniser

FOLDER = CHECKOUT / "data" / "language"


@pytest.fixture(scope="module")
def script():
    with kept_script(FOLDER / "make_union.py") as module:
        yield module


def test_windows_of_an_epoch_hold_every_token_once_but_at_the_ends_and_are_cut_elsewhere_in_each(script):
    row = [0, *range(1, 60), 0, *range(60, 91)]
    windows = script.windows(torch.tensor(row, dtype=torch.int32), 0, 8, seed=1)
    bodies = [windows(epoch)[:, 1:].flatten().tolist() for epoch in range(6)]
    for epoch, body in enumerate(bodies):
        assert windows(epoch)[:, 0].unique().tolist() == [0] and windows(epoch).shape == windows(0).shape
        first = next(at for at in range(7) if row[at : at + len(body)] == body)
        assert len(row) - len(body) - first < 14
    assert len({tuple(body) for body in bodies}) > 2 and bodies[2] == windows(2)[:, 1:].flatten().tolist()


def test_counting_floors_are_those_of_a_hand_count(script):
    texts = SimpleNamespace(row=torch.tensor([0, 1, 2, 1]))
    scored = torch.tensor([[0, 1, 1]])
    found = script.counted(texts, scored)
    once = (2 + 1) / (4 + 2048)
    after_start = (1 + 1 * once) / (1 + 1)  # one token follows the start, of one kind
    twice = (0 + 1 * once) / (1 + 1)  # 1 is followed by 2 alone
    assert found["each token by how often it is"] == pytest.approx(-math.log(once))
    assert found["by the token before it"] == pytest.approx(-(math.log(after_start) + math.log(twice)) / 2)


@pytest.mark.thorough
def test_the_weights_that_are_made_are_those_a_host_reads_and_are_what_is_said_of_them(script, tmp_path, monkeypatch):
    monkeypatch.setattr(script, "PLACES", 24)
    monkeypatch.setattr(script, "MEASURED", 12)
    monkeypatch.setattr(script, "MARKS", 3)
    monkeypatch.setattr(script, "CONTINUED", 3)
    text = "The people of the United States shall be free, and the Congress of the people shall meet. " * 6
    texts = script.Texts([text] * 2, [text[40:400]], tokeniser("union"))
    recipe = Recipe(2, 1e-2, 2, 0.1)
    args = texts, {"1x32": recipe, "1x64": dataclasses.replace(recipe, epochs=1)}, tmp_path / "work"
    script.make(*args, tmp_path / "union")
    said = json.loads((tmp_path / "union" / "union.json").read_text())
    host = Union((24,), 0, 0, layers=1, width=32, context=24, weights=str(tmp_path / "union" / "union.safetensors"))
    host.fit(torch.zeros(1, 24, dtype=torch.int32), None)
    assert said["sanity"]["held_out"]["loss"] == round(script.loss_on(host, texts.contexts(12)), 4)
    assert said["tokens"] == said["step"] * 2 * 24 and said["cpu_seconds"] >= 0
    assert [one["text"].startswith(one["beginning"]) for one in said["sanity"]["completions"]] == [True] * 3
    scaling = json.loads((tmp_path / "union" / "scaling.json").read_text())
    assert [(one["size"], len(one["points"])) for one in scaling["sizes"]] == [("1x32", 2), ("1x64", 2)]
    assert scaling["sizes"][1]["points"][-1]["flops"] == pytest.approx(
        scaling["sizes"][1]["flops_per_token"] * scaling["sizes"][1]["points"][-1]["tokens"]
    )
    before = (tmp_path / "union" / "union.safetensors").read_bytes()
    script.make(*args, tmp_path / "again")
    assert (tmp_path / "again" / "union.safetensors").read_bytes() == before


def test_the_tracked_weights_are_what_their_manifest_and_the_line_say_of_them():
    folder = FOLDER / "union"
    said = json.loads((folder / "union.json").read_text(encoding="utf-8"))
    host = Union((128,), 0, 0, weights=str(folder / "union.safetensors"))
    host.fit(torch.zeros(1, 128, dtype=torch.int32), None)
    documents, held_out = addresses()
    texts = [documents[row].text for row in np.flatnonzero(held_out)[-2:]]
    contexts = torch.from_numpy(cut(texts, [{}] * 2, tokeniser("union"), 128).ids[:24])
    assert loss_on(host, contexts) == pytest.approx(said["sanity"]["held_out"]["loss"], abs=0.3)
    main, *others = json.loads((folder / "scaling.json").read_text(encoding="utf-8"))["sizes"]
    assert main["points"][-1]["held_out_loss"] == pytest.approx(said["sanity"]["held_out"]["loss"], abs=0.01)
    assert (main["layers"], main["width"]) == (said["layers"], said["width"]) and len(others) >= 2
    for one in (main, *others):
        losses = [point["held_out_loss"] for point in one["points"]]
        assert losses == sorted(losses, reverse=True) and len(losses) >= 10, one["size"]


def test_the_readme_of_the_weights_quotes_the_manifest():
    folder = FOLDER / "union"
    words, said = ((folder / name).read_text(encoding="utf-8") for name in ("README.md", "union.json"))
    sanity = json.loads(said)["sanity"]
    for row in (sanity["held_out"], sanity["trained_on"], *sanity["floors"].values()):
        assert f"| {row['loss']:.2f} | {row['perplexity_per_token']:.1f} |" in words
        assert f"| {row['perplexity_per_character']:.2f} | {row['bits_per_character']:.2f} |" in words
    for one in sanity["completions"]:
        assert one["text"].removeprefix(one["beginning"]).strip() in words

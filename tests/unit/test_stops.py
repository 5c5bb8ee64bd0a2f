"""The table of towers that stopped: each sentence once, whatever its values were."""

from __future__ import annotations

import re

import pandas as pd
import pytest
from analysis.figures.kinds.stops import common, stops
from factories import write_results

from analysis.results.tables import Results
from sae.config import StopConfig
from sae.stopping import reason_to_stop

torch = pytest.importorskip("torch")
WHYS = {"live_share": (0.004, 1.0, 1.0), "input_variance": (1.0, 1.0, 3.2e-9), "loss": (1.0, 4e-9, 1.0)}


def stopped(live, loss, variance, depth=3):
    return reason_to_stop(depth, torch.eye(4), live, loss, variance, StopConfig())


@pytest.mark.parametrize("reason", WHYS)
def test_what_two_towers_say_for_one_reason_is_one_sentence(reason):
    live, loss, variance = WHYS[reason]
    # another value of what passed its threshold, and another depth
    scaled = [value / 3 if value < 0.1 else value for value in (live, loss, variance)]
    one, other = stopped(live, loss, variance), stopped(*scaled, depth=5)
    assert one.reason == other.reason == reason and one.sentence != other.sentence
    told = common(one.sentence)
    assert told == common(other.sentence) and "before depth" not in told and "limit" in told and "…" in told


def test_a_sentence_stands_above_the_recipes_that_say_it(tmp_path):
    runs = {"a": ("sum", 0, 0.5), "b": ("mean", 0, 0.5), "c": ("none", 0, 0.5)}
    results = write_results(tmp_path / "dry", "dry", runs)
    told = {"a": stopped(*WHYS["loss"]), "b": stopped(1.0, 9e-9, 1.0), "c": stopped(*WHYS["live_share"])}
    rows = [
        {"run": run, "kind": "latents", "control": "none", "depth": one.depth, "reason": one.reason,
         "value": one.value, "limit": one.limit, "sentence": one.sentence}
        for run, one in told.items()
    ]  # fmt: skip
    pd.DataFrame(rows).to_parquet(results.folder / "stops.parquet", index=False)
    html = stops(Results(results.folder)).html
    heads = re.findall(r'<th scope="(rowgroup|row)"[^>]*>([^<]*)', html)
    assert [kind for kind, _ in heads].count("rowgroup") == 2
    place = next(number for number, (_, text) in enumerate(heads) if "nothing to learn" in text)
    assert heads[place + 1 : place + 3] == [("row", "mean"), ("row", "sum")]

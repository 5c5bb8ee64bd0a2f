"""The tidy tables of a run keep their columns and types, whatever the SAE does."""

from __future__ import annotations

import pytest
import torch

from analysis.run.stages._tables import Tables
from sae.evaluate import Seen, evaluate
from sae.records import Codes

KEY = {"run", "kind", "depth", "split", "control"}
ALIVE, DEAD = torch.rand(40, 5, generator=torch.Generator().manual_seed(0)), torch.zeros(40, 5)


def tables_of(*codes):
    """A run's tables with one depth for each of `codes`."""
    tables = Tables("0123456789", "none")
    for depth, dense in enumerate(codes, 1):
        seen = Seen(
            codes=Codes.from_dense(dense),
            labels=torch.arange(40) % 4,
            n_classes=4,
            chosen=torch.zeros(5).long(),
            unit=2.0,
        )
        readings = evaluate([seen], "examples")
        tables.add("latents", depth, "held_out", readings)
        tables.latent_values("latents", depth, "held_out", readings, seen)
        tables.top_examples("latents", depth, seen, torch.arange(100, 140), 3)
    return tables.frames()


def test_the_strongest_examples_of_a_latent_by_hand():
    examples = tables_of(ALIVE)["examples"]
    values, rows = ALIVE.topk(3, dim=0)
    second = examples[examples["latent"] == 1]
    assert second["rank"].tolist() == [0, 1, 2]
    assert second["example"].tolist() == (rows[:, 1] + 100).tolist()
    assert second["activation"].tolist() == pytest.approx((2 * values[:, 1]).tolist())


def test_the_shares_of_the_classes_of_a_latent_add_up_to_1():
    latents = tables_of(ALIVE)["latents"]
    shares = latents[latents["measure"].str.startswith("class_share_")]
    assert shares.groupby("latent")["value"].sum().tolist() == pytest.approx([1.0] * 5)


@pytest.mark.parametrize("codes", [(ALIVE, DEAD), (DEAD,)], ids=["one depth dead", "all dead"])
def test_a_dead_depth_leaves_columns_and_types_as_they_are(codes):
    whole, some = tables_of(ALIVE), tables_of(*codes)
    for name in ("measures", "latents", "examples"):
        assert set(some[name].columns) == set(whole[name].columns), name
    assert set(some["examples"].columns) >= KEY
    assert some["examples"]["depth"].dtype == whole["examples"]["depth"].dtype

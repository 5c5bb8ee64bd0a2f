"""What training SAEs costs: by hand, on the journals' numbers, and as the page computes it."""

from __future__ import annotations

import itertools
import json
import math
import shutil
import subprocess
from dataclasses import replace

import pytest
from planted_tables import Planted, write
from tests_root import CHECKOUT

from analysis.plan import plugins
from analysis.plan.paths import Paths
from analysis.results.cost import Plan, as_numbers, cost, said
from analysis.results.kept_file import KeptFile
from sae.discover import load, module_name
from sae.errors import DataError

FORMULAE = CHECKOUT / "report/assets/cost/formulae.js"
SMALL = Plan(
    d_model=5, latents=7, k=2, layers=3, tokens=11, passes=4, host=13, number=4, stored=2, flops=1000,
    utilisation=0.5, price=6,
)  # fmt: skip


def in_page(what: str, given: object) -> object:
    """What a module of the page makes of something."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed: what the page computes cannot be compared")
    script = (
        f'import * as page from "{FORMULAE.as_uri()}"; let text = "";'
        "for await (const part of process.stdin) text += part;"
        f"console.log(JSON.stringify(JSON.parse(text).map({what})))"
    )
    done = subprocess.run(
        [node, "--input-type=module", "-e", script], input=json.dumps(given), capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)


def test_every_term_is_what_a_hand_computes():
    found = cost(SMALL)
    assert (found.matrices, found.biases, found.parameters) == (210, 36, 246)
    assert (found.weights, found.gradients, found.moments, found.memory) == (984, 984, 1968, 3936)
    assert found.disk == 11 * 5 * 3 * 2
    assert (found.encoder, found.decoder, found.to_latents, found.to_decoder, found.to_encoder) == (70, 20, 20, 20, 20)
    assert (found.to_bias, found.row, found.training, found.reading) == (0, 150, 150 * 132, 286)
    assert found.training_hours == pytest.approx(19800 / 500 / 3600) and found.reading_hours * 3600 == pytest.approx(
        0.572
    )
    assert found.money == pytest.approx(6 * found.hours) and found.hours == found.training_hours + found.reading_hours


def test_dense_training_is_three_times_its_forward_pass_and_six_times_the_sparse_one_in_the_limit():
    dense = cost(replace(SMALL, dense=True))
    assert dense.row == 3 * (dense.encoder + dense.decoder) == 12 * 5 * 7
    wide = replace(SMALL, latents=10_000_000)
    assert cost(replace(wide, dense=True)).row / cost(wide).row == pytest.approx(6, rel=1e-5)


@pytest.mark.parametrize(("latents", "billions"), [(34e6, 557), (2**24, 274.9)])
def test_the_counts_of_the_journal(latents, billions):
    found = cost(replace(SMALL, d_model=8192, latents=latents, layers=1))
    assert found.matrices / 1e9 == pytest.approx(billions, rel=2e-4)
    assert said(found.matrices, "count") == {557: "557.1 billion", 274.9: "274.9 billion"}[billions]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"d_model": 0}, "d_model is 0"), ({"tokens": math.inf}, "tokens is inf"),
        ({"flops": math.nan}, "flops is nan"),
        ({"price": -1}, "price is -1"), ({"utilisation": 1.5}, "at most 1"),
        ({"k": 8}, "at most the number of latents, 7"),
    ],
)  # fmt: skip
def test_a_plan_of_nothing_is_refused_here_and_in_the_page(change, told):
    with pytest.raises(DataError, match=told):
        replace(SMALL, **change)
    if all(math.isfinite(value) for value in change.values()):  # JSON has no others
        assert in_page("page.wrong", [as_numbers(SMALL), as_numbers(SMALL) | change])[1]


def test_the_page_computes_the_same_over_a_grid():
    grid = [
        replace(SMALL, d_model=d, latents=n, k=k, tokens=tokens, layers=layers, number=number, flops=flops, dense=dense)
        for d, n, k, tokens, layers, number, flops, dense in itertools.product(
            (1, 768, 8192), (64, 2**24, 34e6), (1, 64), (3e5, 4e10), (1, 12), (2, 4), (5e10, 9.894e14), (False, True)
        )
    ]
    found = in_page(
        "(plan) => page.wrong(plan) || page.cost(plan)", [as_numbers(plan) | {"dense": plan.dense} for plan in grid]
    )
    assert len(found) == 576
    for plan, there in zip(grid, found, strict=True):
        assert there == pytest.approx(as_numbers(cost(plan)), rel=1e-12)


def test_numbers_are_written_alike_here_and_in_the_page():
    values = [
        0,
        1e-4,
        0.25,
        1,
        3.14159,
        59.995,
        999.96,
        1234.5,
        12345,
        999_960_000,
        5.57056e11,
        9.9999e14,
        9.99996e15,
        1.3e22,
    ]
    for what in ("count", "bytes", "hours", "money"):
        assert in_page(f"(value) => page.said(value, '{what}')", values) == [said(value, what) for value in values]
    assert [said(value, "count") for value in (12345, 999_960_000, 9.99996e15)] == ["12,345", "1 billion", "1 × 10¹⁶"]
    assert [said(value, "hours") for value in (1e-4, 0.5, 3.14159, 72, 87660)] == [
        "0.36 seconds", "30 minutes", "3.142 hours", "3 days", "10 years",
    ]  # fmt: skip


def test_the_page_reads_what_people_type():
    typed = {
        "34M": 34e6, "34 million": 34e6, "2^24": 2**24, "40B": 4e10, "1.5e9": 1.5e9, "32k": 32e3,
        "40%": 0.4, "8,192": 8192,
        "1 000 000": 1e6, "$2.5": 2.5, ".5": 0.5, "3 trillion": 3e12, "12 thousand": 12e3, "": None, "many": None,
        "1e400": None,
        "-3": None, "0x10": None, "34 miles": None,
    }  # fmt: skip
    found = in_page("page.parsed", list(typed))
    assert dict(zip(typed, found, strict=True)) == pytest.approx(typed)


def figure(name: str):
    plugins.load(Paths(CHECKOUT))
    return getattr(load(module_name("analysis.figures.kinds", name)), name)


def case(name: str, says: float, **plan: object) -> dict[str, object]:
    whole = as_numbers(SMALL) | {"dense": False} | plan
    return {
        "name": name,
        "source": "own",
        "known": ["latents"],
        "plan": whole,
        "says": {"what": "matrices", "value": says, "who": "a log"},
    }


def test_an_example_that_a_source_counts_otherwise_says_so():
    file = KeptFile("own.json", json.dumps({"cases": [case("One", 210), case("Other", 420)]}).encode())
    drawing = figure("cost_examples")(file)
    assert "a log: 210, as here" in drawing.html and "a log: 420, 50% from ours" in drawing.html
    assert "1 of 2 are what the formulae give" in drawing.caption
    assert "(d_model 5), 7 latents" in drawing.html and drawing.data["parameters"].tolist() == [246, 246]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"known": ["colour"]}, "colour is known"),
        ({"plan": {"k": 1}}, "a plan of d_model, latents"),
        ({"plan": 3}, "plan"),
    ],
)
def test_a_case_of_something_else_is_refused(change, told):
    file = KeptFile("own.json", json.dumps({"cases": [case("One", 210) | change]}).encode())
    with pytest.raises(DataError, match=f"own.json: One.*{told}"):
        figure("cost_examples")(file)


def test_every_published_count_among_the_examples_is_what_the_formulae_give():
    content = (CHECKOUT / "data/cost.json").read_bytes()
    drawing = figure("cost_examples")(KeptFile("data/cost.json", content))
    checked = [one for one in json.loads(content)["cases"] if "says" in one]
    assert sorted(one["says"]["value"] for one in checked) == [274.9e9, 557e9]
    assert drawing.html.count(", as here") == 2 * len(checked) and "both are what the formulae give" in drawing.caption


@pytest.mark.parametrize("path", ["compiled (numba 1)", "torch 2 on cpu"])
def test_measured_runs_stand_beside_what_their_operations_take(tmp_path, path):
    results = write(tmp_path / "tables", Planted(depths=3, looked=False))
    training = results.training.assign(seconds=2.0, path=path)
    object.__setattr__(results, "training", training)
    drawing = figure("cost_runs")(KeptFile("own.json", b'{"flops": 1e9}'), results)
    first = training[(training["depth"] == 1) & (training["control"] == "none")].iloc[0]
    d, n = results.values("live_share", "host", "train")["n"].iloc[0], first["width"]
    # an SAE that reads codes is none of them, and depth 1 is counted once, not in each tower
    (row,) = drawing.data.to_dict("records")
    assert row["saes"] == results.runs[results.runs["control"] == "none"]["seed"].nunique()
    operations = 12 * d * n if path.startswith("torch") else 2 * d * n + 8 * first["k"] * d
    assert row["predicted"] == pytest.approx(operations * first["rows"] / 1e9) and row["measured"] == 2
    assert row["reached"] == pytest.approx(row["predicted"] / 2)


def test_a_step_that_nobody_counted_is_refused(tmp_path):
    results = write(tmp_path / "tables", Planted(looked=False))
    object.__setattr__(results, "training", results.training.assign(path="an abacus"))
    with pytest.raises(DataError, match="unknown steps"):
        figure("cost_runs")(KeptFile("own.json", b'{"flops": 1e9}'), results)

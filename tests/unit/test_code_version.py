"""Code versions: what makes a stage be done again, and what must not. On an editable copy."""

from __future__ import annotations

import itertools
import shutil
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from analysis.plan import code_version as module
from analysis.plan.chains import plan
from analysis.plan.code_version import code_version
from analysis.plan.config import Experiment, SaeConfig, TowerConfig

SAE = ("analysis.run.stages.sae", "sae.architectures.topk")
CHECKOUT = module.ROOT


@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    """The packages' sources in a folder of their own, each parsed once for all tests that leave it as it is."""
    folder = tmp_path_factory.mktemp("sources")
    for package in module.PACKAGES:
        shutil.copytree(CHECKOUT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__", "assets"))
    return folder


@pytest.fixture
def copy(sources, monkeypatch):
    """`edit(file, old, new)` changes a file of the copy, or writes a new one where `old` is empty; until the test's
    end."""
    monkeypatch.setattr(module, "ROOT", sources)
    before = {}

    def edit(file, old, new):
        path: Path = sources / file
        text = path.read_text() if path.exists() else None
        before.setdefault(path, text)
        assert (old in text) if old else (text is None), f"{file} no longer holds {old!r}, or is there already"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text.replace(old, new, 1) if old else new)

    yield edit
    for path, text in before.items():
        if text is None:
            path.unlink()
        else:
            path.write_text(text)


@pytest.fixture
def small(copy):
    """A package of three modules in place of the real ones: a imports b, b imports c inside a function."""
    copy("sae/small_a.py", "", '"""A."""\nfrom sae.small_b import value\n')
    copy("sae/small_b.py", "", "def value():\n    import sae.small_c\n    return sae.small_c.X\n")
    copy("sae/small_c.py", "", "X = 1\n")
    return copy


def stage_codes():
    towers = (TowerConfig(kind="latents", depth=2), TowerConfig(kind="directions", depth=2))
    experiment = Experiment(name="x", title="x", seeds=(0,), sae=SaeConfig(width=8, k=2), towers=towers)
    stages = plan(experiment)[0].stages
    return {
        (stage.name, getattr(stage.config, "kind", None), getattr(stage.config, "depth", None)): stage.code
        for stage in stages
    }


def test_a_copy_has_the_version_of_the_original(copy, monkeypatch):
    there = code_version(*SAE)
    assert len(there) == 12 and there == code_version(*reversed(SAE))
    monkeypatch.setattr(module, "ROOT", CHECKOUT)
    assert there == code_version(*SAE)


def test_a_comment_or_a_blank_line_changes_nothing(copy):
    before = code_version(*SAE)
    copy("sae/train.py", "OBSERVE_EVERY = 50", "\n\n# a remark\nOBSERVE_EVERY = 50  # another")
    assert code_version(*SAE) == before


@pytest.mark.parametrize(
    ("file", "words"),
    [
        ("sae/train.py", "The training loop, once"),  # of a module
        ("sae/normaliser.py", "Fit on training rows."),  # of a method
        ("sae/records.py", "A batch's loss:"),  # of a class
        ("sae/config.py", "Optimiser steps."),  # under a field
    ],
)
def test_a_docstring_changes_nothing(copy, file, words):
    before = code_version(*SAE)
    copy(file, words, "Other words.")
    assert code_version(*SAE) == before


def test_code_changes_the_version(copy):
    before = code_version(*SAE)
    copy("sae/steps.py", "BETAS, EPS = (0.9, 0.999)", "BETAS, EPS = (0.9, 0.99)")
    assert code_version(*SAE) != before


def test_code_of_a_module_that_is_imported_indirectly_changes_the_version(small):
    before, other = code_version("sae.small_a"), code_version(*SAE)
    small("sae/small_c.py", "X = 1", "X = 2")
    assert code_version("sae.small_a") != before
    assert code_version(*SAE) == other


def test_text_that_is_used_is_no_docstring(small):
    before = code_version("sae.small_a")
    small("sae/small_c.py", "X = 1", 'X = "1"')
    assert code_version("sae.small_a") != before


def test_neither_another_architecture_nor_a_page_influences_the_sae_stage(copy):
    before = code_version(*SAE)
    copy("sae/architectures/another.py", "", "class Another:\n    pass\n")
    copy("analysis/charts/another.py", "", "def another():\n    pass\n")
    copy("analysis/results/tables.py", 'SHEETS = "sheets"', 'SHEETS = "other"')
    assert code_version(*SAE) == before


def test_each_stage_follows_what_it_runs(copy):
    before = stage_codes()
    copy("analysis/run/hosts/mlp.py", "BATCH = 128", "BATCH = 64")
    after = stage_codes()
    different = {key[0] for key in before if before[key] != after[key]}
    assert different == {"host", "activations", "measures"}


def test_a_measure_is_part_of_the_stage_that_measures(copy):
    before = stage_codes()
    copy("sae/measures/l0.py", "> 0", "> 0.5")
    after = stage_codes()
    assert before[("measures", None, None)] != after[("measures", None, None)]
    assert before[("sae", None, 1)] == after[("sae", None, 1)]


def test_the_measure_of_held_out_folds_is_part_of_the_stage_that_trains_them(copy):
    """The directions kind writes its held-out variance explained while training: a new formula has to redo it."""
    before = stage_codes()
    copy("sae/measures/variance_explained.py", "return Reading(1 -", "return Reading(2 -")
    after = stage_codes()
    assert before[("sae", "directions", 2)] != after[("sae", "directions", 2)]


def test_floors_need_no_sae():
    waiting, needed = ["sae.nulls"], set[str]()
    while waiting:
        new = set(module._source(waiting.pop()).imports) - needed
        needed |= new
        waiting += new
    rooms = {name.split(".")[1] for name in needed}
    assert not rooms & {"architectures", "train", "steps", "compiled", "layer"}


def test_how_logs_are_read_makes_no_chart_stale(copy):
    before = code_version("analysis.figures.kinds.margins", "analysis.figures.draw")
    copy("analysis/logs/items.py", "from dataclasses import", "import os\nfrom dataclasses import")
    assert code_version("analysis.figures.kinds.margins", "analysis.figures.draw") == before


def library():
    """Every module of `sae`, by its dotted name."""
    files = (CHECKOUT / "sae").rglob("*.py")
    return [".".join(file.relative_to(CHECKOUT).with_suffix("").parts).removesuffix(".__init__") for file in files]


@pytest.fixture
def eager_threads():
    """The interpreter changes threads as often as it can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield 8
    sys.setswitchinterval(before)


def test_the_versions_of_all_modules_may_be_taken_from_eight_threads_at_once(monkeypatch, eager_threads):
    names = library()
    few = names[::4]
    alone = code_version(*names), {name: code_version(name) for name in few}
    monkeypatch.setattr(module, "_read", {})
    start = threading.Barrier(eager_threads)

    def take(first):
        start.wait()
        # all of them, each thread in an order of its own: several come to one file at once, and to different ones
        whole = code_version(*names[4 * first :], *names[: 4 * first])
        return whole, {name: code_version(name) for name in few[first::eager_threads]}

    with ThreadPoolExecutor(eager_threads) as pool:
        found = list(pool.map(take, range(eager_threads)))
    assert len(names) > 60 and {whole for whole, _ in found} == {alone[0]}
    assert {name: version for _, own in found for name, version in own.items()} == alone[1]


def test_one_thread_parses_at_a_time(monkeypatch, eager_threads):
    """What CPython 3.11 cannot bear, whichever way a text comes to be parsed."""
    inside, most, real = itertools.count(), [], module.ast.parse
    now = set()

    def counted(text):
        mark = next(inside)
        now.add(mark)
        most.append(len(now))
        tree = real(text)
        now.discard(mark)
        return tree

    monkeypatch.setattr(module.ast, "parse", counted)
    monkeypatch.setattr(module, "_read", {})
    texts = [f"x = {n}\n" * 50 for n in range(40)]
    with ThreadPoolExecutor(eager_threads) as pool:
        waiting = [pool.submit(module.parse, text) for text in texts]
        waiting += [pool.submit(code_version, name) for name in ("sae.train", "sae.nulls", "sae.rows", "sae.errors")]
        assert all(one.result() for one in waiting)
    assert set(most) == {1}


def test_a_file_is_parsed_again_only_when_it_has_changed(small, monkeypatch):
    before = code_version("sae.small_a")
    monkeypatch.setattr(module, "parse", lambda text: pytest.fail("parsed again"))
    assert code_version("sae.small_a") == before
    small("sae/small_c.py", "X = 1", "X = 12")
    with pytest.raises(pytest.fail.Exception, match="parsed again"):
        code_version("sae.small_a")

"""A tiny experiment from end to end: its tables, a second call, a killed process, damaged parts."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from conftest import CHECKOUT, make_project
from factories import EVERY, add_few_digits
from PIL import Image
from planted import shapes_unchecked
from tiny_run import FEW, tiny, with_few_digits
from typer.testing import CliRunner

from analysis.cli.main import app
from analysis.plan import plugins
from analysis.plan.chains import plan
from analysis.plan.interpret_config import InterpretConfig
from analysis.plan.paths import Paths
from analysis.plan.stage_folders import seal
from analysis.results.tables import TABLES, is_current, open_results
from analysis.run import pipeline
from analysis.run.pipeline import do_stage, run
from sae.discover import find
from sae.errors import DataError, NotFoundError, StageError
from sae.evaluate import versions
from sae.rule import CODE_NULLS, DICTIONARIES

pytestmark = pytest.mark.usefixtures("shapes_as_elsewhere")

KEY = ["run", "kind", "depth", "split", "control", "measure"]
COLUMNS = {
    "runs": ["run", "experiment", "variant", "seed", "dataset", "host", "hook", "control", "config", "date", "machine",
             "commit", "seconds", "measures"],
    "training": ["run", "kind", "depth", "control", "architecture", "width", "k", "steps", "rows", "seconds",
                 "path"],
    "measures": [*KEY, "version", "value", "n"],
    "latents": ["run", "kind", "depth", "split", "control", "latent", "measure", "value"],
    "examples": ["run", "kind", "depth", "split", "control", "latent", "rank", "example", "activation"],
    "links": ["run", "kind", "depth", "control", "latent", "below", "weight"],
    "stops": ["run", "kind", "control", "depth", "reason", "value", "limit", "sentence"],
}  # fmt: skip
CONTROLS = {
    "none", "random_host", "permuted_labels", "random_dictionary", "matched_dictionary", "stored_dictionary", "pca",
    "memorising", "gaussian_null", "permuted_null", "gaussian_tower", "permuted_tower", "frozen_decoder", *CODE_NULLS,
}  # fmt: skip
# host, activations, depth 1, depth 2 of both kinds, measures; on the trained host the nulls of those three depths and
# a tower on noise, too
TRAINED, RANDOM = 6 + 3 + 1, 6
# and, of the first seed, the map of directions
STAGES = 2 * (TRAINED + RANDOM) + 1


@pytest.fixture
def project(project: Paths) -> Paths:
    return with_few_digits(project)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The experiment, run once without interruption: its paths, results and progress."""
    paths = make_project(tmp_path_factory.mktemp("whole") / "project", FEW)
    add_few_digits(paths.root)
    progress = []
    with pytest.MonkeyPatch.context() as patch, shapes_unchecked(checked=True):
        patch.setenv("STRATA_ROOT", str(paths.root))
        run(tiny(paths), paths, workers=1, report=progress.append)
        yield paths, open_results("tiny", paths), progress


def test_every_table_has_the_documented_columns_and_no_holes(whole):
    results = whole[1]
    for table in TABLES:
        frame = getattr(results, table)
        assert sorted(frame.columns) == sorted(COLUMNS[table]), table
        assert frame.empty == (table == "stops"), "and no tower stopped"
        assert not frame.isna().any().any(), table
    assert set(results.measures["kind"]) == {"host", "latents", "directions"}
    assert set(results.measures["split"]) == {"train", "held_out"}
    assert set(results.measures["control"]) == CONTROLS
    assert np.isfinite(results.measures["value"]).all() and (results.measures["n"] > 0).all()


def test_each_trained_sae_has_architecture_width_and_k_of_its_own(whole):
    training = whole[1].training
    found = training[["kind", "depth", "architecture", "width", "k"]].drop_duplicates()
    assert {tuple(row) for row in found.itertuples(index=False)} == {
        ("latents", 1, "topk", 32, 4), ("latents", 2, "topk", 32, 2),
        ("directions", 1, "topk", 32, 4), ("directions", 2, "topk", 16, 2),
    }  # fmt: skip
    assert training["width"].dtype == training["k"].dtype == np.int64


def test_the_first_seeds_latents_have_places_beside_those_of_as_many_random_directions(whole):
    results = whole[1]
    maps = results.maps
    assert set(maps["run"]) == {results.first_run} and set(maps["kind"]) == {"latents"}
    assert maps[["x", "y"]].abs().max().max() <= 1 and maps["class"].between(-1, 9).all()
    for depth, rows in maps.groupby("depth"):
        at = (results.latents["run"] == results.first_run) & (results.latents["depth"] == depth)
        rates = results.latents[at & (results.latents["measure"] == "firing_rate")]
        rates = rates[(rates["kind"] == "latents") & (rates["control"] == "none") & (rates["split"] == "held_out")]
        counts = rows["control"].value_counts()
        assert set(rows[rows["control"] == "none"]["latent"]) == set(rates[rates["value"] > 0]["latent"])
        assert counts["random_dictionary"] == counts["matched_dictionary"] == counts["none"]


def test_a_run_is_one_row_for_each_host(whole):
    results = whole[1]
    assert len(results.runs) == 4 and not results.runs.duplicated(["run", "control"]).any()
    assert set(results.runs["control"]) == {"none", "random_host"} and set(results.runs["seed"]) == {0, 1}
    config = json.loads(results.runs["config"].iloc[0])
    assert config["dataset"] == "few_digits" and config["sae"]["width"] == 32
    assert set(results.runs["run"]) == set(results.measures["run"]) == set(results.manifest["runs"])


def test_a_number_has_one_row(whole):
    results = whole[1]
    assert not results.measures.duplicated(KEY).any()
    assert not results.latents.duplicated([*KEY, "latent"]).any()
    assert not results.examples.duplicated([*KEY[:-1], "latent", "rank"]).any()


def test_every_depth_has_every_measure_with_its_version_and_its_floors(whole):
    measures = whole[1].measures
    known = versions()
    assert all(known.get(str(row.measure), 1) == row.version for row in measures.itertuples())
    for kind in ("latents", "directions"):
        assert whole[1].depths(kind) == [1, 2]
        for depth in (1, 2):
            for split in ("train", "held_out"):
                at = measures[(measures["kind"] == kind) & (measures["depth"] == depth) & (measures["split"] == split)]
                controls = set(at[at["measure"] == "variance_explained"]["control"])
                assert controls >= {"none", "random_host", "random_dictionary", "pca"}
                assert split == "train" or controls >= {"gaussian_null", "permuted_null", "frozen_decoder"}
                # there a host row is no affine function of the codes: see Tower.host_map
                undefined = {"fri", "ltes"} if (kind, depth) == ("directions", 2) else set()
                missing = set(known) - undefined - set(at[at["control"] == "none"]["measure"])
                assert not missing or (kind, depth, split) == ("directions", 2, "held_out"), missing


def test_a_depth_is_compared_with_one_of_another_seed_and_with_dictionaries_that_nobody_learned(whole):
    measures = whole[1].measures
    for name in ("matched_share", "matched_cosine"):
        rows = measures[(measures["measure"] == name) & measures["kind"].isin(("latents", "directions"))]
        found = rows.groupby(["kind", "depth", "split", "control"], observed=True).size()
        assert found.to_dict() == {
            (kind, depth, "train", control): 2
            for kind in ("latents", "directions") for depth in (1, 2) for control in ("none", *DICTIONARIES)
        }  # fmt: skip
        assert rows["value"].between(-1, 1).all()


def test_values_are_where_they_can_be(whole):
    results = whole[1]
    assert results.measures[results.measures["measure"] == "variance_explained"]["value"].max() <= 1
    random = results.mean("host_accuracy", "host", 0, "held_out", "random_host")
    assert results.mean("host_accuracy", "host", 0) > 0.5 > random
    assert results.mean("host_variance_explained", "host", 0) == 1.0
    assert 0 < results.mean("l0", "latents", 2) <= 2 and 0 < results.mean("l0", "latents", 1) <= 4
    with pytest.raises(NotFoundError):
        results.mean("l0", "latents", 9)


def test_a_baseline_on_held_out_rows_was_not_fitted_on_them(whole):
    """In the directions kind rows are held out by folds, and a PCA of the same rows is an in-sample number."""
    results = whole[1]
    assert results.mean("variance_explained", "directions", 2, "held_out", "pca") < results.mean(
        "variance_explained", "directions", 2, "train", "pca"
    )


def test_the_examples_of_a_latent_are_held_out_and_fall_with_rank(whole):
    examples, sprite = whole[1].examples, whole[1].sprite
    assert set(examples["example"]) <= set(sprite["ids"]) and (examples["activation"] > 0).all()
    one = [*KEY[:-1], "latent"]
    ordered = examples.sort_values([*one, "rank"]).groupby(one, observed=True)["activation"]
    assert (ordered.diff().dropna() <= 0).all() and examples["rank"].max() == 8


def test_the_sprite_holds_the_held_out_images(whole):
    results = whole[1]
    sheet, sprite = np.asarray(Image.open(results.folder / "sprite.webp").convert("L")), results.sprite
    across = sprite["columns"]
    with np.load(whole[0].data / "digits" / "digits.npz") as file:
        images, held_out = file["images"][::EVERY], file["held_out"][::EVERY]
    assert sprite["ids"] == np.flatnonzero(held_out).tolist() and len(sprite["ids"]) > 300
    assert sheet.shape == (-(-len(sprite["ids"]) // across) * 28, across * 28)
    top, left = 77 // across * 28, 77 % across * 28
    assert np.array_equal(sheet[top : top + 28, left : left + 28], images[sprite["ids"][77]])


def test_progress_is_reported_up_to_the_end(whole):
    progress = whole[2]
    assert progress[-1].done == progress[-1].total == STAGES
    assert [p.done for p in progress] == sorted(p.done for p in progress)


def test_a_second_call_does_no_stage_again(whole):
    paths, results, _ = whole

    def stamps():
        return {path: path.stat().st_mtime_ns for path in paths.runs.rglob("*") if path.is_file()}

    before = stamps()
    assert is_current(tiny(paths), plan(tiny(paths)), paths)
    assert run(tiny(paths), paths, workers=1) == results.folder
    assert stamps() == before


def test_a_deeper_tower_and_another_seed_share_the_stages_that_are_the_same(whole):
    paths = whole[0]
    keys = [
        {stage.key for chain in plan(e) for stage in chain.stages} for e in (tiny(paths), tiny(paths, seeds=(1, 2)))
    ]
    assert len(keys[0] & keys[1]) == TRAINED + RANDOM
    deeper = tuple(replace(tower, depth=3, k=[2, 1]) for tower in tiny(paths).towers)
    stages = {stage.key: stage for chain in plan(tiny(paths, towers=deeper)) for stage in chain.stages}
    new = sorted((stage.name, getattr(stage.config, "depth", 0)) for key, stage in stages.items() if key not in keys[0])
    # of each chain: depth 3 of both kinds with, on the trained host, its nulls; and the measures
    assert [name for name, _ in new] == ["measures"] * 4 + ["null_tower"] * 2 + ["nulls"] * 4 + ["sae"] * 8
    assert {depth for name, depth in new if name in ("nulls", "sae")} == {3}


SCRIPT = """
from dataclasses import replace
from analysis.plan.config import load_experiment
from analysis.plan.paths import find
from analysis.run.pipeline import run
run(replace(load_experiment(find().experiments, "tiny"), seeds=(0,), controls=False), find(), workers=1)
"""


def of_seed(results, seed, table):
    """A table's rows of the trained network of one seed, without what compares seeds, and without the run's name, in
    which controls stand."""
    rows = getattr(results, table)
    runs = set(results.runs["run"][results.runs["seed"] == seed])
    rows = rows[rows["run"].isin(runs) & (rows["control"] != "random_host")]
    if table == "measures":
        rows = rows[~rows["measure"].isin(("matched_share", "matched_cosine"))]
    rows = rows.drop(columns="run")
    return rows.astype(dict.fromkeys(rows.select_dtypes("category"), str)).reset_index(drop=True)


@pytest.mark.thorough
def test_a_killed_run_is_completed_by_the_next_with_the_same_numbers(whole, project, monkeypatch):
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT], cwd=CHECKOUT, env={**os.environ, "STRATA_ROOT": str(project.root)}
    )
    try:
        until = time.monotonic() + 60
        while not list(project.runs.glob("*/*/manifest.json")):
            assert process.poll() is None and time.monotonic() < until, "no stage was done"
            time.sleep(0.01)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    done = {path: path.stat().st_mtime_ns for path in project.runs.glob("*/*/manifest.json")}
    assert 1 <= len(done) < TRAINED and not (project.collected / "tiny").exists()
    made = []
    monkeypatch.setattr(pipeline, "find", lambda room, name: made.append(name) or find(room, name))
    run(tiny(project, seeds=(0,), controls=False), project, workers=1)
    assert len(made) == TRAINED + 1 - len(done), "what was whole is not done again"
    assert {path: path.stat().st_mtime_ns for path in done} == done
    assert list(project.runs.glob("*/*.tmp-*")) == []
    results = open_results("tiny", project)
    # when, where and how long are not numbers of the experiment
    for table in TABLES[2:]:
        rows = of_seed(results, 0, table)
        assert rows.empty == (table == "stops")
        pd.testing.assert_frame_equal(rows, of_seed(whole[1], 0, table), check_exact=True)


def test_a_part_of_the_cache_that_was_deleted_is_made_again(whole, project):
    """paths.py: stage folders are a cache, safe to delete; so is any one of them."""
    shutil.copytree(whole[0].runs, project.runs)
    for stage in plan(tiny(project))[0].stages[:2]:
        shutil.rmtree(stage.folder(project.runs))
    shutil.rmtree(project.collected)
    run(tiny(project), project, workers=1)
    pd.testing.assert_frame_equal(open_results("tiny", project).measures, whole[1].measures, check_exact=True)


def broken(path, change):
    raw = path.read_bytes()
    path.unlink()
    if change is not None:
        path.write_bytes(change(raw))


def test_damaged_stages_and_tables_are_named_and_made_again_with_the_same_numbers(whole, project):
    """Of one chain's stages one each: a flipped bit, the end cut off, no JSON, gone; and a table of the results."""
    shutil.copytree(whole[0].runs, project.runs)
    of = {}
    for stage in plan(tiny(project))[0].stages:
        for path in stage.folder(project.runs).iterdir():
            of.setdefault(path.name, path)
    changes = {
        "layer.safetensors": lambda raw: raw[:-99] + bytes([raw[-99] ^ 1]) + raw[-98:],
        "train.npy": lambda raw: raw[:-1000],
        "folds.json": lambda raw: b"{" + raw,
        "measures.parquet": None,
    }
    for name, change in changes.items():
        broken(of[name], change)
    tables = project.collected / "tiny"
    broken(tables / "links.parquet", lambda raw: raw + b"0")
    said = []

    def warn(line):
        said.extend([line] if "made again" in line else [])

    run(tiny(project), project, workers=1, warn=warn)
    named = {str(of[name].parent): name for name in changes} | {str(tables): "links.parquet"}
    assert len(said) == len(named)
    for folder, name in named.items():
        (line,) = [line for line in said if line.startswith(f"damaged: {folder}:")]
        assert name in line and "\n" not in line
    again = open_results("tiny", project)
    for table in TABLES[2:]:
        pd.testing.assert_frame_equal(getattr(again, table), getattr(whole[1], table), check_exact=True)
    said.clear()
    run(tiny(project), project, workers=1, warn=warn)
    assert said == []


def test_a_worker_reads_nothing_that_was_altered_behind_right_sizes_and_times(whole, project, monkeypatch, capsys):
    shutil.copytree(whole[0].runs / "host", project.runs / "host")
    host, activations = plan(tiny(project))[0].stages[:2]
    path = host.folder(project.runs) / "host.safetensors"
    good = path.read_bytes()
    path.write_bytes(good[:-5] + bytes([good[-5] ^ 16]) + good[-4:])
    later = time.time_ns() + 10**10
    os.utime(path.with_name("manifest.json"), ns=(later, later))
    assert host.complete(project.runs)
    do_stage(activations, project.runs)
    assert path.read_bytes() == good
    assert f"{path.parent}: host.safetensors was altered" in capsys.readouterr().err
    rows = [np.load(s.folder(p.runs) / "train.npy") for s, p in ((activations, project), (activations, whole[0]))]
    assert np.array_equal(*rows)


def test_verify_trains_again_and_tells_what_can_be_made_again_from_what_was_changed(whole, project, monkeypatch):
    shutil.copytree(whole[0].runs, project.runs)
    plugins.load(project)
    done = CliRunner().invoke(app, ["verify", "tiny"])
    assert done.exit_code == 0 and "1 chain(s) trained again" in done.stdout and ": agrees" in done.stdout, done.output
    results = open_results("tiny", project)
    changed = results.measures.copy()
    changed.loc[changed["measure"] == "variance_explained", "value"] += 0.2
    changed.to_parquet(results.folder / "measures.parquet")
    seal(results.folder, results.manifest)  # as if they had been written so

    def trained(chain, paths, runs):
        """As it was just now, which agreed: what is trained a second time would be the same again."""
        for stage in chain.stages:
            shutil.copytree(stage.folder(whole[0].runs), stage.folder(runs))

    monkeypatch.setattr("analysis.run.verify.run_chain", trained)
    done = CliRunner().invoke(app, ["verify", "tiny"])
    assert done.exit_code == 1 and "DOES NOT AGREE" in done.stdout and "1 chain(s) trained again" in done.stdout


def test_looks_that_fail_are_reported_and_lose_no_table_of_the_chains(whole, project, monkeypatch):
    def fit(*given):
        raise DataError("no image of a five")

    monkeypatch.setattr("analysis.run.interpret.reader.Reader.fit", fit)
    shutil.copytree(whole[0].runs, project.runs, ignore=shutil.ignore_patterns(whole[0].collected.name))
    with pytest.raises(StageError, match=r"^looking at latents failed; tables of all 2 are collected:\n") as caught:
        run(tiny(project, seeds=(0,), interpret=InterpretConfig(kind="latents")), project, workers=1)
    assert "images of few_digits, stage reader/" in str(caught.value) and "no image of a five" in str(caught.value)
    assert "Traceback" not in str(caught.value), "data that will not do is no bug of ours"
    results = open_results("tiny", project)
    assert len(results.runs) == 2 and not results.looked
    with pytest.raises(DataError, match=r"\[interpret\]"):
        results.names  # noqa: B018 (asking is what fails)


def test_the_tiny_experiment_is_the_one_of_the_fixture(project):
    assert (project.experiments / "tiny.toml").read_text() == FEW and len(plan(tiny(project))) == 4

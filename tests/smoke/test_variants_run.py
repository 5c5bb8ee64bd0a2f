"""A tiny experiment of four variants: one trains, one dies and stops, one dies and goes on, one fails until mended."""

from __future__ import annotations

import json
import re

import pandas as pd
import pytest
from conftest import make_project
from factories import add_few_digits
from variants_story import GRID, KINDS, MENDED, STOPS, Story, cli

from analysis.plan import plugins
from analysis.plan.chains import plan
from analysis.plan.config import load_experiment
from analysis.plan.stage_folders import MANIFEST, read_manifest
from analysis.results.tables import TABLES, Results, is_current
from analysis.results.verdict import panel, verdicts
from analysis.run.listing import listed, text
from analysis.run.pipeline import run
from analysis.run.stages._load import STOPPED, read_json
from analysis.run.track import LATENT_MEASURES, track
from sae.errors import DataError, NotFoundError, StageError
from sae.rule import NAMES

pytestmark = [pytest.mark.thorough, pytest.mark.usefixtures("shapes_as_elsewhere")]


@pytest.fixture(scope="module")
def story(tmp_path_factory, shapes_as_elsewhere):
    """Run with a variant that fails, then mended."""
    paths = make_project(tmp_path_factory.mktemp("variants") / "project", GRID)
    add_few_digits(paths.root)
    plugins.load(paths)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STRATA_ROOT", str(paths.root))
        experiment = load_experiment(paths.experiments, "tiny")
        seen = Story(paths, plan(experiment), plan(experiment)[-1])
        with pytest.raises(StageError) as caught:
            run(experiment, paths, workers=1)
        seen.error = str(caught.value)
        seen.results_then = {table: getattr(seen.results, table) for table in TABLES}
        seen.listed_then, seen.done_then = listed(paths), seen.stamps()
        assert not is_current(experiment, seen.chains, paths), "so that the next call does what is missing"
        (paths.experiments / "tiny.toml").write_text(MENDED)
        experiment = load_experiment(paths.experiments, "tiny")
        seen.chains = plan(experiment)
        run(experiment, paths, workers=1, report=seen.progress.append)
        # beside it: one that was never run, and two that cannot be
        (paths.experiments / "later.toml").write_text(MENDED.replace("seeds = [0]", "seeds = [7]"))
        (paths.experiments / "broken.toml").write_text("seeds = [")
        (paths.experiments / "nowhere.toml").write_text(MENDED.replace("sae.train.lr", "sea.train.lr"))
        yield seen


@pytest.fixture(autouse=True)
def of_the_project(own_project, story):
    plugins.load(story.paths)


# a point that fails


def test_a_point_that_fails_is_named_and_the_tables_of_the_others_are_collected(story):
    chain = story.failed
    assert chain.config.variant == "fails, lr 1e+30"
    assert story.error.startswith("1 of 5 chains failed; tables of the other 4 are collected:\n")
    assert f"run {chain.run} (none), stage sae/" in story.error and "training stopped at step" in story.error
    assert not any(other.run in story.error for other in story.chains)
    for table, rows in story.results_then.items():
        assert chain.run not in set(rows["run"]) and len(rows), table
    assert list(story.results_then["runs"]["variant"]) == ["lives", "dies", "dies", "goes on"]


def test_a_second_call_does_what_is_missing_and_nothing_else(story):
    others = {stage.key for chain in story.chains[:-1] for stage in chain.stages}
    missing = [stage for stage in story.chains[-1].stages if stage.key not in others]
    assert [stage.name for stage in missing] == ["sae", "nulls"] * 3 + ["null_tower", "measures"]
    now = story.stamps()
    assert {path: now[path] for path in story.done_then} == story.done_then
    assert {path.parent.name for path in now.keys() - story.done_then.keys()} == {stage.key for stage in missing}
    assert story.progress[0].done == len(story.done_then) and story.progress[-1].done == story.progress[-1].total
    assert story.results.variants == ["lives", "dies", "goes on", "fails, lr 0.0019"]
    for table, rows in story.results_then.items():
        whole = getattr(story.results, table)
        same = whole[whole["run"].isin(set(rows["run"]))].reset_index(drop=True)
        pd.testing.assert_frame_equal(same, rows, check_categorical=False, check_dtype=False)


# a tower that stops


def test_a_tower_that_stops_says_so_once_for_each_kind_and_host(story):
    stops = story.results.stops
    assert set(stops["run"]) == {story.chain("dies").run}
    assert {(row.kind, row.control, row.depth, row.reason) for row in stops.itertuples()} == {
        (kind, control, 2, "live_share") for kind in KINDS for control in ("none", "random_host")
    }
    assert len(stops) == 4 and set(stops["sentence"]) == {STOPS}
    assert (stops["value"] < stops["limit"]).all() and set(stops["limit"]) == {0.02}


def test_depths_above_the_stop_have_no_numbers_and_were_not_trained(story):
    dies, lives = story.results.of("dies"), story.results.of("lives")
    for kind in KINDS:
        assert dies.depths(kind) == [1] and lives.depths(kind) == [1, 2]
        for table, depths in ((dies.training, {1}), (lives.training, {1, 2})):
            assert set(table[table["kind"] == kind]["depth"]) == depths
    assert set(dies.training["control"]) == {"none", "random_host"}
    assert dies.mean("live_share", "latents", 1, "train") == 0
    assert set(dies.links["depth"]) == set() and set(lives.links["depth"]) == {2}


def test_stages_above_the_stop_are_done_and_hold_the_reason_alone(story):
    runs = story.paths.runs
    for control in ("none", "random_host"):
        inputs = story.chain("dies", control).measures.inputs
        for kind in KINDS:
            for depth in (2, 3):
                folder = inputs[f"{kind}_{depth}"].folder(runs)
                assert sorted(path.name for path in folder.iterdir()) == [MANIFEST, STOPPED]
                assert read_json(folder / STOPPED)["depth"] == 2, "the depth at which it stopped, further up too"
                assert read_manifest(folder)["notes"] == {"stopped": STOPS}
                if control == "none":
                    assert read_json(inputs[f"nulls-{kind}_{depth}"].folder(runs) / "nulls.json") == []
    first = story.chain("dies").measures.inputs["nulls-latents_1"]
    assert read_json(first.folder(runs) / "nulls.json"), "depth 1 was trained, dead as it is"


def test_with_limits_of_0_a_dead_tower_goes_on_and_the_short_panel_shows_it(story):
    found = story.results.of("goes on")
    assert found.stops.empty and set(found.measures["control"]) == {"none"}
    for kind in KINDS:
        assert found.depths(kind) == [1, 2, 3]
        for depth in (1, 2, 3):
            assert found.mean("live_share", kind, depth, "train") == 0
            assert verdicts(found)[kind, depth].word == "collapse"
    for table in (found.latents, found.examples, found.links):
        assert table.empty, "numbers of whole SAEs only"


def test_the_verdict_on_what_stopped_is_collapse_with_the_sentence(story):
    found = verdicts(story.results.of("dies"))
    assert sorted(found) == [(kind, depth) for kind in KINDS for depth in (1, 2, 3)]
    for (_, depth), verdict in found.items():
        assert verdict.word == "collapse"
        assert verdict.why.startswith(STOPS if depth > 1 else "None of its latents ever fires")
    assert all(STOPS not in verdict.why for verdict in verdicts(story.results.of("lives")).values())


# the verdict as a command


def test_the_verdict_as_json_has_the_documented_keys_and_no_nan(story):
    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is no JSON")

    rows = json.loads(cli("verdict", "tiny", "--json"), parse_constant=refuse)
    assert rows == json.loads(json.dumps(panel(story.results)))
    places = {(row["variant"], row["kind"], row["depth"]) for row in rows}
    assert len(places) == len(rows)
    assert {(kind, depth) for variant, kind, depth in places if variant == "dies"} == {
        ("host", 0), *((kind, depth) for kind in KINDS for depth in (1, 2, 3)),
    }  # fmt: skip
    said = {"word", "why", "margin", "best_floor", "least", "floors", "p", "detects", "stopped"}
    for row in rows:
        assert {"experiment", "variant", "kind", "depth", "measures"} | (said if row["kind"] in KINDS else set()) == {
            *row
        }
        assert row["experiment"] == "tiny" and row["variant"] in story.results.variants
        if row["kind"] in KINDS:
            assert row["margin"].pop("examples").keys() == {"low", "high"}
            assert all(cell.keys() == {"mean", "low", "high"} for cell in (row["margin"], *row["floors"].values()))
            assert row["p"].keys() == {"one", "holm", "of"}
        for splits in row["measures"].values():
            for cell in (cell for controls in splits.values() for cell in controls.values()):
                assert cell.keys() == {"mean", "least", "greatest", "low", "high", "seeds"} and cell["seeds"] <= 1
    stopped = [row for row in rows if row["variant"] == "dies" and row["depth"] > 1]
    assert all(row["word"] == "collapse" and STOPS in row["why"] and row["measures"] == {} for row in stopped)
    alive = next(row for row in rows if (row["variant"], row["kind"], row["depth"]) == ("lives", "latents", 2))
    value = story.results.of("lives").mean("variance_explained", "latents", 2, "held_out", "gaussian_null")
    assert alive["measures"]["variance_explained"]["held_out"]["gaussian_null"]["mean"] == pytest.approx(
        value, abs=1e-6
    )


def test_the_verdict_as_text_names_variant_tower_and_depth(story):
    lines = cli("verdict", "tiny").splitlines()
    assert lines[0].startswith("Thresholds: {")
    at = lines.index("tiny, dies, latents, depth 3: collapse")
    assert lines[at + 1].strip() == f"{STOPS} So in 1 of 1 seeds."
    assert "tiny, lives, host, depth 0" not in lines
    assert "tiny, lives, host, depth 0" in cli("verdict", "tiny", "--all").splitlines()
    assert any(re.match(rf"  above {NAMES['stored_dictionary']} +[+-]\d\.\d{{3}}$", line) for line in lines), (
        "one seed, no interval"
    )


# the list


def test_the_list_says_how_far_each_experiment_is(story):
    rows = {row["experiment"]: row for row in listed(story.paths)}
    assert list(rows) == ["broken", "later", "nowhere", "tiny"]
    assert rows["broken"]["state"].startswith("invalid: broken.toml:1: no TOML: ")
    assert rows["nowhere"]["state"].startswith(
        "invalid: nowhere.toml:52: experiment nowhere: no setting 'sea.train.lr'"
    )
    later, tiny = rows["later"], rows["tiny"]
    assert (later["state"], later["stages_done"], later["results"], later["verdict"]) == ("not started", 0, "", "")
    assert {(run["state"], run["seed"], run["seconds"]) for run in later["runs"]} == {("not started", 7, 0)}
    assert (tiny["state"], tiny["title"], tiny["results"]) == ("complete", "Tiny variants", "data/runs/results/tiny")
    assert tiny["stages_done"] == tiny["stages"] == len(story.stamps())
    assert [(run["variant"], run["control"], run["state"], run["seed"]) for run in tiny["runs"]] == [
        ("lives", "none", "complete", 0), ("dies", "none", "complete", 0), ("dies", "random_host", "complete", 0),
        ("goes on", "none", "complete", 0), ("fails, lr 0.0019", "none", "complete", 0),
    ]  # fmt: skip
    assert [run["run"] for run in tiny["runs"]] == [chain.run for chain in story.chains]
    assert 0 < tiny["seconds"] < sum(run["seconds"] for run in tiny["runs"]), "shared stages count once"
    assert "dies: directions: collapse x3; latents: collapse x3" in tiny["verdict"].split(" | ")


def test_a_partly_done_experiment_counts_what_is_whole(story):
    (row,) = story.listed_then
    assert row["state"] == "partly done" and row["results"] == "data/runs/results/tiny"
    assert row["stages_done"] == len(story.done_then) == row["stages"] - 8
    assert [run["state"] for run in row["runs"]] == ["complete"] * 4 + ["partly done"]
    assert (row["runs"][-1]["stages_done"], row["runs"][-1]["stages"]) == (2, 10), "host and activations are shared"


def test_the_list_as_text_has_a_line_each_and_one_for_each_run_where_it_is_asked_for(story):
    rows = listed(story.paths)
    short, long = text(rows, runs=False).splitlines(), text(rows, runs=True).splitlines()
    assert cli("list").splitlines() == short and cli("list", "--runs").splitlines() == long
    assert json.loads(cli("list", "--json")) == rows
    heads = [line for line in short if not line.startswith(" ")]
    assert [line.split()[0] for line in heads] == ["broken", "later", "nowhere", "tiny"]
    assert re.match(r"tiny +complete +\d+/\d+ stages, 5 runs, \d+ s  data/runs/results/tiny  Tiny variants$", heads[-1])
    assert re.match(r"later +not started +0/\d+ stages, 5 runs, 0 s  \(no results\)  Tiny variants$", heads[1])
    assert len(short) == 4 + 4, "and the verdict of each variant"
    added = [line for line in long if line not in short]
    assert len(added) == 2 * 5, "of `tiny` and of `later`"
    for chain in story.chains:
        wanted = rf"    {chain.run} seed 0 {chain.control} +complete +\d+ s  {chain.config.variant}"
        assert any(re.fullmatch(wanted, line) for line in added), wanted


# tracked tables


@pytest.fixture(scope="module")
def tracked(story):
    """The folder of the tracked tables."""
    return track("tiny", story.paths)


def test_tracked_tables_are_small_have_no_images_and_open_as_results(story, tracked):
    assert tracked == story.paths.tracked / "tiny"
    assert sorted(path.name for path in tracked.iterdir()) == sorted(
        [MANIFEST, *(f"{name}.parquet" for name in TABLES)]
    )
    size, whole = (sum(p.stat().st_size for p in f.glob("*.parquet")) for f in (tracked, story.results.folder))
    assert size < 200_000 and size < whole
    results = Results(tracked)
    assert results.experiment == "tiny" and results.variants == story.results.variants
    assert {"tracked"} == results.manifest.keys() - story.results.manifest.keys()
    for table in ("runs", "training", "measures", "stops"):
        old, new = (getattr(r, table).astype({"run": str}) for r in (story.results, results))
        pd.testing.assert_frame_equal(new, old, check_categorical=False, check_exact=True)
    assert panel(results) == panel(story.results), "the same verdict"
    with pytest.raises(DataError, match=r"holds no images, as tracked tables do; `strata run tiny` does"):
        _ = results.sprite


def test_of_single_latents_the_first_run_is_tracked_as_it_was(story, tracked):
    results = Results(tracked)
    for table in ("latents", "examples", "links"):
        rows, whole = getattr(results, table), getattr(story.results, table)
        assert set(rows["run"]) == {story.results.first_run} and set(rows["control"]) == {"none"}, table
        assert set(rows["kind"]) == set(KINDS) and 0 < len(rows) <= len(whole) / 2, table
        columns = list(rows.columns)
        plain = [frame.astype(dict.fromkeys(frame.select_dtypes("category"), str)) for frame in (rows, whole)]
        assert len(plain[0].merge(plain[1], on=columns)) == len(rows), table
    measures, shares = set(results.latents["measure"]), {f"class_share_{label}" for label in range(10)}
    assert set(results.latents["split"]) == set(results.examples["split"]) == {"held_out"}
    assert measures == {*LATENT_MEASURES, *shares} & set(story.results.latents["measure"])
    assert measures > shares and {"firing_rate", "selectivity", "chosen_class"} < measures


def test_tracking_again_replaces_the_folder_as_a_whole(story, tracked):
    before = {path.name: path.read_bytes() for path in tracked.iterdir()}
    (tracked / "left_over.parquet").write_text("of an older version")
    (tracked / "stops.parquet").write_text("damaged")
    assert cli("track", "tiny").strip() == "tracked: data/results/tiny"
    assert {path.name: path.read_bytes() for path in tracked.iterdir()} == before
    assert [path.name for path in tracked.parent.iterdir()] == ["tiny"]


def test_what_was_not_run_here_cannot_be_tracked(story, tracked):
    with pytest.raises(NotFoundError, match="that was run here named 'later'; found: tiny"):
        track("later", story.paths)
    assert not (story.paths.tracked / "later").exists()


def test_where_only_tracked_tables_are_the_list_has_the_runs_as_they_were_collected(
    story, tracked, tmp_path, monkeypatch
):
    paths = make_project(tmp_path / "project", MENDED)
    add_few_digits(paths.root)
    paths.tracked.mkdir()
    tracked.rename(paths.tracked / "tiny")
    monkeypatch.setenv("STRATA_ROOT", str(paths.root))
    try:
        (row,) = listed(paths)
    finally:
        (paths.tracked / "tiny").rename(tracked)
    (there,) = (row for row in listed(story.paths) if row["experiment"] == "tiny")
    assert (row["state"], row["stages_done"], row["results"]) == ("collected", 0, "data/results/tiny")
    assert {run["state"] for run in row["runs"]} == {"collected"}
    keys = ("run", "variant", "seed", "control")
    assert [[run[key] for key in keys] for run in row["runs"]] == [[run[key] for key in keys] for run in there["runs"]]
    assert 0 < row["seconds"] < there["seconds"], "of training alone"
    assert row["verdict"] == there["verdict"]
    assert json.dumps(row) and "collected" in text([row], runs=True)

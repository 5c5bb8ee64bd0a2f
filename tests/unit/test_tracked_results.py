"""What is tracked is small, whole, made from the configs that stand beside it, and enough for every artefact."""

from __future__ import annotations

import pytest
from project_figures import CALLS, drawing, experiments
from tests_root import CHECKOUT

from analysis.plan.config import RunConfig, load_experiment
from analysis.plan.paths import Paths
from analysis.plan.stage_folders import FILES, MANIFEST, damage, read_manifest
from analysis.results.measure_names import can_be
from analysis.results.tables import LOOKED, MAPS, TABLES, Results
from analysis.results.verdict import verdicts
from sae.rule import WORDS

PATHS = Paths(CHECKOUT)
TRACKED = sorted(path.parent.name for path in PATHS.tracked.glob("*/manifest.json"))
JUDGED = ("towers", "fashion", "schedules", "lengths", "decompose")
MOST_BYTES = 500_000
# With the images that are shown, and pictures of every latent.
MOST_LOOKED = 3_000_000


@pytest.mark.parametrize("name", TRACKED)
def test_tables_are_small_and_whole(name):
    results = Results(PATHS.tracked / name)
    assert results.experiment == name
    for table in (*TABLES, *(LOOKED if results.looked else ()), MAPS):
        getattr(results, table)
    assert all(file.stat().st_size <= MOST_BYTES for file in results.folder.glob("*.parquet") if not results.looked)
    whole = sum(file.stat().st_size for file in results.folder.rglob("*") if file.is_file())
    assert whole <= (MOST_LOOKED if results.looked else 2 * MOST_BYTES)
    assert bool(list(results.folder.rglob("*.webp"))) == results.looked, "images only where latents are looked at"


@pytest.mark.parametrize("name", TRACKED)
def test_every_file_is_as_its_manifest_says_and_none_is_left_out(name):
    folder = PATHS.tracked / name
    files = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert not damage(folder) and files == {MANIFEST, *read_manifest(folder)[FILES]}


@pytest.mark.parametrize("name", TRACKED)
def test_tables_were_made_from_the_config_that_stands_beside_them(name):
    results = Results(PATHS.tracked / name)
    made = {RunConfig.from_canonical(text).canonical() for text in results.runs["config"]}
    assert made == {run.canonical() for run in load_experiment(PATHS.experiments, name).runs()}


@pytest.mark.parametrize("name", JUDGED)
def test_every_depth_that_was_planned_has_a_word(name):
    results = Results(PATHS.tracked / name)
    for variant in results.variants:
        found = verdicts(results.of(variant))
        # whose data are not at hand, and whose tables are older than the floors of codes
        without = [verdict for verdict in found.values() if verdict.word is None]
        assert all("for want of: curveball_null" in verdict.why for verdict in without)
        assert len(without) == (2 if name == "fashion" else 0), variant
        assert found and all(verdict.word in (None, *WORDS) for verdict in found.values()), variant


def test_every_artefact_finds_the_experiments_that_it_names():
    for name in CALLS:
        assert set(experiments(name)) <= {"", *TRACKED}, name


def test_every_measure_in_the_tables_is_known_by_its_name():
    found = {name for folder in TRACKED for name in Results(PATHS.tracked / folder).measured}
    assert found and [name for name in sorted(found) if not can_be(name)] == []


def test_the_table_of_verdicts_prints_the_floors_that_the_rule_compares_with():
    """Of codes that were encoded or learned again it is not what they are worth that counts."""
    table = drawing("verdict").data.set_index(["row", "depth"])["mean"]
    judged = verdicts(Results(PATHS.tracked / "towers"))
    for depth in (2, 3, 4):
        verdict = judged["latents", depth]
        assert verdict.best_floor in ("reencoded_null", "relearned_null")
        own = table["variance_explained, held_out, none, latents", depth]
        floor = table[f"variance_explained, held_out, {verdict.best_floor}, latents", depth]
        assert own - floor == pytest.approx(verdict.margin, abs=1e-6)


def test_the_six_depths_of_the_verdict_have_a_map_with_its_floors():
    results = Results(PATHS.tracked / "towers")
    maps = results.maps
    assert maps is not None and set(maps["run"]) == {results.first_run}
    counts = maps.groupby(["depth", "control"], observed=True).size().unstack()
    assert list(counts.index) == results.depths("latents")
    assert (counts.nunique(axis=1) == 1).all(), "as many directions that nobody learned as latents"
    fires = results.latents[(results.latents["measure"] == "firing_rate") & (results.latents["value"] > 0)]
    own = maps[maps["control"] == "none"]
    for depth, rows in fires[fires["kind"] == "latents"].groupby("depth"):
        assert set(own[own["depth"] == depth]["latent"]) == set(rows["latent"])

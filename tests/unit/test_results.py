"""Tables as they are read: one variant of them, those of another experiment, and numbers from both."""

from __future__ import annotations

import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pandas as pd
import pytest
from factories import RUNS, some_results, write_results
from planted_tables import Planted, write

from analysis.pages.numbers import CONTROLS
from analysis.plan.paths import Paths
from analysis.plan.stage_folders import read_manifest, seal
from analysis.results import latents
from analysis.results import verdict as verdicts
from analysis.results.tables import TABLES, Results, open_results, source
from analysis.system import swap
from sae.errors import DataError, NotFoundError, StageError
from sae.rule import NAMES


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    """A project with three experiments, and the site's own."""
    return some_results(tmp_path)


@pytest.fixture
def grid(paths: Paths) -> Results:
    return open_results("grid", paths)


# variants


def test_variants_stand_in_the_order_of_the_runs(grid):
    assert grid.variants == ["as published, penalty 0.1", "TopK"]
    assert grid.of("TopK").variants == grid.variants, "whichever of them is seen"


def test_a_variant_filters_every_table(grid):
    for variant, runs in (("TopK", {"s0"}), ("as published, penalty 0.1", {"r0", "r1"})):
        seen = grid.of(variant)
        for table in TABLES:
            frame = getattr(seen, table)
            assert set(frame["run"]) == runs, table
            assert list(frame.columns) == list(getattr(grid, table).columns)
    assert all(set(getattr(grid, table)["run"]) == {"r0", "r1", "s0"} for table in TABLES), "and the whole stays whole"


def test_numbers_of_a_variant_are_means_over_its_runs(grid):
    assert grid.mean("selectivity", "latents", 1) == pytest.approx(0.4)
    assert grid.of("as published, penalty 0.1").mean("selectivity", "latents", 1) == pytest.approx(0.2)
    topk = grid.of("TopK")
    assert topk.mean("selectivity", "latents", 1) == 0.8 and topk.first_run == "s0"
    assert topk.of("as published, penalty 0.1").first_run == "r0", "another one, from there"
    assert (topk.experiment, topk.digest) == (grid.experiment, grid.digest)


def test_an_unknown_variant_lists_those_there_are(grid):
    with pytest.raises(NotFoundError, match=r"no variant named 'topk'; found: TopK, as published, penalty 0\.1"):
        grid.of("topk")


def test_tables_that_are_not_whole_say_how_to_make_them_again(grid):
    (grid.folder / "stops.parquet").unlink()
    with pytest.raises(DataError, match=r"stops\.parquet cannot be read .*delete .*strata run"):
        _ = grid.stops


# whose tables


def test_what_was_run_here_goes_before_what_is_tracked(paths):
    assert open_results("both", paths).first_run == "new"
    assert open_results("towers", paths).folder == paths.tracked / "towers"
    with pytest.raises(NotFoundError, match="named 'neither'; found: both, digits, grid, towers"):
        open_results("neither", paths)


def test_a_name_that_is_empty_or_the_sites_own_is_what_the_site_is_built_from(paths):
    main = open_results("both", paths)
    assert source(main, "", paths) is main and source(main, "both", paths) is main
    shutil.rmtree(main.folder)
    assert source(main, "both", paths) is main, "without a look at any folder"


@pytest.mark.parametrize("main", ["digits", "grid", "towers"])
def test_any_other_name_is_its_own_tables_whatever_the_site_is_built_from(main, paths):
    site = open_results(main, paths)
    for name, first, folder in (("both", "new", paths.collected), ("towers", "t0", paths.tracked)):
        found = source(site, name, paths)
        assert (found.experiment, found.first_run, found.folder) == (name, first, folder / name)
    with pytest.raises(NotFoundError, match="named 'neither'"):
        source(site, "neither", paths)


def test_other_tables_are_opened_once_until_they_are_replaced(paths):
    main = open_results("digits", paths)
    found = source(main, "towers", paths)
    assert source(main, "towers", paths) is found
    shutil.rmtree(found.folder)
    again = write_results(found.folder, "towers", {"t1": ("", 0, 0.6)})
    os.utime(again.folder / "manifest.json", ns=(0, 1))  # not within the same tick of a coarse clock
    assert source(main, "towers", paths).first_run == "t1"


# one version, and whole


@pytest.fixture
def sealed(paths: Paths) -> Results:
    """`grid` with digests in its manifest."""
    folder = paths.collected / "grid"
    seal(folder, read_manifest(folder))
    return open_results("grid", paths)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda raw: raw[:-9] + bytes([raw[-9] ^ 2]) + raw[-8:], r"links\.parquet was altered"),
        (lambda raw: raw[:200], r"links\.parquet has 200 bytes, written were"),
        (lambda raw: b"", r"links\.parquet has 0 bytes"),
        (None, r"links\.parquet is missing"),
    ],
)
def test_a_damaged_table_is_named_with_its_folder_and_what_makes_it_again(sealed, change, words):
    path = sealed.folder / "links.parquet"
    raw = path.read_bytes()
    path.unlink()
    if change:
        path.write_bytes(change(raw))
    with pytest.raises(DataError, match=words) as caught:
        _ = sealed.links
    assert str(caught.value).startswith(f"{sealed.folder}: ") and "`strata run grid`" in str(caught.value)
    assert len(sealed.measures) == 3, "what is whole can be read"
    with pytest.raises(DataError, match=words):
        _ = sealed.digest


def test_an_extra_table_that_is_gone_is_damage_and_not_taken_for_one_that_was_never_made(sealed, paths):
    (sealed.folder / "names.parquet").unlink()
    found = open_results("grid", paths)
    assert found.looked
    with pytest.raises(DataError, match=r"names\.parquet is missing"):
        _ = found.names


def test_tables_that_look_right_but_were_written_by_another_are_refused(sealed):
    """A whole parquet file of the right schema, with one number changed."""
    path = sealed.folder / "measures.parquet"
    rows = pd.read_parquet(path)
    rows.loc[1, "value"] = -3e73
    rows.to_parquet(path, index=False)
    with pytest.raises(DataError, match=r"measures\.parquet (was altered|has)"):
        _ = sealed.measures


def test_tables_that_have_lost_their_manifest_are_not_replaced_by_older_ones(paths):
    (paths.collected / "both" / "manifest.json").unlink()
    with pytest.raises(StageError, match=r"both has no readable manifest.*`strata run` makes it again"):
        open_results("both", paths)


@pytest.mark.parametrize(
    "change", [lambda text: text.replace('"r1"', '"r7"'), lambda text: text[:-3], lambda text: "7"]
)
def test_a_manifest_that_is_not_what_was_written_is_named_with_what_mends_it(sealed, paths, change):
    path = sealed.folder / "manifest.json"
    path.write_text(change(path.read_text()))
    with pytest.raises(
        StageError, match=r"grid has no readable manifest: .*; `strata run` makes it again, or `git"
    ) as caught:
        _ = open_results("grid", paths).experiment
    assert "\n" not in str(caught.value)


def replaced(folder: Path, experiment: str, runs: dict[str, tuple[str, int, float]]) -> None:
    """What a run does that ends while somebody reads."""
    shutil.rmtree(folder)
    write_results(folder, experiment, runs)
    seal(folder, read_manifest(folder))


def test_tables_of_two_versions_never_meet(sealed):
    assert set(sealed.runs["run"]) == {"r0", "r1", "s0"}
    replaced(sealed.folder, "grid", {"n0": ("", 0, 0.9)})
    for table in ("measures", "training"):
        with pytest.raises(DataError, match="grid was replaced while it was read, by a run that has just ended"):
            getattr(sealed, table)
    with pytest.raises(DataError, match="was replaced"):
        _ = sealed.of("TopK").measures
    assert set(sealed.runs["run"]) == {"r0", "r1", "s0"}, "what was read is still that version's"


def test_what_was_opened_is_compared_with_what_stands_there_in_the_end(sealed, paths):
    source(sealed.of("TopK"), "both", paths)
    sealed.check_unchanged()
    replaced(paths.collected / "both", "both", {"newer": ("", 0, 0.4)})
    assert source(sealed, "both", paths).first_run == "newer"
    with pytest.raises(DataError, match="both was replaced"):
        sealed.check_unchanged()
    open_results("grid", paths).check_unchanged()
    replaced(sealed.folder, "grid", RUNS | {"n0": ("TopK", 1, 0.9)})
    with pytest.raises(DataError, match="grid was replaced"):
        sealed.check_unchanged()


@pytest.mark.parametrize("atomic", [True, False])
def test_a_reader_sees_old_or_new_whatever_runs_end_meanwhile(paths, monkeypatch, atomic):
    if not atomic:
        monkeypatch.setattr(swap, "exchange", lambda one, other: False)
    folder = paths.collected / "busy"

    def write(version: int) -> None:
        with swap.fresh_beside(folder) as fresh:
            write_results(fresh / "made", "busy", {f"v{version}": ("", 0, float(version))})
            for path in (fresh / "made").iterdir():
                path.rename(fresh / path.name)
            (fresh / "made").rmdir()
            seal(fresh, read_manifest(fresh))

    write(0)
    with ThreadPoolExecutor(2) as pool:
        writing = [pool.submit(write, version) for version in range(1, 5)]
        while not all(done.done() for done in writing):
            found = open_results("busy", paths)
            try:
                (run,), (value,) = found.runs["run"], found.measures["value"]
            except DataError as error:
                assert "was replaced while it was read" in str(error)
            else:
                assert run == f"v{value:.0f}"
        assert [done.result() for done in writing] == [None] * 4
    assert open_results("busy", paths).first_run.startswith("v")
    assert [path.name for path in paths.collected.glob("*busy*")] == ["busy"]


# numbers in prose


def test_values_are_the_rows_of_the_measure_sorted_and_the_callers_own(grid):
    rows = grid.measures.query("measure == 'selectivity' and split == 'held_out' and control == 'none'")
    rows = rows.sort_values(["kind", "depth", "run"])[["run", "kind", "depth", "value", "n"]]
    for kind in (None, "latents"):
        found = grid.values("selectivity", kind)
        assert len(found) and found.equals(rows)
        found["value"] = 0.0
        assert grid.values("selectivity", kind).equals(rows)
    for empty in (grid.values("selectivity", "directions"), grid.values("nothing")):
        assert empty.empty and list(empty) == list(rows)


def test_images_of_a_latent_are_its_rows_of_each_band_strongest_first(paths):
    results = write_results(paths.collected / "seen", "seen", {"run-1": ("", 0, 0.5)})
    place = {"run": "run-1", "kind": "latents", "depth": 1, "control": "none"}
    rows = [(5, 1, 0, 31, 0.2), (2, 0, 1, 11, 0.8), (2, 0, 0, 12, 0.9), (5, 0, 0, 30, 0.7), (2, 4, 0, 13, 0.1)]
    columns = ("latent", "band", "rank", "example", "activation")
    pd.DataFrame([place | dict(zip(columns, row, strict=True)) for row in rows]).to_parquet(
        results.folder / "bands.parquet"
    )
    found = latents.images(Results(results.folder), "latents", 1)
    shown = {one: {band: part["example"].tolist() for band, part in bands.items()} for one, bands in found.items()}
    assert shown == {2: {0: [12, 11], 4: [13]}, 5: {0: [30], 1: [31]}}
    assert latents.images(Results(results.folder), "latents", 9) == {}


def test_what_is_printed_of_a_verdict_has_the_words_of_the_pages(tmp_path):
    rows = verdicts.panel(write(tmp_path / "planted", Planted(depths=2, wobble=0.02)))
    short, whole = verdicts.text(rows), verdicts.text(rows, whole=True)
    floors = {name for row in rows for name in row.get("floors", {})}
    assert {"frozen_decoder", "memorising"} <= floors <= set(NAMES)
    for name in floors:
        assert f"above {NAMES[name]} " in short
        if name not in ("reencoded_null", "relearned_null"):  # made of two numbers, which have names of their own
            assert f"   {NAMES[name]} 0." in whole
    assert "random network 0." in whole and "shuffled labels 0." in whole
    for name in (control for control in CONTROLS if "_" in control):
        assert name not in whole and verdicts.CONTROLS[name]
    # the columns stand below each other
    places = {line.find("+") if "+" in line else line.find("-") for line in short.splitlines() if "  above " in line}
    assert len(places) == 1

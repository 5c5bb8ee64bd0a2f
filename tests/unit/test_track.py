"""Tracked results say what their files hold: when they are copied, and afterwards for those that did not."""

from __future__ import annotations

import pytest
from factories import write_results

from analysis.plan.stage_folders import FILES, MANIFEST, SEAL, damage, read_manifest, seal
from analysis.results.tables import Results
from analysis.run.track import add_digests, track
from sae.errors import DataError, NotFoundError, StageError

RUNS = {"r0": ("", 0, 0.1), "r1": ("", 1, 0.3)}


def bytes_of(folder):
    return {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file() and path.name != MANIFEST}


def test_what_is_tracked_lists_every_file_and_is_whole(project):
    write_results(project.collected / "pairs", "pairs", RUNS)
    seal(project.collected / "pairs", read_manifest(project.collected / "pairs"))
    for _ in range(2):
        folder = track("pairs", project)
        manifest = read_manifest(folder)
        assert set(manifest[FILES]) == set(bytes_of(folder)) and not damage(folder)
        assert manifest["tracked"].startswith("single latents") and manifest["runs"] == ["r0", "r1"]
        assert [path.name for path in project.tracked.iterdir()] == ["pairs"]


def test_damaged_tables_are_not_tracked_and_what_is_tracked_stays(project):
    run_here = project.collected / "pairs"
    write_results(run_here, "pairs", RUNS)
    seal(run_here, read_manifest(run_here))
    before = bytes_of(track("pairs", project))
    (run_here / "stops.parquet").write_bytes(b"PAR1")
    with pytest.raises(DataError, match=r"stops\.parquet has 4 bytes"):
        track("pairs", project)
    assert bytes_of(project.tracked / "pairs") == before
    assert [path.name for path in project.tracked.iterdir()] == ["pairs"]


def test_digests_are_added_to_a_manifest_without_them_and_nothing_else_changes(project):
    folder = project.tracked / "older"
    write_results(folder, "older", RUNS)
    files, manifest = bytes_of(folder), read_manifest(folder)
    assert add_digests("older", project) == folder
    added = read_manifest(folder)
    assert bytes_of(folder) == files and set(added) == {*manifest, FILES, SEAL}
    assert {name: added[name] for name in manifest} == manifest
    assert set(added[FILES]) == set(files) and not damage(folder)
    stamp = (folder / MANIFEST).stat().st_mtime_ns
    add_digests("older", project)
    assert (folder / MANIFEST).stat().st_mtime_ns == stamp, "once"


def test_damage_is_never_sealed(project):
    folder = project.tracked / "older"
    write_results(folder, "older", RUNS)
    table = folder / "links.parquet"
    good = table.read_bytes()
    table.write_bytes(good[:50])
    with pytest.raises(DataError, match=r"links\.parquet cannot be read"):
        add_digests("older", project)
    table.write_bytes(good)
    add_digests("older", project)
    table.write_bytes(good[:-1] + b"?")
    before = (folder / MANIFEST).read_bytes()
    with pytest.raises(StageError, match=r"links\.parquet was altered.*git checkout"):
        add_digests("older", project)
    assert (folder / MANIFEST).read_bytes() == before
    with pytest.raises(DataError, match=r"was altered.*strata run"):
        _ = Results(folder).links


def test_results_that_are_not_tracked_are_refused_with_those_that_are(project):
    write_results(project.tracked / "older", "older", RUNS)
    with pytest.raises(NotFoundError, match="no tracked results named 'newer'; found: older"):
        add_digests("newer", project)

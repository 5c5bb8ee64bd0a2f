"""What stands on the pages and in the files of a finished project, looked at from every side."""

from __future__ import annotations

import gzip
import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from project_figures import CALLS
from typer.testing import CliRunner

from analysis.cli.main import app
from analysis.figures.draw import Artefact, draw_all
from analysis.figures.style import ROLES
from analysis.pages import build as builder
from analysis.pages.explorer import shown_cells
from analysis.pages.image_folders import write_images
from analysis.results.tables import LOOKED
from analysis.site import render as renderer
from analysis.site.serve import serve
from sae.errors import DataError, NotFoundError, RenderError

# Every page of this repository, made once: half a minute that the default suite goes without.
pytestmark = pytest.mark.thorough


class Ids(HTMLParser):
    def __init__(self):
        super().__init__()
        self.ids: list[str] = []
        self.images: list[dict] = []

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        if "id" in found:
            self.ids.append(found["id"])
        if tag == "img":
            self.images.append(found)


@pytest.mark.parametrize("name", CALLS)
def test_every_figure_has_words_data_and_one_body(site, name):
    record = next(record for record in site.records if record.name == name)
    assert record.title and record.caption.endswith(".") and record.alt
    text = (site.paths.generated / f"{name}.md").read_text()
    body = text.partition("```{=html}\n")[2].partition("\n```\n")[0].partition("</p>\n")[2]
    kinds = ('<div class="chart" ', '<img class="raster" ')
    assert body.startswith("<") and sum(body.count(kind) for kind in kinds) <= 1
    assert not pd.read_csv(site.paths.built_assets / f"{name}.csv").empty
    assert record.figure[:4] in ("tbl-", "fig-")


@pytest.mark.parametrize("name", CALLS)
def test_every_fragment_has_its_id_and_no_leftover_colour_or_nan(site, name):
    text = (site.paths.generated / f"{name}.md").read_text()
    kind = next(record for record in site.records if record.name == name).figure[:3]
    assert text.startswith(f"::: {{#{kind}-{name.replace('_', '-')}")
    shown = re.sub(r"<script.*?</script>", "", text, flags=re.S)
    assert not any(colour in shown for colour in ROLES.values())
    assert "NaN" not in shown and ">nan<" not in shown
    assert f"](/report/assets/generated/{name}.csv)" in text


def test_chart_specs_are_json_with_a_description_and_few_rows(site):
    for name in CALLS:
        text = (site.paths.generated / f"{name}.md").read_text()
        for spec in re.findall(r'class="chart-spec">(.*?)</script>', text, re.S):
            assert "<" not in spec  # `<!--<script` would swallow the rest of the page
            parsed = json.loads(spec)
            assert parsed["description"] and len(spec) < 60_000


def test_pages_have_unique_ids_and_images_with_alt(site):
    pages = list(site.paths.site.rglob("*.html"))
    assert len(pages) == 25
    for page in pages:
        parser = Ids()
        parser.feed(page.read_text())
        assert len(parser.ids) == len(set(parser.ids)), page
        assert all(image.get("alt") for image in parser.images), page


def test_every_artefact_is_shown_on_a_page_and_listed_under_reproduce(site):
    paths, records = site.paths, site.records
    whole = "".join(page.read_text() for page in paths.site.rglob("*.html"))
    reproduce = (paths.site / "report/reproduce.html").read_text()
    for record in records:
        assert f'id="{record.figure}"' in whole, record.name
        assert f'id="made-{record.name.replace("_", "-")}"' in reproduce


def test_no_page_names_another_host_but_in_links(site):
    for page in site.paths.site.rglob("*.html"):
        text = re.sub(r'<a [^>]*href="https?://[^"]*"', "", page.read_text())
        text = re.sub(r'<meta [^>]*content="https?://[^"]*"|<link rel="canonical"[^>]*>|xmlns(:\w+)?="[^"]*"', "", text)
        text = re.sub(r'<script type="application/json".*?</script>', "", text, flags=re.S)
        assert not re.search(r'(src|href|url\()\s*=?\s*["\']?https?://', text), page


def test_a_second_build_draws_nothing_and_a_changed_record_draws_one(site):
    paths, results, records = site.paths, site.results, site.records
    drawn: list[str] = []
    draw_all(list(CALLS.values()), results, site.history(), paths, drawn.append)
    assert drawn == []
    record = paths.build / "artefacts" / "live_by_depth.json"
    content = json.loads(record.read_text())
    record.write_text(json.dumps(content | {"key": "older"}))
    draw_all(list(CALLS.values()), results, site.history(), paths, drawn.append)
    assert drawn == ["live_by_depth"]
    assert isinstance(records[0], Artefact)


def test_a_build_whose_tables_were_replaced_on_the_way_says_so(site, monkeypatch):
    """With the tables that stand there it goes through: so the project was finished."""
    paths, results, records = site.paths, site.results, site.records
    older = replace(results, given=replace(results.pinned, raw=results.pinned.raw + b"\n"))
    monkeypatch.setattr("analysis.pages.build.draw_all", lambda *_: records)
    monkeypatch.setattr(builder, "run_notebooks", lambda *_: [])
    monkeypatch.setattr(builder, "write_all", lambda *_: None)
    with pytest.raises(DataError, match="results/digits was replaced while it was read, by a run that has just ended"):
        builder.build(older, paths)


def test_a_failed_render_leaves_the_last_good_site(paths):
    """Of a small project: how many pages there are is nothing to it."""
    renderer.render(paths, "embedded")
    page, good = paths.root / "index.qmd", (paths.site / "index.html").read_bytes()
    page.write_text(page.read_text() + "\nsee @fig-nowhere\n")
    with pytest.raises(RenderError, match="fig-nowhere"):
        renderer.render(paths, "embedded")
    assert (paths.site / "index.html").read_bytes() == good
    assert not [f for f in paths.root.iterdir() if f.name.startswith("._site")]


def test_the_server_serves_the_site_to_this_machine_and_nothing_outside_it(site):
    import threading
    import urllib.error
    import urllib.request

    paths = site.paths
    (paths.root / "secret.txt").write_text("not for you")
    server = serve(paths, 0)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        host, port = server.server_address[:2]
        assert host == "127.0.0.1"
        base = f"http://127.0.0.1:{port}"
        assert b"<main" in urllib.request.urlopen(f"{base}/index.html", timeout=5).read()
        for path in ("/../secret.txt", "/%2e%2e/secret.txt", "/report/../../secret.txt"):
            with pytest.raises(urllib.error.HTTPError):
                urllib.request.urlopen(base + path, timeout=5).read()
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


LOOKED_COLUMNS = {
    "names": ["run", "kind", "depth", "control", "latent", "name", "named", "classes", "conditions"],
    "bands": ["run", "kind", "depth", "control", "latent", "band", "rank", "example", "activation"],
    "histograms": ["run", "kind", "depth", "control", "latent", "bin", "count"],
    "relations": ["run", "kind", "depth", "control", "latent", "relation", "rank", "other", "value"],
}


def test_tables_of_single_latents_have_the_documented_columns_and_no_holes(site):
    results = site.results
    assert set(LOOKED_COLUMNS) == set(LOOKED)
    for table, columns in LOOKED_COLUMNS.items():
        frame = getattr(results, table)
        assert sorted(frame.columns) == sorted(columns) and len(frame), table
        assert not frame.isna().any().any(), table
        keys = [c for c in columns if c not in ("value", "activation", "example", "other", "count", "name", "named")]
        assert not frame.duplicated(keys).any(), table
    assert set(results.bands["example"]) <= set(results.sprite["ids"]), "only images that are shown elsewhere, too"
    assert (results.bands["activation"] > 0).all()
    strongest = results.bands[results.bands["band"] == 0].sort_values("rank")
    by_latent = strongest.groupby(["run", "kind", "depth", "control", "latent"], observed=True)["activation"]
    assert by_latent.is_monotonic_decreasing.all()
    assert not results.measures.duplicated(["run", "kind", "depth", "split", "control", "measure"]).any()


def test_every_depth_of_every_chain_was_named_and_the_first_seed_has_pictures(site):
    results = site.results
    places = results.names.groupby(["run", "control", "kind", "depth"], observed=True).size()
    assert len(places) == 2 * 2 * 5, "two seeds, two hosts, neurons and four depths"
    assert set(results.bands["run"]) == {results.first_run}
    shown = {sheet.stem for sheet in (results.folder / "sheets").glob("*.webp")}
    assert len(shown) == 3 * 5 * 2, "three views of five depths on two hosts"


def test_the_explorer_can_fetch_every_depth_and_every_number_is_one(site):
    paths, results = site.paths, site.results
    folder = paths.built_assets / "explorer" / "site"
    index = json.loads((folder / "index.json").read_text())
    assert [level["depth"] for level in index["levels"]] == [0, 1, 2, 3, 4]
    for level in index["levels"]:
        raw = (folder / level["file"]).read_bytes()
        assert len(gzip.compress(raw)) <= 200_000 and b"NaN" not in raw
        found = json.loads(raw)["latents"]
        assert len(found) == level["live"] > 0 and sum(latent["m"] for latent in found) == level["named"]
        for view in ("optimised", "mean", "ablation"):
            assert (folder / f"{view}-{level['kind']}-{level['depth']}-none.webp").exists()
        latent = found[0]
        assert len(latent["b"]) == len(latent["v"]) == 5 and len(latent["k"]) == 10
        top = results.bands.query(
            f"run == {results.first_run!r} and kind == {level['kind']!r} and depth == {level['depth']} and "
            f"control == 'none' and latent == {latent['i']} and band == 0"
        ).sort_values("rank")
        assert [index["sprite"]["ids"][cell] for cell in latent["b"][0]] == top["example"].tolist()


def test_pages_fetch_only_the_images_that_they_show(site):
    paths = site.paths
    folder = paths.built_assets / "explorer" / "fashion"
    whole, shown = (np.asarray(Image.open(folder / f"{name}.webp").convert("L")) for name in ("sprite", "shown"))
    meta = json.loads((folder / "index.json").read_text())["sprite"]
    cells = shown_cells("fashion", paths)
    assert len(cells) > 100 and whole.shape == shown.shape
    left = whole.copy()
    for x, y in cells:
        place = slice(y * meta["height"], (y + 1) * meta["height"]), slice(x * meta["width"], (x + 1) * meta["width"])
        assert np.array_equal(shown[place], whole[place])
        left[place] = 0
    assert not np.array_equal(shown, whole) and not shown[left > 0].any()
    assert (folder / "shown.webp").stat().st_size < (folder / "sprite.webp").stat().st_size


def test_images_are_written_as_folders_and_as_sheets(site, tmp_path):
    results = site.results
    run = CliRunner().invoke(app, ["images", "--out", str(tmp_path / "a"), "--depth", "2"])
    assert run.exit_code == 0, run.output
    folder = sorted((tmp_path / "a" / "depth-2").iterdir())[0]
    names_ = sorted(file.name for file in folder.iterdir())
    assert re.fullmatch(r"00_label\d_act\d+\.\d\d\.png", names_[0])
    drives = [float(re.search(r"act([\d.]+)\.png", name)[1]) for name in names_ if "act" in name]
    assert drives == sorted(drives, reverse=True)
    assert {"optimised.png", "mean.png", "ablation.png"} <= set(names_)
    assert not (tmp_path / "a" / "depth-1").exists(), "only the depth that was asked for"
    written = write_images(results, "sheets", tmp_path / "b")
    assert written.files == written.latents == len(list((tmp_path / "b").rglob("*.png")))
    for split, depth, says in (("piles", None, "split"), ("folders", 9, "depth")):
        with pytest.raises(NotFoundError, match=says):
            write_images(results, split, tmp_path / "c", depth)

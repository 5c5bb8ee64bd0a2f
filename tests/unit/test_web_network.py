"""Networks for the browser: the file computes what PyTorch computes, and what a page cannot run stays out of it."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from conftest import make_project
from factories import EVERY_OF_SITE, TINY_TOWERS, add_few_digits
from planted import shapes_unchecked

from analysis.cli.web import export_for_pages
from analysis.pages import build as builder
from analysis.pages import draw
from analysis.plan.config import load_experiment
from analysis.plan.paths import Paths
from analysis.results.tables import Results
from analysis.run import pipeline, web_format, web_network
from analysis.run.stages._load import examples_of
from analysis.run.web_digits import ranges, reached
from analysis.run.web_export import export, names_of
from analysis.run.web_format import Writer, packed, read, unpacked
from analysis.run.web_network import MOST_BYTES, Network, bits, encoded, given
from sae.architectures.gated import Gated
from sae.errors import ConfigError, DataError, NotFoundError, StageError

NETWORKS = ("trained", "random")


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """Two seeds of both networks with their towers on latents, run and looked at, without a page."""
    paths = make_project(tmp_path_factory.mktemp("networks") / "project", TINY_TOWERS, "digits")
    add_few_digits(paths.root, EVERY_OF_SITE)
    with pytest.MonkeyPatch.context() as patch, shapes_unchecked():
        patch.setenv("STRATA_ROOT", str(paths.root))
        folder = pipeline.run(load_experiment(paths.experiments, "digits"), paths, workers=1)
        yield SimpleNamespace(paths=paths, results=Results(folder))


@pytest.fixture(scope="module")
def exported(ran, tmp_path_factory):
    """The folder that `strata export-web` writes of these networks, seed 1."""
    folder = tmp_path_factory.mktemp("web")
    return folder, [file.name for file in export(ran.results, ran.paths, folder, seed=1)]


def network(folder, name):
    manifest = json.loads((folder / f"{name}.json").read_text())
    return manifest, Network(manifest, read(manifest, (folder / manifest["file"]).read_bytes()))


@pytest.mark.parametrize("dtype", ["i8", "i12"])
@pytest.mark.parametrize("count", [1, 2, 7, 64])
def test_whole_numbers_come_back_from_their_bytes(dtype, count):
    most = web_format.LARGEST[dtype]
    whole = np.random.default_rng(count).integers(-most, most + 1, count).astype(np.int16)
    whole[: min(2, count)] = [-most, most][:count]
    content = packed(whole, dtype)
    assert len(content) == (count if dtype == "i8" else 3 * -(-count // 2))
    assert unpacked(content, dtype, count).tolist() == whole.tolist()


@pytest.mark.parametrize(
    ("dtype", "axis", "step"), [("i8", 0, 254), ("i8", 1, 254), ("i12", 0, 4094), ("i12", 1, 4094)]
)
def test_each_row_or_column_is_rounded_by_its_own_scale(dtype, axis, step):
    values = np.random.default_rng(0).normal(size=(5, 9)) * (
        10.0 ** np.arange(5)[:, None] if axis == 0 else 10.0 ** np.arange(9)
    )
    values[1, 2] = 0
    writer = Writer()
    writer.add("plain", np.arange(3.0))
    writer.add("matrix", values, dtype, axis)
    manifest = {"file": "x", "bytes": len(writer.content), "sha256": writer.sha256, "tensors": writer.tensors}
    found = read(manifest, bytes(writer.content))
    largest = np.abs(values).max(1 - axis, keepdims=True)
    assert (np.abs(found["matrix"] - values) <= 1.01 * largest / step).all()
    assert found["plain"].tolist() == [0, 1, 2]
    assert all(entry["offset"] % 4 == 0 for entry in writer.tensors) and not len(writer.content) % 4
    assert web_format.size(dtype, 5, 9) >= next(e["bytes"] for e in writer.tensors if e["name"] == "matrix")


def test_a_matrix_of_zeros_stays_one():
    writer = Writer()
    writer.add("none", np.zeros((2, 3)), "i12")
    manifest = {"file": "x", "bytes": len(writer.content), "sha256": writer.sha256, "tensors": writer.tensors}
    assert not read(manifest, bytes(writer.content))["none"].any()


def test_lower_depths_have_the_finer_weights_where_not_all_can():
    shapes = [(20, 40), (40, 40), (40, 30)]
    fine, coarse = (sum(web_format.size(dtype, *shape) for shape in shapes) for dtype in ("i12", "i8"))
    assert bits(shapes, fine) == ["i12"] * 3
    assert bits(shapes, fine - 1) == ["i12", "i12", "i8"]
    assert bits(shapes, coarse + web_format.size("i12", 20, 40) - web_format.size("i8", 20, 40)) == ["i12", "i8", "i8"]
    assert bits(shapes, 0) == ["i8"] * 3  # and whoever writes them finds that it is too much


@pytest.mark.parametrize("name", NETWORKS)
def test_the_file_computes_what_the_stages_hold(ran, exported, name):
    folder, files = exported
    assert set(files) == {"trained.bin", "trained.json", "random.bin", "random.json", "digits.json"}
    manifest, found = network(folder, name)
    one = given(ran.results, ran.paths, 1, "latents", name)
    rows = examples_of(one.dataset, "held_out")[0]
    state, true = found.state(rows), one.states["held_out"]
    assert torch.allclose(state, true, atol=0.02 * float(true.abs().max()))
    answers, exact = found.logits(state).argmax(1), one.host.logits_from(true, one.hook).argmax(1)
    assert int((answers == exact).sum()) == manifest["rounding"]["same_answer"] >= 0.98 * len(rows)
    for level, kept, codes, whole, same in zip(
        manifest["depths"],
        one.live,
        found.codes(state),
        one.codes["held_out"],
        manifest["rounding"]["same_latents"],
        strict=True,
    ):
        silent = torch.ones(whole.shape[1], dtype=torch.bool)
        silent[kept] = False
        assert not whole[:, silent].any() and level["latents"] == kept.tolist()
        equal = ((codes > 0) == (whole[:, kept] > 0)).all(1)
        assert int(equal.sum()) == same >= 0.8 * len(rows)
        back = found.decoded(codes, level["depth"])
        assert torch.allclose(back, one.tower.decode(true, level["depth"]), atol=0.2) or same < len(rows)
    assert (folder / manifest["file"]).stat().st_size == manifest["bytes"] <= MOST_BYTES


@pytest.mark.parametrize("name", NETWORKS)
def test_the_manifest_says_what_a_page_needs_and_what_pytorch_gives(ran, exported, name):
    manifest, found = network(exported[0], name)
    pixels = found.at["test.pixels"]
    state = found.state(pixels)
    assert torch.allclose(found.logits(state), torch.tensor(manifest["test"]["logits"]), atol=1e-5)
    for codes, told in zip(found.codes(state), manifest["test"]["codes"], strict=True):
        for row, pairs in zip(codes, told, strict=True):
            assert row.nonzero().flatten().tolist() == [place for place, _ in pairs]
            assert torch.allclose(row[row > 0], torch.tensor([value for _, value in pairs]), atol=1e-5)
    assert len(pixels) == 5 and (manifest["version"], manifest["seed"], manifest["experiment"]) == (1, 1, "digits")
    assert manifest["control"] == {"trained": "none", "random": "random_host"}[name]
    assert [level["k"] for level in manifest["depths"]] == [8, 4, 2, 1]
    one = given(ran.results, ran.paths, 1, "latents", name)
    called = names_of(ran.results, one)
    assert [level["names"] for level in manifest["depths"]] == [
        [names[latent] for latent in level["latents"]] for names, level in zip(called, manifest["depths"], strict=True)
    ]


def test_two_held_out_digits_of_each_class_are_offered(ran, exported):
    kept = json.loads((exported[0] / "digits.json").read_text())
    assert [one["label"] for one in kept["digits"]] == sorted([*range(10)] * 2)
    dataset = given(ran.results, ran.paths, 1, "latents", "trained").dataset
    for one in kept["digits"]:
        assert dataset.held_out[one["example"]] and dataset.classes[one["example"]] == one["label"]
        assert one["pixels"] == web_base64(dataset.images[one["example"]])


def web_base64(image):
    import base64

    return base64.b64encode(image.tobytes()).decode()


@pytest.mark.parametrize(
    "change", [lambda b: b[:-4], lambda b: b[:100] + bytes([b[100] ^ 1]) + b[101:], lambda b: b + b"\0"]
)
def test_a_file_that_is_another_is_refused(exported, change):
    manifest = json.loads((exported[0] / "random.json").read_text())
    content = change((exported[0] / "random.bin").read_bytes())
    with pytest.raises(DataError, match=r"random\.bin: .* expected .* writes it again"):
        read(manifest, content)


def test_what_no_page_can_run_is_refused_in_a_line(ran, tmp_path, monkeypatch):
    def refused(error, match, **asked):
        with pytest.raises(error, match=match) as told:
            export(asked.pop("results", ran.results), asked.pop("paths", ran.paths), tmp_path / "out", **asked)
        assert "\n" not in str(told.value) and not (tmp_path / "out").exists()

    refused(ConfigError, "only towers on latents", kind="directions")
    refused(NotFoundError, "no seed of digits named '7'; found: 0, 1", seed=7)
    empty = Paths(tmp_path / "empty")
    refused(StageError, "is not here: `strata run digits` makes it", paths=empty)
    one = given(ran.results, ran.paths, 0, "latents", "trained")
    for fault, host, dataset, tower in (
        ("its host is object; expected the tool's mlp", object(), one.dataset, one.tower),
        ("no labels", one.host, replace(one.dataset, labels=None, class_names=()), one.tower),
        ("stopped before depth 1", one.host, one.dataset, replace(one.tower, layers=())),
        ("no grey images", one.host, replace(one.dataset, examples=one.dataset.images.astype(np.float32)), one.tower),
    ):
        with pytest.raises(ConfigError, match=fault):
            web_network._check("digits", host, dataset, tower)
    gated = given(ran.results, ran.paths, 0, "latents", "trained")
    first = gated.tower.layers[0]
    other = replace(first, architecture="gated", sae=Gated(first.sae.d_in, first.sae.n_latents, k=first.sae.k))
    with pytest.raises(ConfigError, match="made of gated; expected topk"):
        web_network._check("digits", one.host, one.dataset, replace(gated.tower, layers=(other,)))
    monkeypatch.setattr(web_network, "MOST_BYTES", 10_000)
    with pytest.raises(ConfigError, match="more than the 10,000 that a reader should wait for"):
        encoded(one, [])


def test_an_altered_stage_is_not_exported(ran, tmp_path):
    paths = Paths(tmp_path / "copy")
    shutil.copytree(ran.paths.runs, paths.runs)
    layer = next((paths.runs / "sae").glob("*/layer.safetensors"))
    for layer in (paths.runs / "sae").glob("*/layer.safetensors"):
        layer.write_bytes(layer.read_bytes()[:-8])
    with pytest.raises(StageError, match=r"layer\.safetensors.*; `strata run digits` makes it again"):
        export(ran.results, paths, tmp_path / "out")


def planted():
    """A network whose answer is the largest of three numbers at its hook, each of length 2."""
    manifest = {"host": {"hook_after": 0, "layers": 1}, "classes": ["a", "b", "c"], "state_length": 2.0, "depths": []}
    return Network(manifest, {"host.0.weights": np.eye(3, dtype=np.float32), "host.0.bias": np.zeros(3, np.float32)})


def test_a_push_is_found_where_the_answer_turns():
    state = torch.tensor([1.0, 0.41, 0.0])
    unit = torch.tensor([[0.0, 1, 0], [0, -1, 0], [0, 0, 1]])
    found = reached(planted(), state[None], unit)[0]
    # 2 p + .41 > 1 from p = .3 on in tenths, 2 p > 1 from p = .6 on; the wrong way nothing turns
    assert found[0].tolist() == pytest.approx([0.1, 0.3, float("inf")])
    assert found[1].tolist() == pytest.approx([0.1, float("inf"), float("inf")])
    assert found[2].tolist() == pytest.approx([0.1, float("inf"), 0.6])


def test_the_range_of_a_solution_is_in_hundredths_both_ways():
    state = torch.tensor([1.0, 0.41, 0.0])
    unit = torch.tensor([[0.0, 1, 0], [0, -1, 0], [0, 0, 1]])
    assert ranges(planted(), state, unit, 1) == [[[30, 100]], [[-100, -30]], []]
    assert ranges(planted(), state, unit, 0) == [[[-100, 29]], [[-29, 100]], [[-100, 50]]]


@pytest.mark.thorough
def test_the_build_makes_networks_only_where_a_page_asks_for_them(site, capsys):
    folder = site.paths.built_assets / draw.FOLDER
    pages = builder.sources(site.paths)
    assert draw.asked_parts(pages, site.paths) == {"draw": "report/draw.qmd", "draw-small": "index.qmd"}
    # built without the command: the page says that there is nothing to draw for
    assert (site.paths.generated / "draw.md").read_text() == draw.NOT_HERE and not folder.exists()
    export_for_pages(site.results, site.paths)
    made = {file.name for file in folder.iterdir()}
    assert made == {"trained.bin", "trained.json", "random.bin", "random.json", "digits.json"}
    before = (folder / "trained.bin").stat().st_mtime_ns
    export_for_pages(site.results, site.paths)
    assert (folder / "trained.bin").stat().st_mtime_ns == before
    (folder / "trained.bin").write_bytes(b"altered")
    export_for_pages(site.results, site.paths)
    assert (folder / "trained.bin").stat().st_size > 10_000
    assert "trained.bin is not what was written: it is made again" in capsys.readouterr().err
    written = {}
    draw.write_parts(
        site.results, site.paths, pages, "/report/explorer.qmd", lambda path, text: written.update({path.name: text})
    )
    html, pictures = written["draw.md"], json.loads(written["pictures.json"])
    assert html.count("data-digit=") == 20 and html.count('class="dr-one"') == 3 and "<script" in html
    sprite = site.results.sprite
    assert all(
        cell < len(sprite["ids"]) for by in pictures["trained"].values() for cells in by.values() for cell in cells
    )
    first_page = site.paths.report / "_write-up.qmd"  # the start page includes it, with a small pad
    first_page.write_text(first_page.read_text().replace("{{< part draw-small >}}", ""))
    draw_page = site.paths.report / "draw.qmd"
    text = draw_page.read_text()
    draw_page.write_text(text.replace("{{< part draw >}}", ""))
    export_for_pages(site.results, site.paths)
    assert not folder.exists()
    draw_page.write_text(text.replace("{{< part draw >}}", "{{< part draw-small >}}"))
    export_for_pages(site.results, site.paths)
    written.clear()
    draw.write_parts(site.results, site.paths, pages, "", lambda path, text: written.update({path.name: text}))
    assert set(written) == {"draw-small.md", "pictures.json"}
    small = written["draw-small.md"]
    assert small.count('class="dr-one"') == 1 and "dr-challenges" not in small and "dr-open" not in small
    shutil.rmtree(folder)
    shutil.move(site.paths.runs / "measures", site.paths.runs / "elsewhere")
    export_for_pages(site.results, site.paths)
    assert (
        "report/draw.qmd has no network to draw for; its runs are not here: `strata run digits`"
        in capsys.readouterr().err
    )
    assert not folder.exists()

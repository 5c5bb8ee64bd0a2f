"""Data sets that are not the tool's own, run to tables: in colour, of 300 classes, without labels, no images at all."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import planted_tables
import pytest
import seam_project
import torch
from PIL import Image

from analysis.figures.image_sheets import Cut, spoken_counts
from analysis.figures.kinds.neurons import neurons
from analysis.pages.explorer import copy_pictures
from analysis.pages.image_folders import write_images
from analysis.plan import plugins
from analysis.plan.config import load_experiment
from analysis.plan.edges import IMAGES
from analysis.plan.stage_configs import ImagesStage
from analysis.plan.stage_folders import Stage, writing
from analysis.results.tables import open_results
from analysis.run.cells import LIMIT, columns_for
from analysis.run.datasets._dataset import Dataset
from analysis.run.hosts.mlp import Mlp
from analysis.run.interpret.attributes import ATTRIBUTES, attributes
from analysis.run.pipeline import run
from analysis.run.sprite import write_sprite
from analysis.run.stages._effects import one_of
from analysis.run.stages._load import dataset_of
from analysis.run.stages.images import images
from analysis.run.stages.interpret import words_of
from sae.errors import ConfigError, DataError


@pytest.fixture
def ran(tmp_path, monkeypatch):
    """Runs a data set's experiment; gives its tables."""
    monkeypatch.setenv("STRATA_BACKEND", "sequential")

    def run_it(name):
        paths = seam_project.project(tmp_path / name, name)
        monkeypatch.setenv("STRATA_ROOT", str(paths.root))
        plugins.load(paths)
        run(load_experiment(paths.experiments, name), paths, workers=1, warn=lambda line: None)
        return open_results(name, paths)

    return run_it


def test_images_in_colour_are_run_and_shown_in_colour(ran):
    results = ran("tiles")
    sprite, data = results.sprite, dataset_of("tiles")
    sheet = np.asarray(Image.open(results.file("sprite.webp")))
    x, y = 7 % sprite["columns"] * 6, 7 // sprite["columns"] * 8
    assert (sheet[y : y + 8, x : x + 6] == data.images[sprite["ids"][7]]).all() and sprite["channels"] == 3
    assert results.mean("host_accuracy", "host", 0) > 0.5
    cut = results.sheets
    assert (cut["width"], cut["height"], cut["channels"]) == (6, 8, 3)
    optimised = np.asarray(Image.open(results.file("sheets/optimised-latents-1-none.webp")))
    assert (optimised != optimised[..., :1]).any(), "an optimised picture has colours"
    assert (Cut(results).image(sprite["ids"][7]) == data.images[sprite["ids"][7]]).all()
    assert write_images(results, "sheets", results.folder / "out", 1).files > 0


@pytest.mark.thorough
def test_300_classes_keep_their_labels_and_are_measured(ran):
    results = ran("stamps")
    data, sprite = dataset_of("stamps"), results.sprite
    assert data.n_classes == 300 and [sprite["class_names"][one] for one in sprite["labels"]] == [
        str(label) for label in data.labels[sprite["ids"]]
    ]
    latents = results.latents
    shares = latents[latents["measure"].astype(str).str.startswith("class_share_") & (latents["kind"] == "host")]
    found = shares[(shares["split"] == "held_out") & (shares["control"] == "none")]
    assert found["measure"].nunique() == 300
    assert found.groupby("latent")["value"].sum().to_numpy() == pytest.approx(1, abs=1e-4)


def test_without_labels_what_needs_them_is_left_out(ran):
    results = ran("spots")
    measured = set(results.measures["measure"].astype(str))
    assert {"variance_explained", "live_share", "named_share", "optimised_enters_share"} <= measured
    assert not measured & {"host_accuracy", "selectivity", "class_precision", "reader_accuracy", "disagree_share"}
    assert set(results.names["classes"]) == {""} and set(results.sprite["labels"]) == {None}
    assert not results.latents["measure"].astype(str).str.contains("class|ablation|f1").any()
    assert not measured & planted_tables.OF_CLASSES, "planted tables without labels have what real ones have"
    assert not set(results.latents["measure"].astype(str)) & planted_tables.OF_LATENT_CLASSES
    table = neurons(results)
    assert len(table.data) == 12 + 16 + 16 and table.data["class"].eq("").all() and "of class" not in table.html
    written = write_images(results, "folders", results.folder / "out", 1)
    assert written.files and not list((results.folder / "out").rglob("*label*"))
    assert spoken_counts(results.sprite, results.sprite["ids"][:2]) == "2 held-out images"


def test_examples_that_are_no_images_are_run_and_shown_as_html(ran):
    results = ran("events")
    sprite, rows = results.sprite, dataset_of("events").examples
    assert set(results.examples["example"]) == set(sprite["ids"])
    assert sprite["html"][3] == f"<b>{rows[sprite['ids'][3]][0]:.1f}</b>"
    assert not (results.folder / "sprite.webp").exists()
    copy_pictures(results, results.folder / "copied")


def labelled(labels, names=()):
    return Dataset("x", np.zeros((len(labels), 2, 2), np.uint8), np.array(labels), np.zeros(len(labels), bool), names)


def test_labels_are_any_whole_numbers():
    data = labelled([-5, 10**12, 7, -5])
    assert data.class_names == ("-5", "7", str(10**12)) and data.classes.tolist() == [0, 2, 1, 0]
    assert labelled([0, 2], ("a", "b", "c")).classes.tolist() == [0, 2], "a class that does not occur is one"


@pytest.mark.parametrize(
    ("labels", "names", "words"),
    [
        ([0.5, 1.0], (), "float64.*whole number"),
        ([0, -1], ("a", "b"), "label -1 but 2 class names"),
        ([3, 3], (), "one class"),
    ],
)
def test_labels_that_mean_nothing_are_refused(labels, names, words):
    with pytest.raises(DataError, match=f"^data set x: .*{words}"):
        labelled(labels, names)


def test_examples_that_are_no_images_are_not_taken_for_some():
    with pytest.raises(DataError, match=r"float64 of shape \(4,\), no images"):
        Dataset("x", np.zeros((2, 4)), None, np.zeros(2, bool)).images  # noqa: B018 (asking is what fails)


@pytest.mark.parametrize(("shape", "shift"), [((28, 28), 2), ((8, 6, 3), 0), ((224, 200, 3), 14)])
def test_the_host_shifts_images_by_a_share_of_their_size(shape, shift):
    assert Mlp(shape, 3, 0, hidden1=2, hidden2=2).shift == shift
    with pytest.raises(ConfigError, match="shift"):
        Mlp(shape, 3, 0, hidden1=2, hidden2=2, shift=min(shape[:2]))


def test_attributes_keep_their_order_through_a_manifest(tmp_path):
    """Between rules that are as good as each other the order decides: sorted, names change."""
    config = ImagesStage(dataset="digits", data="", train_rows=2, held_out_rows=2)
    stage = Stage(name="images", config=config, code="a test")
    with writing(stage, tmp_path) as (work, notes):
        notes |= images(work, config, {})
    words = words_of({IMAGES: stage.folder(tmp_path)})
    assert list(words) == list(ATTRIBUTES) and words["width"] == ("narrow", "wide")


def test_colours_are_attributes():
    images = np.zeros((2, 4, 4, 3), np.uint8)
    images[0, ..., 1] = 90
    found = attributes(images)
    assert found["green"].tolist() == [60, 0] and found["red"].tolist() == [-30, 0]


def test_the_luck_of_classes_is_shared_among_them():
    assert one_of(3) == one_of(10) == 2.576 / 1.96 and one_of(300) > one_of(10)


def test_columns_suit_the_images():
    assert columns_for(2000, 28, 28) == 50 and columns_for(4096, 224, 224, 32) == LIMIT // 224
    assert columns_for(10**6, 28, 28) is None and columns_for(1, 20_000, 20_000) is None


def test_a_picture_of_too_many_images_holds_those_that_are_named_and_then_smaller_ones(tmp_path, monkeypatch):
    noise = np.random.default_rng(0).integers(0, 255, (90, 32, 40), dtype=np.uint8)
    data = Dataset("noise", noise, None, np.arange(90) >= 10)
    monkeypatch.setattr("analysis.run.sprite.opened", lambda data_set: data)
    pd.DataFrame({"example": [50, 20, 50]}).to_parquet(tmp_path / "examples.parquet")

    def written(most):
        write_sprite("noise", tmp_path, most=most)
        found = json.loads((tmp_path / "sprite.json").read_text())
        return len(found["ids"]), found["ids"][:2], found["width"]

    assert written(10**6) == (80, [10, 11], 40)
    assert written(50_000) == (2, [20, 50], 40)
    assert written(1_500) == (2, [20, 50], 20)
    with pytest.raises(DataError, match="tables name make no picture of at most 10 bytes"):
        written(10)


def test_a_host_of_no_epochs_stays_as_it_was_drawn():
    """The random network, to be judged with floors of its own."""
    draw = torch.Generator().manual_seed(0)
    images, labels = torch.randint(0, 256, (300, 8, 8), generator=draw, dtype=torch.uint8), torch.arange(300) % 3
    untrained, drawn = Mlp((8, 8), 3, 5, epochs=0), Mlp((8, 8), 3, 5)
    untrained.fit(images, labels)
    assert all(torch.equal(a, b) for a, b in zip(untrained.parameters(), drawn.parameters(), strict=True))
    drawn.fit(images, labels)
    assert not torch.equal(next(untrained.parameters()), next(drawn.parameters()))

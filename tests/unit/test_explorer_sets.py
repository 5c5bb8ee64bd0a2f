"""The explorer shows a set of examples for every experiment that was looked at, whatever its examples are."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
from explorer_project import SETS, explored, project
from PIL import Image
from planted_tables import Planted, write
from tests_root import CHECKOUT

from analysis.figures.asked import page_with_part
from analysis.figures.explorer_links import LEADS, led
from analysis.figures.kinds.neurons import neurons
from analysis.pages.explorer_sets import page_part, write_shown
from analysis.results.tables import open_results
from sae.errors import ConfigError


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    paths = project(tmp_path_factory.mktemp("sets") / "mine")
    return paths, explored(paths)


def test_every_experiment_that_was_looked_at_is_a_set_the_sites_own_first(made):
    _, texts = made
    buttons = re.findall(r'data-set="(\w+)" title="(\w+)">([\w ]+)<', texts["explorer.md"])
    assert buttons == [
        ("site", "sea_shells", "Sea shells"), ("clouds", "clouds", "Clouds"), ("letters", "letters", "Letters"),
    ]  # fmt: skip
    assert {name.split("/")[0] for name in texts if "/" in name} == {"site", "clouds", "letters"}


def test_a_set_says_what_its_examples_and_classes_are(made):
    _, texts = made
    own, clouds, letters = (json.loads(texts[f"{name}/index.json"]) for name in ("site", "clouds", "letters"))
    assert own["classes"] == ["cat", "dog", "boat"] and own["examples"] == "images"
    assert (own["sprite"]["width"], own["sprite"]["height"], own["sprite"]["fine"]) == (6, 4, False)
    assert clouds["classes"] == [] and set(clouds["sprite"]["labels"]) == {None} and clouds["sprite"]["fine"]
    assert letters["examples"] == "examples" and letters["sprite"]["html"][7] == "<b>no image 7</b>"
    assert letters["sheets"] == {} and [level["views"] for level in letters["levels"]] == [[], []]
    assert [level["depth"] for level in clouds["levels"]] == [0, 1, 2, 3] and clouds["start"] == 1
    assert [level["views"] for level in own["levels"]] == [["mean"]] * 3


def test_each_set_has_latents_of_its_own(made):
    _, texts = made
    names = {
        name: [one["n"] for one in json.loads(texts[f"{name}/latents-1.json"])["latents"]]
        for name in ("site", "clouds", "letters")
    }
    assert names == {
        "site": ["cats", "dogs", "boats"], "clouds": ["wide 0", "wide 1", "wide 2"],
        "letters": ["vowels", "consonants", "vowels"],
    }  # fmt: skip
    plain = json.loads(texts["clouds/latents-1.json"])["latents"][0]
    assert plain["k"] == plain["ab"] == [] and plain["c"] is None and plain["d"][0] == 800


def test_pictures_stay_in_colour_and_what_is_no_image_has_none(made):
    paths, _ = made
    base = paths.built_assets / "explorer"
    with Image.open(base / "site/sprite.webp") as sprite:
        assert sprite.mode == "RGB" and sprite.size == (30, 12)
    assert not (base / "letters/sprite.webp").exists() and not (base / "letters/shown.webp").exists()
    write_shown(open_results("clouds", paths), "clouds", paths, {(1, 0)})
    shown = np.asarray(Image.open(base / "clouds/shown.webp").convert("L"))
    assert (shown[:70, 70:140] == 20).all() and shown.sum() == 20 * 70 * 70


def test_without_a_set_the_part_says_what_asks_for_one(tmp_path):
    paths = project(tmp_path, {"plain": Planted(looked=False, depths=1, seeds=1)})
    sprite = {"columns": 1, "width": 0, "height": 0, "ids": [], "labels": [], "class_names": []}
    (paths.collected / "plain" / "sprite.json").write_text(json.dumps(sprite))
    write(paths.collected / "stray", SETS["letters"], "stray")  # no experiment of the project any more
    texts = explored(paths, "plain")
    assert set(texts) == {"explorer.md"} and "[interpret]" in texts["explorer.md"] == page_part([])


def test_the_part_of_one_set_offers_no_choice(tmp_path):
    texts = explored(project(tmp_path, {"sea_shells": SETS["sea_shells"]}))
    assert 'class="xp-sets" role="group" aria-label="Experiment" hidden>' in texts["explorer.md"]


def test_an_experiment_called_as_the_sites_own_folder_is_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"^an experiment is called 'site'"):
        explored(project(tmp_path, {"sea_shells": SETS["sea_shells"], "site": SETS["letters"]}))


def test_the_script_knows_no_set():
    script = (CHECKOUT / "report/assets/explorer.js").read_text()
    assert not re.search(r'"site"|[Ff]ashion|Digits|the digits|\b28\b', script)


def test_ways_to_the_explorer_lead_where_a_project_has_it(tmp_path):
    paths = project(tmp_path, {"sea_shells": SETS["sea_shells"]})
    html = neurons(open_results("sea_shells", paths), set_name="sea_shells").html
    elsewhere, nowhere = led(html, "/own/look.qmd"), led(html, "")
    links = re.findall(r'href="([^"]+)"', html)
    assert links and re.findall(r'href="([^"]+)"', elsewhere) == [
        link.replace("/report/explorer.qmd", "/own/look.qmd") for link in links
    ]
    assert "href" not in nowhere and LEADS not in nowhere and '<th scope="row">d1/0</th>' in nowhere
    assert led(html, "/report/explorer.qmd") == html


def test_the_page_with_the_explorer_is_found_through_includes(tmp_path):
    pages = {
        "index.qmd": "```\n{{< part explorer >}}\n```\n", "report/_a.qmd": "{{< include _b.qmd >}}\n",
        "report/_b.qmd": "{{< part explorer >}}\n", "report/look.qmd": "{{< include /report/_a.qmd >}}\n",
    }  # fmt: skip
    (tmp_path / "report").mkdir()
    for name, text in pages.items():
        (tmp_path / name).write_text(text)
    files = [tmp_path / name for name in pages]
    assert page_with_part("explorer", files, tmp_path) == "report/look.qmd"
    assert page_with_part("experiments", files, tmp_path) == ""


def plain_project(root, said="[deep]", **changes):
    """A project whose explorer shows a second experiment, of the same data, at which nobody looked."""
    given = {"shape": (4, 6, 3), "depths": 3, "seeds": 1, "looked": False} | changes
    paths = project(root, {"sea_shells": SETS["sea_shells"], "deep": Planted(**given)})
    (paths.root / "_quarto.yml").write_text(f"strata:\n  explorer: {said}\n")
    return paths


def test_an_experiment_at_which_nobody_looked_is_shown_with_the_sites_images_where_the_project_says_so(tmp_path):
    texts = explored(plain_project(tmp_path))
    index = json.loads(texts["deep/index.json"])
    own = json.loads(texts["site/index.json"])
    assert index["from"] == "site" and index["sprite"] == own["sprite"] and 'data-set="deep"' in texts["explorer.md"]
    assert [level["depth"] for level in index["levels"]] == [1, 2, 3]
    assert all(level["plain"] and level["views"] == [] and "word" in level for level in index["levels"])
    for level in index["levels"]:
        found = json.loads(texts[f"deep/{level['file']}"])["latents"]
        assert len(found) == level["live"] > 0
        looked = json.loads(texts["site/latents-1.json"])["latents"][0]
        for one in found:
            assert one.keys() == looked.keys() and one["b"][0] and len(one["b"]) == 5 and one["q"] == 4
            assert {len(one[key]) for key in ("ab", "st", "k")} == {3} and one["v"][0][0] == 100


@pytest.mark.parametrize(
    ("said", "changes", "why"),
    [
        ("deep", {}, "must be a list of experiments; here there are deep, sea_shells"),
        ("[shallow]", {}, "must be a list of experiments"),
        ("[deep]", {"variants": ("one", "two")}, "names 'deep': it has several variants"),
    ],
)
def test_what_cannot_be_shown_so_is_refused_with_the_reason(tmp_path, said, changes, why):
    with pytest.raises(ConfigError, match=why):
        explored(plain_project(tmp_path, said, **changes))

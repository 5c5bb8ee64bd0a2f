"""The tables of class-selective latents, drawn from tables made by hand."""

from __future__ import annotations

import json
import math
import re

import numpy as np
import pandas as pd
import pytest
from analysis.figures.kinds.class_best import class_best
from analysis.figures.kinds.detector_scores import detector_scores
from factories import write_results
from tests_root import CHECKOUT

from analysis.figures.image_sheets import blocks
from analysis.figures.kinds import class_heat as _heat
from analysis.figures.kinds import neurons as _neuron_words
from analysis.figures.kinds.class_heat import class_heat
from analysis.figures.kinds.neurons import neurons
from analysis.figures.neuron_rows import COLUMNS
from analysis.figures.style import ROLES
from analysis.pages.explorer import level
from analysis.pages.latent_rows import write_rows
from analysis.results.detectors import entropy, fits, of_depth
from analysis.results.tables import Results

CLASSES = ["T-shirt/top", "Bag & <b>", "7"]
NAN = math.nan
PLAIN = {
    "detector_class": 0, "f1": 0.8, "f1_null": 0.3, "class_q": 0.01, "detector_precision": 0.9, "detector_recall": 0.72,
    "selectivity": 0.61, "top_class_share": 0.75, "share_null": 0.4, "firing_rate": 0.25, "l0_share": 0.125,
    "exclusive_share": 0.0, "detection": 0.85, "detection_null": 0.55, "disagrees": 0.0, "effect_class": 0,
    "class_share_0": 0.75, "class_share_1": 0.25, "class_share_2": 0.0,
    "ablation_0": -0.123, "ablation_half_0": 0.011, "steering_0": 0.456, "steering_half_0": 0.02,
}  # fmt: skip
DEAD = dict.fromkeys(PLAIN, NAN) | {"firing_rate": 0.0, "exclusive_share": 0.0, "name": "silent"}
# by depth, then by latent: what differs from PLAIN; `name` is text, the rest are measures
GIVEN = {
    0: [{"f1": 0.5, "class_q": 0.3}, {"f1": 0.4, "name": "unnamed"}, DEAD],
    1: [
        {"name": "bold <tops> & bags"},
        {"f1": 0.9, "exclusive_share": 1.0},
        {"f1": 0.2, "detector_precision": NAN, "detector_recall": NAN, "selectivity": NAN, "top_class_share": NAN},
        {"f1": 0.6, "detector_class": 1, "class_q": 0.2, "ablation_1": 0.004, "ablation_half_1": NAN},
        DEAD,
    ],
    2: [{"f1": 0.7, "disagrees": 1.0, "effect_class": 1, "class_share_0": 1.0, "class_share_1": 0.0}, DEAD],
}


def results_of(folder, given=GIVEN):
    """A first run with these latents, and images that drive those that fire."""
    results = write_results(folder, "by-hand", {"first": ("", 0, 0.5)})
    tables = {name: [] for name in ("latents", "names", "bands", "measures")}
    for depth, latents in given.items():
        place = {"run": "first", "kind": "latents" if depth else "host", "depth": depth, "control": "none"}
        held_out = {**place, "split": "held_out"}
        tables["measures"].append({**held_out, "measure": "l0", "version": 1, "value": 1.0, "n": 9})
        for latent, own in enumerate(latents):
            values = {**PLAIN, **own}
            name = values.pop("name", "tops")
            named = name not in ("unnamed", "silent")
            tables["names"].append({**place, "latent": latent, "name": name, "named": named, "classes": "0"})
            tables["latents"] += [
                {**held_out, "latent": latent, "measure": measure, "value": value}
                for measure, value in values.items()
                if not math.isnan(value)
            ]
            tables["bands"] += [
                {**place, "latent": latent, "band": band, "rank": rank, "example": 10 + rank, "activation": 1.0}
                for band in (0, 1)
                for rank in range(0 if name == "silent" else 7)
            ]
    at = {"run": "first", "kind": "latents", "depth": 2, "control": "none", "latent": 0}
    links = [{**at, "below": below, "weight": weight} for below, weight in ((3, 0.1), (1, 0.9), (0, 0.4))]
    for name, rows in {**tables, "links": links}.items():
        pd.DataFrame(rows).to_parquet(folder / f"{name}.parquet", index=False)
    shape = {"columns": 50, "width": 28, "height": 28}
    sprite = {**shape, "ids": [*range(10, 20)], "labels": [0] * 5 + [1] * 5, "class_names": CLASSES}
    (folder / "sprite.json").write_text(json.dumps(sprite))
    return Results(results.folder)


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    return results_of(tmp_path_factory.mktemp("neurons") / "by-hand")


def cells(html, row):
    """The texts of a row's cells."""
    found = re.search(rf'<tr id="{row}".*?</tr>', html)[0]
    return [re.sub(r"<[^>]+>", " ", cell).split() for cell in re.findall(r"<t[hd].*?</t[hd]>", found)]


@pytest.mark.parametrize("depth", [None, 1, 2])
def test_images_and_links_of_a_second_experiment_are_its_own_at_every_depth(results, depth):
    html = neurons(results, depth=depth, set_name="theirs").html
    assert blocks(html, "theirs") and not re.search(r'class="digits[^"]*(?<!theirs)"', html)
    assert re.findall(r'<a href="[^"]*set=theirs"', html) == re.findall(r'<a href="[^"]*"', html)


def test_a_row_has_the_numbers_of_the_tables_in_the_order_of_the_heads(results):
    html = neurons(results, depth=2).html
    heads = re.findall(r'<th scope="col"[^>]*>(?:<button type="button">)?([^<]+)', html)
    assert heads == [column.head for column in COLUMNS]
    found = dict(zip(heads, cells(html, "d2-0"), strict=True))
    found.pop("strongest images")
    assert {head: " ".join(text) for head, text in found.items()} == {
        "latent": "d2/0", "name": "tops 0.85 (chance 0.55)", "class": "T-shirt/top", "F1": "0.70", "chance": "0.30",
        "prec.": "0.90", "recall": "0.72", "sel.": "0.61", "top": "0.75", "bits": "0.00", "fires on": "25.0%",
        "of L0": "12.50%", "removed": "−12.3 ±1.1", "forced": "+45.6 ±2.0", "fits name": "no: Bag &amp; &lt;b&gt;",
        "made of": "d1/1 d1/0",
    }  # fmt: skip


def test_effects_are_those_on_the_latents_own_class(results):
    row = neurons(results, depth=1).data.set_index("latent").loc[3]
    assert row["class"] == CLASSES[1] and row["ablation"] == pytest.approx(0.004) and math.isnan(row["steering"])
    assert ["+0.4"] in cells(neurons(results, depth=1).html, "d1-3")


def test_the_best_come_first_and_the_data_have_every_latent_dead_ones_too(results, monkeypatch):
    drawing = neurons(results, depth=1)
    assert re.findall(r'<tr id="([^"]+)"', drawing.html) == ["d1-1", "d1-0", "d1-3", "d1-2"]
    assert drawing.data["latent"].tolist() == [0, 1, 2, 3, 4] and len(neurons(results).data) == 10
    monkeypatch.setattr(_neuron_words, "PER_DEPTH", 1)
    assert re.findall(r'<tr id="([^"]+)"', neurons(results).html) == ["d1-1", "d2-0", "d0-0"]


def test_what_does_not_pass_is_marked_in_words_and_counted_in_the_title(results):
    html = neurons(results).html
    marked = [row for row in re.findall(r'<tr id="([^"]+)"', html) if cells(html, row)[5][1:] == ["not", "passed"]]
    assert sorted(marked) == ["d0-0", "d1-3"]
    assert neurons(results).title.endswith("1 of 2 neurons, 3 of 4 at depth 1, 1 of 1 at depth 2")
    assert neurons(results, depth=1).title.startswith("3 of 4 latents that fire at depth 1 detect")


def test_what_fires_on_held_out_images_only_is_counted_as_the_explorer_counts_it(tmp_path):
    """It has no class, hence no F1: it fired on no training image."""
    late = DEAD | {"firing_rate": 0.01, "name": "unnamed"}
    results = results_of(tmp_path / "by-hand", {**GIVEN, 2: [late, *GIVEN[2]]})
    explored = level(results, "latents", 2)
    assert neurons(results, depth=2).title.startswith(f"1 of {len(explored)} latents that fire at depth 2 detect")
    assert re.findall(r'<tr id="([^"]+)"', neurons(results, depth=2).html) == ["d2-1", "d2-0"]  # last in the table
    assert "not passed" not in neurons(results, depth=2).html
    drawn = detector_scores(results)
    assert f"depth 2: 1 of {len(explored)} pass" in drawn.alt and drawn.data["latents"].sum() == 2 + 4 + 1


def test_where_nothing_passes_the_titles_say_so(tmp_path):
    given = {depth: [{**own, "class_q": 0.9} for own in latents[:1]] for depth, latents in GIVEN.items()}
    results = results_of(tmp_path / "by-hand", given)
    assert neurons(results).title == "No latent detects a class better than shuffled labels do"
    assert neurons(results, depth=0).title.startswith("None of 1 neurons that fire")
    assert neurons(results, depth=1).html.count("not passed") == 1
    assert class_best(results).title.startswith("No class has a detector")
    assert "none passes" in class_best(results).html and "no latent" in class_best(results).html


def test_names_and_class_names_are_escaped(results):
    for drawing in (neurons(results), neurons(results, depth=1), class_best(results)):
        assert "<b>" not in drawing.html.replace('<b class="flag">', "") and "<tops>" not in drawing.html
        assert "Bag &amp; &lt;b&gt;" in drawing.html and "T-shirt/top" in drawing.html
    html = neurons(results, depth=1).html
    assert 'data-class="Bag &amp; &lt;b&gt;"' in html and 'name="class" value="Bag &amp; &lt;b&gt;"' in html
    assert "bold &lt;tops&gt; &amp; bags" in html


def test_a_name_fits_or_not_or_that_is_unclear():
    assert [fits(1.0, [0, 1], False), fits(2.0, [0, 1], True), fits(2.0, [0, 1], False)] == ["yes", "no", "unclear"]
    assert fits(NAN, [0, 1], False) == fits(1.0, [], False) == ""


def test_fits_name_has_its_three_states_and_a_dash(tmp_path):
    latents = [{}, {"effect_class": 1, "disagrees": 1.0}, {"effect_class": 1}, {"effect_class": NAN, "disagrees": NAN}]
    html = neurons(results_of(tmp_path / "by-hand", {0: [*latents, {"name": "unnamed"}]})).html
    found = [" ".join(cells(html, f"d0-{latent}")[15]) for latent in range(5)]
    assert found == ["yes", "no: Bag &amp; &lt;b&gt;", "unclear", "–", "–"]


def test_class_precision_and_recall_are_those_of_the_f1(tmp_path):
    new = {"detector_class": 2, "detector_precision": 0.31, "detector_recall": 0.32, "steering_2": 0.11}
    results = results_of(
        tmp_path / "by-hand",
        {0: [new, {"f1": 0.1, "detector_class": NAN, "detector_precision": NAN, "detector_recall": NAN}]},
    )
    first, second = of_depth(results, 0).rows.to_dict("records")
    assert [first[name] for name in ("class", "precision", "recall", "steering")] == ["7", 0.31, 0.32, 0.11]
    assert second["class"] == "" and math.isnan(second["precision"])  # never the class of other images in its place
    assert class_heat(results).data.query("latents > 0")["class"].tolist() == ["7"]


def test_clothes_have_their_own_images_and_their_own_place_in_the_explorer(results):
    html = neurons(results, set_name="fashion").html
    assert html.count('<div class="digits line fashion"') == html.count("<tr id=")
    links = re.findall(r'href="([^"]+)"', html)
    assert len(links) > 7 and all(link.endswith("&amp;set=fashion") for link in links)


def test_ink_is_readable_on_the_fullest_cell_of_the_map_in_both_themes():
    css = (CHECKOUT / "report/assets/theme.css").read_text()
    light, dark = (re.search(rf"\n{start}.*?\}}", css, re.S)[0] for start in (":root, body", "body.quarto-dark"))
    themes = [dict(re.findall(r"--(\w+): (#\w{6})", part)) for part in (light, dark)]
    assert {role: themes[0][role] for role in ROLES} == ROLES and themes[1]["paper"] != ROLES["paper"]
    for theme in themes:
        ink, paper, colour = (
            np.array([int(theme[role][at : at + 2], 16) for at in (1, 3, 5)]) / 255 for role in ("ink", "paper", "c1")
        )
        ground = paper + _heat.STRONGEST * (colour - paper)
        darker, lighter = sorted((luminance(ink), luminance(ground)))
        assert (lighter + 0.05) / (darker + 0.05) >= 4.5


def luminance(colour):
    """Of the WCAG."""
    return np.where(colour <= 0.04045, colour / 12.92, ((colour + 0.055) / 1.055) ** 2.4) @ [0.2126, 0.7152, 0.0722]


def test_every_row_leads_to_the_explorer_and_has_an_address_of_its_own(results):
    for drawing in (neurons(results), neurons(results, depth=0), neurons(results, depth=2)):
        rows = re.findall(
            r'<tr id="d(\d+)-(\d+)" data-depth="(\d+)".*?<th scope="row"><a href="([^"]+)">', drawing.html
        )
        assert len(rows) == drawing.html.count("<tr id=") > 0
        for depth, latent, own, link in rows:
            assert own == depth and link == f"/report/explorer.qmd#depth={depth}&amp;latent={latent}"


def test_a_row_is_small_enough_for_three_hundred_of_them(results):
    assert max(map(len, re.findall(r"<tr id=.*?</tr>", neurons(results).html))) < 1100


def test_images_are_the_five_strongest_with_words_for_them(results):
    html = neurons(results, depth=2).html
    assert html.count("<i style=") == 5 and 'aria-label="5 of 5 are T-shirt/top"' in html


def test_what_is_not_known_is_a_dash_and_never_nan(results):
    drawings = [
        neurons(results),
        neurons(results, depth=0),
        neurons(results, depth=1),
        neurons(results, depth=2),
        class_best(results),
    ]
    assert not any("nan" in drawing.html.lower() for drawing in drawings)
    assert cells(neurons(results, depth=1).html, "d1-2")[6:10] == [["–"], ["–"], ["–"], ["–"]]
    assert '<span class="muted">unnamed</span>' in neurons(results, depth=0).html


def test_depths_without_parents_have_no_column_for_them(results):
    assert "made of" not in neurons(results, depth=1).html and "made of" in neurons(results).html


def test_a_depth_that_the_tower_does_not_have_is_a_sentence(results):
    drawing = neurons(results, depth=3)
    assert "This tower has no depth 3. Stop." in drawing.html and drawing.caption.endswith(".")
    assert drawing.data["note"].tolist() == ["This tower has no depth 3. Stop."]


def test_a_depth_that_only_another_seed_reached_is_left_out(tmp_path):
    results = results_of(tmp_path / "by-hand", {0: GIVEN[0], 1: GIVEN[1], 2: []})
    assert results.depths("latents") == [1, 2]
    assert "depth 2" not in neurons(results).title and set(class_best(results).data["depth"]) == {0, 1}
    assert "This tower has no depth 2." in neurons(results, depth=2).html


def test_a_depth_where_nothing_fires_says_so(tmp_path):
    results = results_of(tmp_path / "by-hand", {0: GIVEN[0], 1: [DEAD, DEAD]})
    drawing = neurons(results, depth=1)
    assert drawing.title == "No latent at depth 1 fires" and "No latent of this depth fires." in drawing.html
    assert len(drawing.data) == 2 and "none of 0 at depth 1" in neurons(results).title
    assert class_best(results).data.query("depth == 1")["latents"].tolist() == [0, 0, 0]


def test_class_best_has_the_best_that_passes_and_counts_exclusive_latents(results):
    drawing = class_best(results)
    rows = drawing.data.set_index(["class", "depth"])
    best = rows.loc[("T-shirt/top", 1)]
    assert (best["best"], best["f1"], best["latents"], best["passing"]) == ("d1/1", 0.9, 3, 3)
    assert rows["exclusive"].to_dict()[("T-shirt/top", 1)] == 1 and rows["exclusive"].sum() == 1
    assert rows.loc[(CLASSES[1], 1)]["latents"] == 1 and pd.isna(rows.loc[(CLASSES[1], 1)]["best"])
    assert drawing.html.count("none passes") == 1 and drawing.title.endswith("2 classes have none")


def test_entropy_in_bits_by_hand():
    shares = np.array([[1.0, 0, 0, 0], [0.25] * 4, [0.5, 0.5, 0, 0], [NAN] * 4])
    assert entropy(shares) == pytest.approx([0, 2, 1, NAN], nan_ok=True)


def test_the_script_is_small():
    assert (CHECKOUT / "report/assets/neurons.js").stat().st_size < 6144


def test_every_latent_that_fires_has_a_row_that_can_be_fetched(tmp_path, monkeypatch):
    """The table carries the best of each depth; the map of classes beside it counts all, and a press opens them all."""
    results, texts = results_of(tmp_path / "by-hand"), {}
    write_rows(results, tmp_path / "site", lambda path, text: texts.update({path.name: json.loads(text)}))
    monkeypatch.setattr(_neuron_words, "PER_DEPTH", 1)
    monkeypatch.setattr(Results, "looked", True)
    html = neurons(results).html
    assert (
        'data-rows="site" data-counts="0:2 1:4 2:1"' in html
        and "a chosen depth is shown whole" in neurons(results).caption
    )
    assert {name: len(rows) for name, rows in texts.items()} == {"rows-0.json": 2, "rows-1.json": 4, "rows-2.json": 1}
    counted = class_heat(results).data
    for depth in (0, 1, 2):
        passed = [row for row in texts[f"rows-{depth}.json"] if "not passed" not in row]
        assert len(passed) == counted[counted["depth"] == depth]["latents"].sum()
        carried = re.search(rf'<tr id="d{depth}-.*?</tr>', html)[0]
        assert carried in texts[f"rows-{depth}.json"]  # the same columns, whatever the depth has


def test_few_columns_come_first_and_without_classes_there_are_no_others(results):
    html = neurons(results).html
    shown = [column.head for column in COLUMNS if not column.more]
    assert len(shown) == 9 and html.count('<th scope="col" class="more"') == len(COLUMNS) - len(shown)
    row = re.search(r'<tr id="d1-0".*?</tr>', html)[0]
    assert row.count('<td class="more"') == len(COLUMNS) - len(shown) and '"all-columns"' in html


def test_the_first_press_puts_the_strongest_first_and_a_name_is_sorted_by_what_it_names(tmp_path):
    html = neurons(results_of(tmp_path / "by-hand", {0: [{"name": "some bags & tops"}]})).html
    assert set(re.findall(r'data-key="(\w+)" data-up', html)) == {"latent", "name", "class", "entropy", "ablation"}
    assert '<td data-value="bags &amp; tops">some bags' in html

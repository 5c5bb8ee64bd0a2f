"""What a notebook's cell prints to be kept, and the figure that is drawn from it: the steering slider."""

from __future__ import annotations

import copy
import importlib
import json
import re

import nbformat
import pytest
from factories import KEPT_STEERING
from notebook_project import HEAD, project_at

from analysis.figures.asked import Asked
from analysis.figures.draw import draw_all
from analysis.logs.history import History
from analysis.pages import notebooks
from analysis.plan import plugins
from analysis.results.kept import kept
from analysis.results.kept_file import KeptFile
from sae.errors import DataError, RenderError

KEEPS = HEAD + '# %% keep="two_numbers"\nprint("x")\n'


def with_output(*texts: str, kind: str = "stream"):
    """The script of `KEEPS`, as if its cell had been executed and had shown this."""
    script = notebooks.parsed(KEEPS, "report/notebooks/lesson.py")
    script.notebook.cells[1].outputs = [
        nbformat.from_dict({"output_type": "stream", "name": "stdout", "text": text})
        if kind == "stream"
        else nbformat.from_dict({"output_type": "display_data", "data": {"text/plain": text}, "metadata": {}})
        for text in texts
    ]
    return script


def test_what_a_cell_prints_is_a_file_and_a_link_in_the_place_of_the_output(tmp_path):
    paths = project_at(tmp_path, lesson=KEEPS)
    for folder in (paths.generated, paths.built_assets / "notebooks"):
        folder.mkdir(parents=True)
    files = notebooks._write(with_output('{"b": [1, 2.5],\n "a": "é"}\n'), "lesson", paths)
    file = "report/assets/generated/notebooks/lesson-two_numbers.json"
    assert file in files and json.loads((tmp_path / file).read_text()) == {"a": "é", "b": [1, 2.5]}
    text = (paths.generated / "notebook-lesson.md").read_text()
    assert f"```\n\nKept as data: [lesson-two_numbers.json](/{file})." in text and "2.5" not in text
    assert "2.5" not in (paths.built_assets / "notebooks" / "lesson.ipynb").read_text()
    found = kept(paths, "lesson/two_numbers")
    assert found.json()["b"] == [1, 2.5] and found.manifest == {"runs": []}
    (tmp_path / file).write_text("[3]")
    assert kept(paths, "lesson/two_numbers").digest != found.digest, "another content, another drawing"
    (tmp_path / file).write_text("[3")
    with pytest.raises(DataError, match=r"two_numbers\.json is no JSON .*remove it, and `strata build` makes it again"):
        kept(paths, "lesson/two_numbers")


@pytest.mark.parametrize(
    "script, message",
    [
        (with_output("{1: 2}"), "prints JSON .*this is none"),
        (with_output('{"loss": NaN}'), "NaN is no number of JSON"),
        (with_output("[-Infinity]"), "-Infinity is no number"),
        (with_output(), "shows nothing else; this one gave: nothing"),
        (with_output("[1]", kind="display"), "this one gave: display_data"),
        (with_output("[1]", "[2]"), "this one gave: stream, stream"),
    ],
)
def test_what_is_no_json_or_more_than_that_is_refused_with_its_cell(script, message, tmp_path):
    paths = project_at(tmp_path, lesson=KEEPS)
    (paths.built_assets / "notebooks").mkdir(parents=True)
    with pytest.raises(RenderError, match=f"cell 2: a cell with keep= .*{message}") as caught:
        notebooks._write(script, "lesson", paths)
    assert (caught.value.file, caught.value.line) == ("report/notebooks/lesson.py", 8)


@pytest.mark.parametrize(
    "cells, line, message",
    [
        ('# %% keep="Two words"\n1\n', 8, "keep='Two words' names no file"),
        ("# %% keep=3\n1\n", 8, "keep=3 names no file"),
        ('# %% keep="../x"\n1\n', 8, "names no file"),
        ('# %% [markdown] keep="a"\n# Words.\n', 8, "on a cell of text"),
        ('# %% keep="a"\n1\n\n# %% keep="a"\n2\n', 11, "stands on a cell before this one"),
    ],
)
def test_a_name_that_no_file_can_have_is_refused_before_anything_runs(cells, line, message):
    with pytest.raises(RenderError, match=re.escape(message)) as caught:
        notebooks.parsed(HEAD + cells, "report/notebooks/x.py")
    assert caught.value.line == line


def slider():
    plugins.figures()
    return importlib.import_module("analysis.figures.kinds.steering_slider")


def test_a_figure_of_a_notebook_that_kept_nothing_says_what_is_missing_and_who_asked(tmp_path):
    paths = project_at(tmp_path)
    call = Asked("steering_slider", (), "steering_slider", "index.qmd", 7)
    with pytest.raises(RenderError, match=r"there is no .*steer_a_digit-steering\.json: a cell of .*steer_a_digit\.py"):
        draw_all([call], None, History(()), paths)
    made = paths.built_assets / "notebooks" / "steer_a_digit-steering.json"
    made.parent.mkdir(parents=True, exist_ok=True)
    made.write_text(json.dumps(KEPT_STEERING))
    heard = []
    draw_all([call], None, History(()), paths, heard.append)
    draw_all([call], None, History(()), paths, heard.append)
    assert heard == ["steering_slider"]
    made.write_text(json.dumps(KEPT_STEERING | {"randoms": 6}))
    draw_all([call], None, History(()), paths, heard.append)
    assert heard == ["steering_slider"] * 2 and "of 6 random" in (paths.generated / "steering_slider.md").read_text()


def test_the_slider_says_what_was_kept_and_carries_all_of_it():
    drawing = slider().steering_slider(KeptFile("x", json.dumps(KEPT_STEERING).encode()))
    assert drawing.title == (
        "Pushed along one latent, 2 of 2 digits are read as 3; along the strongest of 5 random directions of the same "
        "length, 0"
    )
    data = json.loads(re.search(r'class="steer-data">(.*?)</script>', drawing.html)[1])
    assert [one["chances"] for one in data["along"]] == [KEPT_STEERING["along"][name] for name in ("latent", "random")]
    assert data["strengths"] == [0, 0.5, 1] and len(data["images"]) == 2 and data["target"] == 3
    # without scripts: one digit, six times ten bars, as high as it is likely
    bars = [float(high) for high in re.findall(r'<rect [^>]*height="([\d.]+)"', drawing.html)]
    assert len(bars) == 60 and max(bars) == round(0.95 * (slider().BARS - 4), 1)
    assert drawing.alt.startswith("A 0 that is pushed is read at strength 0 as 0 (90%) along the latent and 0 (90%)")
    assert "at strength 1 as 3 (95%) along the latent and 0 (70%) along a random direction." in drawing.alt
    rows = drawing.data
    assert len(rows) == 2 * 2 * 3
    assert rows.query("digit == '8' and direction == 'random' and strength == 0.5")["as 3"].item() == 0.2
    assert "var(--c1)" in drawing.html and "<i" not in drawing.caption


def test_a_latent_that_does_less_than_a_random_direction_is_said_to():
    turned = copy.deepcopy(KEPT_STEERING)
    turned["along"] = {"latent": turned["along"]["random"], "random": turned["along"]["latent"]}
    title = slider().steering_slider(KeptFile("x", json.dumps(turned).encode())).title
    assert title.startswith("Pushed along one latent, 0 of 2 digits are read as 3;") and title.endswith("length, 2")


@pytest.mark.parametrize(
    "found, message",
    [
        ([1], "holds list"),
        ({key: value for key, value in KEPT_STEERING.items() if key != "own"}, "must hold"),
        (KEPT_STEERING | {"strengths": [0.0, 1.0]}, "must be"),
        (KEPT_STEERING | {"strengths": [0.0, 0.6, 1.0]}, "among"),
        (KEPT_STEERING | {"pixels": []}, "pixels"),
        (KEPT_STEERING | {"along": {"latent": KEPT_STEERING["along"]["latent"]}}, "random"),
    ],
)
def test_something_else_that_was_kept_is_refused(found, message):
    with pytest.raises(DataError, match=message):
        slider().steering_slider(KeptFile("x", json.dumps(found).encode()))

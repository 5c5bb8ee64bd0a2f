"""The part of a page on which a language model writes: made where the export is, said where it is not."""

from __future__ import annotations

import json
import shutil

import pytest

from analysis.cli.web import language_for_pages
from analysis.pages import language
from analysis.plan.paths import Paths
from sae.errors import ConfigError, DataError, NotFoundError

pytest.importorskip("tokenizers")
from language_model import given, layer, weights

from analysis.run import web_sources
from analysis.run.web_language import export
from sae.checkpoint import save_layer
from sae.files import write_safetensors


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    folder = tmp_path_factory.mktemp("exported")
    export(given(folder), folder / "live")
    return folder / "live"


@pytest.fixture
def project(tmp_path):
    """A project of one page that asks for the part, without an export."""
    paths = Paths(tmp_path)
    paths.report.mkdir()
    paths.generated.mkdir(parents=True)
    (tmp_path / "_quarto.yml").write_text("project:\n  type: website\n")
    (paths.report / "live.qmd").write_text("---\ntitle: Live\n---\n\n{{< part language >}}\n")
    return paths


def pages(paths):
    return sorted(paths.report.glob("*.qmd"))


def part(paths):
    found = {}
    language.write_part(paths, pages(paths), lambda path, text: found.update({path.name: text}))
    return found


def test_without_an_export_the_build_and_the_page_say_so(project, capsys):
    language_for_pages(project)
    told = capsys.readouterr().err
    assert "report/live.qmd has no language model; data/language/live is not here: `strata export-language" in told
    assert part(project) == {"language.md": language.NOT_HERE} and "was not made with this site" in language.NOT_HERE


def test_an_export_is_copied_where_a_page_asks_for_it_and_goes_when_none_does(project, exported, capsys):
    shutil.copytree(exported, project.live)
    language_for_pages(project)
    folder = project.built_assets / "language"
    assert capsys.readouterr().err == ""
    names = {file.name for file in folder.iterdir()}
    assert names == {"union.bin", "union.json", "tokens.json", "latents.json"}
    assert all((folder / name).read_bytes() == (project.live / name).read_bytes() for name in names)
    html = part(project)["language.md"]
    sample = json.loads((project.live / "union.json").read_text())["sample"]
    assert "has read 3 addresses on the State of the Union" in html and html.count("data-begin=") == 3
    assert f"With latent {sample['latent']}," in html and "scripts may run" in html
    (project.report / "live.qmd").write_text("---\ntitle: Live\n---\n")
    language_for_pages(project)
    assert not folder.exists() and part(project) == {}


@pytest.mark.parametrize(
    ("name", "content", "match"),
    [
        ("union.bin", b"x", r"live/union\.bin is not what was written"),
        ("latents.json", None, r"live/latents\.json is missing"),
        ("union.json", b"{}", r"live/union\.json describes no language model"),
        ("union.json", b"{", r"union\.json is no JSON"),
    ],
)
def test_a_damaged_export_ends_the_build_with_its_file_and_what_mends_it(project, exported, name, content, match):
    shutil.copytree(exported, project.live)
    if content is None:
        (project.live / name).unlink()
    else:
        (project.live / name).write_bytes(content)
    with pytest.raises(DataError, match=match) as told:
        language.copy_model(project, pages(project))
    assert "strata export-language" in str(told.value) and "\n" not in str(told.value)


def test_weights_layer_and_held_out_text_are_read_from_their_files(tmp_path):
    (tmp_path / "stage").mkdir()
    save_layer(layer(32), tmp_path / "stage" / "layer.safetensors")
    union = weights(vocabulary=2048)
    write_safetensors(tmp_path / "union.safetensors", {name: values.half() for name, values in union.items()}, {})
    (tmp_path / "texts").mkdir()
    for number in range(4):
        text = (
            f"The address of {1800 + 7 * number} to the Congress, on {('peace', 'war', 'tea', 'canal')[number]}. " * 9
        )
        (tmp_path / "texts" / f"{number}.txt").write_text(text)
    files = tmp_path / "stage", tmp_path / "union.safetensors", "blocks.0.hook_resid_post"
    found = web_sources.given(*files, "text_folder", {"path": str(tmp_path / "texts"), "context": 16, "held_out": 0.25})
    assert found.about == {"documents": 3, "dataset": "text_folder"} and len(found.tokens["pieces"]) == 2048
    assert set(found.contexts[:, 0].tolist()) == {0} and found.contexts.shape[1] == 16
    assert found.encode("the Congress") and found.union["embed"].dtype.is_floating_point
    with pytest.raises(NotFoundError, match="SAE"):
        web_sources.given(tmp_path / "nowhere", tmp_path / "union.safetensors", "blocks.0.hook_resid_post")
    with pytest.raises(NotFoundError, match="weights"):
        web_sources.given(tmp_path / "stage", tmp_path / "nowhere", "blocks.0.hook_resid_post")
    with pytest.raises(ConfigError, match="digits holds no text as tokens of union"):
        web_sources.given(tmp_path / "stage", tmp_path / "union.safetensors", "blocks.0.hook_resid_post", "digits")

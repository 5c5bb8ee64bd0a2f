"""`strata train` and `strata judge` on files, without a project: from rows to SAEs of every format to one page."""

from __future__ import annotations

import json
import re
import shlex

import numpy as np
import pytest
import torch
from test_interop_load import FORMATS, WIDTH
from torch.nn.functional import normalize
from typer.testing import CliRunner

from analysis.cli.main import app
from analysis.pages.judge_page import page, text
from sae.errors import StrataError
from sae.interop import loaded

D_IN = 10


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("STRATA_ROOT", raising=False)
    draw = torch.Generator().manual_seed(7)
    directions = normalize(torch.randn(16, D_IN, generator=draw), dim=1)
    chosen = torch.rand(400, 16, generator=draw).topk(2).indices
    codes = torch.zeros(400, 16).scatter(1, chosen, 0.5 + torch.rand(400, 2, generator=draw))
    np.save("rows.npy", (codes @ directions).numpy())
    np.save("labels.npy", (codes.argmax(1) * -1000).numpy())
    np.save("random.npy", torch.randn(400, D_IN, generator=draw).numpy())
    return tmp_path


def strata(*arguments):
    found = CliRunner().invoke(app, arguments)
    if found.exception and not isinstance(found.exception, SystemExit):
        raise found.exception
    return found


def test_from_rows_to_three_seeds_to_a_page(here):
    for seed, layout in (("0", "ours"), ("1", "saelens"), ("2", "ours")):
        made = strata(
            "train", "rows.npy", "--width", "24", "--k", "2", "--steps", "120", "--lr", "0.02", "--seed", seed,
            "--format", layout, "--out", f"s{seed}",
        )  # fmt: skip
        assert re.search(r"variance explained \.?\d", made.stdout) and "held-out rows" in made.stdout
    saes = [part for seed in range(3) for part in ("--sae", f"s{seed}")]
    found = strata(
        "judge", "rows.npy", *saes, "--labels", "labels.npy", "--random-rows", "random.npy", "--null-steps", "20",
        "--most", "350", "--out", "out",
    )  # fmt: skip
    assert "s0, s1, s2: structure" in found.stdout and "over 3 seeds" in found.stdout
    written = json.loads((here / "out" / "judgement.json").read_text())
    assert written["rows"]["given"] == 400 and written["rows"]["used"] == 350 and "drawn at random" in written["read"]
    assert [sae["format"] for sae in written["groups"][0]["saes"]] == ["Strata", "SAELens", "Strata"]
    assert written["groups"][0]["saes"][1]["steps"] == 120
    rows = np.load("rows.npy")
    shown = written["groups"][0]["saes"][0]["latents"]["strongest"]
    assert all(0 <= strong["row"] < len(rows) for latent in shown for strong in latent)
    labels = np.load("labels.npy")
    assert all(strong["label"] == labels[strong["row"]] for latent in shown for strong in latent)
    html = (here / "out" / "judgement.html").read_text()
    assert html == page(written), "a page can be made again from its numbers"
    assert ">structure<" in html and "What was not tested" in html and "95% bound" in html
    assert "prefers-color-scheme: dark" in html and "<svg role=" in html


def test_the_page_needs_nothing_else(here):
    FORMATS["sparsify"][0](here)
    strata("judge", "rows.npy", "--sae", ".", "--nulls", "none", "--out", "out")
    html = (here / "out" / "judgement.html").read_text()
    assert not re.search(r"<(?:script|link|img|iframe)|\b(?:src|href)=|url\(|@import", html)
    assert "default-src 'none'" in html and 'name="viewport"' in html


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_is_audited(name, here, tmp_path):
    folder = tmp_path / "theirs"
    folder.mkdir()
    path = FORMATS[name][0](folder)
    width = json.loads(strata("judge", wide(name), "--sae", str(path), "--null-steps", "5", "--json").stdout)
    group = width["groups"][0]
    assert group["saes"][0]["format"] == name and group["verdict"]["word"] in ("floor", "copy", "collapse")
    assert group["standardised"] == (name == "OpenAI")
    assert group["budget"]["architecture"] == "topk"


def wide(name):
    """Rows of the width that the format's SAE reads."""
    from peers.layers import D_IN as peers_width

    if name in ("Strata", "SAELens"):
        rows = np.random.default_rng(0).normal(size=(120, peers_width)).astype(np.float32)
        np.save("other.npy", rows)
        return "other.npy"
    return "rows.npy"


def test_three_hundred_classes(here):
    np.save("many.npy", np.arange(400) % 300 - 150)
    FORMATS["Gemma Scope"][0](here)
    found = strata("judge", "rows.npy", "--sae", "params.npz", "--labels", "many.npy", "--nulls", "none", "--json")
    said = json.loads(found.stdout)
    assert said["rows"]["classes"] == list(range(-150, 150))
    assert len(said["groups"][0]["saes"][0]["latents"]["classes"]) == WIDTH


def test_words_of_others_are_text_on_the_page_and_in_the_terminal(here):
    FORMATS["sparsify"][0](here)
    found = strata("judge", "rows.npy", "--sae", ".", "--nulls", "none", "--json")
    said = json.loads(found.stdout)
    said["groups"][0]["saes"][0]["name"] = "<script>alert(1)</script>"
    assert "<script>" not in page(said) and "&lt;script&gt;" in page(said)
    assert any(f"</script>: {word}\n" in text(said) for word in ("no word", "floor", "collapse"))


REFUSED = {
    "no such rows": (("judge", "gone.npy", "--sae", "."), "gone.npy is not there"),
    "no such SAE": (("judge", "rows.npy", "--sae", "gone"), "gone is not there"),
    "NaN": (("judge", "bad.npy", "--sae", "."), "bad.npy: row 5 holds NaN"),
    "NaN in training": (("train", "bad.npy", "--width", "9", "--k", "2", "--seed", "3"), "bad.npy: row 5 holds NaN"),
    "NaN in held-out rows": (
        ("judge", "rows.npy", "--sae", ".", "--held-out", "bad.npy"), "bad.npy: row 5 holds NaN",
    ),
    "another width": (("judge", "narrow.npy", "--sae", "."), "reads rows of width 10, the rows have width 6"),
    "labels of others": (("judge", "rows.npy", "--sae", ".", "--labels", "few.npy"), "one for every row"),
    "random rows of others": (("judge", "rows.npy", "--sae", ".", "--random-rows", "bad.npy"), "400 examples"),
    "random rows of another width": (
        ("judge", "rows.npy", "--sae", ".", "--random-rows", "narrow.npy"),
        "--random-rows narrow.npy has rows of width 6, expected 10",
    ),
    "held-out rows of another width": (
        ("judge", "rows.npy", "--sae", ".", "--held-out", "narrow.npy"),
        "--held-out narrow.npy has rows of width 6, expected 10",
    ),
    "other nulls": (("judge", "rows.npy", "--sae", ".", "--nulls", "some"), "must be one of none, quick, full"),
    "an architecture that is not": (
        ("train", "rows.npy", "--width", "9", "--k", "2", "--architecture", "topp"), "did you mean 'topk'",
    ),
    "a form that is not": (("train", "rows.npy", "--width", "9", "--k", "2", "--format", "x"), "ours, saelens"),
    "k above the width": (("train", "rows.npy", "--width", "9", "--k", "10"), "k must be in 1..9"),
    "not for SAELens": (
        ("train", "rows.npy", "--width", "9", "--k", "2", "--architecture", "joint_topk", "--format", "saelens"),
        "SAELens has no 'joint_topk'",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_done_is_refused_in_one_line(case, here):
    arguments, says = REFUSED[case]
    FORMATS["sparsify"][0](here)
    rows = np.load("rows.npy")
    np.save("narrow.npy", rows[:, :6])
    np.save("few.npy", np.arange(7))
    rows[5, 2] = np.nan
    np.save("bad.npy", np.concatenate([rows, rows]))
    with pytest.raises(StrataError, match=re.escape(says)) as raised:
        strata(*arguments)
    assert "\n" not in str(raised.value)
    assert not (here / "judgement").exists() and not (here / "sae").exists()


TRAIN = ("train", "rows.npy", "--k", "2", "--steps", "2")


def test_a_folder_that_is_trained_into_again_holds_the_new_sae_alone(here):
    for width, layout in (("9", "ours"), ("13", "saelens"), ("17", "ours"), ("21", "ours")):
        strata(*TRAIN, "--width", width, "--format", layout, "--out", "again")
        assert loaded("again").layer.sae.n_latents == int(width)
        assert loaded("again").format == {"ours": "Strata", "saelens": "SAELens"}[layout]
        assert json.loads((here / "again" / "training.json").read_text())["width"] == int(width)


@pytest.mark.parametrize("name", ["Strata", "SAELens", "sparsify", "dictionary_learning", "Gemma Scope"])
def test_an_sae_of_others_is_not_written_over(name, here, monkeypatch):
    folder = here / "theirs"
    folder.mkdir()
    FORMATS[name][0](folder)
    (folder / "training.json").unlink(missing_ok=True)
    before = {file.name: file.read_bytes() for file in folder.iterdir()}
    monkeypatch.setattr("sae.train.train", lambda *_, **__: pytest.fail("trained before it was refused"))
    with pytest.raises(StrataError, match="an SAE that `strata train` did not write"):
        strata(*TRAIN, "--width", "9", "--out", "theirs")
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == before


@pytest.mark.parametrize("place", ["notes.txt", "notes.txt/deeper/still", "gone"])
def test_a_place_that_can_be_no_folder_is_refused_before_the_work(place, here, monkeypatch):
    (here / "notes.txt").write_text("mine")
    (here / "gone").symlink_to(here / "nowhere")
    FORMATS["sparsify"][0](here)
    monkeypatch.setattr("analysis.run.rows_files.read_rows", lambda *_, **__: pytest.fail("read before it was refused"))
    for command in ((*TRAIN, "--width", "9"), ("judge", "rows.npy", "--sae", ".")):
        with pytest.raises(StrataError, match=r"^--out .* is no folder, expected one"):
            strata(*command, "--out", place)
    assert (here / "notes.txt").read_text() == "mine"


def test_judge_toml_names_arrays_of_its_files(here, monkeypatch):
    """Paths in it are seen from the project, from wherever the command is called."""
    FORMATS["sparsify"][0](here)
    rows = np.load("rows.npy")
    np.savez("all.npz", acts=rows, other=rows[:, :4], y=np.arange(len(rows)) % 3)
    (here / "_quarto.yml").write_text("project:\n  type: website\n")
    (here / "judge.toml").write_text("rows = 'all.npz[acts]'\nlabels = 'all.npz[y]'\nsae = ['.']\nnulls = 'none'\n")
    (here / "deeper").mkdir()
    monkeypatch.chdir(here / "deeper")
    said = json.loads(strata("judge", "--json").stdout)
    assert said["rows"]["classes"] == [0, 1, 2] and said["rows"]["width"] == D_IN


@pytest.mark.parametrize("form", ["option", "name"])
def test_the_command_that_training_prints_can_be_typed_as_it_stands(form, here):
    np.savez("layer 8 (mlp).npz", acts=np.load("rows.npy"), other=np.zeros(3))
    rows = ["layer 8 (mlp).npz", "--array", "acts"] if form == "option" else ["layer 8 (mlp).npz[acts]"]
    made = strata("train", *rows, *TRAIN[2:], "--width", "9", "--out", "it's; mine/an sae")
    line = made.stdout.strip().splitlines()[-1]
    typed = shlex.split(line.removeprefix("it's; mine/an sae: "))
    assert typed[:2] == ["strata", "judge"]
    assert json.loads(strata(*typed[1:], "--nulls", "none", "--json").stdout)["rows"]["given"] == 400


def test_the_way_into_a_new_project_can_be_typed_as_it_stands(here):
    made = strata("new", "a study of $HOME", "--template", "blank")
    assert shlex.split(made.stdout.splitlines()[-1])[:4] == ["next:", "cd", "a study of $HOME", "&&"]


@pytest.mark.parametrize("word", [None, "undecided", "floor"])
def test_one_word_stands_in_the_terminal_on_the_page_and_in_the_numbers(word, here, judgement_without_nulls):
    judgement_without_nulls["groups"][0]["verdict"]["word"] = word
    shown = word or "no word"
    assert f"theirs: {shown}\n" in text(judgement_without_nulls)
    assert f'<p class="word">{shown}</p>' in page(judgement_without_nulls)


@pytest.fixture
def judgement_without_nulls(here):
    (here / "theirs").mkdir()
    FORMATS["sparsify"][0](here / "theirs")
    return json.loads(strata("judge", "rows.npy", "--sae", "theirs", "--nulls", "none", "--json").stdout)

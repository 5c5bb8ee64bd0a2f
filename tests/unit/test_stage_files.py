"""What stages read of one another: a file that cannot be read is one line with its folder and a remedy."""

from __future__ import annotations

import errno

import numpy as np
import pytest
import torch

from analysis.run.activations import ActivationStore
from analysis.run.stages._load import load_weights, read_json, save_tensors
from sae.errors import StageError, UnreadableError

CHANGES = {
    "half": lambda raw: raw[: len(raw) // 2],
    "short": lambda raw: raw[:5],
    "empty": lambda raw: b"",
    "text": lambda raw: b"no such thing " * 9,
    "gone": None,
}


@pytest.fixture(params=CHANGES)
def damage(request):
    def change(path):
        raw = path.read_bytes()
        path.unlink()
        if CHANGES[request.param]:
            path.write_bytes(CHANGES[request.param](raw))

    return change


def refused(path):
    words = rf"{path.name} cannot be read: .*; delete .*{path.parent.name}, `strata run` makes it again"
    return pytest.raises(StageError, match=words)


@pytest.mark.parametrize("name", ["held_out.npy", "held_out_labels.npy", "held_out_ids.npy"])
def test_activations(tmp_path, damage, name):
    store = ActivationStore(tmp_path, 3)
    rows, labels = torch.randn(40, 5), torch.arange(40) % 3
    store.save("held_out", rows, labels, torch.arange(40))
    assert torch.equal(store.rows("held_out"), rows) and torch.equal(store.labels("held_out"), labels)
    damage(tmp_path / name)
    with refused(tmp_path / name) as caught:
        [read("held_out") for read in (store.rows, store.labels, store.ids)]
    assert "\n" not in str(caught.value)


def test_weights(tmp_path, damage):
    path, layer = tmp_path / "host.safetensors", torch.nn.Linear(30, 20)
    save_tensors(layer.state_dict(), path)
    load_weights(torch.nn.Linear(30, 20), path)
    damage(path)
    with refused(path) as caught:
        load_weights(layer, path)
    assert "\n" not in str(caught.value)


def test_weights_of_another_shape(tmp_path):
    path = tmp_path / "host.safetensors"
    save_tensors(torch.nn.Linear(3, 2).state_dict(), path)
    with refused(path) as caught:
        load_weights(torch.nn.Linear(4, 2), path)
    assert "\n" not in str(caught.value)


def test_json(tmp_path, damage):
    path = tmp_path / "folds.json"
    path.write_text('{"folds": 2, "variance_explained": 0.5}')
    assert read_json(path)["folds"] == 2
    damage(path)
    with refused(path):
        read_json(path)


def test_an_array_of_objects_is_not_loaded(tmp_path):
    """Numpy would unpickle it, and a pickle is a program."""
    store = ActivationStore(tmp_path, 3)
    store.save("train", torch.zeros(2, 2), torch.zeros(2).long(), torch.zeros(2).long())
    np.save(tmp_path / "train_labels.npy", np.array([{}], dtype=object), allow_pickle=True)
    with refused(tmp_path / "train_labels.npy"):
        store.labels("train")


@pytest.mark.parametrize("read", [read_json, lambda path: load_weights(torch.nn.Linear(1, 1), path)])
def test_a_file_that_the_system_refuses_is_not_to_be_deleted(tmp_path, monkeypatch, read):
    path = tmp_path / "host.safetensors"
    path.touch()

    def refused(*given, **rest):
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(type(path), "open", refused)
    with pytest.raises(UnreadableError, match=r"host.safetensors cannot be read: Permission denied; .*readable"):
        read(path)

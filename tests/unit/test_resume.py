"""Checkpoints: a resumed run ends like an uninterrupted one, and the checkpoint of another run is refused."""

from __future__ import annotations

import dataclasses

import pytest
from training import ARCHITECTURES, FULL, SHORT, Killed, killer, make, same_bits

from sae.errors import CheckpointError, ConfigError
from sae.resume import FILE, Checkpoints
from sae.train import Trainee, train, train_together


@pytest.mark.parametrize("compiled", [True, False])
@pytest.mark.parametrize("name", ARCHITECTURES)
def test_a_killed_run_goes_on_and_ends_bit_for_bit_as_if_nothing_had_happened(
    name, compiled, toy_rows, tmp_path, monkeypatch
):
    if not compiled and getattr(ARCHITECTURES[name], "selects", "") != "row":
        pytest.skip("this architecture has one kind of step only")
    monkeypatch.setattr("sae.train.OBSERVE_EVERY", 1)
    config = dataclasses.replace(FULL, compiled=compiled)
    whole = train(name, make(name), toy_rows, config, 0)
    kept, seen = Checkpoints(tmp_path / "run", 4), []
    with pytest.raises(Killed):
        train(name, make(name), toy_rows, config, 0, killer(6), kept)
    assert [path.name for path in kept.folder.iterdir()] == [FILE], "no temporary file is left"
    layer = train(name, make(name), toy_rows, config, 0, seen.append, kept)
    assert [record.step for record in seen] == list(range(4, 12)), "it goes on after the last checkpoint"
    assert same_bits(layer.sae, whole.sae)
    assert seen[0].path.startswith("compiled" if compiled and name == "topk" else "torch") or name != "topk"


def test_several_saes_are_resumed_together(toy_rows, tmp_path, monkeypatch):
    monkeypatch.setattr("sae.train.OBSERVE_EVERY", 1)
    kept = Checkpoints(tmp_path, 5)

    def trainees():
        return [Trainee("topk", make()), Trainee("batch_topk", make("batch_topk", 30), 1e-3)]

    whole = train_together(trainees(), toy_rows, FULL, 0)
    with pytest.raises(Killed):
        train_together(trainees(), toy_rows, FULL, 0, killer(7), kept)
    for one, two in zip(train_together(trainees(), toy_rows, FULL, 0, checkpoints=kept), whole, strict=True):
        assert same_bits(one.sae, two.sae)


@pytest.fixture
def killed(toy_rows, tmp_path, monkeypatch):
    """The checkpoint of a TopK run that was killed."""
    monkeypatch.setattr("sae.train.OBSERVE_EVERY", 1)
    kept = Checkpoints(tmp_path / "run", 4)
    with pytest.raises(Killed):
        train("topk", make(), toy_rows, SHORT, 0, killer(6), kept)
    return kept


OTHERS = {
    "seed": lambda rows: (make(), rows, SHORT, 1),
    "lr": lambda rows: (make(), rows, dataclasses.replace(SHORT, lr=2e-2), 0),
    "steps": lambda rows: (make(), rows, dataclasses.replace(SHORT, steps=20), 0),
    "step": lambda rows: (make(), rows, dataclasses.replace(SHORT, compiled=False), 0),
    "normalisation": lambda rows: (make(), rows, dataclasses.replace(SHORT, normalise=False), 0),
    "k": lambda rows: (make(k=4), rows, SHORT, 0),
    "width": lambda rows: (make(width=40), rows, SHORT, 0),
    "option": lambda rows: (make(aux_weight=0.5), rows, SHORT, 0),
    "scaled rows": lambda rows: (make(), rows * 2, SHORT, 0),
    "fewer rows": lambda rows: (make(), rows[:1999], SHORT, 0),
    "rows in another order": lambda rows: (make(), rows.flip(0), SHORT, 0),
}


@pytest.mark.parametrize("other", OTHERS)
def test_the_checkpoint_of_another_run_is_refused(other, killed, toy_rows):
    sae, rows, config, seed = OTHERS[other](toy_rows)
    with pytest.raises(CheckpointError, match="another run"):
        train("topk", sae, rows, config, seed, checkpoints=killed)


def test_the_checkpoint_of_another_learning_rate_of_a_trainee_is_refused(toy_rows, tmp_path, monkeypatch):
    monkeypatch.setattr("sae.train.OBSERVE_EVERY", 1)
    kept = Checkpoints(tmp_path, 4)
    with pytest.raises(Killed):
        train_together([Trainee("topk", make(), 1e-2)], toy_rows, SHORT, 0, killer(6), kept)
    with pytest.raises(CheckpointError, match="another run"):
        train_together([Trainee("topk", make(), 1e-3)], toy_rows, SHORT, 0, checkpoints=kept)


def test_the_checkpoint_of_another_architecture_is_refused(killed, toy_rows):
    with pytest.raises(CheckpointError, match="another run"):
        train("batch_topk", make("batch_topk"), toy_rows, SHORT, 0, checkpoints=killed)


@pytest.mark.parametrize("keep", [0, 5, 0.5, 0.99])
def test_a_truncated_checkpoint_is_refused(keep, killed, toy_rows):
    raw = killed.path.read_bytes()
    killed.path.write_bytes(raw[: keep if isinstance(keep, int) else int(len(raw) * keep)])
    with pytest.raises(CheckpointError, match=FILE):
        train("topk", make(), toy_rows, SHORT, 0, checkpoints=killed)


def test_a_file_that_is_no_checkpoint_is_refused(killed, toy_rows):
    killed.path.write_text("not a checkpoint at all, but some text of a length that could hold one")
    with pytest.raises(CheckpointError, match="not a readable checkpoint"):
        train("topk", make(), toy_rows, SHORT, 0, checkpoints=killed)


def test_a_checkpoint_that_is_over_leaves_a_finished_run_as_it_was(killed, toy_rows):
    once = train("topk", make(), toy_rows, SHORT, 0, checkpoints=killed)
    again = train("topk", make(), toy_rows, SHORT, 0, checkpoints=killed)
    assert same_bits(once.sae, again.sae) and same_bits(once.sae, train("topk", make(), toy_rows, SHORT, 0).sae)


def test_checkpoints_more_often_than_every_step_are_refused(tmp_path):
    with pytest.raises(ConfigError, match="every 0 steps: must be at least 1"):
        Checkpoints(tmp_path, 0)

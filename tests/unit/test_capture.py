"""Activations of a language host on disk: what is left out, resumed bit for bit, read back in float32."""

from __future__ import annotations

import errno
import json
import shutil
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from analysis.run import capture as capturing
from analysis.run import shards
from analysis.run.activations import ActivationStore
from analysis.run.capture import capture, left_out
from analysis.run.shards import Shards
from sae.errors import ConfigError, DataError, NotFoundError, NumericError, StageError

WIDTH, PLACES, CONTEXTS = 8, 6, 20
IDS = torch.arange(CONTEXTS) * 3 + 1
TOKENS = torch.randint(0, 50, (CONTEXTS, PLACES), generator=torch.Generator().manual_seed(0), dtype=torch.int32)
SINKS = ((4, 1), (17, 5))


class Toy:
    """A host whose rows are looked up, with a row of 200 times the usual length at two places, and one at place 0."""

    tokeniser = "toy"

    def __init__(self, seed: int = 0, shift: float = 0.0) -> None:
        self.rows = torch.randn(50, WIDTH, generator=torch.Generator().manual_seed(seed)) + shift
        self.reads: list[int] = []

    def hooks(self):
        return {"low": WIDTH, "high": WIDTH}

    def read(self, contexts, hook):
        found = self.rows[contexts.long()] * (1 if hook == "low" else 1000)
        for context, place in SINKS:
            same = (contexts == TOKENS[context]).all(1)
            found[same, place] *= 200
        found[:, 0] *= 100
        self.reads.append(len(contexts))
        return found

    def state_dict(self):
        return {"rows": self.rows}


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """Shards of 4 contexts, read 2 at a time."""
    monkeypatch.setattr(capturing, "SHARD", 4)
    monkeypatch.setattr(capturing, "PASS", 2)
    monkeypatch.setattr(capturing, "FIRST", 6)


def run(folder, host=None, split="train", hook="low", **options):
    return capture(host or Toy(), TOKENS, IDS, hook, folder, split, **{"tell": lambda now: None, **options})


def contents(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def kept_rows():
    """What should be kept: rows and their ids."""
    rows = Toy().read(TOKENS, "low")
    mask = torch.ones(CONTEXTS, PLACES, dtype=torch.bool)
    mask[:, 0] = False
    for context, place in SINKS:
        mask[context, place] = False
    return rows[mask], (IDS[:, None] * PLACES + torch.arange(PLACES))[mask], rows, mask


def test_rows_come_back_without_sinks_and_place_0_under_their_ids(tmp_path):
    manifest = run(tmp_path)
    rows, ids, _, _ = kept_rows()
    store = ActivationStore(tmp_path, 0)
    assert torch.equal(store.ids("train"), ids) and store.labels("train") is None
    assert store.rows("train").dtype == torch.float32
    # half precision: eleven bits of every number, whatever its size
    assert ((store.rows("train") - rows).abs() <= rows.abs() * 2**-11 + 1e-6).all()
    assert manifest["rows"] == len(rows) and manifest["shards"] == [20, 19, 20, 20, 19]
    assert not list(tmp_path.glob("capture-*")), "nothing of it is left lying about"


def test_the_manifest_counts_what_was_left_out_and_says_how_much_of_the_variance_it_held(tmp_path):
    found = run(tmp_path)["left_out"]
    _, _, rows, mask = kept_rows()

    def apart(rows):
        return (rows - rows.mean(0)).square().sum(1)

    whole = apart(rows.flatten(0, 1).double()).view(CONTEXTS, PLACES)
    assert found["place_0"]["rows"] == CONTEXTS
    assert found["place_0"]["share"] == pytest.approx(float(whole[:, 0].sum() / whole.sum()))
    later = apart(rows[:, 1:].flatten(0, 1).double()).view(CONTEXTS, PLACES - 1)
    assert found["norm"]["rows"] == len(SINKS)
    assert found["norm"]["share"] == pytest.approx(float(later[~mask[:, 1:]].sum() / later.sum()))
    assert found["norm"]["share"] > 0.9
    assert json.loads((tmp_path / "train.json").read_text())["left_out"] == found


def test_the_other_split_is_judged_by_the_same_rule(tmp_path):
    first = run(tmp_path)
    other = Toy(shift=30.0)  # rows some ten times as long, none of them a sink by a rule of its own
    alone = run(tmp_path / "alone", other, split="held_out")
    assert alone["limit"] > 5 * first["limit"] and alone["left_out"]["norm"]["rows"] == len(SINKS)
    with pytest.raises(DataError, match="every row of low, held_out, is left out: 20 contexts are too few"):
        run(tmp_path, other, split="held_out", like={**first, "limit": 1.0})
    same = run(tmp_path, Toy(shift=1.0), split="held_out", like=first)
    assert (same["limit"], same["scale"]) == (first["limit"], first["scale"])


def test_which_rows_are_left_out_can_be_asked_of_activations():
    rows = Toy().read(TOKENS[:6], "low")
    first, long = left_out(rows, 50.0)
    assert first[:, 0].all() and first.sum() == 6
    assert long.nonzero().tolist() == [[4, 1]]


class KilledError(Exception):
    pass


@pytest.mark.parametrize(("fails_at", "read_again"), [(1, 20), (3, 12), (5, 4), (6, 20)])
def test_a_killed_capture_goes_on_where_it_stopped_bit_for_bit(tmp_path, monkeypatch, fails_at, read_again):
    """Of five shards and the ids, one is written in part. What had moved into a stage's folder is gone with that."""
    run(tmp_path / "whole")
    calls, save, kept = [], np.save, tmp_path / "kept"

    def write(place, *given, **named):
        calls.append(place)
        if len(calls) == fails_at:
            place.write(b"half of it")
            raise KilledError
        return save(place, *given, **named)

    monkeypatch.setattr(np, "save", write)
    with pytest.raises(KilledError):
        run(tmp_path / "first", kept=kept)
    assert not (tmp_path / "first" / "train.json").exists()
    monkeypatch.setattr(np, "save", save)
    again = Toy()
    run(tmp_path / "second", again, kept=kept)
    assert contents(tmp_path / "second") == contents(tmp_path / "whole")
    assert sum(again.reads) == read_again, "a shard that is there is not read again, nor what decided the rule"
    assert list(kept.iterdir()) == []


def test_killed_while_files_move_it_goes_on_too(tmp_path, monkeypatch):
    run(tmp_path / "whole")
    move, moved = shutil.move, []

    def failing(*given):
        if len(moved) == 2:
            raise KilledError
        moved.append(given)
        return move(*given)

    monkeypatch.setattr(shutil, "move", failing)
    with pytest.raises(KilledError):
        run(tmp_path / "one")
    assert not (tmp_path / "one" / "train.json").exists()
    monkeypatch.setattr(shutil, "move", move)
    again = Toy()
    run(tmp_path / "one", again)
    assert contents(tmp_path / "one") == contents(tmp_path / "whole") and not again.reads


def test_a_capture_of_something_else_is_not_gone_on_with(tmp_path, monkeypatch):
    kept = tmp_path / "kept"
    monkeypatch.setattr(shutil, "move", lambda *given: (_ for _ in ()).throw(KilledError))
    with pytest.raises(KilledError):
        run(tmp_path / "one", kept=kept)
    monkeypatch.undo()
    other = Toy(seed=1)
    monkeypatch.setattr(capturing, "PASS", 2)
    run(tmp_path / "other", other, kept=kept)
    assert sum(other.reads) == CONTEXTS


def test_a_full_disk_is_one_line_and_nothing_half_written(tmp_path, monkeypatch):
    save, calls = np.save, []

    def full(place, *given, **named):
        calls.append(1)
        if len(calls) == 3:
            place.write(b"part")
            raise OSError(errno.ENOSPC, "No space left on device")
        return save(place, *given, **named)

    monkeypatch.setattr(np, "save", full)
    with pytest.raises(DataError, match="cannot be written: No space left on device; free some space") as told:
        run(tmp_path / "one", kept=tmp_path / "kept")
    assert "\n" not in str(told.value) and list((tmp_path / "one").iterdir()) == []
    assert not [path for path in (tmp_path / "kept").rglob("*") if ".tmp-" in path.name]
    run(tmp_path / "one", kept=tmp_path / "kept")
    assert len(Shards(tmp_path / "one", "train").rows()) == 98


def test_a_disk_without_room_is_said_before_anything_is_read(tmp_path, monkeypatch):
    host = Toy()
    monkeypatch.setattr(shutil, "disk_usage", lambda place: SimpleNamespace(free=2000))
    # 120 tokens of 8 numbers in half precision, and an id
    with pytest.raises(DataError, match=r"120 tokens take 0.00 GB, and 0.00 GB are free: free some space"):
        run(tmp_path, host)
    assert not host.reads
    monkeypatch.setattr(shutil, "disk_usage", lambda place: SimpleNamespace(free=120 * 24))
    run(tmp_path, host)


def test_several_hooks_are_captured_in_one_pass(tmp_path):
    class Both(Toy):
        def read_several(self, contexts, hooks):
            found = {hook: super(Both, self).read(contexts, hook) for hook in hooks}
            self.passes = getattr(self, "passes", 0) + 1
            return found

    host = Both()
    manifests = run(tmp_path, host, hook=["low", "high"])
    assert host.passes == CONTEXTS // 2, "and the contexts that decide are not read twice"
    assert manifests.keys() == {"low", "high"} and manifests["high"]["scale"] > 500 * manifests["low"]["scale"]
    run(tmp_path / "alone", Toy())
    assert contents(tmp_path / "low") == contents(tmp_path / "alone")
    high = ActivationStore(tmp_path / "high", 0).rows("train")
    assert torch.allclose(high, 1000 * kept_rows()[0], rtol=1e-3)


def test_progress_is_told_in_tokens_a_second(tmp_path, capsys, monkeypatch):
    class Slow(Toy):
        def read(self, contexts, hook):
            clock[0] += 1.0
            return super().read(contexts, hook)

    told, clock = [], [100.0]
    monkeypatch.setattr(capturing.time, "monotonic", lambda: clock[0])
    run(tmp_path / "one", Slow(), tell=told.append)
    assert [now.done for now in told] == list(range(12, 121, 12))
    # two contexts of six tokens a second; of those that decide the rule, the time counts, too
    assert told[-1].rate == pytest.approx(12) and told[0].rate == pytest.approx(4)
    assert told[0].sentence().startswith("activations of low, train: 12 of 120 tokens, ")
    assert "tokens/s" in told[0].sentence() and "min left" in told[0].sentence()
    run(tmp_path / "two", tell=None)
    assert capsys.readouterr().err.count("120 of 120 tokens") == 1


@pytest.mark.parametrize("most", [0, 1, 7, 30, 98, 1000])
def test_evenly_spaced_rows_are_those_of_all_rows(tmp_path, most):
    run(tmp_path)
    store, every = ActivationStore(tmp_path, 0, most), ActivationStore(tmp_path, 0)
    step = shards.spacing(98, most)
    assert torch.equal(store.rows("train"), every.rows("train")[::step])
    assert torch.equal(store.ids("train"), every.ids("train")[::step])


def test_a_buffer_gives_every_row_once_in_another_order(tmp_path, monkeypatch):
    monkeypatch.setattr(shards, "PIECE", 5)
    run(tmp_path)
    found = Shards(tmp_path, "train")
    batches = list(found.shuffled(8, buffer=24, seed=3))
    assert [len(batch) for batch in batches] == [8] * 12 + [2]
    rows, every = torch.cat(batches), found.rows()
    assert torch.equal(rows[rows[:, 0].argsort()], every[every[:, 0].argsort()]) and not torch.equal(rows, every)
    again = torch.cat(list(found.shuffled(8, buffer=24, seed=3)))
    other = torch.cat(list(found.shuffled(8, buffer=24, seed=3, epoch=1)))
    assert torch.equal(rows, again) and not torch.equal(rows, other)
    with pytest.raises(ConfigError, match="buffer = 15: must be at least two batches of 8"):
        next(found.shuffled(8, buffer=15))


def test_a_shard_that_is_cut_off_or_another_is_named(tmp_path):
    run(tmp_path)
    path = tmp_path / "train-00002.npy"
    whole = path.read_bytes()
    path.write_bytes(whole[:-10])
    with pytest.raises(StageError, match=r"train-00002.npy cannot be read: .*`strata run` makes it again"):
        ActivationStore(tmp_path, 0).rows("train")
    np.save(path, np.zeros((20, 7), np.float16))
    with pytest.raises(StageError, match=r"holds float16 \(20, 7\), expected float16 \(20, 8\)"):
        ActivationStore(tmp_path, 0).rows("train")
    (tmp_path / "train.json").write_text("{}")
    with pytest.raises(StageError, match="it is no manifest of activations"):
        ActivationStore(tmp_path, 0).rows("train")


def test_rows_that_do_not_fit_into_memory_are_refused(tmp_path, monkeypatch):
    run(tmp_path)
    monkeypatch.setattr(shards.psutil, "virtual_memory", lambda: SimpleNamespace(available=3000))
    with pytest.raises(DataError, match=r"98 rows of 8 take 0.0 GB of memory, and 0.0 GB are free: take fewer"):
        ActivationStore(tmp_path, 0).rows("train")
    assert len(ActivationStore(tmp_path, 0, 49).rows("train")) == 49


def test_what_cannot_be_captured_is_refused(tmp_path):
    with pytest.raises(NotFoundError, match="no hook named 'lou'"):
        run(tmp_path, hook="lou")
    for tokens, ids in ((TOKENS, IDS[:-1]), (TOKENS[:0], IDS[:0]), (TOKENS[:, :1], IDS)):
        with pytest.raises(DataError, match="expected an id for each context"):
            capture(Toy(), tokens, ids, "low", tmp_path, "train")
    host = Toy()
    host.rows[TOKENS[7, 3]] = torch.inf
    with pytest.raises(NumericError, match=r"low of context \d+ is not finite"):
        run(tmp_path, host)
    assert not (tmp_path / "train.json").exists()


def test_a_store_of_images_stays_as_it_was(tmp_path):
    store = ActivationStore(tmp_path, 3)
    rows = torch.randn(5, 4)
    store.save("train", rows, torch.arange(5) % 3, torch.arange(5))
    assert torch.equal(store.rows("train"), rows) and store.labels("train").tolist() == [0, 1, 2, 0, 1]

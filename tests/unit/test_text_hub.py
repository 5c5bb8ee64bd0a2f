"""Data sets of the hub, with a stand-in for the package that fetches them."""

from __future__ import annotations

import sys

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from own_data import given
from text_project import prose, text_project

from analysis.plan.chains import fingerprint, to_fetch
from analysis.plan.data_source import NOT_HERE, source
from sae.errors import ConfigError, DataError


@pytest.fixture
def root(tmp_path, monkeypatch):
    return text_project(tmp_path, monkeypatch)


class Hub:
    """In place of the package `datasets`."""

    def __init__(self, rows=(), error=None):
        self.rows, self.error, self.asked = rows, error, []

    def load_dataset(self, *named, **options):
        self.asked.append((named, options))
        if self.error:
            raise self.error
        return iter(self.rows)


def test_a_data_set_of_the_hub_is_fetched_once_and_then_read_without_the_package(root, monkeypatch):
    rows = [{"body": prose(number), "text": "no", "n": number, "more": [1]} for number in range(8)]
    hub = Hub([{"body": "  "}, *rows])
    monkeypatch.setitem(sys.modules, "datasets", hub)
    options = {"source": "someone/some-text", "config": "plain", "field": "body", "documents": 6, "revision": "abc"}
    asked = source("hf_text", {**options, "context": 32})
    assert fingerprint(asked) == NOT_HERE
    assert to_fetch(asked).startswith(
        "text by the package datasets into data/downloads/hf_text/someone-some-text-plain-"
    )
    data = given("hf_text", **options, context=32)
    assert hub.asked == [(("someone/some-text", "plain"), {"split": "train", "streaming": True, "revision": "abc"})]
    assert len(data.text.facts) == 6 and data.text.facts[2]["n"] == 2 and "more" not in data.text.facts[2]
    first = next(data.text.stretches())
    assert prose(0).startswith("".join(first.pieces)), "the column that was asked for"
    monkeypatch.setitem(sys.modules, "datasets", None)
    assert (given("hf_text", **options, context=32).examples == data.examples).all()
    assert to_fetch(asked) == "" and fingerprint(asked) != NOT_HERE


@pytest.mark.parametrize(
    ("hub", "said"),
    [
        (None, r"nobody/nothing: to read a Hugging Face data set, `pip install datasets`"),
        (Hub(error=ConnectionError("no route\nto the hub")), r"cannot be read .*no route to the hub; .*local folder"),
        (Hub([{"body": "a"}]), r"nobody/nothing\[train\] row 0: has no column 'text'; it has body: say `field`"),
        (Hub([{"text": 1}]), r"row 0: 'text' is int; expected text"),
        (Hub([{"text": " "}]), r"nobody/nothing\[train\] has no row whose text holds something"),
    ],
)
def test_what_cannot_be_fetched_is_said_in_one_line_and_nothing_is_kept(root, monkeypatch, hub, said):
    monkeypatch.setitem(sys.modules, "datasets", hub)
    with pytest.raises(DataError, match=said) as told:
        given("hf_text", source="nobody/nothing")
    assert "\n" not in str(told.value) and not (root / "data/downloads").exists()


def test_options_of_the_hub_are_checked(root):
    for options, said in (({"documents": 1}, "must be 2 or more"), ({"split": ""}, "split = '': must not be empty")):
        with pytest.raises(ConfigError, match=said):
            given("hf_text", source="a/b", **options)


def test_a_local_folder_is_read_by_the_real_package(root, tmp_path_factory, monkeypatch):
    pytest.importorskip("datasets", reason="the package datasets is not installed")
    monkeypatch.setenv("HF_HOME", str(tmp_path_factory.mktemp("hub")))
    (root / "local").mkdir()
    pq.write_table(pa.table({"text": [prose(n) for n in range(5)], "n": range(5)}), root / "local/train.parquet")
    data = given("hf_text", source="local", context=32)
    assert [one["n"] for one in data.text.facts] == [0, 1, 2, 3, 4]

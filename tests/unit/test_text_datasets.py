"""Data sets of text, read from tiny real files: contexts, rows, splits by document, and what is refused."""

from __future__ import annotations

import hashlib
import json
import os
import shutil

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given as drawn
from hypothesis import settings
from hypothesis import strategies as st
from own_data import given
from tests_root import CHECKOUT
from text_project import prose, text_project

from analysis.plan.chains import fingerprint, plan
from analysis.plan.config import load_experiment
from analysis.plan.data_source import NOT_HERE, source
from analysis.run.datasets import _text_files
from analysis.run.datasets._documents import NEAR, Document, apart, by_share, parted, runs, shared
from analysis.run.datasets.sotu import addresses
from analysis.run.text.contexts import cut
from analysis.run.text.tokenisers import tokeniser
from sae.errors import ConfigError, DataError, NotFoundError

SOTU = CHECKOUT / "data/text/sotu.jsonl.xz"


@pytest.fixture
def root(tmp_path, monkeypatch):
    return text_project(tmp_path, monkeypatch)


@pytest.fixture
def shelf(root):
    """Three short documents in a folder: one at the top, two below."""
    folder = root / "shelf"
    (folder / "more").mkdir(parents=True)
    for number, name in enumerate(("a.txt", "more/b.md", "more/c.txt")):
        (folder / name).write_text(prose(number))
    return folder


# the embedded addresses


def test_the_embedded_addresses_are_whole_and_parted_by_document():
    documents, held_out = addresses()
    assert SOTU.with_name("sotu.sha256").read_text().split()[0] == hashlib.sha256(SOTU.read_bytes()).hexdigest()
    assert len(documents) == 233 and held_out.sum() == 23
    years = [one.facts["year"] for one in documents]
    assert years == sorted(years) and (years[0], years[-1]) == (1790, 2021)
    assert 1933 not in years and [year for year in set(years) if years.count(year) > 1] == [1953, 1961]
    both = [one.facts["president"] for one in documents if one.facts["year"] in (1953, 1961)]
    assert both == ["Harry S Truman", "Dwight D Eisenhower", "Dwight D Eisenhower", "John F Kennedy"]
    assert len({one.facts["president"] for one in documents}) == 43
    assert all(one.text == " ".join(one.text.split()) and "&quot;" not in one.text for one in documents)
    assert not any(control in one.text for one in documents for control in map(chr, range(32)))
    assert [one.facts["president"] for one in documents if not one.facts["party"]] == ["George Washington"] * 7


def test_the_split_of_the_addresses_is_the_one_of_their_content():
    """None had to be moved, so the marks are those of the hashes alone; the rest of the check takes seconds."""
    documents, held_out = addresses()
    digests = [hashlib.sha256(one.text.encode()).digest() for one in documents]
    assert set(np.argsort(np.array(digests, object))[:23].tolist()) == set(np.flatnonzero(held_out).tolist())


def test_addresses_that_were_altered_are_refused_with_the_way_to_get_them_again(root):
    with pytest.raises(DataError, match=r"sotu\.jsonl\.xz.*git checkout data/text"):
        given("sotu")
    (root / "data/text/sotu.jsonl.xz").write_bytes(SOTU.read_bytes()[:-1] + b"x")
    shutil.copy(SOTU.with_name("sotu.sha256"), root / "data/text")
    with pytest.raises(DataError, match=r"has sha256 .*, expected e0067e2d.*make_sotu\.py"):
        given("sotu")


# contexts and rows


def test_a_folder_of_three_documents_becomes_contexts_of_whole_documents(shelf):
    data = given("text_folder", path="shelf", context=32)
    union = tokeniser("union")
    assert data.examples.dtype == np.int32 and data.shape == (32,) and data.labels is None
    assert (data.noun, data.tokeniser, data.places, data.are_images) == ("context", "union", 32, False)
    assert (data.examples[:, 0] == union.start).all()
    for number, name in enumerate(("a.txt", "more/b.md", "more/c.txt")):
        mine = data.text.document == [one["file"] for one in data.text.facts].index(f"shelf/{name}")
        ids = union.encode(prose(number))
        assert data.examples[mine, 1:].ravel().tolist() == ids[: len(ids) // 31 * 31]
        assert len(set(data.held_out[mine].tolist())) == 1, "a document is on one side"
    lengths = [len(union.encode(prose(number))) for number in range(3)]
    left = sum(length % 31 for length in lengths)
    assert data.said.endswith(f"1 of 3 documents, 0.1 by content; {left} of {sum(lengths):,} tokens are left out, at "
                              "ends of documents that fill no context")  # fmt: skip
    assert "contexts of 32 tokens, no labels; " in data.said


def test_a_row_shows_its_token_in_its_context_on_one_line(root):
    (root / "two").mkdir()
    (root / "two/a.txt").write_text("We <b>shall</b>\nmeet & part — " + prose(1))
    (root / "two/b.txt").write_text(prose(2))
    data = given("text_folder", path="two", context=40)
    context = int(np.flatnonzero(data.text.document == [f["file"] for f in data.text.facts].index("two/a.txt"))[0])
    pieces = [data.text.pieces[one] for one in data.examples[context]]
    place = pieces.index("\n")
    shown = data.show(context * 40 + place)
    assert shown == data.shown(context * 40 + place)
    assert "<mark>\\n</mark>" in shown and "&lt;b" in shown and "<b>" not in shown and "\n" not in shown
    assert 'title="two/a.txt"' in shown
    middle = data.show(context * 40 + 20)
    assert middle.count("…") == 2 and f"<mark>{pieces[20]}</mark>" in middle
    before, after = middle.split("<mark>")[0].split("…")[1], middle.split("</mark>")[1].split("…")[0]
    assert before == "".join(pieces[8:20]).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace(
        "\n", "\\n"
    )
    assert after == "".join(pieces[21:27])
    assert "<mark>&lt;|endoftext|&gt;</mark>" in data.show(context * 40)


def test_stretches_give_each_document_once_with_the_ids_of_its_rows(shelf):
    data = given("text_folder", path="shelf", context=16)
    found = list(data.text.stretches(~data.held_out))
    assert len(found) == 2
    for one in found:
        text = prose(["a.txt", "b.md", "c.txt"].index(one.facts["file"].rsplit("/", 1)[-1]))
        assert text.startswith("".join(one.pieces)) and one.length == len(tokeniser("union").encode(text))
        ids = data.examples.ravel()[one.rows]
        assert [data.text.pieces[number] for number in ids] == one.pieces and not (one.rows % 16 == 0).any()


@settings(max_examples=25)
@drawn(st.lists(st.text("ab .\né", max_size=80), max_size=5), st.integers(2, 12))
def test_contexts_hold_every_token_but_the_ends_of_documents(texts, places):
    union = tokeniser("union")
    found = cut(texts, [{}] * len(texts), union, places)
    assert found.ids.shape == (sum(len(union.encode(text)) // (places - 1) for text in texts), places)
    assert found.left_out == sum(len(union.encode(text)) % (places - 1) for text in texts)
    for number, text in enumerate(texts):
        ids = found.ids[found.document == number, 1:].ravel().tolist()
        assert ids == union.encode(text)[: len(ids)]


# the split


@settings(max_examples=20)
@drawn(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6), st.integers(0, 12)), min_size=8, max_size=20))
def test_no_document_that_is_held_out_nearly_stands_among_the_others(made):
    """Documents made of two sources each, in any share, so that many are near others."""
    mixed = [[*prose(one, 60).split()[: 5 * part], *prose(two, 60).split()[5 * part :]] for one, two, part in made]
    documents = [Document(" ".join(words), str(row)) for row, words in enumerate(mixed)]
    found = [runs(one.text) for one in documents]
    wished = np.arange(len(documents)) % 3 == 0
    kept = apart(found, wished)
    assert not (kept & ~wished).any(), "none is added"
    trained = np.unique(np.concatenate([found[row] for row in np.flatnonzero(~kept)]))
    assert all(shared(found[row], trained) < NEAR for row in np.flatnonzero(kept))


@settings(max_examples=10)
@drawn(st.permutations(range(12)))
def test_the_split_depends_on_what_documents_hold_alone(order):
    documents = [Document(prose(seed, 40), str(seed)) for seed in order]
    held_out, moved = parted(documents, 0.25, "all")
    again, _ = parted([Document(prose(seed, 40), "x") for seed in range(12)], 0.25, "all")
    assert {order[row] for row in np.flatnonzero(held_out)} == set(np.flatnonzero(again).tolist())
    assert held_out.sum() == 3 and moved == 0


def test_a_near_copy_of_a_document_is_trained_on_and_that_is_said():
    documents = [Document(prose(seed), str(seed)) for seed in range(10)]
    held_out, how = by_share(documents, 0.3, "all")
    assert how == "0.3 by content"
    first = int(np.argmax(held_out))
    near = Document("A new beginning. " + documents[first].text.upper().replace(" ", "  "), "near")
    marks, how = by_share([*documents, near], 0.3, "all")
    assert marks[first] == marks[-1] or not marks[first]
    sides = {bool(marks[first]), bool(marks[-1])}
    assert sides == {False} and how.endswith("nearly stands among the others: trained on)")


def test_documents_that_are_all_alike_cannot_be_parted():
    words = prose(5).split()
    documents = [Document(" ".join([*words, str(number)]), f"{number}.txt") for number in range(4)]
    with pytest.raises(DataError, match=r"shares 20% or more .* \(\d\.txt is one\); add documents that differ"):
        parted(documents, 0.25, "all")


def test_folders_say_the_split_and_what_stands_in_both_is_refused(root):
    for name, seed in (("train/a.txt", 1), ("train/deep/b.md", 2), ("test/c.txt", 3)):
        (root / "told" / name).parent.mkdir(parents=True, exist_ok=True)
        (root / "told" / name).write_text(prose(seed))
    data = given("text_folder", path="told", context=64)
    held_out = {data.text.facts[number]["file"] for number in data.text.document[data.held_out]}
    assert held_out == {"told/test/c.txt"} and "1 of 3 documents, as its folders say;" in data.split
    with pytest.raises(ConfigError, match="says by its folders"):
        given("text_folder", path="told", held_out=0.2)
    (root / "told/test/d.txt").write_text(f"Otherwise: {prose(2)}")
    with pytest.raises(DataError, match=r"1 of 2 held-out documents nearly .*told/test/d.txt.*overlap = true"):
        given("text_folder", path="told", context=64)
    assert given("text_folder", path="told", context=64, overlap=True).held_out.any()
    (root / "told/test/d.txt").write_text(prose(2))
    with pytest.raises(DataError, match=r"told/test/d.txt is told/train/deep/b.md"):
        given("text_folder", path="told", context=64)
    (root / "told/loose.txt").write_text("x")
    with pytest.raises(DataError, match=r"told holds loose.txt beside test and train"):
        given("text_folder", path="told", context=64)


# lines and rows


def test_lines_of_json_and_rows_of_parquet_are_documents_with_their_facts(root):
    (root / "rows").mkdir()
    lines = [json.dumps({"text": prose(number), "year": 1900 + number, "tags": ["x"]}) for number in range(3)]
    (root / "rows/a.jsonl").write_text("\n".join(lines) + "\n\n")
    pq.write_table(pa.table({"text": [prose(3), prose(4), " "], "n": [1, 2, 3]}), root / "rows/b.parquet")
    (root / "rows/cover.png").write_bytes(b"x")
    data = given("text_folder", path="rows", context=32, held_out=0.4)
    assert [dict(one) for one in data.text.facts] == [
        {"file": "rows/a.jsonl:1", "year": 1900}, {"file": "rows/a.jsonl:2", "year": 1901},
        {"file": "rows/a.jsonl:3", "year": 1902}, {"file": "rows/b.parquet row 0"}, {"file": "rows/b.parquet row 1"},
    ]  # fmt: skip
    assert data.split.startswith("2 of 5 documents, 0.4 by content; passed over: 1 empty documents, 1 files with .png;")
    alone = given("text_folder", path="rows/a.jsonl", context=32)
    assert len(alone.text.facts) == 3 and alone.text.facts[0]["file"] == "rows/a.jsonl:1"


REFUSED = {
    "latin.txt": (b"one\ntwo caf\xe9\n", r"bad/latin.txt:2: byte 8 of the line is 0xe9, which is not UTF-8; .*iconv"),
    "binary.md": (b"one\n\0\1", r"bad/binary.md:2: byte 1 of the line is 0, as text has none"),
    "cut.jsonl": (b'{"text": "a"}\n{"text": ', r"bad/cut.jsonl:2: is no JSON .*the field 'text'"),
    "list.jsonl": (b'["text"]', r"bad/list.jsonl:1: is list; expected an object"),
    "other.jsonl": (b'{"body": "a"}', r"bad/other.jsonl:1: has no field 'text'; it has 'body': say `field`"),
    "number.jsonl": (b'{"text": 3}', r"bad/number.jsonl:1: 'text' is int; expected text"),
    "half.jsonl": (b'{"text": "a\\ud800"}', r"bad/half.jsonl:1: character 2 is half of one \(U\+D800\)"),
    "no.parquet": (b"PAR", r"bad/no.parquet cannot be read as parquet"),
}


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_a_file_that_is_no_text_is_refused_with_its_place(root, name):
    content, said = REFUSED[name]
    (root / "bad").mkdir()
    (root / "bad" / name).write_bytes(content)
    (root / "bad/good.txt").write_text(prose(1))
    with pytest.raises(DataError, match=said) as told:
        given("text_folder", path="bad")
    assert "\n" not in str(told.value)


def test_a_parquet_of_other_columns_or_with_gaps_is_refused(root):
    pq.write_table(pa.table({"text": ["a", None], "n": [1, 2]}), root / "gaps.parquet")
    with pytest.raises(DataError, match=r"gaps.parquet row 1: has no text; leave such rows out"):
        given("text_folder", path="gaps.parquet")
    for field, said in (("n", r"gaps.parquet\[n\] is int64; expected text"), ("m", r"no column 'm'; it has text, n")):
        with pytest.raises(DataError, match=said):
            given("text_folder", path="gaps.parquet", field=field)


def test_windows_text_is_read_and_a_mark_at_its_start_is_no_text(root):
    file = root / "windows.txt"
    file.write_bytes(b"\xef\xbb\xbfone\r\ntwo")
    assert [one.text for one in _text_files.documents_in(file, "windows.txt", "text")] == ["one\ntwo"]


# what is refused of options and folders


@pytest.mark.parametrize(
    ("options", "error", "said"),
    [
        ({"context": 10_000}, ConfigError, r"context = 10000: must be .*from 2 to 8,192, at most those that the host"),
        ({"context": True}, ConfigError, "context = True: must be"),
        ({"context": 1_000}, DataError, r"shelf: no context of 1000 tokens to train on: the longest of 2 .* smaller"),
        ({"tokeniser": "onion"}, NotFoundError, r"no tokeniser.* named 'onion'.*did you mean 'union'"),
        ({"tokeniser": 3}, ConfigError, r"tokeniser = 3: must be the name"),
        ({"held_out": 1}, ConfigError, r"held_out = 1: must be a share"),
        ({"field": 1}, ConfigError, r"field = 1: must be the name"),
        ({"path": "none"}, DataError, r"none is not there"),
    ],
)
def test_options_that_mean_nothing_are_refused_in_one_line(shelf, options, error, said):
    with pytest.raises(error, match=said) as told:
        given("text_folder", **{"path": "shelf", **options})
    assert "\n" not in str(told.value)


def test_a_folder_without_text_is_refused_and_a_circle_of_links_too(root):
    (root / "empty/within").mkdir(parents=True)
    with pytest.raises(DataError, match=r"empty holds no text; expected files that end in .txt, .md, .jsonl, .parquet"):
        given("text_folder", path="empty")
    (root / "empty/a.pdf").write_bytes(b"x")
    with pytest.raises(DataError, match=r"empty holds no text, and 1 other files;"):
        given("text_folder", path="empty")
    (root / "empty/b.txt").write_text("\n")
    with pytest.raises(DataError, match=r"empty has no documents: its 1 files hold no text"):
        given("text_folder", path="empty")
    os.symlink(root / "empty", root / "empty/within/again")
    with pytest.raises(DataError, match=r"again leads back to .*empty, which holds it"):
        given("text_folder", path="empty")


# keys of runs


def test_what_text_and_tokeniser_hold_is_part_of_every_key(shelf, root):
    asked = source("text_folder", {"path": "shelf"})
    first = fingerprint(asked)
    (shelf / "a.txt").write_text(prose(9))
    second = fingerprint(asked)
    other = root / "other"
    other.mkdir()
    (other / "tokenizer.json").write_text(
        (root / "data/text/union-bpe.json").read_text().replace('"version"', ' "version"')
    )
    third = fingerprint(source("text_folder", {"path": "shelf", "tokeniser": "other"}))
    assert len({first, second, third}) == 3 and second.split("-")[0] == third.split("-")[0]
    (other / "tokenizer_config.json").write_text('{"bos_token": "a"}')
    fourth = fingerprint(source("text_folder", {"path": "shelf", "tokeniser": "other"}))
    assert fourth != third, "which token starts a text"
    (other / "tokenizer.json").unlink()
    assert fingerprint(source("text_folder", {"path": "shelf", "tokeniser": "other"})) == NOT_HERE
    assert fingerprint(source("text_folder", {"path": "gone"})) == NOT_HERE


def test_an_experiment_on_text_is_planned(shelf, root):
    (root / "data/experiments/words.toml").write_text(
        'title = "Words"\ndataset = "text_folder"\ndataset_options = { path = "shelf", context = 32 }\nseeds = [0]\n'
        '[host]\nname = "mlp"\nhook = "hidden1"\n[sae]\nwidth = 8\nk = 2\n[[towers]]\nkind = "latents"\ndepth = 1\n'
    )
    chains = plan(load_experiment(root / "data/experiments", "words"))
    assert chains and all("text_folder" in chain.config.source for chain in chains)

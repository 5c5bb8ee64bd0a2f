"""Questions on the tokens of a text, answered by hand for a few sentences; labelled sets of others, from a wheel."""

from __future__ import annotations

import importlib.util
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.run.text.contexts import Stretch, cut
from analysis.run.text.kinds import LETTERS, WORD_KINDS, first_letter, sort_tokens, word_kind
from analysis.run.text.reading import Reading
from analysis.run.text.sae_probes import sae_probes
from analysis.run.text.tasks import TASKS, answers
from analysis.run.text.tokenisers import tokeniser
from sae.errors import DataError, NotFoundError

SAID = 'Mr. Adams paid $1,500 to Sweden. "We walked slowly," said Ann; ships were hundreds. U.S. envoys left in 1812'
PIECES = [
    "Mr", ".", " Ad", "ams", " paid", " $", "1", ",", "500", " to", " Swe", "den", ".", ' "', "We", " walk", "ed",
    " slow", "ly", ',"', " said", " Ann", ";", " ships", " were", " hundreds", ".", " U", ".", "S", ".", " envoy", "s",
    " left", " in", " 18", "12",
]  # fmt: skip


def reading(facts: Mapping[str, object] | None = None, length: int = len(PIECES)) -> Reading:
    assert "".join(PIECES) == SAID
    return Reading(PIECES, facts or {}, length)


def told(name: str, answer: int, facts: Mapping[str, object] | None = None) -> list[str]:
    """The pieces that have an answer, with their places where a piece stands twice."""
    labels = TASKS[name](reading(facts))
    assert labels.dtype == np.int8 and labels.shape == (len(PIECES),)
    return [PIECES[place] for place in np.flatnonzero(labels == answer)]


# question: the tokens with a yes, and those with a no (None: all others that are asked, not counted here)
BY_HAND = {
    "capitalised": (["ams", "den", " Ann", "S"], [" paid", " to", "ed", "ly", " said", " ships", " were", " hundreds",
                                                  "s", " left", " in"]),
    "number": (["500", "12"], None),
    "money": (["500"], ["12"]),
    "country": (["den"], ["ams", " Ann", "S"]),
    "past_tense": ([" paid", "ed", " said", " left"], ["ly", " ships", " were", " hundreds", "s"]),
    "plural": ([" ships", " hundreds", "s"], [" paid", "ed", "ly", " said", " were", " left"]),
    "adverb": (["ly"], [" paid", "ed", " said", " ships", " were", " hundreds", "s", " left"]),
    "in_quote": (["We", " walk", "ed", " slow", "ly", ',"'], None),
    "punctuation": ([".", " $", ",", ".", ' "', ',"', ";", ".", ".", "."], None),
    "first_of_sentence": (["Mr", ' "', " U"], None),
    "first_tenth": (["Mr", ".", " Ad", "ams"], None),
    "word_goes_on": ([" Ad", " Swe", " walk", " slow", " envoy", " 18"], None),
    "comma_next": (["1", "ly"], None),
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(BY_HAND))
def test_a_question_is_answered_as_by_hand(name: str) -> None:
    yes, no = BY_HAND[name]
    assert told(name, 1) == yes
    if no is not None:
        assert told(name, 0) == no


def test_every_question_is_named_and_said_in_words() -> None:
    assert len(TASKS) >= 10 + 12 and set(BY_HAND) <= set(TASKS)
    for name, task in TASKS.items():
        assert task.__name__ == name and (task.__doc__ or "").endswith("."), name


@pytest.mark.parametrize(
    ("name", "facts", "answer"),
    [
        ("after_1900", {"year": 1899}, 0), ("after_1900", {"year": 1900}, 1), ("after_1900", {"year": "1900"}, -1),
        ("decade_1960s", {"year": 1969}, 1), ("decade_1960s", {"year": 1970}, 0), ("decade_1960s", {"year": 1869}, -1),
        ("decade_1960s", {}, -1), ("republican", {"party": "Republican"}, 1), ("republican", {"party": "Whig"}, -1),
        ("republican", {"party": "Democratic"}, 0),
    ],
)  # fmt: skip
def test_questions_on_documents_are_answered_by_their_facts(name: str, facts: dict[str, object], answer: int) -> None:
    assert (TASKS[name](reading(facts)) == answer).all()


def test_a_tenth_is_one_of_the_whole_document_not_of_what_contexts_hold() -> None:
    assert TASKS["first_tenth"](reading(length=100)).sum() == 10


def test_a_lone_quotation_mark_quotes_nothing_after_it() -> None:
    text = 'He said "no, and went. Then he wrote "peace" twice'
    pieces = [word if place == 0 else f" {word}" for place, word in enumerate(text.split(" "))]
    labels = TASKS["in_quote"](Reading(pieces, {}, len(pieces)))
    assert [pieces[place] for place in np.flatnonzero(labels)] == [' "peace"']


def test_bytes_that_make_no_character_are_in_no_word() -> None:
    pieces = ["The", " end", "\\xe2\\x80", "\\x94", "less", " war"]
    labels = TASKS["word_goes_on"](Reading(pieces, {}, 6))
    assert len(Reading(pieces, {}, 6).text) == sum(map(len, pieces))
    assert [word.text for word in Reading(pieces, {}, 6).words] == ["The", "end", "less", "war"]
    assert labels.tolist() == [0, 0, -1, -1, 0, -1]


@given(st.lists(st.text("aB1 .,\"$\n'sé", min_size=1, max_size=6), min_size=1, max_size=30))
def test_any_pieces_are_answered_with_yes_no_or_not_asked(pieces: list[str]) -> None:
    text = Reading(pieces, {"year": 1950, "party": "Republican"}, len(pieces))
    for task in TASKS.values():
        labels = task(text)
        assert labels.shape == (len(pieces),) and set(labels.tolist()) <= {-1, 0, 1}


def test_answers_are_given_by_row_id_for_the_contexts_of_a_split() -> None:
    texts = ["Peace with Spain, and 12 ships. " * 8, "We traded with Norway in 1807. " * 8]
    found = cut(texts, [{"year": 1795}, {"year": 1907}], tokeniser("union"), 16)
    mask = found.document == 1
    given_answers = answers(found.stretches(mask), ["country", "after_1900"])
    rows, labels = given_answers["country"]
    flat = found.ids.ravel()
    assert set(mask[rows // 16].tolist()) == {True} and labels.dtype == np.bool_
    names = {
        "".join(found.pieces[number] for number in flat[row - 3 : row + 1]).rsplit(" ", 1)[-1] for row in rows[labels]
    }
    assert names == {"Norway"}
    assert given_answers["after_1900"].labels.all() and len(given_answers["after_1900"].rows) == mask.sum() * 15
    assert answers([], ["country"])["country"].rows.shape == (0,)
    assert answers([Stretch({}, 1, ["a"], np.array([1]))], ["after_1900"])["after_1900"].labels.shape == (0,)


# labelled sets of others


def packed(table: pd.DataFrame) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(table.to_csv(index=False).encode())
    return sink.getvalue().to_pybytes()


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    """A wheel laid out as the package's, with three sets."""
    sets = {
        "cleaned_data/12_colour.csv": [("the sea", "blue"), ("grass", "green"), ("the sea", "blue"), ("moss", "green"),
                                       ("kelp", "blue"), ("kelp", "green")],
        "cleaned_data/3_odd.csv": [("one", 1), ("two", 0)],
        "cleaned_data/4_three.csv": [("a", 1), ("b", 2), ("c", 3)],
    }  # fmt: skip
    master = pd.DataFrame({"Dataset save name": [*sets, "cleaned_data/9_year.csv"],
                           "Data type": ["Binary Classification"] * 3 + ["Continuous Data"]})  # fmt: skip
    path = tmp_path / "sae_probes-0.4.9-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("sae_probes/data/probing_datasets_MASTER.csv.zst", packed(master))
        for name, rows in sets.items():
            archive.writestr(f"sae_probes/data/{name}.zst", packed(pd.DataFrame(rows, columns=["prompt", "target"])))
    return path


def test_sets_of_two_classes_are_listed_and_read_from_a_wheel_or_a_folder(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(wheel.parent / "unpacked")
    for place in (wheel, wheel.parent, wheel.parent / "unpacked"):
        found = sae_probes(str(place))
        assert found.names() == ["3_odd", "4_three", "12_colour"]
        colour = found.read("12_colour")
        assert colour.texts == ("the sea", "grass", "moss") and colour.labels.tolist() == [False, True, True]
        assert (colour.classes, colour.repeated, colour.doubtful) == (("blue", "green"), 1, 1)


def test_what_is_no_set_of_two_classes_is_refused(wheel: Path) -> None:
    found = sae_probes(str(wheel))
    with pytest.raises(DataError, match="4_three has 3 classes; expected two"):
        found.read("4_three")
    with pytest.raises(NotFoundError, match=r"named '12_color'.*did you mean '12_colour'"):
        found.read("12_color")
    with pytest.raises(NotFoundError, match="named '9_year'"):
        found.read("9_year")


def test_where_the_package_is_not_the_way_to_get_it_is_said(
    wheel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(DataError, match=r"no package sae-probes there .*pip download --no-deps"):
        sae_probes(str(tmp_path / "gone.whl"))
    (tmp_path / "broken.whl").write_bytes(wheel.read_bytes()[:200])
    with pytest.raises(DataError, match=r"MASTER.csv.zst cannot be read .*pip download"):
        sae_probes(str(tmp_path / "broken.whl")).names()
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(DataError, match=r"sae-probes is not installed, and no path of it was given; get it by `pip"):
        sae_probes()


def test_an_installed_package_is_found_without_importing_it(wheel: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(wheel.parent / "site")
    (wheel.parent / "site/sae_probes/__init__.py").write_text("raise SystemExit('imported')\n")
    monkeypatch.syspath_prepend(str(wheel.parent / "site"))
    assert sae_probes().names() == ["3_odd", "4_three", "12_colour"]


def test_a_letter_is_of_a_word_that_is_one_token():
    found = first_letter(reading())
    letters = {PIECES[token]: LETTERS[letter] for token, letter in enumerate(found.tolist()) if letter >= 0}
    assert letters["Mr"] == "m" and letters[" paid"] == "p" and letters["S"] == "s" and letters[" Ann"] == "a"
    assert not {" Ad", "ams", " Swe", "den", " walk", "ed", "500", "12", ","} & set(letters)


def test_a_kind_is_that_of_the_one_question_that_a_token_answers():
    found = word_kind(reading())
    kinds: dict[str, list[str]] = {}
    for token, kind in enumerate(found.tolist()):
        if kind >= 0:
            kinds.setdefault(WORD_KINDS[kind], []).append(PIECES[token])
    assert kinds["country"] == ["den"] and kinds["adverb"] == ["ly"] and kinds["number"] == ["500", "12"]
    assert "ed" in kinds["past_tense"] and " ships" in kinds["plural"] and "." in kinds["punctuation"]
    assert sum(map(len, kinds.values())) == int((found >= 0).sum()) < len(PIECES)


def test_sorted_tokens_have_the_rows_of_their_documents():
    stretch = Stretch({}, len(PIECES), PIECES, np.arange(len(PIECES)) + 700)
    found = sort_tokens([stretch, stretch], first_letter)
    labels = first_letter(reading())
    assert found.rows.tolist() == 2 * (np.flatnonzero(labels >= 0) + 700).tolist()
    assert found.sorts.tolist() == 2 * labels[labels >= 0].tolist()
    assert sort_tokens([], word_kind).rows.size == 0

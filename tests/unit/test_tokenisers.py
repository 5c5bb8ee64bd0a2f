"""Tokenisers by name or folder: what they give, and what is said where one is not there or is none."""

from __future__ import annotations

import hashlib
import json
import lzma
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.plan import paths
from analysis.run.text import tokenisers
from analysis.run.text.tokenisers import escaped, fingerprint, tokeniser
from analysis.system import extras
from sae.errors import DataError, ExtraError, NotFoundError

HARD = "Mr. Speaker — naïve, 日本, <|endoftext|> and a tab\there\n"


def union_file() -> Path:
    return paths.find().data / "text" / "union-bpe.json"


def folder_of(folder: Path, bos: object = "w") -> Path:
    """A folder of a tokeniser of whole words, saved as transformers saves one."""
    from tokenizers import Tokenizer, models, pre_tokenizers

    own = Tokenizer(models.WordLevel({"?": 0, "peace": 1, "war": 2, "w": 3}, unk_token="?"))
    own.pre_tokenizer = pre_tokenizers.Whitespace()
    folder.mkdir()
    own.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(json.dumps({"bos_token": bos}))
    return folder


def test_the_embedded_tokeniser_writes_every_text_back() -> None:
    union = tokeniser("union")
    assert union.size == 2048 and len(union.pieces) == 2048 and union.start == 0
    assert union.fingerprint == hashlib.sha256(union_file().read_bytes()).hexdigest() == fingerprint("union")
    ids = union.encode(HARD)
    assert union.decode(ids) == HARD
    assert union.start not in ids, "the name of a special token in a text is text"
    assert union.pieces[union.encode(" the")[0]] == " the" and union.pieces[0] == "<|endoftext|>"
    assert "\\xe6" in "".join(union.pieces[number] for number in union.encode("日"))


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=40))
def test_any_text_comes_back(text: str) -> None:
    union = tokeniser("union")
    assert union.decode(union.encode(text)) == text


def test_its_tokens_were_learned_from_the_addresses_that_are_trained_on() -> None:
    """Each merge makes a piece that occurs in them."""
    with lzma.open(paths.find().data / "text" / "sotu.jsonl.xz", "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    trained = " ".join(row["text"] for row in rows if not row["held_out"])
    whole = [piece for piece in tokeniser("union").pieces[257:] if "\\x" not in piece]
    assert len(whole) > 1780
    assert [piece for piece in whole if piece not in trained] == []


def test_a_folder_says_which_token_starts_a_text(tmp_path: Path) -> None:
    named = tokeniser(str(folder_of(tmp_path / "named")))
    assert (named.start, named.encode("war peace"), named.pieces[1]) == (3, [2, 1], "peace")
    assert tokeniser(str(folder_of(tmp_path / "as_dict", {"content": "w"}))).start == 3
    assert tokeniser(str(folder_of(tmp_path / "none", None))).start is None
    with pytest.raises(DataError, match=r"bos_token 'begin' is no token of tokenizer.json"):
        tokeniser(str(folder_of(tmp_path / "wrong", "begin")))


def test_a_tokeniser_that_is_not_there_is_named_with_near_ones(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"no tokeniser, or folder of one, named 'smolm2'.*did you mean 'smollm2'"):
        tokeniser("smolm2")
    with pytest.raises(DataError, match=r"tokenizer\.json is not there; a tokeniser's folder holds"):
        tokeniser(str(tmp_path))
    assert fingerprint("smolm2") is None and fingerprint(str(tmp_path)) is None


def test_a_model_that_was_not_fetched_is_told_with_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "_quarto.yml").write_text("project: {}\n")
    monkeypatch.setenv("STRATA_ROOT", str(tmp_path))
    with pytest.raises(DataError, match=r"tokeniser smollm2: .*is not there; `make model` fetches"):
        tokeniser("smollm2")


@pytest.mark.parametrize("content", [b"{}", b"no JSON", b"\xff\xfe"])
def test_a_file_that_is_no_tokeniser_is_refused_in_one_line(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "broken.json").write_bytes(content)
    with pytest.raises(DataError, match=r"broken.json is no tokeniser of the package tokenizers") as told:
        tokeniser(str(tmp_path / "broken.json"))
    assert "\n" not in str(told.value)


def test_without_the_package_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extras, "found", lambda name: name != "tokenizers")
    with pytest.raises(ExtraError, match=r'tokeniser union needs tokenizers, .*pip install "strata\[lm\]"'):
        tokeniser("union")
    assert fingerprint("union"), "a key is planned without it"


def test_pieces_are_shown_on_one_line() -> None:
    assert escaped("a\tb\n\u200b\x02 ü") == "a\\tb\\n\\u200b\\x02 ü"


def test_names_are_files_of_the_project() -> None:
    assert tokenisers.known() == ["smollm2", "union"]
    assert tokenisers.tokeniser_file("smollm2").parts[-3:] == ("models", "smollm2", "tokenizer.json")
    assert os.path.getsize(union_file()) < 500_000

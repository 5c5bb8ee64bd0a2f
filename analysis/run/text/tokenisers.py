"""Tokenisers by name: `union` (the embedded one), `smollm2` (of the model's folder), or a folder or file of one.

A tokeniser is a file of the package `tokenizers` (`tokenizer.json`); which token starts a text says the file
`tokenizer_config.json` beside it (`bos_token`), or else its token `<|endoftext|>`, where it has one.
"""

from __future__ import annotations

import hashlib
import json
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from analysis.plan import paths
from analysis.system.digests import digest
from analysis.system.extras import need_imports
from sae.errors import DataError, NotFoundError

FILE, CONFIG = "tokenizer.json", "tokenizer_config.json"
START = "<|endoftext|>"
# Names with the file below the project's data, and how it is got.
KNOWN = {
    "union": ("text/union-bpe.json", "`git checkout data/text`, or `python data/text/make_tokeniser.py`"),
    "smollm2": (f"models/smollm2/{FILE}", "`make model` fetches the model and its tokeniser"),
}


@dataclass(frozen=True)
class Tokeniser:
    """A tokeniser read from its file. Token ids are 0 to `size` - 1."""

    name: str
    fingerprint: str
    """The sha256 of its file."""
    start: int | None
    """The id of the token that starts a text; None where it has none."""
    _own: Any = field(repr=False, compare=False)
    _bytes: bool = field(repr=False, compare=False)

    def encode(self, text: str) -> list[int]:
        """The ids of a text, without a token that starts it. A special token's name in it is text like any other."""
        (found,) = self._own.encode_batch_fast([text], add_special_tokens=False)  # without offsets, which are not asked
        ids: list[int] = found.ids
        return ids

    def decode(self, ids: Sequence[int]) -> str:
        """The text of ids; special tokens stand in it by name. Bytes that make no character become U+FFFD."""
        text: str = self._own.decode(list(ids), skip_special_tokens=False)
        return text

    @property
    def size(self) -> int:
        """How many tokens there are."""
        return int(self._own.get_vocab_size(with_added_tokens=True))

    @cached_property
    def pieces(self) -> list[str]:
        """The text of each token id, for display: with its blanks, and bytes that make no character as `\\xe2`."""
        special = set(self._own.get_added_tokens_decoder())
        return [self._piece(number, number in special) for number in range(self.size)]

    def _piece(self, number: int, special: bool) -> str:
        token = self._own.id_to_token(number)
        if token is None:  # a gap between the ids
            return ""
        if special or not self._bytes:
            return str(token).replace("▁", " ")
        return bytes(_BYTE_OF[letter] for letter in token).decode("utf-8", "backslashreplace")


def known() -> list[str]:
    """The names of tokenisers."""
    return sorted(KNOWN)


def tokeniser_file(name: str) -> Path:
    """Where a tokeniser's file is; it need not be there. Raises NotFoundError for what is no name and no path."""
    found = paths.find()
    if name in KNOWN:
        return found.data / KNOWN[name][0]
    path = found.root / Path(name).expanduser() if name else None
    if path is not None and path.is_dir():
        return path / FILE
    if path is not None and path.is_file():
        return path
    raise NotFoundError("tokeniser, or folder of one,", name, known())


def fingerprint(name: str) -> str | None:
    """The sha256 of a tokeniser's file; None where it is not there. Needs no package."""
    try:
        file = tokeniser_file(name)
    except NotFoundError:
        return None
    return digest(file) if file.is_file() else None


def held(name: str) -> str | None:
    """A hash of all that a tokeniser's ids depend on: its file, and which token starts a text; None where it is not
    there."""
    own = fingerprint(name)
    if own is None:
        return None
    return hashlib.sha256(f"{own} {_start_token(tokeniser_file(name))}".encode()).hexdigest()[:16]


def tokeniser(name: str) -> Tokeniser:
    """The tokeniser of this name or folder. Raises NotFoundError for one that is not known, DataError where its file is
    missing or none, ExtraError without the package `tokenizers`."""
    file = tokeniser_file(name)
    if not file.is_file():
        how = KNOWN[name][1] if name in KNOWN else f"a tokeniser's folder holds {FILE}, as save_pretrained writes it"
        raise DataError(f"tokeniser {name}: {file} is not there; {how}")
    need_imports(["tokenizers"], f"tokeniser {name}")
    return _read(name, file, digest(file), _start_token(file))


@lru_cache(maxsize=4)
def _read(name: str, file: Path, sha256: str, start: str | None) -> Tokeniser:
    from tokenizers import Tokenizer  # an extra brings it

    try:
        own = Tokenizer.from_str(file.read_text(encoding="utf-8"))
        kind = json.loads(own.to_str())
    except Exception as error:  # the package raises nothing narrower
        reason = " ".join(str(error).split())[:160]
        raise DataError(f"{file} is no tokeniser of the package tokenizers ({reason}); get it again") from error
    own.no_truncation()
    own.no_padding()
    own.encode_special_tokens = True  # the name of a special token in a text is text
    number = own.token_to_id(START if start is None else start)
    if start is not None and number is None:
        raise DataError(f"{file.parent / CONFIG}: bos_token {start!r} is no token of {file.name}; get both again")
    return Tokeniser(name, sha256, number, own, _is_of_bytes(kind))


def _start_token(file: Path) -> str | None:
    """What the configuration beside a tokeniser calls its `bos_token`; None where it says nothing."""
    path = file.parent / CONFIG
    if not path.is_file():
        return None
    try:
        told = json.loads(path.read_text(encoding="utf-8")).get("bos_token")
    except (OSError, ValueError, AttributeError) as error:
        raise DataError(f"{path} cannot be read ({error}); get the tokeniser again") from error
    return told.get("content") if isinstance(told, dict) else told


def _is_of_bytes(kind: dict[str, Any]) -> bool:
    """Whether tokens are written in GPT-2's letters for bytes."""
    decoder = kind.get("decoder") or {}
    return any(one.get("type") == "ByteLevel" for one in (decoder, *decoder.get("decoders", ())))


def _letters() -> dict[str, int]:
    """GPT-2's letter for each byte: itself where it can be seen, else one from U+0100 on."""
    seen = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    rest = [byte for byte in range(256) if byte not in seen]
    return {chr(byte): byte for byte in seen} | {chr(256 + place): byte for place, byte in enumerate(rest)}


_BYTE_OF = _letters()


def escaped(piece: str) -> str:
    """A piece of text on one line: ends of lines, tabs and what cannot be seen as `\\n`, `\\t`, `\\x02`."""
    return "".join(
        letter
        if unicodedata.category(letter)[0] not in "CZ" or letter == " "
        else letter.encode("unicode_escape").decode()
        for letter in piece
    )

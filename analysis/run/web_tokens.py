"""A byte-level BPE tokeniser as a page runs it: pieces and merges, from the JSON file of Hugging Face's `tokenizers`.

What the page cannot do the same way (another model, a normaliser, a template around a text) is refused, so that a page
never reads other tokens than the model was trained on. The name of a special token in a text is text. Free of torch.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from sae.errors import ConfigError, DataError

_PLAIN = [*range(33, 127), *range(161, 173), *range(174, 256)]


@cache
def alphabet() -> dict[str, int]:
    """The sign that stands for each byte in a piece, as in GPT-2: printable bytes as they are, others from 256."""
    others = (byte for byte in range(256) if byte not in _PLAIN)
    return {chr(byte): byte for byte in _PLAIN} | {chr(256 + n): byte for n, byte in enumerate(others)}


def page_tokens(file: Path) -> dict[str, Any]:
    """What a page needs of a tokeniser's file: `pieces` by id, `merges` as pairs of ids with what they make, in their
    order, `added` (text and id of special tokens), `prefix_space`.

    Raises DataError for a file that is no tokeniser, ConfigError for one that a page would read otherwise.
    """
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        model, added = content["model"], content.get("added_tokens") or []
        pieces = _by_id(model["vocab"] | {token["content"]: token["id"] for token in added}, file)
        merges = [pair.split(" ") if isinstance(pair, str) else pair for pair in model["merges"]]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(f"{file}: no tokeniser of `tokenizers` ({type(error).__name__}: {error})") from error
    fault = next((what for what, there in _faults(content, model, added) if there), "")
    if fault:
        raise ConfigError(f"{file}: {fault}; a page reads byte-level BPE as GPT-2 does, with nothing around it")
    number = {piece: at for at, piece in enumerate(pieces)}
    try:
        known = [[number[first], number[second], number[first + second]] for first, second in merges]
    except KeyError as error:
        raise DataError(f"{file}: merges make {error.args[0]!r}, which is none of its pieces") from error
    return {
        "pieces": pieces,
        "merges": known,
        "added": [[token["content"], token["id"]] for token in added],
        "prefix_space": bool((content.get("pre_tokenizer") or {}).get("add_prefix_space", False)),
    }


def _by_id(vocabulary: dict[str, int], file: Path) -> list[str]:
    by_id = {number: piece for piece, number in vocabulary.items()}
    if sorted(by_id) != list(range(len(vocabulary))):
        raise DataError(f"{file}: its {len(vocabulary)} pieces are not numbered from 0 without a gap")
    return [by_id[number] for number in range(len(by_id))]


def _faults(content: dict[str, Any], model: dict[str, Any], added: list[dict[str, Any]]) -> Iterable[tuple[str, bool]]:
    before, after = content.get("pre_tokenizer") or {}, content.get("post_processor") or {}
    yield f"its model is {model.get('type')}", model.get("type", "BPE") != "BPE"
    yield f"it normalises text ({(content.get('normalizer') or {}).get('type')})", bool(content.get("normalizer"))
    yield f"it splits text by {before.get('type')}", before.get("type") != "ByteLevel"
    yield "it splits text without a pattern", not before.get("use_regex", True)
    yield f"it puts tokens around a text ({after.get('type')})", after.get("type", "ByteLevel") != "ByteLevel"
    for option in ("dropout", "continuing_subword_prefix", "end_of_word_suffix", "ignore_merges"):
        yield f"its model has {option}", bool(model.get(option))
    for token in added:
        yield f"its token {token['content']!r} is added and not special", not token.get("special")


def text_of(ids: Sequence[int], tokens: dict[str, Any]) -> str:
    """The text of token ids; bytes that are no whole sign are shown as such. `tokens` as `page_tokens` gives them."""
    special, signs = {number: text for text, number in tokens["added"]}, alphabet()
    found = b""
    for number in ids:
        piece = tokens["pieces"][number]
        found += special[number].encode() if number in special else bytes(signs[sign] for sign in piece)
    return found.decode("utf-8", errors="replace")

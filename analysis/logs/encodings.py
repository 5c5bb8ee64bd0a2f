"""The text of a file's bytes: by the mark that it begins with, by its zero bytes, else UTF-8 or Latin-1."""

from __future__ import annotations

import codecs
import re

from sae.errors import DataError

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # begins as the next but one does
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# Files of programs that are text by their bytes and no log.
_NO_LOGS = ((b"%PDF-", "a PDF"), (b"{\\rtf", "a rich-text file"))
_LOOKED_AT = 4096
_ZEROS = 0.8
_READABLE = 0.95


def decode(raw: bytes) -> tuple[str, str]:
    """The text of a file, and a note when its encoding had to be guessed.

    Raises DataError for bytes that are no text.
    """
    for start, what in _NO_LOGS:
        if raw.startswith(start):
            raise DataError(f"{what}, not plain text; save it as Markdown or text to have it read; skipped")
    for mark, encoding in _MARKS:
        if raw.startswith(mark):
            body = raw[len(mark) :]
            try:
                return body.decode(encoding), ""
            except UnicodeDecodeError:
                told = f"says that it is {encoding.upper()} and is not throughout; what is not is shown as \ufffd"
                return body.decode(encoding, "replace"), told
    if b"\0" in raw:
        encoding = _by_zeros(raw)
        if not encoding:
            raise DataError("not a text file (it holds zero bytes); skipped")
        return raw.decode(encoding), f"has no mark of its encoding; read as {encoding.upper()}"
    try:
        return raw.decode("utf-8"), ""
    except UnicodeDecodeError as error:
        text = raw.decode("latin-1")
        if sum(char < " " and char not in "\t\n\r\f\v\x1b" for char in text) > len(text) / 50:
            raise DataError("not a text file (too many control characters); skipped") from error
        # Windows puts curly quotes where Latin-1 has control characters.
        return raw.decode("cp1252", "replace") if re.search(
            r"[\x80-\x9f]", text
        ) else text, "not UTF-8; read as Latin-1"


def _by_zeros(raw: bytes) -> str:
    """UTF-32 or UTF-16 by the places of the zero bytes of its blanks and letters; empty for what is no text."""
    head = raw[:_LOOKED_AT]
    for encoding, width, places in (
        ("utf-32-le", 4, (2, 3)),
        ("utf-32-be", 4, (0, 1)),
        ("utf-16-le", 2, (1,)),
        ("utf-16-be", 2, (0,)),
    ):
        if len(raw) % width or len(raw) < 2 * width:
            continue
        columns = [head[place::width] for place in places]
        other = head[(3 - places[-1]) if width == 4 else 1 - places[0] :: width]
        # in a text of another script the high bytes are alike at least where its line breaks and blanks are
        zeros = min(column.count(0) / len(column) for column in columns)
        if zeros < (_ZEROS if width == 4 else 0.05) or other.count(0) > len(other) / 50 + (width == 4) * len(other):
            continue
        try:
            text = raw.decode(encoding)
        except UnicodeDecodeError:
            continue
        if sum(char.isprintable() or char in "\t\r\n" for char in text) >= _READABLE * len(text):
            return encoding
    return ""

"""Names of the files of an export."""

from __future__ import annotations

import hashlib
import re


def slug_of(anchor: str) -> str:
    """An id as the name of a file, of at most 64 signs; two ids may give one."""
    return re.sub(r"[^a-z0-9]+", "-", anchor.lower()).strip("-")[:64].strip("-") or "section"


def short_hash(text: str | bytes, length: int = 8) -> str:
    """The first digits of a hash, the same on every run."""
    data = text.encode() if isinstance(text, str) else text
    return hashlib.sha256(data).hexdigest()[:length]

"""Text of a Hugging Face data set, by its name on the hub or a local folder of one, through the package `datasets`.

The first documents of a split are fetched once and kept in data/downloads/hf_text as lines of JSON; what is read after
that are these lines alone, without the package and without a connection.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import re
from pathlib import Path
from typing import Any

from analysis.plan import paths
from analysis.plan.data_source import NOT_HERE
from analysis.run.datasets._dataset import Dataset
from analysis.run.datasets._documents import SHARE, by_share
from analysis.run.datasets._files import below, fingerprint_of, wanted
from analysis.run.datasets._split import checked_share
from analysis.run.datasets._text import PLACES, UNION, named, text_dataset, with_tokeniser
from analysis.run.datasets._text_files import FIELD, documents_in, facts_of, valid
from analysis.run.text.contexts import checked_places
from sae.errors import ConfigError, DataError
from sae.temporary import replacing

DOCUMENTS = 10_000


def fingerprint(*, source: Any, tokeniser: Any = UNION, **options: Any) -> str:
    """A hash of what was fetched, with the tokeniser's."""
    file = _kept(source, **options)
    return with_tokeniser(fingerprint_of([file], file.parent), tokeniser) if file.exists() else NOT_HERE


def to_fetch(*, source: Any, **options: Any) -> str:
    """What is fetched before a run, and how; empty when it is here."""
    file = _kept(source, **options)
    return "" if file.exists() else f"text by the package datasets into {file.relative_to(paths.find().root)}"


def hf_text(
    *,
    source: Any,
    config: Any = "",
    split: Any = "train",
    field: Any = FIELD,
    documents: Any = DOCUMENTS,
    revision: Any = "",
    tokeniser: Any = UNION,
    context: Any = PLACES,
    held_out: Any = None,
) -> Dataset:
    """Contexts of `context` tokens of the first `documents` of a split that hold something.

    `source`: the data set's name, or the folder of one. `config`, `revision`: which of it, as `datasets.load_dataset`
    takes them. `field`: the column of text. `held_out`: a share.
    Raises ConfigError for options that mean nothing, DataError for what cannot be fetched or read.
    """
    places, own = checked_places(context), named(tokeniser)
    share = checked_share(SHARE if held_out is None else held_out)
    file = _kept(source, config=config, split=split, field=field, documents=documents, revision=revision)
    if not file.exists():
        _fetch(file, source, config, split, field, documents, revision)
    found = list(documents_in(file, file.name, FIELD))
    marks, how = by_share(found, share, source)
    return text_dataset(source, found, marks, how, own, places)


def _kept(
    source: Any,
    *,
    config: Any = "",
    split: Any = "train",
    field: Any = FIELD,
    documents: Any = DOCUMENTS,
    revision: Any = "",
    **others: object,
) -> Path:
    """The file that what these options ask for is kept in. Raises ConfigError."""
    for option, value in (
        ("source", source),
        ("config", config),
        ("split", split),
        ("field", field),
        ("revision", revision),
    ):
        wanted(option, value, str, "text, as `datasets.load_dataset` takes it")
    for option, value in (("source", source), ("split", split), ("field", field)):
        if not value:
            raise ConfigError(f"dataset_options.{option} = '': must not be empty")
    wanted("documents", documents, int, "how many documents are taken, a whole number")
    if documents < 2:
        raise ConfigError(f"dataset_options.documents = {documents}: must be 2 or more, to hold one out")
    local = _local(source)
    held = fingerprint_of(below(local), local) if local else ""
    asked = json.dumps([source, config, split, field, documents, revision, held])
    words = re.sub(r"[^A-Za-z0-9]+", "-", f"{source} {config} {split}").strip("-").lower()[-60:]
    key = hashlib.sha256(asked.encode()).hexdigest()[:10]
    return paths.find().data / "downloads" / "hf_text" / f"{words}-{key}.jsonl"


def _local(name: str) -> Path | None:
    """The folder of the project, or anywhere, that a name is the path of."""
    folder = paths.find().root / Path(name).expanduser()
    return folder if folder.is_dir() else None


def _fetch(file: Path, name: str, config: str, split: str, field: str, documents: int, revision: str) -> None:
    """Write the file, whole or not at all. Raises DataError."""
    try:
        package: Any = importlib.import_module("datasets")
    except ImportError as error:
        raise DataError(
            f"{name}: to read a Hugging Face data set, `pip install datasets`; {file} is not here"
        ) from error
    lines: list[str] = []
    try:
        place = str(_local(name) or name)
        rows = package.load_dataset(place, config or None, split=split, streaming=True, revision=revision or None)
        for number, row in enumerate(rows):
            text = _text(row, field, f"{name}[{split}] row {number}")
            if text.strip():
                lines.append(json.dumps({**facts_of(row, field), FIELD: text}, ensure_ascii=False) + "\n")
            if len(lines) == documents:
                break
    except DataError:
        raise
    except Exception as error:  # of many kinds: the network's, the hub's, the reader's
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise DataError(
            f"{name} cannot be read as a Hugging Face data set: {reason}; where the hub cannot be reached, give a "
            "local folder of it, or use `text_folder`"
        ) from error
    if not lines:
        raise DataError(f"{name}[{split}] has no row whose {field} holds something; say another `field` or `split`")
    file.parent.mkdir(parents=True, exist_ok=True)
    with replacing(file) as temporary:
        temporary.write_text("".join(lines), encoding="utf-8")


def _text(row: dict[str, Any], field: str, place: str) -> str:
    if field not in row:
        raise DataError(f"{place}: has no column {field!r}; it has {', '.join(row) or 'none'}: say `field`")
    if not isinstance(row[field], str):
        raise DataError(f"{place}: {field!r} is {type(row[field]).__name__}; expected text")
    return valid(row[field], place)

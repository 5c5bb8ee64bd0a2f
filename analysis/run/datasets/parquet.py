"""A parquet file, or a folder of them: a column of images, or columns of numbers, with a column of labels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from analysis.plan.data_source import NOT_HERE
from analysis.run.datasets._dataset import Dataset
from analysis.run.datasets._files import (
    MOST_BYTES,
    absent,
    classes_of,
    fingerprint_of,
    inside,
    labels_of,
    located,
    numbers,
    shown_numbers,
    wanted,
)
from analysis.run.datasets._pictures import Source, read_images
from analysis.run.datasets._split import SHARE, as_given, by_content, checked_share, marks, said
from sae.errors import ConfigError, DataError


def fingerprint(*, path: str, image: Any = None, **others: object) -> str:
    """A hash of what the files hold, and the image files that they name."""
    if absent(path):
        return NOT_HERE
    root = located(path)
    files = _files(root, path)
    named: list[Path] = []
    table = _schema(files, path)
    column = _image_column(table, image, path)
    if column and _is_text(table.field(column).type):
        cells = _table(files, [column], path)[column].to_pylist()
        named = [_beside(cell, files[0], path, column, row) for row, cell in enumerate(cells)]
    return "-".join(fingerprint_of(part, files[0].parent) for part in (files, named) if part)


def parquet(
    *,
    path: str,
    image: Any = None,
    columns: Any = None,
    labels: Any = None,
    held_out: Any = None,
    classes: Any = (),
    size: Any = None,
    colour: Any = None,
    overlap: Any = False,
) -> Dataset:
    """`image`: the column of images, by default the only one of bytes (or structs with `bytes`); its cells hold image
    files, or their paths beside the parquet file. Without one, `columns` are numbers, by default all that are.

    `labels`: the column of labels, whole numbers or text; by default `label`, where there is one; `""`: none.
    `held_out`: a share, or the column that says it. `classes`: what labels 0, 1, ... are called. `size`, `colour`: as
    for folders of images. Raises ConfigError for options that mean nothing, DataError for files that cannot be used.
    """
    root = located(path)
    files = _files(root, path)
    schema = _schema(files, path)
    for name, value in (("image", image), ("labels", labels)):
        if value is not None:
            wanted(name, value, str, "the name of a column, as text")
    pictures = _image_column(schema, image, path)
    label = ("label" if "label" in schema.names else "") if labels is None else labels
    split = held_out if isinstance(held_out, str) else ""
    for column in (label, split):
        if column:
            _field(schema, column, path)
    shown = [pictures] if pictures else _numeric(schema, columns, {label, split}, path)
    table = _table(files, [name for name in (*shown, label, split) if name], path)
    if not len(table):
        raise DataError(f"{path} has no rows")
    if pictures:
        rows: NDArray[Any] = read_images(_sources(table[pictures], files[0], path, pictures), size, colour)
    else:
        if size is not None or colour is not None:
            raise ConfigError(f"dataset_options.size = {size!r}: {path} has rows of numbers, no images")
        rows = _rows(table, shown, path)
    names = classes_of(classes) if classes else ()
    kept = None
    if label:
        kept, names = labels_of(_array(table[label], f"{path}[{label}]"), f"{path}[{label}]", names)
    show = None if pictures else shown_numbers
    if split:
        mask = marks(_array(table[split], f"{path}[{split}]"), f"{path}[{split}]")
        as_given(rows, mask, path, overlap, lambda row: f"row {row}")
        return Dataset(path, rows, kept, mask, names, show=show, split=f"as the column {split} says")
    share = checked_share(SHARE if held_out is None else held_out)
    return Dataset(path, rows, kept, by_content(rows, kept, share, path), names, show=show, split=said(share))


def _files(root: Path, path: str) -> list[Path]:
    files = [root] if root.is_file() else [file for file in inside(root)[1] if file.suffix == ".parquet"]
    if not files:
        raise DataError(f"{path} holds no .parquet file; expected one, or several with the same columns")
    size = sum(file.stat().st_size for file in files)
    if size > MOST_BYTES:
        raise DataError(f"{path} has {size:,} bytes, and at most {MOST_BYTES:,} are read; write a part of its rows")
    return files


def _schema(files: list[Path], path: str) -> Any:
    found = None
    for file in files:
        try:
            schema = pq.read_schema(file)
        except (OSError, pa.ArrowException) as error:
            raise DataError(f"{file} cannot be read as parquet ({_line(error)}); write it again") from error
        if found is not None and not schema.remove_metadata().equals(found.remove_metadata()):
            raise DataError(f"{file} has other columns than {files[0].name}; expected files of one table in {path}")
        found = found or schema
    return found


def _table(files: list[Path], columns: list[str], path: str) -> Any:
    try:
        return pa.concat_tables([pq.read_table(file, columns=columns, partitioning=None) for file in files])
    except (OSError, pa.ArrowException) as error:
        raise DataError(f"{path} cannot be read as parquet ({_line(error)}); write it again") from error


def _field(schema: Any, name: str, path: str) -> Any:
    if name not in schema.names:
        raise DataError(f"{path} has no column {name!r}; it has {', '.join(schema.names) or 'none'}")
    return schema.field(name)


def _is_text(kind: Any) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _holds_images(kind: Any) -> bool:
    if pa.types.is_struct(kind):
        return "bytes" in [kind.field(place).name for place in range(kind.num_fields)]
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind))


def _image_column(schema: Any, wished: str | None, path: str) -> str:
    if wished:
        kind = _field(schema, wished, path).type
        if not _holds_images(kind) and not _is_text(kind):
            raise DataError(f"{path}[{wished}] is {kind}; expected bytes of image files, or their paths")
        return wished
    found = [field.name for field in schema if _holds_images(field.type)]
    if len(found) > 1:
        raise DataError(f"{path} has images in the columns {', '.join(found)}; say which is the `image`")
    return found[0] if found and wished is None else ""


def _numeric(schema: Any, wished: Any, others: set[str], path: str) -> list[str]:
    kinds = {field.name: field.type for field in schema}
    if wished is None:
        found = [name for name, kind in kinds.items() if _is_number(kind) and name not in others]
        if not found:
            raise DataError(
                f"{path} has no column of image bytes or of numbers; its columns are {', '.join(schema.names)}: say "
                "which is the `image`, where it holds paths"
            )
        return found
    chosen = [wished] if isinstance(wished, str) else wished
    if not isinstance(chosen, list | tuple) or not chosen or not all(isinstance(name, str) for name in chosen):
        raise ConfigError(
            f"dataset_options.columns = {wished!r}: must be a list of columns of numbers, or one of lists"
        )
    for name in chosen:
        kind = _field(schema, name, path).type
        lists = pa.types.is_list(kind) or pa.types.is_fixed_size_list(kind) or pa.types.is_large_list(kind)
        if not (lists and len(chosen) == 1 and _is_number(kind.value_type)) and not _is_number(kind):
            raise DataError(f"{path}[{name}] is {kind}; expected numbers, or one column of lists of them")
    return list(chosen)


def _is_number(kind: Any) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind))


def _array(column: Any, place: str) -> NDArray[Any]:
    """A column as an array: numbers, truth values or text. A cell that is missing is refused with its row."""
    _no_gaps(column, place)
    values = column.to_pylist() if _is_text(column.type) or pa.types.is_dictionary(column.type) else column.to_numpy()
    return np.array([str(value) for value in values]) if isinstance(values, list) else np.asarray(values)


def _no_gaps(column: Any, place: str) -> None:
    if column.null_count:
        row = column.is_null().to_pylist().index(True)
        raise DataError(f"{place}: row {row} has no value ({column.null_count} of {len(column)}); leave such rows out")


def _rows(table: Any, columns: list[str], path: str) -> NDArray[np.float32]:
    if len(columns) > 1 or _is_number(table[columns[0]].type):
        return np.stack([numbers(_array(table[name], f"{path}[{name}]")[:, None], f"{path}[{name}]")[:, 0]
                         for name in columns], 1)  # fmt: skip
    column, place = table[columns[0]], f"{path}[{columns[0]}]"
    _no_gaps(column, place)
    cells = column.to_pylist()
    widths = {len(cell) for cell in cells}
    if len(widths) > 1 or 0 in widths:
        row = next(row for row, cell in enumerate(cells) if len(cell) != len(cells[0]) or not cell)
        raise DataError(
            f"{place}: row {row} has {len(cells[row])} numbers, row 0 {len(cells[0])}; expected equal lists"
        )
    return numbers(np.array(cells, np.float64), place)


def _sources(column: Any, file: Path, path: str, name: str) -> list[Source]:
    """The images of a column."""
    _no_gaps(column, f"{path}[{name}]")
    found: list[Source] = []
    for row, cell in enumerate(column.to_pylist()):
        content = cell
        if isinstance(cell, dict):
            content = cell["bytes"] if cell["bytes"] is not None else cell.get("path")
        if isinstance(content, str):
            content = _beside(content, file, path, name, row)
        if not content:
            raise DataError(f"{path}[{name}]: row {row} is empty; leave it out")
        found.append((f"row {row} of {path}" if isinstance(content, bytes) else str(content), content))
    return found


def _beside(cell: str | None, file: Path, path: str, name: str, row: int) -> Path:
    """The image file that a cell names."""
    found = file.parent / (cell or "")
    if not cell or not found.is_file():
        raise DataError(f"{path}[{name}]: row {row} names {cell}, which is not there; paths are beside {file.name}")
    return found


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:160] or type(error).__name__

"""A chart as the spec that a page can hold: JSON and nothing else, of a size that a page bears, the same each time.

What JSON cannot hold is refused with the place where it stands; dates become text as Vega reads it, missing values
become null. The chart's own configuration stands over the site's.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from itertools import chain
from typing import Any

import altair as alt
import numpy as np
import pandas as pd
from altair.utils.schemapi import SchemaValidationError, debug_mode

from analysis.figures import spec_bounds
from analysis.figures.spec_links import faults
from analysis.figures.spec_names import renumbered
from analysis.figures.style import altair_config
from sae.errors import StrataError

# Vega needs about 20 bytes a number; more than this belongs into a raster.
MAX_SPEC_BYTES = 200_000
MAX_SPEC_ROWS = 5_000
MAX_INTEGER = 2**53
"""Beyond it a browser rounds whole numbers."""
_SMALLER = "average, bin or sample them in the chart's module, or draw a picture (`png=`)"


def spec_of(chart: Any, name: str, alt_text: str) -> dict[str, Any]:
    """The spec of an Altair chart. Raises StrataError, naming chart and place, for what a page cannot hold."""
    alt.data_transformers.register("strata", _rows)
    try:
        # the default theme is no configuration of the chart's own
        # and what is put together is checked once, as a whole
        with alt.data_transformers.enable("strata"), alt.theme.enable("none"), debug_mode(False):
            spec: dict[str, Any] = chart.to_dict()
        spec["config"] = _over(altair_config(), spec.get("config", {}))
        spec["description"] = alt_text
        spec = _plain(spec, "")
        if fault := next(chain(faults(spec), spec_bounds.faults(spec)), None):
            raise _Unfit(fault)
    except _Unfit as error:
        raise StrataError(f"chart {name}: {error}") from None
    except (ValueError, TypeError) as error:
        raise StrataError(f"chart {name}: Altair cannot write it: {_first_line(error)}") from error
    except SchemaValidationError as error:
        raise StrataError(f"chart {name}: it is no chart to Altair: {_first_line(error)}") from error
    spec = renumbered(spec)
    rows, size = sum(_sizes(spec)), len(written(spec))
    if size > MAX_SPEC_BYTES or rows > MAX_SPEC_ROWS:
        raise StrataError(
            f"chart {name}: a spec of {size} bytes and {rows} rows is too big for a page, which bears "
            f"{MAX_SPEC_BYTES} and {MAX_SPEC_ROWS}: {_SMALLER}"
        )
    return spec


def written(spec: dict[str, Any]) -> str:
    """The spec as text, the same for the same spec."""
    return json.dumps(spec, separators=(",", ":"), sort_keys=True, allow_nan=False)


def addresses(part: Any) -> Iterator[str]:
    """Every whole address (`https://...`) that is a value somewhere in a spec."""
    if isinstance(part, str):
        if part.startswith(("http:", "https:")):
            yield part
    elif isinstance(part, dict | list):
        for value in part.values() if isinstance(part, dict) else part:
            yield from addresses(value)


class _Unfit(Exception):
    """What a page cannot hold, and where; `spec_of` knows the chart's name."""


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0] or type(error).__name__


def _over(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    """Two configurations as one: what `above` says holds."""
    both = dict(below)
    for key, value in above.items():
        old = both.get(key)
        both[key] = _over(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return both


def _rows(data: Any) -> Any:
    """What Altair does to every table: as values. Altair alone would take infinity for a missing value."""
    if isinstance(data, pd.DataFrame):
        if len(data) > MAX_SPEC_ROWS:
            raise _Unfit(f"{len(data)} rows are more than the {MAX_SPEC_ROWS} that a page bears: {_SMALLER}")
        data = pd.DataFrame({column: _column(data[column], str(column)) for column in data}, index=data.index)
    return alt.to_values(data)


def _column(values: pd.Series[Any], name: str) -> pd.Series[Any]:
    """A column as JSON can hold it, or as Altair can bring it there."""
    if why := spec_bounds.character(name):
        raise _Unfit(f"column {name!r} of its data {why}")
    if isinstance(values.dtype, pd.PeriodDtype):
        return pd.Series(values.dt.to_timestamp())
    if values.dtype.kind == "m":
        raise _Unfit(f"column {name!r} of its data holds durations: give numbers, as `.dt.total_seconds()` does")
    if values.dtype.kind == "f":
        for row in np.flatnonzero(np.isinf(values.to_numpy(dtype=float, na_value=np.nan)))[:1]:
            raise _Unfit(_infinite(f"row {row + 1}, column {name!r} of its data", float(values.iloc[row])))
    if isinstance(values.dtype, pd.CategoricalDtype):
        _column(pd.Series(values.cat.categories), name)
    if values.dtype == object or isinstance(values.dtype, pd.StringDtype):
        cells = [_cell(value, f"row {row}, column {name!r} of its data") for row, value in enumerate(values, 1)]
        return pd.Series(cells, index=values.index, dtype=object)
    return values


def _plain(part: Any, place: str, in_data: bool = False) -> Any:
    """A part of a spec with nothing in it but what JSON holds. `place` is where it stands: `encoding.x.scale`."""
    if isinstance(part, dict):
        if "url" in part and not in_data and place.rpartition(".")[2] == "data":
            raise _Unfit(f"its data lie at {part['url']!r}, and a page fetches none: read them in the chart's module")
        return {str(key): _plain(value, f"{place}.{key}".lstrip("."), _is_data(key, place, in_data))
                for key, value in part.items()}  # fmt: skip
    if isinstance(part, list | tuple):
        return [_plain(value, f"{place}[{number}]", in_data) for number, value in enumerate(part)]
    value = _cell(part, place)
    if isinstance(value, float) and math.isnan(value):
        if not in_data:
            raise _Unfit(f"{place} is NaN: give a number there")
        return None
    return value


def _is_data(key: str, place: str, in_data: bool) -> bool:
    """Whether rows stand under a key, in which NaN is a missing value."""
    return in_data or key == "datasets" or (key == "values" and place.rpartition(".")[2] == "data")


def _cell(value: Any, place: str) -> Any:
    """A single value as JSON has it: a date as text in local time, as Altair writes columns of dates."""
    if isinstance(value, np.generic):
        value = value.item() if not isinstance(value, np.datetime64) else pd.Timestamp(value)
    if value is None or value is pd.NaT or value is pd.NA:
        return None
    if isinstance(value, dict):
        return {str(key): _cell(each, f"{place}, {key!r}") for key, each in value.items()}
    if isinstance(value, list | tuple | np.ndarray):
        return [_cell(each, place) for each in value]
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, date):
        # without a time a browser takes it for midnight in London
        return f"{value.isoformat()}T00:00:00"
    if isinstance(value, pd.Period):
        return value.to_timestamp().isoformat()
    if isinstance(value, Decimal):
        value = float(value)
    if isinstance(value, float) and math.isinf(value):
        raise _Unfit(_infinite(place, value))
    if isinstance(value, int) and abs(value) > MAX_INTEGER:
        raise _Unfit(f"{place} is {value}, and browsers count to {MAX_INTEGER} only: give it as text")
    if isinstance(value, str) and (why := spec_bounds.character(value)):
        raise _Unfit(f"{place} {why}")
    if isinstance(value, str | int | float):
        return value
    kind = type(value).__name__
    raise _Unfit(f"{place} is a {kind}, which a page cannot hold: give a number, a text, a date or nothing")


def _infinite(place: str, value: float) -> str:
    return f"{place} is {value}: a page holds finite numbers only; clip the value, or leave it out (NaN is a gap)"


def _sizes(part: Any, key: str = "", within: str = "") -> Iterator[int]:
    """The number of rows of every table in a spec."""
    if isinstance(part, list):
        if key == "values" and within == "data":
            yield len(part)
        for item in part:
            yield from _sizes(item, "", key)
    elif isinstance(part, dict):
        for name, value in part.items():
            if name == "datasets":
                yield from (len(rows) for rows in value.values() if isinstance(rows, list))
            elif name != "usermeta":
                yield from _sizes(value, name, key)

"""What ends Vega, and the process with it, told before it is called: characters that no picture can hold, and rows,
ticks or views without an end.

Vega runs inside of the build. A control character ends it where the picture is read as XML, a sequence of a billion
numbers where its memory is full; neither is an error that could be caught. Rows are counted as transforms multiply
them, at most, so that nothing has to be drawn to know.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from analysis.figures.spec_names import texts_in_expression

MAX_MADE_ROWS = 50_000
"""As many as a chart's own generators and transforms may make of its data."""
MAX_COUNT = 1_000
"""The most ticks, bins, steps of a scale or views."""
MAX_LENGTH = 20_000
"""Pixels of a side."""
_ENDS = "".join(chr(plane << 16 | low) for plane in range(17) for low in (0xFFFE, 0xFFFF))
UNFIT = re.compile(f"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufdd0-\ufdef{_ENDS}]")
"""What neither XML nor a browser takes for a character; tabs and ends of lines are fit."""
_ESCAPE = re.compile(r"\\(?:u\{([0-9a-fA-F]+)\}|u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|([0-7]{1,3})|(.))", re.S)
_STEERING = {"b": "\b", "f": "\f", "v": "\v"}
_EXPRESSIONS = {"expr", "calculate", "test", "labelExpr", "signal", "filter", "and", "or", "not"}
_COUNTS = {"tickCount", "maxbins", "count", "minsteps", "maxsteps", "steps"}
_LENGTHS = {"width", "height"}
_MAKES = re.compile(r"(?<![\w.$])(sequence|pad)\s*\(([^()]*)")
_NUMBER = re.compile(r"\s*[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?\s*")


def character(text: str) -> str:
    """The first character of a text that no picture can hold, in words; empty where there is none."""
    found = UNFIT.search(text)
    return f"holds the character U+{ord(found[0]):04X}, which no picture can: leave it out" if found else ""


def faults(spec: Mapping[str, Any]) -> Iterator[str]:
    """What would end Vega in a parsed spec, in words: the place, what is there, and what to do."""
    yield from _characters(spec, "")
    yield from _parts(spec, "", False)
    sets = {name: rows for name, rows in _mapping(spec.get("datasets")).items() if isinstance(rows, list)}
    yield from _rows(spec, "", sets, [], 1)


def _characters(part: Any, place: str, expression: bool = False) -> Iterator[str]:
    if isinstance(part, str):
        if why := character(part):
            yield f"{place} {why}"
        elif expression and "\\" in part:
            for text in texts_in_expression(part):
                if why := character(_ESCAPE.sub(_meant, text)):
                    yield f"{place} {why}"
    elif isinstance(part, Mapping):
        for key, value in part.items():
            if why := character(str(key)):
                yield f"a name in {place or 'it'} {why}"
            yield from _characters(value, _at(place, key), key in _EXPRESSIONS and not _in_data(place))
    elif isinstance(part, list | tuple):
        for number, value in enumerate(part):
            yield from _characters(value, f"{place}[{number}]", expression)


def _meant(escape: re.Match[str]) -> str:
    """The character that an escape in a text of an expression stands for."""
    if digits := escape[1] or escape[2] or escape[3]:
        return chr(min(int(digits, 16), 0x10FFFF))
    return chr(int(escape[4], 8)) if escape[4] else _STEERING.get(escape[5], escape[5])


def _parts(part: Any, place: str, expression: bool) -> Iterator[str]:
    """Counts and lengths wherever they stand outside of the data, and what expressions make."""
    if isinstance(part, str) and expression:
        for name, given in _MAKES.findall(part):
            # the first argument of `pad` is what is padded
            numbers = given.split(",")[1:2] if name == "pad" else given.split(",")
            if not all(_NUMBER.fullmatch(one) for one in numbers):
                yield f"{place} calls {name} with what is no plain number: make those values in the chart's module"
            elif (
                made := _steps([float(one) for one in numbers]) if name == "sequence" else float(numbers[0])
            ) > MAX_COUNT:
                yield _many(f"{place} calls {name} for", made, MAX_COUNT, "values")
    elif isinstance(part, Mapping):
        for key, value in part.items():
            at = _at(place, key)
            if _in_data(at) or key == "usermeta":
                continue
            if key in _COUNTS and _number(value) > MAX_COUNT:
                yield _many(f"{at} asks for", _number(value), MAX_COUNT, "")
            if key in _LENGTHS and max(_number(value), _number(_mapping(value).get("step"))) > MAX_LENGTH:
                size = max(_number(value), _number(_mapping(value).get("step")))
                yield _many(f"{at} is", size, MAX_LENGTH, "pixels")
            yield from _parts(value, at, key in _EXPRESSIONS)
    elif isinstance(part, list | tuple):
        for number, value in enumerate(part):
            yield from _parts(value, f"{place}[{number}]", expression)


def _rows(view: Any, place: str, sets: Mapping[str, list[Any]], above: Sequence[Any], copies: float) -> Iterator[str]:
    """How many rows each view makes: of its own data or those of the views around it, and once more where it is
    repeated. `copies` is how often the view itself stands there."""
    data, rows, made = _mapping(view.get("data")), list(above), 0.0
    if "sequence" in data:
        given = _mapping(data["sequence"])
        made = _steps([_number(given.get("start")), _number(given.get("stop")), _number(given.get("step", 1))])
    elif "graticule" in data:
        made = _graticule(data["graticule"])
    elif "values" in data or data.get("name") in sets:
        values = data.get("values", sets.get(str(data.get("name"))))
        rows = values if isinstance(values, list) else [values]
    if made > MAX_MADE_ROWS:
        yield _many(f"{_at(place, 'data')} makes", made, MAX_MADE_ROWS, "rows")
    # a row for each of the data, with the number that transforms have made of it
    weights = [1.0] * len(rows) if not made else [made]
    rows = rows if not made else [{}]
    for number, transform in enumerate(view.get("transform") or ()):
        weights = _transformed(transform, rows, weights)
        if sum(weights) * copies > MAX_MADE_ROWS:
            at = f"{_at(place, 'transform')}[{number}]"
            yield _many(f"{at} makes", sum(weights) * copies, MAX_MADE_ROWS, "rows")
            return
    for channel, encoding in _mapping(view.get("encoding")).items():
        for part in encoding if isinstance(encoding, list) else [encoding]:
            yield from _channel(part, _at(_at(place, "encoding"), channel), rows)
    repeat = view.get("repeat")
    if isinstance(repeat, Mapping):
        for names in repeat.values():
            copies *= max(1, len(names) if isinstance(names, list) else 1)
    elif isinstance(repeat, list):
        copies *= max(1, len(repeat))
    if copies > MAX_COUNT:
        yield _many(f"{_at(place, 'repeat')} makes", copies, MAX_COUNT, "views")
        return
    # views inside get what transforms have made: as many rows, whatever is in them
    inner = rows if weights == [1.0] * len(rows) else [row for row, times in zip(rows, weights, strict=True)
                                                       for _ in range(max(1, int(times)))]  # fmt: skip
    for key in ("layer", "concat", "hconcat", "vconcat"):
        for number, one in enumerate(view.get(key) or ()):
            yield from _rows(_mapping(one), f"{_at(place, key)}[{number}]", sets, inner, copies)
    if "spec" in view:
        yield from _rows(_mapping(view["spec"]), _at(place, "spec"), sets, inner, copies)


def _channel(encoding: Any, place: str, rows: Sequence[Any]) -> Iterator[str]:
    """Bins and imputed rows of an encoding."""
    encoding = _mapping(encoding)
    step = _number(_mapping(encoding.get("bin")).get("step"))
    if step and (bins := _bins(rows, encoding.get("field"), step)) > MAX_COUNT:
        yield _many(f"{place}.bin makes", bins, MAX_COUNT, "bins")
    keys = _mapping(_mapping(encoding.get("impute")).get("keyvals"))
    if keys and (made := _keys(keys) * max(1, len(rows))) > MAX_MADE_ROWS:
        yield _many(f"{place}.impute makes", made, MAX_MADE_ROWS, "rows")


def _transformed(transform: Any, rows: Sequence[Any], weights: list[float]) -> list[float]:
    """How many rows a transform makes of each."""
    transform = _mapping(transform)
    if isinstance(fold := transform.get("fold"), list):
        return [weight * max(1, len(fold)) for weight in weights]
    if isinstance(fields := transform.get("flatten"), list):
        lengths = [max((_length(row, field) for field in fields), default=1) for row in rows]
        return [weight * max(1, length) for weight, length in zip(weights, lengths, strict=True)]
    each = 0.0
    if "impute" in transform and isinstance(keys := transform.get("keyvals"), Mapping):
        each = _keys(keys)
    elif "quantile" in transform and (step := _number(transform.get("step"))):
        each = 1 / step
    elif isinstance(width := _mapping(transform.get("bin")).get("step"), int | float) and width:
        # bins make no rows; too many of them end an axis all the same
        bins = _bins(rows, transform.get("field"), float(width))
        return [*weights[:-1], weights[-1] + MAX_MADE_ROWS + bins] if bins > MAX_COUNT and weights else weights
    if not each:
        return weights
    groups = transform.get("groupby")
    number = len({repr([_mapping(row).get(name) for name in groups]) for row in rows}) if groups else 1
    return [weight + each * max(1, number) / max(1, len(weights)) for weight in weights]


def _length(row: Any, field: Any) -> int:
    value = _mapping(row).get(field) if isinstance(field, str) else None
    return len(value) if isinstance(value, list) else 1


def _bins(rows: Sequence[Any], field: Any, step: float) -> float:
    """Into how many bins of a width the numbers of a field fall."""
    numbers = [float(value) for row in rows if isinstance(value := _mapping(row).get(field), int | float)]
    return (max(numbers) - min(numbers)) / abs(step) if numbers else 0.0


def _keys(keys: Mapping[str, Any]) -> float:
    return _steps([_number(keys.get("start")), _number(keys.get("stop")), _number(keys.get("step", 1))])


def _graticule(given: Any) -> float:
    """The points of a net of meridians and parallels."""
    given = _mapping(given)
    steps = [10.0, 10.0, _number(given.get("precision")) or 2.5]
    for name in ("step", "stepMinor", "stepMajor"):
        if isinstance(pair := given.get(name), list):
            steps[:2] = [min(old, abs(_number(new)) or old) for old, new in zip(steps, pair, strict=False)]
    across, down = 360 / steps[0], 180 / steps[1]
    return across * max(1, 180 / steps[2]) + down * max(1, 360 / steps[2])


def _steps(given: list[float]) -> float:
    """How many numbers stop, start and stop, or start, stop and step make."""
    start, stop, step = (0.0, *given, 1.0)[:3] if len(given) == 1 else (*given, 1.0)[:3]
    return float("inf") if not step and stop != start else max(0.0, (stop - start) / (step or 1.0))


def _many(found: str, number: float, most: int, what: str) -> str:
    shown = f"{number:.0f}" if number < 1e15 else f"{number:.1g}"
    return f"{found} {shown} {what}".rstrip() + f", more than the {most} that a page bears: ask for fewer"


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) else 0.0


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _at(place: str, key: Any) -> str:
    return f"{place}.{key}".lstrip(".")


def _in_data(place: str) -> bool:
    """Whether rows stand at a place, in which any key and any text may occur."""
    return place.startswith("datasets") or bool(re.search(r"(?:^|\.)data\.values", place))

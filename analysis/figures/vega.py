"""The one place that has Vega draw a spec: within bounds, with no host asked for anything, and its errors as ours."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import vl_convert

from analysis.figures import spec_bounds
from sae.errors import RenderError

MAX_SIDE = 20_000
"""Pixels of a picture; its memory grows with the area."""
_SIZES = re.compile(r'\b(width|height)="\s*([\d.eE+]+)')


def svg(spec: Mapping[str, Any], name: str) -> str:
    """A chart as SVG. Raises RenderError, naming the chart and why, for one that Vega cannot draw or that would end
    it."""
    _check(spec, name)
    try:
        return str(vl_convert.vegalite_to_svg(dict(spec), allowed_base_urls=[]))
    except ValueError as error:
        raise RenderError(f"{_called(name)}: Vega cannot draw it: {_why(error)}") from error


def png(spec: Mapping[str, Any], name: str, scale: float, hosts: list[str] | None) -> bytes:
    """A chart as PNG, `scale` times its size, with pictures from `hosts`, None for all. Raises RenderError as `svg`
    does."""
    _check(spec, name)
    try:
        return bytes(vl_convert.vegalite_to_png(dict(spec), scale=scale, allowed_base_urls=hosts))
    except ValueError as error:
        raise RenderError(f"{_called(name)}: Vega cannot draw it: {_why(error)}") from error


def svg_png(text: str, what: str, scale: float) -> bytes:
    """An SVG as PNG. Raises RenderError, naming `what`, for one that cannot be drawn or is too large."""
    if why := spec_bounds.character(text):
        raise RenderError(f"{what} {why}")
    head = re.search(r"<svg\b[^>]*>", text)
    for name, size in _SIZES.findall(head[0] if head else ""):
        if float(size) * scale > MAX_SIDE:
            raise RenderError(
                f"{what} has a {name} of {size} pixels, more than {MAX_SIDE / scale:.0f}: draw it smaller"
            )
    try:
        return bytes(vl_convert.svg_to_png(text, scale=scale))
    except ValueError as error:
        raise RenderError(f"{what} cannot be drawn: {error}") from error


def _check(spec: Mapping[str, Any], name: str) -> None:
    if fault := next(spec_bounds.faults(spec), None):
        raise RenderError(f"{_called(name)}: {fault}")


def _called(name: str) -> str:
    return f"chart {name}" if name else "its chart"


def _why(error: Exception) -> str:
    # its first line says that it failed, the second why, the others where in Vega's own code
    told = str(error).splitlines()
    return told[min(1, len(told) - 1)].strip()

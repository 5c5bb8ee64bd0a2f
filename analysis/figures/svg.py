"""A chart's SVG made fit to stand inline in a page.

Only tags are touched, attribute by attribute: the words of a chart, and addresses that it refers to, may hold anything.
"""

from __future__ import annotations

import html
import re
from collections.abc import Collection
from functools import cache

import vl_convert

from analysis.figures.style import css_colours

_TAG = re.compile(r'<([A-Za-z][^\s/>]*)((?:\s+[^\s=>/]+="[^"]*")*)(\s*/?>)')
_ATTRIBUTE = re.compile(r'(\s+)([^\s=]+)="([^"]*)"')
_ID = re.compile(r'\sid="([^"]*)"')
_LOCAL = re.compile(r"url\((&quot;|'|)#([^)]*?)\1\)")
_PAINT = {"fill", "stroke", "color", "stop-color", "flood-color", "lighting-color", "style"}
# Vega writes aria roles for its inner groups; one picture with one description reads better.
_UNDESCRIBED = {"g", "path", "text", "rect", "line", "image"}


def clean_svg(svg: str, name: str, alt: str, addresses: Collection[str] = ()) -> str:
    """An SVG with ids unique to the chart, colours from the theme, size from the page, and addresses as the chart has
    them. `addresses` are the whole ones (`https://...`) that the chart itself holds."""
    # the converter counts its ids on over all charts of a process
    found = dict.fromkeys(match for tag in _TAG.finditer(svg) for match in _ID.findall(tag[2]))
    ids = {identifier: f"{name}-{number}" for number, identifier in enumerate(found, 1)}

    def attribute(tag: str, key: str, value: str) -> tuple[str, str] | None:
        """Name and value of an attribute as they should be, or None for one that goes."""
        if key == "aria-roledescription" or (key == "role" and value.startswith("graphics-")):
            return None
        if key == "aria-label" and tag in _UNDESCRIBED:
            return None
        if tag == "svg" and key in ("width", "height", "xmlns:xlink"):
            return None
        if key == "id":
            return key, ids[value]
        if key in ("href", "xlink:href"):
            return "href", _address(tag, html.unescape(value), ids, addresses)
        value = _LOCAL.sub(lambda match: f"url(#{ids.get(match[2], match[2])})", value)
        return key, css_colours(value) if key in _PAINT else value

    def tag(match: re.Match[str]) -> str:
        kept = [
            (space, new)
            for space, key, value in _ATTRIBUTE.findall(match[2])
            if (new := attribute(match[1], key, value)) is not None
        ]
        return f"<{match[1]}" + "".join(f'{space}{key}="{value}"' for space, (key, value) in kept) + match[3]

    cleaned = _TAG.sub(tag, svg)
    return cleaned.replace("<svg ", f'<svg role="img" aria-label="{html.escape(alt)}" ', 1)


def _address(tag: str, value: str, ids: dict[str, str], addresses: Collection[str]) -> str:
    """Where an element leads, escaped: to a part of the SVG, or where the chart says."""
    if tag != "a" and value.startswith("#") and value[1:] in ids:
        return f"#{ids[value[1:]]}"
    if re.match(r"https?:", value) and value not in addresses:
        value = without_host(value)
    return html.escape(value)


def without_host(address: str) -> str:
    """An address as the chart has it, without what the converter puts in front of one without a host."""
    return address.removeprefix(_host())


@cache
def _host() -> str:
    """What the converter puts in front of an address without a host, such as that of a page of the site."""
    probe = {"data": {"values": [{}]}, "mark": {"type": "text", "text": "x", "href": "probe"}}
    found = re.search(r'href="([^"]*)probe"', vl_convert.vegalite_to_svg(probe))
    return found[1] if found else ""

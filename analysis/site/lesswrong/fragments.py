"""Raw HTML to nodes: the fragments that the build writes, what the filter wraps around content, and plain HTML.

What a post cannot hold and what has no picture is a problem of the section, never dropped in silence.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, replace
from html import escape
from typing import Any

from analysis.site.lesswrong import figures, grids, markup, widgets
from analysis.site.lesswrong.context import Context
from analysis.site.lesswrong.inlines import CODE_TAGS, DATA, from_element, paragraphs, trimmed
from analysis.site.lesswrong.markup import Element, flat, names
from analysis.site.lesswrong.nodes import (
    Block,
    Blocks,
    CodeBlock,
    Collapsible,
    Figure,
    Heading,
    Inlines,
    Items,
    Paragraph,
    Quote,
    Rule,
    Styled,
    Text,
    plain,
)  # fmt: skip
from analysis.site.lesswrong.pictures import Panel
from analysis.site.lesswrong.tables import html_table

_IGNORED = names("style template link meta button input select option form nav wbr noscript")
# Controls of a page's scripts, and pictures drawn again for phones: nothing is said in them that is not said elsewhere.
_CONTROLS = names("neuron-filters neuron-count nav callout-icon-container for-phones page-script")
# Of a pad, what a frame has no room for.
_NOT_LIVE = names("dr-take dr-digits dr-way")
_DROPPED = names("iframe video audio canvas object embed map math")
_INLINE = names("a b strong i em cite sup sub s del u span small mark abbr kbd time q br x-node label") | frozenset(
    CODE_TAGS
)


@dataclass(frozen=True)
class Title:
    """The finding that stands above an artefact."""

    content: Inlines


Part = Block | Panel | Title


def blocks(root: Element, context: Context) -> Blocks:
    """The nodes of HTML that belongs to no numbered figure or table."""
    made: list[Block] = []
    for part in parts(root, "", context):
        if isinstance(part, Title):
            made.append(Paragraph((Styled("strong", part.content),)))
        elif isinstance(part, Panel):
            made.append(figures.of_panel(part, (), "picture", context))
        else:
            made.append(part)
    return tuple(made)


def parts(root: Element, url: str, context: Context) -> list[Part]:
    """What stands in an element, in order: blocks, pictures, titles. `url` is where the site shows all of it."""
    made: list[Part] = []
    row = Element("")

    def flush() -> None:
        made.extend(paragraphs(from_element(row, context)))
        row.children.clear()

    for child in root.children:
        if isinstance(child, str) or child.name in _INLINE:
            row.children.append(child)
        else:
            flush()
            made += _part(child, url, context)
    flush()
    return made


def _part(element: Element, url: str, context: Context) -> list[Part]:
    name = element.name
    if name in _IGNORED or _CONTROLS & set(element.classes) or "hidden" in element.attributes:
        return []
    if name == "script":
        if element.attributes.get("type") != DATA:
            context.problems.append("a script: a paste drops it")
        return []
    if name in _DROPPED:
        context.problems.append(f"<{name}>: a paste drops it, and it has no picture")
        return []
    if name == "x-block":
        return list(context.blocks([context.held[int(element.attributes["at"])]]))
    if element.has("dr-small") and context.widgets:
        return _pad(element, url, context)
    if element.has("artefact-title"):
        return [Title(trimmed(from_element(element, context)))]
    if element.has("chart"):
        return [_chart(element, context)]
    if grids.is_grid(element):
        return [Panel(grids.compose(element, context.pictures.sprites), grids.spoken(element))]
    if name == "svg":
        return [Panel(context.pictures.svg(element), element.attributes.get("aria-label", ""))]
    if name == "img":
        image = figures.picture(element.attributes.get("src", ""), context)
        return [Panel(image, element.attributes.get("alt", ""))] if image else []
    if name == "table":
        return list(html_table(element, url, context))
    if element.has("callout"):
        return [_callout(element, url, context)]
    if element.has("panel-tabset"):
        return [block for block in parts(element, url, context) if not isinstance(block, Items)]
    return _plain(element, url, context)


def _plain(element: Element, url: str, context: Context) -> list[Part]:
    """HTML elements that mean what they mean everywhere."""
    name = element.name
    if name == "details":
        summary = next((child for child in element.elements if child.name == "summary"), None)
        rest = Element("div", {}, [child for child in element.children if child is not summary])
        title = trimmed(from_element(summary, context)) if summary else (Text("Details"),)
        return [collapsible(title, _only_blocks(rest, url, context))]
    if name == "figure":
        return _figure(element, url, context)
    if name in ("ul", "ol"):
        items = tuple(_only_blocks(child, url, context) for child in element.elements if child.name == "li")
        start = int(element.attributes.get("start") or 1) if name == "ol" else None
        return [Items(items, start)]
    if name == "dl":
        return [part for child in element.elements for part in _term(child, url, context)]
    if name == "blockquote":
        return [Quote(_only_blocks(element, url, context))]
    if name == "pre":
        return [CodeBlock(element.text().strip("\n"), "")]
    if name == "hr":
        return [Rule()]
    if name in ("h1", "h2", "h3", "h4", "h5", "h6"):
        level = min(max(int(name[1]) - context.section.shift, 2), 4)
        return [Heading(level, trimmed(from_element(element, context)))]
    return parts(element, url, context)


def _term(element: Element, url: str, context: Context) -> list[Part]:
    if element.name == "dt":
        return [Paragraph((Styled("strong", trimmed(from_element(element, context))),))]
    return list(_only_blocks(element, url, context))


def _only_blocks(element: Element, url: str, context: Context) -> Blocks:
    return blocks(element, context) if element.children else ()


def _figure(element: Element, url: str, context: Context) -> list[Part]:
    captions = [child for child in element.elements if child.name == "figcaption"]
    rest = Element("div", {}, [child for child in element.children if child not in captions])
    caption = trimmed(from_element(captions[0], context)) if captions else ()
    found = parts(rest, url, context)
    panels = [part for part in found if isinstance(part, Panel)]
    others: list[Part] = [part for part in found if not isinstance(part, Panel)]
    if len(found) == 1 and isinstance(found[0], Figure) and not found[0].caption:
        return [replace(found[0], caption=caption)]  # a picture of pandoc's own within the filter's figure
    if not panels:
        return [*others, *([Paragraph(caption)] if caption else [])]
    joined = panels[0] if len(panels) == 1 else context.pictures.joined(panels, 3)
    return [*others, figures.of_panel(joined, caption, "figure", context)]


def _chart(element: Element, context: Context) -> Panel:
    scripts = [child for child in element.all("script") if child.has("chart-spec")]
    drawn = element.all("svg")
    alt = drawn[0].attributes.get("aria-label", "") if drawn else ""
    if not scripts:
        context.problems.append("a chart without its spec")
        return Panel(context.pictures.blank(), alt)
    spec = context.pictures.spec("".join(str(child) for child in scripts[0].children))
    return Panel(context.pictures.chart(spec), alt or str(spec.get("description", "")), spec)


def _pad(element: Element, url: str, context: Context) -> list[Part]:
    """The worked pictures of a pad for drawing; the first of them, where it can be, is the pad itself."""
    found, live = _plain(element, url, context), deepcopy(element)
    for part in [live, *live.walk()]:
        part.children = [one for one in part.children if isinstance(one, str) or not _NOT_LIVE & set(one.classes)]
        if part.name == "a":  # it would lead nowhere
            part.name, part.attributes = "span", {}
    at = next((place for place, part in enumerate(found) if isinstance(part, Panel)), None)
    if at is not None:
        panel = found[at]
        assert isinstance(panel, Panel)
        document = widgets.drawing(context.pictures.base, markup.written(live), panel.alt)
        found[at] = replace(figures.of_panel(panel, (), "drawing", context), widget=document)
    return found


def _callout(element: Element, url: str, context: Context) -> Block:
    """A quotation that begins with bold words, or what opens and closes, where the callout does."""
    titles = element.of_class("callout-title-container")
    heads = element.of_class("callout-header")
    title = trimmed(from_element(titles[0], context)) if titles else (Text("Note"),)
    rest = Element("div", {}, [child for child in element.children if child not in heads])
    inside = _only_blocks(rest, url, context)
    if element.name == "details":
        return collapsible(title, inside)
    return Quote((Paragraph((Styled("strong", with_stop(title)),)), *inside))


def with_stop(title: Inlines) -> Inlines:
    """A title that ends like a sentence."""
    return title if plain(title)[-1:] in ".?!:" else (*title, Text("."))


def collapsible(title: Inlines, inside: Blocks) -> Block:
    """What opens and closes; a title of its own is a must."""
    return Collapsible(title or (Text("Details"),), inside)


def written(attributes: list[Any]) -> str:
    """Pandoc's attributes as HTML's."""
    anchor, classes, pairs = attributes
    every = [*([("id", anchor)] if anchor else []), *([("class", " ".join(classes))] if classes else []), *pairs]
    return "".join(f' {name}="{escape(value)}"' for name, value in every)


def words(element: Element) -> str:
    """The words of an element on one line."""
    return flat(element.text())

"""Numbered figures and tables: picture, caption with its number, and the way to the interactive version."""

from __future__ import annotations

import re

from analysis.site.lesswrong import figures
from analysis.site.lesswrong.context import Context
from analysis.site.lesswrong.fragments import Part, Title, parts, with_stop
from analysis.site.lesswrong.inlines import from_element, merged, trimmed
from analysis.site.lesswrong.markup import Element
from analysis.site.lesswrong.nodes import Block, Blocks, Inline, Inlines, Link, Paragraph, Styled, Table, Text, plain
from analysis.site.lesswrong.pictures import Panel

LIVE, STILL = "interactive version", "version on the site"


def numbered(root: Element, anchor: str, context: Context) -> Blocks:
    """A numbered figure as one picture; a numbered table, or a figure without a picture, as what is in it."""
    url = context.published(anchor)
    figure = next((child for child in root.elements if child.name == "figure"), root)
    label, caption = _caption(figure, context)
    columns, subs = _columns(figure), _sub_floats(figure)
    if subs:
        return (_group(subs, anchor, url, label, caption, columns, context),)
    found = [part for child in figure.elements if child.name != "figcaption" for part in _of(child, url, context)]
    title = next((part.content for part in found if isinstance(part, Title)), ())
    panels = [part for part in found if isinstance(part, Panel)]
    others: list[Block] = [part for part in found if not isinstance(part, Panel | Title)]
    if not panels or any(isinstance(part, Table) for part in others):
        return _above(label, title, caption, panels, others, anchor, context)
    panel = panels[0] if len(panels) == 1 else context.pictures.joined(panels, columns or len(panels))
    panel = Panel(panel.image, _alt(figure, anchor, context) or panel.alt, panel.spec)
    whole = _whole(label, title, caption, LIVE if panel.spec else STILL, url)
    # what stands behind the picture, such as the answer to what it asks, is not to be read before it
    first = next(place for place, part in enumerate(found) if isinstance(part, Panel))
    before = len([part for part in found[:first] if not isinstance(part, Title)])
    return (*others[:before], figures.of_panel(panel, whole, anchor, context), *others[before:])


def _of(element: Element, url: str, context: Context) -> list[Part]:
    holder = Element("", {}, [element])
    return parts(holder, url, context)


def _caption(figure: Element, context: Context) -> tuple[str, Inlines]:
    """`Figure 3`, and what follows it."""
    captions = [child for child in figure.elements if child.name == "figcaption"]
    content = trimmed(from_element(captions[0], context)) if captions else ()
    first = content[0].text if content and isinstance(content[0], Text) else ""
    found = re.match(r"([^\W\d_]+\xa0[\d.]+|\([a-z]\)):? ?", first)
    if not found:
        return "", content
    rest = first[found.end() :]
    return found[1], merged([Text(rest), *content[1:]])


def _columns(figure: Element) -> int:
    rows = figure.of_class("quarto-layout-row")
    return len(rows[0].elements) if rows else 0


def _sub_floats(figure: Element) -> list[Element]:
    return [child for child in figure.of_class("quarto-float") if child.name == "div"]


def _group(
    subs: list[Element], anchor: str, url: str, label: str, caption: Inlines, columns: int, context: Context
) -> Block:
    """Sub-figures as one picture, their letters drawn into it, their captions behind the common one."""
    panels, words, alts = [], list[Inline](), []
    live = False
    for sub in subs:
        figure = next((child for child in sub.elements if child.name == "figure"), sub)
        letter, own = _caption(figure, context)
        found = [part for child in figure.elements if child.name != "figcaption" for part in _of(child, url, context)]
        drawn = [part for part in found if isinstance(part, Panel)]
        if not drawn:
            context.problems.append(f"part {letter} of {label}: no picture can be made of it")
            continue
        live = live or bool(drawn[0].spec)
        alt = _alt(figure, sub.attributes.get("id", ""), context) or drawn[0].alt
        panels.append(Panel(drawn[0].image, alt, label=letter))
        alts.append(f"{letter} {alt}")
        words += [Text(f" {letter} "), *with_stop(own)]
    joined = context.pictures.joined(panels, columns or len(panels))
    panel = Panel(joined.image, "; ".join(alts))
    whole = _whole(label, (), merged([*(with_stop(caption) if caption else ()), *words]), LIVE if live else STILL, url)
    return figures.of_panel(panel, whole, anchor, context)


def _alt(figure: Element, anchor: str, context: Context) -> str:
    """The figure's alternative text: the filter puts it on the group, or it stands in the source only."""
    for holder in figure.elements:
        if holder.attributes.get("aria-label"):
            return holder.attributes["aria-label"]
    pattern = re.compile(rf'#{re.escape(anchor)}(?![\w-])[^}}]*?fig-alt="((?:[^"\\]|\\.)*)"')
    found = pattern.search(context.section.page.source.text) if anchor else None
    return re.sub(r"\\(.)", r"\1", found[1]) if found else ""


def _whole(label: str, title: Inlines, caption: Inlines, word: str, url: str) -> Inlines:
    """`**Figure 3: Finding.** How to read it. Data, code. [interactive version]`."""
    lead: list[Inline] = []
    if label and title:
        lead = [Styled("strong", merged([Text(f"{label}: "), *with_stop(title)])), Text(" ")]
    elif label:
        lead = [Text(f"{label}: " if caption else f"{label}. ")]
    elif title:
        lead = [Styled("strong", with_stop(title)), Text(" ")]
    link = Link((Text(word),), url)
    last = caption[-1] if caption else None
    if len(caption) > 1 and last == Text(".") and isinstance(caption[-2], Link):  # one more in a row of links
        return merged([*lead, *caption[:-1], Text(", "), link, Text(".")])
    end = "" if not caption else " " if plain(caption)[-1:] in ".?!" else ". "
    return merged([*lead, *caption, Text(end), link])


def _above(
    label: str,
    title: Inlines,
    caption: Inlines,
    panels: list[Panel],
    others: list[Block],
    anchor: str,
    context: Context,
) -> Blocks:
    """A table's caption as a bold paragraph above it; where it has a finding too, only that is bold."""
    lead = f"{label}: " if label else ""
    made: list[Block] = []
    if title:
        made.append(Paragraph((Styled("strong", merged([Text(lead), *with_stop(title)])),)))
        made += [Paragraph(caption)] if caption else []
    elif label or caption:
        made.append(Paragraph((Styled("strong", merged([Text(lead), *caption])),)))
    pictures = [figures.of_panel(panel, (), anchor, context) for panel in panels]
    return (*made, *others, *pictures)

"""The source of a section beside what is left of its export: nothing that a reader reads may be missing or moved."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pypandoc

from analysis.site.lesswrong.events import compressed, misplaced
from analysis.site.lesswrong.markup import flat
from analysis.site.lesswrong.reader import Survivors, read
from analysis.site.lesswrong.sections import Section
from analysis.site.lesswrong.wanted import Wanted, wanted, wanted_of

_NUMBER = re.compile(r"(?:(?<!\w)-|−)?\d+(?:\.\d+)*%?")


def lost(section: Section, html: str) -> list[str]:
    """What of a section's source is not left in its exported HTML, in words."""
    return missing(wanted(section), read(html))


def lost_in_markdown(section: Section, text: str) -> list[str]:
    """What of a section's source is not left, or not in its place, in its GitHub Markdown as pandoc reads that."""
    source = wanted(section)
    # it begins with the title, which has a field of its own elsewhere
    made = wanted_of(json.loads(pypandoc.convert_text(text, "json", "gfm"))["blocks"][1:])
    # within a table a bar would end the cell, so that formulas there spell it
    read_back = [
        replace(event, text=event.text.replace("\\Vert{}", "\\|").replace("\\vert{}", "|"))
        for group in made.all_groups
        for event in group
    ]
    return misplaced(source.all_groups, read_back, lost=True)


def missing(source: Wanted, left: Survivors) -> list[str]:
    """What of the source is not among the survivors, and what of it does not stand where it stood."""
    faults = []
    texts = [
        event.text for event in left.events if event.kind == "words" and not "".join(event.path[:1]).startswith("note ")
    ]
    for piece in unmatched(source.of("words"), texts):
        numbers = _NUMBER.findall(piece)
        told = f" (with the numbers {', '.join(numbers)})" if numbers else ""
        faults.append(f"words get lost{told}: {flat(piece)[:80]}")
    # under a live chart there is a paragraph: a frame has no caption
    under = left.texts if left.widgets else left.captions
    faults += [f"a caption gets lost: {flat(piece)[:80]}" for piece in unmatched(source.captions, under)]
    notes = [text for note in left.notes.values() for text in note]
    pieces = [event.text for note in source.notes for group in note for event in group if event.kind == "words"]
    faults += [f"a footnote gets lost: {flat(piece)[:80]}" for piece in unmatched(pieces, notes)]
    if not len(source.notes) == len(left.notes) == len(left.marks):
        faults.append(f"{len(source.notes)} footnotes, of which {len(left.marks)} are called, {len(left.notes)} there")
    formulas = [" ".join(formula.split()) for formula in left.formulas]
    for formula in source.everywhere("formula"):
        if formula in formulas:
            formulas.remove(formula)
        else:
            faults.append(f"a formula gets lost: {formula[:60]}")
    alts = unmatched(list(dict.fromkeys([*source.everywhere("alt"), *source.stated])), left.alts)
    faults += [f"an alternative text gets lost: {alt[:60]}" for alt in alts]
    faults += [f"code gets lost: {code[:60]}" for code in source.everywhere("code") if code not in left.codes]
    return faults + misplaced(source.all_groups, left.events)


def unmatched(pieces: list[str], texts: list[str]) -> list[str]:
    """The pieces that no text holds; a place that holds one holds no other. The longest look for theirs first."""
    whole = "\0".join(compressed(text) for text in texts)
    gone = []
    for piece in sorted(pieces, key=lambda piece: -len(compressed(piece))):
        wanted = compressed(piece)
        if wanted in whole:
            whole = whole.replace(wanted, "\1", 1)
        else:
            gone.append(piece)
    return gone

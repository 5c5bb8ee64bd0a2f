"""A long caption is folded after its first sentences, and nothing of it is lost."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.figures.captions import FOLDED, SHOWN, folded

WORDS = " ".join(["word"] * 30)
END = "]{.caption-rest}"


def parts(made: str) -> tuple[str, str]:
    """What stands before the fold, and what is behind it: from the bracket that is closed last to its own end."""
    if not made.endswith(END):
        return made, ""
    inside, depth = made.removesuffix(END), 1
    for place in range(len(inside) - 1, -1, -1):
        depth += {"]": 1, "[": -1}.get(inside[place], 0)
        if not depth:
            return inside[:place].removesuffix(" "), inside[place + 1 :]
    raise AssertionError(f"a span that is not opened: {made}")


def test_what_is_short_or_one_sentence_stays_whole() -> None:
    for caption in ("", "Short.", f"{WORDS}.", f"{WORDS}, {WORDS}.", f"{WORDS}. {' '.join(['more'] * (FOLDED - 1))}."):
        assert folded(caption) == caption


def test_sentences_stand_before_the_fold_as_long_as_they_have_room() -> None:
    five = "one two three four five."
    before, behind = parts(folded(" ".join([five] * 20)))
    assert before == " ".join([five] * (SHOWN // 5)) and behind == " ".join([five] * (20 - SHOWN // 5))
    half = f"one two; {WORDS} three four five six seven; {five} {WORDS}."
    assert parts(folded(half))[0].endswith("."), "what stands there is a sentence, not a part of one"
    long = f"{WORDS} {WORDS}. {WORDS}."
    assert folded(long) == f"{WORDS} {WORDS}. [{WORDS}.]{{.caption-rest}}", "the first sentence is never cut"


@pytest.mark.parametrize(
    "part", ["(a. b)", "[a. b](/c.qmd)", "[Press. it.]{.page-only}", "*a. b*", "`a. b`", "$a. b$", "{{< num x. y >}}"]
)
def test_what_has_two_ends_is_not_cut_in_two(part: str) -> None:
    caption = f"Few words {part} {WORDS} {WORDS}. {WORDS}."
    before, behind = parts(folded(caption))
    assert part in before and behind == f"{WORDS}."


PARTS = st.sampled_from(
    ["word", "end.", "(in. it)", "*of. it*", "`c. d`", "[l. m](/x.qmd)", "[p. q]{.page-only}", "5% of 0.3", "$a. b$"]
)


@given(st.lists(PARTS, max_size=120).map(" ".join))
def test_no_word_is_lost_and_what_is_folded_is_one_span(caption: str) -> None:
    before, behind = parts(folded(caption))
    assert f"{before} {behind}".strip() == caption
    for part in (before, behind):
        assert part.count("[") == part.count("]") and part.count("`") % 2 == part.count("*") % 2 == 0

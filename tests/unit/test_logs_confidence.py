"""The confidence of items is what it says: made of lists, and right on files that it was not made of."""

from __future__ import annotations

import pytest

from analysis.logs.calibration import EDGES, TABLE, calibrated
from analysis.logs.items import KINDS, MAYBE_BELOW
from analysis.logs.reader import parse_log
from benchmarks import confidence


@pytest.fixture(scope="module")
def items() -> list[confidence.Judged]:
    return confidence.judged(confidence.MADE_OF)


def test_the_table_is_the_one_that_the_lists_make(items: list[confidence.Judged]) -> None:
    made = confidence.fitted(items)
    assert made == TABLE, "the rules or the lists have changed: python -m benchmarks.confidence --write"


def test_of_items_at_four_fifths_or_more_most_are_right_on_files_that_the_table_was_not_made_of(
    items: list[confidence.Judged],
) -> None:
    sealed = confidence.said(confidence.judged(confidence.SEALED), TABLE)
    for found in (confidence.crossed(items), sealed):
        rows = {name: (count, share) for name, count, _, share in confidence.shares(found)}
        count, share = rows["0.8 to 1.0"]
        assert count > 30 and share >= 0.85
        # what is called a maybe is one
        assert rows["0.0 to 0.5"][1] < share - 0.2


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "unsorted"])
def test_confidence_grows_with_the_sureness_and_changes_no_maybe(kind: str) -> None:
    steps = [calibrated(kind, edge) for edge in EDGES]  # type: ignore[arg-type]  # a kind
    assert steps == sorted(steps) and steps[-1] < 1
    assert [step < MAYBE_BELOW for step in steps] == [edge < MAYBE_BELOW for edge in EDGES]


def test_only_the_author_makes_an_item_certain() -> None:
    text = "## Questions\n- Does it float?\n- Is it red? <!-- strata: question -->\n"
    first, second = parse_log(text, "a.md").items
    assert first.confidence == TABLE["question"][-1] and second.confidence == 1.0


def test_a_share_of_few_items_is_told_with_more_caution() -> None:
    many = [confidence.Judged("a", "done", 0.9, True)] * 60
    few = confidence.fitted(many[:6])["done"]
    assert few[-1] < confidence.fitted(many)["done"][-1] < 1

"""Sentences of running prose and what they are."""

from __future__ import annotations

from itertools import pairwise

import pytest

from analysis.logs import journal
from analysis.logs.items import MAYBE_BELOW
from analysis.logs.journal import asks_outright, judge, judge_in_section
from analysis.logs.sentences import sentence_ends


def cut_at(text: str) -> list[str]:
    places = [0, *sentence_ends(text), len(text)]
    return [text[a:b].strip() for a, b in pairwise(places)]


def test_sentences_end_where_they_end() -> None:
    assert cut_at("It fell. Why? No idea, e.g. a bug vs. noise at 3.5 or so. (Odd.) Next.") == [
        "It fell.",
        "Why?",
        "No idea, e.g. a bug vs. noise at 3.5 or so.",
        "(Odd.)",
        "Next.",
    ]
    assert cut_at("all in lower case. it broke. why?") == ["all in lower case.", "it broke.", "why?"]
    assert cut_at("Analyze it... somehow") == ["Analyze it... somehow"]


def test_lines_ended_on_purpose_are_sentences_and_wrapped_ones_are_not() -> None:
    assert cut_at("trained the sae again\nthe loss went down") == [
        "trained the sae again",
        "the loss went down",
    ]
    wrapped = "This sentence is wrapped by an editor at about seventy columns and it\ncontinues here"
    assert cut_at(wrapped) == [wrapped]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Why does the loss rise after the third epoch?", "question"),
        ("But how many latents are dead?", "question"),
        ("I wonder whether the encoder bias matters.", "question"),
        ("Not sure why the second seed differs.", "question"),
        ("Why do the norms shrink over time.", "question"),
        ("I will retrain with a larger dictionary.", "next_step"),
        ("Going to plot the norms tomorrow.", "next_step"),
        ("It makes sense to start with the small host.", "next_step"),
        ("The plan is a sweep over sparsity.", "next_step"),
        ("TODO rename the hook", "next_step"),
        ("Next: the control runs.", "next_step"),
        ("Found that half of the latents never fire.", "learning"),
        ("It turns out the labels were shifted.", "learning"),
        ("I realised the decoder was not normalised.", "learning"),
        ("The control is as important as the run.", "learning"),
        ("Lunch was good.", "unsorted"),
        ("I won't need to rerun this.", "unsorted"),
        ("", "unsorted"),
    ],
)
def test_kinds_of_sentences(text: str, kind: str) -> None:
    verdict = judge(text)
    assert verdict.kind == kind
    assert verdict.confidence >= MAYBE_BELOW


@pytest.mark.parametrize("text", [
    "Polished every probe which is slower than the last one.", "Plotted the runs whose loss is lower than before.",
    "Sorted the features that are rarer than one in a thousand.",
])  # fmt: skip
def test_a_clause_that_says_which_makes_no_finding_of_a_report(text: str) -> None:
    assert judge_in_section(text, ("done",)).kind == "done"
    assert judge_in_section("The last run is slower than the one before.", ("done",)).kind == "learning"


@pytest.mark.parametrize(
    "text",
    ["But to what end?", "Who cares?", "That would be something, right?", "It just works???", "Good enough?"],
)
def test_rhetorical_questions_are_only_maybe(text: str) -> None:
    verdict = judge(text)
    assert verdict.kind == "question" and verdict.confidence < MAYBE_BELOW


def test_a_step_with_a_question_mark_is_no_outright_question() -> None:
    assert asks_outright("How do they run it?? see the paper")
    assert asks_outright("Should we switch hosts?")
    assert not asks_outright("Post it here? Maybe there.")
    assert not asks_outright("Can use another set? Good enough.")
    assert not asks_outright("How it went. Fine?")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("the loss fell from 0.41 to 0.29", "the loss fell from 0.97 to 0.13"),
        ("lr=0.01", "lr=0.02"),
        ("f1 is 17", "f1 is 98"),
    ],
)
def test_which_digits_stand_in_a_number_changes_no_verdict_and_is_judged_once(one: str, other: str) -> None:
    judged = journal._judge.cache_info().misses
    assert judge(one) == judge(other)
    assert journal._judge.cache_info().misses <= judged + 1

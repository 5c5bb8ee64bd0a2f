"""The quiz: which row is above, and what the answer says of planted numbers."""

from __future__ import annotations

import dataclasses
import importlib
import re
from hashlib import sha256

import pytest
from planted_tables import Planted, write
from tests_root import CHECKOUT

from analysis.plan import plugins
from analysis.plan.paths import Paths
from sae.errors import DataError

plugins.load(Paths(CHECKOUT))
MODULE = importlib.import_module("analysis.figures.kinds.quiz")
order, quiz = MODULE.order, MODULE.quiz

SMALL = Planted(depths=2, kinds=("latents",), floors=False, single=False)


def answer(html: str) -> str:
    found = re.search(r"<details.*?<p>(.*?)</p>", html)
    assert found
    return found[1]


@pytest.mark.parametrize(
    ("planted", "says"),
    [
        ({"own": 0.8, "other": 0.6}, "Training adds 20 points; a network that learned nothing reaches the other 60."),
        ({"own": 0.8, "other": 0.2}, "Training adds 60 points."),
        ({"own": 0.3, "other": 0.6}, "Training takes 30 points away."),
        ({"own": 0.6, "other": 0.6}, "Training makes no difference that matters."),
        ({"wobble": 0.1}, "Whether training makes latents purer is undecided."),
        ({"own": 0.8, "other": 0.6, "seeds": 1}, "Whether training makes latents purer is undecided."),
    ],
    ids=["adds", "adds most", "takes", "equal", "undecided", "one seed"],
)
def test_the_answer_says_what_the_numbers_say(planted, says, tmp_path):
    drawing = quiz(write(tmp_path / "tables", dataclasses.replace(SMALL, **planted)), more="section")
    said = answer(drawing.html)
    purities = re.match(r"<b>(\d+)% and (\d+)% pure\.</b> Row [AB] is the trained network's\. ", said)
    assert purities, said
    assert says in said and said.endswith(' <a href="#section">What that means, depth by depth</a>')
    # the question gives nothing away
    assert not re.search("trained|never", re.sub(r' data-is="[^"]*"', "", drawing.html.split("<details")[0]))
    assert drawing.title == "Which of these two rows comes from a network that was trained?"


def test_the_trained_row_is_above_where_the_hash_of_the_run_is_even(tmp_path):
    runs = [f"run{n}" for n in range(16)]
    first = [order(run)[0] for run in runs]
    assert first == ["none" if sha256(run.encode()).digest()[-1] % 2 == 0 else "random_host" for run in runs]
    assert len(set(first)) == 2
    html = quiz(write(tmp_path / "tables", SMALL)).html
    heads = re.findall(r'data-is="(\w+) network"><b>Row ([AB])', html)
    names = ["trained" if one == "none" else "random" for one in order("run0")]
    assert heads == list(zip(names, "AB", strict=True))
    right = re.findall(r'data-row="([AB])" data-right="true"', html)
    assert right == [letter for who, letter in heads if who == "trained"]


def test_what_the_network_learned_stands_in_the_question(tmp_path):
    drawing = quiz(write(tmp_path / "tables", SMALL), learned="tell-cats-from-boats")
    assert drawing.title == "Which of these two rows comes from a network that learned to tell cats from boats?"
    assert set(drawing.data["row"]) == {"A", "B"}


def test_a_quiz_without_a_random_network_is_refused_in_one_line(tmp_path):
    results = write(tmp_path / "tables", dataclasses.replace(SMALL, random=False))
    with pytest.raises(DataError, match="planted has no random network") as caught:
        quiz(results)
    assert "\n" not in str(caught.value)

"""The list of what was drawn: a fold for each origin, which says its experiments and runs once."""

from __future__ import annotations

import re

from analysis.figures.draw import Artefact
from analysis.pages.build import reproduce_fragment


def artefact(name, experiments, runs):
    return Artefact(
        name=name, figure=f"fig-{name.replace('_', '-')}", title=f"What {name} found", caption="", alt="",
        source=f"report/figures/{name}.py", experiments=experiments, runs=runs, files=[], key="0a", seconds=0.1,
    )  # fmt: skip


def test_artefacts_are_folded_by_what_they_were_drawn_from():
    drawn = [
        artefact("leaves", ["trees"], ["r1", "r2"]), artefact("bark", ["trees"], ["r1", "r2"]),
        artefact("both", ["trees", "<soil>"], ["r1", "s1"]), artefact("diary", [], []),
    ]  # fmt: skip
    text = reproduce_fragment(drawn)
    folds = re.findall(r"<details.*?</details>", text, re.S)
    assert [re.search(r"<summary>(.*?)</summary>", fold)[1] for fold in folds] == [
        "1 figure or table from the project's own files",
        "2 figures and tables from trees",
        "1 figure or table from trees and &lt;soil&gt;",
    ]
    trees = folds[1]
    assert trees.index("#made-bark") < trees.index("#made-leaves")
    assert trees.count("`r1`") == 1 and trees.count("(#experiment-trees)") == 1 and "runs" not in folds[0]
    assert text.count("#made-") == len(drawn) and 'data-pagefind-ignore="all"' in text

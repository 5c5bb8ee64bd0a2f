"""Latents on tokens: the table shows both sorts, shades tokens by their share, and refuses what is no such file."""

from __future__ import annotations

import json
from typing import Any

import pytest

from analysis.figures.kinds.token_latents import shaded, token_latents
from analysis.results.kept_file import KeptFile
from analysis.results.token_latents import Token
from sae.errors import DataError


def latent(number: int, *, drawn: bool, name: str = "") -> dict[str, Any]:
    context = [[" the", 0.0], [" <war>", 1.0, 1], [" ended", 0.4]]
    return {
        "latent": number, "drawn": drawn, "name": name, "accuracy": 0.93, "by_chance": 0.5, "density": 0.004,
        "contexts": {"strongest": [context, context], "middle": [context], "weak": []},
        "raised": [[" army", 2.0]], "nats": 0.9, "random_nats": 0.1,
        "patterns": [" of*", " war"], "pattern_precision": 0.8, "pattern_recall": None,
    }  # fmt: skip


def file(*latents: dict[str, Any]) -> KeptFile:
    content = {"looked": 300, "named_share": 0.25, "host": "Tiny", "latents": list(latents)}
    return KeptFile("data/language/latents.json", json.dumps(content).encode())


def test_both_sorts_are_shown_and_counted():
    some = [latent(at, drawn=at > 2, name="“war”" if at < 3 else "") for at in range(6)]
    drawn = token_latents(file(*some), named=2, drawn=2, contexts=1)
    assert drawn.title == "Of latents as they come 25% have a name that a rule foretells"
    assert "2 chosen for names, 2 as they came, of which 2 have none" in drawn.caption
    assert drawn.html.count("“war”: fires at 0.40% of tokens, the rule foretells it at 0.93") == 2
    assert "latent 4: fires at 0.40% of tokens</th>" in drawn.html, "a latent without a name has no rule"
    assert drawn.html.count("<mark") == 8, "one context of two bands of four latents"
    assert "“of*”, “war” (precision 0.80)" in drawn.html and "(0.90 nats, a random direction 0.10)" in drawn.html
    assert len(drawn.data) == 4 * 3 and "Latent 4 is strongest in “the <war> ended”" in drawn.alt


@pytest.mark.parametrize(("share", "level"), [(0.0, 0), (0.05, 1), (0.5, 2), (0.8, 3), (1.0, 4)])
def test_a_token_is_the_darker_the_stronger(share, level):
    assert shaded(Token(" a<b", share, meant=True)) == f'<mark class="fires-{level}"> a&lt;b</mark>'
    assert shaded(Token(" a", share, meant=False)) == (f'<span class="fires-{level}"> a</span>' if level else " a")


@pytest.mark.parametrize(
    "broken",
    [{"contexts": {"strongest": [], "middle": [], "weak": []}}, {"contexts": {"strongest": [[[" a", 1.0]]]}},
     {"contexts": {"strongest": [[[" a", 1.0]]], "middle": [], "weak": []}}, {"raised": [[" a"]]}, {"density": "x"}],
)  # fmt: skip
def test_what_is_no_such_file_is_refused(broken):
    with pytest.raises(DataError, match=r"latents\.json: latent 0"):
        token_latents(file(latent(1, drawn=True) | broken))
    with pytest.raises(DataError, match="no latent stands there"):
        token_latents(file())

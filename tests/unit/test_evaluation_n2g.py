"""N2G: patterns of a latent whose rule is known, and what they foretell beside tokens and shuffled firing."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_language import TinyLanguage

from sae.errors import InputError, NumericError
from sae.evaluations._patterns import matches, trie, walk
from sae.evaluations.neuron_to_graph import neuron_to_graph

quick = settings(max_examples=20, deadline=None)
PAD = 0
NEW, YORK, OLD = 5, 6, 7


def rule(contexts):
    """Fires on YORK after NEW, half as much more when OLD stands three places before; on 9 wherever it is."""
    before = torch.nn.functional.pad(contexts, (3, 0), value=-1)[:, : contexts.shape[1] + 3]
    one, three = before[:, 2:-1], before[:, :-3]
    york = ((contexts == YORK) & (one == NEW)).float() * (1 + 0.5 * (three == OLD))
    return york + 2.0 * (contexts == 9)


EXAMPLES = torch.tensor([[1, OLD, 3, NEW, YORK, 8], [2, 2, NEW, YORK, 3, 3], [1, 9, 4, 4, 4, 4]])
HELD_OUT = torch.tensor([[NEW, YORK, 1, YORK, 9, 9], [OLD, 2, NEW, YORK, NEW, 1]])


def found(activation=rule, contexts=EXAMPLES, places=(4, 3, 1), **options):
    return neuron_to_graph(activation, contexts, torch.tensor(places), HELD_OUT, replacements=(PAD,), **options)


def test_the_shortest_suffix_and_its_wildcards():
    graph = found()
    # two tokens keep 1 of 1.5; 9 needs nothing before it
    assert graph.patterns == ((NEW, YORK), (9,)) and graph.left_out == 0
    # all of it: the token between does not matter, and OLD, worth a third of it, does not matter enough
    assert found(keeps=1.0).patterns == ((None, None, NEW, YORK), (NEW, YORK), (9,))
    assert found(keeps=1.0, saliency=0.3).patterns[0] == (OLD, None, NEW, YORK)
    short = found(keeps=1.0, longest=3)
    assert short.left_out == 1 and short.patterns == ((NEW, YORK), (9,))


def test_precision_and_recall_beside_their_controls_by_hand():
    graph = found()
    assert (graph.score.both, graph.score.foretold, graph.score.fires, graph.score.places) == (4, 4, 4, 12)
    assert graph.score.precision == graph.score.recall == 1
    # YORK fires in two examples, 9 in one; YORK alone also stands where it does not fire
    assert graph.tokens == (YORK, 9)
    assert (graph.by_tokens.precision, graph.by_tokens.recall) == (4 / 5, 1)
    assert graph.shuffled_precision == graph.shuffled_recall == pytest.approx(4 / 12)
    scored = torch.ones_like(HELD_OUT, dtype=torch.bool)
    scored[:, :4] = False
    few = found(scored=scored)
    assert (few.score.places, few.score.fires, few.score.both) == (4, 2, 2)


def test_what_never_fires_or_is_never_foretold_has_no_share():
    silent = neuron_to_graph(rule, EXAMPLES, torch.tensor([4, 3, 1]), torch.full((2, 4), 3), replacements=(PAD,))
    assert silent.score.precision is None and silent.score.recall is None
    assert silent.shuffled_precision is None and silent.shuffled_recall is None


def test_where_either_token_will_do_the_last_one_is_kept():
    def either(contexts):
        before = torch.nn.functional.pad(contexts, (1, 0), value=-1)[:, :-1]
        return ((contexts == YORK) | (before == YORK)).float() * (contexts != 3)

    graph = neuron_to_graph(either, torch.tensor([[2, YORK, YORK]]), torch.tensor([2]), HELD_OUT, replacements=(PAD,))
    assert graph.patterns == ((YORK,),)
    graph = neuron_to_graph(lambda c: 1.0 + 0.0 * c, EXAMPLES[:1], torch.tensor([1]), HELD_OUT, replacements=(PAD,))
    assert graph.patterns == ((OLD,),) and graph.score.recall < 1


def test_a_prefix_stands_before_every_suffix():
    seen = []

    def sinking(contexts):
        seen.append(contexts.shape[1])
        values = rule(contexts)
        values[:, 0] = 0  # as at an attention sink
        return values

    assert found(sinking, longest=1).left_out == 3
    seen.clear()
    graph = found(sinking, prefix=(PAD,), longest=5)
    assert graph.patterns == ((NEW, YORK), (9,))
    assert max(seen[1:-1]) == 5, "no longer than prefix and the lengths that are tried at once"


patterns = st.lists(st.tuples(st.lists(st.sampled_from([None, 0, 1, 2]), max_size=3), st.integers(0, 2)), max_size=5)


@quick
@given(patterns, st.integers(0, 999))
def test_a_trie_matches_what_its_patterns_match_one_by_one(drawn, seed):
    all_patterns = {(*before, last) for before, last in drawn}
    contexts = torch.randint(0, 3, (3, 6), generator=torch.Generator().manual_seed(seed))
    assert set(walk(trie(all_patterns))) == all_patterns
    expected = torch.zeros(3, 6, dtype=torch.bool)
    for pattern in all_patterns:
        for end in range(len(pattern) - 1, 6):
            part = contexts[:, end - len(pattern) + 1 : end + 1].tolist()
            fits = [all(p in (None, token) for p, token in zip(pattern, row, strict=True)) for row in part]
            expected[:, end] |= torch.tensor(fits)
    assert torch.equal(matches(trie(all_patterns), contexts), expected)


def test_on_a_host_a_neuron_that_reads_tokens_is_foretold_better_than_by_chance():
    host = TinyLanguage()
    text, held_out = host.sample(30, 12), host.sample(30, 12, seed=1)
    level = host.read(text)[:, 1:, 2].quantile(0.9)

    def neuron(contexts):
        return torch.relu(host.read(contexts)[..., 2] - level)

    peaks, places = neuron(text).max(1)
    best = peaks.topk(8).indices
    graph = neuron_to_graph(neuron, text[best], places[best], held_out, replacements=tuple(range(12)))
    assert graph.score.precision > 2 * graph.shuffled_precision and graph.score.recall > graph.shuffled_recall
    assert len(graph.tokens) <= len(graph.patterns)


def test_what_no_pattern_can_be_made_of_is_refused():
    with pytest.raises(InputError, match="example 1: the latent is 0 there, expected above 0"):
        found(places=(4, 2, 1))
    with pytest.raises(InputError, match="0 replacements"):
        neuron_to_graph(rule, EXAMPLES, torch.tensor([4, 3, 1]), HELD_OUT, replacements=())
    with pytest.raises(InputError, match="what activation gives have shape"):
        found(lambda contexts: rule(contexts)[:, 1:])
    with pytest.raises(NumericError, match="what activation gives"):
        found(lambda contexts: rule(contexts) / (contexts != 8))

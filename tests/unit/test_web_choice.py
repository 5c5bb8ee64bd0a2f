"""Which families a web shows: those that split, whole, while there is room; and what it chose is a web."""

from __future__ import annotations

import random

import pytest
from planted_web import file

from analysis.results.web_choice import Step, chosen
from analysis.results.webs import MOST, Web
from sae.errors import DataError

LEAST = (0.4, 0.2)


def steps(families: dict[int, int], grandchildren: int = 2) -> list[Step]:
    """Latent i of the SAE of 10 splits into families[i] of that of 100, each of which into as many of that of 1,000."""
    first, second, b, c = [], [], 0, 0
    for a, count in families.items():
        for _ in range(count):
            first.append((a, b, 0.9 - 0.001 * a, 0.5))
            for _ in range(grandchildren):
                second.append((b, c, 0.8, 0.6))
                c += 1
            b += 1
    return [Step(10, 100, first, LEAST), Step(100, 1000, second, LEAST)]


def test_what_splits_most_comes_first_and_what_does_not_split_or_splits_into_everything_not_at_all():
    nodes, edges = chosen(steps({0: 1, 1: 2, 2: 4, 3: 40, 4: 2}))
    assert [latent for size, latent in nodes if size == 10] == [2, 1, 4]
    assert len(nodes) == sum(1 + count + 2 * count for count in (4, 2, 2)) and len(edges) == len(nodes) - 3
    sizes = [size for size, _ in nodes]
    assert all(sizes[edge["from"]] < sizes[edge["to"]] for edge in edges)


def test_families_are_whole_and_smaller_ones_fill_what_is_left():
    nodes, _ = chosen(steps({0: 4, 1: 3, 2: 2}), most=21)
    assert [latent for size, latent in nodes if size == 10] == [0, 2]  # 13 and 7; 10 more would be too many
    nodes, _ = chosen(steps(dict.fromkeys(range(60), 5)))
    assert len(nodes) == MOST // 16 * 16


@pytest.mark.parametrize("weak", [(0.39, 0.5), (0.9, 0.2)])
def test_an_edge_that_fails_one_of_the_two_makes_no_child(weak):
    one, two = steps({0: 2, 1: 3})
    edges = [(a, b, *weak) if a == 1 and b == 2 else (a, b, cosine, phi) for a, b, cosine, phi in one.edges]
    nodes, found = chosen([Step(10, 100, edges, LEAST), two])
    assert (100, 2) not in nodes and len([node for node in nodes if node[0] == 100]) == 4
    assert len(found) == len(nodes) - 2


def test_a_child_has_one_parent_and_other_edges_among_the_chosen_are_kept():
    one, two = steps({0: 2, 1: 2})
    other = Step(10, 100, [*one.edges, (1, 0, 0.5, 0.5), (7, 0, 0.6, 0.6)], LEAST)
    nodes, edges = chosen([other, two])
    assert (10, 7) not in nodes and nodes.count((100, 0)) == 1
    place = {node: at for at, node in enumerate(nodes)}
    assert {"from": place[10, 1], "to": place[100, 0], "cosine": 0.5, "coactivation": 0.5} in edges


def test_what_was_chosen_is_a_web_with_these_families():
    draw = random.Random(0)
    nodes, edges = chosen(steps({a: draw.randint(0, 6) for a in range(40)}))
    null = [{"quantile": 0.99, "value": LEAST[0]}]
    content = {
        "sizes": [10, 100, 1000], "edges": edges, "nulls": {"cosine": null, "coactivation": [null[0] | {"value": 0.2}]},
        "nodes": [{"size": size, "latent": latent, "name": "", "density": 0.1, "words": []} for size, latent in nodes],
    }  # fmt: skip
    web = Web.of(file(content))
    assert all(len(web.splits(root)[100]) >= 2 for root in web.roots) and len(web.nodes) <= MOST


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ([], "from each size to the next"),
        ([Step(10, 100, [], LEAST), Step(1000, 2000, [], LEAST)], "from each size to the next"),
        ([Step(10, 100, [(0, 0, 0.9, 0.9)], LEAST)], "no latent of the 10 has 2 to 12 children"),
    ],
)
def test_edges_of_which_nothing_can_be_made_are_refused(given, told):
    with pytest.raises(DataError, match=told):
        chosen(given)

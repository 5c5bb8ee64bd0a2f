"""Grids of images: cells that enlarge and lead to the explorer, as many columns as there are classes, up to ten."""

from __future__ import annotations

import dataclasses
import importlib
import re

import pytest
from planted_tables import Planted, write
from tests_root import CHECKOUT

from analysis.figures.kinds.lineages import lineages
from analysis.plan import plugins
from analysis.plan.paths import Paths
from analysis.site.lesswrong.markup import parse

plugins.load(Paths(CHECKOUT))
depth_grid = importlib.import_module("analysis.figures.kinds.depth_grid").depth_grid
PLANTED = Planted(depths=2, kinds=("latents",), floors=False, single=False)


def test_every_cell_of_the_grid_enlarges_and_those_of_the_trained_network_lead_to_the_explorer(tmp_path):
    tree = parse(depth_grid(write(tmp_path / "tables", PLANTED)).html)
    rows = tree.of_class("grid-row")
    assert len(rows) == 4
    for depth, row in enumerate(rows):
        cells = row.of_class("grid-cell")
        links = [link.attributes["href"] for cell in cells for link in cell.all("a")]
        assert cells and all(cell.attributes["data-enlarge"] for cell in cells)
        if depth == 3:  # the random network's
            assert links == []
        else:
            assert len(links) == len(cells)
            assert all(re.fullmatch(rf"/report/explorer\.qmd#depth={depth}&latent=\d", link) for link in links), links


@pytest.mark.parametrize(("classes", "blocks"), [(3, [3]), (10, [10]), (12, [10, 2])])
def test_ten_classes_stand_beside_each_other(classes, blocks, tmp_path):
    names = tuple(f"class {n}" for n in range(classes))
    tree = parse(lineages(write(tmp_path / "tables", dataclasses.replace(PLANTED, classes=names))).html)
    heads = [len(block.of_class("lineage-heads")[0].all("b")) for block in tree.of_class("lineage-block")]
    assert heads == blocks


def test_a_cell_of_images_that_are_not_square_says_so_where_its_made_image_stands(tmp_path):
    for shape, says in (((2, 2), 0), ((4, 2), 1)):
        tree = parse(lineages(write(tmp_path / f"{shape[0]}", dataclasses.replace(PLANTED, shape=shape))).html)
        cell = next(cell for cell in tree.of_class("grid-cell") if not cell.has("empty"))
        assert cell.attributes.get("style", "").count("--r:2") == says

"""Attributes of drawn figures with known answers, what must not change them, and what they say of real digits."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from analysis.run.datasets.digits import digits
from analysis.run.interpret import attributes as module
from analysis.run.interpret.attributes import ATTRIBUTES, attributes
from sae.errors import DataError

quick = settings(derandomize=True, max_examples=25, deadline=None, database=None)
Y, X = np.mgrid[:28, :28] - 13.5
SHAPE = [name for name in ATTRIBUTES if name != "ink"]


def drawn(*masks):
    return np.stack(masks).astype(np.uint8) * 200


def disc(radius, x=0.0, y=0.0):
    return np.hypot(X - x, Y - y) <= radius


def ring(outer, inner, x=0.0, y=0.0):
    return disc(outer, x, y) & ~disc(inner, x, y)


def bar(degrees=0.0, thick=4, long=20):
    return (np.abs(X + np.tan(np.radians(degrees)) * Y) <= thick / 2) & (np.abs(Y) <= long / 2)


def box(top, bottom, left, right):
    """Rows and columns up to, not with, the last."""
    mask = np.zeros((28, 28), bool)
    mask[top:bottom, left:right] = True
    return mask


CROSS = bar() | bar().T
EIGHT = ring(5.5, 2.5, y=-5) | ring(5.5, 2.5, y=5)
SEVEN = box(4, 7, 6, 22) | box(4, 24, 19, 22)


@pytest.fixture(scope="module")
def real():
    data = digits()
    return data.images[::4], data.labels[::4]


@pytest.fixture(scope="module")
def measured(real):
    return attributes(real[0])


def test_every_column_has_words_of_its_own_for_both_ends():
    assert list(attributes(drawn(CROSS))) == list(ATTRIBUTES)
    words = [word for each in ATTRIBUTES.values() for word in (each.low, each.high)]
    assert all(words) and len(set(words)) == len(words)
    assert all(each.unit and each.says.endswith(".") for each in ATTRIBUTES.values())


def test_holes_and_ends_of_drawn_figures():
    hook, nine = ring(9, 6) & ~box(14, 28, 14, 28), ring(5, 2, y=-5) | box(9, 24, 16, 19)
    found = attributes(drawn(ring(9, 6), disc(9), EIGHT, bar(), CROSS, hook, nine))
    assert found["holes"].tolist() == [1, 0, 2, 0, 0, 0, 1]
    assert found["ends"].tolist() == [0, 0, 0, 2, 4, 2, 1]


def test_specks_are_neither_figure_nor_hole():
    names = ["width", "height", "stroke", "ends", "holes"]
    found = attributes(drawn(bar(), bar() | box(1, 3, 1, 3), bar() | box(1, 4, 1, 3)))[names]
    assert found.loc[1].equals(found.loc[0]), "4 pixels are a speck"
    assert (found.loc[2] != found.loc[0])[["height", "stroke"]].all(), "6 are not"
    pierced = attributes(drawn(*(disc(9) & ~box(14, 15, 14, 14 + pixels) for pixels in (1, 2, 3, 4))))
    assert pierced["holes"].tolist() == [0, 0, 1, 1]


def test_a_line_of_one_pixel_that_runs_askew_is_one_line_and_encloses():
    diamond = attributes(drawn(np.abs(X + 0.5) + np.abs(Y + 0.5) == 8)).iloc[0]
    assert (diamond["holes"], diamond["ends"]) == (1, 0)
    assert diamond["stroke"] == pytest.approx(1 / np.sqrt(2), rel=0.05), "its steps are longer than a pixel"


def test_a_whisker_is_no_end_and_a_short_stroke_is():
    stem = box(4, 24, 12, 14)
    found = attributes(drawn(*(stem | box(13, 15, 14, 14 + long) for long in (1, 2, 3, 4))))
    assert found["ends"].tolist() == [2, 2, 3, 3]


@quick
@given(st.floats(-40, 40), st.integers(2, 6))
def test_a_sheared_bar_has_its_angle_and_nothing_else_of_the_lean(degrees, thick):
    found = attributes(drawn(bar(degrees, thick), bar(degrees, thick)[:, ::-1]))
    # a step of one pixel in the middle of 20 rows is 4.3 degrees to the moments, however small the shear
    assert found["slant"][0] == pytest.approx(degrees, abs=4.4)
    assert found["slant"][1] == pytest.approx(-found["slant"][0], abs=1e-4)
    assert found["width"].between(thick - 1, thick + 1).all() and (found["height"] == 20).all()
    assert (found["ends"] == 2).all() and (found["symmetry"] > 99).all()


@quick
@given(st.sampled_from([2, 4, 6]), st.sampled_from([16, 20, 24]))
def test_a_bar_has_its_measures(thick, long):
    found = attributes(drawn(bar(0, thick, long))).iloc[0]
    assert (found["width"], found["height"]) == (thick, long)
    assert found["ink"] == pytest.approx(200 * thick * long / 28**2)
    assert thick <= found["stroke"] < 1.5 * thick, "a skeleton stops short of the ends, more so in a thick stroke"
    assert abs(found[["slant", "vertical", "horizontal"]]).max() < 1e-4


def test_a_seven_is_heavy_above_and_to_the_right_and_lopsided():
    images = drawn(SEVEN, SEVEN[:, ::-1], SEVEN[::-1], EIGHT)
    seven, mirrored, upturned, eight = (row for _, row in attributes(images).iterrows())
    assert seven["vertical"] > 5 and seven["horizontal"] > 5
    assert mirrored["horizontal"] == pytest.approx(-seven["horizontal"])
    assert upturned["vertical"] == pytest.approx(-seven["vertical"])
    assert seven["symmetry"] < 80 and eight["symmetry"] == 100


@quick
@given(st.integers(0, 2499), st.integers(0, 8), st.integers(0, 8))
def test_where_the_figure_stands_changes_nothing(real, row, down, right):
    images = np.zeros((2, 36, 36), np.uint8)
    images[0, :28, :28] = images[1, down : down + 28, right : right + 28] = real[0][row]
    first, second = attributes(images).to_numpy()
    np.testing.assert_allclose(second, first, rtol=1e-5, atol=1e-4)


def test_twice_the_grey_levels_is_twice_the_ink_and_no_other_shape(real):
    half = real[0][::8] // 2
    one, two = attributes(half), attributes(half * 2)
    pd.testing.assert_series_equal(two["ink"], 2 * one["ink"])
    pd.testing.assert_frame_equal(two[SHAPE], one[SHAPE])


def test_a_mirror_turns_lean_and_side_and_keeps_the_rest(real, measured):
    mirrored = attributes(real[0][:, :, ::-1])
    for name in ("slant", "horizontal"):
        np.testing.assert_allclose(mirrored[name], -measured[name], atol=1e-3)
    for name in ("ink", "width", "height", "holes", "vertical"):
        np.testing.assert_allclose(mirrored[name], measured[name], atol=1e-3)


def test_an_image_is_measured_as_if_it_were_alone(real, measured, monkeypatch):
    monkeypatch.setattr(module, "BLOCK", 7)
    pd.testing.assert_frame_equal(attributes(real[0][:20]), measured[:20])
    full = np.ones((28, 28), bool)
    touching = drawn(full, full & ~box(0, 14, 7, 21), full)  # up to the edge: neighbours must not close the gap
    alone = pd.concat([attributes(touching[row : row + 1]) for row in range(3)], ignore_index=True)
    pd.testing.assert_frame_equal(attributes(touching), alone)
    assert alone["holes"].tolist() == [0, 0, 0] and alone["height"].tolist() == [28, 28, 28]


def test_without_a_figure_all_but_ink_is_unknown():
    empty = np.zeros((28, 28), bool)
    found = attributes(drawn(empty, CROSS, box(1, 3, 1, 3)))
    assert found["ink"].notna().all() and found["ink"][0] == 0
    assert found[SHAPE].isna().all(axis=1).tolist() == [True, False, True]
    assert not found.loc[1].isna().any()


@quick
@given(st.integers(0, 2**31), st.integers(1, 12), st.integers(1, 12), st.sampled_from([0.1, 0.5, 1.0]))
@example(0, 1, 12, 1.0)
def test_noise_of_any_shape_is_measured_whole_or_not_at_all(seed, high, wide, density):
    """A single row has no spread to lean by, a single pixel no figure: neither may warn."""
    draw = np.random.default_rng(seed)
    images = (draw.integers(0, 256, (5, high, wide)) * (draw.random((5, high, wide)) < density)).astype(np.uint8)
    found = attributes(images)[SHAPE]
    assert (found.isna().all(axis=1) | np.isfinite(found).all(axis=1)).all()


def test_no_images_give_no_rows_and_all_columns(measured):
    found = attributes(np.zeros((0, 28, 28), np.uint8))
    assert len(found) == 0 and list(found) == list(ATTRIBUTES)
    assert set(found.dtypes) == set(measured.dtypes) == {np.dtype(np.float32)}


@pytest.mark.parametrize(
    "wrong", [np.zeros((28, 28), np.uint8), np.zeros((2, 28, 28), np.float32), np.zeros((2, 0, 28), np.uint8)]
)
def test_any_other_array_is_refused(wrong):
    with pytest.raises(DataError, match=r"expected uint8 of shape \(n, h, w\)"):
        attributes(wrong)


def test_real_digits_are_what_people_know_of_them(real, measured):
    mean = measured.groupby(real[1]).mean()
    share = {
        digit: (measured["holes"][real[1] == digit] == holes).mean()
        for digit, holes in enumerate([1, 0, 0, 0, 0, 0, 1, 0, 2, 1])
    }
    assert min(share[0], share[1], share[3], share[5], share[7]) > 0.85 and share[9] > 0.8
    assert min(share[6], share[8]) > 0.55, "many loops are filled or left open"
    ends = measured["ends"].groupby(real[1]).median()
    assert ends[[0, 1, 4, 6, 7, 8, 9]].tolist() == [0, 2, 3, 1, 2, 0, 1]
    assert mean["width"].idxmin() == mean["ink"].idxmin() == 1 and mean["width"][1] < mean["width"][0] / 2
    assert mean["vertical"].idxmax() == 7 and mean["vertical"].idxmin() == 6
    assert set(mean["symmetry"].nlargest(3).index) == {0, 1, 8}


def test_no_two_attributes_say_the_same_of_real_digits(measured):
    alike = measured.corr("spearman").abs().to_numpy() - np.eye(len(ATTRIBUTES))
    assert alike.max() < 0.85

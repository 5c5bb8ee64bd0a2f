"""Golden: what a tower on noise finds in its own codes, at the width at which it finds most."""

from __future__ import annotations

from pathlib import Path

import pytest
from planted import depth_2_on_noise


@pytest.mark.slow
def test_a_wide_tower_on_noise_finds_nothing_in_its_own_codes(tmp_path: Path) -> None:
    """See the case of this in tests/unit/test_verdict_planted.py."""
    found = depth_2_on_noise(tmp_path, 128, "constant")
    assert found.word != "structure" and found.low <= 0, found
    assert found.best_floor in ("gaussian_tower", "reencoded_null", "relearned_null")

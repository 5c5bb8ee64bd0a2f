"""The names that people use stand in `sae` itself, are loaded when asked for, and the docstring's example runs."""

from __future__ import annotations

import doctest
import inspect
import pickle
import subprocess
import sys

import pytest
from tests_root import CHECKOUT

import sae
import sae.train as module
from sae.config import TrainConfig


def test_the_docstrings_example_runs():
    found = doctest.testmod(sae)
    assert found.attempted > 8 and found.failed == 0


@pytest.mark.parametrize("name", sae.__all__)
def test_every_name_is_there_and_can_be_used(name):
    assert callable(getattr(sae, name)) and name in dir(sae)


def test_a_function_and_its_module_of_the_same_name_are_both_to_be_had():
    assert sae.train is module and inspect.signature(sae.train) == inspect.signature(module.train)
    assert pickle.loads(pickle.dumps(sae.judge)) is sae.judge
    assert TrainConfig is sae.TrainConfig


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'jduge'"):
        sae.jduge  # noqa: B018


def test_rule_settings_and_results_load_no_torch():
    code = "import sae, sae.rule, sae.config, sae.judgement, sys; sae.TrainConfig; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=CHECKOUT, check=False).returncode == 0

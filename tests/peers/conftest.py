"""The peers' packages as fixtures: a test that needs one is skipped, with the reason, where it is not installed."""

from __future__ import annotations

import importlib

import pytest


def _peer(name: str, *modules: str):
    found = pytest.importorskip(name, reason=f"{name} is not installed; make test-peers installs it")
    for module in modules:
        importlib.import_module(f"{name}.{module}")
    return found


@pytest.fixture(scope="session")
def sae_lens():
    return _peer("sae_lens")


@pytest.fixture(scope="session")
def sparsify():
    with pytest.MonkeyPatch.context() as patch:
        # read at import; its Triton kernels need a GPU
        patch.setenv("SPARSIFY_DISABLE_TRITON", "1")
        return _peer("sparsify")


@pytest.fixture(scope="session")
def trainers():
    """dictionary_learning's trainers."""
    return _peer("dictionary_learning", "trainers.matryoshka_batch_top_k").trainers

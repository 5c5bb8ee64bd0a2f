"""What all tests share: shape checks on every call into `sae`, a toy dictionary, a small project to run in.

Shapes in the signatures of `sae` (jaxtyping) are enforced by beartype for the whole test run. The hook has to stand
before the first import of `sae`, and each pytest-xdist worker passes through here, so both ways of running check.
"""

from __future__ import annotations

import gc
import importlib
import os
import shutil
import signal
import sys
import typing
from collections.abc import Iterator
from pathlib import Path

# Until the tests are collected: what is imported stays, and pass after pass over it would find nothing to throw away.
gc.disable()
# Compiled modules are kept, wherever that is switched off: every process that a test starts would parse all of them.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

from jaxtyping import install_import_hook  # noqa: E402

install_import_hook("sae", "shape_checks.first_calls")

import pytest  # noqa: E402  (after the hook, as all that imports `sae`)
import shape_checks  # noqa: E402

from analysis.plan import plugins  # noqa: E402
from analysis.plan.paths import Paths  # noqa: E402

if typing.TYPE_CHECKING:
    import torch

# A shell that runs the suite in the background has it ignore these, and every process that a test starts with it.
for number in (signal.SIGINT, signal.SIGHUP) if hasattr(signal, "SIGHUP") else ():
    if signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
CHECKOUT = Path(__file__).resolve().parent.parent
# The figures of this repository's own project are found as its commands find them, also after a test of another one.
plugins.load(Paths(CHECKOUT))


def pytest_configure(config: pytest.Config) -> None:
    """What tests need, in every process that runs some: one that deals them to others goes without torch."""
    if config.getoption("dist", "no") != "no" and not config.getoption("collectonly"):
        return
    import torch
    from hypothesis import settings

    import sae.protocol

    # beartype checks `sae: SAE` by isinstance, which a protocol has to allow
    typing.runtime_checkable(sae.protocol.SAE)
    torch.set_num_threads(1)
    # the same examples every time: a change is to blame for what fails, not luck, nor how busy the machine is
    settings.register_profile("fixed", derandomize=True, deadline=None)
    settings.load_profile("fixed")
    for name in ("browser_page", "finished_project", "published_project"):
        config.pluginmanager.import_plugin(name)


def pytest_collection_finish() -> None:
    """From here on memory is looked through again, but for what was imported."""
    gc.freeze()
    gc.set_threshold(100_000, 20, 20)  # tables, trees and charts are many small objects, and few of them are circles
    gc.enable()


@pytest.fixture(autouse=True)
def own_project():
    plugins.load(Paths(CHECKOUT))


@pytest.fixture(autouse=True, scope="session")
def nothing_waits_for_the_disk():
    """What tests write need not outlive a power cut, and to wait for each file was a tenth of the suite."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda file: None)
        yield


@pytest.hookimpl(tryfirst=True)  # before what it shares with others is made
def pytest_runtest_setup() -> None:
    shape_checks.begin()


ACTIVE = 3
# The files that take longest, longest first: whole files are dealt to processes, and one of these as the last would
# have the other processes wait for it. A file that is not here comes after them. The second that needs the finished
# project comes when the first has made it. Of the first two only one trains: in a fresh checkout it compiles the
# kernels, and the other would compile the same at the same time.
LONGEST = (
    "unit/test_verdict_planted.py", "unit/test_figure_findings.py", "smoke/test_site.py", "smoke/test_pipeline.py",
    "smoke/test_foreign_project.py", "smoke/test_variants_run.py", "unit/test_judge.py",
    "contract/test_architectures.py",
    "unit/test_seam.py", "unit/test_results.py", "smoke/test_errors.py", "unit/test_linked.py",
    "unit/test_notebooks.py",
    "smoke/test_site_again.py", "unit/test_lesswrong_rich.py", "unit/test_cli_judge.py", "unit/test_train.py",
    "unit/test_code_version.py", "unit/test_children.py", "unit/test_kernel.py", "unit/test_workers.py",
)  # fmt: skip

TINY = """
title = "A tiny experiment"
dataset = "digits"
seeds = [0, 1]

[host]
hook = "hidden2"
options = { hidden1 = 32, hidden2 = 24, epochs = 1 }

[sae]
width = 32
k = 4
train = { steps = 20, batch = 64 }

[[towers]]
kind = "latents"
depth = 2
train = { steps = 20, batch = 64 }

[[towers]]
kind = "directions"
depth = 2
width = "halving"
k = [2]
folds = 2
train = { steps = 10, batch = 16 }
"""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files first, the others and the tests of a file as they were."""
    places = {CHECKOUT / "tests" / name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.path, len(places)))


@pytest.fixture(scope="session")
def toy_directions() -> torch.Tensor:
    """32 unit directions in 24 dimensions: more features than dimensions, known to the test."""
    import torch

    rows = torch.randn(32, 24, generator=torch.Generator().manual_seed(0))
    return rows / rows.norm(dim=1, keepdim=True)


@pytest.fixture(scope="session")
def toy_rows(toy_directions: torch.Tensor) -> torch.Tensor:
    """2,000 rows, each the sum of 3 of the directions with weights in 1..2. Not to be changed by a test."""
    import torch

    draw = torch.Generator().manual_seed(1)
    active = torch.rand(2000, 32, generator=draw).topk(ACTIVE).indices
    codes = torch.zeros(2000, 32).scatter_(1, active, 1 + torch.rand(2000, ACTIVE, generator=draw))
    return codes @ toy_directions


def make_project(root: Path, experiment: str = TINY, name: str = "tiny") -> Paths:
    """A project folder with the digits and one experiment."""
    root.mkdir(parents=True)
    shutil.copy(CHECKOUT / "_quarto.yml", root)
    shutil.copytree(CHECKOUT / "data" / "digits", root / "data" / "digits")
    (root / "data" / "experiments").mkdir()
    (root / "data" / "experiments" / f"{name}.toml").write_text(experiment)
    return Paths(root.resolve())


@pytest.fixture(scope="module")
def shapes_as_elsewhere() -> Iterator[None]:
    """Without the shape checks, for whole runs; the one of test_pipeline has them, in both kinds of tower."""
    from planted import shapes_unchecked

    with shapes_unchecked():
        yield


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Paths:
    """A project folder of the test's own, found through STRATA_ROOT."""
    paths = make_project(tmp_path / "project")
    monkeypatch.setenv("STRATA_ROOT", str(paths.root))
    return paths


# The peers' packages: a test that needs one is skipped, with the reason, where it is not installed.


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

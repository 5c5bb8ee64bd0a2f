"""What a user sees when something is wrong: one line, exit code 1, nothing lost."""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import time

import psutil
import pytest
from conftest import TINY
from factories import add_few_digits

from analysis.cli.main import main
from analysis.plan.chains import plan
from analysis.plan.config import load_experiment
from sae.errors import ConfigError, NotFoundError

pytestmark = pytest.mark.usefixtures("shapes_as_elsewhere")


def strata(project, *words):
    """`strata` as it is typed, in this process, which has loaded torch already; `project` is found by STRATA_ROOT."""
    assert os.environ["STRATA_ROOT"] == str(project.root)
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, pytest.raises(SystemExit) as ended:
        patch.setattr(sys, "argv", ["strata", *words])
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            main()
    return subprocess.CompletedProcess(words, ended.value.code or 0, out.getvalue(), err.getvalue())


def change(project, old, new):
    path = project.experiments / "tiny.toml"
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("seeds = [0, 1]", "seeds = [0, 1]\ncolour = 3", ["tiny.toml", "'colour'", "seeds"]),
        ('kind = "latents"', 'kind = "upwards"', ["towers.kind = 'upwards'", "latents, directions"]),
        ("epochs = 1", "epochs = -1", ["epochs = -1", "at least 0"]),
        ("epochs = 1", "epoch = 1", ["epoch", "its options: hidden1, hidden2, epochs, lr"]),
    ],
)
def test_a_wrong_toml_is_one_clear_error(project, old, new, words):
    change(project, old, new)
    done = strata(project, "run", "tiny", "--workers", "1")
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert done.stderr.startswith("error: ")
    assert all(word in done.stderr for word in words), done.stderr


def test_a_damaged_data_file_is_named_with_the_way_to_get_it_again(project):
    path = project.data / "digits" / "digits.npz"
    path.write_bytes(path.read_bytes()[:1000])
    done = strata(project, "run", "tiny", "--workers", "1")
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert "digits.npz" in done.stderr and done.stderr.endswith("; make it with `python data/digits/make_digits.py`\n")


def test_of_data_that_the_project_does_not_have_the_error_says_where_they_are(project):
    shutil.rmtree(project.data / "digits")
    done = strata(project, "run", "tiny", "--workers", "1")
    assert done.returncode == 1 and done.stderr.count("\n") == 1 and "digits.npz" in done.stderr
    assert "git checkout" not in done.stderr and "copy the folder data/digits from the repository" in done.stderr


def test_a_place_that_cannot_be_written_is_named(project):
    project.runs.write_text("a file where the folder should be")
    done = strata(project, "run", "tiny", "--workers", "1")
    assert done.returncode == 1 and "Traceback" not in done.stderr and "data/runs" in done.stderr


def test_what_ends_a_command_ends_its_process_with_one_line(project):
    """As everybody runs it, by a command that needs no torch."""
    (project.root / "taken").write_text("a file where the folder should be")
    command = [sys.executable, "-m", "analysis", "new", "taken/inside"]
    done = subprocess.run(command, cwd=project.root, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert done.stderr.startswith("error: ") and "taken" in done.stderr


def test_one_unreadable_experiment_does_not_hide_the_others(project):
    (project.experiments / "broken.toml").write_text("seeds = [")
    rows = {row["experiment"]: row for row in json.loads(strata(project, "list", "--json").stdout)}
    assert rows["broken"]["state"].startswith("invalid: broken.toml")
    assert rows["tiny"]["state"] == "not started"


def test_an_experiment_is_a_name_and_not_a_path(project):
    with pytest.raises(NotFoundError, match="found: tiny"):
        load_experiment(project.experiments, "../experiments/tiny")


def test_a_listed_k_above_its_width_is_refused(project):
    change(project, "k = [2]", "k = [400]")
    with pytest.raises(ConfigError, match="400 active latents at depth 2, which has 16"):
        plan(load_experiment(project.experiments, "tiny"))


def test_damaged_tables_are_named_and_made_again(project):
    # one seed and one depth: what is damaged here is what is collected
    one = (
        TINY[: TINY.index("[[towers]]")].replace("seeds = [0, 1]", "seeds = [0]").replace('"digits"', '"few_digits"')
        + '[[towers]]\nkind = "latents"\ndepth = 1\n'
    )
    (project.experiments / "tiny.toml").write_text(one)
    add_few_digits(project.root)
    assert strata(project, "run", "tiny", "--workers", "1").returncode == 0
    table = project.collected / "tiny" / "measures.parquet"
    good = table.read_bytes()
    table.write_bytes(good[:100])
    done = strata(project, "verdict", "tiny")
    assert done.returncode == 1 and "Traceback" not in done.stderr and "measures.parquet" in done.stderr
    (project.collected / "tiny" / "manifest.json").write_text("")
    assert strata(project, "run", "tiny").returncode == 0
    assert table.read_bytes() == good


@pytest.mark.slow
def test_workers_stop_when_the_run_that_started_them_is_killed(project):
    (project.experiments / "tiny.toml").write_text(TINY.replace("seeds = [0, 1]", "seeds = [0, 1, 2, 3, 4, 5]"))
    environment = os.environ | {"STRATA_ROOT": str(project.root)}
    started = subprocess.Popen(
        [sys.executable, "-m", "analysis", "run", "tiny", "--workers", "2"], cwd=project.root, env=environment,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    while not list(project.runs.glob("host/*/manifest.json")):
        assert started.poll() is None
        time.sleep(0.05)
    workers = psutil.Process(started.pid).children(recursive=True)
    started.send_signal(signal.SIGKILL)
    started.wait()
    _, alive = psutil.wait_procs(workers, timeout=20)
    done = strata(project, "run", "tiny", "--workers", "1")
    assert done.returncode == 0, done.stderr
    assert not list(project.runs.glob("*/*.tmp-*"))
    for process in alive:  # a worker that idles without its parent does no harm, but need not stay for this test
        process.kill()

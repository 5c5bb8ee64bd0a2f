"""The Python that executes a notebook: what it sees, and when it is given up."""

from __future__ import annotations

import pytest
from gone import assert_gone
from notebook_project import HEAD, project_at

from analysis.pages import kernel, notebooks
from analysis.pages.notebooks import run_all
from sae.errors import RenderError


def test_a_cell_that_takes_too_long_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(notebooks, "TIMEOUT", 1)
    paths = project_at(tmp_path, slow=HEAD + "# %%\nimport time\ntime.sleep(30)\n")
    with pytest.raises(RenderError, match=r"slow\.py:8: cell 2: took more than 1 seconds\n\nimport time"):
        run_all(paths)


@pytest.mark.thorough
def test_a_python_that_does_not_start_is_an_error_of_the_script(tmp_path, monkeypatch):
    class Other(type(kernel.this_python())):
        def get_kernel_spec(self, kernel_name):
            spec = super().get_kernel_spec(kernel_name)
            spec.argv = ["sleep", "91"]
            return spec

    monkeypatch.setattr(kernel, "START_SECONDS", 1)
    monkeypatch.setattr(notebooks, "this_python", Other)
    with pytest.raises(RenderError, match=r"lesson\.py: the Python that runs notebooks did not start: "):
        run_all(project_at(tmp_path, lesson=HEAD + "# %%\nprint(1)\n"))


def test_a_list_of_fonts_that_is_never_done_is_left_out(tmp_path, monkeypatch):
    (tmp_path / "python").write_text(f"#!/bin/sh\nsleep 91 &\necho $! > {tmp_path}/started\nwait\n")
    (tmp_path / "python").chmod(0o755)
    monkeypatch.setattr(kernel.sys, "executable", str(tmp_path / "python"))
    monkeypatch.setattr(kernel, "START_SECONDS", 0.5)
    assert kernel._fonts.__wrapped__() == ("", b"")
    assert_gone([int((tmp_path / "started").read_text())])


ABROAD = """import os, pathlib, IPython
threads = ("OMP_NUM_THREADS", "NUMBA_NUM_THREADS")
print([os.environ[name] for name in threads], os.getcwd() == os.environ["STRATA_ROOT"])
homes = (IPython.paths.get_ipython_dir(), os.path.expanduser("~"), str(pathlib.Path.home()))
print(["strata-" in home for home in homes], os.path.exists(os.path.expanduser("~/.netrc")))
print(sorted(set(os.environ) & {"DEPLOY_KEY", "GITHUB_TOKEN", "HTTPS_PROXY", "XDG_CONFIG_HOME"}))
print([os.environ.get(name) for name in ("TZ", "LC_NUMERIC", "STRATA_MARK", "PYTHONWARNINGS", "MY_PATH")])
import matplotlib.pyplot
"""


def test_a_notebook_sees_one_thread_a_home_of_its_own_and_no_secrets(tmp_path, monkeypatch):
    home = tmp_path / "home"
    home.mkdir()
    (home / ".netrc").write_text("machine x password y")
    given = {"HOME": str(home), "DEPLOY_KEY": "a", "GITHUB_TOKEN": "c", "MY_PATH": "d"}
    given |= {"HTTPS_PROXY": "http://me:secret@x", "XDG_CONFIG_HOME": str(home), "PYTHONWARNINGS": "error"}
    for name, value in (given | {"TZ": "Asia/Tokyo", "LC_NUMERIC": "C", "STRATA_MARK": "kept"}).items():
        monkeypatch.setenv(name, value)
    paths = project_at(tmp_path / "project", a=HEAD + "# %%\n" + ABROAD)
    run_all(paths)
    assert (
        "\n['1', '1'] True\n[True, True, True] False\n[]\n['Asia/Tokyo', 'C', 'kept', None, None]\n"
        in (paths.generated / "notebook-a.md").read_text()
    )

"""Git as the project calls it: right answers, and nothing run that a checkout names."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from datetime import date
from pathlib import Path

import pytest
from gone import assert_gone
from tests_root import CHECKOUT

from analysis.logs.compile import compile_logs
from analysis.system import children, git

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
WHO = ("-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")


def call(folder: Path, *words: str, day: str = "2024-03-05") -> str:
    when = {"GIT_AUTHOR_DATE": f"{day}T12:00:00+0000", "GIT_COMMITTER_DATE": "2025-01-01T12:00:00+0000"}
    command = ["git", "-C", str(folder), *WHO, *words]
    return subprocess.run(command, check=True, capture_output=True, text=True, env=os.environ | when).stdout.strip()


def checkout(root: Path) -> str:
    """A repository with one file in `notes`; gives its commit."""
    (root / "notes").mkdir(parents=True)
    (root / "notes/a.md").write_text("## TODO\n- sweep\n")
    call(root, "init", "--quiet")
    call(root, "add", ".")
    call(root, "commit", "--quiet", "-m", "first")
    return call(root, "rev-parse", "--short=12", "HEAD")


@pytest.fixture
def trap(tmp_path: Path) -> Path:
    """A script that notes that it ran in a file beside it, and answers as little as a program can."""
    path = tmp_path / "trap.sh"
    path.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/sprung\nexit 0\n')
    path.chmod(0o755)
    return path


def ask_everything(root: Path) -> tuple[str, list[str], dict[str, date]]:
    # the same content at another time: git has to look into the file, by way of its filters
    later = time.time() + 5
    os.utime(root / "notes/a.md", (later, later))
    return git.commit_of(root), git.changed(root), git.first_days(root, root / "notes")


def test_commit_changes_and_days_of_a_checkout(tmp_path: Path) -> None:
    head = checkout(tmp_path)
    assert ask_everything(tmp_path) == (head, [], {"a.md": date(2024, 3, 5)})
    (tmp_path / "notes/a.md").write_text("other")
    assert (git.commit_of(tmp_path), git.changed(tmp_path)) == (head + "+", ["notes/a.md"])
    assert git.first_days(tmp_path, tmp_path.parent) == {}, "a folder outside"


SIGNED = """tree {tree}
parent {head}
author a <a@example.org> 1709640000 +0000
committer a <a@example.org> 1709640000 +0000
gpgsig -----BEGIN PGP SIGNATURE-----
 {blank}
 iQEzBAABCAAdFiEE
 -----END PGP SIGNATURE-----

signed
"""


@pytest.mark.parametrize(
    "keys",
    [
        {"log.showSignature": "true", "gpg.program": "TRAP", "gpg.openpgp.program": "TRAP"},
        {"core.fsmonitor": "TRAP", "core.fsmonitorHookVersion": "2"},
        {"core.pager": "TRAP", "pager.log": "TRAP", "pager.status": "TRAP", "core.editor": "TRAP"},
        {"diff.external": "TRAP", "diff.x.command": "TRAP", "diff.x.textconv": "TRAP", "format.pretty": "%G? %GK"},
        {"filter.x.clean": "TRAP", "filter.x.smudge": "TRAP", "filter.x.required": "true"},
        {"filter.x.process": "TRAP"},
        {"filter.a.b c.clean": "TRAP", "attributes": "* filter=a.b c"},
        {"filter.a=b.clean": "TRAP", "attributes": "* filter=a=b"},
        {"filter.a=b.process": "TRAP", "attributes": "* filter=a=b"},
        {"core.hooksPath": "HOOKS", "core.untrackedCache": "true", "core.splitIndex": "true"},
        {"alias.log": "!TRAP", "alias.status": "!TRAP", "alias.rev-parse": "!TRAP", "alias.config": "!TRAP"},
        {"core.sshCommand": "TRAP", "core.gitProxy": "TRAP", "core.askPass": "TRAP", "credential.helper": "TRAP"},
        {"include.path": "../planted", "planted": '[core]\n\tfsmonitor = "TRAP"\n[filter "x"]\n\tclean = "TRAP"\n'},
        {"includeIf.gitdir:/.path": "../planted", "planted": '[filter "x"]\n\tprocess = "TRAP"\n'},
        {"extensions.worktreeConfig": "true", "worktree": '[filter "x"]\n\tclean = "TRAP"\n'},
        {"status.submoduleSummary": "true", "submodule.recurse": "true", "diff.submodule": "log"},
    ],
    ids=lambda keys: next(iter(keys)),
)
def test_nothing_runs_that_a_checkout_names(tmp_path: Path, trap: Path, keys: dict[str, str]) -> None:
    root = tmp_path / "project"
    head = checkout(root)
    tree = call(root, "rev-parse", "HEAD^{tree}")
    (root / "commit").write_text(SIGNED.format(tree=tree, head=call(root, "rev-parse", "HEAD"), blank=""))
    call(root, "update-ref", "HEAD", call(root, "hash-object", "-t", "commit", "-w", "commit"))
    head = call(root, "rev-parse", "--short=12", "HEAD")
    (root / ".git/info/attributes").write_text(keys.get("attributes", "* filter=x diff=x") + "\n")
    (tmp_path / "hooks").mkdir()
    for hook in ("post-index-change", "fsmonitor-watchman", "pre-commit", "post-checkout", "reference-transaction"):
        shutil.copy(trap, tmp_path / "hooks" / hook)
        shutil.copy(trap, root / ".git/hooks" / hook)
    (root / "planted").write_text(keys.get("planted", "").replace("TRAP", str(trap)))
    (root / ".git/config.worktree").write_text(keys.get("worktree", "").replace("TRAP", str(trap)))
    for key, value in keys.items():
        if "." in key:
            call(root, "config", key, value.replace("TRAP", str(trap)).replace("HOOKS", str(tmp_path / "hooks")))
    said, changed, days = ask_everything(root)
    assert not (tmp_path / "sprung").exists()
    assert said.rstrip("+") == head and days == {"a.md": date(2024, 3, 5)}
    assert all("notes/a.md" in name or "cannot be told" in name for name in changed)


def test_the_traps_of_these_tests_do_spring(tmp_path: Path, trap: Path) -> None:
    """What the test above plants is worth something: git alone runs it."""
    root = tmp_path / "project"
    checkout(root)
    call(root, "config", "filter.a=b.clean", str(trap))
    (root / ".git/info/attributes").write_text("* filter=a=b\n")
    os.utime(root / "notes/a.md", (1, 1))
    call(root, "status")
    assert (tmp_path / "sprung").exists()


def test_a_submodule_is_not_entered(tmp_path: Path, trap: Path) -> None:
    inner, root = tmp_path / "inner", tmp_path / "project"
    checkout(inner)
    checkout(root)
    call(root, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(inner), "inside")
    call(root, "commit", "--quiet", "-m", "with a submodule")
    call(root / "inside", "config", "core.fsmonitor", str(trap))
    call(root / "inside", "config", "filter.x.clean", str(trap))
    (root / ".git/modules/inside/info/attributes").write_text("* filter=x\n")
    os.utime(root / "inside/notes/a.md", (1, 1))
    assert not git.commit_of(root).endswith("+") and git.changed(root) == []
    assert git.first_days(root, root / "inside") == {}
    assert not (tmp_path / "sprung").exists()


def test_nothing_is_fetched_for_a_clone_that_lacks_objects(tmp_path: Path, trap: Path) -> None:
    root = tmp_path / "project"
    checkout(root)
    call(root, "config", "extensions.partialClone", "origin")
    call(root, "config", "core.repositoryFormatVersion", "1")
    call(root, "config", "remote.origin.url", str(tmp_path / "project"))
    call(root, "config", "remote.origin.promisor", "true")
    call(root, "config", "remote.origin.uploadpack", str(trap))
    tree = call(root, "rev-parse", "HEAD^{tree}")
    (root / ".git/objects" / tree[:2] / tree[2:]).unlink()
    ask_everything(root)
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize(
    "name", ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_EXTERNAL_DIFF", "GIT_CONFIG_COUNT"]
)
def test_the_environment_says_nothing_to_git(
    tmp_path: Path, trap: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    root, other = tmp_path / "project", tmp_path / "other"
    head = checkout(root)
    checkout(other)
    (other / "notes/b.md").write_text("more")
    call(other, "add", ".")
    call(other, "commit", "--quiet", "-m", "second")
    values = {"GIT_DIR": other / ".git", "GIT_WORK_TREE": other, "GIT_INDEX_FILE": other / ".git/index"}
    monkeypatch.setenv(name, str(values.get(name, 1 if name == "GIT_CONFIG_COUNT" else trap)))
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "filter.x.clean")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", str(trap))
    (root / ".git/info/attributes").write_text("* filter=x\n")
    assert ask_everything(root) == (head, [], {"a.md": date(2024, 3, 5)})
    assert not (tmp_path / "sprung").exists()


def test_a_program_git_that_lies_in_the_checkout_is_not_called(
    tmp_path: Path, trap: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    head = checkout(tmp_path / "project")
    shutil.copy(trap, tmp_path / "project/git")
    monkeypatch.chdir(tmp_path / "project")
    monkeypatch.setenv("PATH", os.pathsep.join((".", "", os.environ["PATH"])))
    assert git.commit_of(tmp_path / "project") == head
    assert not (tmp_path / "sprung").exists()


def test_only_the_top_level_of_a_checkout_of_its_own_is_asked(tmp_path: Path) -> None:
    project, other = tmp_path / "project", tmp_path / "other"
    head, foreign = checkout(project), checkout(other)
    call(project, "worktree", "add", "--quiet", str(tmp_path / "linked"))
    assert git.commit_of(tmp_path / "linked") == head
    assert git.first_days(tmp_path / "linked", tmp_path / "linked/notes") == {"a.md": date(2024, 3, 5)}
    assert git.commit_of(project / "notes") == "", "a folder further down"
    (tmp_path / "pointed").mkdir()
    (tmp_path / "pointed/.git").write_text(f"gitdir: {other}/.git\n")
    (tmp_path / "through").mkdir()
    (tmp_path / "through/.git").symlink_to(other / ".git")
    shutil.copytree(project, tmp_path / "elsewhere")
    call(tmp_path / "elsewhere", "config", "core.worktree", str(other))
    shutil.copytree(project, tmp_path / "shared")
    (tmp_path / "shared/.git/commondir").write_text(str(other / ".git"))
    bare = tmp_path / "bare"
    shutil.copytree(project / ".git", bare)
    for folder in ("pointed", "through", "elsewhere", "shared", "bare"):
        assert git.commit_of(tmp_path / folder) == "", folder
        assert git.first_days(tmp_path / folder, tmp_path / folder) == {}, folder
    assert foreign


def test_a_linked_worktree_may_be_named_by_a_relative_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project, linked = tmp_path / "project", tmp_path / "linked"
    head = checkout(project)
    call(project, "worktree", "add", "--quiet", str(linked))
    (linked / ".git").write_text("gitdir: ../project/.git/worktrees/linked\n")
    (project / ".git/worktrees/linked/gitdir").write_text("../../../../linked/.git\n")
    monkeypatch.chdir("/")
    assert git.commit_of(linked) == head
    (project / ".git/worktrees/linked/gitdir").write_text("../../../../other/.git\n")
    assert git.commit_of(linked) == ""


def test_a_repository_that_is_kept_elsewhere_is_asked_by_the_files_that_it_wrote(tmp_path: Path, trap: Path) -> None:
    source, store, project = tmp_path / "source", tmp_path / "stores/.git", tmp_path / "project"
    head = checkout(source)
    store.parent.mkdir()
    call(source, "clone", "--quiet", f"--separate-git-dir={store}", str(source), str(project))
    call(project, "config", "core.fsmonitor", str(trap))
    call(project, "config", "filter.x.clean", str(trap))
    (store / "info/attributes").write_text("* filter=x\n")
    said, _, days = ask_everything(project)
    assert said.rstrip("+") == head and days == {"a.md": date(2024, 3, 5)}
    call(source, "init", "--quiet", f"--separate-git-dir={tmp_path / 'moved'}")
    assert git.commit_of(source) == head, "a repository that was moved out of its checkout"
    # the same pointer beside a copy of the files, and beside a way into the checkout itself
    shutil.copytree(project, tmp_path / "copy")
    (tmp_path / "through").mkdir()
    shutil.copy(project / ".git", tmp_path / "through/.git")
    (tmp_path / "through/notes").symlink_to(project / "notes")
    for folder in ("copy", "through"):
        assert git.commit_of(tmp_path / folder) == "" and git.changed(tmp_path / folder) == [], folder
    assert not (tmp_path / "sprung").exists()


def test_a_call_that_takes_too_long_says_nothing_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root, program = tmp_path / "project", tmp_path / "programs/git"
    checkout(root)
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\nsleep 300 &\necho $! > {tmp_path}/started\nwait\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(git, "SECONDS", 0.5)
    assert git.commit_of(root) == ""
    assert_gone([int((tmp_path / "started").read_text())])


def test_a_commit_of_an_impossible_year_has_no_day(tmp_path: Path) -> None:
    checkout(tmp_path)
    tree, head = call(tmp_path, "rev-parse", "HEAD^{tree}"), call(tmp_path, "rev-parse", "HEAD")
    (tmp_path / "notes/b.md").write_text("x")
    call(tmp_path, "add", "notes/b.md")
    tree = call(tmp_path, "write-tree")
    raw = f"tree {tree}\nparent {head}\nauthor a <a@b> 999999999999 +0000\ncommitter a <a@b> 1 +0000\n\nx\n"
    (tmp_path / "raw").write_text(raw)
    call(tmp_path, "update-ref", "HEAD", call(tmp_path, "hash-object", "-t", "commit", "-w", "raw"))
    assert git.first_days(tmp_path, tmp_path / "notes") == {"a.md": date(2024, 3, 5)}


def test_logs_outside_the_project_are_read_without_git(
    tmp_path: Path, trap: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkout(tmp_path / "theirs")
    (tmp_path / "project").mkdir()
    (tmp_path / "project/_quarto.yml").write_text("")
    monkeypatch.setenv("STRATA_ROOT", str(tmp_path / "project"))
    monkeypatch.setattr(children, "started", lambda *a, **k: pytest.fail("a program was started"))
    (log,) = compile_logs([tmp_path / "theirs/notes"]).logs
    assert log.date is None
    # nor by a link that stands in the project
    (tmp_path / "project/data").symlink_to(tmp_path / "theirs")
    (log,) = compile_logs([tmp_path / "project/data/notes"]).logs
    assert log.date is None


def test_a_repository_within_the_project_is_not_asked(
    tmp_path: Path, trap: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkout(tmp_path / "project")
    checkout(tmp_path / "project/data")
    call(tmp_path / "project/data", "config", "core.fsmonitor", str(trap))
    (tmp_path / "project/_quarto.yml").write_text("")
    monkeypatch.setenv("STRATA_ROOT", str(tmp_path / "project"))
    (log,) = compile_logs([tmp_path / "project/data/notes"]).logs
    assert log.date is None and not (tmp_path / "sprung").exists()


def test_nothing_else_calls_git() -> None:
    calls = re.compile(r"""[\["'(]git["' ]|\bimport (?:git|pygit2|dulwich)\b""")
    allowed = {"analysis/system/git.py"}
    sources = [path for place in ("sae", "analysis", "benchmarks") for path in (CHECKOUT / place).rglob("*.py")]
    found = {p.relative_to(CHECKOUT).as_posix() for p in sources if calls.search(p.read_text(encoding="utf-8"))}
    assert found - {"analysis/logs/compile.py", "analysis/cli/remedies.py"} == allowed  # which import that module

"""Modules are listed once, and again where a folder has changed; options of a user never meet names of ours."""

from __future__ import annotations

import pkgutil
import sys
from types import SimpleNamespace

import pytest

from analysis.plan.chains import to_fetch
from analysis.run.stages._load import new_host
from analysis.run.stages.sae import new_sae
from sae.discover import add_folder, construct, find, names, remove_folder
from sae.errors import ConfigError, NotFoundError


def test_a_folder_is_listed_once_until_a_module_comes_or_goes(tmp_path, monkeypatch):
    package = tmp_path / "shelves_of_mine"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "first.py").write_text("def first():\n    return 1\n")
    (package / "_helper.py").touch()
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    listings = []
    iter_modules = pkgutil.iter_modules

    def counted(path):
        listings.append(path)
        return iter_modules(path)

    monkeypatch.setattr(pkgutil, "iter_modules", counted)
    assert [names("shelves_of_mine") for _ in range(3)] == [["first"]] * 3
    assert find("shelves_of_mine", "first")() == 1 and len(listings) == 1
    (package / "second.py").write_text("def second():\n    return 2\n")
    assert find("shelves_of_mine", "second")() == 2
    (package / "first.py").unlink()
    names("shelves_of_mine").append("not for others")
    assert names("shelves_of_mine") == ["second"] and len(listings) == 3


@pytest.fixture
def shelf(tmp_path, monkeypatch):
    """A package with a module of its own, and the folders `left` and `right` that a project adds."""
    name = f"shelf_{tmp_path.name}"
    for folder in (name, "left", "right"):
        (tmp_path / folder).mkdir()
    (tmp_path / name / "__init__.py").touch()
    (tmp_path / name / "own.py").write_text("def own(*, size):\n    return size\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield name
    for folder in ("left", "right"):
        remove_folder(name, tmp_path / folder)


@pytest.mark.parametrize("file", ["lamp.py", "lamp/__init__.py"])
def test_what_is_wrong_with_an_added_module_is_said_with_its_file(shelf, tmp_path, file):
    (tmp_path / "left" / file).parent.mkdir(exist_ok=True)
    (tmp_path / "left" / file).write_text("def lantern(*, size):\n    return size\n")
    add_folder(shelf, tmp_path / "left")
    with pytest.raises(NotFoundError, match=rf"^no object in {tmp_path}/left/{file} named 'lamp'; found: lantern"):
        find(shelf, "lamp")
    remove_folder(shelf, tmp_path / "left")
    (tmp_path / "left" / file).write_text("def lamp(*, size, watts=1):\n    return size\n")
    add_folder(shelf, tmp_path / "left")
    with pytest.raises(ConfigError, match=rf"^{tmp_path}/left/{file}: .*'colour'; its options: size, watts"):
        construct(shelf, "lamp", size=1, colour=2)
    with pytest.raises(ConfigError, match=rf"^{shelf}\.own: .*'colour'; its options: size"):
        construct(shelf, "own", size=1, colour=2)


def test_of_two_added_modules_of_one_name_both_files_are_named(shelf, tmp_path):
    (tmp_path / "right" / "lamp").mkdir()
    files = (tmp_path / "left" / "lamp.py", tmp_path / "right" / "lamp" / "__init__.py")
    for file in files:
        file.touch()
    add_folder(shelf, tmp_path / "left")
    with pytest.raises(ConfigError, match=rf"^{files[1]}: there is a lamp already: {files[0]}; give one of them"):
        add_folder(shelf, tmp_path / "right")
    (tmp_path / "right" / "own.py").touch()
    files[0].unlink()
    with pytest.raises(ConfigError, match=rf"right/own.py: there is a own in {shelf} already; give it another name"):
        add_folder(shelf, tmp_path / "right")


def test_of_very_many_names_the_nearest_are_listed():
    found = [f"blocks.{n}.hook_{place}" for n in range(30) for place in ("resid_pre", "resid_post", "mlp_out")]
    said = str(NotFoundError("hook", "blocks.12.resid_post", found))
    assert said.endswith(" and 84 others; did you mean 'blocks.12.hook_resid_post'?") and len(said) < 300
    few = str(NotFoundError("hook", "hook_pre", found[:50]))
    assert all(name in few for name in found[:50])


@pytest.mark.parametrize("called", ["package", "name", "arguments", "options", "kind", "self"])
def test_an_option_called_as_something_of_ours_is_an_unknown_option(called):
    said = rf"got an unexpected keyword argument '{called}'; its options: "
    with pytest.raises(ConfigError, match=said):
        construct("sae.architectures", "relu_l1", 4, 8, k=2, **{called: "z"})
    with pytest.raises(ConfigError, match=said):
        new_host("mlp", {called: "z"}, 0, SimpleNamespace(shape=(12,), n_classes=3, text=None))
    with pytest.raises(ConfigError, match=said):
        to_fetch(f'digits {{"{called}": "z"}}')


def test_what_has_a_setting_of_its_own_is_no_option():
    with pytest.raises(ConfigError, match="k = 7: k is a setting of its own"):
        new_sae("gated", 4, 8, 2, {"k": 7})
    with pytest.raises(ConfigError, match="multiple values for argument 'n_latents'"):
        new_sae("gated", 4, 8, 2, {"n_latents": 7})

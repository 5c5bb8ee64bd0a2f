"""Modules are listed once, and again where a folder has changed."""

from __future__ import annotations

import pkgutil
import sys

from sae.discover import find, names
from sae.errors import NotFoundError


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


def test_of_very_many_names_the_nearest_are_listed():
    found = [f"blocks.{n}.hook_{place}" for n in range(30) for place in ("resid_pre", "resid_post", "mlp_out")]
    said = str(NotFoundError("hook", "blocks.12.resid_post", found))
    assert said.endswith(" and 84 others; did you mean 'blocks.12.hook_resid_post'?") and len(said) < 300
    few = str(NotFoundError("hook", "hook_pre", found[:50]))
    assert all(name in few for name in found[:50])

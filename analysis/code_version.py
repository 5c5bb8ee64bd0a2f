"""The version of a piece of code: a hash of the modules it is made of, found by following imports.

A stage or an artefact is done again only when its config, its inputs or THIS changes. Source is compared as parsed,
without docstrings, so that a comment or a sentence in a docstring costs nobody a training run. Only modules of
`sae` and `analysis` count; the versions of libraries stand in the manifest instead.
"""

from __future__ import annotations

import ast
import hashlib
from functools import cache
from pathlib import Path

PACKAGES = ("sae", "analysis")
ROOT = Path(__file__).resolve().parent.parent


def code_version(*modules: str) -> str:
    """A short hash over `modules` (dotted names) and all modules of ours that they import, directly or not."""
    seen: set[str] = set()
    waiting = list(modules)
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            waiting.extend(_imports(name))
    text = "\n".join(f"{name} {_normal(name)}" for name in sorted(seen))
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _file(module: str) -> Path:
    path = ROOT.joinpath(*module.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def _exists(module: str) -> bool:
    return module.split(".")[0] in PACKAGES and _file(module).exists()


@cache
def _tree(module: str) -> ast.Module:
    return ast.parse(_file(module).read_text(encoding="utf-8"))


@cache
def _imports(module: str) -> tuple[str, ...]:
    """Modules of ours that `module` imports anywhere. The package of `from package import module` is not followed."""
    found: list[str] = []
    for node in ast.walk(_tree(module)):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            children = [f"{node.module}.{alias.name}" for alias in node.names]
            found += [child if _exists(child) else node.module for child in children]
    return tuple(name for name in dict.fromkeys(found) if _exists(name))


@cache
def _normal(module: str) -> str:
    """The module as parsed, docstrings left out."""
    tree = ast.parse(_file(module).read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            # a string that stands alone is documentation, also under a field
            node.body = [part for part in body if not _is_text(part)]  # type: ignore[attr-defined]  # just read
    return hashlib.sha256(ast.dump(tree).encode()).hexdigest()


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)

"""The version of a piece of code: a hash of the modules it is made of, found by following imports.

A stage or an artefact is done again only when its config, its inputs or THIS changes. Source is compared as parsed,
without docstrings, so that a comment or a sentence in a docstring costs nobody a training run. Only modules of
`sae` and `analysis` count, what a project adds to them, and packages that add something by an entry point; the versions
of other libraries stand in the manifest instead.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import threading
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from sae import discover
from sae.entry_points import tops
from sae.errors import ConfigError

PACKAGES = ("sae", "analysis")
ROOT = Path(__file__).resolve().parents[2]
# CPython 3.11 counts the depth of the syntax trees that are being built in one place for all threads: two that parse
# at once end in "AST constructor recursion depth mismatch". Whoever parses does it under this lock.
PARSING = threading.RLock()


@dataclass(frozen=True)
class _Source:
    """What a module's file said when it had this time and size."""

    time: int
    size: int
    imports: tuple[str, ...]
    """Modules of ours that it imports anywhere."""
    normal: str
    """Hash of the module as parsed, docstrings left out."""


_read: dict[str, _Source] = {}
"""By file."""
_ours: dict[tuple[Path, str], str] = {}
"""Modules of `PACKAGES` that lie in `ROOT`, each with its file. A run asks for a hundred of them, hundreds of times; to
find them anew each time would be most of what it takes to plan it."""


def code_version(*modules: str) -> str:
    """A short hash over `modules` (dotted names) and all modules of ours that they import, directly or not.

    May be called from several threads at once. A file is parsed again when its time or size has changed.
    """
    seen: dict[str, str] = {}
    waiting = list(modules)
    while waiting:
        name = waiting.pop()
        if name not in seen:
            source = _source(name)
            seen[name] = source.normal
            waiting.extend(source.imports)
    text = "\n".join(f"{name} {normal}" for name, normal in sorted(seen.items()))
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def parse(text: str) -> ast.Module:
    """The syntax tree of a text, in one thread at a time. Raises SyntaxError."""
    with PARSING:
        return ast.parse(text)


def _file(module: str) -> Path:
    """The file of a module, which need not be there."""
    path = _top(module.partition(".")[0]).joinpath(*module.split(".")[1:])
    if path.is_dir():
        return path / "__init__.py"
    own = path.with_suffix(".py")
    return own if own.exists() else discover.added_file(module) or own


def _top(name: str) -> Path:
    """The folder of a package of ours, or of one that adds to them."""
    return ROOT / name if name in PACKAGES else _installed(name)


@cache
def _installed(name: str) -> Path:
    spec = importlib.util.find_spec(name)
    if spec is None:
        return ROOT / name
    if spec.submodule_search_locations:  # a package, also without an `__init__.py`
        return Path(next(iter(spec.submodule_search_locations)))
    return Path(spec.origin).with_suffix("") if spec.origin else ROOT / name


def _exists(module: str) -> bool:
    return module.split(".")[0] in {*PACKAGES, *tops()} and _file(module).exists()


def _source(module: str) -> _Source:
    """What is known of a module's file, which is read when it is new or changed."""
    file = _ours.get((ROOT, module))
    if file is not None:
        try:
            status, known = Path(file).stat(), _read.get(file)
        except FileNotFoundError:  # gone, or a package by now
            _ours.pop((ROOT, module), None)
        else:
            if known is not None and (known.time, known.size) == (status.st_mtime_ns, status.st_size):
                return known
    path = _file(module)
    owner = tops().get(module.partition(".")[0], "")
    if owner and not path.is_file():  # compiled, or gone since it was installed
        return _Source(0, 0, (), owner)
    with PARSING:
        status = path.stat()
        known = _read.get(str(path))
        if known is None or (known.time, known.size) != (status.st_mtime_ns, status.st_size):
            try:
                tree = parse(path.read_text(encoding="utf-8"))
            except (SyntaxError, ValueError) as error:
                if owner:  # nothing of it can be used, and what else there is goes on without it
                    return _Source(0, 0, (), hashlib.sha256(path.read_bytes()).hexdigest())
                # in a file of a project's
                line = f":{error.lineno}" if isinstance(error, SyntaxError) and error.lineno else ""
                raise ConfigError(f"{path}{line}: is no Python: {getattr(error, 'msg', error)}") from error
            within = module if path.name == "__init__.py" else module.rpartition(".")[0]
            imports = _imports(tree, within)  # before the tree loses its docstrings
            known = _Source(status.st_mtime_ns, status.st_size, imports, _normal(tree))
            _read[str(path)] = known
        if module.partition(".")[0] in PACKAGES and path.is_relative_to(ROOT):
            _ours[ROOT, module] = str(path)
        return known


def _imports(tree: ast.Module, within: str) -> tuple[str, ...]:
    """Modules of ours that are imported anywhere by a module of the package `within`. The package of `from package
    import module` is not followed."""
    found: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = within.split(".")[: len(within.split(".")) + 1 - node.level] if node.level else []
            source = ".".join([*base, *([node.module] if node.module else [])])
            children = [f"{source}.{alias.name}" for alias in node.names]
            found += [child if _exists(child) else source for child in children]
    return tuple(name for name in dict.fromkeys(found) if _exists(name))


def _normal(tree: ast.Module) -> str:
    """Hash of the tree, out of which docstrings are taken."""
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            # a string that stands alone is documentation, also under a field
            node.body = [part for part in body if not _is_text(part)]  # type: ignore[attr-defined]  # just read
    return hashlib.sha256(ast.dump(tree).encode()).hexdigest()


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)

"""Worked notebooks: scripts of `report/notebooks/` executed in the build, shown with code and output, and offered.

A script is in jupytext's percent format; its first cell is Markdown and starts with `# Title`. A cell that draws says
in its metadata what one sees: `# %% alt="..."`, or a list for several pictures. A cell with `keep="NAME"` prints JSON,
which is kept as a file for a figure that says `FROM_NOTEBOOK`. What a page should not show stops the build: an error,
a warning, a picture without alt text, output that is HTML and nothing else, a decimal typed into prose, a memory
address. Nothing here loads torch, and jupyter is loaded only when there is something to execute.
"""

from __future__ import annotations

import ast
import base64
import html
import io
import os
import re
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image

from analysis.pages import kernel
from analysis.pages.kept_outputs import KEEP, check_keeps, kept_text
from analysis.pages.kernel import close_loop, environment, this_python
from analysis.pages.typed_numbers import unsourced
from analysis.plan.code_version import PACKAGES, ROOT, code_version, parse
from analysis.plan.paths import Paths
from analysis.system import children, extras
from analysis.system.stamps import Stamp, key_of, remove
from sae.errors import RenderError

if TYPE_CHECKING:
    from nbclient import NotebookClient
    from nbformat import NotebookNode

LIBRARIES = ("torch", "matplotlib", "jupytext", "nbclient")
TIMEOUT = 600
"""Seconds that a cell may take."""
AT_ONCE = 2
"""Notebooks that are executed at the same time, on one thread each."""
SHOWN = ("image/svg+xml", "image/png", "text/markdown", "text/plain")
"""What an output may be, best first; of several the page shows the first."""
PLOTTING = '{.python .cell-code code-fold="true" code-summary="How this is drawn"}'
"""A cell that draws is folded, in both renderers."""
MARKER = re.compile(r"^# %%", re.M)
ADDRESS = re.compile(r"\bat 0x[0-9a-fA-F]+")
BARE_OBJECT = re.compile(r"<[\w.]+ object>")
ESCAPE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|[\]PX^_][^\n]*?(?:\x07|\x1b\\|$)|[ -/]*[0-~])", re.M)
"""What steers a terminal: colours, places, titles, links."""
OVERWRITTEN = re.compile(r"[^\n]*\r(?=[^\n])")
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


@dataclass(frozen=True, kw_only=True)
class Notebook:
    """An executed notebook, as the record of it on disk says."""

    name: str
    title: str
    files: list[str]
    """Fragment, notebook, script and pictures, relative to the project."""
    key: str
    """Hash of the script, of the code that it imports, and of library versions; equal key, equal notebook."""
    seconds: float


@dataclass(frozen=True)
class _Script:
    """A script as it was read: its cells, and the line on which each starts."""

    file: str
    text: str
    title: str
    notebook: NotebookNode
    lines: list[int]

    def error(self, number: int, message: str) -> RenderError:
        return RenderError(f"cell {number + 1}: {message}", self.file, self.lines[number])


def run_all(paths: Paths, report: Callable[[str], None] = lambda name: None) -> list[Notebook]:
    """Execute every notebook that is out of date and give the records of all. `report` hears which are executed.

    Raises RenderError with script and line for what a page should not show; see the module's docstring.
    """
    for folder in (paths.generated, _assets(paths), _records(paths)):
        folder.mkdir(parents=True, exist_ok=True)
    scripts = sorted((paths.report / "notebooks").glob("*.py"))
    texts = [_text(path, paths) for path in scripts]
    keys = [_key(text) for text in texts]
    with ThreadPoolExecutor(AT_ONCE) as pool:  # a kernel is a process of its own
        done = list(pool.map(lambda *given: _run(*given, paths=paths, report=report), scripts, texts, keys))
    wanted = {file for notebook in done for file in notebook.files}
    for file in (*_assets(paths).glob("*"), *paths.generated.glob("notebook-*.md")):
        if paths.relative(file) not in wanted:
            remove(file)  # also what other programs leave, such as a folder of checkpoints
    for record in _records(paths).glob("*.json"):
        if record.stem not in {notebook.name for notebook in done}:
            remove(record)
    return done


def check_installed(paths: Paths) -> None:
    """Raises ExtraError, naming the script, where the project has notebooks and what executes them is not installed, or
    what one of them imports is an extra that is not."""
    for path in sorted((paths.report / "notebooks").glob("*.py")):
        name = paths.relative(path)
        extras.need("notebooks", f"the notebook {name}")
        extras.need_imports({module.partition(".")[0] for module in _imported(_text(path, paths))}, name)


def _assets(paths: Paths) -> Path:
    return paths.built_assets / "notebooks"


def _records(paths: Paths) -> Path:
    return paths.build / "notebooks"


def _text(path: Path, paths: Paths) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise RenderError("a byte that is no UTF-8: save the script as UTF-8", paths.relative(path), line) from None


def _run(path: Path, text: str, key: str, *, paths: Paths, report: Callable[[str], None]) -> Notebook:
    stamp = Stamp(_records(paths) / f"{path.stem}.json", key, paths.root)
    if (noted := stamp.current()) is not None:
        return Notebook(**noted)
    report(path.stem)
    stamp.forget()
    started = time.perf_counter()
    script = parsed(text, paths.relative(path))
    try:
        _execute(script, paths.root)
    finally:
        close_loop()
    for number, cell in enumerate(script.notebook.cells):
        _settle(script, number, cell, paths.root)
    files = _write(script, path.stem, paths)
    seconds = round(time.perf_counter() - started, 2)
    notebook = Notebook(name=path.stem, title=script.title, files=files, key=key, seconds=seconds)
    stamp.write([paths.root / file for file in files], asdict(notebook))
    return notebook


def _key(text: str) -> str:
    versions = " ".join(f"{name} {_version(name)}" for name in LIBRARIES)
    code = code_version("analysis.pages.notebooks", *modules_of(text))
    return key_of(versions, code, text)[:16]


def _version(library: str) -> str:
    """Which version is installed; of torch there may be none."""
    try:
        return metadata.version(library)
    except metadata.PackageNotFoundError:
        return "none"


def modules_of(text: str) -> list[str]:
    """The modules of this project that a script imports. A script that is no Python has none: its cell will say so."""
    ours = [ROOT.joinpath(*name.split(".")) for name in _imported(text) if name.split(".")[0] in PACKAGES]
    return [".".join(path.relative_to(ROOT).parts) for path in ours if path.with_suffix(".py").exists()]


def _imported(text: str) -> list[str]:
    """What a script imports, and what may be a module of it, each once."""
    try:
        tree = parse(text)
    except (SyntaxError, ValueError, RecursionError):  # ValueError: a null byte
        return []
    found: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            found += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return list(dict.fromkeys(found))


def parsed(text: str, file: str) -> _Script:
    """The cells of a script, checked as far as can be without executing them. Raises RenderError with the line."""
    import jupytext
    import nbformat

    try:
        notebook = jupytext.reads(text, fmt="py:percent")
    except nbformat.ValidationError as error:
        # it knows the key, not the cell
        key = str(list(error.absolute_path)[-1:] or ["metadata"])[2:-2]
        line = next((n for n, one in enumerate(text.splitlines(), 1) if MARKER.match(one) and key in one), 1)
        raise RenderError(f"metadata that no notebook may have: {key}: {error.message}", file, line) from None
    lines = [text.count("\n", 0, match.start()) + 1 for match in MARKER.finditer(text)]
    if len(lines) != len(notebook.cells):
        raise RenderError("a cell starts with `# %%`: text stands before the first, or the mark inside a cell", file, 1)
    head = notebook.cells[0].source if lines else ""
    if not head.startswith("# ") or notebook.cells[0].cell_type != "markdown":
        raise RenderError("the first cell must be Markdown and start with `# Title`", file, 1)
    script = _Script(file, text, head.splitlines()[0][2:].strip(), notebook, lines)
    for number, cell in enumerate(notebook.cells):
        cell["id"] = f"cell-{number + 1}"
        _check_metadata(script, number, cell)
        if cell.cell_type == "markdown":
            if number and re.search(r"^# ", cell.source, re.M):
                raise script.error(number, "only the title is a heading of the first level; start with ##")
            for _, typed in unsourced(cell.source):
                raise script.error(number, f"the number {typed!r} is typed by hand: let a code cell print it")
    check_keeps(notebook.cells, script.error)
    return script


def _check_metadata(script: _Script, number: int, cell: NotebookNode) -> None:
    """Refuse a cell that is neither code nor Markdown, and what its first line says but nobody can read."""
    title = str(cell.metadata.get("title", ""))
    if cell.cell_type not in ("code", "markdown") or title.startswith("["):
        kind = title if title.startswith("[") else f"[{cell.cell_type}]"
        raise script.error(number, f"a cell is code or [markdown], not {kind}")
    if unread := cell.metadata.get("incorrectly_encoded_metadata"):
        raise script.error(number, f'cannot read {unread!r}: metadata are written name="text", in JSON\'s manner')
    alt = cell.metadata.get("alt", [])
    if not all(isinstance(one, str) for one in (alt if isinstance(alt, list) else [alt])):
        raise script.error(number, f'alt={alt!r} is no text: `# %% alt="What one sees"`, or a list of texts')


def _execute(script: _Script, root: Path) -> None:
    """Run the cells in a kernel of this interpreter, which has ended when this returns. Raises RenderError."""
    from nbclient import NotebookClient

    with tempfile.TemporaryDirectory(prefix="strata-") as name:
        home = Path(name)
        env = environment(home, root)
        client = NotebookClient(
            script.notebook, timeout=TIMEOUT, startup_timeout=kernel.START_SECONDS, record_timing=False,
            coalesce_streams=True,
            shutdown_kernel="immediate",  # nothing in it is worth an orderly end
            resources={"metadata": {"path": str(root)}},
        )  # fmt: skip
        client.km = client.kernel_manager_class(
            kernel_spec_manager=this_python(),
            connection_file=str(home / "kernel.json"),
            transport="ipc"
            if os.name == "posix"
            else "tcp",  # files rather than ports, which other programs could read
        )
        client.start_new_kernel(env=env)
        process: Any = client.km.provisioner  # typed as its base class, which has no number yet
        with children.adopted(process.pid):
            try:
                client.start_new_kernel_client()
            except RuntimeError as error:
                raise RenderError(f"the Python that runs notebooks did not start: {error}", script.file) from None
            _execute_cells(script, client)


def _execute_cells(script: _Script, client: NotebookClient) -> None:
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

    with client.setup_kernel(cleanup_kc=True):
        for number, cell in enumerate(script.notebook.cells):
            try:
                client.execute_cell(cell, number)
            except CellExecutionError:
                failed = next(output for output in cell.outputs if output.output_type == "error")
                trace = plain("\n".join(failed.traceback))
                message = f"{failed.ename}: {failed.evalue}\n\n{cell.source}\n\n{trace}"
                raise script.error(number, message) from None
            except CellTimeoutError:
                raise script.error(number, f"took more than {TIMEOUT} seconds\n\n{cell.source}") from None
            except DeadKernelError:
                raise script.error(number, f"ended the Python that ran it\n\n{cell.source}") from None


def plain(text: str) -> str:
    """A text as a terminal would show it in the end: without escapes, what was overwritten, and control characters."""
    text = ESCAPE.sub("", text).replace("\r\n", "\n")
    while "\b" in text:  # each takes the character before it
        text, before = re.sub(r"[^\n\b]\x08", "", text), text
        if text == before:
            break
    return CONTROL.sub("", OVERWRITTEN.sub("", text))


def _settle(script: _Script, number: int, cell: NotebookNode, root: Path) -> None:
    """Leave in a cell's outputs what a page can show and another run would give again. Raises RenderError."""
    for output in cell.get("outputs", []):
        if output.output_type == "stream":
            if output.name == "stderr":
                raise script.error(number, f"writes to stderr, and a page shows no warnings:\n{output.text}")
            output.text = plain(output.text)
            texts = [output.text]
        else:
            found = {kind: output.data[kind] for kind in SHOWN if kind in output.data}
            found |= {kind: plain(text) for kind, text in found.items() if kind.startswith("text/")}
            if BARE_OBJECT.fullmatch(found.get("text/plain", "")):
                del found["text/plain"]  # all that IPython's HTML says of itself
            if not found:
                kinds = ", ".join(sorted(output.data))
                raise script.error(number, f"shows nothing but {kinds}: print text, or draw a picture")
            output.data, output.metadata = type(output.data)(found), type(output.data)()
            texts = [value for kind, value in found.items() if kind.startswith("text/")]
        for text in texts:
            if address := ADDRESS.search(text) or re.search(re.escape(str(root)), text):
                raise script.error(number, f"shows {address[0]!r}, which is another one in another run:\n{text}")


def _write(script: _Script, name: str, paths: Paths) -> list[str]:
    """Write the fragment and the files behind it; gives their paths, relative to the project."""
    import nbformat

    for old in _assets(paths).glob(f"{name}-*"):
        old.unlink()
    files: list[Path] = []
    parts = [script.notebook.cells[0].source.partition("\n")[2]]
    for number, cell in enumerate(script.notebook.cells[1:], 1):
        if cell.cell_type == "markdown":
            parts.append(cell.source)
            continue
        if keep := cell.metadata.get(KEEP):
            parts.append(_fence("python", cell.source))
            kept = _assets(paths) / f"{name}-{keep}.json"
            text = kept_text(cell, number, script.error)
            kept.write_text(text, encoding="utf-8")
            parts.append(f"Kept as data: [{kept.name}](/{paths.relative(kept)}).")
            files.append(kept)
            continue
        shown, drawn = _outputs(script, number, cell, name, paths)
        # how a picture is drawn is of no interest to most, and often the longest cell
        parts.append(_fence(PLOTTING if drawn else "python", cell.source))
        if shown:
            # one box, so that blocks of text and pictures keep to the column; `data-cell` is for styles
            parts.append("\n\n".join(['::: {data-cell="output"}', *shown, ":::"]))
        files += drawn
    python = {"display_name": "Python 3", "language": "python", "name": "python3"}
    script.notebook.metadata.clear()  # it knows the version of Python and of jupytext
    script.notebook.metadata.update(kernelspec=python, language_info={"name": "python"})
    executed, source = _assets(paths) / f"{name}.ipynb", _assets(paths) / f"{name}.py"
    content = nbformat.writes(script.notebook, version=4)  # type: ignore[no-untyped-call]  # nbformat's own gap
    executed.write_text(content + "\n", encoding="utf-8")
    source.write_text(script.text, encoding="utf-8")
    links = f"[notebook with its output](/{paths.relative(executed)}), [Python script](/{paths.relative(source)})"
    fragment = paths.generated / f"notebook-{name}.md"
    text = "\n\n".join(part.strip("\n") for part in [*parts, f"Download: {links}."] if part.strip())
    fragment.write_text(text + "\n", encoding="utf-8")
    return [paths.relative(file) for file in [fragment, executed, source, *files]]


def _outputs(script: _Script, number: int, cell: NotebookNode, name: str, paths: Paths) -> tuple[list[str], list[Path]]:
    """What a cell shows, as Markdown, and its pictures, which are written. Raises RenderError for a missing alt."""
    alt = cell.metadata.get("alt", [])
    alts = [alt] if isinstance(alt, str) else list(alt)
    parts: list[str] = []
    pictures: list[Path] = []
    for output in cell.outputs:
        kind = "text/plain" if output.output_type == "stream" else next(iter(output.data))
        content = output.text if output.output_type == "stream" else output.data[kind]
        if not kind.startswith("image/"):
            parts.append(content.strip("\n") if kind == "text/markdown" else _fence("{.text .output}", content))
            continue
        if len(pictures) == len(alts) or not alts[len(pictures)].strip():
            raise script.error(number, 'a picture without alt text: `# %% alt="What one sees"`')
        picture = _assets(paths) / f"{name}-{number + 1}-{len(pictures) + 1}.{kind[6:9]}"
        picture.write_bytes(base64.b64decode(content) if kind == "image/png" else content.encode())
        parts.append(_image(picture, alts[len(pictures)], paths))
        pictures.append(picture)
    if len(pictures) < len(alts):
        raise script.error(number, f"an alt text for {len(alts)} pictures, but {len(pictures)} drawn")
    return parts, pictures


def _fence(info: str, text: str) -> str:
    """A code block whose marks are longer than any in the text."""
    longest = max((len(marks) for marks in re.findall(r"^\s*(`{3,})", text, re.M)), default=2)
    marks = "`" * (longest + 1)
    return f"{marks}{info}\n{text.rstrip()}\n{marks}"


def _image(picture: Path, alt: str, paths: Paths) -> str:
    size: dict[str, Any] = {}
    if picture.suffix == ".png":
        with Image.open(io.BytesIO(picture.read_bytes())) as image:
            size = {"width": image.width, "height": image.height}
    attributes = {"src": f"/{paths.relative(picture)}", "alt": html.escape(alt), **size, "loading": "lazy"}
    written = " ".join(f'{name}="{value}"' for name, value in attributes.items())
    return f'```{{=html}}\n<img class="raster" {written}>\n```'

"""What a foreign file is, by its first bytes, and what can be done with it: advice that works on that very file."""

from __future__ import annotations

import shlex
import zipfile
from pathlib import Path

from sae.errors import CheckpointError

PICKLES = (".pt", ".pth", ".bin", ".pkl", ".pickle", ".ckpt")
# `python -m sae.interop.convert`, in one line for a shell
CONVERT = "import sys; from sae.interop.convert import main; sys.exit(main(sys.argv[1:]))"

SAFETENSORS, PICKLE, NPZ = "safetensors", "a pickle", "numpy's npz"


def kind_of(path: Path) -> str:
    """SAFETENSORS, PICKLE or NPZ, or in words what else the file is; "" if nothing is known of it."""
    if not path.exists():
        return "not there"
    if path.is_dir():
        return "a folder"
    with path.open("rb") as file:
        head = file.read(64)
    if not head:
        return "empty"
    # of safetensors, byte 8 is a brace, whatever length stands before it
    if head[8:9] == b"{" and not head.startswith(b"\x93NUMPY"):
        return SAFETENSORS
    if head.startswith(b"PK"):
        return _zip(path)
    if head[:1] == b"\x80" and head[1:2] in (b"\2", b"\3", b"\4", b"\5"):
        return PICKLE
    starts = {
        b"\x93NUMPY": "a single numpy array",
        b"version https://git-lfs": "a pointer of Git LFS, not the weights: `git lfs pull` in its repository gets them",
        b"\x1f\x8b": "compressed by gzip: gunzip it",
        b"\x89HDF": "HDF5",
        b"GGUF": "GGUF",
        b"<": "a web page, so that a download went wrong",
        b"{": "JSON",
        b"[": "JSON",
    }
    for start, words in starts.items():
        if head.lstrip().startswith(start):
            return words
    return PICKLE if path.suffix.lower() in PICKLES else ""


def _zip(path: Path) -> str:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (OSError, zipfile.BadZipFile, ValueError):
        return "a zip archive that is cut or damaged"
    if any(name.rsplit("/", 1)[-1] == "data.pkl" for name in names):
        return PICKLE
    if names and all(name.endswith(".npy") for name in names):
        return NPZ
    return "a zip archive: unpack it"


def refused(path: Path, expected: str, why: str = "") -> CheckpointError:
    """The error for a file that is not `expected` (SAFETENSORS or NPZ), with the way on if there is one."""
    kind = kind_of(path)
    if kind == PICKLE:
        return pickled(path, expected)
    if kind == expected:
        return CheckpointError(f"{path} is not a readable {expected} file: {why}")
    if kind == NPZ:
        return CheckpointError(
            f"{path} is {NPZ}, expected {expected}; of that form are Gemma Scope's, for sae.interop.gemma_scope.read"
        )
    if kind == SAFETENSORS:
        return CheckpointError(
            f"{path} is {SAFETENSORS}, expected {expected}; sae.interop has saelens, openai, sparsify and "
            "dictionary_learning for such files"
        )
    found = f": it is {kind}" if kind else (f": {why}" if why else "")
    return CheckpointError(f"{path} is not a readable {expected} file{found}")


def pickled(path: Path, expected: str = SAFETENSORS) -> CheckpointError:
    """The error for a pickle: opening one can run any code, so that its owner has to convert it."""
    if path.suffix.lower() in PICKLES and kind_of(path) == SAFETENSORS:
        new = path.with_suffix(".safetensors")
        return CheckpointError(
            f"{path} is a pickle by its name and safetensors by its content, expected one of them: rename it to "
            f"{new.name}"
        )
    new = path.with_suffix(".safetensors" if path.suffix != ".safetensors" else ".converted.safetensors")
    command = shlex.join(["python", "-c", CONVERT, str(path), str(new)])
    return CheckpointError(f"{path} is a pickle, expected {expected}; pickles are never loaded. To convert: {command}")

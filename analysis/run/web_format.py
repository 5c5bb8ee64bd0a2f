"""The file that a browser reads a network from: little-endian tensors, one behind the other. Numpy only.

| dtype | a number is |
|---|---|
| `f32` | a float of 4 bytes |
| `f16` | a float of 2 bytes |
| `u8` | a byte, as pixels are |
| `i8` | a byte with sign, -127 to 127, times the scale of its row or column |
| `i12` | twelve bits with sign, -2047 to 2047, two in three bytes, times the scale of its row or column |

Scales are a tensor of their own, `NAME.scale`, f32. Every tensor begins at a multiple of four bytes.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sae.errors import DataError

Floats = NDArray[np.float32]
LARGEST = {"i8": 127, "i12": 2047}
PLAIN: dict[str, np.dtype[Any]] = {"f32": np.dtype("<f4"), "f16": np.dtype("<f2"), "u8": np.dtype(np.uint8)}
ALIGNED = 4


def packed(whole: NDArray[np.int16], dtype: str) -> bytes:
    """Whole numbers within `LARGEST[dtype]` as bytes."""
    if dtype == "i8":
        return whole.astype(np.int8).tobytes()
    flat = whole.ravel().astype(np.int32) & 0xFFF
    first, second = np.append(flat, 0)[: len(flat) + len(flat) % 2].reshape(-1, 2).T
    three = np.stack([first & 0xFF, first >> 8 | (second & 0xF) << 4, second >> 4], 1)
    return three.astype(np.uint8).tobytes()


def unpacked(content: bytes, dtype: str, count: int) -> NDArray[np.int16]:
    """The inverse of `packed`: (count,)."""
    if dtype == "i8":
        return np.frombuffer(content, np.int8, count).astype(np.int16)
    low, middle, high = np.frombuffer(content, np.uint8).reshape(-1, 3).astype(np.int32).T
    both = np.stack([low | (middle & 0xF) << 8, middle >> 4 | high << 4], 1).ravel()[:count]
    return np.where(both > LARGEST["i12"], both - 4096, both).astype(np.int16)


def size(dtype: str, *shape: int) -> int:
    """Bytes of a tensor as it stands in the file, those of its scales left out."""
    bits = math.prod(shape) * {"f32": 32, "f16": 16, "u8": 8, "i8": 8, "i12": 12}[dtype]
    unit = 24 if dtype == "i12" else 8
    return -(-(-(-bits // unit) * unit // 8) // ALIGNED) * ALIGNED


@dataclass
class Writer:
    """Gathers tensors; `content` is the file, `tensors` what the manifest says of it."""

    content: bytearray = field(default_factory=bytearray)
    tensors: list[dict[str, Any]] = field(default_factory=list)

    def add(self, name: str, values: NDArray[Any], dtype: str = "f32", axis: int = 1) -> None:
        """One tensor. With whole numbers (`i8`, `i12`) `values` is a matrix; each of its rows (`axis` 0) or columns
        has a scale of its own."""
        entry: dict[str, Any] = {"name": name, "dtype": dtype, "shape": list(values.shape)}
        if dtype in LARGEST:
            scale = np.abs(values).max(1 - axis, initial=0, keepdims=True).astype(np.float32) / LARGEST[dtype]
            scale = np.where(scale > 0, scale, 1).astype(np.float32)
            self.add(f"{name}.scale", scale.ravel())
            raw = packed(np.rint(values / scale).astype(np.int16), dtype)
            entry["axis"] = axis
        else:
            raw = np.ascontiguousarray(values, PLAIN[dtype]).tobytes()
        self.tensors.append({**entry, "offset": len(self.content), "bytes": len(raw)})
        self.content += raw + bytes(-len(raw) % ALIGNED)

    @property
    def sha256(self) -> str:
        """Of the file."""
        return hashlib.sha256(self.content).hexdigest()


def read(manifest: dict[str, Any], content: bytes) -> dict[str, Floats]:
    """Every tensor by its name, as floats. Raises DataError for a file that is not the one of the manifest."""
    found = hashlib.sha256(content).hexdigest()
    if len(content) != manifest["bytes"] or found != manifest["sha256"]:
        raise DataError(
            f"{manifest['file']}: {len(content)} bytes with sha256 {found[:12]}, expected {manifest['bytes']} with "
            f"{manifest['sha256'][:12]}: `strata export-web` writes it again"
        )
    tensors: dict[str, Floats] = {}
    for entry in manifest["tensors"]:
        part, shape = content[entry["offset"] : entry["offset"] + entry["bytes"]], entry["shape"]
        if entry["dtype"] in LARGEST:
            whole = unpacked(part, entry["dtype"], math.prod(shape)).reshape(shape)
            scale = np.expand_dims(tensors[f"{entry['name']}.scale"], 1 - entry["axis"])
            tensors[entry["name"]] = whole.astype(np.float32) * scale
        else:
            values = np.frombuffer(part, PLAIN[entry["dtype"]])
            tensors[entry["name"]] = values.astype(np.float32).reshape(shape)
    return tensors

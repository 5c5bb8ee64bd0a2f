"""SAEs in other libraries' files, one format to a module: `saelens`, `openai`, `sparsify`, `gemma_scope`,
`dictionary_learning`.

Each module has `read(path) -> Layer`; `saelens` also has `write(layer, folder)`. Only safetensors, JSON and numpy's
arrays are ever opened by a reader, never a pickle, and no other library is imported; `python -m sae.interop.convert OLD
NEW` makes safetensors of a pickle of tensors. What a file says that a `Layer` cannot say exactly is a CheckpointError,
never an approximation; that lengths of 16-bit numbers differ by their rounding alone is assumed, and said.

`load(folder_or_file)` tells the format by itself; `loaded` says which it was, too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sae.interop._load import Loaded as Loaded
    from sae.interop._load import load as load
    from sae.interop._load import loaded as loaded

__all__ = ["Loaded", "load", "loaded"]


def __getattr__(name: str) -> Any:
    # when it is asked for: whoever reads one format loads no other
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from sae.interop import _load

    return getattr(_load, name)

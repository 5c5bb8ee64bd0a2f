"""SAEs in other libraries' files, one format to a module: `saelens`, `openai`, `sparsify`, `gemma_scope`,
`dictionary_learning`.

Each module has `read(path) -> Layer`; `saelens` also has `write(layer, folder)`. Only safetensors, JSON and numpy's
arrays are ever opened by a reader, never a pickle, and no other library is imported; `python -m sae.interop.convert OLD
NEW` makes safetensors of a pickle of tensors. What a file says that a `Layer` cannot say exactly is a CheckpointError,
never an approximation.
"""

"""SAEs in other libraries' files, one format to a module: `saelens`, `openai`, `sparsify`.

Each module has `read(path) -> Layer`; `saelens` also has `write(layer, folder)`. Only safetensors and JSON are ever
opened, never pickle, and no other library is imported. What a file says that a `Layer` cannot say exactly is a
CheckpointError, never an approximation.
"""

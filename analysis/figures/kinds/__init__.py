"""Figures, one to a file: `def NAME(results, ...) -> Drawing` in NAME.py, asked for by `{{< figure NAME key=value >}}`.

Those here suit any experiment; a project's own lie in its `report/figures` and are found, and imported, as if they lay
here. A new file is a new figure. A figure computes nothing that is not in the tables.
"""

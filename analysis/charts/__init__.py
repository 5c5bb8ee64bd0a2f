"""Charts, one to a file: `def NAME(results) -> Drawing` in NAME.py, shown as `fig-NAME`. A new file is a new chart."""

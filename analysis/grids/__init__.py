"""Image grids, one to a file: `def NAME(results) -> Drawing` in NAME.py. A new file here is a new grid.

A grid holds no pictures of its own: cells show parts of the experiment's one sprite.
"""

"""Measures, one to a file; see `sae.evaluate` for what a measure is. A new file here is a new measure."""

"""Tables, one to a file: `def NAME(results) -> Drawing` in NAME.py, shown as `tbl-NAME`. A new file is a new table."""

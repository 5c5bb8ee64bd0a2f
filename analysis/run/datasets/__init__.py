"""Data sets, one to a file: a function without arguments that gives a `Dataset`. A new file here is a new data set."""

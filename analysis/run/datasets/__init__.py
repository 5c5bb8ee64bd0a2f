"""Data sets, one to a file: a function that gives a `Dataset`; options are keywords. A new file: a new data set."""

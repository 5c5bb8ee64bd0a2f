"""Doing it: data sets, hosts, stages, the pipeline, and the tables that a run leaves."""

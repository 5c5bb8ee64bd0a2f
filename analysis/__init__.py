"""From a host model to a published write-up: data sets, hosts, runs, results, artefacts, logs, pages.

Everything up to the result tables uses torch; nothing after them does.
"""

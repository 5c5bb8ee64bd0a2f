"""Logs that a test writes, and what was found in them."""

from __future__ import annotations

from pathlib import Path

from analysis.logs.items import Compilation, Log

TODO = "## TODO\n- sweep the depth\n"


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode())
    return path


def texts(found: Log | Compilation) -> list[str]:
    return sorted(item.text for item in found.items)


def cell(kind: str, *lines: str) -> dict[str, object]:
    return {"cell_type": kind, "metadata": {}, "source": "\n".join(lines).splitlines(keepends=True)}


NOTEBOOK = {
    "cells": [
        cell("markdown", "## What I did", "- built the probe", "", "## TODO", "- sweep the depth"),
        cell("code", "# Why is it slow?", "- 1"),
        cell("markdown", "## Questions", "- Why is it slow?"),
    ],
    "metadata": {},
    "nbformat": 4,
    "nbformat_minor": 5,
}

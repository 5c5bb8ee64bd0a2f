"""A data set with its options as one text, as keys, manifests and stages hold it. Free of torch."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

PACKAGE = "analysis.run.datasets"
# The fingerprint of data that is not here: results of it can be read and shown, and nothing can be run.
NOT_HERE = "not here yet"


def source(dataset: str, options: Mapping[str, Any]) -> str:
    """`digits`, or with options `image_folder {"path": "data/mine"}`."""
    return f"{dataset} {json.dumps(options, sort_keys=True)}" if options else dataset


def parts(text: str) -> tuple[str, dict[str, Any]]:
    """Name and options of what `source` wrote."""
    name, _, options = text.partition(" ")
    return name, json.loads(options) if options else {}

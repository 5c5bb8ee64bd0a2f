"""Join what the chains measured into an experiment's tables. Schema: `analysis.results.tables`. Free of torch."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pandas as pd

from analysis.plan.chains import Chain
from analysis.plan.code_version import code_version
from analysis.plan.config import Experiment
from analysis.plan.edges import edges
from analysis.plan.looks import of_chains
from analysis.plan.paths import Paths
from analysis.plan.stage_configs import SaeStage
from analysis.plan.stage_folders import FILES, Stage, damage, read_manifest, seal
from analysis.results.tables import LOOKED, MAPS, SHEETS, is_current, stage_keys
from analysis.run.sprite import write_sprite
from analysis.system.swap import fresh_beside
from sae.errors import StageError
from sae.temporary import unwritable

CATEGORIES = ("run", "kind", "split", "control", "measure", "relation")
FROM_CHAINS = ("measures", "latents", "examples", "links", "stops")


def collect(experiment: Experiment, chains: list[Chain], paths: Paths, *, looked: bool = True) -> Path:
    """Join the chains' tables into the experiment's folder, replacing an older one as a whole; `looked`: with what was
    found of single latents, for which all chains must be there.

    Raises StageError where a stage's folder is not as it was written, or the tables cannot be.
    """
    final = paths.collected / experiment.name
    if is_current(experiment, chains, paths, looked=looked):
        return final
    try:
        with fresh_beside(final, stands=lambda: is_current(experiment, chains, paths, looked=looked)) as work:
            _fill(work, experiment, chains, paths, looked)
    except OSError as error:
        raise StageError(unwritable(Path(error.filename or final), error)) from error
    return final


def _fill(work: Path, experiment: Experiment, chains: list[Chain], paths: Paths, looked: bool) -> None:
    folders = [_sound(chain.measures, paths) for chain in chains]
    of_latents = of_chains(experiment, chains) if looked else []
    looks = [_sound(stage, paths) for look in of_latents for stage in look.tables]
    for table in (*FROM_CHAINS, *(LOOKED if looked and experiment.interpret.kind else ()), MAPS):
        name = f"{table}.parquet"
        files = [folder / name for folder in (*folders, *looks) if name in read_manifest(folder)[FILES]]
        if table == MAPS and not files:
            continue
        whole = pd.concat([pd.read_parquet(file) for file in files])
        for column in set(CATEGORIES) & set(whole):
            whole[column] = whole[column].astype("category")
        whole.reset_index(drop=True).to_parquet(work / name, index=False)
    _runs_table(experiment, chains, paths).to_parquet(work / "runs.parquet", index=False)
    _training_table(chains, paths).to_parquet(work / "training.parquet", index=False)
    write_sprite(experiment.source, work)
    copy_sheets(looks, work)
    seal(
        work,
        {
            "experiment": experiment.name,
            "title": experiment.title,
            "runs": sorted({chain.run for chain in chains}),
            "stages": stage_keys(experiment, chains, looked=looked),
            "code": code_version("analysis.run.collect"),
            "versions": read_manifest(folders[0])["versions"],
        },
    )


def _sound(stage: Stage, paths: Paths) -> Path:
    """A stage's folder, every file of it as it was written. Raises StageError."""
    folder = stage.folder(paths.runs)
    if found := damage(folder):
        raise StageError(f"{found}; `strata run` makes it again")
    return folder


def copy_sheets(looks: list[Path], folder: Path) -> None:
    """The sheets of pictures of every stage that has some, and a JSON that says how they are cut."""
    sheets = [look / name for look in looks for name in read_manifest(look)[FILES] if name.endswith(".webp")]
    if not sheets:
        return
    (folder / SHEETS).mkdir()
    for sheet in sheets:
        shutil.copyfile(sheet, folder / SHEETS / sheet.name)
    notes = read_manifest(sheets[0].parent)["notes"]
    # not the seconds that it took: what was drawn of equal pictures stands
    cut = {key: notes[key] for key in ("columns", "width", "height", "channels")}
    (folder / SHEETS / "sheets.json").write_text(json.dumps(cut))


def _runs_table(experiment: Experiment, chains: list[Chain], paths: Paths) -> pd.DataFrame:
    rows = []
    for chain in chains:
        manifests = [read_manifest(stage.folder(paths.runs)) for stage in chain.stages]
        last, config = manifests[-1], chain.config
        rows.append(
            {
                "run": chain.run, "experiment": experiment.name, "variant": config.variant, "seed": config.seed,
                "dataset": config.dataset, "host": config.host.name, "hook": config.host.hook,
                "control": chain.control, "config": config.canonical(),
                "date": last["date"], "machine": last["machine"], "commit": last["commit"],
                "seconds": sum(manifest["seconds"] for manifest in manifests), "measures": chain.measures.key,
            }
        )  # fmt: skip
    return pd.DataFrame(rows)


def _training_table(chains: list[Chain], paths: Paths) -> pd.DataFrame:
    rows = []
    for chain in chains:
        for edge in edges(chain.measures):
            if not isinstance(sae := edge.parent.config, SaeStage):
                continue
            notes = read_manifest(edge.parent.folder(paths.runs))["notes"]
            if "stopped" in notes:
                continue
            kind, depth = edge.role.place
            rows.append(
                {
                    "run": chain.run, "kind": kind, "depth": depth, "control": chain.control,
                    "architecture": sae.architecture, "width": sae.width, "k": sae.k, "steps": sae.train.steps,
                    "rows": sae.train.steps * min(sae.train.batch, notes["rows"]),
                    "seconds": notes["seconds"], "path": notes["path"],
                }
            )  # fmt: skip
    return pd.DataFrame(rows)

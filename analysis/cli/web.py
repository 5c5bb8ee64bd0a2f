"""`strata export-web`, `strata export-language`, and what the build makes of both for pages that run them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from analysis.cli.saying import say, write
from analysis.plan import paths as project
from analysis.system.extras import missing, need, remedy

if TYPE_CHECKING:
    from analysis.results.tables import Results

app = typer.Typer()


@app.command(name="export-web")
def export_web(
    experiment: Annotated[str, typer.Argument(metavar="EXPERIMENT", help="one whose runs lie under data/runs")],
    seed: Annotated[int | None, typer.Option(help="whose run; the first, if it is not said")] = None,
    kind: Annotated[str, typer.Option(help="which tower: latents")] = "latents",
    out: Annotated[
        Path | None, typer.Option(help="the folder to write into; build/web/EXPERIMENT, if it is not said")
    ] = None,
) -> None:
    """Write host and tower of a run, and of its random network, as files that a page runs in the browser.

    Reads the experiment's tables and the stage folders of that run; writes trained.bin, random.bin (at most 2 MB
    each), a manifest beside each, and digits.json.
    """
    need("train", "strata export-web")
    from analysis.results.tables import open_results
    from analysis.run.web_export import export

    paths = project.find()
    folder = out or paths.build / "web" / experiment
    for file in export(open_results(experiment, paths), paths, folder, seed, kind):
        write(f"{file.stat().st_size:>9,} bytes  {file}")


@app.command(name="export-language")
def export_language(
    sae: Annotated[Path, typer.Argument(metavar="SAE", help="a layer's file, or the stage folder that holds it")],
    hook: Annotated[str, typer.Option(help="where the SAE reads the model")] = "blocks.2.hook_resid_post",
    union: Annotated[
        Path | None, typer.Option(help="the model's weights; data/language/union/union.safetensors, if it is not said")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="the folder to write into; data/language/live, if it is not said")
    ] = None,
) -> None:
    """Write Union and an SAE on it as files that a page runs in the browser.

    Reads the model's weights, the layer and the held-out addresses; writes union.bin (at most 8 MB), union.json,
    tokens.json and latents.json.
    """
    need("train", "strata export-language")
    from analysis.run.web_language import export
    from analysis.run.web_sources import given

    paths = project.find()
    weights = union or paths.live.parent / "union" / "union.safetensors"
    for file in export(given(sae, weights, hook), out or paths.live):
        write(f"{file.stat().st_size:>9,} bytes  {file}")


def language_for_pages(paths: project.Paths) -> None:
    """Bring the language model to the pages that run one; where there is none, that is said, and the page says it."""
    from analysis.pages import build as builder
    from analysis.pages import language

    if why := language.copy_model(paths, builder.sources(paths)):
        say(f"note: {why}")


def export_for_pages(results: Results | None, paths: project.Paths) -> None:
    """Bring the networks up to date that a page runs, where one asks for that; nothing is made for any other project.

    What cannot be made here, for want of the runs or of what runs them, is said, and the page says it too.
    """
    from analysis.figures.asked import page_with_part
    from analysis.pages import build as builder
    from analysis.pages import draw
    from analysis.plan.code_version import code_version
    from analysis.system.stamps import Stamp, key_of, remove

    folder = paths.built_assets / draw.FOLDER
    page = next((p for part in draw.PARTS if (p := page_with_part(part, builder.sources(paths), paths.root))), "")
    if results is None or not page:
        remove(folder)
        return
    key = key_of(results.digest, code_version("analysis.run.web_export"))
    stamp = Stamp(paths.build / "draw.json", key, paths.root)
    if stamp.current() is not None:
        return
    stamp.forget()
    runs, why = paths.runs / "measures", ""
    if lacking := missing("train"):
        why = f"{', '.join(lacking)} is not installed: {remedy('train')}"
    elif not all((runs / str(key)).is_dir() for key in results.runs["measures"]):
        why = f"its runs are not here: `strata run {results.experiment}` makes them"
    if why:
        remove(folder)
        say(f"note: {page} has no network to draw for; {why}")
        return
    from analysis.run.web_export import export

    stamp.write(export(results, paths, folder))

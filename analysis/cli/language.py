"""`strata language`: what pages draw of SAEs on a language model and is no table."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from analysis.cli.saying import say, write
from analysis.plan import paths as project
from analysis.system.extras import need

app = typer.Typer()


@app.command()
def language(
    experiment: Annotated[str, typer.Argument(metavar="EXPERIMENT", help="one whose runs lie under data/runs")],
    only: Annotated[str, typer.Option(help="web, attribution, steering, latents, labelled, directions; else all")] = "",
    out: Annotated[Path | None, typer.Option(help="the folder to write into; data/language, if it is not said")] = None,
) -> None:
    """Write how latents come apart, what a prediction hangs on, texts with a latent held, latents with contexts, how
    well one latent tells the class of labelled texts, and what meta-SAEs find in directions, as files for pages.

    Reads data/language/looks.toml, the experiment's tables and the stage folders of its first seed; writes web.json,
    attribution.json, steering.json, steering_sampled.json, latents.json, directions.json and, where the package
    sae-probes is, labelled.json; each at most 300 KB, with the runs that it is from.
    """
    need("train", "strata language")
    from analysis.plan import plugins
    from analysis.plan.language_artefacts import looks
    from analysis.results.tables import open_results
    from analysis.run.language_files import write_artefacts

    paths = project.find()
    plugins.load(paths)
    asked = looks(paths.data / "language", experiment)
    folder = out or paths.data / "language"
    for file in write_artefacts(open_results(experiment, paths), paths, asked, folder, only, say):
        write(f"{file.stat().st_size:>9,} bytes  {file}")

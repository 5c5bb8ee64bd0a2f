"""The command `strata check`."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from analysis.plan import paths as project
from analysis.system.extras import need
from sae.errors import RenderError

if TYPE_CHECKING:
    from analysis.plan.paths import Paths

app = typer.Typer()
FOR_QUARTO = "quarto-site"
"""Below the folder for caches: what the real Quarto renders to be checked."""


@app.command()
def check(
    folder: Annotated[
        Path | None, typer.Argument(metavar="[FOLDER]", help="a rendered site; _site if not given")
    ] = None,
    pages: Annotated[str, typer.Option(metavar="GLOB", help="only pages whose file matches: 'report/n*'")] = "*",
    no_browser: Annotated[bool, typer.Option("--no-browser", help="leave out what needs chromium")] = False,
    quarto: Annotated[
        bool | None,
        typer.Option(help="render with the real Quarto, and check that too; where quarto is on PATH if not said"),
    ] = None,
    lighthouse: Annotated[bool, typer.Option("--lighthouse", help="scores by Lighthouse, too")] = False,
    workers: Annotated[int, typer.Option(min=1, help="browsers at a time")] = 2,
    most: Annotated[int, typer.Option(min=1, help="places shown of each kind of failure")] = 10,
    as_json: Annotated[bool, typer.Option("--json", help="one JSON object, with every finding")] = False,
) -> None:
    """Check a rendered site: links, HTML, every page in a browser, the keyboard, and how heavy it is.

    Reads _site or FOLDER, and _quarto.yml; writes to standard output, programs from npm into build/node, and what the
    real Quarto renders into build/quarto-site. Exits with 1 when anything is wrong.
    """
    if lighthouse or not no_browser:
        need("check", "strata check in a browser (--no-browser leaves that out)")
    from analysis.site.check import for_quarto
    from analysis.site.check.findings import Finding
    from analysis.site.check.printed import as_json as values
    from analysis.site.check.printed import text
    from analysis.site.check.survey import Asked, Checked
    from analysis.site.check.survey import check as survey
    from analysis.site.project import site_url

    paths = project.find()
    url = site_url(paths.root)
    asked = Asked(pages, not no_browser, lighthouse, workers)
    site = folder or paths.site
    reason = _no_quarto(paths, site, quarto)
    found = [survey(site, _name(paths, site), url, paths.build, asked, _tell)]
    found[0].findings += for_quarto.findings(paths.root)
    found[0].done.append("sources for Quarto")
    skipped = {}
    if reason:
        skipped["real Quarto"] = reason
    else:
        from analysis.site.render import render_by_quarto

        _tell("real Quarto: rendering")
        second = paths.build / FOR_QUARTO
        shutil.rmtree(second, ignore_errors=True)  # a page that is no longer rendered must not be checked
        name = paths.relative(second)
        try:
            render_by_quarto(paths, second)
        except RenderError as error:
            # a finding, so that what was found in the first site is told too
            failed = Finding("the site", "real Quarto", str(error))
            found.append(Checked(name, "quarto", 0, [failed], done=["rendering"]))
        else:
            found.append(survey(second, name, url, paths.build, asked, _tell))
    print(json.dumps(values(found, skipped), indent=1) if as_json else text(found, skipped, most))
    if any(one.failures for one in found):
        raise typer.Exit(1)


def _no_quarto(paths: Paths, site: Path, wanted: bool | None) -> str:
    """Why the real Quarto is left out; empty where it is not. Raises RenderError where it is asked for and missing."""
    from analysis.site.render import choose

    if wanted:
        choose("quarto")
        return ""
    if wanted is False:
        return "--no-quarto"
    if shutil.which("quarto") is None:
        return "no `quarto` on PATH"
    if site.resolve() != paths.site:
        return "another folder was named; --quarto does it all the same"
    if (site / "site_libs/quarto-html").is_dir():
        return f"it rendered {paths.site.name} already"
    return ""


def _name(paths: Paths, site: Path) -> str:
    inside = site.resolve().is_relative_to(paths.root)
    return paths.relative(site.resolve()) if inside else site.name


def _tell(what: str) -> None:
    """Progress, a line each, on standard error: it can be followed in a log too."""
    print(what, file=sys.stderr, flush=True)

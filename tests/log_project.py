"""A small project with logs, pages and one result: what answers, the pages of the logs and drafts are tested on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from factories import write_results

from analysis.figures.draw import Artefact
from analysis.pages.answer_links import Links
from analysis.pages.build import log_pages, sources
from analysis.pages.log_pages import LogPages
from analysis.plan.paths import Paths
from analysis.results.tables import Results

PAGE = """---
title: "The page"
---

## What *depth* does

{{< figure made >}}

{{< include _part.qmd >}}

## Another part {#own .x}
"""
PART = "## In the part\n\n{{< figure within >}}\n"


def drawn(name: str) -> Artefact:
    return Artefact(
        name=name, figure=f"fig-{name}", title=f"What {name} shows", caption="Read it so.", alt="", source="",
        experiments=[], runs=[], files=[], key="", seconds=0,
    )  # fmt: skip


DRAWN = [drawn("made"), drawn("within"), drawn("nowhere")]


@dataclass(frozen=True)
class LogProject:
    """Its folders and its results: the experiment `digits`, with a selectivity of 0.7 at depth 1 of the latents."""

    paths: Paths
    results: Results

    def write(self, name: str, text: str) -> Path:
        """A file beside the logs."""
        path = self.paths.logs / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    @property
    def links(self) -> Links:
        return Links(self.results, self.paths, sources(self.paths), DRAWN)

    @property
    def pages(self) -> LogPages:
        return log_pages(self.results, self.paths, sources(self.paths), DRAWN)


def log_project(root: Path) -> LogProject:
    """A new one, without logs."""
    paths = Paths(root.resolve())
    paths.logs.mkdir(parents=True)
    paths.generated.mkdir(parents=True)
    (root / "_quarto.yml").write_text("project:\n  type: website\n")
    (root / "index.qmd").write_text("---\ntitle: Home\n---\n")
    (paths.report / "page.qmd").write_text(PAGE)
    (paths.report / "_part.qmd").write_text(PART)
    for artefact in DRAWN:
        (paths.generated / f"{artefact.name}.md").write_text(
            f"::: {{#{artefact.figure}}}\n\n```{{=html}}\n<p>{artefact.name}</p>\n```\n\nRead it so.\n\n:::\n"
        )
    return LogProject(paths, write_results(paths.collected / "digits", "digits", {"d0": ("", 0, 0.7)}))

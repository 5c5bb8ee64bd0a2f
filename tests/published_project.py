"""A small site as it would be published, with a page for what is not there: a plugin for tests of what a site needs
beyond its pages."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest
from PIL import Image

from analysis.pages.build import write_feed
from analysis.plan.paths import Paths
from analysis.site import feed
from analysis.site.embedded import render
from analysis.site.made import Made
from analysis.system.stamps import Written

CONFIG = """project:
  type: website
  render: [index.qmd, report/deep/one.qmd, 404.qmd]
  resources: [/report/assets/**]
website:
  title: Site
  description: Of the <whole> site.
  site-url: https://example.org/some/site/
  open-graph: true
  image: /card.png
  navbar:
    left: [{href: index.qmd, text: Home}, report/deep/one.qmd]
  page-footer: {right: "Results of {{< num made >}}, [one](/report/deep/one.qmd)"}
  page-navigation: true
format:
  html:
    css: theme.css
    toc: true
    canonical-url: true
    include-in-header:
      - text: |
          <link rel="alternate" type="application/rss+xml" title="S" href="/report/assets/generated/feed.xml">
          <script defer src="/report/assets/own.js"></script>
"""
NOT_FOUND = """---
title: Nothing
description: Nothing here.
---

## Here {#here}

[a](#here), [one](/report/deep/one.qmd#b), <https://a.org>
"""
ONE = """---
title: One
description: At {{< num top >}} < all.
---

## B {#b}

[a](/index.qmd#a) ![x](/card.png)
"""
DAY = date(2026, 3, 4)
MADE = Made(DAY, "digits", ("abc", "def+"), "0123456789ab")


@pytest.fixture
def paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Paths:
    root = tmp_path / "project"
    (root / "report/deep").mkdir(parents=True)
    (root / "report/_generated").mkdir()
    (root / "report/assets/generated").mkdir(parents=True)
    (root / "_quarto.yml").write_text(CONFIG)
    (root / "index.qmd").write_text("---\ntitle: The *whole* thing & more\n---\n\n## A {#a}\n")
    (root / "report/deep/one.qmd").write_text(ONE)
    (root / "404.qmd").write_text(NOT_FOUND)
    (root / "theme.css").write_text('a { background: url("report/assets/own.js"); }')
    (root / "report/assets/own.js").write_text('fetch("./data.json");')
    (root / "report/_generated/numbers.json").write_text(
        json.dumps({"made": MADE.number(), "top": {"text": "97%"}}, indent=1)
    )
    Image.new("RGB", (12, 6)).save(root / "card.png")
    monkeypatch.setenv("STRATA_ROOT", str(root))
    made = Paths(root.resolve())
    with Written(made.build / "written.json", made.root) as write:
        write_feed(made, site_of(made), DAY, write)
    return made


def site_of(paths: Paths) -> feed.Site:
    return feed.Site.of(paths.root, json.loads((paths.generated / "numbers.json").read_text()))


def page(paths: Paths, name: str) -> str:
    render(paths.root, paths.site)
    return (paths.site / name).read_text()


def change(paths: Paths, old: str, new: str) -> None:
    config = paths.root / "_quarto.yml"
    assert old in config.read_text()
    config.write_text(config.read_text().replace(old, new))

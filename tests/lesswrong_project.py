"""A small site for the tests of the LessWrong export: one page with every construct that a post may hold."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from analysis.plan.paths import Paths
from analysis.site.lesswrong import compose, sections
from analysis.site.lesswrong.addresses import Addresses
from analysis.site.lesswrong.context import Context
from analysis.site.lesswrong.nodes import Post
from analysis.site.lesswrong.pictures import Pictures
from analysis.site.project import load_project

BASE = "https://example.org/site"
CONFIG = """project:
  type: website
  render: [index.qmd, report/more.qmd]
website: {title: Site, site-url: "https://example.org/site"}
lang: en
bibliography: refs.bib
"""
BIB = """@article{linked,
  title={A linked work}, author={Able, Ann}, year={2001}, journal={J}, url={https://doi.org/10.1/x}}
@book{bare, title={A bare book}, author={Baker, Bob}, year={1999}, publisher={P}}
"""
SPEC = {
    "$schema": "https://vega.github.io/schema/vega-lite/v5.json", "data": {"values": [{"a": 1, "b": 2}]},
    "mark": "point", "encoding": {"x": {"field": "a", "type": "quantitative"}}, "width": 60, "height": 40,
}  # fmt: skip
CHART = (
    '<p class="artefact-title">Points rise by 0.25</p>\n<div class="chart" data-chart="points"><div class="chart-view">'
    '<svg aria-label="One point" viewBox="0 0 9 9"><path d="M0,0h9"/></svg></div>'
    f'<script type="application/json" class="chart-spec">{json.dumps(SPEC)}</script></div>'
)
GRID = (
    '<div class="depth-grid"><div class="grid-row"><div class="grid-head"><b>Depth 1</b><br><span>gloss</span></div>'
    '<div class="grid-cells"><figure class="grid-cell"><div class="digits driven" role="img" aria-label="two digits">'
    '<i style="--x:0;--y:0;--a:100%"></i><i style="--x:1;--y:0;--a:50%"></i></div>'
    "<figcaption>latent 7<br><b>13%</b></figcaption></figure></div></div></div>"
)
TABLE = (
    '<div class="table-scroll"><table data-quarto-disable-processing="true"><thead><tr><th>what</th><th>value</th>'
    '</tr></thead><tbody><tr class="group"><th scope="rowgroup" colspan="2">group</th></tr>'
    + "".join(
        f'<tr><th scope="row">row {i}</th><td>0.{i:03}<span class="between">0.1 to 0.{i + 2}</span></td></tr>'
        for i in range(24)
    )
    + "</tbody></table></div>"
)
PAGE = f"""---
title: All of *it*
---

::: {{.callout-note title="In short"}}
- One thing, [linked](/report/more.qmd#there).
- Another thing of 12.5%.
:::

## Words and formulas {{#words}}

Some *leaning*, **bold**, `code` and 10^-6^ with $x_1 < y$ inline[^one], by @linked and [see @bare, p. 3].
"Quoted" -- so.

[^one]: A note with `code`, $n^2$ and the number 42.

    Its second paragraph.

The formula

$$ \\hat x = W z + b $$ {{#eq-sum}}

is @eq-sum, and @fig-points shows it; so does [a place on the page](#words).

### Below

1. first

   more of it
2. second
   - inner −0.25

Term
:   Its meaning, 7 of 9.

> A quotation.

| name | value |
|:-----|------:|
| a | 1.50 |
| $|b|$ and c | −2 |

: Values of a pipe table {{#tbl-pipe}}

---

```python
def f(x):
    return "<a>" + x  # costs $5
```

::: {{.callout-warning collapse="true" title="Open me"}}
Hidden words, 3 of them.
:::

::: {{.panel-tabset}}
#### One
In the first tab.

#### Two
In the second tab.
:::

## Pictures

::: {{#fig-points fig-alt="One point at 1"}}

```{{=html}}
{CHART}
```

How to read it. [Data](/data.csv), [more](/report/more.qmd).

:::

::: {{#fig-grid fig-alt="A grid of two digits"}}

```{{=html}}
<p class="artefact-title">Digits are alike</p>
{GRID}
```

Nine images.

:::

::: {{#fig-two layout-ncol="2"}}

![](/a.png){{#fig-left fig-alt="A red square"}}

![Right one](/b.svg){{#fig-right fig-alt="A blue circle"}}

Two at once.

:::

![A loose caption](a.png){{fig-alt="A red square again"}}

::: {{#tbl-long}}

```{{=html}}
<p class="artefact-title">Rows go on to 23</p>
{TABLE}
```

What the rows are.

:::

## Drafted {{drafted-by="Some Model 1"}}

Words that nobody thought of, 99 of them.
"""


@dataclass(frozen=True)
class Made:
    """A section with its post and what was found on the way."""

    section: sections.Section
    post: Post
    context: Context
    pictures: Pictures


def make_site(root: Path, page: str = PAGE) -> Paths:
    """A project with `page` as its front page."""
    (root / "report/assets/generated/explorer/site").mkdir(parents=True)
    (root / "_quarto.yml").write_text(CONFIG)
    (root / "refs.bib").write_text(BIB)
    (root / "index.qmd").write_text(page)
    (root / "report/more.qmd").write_text("---\ntitle: More\n---\n\n## There {#there}\n\nNothing more.\n")
    (root / "data.csv").write_text("a,b\n1,2\n")
    Image.new("RGB", (20, 10), "red").save(root / "a.png")
    (root / "b.svg").write_text(
        '<svg xmlns="http://www.w3.org/2000/svg" width="40" height="40">'
        '<circle cx="20" cy="20" r="15" fill="blue"/></svg>'
    )
    cells = np.arange(28 * 1400, dtype=np.int64).reshape(28, 1400) % 251
    Image.fromarray(cells.astype(np.uint8)).save(
        root / "report/assets/generated/explorer/site/sprite.webp", lossless=True
    )
    return Paths(root.resolve())


def compose_all(paths: Paths, *asked: str, live: bool = False) -> dict[str, Made]:
    """Every section that was asked for, by its name."""
    project = load_project(paths.root)
    pictures = Pictures(paths.root, BASE)
    made = {}
    for section in sections.choose(project, list(asked)):
        context = Context(section, Addresses(project, BASE, paths.site), pictures, live)
        made[section.slug] = Made(section, compose.post(context), context, pictures)
    return made

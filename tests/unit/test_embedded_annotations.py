"""Code annotations that are switched off, or hidden with the list that explains them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from analysis.site import pandoc
from analysis.site.metadata import metadata
from analysis.site.project import load_project
from analysis.site.source import load_source
from analysis.site.tags import words_of

CONFIG = """project:
  type: website
  render: [index.qmd]
website:
  title: Site
format:
  html: {html-math-method: mathml}
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "_quarto.yml").write_text(CONFIG)
    return tmp_path


def test_annotations_that_are_switched_off_are_code(root: Path) -> None:
    (root / "index.qmd").write_text("---\ntitle: T\ncode-annotations: false\n---\n\n```python\nx = 1  # <1>\n```\n")
    project, page = load_project(root), load_source(root, "index.qmd", {})
    assert "&lt;1&gt;" in pandoc.convert(page, metadata(project, page), root, 3).body


HIDDEN = """```python
x = 1  # <1>
y = 2  #<2> #  <12>
z = "# <3>"; w = 4  # see <4>
```

1. Of x.
2. Of y.

```css
p { color: red }  /* <1> */
```

Between.

1. Stays.

```text
a  # <1>
```

1. Stays, too.

::: {.aside}
```sql
select 1 -- <1>
```

1. Of a selection.
:::
"""


@pytest.mark.parametrize("where", ["page", "project"])
def test_annotations_that_are_hidden_go_with_what_explains_them(root: Path, where: str) -> None:
    own = "code-annotations: none\n" if where == "page" else ""
    if where == "project":
        (root / "_quarto.yml").write_text(CONFIG.replace("mathml}", "mathml, code-annotations: none}"))
    (root / "index.qmd").write_text(f"---\ntitle: T\n{own}---\n\n{HIDDEN}")
    project, page = load_project(root), load_source(root, "index.qmd", {})
    text = words_of(pandoc.convert(page, metadata(project, page), root, 3).body)
    assert re.findall(r"# ?<\d+>|of x|of y|of a sel|Stays|see <4>|/\*|--", text, re.IGNORECASE) == [
        "#<2>", "# <3>", "see <4>", "Stays", "# <1>", "Stays",
    ]  # fmt: skip

"""Figures that pages ask for: names, arguments, and refusals with the page and line."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from factories import write_results
from tests_root import CHECKOUT

from analysis.figures.asked import Asked, asked, parse
from analysis.figures.draw import draw_all
from analysis.logs.counts import History
from analysis.pages.build import logs_of
from analysis.plan import plugins
from analysis.plan.paths import Paths
from sae.errors import ConfigError, NotFoundError, RenderError

FIGURE = """import pandas as pd

from analysis.figures.drawing import Drawing


def bars(results, *, depth: int, share: float = 0.5, loud: bool = False, colour: str = "teal") -> Drawing:
    said = f"{depth!r} {share!r} {loud!r} {colour!r}"
    return Drawing(title=said, caption="C.", alt="A.", data=pd.DataFrame({"x": [1]}), html="<p>b</p>", kind="tbl")


def _other(results):
    return None
"""


@pytest.fixture
def project(tmp_path: Path) -> Paths:
    paths = Paths(tmp_path.resolve())
    paths.figures.mkdir(parents=True)
    (paths.figures / "bars.py").write_text(FIGURE)
    (paths.figures / "broken.py").write_text("def broken(results):\n    return 1 / 0\n")
    (paths.figures / "a_list.py").write_text(
        "from analysis.figures.drawing import Drawing\n\n\ndef a_list(results):\n"
        "    return Drawing(title='t', caption='c.', alt='a', data=None, chart=[])\n"
    )
    (paths.figures / "two_bodies.py").write_text(
        FIGURE.replace("bars(", "two_bodies(").replace("html=", "png=b'x', html=")
    )
    (paths.figures / "nothing.py").write_text("def nothing(results):\n    return None\n")
    write_results(paths.collected / "mine", "mine", {"a": ("", 0, 1.0)})
    plugins.load(paths)
    return paths


def draw(paths: Paths, *lines: str, results: bool = True):
    from analysis.results.tables import open_results

    (paths.root / "index.qmd").write_text("# Page\n\n" + "\n\n".join(lines) + "\n")
    main = open_results("mine", paths) if results else None
    return draw_all(asked([paths.root / "index.qmd"], paths.root), main, History(None), paths)


def test_a_call_is_named_after_its_values_in_the_order_of_their_keys():
    assert parse("neurons", " depth=3", "a.qmd", 1).name == "neurons_3"
    assert parse("verdict", " kind=directions experiment=towers", "a.qmd", 1).name == "verdict_towers_directions"
    assert parse("lengths", ' share="0.5"', "a.qmd", 1).name == "lengths_0_5"
    call = parse("margins", " experiment=towers as=margin_by_depth", "a.qmd", 1)
    assert (call.name, call.experiment, call.arguments) == ("margin_by_depth", "towers", (("experiment", "towers"),))


@pytest.mark.parametrize("rest", [" depth", " =3", " depth=", " depth=a/b", " Depth=3", " depth=3 depth=4", " as=a.b"])
def test_what_is_no_argument_is_refused_with_its_place(rest):
    with pytest.raises(RenderError, match=r"^a\.qmd:7: "):
        parse("neurons", rest, "a.qmd", 7)


def test_arguments_get_the_types_that_the_function_names(project):
    plain, whole = draw(
        project, "{{< figure bars depth=2 >}}", "{{< figure bars depth=3 share=1 loud=true colour=a.b >}}"
    )
    assert plain.title == "2 0.5 False 'teal'" and whole.title == "3 1.0 True 'a.b'"
    assert (plain.figure, whole.name) == ("tbl-bars-2", "bars_a_b_3_true_1")
    assert (project.generated / "bars_2.md").read_text().startswith("::: {#tbl-bars-2}")
    assert plain.source == "report/figures/bars.py" and plain.experiments == ["mine"]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("{{< figure bar depth=1 >}}", "there is no figure 'bar'; write report/figures/bar.py, .*: bars"),
        ("{{< figure bars >}}", r"the figure bars needs depth=\.\.\."),
        ("{{< figure bars depth=1 size=3 >}}", "takes no size=; it takes: depth, share, loud, colour, as, experiment"),
        ("{{< figure bars depth=two >}}", "bars depth=two: must be a number"),
        ("{{< figure bars depth=1 loud=yes >}}", "bars loud=yes: must be true or false"),
        ("{{< figure bars depth=1 experiment=theirs >}}", "no results of an experiment named 'theirs'; found: mine"),
        ("{{< figure broken >}}", r"the figure broken cannot be drawn \(broken\.py:2\): ZeroDivisionError"),
        ("{{< figure a_list >}}", r"the figure a_list: a_list\.py gave a Drawing whose data is a NoneType"),
        (
            "{{< figure two_bodies depth=1 >}}",
            r"the figure two_bodies_1: two_bodies\.py gave .* body is html and png, must be .* of chart, html, png$",
        ),
        ("{{< figure nothing >}}", r"nothing\.py gave a NoneType, must be a Drawing"),
    ],
)
def test_what_cannot_be_drawn_is_named_with_the_page_and_line_that_asked(project, line, says):
    with pytest.raises(RenderError, match=rf"^index\.qmd:3: .*{says}"):
        draw(project, line)


def test_two_calls_of_one_name_need_names_of_their_own(project):
    with pytest.raises(RenderError, match=r"^index\.qmd:5: bars_1 is asked for in index\.qmd:3 with other arguments"):
        draw(project, "{{< figure bars depth=1 >}}", "{{< figure bars depth=2 as=bars_1 >}}")
    assert len(draw(project, "{{< figure bars depth=1 >}}", "{{< figure bars depth=1 >}}")) == 1


def test_a_figure_in_a_block_of_code_is_none(project):
    assert draw(project, "```\n{{< figure nowhere >}}\n```", "~~~ {.text}\n```\n{{< figure nowhere >}}\n~~~") == []


@pytest.mark.parametrize(
    "code", ["- ```\n  x\n  ```", "> ~~~\n> x\n> ~~~", "1. ```python\n   x\n   ```", "``` a `b` ```"]
)
def test_code_in_a_list_a_quotation_or_a_line_hides_no_figure_behind_it(project, code):
    assert [made.name for made in draw(project, code, "{{< figure bars depth=1 >}}")] == ["bars_1"]


def test_without_an_experiment_a_figure_of_results_says_so(project):
    with pytest.raises(RenderError, match=r"^index\.qmd:3: the figure bars_1: no results .*found: mine"):
        draw(project, "{{< figure bars depth=1 >}}", results=False)
    assert draw(project, "No figure at all.", results=False) == []


def test_what_is_asked_for_no_longer_is_removed(project):
    draw(project, "{{< figure bars depth=1 >}}")
    assert (project.generated / "bars_1.md").is_file()
    draw(project, "{{< figure bars depth=2 >}}")
    assert [file.name for file in project.generated.glob("*.md")] == ["bars_2.md"]


def test_a_change_of_the_figure_or_its_helper_draws_it_again(project):
    (project.figures / "_words.py").write_text("WORD = 'one'\n")
    text = FIGURE.replace("from analysis", "from ._words import WORD\nfrom analysis").replace(
        'f"{depth', 'f"{WORD} {depth'
    )
    (project.figures / "bars.py").write_text(text)
    assert draw(project, "{{< figure bars depth=1 >}}")[0].title.startswith("one 1")
    (project.figures / "_words.py").write_text("WORD = 'another'\n")
    plugins.load(Paths(CHECKOUT))
    plugins.load(project)
    assert draw(project, "{{< figure bars depth=1 >}}")[0].title.startswith("another 1")


def test_a_module_that_is_called_as_one_of_the_tools_own_is_refused(project):
    (project.plugins / "architectures").mkdir(parents=True)
    (project.plugins / "architectures" / "topk.py").write_text("")
    with pytest.raises(ConfigError, match=re.escape("there is a topk in sae.architectures already")):
        plugins.load(project)
    (project.plugins / "architectures").rename(project.plugins / "architecture")
    with pytest.raises(NotFoundError, match="folder of plugins"):
        plugins.load(project)


def test_calls_stand_on_their_values_alone():
    assert Asked("a", (), "a").options(lambda results: None) == {}


def test_a_figure_that_is_no_python_is_one_line_with_its_file_and_line(project):
    (project.figures / "bars.py").write_text(FIGURE + "\n\ndef broken(:\n")
    line = FIGURE.count("\n") + 3
    with pytest.raises(RenderError, match=rf"^index\.qmd:3: the figure bars_1: .*report/figures/bars\.py:{line}: "):
        draw(project, "{{< figure bars depth=1 >}}")
    (project.figures / "bars.py").write_text("import nowhere_at_all\n" + FIGURE)
    with pytest.raises(RenderError, match=r"bars\.py:1: cannot be imported: ModuleNotFoundError: .*nowhere_at_all"):
        draw(project, "{{< figure bars depth=1 >}}")


def test_what_goes_on_while_figures_are_written_draws_the_new_one(project):
    assert draw(project, "{{< figure bars depth=1 >}}")[0].title == "1 0.5 False 'teal'"
    (project.figures / "bars.py").write_text(FIGURE.replace("title=said", 'title="new " + said'))
    plugins.forget(project)
    assert draw(project, "{{< figure bars depth=1 >}}")[0].title == "new 1 0.5 False 'teal'"


def test_a_project_may_keep_no_logs(project):
    assert logs_of(project) == []
    project.logs.mkdir()
    assert logs_of(project) == [project.logs]


SETS = """from analysis.figures.drawing import Drawing
from sae.errors import DataError


def bars(results, *, set_name: str = "", images: bool = False, broken: bool = False) -> Drawing:
    if broken:
        raise DataError("there is nothing to see")
    html = f'<div class="digits wide {set_name}"><i></i></div>' if images else "<p>theirs</p>"
    rows = results.values("selectivity")
    return Drawing(kind="tbl", title=f"T {set_name}", caption="C.", alt="A.", data=rows, html=html)
"""


def test_images_of_a_second_experiment_need_a_style_that_says_where_they_are_cut_from(project):
    (project.figures / "bars.py").write_text(SETS)
    write_results(project.collected / "theirs", "theirs", {"b": ("", 0, 1.0)})
    assert draw(project, "{{< figure bars images=true >}}")[0].title == "T "
    for _ in range(2):  # drawn, and as it was kept
        with pytest.raises(
            RenderError, match=r"^index\.qmd:3: .*images of theirs, which no style sheet in report know"
        ):
            draw(project, "{{< figure bars images=true experiment=theirs >}}")
    (project.report / "sets.css").write_text(".digits.theirs i { background-image: url(x.webp); }")
    assert draw(project, "{{< figure bars images=true experiment=theirs >}}")[0].title == "T theirs"


def test_what_shows_no_image_of_a_second_experiment_needs_no_style(project):
    (project.figures / "bars.py").write_text(SETS)
    write_results(project.collected / "theirs", "theirs", {"b": ("", 0, 1.0)})
    assert draw(project, "{{< figure bars experiment=theirs >}}")[0].title == "T theirs"


def test_what_cannot_be_drawn_says_why_before_a_style_is_asked_for(project):
    (project.figures / "bars.py").write_text(SETS)
    write_results(project.collected / "theirs", "theirs", {"b": ("", 0, 1.0)})
    with pytest.raises(RenderError, match=r"^index\.qmd:3: the figure bars_.*: there is nothing to see$"):
        draw(project, "{{< figure bars images=true broken=true experiment=theirs >}}")


CHARTS = """import altair as alt
import pandas as pd

from analysis.figures.drawing import Drawing


def bars(results, *, measure: str = "selectivity", kind: str = "latents"):
    rows = pd.concat([results.values(name, kind) for name in ("selectivity", measure)])
    return Drawing(title="T", caption="C.", alt="A.", data=rows, chart=alt.Chart(rows).mark_bar().encode(y="value:Q"))
"""


@pytest.mark.parametrize(
    ("rest", "says"),
    [
        (
            "measure=selectivty",
            r"the figure bars_selectivty: no measure of mine named 'selectivty'; found: selectivity",
        ),
        ("kind=stairs", r"its data have no rows.*the kinds latents, and the measures selectivity$"),
    ],
)
def test_a_chart_of_what_is_not_measured_is_refused_with_what_is(project, rest, says):
    (project.figures / "bars.py").write_text(CHARTS)
    plugins.forget(project)
    with pytest.raises(RenderError, match=rf"^index\.qmd:3: .*{says}"):
        draw(project, f"{{{{< figure bars {rest} >}}}}")
    # what could have been measured, and was not, is a gap
    assert draw(project, "{{< figure bars measure=host_accuracy >}}")[0].title == "T"

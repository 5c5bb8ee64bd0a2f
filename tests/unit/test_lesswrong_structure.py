"""Where things stand in a post: in which list, cell, heading, quotation and order. Whatever is moved is told."""

from __future__ import annotations

import re

import pytest
from lesswrong_project import Made, compose_all, make_site

from analysis.site.lesswrong import lints
from analysis.site.lesswrong.dialect import markdown
from analysis.site.lesswrong.events import Event, misplaced
from analysis.site.lesswrong.rich import rich
from analysis.site.lesswrong.round_trip import lost, lost_in_markdown
from analysis.site.pandoc import convert
from analysis.site.source import load_source

PAGE = r"""---
title: All of it
---

## Lists and levels {#lists}

Opening words.

3. third
4. fourth
   - bullet
     - deeper bullet

     12. twelfth
   - other bullet
5. fifth

### Below one

Words of $a_1$ and $b_2$ here.

#### Below two

> Quoted words.
>
> - quoted item

After the quotation.

::: {.callout-tip title="Boxed"}
Box words.

    four spaces
      and six
:::

## Marks {#marks}

Early[^e] word, late[^l] word.

[^l]: The later note.
[^e]: The earlier note.

$$ u $$ {#eq-u}

$$ v $$ {#eq-v}

## Pictures {#pictures}

![First words](a.png){#fig-one fig-alt="Red one"}

![Second words](b.svg){#fig-two fig-alt="Blue two"}

[![Linked words](a.png){#fig-three fig-alt="Red three"}](https://example.org)

[![Loose words](a.png){fig-alt="Red four"}](https://example.org)

## Tables {#tables}

```{=html}
<table data-quarto-disable-processing="true"><thead>
<tr><th rowspan="2">group</th><th rowspan="2">depth</th><th colspan="2">share</th><th>size</th></tr>
<tr><th>low</th><th>high</th><th>n</th></tr>
</thead><tbody>
<tr><th scope="rowgroup" colspan="5">all of them</th></tr>
<tr><td rowspan="3">tower</td><td>d1</td><td>1.5</td><td>2.5</td><td>10</td></tr>
<tr><td>d2</td><td colspan="2">none seen</td><td rowspan="2">20</td></tr>
<tr><td>d3</td><td>3.5</td><td>4.5</td></tr>
<tr><td>floor</td><td>d4</td><td>5.5</td></tr>
</tbody><tfoot><tr><td>sum</td><td>d5</td><td>6.5</td><td>7.5</td><td>30</td></tr></tfoot></table>
```

| left | right |
|:--|--:|
| x1 | 8.5 |
| x2 | 9.5 |

## Boxes {#boxes}

::: {.panel-tabset}
### Tab one

::: {.panel-tabset}
#### Inner one

Pane words.

#### Inner two

More pane words.
:::

### Tab two

Last pane words.
:::

::: {#thm-t name="Of it"}
Theorem words.
:::

```{.python #lst-l lst-cap="Listed words" filename="f.py"}
def f():
    return 1
```

```{.python .cell-code code-fold="true" code-summary="Folded"}
x = 1
```

![Light words](a.png){.light-content fig-alt="Light"}

![Dark words](a.png){.dark-content fig-alt="Dark"}

Term
:   Meaning.
"""
TABLE = '<table data-quarto-disable-processing="true">'
SECTIONS = ("lists", "marks", "pictures", "tables", "boxes")


def of_table(rows: str) -> str:
    """A page that holds a table of raw HTML."""
    return f"---\ntitle: T\n---\n\n## S\n\n```{{=html}}\n{TABLE}{rows}</table>\n```\n"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Made]:
    return compose_all(make_site(tmp_path_factory.mktemp("site"), PAGE))


@pytest.mark.parametrize("name", [*SECTIONS, "write-up"])
def test_what_stands_where_it_stood_is_no_fault(made, name):
    one = made[name]
    html = rich(one.post)
    assert one.context.problems == []
    assert lost(one.section, html) == []
    assert lints.rich_faults(html, "https://example.org/site") == []


# (section, what is exchanged in the export, what of it is told)
MOVED = {
    "numbering starts elsewhere": ("lists", '<ol start="3">', "<ol>", "in 3. stand now in 1.: third"),
    "inner numbering": ("lists", '<ol start="12">', '<ol start="1">', "twelfth"),
    "bullets for numbers": ("lists", '<ol start="3">(.*)</ol>', r"<ul>\1</ul>", "in 3. stand now in -1"),
    "an item out of its list": ("lists", "<li>other bullet</li></ul>", "</ul><p>other bullet</p>", "other bullet"),
    "an item one level up": (
        "lists", "<ul><li>deeper bullet(.*?)</li></ul></li>", r"</li><li>deeper bullet\1</li>", "deeper bullet"
    ),
    "items turned round": ("lists", "third(.*)fifth", r"fifth\1third", "third"),
    "a heading of another level": ("lists", "<h2>(Below one)</h2>", r"<h3>\1</h3>", "in h2 stand now in h3: Below one"),
    "a heading that is none": ("lists", "<h3>(Below two)</h3>", r"<p>\1</p>", "in h3 stand now in the text"),
    "headings turned round": ("lists", "Below one(.*)Below two", r"Below two\1Below one", "Below"),
    "formulas turned round": ("lists", r"a_1(.*)b_2", r"b_2\1a_1", "a formula in the text stand in another order"),
    "out of a quotation": ("lists", "<blockquote><p>Quoted words.</p>", "<p>Quoted words.</p><blockquote>", "in quote"),
    "into a quotation": ("lists", "</blockquote>\n<p>After(.*?)</p>", r"<p>After\1</p></blockquote>", "After the quot"),
    "out of a box": ("lists", "<p>Box words.</p>(.*)</blockquote>", r"\1</blockquote><p>Box words.</p>", "Box words"),
    "code loses its indentation": ("lists", "  and six", "and six", "code gets lost"),
    "paragraphs turned round": ("lists", "Opening words(.*)After the quotation", r"After the quotation\1Opening words",
                                "Opening words|After"),
    "notes turned round": ("marks", "The earlier(.*)The later", r"The later\1The earlier",
                           "in note 1 stand now in note 2"),
    "a mark elsewhere": ("marks", "(Early)(<span.*?</span>)( word.*?</p>)", r"\1\3\2", "note 1 stand now in note 2"),
    "numbers of formulas": ("marks", r"tag\{1\}(.*)tag\{2\}", r"tag{2}\1tag{1}", "formula"),
    "captions turned round": ("pictures", "First words(.*)Second words", r"Second words\1First words", "words"),
    "pictures turned round": ("pictures", "Red one(.*)Blue two", r"Blue two\1Red one", "an alternative text"),
    "columns turned round": ("tables", "<td>1.5</td><td>2.5</td>", "<td>2.5</td><td>1.5</td>", "1.5"),
    "rows turned round": ("tables", "<td>d2</td>(.*)<td>d3</td>", r"<td>d3</td>\1<td>d2</td>", "d2"),
    "a cell is not repeated": ("tables", "<td>tower</td><td>d3</td>", "<td></td><td>d3</td>", "tower"),
    "a row slips to the left": ("tables", "<td>tower</td><td>d2</td>", "<td>d2</td>", "d2"),
    "heads turned round": ("tables", "<th>group</th><th>depth</th>", "<th>depth</th><th>group</th>", "cell 0,1"),
    "a head loses its group": ("tables", "<th>share: high</th>", "<th>high</th>", "share"),
    "cells of a pipe table": ("tables", "<td>8.5</td>(.*)<td>9.5</td>", r"<td>9.5</td>\1<td>8.5</td>", "8.5"),
    "a pane out of its tab": ("boxes", "<p>Pane words.</p>(.*)", r"\1<p>Pane words.</p>", "Pane words"),
    "titles of tabs": ("boxes", "Inner one(.*)Inner two", r"Inner two\1Inner one", "Inner"),
}  # fmt: skip


@pytest.mark.parametrize(("name", "old", "new", "told"), MOVED.values(), ids=list(MOVED))
def test_what_is_moved_is_told(made, name, old, new, told):
    one = made[name]
    html = rich(one.post)
    moved = re.sub(old, new, html, count=1, flags=re.S)
    assert moved != html
    faults = lost(one.section, moved)
    assert any(re.search(told, fault) for fault in faults), faults


def test_markdown_that_keeps_all_is_no_fault(made):
    one = made["write-up"]
    assert lost_in_markdown(one.section, markdown(one.post, github=True)) == []


@pytest.mark.parametrize(
    ("name", "old", "new", "told"),
    [
        ("lists", "3. third", "4. third", "words in 3. stand now in 4.: third"),
        ("lists", "### Below two", "## Below two", "words in h3 stand now in h2: Below two"),
        ("lists", "> - quoted item", "\n- quoted item", "words in quote, -1 stand now in -1: quoted item"),
        ("lists", "Opening words.", "", "words lost: Opening words."),
        ("lists", "four spaces", " four spaces", "code lost"),
        ("tables", "| tower | d2 |", "| | d2 |", "words in cell 3,1 stand"),
        ("pictures", "Red one", "Blue two", "an alternative text"),
        ("marks", "[^1]: ", "[^2]: ", "note"),
    ],
)
def test_markdown_keeps_places_too(made, name, old, new, told):
    one = made[name]
    text = markdown(one.post, github=True)
    moved = text.replace(old, new, 1)
    assert moved != text
    assert any(told in fault for fault in lost_in_markdown(one.section, moved))


def test_a_cell_over_several_rows_or_columns_stands_in_each_of_them(made):
    html = rich(made["tables"].post)
    head = "<th>group</th><th>depth</th><th>share: low</th><th>share: high</th><th>size: n</th>"
    rows = [
        ["all of them", "", "", "", ""],
        ["tower", "d1", "1.5", "2.5", "10"],
        ["tower", "d2", "none seen", "none seen", "20"],
        ["tower", "d3", "3.5", "4.5", "20"],
        ["floor", "d4", "5.5", "", ""],
        ["sum", "d5", "6.5", "7.5", "30"],
    ]
    assert head in html
    for row in rows:
        cells = "".join(f"<td>{cell}</td>" for cell in row).replace(
            "<td>all of them</td>", "<td><strong>all of them</strong></td>"
        )
        assert f"<tr>{cells}</tr>" in html
    assert "| tower | d3 | 3.5 | 4.5 | 20 |" in markdown(made["tables"].post)


@pytest.mark.parametrize(
    ("cells", "row"),
    [
        ('<tr><td rowspan="0">a</td><td>b</td></tr><tr><td>c</td></tr>', "<td>a</td><td>c</td>"),
        ('<tr><td rowspan="x">a</td><td>b</td></tr><tr><td>c</td></tr>', "<td>c</td><td></td>"),
        ('<tr><td rowspan=" +02.9">a</td><td>b</td></tr><tr><td>c</td></tr>', "<td>a</td><td>c</td>"),
        ('<tr><td rowspan="2 of 3">a</td><td>b</td></tr><tr><td>c</td></tr>', "<td>a</td><td>c</td>"),
        ('<tr><td rowspan="-2">a</td><td>b</td></tr><tr><td>c</td></tr>', "<td>c</td><td></td>"),
        ('<tr><td colspan="0">a</td><td>b</td></tr>', "<td>a</td><td>b</td>"),
        ('<tr><td>a</td><td rowspan="9">b</td></tr><tr><td>c</td></tr>', "<td>c</td><td>b</td>"),
        ('<tr><td>a</td><td>b</td><td rowspan="2">c</td></tr><tr><td>d</td></tr>', "<td>d</td><td></td><td>c</td>"),
    ],
)
def test_spans_are_read_as_a_browser_reads_them(tmp_path, cells, row):
    page = of_table(cells)
    one = compose_all(make_site(tmp_path / "p", page), "s")["s"]
    assert row in rich(one.post) and lost(one.section, rich(one.post)) == []


def test_cells_that_overlap_are_refused(tmp_path):
    rows = '<tr><td>a</td><td rowspan="2">b</td></tr><tr><td colspan="2">c</td></tr>'
    page = of_table(rows)
    one = compose_all(make_site(tmp_path / "p", page), "s")["s"]
    assert one.context.problems == ["cells of a table overlap at 'c': it spans too much"]


def test_lists_in_a_row_stay_apart_in_markdown(tmp_path):
    lists = "- a\n\n<!-- -->\n\n- b\n\n<!-- -->\n\n- c\n\n1. d\n\n<!-- -->\n\n1. e\n"
    one = compose_all(make_site(tmp_path / "p", f"---\ntitle: T\n---\n\n## S\n\n{lists}"), "s")["s"]
    for github in (False, True):
        assert "- a\n\n* b\n\n- c\n\n1. d\n\n1) e\n" in markdown(one.post, github)
    assert lost_in_markdown(one.section, markdown(one.post, github=True)) == []


def test_a_table_within_a_table_is_refused(tmp_path):
    inner = f"{TABLE}<tr><td>x</td></tr></table>"
    page = of_table(f"<tr><td>{inner}</td></tr>")
    one = compose_all(make_site(tmp_path / "p", page), "s")["s"]
    assert any("a table within a cell" in problem for problem in one.context.problems)


def test_what_is_for_the_dark_theme_or_another_format_is_not_in_a_post(made):
    html = rich(made["boxes"].post)
    assert "Light words" in html and "Dark" not in html
    assert html.count("Pane words.") == 1  # tabs within tabs, each pane once
    assert "<p><strong>Listing\xa01: Listed words</strong></p>\n<p><strong>f.py</strong></p>\n<pre" in html
    assert "<strong>Theorem\xa01 (Of it)</strong> Theorem words." in html


def test_what_stands_behind_a_picture_is_read_after_it_and_no_picture_twice(tmp_path):
    svg = '<svg class="{}" aria-label="{}" viewBox="0 0 9 9" width="9" height="9"><path d="M0,0h9"/></svg>'
    drawn = svg.format("for-pages", "Wide") + svg.format("for-phones", "Narrow")
    html = f"<p>Before it.</p><div>{drawn}</div><details><summary>The answer</summary><p>It is B.</p></details>"
    figure = f"::: {{#fig-q fig-alt='Which?'}}\n\n```{{=html}}\n{html}\n```\n\nThe caption.\n\n:::\n"
    one = compose_all(make_site(tmp_path / "p", f"---\ntitle: T\n---\n\n## S\n\n{figure}"), "s")["s"]
    post = rich(one.post)
    places = [post.index(text) for text in ("Before it.", "<img", "The caption.", "It is B.")]
    assert places == sorted(places) and post.count("<img") == 1 and "Narrow" not in post
    assert one.context.problems == [] and lost(one.section, post) == []


def test_what_only_a_page_can_do_is_not_in_a_post_nor_is_what_held_nothing_else(tmp_path):
    body = (
        "One. [Press it.]{.page-only} Two.\n\n[All of it.]{.page-only}\n\n- kept\n- [whole item]{.page-only}\n\n"
        "3. [first]{.page-only}\n4. [second]{.page-only}\n\n::: {.page-only}\nA block, 7 of it.\n:::\n\nEnd[^n].\n\n"
        "[^n]: A note. [Tap here.]{.page-only}\n"
    )
    paths = make_site(tmp_path, f"---\ntitle: T\n---\n\n## S\n\n{body}")
    made = compose_all(paths)["s"]
    html = rich(made.post)
    assert re.search(r"<p>One. Two.</p>\s*<ul>\s*<li>(<p>)?kept(</p>)?</li>\s*</ul>\s*<p>End<", html)
    assert not re.search("Press|All of it|whole item|first|second|A block|Tap", html)
    assert lost(made.section, html) == []
    page = convert(load_source(paths.root, "index.qmd", {}), {}, paths.root, 3).body
    assert "Press it." in page and "whole item" in page and "A block" in page


def test_headings_that_give_one_name_or_a_long_one_are_posts_each(tmp_path):
    long = "word " * 80
    heads = ["Привет", "Мир", long, long, "x_y", "x-y"]
    page = "---\ntitle: T\n---\n" + "".join(f"\n## {head}\n\nWords.\n" for head in heads)
    slugs = list(compose_all(make_site(tmp_path / "p", page)))
    assert len(slugs) == 7 and all(len(slug) <= 80 for slug in slugs)


def test_order_is_free_within_a_group_only():
    one, two = Event("words", (), "first"), Event("words", (), "second")
    assert misplaced([[one, two]], [two, one]) == []
    assert misplaced([[one], [two]], [two, one]) == ["words in the text stand in another order: second"]
    assert misplaced([[one]], [Event("words", ("quote",), "first")]) == ["words in the text stand now in quote: first"]

"""The command `strata lesswrong`."""

from __future__ import annotations

from typing import Annotated

import typer

from analysis.plan import paths as project

app = typer.Typer()


@app.command()
def lesswrong(
    sections: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[SECTION]...",
            help="a section of the write-up, page.qmd or page.qmd#section; if not given the write-up, the answers and "
            "the notebooks",
        ),
    ] = None,
    site_url: Annotated[
        str, typer.Option(help="where the site is published; site-url of _quarto.yml if not given")
    ] = "",
    target: Annotated[str, typer.Option(help="lesswrong, alignmentforum, or markdown as on GitHub")] = "lesswrong",
    widgets: Annotated[bool, typer.Option("--widgets", help="live charts in place of pictures of them")] = False,
    post: Annotated[bool, typer.Option("--post", help="one post, which report/_post.qmd holds")] = False,
) -> None:
    """Export sections as posts for LessWrong or the Alignment Forum, ready to be pasted, and the pages as whole posts.

    Reads the pages, report/_generated and report/assets/generated (strata build makes both), and looks up anchors in
    _site; writes lesswrong/SECTION.html with a button to copy, SECTION.md, img/*.png and index.html, the checklist, and
    the pictures into _site/lesswrong where there is a _site. A fault in any section leaves what was there.
    """  # fmt: skip
    from analysis.site.lesswrong.kit import export

    paths = project.find()
    done = export(paths, sections or [], site_url, target, widgets, post)
    for told in done.posts:
        numbers = "" if told.numbers is None else f", numbers in its prose: {told.numbers}"
        print(f"{told.post.slug}: {told.words} words, pictures: {len(told.pictures)}{numbers}")
    print(f"{done.files} files; begin with {paths.relative(done.folder / 'index.html')}")
    if done.beside:
        print(f"the pictures are in {paths.relative(paths.site)}/lesswrong too: publish the site, then paste")

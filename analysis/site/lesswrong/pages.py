"""The two kinds of pages of an export: one to copy a post from, and the checklist. Neither asks another host."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from analysis.site.lesswrong.nodes import Post
from analysis.site.lesswrong.rich import rich

ASSETS = Path(__file__).parent / "assets"
MARK = '<meta name="generator" content="strata lesswrong">'
# How fast people read such texts, in words a minute.
PACE = 250
SITES = {"lesswrong": "LessWrong", "alignmentforum": "the Alignment Forum", "markdown": "GitHub-flavoured Markdown"}


@dataclass(frozen=True)
class Told:
    """What the checklist tells of a post."""

    post: Post
    words: int
    pictures: tuple[tuple[str, int], ...]
    """Files of pictures with their bytes."""
    checked: int
    """How many links into the site were followed."""
    outside: tuple[str, ...]
    """Links to other hosts, which nobody followed."""
    drafted: tuple[str, ...]
    widgets: int
    numbers: int | None = None
    """In the prose, where they were counted."""

    @property
    def minutes(self) -> int:
        """Reading time."""
        return max(1, round(self.words / PACE))


def _page(title: str, body: str, script: str = "") -> str:
    css = (ASSETS / "kit.css").read_text(encoding="utf-8")
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n<meta name="robots" content="noindex">\n'
        f"{MARK}\n<title>{escape(title)}</title>\n<style>\n{css}</style>\n</head>\n<body>\n{body}\n{script}</body>\n</html>\n"
    )


def copy_page(post: Post, html: str, markdown: str, target: str, base: str) -> str:
    """A preview of the post with buttons that put it on the clipboard."""
    site = SITES[target]
    data = json.dumps({"title": post.title, "html": html, "markdown": markdown}).replace("<", "\\u003c")
    # the preview shows the pictures that lie beside it, since nothing is published yet, and has none of the editor's
    # roles, which are not those of its elements
    preview = rich(post, live=False).replace(f'src="{base}/lesswrong/img/', 'src="img/')
    preview = re.sub(r' role="doc-\w+"', "", preview)
    script = (ASSETS / "copy.js").read_text(encoding="utf-8")
    body = (
        '<header class="bar"><div class="buttons">'
        '<button type="button" data-copy="title" disabled>Copy title</button>'
        f'<button type="button" class="first" data-copy="post" disabled>Copy for {site}</button>'
        '<button type="button" data-copy="markdown" disabled>Copy Markdown</button>'
        '<a href="index.html">Checklist</a></div>'
        '<p id="status" role="status">Publish the site first: the post shows its pictures from there.</p></header>\n'
        f'<main>\n<h1>{escape(post.title)}</h1>\n<div id="preview">\n{preview}</div>\n</main>'
    )
    return _page(
        post.title, body,
        f'<script type="application/json" id="post">{data}</script>\n<script>\n{script}</script>\n',
    )  # fmt: skip


def checklist(told: Sequence[Told], target: str, base: str, beside: bool) -> str:
    """What to do before and after pasting, and what is known of every post."""
    site = SITES[target]
    steps = [_publish(base, beside)]
    if target == "markdown":
        steps.append("Take the <code>.md</code> files. Their pictures stay on the site.")
    else:
        steps += _pasting(told, site)
    items = "".join(f"<li>{step}</li>" for step in steps)
    posts = "\n".join(_told(one, target) for one in told)
    body = (
        f"<main>\n<h1>Before you post on {escape(site)}</h1>\n<ol>{items}</ol>\n<h2>Posts</h2>\n"
        f'<p class="small">Reading time at {PACE} words a minute. Links into the site were followed; those to other '
        f"hosts were not.</p>\n{posts}\n</main>"
    )
    return _page(f"Before you post on {site}", body)


def _publish(base: str, beside: bool) -> str:
    where = (
        "they lie in <code>_site/lesswrong</code> already, until the site is rendered again"
        if beside
        else "put the folder <code>lesswrong</code> into the rendered site"
    )
    return (
        f"<b>Publish the site first, then paste.</b> A post takes its pictures from <code>{escape(base)}/lesswrong/img"
        f"</code>; {where}. Open one picture there before you go on."
    )


def _pasting(told: Sequence[Told], site: str) -> list[str]:
    count = sum(len(one.pictures) for one in told)
    begin = (
        f"On {site} begin a post in the default editor. On the page of the section: <i>Copy title</i>, into the "
        f"title's field; <i>Copy for {site}</i>, into the text. If you have chosen the Markdown editor: <i>Copy "
        "Markdown</i>."
    )
    save = (
        "Save the draft and look at it. All pictures are copied to the host of the post when it is saved "
        f"({count} in this export, listed below): a missing one was not published."
    )
    check = "Check one formula, one footnote and its way back, one table, whatever opens and closes."
    drafted = (
        "Text that a language model drafted stands in a block that names the model. Leave it there: the site's rules "
        f"ask for it. {_drafted(told)}"
    )
    return [begin, save, check, drafted]


def _drafted(told: Sequence[Told]) -> str:
    marked = [f"{escape(one.post.title)} ({escape(', '.join(one.drafted))})" for one in told if one.drafted]
    return f"Here: {'; '.join(marked)}." if marked else "In this export nothing is marked as such."


def _many(count: int, name: str) -> str:
    return f"{count:,} {name}{'s' * (count != 1)}"


def _told(one: Told, target: str) -> str:
    name = f"{one.post.slug}.{'md' if target == 'markdown' else 'html'}"
    facts = [_many(one.words, "word"), f"{_many(one.minutes, 'minute')} to read"]
    facts += [f"{_many(one.numbers, 'number')} in its prose"] if one.numbers is not None else []
    facts += [_many(count, name) for count, name in (
        (len(one.pictures), "picture"), (one.widgets, "live chart"), (len(one.post.notes), "footnote"),
    ) if count]  # fmt: skip
    facts += [f"{_many(one.checked, 'link')} into the site checked"] if one.checked else []
    parts = [f'<p>{", ".join(facts)}. Source: <a href="{escape(one.post.url)}">{escape(one.post.page)}</a>.</p>']
    if one.post.remarks:
        parts.append("<ul>" + "".join(f"<li>{escape(remark)}</li>" for remark in one.post.remarks) + "</ul>")
    if one.pictures:
        shown = "".join(
            f'<li><img src="{escape(file)}" alt="" loading="lazy">{escape(Path(file).name)}, {size // 1000:,} KB</li>'
            for file, size in one.pictures
        )
        word = "to stay on the site" if target == "markdown" else "to be copied to the host of the post"
        parts.append(f"<details><summary>{_many(len(one.pictures), 'picture')}: {word}</summary>"
                     f'<ul class="pictures">{shown}</ul></details>')  # fmt: skip
    if one.outside:
        links = "".join(f'<li><a href="{escape(link)}">{escape(link)}</a></li>' for link in one.outside)
        parts.append(
            f"<details><summary>{_many(len(one.outside), 'link')} to open by hand</summary><ul>{links}</ul></details>"
        )
    head = f'<h2><a href="{escape(name)}">{escape(one.post.title)}</a></h2>'
    return f'<section class="post">{head}{"".join(parts)}</section>'

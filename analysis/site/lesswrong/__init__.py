"""Sections of the pages as posts for LessWrong and the Alignment Forum, from the tree that the site is made of.

In order of processing:

    sections    a page's tree, cut; `captions` cuts those of the one post, `context` is what the next steps share
    compose     tree to `nodes`: by `inlines`, `fragments` (raw HTML, read by `markup`), `floats`, `tables`, `addresses`
    pictures, grids, widgets, canvas   what a paste cannot hold, as one PNG or one small frame
    figures     those as nodes
    rich, dialect   nodes to HTML and Markdown
    limits      how much the one post may hold             lints       what would break in a paste
    wanted, page_html, reader, events, round_trip   what would be lost: source and export, both read again
    kit         the files, called by `names`, with the `pages` that one copies from

What it promises stands in docs/posts.md.
"""

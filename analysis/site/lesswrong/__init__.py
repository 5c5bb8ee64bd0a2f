"""Sections of the pages as posts for LessWrong and the Alignment Forum, from the tree that the site is made of.

In processing order: `sections` (a page's tree, cut), `compose`, `inlines` and `fragments` (tree -> nodes), `pictures`,
`grids` and `widgets` (what a paste cannot hold, as one PNG or one small frame), `figures` (those as nodes), `rich` and
`dialect` (nodes -> HTML and Markdown), `lints`, `reader` and `round_trip` (what would be lost), `kit` (files).
"""

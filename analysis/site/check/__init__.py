"""Checks on a rendered site: `strata check`.

    folder      the site as it lies on the disk: pages, ids, where an address leads, how many bytes a file weighs
    static      all that needs nothing but that folder: the next two lines, with `css` and `findings`
    addresses   links, anchors, files, other hosts        markup      titles, headings, labels, ids
    listings    feed and sitemap                          agreement   policy, own addresses, a search that is there
    validity    HTML, by npm's html-validate (`node_tools` installs it)
    server      the site as a browser gets it
    browser     one page in chromium, and what is wrong with it
    visits      every page at two widths in two schemes, and without scripts
    keyboard    a walk through the site without a mouse
    budgets     how heavy pages and site may be           lighthouse  scores, when asked for
    survey      all of these on one folder                printed     what was found, as text and JSON
    for_quarto  what real Quarto would stumble over, told without it

Nothing in here knows which renderer wrote the pages: what it checks is what a reader gets.
"""

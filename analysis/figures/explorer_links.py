"""Ways from a figure to single latents in the explorer, on whatever page of a project that stands."""

from __future__ import annotations

import re

USUAL = "/report/explorer.qmd"
"""The page that figures write of."""
OWN = "site"
"""The folder of the site's own experiment among the explorer's, whatever its name."""
LEADS = "; leads to the explorer"
_LINK = re.compile(rf'<a href="{re.escape(USUAL)}#([^"]*)">(.*?)</a>', re.S)


def latent_address(depth: int | str, latent: int | str, set_name: str = "") -> str:
    """The address of a latent, as an attribute holds it; `set_name` of an experiment that is not the site's own."""
    return f"{USUAL}#depth={depth}&amp;latent={latent}" + (f"&amp;set={set_name}" if set_name else "")


def led(html: str, page: str) -> str:
    """A figure's HTML with its ways to the explorer leading to `page`; without them where no page has an explorer."""
    if page == USUAL:
        return html
    if page:
        return _LINK.sub(lambda link: f'<a href="{page}#{link[1]}">{link[2]}</a>', html)
    return _LINK.sub(lambda link: link[2], html).replace(LEADS, "")

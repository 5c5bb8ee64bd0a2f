"""The page of language with a model that was given, as files that any server can hand out."""

from __future__ import annotations

import shutil

from tests_root import CHECKOUT

from analysis.pages.language import part_of
from analysis.run.web_language import export

# What a page of the site has, and nothing inline may run: the page's own scripts are modules of the site.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "font-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'"
)


def language_site(given, folder):
    """Writes `report/language-live.html` and what it loads below `folder`."""
    assets = folder / "report/assets"
    export(given, assets / "generated/language")
    return around(assets / "generated/language", folder)


def around(live, folder):
    """The page around an export that is there."""
    assets = folder / "report/assets"
    shutil.copytree(CHECKOUT / "report/assets/language", assets / "language", dirs_exist_ok=True)
    shutil.copytree(CHECKOUT / "report/assets/fonts", assets / "fonts", dirs_exist_ok=True)
    for name in ("tensors.js", "theme.css", "shell.css"):
        shutil.copyfile(CHECKOUT / "report/assets" / name, assets / name)
    if live != assets / "generated/language":
        shutil.copytree(live, assets / "generated/language", dirs_exist_ok=True)
    part = part_of(assets / "generated/language").removeprefix("```{=html}\n").removesuffix("```\n")
    styles = "".join(f'<link rel="stylesheet" href="assets/{name}.css">' for name in ("theme", "shell"))
    part = part.replace("/report/assets", "assets")
    (folder / "report/language-live.html").write_text(
        f'<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>Union</title>'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">{styles}</head>'
        f'<body><main class="content" id="quarto-document-content"><h1>Union</h1>{part}</main></body></html>'
    )
    return folder

"""A new project: what `strata new` writes. Nothing that is there is ever overwritten."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from analysis.plan import shipped
from analysis.plan.paths import MARK
from sae.errors import ConfigError, NotFoundError

COMMON = "common"
# What a template leaves open: {{ title }}, {{ day }}. Double braces with spaces stand in none of the files otherwise.
_GAP = re.compile(r"\{\{ (title|day) \}\}")
_TEXTS = {".qmd", ".md", ".yml", ".toml", ".py"}
# Settings and the heads of pages are YAML, where the title stands between double quotes; a page's title and what stands
# in a Markdown file is Markdown. (Of Quarto the name of the site in the menu is Markdown, too, but not in the head.)
_YAML = {".qmd", ".yml"}
_MARKDOWN = {".qmd", ".md"}
# What begins something in a line of Markdown: signs that do so anywhere, two hyphens or three dots, which would become
# one sign, and at the beginning of the line what begins a list, a heading, a quotation or a div.
_MARKUP = re.compile(r"[\\`*_$#\[\]<>@^~&{}|]|-(?=-)|(?<=-)-|\.(?=\.\.)|^[-+:=!(%]")
_NUMBER_OF_LIST = re.compile(r"^(\w+)(?=[.)](?:\s|$))")
_SHORTCODE = "{{<"
# A file that git or a package manager would take for its own has another name in the tool.
_NAMES = {"gitignore": ".gitignore"}


@dataclass(frozen=True)
class Written:
    """What became of the files of a new project."""

    new: tuple[str, ...]
    kept: tuple[str, ...]
    """Were there, with other content."""


def template_names() -> list[str]:
    """The templates that can be asked for."""
    return [name for name in shipped.templates() if name != COMMON]


def write_project(
    folder: Path, template: str, *, here: bool = False, title: str = "", day: date | None = None
) -> Written:
    """Write a project into `folder`, which must be new or empty; with `here` beside what lies there.

    Raises NotFoundError for a template that is not there, ConfigError for a folder that is not empty or a project, and
    for a title that is no line of text.
    """
    if template not in template_names():
        raise NotFoundError("template", template, template_names())
    if folder.exists() and not folder.is_dir():
        raise ConfigError(f"{folder} is a file: name a folder")
    if not here and folder.is_dir() and any(folder.iterdir()):
        raise ConfigError(f"{folder} is not empty: name a new folder, or write beside what is there with --here")
    if here and (folder / MARK).exists():
        raise ConfigError(f"{folder} has a {MARK}: it is a project already")
    name = title or folder.resolve().name.replace("-", " ").replace("_", " ").capitalize()
    if not name.isprintable() or not name.strip():
        raise ConfigError(f"the title {name!r} must be one line of text, without characters that steer")
    if _SHORTCODE in name:
        raise ConfigError(f"the title {name!r} has {_SHORTCODE}, with which a shortcode begins: leave it out")
    said = {"title": name.strip(), "day": (day or date.today()).isoformat()}
    new, kept = [], []
    for source, target in _files(template):
        place = folder / target
        content = source.read_bytes()
        if source.suffix in _TEXTS or not source.suffix:
            content = _filled(content.decode("utf-8"), said, source.suffix).encode()
        if place.exists():
            if place.read_bytes() != content:
                kept.append(target)
            continue
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
        shutil.copymode(source, place)
        new.append(target)
    return Written(tuple(new), tuple(kept))


def _filled(text: str, said: dict[str, str], suffix: str) -> str:
    """A file of a template with what it leaves open, as files of its kind write it."""

    def written(match: re.Match[str]) -> str:
        value = said[match[1]]
        if match[1] == "title" and suffix in _MARKDOWN:
            value = _NUMBER_OF_LIST.sub(r"\1\\", _MARKUP.sub(r"\\\g<0>", value))
        return value.replace("\\", "\\\\").replace('"', '\\"') if suffix in _YAML else value

    return _GAP.sub(written, text)


def _files(template: str) -> Iterator[tuple[Path, str]]:
    """Every file of a template, and where it stands in a project; the template's own before the common ones."""
    places = [
        (shipped.templates()[template], ""), (shipped.templates()[COMMON], ""),
        (shipped.theme(), "report/assets/"), (shipped.extension(), "_extensions/strata/"),
    ]  # fmt: skip
    seen = set()
    for folder, below in places:
        for source in sorted(folder.rglob("*")):
            inside = source.relative_to(folder)
            if not source.is_file() or inside.parts[0] == "generated" or "__pycache__" in inside.parts:
                continue
            target = below + inside.with_name(_NAMES.get(inside.name, inside.name)).as_posix()
            if target not in seen:
                seen.add(target)
                yield source, target
    yield from ((source, f"report/{source.name}") for source in shipped.hooks())

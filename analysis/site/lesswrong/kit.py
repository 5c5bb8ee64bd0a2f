"""Writes an export: a page and a Markdown file for each section, the pictures, the checklist. All of it or nothing."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from analysis.plan.paths import Paths
from analysis.site.lesswrong import compose, dialect, limits, lints, pages, round_trip, sections
from analysis.site.lesswrong.addresses import Addresses
from analysis.site.lesswrong.context import Context
from analysis.site.lesswrong.nodes import Post
from analysis.site.lesswrong.pages import SITES, Told
from analysis.site.lesswrong.pictures import Pictures
from analysis.site.lesswrong.reader import read
from analysis.site.lesswrong.rich import rich
from analysis.site.project import Project, load_project
from sae.errors import ConfigError, NotFoundError, RenderError

FOLDER = "lesswrong"


@dataclass(frozen=True)
class Exported:
    """What an export wrote."""

    folder: Path
    posts: tuple[Told, ...]
    files: int
    seconds: float
    beside: bool
    """Whether the pictures were put into the rendered site too."""


def export(
    paths: Paths, asked: Sequence[str] = (), site_url: str = "", target: str = "lesswrong", live: bool = False,
    post: bool = False,
) -> Exported:  # fmt: skip
    """Export sections of the pages, or the project's one post, into `lesswrong/`. A failure leaves what was there.

    Raises RenderError with every fault of every section, NotFoundError for a section or a target that is not there,
    ConfigError for sections that are asked for beside the post.
    """
    begun = time.perf_counter()
    if target not in SITES:
        raise NotFoundError("target", target, list(SITES))
    if live and target == "markdown":
        raise ConfigError("--widgets: Markdown cannot hold live charts")
    if post and asked:
        raise ConfigError(f"--post makes one post of {sections.POST}; leave out {', '.join(asked)}")
    project = load_project(paths.root)
    base = _base(project, site_url)
    pictures = Pictures(project.root, base)
    files: dict[str, bytes] = {}
    told: list[Told] = []
    faults: list[str] = []
    for section in [sections.one_post(project)] if post else sections.choose(project, list(asked)):
        addresses = Addresses(project, base, paths.site)
        context = Context(section, addresses, pictures, live)
        made = compose.post(context)
        html, text = rich(made), dialect.markdown(made, target == "markdown")
        wrong = [*context.problems, *_faults(html, text, base, target), *round_trip.lost(section, html)]
        wrong += round_trip.lost_in_markdown(section, text) if target == "markdown" else []
        if above := compose.belongs(context):
            alone = replace(made, blocks=above, notes=())
            wrong += _faults(rich(alone), dialect.markdown(alone), base, target)
            made = replace(made, blocks=(*above, *made.blocks))
            html, text = rich(made), dialect.markdown(made, target == "markdown")
        wrong += [f"the link {link}: {why}" for link, why in addresses.checked.items() if why]
        counted = limits.Counted.of(rich(made, live=False)) if post else None
        wrong += limits.excess(section, counted) if counted else []
        faults += [f"{context.path}, section {section.slug}: {fault}" for fault in dict.fromkeys(wrong)]
        files[f"{made.slug}.md"] = text.encode()
        if target != "markdown":
            files[f"{made.slug}.html"] = pages.copy_page(made, html, text, target, base).encode()
        told.append(_told(made, html, base, pictures, len(addresses.checked), counted.numbers if counted else None))
    faults += [f"picture {fault}" for fault in lints.picture_faults(pictures.files)]
    if faults:
        raise RenderError(f"{len(faults)} faults, nothing was written:\n  " + "\n  ".join(faults))
    beside = paths.site.is_dir()
    files |= pictures.files
    files["index.html"] = pages.checklist(told, target, base, beside).encode()
    folder = paths.lesswrong
    _guard(folder)
    _replace(folder, files)
    if beside:
        _replace(paths.site / paths.lesswrong.name, pictures.files)
    return Exported(folder, tuple(told), len(files), time.perf_counter() - begun, beside)


def _base(project: Project, site_url: str) -> str:
    base = (site_url or str(project.site.get("site-url", ""))).rstrip("/")
    if not base.startswith(("https://", "http://")):
        raise ConfigError(f"--site-url: {base or 'nothing'!r} is no address; pages link to where the site is published")
    return base


def _faults(html: str, text: str, base: str, target: str) -> list[str]:
    return [*lints.rich_faults(html, base), *lints.markdown_faults(text, base, target == "markdown")]


def _told(post: Post, html: str, base: str, pictures: Pictures, checked: int, numbers: int | None) -> Told:
    left = read(html)
    names = [image.removeprefix(f"{base}/{FOLDER}/") for image in dict.fromkeys(left.images)]
    outside = dict.fromkeys(link for link in left.links if not link.startswith((base, "#")))
    return Told(
        post, left.words, tuple((name, len(pictures.files[name])) for name in names if name in pictures.files),
        checked, tuple(outside), tuple(dict.fromkeys(left.drafted)), left.widgets, numbers,
    )  # fmt: skip


def _guard(folder: Path) -> None:
    """Only what an export wrote is replaced by one."""
    index = folder / "index.html"
    ours = index.is_file() and pages.MARK in index.read_text(encoding="utf-8")
    if folder.exists() and any(folder.iterdir()) and not ours:
        raise ConfigError(f"{folder.name}/ holds files that no export wrote; move them away")


def _replace(folder: Path, files: dict[str, bytes]) -> None:
    """Put a folder with these files in the place of what is there, in one rename."""
    fresh = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    old = Path(tempfile.mkdtemp(prefix=f".{folder.name}-old-", dir=folder.parent))
    try:
        for name, data in files.items():
            (fresh / name).parent.mkdir(parents=True, exist_ok=True)
            (fresh / name).write_bytes(data)
        fresh.chmod(0o755)
        if folder.exists():
            folder.rename(old / folder.name)
        try:
            fresh.rename(folder)
        except OSError:
            if (old / folder.name).exists():
                (old / folder.name).rename(folder)
            raise
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)
